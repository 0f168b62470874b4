//! Following changes: two cursors over the same ground.
//!
//! `fast` follows the head of the index. `settled` follows a lag behind it: everything before it has been read at a
//! time when the index had had the whole lag to make up its mind. What lies between is read more than once, and
//! [`Seen`] turns repeats away:
//!
//! * *Sparse*: when the window holds less than a page, each poll simply asks from `settled`: one request re-reads the
//!   window and gets the news.
//! * *Dense*: polls ask from `fast`. Now and then the window of a search is *counted* (one request): more objects than
//!   were delivered means that something appeared late, and the window is walked at once. A count can't always
//!   tell an object that moved within the window late from one that didn't move, so `settled` never advances by a count:
//!   what has become older than the lag is walked once more before it is forgotten. Polls interrupt these walks, so news never
//!   wait for them.

use std::collections::HashMap;

use hubspot_catalog::{Crm, Kind};

use super::facts::draining;
use super::seen::Seen;
use super::sweep::Deletions;
use super::walk::{Drain, Draining, Row, Step, Walk};
use crate::item::{ItemId, LATEST, Millis};
use crate::position::Cursor;

/// Counting the dense window is never rarer than this, in milliseconds.
const LONGEST_CHECK_DELAY: Millis = 30_000;

/// So many parts of the dense window are counted in turn.
const CHECKED_PARTS: u32 = 4;

/// The shortest pause between two polls, in milliseconds: without any, an idle source would use the whole quota.
const SHORTEST_PAUSE: Millis = 20;

/// So many objects created since the stream caught up are remembered, to tell an update from a create.
const CREATED_REMEMBERED: usize = 100_000;

/// Why a walk is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// To the head, for news.
    Poll,
    /// Through the window, because a count says that something is there.
    Recheck,
    /// Through what has become older than the lag, to settle it.
    Settle,
}

/// Sweeps and walks take turns, so that a long one of either doesn't hold up the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Walk,
    Sweep,
}

/// A count of the window: how many objects the index has in it. Only the CRM has an index, and counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Check {
    crm: Crm,
    from: Millis,
    to: Millis,
    total: Option<u64>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Walk(Walk),
    Count { crm: Crm, from: Millis, to: Millis },
    Sweep,
    Wait(Millis),
}

/// How one resource is followed; durations in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) lag: Millis,
    pub(super) polling_period: Millis,
    /// Objects a page.
    pub(super) page: usize,
    pub(super) kind: Kind,
}

impl Manner {
    /// Below this many objects in the window a poll reads all of it: news still fit on the page.
    fn sparse(self) -> usize {
        self.page * 3 / 4
    }

    /// So many objects older than the lag make a walk that settles them worth a request.
    fn worth_settling(self) -> usize {
        self.page - 1
    }
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
    /// Whether the first poll only notes what it finds: a stream without a snapshot begins behind it.
    baseline: bool,
    check: Option<Check>,
    news: bool,
    poll_began: Millis,
    poll_due: Millis,
    check_due: Millis,
    check_delay: Millis,
    /// How many counts have been made.
    checks: u32,
    turn: Turn,
}

/// A row that is to be delivered.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) row: Row,
    pub(super) created: bool,
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
            baseline: false,
            check: None,
            news: false,
            poll_began: Millis::MIN,
            poll_due: Millis::MIN,
            check_due: Millis::MIN,
            check_delay: manner.polling_period,
            checks: 0,
            turn: Turn::Walk,
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
        // It may lie a millisecond behind the last change, however late that claims to be.
        let fast = self.fast.max(settled).min(LATEST);
        Cursor::Follow { start: self.start, known: self.known, settled, fast, drain, sweep: self.deletions.cursor }
    }

    /// What to do at `now` (the caller's clock); `hub` is the last instant known of HubSpot's.
    pub(super) fn next(&mut self, now: Millis, hub: Option<Millis>) -> Task {
        if self.walk.is_none() {
            self.begin(now, hub);
        }
        if !self.baseline {
            self.deletions.begin(now);
        }
        let walks = self.walk.is_some();
        if self.deletions.sweep.is_some() && !(walks && self.turn == Turn::Walk) {
            return Task::Sweep;
        }
        match (&self.check, &self.walk) {
            (&Some(Check { crm, from, to, total: None }), Some(_)) => Task::Count { crm, from, to },
            (_, Some((_, walk))) => Task::Walk(walk.clone()),
            _ => Task::Wait(self.poll_due.min(self.deletions.due)),
        }
    }

    /// Begins the walk that is due, if one is.
    fn begin(&mut self, now: Millis, hub: Option<Millis>) {
        let due = now >= self.poll_due;
        if (!due || self.polled_last)
            && let Some(walk) = self.resumed().or_else(|| self.worth_settling(hub))
        {
            self.walk = Some(walk);
            return;
        }
        if !due {
            return;
        }
        let sparse = self.seen.len() < self.manner.sparse();
        let mut walk = Walk::from(if sparse { self.settled } else { self.fast }, None);
        if walk.at == self.settled {
            walk.drain = self.resume.take().map(Drain::behind);
        }
        let worth_counting = !sparse && self.settled < self.fast && now >= self.check_due;
        // A walk through the window that is under way already must get to its end.
        if let Kind::Crm(crm) = self.manner.kind
            && worth_counting
            && self.suspended.is_none()
        {
            self.check = Some(Check { crm, from: self.check_from(), to: self.fast, total: None });
        }
        self.poll_began = now;
        self.news = false;
        self.walk = Some((Pass::Poll, walk));
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

    /// Where the next count begins: at the whole window, then at its newest eighth, at an eighth of that, and so on. An object
    /// that moved within the window late leaves the count of the whole as it was, but not that of a part it has moved into.
    fn check_from(&self) -> Millis {
        let newest = self.seen.len() >> (3 * (self.checks % CHECKED_PARTS));
        if newest == self.seen.len() { self.settled } else { self.seen.newest(newest).unwrap_or(self.settled) }
    }

    /// The walk that settles what has become older than the lag, if there is enough of it.
    fn worth_settling(&self, hub: Option<Millis>) -> Option<(Pass, Walk)> {
        let horizon = hub? - self.manner.lag;
        let all = self.seen.len();
        if all < self.manner.sparse() {
            return None;
        }
        let old = self.seen.count(self.settled, horizon);
        let worth = old >= self.manner.worth_settling() || old == all;
        worth.then(|| (Pass::Settle, Walk::from(self.settled, Some(horizon))))
    }

    /// Reads the answer to a count. Without a total there is nothing to compare.
    pub(super) fn counted(&mut self, total: Option<u64>) {
        self.turn = Turn::Sweep;
        match (&mut self.check, total) {
            (Some(check), Some(total)) => check.total = Some(total),
            _ => self.check = None,
        }
    }

    /// The sweep has had its turn.
    pub(super) fn swept(&mut self) {
        self.turn = Turn::Walk;
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
        self.turn = Turn::Sweep;
        let Some((pass, _)) = self.walk.take() else { return Vec::new() };
        let lag = self.manner.lag;
        // A stretch is settled by being read later than the lag, and only on from what is settled already.
        let contiguous = walk.at <= self.settled;
        let read = walk.drain.as_ref().and_then(|drain| drain.hub).map_or(hub, |began| began.min(hub));
        let mut deliveries = Vec::new();
        let head = self.head(&step, hub);
        for row in step.rows {
            if self.deletions.outdates(&row.id, row.at) {
                continue;
            }
            let first = !self.seen.contains(&row.id);
            if !self.seen.insert(row.id.clone(), row.at) {
                continue;
            }
            let created = self.is_create(&row.id, first, created(&row));
            if self.baseline {
                continue;
            }
            self.deletions.lives(&row.id);
            let settled = if contiguous { self.settled.max(row.at.min(read - lag)) } else { self.settled };
            // Behind a settled millisecond's first ids a restart can go on with the next ones.
            let by_id = contiguous && draining(&self.manner.kind) == Draining::ById && walk.drain.is_some();
            let drain = match &row.id {
                ItemId::Number(id) if by_id && settled == row.at && row.at < read - lag => Some(*id),
                _ => None,
            };
            let cursor = self.cursor_at(settled, drain);
            deliveries.push(Delivery { row, created, cursor });
        }
        self.news |= !deliveries.is_empty();
        if let Some((from, to, hub)) = step.covered {
            if from <= self.settled {
                self.settled = self.settled.max(to.unwrap_or(Millis::MAX).min(hub - lag));
            }
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

    /// How far a poll has read: to where its page reaches, and at the end of the list to its last object.
    fn head(&self, step: &Step, hub: Millis) -> Millis {
        if let Some((_, Some(to), _)) = step.covered {
            return to;
        }
        let Some(latest) = step.rows.iter().map(|row| row.at).max() else { return self.fast };
        match draining(&self.manner.kind) {
            // Its millisecond may not be over, so the next poll looks at it again, unless that is much to look at. What is
            // late by more than that, the count of the window finds, or the walk that settles it.
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
        self.known = self.known.max(self.settled);
        let known = self.known;
        self.created.retain(|_, created| *created >= known);
        let Manner { polling_period, .. } = self.manner;
        self.poll_due = (self.poll_began + polling_period).max(now + SHORTEST_PAUSE);
        let check = self.check.take();
        if let Some(Check { from, to, total: Some(total), .. }) = check {
            // Fewer than expected is what a deletion looks like until the sweep has seen it; more can only be something
            // late.
            let expected = self.seen.count(from, to) as u64;
            self.checks += 1;
            if total > expected && from >= self.settled {
                self.suspended = Some((Pass::Recheck, Walk::from(from, Some(self.fast))));
                self.check_delay = polling_period;
            } else {
                self.check_delay = (self.check_delay * 2).min(LONGEST_CHECK_DELAY.max(polling_period));
            }
            self.check_due = now + self.check_delay;
        }
        let dense = self.seen.len() >= self.manner.sparse();
        if self.news && dense && self.check_delay >= LONGEST_CHECK_DELAY && check.is_none() {
            // News after a quiet time: what comes late with them comes soon.
            self.check_delay = polling_period;
            self.check_due = self.check_due.min(now + self.check_delay);
        }
    }
}
