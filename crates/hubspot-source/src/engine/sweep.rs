//! Deletions: reading the whole list of archived objects, again and again.
//!
//! HubSpot can neither search that list nor filter it by when something was archived. So a sweep reads all of it and takes
//! what was archived since a lag before the last sweep began and hasn't been taken yet: the list may show it late, as the
//! search index does. CRM objects are listed by id; CMS objects are walked along their time of creation, because page
//! cursors are offsets there: an object that is restored would let another be skipped.

use std::collections::{HashMap, HashSet};

use super::walk::Walk;
use crate::item::{ItemId, Millis};

/// How far behind a sweep's start the next one looks again at least, in milliseconds: an archived object may take a
/// moment to be listed. Usually the lag is longer.
const MARGIN: Millis = 5_000;

/// The shortest pause between two sweeps, in milliseconds: without any, an idle source would use the whole quota.
const SHORTEST_PAUSE: Millis = 100;

/// What each further page of the list adds to that pause, in milliseconds: a long list must not eat the quota that
/// changes need, nor the day's.
const PAGE_COST: Millis = 1_000;

/// One reading of the list, under way.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// CRM: the cursor of the next page.
    pub(crate) after: Option<String>,
    /// CMS: the walk along creation times.
    pub(crate) walk: Walk,
    began: Millis,
    pages: i64,
    hub: Option<Millis>,
    undated: HashSet<ItemId>,
}

/// What is known of deletions.
#[derive(Debug)]
pub(crate) struct Deletions {
    /// Every deletion before this instant has been delivered.
    pub(crate) cursor: Millis,
    /// When the next sweep is due, by the caller's clock.
    pub(crate) due: Millis,
    /// The sweep under way.
    pub(crate) sweep: Option<Sweep>,
    /// The deletions that have been delivered and can still be met again: in the list, or as a stale entry of the
    /// search index.
    ///
    /// Where HubSpot says when an object was deleted, these are those of the last lag. Where it doesn't (`None`), they
    /// are all that the list has, at some 40 to 80 bytes each, and half as much again while a sweep is under way. They
    /// are in no position, so a new engine delivers all of them again.
    delivered: HashMap<ItemId, Option<Millis>>,
}

impl Deletions {
    pub(crate) fn since(cursor: Millis) -> Self {
        Self { cursor, due: Millis::MIN, sweep: None, delivered: HashMap::new() }
    }

    /// The same knowledge, with deletions taken from another instant on, and looked for at once.
    pub(crate) fn from(self, cursor: Millis) -> Self {
        Self { cursor, due: Millis::MIN, ..self }
    }

    /// Begins a sweep if one is due.
    pub(crate) fn begin(&mut self, now: Millis) {
        if self.sweep.is_none() && now >= self.due {
            self.sweep = Some(Sweep { began: now, ..Sweep::default() });
        }
    }

    /// Notes one archived object; `true` when its deletion is news.
    pub(crate) fn is_news(&mut self, id: &ItemId, at: Option<Millis>) -> bool {
        if at.is_none()
            && let Some(sweep) = &mut self.sweep
        {
            sweep.undated.insert(id.clone());
        }
        if at.is_some_and(|at| at < self.cursor) || self.delivered.get(id).is_some_and(|known| *known >= at) {
            return false;
        }
        self.delivered.insert(id.clone(), at);
        true
    }

    /// An object has been delivered as it lives. Should it be deleted (again), that is news even where HubSpot doesn't
    /// say when.
    pub(crate) fn lives(&mut self, id: &ItemId) {
        if matches!(self.delivered.get(id), Some(None)) {
            self.delivered.remove(id);
        }
    }

    /// Whether this version of an object is what a stale index says of an object whose deletion has been delivered.
    pub(crate) fn outdates(&self, id: &ItemId, version: Millis) -> bool {
        matches!(self.delivered.get(id), Some(Some(at)) if version <= *at)
    }

    /// A page has been read, and with it perhaps the whole list. `hub` isn't after the reading.
    pub(crate) fn page(&mut self, done: bool, hub: Millis, now: Millis, lag: Millis, interval: Millis) {
        let Some(sweep) = &mut self.sweep else { return };
        sweep.pages += 1;
        let hub = *sweep.hub.get_or_insert(hub);
        if !done {
            return;
        }
        let Some(done) = self.sweep.take() else { return };
        // What was archived before this has been listed when the sweep began, and is in the index no more.
        self.cursor = self.cursor.max(hub - lag.max(MARGIN));
        let cursor = self.cursor;
        self.delivered.retain(|id, at| match at {
            Some(at) => *at >= cursor,
            None => done.undated.contains(id),
        });
        self.due = (done.began + interval).max(now + SHORTEST_PAUSE + (done.pages - 1) * PAGE_COST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_is_news_once_and_only_since_the_cursor() {
        let mut deletions = Deletions::since(100_000);
        let sweep = |deletions: &mut Deletions, hub: Millis, list: &[(&str, Millis)]| -> Vec<String> {
            deletions.begin(i64::MAX - 1_000_000_000);
            let news = list.iter().filter(|(id, at)| deletions.is_news(&ItemId::from(*id), Some(*at)));
            let news = news.map(|(id, _)| (*id).to_owned()).collect();
            deletions.page(true, hub, 0, 10_000, 0);
            news
        };
        assert_eq!(sweep(&mut deletions, 108_000, &[("1", 99_999), ("2", 100_000), ("3", 109_000)]), ["2", "3"]);
        assert_eq!(deletions.cursor, 100_000, "not before the stream's start");
        assert_eq!(sweep(&mut deletions, 115_000, &[("2", 100_000), ("3", 109_000)]), [""; 0]);
        assert_eq!(deletions.cursor, 105_000);
        // Listed a lag late, and later than that.
        assert_eq!(
            sweep(&mut deletions, 120_000, &[("3", 109_000), ("4", 105_000), ("5", 104_999), ("6", 118_000)]),
            ["4", "6"]
        );
        assert_eq!(sweep(&mut deletions, 120_500, &[("3", 109_000), ("4", 105_000), ("6", 118_000)]), [""; 0]);
        // Restored and deleted again.
        assert_eq!(sweep(&mut deletions, 130_000, &[("3", 125_000)]), ["3"]);
        assert!(deletions.outdates(&ItemId::from("3"), 125_000) && !deletions.outdates(&ItemId::from("3"), 125_001));
    }

    #[test]
    fn a_sweep_counts_from_its_first_page() {
        let mut deletions = Deletions::since(100_000);
        deletions.begin(0);
        deletions.page(false, 110_000, 0, 0, 60_000);
        assert_eq!(deletions.cursor, 100_000);
        deletions.page(true, 130_000, 0, 0, 60_000);
        assert_eq!(deletions.cursor, 105_000);
        assert!(deletions.sweep.is_none());
    }

    #[test]
    fn each_page_of_the_list_makes_the_pause_behind_it_longer() {
        for (pages, interval, due) in [(1, 0, 600), (1, 60_000, 60_000), (4, 0, 3_600), (4, 60_000, 60_000)] {
            let mut deletions = Deletions::since(0);
            deletions.begin(0);
            for page in 1..=pages {
                deletions.page(page == pages, 1_000_000, 500, 0, interval);
            }
            assert_eq!(deletions.due, due, "{pages} pages, every {interval} ms");
        }
    }

    /// What the docs say of memory.
    #[test]
    fn a_remembered_deletion_is_small() {
        assert_eq!(size_of::<(ItemId, Option<Millis>)>(), 32);
    }

    #[test]
    fn objects_without_a_time_of_deletion_are_news_when_they_appear() {
        let mut deletions = Deletions::since(0);
        let mut sweep = |list: &[&str]| -> usize {
            deletions.due = 0;
            deletions.begin(1);
            let news = list.iter().filter(|id| deletions.is_news(&ItemId::from(**id), None)).count();
            deletions.page(true, 1_000_000, 0, 0, 0);
            news
        };
        assert_eq!(sweep(&["1"]), 1);
        assert_eq!(sweep(&["1", "2"]), 1);
        assert_eq!(sweep(&["2"]), 0);
        assert_eq!(sweep(&["1", "2"]), 1, "restored, then deleted again");
    }
}
