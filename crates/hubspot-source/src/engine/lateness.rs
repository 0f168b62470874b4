//! How late HubSpot's search index is, as it shows itself.

use crate::item::Millis;

/// What is forgotten: what was late so long ago says nothing of today, in milliseconds.
const MEMORY: Millis = 3_600_000;

/// The measured lateness of rows: how long after its change a row was first seen, where a read of the same ground had not
/// shown it before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// How many rows were late since the stream was opened.
    pub rows: u64,
    /// How late the latest was, in milliseconds, of those in the last hour or two before the last one; at most what passed until it
    /// was looked for again.
    pub most: Millis,
    /// The most of the hour before that began at `since`.
    before: Millis,
    since: Option<Millis>,
}

impl Lateness {
    /// Notes a row that was `late` when it was seen, at `hub` of HubSpot's clock.
    pub(crate) fn note(&mut self, late: Millis, hub: Millis) {
        self.rows += 1;
        if self.since.is_none_or(|since| hub - since > MEMORY) {
            self.most = self.before;
            self.before = 0;
            self.since = Some(hub);
        }
        self.before = self.before.max(late);
        self.most = self.most.max(late);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_row_is_remembered_for_an_hour_and_forgotten_in_time() {
        let mut lateness = Lateness::default();
        lateness.note(9_000, 0);
        lateness.note(2_000, 10);
        assert_eq!((lateness.rows, lateness.most), (2, 9_000));
        lateness.note(1_000, MEMORY + 1);
        assert_eq!(lateness.most, 9_000, "the hour before");
        lateness.note(500, 2 * MEMORY + 2);
        assert_eq!((lateness.rows, lateness.most), (4, 1_000));
    }
}
