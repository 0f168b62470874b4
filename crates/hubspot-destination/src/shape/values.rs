//! From a payload's values to the texts that HubSpot keeps, by the property's definition.
//!
//! | kind | taken | sent |
//! |---|---|---|
//! | text | text, numbers, booleans | the same as text |
//! | number | numbers, and texts that are one | decimal text, digit for digit, without an exponent |
//! | boolean | booleans, `true` and `false` in any case | `true` or `false` |
//! | date | days, and instants that are midnight in UTC | `2026-01-31` |
//! | date-time | ISO 8601 (UTC where it has no offset), days, milliseconds since 1970 | ISO 8601 in UTC, with milliseconds |
//! | enumeration | options; several as a list, or with semicolons between | the options with semicolons between |
//! | JSON | text as it is, any other value | JSON text |
//! | a type not known here | anything | the same |
//!
//! For every kind, null and `""` clear, and stay what they are here. What a HubSpot source makes of HubSpot's texts, with types or without, becomes those texts
//! again. One thing can't: JSON text that is a single quoted string, read with types, is that string, and is sent without its quotes.

use serde_json::Value;

use super::error::Allowed;
use super::options::{one, scalar, several};
use super::{number, time};
use crate::definitions::{Definition, ValueKind};

/// A value that a property can't have, and what it can.
#[derive(Debug, PartialEq)]
pub(super) struct Unfit {
    pub(super) value: Value,
    pub(super) allowed: Allowed,
}

/// The value that is sent.
pub(super) fn convert(kind: &ValueKind, value: Value) -> Result<Value, Unfit> {
    let text = match (kind, value) {
        // It clears, and is the caller's to send.
        (_, Value::Null) => return Ok(Value::Null),
        (ValueKind::Other, value) => return Ok(value),
        (ValueKind::Text | ValueKind::Json, text @ Value::String(_)) => return Ok(text),
        (ValueKind::Json, value) => return Ok(value.to_string().into()),
        (_, Value::String(text)) if text.is_empty() => return Ok(text.into()),
        (kind, value) => match by_kind(kind, &value) {
            Ok(text) => text,
            Err(allowed) => return Err(Unfit { value, allowed }),
        },
    };
    Ok(text.into())
}

/// Whether the value of an enumeration consists of options that there are. Other kinds have none that could lack.
pub(super) fn has_options(definition: &Definition, value: &opencdc::Value) -> bool {
    let ValueKind::Enumeration { options: Some(options), .. } = &definition.kind else { return true };
    let is_one = value.as_str().is_some_and(|text| text.is_empty() || options.contains(text));
    is_one || value.is_null() || by_kind(&definition.kind, &value.clone().into()).is_ok()
}

fn by_kind(kind: &ValueKind, value: &Value) -> Result<String, Allowed> {
    match kind {
        ValueKind::Text | ValueKind::Json | ValueKind::Other => scalar(value).ok_or(Allowed::Text),
        ValueKind::Number => match value {
            Value::Number(number) => Some(number::of_number(number)),
            Value::String(text) => number::of_text(text),
            _ => None,
        }
        .ok_or(Allowed::Number),
        ValueKind::Bool => boolean(value).map(str::to_owned).ok_or(Allowed::Bool),
        ValueKind::Date => time::date(value).ok_or(Allowed::Date),
        ValueKind::DateTime => time::date_time(value).ok_or(Allowed::DateTime),
        ValueKind::Enumeration { options, several: false } => one(options.as_ref(), value),
        ValueKind::Enumeration { options, several: true } => several(options.as_ref(), value),
    }
}

/// HubSpot takes `true` and `false` alone; their case is what other languages write differently.
fn boolean(value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some("true"),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some("false"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::definitions::tests::definitions;

    fn kind(kind: &str) -> ValueKind {
        definitions(&[("p", kind)]).get("p").unwrap().kind.clone()
    }

    fn sent(of: &str, value: &Value) -> Result<Value, Allowed> {
        convert(&kind(of), value.clone()).map_err(|unfit| unfit.allowed)
    }

    #[test]
    fn values_become_what_hubspot_keeps() {
        for (of, value, text) in [
            ("string/text", json!("42"), "42"),
            ("string/text", json!(42), "42"),
            ("string/text", json!(0.1), "0.1"),
            ("string/text", json!(true), "true"),
            ("string/text", json!(" as it is \n"), " as it is \n"),
            ("phone_number/phonenumber", json!("+49 30 1"), "+49 30 1"),
            ("object_coordinates/text", json!("1,2"), "1,2"),
            ("number/number", json!(42), "42"),
            ("number/number", json!("42.50"), "42.50"),
            ("number/number", json!(1e21), "1000000000000000000000"),
            ("bool/booleancheckbox", json!(true), "true"),
            ("bool/booleancheckbox", json!("False"), "false"),
            ("date/date", json!("2026-01-31T00:00:00Z"), "2026-01-31"),
            ("datetime/date", json!("2026-01-31T12:30:00Z"), "2026-01-31T12:30:00Z"),
            ("enumeration/select", json!("x"), "x"),
            ("enumeration/checkbox", json!(["x", "y"]), "x;y"),
            ("enumeration/booleancheckbox", json!(false), "false"),
            ("json/text", json!({"a": [1]}), r#"{"a":[1]}"#),
            ("json/text", json!("{\"a\": 1}"), "{\"a\": 1}"),
            ("json/text", json!(7), "7"),
        ] {
            assert_eq!(sent(of, &value), Ok(json!(text)), "{of} {value}");
        }
        let any = json!({"a": [1, null]});
        assert_eq!(sent("hologram/cube", &any), Ok(any));
    }

    #[test]
    fn null_and_nothing_fit_whatever_the_kind() {
        for of in ["string", "number", "bool", "date", "datetime", "enumeration/select", "enumeration/checkbox", "json"]
        {
            for value in [json!(null), json!("")] {
                assert_eq!(sent(of, &value), Ok(value.clone()), "{of} {value}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_says_what_does() {
        for (of, value, allowed) in [
            ("string/text", json!({"a": 1}), Allowed::Text),
            ("string/text", json!(["a"]), Allowed::Text),
            ("number/number", json!("n/a"), Allowed::Number),
            ("number/number", json!(true), Allowed::Number),
            ("number/number", json!(" "), Allowed::Number),
            ("bool/booleancheckbox", json!("yes"), Allowed::Bool),
            ("bool/booleancheckbox", json!(1), Allowed::Bool),
            ("date/date", json!("2026-01-31T12:30:00Z"), Allowed::Date),
            ("datetime/date", json!("tomorrow"), Allowed::DateTime),
            ("enumeration/select", json!(["a", "b"]), Allowed::OneOption),
        ] {
            assert_eq!(sent(of, &value), Err(allowed), "{of} {value}");
        }
    }

    /// A text that HubSpot keeps for a property of each kind, in HubSpot's own form.
    fn kept() -> impl Strategy<Value = (&'static str, String)> {
        let integer = any::<i64>().prop_map(|number| number.to_string());
        let float = any::<f64>().prop_filter("finite", |float| float.is_finite() && *float != 0.0);
        let number = prop_oneof![integer, float.prop_map(|float| float.to_string())];
        let instant = -62_167_219_200_000..=253_402_300_799_999_i64;
        let at = |millis: i64| chrono::DateTime::from_timestamp_millis(millis).unwrap();
        let time = instant.prop_map(move |millis| at(millis).to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        let day = time.clone().prop_map(|time| time[..10].to_owned());
        let chosen = proptest::collection::btree_set("[a-z][a-z0-9 ]{0,4}[a-z0-9]", 1..4);
        let several = chosen.prop_map(|chosen| chosen.into_iter().collect::<Vec<_>>().join(";"));
        let json =
            proptest::collection::btree_map("[a-z]{1,3}", any::<i32>(), 0..3).prop_map(|map| json!(map).to_string());
        prop_oneof![
            "\\PC{1,20}".prop_map(|text| ("string/text", text)),
            "\\PC{1,20}".prop_map(|text| ("enumeration/select", text)),
            number.prop_map(|text| ("number/number", text)),
            any::<bool>().prop_map(|value| ("bool/booleancheckbox", value.to_string())),
            day.prop_map(|text| ("date/date", text)),
            time.prop_map(|text| ("datetime/date", text)),
            several.prop_map(|text| ("enumeration/checkbox", text)),
            json.prop_map(|text| ("json/text", text)),
        ]
    }

    /// What a source that gives values their types makes of a text of HubSpot's, as its documentation has it.
    fn typed(of: &str, text: &str) -> Value {
        match kind(of) {
            ValueKind::Number => {
                text.parse::<i64>().map_or_else(|_| json!(text.parse::<f64>().unwrap()), |whole| json!(whole))
            }
            ValueKind::Bool => json!(text == "true"),
            ValueKind::Enumeration { several: true, .. } => text.split(';').collect(),
            ValueKind::Json => serde_json::from_str(text).unwrap(),
            _ => json!(text),
        }
    }

    proptest! {
        #[test]
        fn what_was_read_from_hubspot_is_written_as_it_was((of, text) in kept()) {
            prop_assert_eq!(sent(of, &json!(text)), Ok(json!(text)), "as text");
            prop_assert_eq!(sent(of, &typed(of, &text)), Ok(json!(text)), "with types");
        }

        #[test]
        fn what_is_sent_fits_again(
            of in proptest::sample::select(vec![
                "string", "number", "bool", "date", "datetime", "enumeration/select", "enumeration/checkbox", "json",
            ]),
            text in "-?[0-9.]{1,20}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?|[a-c; ]{0,6}|TRUE|\\PC{0,9}",
        ) {
            if let Ok(once) = sent(of, &json!(text)) {
                prop_assert!(once.is_string());
                prop_assert_eq!(sent(of, &once), Ok(once.clone()));
            }
        }
    }
}
