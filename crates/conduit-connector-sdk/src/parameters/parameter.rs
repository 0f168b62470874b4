//! One parameter, as Conduit sees it.

use serde_json::{Value as Json, json};

use conduit_connector_protocol::proto::config::v1 as wire;
use conduit_connector_protocol::proto::connector::v1::specifier as wire_v1;

use super::ParameterValue;

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParameterType {
    /// Text.
    String,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Float,
    /// A boolean.
    Bool,
    /// The path of a file.
    File,
    /// A duration as Go writes it.
    Duration,
}

impl ParameterType {
    /// Its name in a `connector.yaml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::File => "file",
            Self::Duration => "duration",
        }
    }
}

/// What a value has to hold to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Validation {
    /// It must not be empty.
    Required,
    /// It is a number above this one.
    GreaterThan(f64),
    /// It is a number below this one.
    LessThan(f64),
    /// It is one of these.
    Inclusion(Vec<String>),
    /// It is none of these.
    Exclusion(Vec<String>),
    /// It matches this regular expression.
    Regex(String),
}

impl Validation {
    /// Its name in a `connector.yaml`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::GreaterThan(_) => "greater-than",
            Self::LessThan(_) => "less-than",
            Self::Inclusion(_) => "inclusion",
            Self::Exclusion(_) => "exclusion",
            Self::Regex(_) => "regex",
        }
    }

    /// What a value is compared with, as text.
    pub fn value(&self) -> String {
        match self {
            Self::Required => String::new(),
            Self::GreaterThan(bound) | Self::LessThan(bound) => bound.to_string(),
            Self::Inclusion(list) | Self::Exclusion(list) => list.join(","),
            Self::Regex(pattern) => pattern.clone(),
        }
    }

    /// Protocol v1 has an enum of its own, numbered alike.
    fn number(&self) -> i32 {
        use wire::validation::Type;
        match self {
            Self::Required => Type::Required,
            Self::GreaterThan(_) => Type::GreaterThan,
            Self::LessThan(_) => Type::LessThan,
            Self::Inclusion(_) => Type::Inclusion,
            Self::Exclusion(_) => Type::Exclusion,
            Self::Regex(_) => Type::Regex,
        }
        .into()
    }
}

/// One parameter: its name, type, default, description, and what its value has to hold to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name in a pipeline file.
    pub name: String,
    /// The type of its value.
    pub kind: ParameterType,
    /// The value where none is given; empty where there is none.
    pub default: String,
    /// What it is, for people.
    pub description: String,
    /// What its value has to hold to.
    pub validations: Vec<Validation>,
    /// Whether its value is a secret, which no message may show.
    pub secret: bool,
    /// What kind of value the field reads, when this text is none.
    pub(super) read: fn(&str) -> Result<(), String>,
}

impl Parameter {
    /// A parameter whose value is a `T`.
    pub fn of<T: ParameterValue>(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: T::TYPE,
            default: String::new(),
            description: description.into(),
            validations: Vec::new(),
            secret: T::SECRET,
            read: |text| T::parse(text).map(drop),
        }
    }

    /// The same parameter, with a value where none is given.
    #[must_use]
    pub fn default(mut self, default: impl Into<String>) -> Self {
        self.default = default.into();
        self
    }

    /// The same parameter, with one more thing that its value has to hold to.
    #[must_use]
    pub fn validation(mut self, validation: Validation) -> Self {
        self.validations.push(validation);
        self
    }

    /// The same parameter as one of a struct that is itself a field of this name.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.name = format!("{outer}.{}", self.name);
        self
    }

    /// Whether an absent value is refused.
    pub fn is_required(&self) -> bool {
        self.validations.contains(&Validation::Required)
    }

    /// Its form in a `connector.yaml`.
    pub(crate) fn to_json(&self) -> Json {
        let validations: Vec<Json> =
            self.validations.iter().map(|it| json!({"type": it.kind(), "value": it.value()})).collect();
        json!({
            "name": self.name,
            "type": self.kind.as_str(),
            "default": self.default,
            "description": self.description,
            "validations": validations,
        })
    }

    fn number(&self) -> i32 {
        use wire::parameter::Type;
        match self.kind {
            ParameterType::String => Type::String,
            ParameterType::Int => Type::Int,
            ParameterType::Float => Type::Float,
            ParameterType::Bool => Type::Bool,
            ParameterType::File => Type::File,
            ParameterType::Duration => Type::Duration,
        }
        .into()
    }

    pub(crate) fn to_wire(&self) -> wire::Parameter {
        wire::Parameter {
            default: self.default.clone(),
            description: self.description.clone(),
            r#type: self.number(),
            validations: self
                .validations
                .iter()
                .map(|it| wire::Validation { r#type: it.number(), value: it.value() })
                .collect(),
        }
    }

    pub(crate) fn to_wire_v1(&self) -> wire_v1::Parameter {
        #[allow(deprecated)] // Older hosts read `required`.
        wire_v1::Parameter {
            default: self.default.clone(),
            required: self.is_required(),
            description: self.description.clone(),
            r#type: self.number(),
            validations: self
                .validations
                .iter()
                .map(|it| wire_v1::parameter::Validation { r#type: it.number(), value: it.value() })
                .collect(),
        }
    }
}
