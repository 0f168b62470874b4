//! What the client has done so far, as counters.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters since the client was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests sent over the wire: retries, and refreshes of the OAuth token, included.
    pub requests: u64,
    /// Requests that were sent again, for whatever reason.
    pub retries: u64,
    /// Answers with status 429.
    pub rate_limited: u64,
    /// OAuth access tokens that were fetched.
    pub token_refreshes: u64,
    /// Calls a day that the account has, from HubSpot's last header.
    pub daily_limit: Option<u64>,
    /// Calls that are left of them, from HubSpot's last header.
    pub daily_remaining: Option<u64>,
}

/// How much of HubSpot's limits is left: what its answers' headers told, and what was sent since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// Requests that the app may send an interval; `None` until an answer has told. Searches count apart.
    pub per_interval: Option<u32>,
    /// The interval: ten seconds, unless HubSpot says otherwise.
    pub interval: Duration,
    /// Requests that may go at once before HubSpot's limit is met: what is left beside this client's own requests, and those of others
    /// as far as the last answer tells of them.
    pub remaining: Option<u32>,
    /// Calls a day that the account has, from HubSpot's last header.
    pub daily_limit: Option<u64>,
    /// Calls that are left of them, from HubSpot's last header.
    pub daily_remaining: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) rate_limited: AtomicU64,
    pub(crate) token_refreshes: AtomicU64,
    /// Plus one; 0 is unknown.
    daily_limit: AtomicU64,
    daily_remaining: AtomicU64,
}

impl Counters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_daily(&self, limit: Option<u64>, remaining: Option<u64>) {
        for (counter, value) in [(&self.daily_limit, limit), (&self.daily_remaining, remaining)] {
            if let Some(value) = value {
                counter.store(value.saturating_add(1), Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn read(&self) -> Stats {
        Stats {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            rate_limited: self.rate_limited.load(Ordering::Relaxed),
            token_refreshes: self.token_refreshes.load(Ordering::Relaxed),
            daily_limit: self.daily_limit.load(Ordering::Relaxed).checked_sub(1),
            daily_remaining: self.daily_remaining.load(Ordering::Relaxed).checked_sub(1),
        }
    }
}
