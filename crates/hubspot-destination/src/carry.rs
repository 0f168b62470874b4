//! Carries a call of the plan out: finds the objects that are meant, sends, and puts right what can be put right.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hubspot_catalog::Resource;
use serde_json::Value;

use crate::answer::Verdict;
use crate::api::Api;
use crate::call;
use crate::change::Change;
use crate::config::OnMissing;
use crate::error::Failure;
use crate::identity::Target;
use crate::lookup;
use crate::memory::Memory;
use crate::plan::Kind;
use crate::resolve;
use crate::shape::Object;
use crate::stats::Counters;

/// What became of a change; its body is gone.
#[derive(Debug)]
pub(crate) struct Done {
    pub change: Change,
    pub outcome: Result<Outcome, Failure>,
}

/// How a change counts as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer says so. The id is that of the object, where the answer tells it.
    Written(Option<String>),
    /// Nothing was to be done.
    Ignored,
}

/// What carrying out takes.
pub(crate) struct Carrier<'a, A> {
    pub api: &'a A,
    pub memory: &'a Mutex<Memory>,
    /// What was made in the place of objects that weren't there, by the ids that records name those by.
    pub replaced: &'a Mutex<Memory>,
    pub counters: &'a Counters,
    pub on_missing: OnMissing,
}

impl<A: Api> Carrier<'_, A> {
    /// Carries out changes of one resource and kind.
    pub(crate) async fn carry(&self, resource: &'static Resource, kind: Kind, mut changes: Vec<Change>) -> Vec<Done> {
        let mut settled = self.find(resource, kind, &mut changes).await;
        let mut open: Vec<usize> = (0..changes.len()).filter(|n| settled[*n].is_none()).collect();
        while !open.is_empty() {
            // One object may be meant in two ways, which shows only now: then one goes after the other.
            let mut meant = HashSet::new();
            let apart = |n: &usize| match &changes[*n].target {
                Target::Id(id) => meant.insert(id.clone()),
                Target::New | Target::Unique { .. } => true,
            };
            let (now, later): (Vec<usize>, Vec<usize>) = open.into_iter().partition(apart);
            for (n, outcome) in now.iter().zip(self.send(resource, kind, &mut changes, &now).await) {
                settled[*n] = Some(outcome);
            }
            open = later;
        }
        let done = changes.into_iter().zip(settled).map(|(mut change, outcome)| {
            change.body = Object::new();
            change.inline = None;
            Done { change, outcome: outcome.unwrap_or(Err(Failure::Unnamed)) }
        });
        let done: Vec<Done> = done.collect();
        self.remember(resource, kind, &done);
        done
    }

    /// Sends those at `places`, which mean objects that differ.
    async fn send(
        &self,
        resource: &'static Resource,
        kind: Kind,
        changes: &mut [Change],
        places: &[usize],
    ) -> Vec<Result<Outcome, Failure>> {
        let sent: Vec<&Change> = places.iter().map(|n| &changes[*n]).collect();
        let mut verdicts = call::send(self.api, resource, kind, &sent).await;
        if kind == Kind::Create {
            let found = resolve::resolve(self.api, self.counters, resource, &sent, &mut verdicts).await;
            for (n, place) in places.iter().enumerate() {
                // Of an object that was found there, nobody knows what it is associated with.
                if changes[*place].inline.is_some() && !found.contains(&n) {
                    changes[*place].links.clear();
                }
            }
        }
        let mut outcomes: Vec<_> = verdicts.into_iter().map(|verdict| verdict.map(Outcome::Written)).collect();
        let missing: Vec<usize> =
            (0..outcomes.len()).filter(|n| outcomes[*n].as_ref().is_err_and(Failure::is_missing)).collect();
        if missing.is_empty() || !(kind == Kind::Update || kind.is_delete()) {
            return outcomes;
        }
        if kind == Kind::Update && self.on_missing == OnMissing::Create {
            let created = self.create(resource, changes, missing.iter().map(|n| places[*n]).collect()).await;
            for (n, verdict) in missing.into_iter().zip(created) {
                outcomes[n] = verdict.map(Outcome::Written);
            }
            return outcomes;
        }
        for n in missing {
            if self.on_missing != OnMissing::Error || changes[places[n]].may_be_missing {
                outcomes[n] = Ok(Outcome::Ignored);
            }
        }
        outcomes
    }

    /// Makes the objects that updates at `places` didn't find.
    async fn create(&self, resource: &'static Resource, changes: &mut [Change], places: Vec<usize>) -> Vec<Verdict> {
        let mut gone: Vec<Option<String>> = Vec::with_capacity(places.len());
        for n in &places {
            let change = &mut changes[*n];
            let is_meant_by_key = change.is_meant_by_key();
            let target = std::mem::replace(&mut change.target, Target::New);
            gone.push(match target {
                // What the key names is remembered by the key.
                Target::Id(id) => (!is_meant_by_key).then_some(id),
                Target::New => None,
                Target::Unique { property, value } => {
                    change.body.entry(property.to_string()).or_insert_with(|| Value::String(value.clone()));
                    if !change.uniques.iter().any(|(name, _)| *name == property) {
                        change.uniques.insert(0, (property, value));
                    }
                    None
                }
            });
            change.kind = Kind::Create;
        }
        let created: Vec<&Change> = places.iter().map(|n| &changes[*n]).collect();
        let mut verdicts = call::send(self.api, resource, Kind::Create, &created).await;
        resolve::resolve(self.api, self.counters, resource, &created, &mut verdicts).await;
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        for (gone, verdict) in gone.iter().zip(&verdicts) {
            if let (Some(gone), Ok(Some(id))) = (gone, verdict) {
                replaced.insert(resource.name, gone, id);
                // HubSpot has just said that there is no such object.
                replaced.confirm(resource.name, gone);
            }
        }
        verdicts
    }

    /// Finds the objects that are meant by what isn't HubSpot's id. Where that settles a change already, it says how.
    async fn find(
        &self,
        resource: &'static Resource,
        kind: Kind,
        changes: &mut [Change],
    ) -> Vec<Option<Result<Outcome, Failure>>> {
        let mut settled: Vec<Option<Result<Outcome, Failure>>> = vec![None; changes.len()];
        if kind == Kind::Update || kind.is_delete() {
            self.recall_replaced(resource, changes);
            self.recall(resource, changes, &mut settled).await;
        }
        if kind == Kind::Update {
            self.pass_bare(resource, changes, &mut settled).await;
        }
        // HubSpot updates by a unique property, but archives by ids alone.
        if kind.is_delete() {
            self.look_up(resource, changes, &mut settled).await;
        }
        settled
    }

    /// Ids of objects that are gone become those of what was made in their place.
    fn recall_replaced(&self, resource: &'static Resource, changes: &mut [Change]) {
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes.iter_mut().filter(|change| !change.is_meant_by_key()) {
            let Target::Id(id) = &mut change.target else { continue };
            // What was made may be gone, too.
            for _ in 0..REPLACED {
                let Some(created) = replaced.get(resource.name, id) else { break };
                *id = created.id.to_string();
            }
        }
    }

    /// An update without properties, which HubSpot refuses, needs no call: its associations are made alone.
    async fn pass_bare(
        &self,
        resource: &'static Resource,
        changes: &[Change],
        settled: &mut [Option<Result<Outcome, Failure>>],
    ) {
        let open = changes.iter().enumerate().filter(|(n, change)| settled[*n].is_none() && change.body.is_empty());
        let bare: Vec<(usize, String)> = open
            .filter_map(|(n, change)| match &change.target {
                Target::Id(id) => Some((n, id.clone())),
                Target::New | Target::Unique { .. } => None,
            })
            .collect();
        if bare.is_empty() {
            return;
        }
        // Of one that isn't there the association's own failure tells, unless that is to pass.
        let there = if self.on_missing == OnMissing::Error {
            None
        } else {
            let ids: Vec<String> = bare.iter().map(|(_, id)| id.clone()).collect();
            Some(lookup::by_id(self.api, self.counters, resource, &ids).await.map_err(own))
        };
        for (n, id) in bare {
            settled[n] = Some(match &there {
                Some(Err(failure)) => Err(failure.clone()),
                Some(Ok(ids)) if !ids.contains(&id) => match self.on_missing {
                    OnMissing::Ignore => Ok(Outcome::Ignored),
                    OnMissing::Error | OnMissing::Create => Err(Failure::Missing(format!("id {id}"))),
                },
                _ => Ok(Outcome::Written(Some(id))),
            });
        }
    }

    /// Keys that objects were created for become those objects' ids, unless they are ids themselves.
    async fn recall(
        &self,
        resource: &'static Resource,
        changes: &mut [Change],
        settled: &mut [Option<Result<Outcome, Failure>>],
    ) {
        let mut doubtful: Vec<(usize, String, u64)> = Vec::new();
        {
            let mut memory = self.memory();
            for (n, change) in changes.iter_mut().enumerate() {
                let Some(key) = change.key.as_ref().filter(|_| change.is_meant_by_key()) else { continue };
                match memory.get(resource.name, key) {
                    Some(created) if created.sure => change.target = Target::Id(created.id.to_string()),
                    Some(created) => doubtful.push((n, key.clone(), created.id)),
                    None => {}
                }
            }
        }
        if doubtful.is_empty() {
            return;
        }
        let keys: Vec<String> = doubtful.iter().map(|(_, key, _)| key.clone()).collect();
        match lookup::by_id(self.api, self.counters, resource, &keys).await {
            Ok(ids) => {
                let mut memory = self.memory();
                for (n, key, id) in doubtful {
                    if ids.contains(&key) {
                        memory.forget(resource.name, &key);
                    } else {
                        memory.confirm(resource.name, &key);
                        changes[n].target = Target::Id(id.to_string());
                    }
                }
            }
            Err(failure) => {
                let failure = own(failure);
                for (n, ..) in doubtful {
                    settled[n] = Some(Err(failure.clone()));
                }
            }
        }
    }

    /// Values of unique properties become ids.
    async fn look_up(
        &self,
        resource: &'static Resource,
        changes: &mut [Change],
        settled: &mut [Option<Result<Outcome, Failure>>],
    ) {
        let mut by_property: BTreeMap<Arc<str>, Vec<(usize, String)>> = BTreeMap::new();
        for (n, change) in changes.iter().enumerate().filter(|(n, _)| settled[*n].is_none()) {
            if let Target::Unique { property, value } = &change.target {
                by_property.entry(Arc::clone(property)).or_default().push((n, value.clone()));
            }
        }
        for (property, meant) in by_property {
            let values: Vec<String> = meant.iter().map(|(_, value)| value.clone()).collect();
            let found = lookup::by_property(self.api, self.counters, resource, &property, &values, &[]).await;
            for (n, value) in meant {
                let id = match found.get(&value) {
                    Some(Ok(found)) => found.as_ref().and_then(lookup::id),
                    Some(Err(failure)) => {
                        settled[n] = Some(Err(own(failure.clone())));
                        continue;
                    }
                    None => None,
                };
                match id {
                    Some(id) => changes[n].target = Target::Id(id),
                    None if self.on_missing != OnMissing::Error || changes[n].may_be_missing => {
                        settled[n] = Some(Ok(Outcome::Ignored));
                    }
                    None => settled[n] = Some(Err(Failure::Missing(format!("{property}={value}")))),
                }
            }
        }
    }

    /// Takes note of what was created and deleted.
    fn remember(&self, resource: &'static Resource, kind: Kind, done: &[Done]) {
        let mut memory = self.memory();
        for Done { change, outcome } in done {
            let (Some(key), Ok(outcome)) = (&change.key, outcome) else { continue };
            if kind.is_delete() {
                memory.forget(resource.name, key);
                continue;
            }
            // What is found by a property that holds the key needn't be remembered.
            let found_by_key = matches!(&change.target, Target::Unique { value, .. } if value == key);
            match (change.kind, outcome) {
                (Kind::Create | Kind::Upsert, Outcome::Written(Some(id))) if !found_by_key && id != key => {
                    memory.insert(resource.name, key, id);
                }
                _ => {}
            }
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So often what was made in an object's place may be gone, too.
const REPLACED: usize = 8;

/// A look-up that the token may not make is no reason not to write the rest of the resource: it may write without it.
fn own(failure: Failure) -> Failure {
    match failure {
        Failure::Denied(refusal) if refusal.status == 403 => Failure::Refused(refusal),
        failure => failure,
    }
}
