//! What has been delivered and isn't settled yet: the memory behind "each version once".

use std::collections::{BTreeSet, HashMap};

use crate::item::{ItemId, Millis};

/// The last delivered version of each object that changed since the settled cursor.
///
/// It holds one entry for each object in the lag window, whatever the size of the account.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    versions: HashMap<ItemId, Millis>,
    by_version: BTreeSet<(Millis, ItemId)>,
}

impl Seen {
    /// Notes a version; `false` when it, or a later one, was noted before.
    pub(crate) fn insert(&mut self, id: ItemId, version: Millis) -> bool {
        if let Some(&noted) = self.versions.get(&id) {
            if noted >= version {
                return false;
            }
            self.by_version.remove(&(noted, id.clone()));
        }
        self.by_version.insert((version, id.clone()));
        self.versions.insert(id, version);
        true
    }

    /// The object is gone: it counts no more.
    ///
    /// Its version is forgotten too: what the index still says of it is turned away by the memory of deletions.
    pub(crate) fn remove(&mut self, id: &ItemId) {
        if let Some(version) = self.versions.remove(id) {
            self.by_version.remove(&(version, id.clone()));
        }
    }

    /// Forgets what is settled.
    pub(crate) fn forget_before(&mut self, settled: Millis) {
        while self.by_version.first().is_some_and(|(version, _)| *version < settled) {
            if let Some((_, id)) = self.by_version.pop_first() {
                self.versions.remove(&id);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.versions.len()
    }

    /// The version of the `rank`th newest object; the newest is the first.
    pub(crate) fn newest(&self, rank: usize) -> Option<Millis> {
        self.by_version.iter().rev().nth(rank.checked_sub(1)?).map(|(version, _)| *version)
    }

    /// Where the `count`th object from an instant on lies, counted from zero: so many have their last delivered version in
    /// what lies between. `None` when there are fewer.
    pub(crate) fn nth_from(&self, from: Millis, count: usize) -> Option<Millis> {
        self.by_version.range((from, ItemId::Number(0))..).nth(count).map(|(version, _)| *version)
    }

    /// The last delivered version of an object, if it is remembered.
    pub(crate) fn version(&self, id: &ItemId) -> Option<Millis> {
        self.versions.get(id).copied()
    }

    /// How many objects have their last delivered version in `from..to`.
    pub(crate) fn count(&self, from: Millis, to: Millis) -> usize {
        if from >= to {
            return 0;
        }
        let bound = |at| (at, ItemId::Number(0));
        self.by_version.range(bound(from)..bound(to)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_later_versions_are_new_and_each_object_counts_once() {
        let mut seen = Seen::default();
        let id = ItemId::from("1");
        assert!(seen.insert(id.clone(), 10));
        assert!(!seen.insert(id.clone(), 10));
        assert!(!seen.insert(id.clone(), 9));
        assert!(seen.insert(id.clone(), 20));
        assert!(seen.insert(ItemId::from("x"), 20));
        assert_eq!((seen.count(0, 20), seen.count(20, 21), seen.len()), (0, 2, 2));
        assert!(seen.insert(ItemId::from("y"), 30));
        assert_eq!([0, 1, 2, 4].map(|rank| seen.newest(rank)), [None, Some(30), Some(20), None]);
        assert_eq!([0, 1, 2, 3].map(|count| seen.nth_from(20, count)), [Some(20), Some(20), Some(30), None]);
        assert_eq!((seen.version(&id), seen.nth_from(21, 0)), (Some(20), Some(30)));
        seen.remove(&ItemId::from("y"));
        seen.forget_before(20);
        assert_eq!(seen.len(), 2);
        seen.remove(&id);
        seen.forget_before(21);
        assert_eq!((seen.len(), seen.count(0, 100)), (0, 0));
    }
}
