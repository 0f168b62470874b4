//! The accounts: filling the first, changing it as people do, and comparing the second with it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use end_to_end::replica::Difference;
use fastrand::Rng;
use hubspot_emulator::{Account, Emulator};
use serde_json::{Map, Value};

use crate::plan::Plan;

/// Puts the objects that are there at first into the account.
pub(crate) fn fill(account: &Account, plan: &Plan) {
    account.create_many(&plan.hubspot_name, plan.count, |number| Value::Object(plan.object(number)));
}

/// Lets what was filled in grow older than the snapshots. HubSpot's clock has whole seconds in its answers, so what was created in
/// the second before a snapshot is delivered behind it, with the changes.
pub(crate) fn settle(emulator: &Emulator) {
    emulator.advance(TimeDelta::seconds(5));
}

/// What people have changed.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// How many objects they created.
    pub(crate) creates: u64,
    /// How many updates they made.
    pub(crate) updates: u64,
    /// How many objects they deleted.
    pub(crate) deletes: u64,
    /// The ids of all that they touched.
    pub(crate) objects: BTreeSet<String>,
}

impl Made {
    /// All changes.
    pub(crate) fn all(&self) -> u64 {
        self.creates + self.updates + self.deletes
    }
}

/// What people do in one go: a share of a plan's changes.
#[derive(Debug)]
pub(crate) struct Round {
    /// Which round it is.
    pub(crate) version: usize,
    /// How many rounds there are.
    pub(crate) of: usize,
}

impl Round {
    /// Makes the changes, on top of those that are made already.
    pub(crate) fn play(&self, account: &Account, plan: &Plan, rng: &mut Rng, made: &mut Made) {
        let share = |all: usize| all * self.version / self.of - all * (self.version - 1) / self.of;
        let (creates, updates, deletes) =
            (share(plan.changes.creates), share(plan.changes.updates), share(plan.changes.deletes));
        for _ in 0..creates {
            let number = plan.count + made.creates as usize;
            made.objects.insert(account.create(&plan.hubspot_name, Value::Object(plan.object(number))));
            made.creates += 1;
        }
        let mut ids: Vec<String> = account.objects(&plan.hubspot_name).into_keys().collect();
        rng.shuffle(&mut ids);
        for (number, id) in ids.iter().take(updates).enumerate() {
            account.update(&plan.hubspot_name, id, Value::Object(plan.change(number, self.version)));
            made.objects.insert(id.clone());
            made.updates += 1;
        }
        // Some of those that were just updated, and some that weren't.
        for id in ids.iter().skip(updates.saturating_sub(deletes / 2)).take(deletes) {
            account.archive(&plan.hubspot_name, id);
            made.objects.insert(id.clone());
            made.deletes += 1;
        }
    }
}

/// In what the second account differs from the first, by what people filled in.
pub(crate) fn copied(from: &Account, to: &Account, plan: &Plan) -> Difference {
    let mut doubles = Vec::new();
    let have = by_unique(to, plan, &mut doubles);
    let mut difference = Difference::between(&have, &by_unique(from, plan, &mut Vec::new()));
    difference.surplus.extend(doubles);
    difference
}

fn by_unique(account: &Account, plan: &Plan, doubles: &mut Vec<String>) -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for (id, object) in account.objects(&plan.hubspot_name) {
        let fields = object.as_object().map_or_else(Map::new, |object| plan.filled_in(object));
        let unique = fields.get(plan.unique).and_then(Value::as_str).map_or(id, str::to_owned);
        if objects.insert(unique.clone(), Value::Object(fields)).is_some() {
            doubles.push(unique);
        }
    }
    objects
}
