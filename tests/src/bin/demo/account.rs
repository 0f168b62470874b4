//! The accounts: filling the first, changing it as people do, and comparing the second with it.

use std::collections::BTreeMap;

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

/// What people do in one go: a share of a plan's changes.
#[derive(Debug)]
pub(crate) struct Round {
    /// The first number of the objects that are created.
    pub(crate) created_so_far: usize,
    /// Which round it is.
    pub(crate) version: usize,
    /// How many rounds there are.
    pub(crate) of: usize,
}

impl Round {
    /// Makes the changes; how many they were.
    pub(crate) fn play(&self, account: &Account, plan: &Plan, rng: &mut Rng) -> usize {
        let share = |all: usize| all * self.version / self.of - all * (self.version - 1) / self.of;
        let (creates, updates, deletes) =
            (share(plan.changes.creates), share(plan.changes.updates), share(plan.changes.deletes));
        for number in self.created_so_far..self.created_so_far + creates {
            account.create(&plan.hubspot_name, Value::Object(plan.object(plan.count + number)));
        }
        let mut ids: Vec<String> = account.objects(&plan.hubspot_name).into_keys().collect();
        rng.shuffle(&mut ids);
        for (number, id) in ids.iter().take(updates).enumerate() {
            account.update(&plan.hubspot_name, id, Value::Object(plan.change(number, self.version)));
        }
        // Some of those that were just updated, and some that weren't.
        for id in ids.iter().skip(updates.saturating_sub(deletes / 2)).take(deletes) {
            account.archive(&plan.hubspot_name, id);
        }
        creates + updates + deletes
    }

    /// How many objects this round creates.
    pub(crate) fn creates(&self, plan: &Plan) -> usize {
        plan.changes.creates * self.version / self.of - plan.changes.creates * (self.version - 1) / self.of
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
