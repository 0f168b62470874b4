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
    /// How late a change may appear in HubSpot's search index, or a deletion in its list of archived objects, and still be
    /// delivered. Default 10 minutes. It is about the most that a restart of a stream that has caught up repeats (the
    /// [crate docs](crate#what-a-restart-repeats) have the exceptions), and what is remembered: some 80 bytes for each
    /// object that changed within it.
    pub lag: Duration,
    /// How often the list of archived objects is read for deletions, from the start of one reading to that of the next.
    /// Default 1 minute. After a reading of `n` pages there is a pause of at least `n - 1` seconds and 100 ms, so a long
    /// list, or an interval of zero, doesn't eat the quota that changes need.
    ///
    /// Of a resource that doesn't say when objects were deleted (`cms.urlRedirects`) all that the list has is remembered:
    /// some 40 to 80 bytes for each archived object, half as much again while the list is read.
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
