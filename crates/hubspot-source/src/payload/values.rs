//! From HubSpot's texts to values of the kinds that the definitions say.
//!
//! | kind | becomes |
//! |---|---|
//! | number | an integer where it is whole and fits 64 bits, else a float; never rounded |
//! | boolean | `true` or `false` |
//! | date | text as `2026-01-31` |
//! | date-time | text as `2026-01-31T12:00:00.000Z`, in UTC with milliseconds; what is finer is cut off |
//! | enumeration of several | a list of texts |
//! | JSON | what it is |
//! | text, enumeration of one | text |
//!
//! JSON has no type for times; that they are times is in the definitions. HubSpot's other forms of them, milliseconds since
//! the epoch above all, become these.
//!
//! Nothing (`""`) is null, for every kind. A value that isn't what its definition says stays the text that it is, and is counted.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use hubspot_client::Object;
use serde_json::Value;

use super::decimal;
use super::definitions::{Definitions, ValueKind};
pub(crate) use super::misfits::Misfits;
use crate::item::{Item, LATEST, Millis};

/// Types the properties of an object. Those without a definition stay as they are, and are noted.
pub(crate) fn type_properties(item: &mut Item, definitions: &Definitions, misfits: &mut Misfits) {
    if let Some(properties) = item.properties_mut() {
        type_values(properties, definitions, misfits);
    }
}

/// The same for an object that is no [`Item`], such as an earlier image of one.
pub(crate) fn type_object(object: &mut Object, definitions: &Definitions, misfits: &mut Misfits) {
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        type_values(properties, definitions, misfits);
    }
}

fn type_values(properties: &mut Object, definitions: &Definitions, misfits: &mut Misfits) {
    for (name, value) in properties {
        let Some(definition) = definitions.get(name) else {
            misfits.note_unknown(name);
            continue;
        };
        let Value::String(text) = value else {
            // HubSpot sends texts only; whatever else there may be once is typed already.
            continue;
        };
        match typed(definition.kind, text) {
            Typed::AsItIs => {}
            Typed::Value(new) => *value = new,
            Typed::Misfit => misfits.count(name),
        }
    }
}

enum Typed {
    AsItIs,
    Value(Value),
    Misfit,
}

impl From<Option<Value>> for Typed {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Self::Misfit, Self::Value)
    }
}

fn typed(kind: ValueKind, text: &str) -> Typed {
    if text.is_empty() {
        return Typed::Value(Value::Null);
    }
    match kind {
        ValueKind::Text | ValueKind::Enumeration { several: false } => Typed::AsItIs,
        ValueKind::Number => decimal::number(text).map(Value::Number).into(),
        ValueKind::Boolean => match text {
            "true" => Typed::Value(Value::Bool(true)),
            "false" => Typed::Value(Value::Bool(false)),
            _ => Typed::Misfit,
        },
        ValueKind::Date => date(text).map(|date| Value::String(date.to_string())).into(),
        ValueKind::DateTime => {
            instant(text).map(|at| Value::String(at.to_rfc3339_opts(SecondsFormat::Millis, true))).into()
        }
        ValueKind::Enumeration { several: true } => {
            let chosen = text.split(';').filter(|option| !option.is_empty());
            Typed::Value(chosen.map(|option| Value::String(option.to_owned())).collect())
        }
        ValueKind::Json => serde_json::from_str(text).ok().into(),
    }
}

/// The first instant that can be written with four digits for the year.
const EARLIEST: Millis = -62_167_219_200_000;

/// RFC 3339, milliseconds since the epoch, or a day: HubSpot takes that for its midnight in UTC.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let millis = match text.parse() {
        Ok(millis) if !text.starts_with('+') => millis,
        _ => match DateTime::parse_from_rfc3339(text) {
            Ok(at) => at.timestamp_millis(),
            Err(_) => day(text)?.and_time(NaiveTime::MIN).and_utc().timestamp_millis(),
        },
    };
    if (EARLIEST..=LATEST).contains(&millis) { DateTime::from_timestamp_millis(millis) } else { None }
}

/// A day, or an instant that is a midnight in UTC: HubSpot gives days in both ways.
fn date(text: &str) -> Option<NaiveDate> {
    let at = instant(text)?;
    (at.time() == NaiveTime::MIN).then(|| at.date_naive())
}

/// `2026-01-31`, and no other way to write it.
fn day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (day.to_string() == text).then_some(day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::definitions::tests::definitions;
    use super::*;

    /// The value that a text becomes, and how many misfits there were.
    fn typed(kind: &str, value: &Value) -> (Value, u64) {
        let Value::Object(object) = json!({"id": "1", "properties": {"p": value}}) else { unreachable!() };
        let (mut item, mut misfits) = (Item::new(object), Misfits::default());
        type_properties(&mut item, &definitions(&[("p", kind)]), &mut misfits);
        (item.as_map()["properties"]["p"].clone(), misfits.total())
    }

    #[test]
    fn texts_become_what_their_definitions_say() {
        for (kind, text, value) in [
            ("string/text", "42", json!("42")),
            ("number/number", "42", json!(42)),
            ("number/number", "-4.25", json!(-4.25)),
            ("bool/booleancheckbox", "true", json!(true)),
            ("bool/booleancheckbox", "false", json!(false)),
            ("date/date", "2026-01-31", json!("2026-01-31")),
            ("date/date", "1769817600000", json!("2026-01-31")),
            ("date/date", "-86400000", json!("1969-12-31")),
            ("date/date", "2026-01-31T00:00:00Z", json!("2026-01-31")),
            ("date/date", "0", json!("1970-01-01")),
            ("datetime/date", "2026-01-31T12:30:00Z", json!("2026-01-31T12:30:00.000Z")),
            ("datetime/date", "2026-01-31T12:30:00.5+02:00", json!("2026-01-31T10:30:00.500Z")),
            ("datetime/date", "2026-01-31T12:30:00.123999Z", json!("2026-01-31T12:30:00.123Z")),
            ("datetime/date", "1769862600123", json!("2026-01-31T12:30:00.123Z")),
            ("datetime/date", "2026-01-31", json!("2026-01-31T00:00:00.000Z")),
            ("datetime/date", "-1", json!("1969-12-31T23:59:59.999Z")),
            ("enumeration/select", "a;b", json!("a;b")),
            ("enumeration/checkbox", "a;b", json!(["a", "b"])),
            ("enumeration/checkbox", ";b c;", json!(["b c"])),
            ("enumeration/checkbox", "a", json!(["a"])),
            ("json/text", "{\"a\":[1]}", json!({"a": [1]})),
        ] {
            assert_eq!(typed(kind, &json!(text)), (value, 0), "{kind} {text}");
        }
    }

    #[test]
    fn nothing_is_null_for_every_kind() {
        for kind in
            ["string", "number", "bool", "date", "datetime", "enumeration/select", "enumeration/checkbox", "json"]
        {
            assert_eq!(typed(kind, &json!("")), (Value::Null, 0), "{kind}");
            assert_eq!(typed(kind, &Value::Null), (Value::Null, 0), "{kind}");
        }
    }

    #[test]
    fn what_is_not_what_its_definition_says_stays_and_is_counted() {
        for (kind, text) in [
            ("number", "about 5"),
            ("number", "12345678901234567890"),
            ("bool", "yes"),
            ("bool", "TRUE"),
            ("date", "31/01/2026"),
            ("date", "2026-1-31"),
            ("date", "2026-02-30"),
            ("date", "2026-01-31T12:00:00Z"),
            ("date", "1769817600001"),
            ("date", "20260131"),
            ("datetime", "tomorrow"),
            ("datetime", "+5"),
            ("datetime", "253402300800000"),
            ("datetime", "-62167219200001"),
            ("datetime", "9223372036854775807"),
            ("json", "{"),
            ("json", " "),
        ] {
            assert_eq!(typed(kind, &json!(text)), (json!(text), 1), "{kind} {text}");
        }
    }

    #[test]
    fn properties_without_a_definition_stay_and_are_noted() {
        let mut image = Object::from_iter([("properties".to_owned(), json!({"new": "5", "empty": "", "known": "5"}))]);
        let mut misfits = Misfits::default();
        type_object(&mut image, &definitions(&[("known", "number")]), &mut misfits);
        assert_eq!(image["properties"], json!({"new": "5", "empty": "", "known": 5}));
        assert_eq!((misfits.total(), misfits.take_unknown()), (0, vec!["empty".to_owned(), "new".to_owned()]));
    }

    #[test]
    fn an_object_without_properties_stays() {
        let mut item = Item::new(Object::from_iter([("id".to_owned(), json!("1"))]));
        type_properties(&mut item, &definitions(&[]), &mut Misfits::default());
        assert_eq!(item.into_map(), Object::from_iter([("id".to_owned(), json!("1"))]));
    }

    proptest! {
        /// Typing what was typed changes nothing and counts nothing, but for what didn't fit the first time.
        #[test]
        fn typing_twice_is_typing_once(
            kind in proptest::sample::select(vec!["string", "number", "bool", "date", "datetime", "enumeration/checkbox"]),
            text in "\\PC{0,6}|-?[0-9]{1,20}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?|[a-c;]{0,5}",
        ) {
            let (once, misfits) = typed(kind, &json!(text));
            let (twice, again) = typed(kind, &once);
            prop_assert_eq!((once, misfits), (twice, again));
        }

        #[test]
        fn every_instant_comes_back_from_every_form(millis in EARLIEST..=LATEST) {
            let (text, misfits) = typed("datetime", &json!(millis.to_string()));
            prop_assert_eq!(misfits, 0);
            let back = DateTime::parse_from_rfc3339(text.as_str().unwrap()).unwrap();
            prop_assert_eq!(back.timestamp_millis(), millis);
            let midnight = millis.div_euclid(86_400_000) * 86_400_000;
            let (day, misfits) = typed("date", &json!(midnight.to_string()));
            prop_assert_eq!(misfits, 0);
            prop_assert_eq!(typed("date", &day), (day.clone(), 0));
            prop_assert!(text.as_str().unwrap().starts_with(day.as_str().unwrap()));
        }
    }
}
