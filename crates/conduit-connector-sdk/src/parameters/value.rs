//! The types that a parameter's field can have.

use std::path::PathBuf;
use std::time::Duration;

use super::{ParameterType, Secret, parse_duration};

/// A type that a parameter's field can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a parameter",
    label = "no type of a parameter",
    note = "a parameter is a String, Secret, Vec<String>, an integer, f32, f64, bool, Duration or PathBuf, or an Option of one \
            of them; a struct of further parameters needs #[parameter(flatten)]"
)]
pub trait Value: Sized {
    /// The type that Conduit sees.
    const TYPE: ParameterType;
    /// Whether messages must not show the value.
    const SECRET: bool = false;

    /// Reads a value that is not empty.
    ///
    /// # Errors
    /// What the text is none of, with its article: `an integer from 0 to 255`.
    fn parse(text: &str) -> Result<Self, String>;
}

/// A type of fields that need neither a value nor a default.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{Self}` needs `required` or `default = \"…\"`",
    label = "what is it when the value is absent?",
    note = "or make it an Option<{Self}>"
)]
pub trait Absent: Value {
    /// What the field is when there is no value.
    fn absent() -> Self;
}

impl Value for String {
    const TYPE: ParameterType = ParameterType::String;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Absent for String {
    fn absent() -> Self {
        Self::new()
    }
}

impl Value for Secret {
    const TYPE: ParameterType = ParameterType::String;
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }
}

impl Value for Vec<String> {
    const TYPE: ParameterType = ParameterType::String;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
    }
}

impl Absent for Vec<String> {
    fn absent() -> Self {
        Self::new()
    }
}

impl<T: Value> Value for Option<T> {
    const TYPE: ParameterType = T::TYPE;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        T::parse(text).map(Some)
    }
}

impl<T: Value> Absent for Option<T> {
    fn absent() -> Self {
        None
    }
}

impl Value for bool {
    const TYPE: ParameterType = ParameterType::Bool;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
            _ => Err("a boolean".to_owned()),
        }
    }
}

impl Value for Duration {
    const TYPE: ParameterType = ParameterType::Duration;

    fn parse(text: &str) -> Result<Self, String> {
        parse_duration(text).map_err(|error| error.to_string())
    }
}

impl Value for PathBuf {
    const TYPE: ParameterType = ParameterType::File;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {
        $(impl Value for $integer {
            const TYPE: ParameterType = ParameterType::Int;

            fn parse(text: &str) -> Result<Self, String> {
                // Go's integers have 64 bits: what is none of those is no integer at all.
                let number: i64 = text.parse().map_err(|_| "an integer".to_owned())?;
                Self::try_from(number)
                    .map_err(|_| format!("an integer from {} to {}", <$integer>::MIN, <$integer>::MAX))
            }
        })*
    };
}

integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! floats {
    ($($float:ty),*) => {
        $(impl Value for $float {
            const TYPE: ParameterType = ParameterType::Float;

            fn parse(text: &str) -> Result<Self, String> {
                number(text).map(|number| number as $float).ok_or_else(|| "a float".to_owned())
            }
        })*
    };
}

floats!(f32, f64);

/// A number as Go's `ParseFloat` reads it: one too big for a float is none. (Hexadecimal floats are not read.)
pub(super) fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    let overflowed = number.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit());
    (!overflowed).then_some(number)
}
