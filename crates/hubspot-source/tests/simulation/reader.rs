//! A reader that is killed and resumed: what it is told, and what must hold of that at once.
//!
//! Of each stream, that is between two kills:
//!
//! * No version of an object comes twice, unless it says something else (what changes without moving the changed-time);
//!   no deletion does; no two positions are the same.
//! * Nothing of an object comes after something newer of it: no older version, no version from before a deletion.
//! * What is deleted has been: archived, merged away, or erased. What was merged away comes never again, and its deletion
//!   names the object that it lives on in. What lives again is a `create`.
//! * Images of the time before are of the time before.
//!
//! Of a stream that resumes: it repeats nothing older than its position says, and, where the stream had caught up, nothing
//! older than the docs say.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use fastrand::Rng;
use hubspot_catalog::{Kind, Resource};
use hubspot_client::Object as Map;
use hubspot_source::engine::{Change, DeleteReason};
use hubspot_source::item::{Item, Millis};
use hubspot_source::position::{self, Cursor, Followed, Left, Place, Resume, Snapshotted};
use opencdc::{Operation, Position};
use serde_json::Value;

use super::crm::{SCORE, VALUE};
use super::history::ASSOCIATED;
use super::seeds::tells;
use super::{EPOCH, History, KEPT, Object, World};

/// What an object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) value: u64,
    pub(super) score: u32,
    /// Where associations are read.
    pub(super) links: Option<BTreeSet<u64>>,
}

/// Objects a search page.
const PAGE: usize = 200;

/// What a stream has told last of an object.
#[derive(Debug)]
enum Told {
    Lives(Millis, Held),
    Gone {
        /// When, where HubSpot says so.
        at: Option<Millis>,
        /// Whether it was merged into another object: then it never comes back.
        merged: bool,
    },
}

/// A record that hasn't been acknowledged.
#[derive(Clone, Debug)]
struct Record {
    /// Which object; none where it is another resource's, and this one's place is only in its position.
    id: Option<u64>,
    held: Option<Held>,
    /// Its version, or when it was deleted.
    at: Option<Millis>,
    position: Position,
    /// When it was delivered.
    delivered: Millis,
}

/// Where a stream was resumed.
#[derive(Clone, Copy, Debug)]
enum Resumed {
    Snapshot { since: Millis, by_page: bool },
    Follow { settled: Millis, sweep: Millis, delivered: Millis },
}

/// What the reader knows: the value of each object, by what it has been told.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) state: HashMap<u64, Held>,
    pub(super) position: Position,
    /// When the record of that position was delivered.
    delivered: Millis,
    unacknowledged: VecDeque<Record>,
    /// What has been acknowledged: which version, or deletion, of which object.
    acknowledged: HashSet<(u64, bool, Millis)>,
    /// The number of this engine's last record.
    number: u64,
    resumed: Option<Resumed>,
    /// Whether the list of all objects is read again from its beginning.
    pub(super) restarted: bool,
    /// Every position of this engine's.
    positions: HashSet<Position>,
    told: HashMap<u64, Told>,
    /// How many deletions of an object this engine's stream has told.
    deletions: HashMap<u64, u32>,
    /// How many records this engine's stream has repeated, and how many of them were older than a lag.
    pub(super) repeats: usize,
    old: HashSet<Millis>,
    pub(super) most_old: usize,
}

impl Reader {
    /// Without a snapshot, what is there when the stream begins is known from elsewhere.
    pub(super) fn begin(&mut self, store: &BTreeMap<u64, Object>) {
        if self.position.is_empty() {
            let held =
                |object: &Object| Held { value: object.value, score: object.score, links: Some(object.links.clone()) };
            self.state = store.iter().map(|(id, object)| (*id, held(object))).collect();
        }
    }

    /// A new engine's stream begins, behind the record of this number.
    pub(super) fn resume(&mut self, number: u64, resume: Option<&Resume>) {
        self.number = number;
        self.resumed = match resume {
            Some(Resume::At(Cursor::Snapshot(Snapshotted { start, since, left }))) => {
                let by_page = !matches!(left, Left::Objects(Place::Ranges(_)));
                Some(Resumed::Snapshot { since: since.unwrap_or(*start), by_page })
            }
            Some(Resume::At(Cursor::Follow(Followed { settled, sweep, .. }))) => {
                Some(Resumed::Follow { settled: *settled, sweep: *sweep, delivered: self.delivered })
            }
            _ => None,
        };
        self.repeats = 0;
        self.restarted = false;
        self.old.clear();
        self.positions.clear();
        self.told.clear();
        self.deletions.clear();
    }

    /// What is left of it when it is killed now: all that was acknowledged had its effect, and nothing else.
    pub(super) fn survivor(&self) -> Self {
        Self {
            state: self.state.clone(),
            position: self.position.clone(),
            delivered: self.delivered,
            acknowledged: self.acknowledged.clone(),
            ..Self::default()
        }
    }

    /// Whether this engine's stream has told anything, or the one that it goes on for.
    pub(super) fn was_told(&self) -> bool {
        !self.told.is_empty() || self.resumed.is_some()
    }

    pub(super) fn waiting(&self) -> usize {
        self.unacknowledged.len()
    }

    pub(super) fn receive(&mut self, changes: Vec<Change>, world: &World, history: &History) -> Result<(), String> {
        for change in changes {
            self.number += 1;
            let position = change.position(world.resource, self.number);
            if !self.positions.insert(position.clone()) {
                return Err(format!("the position {position} is there twice"));
            }
            let id = change.id.to_string().parse().expect("ids are numbers");
            if tells() {
                let at = changed_at(world.resource, &change.item).or_else(|| deleted_at(world.resource, &change.item));
                let (operation, reason, at) = (change.operation, change.reason, at.map(|at| at - EPOCH));
                eprintln!(
                    "    {operation:?} of {id} at {at:?} ({reason:?}, {:?}) {:?}",
                    change.merged_into, change.item
                );
            }
            let (held, at) = if change.operation == Operation::Delete {
                (None, self.deletion(id, &change, world, history)?)
            } else {
                let (held, version) = self.state_of(id, &change, world, history)?;
                (Some(held), Some(version))
            };
            self.check_repeat(id, &change, at, world, history)?;
            self.unacknowledged.push_back(Record { id: Some(id), held, at, position, delivered: world.now });
        }
        Ok(())
    }

    /// Another resource of the same source has a record: its position says where a restart of this one would go on.
    pub(super) fn pass(&mut self, cursor: &Cursor, world: &World) {
        self.number += 1;
        let position = position::write(self.number, [(world.resource.name, cursor.to_text().as_str())]);
        self.unacknowledged.push_back(Record { id: None, held: None, at: None, position, delivered: world.now });
    }

    /// An object as it lives.
    fn state_of(
        &mut self,
        id: u64,
        change: &Change,
        world: &World,
        history: &History,
    ) -> Result<(Held, Millis), String> {
        let (operation, item) = (change.operation, &change.item);
        let version = changed_at(world.resource, item).ok_or_else(|| format!("{id} came without its changed-time"))?;
        // One that is gone when the rest of it is read is delivered as the search has it.
        let left = world.died.contains_key(&id);
        let held = held(world.resource, item, history, left)
            .ok_or_else(|| format!("{id} came without what was asked for: {item:?}"))?;
        let since = |at: Millis| at - EPOCH;
        // The pages of a CMS snapshot may shift, and are read again then; so is a list whose cursors turn out to be no ids.
        let may_repeat = operation == Operation::Snapshot && (!world.is_crm() || self.restarted);
        match self.told.get(&id) {
            Some(Told::Lives(known, _)) if *known > version => {
                return Err(format!(
                    "{operation:?} of {id} at {} comes after its version of {}",
                    since(version),
                    since(*known)
                ));
            }
            Some(Told::Lives(known, said))
                if *known == version && !may_repeat && (history.census().is_none() || *said == held) =>
            {
                return Err(format!("{operation:?} of {id} at {} is delivered twice", since(version)));
            }
            Some(Told::Gone { at, merged, .. }) => {
                // One that was archived first, restored, and then merged away may live once more in between.
                if *merged && at.is_none() {
                    return Err(format!(
                        "{id}, which was merged away, is delivered as {operation:?} after its deletion"
                    ));
                }
                if at.is_some_and(|at| at >= version) {
                    return Err(format!("{operation:?} of {id} at {} comes after its deletion", since(version)));
                }
                // What the index never shows, an audit finds, which can't tell.
                if operation != Operation::Create && !world.ever_hidden.contains(&id) {
                    return Err(format!("{id}, which was deleted and lives again, is delivered as {operation:?}"));
                }
            }
            _ => {}
        }
        if history.reading.before && operation == Operation::Update {
            match &change.before {
                Some(before) => Self::check_before(id, before, version, world, history)?,
                None if left => {}
                None => return Err(format!("an update of {id} has no image of before")),
            }
        }
        self.told.insert(id, Told::Lives(version, held.clone()));
        Ok((held, version))
    }

    fn check_before(id: u64, before: &Map, version: Millis, world: &World, history: &History) -> Result<(), String> {
        let Some(value) = before.get("properties").and_then(|properties| properties.get(VALUE)) else { return Ok(()) };
        let archived = || world.archived.get(&id).map(|archived| &archived.object);
        let Some(Object { past, .. }) = world.store.get(&id).or_else(archived) else { return Ok(()) };
        // Edits within a second of each other are one to HubSpot's reader: their instants needn't be the changed-time.
        if past.iter().any(|(at, _)| *at != version && (at - version).abs() <= 1_000) {
            return Ok(());
        }
        let value = value.as_str().and_then(|value| value.parse::<u64>().ok());
        let earlier = past.iter().any(|(at, was)| *at < version && Some(*was) == value);
        // One that was restored has the value that it had; so has one of which something else has changed.
        let may_be_same = world.died.contains_key(&id) || history.changes_silently();
        let same = may_be_same && past.iter().rfind(|(at, _)| *at <= version).is_some_and(|(_, is)| Some(*is) == value);
        // An audit can't tell what is new from what is only unseen.
        let never = value.is_none() && past.iter().all(|(at, _)| *at >= version);
        if earlier || same || never || past.len() == KEPT {
            return Ok(());
        }
        Err(format!("the update of {id} at {} says that it was {value:?}, which it wasn't: {past:?}", version - EPOCH))
    }

    /// An object's deletion; when that was, where HubSpot says so.
    fn deletion(
        &mut self,
        id: u64,
        change: &Change,
        world: &World,
        history: &History,
    ) -> Result<Option<Millis>, String> {
        let at = deleted_at(world.resource, &change.item);
        let deaths = world.died.get(&id).copied().unwrap_or(0);
        if deaths == 0 {
            return Err(format!("{id} is delivered as deleted ({:?}), and never was", change.reason));
        }
        match self.told.get(&id) {
            Some(Told::Gone { .. })
                if at.is_none() && deaths <= self.deletions[&id] && !world.erased.contains_key(&id) =>
            {
                return Err(format!("{id} is delivered as deleted twice"));
            }
            Some(Told::Gone { at: known, .. }) if at.is_some() && at <= *known => {
                return Err(format!("the deletion of {id} at {at:?} comes after that of {known:?}"));
            }
            Some(Told::Lives(version, _)) if at.is_some_and(|at| at < *version) => {
                return Err(format!("the deletion of {id} at {at:?} comes after its version of {}", version - EPOCH));
            }
            _ => {}
        }
        let winner = world.winners.contains_key(&id).then(|| world.resolve(id));
        match (change.reason, &change.merged_into) {
            (None, _) => return Err(format!("the deletion of {id} doesn't say why")),
            (Some(DeleteReason::Merged), Some(named)) => {
                let mut lives_in = id;
                while let Some(next) = world.winners.get(&lives_in) {
                    lives_in = *next;
                    if lives_in.to_string() == named.to_string() {
                        break;
                    }
                }
                if lives_in.to_string() != named.to_string() {
                    return Err(format!("{id} is said to be merged into {named}, and was into {winner:?}"));
                }
            }
            (Some(DeleteReason::Merged), None) => return Err(format!("nothing says what {id} was merged into")),
            // Of a chain of which the last link is gone, or was for a while, HubSpot can't say.
            (Some(reason), _) => {
                let links = std::iter::successors(world.winners.get(&id), |link| world.winners.get(link));
                let merged_only = |link: &u64| world.died.get(link).is_none_or(|deaths| *deaths <= 1);
                let listed = world.archived.get(&id).is_some_and(|archived| Some(archived.at) == at);
                let says = listed && !world.erased.contains_key(&id);
                if says
                    && links.copied().all(|link| merged_only(&link))
                    && winner
                        .is_some_and(|winner| world.store.contains_key(&winner) && !world.died.contains_key(&winner))
                {
                    return Err(format!("{id} was merged into {winner:?}, and is delivered as {reason:?}"));
                }
            }
        }
        if let Some(archived) = world.archived.get(&id).filter(|_| history.reading.deletes_payload && world.is_crm()) {
            let is_archived = change.reason == Some(DeleteReason::Archived) && Some(archived.at) == at;
            let value = change.before.as_ref().map(|before| before.get("properties").and_then(|all| all.get(VALUE)));
            let wanted = Value::from(archived.object.value.to_string());
            if is_archived && value != Some(Some(&wanted)) {
                return Err(format!("the deletion of {id} has {:?}, not the object with {wanted}", change.before));
            }
        }
        self.told.insert(id, Told::Gone { at, merged: change.merged_into.is_some() });
        *self.deletions.entry(id).or_default() += 1;
        Ok(at)
    }

    /// What comes again after a restart lies in the window that the position, and the docs, say.
    fn check_repeat(
        &mut self,
        id: u64,
        change: &Change,
        at: Option<Millis>,
        world: &World,
        history: &History,
    ) -> Result<(), String> {
        let gone = change.operation == Operation::Delete;
        let Some(at) = at.filter(|at| self.acknowledged.contains(&(id, gone, *at))) else { return Ok(()) };
        let Some(resumed) = self.resumed else { return Ok(()) };
        self.repeats += 1;
        let from = match resumed {
            // The position of a page of a list, or of a CMS walk, stands for all of the page, or the millisecond.
            Resumed::Snapshot { by_page, .. } if change.operation == Operation::Snapshot => {
                if world.is_crm() && !by_page && !self.restarted {
                    return Err(format!("{id} is delivered by the snapshot again, though it had been acknowledged"));
                }
                return Ok(());
            }
            Resumed::Snapshot { since, .. } => since,
            Resumed::Follow { settled, sweep, delivered } => {
                let usual = history.lag + history.slack();
                // Where much changes, settling may fall back by as much again, or by a minute.
                let fallen = usual + history.lag.max(60_000);
                let dense = world.happened_between(delivered - fallen, delivered) > PAGE;
                let reach = if dense { fallen } else { usual };
                if !gone && at < delivered - reach {
                    self.old.insert(at);
                }
                self.most_old = self.most_old.max(self.old.len());
                if gone { sweep } else { settled }
            }
        };
        if at < from && history.census().is_none() {
            return Err(format!(
                "{:?} of {id} at {} is repeated, though its position says that all before {} is done",
                change.operation,
                at - EPOCH,
                from - EPOCH
            ));
        }
        Ok(())
    }

    pub(super) fn take(&mut self, acknowledge: bool) {
        if let Some(Record { id, held, at, position, delivered }) = self.unacknowledged.pop_front() {
            if acknowledge {
                (self.position, self.delivered) = (position, delivered);
                self.acknowledged.extend(id.zip(at).map(|(id, at)| (id, held.is_none(), at)));
            }
            let Some(id) = id else { return };
            match held {
                Some(held) => self.state.insert(id, held),
                None => self.state.remove(&id),
            };
        }
    }

    /// Some of what it received and didn't acknowledge had its effect, the rest is gone.
    pub(super) fn die(&mut self, rng: &mut Rng, resource: &Resource) {
        // With no position yet, whatever had its effect would be out of any connector's sight; so would be an entry of a
        // directory without a list of archived ones that is deleted right then.
        let is_lasting = !matches!(resource.kind, Kind::Directory(_));
        if !self.position.is_empty() && is_lasting {
            for _ in 0..rng.usize(..=self.unacknowledged.len()) {
                self.take(false);
            }
        }
        self.unacknowledged.clear();
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
        Kind::Crm(_) => item.time("archivedAt"),
        Kind::Cms(cms) => item.first_time(cms.deleted_fields),
        Kind::Directory(_) => None,
    }
}

/// What an object says; `None` when it lacks something that was to be read, unless it `left`.
fn held(resource: &Resource, item: &Item, history: &History, left: bool) -> Option<Held> {
    let map = item.as_map();
    if !resource.is_crm() {
        return Some(Held { value: map.get("value")?.as_u64()?, score: 0, links: None });
    }
    let properties = map.get("properties")?;
    let score = properties.get(SCORE)?;
    let score = if history.reading.typed { score.as_u64()? } else { score.as_str()?.parse().ok()? };
    let links = match (history.reading.associates, map.get("associations")) {
        (false, None) => None,
        (true, None) if left => None,
        (true, Some(associations)) => {
            let ids = associations.get(ASSOCIATED)?.as_array()?.iter();
            Some(ids.map(|entry| entry.get("id")?.as_str()?.parse().ok()).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Held { value: properties.get(VALUE)?.as_str()?.parse().ok()?, score: score as u32, links })
}
