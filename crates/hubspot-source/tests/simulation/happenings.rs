//! What happens in HubSpot.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use hubspot_catalog::{Directory, Kind};
use hubspot_source::item::Millis;

use super::{Archived, EPOCH, Entry, History, KEPT, Object, World, scatter};

impl World {
    /// Something about an object has changed: the index will show it, sooner or later.
    fn note(&mut self, id: u64, object: Option<Object>, history: &History) {
        self.happened.push(self.now);
        if !self.is_crm() {
            return;
        }
        self.hidden.remove(&id);
        if let Some(object) = object.as_ref().filter(|_| history.reading.audit.is_some() && self.rng.u8(..12) == 0) {
            self.hidden.insert(id, object.version);
            self.ever_hidden.insert(id);
            // Nor does it show what was merged into it.
            self.erased.extend(object.merged.iter().map(|loser| (*loser, EPOCH)));
            return;
        }
        self.show(id, object, history);
    }

    /// The index will show an object in this state, sooner or later.
    fn show(&mut self, id: u64, object: Option<Object>, history: &History) {
        let lag = if self.rng.u8(..3) > 0 { self.rng.i64(0..=history.index_lag) } else { 0 };
        self.sequence += 1;
        self.pending.insert((self.now + lag, self.sequence), (id, object));
    }

    fn index(&mut self) {
        while let Some(entry) = self.pending.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let ((_, sequence), (id, object)) = entry.remove_entry();
            if self.index.get(&id).is_some_and(|known| known.sequence > sequence) {
                continue;
            }
            if let Some(Entry { object: Some(old), .. }) = self.index.get(&id) {
                self.by_version.remove(&(old.version, scatter(id)));
            }
            if let Some(object) = &object {
                self.by_version.insert((object.version, scatter(id)), id);
            }
            self.index.insert(id, Entry { sequence, object });
        }
    }

    pub(super) fn create(&mut self, history: &History) {
        // Ids say nothing of the order of creation.
        let id = loop {
            let id = self.rng.u64(1..1_000_000_000_000);
            if !self.store.contains_key(&id) && !self.died.contains_key(&id) {
                break id;
            }
        };
        let value = self.rng.u64(..);
        let associated = history.reading.associates;
        let links =
            if associated { (0..self.rng.u64(..7)).map(|_| self.rng.u64(1..12)).collect() } else { BTreeSet::new() };
        let object = Object {
            created: self.now,
            version: self.now,
            value,
            score: 0,
            links,
            merged: Vec::new(),
            past: vec![(self.now, value)],
        };
        self.store.insert(id, object.clone());
        self.note(id, Some(object), history);
    }

    /// Merges an object into another, or both into a new one.
    fn merge(&mut self, history: &History) {
        let now = self.now;
        let ids = [(); 2].map(|()| Self::some_id(&mut self.rng, &self.store));
        let [Some(winner), Some(loser)] = ids else { return };
        if winner == loser || [winner, loser].iter().any(|id| self.store[id].version >= now) {
            return;
        }
        let mut object = self.store[&winner].clone();
        let value = self.rng.u64(..);
        object.change(now, value);
        let mut losers = vec![loser];
        let mut id = winner;
        if history.merges_mint && self.rng.bool() {
            losers.push(winner);
            id = winner + 1_000_000_000_000 + self.rng.u64(..1_000);
            object.created = now;
            object.past = vec![(now, value)];
        }
        for &loser in &losers {
            if let Some(lost) = self.store.remove(&loser) {
                object.merged.extend(lost.merged.iter().copied().filter(|_| loser != winner));
                object.merged.push(loser);
                self.winners.insert(loser, id);
                *self.died.entry(loser).or_default() += 1;
                if history.merged_are_archived {
                    self.list_as_archived(loser, lost, history);
                }
                self.note(loser, None, history);
            }
        }
        self.store.insert(id, object.clone());
        self.note(id, Some(object), history);
        if self.hidden.contains_key(&id) {
            // Who lives on doesn't say so in time: what was merged away is just gone.
            self.erased.extend(losers.iter().map(|loser| (*loser, now)));
        }
    }

    fn list_as_archived(&mut self, id: u64, object: Object, history: &History) {
        let late = if self.rng.u8(..3) > 0 && !self.is_directory() { self.rng.i64(0..=history.index_lag) } else { 0 };
        let (at, listed) = (self.now, self.now + late);
        self.all_listed = self.all_listed.max(listed);
        self.archived.insert(id, Archived { at, listed, object });
    }

    fn some_id<T>(rng: &mut Rng, of: &BTreeMap<u64, T>) -> Option<u64> {
        let from = rng.u64(1..1_000_000_000_000);
        of.range(from..).next().or_else(|| of.iter().next()).map(|(id, _)| *id)
    }

    fn update(&mut self, id: u64, history: &History) {
        let (now, value) = (self.now, self.rng.u64(..));
        if let Some(object) = self.store.get_mut(&id).filter(|object| object.version < now) {
            object.change(now, value);
            let object = object.clone();
            self.note(id, Some(object), history);
        }
    }

    /// Takes an object that has changed since it was there away.
    fn take(&mut self) -> Option<(u64, Object)> {
        let id = Self::some_id(&mut self.rng, &self.store)?;
        if self.store[&id].version >= self.now {
            return None;
        }
        *self.died.entry(id).or_default() += 1;
        Some((id, self.store.remove(&id)?))
    }

    pub(super) fn archive(&mut self, history: &History) {
        let Some((id, object)) = self.take() else { return };
        // Pipelines and stages are gone when they are deleted.
        if !matches!(self.resource.kind, Kind::Directory(Directory::Pipelines { .. } | Directory::Stages { .. })) {
            self.list_as_archived(id, object, history);
        }
        self.note(id, None, history);
    }

    /// Deletes an object for good: no list has it any more.
    fn erase(&mut self, history: &History) {
        if let Some((id, object)) = self.take() {
            self.erased.insert(id, self.now);
            // Nothing says any more what was merged into it.
            self.erased.extend(object.merged.iter().map(|loser| (*loser, EPOCH)));
            self.note(id, None, history);
        }
    }

    fn restore(&mut self, history: &History) {
        let Some(id) = Self::some_id(&mut self.rng, &self.archived) else { return };
        let Archived { at, mut object, .. } = self.archived[&id].clone();
        // What was merged away can't be restored.
        if at < self.now && !self.winners.contains_key(&id) {
            self.archived.remove(&id);
            self.restored.insert(id, self.now);
            object.version = self.now;
            self.store.insert(id, object.clone());
            self.note(id, Some(object), history);
        }
    }

    /// Changes an object without moving its changed-time.
    fn change_silently(&mut self, history: &History) {
        let Some(id) = Self::some_id(&mut self.rng, &self.store) else { return };
        let scores = history.reading.calculated.is_some() && (!history.refreshes_associations() || self.rng.bool());
        let (score, link) = (self.rng.u32(..), self.rng.u64(1..12));
        let Some(object) = self.store.get_mut(&id) else { return };
        if scores {
            object.score = score;
        } else if !object.links.remove(&link) {
            object.links.insert(link);
        }
        let object = object.clone();
        self.silent.insert(id, self.now);
        if !self.hidden.contains_key(&id) {
            self.show(id, Some(object), history);
        }
    }

    /// Lets time pass, and all that happens in it.
    pub(super) fn pass(&mut self, until: Millis, history: &History) {
        while self.changes_left > 0 && self.next_change <= until {
            self.now = self.now.max(self.next_change);
            self.next_change += self.rng.u64(0..=2 * history.pace) as Millis;
            self.changes_left -= 1;
            if self.bursts_left > 0 && (self.rng.usize(..history.changes) < 2 || self.changes_left < self.bursts_left) {
                self.bursts_left -= 1;
                self.burst(history);
            }
            if history.changes_silently() && self.rng.u8(..4) == 0 {
                self.change_silently(history);
            }
            match self.rng.u8(..20) {
                5 if matches!(self.resource.kind, Kind::Crm(crm) if crm.merge) => self.merge(history),
                0..6 if self.store.len() < history.most => self.create(history),
                0..16 => {
                    if let Some(id) = Self::some_id(&mut self.rng, &self.store) {
                        self.update(id, history);
                    }
                }
                16 if history.reading.audit.is_some() => self.erase(history),
                16..19 => self.archive(history),
                _ => self.restore(history),
            }
        }
        self.now = self.now.max(until);
        self.index();
    }

    /// Many objects in one millisecond: a bulk import, or a bulk edit of what is there.
    fn burst(&mut self, history: &History) {
        let existing: Vec<u64> =
            if self.rng.bool() { self.store.keys().copied().take(history.ties).collect() } else { Vec::new() };
        for id in &existing {
            self.update(*id, history);
        }
        for _ in existing.len()..history.ties.min(history.most - self.store.len().min(history.most)) {
            self.create(history);
        }
    }

    pub(super) fn quiet(&self) -> bool {
        self.changes_left == 0 && self.pending.is_empty() && self.all_listed <= self.now
    }

    /// How many objects changed, or were deleted, from one instant to before another.
    pub(super) fn happened_between(&self, from: Millis, to: Millis) -> usize {
        let before = |instant| self.happened.partition_point(|at| *at < instant);
        before(to) - before(from)
    }

    /// How many objects changed, or were deleted, since an instant.
    pub(super) fn happened_since(&self, since: Millis) -> usize {
        self.happened.len() - self.happened.partition_point(|at| *at < since)
    }
}

impl Object {
    fn change(&mut self, now: Millis, value: u64) {
        (self.version, self.value) = (now, value);
        self.past.push((now, value));
        if self.past.len() > KEPT {
            self.past.remove(0);
        }
    }
}
