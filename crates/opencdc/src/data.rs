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
///
/// ```
/// use opencdc::{Data, Map, Value, value};
///
/// let of_one_type = Data::from([("id", 7), ("born", 1815)]);
/// // One `Value::from` says the type of all.
/// let of_several = Data::from([("id", Value::from(7)), ("name", "Ada".into())]);
/// assert_eq!(of_several, Data::try_from(value!({"id": 7, "name": "Ada"}))?);
/// let columns = vec![("id".to_owned(), Value::from(7)), ("name".to_owned(), "Ada".into())];
/// assert_eq!(of_several, columns.into_iter().collect::<Map>().into());
///
/// // What is read is borrowed from `fields`, so that has a name. `fields["name"]` panics where there is no such field; `get` doesn't.
/// let fields = of_several.to_structured()?;
/// assert_eq!(fields.get("name").and_then(Value::as_str), Some("Ada"));
/// assert_eq!(fields.get("died"), None);
/// # Ok::<(), opencdc::DataError>(())
/// ```
///
/// A struct of one's own goes by way of `serde_json`, both ways:
///
/// ```
/// use opencdc::Data;
/// use serde_json::Value as Json;
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Person {
///     id: u32,
///     name: String,
/// }
///
/// let ada = Person { id: 7, name: "Ada".to_owned() };
/// let data = Data::try_from(serde_json::to_value(&ada)?)?;
/// assert_eq!(serde_json::from_value::<Person>(Json::Object(data.into_structured()?.into()))?, ada);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// Structured data with these fields, whose values are of one type: [`Value`] where they are of several.
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
