//! Parameters: what a pipeline file may say about a connector.
//!
//! A struct with `#[derive(Parameters)]` is both the list of them that Conduit shows and validates, and what they are read
//! into. The rules are those of Conduit's Go SDK (conduit-commons v0.6.0, package `config`): white space around names and
//! values is trimmed, an empty value counts as absent and gets the default, and everything that is wrong is said at once.

mod check;
mod duration;
mod names;
mod parameter;
mod secret;
mod settings;
mod value;

use crate::Error;

pub use duration::{DurationError, parse_duration};
pub use parameter::{Parameter, ParameterType, Validation};
pub use secret::Secret;
pub use settings::{Checked, Settings};
pub use value::{Absent, Keyed, ParameterValue};

/// A struct whose fields are parameters; [derived](derive@crate::Parameters).
///
/// # Field types
/// | type | in the specification | reads |
/// |---|---|---|
/// | `String` | string | any text |
/// | [`Secret`] | string | any text, and never shows it |
/// | `Vec<String>` | string | a list separated by commas; items are trimmed, empty ones left out |
/// | `i8` to `i64`, `u8` to `u64`, `isize`, `usize` | int | whole numbers |
/// | `f32`, `f64` | float | numbers |
/// | `bool` | bool | `1`, `t`, `T`, `true`, `True`, `TRUE`, and the same of false |
/// | [`Duration`](std::time::Duration) | duration | Go's durations: `300ms`, `1h15m`, `1.5h`, `0`; negative ones are refused |
/// | [`PathBuf`](std::path::PathBuf) | file | a path |
/// | `Option<T>` | as `T` | nothing where the value is absent |
/// | `BTreeMap<String, T>`, `HashMap<String, T>` | as `T` | with a `*` in the name: each value by what stands there |
/// | a struct of parameters | its own, with `nested` behind a name and a dot | |
///
/// # Attributes
/// `#[parameter(…)]` on a field, any of
/// - `name = "batch.size"`: its name; the field's name in camelCase otherwise. Letters, digits and dots; for a map also a `*`, for what
///   the pipeline file chooses: `headers.*`, `collection.*.format`. (Conduit takes maps in sources' parameters alone.)
/// - `required`: an absent value is refused.
/// - `default = "5s"`: the value where none is given, as it would be written in a pipeline file.
/// - `greater_than = "0"`, `less_than = "101"`: bounds of a number, exclusive.
/// - `inclusion = "a,b,c"`, `exclusion = "a,b,c"`: the values that are allowed, or not.
/// - `regex = "^[a-z]+$"`: what the value has to match, anywhere in it unless anchored.
/// - `description = EXPR`: a constant text instead of the doc comment.
/// - `nested`, alone or with `name`: the field is itself a struct of parameters, whose names begin with this one's: `pool.size`. With
///   `name = "collection.*"` it is a map of such structs.
/// - `flatten`, alone: the field is itself a struct of parameters, which appear beside the others.
///
/// The doc comment is the description. A field that is neither `required` nor has a default is a `String`, a `Vec<String>`
/// (empty when absent) or an `Option`.
///
/// ```
/// use std::collections::BTreeMap;
/// use conduit_connector_sdk::{Parameters, Settings};
///
/// #[derive(Debug, Parameters)]
/// struct Config {
///     /// Headers of each request, by name.
///     #[parameter(name = "headers.*")]
///     headers: BTreeMap<String, String>,
///     #[parameter(nested, name = "collection.*")]
///     collections: BTreeMap<String, Collection>,
/// }
///
/// #[derive(Debug, Parameters)]
/// struct Collection {
///     /// What it is read as.
///     #[parameter(default = "json", inclusion = "json,csv")]
///     format: String,
///     /// How many at once.
///     #[parameter(required, greater_than = "0")]
///     size: u32,
/// }
///
/// let settings = [("headers.accept", "text/plain"), ("collection.people.size", "5")];
/// let config: Config = Settings::from_iter(settings).parse()?;
/// assert_eq!(config.headers["accept"], "text/plain");
/// assert_eq!((config.collections["people"].format.as_str(), config.collections["people"].size), ("json", 5));
///
/// let settings = [("collection.people.format", "xml"), ("collection.pets.sizes", "5")];
/// assert_eq!(
///     Settings::from_iter(settings).parse::<Config>().unwrap_err().to_string(),
///     "config invalid: \"collection.pets.sizes\": unrecognized parameter (did you mean \"collection.*.size\"?); \
///      error validating \"collection.people.format\": \"xml\" value must be included in the list [json,csv]: inclusion validation \
///      failed; error validating \"collection.people.size\": required parameter is not provided; \
///      error validating \"collection.pets.size\": required parameter is not provided"
/// );
/// # Ok::<(), conduit_connector_sdk::Error>(())
/// ```
pub trait Parameters: Sized + Send + 'static {
    /// The parameters, in the order of the fields.
    fn parameters() -> Vec<Parameter>;

    /// Reads the fields from settings that were checked against [`parameters`](Self::parameters).
    ///
    /// # Errors
    /// When a value is none of its field's type; the check has excluded that.
    fn from_checked(settings: &Checked) -> Result<Self, Error>;
}

/// No parameters at all.
impl Parameters for () {
    fn parameters() -> Vec<Parameter> {
        Vec::new()
    }

    fn from_checked(_settings: &Checked) -> Result<Self, Error> {
        Ok(())
    }
}
