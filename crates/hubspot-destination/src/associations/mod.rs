//! The associations of a record: what its payload says of them, and the calls that make them.
//!
//! * [`read()`] turns the payload's `associations` into [`Link`]s. Pure.
//! * [`Linker`] finds the targets and the labels that are named, and associates in as few calls as HubSpot allows: 2,000 pairs each.
//! * [`inline`] is the form that HubSpot's create takes, when nothing has to be looked up.
//!
//! Associating two objects that are associated already changes nothing, so a call whose reply was lost is simply sent again.

mod api;
mod associate;
mod calls;
mod failure;
mod hubspot;
mod known;
mod labels;
mod linker;
mod lookup;
mod read;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use hubspot_client::AssociationSpec;
use serde_json::{Value, json};

pub(crate) use api::LinkApi;
#[cfg(test)]
pub(crate) use api::{Answer, Found, Input, Label};
pub use failure::{LinkFailure, LinkReason};
pub(crate) use hubspot::HubSpotLinks;
pub(crate) use linker::{Asked, Linker, Options};
pub(crate) use lookup::{Ask, Told, each};
pub use read::LinkError;
pub(crate) use read::read;

/// One object that a record's object is associated with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The target's object type as it stands in HubSpot's paths (`companies`, `2-456`). HubSpot's create form names none: such a link
    /// can only be sent with a create: see [`inline`].
    pub to: Option<String>,
    /// The object that is meant.
    pub target: Target,
    /// In what ways they are associated; empty is the pair's default, unlabelled type.
    pub types: Vec<LinkType>,
}

/// Which object is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    /// The one with this id; with a `sourceId.property`, the one that carries this id of the source's account.
    Id(String),
    /// The one that has this value of a unique property.
    Property {
        /// The property's name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// A way of being associated, as a payload names it: by the id of its type, by its label, or by both. Never by neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LinkType {
    /// `HUBSPOT_DEFINED`, `USER_DEFINED`, `INTEGRATOR_DEFINED` or `WORK`.
    pub category: Option<String>,
    /// The type's id: the same in every account when it is HubSpot's own, else this account's.
    pub type_id: Option<u64>,
    /// The label that people see.
    pub label: Option<String>,
}

/// The category of the types that are the same in every account.
const HUBSPOT_DEFINED: &str = "HUBSPOT_DEFINED";

impl LinkType {
    /// The type that is meant, when that takes no lookup: a label decides over the id of a type that isn't HubSpot's own, since a copy
    /// from another account carries the other account's id.
    fn to_spec(&self) -> Option<AssociationSpec> {
        let (category, id) = (self.category.as_ref()?, self.type_id?);
        let decided = self.label.is_none() || category == HUBSPOT_DEFINED;
        decided.then(|| AssociationSpec::new(category.clone(), id))
    }
}

impl From<AssociationSpec> for LinkType {
    fn from(spec: AssociationSpec) -> Self {
        Self { category: Some(spec.category), type_id: Some(spec.type_id), label: None }
    }
}

/// The list that HubSpot's create takes as `associations`, if all targets are ids and all types are known: else `None`, and the object
/// has to be associated once it is there.
///
/// The ids must be this account's: see [`Linker::inline`] for what may be another's.
fn inline(links: &[Link]) -> Option<Value> {
    let entries = links.iter().map(|link| {
        let Target::Id(id) = &link.target else { return None };
        if link.types.is_empty() {
            return None;
        }
        let types: Option<Vec<AssociationSpec>> = link.types.iter().map(LinkType::to_spec).collect();
        Some(json!({"to": {"id": id}, "types": types?}))
    });
    entries.collect::<Option<Vec<Value>>>().map(Value::Array)
}
