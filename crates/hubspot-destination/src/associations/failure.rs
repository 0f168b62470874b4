//! Why an object is not associated as its record says.

use std::fmt;

use hubspot_client::OneLine;
use thiserror::Error;

use super::{Link, LinkType, Target};
use crate::error::{Failure, Refusal};

/// Why an object, which itself was written, is not associated as its record says. Its text is one line: with what, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub struct LinkFailure {
    /// The other object's type as it stands in HubSpot's paths; empty where the record names none.
    pub to: String,
    /// The other object: its id, or `property=value`.
    pub target: String,
    /// The label that the record gives, if it gives one.
    pub label: Option<String>,
    /// What went wrong.
    #[source]
    pub reason: LinkReason,
    /// How many other associations of the record failed.
    pub others: usize,
}

/// What went wrong with one association.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinkReason {
    /// There is no such object.
    #[error("there is no such object in this account; write it first, then this record again")]
    Missing,
    /// The other object's type has no property that carries the source's ids.
    #[error(
        "{} have no property {property:?}, by which an id of the source's is found; set `sourceId.create: true`, make it in HubSpot as a \
         unique text, or write that type here, too",
        OneLine(.to)
    )]
    NoSourceId {
        /// The other object's type.
        to: String,
        /// The property's name.
        property: String,
    },
    /// The two types have no association of this label, or of this type id.
    #[error(
        "{from} and {} have no association {}; there is {}; give one of these, or make the label in HubSpot",
        OneLine(.to), OneLine(.given), list(.known)
    )]
    UnknownType {
        /// The type of the record's own object.
        from: String,
        /// The other object's type.
        to: String,
        /// What the record gives: a label or a type id.
        given: String,
        /// What there is, each with its category and id.
        known: Vec<String>,
    },
    /// The record names no object type, which a call for an object that is there already needs.
    #[error(
        "the record doesn't say of which type it is; give `associations` by object type, such as {{\"companies\": [{{\"id\": \"5\"}}]}}"
    )]
    Untyped,
    /// HubSpot answered with success, but names the two objects neither as associated nor as failed.
    #[error("HubSpot's answer names it neither as made nor as failed; writing the record again does no harm to it")]
    Unnamed,
    /// HubSpot says that one of the two objects isn't there.
    #[error(
        "HubSpot finds no such object: {}; check its id, or set `sourceId.property` if the id is another account's",
        said(.0)
    )]
    NotFound(Box<Refusal>),
    /// A call failed.
    #[error("{0}")]
    Call(Box<Failure>),
}

impl LinkFailure {
    pub(super) fn new(link: &Link, reason: LinkReason) -> Self {
        Self {
            to: link.to.clone().unwrap_or_default(),
            target: link.target.to_string(),
            label: link.types.iter().find_map(|LinkType { label, .. }| label.clone()),
            reason,
            others: 0,
        }
    }

    /// Whether the other object isn't there, or not yet.
    pub fn is_missing(&self) -> bool {
        self.reason == LinkReason::Missing
    }
}

impl LinkReason {
    /// Whether HubSpot refused just this, so that it was neither made nor failed for want of an answer.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::NotFound(_) => true,
            Self::Call(failure) => matches!(**failure, Failure::Refused(_)),
            _ => false,
        }
    }
}

/// Where HubSpot names ids that are of no object, in the refusal of a single association.
const INVALID_IDS: &str = "INVALID_OBJECT_IDS";

impl From<Failure> for LinkReason {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unnamed => Self::Unnamed,
            Failure::Refused(refusal)
                if refusal.category.contains("NOT_FOUND") || refusal.named(INVALID_IDS).next().is_some() =>
            {
                Self::NotFound(refusal)
            }
            failure => Self::Call(Box::new(failure)),
        }
    }
}

/// What HubSpot said of an object that isn't there.
fn said(refusal: &Refusal) -> String {
    let mut said = OneLine(&refusal.message).to_string();
    for id in refusal.named(INVALID_IDS) {
        said = format!("{said}, {}", OneLine(id));
    }
    match &refusal.correlation_id {
        Some(id) => format!("{said} (correlation id {})", OneLine(id)),
        None => said,
    }
}

impl fmt::Display for LinkFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not associated with ")?;
        if !self.to.is_empty() {
            write!(f, "{} ", OneLine(&self.to))?;
        }
        write!(f, "{}", OneLine(&self.target))?;
        if let Some(label) = &self.label {
            write!(f, " as \"{}\"", OneLine(label))?;
        }
        write!(f, ": {}", self.reason)?;
        match self.others {
            0 => Ok(()),
            1 => f.write_str("; and one more association of it failed"),
            others => write!(f, "; and {others} more associations of it failed"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Property { name, value } => write!(f, "{name}={value}"),
        }
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none at all".to_owned() } else { OneLine(&known.join(", ")).to_string() }
}
