//! What a pipeline file says about a connector.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::{Absent, Keyed, Parameter, ParameterValue, Parameters, check, names};
use crate::{Code, Error};

/// What a pipeline file says about a connector: values by the parameters' names, as they came. Its `Debug` shows the names
/// only: values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of it, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Checks the settings and reads them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use conduit_connector_sdk::{Parameters, Settings};
    ///
    /// #[derive(Debug, Parameters)]
    /// struct Config {
    ///     /// How long to wait between two looks.
    ///     #[parameter(default = "5s")]
    ///     pause: Duration,
    ///     /// How many at once.
    ///     #[parameter(name = "batch.size", default = "10", greater_than = "0")]
    ///     batch_size: u32,
    /// }
    ///
    /// let config: Config = Settings::from_iter([("pause", " 1m30s ")]).parse()?;
    /// assert_eq!((config.pause, config.batch_size), (Duration::from_secs(90), 10));
    ///
    /// let error = Settings::from_iter([("batch.size", "0"), ("pauses", "1s")]).parse::<Config>().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "config invalid: \"pauses\": unrecognized parameter (did you mean \"pause\"?); \
    ///      error validating \"batch.size\": \"0\" should be greater than 0: greater-than validation failed"
    /// );
    /// # Ok::<(), conduit_connector_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    /// When anything is wrong with them; the one error says all that is.
    pub fn parse<C: Parameters>(&self) -> Result<C, Error> {
        C::from_checked(&self.check(&C::parameters())?)
    }

    /// Checks the settings, and applies defaults.
    pub(crate) fn check(&self, parameters: &[Parameter]) -> Result<Checked, Error> {
        let mut values: BTreeMap<String, String> =
            self.0.iter().map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
        for parameter in parameters.iter().filter(|parameter| !parameter.default.is_empty()) {
            for name in names::of(&values, &parameter.name) {
                let value = values.entry(name).or_default();
                if value.is_empty() {
                    value.clone_from(&parameter.default);
                }
            }
        }
        let violations = check::violations(&values, parameters);
        if violations.is_empty() {
            return Ok(Checked(values));
        }
        Err(Error::new(format!("config invalid: {}", violations.join("; "))).with_code(Code::InvalidArgument))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Settings {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl From<HashMap<String, String>> for Settings {
    fn from(map: HashMap<String, String>) -> Self {
        map.into_iter().collect()
    }
}

/// Settings that hold to what their parameters ask for: trimmed, with the defaults in place.
pub struct Checked(BTreeMap<String, String>);

impl Checked {
    /// The value of a parameter that is required or has a default.
    ///
    /// # Errors
    /// When it is absent, or none of the type; the check has excluded both.
    pub fn value<T: ParameterValue>(&self, name: &str) -> Result<T, Error> {
        match self.text(name) {
            Some(text) => read(name, text),
            None => Err(Error::new(format!("error validating {name:?}: required parameter is not provided"))),
        }
    }

    /// The value of a parameter that may be absent.
    ///
    /// # Errors
    /// When it is none of the type; the check has excluded that.
    pub fn value_or_absent<T: Absent>(&self, name: &str) -> Result<T, Error> {
        self.text(name).map_or_else(|| Ok(T::absent()), |text| read(name, text))
    }

    /// The values of a parameter with a `*` in its name, by what stands there. Empty ones are left out.
    ///
    /// # Errors
    /// When one is none of the type; the check has excluded that.
    pub fn entries<M: Keyed<Item: ParameterValue>>(&self, name: &str) -> Result<M, Error> {
        let (before, after) = name.split_once('*').unwrap_or((name, ""));
        let mut entries = Vec::new();
        for key in names::keys(&self.0, before, after.is_empty()) {
            let name = format!("{before}{key}{after}");
            if let Some(text) = self.text(&name) {
                entries.push((key, read(&name, text)?));
            }
        }
        Ok(M::from_entries(entries))
    }

    /// The structs of parameters under a name that ends with `*`, by what stands there.
    ///
    /// # Errors
    /// When a value is none of its type; the check has excluded that.
    pub fn nested_entries<M: Keyed<Item: Parameters>>(&self, name: &str) -> Result<M, Error> {
        let before = name.strip_suffix('*').unwrap_or(name);
        let mut entries = Vec::new();
        for key in names::keys(&self.0, before, false) {
            let inner = M::Item::from_checked(&self.nested(&format!("{before}{key}")))?;
            entries.push((key, inner));
        }
        Ok(M::from_entries(entries))
    }

    /// The settings of a struct that is a field of this name.
    #[must_use]
    pub fn nested(&self, name: &str) -> Self {
        let inner = |(key, value): (&String, &String)| {
            Some((key.strip_prefix(name)?.strip_prefix('.')?.to_owned(), value.clone()))
        };
        Self(self.0.iter().filter_map(inner).collect())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// The names only: values may be secrets.
impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn read<T: ParameterValue>(name: &str, text: &str) -> Result<T, Error> {
    T::parse(text).map_err(|wanted| Error::new(format!("error validating {name:?}: the value is not {wanted}")))
}
