//! Which pairs go into which call, and what an answer says of them. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hubspot_client::ASSOCIATE_LIMIT;

use super::api::{Answer, Input};
use super::labels::Pair;
use crate::error::{Failure, Refusal};

/// Pairs of one pair of types, at most [`ASSOCIATE_LIMIT`], no pair twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// The object types.
    pub pair: Pair,
    /// What goes out.
    pub inputs: Vec<Input>,
}

/// The calls for these inputs, in waves: the calls of one wave have no pair in common, so that they may go out together. The same two
/// objects associated in other ways by another record come in a later wave, so that each record is answered for itself.
pub(super) fn waves(inputs: BTreeSet<(Pair, Input)>) -> Vec<Vec<Batch>> {
    let mut turns: HashMap<(Pair, String, String), usize> = HashMap::new();
    let mut waves: Vec<BTreeMap<Pair, Vec<Input>>> = Vec::new();
    for (pair, input) in inputs {
        let turn = turns.entry((pair.clone(), input.from.clone(), input.to.clone())).or_default();
        if waves.len() == *turn {
            waves.push(BTreeMap::new());
        }
        waves[*turn].entry(pair).or_default().push(input);
        *turn += 1;
    }
    let batches = |wave: BTreeMap<Pair, Vec<Input>>| {
        let of_pair = |(pair, inputs): (Pair, Vec<Input>)| {
            let chunks = inputs.chunks(ASSOCIATE_LIMIT).map(<[Input]>::to_vec);
            chunks.map(|inputs| Batch { pair: pair.clone(), inputs }).collect::<Vec<_>>()
        };
        wave.into_iter().flat_map(of_pair).collect()
    };
    waves.into_iter().map(batches).collect()
}

/// One verdict for each input.
///
/// An error that names both ids of a pair is about that pair, whatever else is said of it. One that names a single id is about the pairs
/// of that id which no result names: the other object may have the same id. One that names nobody is about all that no result names. As
/// many results as are still open, without such an error, name them, too: HubSpot may answer with the id that an object got when it
/// was merged.
pub(super) fn verdicts(inputs: &[Input], answer: &Answer) -> Vec<Result<(), Failure>> {
    let mut verdicts: Vec<Option<Result<(), Failure>>> = vec![None; inputs.len()];
    let named: Vec<(&Refusal, Named<'_>)> = answer.errors.iter().map(|error| (error, Named::by(error))).collect();
    let places: HashMap<(&str, &str), usize> =
        inputs.iter().enumerate().map(|(n, input)| ((input.from.as_str(), input.to.as_str()), n)).collect();
    for (error, ends) in named.iter().filter(|(_, ends)| ends.are_pairs()) {
        for place in ends.pairs().filter_map(|pair| places.get(&pair)) {
            verdicts[*place].get_or_insert_with(|| Err(refused(error)));
        }
    }
    let pairs: BTreeSet<(&str, &str)> = answer.pairs.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let mut strangers = 0;
    for pair in pairs {
        match places.get(&pair) {
            Some(n) => {
                verdicts[*n].get_or_insert(Ok(()));
            }
            None => strangers += 1,
        }
    }
    for (error, ends) in named.iter().filter(|(_, ends)| !ends.are_pairs()) {
        for (input, verdict) in inputs.iter().zip(&mut verdicts) {
            if verdict.is_none() && ends.have_one_of(input) {
                *verdict = Some(Err(refused(error)));
            }
        }
    }
    let open = verdicts.iter().filter(|verdict| verdict.is_none()).count();
    let nameless = named.iter().find(|(_, ends)| ends.are_none()).map(|(error, _)| *error);
    let rest = match nameless {
        None if strangers == open => Ok(()),
        None => Err(Failure::Unnamed),
        Some(error) => Err(refused(error)),
    };
    verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(|| rest.clone())).collect()
}

fn refused(error: &Refusal) -> Failure {
    Failure::Refused(Box::new(error.clone()))
}

/// The names under which HubSpot's errors carry ids of the first and of the second object, and of either.
const FROM: [&str; 4] = ["fromObjectId", "fromObjectIds", "fromId", "from"];
const TO: [&str; 4] = ["toObjectId", "toObjectIds", "toId", "to"];
const EITHER: [&str; 4] = ["objectId", "objectIds", "ids", "id"];

/// The ids that an error names.
struct Named<'e> {
    from: BTreeSet<&'e str>,
    to: BTreeSet<&'e str>,
    either: BTreeSet<&'e str>,
}

impl<'e> Named<'e> {
    fn by(error: &'e Refusal) -> Self {
        let ids =
            |names: [&'static str; 4]| names.into_iter().flat_map(|name| error.named(name)).map(str::trim).collect();
        Self { from: ids(FROM), to: ids(TO), either: ids(EITHER) }
    }

    fn are_pairs(&self) -> bool {
        !self.from.is_empty() && !self.to.is_empty()
    }

    fn are_none(&self) -> bool {
        self.from.is_empty() && self.to.is_empty() && self.either.is_empty()
    }

    fn pairs(&self) -> impl Iterator<Item = (&'e str, &'e str)> {
        self.from.iter().flat_map(|from| self.to.iter().map(|to| (*from, *to)))
    }

    fn have_one_of(&self, input: &Input) -> bool {
        let (from, to) = (input.from.as_str(), input.to.as_str());
        self.from.contains(from) || self.to.contains(to) || self.either.contains(from) || self.either.contains(to)
    }
}
