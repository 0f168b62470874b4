//! Readers for the places where HubSpot's JSON is not of one kind.
//!
//! The documents say that `context` holds lists of strings and `subCategory` an object; answers hold a string in either place at
//! times, `null`, or a number. An error must not be lost because its description is odd, so these read whatever is there.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What an error says about its circumstances: names, each with one or more values.
pub(crate) type Context = BTreeMap<String, Vec<String>>;

/// A string, or the JSON text of something that should have been one; empty for `null`.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// As [`text`], with nothing and the empty object as `None`.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::Object(fields) if fields.is_empty() => None,
        Value::String(text) => (!text.is_empty()).then_some(text),
        other => Some(other.to_string()),
    })
}

/// A map whose values are lists of strings, strings, or whatever else.
pub(crate) fn context<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Context, D::Error> {
    let Value::Object(fields) = Value::deserialize(deserializer)? else { return Ok(Context::new()) };
    Ok(fields.into_iter().map(|(name, value)| (name, strings(value))).collect())
}

/// A list, or nothing at all for `null`.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

fn strings(value: Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.into_iter().flat_map(strings).collect(),
        Value::String(text) => vec![text],
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn context_values_of_any_kind_are_read() {
        let read = context(json!({"ids": ["1", "2"], "name": "email", "count": 3, "none": null, "nested": [["x"], 4]}))
            .unwrap();
        assert_eq!(read["ids"], ["1", "2"]);
        assert_eq!(read["name"], ["email"]);
        assert_eq!(read["count"], ["3"]);
        assert!(read["none"].is_empty());
        assert_eq!(read["nested"], ["x", "4"]);
        assert!(context(json!("text")).unwrap().is_empty());
    }
}
