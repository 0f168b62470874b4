//! What an account was asked.

use std::collections::BTreeMap;

/// What an account was asked since it started, or since [`crate::Account::reset_counters`]. Requests to `/_emulator/` and to the OAuth token endpoint don't
/// count.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Counters {
    /// Requests with a valid token, the faulty and the limited ones included.
    pub requests: u64,
    /// The same by endpoint: the method and the path with ids replaced, such as `GET /crm/objects/2026-03/contacts/{id}`.
    pub by_endpoint: BTreeMap<String, u64>,
    /// Answered with 429, by limit or by fault.
    pub rate_limited: u64,
    /// The most requests that were accepted in any rolling window of ten seconds, search not counted; counted with limits on or off.
    pub peak_in_window: u64,
    /// The most searches that were accepted in any rolling second.
    pub peak_searches_per_second: u64,
    /// Faults that struck, on demand or at random.
    pub faults: u64,
    /// Objects that answers carried.
    pub objects: u64,
}

impl Counters {
    /// How many requests went to a kind of endpoint, over all object types and versions: those whose path contains `area` and ends with `operation`.
    ///
    /// ```
    /// # fn calls(account: &hubspot_emulator::Account) {
    /// let counters = account.counters();
    /// let (upserts, links) = (counters.calls("/objects/", "/batch/upsert"), counters.calls("/associations/", "/batch/create"));
    /// # let _ = (upserts, links);
    /// # }
    /// ```
    pub fn calls(&self, area: &str, operation: &str) -> u64 {
        let of_kind = |endpoint: &str| endpoint.contains(area) && endpoint.ends_with(operation);
        self.by_endpoint.iter().filter(|(endpoint, _)| of_kind(endpoint)).map(|(_, count)| count).sum()
    }
}
