//! What goes on beside the changes: the sweep of archived objects, and the census.
//!
//! Both read long lists, one page at a time and with a pause between two, so that together they take no more than their
//! part of HubSpot's quota; when both are under way they take turns.

use super::census::Census;
use super::sweep::Deletions;
use crate::item::Millis;

/// What there is to do in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A page of the archived objects.
    Sweep,
    /// A page of the census.
    Census,
    /// Nothing before this instant of the caller's clock.
    At(Millis),
}

/// Whose turn it is, and when.
#[derive(Debug)]
pub(super) struct Background {
    /// From one request to the next.
    pub(super) pause: Millis,
    /// When the next request may be made, by the caller's clock.
    due: Millis,
    /// Whether the sweep had the last one.
    swept_last: bool,
    /// Whether the census has been told where following begins.
    is_counted: bool,
}

impl Default for Background {
    fn default() -> Self {
        Self { pause: 0, due: Millis::MIN, swept_last: false, is_counted: false }
    }
}

impl Background {
    /// What to do at `now` of the caller's clock, if it has its turn. `hub` is HubSpot's clock; all changes before `settled`
    /// have been delivered.
    pub(super) fn next(
        &mut self,
        now: Millis,
        hub: Option<Millis>,
        settled: Millis,
        deletions: &mut Deletions,
        census: Option<&mut Census>,
        has_turn: bool,
    ) -> Work {
        deletions.begin(now);
        let sweeps = deletions.sweep.is_some();
        let mut due = if sweeps { Millis::MAX } else { deletions.due };
        let mut counts = false;
        if let (Some(census), Some(hub)) = (census, hub) {
            if !std::mem::replace(&mut self.is_counted, true) {
                census.follow(settled, now);
            }
            if census.due().is_some_and(|due| now >= due) {
                census.begin(now, hub, settled);
            }
            counts = census.is_under_way();
            due = due.min(census.due().unwrap_or(Millis::MAX));
        }
        let work = match (sweeps, counts) {
            (true, true) if self.swept_last => Work::Census,
            (true, _) => Work::Sweep,
            (false, true) => Work::Census,
            (false, false) => return Work::At(due),
        };
        if now < self.due || !has_turn {
            return Work::At(due.min(self.due));
        }
        self.due = now + self.pause;
        self.swept_last = work == Work::Sweep;
        work
    }
}
