//! Keys and payloads: raw bytes, or a map of fields.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::{CompactString, Map, Value};

/// A key, or one side of a payload.
///
/// In JSON, structured data is an object and raw data is base64 text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Bytes whose meaning is not known here: a file's line, JSON text, an Avro-encoded value.
    Raw(Vec<u8>),
    /// Named fields.
    Structured(Map),
}

/// Data could not be read as a map of fields.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The raw bytes are no JSON.
    #[error("raw data is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// It is JSON, but a list, a text, a number, a boolean or null.
    #[error("data is {found}, not a JSON object")]
    NotAnObject {
        /// What it is, with its article: `a list`, `null`, ….
        found: &'static str,
    },
}

impl Data {
    /// The fields: structured data as it is, raw data parsed as a JSON object.
    ///
    /// # Errors
    /// When raw bytes are no JSON, or are JSON of another kind than an object.
    pub fn to_structured(&self) -> Result<Cow<'_, Map>, DataError> {
        match self {
            Self::Structured(map) => Ok(Cow::Borrowed(map)),
            Self::Raw(bytes) => parse_object(bytes).map(Cow::Owned),
        }
    }

    /// The fields, without a copy where the data is structured already.
    ///
    /// # Errors
    /// As [`to_structured`](Self::to_structured).
    pub fn into_structured(self) -> Result<Map, DataError> {
        match self {
            Self::Structured(map) => Ok(map),
            Self::Raw(bytes) => parse_object(&bytes),
        }
    }

    /// Whether there is nothing in it: no bytes, or no fields.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Raw(bytes) => bytes.is_empty(),
            Self::Structured(map) => map.is_empty(),
        }
    }
}

fn parse_object(bytes: &[u8]) -> Result<Map, DataError> {
    match serde_json::from_slice(bytes).map_err(DataError::NotJson)? {
        Value::Object(map) => Ok(map),
        other => Err(DataError::NotAnObject { found: kind(&other) }),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl From<Map> for Data {
    fn from(map: Map) -> Self {
        Self::Structured(map)
    }
}

/// Structured data with these fields.
impl<K: Into<CompactString>, V: Into<Value>, const COUNT: usize> From<[(K, V); COUNT]> for Data {
    fn from(fields: [(K, V); COUNT]) -> Self {
        Self::Structured(fields.into())
    }
}

impl From<serde_json::Map<String, serde_json::Value>> for Data {
    fn from(map: serde_json::Map<String, serde_json::Value>) -> Self {
        Self::Structured(map.into())
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Raw(bytes)
    }
}

/// A JSON object becomes structured data; any other JSON value is refused.
impl TryFrom<Value> for Data {
    type Error = DataError;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::Object(map) => Ok(Self::Structured(map)),
            other => Err(DataError::NotAnObject { found: kind(&other) }),
        }
    }
}

/// A JSON object becomes structured data; any other JSON value is refused.
impl TryFrom<serde_json::Value> for Data {
    type Error = DataError;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        Value::from(value).try_into()
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            Self::Structured(map) => map.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(map) => Ok(Self::Structured(map)),
            Value::String(text) => STANDARD
                .decode(text)
                .map(Self::Raw)
                .map_err(|error| de::Error::custom(format!("raw data is not base64: {error}"))),
            other => Err(de::Error::custom(format!("data is {}; an object or base64 text was expected", kind(&other)))),
        }
    }
}
