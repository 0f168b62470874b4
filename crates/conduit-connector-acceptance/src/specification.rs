//! What a connector says of itself, whatever the protocol version.

use std::collections::{BTreeMap, HashMap};

use conduit_connector_protocol::proto::config::v1 as config;
use conduit_connector_protocol::proto::connector::{v1, v2};
use serde::Serialize;

/// What a connector says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Specification {
    /// The plugin's name, by which pipelines name it.
    pub name: String,
    /// What it is, in a line.
    pub summary: String,
    /// What it is, at length.
    pub description: String,
    /// Its version, `v1.2.3`.
    pub version: String,
    /// Who wrote it.
    pub author: String,
    /// Parameters of the source by name; none when the connector has no source.
    pub source_parameters: BTreeMap<String, Parameter>,
    /// Parameters of the destination by name; none when the connector has no destination.
    pub destination_parameters: BTreeMap<String, Parameter>,
}

/// One parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Parameter {
    /// The value where none is given; empty when there is no default.
    pub default: String,
    /// What it is for.
    pub description: String,
    /// What its values are.
    pub kind: ParameterKind,
    /// What its values have to hold to.
    pub validations: Vec<Validation>,
}

impl Parameter {
    /// Whether a value has to be given: it is required, and there is no default.
    pub fn is_required(&self) -> bool {
        self.default.is_empty() && self.validations.contains(&Validation::Required)
    }
}

/// What a parameter's values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ParameterKind {
    /// The connector doesn't say.
    #[default]
    Unspecified,
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A boolean, as Go reads them.
    Bool,
    /// Text, or a file that holds it.
    File,
    /// A duration, as Go reads them.
    Duration,
}

/// What a parameter's values have to hold to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Validation {
    /// Not empty.
    Required,
    /// Greater than this number.
    GreaterThan(String),
    /// Less than this number.
    LessThan(String),
    /// One of these, separated by commas.
    Inclusion(String),
    /// None of these, separated by commas.
    Exclusion(String),
    /// Matches this regular expression.
    Regex(String),
    /// A kind that is not known here.
    Unknown(i32),
}

/// The numbers of types and validations are the same in both versions.
fn kind(number: i32) -> ParameterKind {
    match config::parameter::Type::try_from(number) {
        Ok(config::parameter::Type::String) => ParameterKind::String,
        Ok(config::parameter::Type::Int) => ParameterKind::Int,
        Ok(config::parameter::Type::Float) => ParameterKind::Float,
        Ok(config::parameter::Type::Bool) => ParameterKind::Bool,
        Ok(config::parameter::Type::File) => ParameterKind::File,
        Ok(config::parameter::Type::Duration) => ParameterKind::Duration,
        Ok(config::parameter::Type::Unspecified) | Err(_) => ParameterKind::Unspecified,
    }
}

fn validation(number: i32, value: String) -> Validation {
    match config::validation::Type::try_from(number) {
        Ok(config::validation::Type::Required) => Validation::Required,
        Ok(config::validation::Type::GreaterThan) => Validation::GreaterThan(value),
        Ok(config::validation::Type::LessThan) => Validation::LessThan(value),
        Ok(config::validation::Type::Inclusion) => Validation::Inclusion(value),
        Ok(config::validation::Type::Exclusion) => Validation::Exclusion(value),
        Ok(config::validation::Type::Regex) => Validation::Regex(value),
        Ok(config::validation::Type::Unspecified) | Err(_) => Validation::Unknown(number),
    }
}

impl From<config::Parameter> for Parameter {
    fn from(parameter: config::Parameter) -> Self {
        Self {
            default: parameter.default,
            description: parameter.description,
            kind: kind(parameter.r#type),
            validations: parameter.validations.into_iter().map(|v| validation(v.r#type, v.value)).collect(),
        }
    }
}

impl From<v1::specifier::Parameter> for Parameter {
    #[allow(deprecated, reason = "older connectors say `required` with the field that is deprecated")]
    fn from(parameter: v1::specifier::Parameter) -> Self {
        let mut validations: Vec<_> =
            parameter.validations.into_iter().map(|v| validation(v.r#type, v.value)).collect();
        if parameter.required && !validations.contains(&Validation::Required) {
            validations.push(Validation::Required);
        }
        Self {
            default: parameter.default,
            description: parameter.description,
            kind: kind(parameter.r#type),
            validations,
        }
    }
}

fn by_name<P: Into<Parameter>>(parameters: HashMap<String, P>) -> BTreeMap<String, Parameter> {
    parameters.into_iter().map(|(name, parameter)| (name, parameter.into())).collect()
}

impl From<v2::Specification> for Specification {
    fn from(it: v2::Specification) -> Self {
        Self {
            name: it.name,
            summary: it.summary,
            description: it.description,
            version: it.version,
            author: it.author,
            source_parameters: by_name(it.source_params),
            destination_parameters: by_name(it.destination_params),
        }
    }
}

impl From<v1::specifier::specify::Response> for Specification {
    fn from(it: v1::specifier::specify::Response) -> Self {
        Self {
            name: it.name,
            summary: it.summary,
            description: it.description,
            version: it.version,
            author: it.author,
            source_parameters: by_name(it.source_params),
            destination_parameters: by_name(it.destination_params),
        }
    }
}
