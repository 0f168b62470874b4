//! What a reader holds, and what it should hold in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use chrono::DateTime;
use end_to_end::replica::{Replica, id};
use hubspot_emulator::Account;
use opencdc::{Operation, Record};
use serde_json::Value;

use super::{Deeds, Key, RESOURCES};

/// Where times of this end and of HubSpot's are compared, they may differ by so many milliseconds.
const SLACK: i64 = 50;

/// What the reader holds, and what was wrong with how it came.
pub(crate) struct Held {
    deeds: Arc<Mutex<Deeds>>,
    replicas: [Replica; RESOURCES.len()],
    pub(crate) records: u64,
    /// Of the present stream, by object: the version that came last, or that of before it was deleted.
    stream: HashMap<Key, Came>,
    /// All versions that ever came.
    versions: HashSet<(Key, i64)>,
    pub(crate) repeats: u64,
    pub(crate) deleted: BTreeSet<Key>,
    /// Deletions that named the winner.
    pub(crate) merged: BTreeMap<Key, String>,
    wrong: Vec<String>,
}

/// What a stream delivered last of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    version: i64,
    /// When it was deleted, if it was: for the first time after `version`.
    gone: Option<i64>,
}

impl Held {
    pub(crate) fn new(deeds: Arc<Mutex<Deeds>>) -> Self {
        Self {
            deeds,
            replicas: Default::default(),
            records: 0,
            stream: HashMap::new(),
            versions: HashSet::new(),
            repeats: 0,
            deleted: BTreeSet::new(),
            merged: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    pub(crate) fn deeds(&self) -> MutexGuard<'_, Deeds> {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin_stream(&mut self) {
        self.stream.clear();
    }

    pub(crate) fn apply(&mut self, record: &Record) -> Result<()> {
        let collection = record.metadata.collection().context("a record without a collection")?;
        let resource = RESOURCES.iter().position(|resource| resource.collection == collection);
        let resource = resource.with_context(|| format!("a record of {collection}"))?;
        self.replicas[resource].apply(record)?;
        self.records += 1;
        let key = (resource, id(record)?);
        if record.operation == Operation::Delete {
            self.gone(key, record);
        } else {
            self.put(key, record)?;
        }
        Ok(())
    }

    /// An object came as it was at a time, which has to be after what came of it before.
    fn put(&mut self, key: Key, record: &Record) -> Result<()> {
        let after = record.payload.after.as_ref().context("no payload")?.to_structured()?;
        let updated =
            after.get(RESOURCES[key.0].updated).and_then(opencdc::Value::as_str).context("no changed-time")?;
        let version = DateTime::parse_from_rfc3339(updated)?.timestamp_millis();
        let is_new = self.versions.insert((key.clone(), version));
        match self.stream.get(&key) {
            Some(last) if version < last.version || last.gone.is_some_and(|gone| version < gone - SLACK) => {
                self.wrong.push(format!("{key:?} came as of {version} behind {last:?}"));
            }
            Some(last) if version == last.version => self.wrong.push(format!("{key:?} came twice as of {version}")),
            _ => self.repeats += u64::from(!is_new),
        }
        self.stream.insert(key, Came { version, gone: None });
        Ok(())
    }

    /// A deletion came, which has to be one that happened, and after what came of the object before.
    fn gone(&mut self, key: Key, record: &Record) {
        let last = self.stream.get(&key).copied();
        let (version, gone) = last.map_or((0, None), |last| (last.version, last.gone));
        // An object that was restored in between may be deleted twice.
        let since = gone.map_or(version - SLACK, |gone| gone + 1);
        let went = self.deeds().archived.get(&key).and_then(|times| times.iter().copied().find(|at| *at >= since));
        if went.is_none() {
            self.wrong.push(format!("{key:?} came as deleted, but wasn't behind {last:?}"));
        }
        self.repeats += u64::from(!self.deleted.insert(key.clone()) && last.is_none());
        if let Some(winner) = record.metadata.get("hubspot.merged.into") {
            self.merged.insert(key.clone(), winner.to_owned());
        }
        self.stream.insert(key, Came { version, gone: went });
    }

    /// What was wrong with how it came.
    pub(crate) fn judge(&self) -> Result<()> {
        let deeds = self.deeds();
        for (key, named) in &self.merged {
            // The winner may have been merged into another one since.
            let mut winner = deeds.merged.get(key);
            while let Some(of) = winner.filter(|of| *of != named) {
                winner = deeds.merged.get(&(key.0, of.clone()));
            }
            ensure!(winner.is_some(), "{key:?} was not merged into {named}");
        }
        ensure!(!self.merged.is_empty() || deeds.merged.is_empty(), "no merge named its winner");
        if let Some(first) = self.wrong.first() {
            bail!("{} records were repeated or out of order: {first}", self.wrong.len());
        }
        Ok(())
    }
}

/// What the account holds in the end.
pub(crate) struct Truth {
    objects: [BTreeMap<String, Value>; RESOURCES.len()],
    /// What was deleted and isn't there.
    gone: Vec<Key>,
}

impl Truth {
    pub(crate) fn of(account: &Account, held: &Held) -> Self {
        let objects = RESOURCES.map(|resource| account.objects(resource.name));
        let deeds = held.deeds();
        let gone =
            deeds.archived.keys().filter(|(resource, id)| !objects[*resource].contains_key(id)).cloned().collect();
        Self { objects, gone }
    }

    /// What the reader lacks.
    pub(crate) fn lacks(&self, held: &Held) -> Option<String> {
        for (number, resource) in RESOURCES.iter().enumerate() {
            let difference = held.replicas[number].difference(&self.objects[number]);
            if !difference.is_none() {
                return Some(format!("{}: {difference}", resource.collection));
            }
        }
        let unseen: Vec<_> = self.gone.iter().filter(|key| !held.deleted.contains(*key)).collect();
        unseen
            .first()
            .map(|key| format!("{} of {} deletions never came, such as {key:?}", unseen.len(), self.gone.len()))
    }
}
