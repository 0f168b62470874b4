//! What can be set for reading.

use std::time::Duration;

use hubspot_catalog::{Kind, Resource};

use crate::engine::{Options, Values};
use crate::payload::selection::Properties;

/// So many bytes of ids the cursor of one directory carries at most.
const DIRECTORY_IDS: usize = 200;

/// And those of all directories together: a position shall not grow with their number.
const DIRECTORIES_IDS: usize = 1_200;

/// How resources are read. [`Config::new`] has the defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The resources to read.
    pub resources: Vec<&'static Resource>,
    /// What happens when HubSpot forbids reading one of them. Default: the source fails.
    pub on_forbidden: OnForbidden,
    /// Objects per page of the list endpoints, 1 to 100. Default 100.
    pub page_size: u32,
    /// Which CRM properties are read. Default: those that HubSpot sends unasked.
    pub properties: Properties,
    /// CRM properties to read beside these. Default none; names that HubSpot doesn't know it ignores, or, where definitions are
    /// read, they are left out. A warning names those that none of the resources has.
    pub extra_properties: Vec<String>,
    /// How the values of CRM properties are delivered. Default: as HubSpot sends them.
    pub values: Values,
    /// Whether an update of a CRM object has the object as it was before, by its properties' history; one request more for
    /// 50 updates. Default false.
    pub before: bool,
    /// The object types whose associations with a CRM object are delivered inside it, as they stand in HubSpot's paths; one
    /// request more for a page and type. Default none.
    pub associations: Vec<String>,
    /// How often the associations of all CRM objects are read again: HubSpot moves no changed-time with them. Default never.
    pub associations_refresh: Option<Duration>,
    /// How often the properties of all CRM objects are read again: HubSpot moves no changed-time with calculated ones.
    /// Default never.
    pub calculated_refresh: Option<Duration>,
    /// How often all CRM objects are compared with what was delivered. Default never.
    pub audit_interval: Option<Duration>,
    /// Whether to deliver what is there before following changes. Default true.
    pub snapshot: bool,
    /// The pause between two polls when there is nothing new. Default 5 s.
    pub polling_period: Duration,
    /// How late a change may appear in HubSpot's search index, or a deletion in its list of archived objects, and still be
    /// delivered. Default 10 minutes. It is about the most that a restart of a stream that has caught up repeats (the
    /// [crate docs](crate#what-a-restart-repeats) have the exceptions), and what is remembered: some 80 bytes for each
    /// object that changed within it. Zero looks back at nothing.
    pub lag: Duration,
    /// How often the list of archived objects is read for deletions, from the start of one reading to that of the next.
    /// Default 1 minute. All that is read in the background (this, and what is refreshed and audited) takes at most a fifth
    /// of HubSpot's quota, whatever the intervals.
    ///
    /// Of a resource that doesn't say when objects were deleted (`cms.urlRedirects`) all that the list has is remembered:
    /// some 40 to 80 bytes for each archived object, half as much again while the list is read.
    pub deletes_interval: Duration,
    /// Whether a deletion has the object as HubSpot's archive has it; one request more for 100 deletions. Default false.
    pub deletes_payload: bool,
}

/// What happens when HubSpot forbids reading a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnForbidden {
    /// The source fails, and says which scope is missing.
    #[default]
    Fail,
    /// The resource is left out, with a warning that says which scope is missing; the others go on.
    Skip,
}

impl Config {
    /// Reads these resources with the defaults.
    pub fn new(resources: impl IntoIterator<Item = &'static Resource>) -> Self {
        Self {
            resources: resources.into_iter().collect(),
            on_forbidden: OnForbidden::Fail,
            page_size: 100,
            properties: Properties::Default,
            extra_properties: Vec::new(),
            values: Values::Strings,
            before: false,
            associations: Vec::new(),
            associations_refresh: None,
            calculated_refresh: None,
            audit_interval: None,
            snapshot: true,
            polling_period: Duration::from_secs(5),
            lag: Duration::from_mins(10),
            deletes_interval: Duration::from_mins(1),
            deletes_payload: false,
        }
    }

    fn directories(&self) -> usize {
        self.resources.iter().filter(|resource| matches!(resource.kind, Kind::Directory(_))).count()
    }

    /// The same as the engines take it. Values out of bounds are brought into them: the caller has validated what a
    /// person wrote.
    pub(crate) fn options(&self) -> Options {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 4);
        Options {
            page_size: self.page_size.clamp(1, 100),
            properties: self.properties.clone(),
            extra_properties: self.extra_properties.clone(),
            values: self.values,
            history: self.before,
            associations: self.associations.clone(),
            snapshot: self.snapshot,
            polling_period: millis(self.polling_period),
            lag: millis(self.lag),
            deletes_interval: millis(self.deletes_interval),
            deletes_payload: self.deletes_payload,
            audit_interval: self.audit_interval.map(millis),
            calculated_interval: self.calculated_refresh.map(millis),
            associations_interval: self.associations_refresh.map(millis),
            directory_interval: millis(self.deletes_interval.max(self.polling_period)),
            directory_ids: DIRECTORY_IDS.min(DIRECTORIES_IDS / self.directories().max(1)),
            background_pause: 0,
        }
    }
}
