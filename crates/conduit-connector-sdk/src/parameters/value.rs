//! The types that a parameter's field can have.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::time::Duration;

use super::{ParameterType, Secret, parse_duration};

/// A type that a parameter's field can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a parameter",
    label = "no type of a parameter",
    note = "a parameter is a String, Secret, Vec<String>, an integer, f32, f64, bool, Duration or PathBuf, or an Option of one \
            of them; a struct of further parameters needs #[parameter(flatten)] or #[parameter(nested)]; a map needs a `*` \
            in its name, such as #[parameter(name = \"headers.*\")]"
)]
pub trait ParameterValue: Sized {
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

/// A type of fields whose parameters are named by the pipeline file, with a `*` in their name: a map by what stands there.
///
/// What is no map can't have such a name, and the compiler says what to write instead:
///
/// ```compile_fail,E0277
/// use conduit_connector_sdk::Parameters;
///
/// #[derive(Parameters)]
/// struct Config {
///     /// Headers, by name.
///     #[parameter(name = "headers.*")]
///     headers: String,
/// }
/// ```
///
/// Neither can a map be without one:
///
/// ```compile_fail,E0277
/// use std::collections::BTreeMap;
/// use conduit_connector_sdk::Parameters;
///
/// #[derive(Parameters)]
/// struct Config {
///     /// Headers, by name.
///     headers: BTreeMap<String, String>,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a parameter with `*` in its name",
    label = "no map",
    note = "there is one value for each name that a pipeline file puts in the place of `*`: make it a BTreeMap<String, {Self}>"
)]
pub trait Keyed: Sized {
    /// Of what it is a map: of values, or with `nested` of structs of parameters.
    type Item;

    /// The map of these.
    fn from_entries(entries: Vec<(String, Self::Item)>) -> Self;
}

impl<T> Keyed for BTreeMap<String, T> {
    type Item = T;

    fn from_entries(entries: Vec<(String, T)>) -> Self {
        entries.into_iter().collect()
    }
}

impl<T, H: BuildHasher + Default> Keyed for HashMap<String, T, H> {
    type Item = T;

    fn from_entries(entries: Vec<(String, T)>) -> Self {
        entries.into_iter().collect()
    }
}

/// A type of fields that need neither a value nor a default. Others without either are refused by the compiler:
///
/// ```compile_fail,E0277
/// use conduit_connector_sdk::Parameters;
///
/// #[derive(Parameters)]
/// struct Config {
///     /// How many.
///     count: u32,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{Self}` needs `required` or `default = \"…\"`",
    label = "what is it when the value is absent?",
    note = "or make it an Option<{Self}>"
)]
pub trait Absent: ParameterValue {
    /// What the field is when there is no value.
    fn absent() -> Self;
}

impl ParameterValue for String {
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

impl ParameterValue for Secret {
    const TYPE: ParameterType = ParameterType::String;
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }
}

impl ParameterValue for Vec<String> {
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

impl<T: ParameterValue> ParameterValue for Option<T> {
    const TYPE: ParameterType = T::TYPE;
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        T::parse(text).map(Some)
    }
}

impl<T: ParameterValue> Absent for Option<T> {
    fn absent() -> Self {
        None
    }
}

impl ParameterValue for bool {
    const TYPE: ParameterType = ParameterType::Bool;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
            _ => Err("a boolean".to_owned()),
        }
    }
}

impl ParameterValue for Duration {
    const TYPE: ParameterType = ParameterType::Duration;

    fn parse(text: &str) -> Result<Self, String> {
        parse_duration(text).map_err(|error| error.to_string())
    }
}

impl ParameterValue for PathBuf {
    const TYPE: ParameterType = ParameterType::File;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {
        $(impl ParameterValue for $integer {
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
        $(impl ParameterValue for $float {
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
