//! What of the values didn't go with the definitions.

use std::collections::BTreeMap;

/// How many properties are counted one by one; beyond it only their sum is known.
const COUNTED: usize = 256;

/// How many properties without a definition are remembered; beyond it they are passed over.
const REMEMBERED: usize = 1024;

/// Counts the values that aren't what their definitions say, and collects the properties that have none. Bounded, whatever
/// comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Misfits {
    total: u64,
    by_property: BTreeMap<Box<str>, u64>,
    /// Those without a definition, and whether they were handed out.
    unknown: BTreeMap<Box<str>, bool>,
    has_new: bool,
}

impl Misfits {
    /// How many values weren't what their definitions say.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The same by property, the most first.
    pub(crate) fn by_property(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<_> = self.by_property.iter().map(|(name, count)| (&**name, *count)).collect();
        // Stable: those of one count stay in the order of their names.
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }

    /// The properties without a definition that weren't handed out before: a reason to read the definitions again. One that
    /// stays without is handed out once.
    pub(crate) fn take_unknown(&mut self) -> Vec<String> {
        if !std::mem::take(&mut self.has_new) {
            return Vec::new();
        }
        let mut new = Vec::new();
        for (name, handed_out) in &mut self.unknown {
            if !std::mem::replace(handed_out, true) {
                new.push(name.to_string());
            }
        }
        new
    }

    pub(super) fn count(&mut self, property: &str) {
        self.total += 1;
        if let Some(count) = self.by_property.get_mut(property) {
            *count += 1;
        } else if self.by_property.len() < COUNTED {
            self.by_property.insert(property.into(), 1);
        }
    }

    pub(super) fn note_unknown(&mut self, property: &str) {
        if self.unknown.len() < REMEMBERED && !self.unknown.contains_key(property) {
            self.unknown.insert(property.into(), false);
            self.has_new = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_by_property_the_most_first_and_bounded() {
        let mut misfits = Misfits::default();
        for name in ["b", "a", "b", "c"] {
            misfits.count(name);
        }
        assert_eq!(misfits.by_property(), [("b", 2), ("a", 1), ("c", 1)]);
        for number in 0..10_000 {
            misfits.count(&format!("p{number}"));
        }
        assert_eq!(misfits.total(), 10_004);
        assert_eq!(misfits.by_property().len(), COUNTED);
    }

    #[test]
    fn an_unknown_property_is_handed_out_once() {
        let mut misfits = Misfits::default();
        assert!(misfits.take_unknown().is_empty());
        misfits.note_unknown("b");
        misfits.note_unknown("a");
        misfits.note_unknown("b");
        assert_eq!(misfits.take_unknown(), ["a", "b"]);
        misfits.note_unknown("b");
        misfits.note_unknown("c");
        assert_eq!(misfits.take_unknown(), ["c"]);
        for number in 0..10_000 {
            misfits.note_unknown(&format!("p{number}"));
        }
        assert_eq!(misfits.take_unknown().len(), REMEMBERED - 3);
        assert_eq!(misfits.total(), 0);
    }
}
