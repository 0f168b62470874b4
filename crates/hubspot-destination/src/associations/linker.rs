//! Associates what was written: finds targets and labels, groups, sends, and says of each record what became of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hubspot_client::AssociationSpec;
use serde_json::Value;

use super::api::{Input, LinkApi};
use super::associate::associate;
use super::known::Known;
use super::labels::{Gap, Labels, Pair};
use super::lookup::{self, Wanted};
use super::{Link, LinkFailure, LinkReason, LinkType, Target};

/// How to associate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The unique property that carries the ids of the source's account: ids in records are that account's, and are looked up by it.
    pub source_id_property: Option<String>,
    /// How many calls may be under way at once; 0 counts as 1.
    pub max_in_flight: usize,
}

/// The associations of one object that is there.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The record's place, which its outcome carries.
    pub place: usize,
    /// The object's type, as it stands in HubSpot's paths.
    pub from_type: String,
    /// The object's id in this account.
    pub from_id: String,
    /// What it is associated with.
    pub links: Vec<Link>,
}

/// Makes associations. Keeps what it has learnt: the labels of pairs of types, and the ids of objects that were looked up.
#[derive(Debug)]
pub(crate) struct Linker {
    options: Options,
    labels: Labels,
    /// By the property that carries the source's ids, which no object hands on to another.
    known: Known,
    /// By other properties, such as an email or a domain, whose values move from object to object: of this batch alone.
    passing: Known,
    /// Whether the objects of a type can be found by the source's ids, of those types that this was asked of.
    by_source_id: HashMap<String, Result<(), LinkReason>>,
    /// What stands in paths for an object type of the account's own, by what records may call it.
    custom: HashMap<String, String>,
}

/// One link: the place of its object among those asked for, and its own place there.
type Place = (usize, usize);

impl Linker {
    /// A linker that knows nothing yet.
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            labels: Labels::default(),
            known: Known::default(),
            passing: Known::default(),
            by_source_id: HashMap::new(),
            custom: HashMap::new(),
        }
    }

    /// Takes note of an object type of the account's own: what stands in paths for `name`, such as `2-456` for `cars`.
    pub(crate) fn name_type(&mut self, name: &str, object_type: &str) {
        self.custom.insert(name.to_owned(), object_type.to_owned());
    }

    /// The object types whose objects are meant by the source's ids, and of which it isn't known yet that they can be found by them.
    pub(crate) fn unsure(&self, asked: &[Asked]) -> BTreeSet<String> {
        if self.options.source_id_property.is_none() {
            return BTreeSet::new();
        }
        let links = asked.iter().flat_map(|of| &of.links).filter(|link| matches!(link.target, Target::Id(_)));
        let types = links.filter_map(|link| link.to.as_ref()).map(|to| self.custom.get(to).unwrap_or(to));
        types.filter(|to| !matches!(self.by_source_id.get(*to), Some(Ok(())))).cloned().collect()
    }

    /// Takes note whether the objects of a type can be found by the source's ids; if not, associations with them fail with the reason.
    pub(crate) fn found_by_source_id(&mut self, object_type: String, can_be: Result<(), LinkReason>) {
        self.by_source_id.insert(object_type, can_be);
    }

    /// Takes note of an object that was written, so that it needn't be looked up: the id of the one with this value of a unique property.
    pub(crate) fn remember(&mut self, object_type: &str, property: &str, value: &str, id: &str) {
        self.known_by(property).insert(object_type, property, value, id);
    }

    /// What is known of objects by this property.
    fn known_by(&mut self, property: &str) -> &mut Known {
        let is_source_id = self.options.source_id_property.as_deref() == Some(property);
        if is_source_id { &mut self.known } else { &mut self.passing }
    }

    /// The list that HubSpot's create takes as `associations`, as far as that takes no call: `None` when a target or a label has to be
    /// looked up. Targets by property are always looked up, and so are ids of another account: what was known of one may have changed,
    /// and would fail the create itself.
    pub(crate) fn inline(&self, from_type: &str, links: &[Link]) -> Option<Value> {
        if self.options.source_id_property.is_some() && !links.is_empty() {
            return None;
        }
        let resolved = links.iter().map(|link| {
            let types = match &link.to {
                // HubSpot's own create form.
                None => link.types.clone(),
                Some(to) => {
                    let pair = (from_type.to_owned(), self.custom.get(to).unwrap_or(to).clone());
                    let specs = self.labels.resolve(&pair, &link.types, false).ok()?;
                    specs.into_iter().map(LinkType::from).collect()
                }
            };
            Some(Link { types, ..link.clone() })
        });
        super::inline(&resolved.collect::<Option<Vec<Link>>>()?)
    }

    /// Makes all associations that are asked for; one outcome for each of `asked`, in order. Targets may be among what was written just
    /// before: they are read from the store, not from the index.
    pub(crate) async fn link<A: LinkApi>(
        &mut self,
        api: &A,
        mut asked: Vec<Asked>,
    ) -> Vec<(usize, Result<(), Box<LinkFailure>>)> {
        for to in asked.iter_mut().flat_map(|of| &mut of.links).filter_map(|link| link.to.as_mut()) {
            if let Some(object_type) = self.custom.get(to) {
                to.clone_from(object_type);
            }
        }
        let places = asked.iter().enumerate().flat_map(|(n, of)| (0..of.links.len()).map(move |link| (n, link)));
        let mut round = self.round(api, &asked, places.collect()).await;
        // What was known of a target may be outdated: it was deleted, and perhaps made anew.
        let stale: Vec<Place> = round.remembered.iter().copied().filter(|place| round.is_refused(place)).collect();
        if !stale.is_empty() {
            for (n, link) in &stale {
                if let Some((object_type, property, value)) = self.wanted(&asked[*n].links[*link]) {
                    self.known_by(&property).forget(&object_type, &property, &value);
                }
            }
            let again = self.round(api, &asked, stale).await;
            round.verdicts.extend(again.verdicts);
        }
        self.passing = Known::default();
        let outcomes = asked.into_iter().enumerate().map(|(n, of)| {
            let mut failures = of.links.iter().enumerate().filter_map(|(link, of)| {
                let reason = round.verdicts.remove(&(n, link)).unwrap_or(Err(LinkReason::Unnamed)).err()?;
                Some(LinkFailure::new(of, reason))
            });
            let first = failures.next();
            let others = failures.count();
            (of.place, first.map_or(Ok(()), |first| Err(Box::new(LinkFailure { others, ..first }))))
        });
        outcomes.collect()
    }

    #[cfg(test)]
    pub(super) fn always_refresh(&mut self) {
        self.labels.always_refresh();
    }

    /// Makes these associations.
    async fn round<A: LinkApi>(&mut self, api: &A, asked: &[Asked], places: Vec<Place>) -> Round {
        let mut round = Round::default();
        let targets = self.targets(api, asked, places, &mut round).await;
        let specs = self.specs(api, asked, targets.keys(), &mut round).await;

        // A record's links with one object are one input, and equal inputs of several records go out once.
        let mut merged: BTreeMap<(usize, Pair, String), BTreeMap<Place, Vec<AssociationSpec>>> = BTreeMap::new();
        for (place, specs) in specs {
            let to = targets[&place].clone();
            merged.entry((place.0, pair(asked, place), to)).or_default().insert(place, specs);
        }
        let mut inputs: BTreeMap<(Pair, Input), Vec<Place>> = BTreeMap::new();
        for ((n, pair, to), links) in merged {
            let (places, specs): (Vec<Place>, Vec<Vec<AssociationSpec>>) = links.into_iter().unzip();
            let specs: BTreeSet<AssociationSpec> = specs.into_iter().flatten().collect();
            let input = Input { from: asked[n].from_id.clone(), to, types: specs.into_iter().collect() };
            inputs.entry((pair, input)).or_default().extend(places);
        }
        let distinct = inputs.keys().cloned().collect();
        let mut outcomes = associate(api, &mut self.labels, distinct, self.options.max_in_flight).await;
        for (input, places) in inputs {
            let outcome = outcomes.remove(&input).unwrap_or(Err(LinkReason::Unnamed));
            round.verdicts.extend(places.into_iter().map(|place| (place, outcome.clone())));
        }
        round
    }

    /// The ids of the targets in this account, of those that are there.
    async fn targets<A: LinkApi>(
        &mut self,
        api: &A,
        asked: &[Asked],
        places: Vec<Place>,
        round: &mut Round,
    ) -> BTreeMap<Place, String> {
        let mut targets = BTreeMap::new();
        let mut waiting: Vec<(Place, Wanted)> = Vec::new();
        for place in places {
            let link = &asked[place.0].links[place.1];
            if link.to.is_none() {
                round.fail(place, LinkReason::Untyped);
                continue;
            }
            match (self.wanted(link), &link.target) {
                (Some(wanted), _) => match self.known_by(&wanted.1).get(&wanted.0, &wanted.1, &wanted.2) {
                    Some(id) => {
                        round.remembered.push(place);
                        targets.insert(place, id);
                    }
                    None => match self.by_source_id.get(&wanted.0) {
                        Some(Err(reason)) if matches!(link.target, Target::Id(_)) => round.fail(place, reason.clone()),
                        _ => waiting.push((place, wanted)),
                    },
                },
                (None, Target::Id(value) | Target::Property { value, .. }) => {
                    targets.insert(place, value.clone());
                }
            }
        }
        let wanted = waiting.iter().map(|(_, wanted)| wanted.clone()).collect();
        let found = lookup::find(api, wanted, self.options.max_in_flight).await;
        for (place, wanted) in waiting {
            match found.get(&wanted) {
                Some(Ok(Some(id))) => {
                    self.known_by(&wanted.1).insert(&wanted.0, &wanted.1, &wanted.2, id);
                    targets.insert(place, id.clone());
                }
                Some(Err(failure)) => round.fail(place, failure.clone().into()),
                Some(Ok(None)) | None => round.fail(place, LinkReason::Missing),
            }
        }
        targets
    }

    /// By which property a link's target is looked up, if it isn't given by its id in this account.
    fn wanted(&self, link: &Link) -> Option<Wanted> {
        let (property, value) = match (&link.target, &self.options.source_id_property) {
            (Target::Property { name, value }, _) => (name, value),
            (Target::Id(id), Some(property)) => (property, id),
            (Target::Id(_), None) => return None,
        };
        Some((link.to.clone()?, property.clone(), value.clone()))
    }

    /// In what ways to associate, of those links that HubSpot has the types of. Labels are loaded where they are needed, and once more
    /// where one is unknown.
    async fn specs<A: LinkApi>(
        &mut self,
        api: &A,
        asked: &[Asked],
        places: impl Iterator<Item = &Place>,
        round: &mut Round,
    ) -> BTreeMap<Place, Vec<AssociationSpec>> {
        let foreign = self.options.source_id_property.is_some();
        let mut specs = BTreeMap::new();
        let mut gaps: BTreeMap<Pair, Vec<Place>> = BTreeMap::new();
        for place in places {
            let pair = pair(asked, *place);
            match self.labels.resolve(&pair, &asked[place.0].links[place.1].types, foreign) {
                Ok(resolved) => {
                    specs.insert(*place, resolved);
                }
                Err(_) => gaps.entry(pair).or_default().push(*place),
            }
        }
        for (pair, places) in gaps {
            let loaded = self.labels.load(api, &pair).await;
            for place in places {
                match self.labels.resolve(&pair, &asked[place.0].links[place.1].types, foreign) {
                    Ok(resolved) => {
                        specs.insert(place, resolved);
                    }
                    Err(gap) => {
                        let reason = match (&loaded, gap) {
                            (Err(failure), _) => failure.clone().into(),
                            (Ok(()), Gap::Unknown(given)) => self.labels.unknown(&pair, given),
                            (Ok(()), Gap::NotLoaded) => LinkReason::Unnamed,
                        };
                        round.fail(place, reason);
                    }
                }
            }
        }
        specs
    }
}

/// What became of some links.
#[derive(Default)]
struct Round {
    verdicts: HashMap<Place, Result<(), LinkReason>>,
    /// Those whose target's id was known, and not looked up.
    remembered: Vec<Place>,
}

impl Round {
    fn fail(&mut self, place: Place, reason: LinkReason) {
        self.verdicts.insert(place, Err(reason));
    }

    fn is_refused(&self, place: &Place) -> bool {
        matches!(self.verdicts.get(place), Some(Err(reason)) if reason.is_refusal())
    }
}

/// The object types of a link whose target's type is known.
fn pair(asked: &[Asked], (n, link): Place) -> Pair {
    (asked[n].from_type.clone(), asked[n].links[link].to.clone().unwrap_or_default())
}
