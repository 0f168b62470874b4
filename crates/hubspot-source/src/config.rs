//! What can be set for reading one resource.

use std::time::Duration;

use hubspot_catalog::Resource;

use crate::engine::Options;

/// How one resource is read. [`Config::new`] has the defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The resource to read.
    pub resource: &'static Resource,
    /// Objects per page of the list endpoints, 1 to 100. Default 100.
    pub page_size: u32,
    /// CRM properties to read beside the type's default ones. Default none; names that HubSpot doesn't know are ignored
    /// by it.
    pub extra_properties: Vec<String>,
    /// Whether to deliver what is there before following changes. Default true.
    pub snapshot: bool,
    /// The pause between two polls when there is nothing new. Default 5 s.
    pub polling_period: Duration,
    /// How late an entry may appear in HubSpot's search index and still be delivered. Default 10 minutes. The most that a restart
    /// repeats, and what is remembered: some 80 bytes for each object that changed within it.
    pub lag: Duration,
    /// How often the list of archived objects is read for deletions. Default 1 minute; a long list is read less often, so that it
    /// takes one request a second on average.
    pub deletes_interval: Duration,
}

impl Config {
    /// Reads `resource` with the defaults.
    pub fn new(resource: &'static Resource) -> Self {
        Self {
            resource,
            page_size: 100,
            extra_properties: Vec::new(),
            snapshot: true,
            polling_period: Duration::from_secs(5),
            lag: Duration::from_mins(10),
            deletes_interval: Duration::from_mins(1),
        }
    }

    /// The same as the engine takes it. Values out of bounds are brought into them: the caller has validated what a
    /// person wrote.
    pub(crate) fn options(&self) -> Options {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        Options {
            page_size: self.page_size.clamp(1, 100),
            extra_properties: self.extra_properties.clone(),
            snapshot: self.snapshot,
            polling_period: millis(self.polling_period),
            lag: millis(self.lag),
            deletes_interval: millis(self.deletes_interval),
        }
    }
}
