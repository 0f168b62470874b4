//! Following changes: two cursors over the same ground.
//!
//! `fast` follows the head of the index. `settled` follows a lag behind it: everything before it has been read at a
//! time when the index had had the whole lag to make up its mind. What lies between is read more than once, and
//! [`Seen`] turns repeats away:
//!
//! * *Sparse*: when the window holds less than a page, each poll simply asks from `settled`: one request re-reads the
//!   window and gets the news.
//! * *Dense*: polls ask from shortly before the head, and what room their page has left carries a rider ([`Riding`]): in turns what
//!   has become older than the lag, which settles it, and the next stretch of the window, because what is late there may
//!   have come by now. A poll is made anyway, so looking back costs no request of its own. Only where riders can't keep up,
//!   because more comes than fits on the polls' pages, or more in one millisecond than on one, a walk of its own settles
//!   the rest. Polls interrupt these walks, so news never wait for them.

use std::collections::HashMap;

use super::background::{Background, Work};
use super::census::Census;
use super::facts::draining;
use super::lateness::Lateness;
use super::manner::Manner;
use super::riding::Riding;
use super::seen::Seen;
use super::sweep::Deletions;
use super::walk::{Drain, Draining, Row, Step, Walk};
use crate::item::{ItemId, Millis};
use crate::position::{Cursor, Followed};

/// When settling has fallen back by this much beyond the lag, or by another lag, it gets walks of its own; in milliseconds.
const BEHIND: Millis = 60_000;

/// The shortest pause between two polls, in milliseconds: without any, an idle source would use the whole quota.
const SHORTEST_PAUSE: Millis = 20;

/// So many objects created since the stream caught up are remembered, to tell an update from a create.
const CREATED_REMEMBERED: usize = 100_000;

/// Why a walk is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// To the head, for news.
    Poll,
    /// Through what has become older than the lag, to settle it.
    Settle,
}

/// Walks and what goes on in the background take turns, so that neither holds up the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Walk,
    Background,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Walk(Walk),
    Sweep,
    Census,
    Wait(Millis),
}

/// Where following begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    /// HubSpot's time when the stream began: an object created since then is a `create`.
    pub(super) start: Millis,
    /// Objects created before this have been delivered at least once.
    pub(super) known: Millis,
    /// Every change before this has been delivered.
    pub(super) settled: Millis,
    /// Of the objects at `settled`, those up to this id have been delivered.
    pub(super) drain: Option<u64>,
}

impl From<Followed> for Beginning {
    fn from(at: Followed) -> Self {
        let Followed { start, known, settled, drain, sweep: _ } = at;
        Self { start, known, settled, drain }
    }
}

/// The state of following one resource.
#[derive(Debug)]
pub(super) struct Follow {
    manner: Manner,
    /// HubSpot's time when the stream began.
    start: Millis,
    /// Objects created before this have been delivered at least once.
    known: Millis,
    settled: Millis,
    fast: Millis,
    seen: Seen,
    created: HashMap<ItemId, Millis>,
    pub(super) deletions: Deletions,
    /// On resume: of the objects at `settled`, those up to this id are done.
    resume: Option<u64>,
    walk: Option<(Pass, Walk)>,
    /// A walk through the window that a poll has interrupted.
    suspended: Option<(Pass, Walk)>,
    /// Whether the last walk was a poll: then the window has its turn.
    polled_last: bool,
    riding: Riding,
    /// A millisecond that stopped a rider: more lies there than fits on a page.
    stopping: Option<Millis>,
    /// Whether the first poll only notes what it finds: a stream without a snapshot begins behind it.
    baseline: bool,
    poll_began: Millis,
    poll_due: Millis,
    /// An instant of HubSpot's clock before the poll under way, and before the last one that got to the head.
    polling_since: Millis,
    reached: Millis,
    background: Background,
    turn: Turn,
    pub(super) lateness: Lateness,
}

/// A row that is to be delivered.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) row: Row,
    pub(super) created: bool,
    /// The version that was delivered before, if that is remembered.
    pub(super) known_version: Option<Millis>,
    /// Where a restart goes on before it, and behind it.
    pub(super) before: Cursor,
    pub(super) cursor: Cursor,
}

impl Follow {
    /// Follows from a cursor; `deletions` says from where these are taken.
    pub(super) fn new(manner: Manner, beginning: Beginning, deletions: Deletions) -> Self {
        let Beginning { start, known, settled, drain } = beginning;
        Self {
            manner,
            start,
            known,
            settled,
            fast: settled,
            seen: Seen::default(),
            created: HashMap::new(),
            deletions,
            resume: drain,
            walk: None,
            suspended: None,
            polled_last: false,
            riding: Riding::default(),
            stopping: None,
            baseline: false,
            poll_began: Millis::MIN,
            poll_due: Millis::MIN,
            polling_since: Millis::MIN,
            reached: Millis::MIN,
            background: Background::default(),
            turn: Turn::Walk,
            lateness: Lateness::default(),
        }
    }

    /// What the first poll finds was there before the stream began: it is noted, not delivered.
    ///
    /// HubSpot's `Date` has whole seconds; what changed in that second but before this moment must not look like news.
    pub(super) fn with_baseline(mut self) -> Self {
        self.baseline = true;
        self
    }

    /// Whether the stream has yet to learn what was there before it.
    pub(super) fn is_beginning(&self) -> bool {
        self.baseline
    }

    /// Notes what was delivered before following began, so that the stream doesn't repeat it.
    pub(super) fn remember(&mut self, id: ItemId, version: Millis, created: Option<Millis>) {
        self.is_create(&id, false, created);
        self.seen.insert(id, version);
    }

    /// Where a restart would resume.
    pub(super) fn cursor(&self) -> Cursor {
        self.cursor_at(self.settled, None)
    }

    fn cursor_at(&self, settled: Millis, drain: Option<u64>) -> Cursor {
        let Self { start, known, .. } = *self;
        Cursor::Follow(Followed { start, known, settled, drain, sweep: self.deletions.cursor })
    }

    /// Sets from one request in the background to the next.
    pub(super) fn pace(&mut self, background_pause: Millis) {
        self.background.pause = background_pause;
    }

    /// How many objects are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.seen.len() + self.created.len() + self.deletions.remembered()
    }

    /// Up to where all changes have been delivered.
    pub(super) fn settled(&self) -> Millis {
        self.settled
    }

    /// An instant before the last poll that got to the head began; `None` before one has.
    pub(super) fn reached(&self) -> Option<Millis> {
        (self.reached > Millis::MIN).then_some(self.reached)
    }

    /// What was in the index before this, and whatever became of it since, has been delivered.
    ///
    /// That can be long before `settled`: what changes again and again moves on before the head of a poll that isn't through.
    pub(super) fn read_through(&self) -> Millis {
        self.settled.min(self.reached)
    }

    /// What to do at `now` (the caller's clock); `hub` is the last instant known of HubSpot's.
    ///
    /// While what was read is `gathered` and not delivered, nothing else is done but the walk that it is of.
    pub(super) fn next(
        &mut self,
        now: Millis,
        hub: Option<Millis>,
        census: Option<&mut Census>,
        gathered: bool,
    ) -> Task {
        if self.walk.is_none() {
            self.begin(now, hub);
        }
        let mut due = Millis::MAX;
        if !self.baseline && !gathered {
            let waits = self.walk.is_none() || self.turn == Turn::Background;
            let settled = self.settled;
            match self.background.next(now, hub, settled, &mut self.deletions, census, waits) {
                Work::Sweep => return Task::Sweep,
                Work::Census => return Task::Census,
                Work::At(at) => due = at,
            }
        }
        match &self.walk {
            Some((_, walk)) => Task::Walk(walk.clone()),
            None => Task::Wait(self.poll_due.min(due)),
        }
    }

    /// Begins the walk that is due, if one is.
    fn begin(&mut self, now: Millis, hub: Option<Millis>) {
        let due = now >= self.poll_due;
        if (!due || self.polled_last)
            && let Some(walk) = self.resumed().or_else(|| self.stopped_by()).or_else(|| self.worth_settling(hub))
        {
            self.walk = Some(walk);
            return;
        }
        if !due {
            return;
        }
        let mut walk = Walk::from(self.poll_from(), None);
        if walk.at == self.settled {
            walk.drain = self.resume.take().map(Drain::behind);
        }
        if walk.drain.is_none() {
            let horizon = hub.map_or(self.settled, |hub| hub - self.manner.lag);
            if self.manner.can_carry() {
                let rider = self.riding.next(&self.seen, self.settled, horizon, walk.at, self.manner.riders_room());
                walk = walk.carrying(rider);
            }
        }
        self.poll_began = now;
        self.polling_since = hub.unwrap_or(Millis::MIN);
        self.walk = Some((Pass::Poll, walk));
    }

    /// Where a poll reads from: the whole window while that is sparse, else its newest objects, unless these share an
    /// instant with too many.
    fn poll_from(&self) -> Millis {
        let Manner { page, .. } = self.manner;
        if self.seen.len() < self.manner.sparse() {
            return self.settled;
        }
        if !self.manner.can_carry() {
            return self.fast;
        }
        let newest = self.seen.newest(self.manner.look_back()).filter(|newest| *newest < self.fast);
        newest.filter(|newest| self.seen.nth_from(*newest, page / 2).is_none()).unwrap_or(self.fast).max(self.settled)
    }

    /// The rest of the walk that a poll has interrupted. What has been settled since is forgotten, and would be delivered
    /// again.
    fn resumed(&mut self) -> Option<(Pass, Walk)> {
        let (pass, walk) = self.suspended.take()?;
        let settled = self.settled;
        if walk.until.is_some_and(|until| until <= settled) {
            return None;
        }
        Some((pass, if walk.at < settled { Walk::from(settled, walk.until) } else { walk }))
    }

    /// The walk through what stopped a rider: none would get past it, and news wait for none.
    fn stopped_by(&mut self) -> Option<(Pass, Walk)> {
        let at = self.stopping.take().filter(|at| *at >= self.settled)?;
        Some((Pass::Settle, Walk::through(at)))
    }

    /// The walk that settles what has become older than the lag: if there is enough of it, and no rider does it.
    fn worth_settling(&self, hub: Option<Millis>) -> Option<(Pass, Walk)> {
        let Manner { lag, .. } = self.manner;
        let horizon = hub? - lag;
        let all = self.seen.len();
        if all < self.manner.sparse() {
            return None;
        }
        if self.manner.can_carry() && horizon - self.settled <= lag.max(BEHIND) {
            // Too many in one millisecond for any rider.
            let shared = self.seen.count(self.settled, self.settled + 1);
            if shared < self.manner.riders_room() || self.settled >= horizon {
                return None;
            }
            let until = Some(self.settled + 1);
            let fits = shared < self.manner.page;
            let walk = if fits { Walk::from(self.settled, until) } else { Walk::through(self.settled) };
            return Some((Pass::Settle, walk));
        }
        let old = self.seen.count(self.settled, horizon);
        let worth = old >= self.manner.worth_settling() || old == all;
        worth.then(|| (Pass::Settle, Walk::from(self.settled, Some(horizon))))
    }

    /// Whether a walk is under way: more of it follows at once.
    pub(super) fn walks(&self) -> bool {
        self.walk.is_some()
    }

    /// The background has had its turn.
    pub(super) fn in_background(&mut self) {
        self.turn = Turn::Walk;
    }

    /// A version that the index never showed has been delivered.
    pub(super) fn repaired(&mut self, id: ItemId, version: Millis) {
        if version >= self.settled {
            self.seen.insert(id, version);
        }
    }

    /// An object is gone: what the window holds of it counts no more.
    pub(super) fn deleted(&mut self, id: &ItemId) {
        self.seen.remove(id);
        self.created.remove(id);
    }

    /// The walk under way, taken out to be stepped.
    pub(super) fn take_walk(&mut self) -> Option<Walk> {
        self.walk.as_ref().map(|(_, walk)| walk.clone())
    }

    /// Takes a step of the walk: which rows are to be delivered, each with the cursor to resume behind it.
    ///
    /// `created` reads a row's creation time. `hub` is HubSpot's clock, not after the reading.
    pub(super) fn walked(
        &mut self,
        walk: &Walk,
        step: Step,
        hub: Millis,
        now: Millis,
        created: impl Fn(&Row) -> Option<Millis>,
    ) -> Vec<Delivery> {
        self.turn = Turn::Background;
        let Some((pass, _)) = self.walk.take() else { return Vec::new() };
        let lag = self.manner.lag;
        let read = walk.drain.as_ref().and_then(|drain| drain.hub).map_or(hub, |began| began.min(hub));
        let mut deliveries = Vec::new();
        let mut before: Option<Cursor> = None;
        let head = self.head(&step, hub);
        if let Some(rider) = walk.rider {
            self.stopping = self.riding.rode(rider, step.ridden, step.next.is_some()).or(self.stopping);
        }
        let mut ridden = step.ridden;
        for row in step.rows {
            if row.at >= walk.at
                && let Some(rider) = ridden.take()
            {
                self.settle(rider.from, rider.to, hub);
            }
            // A stretch is settled by being read later than the lag, and only on from what is settled already.
            let began = if row.at < walk.at { walk.rider.map_or(walk.at, |rider| rider.from) } else { walk.at };
            let contiguous = began <= self.settled;
            if self.deletions.outdates(&row.id, row.at) {
                continue;
            }
            let known_version = self.seen.version(&row.id);
            let first = known_version.is_none();
            if !self.seen.insert(row.id.clone(), row.at) {
                continue;
            }
            // One that was archived and lives again is a create.
            let restored = self.deletions.lives(&row.id);
            let created = self.is_create(&row.id, first, created(&row)) || restored;
            if self.baseline {
                continue;
            }
            if pass == Pass::Settle || row.at < self.fast {
                self.lateness.note(hub - row.at, hub);
            }
            let settled = if contiguous { self.settled.max(row.at.min(read - lag)) } else { self.settled };
            // Behind a settled millisecond's first ids a restart can go on with the next ones.
            let by_id = contiguous && draining(&self.manner.kind) == Draining::ById && walk.drain.is_some();
            let drain = match &row.id {
                ItemId::Number(id) if by_id && settled == row.at && row.at < read - lag => Some(*id),
                _ => None,
            };
            let before = before.replace(self.cursor_at(settled, drain));
            let before = before.unwrap_or_else(|| self.cursor());
            let cursor = self.cursor_at(settled, drain);
            deliveries.push(Delivery { row, created, known_version, before, cursor });
        }
        if let Some(rider) = ridden {
            self.settle(rider.from, rider.to, hub);
        }
        if let Some((from, to, hub)) = step.covered {
            self.settle(from, to.unwrap_or(Millis::MAX), hub);
            if pass == Pass::Poll {
                self.fast = self.fast.max(head);
            }
            self.fast = self.fast.max(self.settled);
        }
        self.seen.forget_before(self.settled);
        self.polled_last = pass == Pass::Poll;
        match (pass, step.next) {
            (Pass::Poll, None) => self.polled(now),
            (Pass::Poll, Some(next)) => self.walk = Some((pass, next)),
            (_, Some(next)) if now >= self.poll_due => self.suspended = Some((pass, next)),
            (_, next) => self.walk = next.map(|next| (pass, next)),
        }
        deliveries
    }

    /// A stretch has been read without a hole, at `hub` of HubSpot's clock.
    fn settle(&mut self, from: Millis, to: Millis, hub: Millis) {
        if from <= self.settled {
            self.settled = self.settled.max(to.min(hub - self.manner.lag));
        }
    }

    /// How far a poll has read: to where its page reaches, and at the end of the list to its last object.
    fn head(&self, step: &Step, hub: Millis) -> Millis {
        if let Some((_, Some(to), _)) = step.covered {
            return to;
        }
        let Some(latest) = step.rows.iter().map(|row| row.at).max() else { return self.fast };
        match draining(&self.manner.kind) {
            // Its millisecond may not be over, so the next poll looks at it again, unless that is much to look at. What is
            // late by more than that, a rider finds, or the walk that settles it.
            Draining::ById => {
                let shared = step.rows.iter().filter(|row| row.at == latest).count();
                if shared <= self.manner.page / 4 { latest } else { latest + 1 }
            }
            // A list read from the store is complete up to the reading, and nothing counts it.
            Draining::ByPage => (latest + 1).min(hub),
        }
    }

    /// Notes when an object was created; whether that, and its being met for the `first` time, makes it a `create`.
    fn is_create(&mut self, id: &ItemId, first: bool, created: Option<Millis>) -> bool {
        let Some(created) = created.filter(|created| *created >= self.start.max(self.known)) else { return false };
        let first = first && !self.created.contains_key(id);
        if self.created.len() < CREATED_REMEMBERED {
            self.created.insert(id.clone(), created);
        }
        first
    }

    /// The head has been reached.
    fn polled(&mut self, now: Millis) {
        self.baseline = false;
        self.reached = self.reached.max(self.polling_since);
        // What was in the index when the poll began has been delivered, wherever it had moved to meanwhile.
        self.known = self.known.max(self.settled.min(self.reached.saturating_sub(self.manner.lag)));
        let known = self.known;
        self.created.retain(|_, created| *created >= known);
        self.poll_due = (self.poll_began + self.manner.polling_period).max(now + SHORTEST_PAUSE);
    }
}
