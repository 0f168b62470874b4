//! The ids of what this process has created, by the keys of the records that it was created for.
//!
//! A source whose keys aren't HubSpot's ids goes on to name an object by the key that it was created with. HubSpot knows nothing of
//! that key, and its search index lags, so that only memory can tell.

use std::collections::HashMap;
use std::mem;

/// So many keys are remembered at most.
const KEPT: usize = 100_000;

/// A bounded memory: what wasn't asked for in a long time is forgotten first, in two generations of half the size.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    /// By resource, then by key.
    resources: HashMap<&'static str, HashMap<Box<str>, Created>>,
    count: usize,
}

/// An object that was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Created {
    /// HubSpot's id of it. All of its ids are numbers.
    pub id: u64,
    /// Whether it is known that the key itself is no id of an object.
    pub sure: bool,
}

impl Memory {
    /// Takes note of an object. Ids that are no numbers aren't remembered: HubSpot has none.
    pub(crate) fn insert(&mut self, resource: &'static str, key: &str, id: &str) {
        let Ok(id) = id.parse() else { return };
        // What isn't a number can be no id.
        let sure = key.parse::<u64>().is_err();
        self.old.remove(resource, key);
        self.put(resource, key.into(), Created { id, sure });
    }

    /// The object that was created for this key.
    pub(crate) fn get(&mut self, resource: &'static str, key: &str) -> Option<Created> {
        if let Some(created) = self.young.resources.get(resource).and_then(|keys| keys.get(key)) {
            return Some(*created);
        }
        let (key, created) = self.old.remove(resource, key)?;
        self.put(resource, key, created);
        Some(created)
    }

    /// Takes note that the key itself is no id of an object.
    pub(crate) fn confirm(&mut self, resource: &'static str, key: &str) {
        for generation in [&mut self.young, &mut self.old] {
            if let Some(created) = generation.resources.get_mut(resource).and_then(|keys| keys.get_mut(key)) {
                created.sure = true;
            }
        }
    }

    /// Forgets a key: its object is gone, or the key turned out to be an id itself.
    pub(crate) fn forget(&mut self, resource: &'static str, key: &str) {
        self.young.remove(resource, key);
        self.old.remove(resource, key);
    }

    fn put(&mut self, resource: &'static str, key: Box<str>, created: Created) {
        if self.young.count >= KEPT / 2 {
            self.old = mem::take(&mut self.young);
        }
        if self.young.resources.entry(resource).or_default().insert(key, created).is_none() {
            self.young.count += 1;
        }
    }
}

impl Generation {
    fn remove(&mut self, resource: &str, key: &str) -> Option<(Box<str>, Created)> {
        let removed = self.resources.get_mut(resource)?.remove_entry(key)?;
        self.count -= 1;
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTACTS: &str = "crm.contacts";

    #[test]
    fn what_was_created_is_found_by_its_key_and_resource() {
        let mut memory = Memory::default();
        memory.insert(CONTACTS, "a", "7");
        memory.insert(CONTACTS, "51", "8");
        assert_eq!(memory.get(CONTACTS, "a"), Some(Created { id: 7, sure: true }));
        assert_eq!(memory.get("crm.deals", "a"), None);
        assert_eq!(memory.get(CONTACTS, "51"), Some(Created { id: 8, sure: false }), "51 may be an id");
        memory.confirm(CONTACTS, "51");
        assert_eq!(memory.get(CONTACTS, "51"), Some(Created { id: 8, sure: true }));
        memory.forget(CONTACTS, "a");
        assert_eq!(memory.get(CONTACTS, "a"), None);
        memory.insert(CONTACTS, "odd", "no number");
        assert_eq!(memory.get(CONTACTS, "odd"), None);
    }

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let mut memory = Memory::default();
        memory.insert(CONTACTS, "used", "1");
        memory.insert(CONTACTS, "unused", "2");
        for n in 0..2 * KEPT {
            memory.insert(CONTACTS, &format!("k{n}"), "3");
            if n % 1_000 == 0 {
                assert!(memory.get(CONTACTS, "used").is_some(), "after {n}");
            }
        }
        assert_eq!(memory.get(CONTACTS, "unused"), None);
        assert!(memory.young.count + memory.old.count <= KEPT);
    }
}
