//! The search index: what search sees of a type's objects. Eventually consistent, as HubSpot's: each change has an entry that appears after a delay of its
//! own, so that entries come late and out of order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use super::object::Object;
use crate::clock::Millis;

#[derive(Debug)]
pub(crate) struct Index {
    objects: BTreeMap<u64, Entry>,
    /// Changed-time and id of the objects that are visible, in the order of search.
    by_changed: BTreeSet<(Millis, u64)>,
    pending: BinaryHeap<Reverse<Pending>>,
    revision: u64,
    rng: Rng,
}

/// The newest state of an object that the index has been told of; `None`: it is gone.
#[derive(Debug)]
struct Entry {
    revision: u64,
    object: Option<Arc<Object>>,
}

/// A change that is not visible yet.
#[derive(Debug)]
struct Pending {
    visible_at: Millis,
    revision: u64,
    id: u64,
    object: Option<Arc<Object>>,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.revision == other.revision
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.visible_at, self.revision).cmp(&(other.visible_at, other.revision))
    }
}

impl Index {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            objects: BTreeMap::new(),
            by_changed: BTreeSet::new(),
            pending: BinaryHeap::new(),
            revision: 0,
            rng: Rng::with_seed(seed),
        }
    }

    /// Notes a change: the new state, or `None` when the object is archived.
    pub(crate) fn note(
        &mut self,
        id: u64,
        object: Option<Arc<Object>>,
        lag: Option<(Duration, Duration)>,
        now: Millis,
    ) {
        self.revision += 1;
        self.appear(now);
        let revision = self.revision;
        match lag {
            None => self.apply(Pending { visible_at: now, revision, id, object }),
            Some((least, most)) => {
                let (least, most) = (least.as_millis() as Millis, most.as_millis() as Millis);
                let visible_at = now + self.rng.i64(least..=most.max(least));
                self.pending.push(Reverse(Pending { visible_at, revision, id, object }));
            }
        }
    }

    /// Lets the changes appear that are due.
    pub(crate) fn appear(&mut self, now: Millis) {
        while self.pending.peek().is_some_and(|Reverse(pending)| pending.visible_at <= now) {
            if let Some(Reverse(pending)) = self.pending.pop() {
                self.apply(pending);
            }
        }
    }

    /// Whether a change is due that [`Index::appear`] would show.
    pub(crate) fn is_behind(&self, now: Millis) -> bool {
        self.pending.peek().is_some_and(|Reverse(pending)| pending.visible_at <= now)
    }

    fn apply(&mut self, change: Pending) {
        let known = self.objects.get(&change.id);
        if known.is_some_and(|entry| entry.revision > change.revision) {
            // A newer change of the same object was faster.
            return;
        }
        if let Some(old) = known.and_then(|entry| entry.object.as_ref()) {
            self.by_changed.remove(&(old.updated, old.id));
        }
        if let Some(object) = &change.object {
            self.by_changed.insert((object.updated, object.id));
        }
        self.objects.insert(change.id, Entry { revision: change.revision, object: change.object });
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Arc<Object>> {
        self.objects.get(&id)?.object.as_ref()
    }

    /// Changed-times and ids in a range of changed-times, ascending.
    pub(crate) fn changed(&self, range: Range<Millis>) -> impl DoubleEndedIterator<Item = (Millis, u64)> {
        self.by_changed.range((range.start, 0)..(range.end.max(range.start), 0)).copied()
    }

    /// The visible objects in a range of ids, ascending.
    pub(crate) fn by_id(&self, range: Range<u64>) -> impl DoubleEndedIterator<Item = &Arc<Object>> {
        self.objects.range(range.start..range.end.max(range.start)).filter_map(|(_, entry)| entry.object.as_ref())
    }

    /// How many objects are visible.
    pub(crate) fn len(&self) -> usize {
        self.by_changed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(id: u64, updated: Millis) -> Arc<Object> {
        Arc::new(Object { updated, ..Object::new(id, 0) })
    }

    #[test]
    fn entries_come_late_and_out_of_order_and_the_newest_state_wins() {
        let lag = Some((Duration::from_secs(3), Duration::from_secs(7)));
        let mut index = Index::new(11);
        for at in 0..1_000 {
            index.note(at as u64 + 1, Some(object(at as u64 + 1, at)), lag, at);
        }
        index.appear(2_999);
        assert_eq!(index.len(), 0);
        let mut order = Vec::new();
        let mut known = std::collections::HashSet::new();
        for now in (3_000..8_010).step_by(10) {
            index.appear(now);
            order.extend(index.changed(0..Millis::MAX).map(|(_, id)| id).filter(|id| known.insert(*id)));
        }
        assert_eq!(order.len(), 1_000);
        assert!(!order.is_sorted(), "entries came in order");

        // Changes of one object overtake each other; what stays is the last one.
        for round in 0..200 {
            let base = 100_000 * (round + 1);
            index.note(5, Some(object(5, base)), lag, base);
            index.note(5, Some(object(5, base + 1)), lag, base + 1);
            index.appear(base + 10_000);
            assert_eq!(index.get(5).unwrap().updated, base + 1);
            index.note(5, Some(object(5, base + 20_000)), lag, base + 20_000);
            index.note(5, None, lag, base + 20_001);
            index.appear(base + 40_000);
            assert!(index.get(5).is_none());
        }
        assert_eq!(index.len(), 999);
    }
}
