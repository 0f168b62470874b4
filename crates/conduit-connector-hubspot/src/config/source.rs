//! What the source reads, and how.

use std::time::Duration;

use conduit_connector_sdk::Parameters;

use super::ConnectionConfig;

/// The parameters of the source.
#[derive(Debug, Parameters)]
pub struct SourceConfig {
    /// How HubSpot is reached.
    #[parameter(flatten)]
    pub connection: ConnectionConfig,
    /// The HubSpot resources to read: a [`hubspot_catalog::Selection`].
    #[parameter(name = "resource", required, description = hubspot_catalog::RESOURCES_HELP)]
    pub resource: Vec<String>,
    /// What happens when HubSpot forbids reading some of the resources: `fail` stops the source with an error that names the
    /// missing scopes, `skip` leaves these resources out with a warning in the log until the source is started again.
    #[parameter(name = "onForbidden", default = "fail", inclusion = "fail,skip")]
    pub on_forbidden: String,
    /// How long to wait before asking HubSpot again when there is nothing new, at least `100ms`. It never slows down
    /// reading.
    #[parameter(name = "pollingPeriod", default = "5s")]
    pub polling_period: Duration,
    /// How many objects are asked for in one page of a list, from 1 to 100.
    #[parameter(name = "bufferSize", default = "100", greater_than = "0", less_than = "101")]
    pub buffer_size: u32,
    /// Which properties of CRM objects to read, separated by commas: `default` (those that HubSpot sends unasked), `all`,
    /// names, globs such as `hs_*`, and exclusions such as `!hs_analytics_*`.
    #[parameter(name = "properties", default = "default")]
    pub properties: String,
    /// The names of properties to read in addition to those of `properties`, separated by commas. Those that an object does
    /// not have are left out.
    #[parameter(name = "extraProperties")]
    pub extra_properties: String,
    /// How the values of CRM properties are delivered: `strings` as HubSpot sends them, or `typed` as numbers, booleans, dates
    /// and lists by the properties' definitions, and empty ones as null.
    #[parameter(name = "values", default = "strings", inclusion = "strings,typed")]
    pub values: String,
    /// Whether updates of CRM objects say what was there before: `none`, or `history` for a `payload.before` made of HubSpot's
    /// history of the properties.
    #[parameter(name = "before", default = "none", inclusion = "none,history")]
    pub before: String,
    /// The CRM object types whose associations are delivered inside each CRM object, separated by commas: HubSpot's name
    /// (`companies`, `line_items`), the resource (`crm.lineItems`, `lineItems`), or the object type id; custom objects as `crm.objects.cars` or
    /// `2-123`. No globs.
    #[parameter(name = "associations")]
    pub associations: Vec<String>,
    /// How often the associations of all CRM objects are read again, because HubSpot doesn't call an object changed when only
    /// its associations are. `0s` is never, else at least `1s`, and longer where that takes more than a fifth of HubSpot's quota;
    /// needs `associations`.
    #[parameter(name = "associations.refresh", default = "0s")]
    pub associations_refresh: Duration,
    /// How often the properties of all CRM objects are read again, because HubSpot doesn't call an object changed when only
    /// its calculated properties are. `0s` is never, else at least `1s`.
    #[parameter(name = "refresh.calculated", default = "0s")]
    pub calculated_refresh: Duration,
    /// How often all CRM objects of HubSpot's are compared with what was delivered; what is missing is delivered then. `0s` is
    /// never, else at least `1s`.
    #[parameter(name = "audit.interval", default = "0s")]
    pub audit_interval: Duration,
    /// Whether to read all that is there before following changes. Without it, the source starts with what changes from now on.
    #[parameter(name = "snapshot", default = "true")]
    pub snapshot: bool,
    /// How late HubSpot's search index may show a change without it being lost: the window that is looked at again. Also
    /// about the most that a restart of a stream that has caught up repeats. `0s` turns it off.
    #[parameter(name = "cdc.settleLag", default = "10m")]
    pub settle_lag: Duration,
    /// How often HubSpot's list of archived objects is read for deletions, and owners, pipelines and stages for changes: from
    /// `100ms` to `2160h`, because HubSpot lists what was archived for 90 days.
    #[parameter(name = "deletes.interval", default = "1m")]
    pub deletes_interval: Duration,
    /// Whether a deletion of a CRM object has the object in `payload.before`, as HubSpot's archive keeps it.
    #[parameter(name = "deletes.payload", default = "false")]
    pub deletes_payload: bool,
}
