//! What the destination does.

use conduit_connector_sdk::Parameters;

use super::ConnectionConfig;

/// The parameters of the destination.
#[derive(Debug, Parameters)]
pub struct DestinationConfig {
    /// How HubSpot is reached.
    #[parameter(flatten)]
    pub connection: ConnectionConfig,
    /// The HubSpot resource to write, such as `crm.contacts`, or `crm.objects.cars` of custom objects; docs/resources.md lists
    /// all, and what can be written.
    #[parameter(name = "resource", required)]
    pub resource: String,
    /// How many requests may be under way at once.
    #[parameter(name = "maxInFlight", default = "8", greater_than = "0", less_than = "65")]
    pub max_in_flight: u32,
}
