//! A record's key as HubSpot's id.

use hubspot_client::OneLine;
use opencdc::Data;
use serde_json::Value;
use thiserror::Error;

use crate::routing::destined;

/// The key of an update or a delete names no HubSpot object.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is none.
    #[error(
        "the record has no key; an update or delete needs one field with the object's id, such as {{\"id\": \"51\"}}, or `idProperty` \
         and a value of it in the payload"
    )]
    Missing,
    /// It is raw, and no JSON object.
    #[error("the record's key can't be read: {0}; give a JSON object of one field, such as {{\"id\": \"51\"}}")]
    Unreadable(String),
    /// It has several fields.
    #[error(
        "the record has a composite key ({}); give one field with the object's id, or name a property that identifies it by `idProperty`",
        OneLine(&.0.join(", "))
    )]
    Composite(Vec<String>),
    /// The one field has a value that can't be an id.
    #[error("the key's field {field:?} is {found}; an id is a text or a whole number")]
    NotAnId {
        /// The field's name.
        field: String,
        /// What stands there, with its article.
        found: &'static str,
    },
}

/// The id that a key holds: its one field's text, or its whole number in digits.
pub(crate) fn id(key: Option<&Data>) -> Result<String, KeyError> {
    let Some(key) = key.filter(|key| !key.is_empty()) else { return Err(KeyError::Missing) };
    let fields = key.to_structured().map_err(|error| KeyError::Unreadable(error.to_string()))?;
    let mut entries = fields.iter();
    match (entries.next(), entries.next()) {
        (Some((field, value)), None) => {
            text(&value.clone().into()).map_err(|found| KeyError::NotAnId { field: field.to_owned(), found })
        }
        (None, _) => Err(KeyError::Missing),
        _ => Err(KeyError::Composite(fields.keys().map(str::to_owned).collect())),
    }
}

/// What the key's field of this name holds, where it is the key's one field.
pub(crate) fn named(key: Option<&Data>, name: &str) -> Option<String> {
    let fields = key?.to_structured().ok()?;
    let value = fields.get(name).filter(|_| fields.len() == 1)?;
    text(&value.clone().into()).ok()
}

/// What HubSpot calls an object's id, and nobody else does: the property that holds it, and contacts of old.
const OWN_IDS: [&str; 2] = ["hs_object_id", "vid"];

/// What HubSpot's objects and this project's source call it, and many a database its own.
const ID: &str = "id";

/// The id that a key holds whose one field is named as HubSpot's own ids are. `id` is one only of a record that came out of HubSpot: of
/// another, that number may be the id of an object that isn't meant.
pub(crate) fn own_id(key: Option<&Data>, collection: Option<&str>) -> Option<String> {
    let own = OWN_IDS.iter().find_map(|name| named(key, name));
    let is_hubspots = || collection.is_some_and(|collection| destined(collection).is_ok());
    own.or_else(|| named(key, ID).filter(|_| is_hubspots()))
}

/// Doubles hold every whole number up to here; beyond, digits are lost, and another object may be meant.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value as an id, or what it is instead.
pub(crate) fn text(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => match text.trim() {
            "" => Err("an empty text"),
            id => Ok(id.to_owned()),
        },
        Value::Number(number) => match number.as_f64() {
            _ if number.is_i64() || number.is_u64() => Ok(number.to_string()),
            Some(float) if float.fract() != 0.0 => Err("a number with a fraction"),
            Some(float) if float.abs() <= EXACT => Ok(format!("{float:.0}")),
            _ => Err("a number too large to be exact"),
        },
        Value::Null => Err("null"),
        Value::Bool(_) => Err("a boolean"),
        Value::Array(_) => Err("a list"),
        Value::Object(_) => Err("an object"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: Value) -> Result<String, KeyError> {
        id(Some(&Data::try_from(value).unwrap()))
    }

    #[test]
    fn one_field_with_a_text_or_a_whole_number_is_an_id() {
        for (key, expected) in [
            (json!({"id": "51"}), "51"),
            (json!({"hs_object_id": 51}), "51"),
            (json!({"id": 51.0}), "51"),
            (json!({"id": 9_007_199_254_740_992.0}), "9007199254740992"),
            (json!({"id": u64::MAX}), "18446744073709551615"),
            (json!({"id": " 51 "}), "51"),
        ] {
            assert_eq!(of(key.clone()).as_deref(), Ok(expected), "{key}");
        }
        assert_eq!(id(Some(&Data::Raw(br#"{"id":"51"}"#.to_vec()))).as_deref(), Ok("51"));
        assert_eq!(id(Some(&Data::Raw(br#"{"id":51.0}"#.to_vec()))).as_deref(), Ok("51"));
    }

    #[test]
    fn no_key_is_an_error_that_says_so() {
        for key in [None, Some(Data::Raw(Vec::new())), Some(Data::Structured(opencdc::Map::new()))] {
            let error = id(key.as_ref()).unwrap_err();
            assert_eq!(error, KeyError::Missing);
            assert!(error.to_string().contains("no key"), "{error}");
        }
    }

    #[test]
    fn a_composite_key_is_an_error_that_names_its_fields() {
        let error = of(json!({"id": "51", "portal": "7"})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the record has a composite key (id, portal); give one field with the object's id, or name a property that identifies it \
             by `idProperty`"
        );
    }

    #[test]
    fn values_that_are_no_ids_are_refused() {
        for value in [json!(1.5), json!(true), json!(null), json!([1]), json!({}), json!(""), json!(1e300)] {
            let error = of(json!({"id": value})).unwrap_err();
            assert!(matches!(&error, KeyError::NotAnId { field, .. } if field == "id"), "{error}");
        }
        assert!(matches!(id(Some(&Data::Raw(b"51".to_vec()))), Err(KeyError::Unreadable(_))));
        assert!(matches!(id(Some(&Data::Raw(b"contact".to_vec()))), Err(KeyError::Unreadable(_))));
    }
}
