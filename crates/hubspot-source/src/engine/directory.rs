//! Directories: short lists that HubSpot gives whole, and can neither search nor filter by time.
//!
//! The list is read again and again and compared with what is remembered of it: an id and a hash an entry, some 50 bytes. An
//! entry that is new is a `create`, one that says something else an `update`, one that isn't listed any more a `delete`.
//! Of owners the list takes several pages, so one that isn't listed is looked for once more, in the archived list too.
//!
//! # Across a restart
//!
//! What is remembered is lost, and the first reading can only compare with the cursor:
//!
//! * An entry that says it was updated after the cursor's `since`, or shortly before, is delivered (again).
//! * The cursor carries the ids that the reader has, as long as they take at most [`DirectoryOptions::ids`] bytes (200, and less where a position has many directories): those that aren't listed
//!   any more are deleted. Of a longer directory it carries deletions alone that have been met and not delivered yet. So what is
//!   deleted of a longer one while nobody reads isn't seen; but owners have an archived list, all of which is delivered
//!   (again) as deletes then.
//!   An owner who is restored between the two lists of that reading, and archived again before the next, isn't seen.
//! * What changes while nobody reads, without its `updatedAt` moving, isn't seen.

mod ids;

use std::collections::{BTreeMap, BTreeSet};

use hubspot_catalog::Directory;
use hubspot_client::Object;
use opencdc::Operation;
use serde_json::Value;

use self::ids::Ids;
use super::fingerprint::of_object;
use crate::ask::{DirectoryRequest, Request, Response};
use crate::error::AnswerError;
use crate::item::{Item, ItemId, Millis};

/// How far before a cursor changes are delivered again after a restart, in milliseconds: the clocks of HubSpot's servers
/// need not agree, and an update may take a moment to be listed.
const MARGIN: Millis = 10_000;

/// The shortest pause between two readings, in milliseconds.
const SHORTEST_PAUSE: Millis = 100;

/// How a directory is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DirectoryOptions {
    /// Deliver what is there first.
    pub(crate) snapshot: bool,
    /// From the beginning of one reading to that of the next, in milliseconds.
    pub(crate) interval: Millis,
    /// So many bytes of ids a cursor carries at most.
    pub(crate) ids: usize,
}

/// Where to resume; times are HubSpot's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryCursor {
    /// When the stream began: what was created since is a `create`.
    pub start: Millis,
    /// Every change before this has been delivered.
    pub since: Millis,
    /// In the snapshot: the id up to which it has been delivered; empty before the first one.
    pub snapshot: Option<String>,
    /// Ids that the reader has, in ASCII: those that aren't listed on resume are deleted.
    pub ids: Option<String>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DirectoryTask {
    /// Make this request; its answer belongs to [`DirectoryEngine::absorb`].
    Request(Request),
    /// Nothing before this instant of the caller's clock, in milliseconds.
    Wait(Millis),
}

/// Why an entry is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vanished {
    /// It is listed as archived.
    Archived,
    /// It isn't listed.
    Missing,
}

/// Something to deliver.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DirectoryChange {
    pub(crate) operation: Operation,
    pub(crate) id: ItemId,
    /// The entry as HubSpot sent it; of one that is missing, its id.
    pub(crate) item: Item,
    /// Of a delete.
    pub(crate) reason: Option<Vanished>,
    /// Where to resume behind this change.
    pub(crate) cursor: DirectoryCursor,
}

/// One reading of the list, under way.
#[derive(Debug, Default)]
struct Reading {
    began: Millis,
    /// Whether the archived list is read now.
    of_archived: bool,
    /// Whether the other list comes after it.
    other_follows: bool,
    after: Option<String>,
    /// HubSpot's clock, not after the reading of the first page.
    hub: Option<Millis>,
    listed: BTreeMap<ItemId, Item>,
    archived: BTreeMap<ItemId, Item>,
}

/// The state machine that reads one directory.
#[derive(Debug)]
pub(crate) struct DirectoryEngine {
    directory: Directory,
    options: DirectoryOptions,
    /// Where the last reading ended; where to resume before the first one.
    cursor: Option<DirectoryCursor>,
    /// Whether a reading has ended.
    has_read: bool,
    /// What the reader has, and a hash of it, if it was read.
    known: BTreeMap<ItemId, Option<u64>>,
    /// Those of them that weren't listed and are looked for once more.
    suspects: BTreeSet<ItemId>,
    reading: Option<Reading>,
    due: Millis,
}

impl DirectoryEngine {
    /// Starts over, or resumes. Where another connector's position only says since when changes are wanted, that is a cursor's
    /// `start` and `since`.
    pub(crate) fn new(directory: Directory, options: DirectoryOptions, resume: Option<DirectoryCursor>) -> Self {
        let mut cursor = resume;
        if let Some(cursor) = cursor.as_mut().filter(|_| !options.snapshot) {
            // The snapshot was switched off half way: the rest of it is left out, its changes aren't.
            cursor.snapshot = None;
        }
        let (known, suspects, due) = (BTreeMap::new(), BTreeSet::new(), Millis::MIN);
        Self { directory, options, cursor, has_read: false, known, suspects, reading: None, due }
    }

    /// What to do at `now` of the caller's clock; the same request until it is answered.
    pub(crate) fn next(&mut self, now: Millis) -> DirectoryTask {
        if self.reading.is_none() && now < self.due {
            return DirectoryTask::Wait(self.due);
        }
        // The list that is read last is right about who is in both. Who is in neither must be known to be missed: of those
        // the archived list comes first, so that nobody who is restored meanwhile is taken for gone. Where the archived list
        // is all that tells who is gone, it comes last, so that nobody who is archived meanwhile is overlooked.
        let (of_archived, other_follows) = (!self.suspects.is_empty(), self.wants_archived());
        let new = || Reading { began: now, of_archived, other_follows, ..Reading::default() };
        let reading = self.reading.get_or_insert_with(new);
        let request = DirectoryRequest { after: reading.after.clone(), archived: reading.of_archived };
        DirectoryTask::Request(Request::Directory(self.directory, request))
    }

    /// Whether the archived list is needed: to tell why an owner isn't listed any more, or which were deleted while nobody
    /// read.
    fn wants_archived(&self) -> bool {
        let unknown = !self.has_read && self.cursor.is_some();
        !self.suspects.is_empty() || unknown && matches!(self.directory, Directory::Owners)
    }

    /// Reads the answer to the request, at `now` of the caller's clock: what is to be delivered, in order. `hub` is HubSpot's
    /// clock, not after its reading.
    ///
    /// # Errors
    /// When the answer has an entry without an id.
    pub(crate) fn absorb(
        &mut self,
        response: Response,
        hub: Millis,
        now: Millis,
    ) -> Result<Vec<DirectoryChange>, AnswerError> {
        let Some(mut reading) = self.reading.take() else { return Ok(Vec::new()) };
        reading.hub.get_or_insert(hub);
        for item in response.items {
            let id = item.id().ok_or(AnswerError::NoId)?;
            if reading.of_archived || item.flag("archived") {
                reading.archived.insert(id, item);
            } else {
                reading.listed.insert(id, item);
            }
        }
        reading.after = response.next;
        if reading.after.is_some() || reading.other_follows {
            if reading.after.is_none() {
                (reading.of_archived, reading.other_follows) = (!reading.of_archived, false);
            }
            self.reading = Some(reading);
            return Ok(Vec::new());
        }
        if reading.of_archived {
            reading.listed.retain(|id, _| !reading.archived.contains_key(id));
        } else {
            reading.archived.retain(|id, _| !reading.listed.contains_key(id));
        }
        let began = reading.began;
        let changes = self.compare(reading, hub);
        let pause = if self.suspects.is_empty() { self.options.interval } else { 0 };
        self.due = began.saturating_add(pause).max(now + SHORTEST_PAUSE);
        Ok(changes)
    }

    /// What is different from what the reader has.
    fn compare(&mut self, reading: Reading, hub: Millis) -> Vec<DirectoryChange> {
        let hub = reading.hub.unwrap_or(hub);
        let is_first = !std::mem::replace(&mut self.has_read, true);
        let resumed = self.cursor.take();
        let is_new = resumed.is_none();
        let resumed = resumed.unwrap_or_else(|| DirectoryCursor {
            start: hub,
            since: hub,
            snapshot: self.options.snapshot.then(String::new),
            ids: None,
        });
        let mut plan = Plan::new(resumed, hub);
        if is_first {
            self.meet_again(&reading, is_new, &mut plan);
        }
        let mut missed = BTreeSet::new();
        for id in self.known.keys().filter(|id| !reading.listed.contains_key(id)) {
            let archived = reading.archived.contains_key(id);
            // The pages of a list aren't read at one time.
            let in_pages = matches!(self.directory, Directory::Owners);
            if in_pages && !archived && !self.suspects.contains(id) {
                missed.insert(id.clone());
            } else {
                plan.deletes.insert(id.clone());
            }
        }
        self.suspects = missed;
        for (id, item) in &reading.listed {
            let hash = of_object(item.as_map());
            match self.known.get(id) {
                Some(known) if *known != Some(hash) => plan.put(Operation::Update, id, item),
                None => plan.put(Operation::Create, id, item),
                Some(_) => {}
            }
        }
        self.deliver(plan, reading)
    }

    /// The first reading: what the reader has by the cursor's word is what is listed, unless it says otherwise.
    fn meet_again(&mut self, reading: &Reading, is_new: bool, plan: &mut Plan) {
        let DirectoryCursor { start, since, snapshot, ids } = plan.cursor.clone();
        let ids = Ids::parse(ids.as_deref());
        let delivered = snapshot.as_deref().map(|id| (!id.is_empty()).then(|| ItemId::from(id)));
        for (id, item) in &reading.listed {
            let hash = of_object(item.as_map());
            if let Some(last) = &delivered
                && last.as_ref().is_none_or(|last| id > last)
            {
                plan.snapshot.push(id.clone());
            } else if !is_new {
                let (created, updated) = (item.time("createdAt").unwrap_or(0), updated(item));
                let known = ids.known.contains(id);
                let recent = updated >= since - MARGIN;
                if !known && (ids.whole || recent && created >= start.max(since)) {
                    continue;
                }
                if recent {
                    plan.put(Operation::Update, id, item);
                }
            }
            self.known.insert(id.clone(), Some(hash));
        }
        for id in &ids.known {
            self.known.entry(id.clone()).or_insert(None);
        }
        plan.certain = is_new || ids.whole;
        if !is_new {
            plan.deletes.extend(reading.archived.keys().cloned());
        }
    }

    /// Puts the changes in an order, with a cursor behind each from which the rest is found again: first the rest of the
    /// snapshot by id, then deletes, whose ids the cursor carries as far as it can, then the others from the least recently
    /// updated to the most.
    fn deliver(&mut self, mut plan: Plan, mut reading: Reading) -> Vec<DirectoryChange> {
        let mut changes = Vec::new();
        let snapshot = std::mem::take(&mut plan.snapshot);
        plan.puts.sort_unstable();
        let rest: usize = plan.deletes.len() + plan.puts.len();
        // What the snapshot hasn't reached is in no cursor.
        self.known.retain(|id, _| snapshot.binary_search(id).is_err());
        for (place, id) in snapshot.iter().enumerate() {
            let Some(item) = reading.listed.get(id) else { continue };
            self.known.insert(id.clone(), Some(of_object(item.as_map())));
            plan.cursor.snapshot = (place + 1 < snapshot.len() || rest > 0).then(|| id.to_string());
            let cursor = self.cursor_behind(&plan);
            let (operation, item, reason) = (Operation::Snapshot, item.clone(), None);
            changes.push(DirectoryChange { operation, id: id.clone(), item, reason, cursor });
        }
        plan.cursor.snapshot = None;
        while let Some(id) = plan.deletes.pop_first() {
            self.known.remove(&id);
            let archived = reading.archived.remove(&id);
            let reason = Some(if archived.is_some() { Vanished::Archived } else { Vanished::Missing });
            let item = archived
                .unwrap_or_else(|| Item::new(Object::from_iter([("id".to_owned(), Value::String(id.to_string()))])));
            plan.certain |= plan.deletes.is_empty() && plan.puts.is_empty();
            let cursor = self.cursor_behind(&plan);
            changes.push(DirectoryChange { operation: Operation::Delete, id, item, reason, cursor });
        }
        let mut puts = std::mem::take(&mut plan.puts).into_iter().peekable();
        while let Some((_, id, is_create)) = puts.next() {
            let Some(item) = reading.listed.get(&id).cloned() else { continue };
            self.known.insert(id.clone(), Some(of_object(item.as_map())));
            plan.next = puts.peek().map(|(updated, ..)| *updated);
            plan.certain |= plan.next.is_none();
            let operation = if is_create { Operation::Create } else { Operation::Update };
            let cursor = self.cursor_behind(&plan);
            changes.push(DirectoryChange { operation, id, item, reason: None, cursor });
        }
        (plan.next, plan.certain) = (None, true);
        self.cursor = Some(self.cursor_behind(&plan));
        changes
    }

    /// The cursor behind what the reader has now, before what is planned still.
    fn cursor_behind(&self, plan: &Plan) -> DirectoryCursor {
        let mut cursor = plan.cursor.clone();
        if cursor.snapshot.is_none() {
            let next = plan.next.or_else(|| plan.puts.first().map(|(updated, ..)| *updated));
            // Nothing of HubSpot's is older than the epoch, whatever it says of itself.
            cursor.since = next.map_or(plan.hub, |next| next.min(plan.hub)).max(0);
        }
        let all = plan.certain.then(|| self.known.keys());
        cursor.ids = Ids::format(all, plan.deletes.union(&self.suspects), self.options.ids);
        cursor
    }

    /// The cursor behind all that has been returned; nothing before the first reading of a new stream.
    pub(crate) fn cursor(&self) -> Option<DirectoryCursor> {
        self.cursor.clone()
    }

    /// How many entries are remembered.
    pub(crate) fn remembered(&self) -> usize {
        let read = self.reading.as_ref().map_or(0, |reading| reading.listed.len() + reading.archived.len());
        self.known.len() + self.suspects.len() + read
    }

    /// Whether the stream is still delivering what was there when it began.
    pub(crate) fn in_snapshot(&self) -> bool {
        !self.has_read && self.options.snapshot && self.cursor.as_ref().is_none_or(|cursor| cursor.snapshot.is_some())
    }

    /// Whether the stream doesn't know yet where it begins: a change made before may be left out of one without a snapshot.
    pub(crate) fn is_beginning(&self) -> bool {
        self.cursor.is_none() && !self.options.snapshot
    }
}

/// What a reading has to deliver.
#[derive(Debug)]
struct Plan {
    cursor: DirectoryCursor,
    hub: Millis,
    /// Whether all is known that the reader has: not in the first reading after a restart, if the cursor didn't say.
    certain: bool,
    snapshot: Vec<ItemId>,
    deletes: BTreeSet<ItemId>,
    /// When it was updated, which, and whether it is created.
    puts: Vec<(Millis, ItemId, bool)>,
    /// When the next of them was updated, while they are taken out.
    next: Option<Millis>,
}

impl Plan {
    fn new(cursor: DirectoryCursor, hub: Millis) -> Self {
        let (snapshot, deletes, puts) = (Vec::new(), BTreeSet::new(), Vec::new());
        Self { cursor, hub, certain: true, snapshot, deletes, puts, next: None }
    }

    fn put(&mut self, operation: Operation, id: &ItemId, item: &Item) {
        self.puts.push((updated(item), id.clone(), operation == Operation::Create));
    }
}

/// When an entry says it was updated. HubSpot's own, such as the default pipeline, may say the epoch: never.
fn updated(item: &Item) -> Millis {
    item.time("updatedAt").unwrap_or(0)
}

#[cfg(test)]
mod tests;
