//! What can be set for writing.

mod choice;
mod id_properties;

use hubspot_catalog::Resource;

pub use choice::{Associations, Deletes, Mode, OnMissing, ReadOnly, Unknown, UnknownChoice};
pub use id_properties::{IdProperties, IdPropertiesError};

use crate::routing::Routing;

/// How records are written. [`Config::new`] has the defaults.
///
/// ```
/// use hubspot_destination::{Config, Mode, Routing};
///
/// let mut config = Config::new(Routing::parse("crm.contacts", "")?);
/// config.mode = Mode::Upsert;
/// config.id_properties = "email".parse()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Which resource each record goes to.
    pub routing: Routing,
    /// What a record's operation becomes. Default [`Mode::Auto`].
    pub mode: Mode,
    /// The unique properties that objects are identified by, instead of HubSpot's ids. Default: none, except that upserting contacts takes
    /// `email`.
    pub id_properties: IdProperties,
    /// The payload's field that holds HubSpot's id of the object, instead of the key. Default: none.
    pub id_field: Option<String>,
    /// What a delete becomes. Default [`Deletes::Archive`].
    pub deletes: Deletes,
    /// What is done when the object of an update or a delete isn't there. Default [`OnMissing::Error`].
    pub on_missing: OnMissing,
    /// Changes of one object in one batch are merged into one. Default `false`.
    pub coalesce: bool,
    /// What happens to the values of properties that HubSpot lets nobody write. Default [`ReadOnly::Drop`].
    pub read_only: ReadOnly,
    /// What happens to the values of properties that the object type doesn't have. Default [`Unknown::Error`].
    pub unknown: Unknown,
    /// Properties that the object type doesn't have are made. Default `false`.
    pub create_properties: bool,
    /// The property that carries the source's id of an object: what the key holds. Default: none.
    pub source_id: Option<SourceId>,
    /// What happens to associations in payloads. Default [`Associations::Write`].
    pub associations: Associations,
    /// HubDB tables are published after they were changed. Default `true`; with `false` changes stay in the draft.
    pub hubdb_publish: bool,
    /// How many calls may be under way at once; 0 counts as 1. Default 8. HubSpot's quota is the client's affair: this only
    /// bounds how much waits there.
    pub max_in_flight: usize,
}

/// A unique property that carries the source's id of each object, so that copies are found again: see [`Config::source_id`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceId {
    /// The property's name, the same for all object types.
    pub property: String,
    /// It is made where it is missing.
    pub create: bool,
}

impl Config {
    /// Writes where `routing` says, with the defaults.
    pub fn new(routing: Routing) -> Self {
        Self {
            routing,
            mode: Mode::default(),
            id_properties: IdProperties::default(),
            id_field: None,
            deletes: Deletes::default(),
            on_missing: OnMissing::default(),
            coalesce: false,
            read_only: ReadOnly::default(),
            unknown: Unknown::default(),
            create_properties: false,
            source_id: None,
            associations: Associations::default(),
            hubdb_publish: true,
            max_in_flight: 8,
        }
    }

    /// Writes everything into one resource, with the defaults.
    pub fn for_resource(resource: &'static Resource) -> Self {
        Self::new(Routing::fixed(resource))
    }
}
