//! What values are made of, and compared with.

use std::borrow::Cow;

use compact_str::CompactString;
use serde_json::Number;

use super::Value;
use crate::Map;

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(number.into())
            }
        }
    )*};
}

whole!(i8, i16, i32, i64, u8, u16, u32, u64, usize);

/// Null where it is no finite number, which JSON doesn't have.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<CompactString> for Value {
    fn from(text: CompactString) -> Self {
        Self::String(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<Cow<'_, str>> for Value {
    fn from(text: Cow<'_, str>) -> Self {
        Self::String(text.into())
    }
}

impl From<Map> for Value {
    fn from(fields: Map) -> Self {
        Self::Object(fields)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(yes) => Self::Bool(yes),
            serde_json::Value::Number(number) => Self::Number(number),
            serde_json::Value::String(text) => Self::String(text.into()),
            serde_json::Value::Array(values) => values.into(),
            serde_json::Value::Object(fields) => Self::Object(fields.into()),
        }
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(yes) => Self::Bool(yes),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::String(text.into_string()),
            Value::Array(values) => values.into(),
            Value::Object(fields) => Self::Object(fields.into()),
        }
    }
}

impl PartialEq<serde_json::Value> for Value {
    fn eq(&self, other: &serde_json::Value) -> bool {
        match (self, other) {
            (Self::Null, serde_json::Value::Null) => true,
            (Self::Bool(one), serde_json::Value::Bool(other)) => one == other,
            (Self::Number(one), serde_json::Value::Number(other)) => one == other,
            (Self::String(one), serde_json::Value::String(other)) => one == other,
            (Self::Array(one), serde_json::Value::Array(other)) => one == other,
            (Self::Object(one), serde_json::Value::Object(other)) => one == other,
            _ => false,
        }
    }
}

impl PartialEq<Value> for serde_json::Value {
    fn eq(&self, other: &Value) -> bool {
        other == self
    }
}

macro_rules! compared {
    ($($other:ty: $value:ident, $is:ident => $same:expr;)*) => {$(
        impl PartialEq<$other> for Value {
            fn eq(&self, $is: &$other) -> bool {
                let $value = self;
                $same
            }
        }
    )*};
}

compared! {
    str: value, text => value.as_str() == Some(text);
    &str: value, text => value.as_str() == Some(text);
    String: value, text => value.as_str() == Some(text);
    bool: value, yes => value.as_bool() == Some(*yes);
    i32: value, number => value.as_i64() == Some((*number).into());
    i64: value, number => value.as_i64() == Some(*number);
    u64: value, number => value.as_u64() == Some(*number);
    f64: value, number => value.as_f64() == Some(*number);
}
