//! What is wrong with settings, in the words of Conduit's Go SDK.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::value::number;
use super::{Parameter, ParameterType, ParameterValue as _, Validation, names};

/// How alike names are, from 0 to 1, for one to be offered instead of the other.
const ALIKE: f64 = 0.8;

/// All that is wrong with values that are trimmed and have their defaults: names first, then parameter by parameter.
pub(super) fn violations(values: &BTreeMap<String, String>, parameters: &[Parameter]) -> Vec<String> {
    let named: Vec<(&Parameter, BTreeSet<String>)> =
        parameters.iter().map(|parameter| (parameter, names::of(values, &parameter.name))).collect();
    let unknown = values
        .keys()
        .filter(|name| !named.iter().any(|(_, names)| names.contains(*name)))
        .map(|name| unrecognized(name, parameters));
    let wrong = named.iter().flat_map(|(parameter, names)| {
        names.iter().flat_map(|name| {
            let value = values.get(name).map_or("", String::as_str);
            about(parameter, value).into_iter().map(move |violation| format!("error validating {name:?}: {violation}"))
        })
    });
    unknown.chain(wrong).collect()
}

fn unrecognized(name: &str, parameters: &[Parameter]) -> String {
    let nearest = parameters
        .iter()
        .map(|parameter| {
            let alike = strsim::jaro_winkler(&name.to_lowercase(), &parameter.name.to_lowercase());
            (alike, &parameter.name)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => format!("{name:?}: unrecognized parameter (did you mean {nearest:?}?)"),
        None => format!("{name:?}: unrecognized parameter"),
    }
}

/// What is wrong with a parameter's value. As in Go, a value of the wrong type is not looked at further, and nothing but its
/// absence can be wrong with one that is empty.
fn about(parameter: &Parameter, value: &str) -> Vec<String> {
    if value.is_empty() {
        return parameter.is_required().then(|| "required parameter is not provided".to_owned()).into_iter().collect();
    }
    let shown = if parameter.secret { "REDACTED".to_owned() } else { format!("{value:?}") };
    let not_of_type = |wanted: &str| vec![format!("{shown} value is not {wanted}: invalid parameter type")];
    if let Err(wanted) = go_type(parameter.kind, value) {
        return not_of_type(&wanted);
    }
    let wrong: Vec<String> =
        parameter.validations.iter().filter_map(|validation| breaks(validation, value, &shown)).collect();
    if !wrong.is_empty() {
        return wrong;
    }
    // The field may hold less than Go's type does: a u8, a duration that is not negative.
    match (parameter.read)(value) {
        Ok(()) => Vec::new(),
        Err(wanted) => not_of_type(&wanted),
    }
}

/// Whether the value is of the type at all.
fn go_type(kind: ParameterType, value: &str) -> Result<(), String> {
    match kind {
        ParameterType::Int => i64::parse(value).map(drop),
        ParameterType::Float => f64::parse(value).map(drop),
        ParameterType::Bool => bool::parse(value).map(drop),
        // The field's own reading has the better words for durations.
        ParameterType::Duration | ParameterType::String | ParameterType::File => Ok(()),
    }
}

fn breaks(validation: &Validation, value: &str, shown: &str) -> Option<String> {
    let no_number = || format!("{shown} value should be a number: invalid parameter value");
    let holds = match validation {
        Validation::Required => true,
        Validation::GreaterThan(bound) => match number(value) {
            Some(number) => number > *bound,
            None => return Some(no_number()),
        },
        Validation::LessThan(bound) => match number(value) {
            Some(number) => number < *bound,
            None => return Some(no_number()),
        },
        Validation::Inclusion(list) => list.iter().any(|item| item == value),
        Validation::Exclusion(list) => !list.iter().any(|item| item == value),
        Validation::Regex(pattern) => match Regex::new(pattern) {
            Ok(regex) => regex.is_match(value),
            Err(_) => {
                return Some(format!("the connector's own regex {pattern:?} is broken: regex validation failed"));
            }
        },
    };
    if holds {
        return None;
    }
    let against = validation.value();
    Some(match validation {
        Validation::Required => "required parameter is not provided".to_owned(),
        Validation::GreaterThan(_) => {
            format!("{shown} should be greater than {against}: greater-than validation failed")
        }
        Validation::LessThan(_) => format!("{shown} should be less than {against}: less-than validation failed"),
        Validation::Inclusion(_) => {
            format!("{shown} value must be included in the list [{against}]: inclusion validation failed")
        }
        Validation::Exclusion(_) => {
            format!("{shown} value must be excluded from the list [{against}]: exclusion validation failed")
        }
        Validation::Regex(_) => format!("{shown} should match the regex {against:?}: regex validation failed"),
    })
}
