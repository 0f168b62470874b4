//! What can be set for writing into one resource.

use hubspot_catalog::Resource;

/// How one resource is written. [`Config::new`] has the defaults.
///
/// ```
/// let mut config = hubspot_destination::Config::new(hubspot_catalog::find("crm.contacts")?);
/// config.max_in_flight = 4;
/// # Ok::<(), hubspot_catalog::UnknownResource>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The resource to write into.
    pub resource: &'static Resource,
    /// How many calls may be under way at once; 0 counts as 1. Default 8. HubSpot's quota is the client's affair: this only
    /// bounds how much waits there.
    pub max_in_flight: usize,
}

impl Config {
    /// Writes into `resource` with the defaults.
    pub fn new(resource: &'static Resource) -> Self {
        Self { resource, max_in_flight: 8 }
    }
}
