//! Which calls a batch of records becomes, and which of them wait for which. Pure: no I/O, no clock.
//!
//! Calls hold records of one resource and one kind, at most as many as HubSpot takes. Two changes of one object never share a call, and
//! the later one's call waits for the earlier one's. Everything else is free to go at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Makes new objects.
    Create,
    /// Changes objects by their ids, or by a unique property.
    Update,
    /// Changes objects by a unique property, or makes those that aren't there.
    Upsert,
    /// Archives or deletes objects.
    Delete,
    /// Deletes contacts for good, as the GDPR wants it.
    Erase,
}

impl Kind {
    /// The verb, as errors begin with it: `creating`, `updating`, `upserting`, `deleting`, `deleting for good`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "creating",
            Self::Update => "updating",
            Self::Upsert => "upserting",
            Self::Delete => "deleting",
            Self::Erase => "deleting for good",
        }
    }

    /// Whether it takes an object away.
    pub const fn is_delete(self) -> bool {
        matches!(self, Self::Delete | Self::Erase)
    }
}

/// What the planner has to know of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place in the batch; the planner only hands it on.
    pub record: usize,
    /// The name of the resource that it goes to.
    pub resource: &'static str,
    /// What is to be done.
    pub kind: Kind,
    /// All that identifies what it is done to. Records without keys wait for nothing.
    pub keys: Vec<Key>,
}

/// Something that identifies an object within its resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A record's key, or HubSpot's id. Creates of one such key are objects of their own, and don't wait for each other.
    Id(String),
    /// The value of a unique property. Nothing that has the same value goes at the same time.
    Unique {
        /// The property.
        property: std::sync::Arc<str>,
        /// Its value, in the form in which equal ones are equal to HubSpot.
        value: String,
    },
}

/// One call to HubSpot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the resource.
    pub resource: &'static str,
    /// What it does.
    pub kind: Kind,
    /// The records in it, in their order.
    pub records: Vec<usize>,
    /// The calls that have to be answered before this one is sent, by their place in the plan; all are earlier ones.
    pub after: Vec<usize>,
}

/// The calls for these records: each record is in exactly one, none holds more than `limit` says of its resource and kind (0 counts
/// as 1).
///
/// A create makes an object of its own, so creates never wait for each other because of [`Key::Id`]; updates and deletes wait for every
/// earlier record of a key of theirs, and creates for earlier updates and deletes. By [`Key::Unique`] everything waits.
///
/// ```
/// use hubspot_destination::plan::{Item, Key, Kind, plan};
///
/// let item = |record, kind, id: &str| Item { record, resource: "crm.deals", kind, keys: vec![Key::Id(id.to_owned())] };
/// let items = [item(0, Kind::Update, "51"), item(1, Kind::Update, "52"), item(2, Kind::Delete, "51")];
/// let calls = plan(&items, |_, _| 100);
/// assert_eq!(calls[0].records, [0, 1]);
/// assert_eq!((&calls[1].records[..], &calls[1].after[..]), (&[2][..], &[0][..]));
/// ```
pub fn plan(items: &[Item], limit: impl Fn(&'static str, Kind) -> usize) -> Vec<Call> {
    let mut keys: HashMap<(&str, &Key), History> = HashMap::new();
    let mut stages: BTreeMap<(usize, &'static str, Kind), Vec<Step>> = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        let apart = |key: &Key| item.kind != Kind::Create || matches!(key, Key::Unique { .. });
        let mut step = Step { place, after: Vec::new() };
        let mut stage = 0;
        for key in &item.keys {
            let history = keys.entry((item.resource, key)).or_default();
            for (earlier, its_stage) in history.before(place, apart(key)) {
                stage = stage.max(its_stage + 1);
                step.after.push(earlier);
            }
        }
        for key in &item.keys {
            keys.entry((item.resource, key)).or_default().take(place, stage, apart(key));
        }
        stages.entry((stage, item.resource, item.kind)).or_default().push(step);
    }

    let mut call_of = vec![0; items.len()];
    let mut calls: Vec<Call> = Vec::new();
    for ((_, resource, kind), steps) in stages {
        for chunk in steps.chunks(limit(resource, kind).max(1)) {
            for step in chunk {
                call_of[step.place] = calls.len();
            }
            // Earlier stages are placed already, so what stands here is known.
            let after: BTreeSet<usize> =
                chunk.iter().flat_map(|step| &step.after).map(|place| call_of[*place]).collect();
            let records = chunk.iter().map(|step| items[step.place].record).collect();
            calls.push(Call { resource, kind, records, after: after.into_iter().collect() });
        }
    }
    calls
}

/// A record in its stage, and the places of the records that it waits for.
struct Step {
    place: usize,
    after: Vec<usize>,
}

/// What happened to a key so far: places and stages.
#[derive(Default)]
struct History {
    /// The last record that went apart from all others.
    change: Option<(usize, usize)>,
    /// The creates since then.
    creates: Vec<(usize, usize)>,
}

impl History {
    /// What the next record of this key has to wait for. The record itself may have the key twice.
    fn before(&self, place: usize, apart: bool) -> impl Iterator<Item = (usize, usize)> {
        let creates = if apart { &self.creates[..] } else { &[] };
        let change = if creates.is_empty() { self.change } else { None };
        creates.iter().copied().chain(change).filter(move |(earlier, _)| *earlier != place)
    }

    fn take(&mut self, place: usize, stage: usize, apart: bool) {
        if apart {
            self.creates.clear();
            self.change = Some((place, stage));
        } else {
            self.creates.push((place, stage));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RESOURCE: &str = "crm.contacts";

    fn item(record: usize, kind: Kind, key: Option<&str>) -> Item {
        let keys = key.map(|key| Key::Id(key.to_owned())).into_iter().collect();
        Item { record, resource: RESOURCE, kind, keys }
    }

    fn items(list: &[(Kind, Option<&str>)]) -> Vec<Item> {
        list.iter().enumerate().map(|(record, (kind, key))| item(record, *kind, *key)).collect()
    }

    #[test]
    fn a_thousand_creates_are_ten_calls_that_wait_for_nothing() {
        let calls = plan(&items(&vec![(Kind::Create, None); 1000]), |_, _| 100);
        assert_eq!(calls.len(), 10);
        assert!(calls.iter().all(|call| call.records.len() == 100 && call.after.is_empty()));
    }

    #[test]
    fn creates_of_one_key_share_a_call() {
        let calls = plan(&items(&[(Kind::Create, Some("a")), (Kind::Create, Some("a"))]), |_, _| 100);
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
            |_, _| 100,
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

    #[test]
    fn resources_share_neither_calls_nor_keys() {
        let mut two = items(&[(Kind::Update, Some("a")), (Kind::Update, Some("a"))]);
        two[1].resource = "crm.deals";
        let calls = plan(&two, |_, _| 100);
        assert_eq!(calls.len(), 2);
        assert!(calls.iter().all(|call| call.after.is_empty()));
    }

    #[test]
    fn one_unique_value_is_never_twice_in_a_call_not_even_of_creates() {
        let unique = |record, kind, value: &str| Item {
            record,
            resource: RESOURCE,
            kind,
            keys: vec![Key::Id(record.to_string()), Key::Unique { property: "email".into(), value: value.to_owned() }],
        };
        let calls = plan(
            &[
                unique(0, Kind::Create, "a"),
                unique(1, Kind::Create, "b"),
                unique(2, Kind::Create, "a"),
                unique(3, Kind::Upsert, "a"),
            ],
            |_, _| 100,
        );
        let shape: Vec<_> = calls.iter().map(|call| (call.kind, &call.records[..], &call.after[..])).collect();
        assert_eq!(
            shape,
            [
                (Kind::Create, &[0, 1][..], &[][..]),
                (Kind::Create, &[2][..], &[0][..]),
                (Kind::Upsert, &[3][..], &[1][..]),
            ]
        );
    }

    fn kind() -> impl Strategy<Value = Kind> {
        prop_oneof![Just(Kind::Create), Just(Kind::Update), Just(Kind::Delete)]
    }

    /// Few keys, so that they repeat; records of any number, so that places and records are told apart.
    fn any_items() -> impl Strategy<Value = Vec<Item>> {
        let any = (kind(), prop_oneof![Just(None), "[a-f]".prop_map(Some)]);
        proptest::collection::vec(any, 0..150).prop_map(|list| {
            list.into_iter().enumerate().map(|(n, (kind, key))| item(1000 + n, kind, key.as_deref())).collect()
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
            let calls = plan(&items, |_, _| limit);
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
            let calls = plan(&items, |_, _| limit);
            let call_of: HashMap<usize, usize> = calls
                .iter()
                .enumerate()
                .flat_map(|(number, call)| call.records.iter().map(move |record| (*record, number)))
                .collect();
            for (n, later) in items.iter().enumerate() {
                for earlier in &items[..n] {
                    let creates = later.kind == Kind::Create && earlier.kind == Kind::Create;
                    if later.keys.is_empty() || later.keys != earlier.keys || creates {
                        continue;
                    }
                    let (first, second) = (call_of[&earlier.record], call_of[&later.record]);
                    prop_assert!(waits(&calls, second, first), "{:?} isn't held back by {:?}", later, earlier);
                }
            }
        }
    }
}
