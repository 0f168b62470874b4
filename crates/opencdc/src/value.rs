//! The value of a field.

mod convert;
mod json;

use std::mem;
use std::ops::Index;

use compact_str::CompactString;
use serde_json::Number;

use crate::Map;

/// The value of a field: what JSON has.
///
/// Its methods are named as those of [`serde_json::Value`], which converts to it and from it with `into`; so what implements serde's traits
/// becomes one by `serde_json::to_value(it)?.into()`. There is no `value["name"] = …` ([`as_object_mut`](Self::as_object_mut) and
/// [`Map::insert`] do that), no `get` by number (`value[0]` does), and no `pointer`. Text of up to 24 bytes is held in place.
///
/// JSON has neither bytes nor times. Write bytes as base64 text, and times as RFC 3339 text: made of a `Vec<u8>`, a value is a list of
/// numbers. `None` is null; a slice is collected, `tags.iter().map(String::as_str).collect::<Value>()`.
///
/// ```
/// use opencdc::Value;
/// use serde_json::json;
///
/// let value = Value::from(json!({"name": "Ada", "tags": ["a", "b"], "born": 1815}));
/// assert_eq!(value["name"].as_str(), Some("Ada"));
/// assert_eq!(value["tags"][1], "b");
/// assert!(value["died"].is_null());
/// assert_eq!(serde_json::to_string(&value)?, r#"{"born":1815,"name":"Ada","tags":["a","b"]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// Nothing, stated.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number of 64 bits, with or without a sign, or a finite double.
    Number(Number),
    /// Text.
    String(CompactString),
    /// Values in an order.
    Array(Vec<Value>),
    /// Fields.
    Object(Map),
}

/// Makes a [`Value`] of JSON with expressions in it, as [`serde_json::json!`] does, and by way of what that makes: where there are many,
/// [`Map::from`](crate::Map) is faster. Expressions are borrowed. Those that serde can't serialize, such as a map with keys that are no
/// text, make it panic.
///
/// ```
/// use opencdc::{Data, value};
///
/// let tags = vec!["a", "b"];
/// let ada = value!({"name": "Ada", "tags": tags, "died": null});
/// assert_eq!(ada["tags"][1], "b");
/// let data = Data::try_from(ada)?;
/// # Ok::<(), opencdc::DataError>(())
/// ```
#[macro_export]
macro_rules! value {
    ($($json:tt)+) => {
        $crate::Value::from($crate::__json!($($json)+))
    };
}

static NULL: Value = Value::Null;

impl Value {
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is a boolean.
    pub fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Whether it is text.
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Whether it is a list.
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether it has fields.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The boolean that it is.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(yes) = self { Some(*yes) } else { None }
    }

    /// The number that it is.
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The whole number that it is, where that has 64 bits with a sign. Nothing for 7.0: what may be a double is asked for
    /// [`as_f64`](Self::as_f64).
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The whole number that it is, where that has 64 bits without a sign.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The number that it is, as a double: the nearest one to a whole number beyond 2^53.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The text that it is.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The list that it is.
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        if let Self::Array(values) = self { Some(values) } else { None }
    }

    /// The list that it is, to be changed.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        if let Self::Array(values) = self { Some(values) } else { None }
    }

    /// The fields that it has.
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The fields that it has, to be changed.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The value of one of its fields; nothing where there is no such field, or there are none.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.as_object_mut()?.get_mut(name)
    }

    /// Takes the value, and leaves null.
    #[must_use]
    pub fn take(&mut self) -> Value {
        mem::take(self)
    }
}

/// Null where there is no such field.
impl Index<&str> for Value {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }
}

/// Null where the list ends before that.
impl Index<usize> for Value {
    type Output = Value;

    fn index(&self, place: usize) -> &Value {
        self.as_array().and_then(|values| values.get(place)).unwrap_or(&NULL)
    }
}
