//! The engine: what to ask HubSpot next, and what the answer meant. No I/O, no clock, no randomness: time comes in as
//! an argument, so whole histories run in a simulation (`tests/losing_nothing.rs`).
//!
//! Two clocks are in play and never mixed. *HubSpot's*, from its `Date` headers: all cursors are in it. *The caller's*:
//! it only says when to poll again, so it may be hours off.
//!
//! A resource is read in phases: what was there ([`snapshot`], in several [`lanes`] at once), then what changes
//! ([`follow`]), and beside that, at a pace that leaves the quota to the changes, what is archived ([`sweep`]) and what
//! moves no changed-time ([`census`]). A [`directory`] is read whole, again and again. What a page lacks of the objects that
//! it delivers is fetched before they are ([`Completion`]).

mod absorb;
mod background;
mod beginning;
mod census;
mod change;
mod cms;
mod crm;
mod delivery;
mod directory;
mod facts;
mod fingerprint;
mod follow;
mod lanes;
mod lateness;
mod manner;
mod options;
mod plan;
mod riding;
mod roll;
mod seen;
mod snapshot;
mod sweep;
mod walk;

use hubspot_catalog::{Cms, Kind, Resource};
use hubspot_client::{LIST_LIMIT, SEARCH_LIMIT};

use self::census::Census;
pub use self::census::Report as CensusReport;
pub use self::change::{Change, DeleteReason};
use self::change::{Draft, Note};
use self::cms::Axis;
pub use self::directory::DirectoryCursor;
use self::directory::{DirectoryEngine, DirectoryTask};
use self::follow::{Follow, Task};
pub use self::lanes::{Place, Range};
pub use self::lateness::Lateness;
pub use self::options::{Options, Values};
use self::plan::Plan;
use self::snapshot::{Merged, Reading, Snapshot};
use self::sweep::Deletions;
use self::walk::Walk;
use crate::ask::{Ask, Request, Ticket};
use crate::item::Millis;
use crate::payload::completion::Completion;
use crate::position::{Cursor, Resume};

/// How far behind its `Date` HubSpot's clock is taken to be at least: the clocks of its servers need not agree to the
/// millisecond.
const DATE_MARGIN: Millis = 1_000;

/// Lanes that gather pages hold many objects each.
const GATHERING_LANES: usize = 6;

/// Nothing to do until an answer comes.
const UNTIL_ANSWERED: Ask = Ask::Wait(Millis::MAX);

#[derive(Debug)]
enum Phase {
    /// A resource that doesn't say when objects were deleted: note those that are deleted before the stream begins.
    Baseline(Deletions),
    /// Ask for HubSpot's clock, to follow from now on.
    Clock(Deletions),
    /// Deliver what is there. What changes meanwhile is delivered again by the stream.
    Snapshot(Box<Snapshot>),
    /// Deliver changes.
    Follow(Box<Follow>),
    /// Deliver what a directory has, and what changes in it.
    Directory(Box<DirectoryEngine>),
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
    /// CRM objects only.
    plan: Option<Plan>,
    census: Option<Census>,
    /// The requests under way.
    asked: Vec<Asked>,
    last_ticket: u32,
    /// Objects whose associations are read together with those of the next page.
    gathered: Vec<Gathered>,
    /// Pages whose objects are being completed.
    completing: Vec<Completing>,
    /// Where a restart goes on while changes behind the phase's own cursor are being completed.
    held: Option<Cursor>,
    /// What was merged away while the snapshot was read.
    merged: Vec<Merged>,
    /// An instant of HubSpot's clock that has certainly passed.
    hub: Option<Millis>,
    /// So many answers in a row have left something out.
    partial: u32,
    /// The greatest id has been asked for.
    top_asked: bool,
}

/// A request under way.
#[derive(Debug)]
struct Asked {
    ticket: Ticket,
    /// By the caller's clock.
    at: Millis,
    purpose: Purpose,
    /// Which list of properties it names, if it names any.
    named: Option<u32>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Definitions,
    Archived,
    Clock,
    Top,
    SnapshotPage { lane: u32 },
    Walk,
    Census,
    Directory,
    Completion { track: Track },
}

/// What goes on one request at a time: the lanes of a snapshot side by side, all else in turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Track {
    Lane(u32),
    Main,
}

/// Changes of pages that wait for more.
#[derive(Debug)]
struct Gathered {
    track: Track,
    drafts: Vec<Draft>,
    /// Where a restart goes on before they are delivered.
    held: Option<Cursor>,
}

/// Changes of a page that lack something.
#[derive(Debug)]
struct Completing {
    track: Track,
    completion: Completion,
    notes: Vec<Note>,
    asked: bool,
}

/// How a stream is doing, for whoever watches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether it is still delivering what was there when it began.
    pub in_snapshot: bool,
    /// How many objects there were when it began, if HubSpot said so.
    pub total: Option<u64>,
    /// How late the search index is.
    pub lateness: Lateness,
    /// Values that aren't what their property's definition says, since the stream was opened.
    pub misfits: u64,
    /// An instant of HubSpot's clock, not after now.
    pub hub: Option<Millis>,
    /// Up to where all changes have been delivered, late ones included.
    pub settled: Option<Millis>,
    /// An instant of HubSpot's clock before the last poll that has come through began.
    pub reached: Option<Millis>,
}

impl Engine {
    /// An engine for `resource` that starts over, or resumes.
    pub fn new(resource: &'static Resource, options: Options, resume: Option<Resume>) -> Self {
        let kind = resource.kind;
        let plan = if let Kind::Crm(crm) = kind { Some(Plan::new(crm, &options)) } else { None };
        let mut engine = Self {
            kind,
            phase: Phase::Clock(Deletions::since(0)),
            plan,
            census: None,
            asked: Vec::new(),
            last_ticket: 0,
            gathered: Vec::new(),
            completing: Vec::new(),
            held: None,
            merged: Vec::new(),
            hub: None,
            partial: 0,
            top_asked: false,
            options,
        };
        engine.census = engine.take_census();
        engine.phase = engine.first_phase(resume);
        engine
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
        match &self.phase {
            Phase::Follow(_) => false,
            Phase::Directory(directory) => directory.in_snapshot(),
            Phase::Baseline(_) | Phase::Clock(_) | Phase::Snapshot(_) => true,
        }
    }

    /// Whether the stream doesn't know yet where it begins. A change made before this turns `false` may be left out of
    /// a stream without a snapshot; a later one is not.
    pub fn is_beginning(&self) -> bool {
        match &self.phase {
            Phase::Baseline(_) | Phase::Clock(_) => true,
            Phase::Snapshot(_) => false,
            Phase::Follow(follow) => follow.is_beginning(),
            Phase::Directory(directory) => directory.is_beginning(),
        }
    }

    /// Where a restart goes on behind all that has been delivered; `None` before anything is known.
    pub fn cursor(&self) -> Option<Cursor> {
        if self.is_beginning() {
            return None;
        }
        self.held.clone().or_else(|| match &self.phase {
            Phase::Baseline(_) | Phase::Clock(_) => None,
            Phase::Snapshot(snapshot) => snapshot.cursor(),
            Phase::Follow(follow) => (!follow.is_beginning()).then(|| follow.cursor()),
            Phase::Directory(directory) => directory.cursor().map(Cursor::Directory),
        })
    }

    /// Sets the pause from one request in the background to the next, in milliseconds: it depends on HubSpot's quota, and on how many
    /// resources share it.
    pub fn pace(&mut self, background_pause: Millis) {
        self.options.background_pause = background_pause;
        if let Phase::Follow(follow) = &mut self.phase {
            follow.pace(background_pause);
        }
    }

    /// How the stream is doing.
    pub fn progress(&self) -> Progress {
        let progress = Progress {
            in_snapshot: self.in_snapshot(),
            misfits: self.plan.as_ref().map_or(0, |plan| plan.misfits.total()),
            hub: self.hub,
            ..Progress::default()
        };
        match &self.phase {
            Phase::Snapshot(snapshot) => Progress { total: snapshot.total, ..progress },
            Phase::Follow(follow) => {
                let (settled, reached) = (Some(follow.settled()), follow.reached());
                Progress { lateness: follow.lateness, settled, reached, ..progress }
            }
            Phase::Baseline(_) | Phase::Clock(_) | Phase::Directory(_) => progress,
        }
    }

    /// How many objects the stream remembers, for one reason or another; what a census keeps is told in its docs.
    pub fn remembered(&self) -> usize {
        match &self.phase {
            Phase::Baseline(deletions) | Phase::Clock(deletions) => deletions.remembered(),
            Phase::Snapshot(snapshot) => snapshot.remembered(),
            Phase::Follow(follow) => follow.remembered(),
            Phase::Directory(directory) => directory.remembered(),
        }
    }

    /// What to ask at `now`, the caller's clock in milliseconds. Each request has a ticket; its answer belongs to
    /// [`absorb`](Self::absorb). Several may be under way: ask until there is something to wait for.
    ///
    /// `room` is how many requests of a snapshot may be under way at once, of this resource; at least one.
    pub fn next(&mut self, now: Millis, room: usize) -> Ask {
        let room = room.max(1);
        if let (Kind::Crm(crm), Some(plan)) = (self.kind, &self.plan) {
            let asked = self.asked.iter().any(|asked| asked.purpose == Purpose::Definitions);
            if plan.wants_definitions(now) && !asked {
                return self.ask(now, Purpose::Definitions, Request::Properties(crm));
            }
            if plan.lacks_definitions() {
                return UNTIL_ANSWERED;
            }
        }
        if let Some(completing) = self.completing.iter_mut().find(|completing| !completing.asked) {
            completing.asked = true;
            let track = completing.track;
            if let Some(plan) = &self.plan {
                // Properties may have gone since it began.
                completing.completion.renew(&plan.needs(matches!(track, Track::Lane(_))));
            }
            let request = completing.completion.request();
            return self.ask(now, Purpose::Completion { track }, request);
        }
        if matches!(self.phase, Phase::Snapshot(_)) {
            return self.next_of_snapshot(now, room);
        }
        if !self.asked.is_empty() || !self.completing.is_empty() {
            return UNTIL_ANSWERED;
        }
        let limit = self.options.cms_page();
        let (purpose, request) = match &mut self.phase {
            Phase::Snapshot(_) => return UNTIL_ANSWERED,
            Phase::Baseline(deletions) => {
                deletions.begin(now);
                (Purpose::Archived, archived(&self.kind, deletions, Vec::new()))
            }
            Phase::Clock(_) => match &self.kind {
                Kind::Crm(crm) => (Purpose::Clock, crm::list(crm, None, 1, false, Vec::new())),
                Kind::Cms(cms) => (Purpose::Clock, cms::clock(cms)),
                Kind::Directory(_) => return UNTIL_ANSWERED,
            },
            Phase::Directory(directory) => match directory.next(now) {
                DirectoryTask::Request(request) => (Purpose::Directory, request),
                DirectoryTask::Wait(until) => return Ask::Wait(until),
            },
            Phase::Follow(follow) => {
                match follow.next(now, self.hub, self.census.as_mut(), !self.gathered.is_empty()) {
                    Task::Wait(until) => {
                        let definitions = self.plan.as_ref().and_then(Plan::definitions_due);
                        return Ask::Wait(definitions.map_or(until, |due| due.min(until)));
                    }
                    Task::Sweep => {
                        let names = self.plan.as_ref().map(Plan::archived).unwrap_or_default();
                        (Purpose::Archived, archived(&self.kind, &follow.deletions, names))
                    }
                    Task::Census => {
                        let listed = self.plan.as_ref().map(Plan::listed).unwrap_or_default();
                        match self.census.as_ref().and_then(|census| census.request(&listed)) {
                            Some(request) => (Purpose::Census, request),
                            None => return UNTIL_ANSWERED,
                        }
                    }
                    Task::Walk(walk) => match &self.kind {
                        Kind::Crm(crm) => (
                            Purpose::Walk,
                            crm::walk(
                                crm,
                                &walk,
                                self.plan.as_ref().map_or_else(Vec::new, |plan| plan.searched().to_vec()),
                            ),
                        ),
                        Kind::Cms(cms) => (Purpose::Walk, cms::walk(cms, Axis::Updated, &walk, limit, false)),
                        Kind::Directory(_) => return UNTIL_ANSWERED,
                    },
                }
            }
        };
        self.ask(now, purpose, request)
    }

    fn next_of_snapshot(&mut self, now: Millis, room: usize) -> Ask {
        // What is to be learned of the first page would be learned several times.
        let room = match &self.plan {
            Some(plan) if plan.is_to_learn() => 1,
            Some(plan) if plan.gathers() => room.min(GATHERING_LANES),
            _ => room,
        };
        if self.asked.len() >= room {
            return UNTIL_ANSWERED;
        }
        let listed = self.plan.as_ref().map(Plan::listed).unwrap_or_default();
        let page = self.options.page_size.min(LIST_LIMIT);
        let top_asked = self.top_asked;
        let Phase::Snapshot(snapshot) = &mut self.phase else { return UNTIL_ANSWERED };
        let (purpose, request) = match &mut snapshot.reading {
            Reading::Objects(crm, lanes) if lanes.wants_top(room) && !top_asked => (Purpose::Top, crm::top(crm)),
            Reading::Objects(crm, lanes) => match lanes.next(room, page) {
                Some((lane, after)) => (Purpose::SnapshotPage { lane }, crm::list(crm, after, page, false, listed)),
                None => return UNTIL_ANSWERED,
            },
            Reading::Created(cms, walk) => match walk.request(cms, self.options.cms_page()) {
                Some(request) => (Purpose::SnapshotPage { lane: 0 }, request),
                None => return UNTIL_ANSWERED,
            },
        };
        self.top_asked |= purpose == Purpose::Top;
        self.ask(now, purpose, request)
    }

    fn ask(&mut self, now: Millis, purpose: Purpose, request: Request) -> Ask {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        let ticket = Ticket(self.last_ticket);
        let may_name = matches!(
            purpose,
            Purpose::SnapshotPage { .. } | Purpose::Walk | Purpose::Census | Purpose::Completion { .. }
        );
        let named = self.plan.as_ref().filter(|_| may_name).and_then(Plan::generation);
        self.asked.push(Asked { ticket, at: now, purpose, named });
        Ask::Request(ticket, request)
    }
}

/// The next page of the archived objects.
fn archived(kind: &Kind, deletions: &Deletions, properties: Vec<String>) -> Request {
    let sweep = deletions.sweep.as_ref();
    match kind {
        Kind::Crm(crm) => crm::list(crm, sweep.and_then(|sweep| sweep.after.clone()), LIST_LIMIT, true, properties),
        Kind::Cms(cms) => {
            let start = Walk::default();
            cms::walk(cms, Axis::Created, sweep.map_or(&start, |sweep| &sweep.walk), LIST_LIMIT, true)
        }
        Kind::Directory(directory) => Request::Directory(*directory, crate::ask::DirectoryRequest::default()),
    }
}

/// A lag before an instant that another connector noted: it looked back neither for late entries nor for deletions.
fn look_back(time: Millis, lag: Millis) -> Millis {
    // Nothing of HubSpot's changed before 1970, however long the lag.
    (time - lag).max(0)
}

#[cfg(test)]
mod tests;
