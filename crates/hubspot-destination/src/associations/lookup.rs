//! Which objects have given values of unique properties.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;

use futures::{StreamExt as _, stream};

use super::api::LinkApi;
use crate::bisect::{self, Call, Verdicts};
use crate::change::folded;
use crate::error::{Failure, Refusal};

/// So many values are looked up in one call.
const FIND_LIMIT: usize = 100;

/// An object by the value of a unique property: object type, property, value.
pub(super) type Wanted = (String, String, String);

/// Looks all of them up; `None` for those that aren't there.
pub(super) async fn find<A: LinkApi>(
    api: &A,
    wanted: BTreeSet<Wanted>,
    max_in_flight: usize,
) -> HashMap<Wanted, Result<Option<String>, Failure>> {
    let mut by_property: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (object_type, property, value) in wanted {
        by_property.entry((object_type, property)).or_default().push(value);
    }
    let mut lookups = Vec::new();
    for ((object_type, property), values) in by_property {
        for values in values.chunks(FIND_LIMIT) {
            let lookup = Lookup { api, object_type: object_type.clone(), property: property.clone() };
            let values = values.to_vec();
            lookups.push(async move {
                let verdicts = each(&lookup, &values).await;
                (lookup.object_type, lookup.property, values, verdicts)
            });
        }
    }
    let mut calls = stream::iter(lookups).buffer_unordered(max_in_flight.max(1));
    let mut found = HashMap::new();
    while let Some((object_type, property, values, verdicts)) = calls.next().await {
        for (value, verdict) in values.into_iter().zip(verdicts) {
            found.insert((object_type.clone(), property.clone(), value), verdict);
        }
    }
    found
}

/// A lookup by one property of one type.
struct Lookup<'a, A> {
    api: &'a A,
    object_type: String,
    property: String,
}

impl<A: LinkApi> Ask for Lookup<'_, A> {
    type Object = String;

    fn property(&self) -> &str {
        &self.property
    }

    async fn ask(&self, values: &[String]) -> Result<Told<String>, Failure> {
        let found = self.api.find(&self.object_type, &self.property, values).await?;
        Ok((found.objects, found.errors))
    }
}

/// What a look-up is answered with: objects, each with the value that it has, and what HubSpot says beside that.
pub(crate) type Told<O> = (Vec<(String, O)>, Vec<Refusal>);

/// One call for the objects with some values of a unique property.
pub(crate) trait Ask: Sync {
    /// What is told of an object.
    type Object: Clone + Send + PartialEq;

    /// The property.
    fn property(&self) -> &str;

    /// The objects that have one of these values.
    fn ask(&self, values: &[String]) -> impl Future<Output = Result<Told<Self::Object>, Failure>> + Send;
}

/// Looks up to [`FIND_LIMIT`] values up; one verdict for each, in order. One that HubSpot refuses fails alone.
pub(crate) async fn each<L: Ask>(ask: &L, values: &[String]) -> Vec<Result<Option<L::Object>, Failure>> {
    bisect::send(&ByValue(ask), values, false).await
}

struct ByValue<'a, L>(&'a L);

impl<L: Ask> Call for ByValue<'_, L> {
    type Item = String;
    type Verdict = Option<L::Object>;

    /// HubSpot writes some values in another way (an email in small letters), and finds some by another value (a second email). Objects
    /// that none of the values names so are told apart by asking for halves of those that are still open. Values that differ only in
    /// their spelling are asked for apart, so that an answer can't be about the other one.
    async fn send(&self, values: &[String]) -> Result<Verdicts<Option<L::Object>>, Failure> {
        let mut verdicts: Verdicts<Option<L::Object>> = vec![Ok(None); values.len()];
        let mut rounds = apart(values);
        while let Some(asked) = rounds.pop() {
            let texts: Vec<String> = asked.iter().map(|n| values[*n].clone()).collect();
            let (objects, errors) = self.0.ask(&texts).await?;
            for error in errors.iter().filter(|error| !error.category.contains("NOT_FOUND")) {
                for n in guilty(error, &asked, values) {
                    verdicts[n] = Err(Failure::Refused(Box::new(error.clone())));
                }
            }
            let places: HashMap<String, usize> = asked.iter().map(|n| (folded(&values[*n]), *n)).collect();
            let mut strangers = Vec::new();
            for (value, object) in objects {
                match places.get(&folded(&value)) {
                    Some(n) => verdicts[*n] = Ok(Some(object)),
                    None => strangers.push(object),
                }
            }
            let open: Vec<usize> = asked.into_iter().filter(|n| verdicts[*n] == Ok(None)).collect();
            match (strangers.as_slice(), open.as_slice()) {
                ([object], [only]) => verdicts[*only] = Ok(Some(object.clone())),
                // Nothing is left over; or several objects have one value, which then isn't unique, and none of them is meant.
                ([], _) | (_, [] | [_]) => {}
                (_, open) => {
                    let (first, second) = open.split_at(open.len() / 2);
                    rounds.extend([second.to_vec(), first.to_vec()]);
                }
            }
        }
        Ok(verdicts)
    }

    fn subject(&self) -> String {
        format!("looking for objects by {}", self.0.property())
    }

    /// A refusal that names the property and no value is about the property.
    fn is_hopeless(&self, values: &[String], failure: &Failure) -> bool {
        let Failure::Refused(refusal) = failure else { return false };
        refusal.message.contains(self.0.property())
            && !values.iter().any(|value| refusal.message.contains(value.as_str()))
    }
}

/// The places of all values, in as few groups as hold no two that differ only in their spelling.
fn apart(values: &[String]) -> Vec<Vec<usize>> {
    let mut turns: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (n, value) in values.iter().enumerate() {
        let turn = turns.entry(folded(value)).or_default();
        if groups.len() == *turn {
            groups.push(Vec::new());
        }
        groups[*turn].push(n);
        *turn += 1;
    }
    groups
}

/// Those of the values asked for that an error names; all of them, if it names none.
fn guilty(error: &Refusal, asked: &[usize], values: &[String]) -> Vec<usize> {
    let ids: BTreeSet<&str> = ["ids", "id"].iter().flat_map(|name| error.named(name)).collect();
    let named: Vec<usize> = asked.iter().copied().filter(|n| ids.contains(values[*n].as_str())).collect();
    if named.is_empty() { asked.to_vec() } else { named }
}
