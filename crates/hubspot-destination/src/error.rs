//! Why a resource can't be written, and why a record wasn't.

use std::collections::BTreeMap;
use std::fmt;

use hubspot_client::{OneLine, existing_id};
use thiserror::Error;

use crate::advice;
use crate::associations::{LinkError, LinkFailure};
use crate::key::KeyError;
use crate::plan::Kind;
use crate::routing::RouteError;
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
    /// The configuration doesn't fit what HubSpot says of the resource.
    #[error("{resource}: {source}")]
    Misfit {
        /// The resource's name.
        resource: String,
        /// What doesn't fit.
        #[source]
        source: Misfit,
    },
    /// The account's custom objects can't be looked up.
    #[error("looking up the account's custom objects: {0}")]
    CustomObjects(#[source] Failure),
    /// HubSpot refuses the token for writing; no record of the batch was written.
    #[error("writing {resource}: {refusal}")]
    Denied {
        /// The resource's name.
        resource: &'static str,
        /// What HubSpot said.
        refusal: Box<Refusal>,
    },
}

/// The configuration asks for what a resource can't give.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misfit {
    /// `idProperty` names a property that several objects may have the same value of, or that isn't there.
    #[error("objects can't be identified by {property:?}, which {}; {}", why_not(*.exists), unique_ones(.unique))]
    NotUnique {
        /// The property that was named.
        property: String,
        /// Whether the object type has it at all.
        exists: bool,
        /// The properties that objects of this type can be identified by.
        unique: Vec<String>,
    },
    /// `mode: upsert` without an `idProperty`.
    #[error("upserting takes a unique property: set `idProperty`, or `sourceId.property`; {}", unique_ones_if_known(.unique.as_deref()))]
    NoIdProperty {
        /// The properties that objects of this type can be identified by; nothing where the token may not read them.
        unique: Option<Vec<String>>,
    },
    /// HubSpot has no upsert for the resource.
    #[error("HubSpot has no upsert for it; set `mode` to auto, update or insert")]
    NoUpsert,
    /// `deletes: gdpr` for something else than contacts.
    #[error("HubSpot deletes contacts alone for good; set `deletes` to archive or ignore")]
    NoGdpr,
    /// The property of `sourceId.property` isn't there.
    #[error(
        "it has no property {property:?} for the source's ids; set `sourceId.create: true`, or make it in HubSpot as a unique text"
    )]
    NoSourceId {
        /// The property's name.
        property: String,
    },
    /// `sourceId.create` of a type whose properties the token may not read.
    #[error(
        "the token may not read what properties there are, so that {property:?} can't be made by `sourceId.create`; give it the scopes \
         to read and write the type's properties (crm.schemas.…), or make the property in HubSpot as a unique text and set \
         `sourceId.create: false`"
    )]
    UnreadProperties {
        /// The property's name.
        property: String,
    },
    /// The account has no such custom object.
    #[error(transparent)]
    Route(#[from] RouteError),
}

const fn why_not(exists: bool) -> &'static str {
    if exists { "several objects may have the same value of" } else { "isn't a property of theirs" }
}

fn unique_ones(unique: &[String]) -> String {
    match unique {
        [] => "the type has no unique property; make one in HubSpot".to_owned(),
        unique => format!("the unique ones are {}", unique.join(", ")),
    }
}

fn unique_ones_if_known(unique: Option<&[String]>) -> String {
    unique.map_or_else(|| "HubSpot's settings show the type's unique ones".to_owned(), unique_ones)
}

/// Why one record was not written, or why nobody knows whether it was. Its text is one line: what was tried on which object, what
/// HubSpot says to it, and what to do.
#[derive(Clone, Debug, Error)]
#[error("{}: {failure}", attempt(*.kind, *.resource, .id.as_deref()))]
#[non_exhaustive]
pub struct RecordError {
    /// What was tried.
    pub kind: Kind,
    /// The resource's name; nothing where the record couldn't be routed.
    pub resource: Option<&'static str>,
    /// What the object is identified by: HubSpot's id or the record's key, or `property=value`. Nothing where the record has neither.
    pub id: Option<String>,
    /// What went wrong.
    #[source]
    pub failure: Failure,
}

impl RecordError {
    /// Whether the record may have been written all the same: the reply was lost, or didn't name it. Writing a create again may double
    /// it; anything else can be written again.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self.failure, Failure::Unknown(_) | Failure::Unnamed | Failure::MaybeDone(_))
    }

    /// The id of the object that was written, where what failed came after that: its associations, or the publishing of its
    /// draft.
    pub fn written_as(&self) -> Option<&str> {
        match &self.failure {
            Failure::NotAssociated { id, .. } | Failure::NotPublished { id, .. } => Some(id),
            _ => None,
        }
    }

    /// What HubSpot said, where it said something.
    pub fn refusal(&self) -> Option<&Refusal> {
        let mut failure = &self.failure;
        while let Failure::NotPublished { failure: inner, .. } = failure {
            failure = inner;
        }
        match failure {
            Failure::Refused(refusal) | Failure::Denied(refusal) => Some(refusal),
            _ => None,
        }
    }
}

fn attempt(kind: Kind, resource: Option<&str>, id: Option<&str>) -> String {
    let parts = [Some(kind.as_str().to_owned()), resource.map(str::to_owned), id.map(|id| OneLine(id).to_string())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
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
    /// The payload's associations can't be understood.
    #[error(transparent)]
    Association(#[from] LinkError),
    /// It is not clear which resource the record goes to.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The record goes to a resource that the configuration doesn't fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The record has no value of the unique property that objects are identified by.
    #[error(
        "the record has no value of {}, by which its object is identified; give it in the payload, or as the key's one field",
        OneLine(.property)
    )]
    NoValue {
        /// The property's name.
        property: String,
    },
    /// The record of an update or a delete has no value of the unique property that objects are identified by, and its key isn't
    /// HubSpot's id.
    #[error(
        "the record has no value of {}, by which its object is identified; give it in the payload, or as the key's one field; \
         or give HubSpot's own id, as the key's field `hs_object_id` (`id` counts as that only where the record's \
         `opencdc.collection` is a HubSpot resource such as crm.contacts)",
        OneLine(.property)
    )]
    NoValueNorId {
        /// The property's name.
        property: String,
    },
    /// An update or a delete of a CMS object, where keys are ids of the source's.
    #[error(
        "with `sourceId.property` the key is the source's id, by which CMS objects can't be found: they have no properties; filter \
         updates and deletes of CMS resources out, or write them in a pipeline of their own without `sourceId.property`"
    )]
    ForeignKey,
    /// The payload lacks the field with the object's id.
    #[error("the payload's field {field:?}, which `id.field` names, holds {found}; an id is a text or a whole number")]
    NoId {
        /// The field's name.
        field: String,
        /// What stands there, with its article.
        found: &'static str,
    },
    /// An update of an object that isn't named by its id has nothing but associations.
    #[error(
        "the payload has nothing but associations, and HubSpot takes no update without properties; give a property as well, or name the \
         object by its id instead of by {}",
        OneLine(.property)
    )]
    OnlyAssociations {
        /// The unique property that the object is identified by.
        property: String,
    },
    /// A look-up found no such object.
    #[error(
        "there is no object with {} in this account; set `onMissing: ignore` to let such records pass, or `onMissing: create` to \
         make the objects of updates",
        OneLine(.0)
    )]
    Missing(String),
    /// The record was written, but what it says of associations wasn't.
    #[error("it was written as {id}; {failure}")]
    NotAssociated {
        /// The id of the object that was written.
        id: String,
        /// Which association failed, and why.
        #[source]
        failure: Box<LinkFailure>,
    },
    /// The draft was written, but HubSpot refused to publish it.
    #[error("{done}, but not published: {failure}")]
    NotPublished {
        /// The id of the object whose draft was written.
        id: String,
        /// What was done.
        done: String,
        /// Why it isn't public.
        #[source]
        failure: Box<Failure>,
    },
    /// The property that the record needs couldn't be made.
    #[error("making the property {}: {failure}", OneLine(.property))]
    NotMade {
        /// The property's name.
        property: String,
        /// What went wrong.
        #[source]
        failure: Box<Failure>,
    },
    /// HubSpot can't do this with the resource at all.
    #[error(
        "HubSpot doesn't offer that for this resource; filter such records out, or let `deletes: ignore` pass over deletes"
    )]
    Unsupported,
    /// HubSpot refused the record.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// HubSpot refused the token (401) or what it may do (403).
    #[error("{0}")]
    Denied(Box<Refusal>),
    /// The source encodes its records with a schema, and the destination's settings say not to decode them.
    #[error(
        "the record's {part} is encoded with a schema (Avro), and wasn't decoded; set `sdk.schema.extract.{part}.enabled: true` on \
         the destination, or `false` on the pipeline's source"
    )]
    Encoded {
        /// `key` or `payload`.
        part: &'static str,
    },
    /// The reply was lost: nobody knows whether the record was written.
    #[error("the outcome is unknown, it may have been written: {}; look for it in HubSpot before you write it again", OneLine(.0))]
    Unknown(String),
    /// HubSpot answered with success, but its answer names the record neither as written nor as failed.
    #[error(
        "the outcome is unknown: HubSpot's answer names the record neither as written nor as failed; look for it in HubSpot before \
         you write it again"
    )]
    Unnamed,
    /// The call got no answer, or only transient errors, in all tries, and one of them may have been carried out. Repeating it does no
    /// harm.
    #[error("the outcome is unknown, it may have been written: {}; write it again, which does no harm", OneLine(.0))]
    MaybeDone(String),
    /// The call got no answer, or only transient errors, in all tries, and nothing was done.
    #[error("{}", OneLine(.0))]
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
    /// The call was about one object alone, so that 404 says that the object isn't there. To a batch it may be said of the path.
    pub(crate) of_one: bool,
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

impl Failure {
    /// Whether the object isn't there.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Missing(_) => true,
            Self::Refused(refusal) => {
                refusal.category == "OBJECT_NOT_FOUND" || (refusal.status == 404 && refusal.of_one)
            }
            _ => false,
        }
    }

    /// Whether it may have been done all the same.
    pub(crate) fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Unnamed)
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
            match self.status {
                0 => write!(f, " ({})", OneLine(&self.category))?,
                _ => write!(f, " {}", OneLine(&self.category))?,
            }
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
    fn a_404_says_that_an_object_is_missing_only_where_it_is_about_one() {
        let missing = |category: &str, of_one| {
            let refusal = Refusal { status: 404, category: category.into(), of_one, ..Refusal::default() };
            Failure::Refused(Box::new(refusal)).is_missing()
        };
        assert!(missing("", true) && missing("OBJECT_NOT_FOUND", false));
        assert!(!missing("", false), "an object type that there isn't, say");
    }

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
            resource: Some("crm.contacts"),
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
