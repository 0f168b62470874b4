//! What was left behind, said once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A property whose value wasn't sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Dropped {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: Why,
}

/// Why a value wasn't sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Why {
    /// HubSpot lets nobody write the property.
    ReadOnly,
    /// The object type has no such property.
    Unknown,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "HubSpot sets them itself",
            Self::Unknown => "HubSpot doesn't have them",
        })
    }
}

/// So many properties are remembered, of all resources; those beyond are passed over.
const REMEMBERED: usize = 4096;

/// Logs each property of a resource once, over the life of a destination. Bounded, whatever comes.
///
/// How many values were dropped in all is in the destination's [`Stats`](crate::Stats).
#[derive(Clone, Debug, Default)]
pub(crate) struct DropLog {
    said: BTreeMap<&'static str, BTreeSet<Dropped>>,
    remembered: usize,
}

impl DropLog {
    /// Takes what one record of a resource has lost.
    pub(crate) fn note(&mut self, resource: &'static str, dropped: Vec<Dropped>) {
        for (why, names) in self.new_ones(resource, dropped) {
            let properties = names.join(", ");
            tracing::warn!(
                resource,
                properties,
                "the values of these properties aren't written, since {why}; said once"
            );
        }
    }

    /// The names that weren't there before.
    fn new_ones(&mut self, resource: &'static str, dropped: Vec<Dropped>) -> BTreeMap<Why, Vec<String>> {
        let mut new: BTreeMap<Why, Vec<String>> = BTreeMap::new();
        let said = self.said.entry(resource).or_default();
        for one in dropped {
            if self.remembered < REMEMBERED && !said.contains(&one) {
                new.entry(one.why).or_default().push(one.name.clone());
                said.insert(one);
                self.remembered += 1;
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(name: &str, why: Why) -> Dropped {
        Dropped { name: name.to_owned(), why }
    }

    #[test]
    fn it_is_bounded() {
        let mut log = DropLog::default();
        let new = (0..2 * REMEMBERED).map(|number| vec![dropped(&format!("p{number}"), Why::Unknown)]);
        let said = new.filter(|dropped| !log.new_ones("crm.deals", dropped.clone()).is_empty()).count();
        assert_eq!(said, REMEMBERED);
    }

    #[test]
    fn each_property_of_a_resource_is_said_once() {
        let mut log = DropLog::default();
        let both = || vec![dropped("b", Why::ReadOnly), dropped("a", Why::ReadOnly), dropped("c", Why::Unknown)];
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let first = log.new_ones("crm.deals", both());
        assert_eq!(first, BTreeMap::from([(Why::ReadOnly, names(&["b", "a"])), (Why::Unknown, names(&["c"]))]));
        assert!(log.new_ones("crm.deals", both()).is_empty());
        let more = log.new_ones("crm.deals", vec![dropped("a", Why::ReadOnly), dropped("d", Why::ReadOnly)]);
        assert_eq!(more, BTreeMap::from([(Why::ReadOnly, names(&["d"]))]));
        assert_eq!(log.new_ones("crm.tasks", both()).len(), 2, "another resource's are others");
    }
}
