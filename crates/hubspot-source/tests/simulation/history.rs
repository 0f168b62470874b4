//! What happens, as a seed has it.

use fastrand::Rng;
use hubspot_source::engine::Options;
use hubspot_source::item::Millis;
use hubspot_source::{Properties, Values};

/// What kind of history a seed stands for.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// Whether what is there at first is delivered.
    pub(crate) snapshot: bool,
    /// Objects that are there before the reader starts.
    pub(crate) initial: usize,
    /// Changes made while it reads.
    pub(crate) changes: usize,
    /// On average so many milliseconds between two changes.
    pub(crate) pace: u64,
    /// Objects that share one millisecond, in each burst.
    pub(crate) ties: usize,
    /// So many bursts.
    pub(crate) bursts: usize,
    /// An index entry appears at most so much later than its change, and a deletion in the list of archived objects.
    pub(crate) index_lag: Millis,
    /// What the reader believes of that.
    pub(crate) lag: Millis,
    pub(crate) polling_period: Millis,
    pub(crate) deletes_interval: Millis,
    pub(crate) page_size: u32,
    /// The reader's clock less HubSpot's, until it is killed.
    pub(crate) clock_offset: Millis,
    /// So many requests of a snapshot may be under way at once.
    pub(crate) room: usize,
    /// From one request in the background to the next.
    pub(crate) background_pause: Millis,
    /// Cursors of lists aren't ids.
    pub(crate) opaque: bool,
    /// Searches return rows from just outside what was asked for.
    pub(crate) noise: bool,
    /// Some merges make a new object of both.
    pub(crate) merges_mint: bool,
    /// What was merged away is in the list of archived objects.
    pub(crate) merged_are_archived: bool,
    /// One in so many requests is the reader's last.
    pub(crate) kill: usize,
}

impl History {
    pub(crate) fn of_seed(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x005e_ed0f_4157);
        let many_ties = seed % 10 == 3;
        let dense = seed % 5 == 1;
        let lag = [2_000, 10_000, 40_000][rng.usize(..3)];
        Self {
            snapshot: true,
            initial: rng.usize(..if seed.is_multiple_of(4) { 1_000 } else { 200 }),
            changes: if dense { rng.usize(600..2_000) } else { rng.usize(20..400) },
            pace: if dense { rng.u64(5..40) } else { rng.u64(20..1_000) },
            ties: if many_ties { 5_000 } else { rng.usize(2..450) },
            bursts: if many_ties { 1 } else { rng.usize(..3) },
            index_lag: if rng.bool() { lag } else { rng.i64(0..=lag) },
            lag,
            polling_period: rng.i64(500..5_000),
            deletes_interval: rng.i64(3_000..20_000),
            page_size: if many_ties { 100 } else { rng.u32(5..=100) },
            clock_offset: rng.i64(-3 * 86_400_000..3 * 86_400_000),
            room: rng.usize(1..6),
            background_pause: rng.i64(0..500),
            opaque: seed % 7 == 5,
            noise: rng.bool(),
            merges_mint: rng.bool(),
            merged_are_archived: rng.bool(),
            kill: if many_ties { rng.usize(60..200) } else { rng.usize(8..80) },
        }
    }

    /// The same history for a reader that begins without a snapshot.
    pub(crate) fn without_snapshot(self) -> Self {
        Self { snapshot: false, ..self }
    }

    /// The same history for a reader that is never killed.
    pub(crate) fn without_kills(self) -> Self {
        Self { kill: usize::MAX, ..self }
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            page_size: self.page_size,
            properties: Properties::Default,
            extra_properties: Vec::new(),
            values: Values::Strings,
            history: false,
            associations: Vec::new(),
            snapshot: self.snapshot,
            polling_period: self.polling_period,
            lag: self.lag,
            deletes_interval: self.deletes_interval,
            deletes_payload: false,
            audit_interval: None,
            calculated_interval: None,
            associations_interval: None,
            directory_interval: self.deletes_interval,
            directory_ids: 200,
            background_pause: self.background_pause,
        }
    }
}
