//! How an object was before a change: from `propertiesWithHistory`, HubSpot's earlier values of each property.
//!
//! HubSpot keeps no earlier objects, but earlier values with their instants. The object as it was is put together of them:
//!
//! * Where the version is known that was delivered before (`since`): each property's newest value of then.
//! * Where it isn't: each property's value before its newest one, if that came with this change, that is within
//!   [`TOGETHER`] of the object's changed-time; else the value that it has.
//!
//! A property that had no value yet is null. What has no history stays as it is.

use chrono::{DateTime, SecondsFormat};
use hubspot_client::Object;
use serde_json::Value;

use crate::item::{Item, Millis};

/// The top-level field that earlier values come in.
pub(super) const FIELD: &str = "propertiesWithHistory";

/// One edit of several properties gives them instants that are nearly the same; those this near to the object's changed-time
/// are one change.
const TOGETHER: Millis = 1_000;

/// HubSpot keeps so many values of a property (45 of a contact's): with as many, there may have been older ones.
const KEPT: usize = 20;

/// Takes the history out of the object at version `at`, and makes of it how the object was before: without its changed-time and
/// its associations. `None` if it has no history.
///
/// `updated_property` is the one with the object's changed-time; `since` the version that was delivered before, if it is known.
pub(crate) fn take_before(
    item: &mut Item,
    updated_property: &str,
    at: Millis,
    since: Option<Millis>,
) -> Option<Object> {
    let Value::Object(history) = item.take(FIELD)? else { return None };
    let mut before = Item::new(item.as_map().clone());
    before.take("updatedAt");
    before.take("associations");
    let properties = before.properties_mut()?;
    match since.and_then(DateTime::from_timestamp_millis) {
        Some(since) if properties.contains_key(updated_property) => {
            let text = since.to_rfc3339_opts(SecondsFormat::Millis, true);
            properties.insert(updated_property.to_owned(), Value::String(text));
        }
        _ => {
            properties.remove(updated_property);
        }
    }
    for (name, values) in history {
        // One that isn't delivered isn't in either image.
        if name == updated_property || !properties.contains_key(&name) {
            continue;
        }
        match earlier(values, at, since) {
            Earlier::Same => {}
            Earlier::Was(value) => {
                properties.insert(name, value);
            }
            Earlier::Unknown => {
                properties.remove(&name);
            }
        }
    }
    Some(before.into_map())
}

/// What a property was before.
enum Earlier {
    /// What it is.
    Same,
    /// This.
    Was(Value),
    /// Its value of then is no longer kept.
    Unknown,
}

fn earlier(values: Value, at: Millis, since: Option<Millis>) -> Earlier {
    let mut values = by_age(values);
    let kept = values.len();
    if kept == 0 {
        return Earlier::Same;
    }
    if let Some(since) = since {
        values.retain(|(instant, _)| *instant <= since);
    } else {
        // Newer ones came after the version that this is about.
        values.retain(|(instant, _)| *instant <= at + TOGETHER);
        if values.first().is_some_and(|(newest, _)| *newest < at - TOGETHER) {
            return Earlier::Same;
        }
        values.drain(..values.len().min(1));
    }
    match values.into_iter().next() {
        Some((_, value)) => Earlier::Was(value),
        None if kept < KEPT => Earlier::Was(Value::Null),
        None => Earlier::Unknown,
    }
}

/// The values that have an instant, the newest first.
fn by_age(values: Value) -> Vec<(Millis, Value)> {
    let Value::Array(values) = values else { return Vec::new() };
    let mut values: Vec<_> = values
        .into_iter()
        .filter_map(|entry| {
            let Value::Object(entry) = entry else { return None };
            let mut entry = Item::new(entry);
            Some((entry.time("timestamp")?, entry.take("value").unwrap_or(Value::Null)))
        })
        .collect();
    // As HubSpot sends them; stable, so that of one instant the first stays the newest.
    values.sort_by_key(|(instant, _)| std::cmp::Reverse(*instant));
    values
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An instant of the day of the tests, in seconds.
    fn at(seconds: f64) -> Millis {
        1_769_817_600_000 + (seconds * 1_000.0) as Millis
    }

    fn iso(seconds: f64) -> String {
        DateTime::from_timestamp_millis(at(seconds)).unwrap().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The earlier properties of an object that has `now` and `history` (seconds and values), changed at 100 s.
    fn before(now: &Value, history: &[(&str, &[(f64, &str)])], since: Option<f64>) -> Value {
        let history: Object = history
            .iter()
            .map(|(name, values)| {
                let entries = values
                    .iter()
                    .map(|(seconds, value)| json!({"value": value, "timestamp": iso(*seconds), "sourceType": "X"}));
                ((*name).to_owned(), entries.collect())
            })
            .collect();
        let Value::Object(object) = json!({
            "id": "1", "properties": now, FIELD: history, "createdAt": iso(0.0), "updatedAt": iso(100.0), "archived": false
        }) else {
            unreachable!()
        };
        let mut item = Item::new(object);
        let before = take_before(&mut item, "changed", at(100.0), since.map(at)).unwrap();
        assert!(!item.as_map().contains_key(FIELD) && !before.contains_key(FIELD));
        assert_eq!(item.as_map()["properties"], *now, "the image after is left alone");
        before["properties"].clone()
    }

    #[test]
    fn with_a_known_version_it_is_what_was_newest_then() {
        let history: &[(&str, &[(f64, &str)])] = &[
            // Three edits since: the one before all of them counts.
            ("a", &[(100.0, "4"), (99.9, "3"), (60.0, "2"), (50.0, "1"), (1.0, "0")]),
            ("same", &[(20.0, "x"), (10.0, "w")]),
            ("new", &[(80.0, "first")]),
        ];
        let now = json!({"a": "4", "same": "x", "new": "first", "no_history": "y"});
        assert_eq!(before(&now, history, Some(50.0)), json!({"a": "1", "same": "x", "new": null, "no_history": "y"}));
        assert_eq!(before(&now, history, Some(49.999))["a"], "0");
    }

    #[test]
    fn without_one_it_is_what_each_had_before_this_change() {
        let history: &[(&str, &[(f64, &str)])] = &[
            ("a", &[(100.0, "2"), (50.0, "1"), (40.0, "0")]),
            ("nearly", &[(99.2, "2"), (50.0, "1")]),
            ("earlier", &[(98.9, "2"), (50.0, "1")]),
            ("new", &[(100.0, "first")]),
            ("empty", &[]),
            // Written after the version that is delivered.
            ("later", &[(102.0, "3"), (100.0, "2"), (50.0, "1")]),
            ("only_later", &[(102.0, "3")]),
        ];
        let now = json!({"a": "2", "nearly": "2", "earlier": "2", "new": "first", "empty": null, "later": "2", "only_later": null});
        assert_eq!(
            before(&now, history, None),
            json!({"a": "1", "nearly": "1", "earlier": "2", "new": null, "empty": null, "later": "1", "only_later": null})
        );
    }

    #[test]
    fn values_in_any_order_are_put_in_theirs() {
        let now = json!({"a": "3"});
        let history: &[(&str, &[(f64, &str)])] = &[("a", &[(50.0, "2"), (100.0, "3"), (10.0, "1")])];
        assert_eq!(before(&now, history, Some(60.0))["a"], "2");
        assert_eq!(before(&now, history, Some(20.0))["a"], "1");
        assert_eq!(before(&now, history, None)["a"], "2");
    }

    #[test]
    fn a_value_that_is_no_longer_kept_is_left_out() {
        let now = json!({"a": "x", "b": "y"});
        let full: Vec<(f64, &str)> = (0..KEPT).map(|place| (100.0 - place as f64, "v")).collect();
        let less = &full[..KEPT - 1];
        assert_eq!(before(&now, &[("a", &full), ("b", less)], Some(50.0)), json!({"b": null}));
    }

    #[test]
    fn the_changed_time_is_that_of_then_or_none() {
        let now = json!({"a": "2", "changed": iso(100.0)});
        let history: &[(&str, &[(f64, &str)])] = &[("a", &[(100.0, "2"), (50.0, "1")]), ("changed", &[(100.0, "x")])];
        assert_eq!(before(&now, history, Some(50.0)), json!({"a": "1", "changed": iso(50.0)}));
        assert_eq!(before(&now, history, None), json!({"a": "1"}));
        assert_eq!(before(&json!({"a": "2"}), history, Some(50.0)), json!({"a": "1"}));
    }

    #[test]
    fn a_property_that_is_not_delivered_stays_out() {
        assert_eq!(before(&json!({"a": "1"}), &[("other", &[(100.0, "2"), (50.0, "1")])], None), json!({"a": "1"}));
    }

    #[test]
    fn the_rest_of_the_object_stays_but_for_its_changed_time_and_associations() {
        let Value::Object(object) = json!({
            "id": "1", "properties": {}, FIELD: {}, "createdAt": "c", "updatedAt": "u", "archived": false, "associations": {"x": []}
        }) else {
            unreachable!()
        };
        let mut item = Item::new(object);
        let before = take_before(&mut item, "changed", at(0.0), None);
        assert_eq!(
            before.map(Value::Object),
            Some(json!({"id": "1", "properties": {}, "createdAt": "c", "archived": false}))
        );
        assert!(item.as_map().contains_key("associations") && item.as_map().contains_key("updatedAt"));
        assert_eq!(take_before(&mut item, "changed", at(0.0), None), None, "there is no history any more");
    }
}
