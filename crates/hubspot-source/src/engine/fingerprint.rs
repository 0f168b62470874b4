//! Whether two readings of an object say the same: a hash of what they say, however it is written.

use std::hash::{DefaultHasher, Hash, Hasher};

use hubspot_client::Object;
use serde_json::Value;

/// A 64-bit hash of a value's meaning, stable within a process.
///
/// The order of a map's keys doesn't count, nor that of a list's entries: HubSpot promises neither, and says an order that
/// matters in a field (`displayOrder`). What says nothing (`null`, `""`, an empty list or map) counts as if it weren't
/// there: one endpoint sends `null` where another sends nothing.
pub(super) fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(value, &mut hasher);
    hasher.finish()
}

/// The same of a whole object.
pub(super) fn of_object(object: &Object) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed_object(object, &mut hasher);
    hasher.finish()
}

/// The same, folded to 32 bits and never zero, which stands for "not known".
pub(super) fn short(value: Option<&Value>) -> u32 {
    let hash = fingerprint(value.unwrap_or(&Value::Null));
    ((hash >> 32) as u32 ^ hash as u32).max(1)
}

fn feed(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        _ if is_void(value) => 0_u8.hash(hasher),
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(flag) => (1_u8, flag).hash(hasher),
        Value::Number(number) => (2_u8, number.to_string()).hash(hasher),
        Value::String(text) => (3_u8, text).hash(hasher),
        Value::Array(values) => {
            let mut entries: Vec<u64> = values.iter().filter(|value| !is_void(value)).map(fingerprint).collect();
            entries.sort_unstable();
            (4_u8, entries).hash(hasher);
        }
        Value::Object(map) => feed_object(map, hasher),
    }
}

fn feed_object(object: &Object, hasher: &mut DefaultHasher) {
    let mut fields: Vec<_> = object.iter().filter(|(_, value)| !is_void(value)).collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    (5_u8, fields.len()).hash(hasher);
    for (name, value) in fields {
        name.hash(hasher);
        feed(value, hasher);
    }
}

/// Whether a value says nothing.
fn is_void(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.iter().all(is_void),
        Value::Object(map) => map.values().all(is_void),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_says_the_same_has_the_same_fingerprint() {
        let same = [
            (json!({"a": 1, "b": "x"}), json!({"b": "x", "a": 1})),
            (json!({"a": 1, "b": null, "c": ""}), json!({"a": 1})),
            (json!({"contacts": {"results": []}}), Value::Null),
            (json!([{"id": "1"}, {"id": "2"}]), json!([{"id": "2"}, {"id": "1"}])),
        ];
        for (one, other) in same {
            assert_eq!(fingerprint(&one), fingerprint(&other), "{one} {other}");
        }
        assert_eq!(short(None), short(Some(&json!({"associations": {}}))));
    }

    #[test]
    fn what_differs_has_another() {
        let different = [
            (json!({"a": "1"}), json!({"a": 1})),
            (json!({"a": "x", "b": "y"}), json!({"a": "y", "b": "x"})),
            (json!({"ab": "c"}), json!({"a": "bc"})),
            (json!(["a", "a"]), json!(["a"])),
            (json!({"a": false}), json!({})),
            (json!([["a"], ["b"]]), json!([["a", "b"]])),
        ];
        for (one, other) in different {
            assert_ne!(fingerprint(&one), fingerprint(&other), "{one} {other}");
            assert_ne!(short(Some(&one)), short(Some(&other)), "{one} {other}");
        }
    }
}
