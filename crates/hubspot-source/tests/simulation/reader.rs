//! A reader that is killed and resumed, and what it must hold in the end.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use fastrand::Rng;
use hubspot_catalog::{Kind, Resource};
use hubspot_source::ask::{Ask, Request, Ticket};
use hubspot_source::engine::{Change, Engine};
use hubspot_source::item::{Item, Millis};
use hubspot_source::position;
use opencdc::{Operation, Position};
use serde_json::Value;

use super::{EPOCH, History, Object, World};

/// A reader that needs more than this many for one history goes in circles.
const MOST_REQUESTS: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) delivered: usize,
    pub(crate) kills: usize,
}

/// What the reader knows: the value of each object, by what it has been told.
#[derive(Default)]
struct Reader {
    state: HashMap<u64, u64>,
    position: Position,
    unacknowledged: VecDeque<(u64, Option<u64>, Position)>,
    /// Every position of this engine's, to see that no two are the same.
    positions: HashSet<Position>,
    /// Every version and every deletion that this engine's stream delivered, to see that none comes twice.
    told: HashSet<(u64, bool, Millis)>,
    /// What this engine's stream delivered as deleted and not as living since.
    gone: HashSet<u64>,
    /// The number of this engine's last record.
    number: u64,
}

impl World {
    /// Lets a reader read, be killed and resumed until all is quiet: then it must hold the truth.
    pub(crate) fn run(&mut self, history: &History) -> Result<Summary, String> {
        let mut summary = Summary::default();
        let mut reader = Reader::default();
        self.read(history, &mut reader, &mut summary, |_| {})?;
        Ok(summary)
    }

    /// Lets a reader read without a kill, then resumes at the positions of its records, each as if it alone had been
    /// acknowledged last: `most` to twice as many, evenly.
    pub(crate) fn run_and_resume_everywhere(&mut self, history: &History, most: usize) -> Result<Summary, String> {
        let mut summary = Summary::default();
        // Every `step`-th moment is kept, and the step grows with their number: all of them would not fit into memory.
        let (mut moments, mut seen, mut step) = (Vec::new(), 0_usize, 1);
        self.read(history, &mut Reader::default(), &mut summary, |reader| {
            if seen.is_multiple_of(step) {
                moments.push(reader.acknowledged());
                if moments.len() >= 2 * most {
                    let mut place = 0;
                    moments.retain(|_| {
                        place += 1;
                        place % 2 == 1
                    });
                    step *= 2;
                }
            }
            seen += 1;
        })?;
        for mut reader in moments {
            let at = reader.position.to_string();
            let mut world = self.clone();
            world
                .read(history, &mut reader, &mut summary, |_| {})
                .map_err(|lost| format!("resumed at {at}: {lost}"))?;
        }
        Ok(summary)
    }

    fn read(
        &mut self,
        history: &History,
        reader: &mut Reader,
        summary: &mut Summary,
        mut acknowledged: impl FnMut(&Reader),
    ) -> Result<(), String> {
        let mut engine = self.open(reader, history);
        let mut under_way: Vec<(Ticket, Request)> = Vec::new();
        let mut clock_offset = history.clock_offset;
        let (mut quiet_since, mut requests) = (None, 0);
        // Once HubSpot is quiet: a lag, what the reader needs to look around in, and nothing more.
        let sweep = (500 + history.background_pause) * (self.archived.len() as Millis / 100 + 1);
        let patience = history.lag + 8 * history.polling_period + 3 * (history.deletes_interval + sweep) + 60_000;
        let tell = std::env::var_os("HUBSPOT_SIM_SEED").is_some();
        loop {
            if quiet_since.is_none() && self.quiet() {
                quiet_since = Some(self.now);
            }
            let local = self.now + clock_offset;
            match engine.next(local, history.room) {
                Ask::Request(ticket, request) => {
                    requests += 1;
                    if requests > MOST_REQUESTS {
                        return Err(format!("no end after {MOST_REQUESTS} requests, now {request:?}"));
                    }
                    assert!(under_way.len() < history.room.max(2), "{request:?} beside {under_way:?}");
                    under_way.push((ticket, request));
                    continue;
                }
                Ask::Wait(until) if under_way.is_empty() => {
                    if quiet_since.is_some_and(|since| self.now > since + patience) && !engine.in_snapshot() {
                        break;
                    }
                    let nap = self.rng.i64(1..=history.polling_period).min((until - local).max(1));
                    self.pass(nap, history);
                }
                Ask::Wait(_) => {
                    // Answers come in any order.
                    let (ticket, request) = under_way.swap_remove(self.rng.usize(..under_way.len()));
                    let begins = engine.is_beginning();
                    let response = self.answer(&request, history);
                    if tell {
                        let (at, objects, total) = (self.now - EPOCH, response.items.len(), response.total);
                        eprintln!("{at} {request:?} -> {objects} objects, total {total:?}");
                    }
                    let local = self.now + clock_offset;
                    let changes = engine.absorb(ticket, response, local).map_err(|error| error.to_string())?;
                    if begins && !engine.is_beginning() && !history.snapshot {
                        reader.begin(&self.store);
                    }
                    summary.delivered += changes.len();
                    reader.receive(changes, self.resource)?;
                }
            }
            for _ in 0..self.rng.usize(..=reader.unacknowledged.len()) {
                reader.take(true);
                acknowledged(reader);
            }
            if quiet_since.is_none() && self.rng.usize(..history.kill) == 0 {
                summary.kills += 1;
                reader.die(&mut self.rng);
                under_way.clear();
                engine = self.open(reader, history);
                // Another machine, another clock.
                clock_offset += self.rng.i64(-86_400_000..86_400_000);
            }
        }
        while !reader.unacknowledged.is_empty() {
            reader.take(true);
            acknowledged(reader);
        }
        self.compare(reader)
    }

    fn open(&self, reader: &mut Reader, history: &History) -> Engine {
        let resumption = position::parse(&reader.position, &[self.resource.name]).expect("our own position");
        let mut resumption = resumption.unwrap_or_default();
        reader.number = resumption.number;
        Engine::new(self.resource, history.options(), resumption.resources.remove(self.resource.name))
    }

    fn compare(&self, reader: &Reader) -> Result<(), String> {
        for (id, object) in &self.store {
            match reader.state.get(id) {
                None => return Err(format!("object {id} of {object:?} (seed {}) never arrived", self.seed)),
                Some(value) if *value != object.value => {
                    return Err(format!(
                        "object {id} is {object:?}, the reader has the value {value}; changed at {}",
                        object.version - EPOCH
                    ));
                }
                Some(_) => {}
            }
        }
        match reader.state.keys().find(|id| !self.store.contains_key(id)) {
            Some(id) => Err(format!(
                "object {id} is gone ({:?}), the reader still has it",
                self.archived.get(id).map(|archived| (archived.at - EPOCH, archived.listed - EPOCH))
            )),
            None => Ok(()),
        }
    }
}

fn changed_at(resource: &Resource, item: &Item) -> Option<Millis> {
    match resource.kind {
        Kind::Crm(crm) => item.property_time(crm.updated_property),
        Kind::Cms(cms) => item.first_time(cms.updated_fields),
        Kind::Directory(_) => item.time("updatedAt"),
    }
}

/// `None` where HubSpot doesn't say.
fn deleted_at(resource: &Resource, item: &Item) -> Option<Millis> {
    match resource.kind {
        Kind::Crm(_) | Kind::Directory(_) => item.time("archivedAt"),
        Kind::Cms(cms) => item.first_time(cms.deleted_fields),
    }
}

impl Reader {
    /// Without a snapshot, what is there when the stream begins is known from elsewhere.
    fn begin(&mut self, store: &BTreeMap<u64, Object>) {
        if self.position.is_empty() {
            self.state = store.iter().map(|(id, object)| (*id, object.value)).collect();
        }
    }

    /// What is left of it when it is killed now: all that was acknowledged had its effect, and nothing else.
    fn acknowledged(&self) -> Self {
        Self { state: self.state.clone(), position: self.position.clone(), ..Self::default() }
    }

    fn receive(&mut self, changes: Vec<Change>, resource: &Resource) -> Result<(), String> {
        for change in changes {
            self.number += 1;
            let position = change.position(resource, self.number);
            if !self.positions.insert(position.clone()) {
                return Err(format!("the position {position} is there twice"));
            }
            let Change { operation, id, item, .. } = change;
            let value = item.as_map().get("value").and_then(Value::as_u64);
            let value = (operation != Operation::Delete).then(|| value.expect("every object has a value"));
            let id = id.to_string().parse().expect("ids are numbers");
            let gone = operation == Operation::Delete;
            let told = if gone { deleted_at(resource, &item) } else { changed_at(resource, &item) };
            // The pages of a CMS snapshot may shift, and are read again then.
            let may_repeat = operation == Operation::Snapshot && !resource.is_crm();
            if let Some(at) = told
                && !may_repeat
                && !self.told.insert((id, gone, at))
            {
                return Err(format!("{operation:?} of {id} at {} is delivered twice", at - EPOCH));
            }
            if gone {
                if !self.gone.insert(id) && told.is_none() {
                    return Err(format!("{id} is delivered as deleted twice"));
                }
            } else if self.gone.remove(&id) && operation != Operation::Create {
                return Err(format!("{id}, which was deleted and lives again, is delivered as {operation:?}"));
            }
            self.unacknowledged.push_back((id, value, position));
        }
        Ok(())
    }

    fn take(&mut self, acknowledge: bool) {
        if let Some((id, value, position)) = self.unacknowledged.pop_front() {
            match value {
                Some(value) => self.state.insert(id, value),
                None => self.state.remove(&id),
            };
            if acknowledge {
                self.position = position;
            }
        }
    }

    /// Some of what it received and didn't acknowledge had its effect, the rest is gone.
    fn die(&mut self, rng: &mut Rng) {
        // With no position yet, whatever had its effect would be out of any connector's sight.
        if !self.position.is_empty() {
            for _ in 0..rng.usize(..=self.unacknowledged.len()) {
                self.take(false);
            }
        }
        self.unacknowledged.clear();
        self.positions.clear();
        self.told.clear();
        self.gone.clear();
    }
}
