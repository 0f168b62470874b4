//! Why a payload can't be written.

use std::fmt;

use hubspot_client::OneLine;
use serde_json::Value;
use thiserror::Error;

/// The payload can't be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// There is none, or nothing in it that can be written.
    #[error("the payload is empty: there is nothing to write")]
    Empty,
    /// All that is in it was left behind.
    #[error("nothing of the payload can be written: {} {}", OneLine(&.0.join(", ")), left_out(.0.len()))]
    AllLeftOut(Vec<String>),
    /// It is raw, and no JSON object.
    #[error("the payload can't be read: {0}; give a JSON object")]
    Unreadable(String),
    /// `properties` is there, but no map of properties.
    #[error("the payload's `properties` is no map of property names and values")]
    PropertiesAreNoMap,
    /// There are fields beside `properties` that HubSpot's documents don't have.
    #[error("the payload has {} beside `properties`, which HubSpot doesn't take there; if they are properties, move them into `properties`", .0.join(", "))]
    UnknownFields(Vec<String>),
    /// Some properties can't be written as they are.
    #[error("{}", joined(.0))]
    Properties(Vec<PropertyError>),
    /// The resource is a list that HubSpot only shows, such as owners or pipelines.
    #[error("HubSpot only shows this list, and takes nothing for it here")]
    Directory,
}

impl PayloadError {
    /// The properties that are at fault, where single ones are.
    pub fn properties(&self) -> &[PropertyError] {
        match self {
            Self::Properties(errors) => errors,
            _ => &[],
        }
    }
}

/// So many faults are spelt out in the line; the rest are counted.
const FAULTS_SHOWN: usize = 5;

fn joined(errors: &[PropertyError]) -> String {
    let shown: Vec<String> = errors.iter().take(FAULTS_SHOWN).map(ToString::to_string).collect();
    match errors.len().saturating_sub(FAULTS_SHOWN) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

/// One property can't be written as it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PropertyError {
    /// HubSpot lets nobody write it, and `readOnly` is `error`.
    #[error("property `{}` is read-only in HubSpot; leave it out, or set `readOnly: drop`", OneLine(.name))]
    ReadOnly {
        /// Its name.
        name: String,
    },
    /// The object type has no such property, and `unknown` is `error`.
    #[error("property `{}` doesn't exist in HubSpot{}", OneLine(.name), unknown_advice(.near.as_deref()))]
    Unknown {
        /// The name in the payload.
        name: String,
        /// The property that was probably meant.
        near: Option<String>,
    },
    /// The value isn't what the property's definition allows.
    #[error("property `{}` can't be {value}: {allowed}", OneLine(.name))]
    Value {
        /// The property's name.
        name: String,
        /// The value, as JSON, on one line and shortened to about 60 characters.
        value: String,
        /// What is allowed.
        allowed: Allowed,
    },
    /// Two fields of the payload are the same property of HubSpot's.
    #[error("the payload has property `{}` twice: once under another spelling; leave one out", OneLine(.name))]
    Twice {
        /// The property's name.
        name: String,
    },
}

impl PropertyError {
    /// The name of the property, or of the field that is none.
    pub fn name(&self) -> &str {
        match self {
            Self::ReadOnly { name } | Self::Unknown { name, .. } | Self::Value { name, .. } | Self::Twice { name } => {
                name
            }
        }
    }

    pub(super) fn value(name: &str, value: &Value, allowed: Allowed) -> Self {
        Self::Value { name: name.to_owned(), value: shortened(value), allowed }
    }
}

fn unknown_advice(near: Option<&str>) -> String {
    match near {
        Some(near) => {
            format!(
                ": did you mean `{near}`? Otherwise create it there, or set `unknown: drop` or `createProperties: true`"
            )
        }
        None => "; create it there, or set `unknown: drop` or `createProperties: true`".to_owned(),
    }
}

/// What a property's definition allows. Its text is a request: what to give.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Allowed {
    /// Text, a number or a boolean.
    Text,
    /// A number.
    Number,
    /// A boolean.
    Bool,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// One option: several were given.
    OneOption,
    /// One of these options, shown in part.
    Options(String),
    /// This option: what was given is its label, or its value in another case.
    Option(String),
    /// Options without a semicolon, which stands between them.
    OptionsWithoutSemicolon,
    /// Texts in the list: it has nulls, lists or maps in it.
    ListOfTexts,
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("it is a text; give a text, a number or a boolean"),
            Self::Number => f.write_str("it is a number; give a number such as 12.5, or the same as text"),
            Self::Bool => f.write_str("it is a boolean; give true or false"),
            Self::Date => f.write_str(
                "it is a date; give a day such as \"2026-01-31\", or an instant that is midnight in UTC (ISO 8601, or milliseconds \
                 since 1970)",
            ),
            Self::DateTime => f.write_str(
                "it is a date and time; give it as ISO 8601, such as \"2026-01-31T12:30:00Z\", or as milliseconds since 1970",
            ),
            Self::OneOption => f.write_str("it takes one option; give one value"),
            Self::Options(options) => write!(f, "allowed are {options}"),
            Self::Option(value) => write!(f, "give the option's value, `{}`", OneLine(value)),
            Self::OptionsWithoutSemicolon => f.write_str("a `;` stands between options, and can't be in one"),
            Self::ListOfTexts => f.write_str("it takes options; give a list of texts, or one text with `;` between them"),
        }
    }
}

/// How much of a value an error shows, in characters.
const SHOWN: usize = 60;

/// A value as an error shows it: JSON, on one line, cut where it is long.
pub(super) fn shortened(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", cut(text)),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    // Blanks fold into one, so four times as much is enough to look at; the rest may be megabytes.
    let head: String = text.chars().take(4 * SHOWN).collect();
    let line = OneLine(&head).to_string();
    let mut shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < line.len() || head.len() < text.len() {
        shown.push('…');
    }
    shown
}

const fn left_out(names: usize) -> &'static str {
    if names == 1 {
        "is a property that HubSpot doesn't have, or sets itself"
    } else {
        "are properties that HubSpot doesn't have, or sets itself"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_on_one_line_and_not_whole() {
        assert_eq!(shortened(&json!("a\n b")), "\"a b\"");
        assert_eq!(shortened(&json!({"a": [1]})), r#"{"a":[1]}"#);
        assert_eq!(shortened(&json!("ä".repeat(60))), format!("\"{}\"", "ä".repeat(60)));
        assert_eq!(shortened(&json!("ä".repeat(61))), format!("\"{}…\"", "ä".repeat(60)));
        assert_eq!(shortened(&json!(format!("a{}b", " ".repeat(1000)))), "\"a…\"");
        assert_eq!(shortened(&json!(12)), "12");
    }

    #[test]
    fn many_faults_are_counted() {
        let fault = |number: usize| PropertyError::ReadOnly { name: format!("p{number}") };
        let said = PayloadError::Properties((0..7).map(fault).collect()).to_string();
        assert!(said.contains("`p4`") && !said.contains("`p5`") && said.ends_with("; and 2 more"), "{said}");
        let one = PayloadError::Properties(vec![fault(0)]).to_string();
        assert_eq!(one, "property `p0` is read-only in HubSpot; leave it out, or set `readOnly: drop`");
    }

    #[test]
    fn an_unknown_property_says_which_was_meant() {
        let unknown = |near: Option<&str>| PropertyError::Unknown { name: "x".into(), near: near.map(Into::into) };
        assert!(unknown(Some("y")).to_string().contains("did you mean `y`?"));
        assert!(unknown(None).to_string().contains("`unknown: drop`"));
    }
}
