//! The engine: what to ask HubSpot next, and what the answer meant. No I/O, no clock, no randomness: time comes in as
//! an argument, so whole histories run in a simulation (`tests/losing_nothing.rs`).
//!
//! Two clocks are in play and never mixed. *HubSpot's*, from its `Date` headers: all cursors are in it. *The caller's*:
//! it only says when to poll again, so it may be hours off.

mod cms;
mod crm;
mod facts;
mod follow;
mod seen;
mod snapshot;
mod sweep;
mod walk;

use hubspot_catalog::{Cms, Kind, Resource};
use hubspot_client::{LIST_LIMIT, SEARCH_LIMIT};
use opencdc::{Operation, Position};

use self::cms::Axis;
use self::facts::{created, deleted, draining, is_deleted, rows, updated};
use self::follow::{Beginning, Follow, Manner, Task};
use self::snapshot::{Handover, Snapshot};
use self::sweep::Deletions;
use self::walk::{Draining, Row, Walk};
use crate::ask::{Ask, Request, Response};
use crate::error::AnswerError;
use crate::item::{Item, ItemId, Millis};
use crate::position::{Cursor, Resume};

/// How far behind its `Date` HubSpot's clock is taken to be at least: the clocks of its servers need not agree to the
/// millisecond.
const DATE_MARGIN: Millis = 1_000;

/// How the engine reads; all durations in milliseconds. See [`Config`](crate::Config) for the meanings and defaults.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are Config's")]
pub struct Options {
    pub page_size: u32,
    pub extra_properties: Vec<String>,
    pub snapshot: bool,
    pub polling_period: Millis,
    pub lag: Millis,
    pub deletes_interval: Millis,
}

impl Options {
    fn cms_page(&self) -> u32 {
        self.page_size.min(LIST_LIMIT)
    }
}

/// Something to deliver.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub operation: Operation,
    /// The object's id.
    pub id: ItemId,
    /// The object as HubSpot sent it; of a deleted one, as the archived list has it.
    pub item: Item,
    /// When the object was created.
    pub created_at: Option<Millis>,
    /// Where to resume once this has been acknowledged: everything behind it is delivered (again).
    pub cursor: Cursor,
    /// Its number in the stream, restarts included: no two positions are the same.
    pub number: u64,
}

impl Change {
    /// The position of this change in the stream of `resource`.
    pub fn position(&self, resource: &str) -> Position {
        self.cursor.to_position(resource, self.number)
    }
}

/// Which properties are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Properties {
    /// The type's default ones: HubSpot picks them.
    Default,
    /// Extra ones are wanted. Asking for any turns HubSpot's defaults off, so they are learned from the first page that
    /// has objects.
    Unlearned,
    /// These: the defaults and the extra ones.
    Named(Vec<String>),
}

#[derive(Debug)]
enum Phase {
    /// A resource that doesn't say when objects were deleted: note those that are deleted before the stream begins.
    Baseline(Deletions),
    /// Ask for HubSpot's clock, to follow from now on.
    Clock(Deletions),
    /// Deliver what is there. What changes meanwhile is delivered again by the stream.
    Snapshot(Snapshot),
    /// Deliver changes.
    Follow(Box<Follow>),
}

impl From<Follow> for Phase {
    fn from(follow: Follow) -> Self {
        Self::Follow(Box::new(follow))
    }
}

/// The state machine that reads one resource.
#[derive(Debug)]
pub struct Engine {
    kind: Kind,
    options: Options,
    phase: Phase,
    properties: Properties,
    /// When the request under way was asked for, by the caller's clock, and what it is.
    asked: Option<(Millis, Purpose)>,
    /// An instant of HubSpot's clock that has certainly passed.
    hub: Option<Millis>,
    /// The number of the last change.
    number: u64,
}

/// What the request under way is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purpose {
    Archived,
    Clock,
    SnapshotPage,
    Walk,
    Count,
}

impl Engine {
    /// An engine for `resource` that starts over, or resumes.
    pub fn new(resource: &'static Resource, options: Options, resume: Option<Resume>) -> Self {
        let kind = resource.kind;
        let wants_extra = matches!(kind, Kind::Crm(_)) && !options.extra_properties.is_empty();
        let properties = if wants_extra { Properties::Unlearned } else { Properties::Default };
        let number = if let Some(Resume::At { number, .. }) = &resume { *number } else { 0 };
        let phase = Phase::Clock(Deletions::since(0));
        let mut engine = Self { kind, options, phase, properties, asked: None, hub: None, number };
        engine.phase = engine.first_phase(resume);
        engine
    }

    fn first_phase(&self, resume: Option<Resume>) -> Phase {
        let lag = self.options.lag;
        let snapshot = self.options.snapshot;
        match resume {
            None if self.undated() => Phase::Baseline(Deletions::since(0)),
            None if snapshot => Phase::Snapshot(Snapshot::default()),
            Some(Resume::GoSnapshot { initial }) if snapshot => Phase::Snapshot(Snapshot::in_place_of(initial)),
            None | Some(Resume::GoCdc { timestamp: None } | Resume::GoSnapshot { initial: None }) => {
                Phase::Clock(Deletions::since(0))
            }
            Some(Resume::At { cursor, .. }) => match cursor {
                Cursor::Snapshot { start, after, created, since } if snapshot => {
                    Phase::Snapshot(Snapshot::resumed(start, after, created, since))
                }
                // The snapshot was switched off half way: the rest of it is left out, its changes aren't.
                Cursor::Snapshot { start, since, .. } => self.follow_from(start, since.unwrap_or(start)),
                // A stale index entry may bring back what was deleted up to a lag ago. `sweep` lies before that, so
                // those deletions are delivered again behind it.
                Cursor::Follow { start, known, settled, drain, sweep, .. } => {
                    self.follow(Beginning { start, known, settled, drain }, Deletions::since(sweep)).into()
                }
            },
            Some(Resume::GoSnapshot { initial: Some(time) } | Resume::GoCdc { timestamp: Some(time) }) => {
                self.follow_from(time, look_back(time, lag))
            }
        }
    }

    /// Follows changes and deletions since an instant.
    fn follow_from(&self, start: Millis, since: Millis) -> Phase {
        let beginning = Beginning { start, known: start, settled: since, drain: None };
        self.follow(beginning, Deletions::since(since)).into()
    }

    fn follow(&self, beginning: Beginning, deletions: Deletions) -> Follow {
        let Options { lag, polling_period, .. } = self.options;
        let manner = Manner { lag, polling_period, page: self.walk_page() as usize, kind: self.kind };
        Follow::new(manner, beginning, deletions)
    }

    /// Objects a page of changes.
    fn walk_page(&self) -> u32 {
        if matches!(self.kind, Kind::Crm(_)) { SEARCH_LIMIT } else { self.options.cms_page() }
    }

    /// Whether the resource doesn't say when an object was deleted.
    fn undated(&self) -> bool {
        matches!(self.kind, Kind::Cms(Cms { deleted_fields, .. }) if deleted_fields.is_empty())
    }

    /// Whether the stream is still delivering what was there when it began.
    pub fn in_snapshot(&self) -> bool {
        !matches!(self.phase, Phase::Follow(_))
    }

    /// Whether the stream doesn't know yet where it begins. A change made before this turns `false` may be left out of
    /// a stream without a snapshot; a later one is not.
    pub fn is_beginning(&self) -> bool {
        match &self.phase {
            Phase::Baseline(_) | Phase::Clock(_) => true,
            Phase::Snapshot(_) => false,
            Phase::Follow(follow) => follow.is_beginning(),
        }
    }

    /// What to ask at `now`, the caller's clock in milliseconds. After a request, its answer belongs to
    /// [`absorb`](Self::absorb); asking again before that gives the same request.
    pub fn next(&mut self, now: Millis) -> Ask {
        let limit = self.options.cms_page();
        let (task, request) = match &mut self.phase {
            Phase::Baseline(deletions) => {
                deletions.begin(now);
                (Purpose::Archived, archived(&self.kind, deletions))
            }
            Phase::Clock(_) => match &self.kind {
                Kind::Crm(crm) => (Purpose::Clock, crm::list(crm, None, 1, false, Vec::new())),
                Kind::Cms(cms) => (Purpose::Clock, cms::clock(cms)),
            },
            Phase::Snapshot(snapshot) => {
                let page = self.options.page_size.min(LIST_LIMIT);
                (Purpose::SnapshotPage, snapshot.request(&self.kind, page, named(&self.properties)))
            }
            Phase::Follow(follow) => match follow.next(now, self.hub) {
                Task::Wait(until) => return Ask::Wait(until),
                Task::Sweep => (Purpose::Archived, archived(&self.kind, &follow.deletions)),
                Task::Count { crm, from, to } => (Purpose::Count, crm::count(&crm, from, to)),
                Task::Walk(walk) => match &self.kind {
                    Kind::Crm(crm) => (Purpose::Walk, crm::walk(crm, &walk, named(&self.properties))),
                    Kind::Cms(cms) => (Purpose::Walk, cms::walk(cms, Axis::Updated, &walk, limit, false)),
                },
            },
        };
        self.asked = Some((now, task));
        Ask::Request(request)
    }

    /// Reads the answer to the request that [`next`](Self::next) asked for, at `now` of the caller's clock: what is to
    /// be delivered, in order.
    ///
    /// # Errors
    /// When HubSpot's answer can't be made sense of. The engine has come to its end then: what the answer had changed in
    /// it isn't taken back. A new one goes on from the last acknowledged position.
    pub fn absorb(&mut self, response: Response, now: Millis) -> Result<Vec<Change>, AnswerError> {
        let Some((asked, task)) = self.asked.take() else { return Ok(Vec::new()) };
        if let Some(date) = response.date {
            // The answer left HubSpot at its date; it was read no earlier than it was asked for.
            let certain = date - DATE_MARGIN - (now - asked).max(0);
            self.hub = Some(self.hub.map_or(certain, |hub| hub.max(certain)));
        }
        let hub = self.hub.ok_or(AnswerError::NoDate)?;
        if self.properties == Properties::Unlearned
            && matches!(task, Purpose::SnapshotPage | Purpose::Walk)
            && !response.items.is_empty()
        {
            self.learn(&response);
            return Ok(Vec::new());
        }
        let mut changes = match task {
            Purpose::Archived => self.absorb_archived(response, hub, now)?,
            Purpose::Clock => {
                self.absorb_clock(hub);
                Vec::new()
            }
            Purpose::SnapshotPage => self.absorb_snapshot(response, hub)?,
            Purpose::Count => {
                if let Phase::Follow(follow) = &mut self.phase {
                    follow.counted(response.total);
                }
                Vec::new()
            }
            Purpose::Walk => self.absorb_walk(response, hub, now)?,
        };
        for change in &mut changes {
            // Unique, and never a panic, whatever number a position had.
            self.number = self.number.wrapping_add(1);
            change.number = self.number;
        }
        Ok(changes)
    }

    fn absorb_clock(&mut self, start: Millis) {
        if let Phase::Clock(deletions) = &mut self.phase {
            let deletions = std::mem::replace(deletions, Deletions::since(start)).from(start);
            let beginning = Beginning { start, known: start, settled: start, drain: None };
            self.phase = self.follow(beginning, deletions).with_baseline().into();
        }
    }

    /// Takes the default properties from a page that was asked for without naming any; the page is then asked for
    /// again.
    fn learn(&mut self, response: &Response) {
        let mut names: Vec<String> = Vec::new();
        let defaults = response.items.iter().flat_map(Item::property_names);
        for name in defaults.chain(self.options.extra_properties.iter().map(String::as_str)) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        self.properties = Properties::Named(names);
    }

    fn absorb_archived(
        &mut self,
        mut response: Response,
        hub: Millis,
        now: Millis,
    ) -> Result<Vec<Change>, AnswerError> {
        let Options { lag, deletes_interval, .. } = self.options;
        let deletions = match &mut self.phase {
            Phase::Baseline(deletions) => &mut *deletions,
            Phase::Follow(follow) => &mut follow.deletions,
            Phase::Clock(_) | Phase::Snapshot(_) => return Ok(Vec::new()),
        };
        let Some(sweep) = &mut deletions.sweep else { return Ok(Vec::new()) };
        let kind = &self.kind;
        let from = sweep.walk.at;
        let mut rows = rows(&mut response, |item| created(kind, item).unwrap_or(from))?;
        let done = match kind {
            Kind::Crm(_) => {
                sweep.after = response.next;
                sweep.after.is_none()
            }
            Kind::Cms(_) => {
                let step = sweep.walk.clone().absorb(Draining::ByPage, rows, &response, LIST_LIMIT, hub)?;
                rows = step.rows;
                step.next.map(|next| sweep.walk = next).is_none()
            }
        };
        let mut changes = Vec::new();
        rows.retain(|row| deletions.is_news(&row.id, deleted(kind, &row.item)));
        if let Phase::Follow(follow) = &mut self.phase {
            for Row { item, id, .. } in rows {
                follow.deleted(&id);
                let (created_at, cursor) = (created(kind, &item), follow.cursor());
                changes.push(Change { operation: Operation::Delete, id, item, created_at, cursor, number: 0 });
            }
            follow.deletions.page(done, hub, now, lag, deletes_interval);
            follow.swept();
        } else if let Phase::Baseline(deletions) = &mut self.phase {
            deletions.page(done, hub, now, lag, deletes_interval);
            if done {
                let deletions = std::mem::replace(deletions, Deletions::since(0));
                self.phase = if self.options.snapshot {
                    Phase::Snapshot(Snapshot::after_baseline(deletions))
                } else {
                    Phase::Clock(deletions)
                };
            }
        }
        Ok(changes)
    }

    fn absorb_snapshot(&mut self, response: Response, hub: Millis) -> Result<Vec<Change>, AnswerError> {
        let Phase::Snapshot(snapshot) = &mut self.phase else { return Ok(Vec::new()) };
        let (changes, handover) = snapshot.absorb(&self.kind, &self.options, response, hub)?;
        if let Some(Handover { start, since, deletions, delivered }) = handover {
            let beginning = Beginning { start, known: start, settled: since, drain: None };
            let mut follow = self.follow(beginning, deletions);
            for (id, version, created) in delivered {
                follow.remember(id, version, created);
            }
            self.phase = follow.into();
        }
        Ok(changes)
    }

    fn absorb_walk(&mut self, mut response: Response, hub: Millis, now: Millis) -> Result<Vec<Change>, AnswerError> {
        let limit = self.walk_page();
        let Phase::Follow(follow) = &mut self.phase else { return Ok(Vec::new()) };
        let Some(walk) = follow.take_walk() else { return Ok(Vec::new()) };
        let kind = &self.kind;
        // An object without a changed-time belongs where it was found.
        let rows = rows(&mut response, |item| updated(kind, item).unwrap_or(walk.at))?;
        let step = walk.clone().absorb(draining(kind), rows, &response, limit, hub)?;
        let deliveries = follow.walked(&walk, step, hub, now, |row| created(kind, &row.item));
        let mut changes = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let Row { item, id, .. } = delivery.row;
            let operation = if is_deleted(kind, &item) {
                if !follow.deletions.is_news(&id, deleted(kind, &item)) {
                    continue;
                }
                Operation::Delete
            } else if delivery.created {
                Operation::Create
            } else {
                Operation::Update
            };
            let created_at = created(kind, &item);
            changes.push(Change { operation, id, item, created_at, cursor: delivery.cursor, number: 0 });
        }
        Ok(changes)
    }
}

/// The next page of the archived objects.
fn archived(kind: &Kind, deletions: &Deletions) -> Request {
    let sweep = deletions.sweep.as_ref();
    match kind {
        Kind::Crm(crm) => crm::list(crm, sweep.and_then(|sweep| sweep.after.clone()), LIST_LIMIT, true, Vec::new()),
        Kind::Cms(cms) => {
            let start = Walk::default();
            cms::walk(cms, Axis::Created, sweep.map_or(&start, |sweep| &sweep.walk), LIST_LIMIT, true)
        }
    }
}

/// A lag before an instant that another connector noted: it looked back neither for late entries nor for deletions.
fn look_back(time: Millis, lag: Millis) -> Millis {
    // Nothing of HubSpot's changed before 1970, however long the lag.
    (time - lag).max(0)
}

/// The properties to name in a request; none of them asks for the defaults.
fn named(properties: &Properties) -> Vec<String> {
    if let Properties::Named(names) = properties { names.clone() } else { Vec::new() }
}

#[cfg(test)]
mod tests;
