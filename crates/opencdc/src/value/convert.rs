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

whole!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

/// Null where it is no finite number, which JSON doesn't have.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

/// Null where it is no finite number.
impl From<f32> for Value {
    fn from(number: f32) -> Self {
        f64::from(number).into()
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

impl From<&String> for Value {
    fn from(text: &String) -> Self {
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

impl<T: Into<Value>, const COUNT: usize> From<[T; COUNT]> for Value {
    fn from(values: [T; COUNT]) -> Self {
        values.into_iter().collect()
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        values.into_iter().collect()
    }
}

/// A list. Fields are collected into a [`Map`].
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
    ($($as:ident: $($other:ty),*;)*) => {$($(
        impl PartialEq<$other> for Value {
            fn eq(&self, other: &$other) -> bool {
                Value::from(other.to_owned()).$as() == self.$as() && self.$as().is_some()
            }
        }

        impl PartialEq<Value> for $other {
            fn eq(&self, other: &Value) -> bool {
                other == self
            }
        }
    )*)*};
}

compared! {
    as_bool: bool;
    as_number: i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64;
}

macro_rules! compared_with_text {
    ($($text:ty),*) => {$(
        impl PartialEq<$text> for Value {
            fn eq(&self, other: &$text) -> bool {
                self.as_str() == Some(other)
            }
        }

        impl PartialEq<Value> for $text {
            fn eq(&self, other: &Value) -> bool {
                other == self
            }
        }
    )*};
}

compared_with_text!(str, &str, String);
