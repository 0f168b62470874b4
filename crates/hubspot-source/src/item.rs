//! A HubSpot object as the engine sees it: its id and its times; all else passes through untouched.

use chrono::DateTime;
use hubspot_client::Object;
use serde_json::Value;

/// An instant: milliseconds since the Unix epoch. HubSpot's own resolution, and the one its filters take.
pub type Millis = i64;

/// The last instant of the year 9999: what lies beyond is no time, and reckoning with it could overflow.
pub const LATEST: Millis = 253_402_300_799_999;

/// An object's id, ordered as HubSpot orders ids: numbers by value, anything else behind them by text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ItemId {
    /// A decimal id, as all CRM objects have it.
    Number(u64),
    /// Any other id.
    Text(Box<str>),
}

impl Default for ItemId {
    /// Zero, which no object has.
    fn default() -> Self {
        Self::Number(0)
    }
}

impl From<&str> for ItemId {
    fn from(id: &str) -> Self {
        match id.parse::<u64>() {
            // "007" and "7" must not become one object.
            Ok(number) if !id.starts_with('0') || id == "0" => Self::Number(number),
            _ => Self::Text(id.into()),
        }
    }
}

impl std::fmt::Display for ItemId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A HubSpot object as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item(Object);

impl Item {
    /// Wraps an object of HubSpot's.
    pub fn new(object: Object) -> Self {
        Self(object)
    }

    /// Its id; some CMS resources send a number instead of a string. `None` when it has none, which HubSpot never
    /// sends.
    pub fn id(&self) -> Option<ItemId> {
        self.id_in("id")
    }

    /// The id of an object that a top-level field has.
    pub(crate) fn id_in(&self, field: &str) -> Option<ItemId> {
        match self.0.get(field)? {
            Value::String(id) => Some(ItemId::from(id.as_str())),
            Value::Number(id) => Some(ItemId::from(id.to_string().as_str())),
            _ => None,
        }
    }

    /// A top-level field as a time. Not set (`null`, `""`, zero, the epoch) is `None`: the CMS says "not deleted" that
    /// way. So is a number beyond [`LATEST`], or as far before the epoch.
    pub fn time(&self, field: &str) -> Option<Millis> {
        self.0.get(field).and_then(time)
    }

    /// The first of these fields that is there and is a time.
    pub fn first_time(&self, fields: &[&str]) -> Option<Millis> {
        fields.iter().find_map(|field| self.time(field))
    }

    /// A property (CRM objects), if it is text.
    pub fn property(&self, property: &str) -> Option<&str> {
        self.0.get("properties")?.get(property)?.as_str()
    }

    /// A property (CRM objects) as a time.
    pub fn property_time(&self, property: &str) -> Option<Millis> {
        self.0.get("properties")?.get(property).and_then(time)
    }

    /// The names of its properties (CRM objects).
    pub fn property_names(&self) -> impl Iterator<Item = &str> {
        self.0.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// Its properties by name (CRM objects).
    pub(crate) fn properties_mut(&mut self) -> Option<&mut Object> {
        self.0.get_mut("properties").and_then(Value::as_object_mut)
    }

    /// Takes a top-level field out.
    pub(crate) fn take(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field)
    }

    /// Sets a top-level field.
    pub(crate) fn set(&mut self, field: &str, value: Value) {
        self.0.insert(field.to_owned(), value);
    }

    /// Whether a top-level field is `true`.
    pub fn flag(&self, field: &str) -> bool {
        self.0.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The object as it came.
    pub fn as_map(&self) -> &Object {
        &self.0
    }

    /// The object as it came.
    pub fn into_map(self) -> Object {
        self.0
    }
}

/// ISO 8601, or epoch milliseconds as a number or as digits: HubSpot sends all three.
fn time(value: &Value) -> Option<Millis> {
    let millis = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64))?,
        Value::String(text) => match text.parse::<i64>() {
            Ok(millis) => millis,
            Err(_) => DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis(),
        },
        _ => return None,
    };
    (millis != 0 && millis.unsigned_abs() <= LATEST.unsigned_abs()).then_some(millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(value: Value) -> Item {
        match value {
            Value::Object(map) => Item::new(map),
            _ => Item::default(),
        }
    }

    #[test]
    fn times_come_in_three_forms_and_the_epoch_means_none() {
        let item = item(json!({
            "iso": "2026-01-02T03:04:05.678Z", "number": 1_767_323_045_678_i64, "digits": "1767323045678",
            "least": i64::MIN, "beyond": "253402300800000", "float": 1e300, "zero": 0, "epoch": "1970-01-01T00:00:00Z", "empty": "", "null": null, "properties": {"createdate": "2026-01-02T03:04:05.678Z"}
        }));
        for field in ["iso", "number", "digits"] {
            assert_eq!(item.time(field), Some(1_767_323_045_678), "{field}");
        }
        for field in ["zero", "epoch", "empty", "null", "absent", "least", "beyond", "float"] {
            assert_eq!(item.time(field), None, "{field}");
        }
        assert_eq!(item.first_time(&["zero", "absent", "digits"]), Some(1_767_323_045_678));
        assert_eq!(item.property_time("createdate"), Some(1_767_323_045_678));
    }

    #[test]
    fn ids_order_by_value_and_stay_distinct() {
        assert!(ItemId::from("9") < ItemId::from("10"));
        assert!(ItemId::from("10") < ItemId::from("a"));
        assert_ne!(ItemId::from("007"), ItemId::from("7"));
        assert_eq!(ItemId::from("42").to_string(), "42");
        assert_eq!(item(json!({"id": 5})).id(), item(json!({"id": "5"})).id());
    }
}
