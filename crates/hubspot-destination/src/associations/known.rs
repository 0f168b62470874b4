//! The ids of objects that were looked up, or written, by the value of a unique property.

use std::collections::HashMap;

/// So many are kept at least, twice as many at most.
const KEPT: usize = 10_000;

/// Object type, property, value.
type Key = (String, String, String);

/// A bounded memory: what was used least recently is forgotten first, in two generations.
#[derive(Debug, Default)]
pub(super) struct Known {
    young: HashMap<Key, String>,
    old: HashMap<Key, String>,
}

impl Known {
    /// The id, if it is known.
    pub(super) fn get(&mut self, object_type: &str, property: &str, value: &str) -> Option<String> {
        let key = key(object_type, property, value);
        if let Some(id) = self.young.get(&key) {
            return Some(id.clone());
        }
        let id = self.old.remove(&key)?;
        self.put(key, id.clone());
        Some(id)
    }

    /// Takes note of an object.
    pub(super) fn insert(&mut self, object_type: &str, property: &str, value: &str, id: &str) {
        let key = key(object_type, property, value);
        self.old.remove(&key);
        self.put(key, id.to_owned());
    }

    /// Forgets an object that turned out not to be there.
    pub(super) fn forget(&mut self, object_type: &str, property: &str, value: &str) {
        let key = key(object_type, property, value);
        self.young.remove(&key);
        self.old.remove(&key);
    }

    fn put(&mut self, key: Key, id: String) {
        if self.young.len() >= KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, id);
    }
}

fn key(object_type: &str, property: &str, value: &str) -> Key {
    (object_type.to_owned(), property.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let mut known = Known::default();
        known.insert("companies", "domain", "used.example", "1");
        known.insert("companies", "domain", "unused.example", "2");
        for n in 0..3 * KEPT {
            known.insert("contacts", "email", &n.to_string(), "3");
            if n % 1_000 == 0 {
                assert_eq!(known.get("companies", "domain", "used.example").as_deref(), Some("1"), "after {n}");
            }
        }
        assert_eq!(known.get("companies", "domain", "unused.example"), None);
        assert!(known.young.len() + known.old.len() <= 2 * KEPT);
        known.forget("companies", "domain", "used.example");
        assert_eq!(known.get("companies", "domain", "used.example"), None);
    }
}
