//! Why a resource can't be written, and why a record wasn't.

use std::collections::BTreeMap;
use std::fmt;

use hubspot_client::{OneLine, existing_id};
use thiserror::Error;

use crate::advice;
use crate::key::KeyError;
use crate::plan::Kind;
use crate::shape::PayloadError;

/// The destination as a whole can't go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// HubSpot lets nobody write this resource.
    #[error("{resource} can't be written: HubSpot only lets it be read; choose another resource for a destination")]
    NotWritable {
        /// The resource's name.
        resource: &'static str,
    },
    /// HubSpot didn't answer the first call, or doesn't take the token.
    #[error("opening {resource}: {source}")]
    Open {
        /// The resource's name.
        resource: &'static str,
        /// What went wrong.
        #[source]
        source: Failure,
    },
    /// HubSpot refuses the token for writing; no record of the batch was written.
    #[error("writing {resource}: {refusal}")]
    Denied {
        /// The resource's name.
        resource: &'static str,
        /// What HubSpot said.
        refusal: Box<Refusal>,
    },
}

/// Why one record was not written, or why nobody knows whether it was. Its text is one line: what was tried on which object, what
/// HubSpot says to it, and what to do.
#[derive(Clone, Debug, Error)]
#[error("{}: {failure}", attempt(*.kind, .resource, .id.as_deref()))]
#[non_exhaustive]
pub struct RecordError {
    /// What was tried.
    pub kind: Kind,
    /// The resource's name.
    pub resource: &'static str,
    /// The id in the record's key, for updates and deletes that have one.
    pub id: Option<String>,
    /// What went wrong.
    #[source]
    pub failure: Failure,
}

impl RecordError {
    /// Whether the record may have been written all the same: the reply was lost, or didn't name it. Writing it again may double it.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self.failure, Failure::Unknown(_) | Failure::Unnamed)
    }

    /// What HubSpot said, where it said something.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.failure {
            Failure::Refused(refusal) | Failure::Denied(refusal) => Some(refusal),
            _ => None,
        }
    }
}

fn attempt(kind: Kind, resource: &str, id: Option<&str>) -> String {
    match id {
        Some(id) => format!("{} {resource} {id}", kind.as_str()),
        None => format!("{} {resource}", kind.as_str()),
    }
}

/// What went wrong with a record, or with the call that it was in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The record's key names no object.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The record's payload can't be written.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// HubSpot can't do this with the resource at all.
    #[error("HubSpot doesn't offer that for this resource")]
    Unsupported,
    /// HubSpot refused the record.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// HubSpot refused the token (401) or what it may do (403).
    #[error("{0}")]
    Denied(Box<Refusal>),
    /// The source encodes its records with a schema, and only Conduit's schema service knows how to read them.
    #[error(
        "the record's {part} is encoded with a schema (Avro), which this connector doesn't decode; set \
         `sdk.schema.extract.{part}.enabled: false` on the pipeline's source"
    )]
    Encoded {
        /// `key` or `payload`.
        part: &'static str,
    },
    /// The reply was lost: nobody knows whether the record was written.
    #[error("the outcome is unknown, it may have been written: {0}; look for it in HubSpot before you write it again")]
    Unknown(String),
    /// HubSpot answered with success, but its answer names the record neither as written nor as failed.
    #[error(
        "the outcome is unknown: HubSpot's answer names the record neither as written nor as failed; look for it in HubSpot before \
         you write it again"
    )]
    Unnamed,
    /// The call got no answer, or only transient errors, in all tries.
    #[error("{0}")]
    Unanswered(String),
}

/// HubSpot's own reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status of the answer, or of the part of it that is about this record.
    pub status: u16,
    /// HubSpot's category, such as `VALIDATION_ERROR`, `CONFLICT` or `OBJECT_NOT_FOUND`; empty where it gave none.
    pub category: String,
    /// HubSpot's message.
    pub message: String,
    /// The single faults, where HubSpot lists them.
    pub details: Vec<Detail>,
    /// What HubSpot knows of the error beside that: names and their values, such as ids or missing scopes.
    pub context: BTreeMap<String, Vec<String>>,
    /// The number by which HubSpot's support finds the call.
    pub correlation_id: Option<String>,
}

/// One fault of several in a [`Refusal`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detail {
    /// What is wrong.
    pub message: String,
    /// HubSpot's code for it, such as `PROPERTY_DOESNT_EXIST`; empty where it gave none.
    pub code: String,
    /// What HubSpot knows beside that, such as the property's name under `propertyName`.
    pub context: BTreeMap<String, Vec<String>>,
}

impl Detail {
    /// The property that is at fault, where HubSpot names it.
    pub fn property(&self) -> Option<&str> {
        self.context.get("propertyName")?.first().map(String::as_str)
    }
}

impl Refusal {
    /// The id of the object that stands in the way of a create, where HubSpot names it: `… Existing ID: 123`.
    pub fn existing_id(&self) -> Option<&str> {
        let details = self.details.iter().map(|detail| detail.message.as_str());
        existing_id(std::iter::once(self.message.as_str()).chain(details))
    }

    /// The values of a name, in the error's context or in that of its details.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let contexts = std::iter::once(&self.context).chain(self.details.iter().map(|detail| &detail.context));
        contexts.filter_map(move |context| context.get(name)).flatten().map(String::as_str)
    }
}

/// So many details are spelt out in the line; the rest are counted.
const DETAILS_SHOWN: usize = 5;

/// One line: status, category, message, the details that add something, the correlation id, and what to do.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubSpot refuses it")?;
        if self.status != 0 {
            write!(f, " with {}", self.status)?;
        }
        if !self.category.is_empty() {
            write!(f, " {}", OneLine(&self.category))?;
        }
        write!(f, ": {}", OneLine(&self.message))?;
        let telling: Vec<&Detail> = self
            .details
            .iter()
            .filter(|detail| !self.message.contains(&detail.message) || !detail.code.is_empty())
            .collect();
        for detail in telling.iter().take(DETAILS_SHOWN) {
            f.write_str("; ")?;
            if let Some(property) = detail.property().filter(|property| !detail.message.contains(*property)) {
                write!(f, "property {}: ", OneLine(property))?;
            }
            match (self.message.contains(&detail.message), detail.code.as_str()) {
                (true, code) => write!(f, "{}", OneLine(code))?,
                (false, "") => write!(f, "{}", OneLine(&detail.message))?,
                (false, code) => write!(f, "{} ({})", OneLine(&detail.message), OneLine(code))?,
            }
        }
        if telling.len() > DETAILS_SHOWN {
            write!(f, "; and {} more", telling.len() - DETAILS_SHOWN)?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {})", OneLine(id))?;
        }
        match advice::on(self) {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_says_what_on_what_why_and_what_to_do() {
        let refusal = Refusal {
            status: 400,
            category: "VALIDATION_ERROR".into(),
            message: "Property values were not valid:\n two errors".into(),
            details: vec![
                Detail {
                    message: "Property \"shoe\" does not exist".into(),
                    code: "PROPERTY_DOESNT_EXIST".into(),
                    context: [("propertyName".to_owned(), vec!["shoe".to_owned()])].into(),
                },
                Detail {
                    message: "was not one of the options".into(),
                    code: "INVALID_OPTION".into(),
                    context: [("propertyName".to_owned(), vec!["lifecyclestage".to_owned()])].into(),
                },
            ],
            correlation_id: Some("c-1".into()),
            ..Refusal::default()
        };
        let error = RecordError {
            kind: Kind::Update,
            resource: "crm.contacts",
            id: Some("51".into()),
            failure: Failure::Refused(Box::new(refusal)),
        };
        assert_eq!(
            error.to_string(),
            "updating crm.contacts 51: HubSpot refuses it with 400 VALIDATION_ERROR: Property values were not valid: two errors; \
             Property \"shoe\" does not exist (PROPERTY_DOESNT_EXIST); property lifecyclestage: was not one of the options \
             (INVALID_OPTION) (correlation id c-1); create the property in HubSpot, or leave it out of the record"
        );
    }
}
