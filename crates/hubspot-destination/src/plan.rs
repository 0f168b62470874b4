//! Which calls a batch of records becomes, and which of them wait for which. Pure: no I/O, no clock.
//!
//! Calls hold records of one kind, at most as many as HubSpot takes. Two changes of one object never share a call, and the later
//! one's call waits for the earlier one's. Everything else is free to go at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Makes new objects.
    Create,
    /// Changes objects by their ids.
    Update,
    /// Archives or deletes objects by their ids.
    Delete,
}

impl Kind {
    /// The verb, as errors begin with it: `creating`, `updating`, `deleting`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Delete => "deleting",
        }
    }
}

/// What the planner has to know of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place in the batch; the planner only hands it on.
    pub record: usize,
    /// What is to be done.
    pub kind: Kind,
    /// What it is done to. Records without a key wait for nothing.
    pub key: Option<String>,
}

/// One call to HubSpot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it does.
    pub kind: Kind,
    /// The records in it, in their order.
    pub records: Vec<usize>,
    /// The calls that have to be answered before this one is sent, by their place in the plan; all are earlier ones.
    pub after: Vec<usize>,
}

/// The calls for these records: each record is in exactly one, none holds more than `limit` (0 counts as 1).
///
/// A create makes an object of its own, so creates never wait for each other, whatever their keys; updates and deletes wait for every
/// earlier record of their key, and creates for earlier updates and deletes.
///
/// ```
/// use hubspot_destination::plan::{Item, Kind, plan};
///
/// let item = |record, kind, key: &str| Item { record, kind, key: Some(key.to_owned()) };
/// let calls = plan(&[item(0, Kind::Update, "51"), item(1, Kind::Update, "52"), item(2, Kind::Delete, "51")], 100);
/// assert_eq!(calls[0].records, [0, 1]);
/// assert_eq!((&calls[1].records[..], &calls[1].after[..]), (&[2][..], &[0][..]));
/// ```
pub fn plan(items: &[Item], limit: usize) -> Vec<Call> {
    let limit = limit.max(1);
    let mut keys: HashMap<&str, History> = HashMap::new();
    let mut stages: BTreeMap<(usize, Kind), Vec<Step>> = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        let history = item.key.as_deref().map(|key| keys.entry(key).or_default());
        let (stage, after) = history.map_or_else(Default::default, |history| history.take(place, item.kind));
        stages.entry((stage, item.kind)).or_default().push(Step { place, after });
    }

    let mut call_of = vec![0; items.len()];
    let mut calls: Vec<Call> = Vec::new();
    for ((_, kind), steps) in stages {
        for chunk in steps.chunks(limit) {
            for step in chunk {
                call_of[step.place] = calls.len();
            }
            // Earlier stages are placed already, so what stands here is known.
            let after: BTreeSet<usize> =
                chunk.iter().flat_map(|step| &step.after).map(|place| call_of[*place]).collect();
            let records = chunk.iter().map(|step| items[step.place].record).collect();
            calls.push(Call { kind, records, after: after.into_iter().collect() });
        }
    }
    calls
}

/// A record in its stage, and the places of the records that it waits for.
struct Step {
    place: usize,
    after: Vec<usize>,
}

/// What happened to a key so far.
#[derive(Default)]
struct History {
    /// The last change, and its stage.
    change: Option<(usize, usize)>,
    /// The creates since then, and their stage.
    creates: Vec<(usize, usize)>,
}

impl History {
    /// The stage of the next record of this key and the places of those that it waits for.
    fn take(&mut self, place: usize, kind: Kind) -> (usize, Vec<usize>) {
        let before: Vec<(usize, usize)> = match kind {
            Kind::Update | Kind::Delete if !self.creates.is_empty() => std::mem::take(&mut self.creates),
            _ => self.change.into_iter().collect(),
        };
        let stage = before.iter().map(|(_, stage)| stage + 1).max().unwrap_or(0);
        match kind {
            Kind::Create => self.creates.push((place, stage)),
            Kind::Update | Kind::Delete => self.change = Some((place, stage)),
        }
        (stage, before.into_iter().map(|(place, _)| place).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(list: &[(Kind, Option<&str>)]) -> Vec<Item> {
        list.iter()
            .enumerate()
            .map(|(record, (kind, key))| Item { record, kind: *kind, key: key.map(str::to_owned) })
            .collect()
    }

    #[test]
    fn a_thousand_creates_are_ten_calls_that_wait_for_nothing() {
        let calls = plan(&items(&vec![(Kind::Create, None); 1000]), 100);
        assert_eq!(calls.len(), 10);
        assert!(calls.iter().all(|call| call.records.len() == 100 && call.after.is_empty()));
    }

    #[test]
    fn creates_of_one_key_share_a_call() {
        let calls = plan(&items(&[(Kind::Create, Some("a")), (Kind::Create, Some("a"))]), 100);
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn kinds_are_apart_and_changes_of_one_object_in_a_row() {
        let calls = plan(
            &items(&[
                (Kind::Update, Some("a")),
                (Kind::Create, Some("a")),
                (Kind::Update, Some("b")),
                (Kind::Delete, Some("a")),
                (Kind::Update, Some("a")),
            ]),
            100,
        );
        let shape: Vec<_> = calls.iter().map(|call| (call.kind, &call.records[..], &call.after[..])).collect();
        assert_eq!(
            shape,
            [
                (Kind::Update, &[0, 2][..], &[][..]),
                (Kind::Create, &[1][..], &[0][..]),
                (Kind::Delete, &[3][..], &[1][..]),
                (Kind::Update, &[4][..], &[2][..]),
            ]
        );
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Create), Just(Kind::Update), Just(Kind::Delete)]
    }

    /// Few keys, so that they repeat; records of any number, so that places and records are told apart.
    fn any_items() -> impl Strategy<Value = Vec<Item>> {
        let item = (kind(), prop_oneof![Just(None), "[a-f]".prop_map(Some)]);
        proptest::collection::vec(item, 0..150).prop_map(|list| {
            list.into_iter().enumerate().map(|(n, (kind, key))| Item { record: 1000 + n, kind, key }).collect()
        })
    }

    /// Whether `later` is sent only when `earlier` is answered.
    fn waits(calls: &[Call], later: usize, earlier: usize) -> bool {
        let mut open = vec![later];
        while let Some(call) = open.pop() {
            if calls[call].after.contains(&earlier) {
                return true;
            }
            open.extend(&calls[call].after);
        }
        false
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn every_record_is_in_one_call_of_its_kind_within_the_limit(items in any_items(), limit in 0_usize..120) {
            let calls = plan(&items, limit);
            let mut seen: Vec<usize> = Vec::new();
            for (number, call) in calls.iter().enumerate() {
                prop_assert!(!call.records.is_empty() && call.records.len() <= limit.max(1));
                prop_assert!(call.records.is_sorted());
                prop_assert!(call.after.iter().all(|earlier| *earlier < number));
                prop_assert!(call.records.iter().all(|record| items[record - 1000].kind == call.kind));
                seen.extend(&call.records);
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, items.iter().map(|item| item.record).collect::<Vec<_>>());
        }

        #[test]
        fn changes_of_one_object_neither_share_a_call_nor_overtake(items in any_items(), limit in 1_usize..120) {
            let calls = plan(&items, limit);
            let call_of: HashMap<usize, usize> = calls
                .iter()
                .enumerate()
                .flat_map(|(number, call)| call.records.iter().map(move |record| (*record, number)))
                .collect();
            for (n, later) in items.iter().enumerate() {
                for earlier in &items[..n] {
                    let creates = later.kind == Kind::Create && earlier.kind == Kind::Create;
                    if later.key.is_none() || later.key != earlier.key || creates {
                        continue;
                    }
                    let (first, second) = (call_of[&earlier.record], call_of[&later.record]);
                    prop_assert!(waits(&calls, second, first), "{:?} isn't held back by {:?}", later, earlier);
                }
            }
        }
    }
}
