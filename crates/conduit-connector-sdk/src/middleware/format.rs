//! What a record is written as, where a destination writes text: `sdk.record.format`.

mod debezium;
mod gotext;
mod template;

use std::sync::Arc;

use opencdc::{Data, Record};
use thiserror::Error;

use self::debezium::Debezium;
use self::template::Template;
use crate::parameters::{Checked, Parameter};
use crate::{Code, Error};

const FORMAT: &str = "sdk.record.format";
const OPTIONS: &str = "sdk.record.format.options";

const OPENCDC_JSON: &str = "opencdc/json";
const DEBEZIUM_JSON: &str = "debezium/json";
const TEMPLATE: &str = "template";
const RAW: &str = "raw";

/// What a record is written as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) name: String,
    pub(super) options: String,
}

impl Default for Format {
    fn default() -> Self {
        Self { name: OPENCDC_JSON.to_owned(), options: String::new() }
    }
}

impl Format {
    pub(super) fn parameters(&self) -> [Parameter; 2] {
        [
            Parameter::of::<String>(
                FORMAT,
                "What records are written as: `opencdc/json`, `debezium/json`, `template`, or `raw` for the payload alone.",
            )
            .default(&self.name),
            Parameter::of::<String>(
                OPTIONS,
                "The format's options: `debezium.schema.name=…,debezium.rawData.key=…` of `debezium/json`, and the template of \
                 `template`, such as `{{ .Metadata.kind }}: {{ toJson .Payload.After }}`.",
            )
            .default(&self.options),
        ]
    }

    /// The options of another format than the default one are not this one's.
    pub(super) fn configured(&self, settings: &Checked) -> Result<Self, Error> {
        let name = settings.value_or_absent::<Option<String>>(FORMAT)?.unwrap_or_else(|| self.name.clone());
        let options = settings.value_or_absent::<Option<String>>(OPTIONS)?.unwrap_or_else(|| self.options.clone());
        Ok(Self { name, options })
    }

    pub(super) fn formatter(&self) -> Result<Formatter, Error> {
        Formatter::new(&self.name, &self.options)
    }
}

fn invalid(text: &str) -> Error {
    Error::new(format!("config invalid: {text}")).with_code(Code::InvalidArgument)
}

/// Makes text of records, as `sdk.record.format` says: for destinations that write lines, messages or files. Get it from
/// [`Context::formatter`](crate::Context::formatter); the default is `opencdc/json`. Cheap to clone.
///
/// | format | what it makes |
/// |---|---|
/// | `opencdc/json` | the record as JSON; raw data as base64 |
/// | `debezium/json` | a Debezium message with its schema, as Kafka Connect reads it. Raw data that is a JSON object is taken as one, other in a field `opencdc.rawData`, as base64 |
/// | `template` | the options, a Go template, with what stands in `{{ … }}` replaced |
/// | `raw` | the payload after the change, else the one before it: raw data as it is, structured data as JSON |
///
/// # Templates
/// `{{ .Payload.After.name }}`: a field of `.Position`, `.Operation`, `.Metadata`, `.Key`, `.Payload.Before`, `.Payload.After` or all of
/// it; `{{ index .Metadata "opencdc.collection" }}`: a field or an item by its name or number; `{{ printf "%s-%v" A B }}`, `{{ toJson A }}`,
/// texts and numbers, `A | toJson`, parentheses, `{{- … -}}`, `{{/* … */}}`. Values are written as Go writes them: a map as `map[a:1 b:2]`,
/// what isn't there as `<nil>`. Others of Go's constructs and functions are refused when the destination is configured.
///
/// ```
/// use conduit_connector_sdk::middleware::Formatter;
/// use conduit_connector_sdk::{Data, Metadata, Position, Record};
///
/// let after = Data::from([("email", "ada@example.com")]);
/// let record = Record::create(Position::new("7"), Metadata::new(), Data::Raw(vec![1]), after);
/// assert_eq!(
///     Formatter::default().format(&record)?,
///     br#"{"position":"Nw==","operation":"create","metadata":{},"key":"AQ==","payload":{"before":null,"after":{"email":"ada@example.com"}}}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Formatter(Arc<Kind>);

#[derive(Debug, Default)]
enum Kind {
    #[default]
    OpenCdc,
    Debezium(Debezium),
    Template(Template),
    Raw,
}

/// Why a record can't be formatted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// It is no JSON.
    #[error("the record can't be written as JSON")]
    Json(#[from] serde_json::Error),
    /// A template asks for something that the record doesn't have.
    #[error("template execution failed: {0}")]
    Template(String),
}

impl Formatter {
    /// What makes this format, with these options.
    ///
    /// # Errors
    /// When there is no such format, or a template is none that is understood.
    pub fn new(format: &str, options: &str) -> Result<Self, Error> {
        let kind = match format {
            OPENCDC_JSON => Kind::OpenCdc,
            DEBEZIUM_JSON => Kind::Debezium(Debezium::new(options)),
            RAW => Kind::Raw,
            TEMPLATE => match Template::parse(options) {
                Ok(template) => Kind::Template(template),
                Err(error) => return Err(invalid(&format!("invalid {OPTIONS} for {TEMPLATE:?}: {error}"))),
            },
            other => {
                let all = [DEBEZIUM_JSON, OPENCDC_JSON, RAW, TEMPLATE].join(" ");
                return Err(invalid(&format!("invalid {FORMAT}: {other:?} not found in [{all}]")));
            }
        };
        Ok(Self(Arc::new(kind)))
    }

    /// The record in the configured format, without a line break behind it.
    ///
    /// # Errors
    /// When a template asks for something that the record doesn't have. (The Go SDK writes such a record as `opencdc/json`.)
    pub fn format(&self, record: &Record) -> Result<Vec<u8>, FormatError> {
        match &*self.0 {
            Kind::OpenCdc => Ok(serde_json::to_vec(record)?),
            Kind::Debezium(debezium) => Ok(serde_json::to_vec(&debezium.message(record))?),
            Kind::Template(template) => template.render(record).map_err(FormatError::Template),
            Kind::Raw => match record.payload.after.as_ref().or(record.payload.before.as_ref()) {
                None => Ok(Vec::new()),
                Some(Data::Raw(bytes)) => Ok(bytes.clone()),
                Some(Data::Structured(fields)) => Ok(serde_json::to_vec(fields)?),
            },
        }
    }
}
