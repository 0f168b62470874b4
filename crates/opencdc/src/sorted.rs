//! Entries in the order of their names.

use std::cmp::Ordering;
use std::iter::FusedIterator;
use std::{mem, slice, vec};

use compact_str::CompactString;

/// Entries in the order of their names, each name once.
///
/// They are in one block, and names of up to 24 bytes in it: a record has few fields, is filled once and read once, and there are many
/// of them. A tree or a table of hashes takes several times the memory, and with it the time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sorted<V>(Vec<(CompactString, V)>);

impl<V> Sorted<V> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self(Vec::with_capacity(entries))
    }

    /// Entries in any order. Of those with one name the last stays.
    pub(crate) fn of(entries: impl Iterator<Item = (CompactString, V)>) -> Self {
        // A vector's own entries stay where they are, as std collects them today.
        let mut sorted = Self(entries.collect());
        sorted.order();
        sorted
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the name is, or where it belongs.
    #[inline]
    fn place(&self, name: &str) -> Result<usize, usize> {
        // What comes in order, as most does, is put at the end.
        match self.0.last() {
            Some((last, _)) if last.as_str() >= name => self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)),
            _ => Err(self.0.len()),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.place(name).ok().map(|place| &self.0[place].1)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.place(name).ok().map(|place| &mut self.0[place].1)
    }

    pub(crate) fn insert(&mut self, name: CompactString, value: V) -> Option<V> {
        match self.place(&name) {
            Ok(place) => Some(mem::replace(&mut self.0[place].1, value)),
            Err(place) => {
                self.0.insert(place, (name, value));
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<V> {
        self.place(name).ok().map(|place| self.0.remove(place).1)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, &mut V) -> bool) {
        self.0.retain_mut(|(name, value)| keep(name, value));
    }

    /// Adds entries in any order. Of those with one name the last stays.
    pub(crate) fn extend(&mut self, entries: impl Iterator<Item = (CompactString, V)>) {
        self.0.extend(entries);
        self.order();
    }

    fn order(&mut self) {
        if !self.0.is_sorted_by(|(one, _), (next, _)| by_name(one, next).is_lt()) {
            self.0.sort_by(|(one, _), (other, _)| by_name(one, other));
            self.0.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    mem::swap(later, earlier);
                }
                same
            });
            // Of many entries with few names, most of the block would be kept for nothing.
            if self.0.len() < self.0.capacity() / 2 {
                self.0.shrink_to_fit();
            }
        }
    }

    pub(crate) fn iter(&self) -> Entries<'_, V> {
        Entries(self.0.iter())
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&str, &mut V)> + ExactSizeIterator {
        self.0.iter_mut().map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn into_iter(self) -> IntoEntries<V> {
        IntoEntries(self.0.into_iter())
    }
}

/// The order of names. Most differ in their first byte, which is compared without a call.
#[inline]
fn by_name(one: &CompactString, other: &CompactString) -> Ordering {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    one.first().cmp(&other.first()).then_with(|| one.cmp(other))
}

impl<V> Default for Sorted<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Names and values, in the order of the names.
#[derive(Clone, Debug)]
pub struct Entries<'a, V>(slice::Iter<'a, (CompactString, V)>);

impl<'a, V> Iterator for Entries<'a, V> {
    type Item = (&'a str, &'a V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_str(), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<V> DoubleEndedIterator for Entries<'_, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(name, value)| (name.as_str(), value))
    }
}

impl<V> ExactSizeIterator for Entries<'_, V> {}

impl<V> FusedIterator for Entries<'_, V> {}

/// Names and values, in the order of the names, and owned.
#[derive(Debug)]
pub struct IntoEntries<V>(vec::IntoIter<(CompactString, V)>);

impl<V> Iterator for IntoEntries<V> {
    type Item = (CompactString, V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<V> DoubleEndedIterator for IntoEntries<V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl<V> ExactSizeIterator for IntoEntries<V> {}

impl<V> FusedIterator for IntoEntries<V> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What is done to a map.
    #[derive(Clone, Debug)]
    enum Step {
        Insert(String, u8),
        Remove(String),
        Extend(Vec<(String, u8)>),
        KeepEven,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Few names, so that they come again; some longer than what is held in place.
        let name = || "[a-e]{0,2}(long enough to be elsewhere)?";
        prop::collection::vec(
            prop_oneof![
                3 => (name(), any::<u8>()).prop_map(|(name, value)| Step::Insert(name, value)),
                1 => name().prop_map(Step::Remove),
                1 => prop::collection::vec((name(), any::<u8>()), 0..6).prop_map(Step::Extend),
                1 => Just(Step::KeepEven),
            ],
            0..30,
        )
    }

    proptest! {
        #[test]
        fn it_is_a_map_in_the_order_of_names(steps in steps()) {
            let mut sorted = Sorted::new();
            let mut tree = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Insert(name, value) => {
                        prop_assert_eq!(sorted.insert(name.as_str().into(), value), tree.insert(name, value));
                    }
                    Step::Remove(name) => prop_assert_eq!(sorted.remove(&name), tree.remove(&name)),
                    Step::Extend(entries) => {
                        sorted.extend(entries.iter().map(|(name, value)| (name.as_str().into(), *value)));
                        tree.extend(entries);
                    }
                    Step::KeepEven => {
                        sorted.retain(|_, value| *value % 2 == 0);
                        tree.retain(|_, value| *value % 2 == 0);
                    }
                }
                prop_assert_eq!(sorted.len(), tree.len());
                prop_assert!(sorted.iter().eq(tree.iter().map(|(name, value)| (name.as_str(), value))));
                prop_assert!(sorted.iter().rev().eq(tree.iter().rev().map(|(name, value)| (name.as_str(), value))));
                for name in tree.keys() {
                    prop_assert_eq!(sorted.get(name), tree.get(name));
                    prop_assert_eq!(sorted.get_mut(name).map(|value| *value), tree.get(name).copied());
                }
                prop_assert_eq!(sorted.get("nobody"), None);
            }
            let owned: Vec<(String, u8)> = sorted.into_iter().map(|(name, value)| (name.into(), value)).collect();
            prop_assert_eq!(owned, tree.into_iter().collect::<Vec<_>>());
        }
    }
}
