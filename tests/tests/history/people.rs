//! The people who change things.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use fastrand::Rng;
use hubspot_emulator::Account;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Deeds, Key, RESOURCES, Resource};

/// The people who change things, and what they know to be there.
pub(crate) struct People {
    account: Account,
    rng: Rng,
    live: [Vec<String>; RESOURCES.len()],
    archived: [Vec<String>; RESOURCES.len()],
    /// The number of the last object, or value.
    number: usize,
    /// What has been touched in this moment. HubSpot tells two changes of an object apart by their milliseconds.
    touched: HashSet<Key>,
    pub(crate) made: Arc<AtomicUsize>,
    pub(crate) deeds: Arc<Mutex<Deeds>>,
}

impl People {
    pub(crate) fn new(account: Account, rng: Rng) -> Self {
        Self {
            account,
            rng,
            live: Default::default(),
            archived: Default::default(),
            number: 0,
            touched: HashSet::new(),
            made: Arc::default(),
            deeds: Arc::default(),
        }
    }

    pub(crate) fn fill(&mut self, objects: usize) {
        for resource in 0..RESOURCES.len() {
            self.create(resource, objects, false);
        }
    }

    /// Makes so many changes, so many a second.
    pub(crate) async fn work(mut self, changes: usize, pace: usize) {
        let began = Instant::now();
        loop {
            let due = (began.elapsed().as_secs_f64() * pace as f64) as usize;
            self.touched.clear();
            while self.made.load(Ordering::Relaxed) < due.min(changes) {
                let left = changes - self.made.load(Ordering::Relaxed);
                let made = self.change(left);
                self.made.fetch_add(made, Ordering::Relaxed);
            }
            if self.made.load(Ordering::Relaxed) >= changes {
                return;
            }
            sleep(Duration::from_millis(self.rng.u64(2..20))).await;
        }
    }

    /// One change, or an import of at most `most`; how many there were.
    fn change(&mut self, most: usize) -> usize {
        let resource = self.pick();
        let before = self.touched.len();
        match self.rng.u32(0..1_000) {
            0..600 => self.touch(resource, |people, id| people.update(resource, id)),
            600..780 => self.create(resource, 1, false),
            780..900 => self.touch(resource, Self::archive_in(resource)),
            900..950 => self.restore(resource),
            950..998 => self.merge(resource),
            998 => {
                let count = self.rng.usize(50..400).min(most);
                let tied = self.rng.bool();
                self.create(resource, count, tied);
            }
            // Somebody edits a list.
            _ => {
                let count = self.rng.usize(50..400).min(most);
                for _ in 0..count {
                    self.touch(resource, |people, id| people.update(resource, id));
                }
            }
        }
        (self.touched.len() - before).min(most)
    }

    fn pick(&mut self) -> usize {
        let mut at = self.rng.usize(..100);
        for (number, resource) in RESOURCES.iter().enumerate() {
            if at < resource.share {
                return number;
            }
            at -= resource.share;
        }
        0
    }

    /// One that lives and hasn't been touched in this moment.
    fn any_live(&mut self, resource: usize) -> Option<String> {
        let live = &self.live[resource];
        if live.is_empty() {
            return None;
        }
        let id = live[self.rng.usize(..live.len())].clone();
        self.touched.insert((resource, id.clone())).then_some(id)
    }

    fn touch(&mut self, resource: usize, change: impl FnOnce(&mut Self, &str)) {
        if let Some(id) = self.any_live(resource) {
            change(self, &id);
        }
    }

    fn create(&mut self, resource: usize, count: usize, tied: bool) {
        let first = self.number;
        self.number += count;
        let Resource { name, field, .. } = RESOURCES[resource];
        let fields = |number: usize| {
            let mut fields = json!({"name": format!("Number {}", first + number)});
            if name == "contacts" {
                fields = json!({"email": format!("person{}@example.com", first + number)});
            }
            fields[field] = format!("as created, {}", first + number).into();
            fields
        };
        let ids = if tied {
            self.account.create_tied(name, count, fields)
        } else {
            self.account.create_many(name, count, fields)
        };
        self.touched.extend(ids.iter().map(|id| (resource, id.clone())));
        self.live[resource].extend(ids);
    }

    fn update(&mut self, resource: usize, id: &str) {
        self.number += 1;
        let Resource { name, field, .. } = RESOURCES[resource];
        let fields =
            Value::Object([(field.to_owned(), format!("changed, {}", self.number).into())].into_iter().collect());
        self.account.update(name, id, fields);
    }

    fn archive_in(resource: usize) -> impl FnOnce(&mut Self, &str) {
        move |people, id| {
            people.goes(resource, id);
            people.account.archive(RESOURCES[resource].name, id);
            people.archived[resource].push(id.to_owned());
        }
    }

    /// Notes that an object goes now.
    fn goes(&mut self, resource: usize, id: &str) {
        self.live[resource].retain(|live| live != id);
        let at = (Utc::now() + self.account.settings().clock_offset).timestamp_millis();
        self.deeds().archived.entry((resource, id.to_owned())).or_default().push(at);
    }

    fn restore(&mut self, resource: usize) {
        if self.archived[resource].is_empty() {
            return;
        }
        let place = self.rng.usize(..self.archived[resource].len());
        let key = (resource, self.archived[resource][place].clone());
        if self.touched.insert(key.clone()) {
            self.account.restore(RESOURCES[resource].name, &key.1);
            self.archived[resource].swap_remove(place);
            self.live[resource].push(key.1);
        }
    }

    fn merge(&mut self, resource: usize) {
        let Resource { name, merges, .. } = RESOURCES[resource];
        if !merges {
            return;
        }
        let (Some(primary), Some(loser)) = (self.any_live(resource), self.any_live(resource)) else { return };
        self.goes(resource, &loser);
        if self.account.settings().merge_mints_id {
            self.goes(resource, &primary);
        }
        let winner = self.account.merge(name, &primary, &loser);
        self.deeds().merged.insert((resource, loser), winner.clone());
        if winner != primary {
            self.deeds().merged.insert((resource, primary), winner.clone());
            self.touched.insert((resource, winner.clone()));
            self.live[resource].push(winner);
        }
    }

    fn deeds(&self) -> MutexGuard<'_, Deeds> {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
