//! How an engine reads.

use hubspot_client::LIST_LIMIT;

use crate::item::Millis;
use crate::payload::selection::Properties;

/// How the engine reads; all durations in milliseconds. See [`Config`](crate::Config) for the meanings and defaults.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are Config's")]
pub struct Options {
    pub page_size: u32,
    pub properties: Properties,
    pub extra_properties: Vec<String>,
    pub values: Values,
    pub history: bool,
    pub associations: Vec<String>,
    pub snapshot: bool,
    pub polling_period: Millis,
    pub lag: Millis,
    pub deletes_interval: Millis,
    pub deletes_payload: bool,
    pub audit_interval: Option<Millis>,
    pub calculated_interval: Option<Millis>,
    pub associations_interval: Option<Millis>,
    pub directory_interval: Millis,
    /// So many bytes of ids the cursor of a directory carries at most.
    pub directory_ids: usize,
    /// From one request in the background (sweep, census) to the next: what keeps them within their part of the quota.
    pub background_pause: Millis,
}

/// How property values are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// As HubSpot sends them: strings.
    #[default]
    Strings,
    /// By their properties' definitions: numbers, booleans, lists.
    Typed,
}

impl Options {
    pub(crate) fn cms_page(&self) -> u32 {
        self.page_size.min(LIST_LIMIT)
    }
}
