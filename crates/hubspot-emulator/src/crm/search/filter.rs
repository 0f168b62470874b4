//! Filters, and the order of values.

use std::borrow::Cow;
use std::ops::Range;

use crate::clock::parse_time;
use crate::crm::object::Object;
use crate::definitions::ObjectType;

/// A filter, ready to be applied.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) property: String,
    pub(super) test: Test,
}

#[derive(Debug)]
pub(super) enum Test {
    Has(bool),
    /// Compared as numbers or times where the property is one.
    Equal {
        any_of: Vec<Operand>,
        negated: bool,
    },
    Between {
        least: Option<(Operand, bool)>,
        most: Option<(Operand, bool)>,
    },
    Contains {
        token: String,
        negated: bool,
    },
}

/// A value, in the order that its property's type has.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Operand {
    Number(f64),
    Text(String),
}

impl Filter {
    /// The numbers that can match, from and before, if the filter is about this property; with them, whether all of them do.
    pub(super) fn bounds(&self, property: &str) -> Option<(Range<i64>, bool)> {
        if self.property != property {
            return None;
        }
        match &self.test {
            Test::Between { least, most } => {
                let least = match least {
                    None => Some(0),
                    Some((Operand::Number(least), inclusive)) => Some(*least as i64 + i64::from(!inclusive)),
                    Some((Operand::Text(_), _)) => None,
                };
                let most = match most {
                    None => Some(i64::MAX),
                    Some((Operand::Number(most), inclusive)) => {
                        Some((*most as i64).saturating_add(i64::from(*inclusive)))
                    }
                    Some((Operand::Text(_), _)) => None,
                };
                let exact = least.is_some() && most.is_some();
                Some((least.unwrap_or(0)..most.unwrap_or(i64::MAX), exact))
            }
            Test::Equal { any_of, negated: false } => match any_of.as_slice() {
                [Operand::Number(only)] => Some((*only as i64..*only as i64 + 1, true)),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn matches(&self, object_type: &ObjectType, object: &Object) -> bool {
        if let Test::Contains { token, negated } = &self.test {
            let Some(value) = object.value(object_type, &self.property) else { return false };
            let value = value.to_lowercase();
            let found = match (token.strip_prefix('*'), token.strip_suffix('*')) {
                (Some(rest), _) => value.contains(rest.trim_end_matches('*')),
                (_, Some(start)) => tokens(&value).any(|word| word.starts_with(start)),
                _ => value == *token || tokens(&value).any(|word| word == token),
            };
            return found != *negated;
        }
        let value = operand_of(object_type, object, &self.property);
        match &self.test {
            Test::Has(wanted) => value.is_some() == *wanted,
            // Believed: what has no value is not unequal to anything.
            Test::Equal { any_of, negated } => value.is_some_and(|value| any_of.contains(&value) != *negated),
            Test::Between { least, most } => value.is_some_and(|value| {
                let above =
                    least.as_ref().is_none_or(|(least, inclusive)| value > *least || (*inclusive && value == *least));
                let below =
                    most.as_ref().is_none_or(|(most, inclusive)| value < *most || (*inclusive && value == *most));
                above && below
            }),
            Test::Contains { .. } => false,
        }
    }
}

fn tokens(value: &str) -> impl Iterator<Item = &str> {
    value.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// A value of an object in the order of its type.
pub(super) fn operand_of(object_type: &ObjectType, object: &Object, property: &str) -> Option<Operand> {
    if property == "hs_object_id" {
        return Some(Operand::Number(object.id as f64));
    }
    if property == object_type.changed {
        return Some(Operand::Number(object.updated as f64));
    }
    if property == object_type.created {
        return Some(Operand::Number(object.created as f64));
    }
    let value: Cow<'_, str> = object.value(object_type, property)?;
    Some(operand(object_type, property, &value))
}

pub(super) fn operand(object_type: &ObjectType, property: &str, value: &str) -> Operand {
    let kind = object_type.properties.get(property).map_or("string", |property| property.kind.as_str());
    let number = match kind {
        "date" | "datetime" => parse_time(value).map(|at| at as f64),
        "number" => value.trim().parse().ok(),
        _ => None,
    };
    number.map_or_else(|| Operand::Text(value.to_lowercase()), Operand::Number)
}
