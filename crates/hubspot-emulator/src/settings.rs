//! How an account behaves: limits, lags, clock, and the beliefs about HubSpot that can be switched.

use std::time::Duration;

use chrono::TimeDelta;

/// How an account behaves. Every account has its own; [`crate::Account::set_settings`] changes them while it runs.
///
/// ```
/// use hubspot_emulator::{Limits, Settings};
/// use std::time::Duration;
///
/// let settings = Settings {
///     limits: Limits::PRO,
///     index_lag: Some((Duration::from_secs(3), Duration::from_secs(7))),
///     ..Settings::default()
/// };
/// # let _ = settings;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each switches one behaviour")]
pub struct Settings {
    /// What is answered with 429. Off by default.
    pub limits: Limits,
    /// How much later than its change an entry of the search index appears: a random time between these two, for each change,
    /// so that entries come late and out of order. `None`, the default: at once.
    pub index_lag: Option<(Duration, Duration)>,
    /// How long an answer takes, from the arrival of the request to the answer. Zero by default.
    pub latency: Duration,
    /// Whether a later object has a higher id. HubSpot doesn't promise it. `true` by default.
    pub ids_in_order: bool,
    /// HubSpot's clock less this machine's, in the `Date` header and in all timestamps. Moving it ahead lets time pass at once: windows of limits, index
    /// lags and tokens follow this clock. Moving it back only makes it stand still, for it never runs backwards. Zero by default.
    pub clock_offset: TimeDelta,
    /// Seeds index lags, ids, noise and random faults. Read when an account starts; 0 by default.
    pub seed: u64,
    /// Faults that come at random.
    pub fault_rates: FaultRates,
    /// How long an OAuth access token lives. 30 minutes by default, as HubSpot's.
    pub token_lifetime: Duration,
    /// Whether one input with an unknown or read-only property, an unknown option or a duplicate fails its whole batch with 400 or 409, nothing of it being
    /// written. `true` by default, as other connectors have seen it. `false`: such an input is one of the batch's errors, the others are written.
    pub whole_batch_failures: bool,
    /// Whether a merge makes a new object with a new id instead of keeping the primary one's (both have been seen). `false` by default.
    pub merge_mints_id: bool,
    /// Whether the object that a merge swallows is in the archived list. Believed; `true` by default.
    pub merged_are_archived: bool,
    /// How many associations of an object come at once; more of them have pages of their own. 500 by default, which is believed.
    pub association_page: usize,
    /// Whether former values of properties are kept for `propertiesWithHistory`: the 20 newest of each. Without them it shows the present value alone.
    /// `true` by default. Only what is changed while it is `true` has a history.
    pub history: bool,
    /// Whether asking for a property that isn't defined is a 400 that names it. `false`, the default: it is left out silently, as it has been seen.
    pub unknown_properties_fail: bool,
    /// Whether the cursors of lists and of associations are tokens that are no ids, and a bare id as `after` is a 400. `false`, the default: the last id,
    /// as it has been seen.
    pub opaque_cursors: bool,
    /// Whether the errors of a batch that writes associations name the pairs that they are about, as `fromObjectId` and `toObjectId`. Believed, from what a batch
    /// read does; `true` by default. `false`: only what else an error has tells what it is about.
    pub association_errors_name_pairs: bool,
    /// Whether an upsert by a contact's `email` has to have `email` among its properties too, being refused without. HubSpot's guide says that `email` allows no
    /// partial upserts, not how it notices one. `false` by default.
    pub email_upserts_are_whole: bool,
    /// The share of searches whose answer has one object from just outside the range that was asked for, from 0 to 1: times are rounded, and objects are
    /// edited during a search. The object takes the place of the page's last one if the page is full; that one comes with the next page. 0 by default.
    pub search_noise: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::Off,
            index_lag: None,
            latency: Duration::ZERO,
            ids_in_order: true,
            clock_offset: TimeDelta::zero(),
            seed: 0,
            fault_rates: FaultRates::default(),
            token_lifetime: Duration::from_mins(30),
            whole_batch_failures: true,
            merge_mints_id: false,
            merged_are_archived: true,
            association_page: 500,
            history: true,
            unknown_properties_fail: false,
            opaque_cursors: false,
            association_errors_name_pairs: true,
            email_upserts_are_whole: false,
            search_noise: 0.0,
        }
    }
}

/// HubSpot's limits on requests (<https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// None.
    #[default]
    Off,
    /// A rolling window of ten seconds, one of a second for search, and a day.
    TenSecondly {
        /// Requests in ten seconds, search not counted.
        per_10s: u32,
        /// Searches in a second.
        search_per_s: u32,
        /// Requests in a day of HubSpot's clock (UTC), search included.
        daily: u32,
    },
}

impl Limits {
    /// A private app or service key of a Free or Starter account.
    pub const FREE: Self = Self::TenSecondly { per_10s: 100, search_per_s: 5, daily: 250_000 };
    /// A private app or service key of a Professional account.
    pub const PRO: Self = Self::TenSecondly { per_10s: 190, search_per_s: 5, daily: 650_000 };
}

/// Faults that come at random: each is the share of requests that it strikes, from 0 to 1. All 0 by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultRates {
    /// Answered with 502 and an HTML page; nothing was done.
    pub server_error: f64,
    /// The connection is dropped; nothing was done.
    pub reset: f64,
    /// The request is done, then the connection is dropped.
    pub lost_reply: f64,
    /// Answered with 429 of the rolling window, whatever the limits.
    pub rate_limited: f64,
}
