//! The values of properties as a request brings them: what HubSpot refuses, and how it stores the rest.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::{Millis, iso, parse_time};
use crate::definitions::{ObjectType, Property};
use crate::errors::{ApiError, Detail, Result};

/// In milliseconds.
const A_DAY: Millis = 86_400_000;

/// Names and values; an empty value clears.
pub(crate) type Values = Vec<(Arc<str>, Arc<str>)>;

/// Values that HubSpot refuses.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) details: Vec<Detail>,
    /// Whether they fail the whole batch that they are in.
    pub(crate) whole_batch: bool,
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        Self::properties(refused.details)
    }
}

/// Takes values as they are.
pub(crate) fn unchecked(object_type: &ObjectType, fields: &Map<String, Value>) -> Result<Values> {
    let mut values = Values::new();
    for (name, value) in fields {
        let property = object_type.properties.get(name.as_str());
        let text = text_of(name, value)?;
        let text = property.and_then(|property| normalised(property, &text).ok()).unwrap_or(text);
        let name = property.map_or_else(|| name.as_str().into(), |property| Arc::clone(&property.name));
        values.push((name, text.into()));
    }
    Ok(values)
}

/// Checks values against the type's definitions.
pub(crate) fn checked(object_type: &ObjectType, fields: &Map<String, Value>) -> std::result::Result<Values, Refused> {
    let mut values = Values::new();
    let mut refused = Refused { details: Vec::new(), whole_batch: false };
    for (name, value) in fields {
        match check(object_type, name, value) {
            Ok(value) => values.push(value),
            Err((detail, whole_batch)) => {
                refused.details.push(detail);
                refused.whole_batch |= whole_batch;
            }
        }
    }
    if refused.details.is_empty() { Ok(values) } else { Err(refused) }
}

fn check(
    object_type: &ObjectType,
    name: &str,
    value: &Value,
) -> std::result::Result<(Arc<str>, Arc<str>), (Detail, bool)> {
    let Some(property) = object_type.properties.get(name) else {
        let detail = Detail::of_property(name, "PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist"));
        return Err((detail, true));
    };
    if property.read_only {
        let message = format!("\"{name}\" is a read only property; its value cannot be set.");
        return Err((Detail::of_property(name, "READ_ONLY_VALUE", message), true));
    }
    let text =
        text_of(name, value).map_err(|error| (Detail::of_property(name, "INVALID_VALUE", error.message), true))?;
    // Believed: a value of the wrong form fails its own input, an unknown option the whole batch.
    let text = normalised(property, &text).map_err(|detail| {
        let whole_batch = detail.code == Some("INVALID_OPTION");
        (detail, whole_batch)
    })?;
    Ok((Arc::clone(&property.name), text.into()))
}

fn text_of(name: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(_) | Value::Object(_) => {
            Err(ApiError::invalid(format!("The value of \"{name}\" has to be a string")))
        }
    }
}

/// The value as HubSpot stores it, if it has the form of its type.
fn normalised(property: &Property, text: &str) -> std::result::Result<String, Detail> {
    let refuse = |code, what: &str| Err(Detail::of_property(&property.name, code, format!("{text} was not {what}.")));
    if text.is_empty() {
        return Ok(String::new());
    }
    match property.kind.as_str() {
        "number" if !text.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
            refuse("INVALID_INTEGER", "a valid number")
        }
        "bool" if !matches!(text, "true" | "false") => {
            refuse("INVALID_OPTION", "one of the allowed options: [true, false]")
        }
        "date" => match parse_time(text) {
            Some(at) if at.rem_euclid(A_DAY) == 0 => Ok(iso(at)[..10].to_owned()),
            Some(at) => {
                let said = format!("{text} is at {} UTC, not midnight!", &iso(at)[11..23]);
                Err(Detail::of_property(&property.name, "INVALID_DATE", said))
            }
            None => refuse("INVALID_DATE", "a valid date"),
        },
        "datetime" => match parse_time(text) {
            Some(at) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => Ok(iso(at)),
            Some(_) => Ok(text.to_owned()),
            None => refuse("INVALID_DATE", "a valid date"),
        },
        "enumeration" if !property.external_options && !property.options.is_empty() => {
            let known = |value: &str| property.options.iter().any(|option| option.value == value);
            let several = property.field_type == "checkbox";
            let valid =
                if several { text.split(';').filter(|value| !value.is_empty()).all(known) } else { known(text) };
            if valid {
                return Ok(text.to_owned());
            }
            let allowed: Vec<&str> = property.options.iter().map(|option| option.value.as_str()).collect();
            refuse("INVALID_OPTION", &format!("one of the allowed options: [{}]", allowed.join(", ")))
        }
        _ if &*property.name == "email" && property.unique => {
            let valid = text.split_once('@').is_some_and(|(user, domain)| !user.is_empty() && domain.contains('.'))
                && !text.contains(' ');
            // HubSpot stores addresses in lower case.
            if valid {
                Ok(text.to_lowercase())
            } else {
                Err(Detail::of_property("email", "INVALID_EMAIL", format!("Email address {text} is invalid")))
            }
        }
        _ => Ok(text.to_owned()),
    }
}
