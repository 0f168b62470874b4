//! What the destination writes, and how.

use conduit_connector_sdk::Parameters;

use super::ConnectionConfig;

/// The parameters of the destination. How they go together, and what the engine gets of them, is in [`crate::writing`].
#[derive(Debug, Parameters)]
#[expect(clippy::struct_excessive_bools, reason = "they are parameters")]
pub struct DestinationConfig {
    /// How HubSpot is reached.
    #[parameter(flatten)]
    pub connection: ConnectionConfig,
    /// The HubSpot resource to write, such as `crm.contacts`, or `crm.objects.cars` of custom objects; docs/resources.md lists
    /// all, and what can be written. Or a template that makes the resource of each record's metadata:
    /// `{{ index .Metadata "opencdc.collection" }}`.
    #[parameter(name = "resource", required)]
    pub resource: String,
    /// Which resource is meant by what the template in `resource` makes: `people=crm.contacts, orgs=crm.companies`. What isn't in
    /// the map has to be a resource's own name.
    #[parameter(name = "resourceMap")]
    pub resource_map: String,
    /// What becomes of creates, snapshots and updates: `auto` does what the record says (with `sourceId.property` all are upserts, with an
    /// `idProperty` snapshots are), `upsert` changes the object or makes it, `update` changes objects that are there, `insert` makes a new
    /// object of each record. Deletes are the affair of `deletes`.
    #[parameter(name = "mode", default = "auto", inclusion = "auto,upsert,update,insert")]
    pub mode: String,
    /// The property by whose value objects are found, instead of HubSpot's ids; no two objects may have the same value of it. One for all
    /// resources (`email`), or one for each: `crm.contacts=email, crm.products=sku`. `mode: upsert` takes `email` for contacts by itself,
    /// and needs one for every other type.
    #[parameter(name = "idProperty")]
    pub id_property: String,
    /// The payload's field that holds HubSpot's id of the object that updates and deletes are about. Without it, the record's key is taken.
    #[parameter(name = "id.field")]
    pub id_field: String,
    /// What becomes of deletes: `archive` puts the object where it can be restored for 90 days (objects of the CMS are deleted), `gdpr`
    /// deletes contacts for good, for which HubSpot has one call each, and archives everything else, `ignore` leaves the object as it is.
    #[parameter(name = "deletes", default = "archive", inclusion = "archive,gdpr,ignore")]
    pub deletes: String,
    /// What happens when the object of an update or a delete isn't there: `error` fails the record, `ignore` lets it pass, `create` makes
    /// the object of an update, and lets deletes pass.
    #[parameter(name = "onMissing", default = "error", inclusion = "error,ignore,create")]
    pub on_missing: String,
    /// Whether changes of one object that Conduit hands over together become one write. Without it, each is written in its turn.
    #[parameter(name = "coalesce", default = "false")]
    pub coalesce: bool,
    /// What happens to values of properties that HubSpot sets itself: `drop` leaves them out, and logs each property once, `error` fails the
    /// record.
    #[parameter(name = "readOnly", default = "drop", inclusion = "drop,error")]
    pub read_only: String,
    /// What happens to values of properties that HubSpot doesn't have: `error` fails the record, and says what may have been meant, `drop`
    /// leaves them out, and logs each property once.
    #[parameter(name = "unknown", default = "error", inclusion = "error,drop")]
    pub unknown: String,
    /// Whether properties that HubSpot doesn't have are made there, with a type that fits the first values. The token needs a scope for that.
    #[parameter(name = "createProperties", default = "false")]
    pub create_properties: bool,
    /// For copies from another HubSpot account, or any other system: the property, the same for all object types, that carries the id that
    /// an object has there, which is the record's key. Objects are found by it again, and associations by the ids of that system become those of
    /// this account. No two objects may have the same value of it.
    #[parameter(name = "sourceId.property")]
    pub source_id_property: String,
    /// Whether the property of `sourceId.property` is made where an object type doesn't have it. The token needs a scope for that.
    #[parameter(name = "sourceId.create", default = "false")]
    pub source_id_create: bool,
    /// What happens to the `associations` of a payload: `write` makes them, and takes none away, `ignore` leaves them out.
    #[parameter(name = "associations", default = "write", inclusion = "write,ignore")]
    pub associations: String,
    /// Whether HubDB tables are published after they were created or changed. Otherwise what is written stays in their draft.
    #[parameter(name = "hubdb.publish", default = "true")]
    pub hubdb_publish: bool,
    /// How many requests may be under way at once, from 1 to 64. HubSpot's quota is kept whatever it says.
    #[parameter(name = "maxInFlight", default = "8", greater_than = "0", less_than = "65")]
    pub max_in_flight: u32,
}
