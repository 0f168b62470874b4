//! What the reader must hold in the end: the truth.

use std::collections::HashSet;

use hubspot_source::item::Millis;

use super::reader::{Held, Reader};
use super::{EPOCH, History, World};

/// From when on the last stream could see what only a census can.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sight {
    /// All objects had been met, so what differs later, or is missing, is found. `None`: they never were.
    pub(super) learned: Option<Millis>,
    /// The same of objects that the first look at all of them may have found too young to judge.
    pub(super) settled: Option<Millis>,
    /// Versions from here on are compared.
    pub(super) compared: Millis,
    /// Of those at that very instant, the ones behind this id: a position says that the others have been delivered.
    pub(super) behind: Option<u64>,
}

/// What answers to the last stream have shown.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Objects that were alive.
    pub(super) living: HashSet<u64>,
    /// When the stream was opened.
    pub(super) since: Millis,
}

impl World {
    pub(super) fn compare(
        &self,
        reader: &Reader,
        sight: Sight,
        shown: &Shown,
        history: &History,
    ) -> Result<(), String> {
        for (id, object) in &self.store {
            let unseen = self.hidden.get(id).is_some_and(|version| {
                *version < sight.compared || *version == sight.compared && sight.behind.is_some_and(|last| *id <= last)
            });
            let told = reader.state.get(id);
            if unseen {
                continue;
            }
            let at = object.version - EPOCH;
            let Some(Held { value, score, links }) = told else {
                return Err(format!("object {id}, changed at {at}, never arrived: {object:?}"));
            };
            if *value != object.value {
                return Err(format!("object {id}, changed at {at}, is {object:?}; the reader has the value {value}"));
            }
            // What changed before all objects had been met, is met as it is.
            let changed = self.silent.get(id).copied().unwrap_or(Millis::MIN);
            let silent = changed > Millis::MIN;
            let learned = if object.version < sight.compared { sight.learned } else { sight.settled };
            if silent && learned.is_none_or(|learned| changed <= learned) {
                continue;
            }
            if history.reading.calculated.is_some() && *score != object.score {
                return Err(format!(
                    "the calculated property of {id} has been {} since {:?}, the reader has {score}",
                    object.score,
                    silent.then(|| changed - EPOCH)
                ));
            }
            if history.reading.associates && links.as_ref() != Some(&object.links) {
                return Err(format!(
                    "the associations of {id} have been {:?} since {:?}, the reader has {links:?}",
                    object.links,
                    silent.then(|| changed - EPOCH)
                ));
            }
        }
        let gone = reader.state.keys().filter(|id| !self.store.contains_key(id));
        let unseen = |id: &u64| {
            // Restored for a moment, in which no list showed it.
            let flashed = !shown.living.contains(id) && self.restored.get(id).is_some_and(|at| *at >= shown.since);
            match self.erased.get(id) {
                Some(at) => flashed || sight.learned.is_none_or(|learned| *at <= learned),
                None => flashed && self.is_directory(),
            }
        };
        match gone.copied().find(|id| !unseen(id)) {
            Some(id) => Err(format!(
                "object {id} is gone (archived: {:?}, merged: {:?}, erased: {:?}), the reader still has it",
                self.archived.get(&id).map(|archived| (archived.at - EPOCH, archived.listed - EPOCH)),
                self.winners.get(&id).map(|_| self.resolve(id)).map(|winner| (winner, self.store.get(&winner))),
                self.erased.get(&id).map(|at| at - EPOCH)
            )),
            None => Ok(()),
        }
    }
}
