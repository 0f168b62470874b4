//! What stands in a template, as a value.

use std::borrow::Cow;

use opencdc::{Change, Data, Map, Metadata, Record, Value as Json};

use crate::middleware::format::gotext;

/// A value of a template.
pub(super) enum Value<'a> {
    Record(&'a Record),
    Change(&'a Change),
    Metadata(&'a Metadata),
    Data(Option<&'a Data>),
    Json(&'a Json),
    Text(Cow<'a, str>),
    Integer(i64),
    /// What Go has for an entry that isn't there, or is null.
    Nothing,
}

impl<'a> Value<'a> {
    /// A field by its name. Those of the record itself are known to be there.
    pub(super) fn field(self, name: &str) -> Result<Self, String> {
        let entry = |value: Option<Self>| value.ok_or_else(|| format!("map has no entry for key {name:?}"));
        match self {
            Self::Record(record) => match name {
                "Position" => Ok(Self::Text(record.position.to_string().into())),
                "Operation" => Ok(Self::Text(record.operation.as_str().into())),
                "Metadata" => Ok(Self::Metadata(&record.metadata)),
                "Key" => Ok(Self::Data(record.key.as_ref())),
                "Payload" => Ok(Self::Change(&record.payload)),
                other => Err(format!("a record has no field {other:?}")),
            },
            Self::Change(change) => match name {
                "Before" => Ok(Self::Data(change.before.as_ref())),
                "After" => Ok(Self::Data(change.after.as_ref())),
                other => Err(format!("a payload has no field {other:?}")),
            },
            Self::Metadata(metadata) => entry(metadata.get(name).map(|value| Self::Text(value.into()))),
            Self::Data(Some(Data::Structured(fields))) | Self::Json(Json::Object(fields)) => {
                entry(fields.get(name).map(Self::of))
            }
            other => Err(format!("{} has no field {name:?}", other.kind())),
        }
    }

    /// An entry by its name, or an item by its number.
    pub(super) fn index(self, key: &Self) -> Result<Self, String> {
        let named = |fields: &'a Map, name: &str| fields.get(name).map_or(Self::Nothing, Self::of);
        match (self, key) {
            (Self::Metadata(metadata), Self::Text(name)) => {
                Ok(Self::Text(metadata.get(name).unwrap_or_default().into()))
            }
            (Self::Data(Some(Data::Structured(fields))) | Self::Json(Json::Object(fields)), Self::Text(name)) => {
                Ok(named(fields, name))
            }
            (Self::Json(Json::Array(items)), Self::Integer(number)) => {
                let item = usize::try_from(*number).ok().and_then(|number| items.get(number));
                item.map(Self::of).ok_or_else(|| format!("index out of range: {number}"))
            }
            (Self::Data(Some(Data::Raw(bytes))), Self::Integer(number)) => {
                let byte = usize::try_from(*number).ok().and_then(|number| bytes.get(number));
                byte.map(|byte| Self::Integer((*byte).into())).ok_or_else(|| format!("index out of range: {number}"))
            }
            (of, key) => Err(format!("cannot index {} by {}", of.kind(), key.kind())),
        }
    }

    fn of(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Nothing,
            Json::String(text) => Self::Text(text.into()),
            other => Self::Json(other),
        }
    }

    /// Writes it as Go's `%v` does.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            // Neither is a value of its own: parsing sees to that.
            Self::Record(_) | Self::Change(_) => {}
            Self::Metadata(metadata) => {
                gotext::write_map(metadata.iter(), |value, out| out.push_str(value), out);
            }
            Self::Data(None) => out.push_str("<nil>"),
            Self::Data(Some(Data::Raw(bytes))) => gotext::write_bytes(bytes, out),
            Self::Data(Some(Data::Structured(fields))) => {
                gotext::write_map(fields.iter(), gotext::write, out);
            }
            Self::Json(json) => gotext::write(json, out),
            Self::Text(text) => out.push_str(text),
            Self::Integer(number) => out.push_str(&number.to_string()),
            Self::Nothing => out.push_str("<no value>"),
        }
    }

    /// Writes it as text: what is raw as it is. Bytes that are no UTF-8 are replaced.
    pub(super) fn write_text(&self, out: &mut String) {
        match self {
            Self::Data(Some(Data::Raw(bytes))) => out.push_str(&String::from_utf8_lossy(bytes)),
            other => other.write(out),
        }
    }

    pub(super) fn to_json(&self) -> Result<String, String> {
        match self {
            Self::Record(record) => serde_json::to_string(record),
            Self::Change(change) => serde_json::to_string(change),
            Self::Metadata(metadata) => serde_json::to_string(metadata),
            Self::Data(data) => serde_json::to_string(data),
            Self::Json(json) => serde_json::to_string(json),
            Self::Text(text) => serde_json::to_string(text),
            Self::Integer(number) => serde_json::to_string(number),
            Self::Nothing => Ok("null".to_owned()),
        }
        .map_err(|error| error.to_string())
    }

    /// What it is, in messages.
    fn kind(&self) -> &'static str {
        match self {
            Self::Record(_) => "a record",
            Self::Change(_) => "a payload",
            Self::Metadata(_) => "the metadata",
            Self::Data(None) | Self::Nothing => "what isn't there",
            Self::Data(Some(Data::Raw(_))) => "raw data",
            Self::Data(Some(Data::Structured(_))) | Self::Json(Json::Object(_)) => "an object",
            Self::Json(Json::Array(_)) => "a list",
            Self::Json(_) => "a value",
            Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
        }
    }
}
