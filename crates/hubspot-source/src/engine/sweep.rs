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

/// So many archived objects are remembered, at some 40 bytes each, to tell a restored object from an updated one.
const ARCHIVED_REMEMBERED: usize = 100_000;

/// How long what has left the list is remembered, beyond the lag, in milliseconds: until it is met living. One that was restored
/// and changed, or archived and restored again, before any page showed it, may take a while; what was erased never comes.
const LEFT_REMEMBERED: Millis = 3_600_000;

/// So many objects that were merged into another are remembered, at some 20 bytes each.
const MERGED_REMEMBERED: usize = 100_000;

/// One reading of the list, under way.
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// CRM: the cursor of the next page.
    pub(crate) after: Option<String>,
    /// CMS: the walk along creation times.
    pub(crate) walk: Walk,
    began: Millis,
    hub: Option<Millis>,
    listed: HashSet<ItemId>,
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
    /// What the last sweep found archived: should one of these live again, it has been restored.
    archived: HashSet<ItemId>,
    /// What a sweep didn't find any more, with an instant of HubSpot's clock after that: the index may not show yet that it has
    /// been restored.
    left: HashMap<ItemId, Millis>,
    /// Objects that were merged into another, and whose deletion has been delivered: they never come back.
    merged: HashSet<u64>,
    /// Objects in `delivered` that have been delivered as they live since.
    living: HashSet<ItemId>,
}

impl Deletions {
    pub(crate) fn since(cursor: Millis) -> Self {
        Self {
            cursor,
            due: Millis::MIN,
            sweep: None,
            delivered: HashMap::new(),
            archived: HashSet::new(),
            left: HashMap::new(),
            merged: HashSet::new(),
            living: HashSet::new(),
        }
    }

    /// The same knowledge, with deletions taken from another instant on, and looked for at once.
    pub(crate) fn from(self, cursor: Millis) -> Self {
        Self { cursor, due: Millis::MIN, ..self }
    }

    /// How many objects are remembered.
    pub(crate) fn remembered(&self) -> usize {
        let Self { sweep, delivered, archived, left, merged, living, .. } = self;
        let listed = sweep.as_ref().map_or(0, |sweep| sweep.listed.len());
        listed + delivered.len() + archived.len() + left.len() + merged.len() + living.len()
    }

    /// Begins a sweep if one is due.
    pub(crate) fn begin(&mut self, now: Millis) {
        if self.sweep.is_none() && now >= self.due {
            self.sweep = Some(Sweep { began: now, ..Sweep::default() });
        }
    }

    /// Notes one archived object; `true` when its deletion is news.
    pub(crate) fn is_news(&mut self, id: &ItemId, at: Option<Millis>) -> bool {
        if let Some(sweep) = &mut self.sweep
            && (at.is_none() || sweep.listed.len() < ARCHIVED_REMEMBERED)
        {
            sweep.listed.insert(id.clone());
        }
        if matches!(id, ItemId::Number(number) if self.merged.contains(number))
            || at.is_some_and(|at| at < self.cursor)
            || self.delivered.get(id).is_some_and(|known| *known >= at)
        {
            return false;
        }
        self.delivered.insert(id.clone(), at);
        self.living.remove(id);
        true
    }

    /// An object is in another one's list of what was merged into it, which changed at `at`; `true` when its deletion is
    /// news.
    pub(crate) fn is_newly_merged(&mut self, loser: u64, at: Millis) -> bool {
        let id = ItemId::Number(loser);
        // One that was archived and delivered as living since is the reader's.
        let was_archived = self.archived.contains(&id) || self.left.contains_key(&id);
        let is_gone = was_archived || self.delivered.contains_key(&id) && !self.living.contains(&id);
        if self.merged.contains(&loser) {
            return false;
        }
        // Also where the reader has it no more: the index may still say that it was restored before.
        self.was_merged(loser);
        self.living.remove(&id);
        self.delivered.insert(id, Some(at));
        !is_gone
    }

    /// An object is gone from every list; `hub` is an instant of HubSpot's clock after that. What the index still says of it
    /// is outdated.
    pub(crate) fn is_gone(&mut self, id: &ItemId, hub: Option<Millis>) {
        if let Some(hub) = hub {
            self.delivered.insert(id.clone(), Some(hub));
            self.living.remove(id);
        }
        // It may be archived by now, and restored before the next sweep.
        if self.archived.len() < ARCHIVED_REMEMBERED {
            self.archived.insert(id.clone());
        }
    }

    /// An object was merged into another before the stream could have delivered it.
    pub(crate) fn was_merged(&mut self, loser: u64) {
        if self.merged.len() < MERGED_REMEMBERED {
            self.merged.insert(loser);
        }
    }

    /// An object has been delivered as it lives: whether it had been archived before. Should it be deleted (again), that is
    /// news even where HubSpot doesn't say when.
    pub(crate) fn lives(&mut self, id: &ItemId) -> bool {
        let listed = self.sweep.as_mut().is_some_and(|sweep| sweep.listed.remove(id));
        let archived = self.archived.remove(id) | self.left.remove(id).is_some() | listed;
        match self.delivered.get(id) {
            Some(None) => {
                self.delivered.remove(id);
                true
            }
            // Its deletion stays remembered, for what the index still says of the time before.
            Some(Some(_)) => {
                let lives = self.living.insert(id.clone());
                archived || lives
            }
            None => archived,
        }
    }

    /// Whether this version of an object is what a stale index says of an object whose deletion has been delivered.
    pub(crate) fn outdates(&self, id: &ItemId, version: Millis) -> bool {
        matches!(self.delivered.get(id), Some(Some(at)) if version <= *at)
    }

    /// A page has been read, and with it perhaps the whole list. `hub` isn't after the reading. What was in the index before
    /// `read`, and whatever became of it since, has been delivered.
    pub(crate) fn page(&mut self, done: bool, hub: Millis, now: Millis, lag: Millis, interval: Millis, read: Millis) {
        let Some(sweep) = &mut self.sweep else { return };
        let ended = hub;
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
            None => done.listed.contains(id),
        });
        self.living.retain(|id| self.delivered.contains_key(id));
        let before = std::mem::replace(&mut self.archived, done.listed);
        // It may have left the list until its page was read, and shows in the index within a lag.
        self.left.retain(|_, since| *since + lag.max(MARGIN) + LEFT_REMEMBERED >= read);
        self.left.extend(before.into_iter().filter(|id| !self.archived.contains(id)).map(|id| (id, ended)));
        self.due = (done.began + interval).max(now + SHORTEST_PAUSE);
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
            deletions.page(true, hub, 0, 10_000, 0, 0);
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
        deletions.page(false, 110_000, 0, 0, 60_000, 0);
        assert_eq!(deletions.cursor, 100_000);
        deletions.page(true, 130_000, 0, 0, 60_000, 0);
        assert_eq!(deletions.cursor, 105_000);
        assert!(deletions.sweep.is_none());
    }

    #[test]
    fn a_sweep_is_due_an_interval_after_it_began_and_never_at_once() {
        for (interval, due) in [(0, 600), (60_000, 60_000)] {
            let mut deletions = Deletions::since(0);
            deletions.begin(0);
            deletions.page(false, 1_000_000, 250, 0, interval, 0);
            deletions.page(true, 1_000_000, 500, 0, interval, 0);
            assert_eq!(deletions.due, due, "every {interval} ms");
        }
    }

    #[test]
    fn what_was_archived_and_lives_again_has_been_restored_once() {
        let mut deletions = Deletions::since(100_000);
        let id = ItemId::from("1");
        assert!(!deletions.lives(&id), "never archived");
        deletions.begin(0);
        assert!(deletions.is_news(&id, Some(101_000)) && !deletions.is_news(&ItemId::from("2"), Some(50_000)));
        assert!(deletions.lives(&id) && !deletions.lives(&id), "delivered as archived, before the sweep is through");
        deletions.page(true, 110_000, 0, 0, 0, 0);
        assert!(deletions.lives(&ItemId::from("2")) && !deletions.lives(&ItemId::from("2")), "archived long ago");
    }

    #[test]
    fn a_merged_object_is_deleted_once_whoever_says_so_first() {
        let mut deletions = Deletions::since(100_000);
        assert!(deletions.is_newly_merged(1, 101_000) && !deletions.is_newly_merged(1, 102_000));
        assert!(!deletions.is_news(&ItemId::from("1"), Some(101_500)), "the list says it later");
        assert!(deletions.outdates(&ItemId::from("1"), 100_500));
        assert!(deletions.is_news(&ItemId::from("2"), Some(101_500)));
        assert!(!deletions.is_newly_merged(2, 101_000), "the list said it before");
        deletions.was_merged(3);
        assert!(!deletions.is_newly_merged(3, 103_000));
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
            deletions.page(true, 1_000_000, 0, 0, 0, 0);
            news
        };
        assert_eq!(sweep(&["1"]), 1);
        assert_eq!(sweep(&["1", "2"]), 1);
        assert_eq!(sweep(&["2"]), 0);
        assert_eq!(sweep(&["1", "2"]), 1, "restored, then deleted again");
    }
}
