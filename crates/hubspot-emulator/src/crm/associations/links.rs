//! Which objects are associated with which.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use serde_json::{Value, json};

use super::types::{AssociationType, Labels};

/// All associations of an account, in both directions.
#[derive(Debug, Default)]
pub(crate) struct Associations {
    /// By the types of objects, from and to.
    pairs: HashMap<[String; 2], Links>,
    /// Objects that are archived: what they are associated with is seen again when they are restored. (Believed.)
    hidden: HashSet<(String, u64)>,
    labels: Labels,
}

/// The associations of one type's objects with another's: from, to, and what they are.
type Links = HashMap<u64, BTreeMap<u64, Vec<AssociationType>>>;

/// An association that an object is to have.
#[derive(Clone, Debug)]
pub(crate) struct NewLink {
    pub(super) to_type: String,
    pub(super) to: u64,
    pub(super) kind: AssociationType,
}

/// One association of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) to: u64,
    kinds: &'a [AssociationType],
}

impl Associations {
    /// What an object is associated with, of one type, behind an id.
    pub(crate) fn of(&self, from_type: &str, from: u64, to_type: &str, after: u64) -> impl Iterator<Item = Link<'_>> {
        let visible = !self.is_hidden(from_type, from);
        let links = self.links(from_type, to_type).and_then(|links| links.get(&from)).filter(|_| visible);
        let behind = links.into_iter().flat_map(move |links| links.range((Bound::Excluded(after), Bound::Unbounded)));
        let to_type = to_type.to_owned();
        behind.filter(move |(to, _)| !self.is_hidden(&to_type, **to)).map(|(to, kinds)| Link { to: *to, kinds })
    }

    /// The objects of a type that are associated with objects of another, and how, as a batch read shows it.
    pub(crate) fn all(&self, from_type: &str, to_type: &str) -> BTreeMap<String, Vec<Value>> {
        let from = self.links(from_type, to_type).into_iter().flat_map(HashMap::keys);
        from.map(|id| {
            (id.to_string(), self.of(from_type, *id, to_type, 0).map(|link| self.value(link)).collect::<Vec<_>>())
        })
        .filter(|(_, links)| !links.is_empty())
        .collect()
    }

    /// As a batch read shows it.
    pub(crate) fn value(&self, link: Link<'_>) -> Value {
        let kinds: Vec<Value> = link.kinds.iter().map(|kind| self.labels.value(*kind)).collect();
        json!({"toObjectId": link.to.to_string(), "associationTypes": kinds})
    }

    /// The type with a label, or the one without; a label that there isn't is made.
    pub(crate) fn kind(&mut self, from_type: &str, to_type: &str, label: Option<&str>) -> AssociationType {
        match label {
            Some(label) => self.labels.named(from_type, to_type, label),
            None => self.labels.unlabelled(from_type, to_type),
        }
    }

    /// Makes a label between two types of objects, `inverse` being what it reads from the other end.
    pub(crate) fn make_label(&mut self, from_type: &str, to_type: &str, label: &str, inverse: &str) -> [u32; 2] {
        let made = self.labels.make(from_type, to_type, label, inverse);
        [made.id, self.labels.inverse(made).id]
    }

    /// All types between two types of objects, in this direction, as the labels endpoint shows them.
    pub(crate) fn types(&mut self, from_type: &str, to_type: &str) -> Vec<Value> {
        self.labels.between(from_type, to_type).into_iter().map(|kind| self.labels.value(kind)).collect()
    }

    /// Whether objects of these types can be associated so, in this direction.
    pub(crate) fn fits(&self, kind: AssociationType, from_type: &str, to_type: &str) -> bool {
        self.labels.fits(kind, from_type, to_type)
    }

    /// What these types are called, those without a label left out.
    pub(crate) fn texts(&self, kinds: &[AssociationType]) -> Vec<&str> {
        kinds.iter().filter_map(|kind| self.labels.text(*kind)).collect()
    }

    /// The type of object that a type of associations leads to from another.
    pub(crate) fn end(&self, kind: AssociationType, from_type: &str) -> Option<String> {
        self.labels.end(kind, from_type).map(ToOwned::to_owned)
    }

    pub(crate) fn link_all(&mut self, from_type: &str, from: u64, links: &[NewLink]) {
        for link in links {
            self.link(from_type, from, &link.to_type, link.to, link.kind);
        }
    }

    /// Associates two objects. With a label comes the association without one. (Seen.)
    pub(crate) fn link(&mut self, from_type: &str, from: u64, to_type: &str, to: u64, kind: AssociationType) {
        for kind in [self.labels.unlabelled(from_type, to_type), kind] {
            let inverse = self.labels.inverse(kind);
            for (a, id, b, other, kind) in
                [(from_type, from, to_type, to, kind), (to_type, to, from_type, from, inverse)]
            {
                let kinds = self.links_mut(a, b).entry(id).or_default().entry(other).or_default();
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
    }

    /// Ends all associations of two objects.
    pub(crate) fn unlink(&mut self, from_type: &str, from: u64, to_type: &str, to: u64) {
        self.retain(from_type, from, to_type, to, |_| false);
    }

    /// Ends some associations of two objects, and their inverses.
    pub(crate) fn unlink_kinds(
        &mut self,
        from_type: &str,
        from: u64,
        to_type: &str,
        to: u64,
        kinds: &[AssociationType],
    ) {
        self.retain(from_type, from, to_type, to, |kind| !kinds.contains(&kind));
    }

    fn retain(&mut self, from_type: &str, from: u64, to_type: &str, to: u64, stays: impl Fn(AssociationType) -> bool) {
        for (a, id, b, other, turned) in [(from_type, from, to_type, to, false), (to_type, to, from_type, from, true)] {
            let Some(links) = self.pairs.get_mut(&[a.to_owned(), b.to_owned()]) else { continue };
            let Some(of_object) = links.get_mut(&id) else { continue };
            if let Some(kinds) = of_object.get_mut(&other) {
                kinds.retain(|kind| stays(if turned { self.labels.inverse(*kind) } else { *kind }));
                if kinds.is_empty() {
                    of_object.remove(&other);
                }
            }
            if of_object.is_empty() {
                links.remove(&id);
            }
        }
    }

    /// An object was archived, or is back.
    pub(crate) fn hide(&mut self, object_type: &str, id: u64, hidden: bool) {
        if hidden && self.pairs.iter().any(|(ends, links)| ends[0] == object_type && links.contains_key(&id)) {
            self.hidden.insert((object_type.to_owned(), id));
        } else if !hidden && !self.hidden.is_empty() {
            self.hidden.remove(&(object_type.to_owned(), id));
        }
    }

    /// An object is gone for good.
    pub(crate) fn forget(&mut self, object_type: &str, id: u64) {
        for (to_type, to, _) in self.all_of(object_type, id) {
            self.unlink(object_type, id, &to_type, to);
        }
        self.hidden.remove(&(object_type.to_owned(), id));
    }

    /// A merge made `winner` of `loser`: what the loser was associated with, the winner is.
    pub(crate) fn hand_over(&mut self, object_type: &str, loser: u64, winner: u64) {
        for (to_type, to, kinds) in self.all_of(object_type, loser) {
            if (to_type.as_str(), to) != (object_type, winner) {
                for kind in kinds {
                    self.link(object_type, winner, &to_type, to, kind);
                }
            }
        }
        self.forget(object_type, loser);
    }

    fn all_of(&self, object_type: &str, id: u64) -> Vec<(String, u64, Vec<AssociationType>)> {
        let of_type = self.pairs.iter().filter(|(ends, _)| ends[0] == object_type);
        let found = of_type.filter_map(|(ends, links)| Some((&ends[1], links.get(&id)?)));
        found
            .flat_map(|(to_type, links)| links.iter().map(|(to, kinds)| (to_type.clone(), *to, kinds.clone())))
            .collect()
    }

    fn is_hidden(&self, object_type: &str, id: u64) -> bool {
        !self.hidden.is_empty() && self.hidden.contains(&(object_type.to_owned(), id))
    }

    fn links(&self, from_type: &str, to_type: &str) -> Option<&Links> {
        self.pairs.get(&[from_type.to_owned(), to_type.to_owned()])
    }

    fn links_mut(&mut self, from_type: &str, to_type: &str) -> &mut Links {
        self.pairs.entry([from_type.to_owned(), to_type.to_owned()]).or_default()
    }
}
