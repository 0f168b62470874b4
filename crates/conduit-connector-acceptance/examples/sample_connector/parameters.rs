//! The sample connector's parameters, and what their values have to hold to.

use std::collections::HashMap;

use conduit_connector_protocol::proto::config::v1::{parameter::Type, validation::Type as Validation};
use tonic::Status;

use crate::fault::Fault;

/// A parameter of the source or the destination.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    pub(crate) validations: &'static [(Validation, &'static str)],
}

pub(crate) const SOURCE: [Parameter; 4] = [
    Parameter { name: "count", kind: Type::String, validations: &[(Validation::Required, "")] },
    Parameter {
        name: "batch",
        kind: Type::Int,
        validations: &[(Validation::GreaterThan, "0"), (Validation::LessThan, "100")],
    },
    Parameter { name: "mode", kind: Type::String, validations: &[(Validation::Inclusion, "all,some")] },
    Parameter { name: "path", kind: Type::String, validations: &[] },
];

pub(crate) const DESTINATION: [Parameter; 4] = [
    Parameter { name: "target", kind: Type::String, validations: &[(Validation::Required, "")] },
    Parameter { name: "rate", kind: Type::Float, validations: &[] },
    Parameter {
        name: "label",
        kind: Type::String,
        validations: &[(Validation::Exclusion, "none,nothing"), (Validation::Regex, "^[a-z]+$")],
    },
    Parameter { name: "path", kind: Type::String, validations: &[] },
];

impl Parameter {
    fn is_required(&self) -> bool {
        self.validations.iter().any(|(kind, _)| *kind == Validation::Required)
    }

    fn takes(&self, value: &str) -> bool {
        let number = value.parse::<f64>();
        let of_type = match self.kind {
            Type::Int => value.parse::<i64>().is_ok(),
            Type::Float => number.is_ok(),
            _ => true,
        };
        of_type
            && self.validations.iter().all(|(kind, limit)| match kind {
                Validation::GreaterThan => number.as_ref().is_ok_and(|number| *number > limit.parse().unwrap_or(0.0)),
                Validation::LessThan => number.as_ref().is_ok_and(|number| *number < limit.parse().unwrap_or(0.0)),
                Validation::Inclusion => limit.split(',').any(|one| one == value),
                Validation::Exclusion => limit.split(',').all(|one| one != value),
                Validation::Regex => value.chars().all(|character| character.is_ascii_lowercase()),
                Validation::Required | Validation::Unspecified => true,
            })
    }
}

/// Checks a configuration.
pub(crate) fn configure(parameters: &[Parameter], config: &HashMap<String, String>) -> Result<(), Status> {
    if Fault::PlainLog.is_set() {
        eprintln!("configuring");
    } else {
        eprintln!(r#"{{"@level":"info","@message":"configuring","required":"{}"}}"#, parameters[0].name);
    }
    if Fault::Stdout.is_set() {
        println!("configuring");
    }
    if Fault::AcceptsAnything.is_set() {
        return Ok(());
    }
    if Fault::AcceptsNothing.is_set() {
        return Err(Status::invalid_argument("not in the mood"));
    }
    for parameter in parameters {
        let name = parameter.name;
        match config.get(name).map(String::as_str) {
            None | Some("") if parameter.is_required() => {
                return Err(Status::invalid_argument(format!("\"{name}\": required parameter is not provided")));
            }
            Some(value) if !value.is_empty() && !parameter.takes(value) => {
                return Err(Status::invalid_argument(format!("error validating \"{name}\": {value:?} won't do")));
            }
            _ => {}
        }
    }
    match config.keys().find(|name| parameters.iter().all(|parameter| parameter.name != name.as_str())) {
        Some(name) => Err(Status::invalid_argument(format!("\"{name}\": unrecognized parameter"))),
        None => Ok(()),
    }
}
