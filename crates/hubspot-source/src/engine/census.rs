//! The census: a slow pass over all objects of a CRM resource, again and again, for what the stream of changes can't see.
//!
//! It reads the list endpoint, which HubSpot answers from its store, in the order of ids, and serves up to three purposes at
//! once:
//!
//! * *Audit*. An object whose version the stream should have delivered and didn't is [`Missing`](Finding::Missing). One that
//!   isn't listed any more though no deletion was delivered is [`Gone`](Finding::Gone).
//! * *Calculated properties* and *associations* change without moving an object's changed-time. An object that says
//!   something else than was delivered, at a version that the stream is through with, is [`Changed`](Finding::Changed).
//!
//! A pass only judges versions before [`Pass::until`]: what the stream had settled when the pass began. What changes
//! later is the stream's to deliver. A page is read some time before its answer is judged, so an object that was delivered
//! or deleted since the page was asked for is left to the next pass. What seems to be gone is asked for by its id a while
//! after the pass, when the sweep of archived objects has had its time.
//!
//! # Memory
//!
//! | what | bytes an object | at most |
//! |---|---|---|
//! | [`Roll`]: every object as the last pass met it; that of a pass under way beside it, which frees the old one as it goes | 1 to 3, and 4 for calculated properties, 4 for associations | 16 MiB, then none is kept |
//! | audit: objects delivered since a pass ago | 17 to 39 | 8.9 MB, then a pass compares only newer versions |
//! | calculated, associations: objects delivered since they were met last | 25 to 57 | 6.6 MB, then the objects are learned anew |
//! | deletions delivered since a pass ago | 17 to 39 | 4.5 MB, then what is missing waits for another pass, and some deletions may be delivered again |
//! | audit: objects to look for once more | 12 | 1.2 MB, then they wait for another pass |
//!
//! Beside that it holds one page, and the objects of ten while associations are read: a call for them takes 1,000 ids.

mod departures;
mod emitted;
mod overlay;
mod pass;

use std::collections::BTreeMap;

use hubspot_catalog::Crm;
use hubspot_client::Object;
use opencdc::Operation;
use serde_json::Value;

use self::departures::{Departed, Vanished};
use self::emitted::Emitted;
use self::overlay::Overlay;
use self::pass::{Pass, Stage};
use super::crm;
use super::roll::{Kept, Roll};
use crate::ask::{BatchReadRequest, ListRequest, Request, Response};
use crate::error::AnswerError;
use crate::item::{Item, ItemId, Millis};
use crate::payload::completion::{Needs, Piece};

/// So many objects a batch/read takes.
const BATCH: usize = 100;

/// What a census is for, each with its interval in milliseconds, from the beginning of one pass to that of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purposes {
    /// Compare ids and versions. Every pass does, also one for another purpose: it costs nothing more.
    pub(crate) audit: Option<Millis>,
    /// Compare properties.
    pub(crate) calculated: Option<Millis>,
    /// Compare associations.
    pub(crate) associations: Option<Millis>,
}

impl Purposes {
    fn intervals(self) -> [Option<Millis>; 3] {
        [self.audit, self.calculated, self.associations]
    }
}

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The stream never delivered this version; or the object was restored after its deletion was delivered, without its
    /// version moving.
    Missing,
    /// Its properties or associations aren't those that were delivered, though its version is.
    Changed,
    /// It is there no more, and no deletion was delivered.
    Gone,
}

/// An object to deliver, complete. It has to be delivered before anything that the stream learns later of that object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// What is wrong.
    pub(crate) finding: Finding,
    /// The object as an `Update`; of what is gone a `Delete` that has the id alone.
    pub(crate) piece: Piece,
}

/// What a finished pass found; `gone` counts those of earlier passes that were looked for since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Objects in the list.
    pub listed: u64,
    /// Versions that the stream had never delivered.
    pub missing: u64,
    /// Objects whose calculated properties or associations weren't those that were delivered.
    pub changed: u64,
    /// Objects that are there no more, without a deletion that was delivered.
    pub gone: u64,
    /// Objects that weren't listed any more and are looked for once more.
    pub vanished: u64,
    /// Whether all versions that were due were compared. Otherwise too many objects had changed since the last pass.
    pub audited: bool,
    /// Whether what was met is remembered for the next pass. Otherwise there are too many objects, or they are listed in
    /// another order than by id.
    pub remembered: bool,
    /// The bytes that this takes.
    pub bytes: u64,
}

#[derive(Debug)]
enum Work {
    /// A pass over the list.
    Pass(Box<Pass>),
    /// A second look at what a pass didn't meet.
    Look(Vec<u64>),
}

/// The state of taking the census of one resource.
#[derive(Debug)]
pub(crate) struct Census {
    crm: Crm,
    purposes: Purposes,
    kept: Kept,
    patience: Millis,
    page: u32,
    /// When each purpose's next pass is due, by the caller's clock; unknown before the stream follows changes.
    due: [Option<Millis>; 3],
    /// All objects as the last pass met them.
    roll: Option<Roll>,
    emitted: Emitted,
    overlay: Overlay,
    departed: Departed,
    vanished: Vanished,
    /// Objects that came back when they seemed gone, or were gone when they were to be delivered, each with the number of the
    /// batch: missing, should the next pass meet them, and vanished otherwise.
    owed: BTreeMap<u64, u32>,
    /// Counts the times at which something was asked for that is judged together.
    batch: u32,
    work: Option<Work>,
    /// Findings since the last report.
    gone: u64,
    report: Option<Report>,
}

impl Census {
    /// A census of a resource by `page` objects a request, at most 100. What isn't listed any more is looked for again
    /// `patience` milliseconds after the pass: about as long as the sweep may take to deliver a deletion.
    pub(crate) fn new(crm: Crm, purposes: Purposes, patience: Millis, page: u32) -> Self {
        let kept = Kept { properties: purposes.calculated.is_some(), associations: purposes.associations.is_some() };
        Self {
            crm,
            purposes,
            kept,
            patience,
            page,
            due: [None; 3],
            roll: None,
            emitted: Emitted::since(0),
            overlay: Overlay::default(),
            departed: Departed::default(),
            vanished: Vanished::default(),
            owed: BTreeMap::new(),
            batch: 0,
            work: None,
            gone: 0,
            report: None,
        }
    }

    /// What a roll for [`with_baseline`](Self::with_baseline) has to keep.
    pub(crate) fn kept(&self) -> Kept {
        self.kept
    }

    /// All objects as a snapshot delivered them: *all*, or none. Without it the first pass only learns what objects say and
    /// which there are; it is due at once for that, if anything but an audit is wanted.
    pub(crate) fn with_baseline(mut self, roll: Roll) -> Self {
        self.roll = Some(roll).filter(|roll| !roll.is_full() && roll.kept() == self.kept);
        self
    }

    /// From `now` of the caller's clock on the stream delivers all versions from `settled` on, and each is given to
    /// [`delivered`](Self::delivered). Objects of such versions that the snapshot delivered have been given to it already.
    pub(crate) fn follow(&mut self, settled: Millis, now: Millis) {
        self.emitted.follow(settled);
        let [audit, calculated, associations] = self.purposes.intervals();
        let first = |interval: Option<Millis>| interval.map(|interval| now.saturating_add(interval));
        let learned = self.roll.is_some();
        let learn = |interval| if learned { first(interval) } else { interval.map(|_| now) };
        self.due = [first(audit), learn(calculated), learn(associations)];
    }

    /// An object is delivered in this state: with all that its record has, and with HubSpot's values. It need not be told
    /// of what [`absorb`](Self::absorb) returned.
    pub(crate) fn delivered(&mut self, id: u64, version: Option<Millis>, item: &Item) {
        self.departed.lives(id);
        self.vanished.settle(id);
        self.owed.remove(&id);
        if self.purposes.audit.is_some() {
            self.emitted.deliver(id, version.unwrap_or(0));
        }
        if self.kept.any() {
            self.overlay.deliver(id, version, self.kept.of(item), self.batch);
        }
    }

    /// An object's deletion is delivered, or that it was merged into another one.
    pub(crate) fn deleted(&mut self, id: u64) {
        self.departed.delete(id, self.batch);
        self.vanished.settle(id);
        self.owed.remove(&id);
        self.emitted.delete(id);
        self.overlay.delete(id);
    }

    /// When there is something to [`begin`](Self::begin), by the caller's clock: `None` while something is under way, and
    /// where nothing ever is.
    pub(crate) fn due(&self) -> Option<Millis> {
        let due = self.due.into_iter().chain([self.vanished.due()]).flatten().min();
        due.filter(|_| self.work.is_none())
    }

    /// Begins what is due at `now` of the caller's clock. `hub` is HubSpot's clock, and every version before `settled` has
    /// been given to [`delivered`](Self::delivered) already, as has every deletion that the stream has read.
    pub(crate) fn begin(&mut self, now: Millis, hub: Millis, settled: Millis) {
        if self.due().is_none_or(|due| now < due) {
            return;
        }
        self.batch = self.batch.wrapping_add(1);
        if self.vanished.due().is_some_and(|due| due <= now) {
            self.work = Some(Work::Look(self.vanished.next(BATCH)));
            return;
        }
        // What is nearly due comes along.
        let intervals = self.purposes.intervals();
        let is_served = |index: usize| match (self.due[index], intervals[index]) {
            (Some(due), Some(interval)) => due - interval / 10 <= now,
            _ => false,
        };
        self.emitted.begin();
        self.overlay.begin();
        let mut pass = Pass::new(self.kept, self.roll.take(), self.batch, now, settled.min(hub));
        pass.serves = Kept { properties: is_served(1), associations: is_served(2) };
        pass.report.audited = self.purposes.audit.is_some() && self.emitted.covers();
        self.work = Some(Work::Pass(Box::new(pass)));
    }

    /// Whether there is a request to make.
    pub(crate) fn is_under_way(&self) -> bool {
        self.work.is_some()
    }

    /// The next request, the same until it is answered; `properties` are those that the stream's pages ask for.
    pub(crate) fn request(&self, properties: &[String]) -> Option<Request> {
        let request = match self.work.as_ref()? {
            Work::Pass(pass) => match &pass.stage {
                Stage::Listing => {
                    let (after, limit) = (pass.after.clone(), self.page);
                    let properties = properties.to_vec();
                    Request::List(self.crm, ListRequest { after, limit, archived: false, properties })
                }
                Stage::Whole(completion) | Stage::Found(completion, _) => completion.request(),
            },
            Work::Look(ids) => {
                let ids = ids.iter().copied().map(ItemId::Number).collect();
                let properties = vec![self.crm.updated_property.to_owned()];
                let (history, archived) = (Vec::new(), false);
                Request::BatchRead(self.crm, BatchReadRequest { ids, properties, history, archived })
            }
        };
        Some(request)
    }

    /// Reads the answer to the request under way, at `now` of the caller's clock: what is to be delivered, in order.
    /// `needs` are those of the stream's own updates.
    ///
    /// # Errors
    /// When the answer has an object without an id.
    pub(crate) fn absorb(&mut self, response: Response, now: Millis, needs: &Needs) -> Result<Vec<Found>, AnswerError> {
        match self.work.take() {
            Some(Work::Pass(pass)) => self.step(pass, response, now, needs),
            Some(Work::Look(ids)) => Ok(self.looked(&ids, &response)),
            None => Ok(Vec::new()),
        }
    }

    /// What was looked for and isn't there is gone, unless its deletion has been delivered meanwhile. An id that was merged
    /// away answers with another object, so it isn't there either.
    fn looked(&mut self, ids: &[u64], response: &Response) -> Vec<Found> {
        let mut found = Vec::new();
        for &id in ids {
            let lives = response.items.iter().any(|item| item.id() == Some(ItemId::Number(id)));
            // Delivered or deleted since it was asked for, it is missed no more.
            if !self.vanished.settle(id) {
                continue;
            }
            if lives {
                self.owed.insert(id, self.batch);
            } else {
                self.deleted(id);
                self.gone += 1;
                let item = Item::new(Object::from_iter([("id".to_owned(), Value::String(id.to_string()))]));
                let piece = self.piece(ItemId::Number(id), Operation::Delete, item);
                found.push(Found { finding: Finding::Gone, piece });
            }
        }
        found
    }

    fn piece(&self, id: ItemId, operation: Operation, item: Item) -> Piece {
        let version = crm::updated(&self.crm, &item);
        Piece { id, operation, item, version, known_version: None, before: None, merged_into: None, gone: false }
    }

    /// What the pass found that ended since this was last called.
    pub(crate) fn take_report(&mut self) -> Option<Report> {
        self.report.take()
    }
}

#[cfg(test)]
mod tests;
