//! The snapshot: delivering what was there when the stream began.
//!
//! CRM objects are listed, in several [`Lanes`] at once; CMS objects are walked along their time of creation. What changes
//! meanwhile is delivered as it is met; the stream then delivers it again only if it has changed once more, or after a
//! restart.

use std::collections::BTreeMap;

use hubspot_catalog::{Cms, Crm, Kind};

use super::cms::{self, Axis};
use super::facts::{is_deleted, rows, updated};
use super::lanes::{Lanes, Page, Place};
use super::roll::{Kept, Roll};
use super::sweep::Deletions;
use super::walk::{Draining, Walk};
use super::{Options, look_back};
use crate::ask::Response;
use crate::error::AnswerError;
use crate::item::{Item, ItemId, Millis};
use crate::position::{Cursor, Left, Snapshotted};

/// An object that was created so long after `start` was certainly created after the snapshot began, whatever HubSpot's
/// `Date` leaves open: it is left to the stream, as a `create`.
const SURELY_LATER: Millis = 3_000;

/// So many changed objects that the snapshot delivered are remembered; beyond that the stream repeats them.
const REMEMBERED: usize = 50_000;

#[derive(Debug)]
pub(super) struct Snapshot {
    /// HubSpot's time when the first page was asked for; unknown before its answer.
    start: Option<Millis>,
    /// A start that another connector noted, by a clock that isn't HubSpot's.
    noted: Option<Millis>,
    /// Changes, and deletions, are to be followed from here, where that isn't `start`.
    since: Option<Millis>,
    pub(super) reading: Reading,
    /// Known deletions of resources that don't say when.
    deletions: Deletions,
    /// What has been delivered and lies on the stream's ground: id, version, creation.
    delivered: Vec<(ItemId, Millis, Option<Millis>)>,
    /// What was merged away since the start; it may have been delivered before that.
    merged: Vec<Merged>,
    /// Whether the list is read from its beginning, and what is under way counts no more.
    starts_over: bool,
    /// How many objects there are, as far as HubSpot has said.
    pub(super) total: Option<u64>,
    /// What is delivered, for the census: of each lane its first id and its objects. None where it isn't wanted, or not all
    /// objects would be in it.
    rolls: Option<BTreeMap<u32, (u64, Roll)>>,
}

/// How the objects are read.
#[derive(Debug)]
pub(super) enum Reading {
    /// CRM: by the list.
    Objects(Crm, Lanes),
    /// CMS: by a walk along creation times.
    Created(Cms, CreatedWalk),
}

/// The walk of a CMS snapshot.
#[derive(Debug)]
pub(super) struct CreatedWalk {
    walk: Walk,
    /// Up to here all has been delivered.
    delivered: Millis,
    pub(super) busy: bool,
    done: bool,
}

/// An object to deliver, with where it was found.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) id: ItemId,
    pub(super) item: Item,
    pub(super) created: Option<Millis>,
    /// CMS: its place on the walk.
    pub(super) at: Millis,
}

/// An object that was merged into another, which changed at that instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) loser: u64,
    pub(super) winner: ItemId,
    pub(super) at: Millis,
}

/// How the stream goes on behind the snapshot.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) start: Millis,
    /// Changes, and deletions, are followed from here.
    pub(super) since: Millis,
    pub(super) deletions: Deletions,
    pub(super) delivered: Vec<(ItemId, Millis, Option<Millis>)>,
    /// These are to be delivered as deleted, now that nothing of the snapshot can follow.
    pub(super) merged: Vec<Merged>,
    /// All that was delivered, if that was kept.
    pub(super) roll: Option<Roll>,
}

impl Reading {
    fn new(kind: &Kind, left: Option<Left>) -> Option<Self> {
        match kind {
            Kind::Crm(crm) => {
                let place = if let Some(Left::Objects(place)) = left { place } else { Place::Page(None) };
                Some(Self::Objects(*crm, Lanes::new(place)))
            }
            Kind::Cms(cms) => {
                let from = if let Some(Left::CreatedSince(created)) = left { created } else { 0 };
                let walk = Walk::from(from, None);
                Some(Self::Created(*cms, CreatedWalk { walk, delivered: from, busy: false, done: false }))
            }
            Kind::Directory(_) => None,
        }
    }
}

impl Snapshot {
    /// A new snapshot of a resource whose deletions are known so far; `noted` is the start of one of another connector's
    /// that it takes the place of. `None` where there is nothing to read that way.
    pub(super) fn new(kind: &Kind, deletions: Deletions, noted: Option<Millis>) -> Option<Self> {
        let reading = Reading::new(kind, None)?;
        Some(Self {
            start: None,
            noted,
            since: None,
            reading,
            deletions,
            delivered: Vec::new(),
            merged: Vec::new(),
            starts_over: false,
            total: None,
            rolls: None,
        })
    }

    /// The rest of a snapshot.
    pub(super) fn resumed(kind: &Kind, at: Snapshotted) -> Option<Self> {
        let Snapshotted { start, since, left } = at;
        let snapshot = Self::new(kind, Deletions::since(0), None)?;
        Some(Self { start: Some(start), since, reading: Reading::new(kind, Some(left))?, ..snapshot })
    }

    /// Whether the list is read from its beginning since this was last asked: what is under way counts no more.
    pub(super) fn take_start_over(&mut self) -> bool {
        std::mem::take(&mut self.starts_over)
    }

    /// The same snapshot, which keeps a roll of what it delivers.
    pub(super) fn keeping_rolls(self) -> Self {
        Self { rolls: Some(BTreeMap::new()), ..self }
    }

    /// Notes an object in the roll of its lane; `false` where none is kept, or it isn't enough: the stream will meet the object.
    pub(super) fn enrol(&mut self, lane: u32, id: u64, version: Option<Millis>, kept: Kept, item: &Item) -> bool {
        let Some(rolls) = &mut self.rolls else { return false };
        let (_, roll) = rolls.entry(lane).or_insert_with(|| (id, Roll::new(kept)));
        roll.push(id, kept.of(item));
        version < self.since.or(self.start)
    }

    /// How many objects are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.delivered.len() + self.merged.len() + self.deletions.remembered()
    }

    /// Where a restart would go on.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        let left = match &self.reading {
            Reading::Objects(_, lanes) => Left::Objects(lanes.place()),
            Reading::Created(_, walk) => Left::CreatedSince(walk.delivered),
        };
        Some(Cursor::Snapshot(Snapshotted { start: self.start?, since: self.since, left }))
    }

    /// Reads a page of a lane; `hub` isn't after its reading. What is to be delivered, in order.
    pub(super) fn absorb(
        &mut self,
        kind: &Kind,
        options: &Options,
        lane: u32,
        mut response: Response,
        hub: Millis,
    ) -> Result<Vec<Listed>, AnswerError> {
        self.begin(hub, options.lag);
        let mut listed = match &mut self.reading {
            Reading::Objects(crm, lanes) => match lanes.absorb(lane, response.items, response.next) {
                Page::Again => {
                    self.starts_over = true;
                    self.rolls = None;
                    Vec::new()
                }
                Page::Objects(objects) => objects
                    .into_iter()
                    .map(|(id, item)| Listed {
                        id: ItemId::Number(id),
                        created: super::crm::created(crm, &item),
                        item,
                        at: 0,
                    })
                    .collect(),
                Page::Listed(items) => items
                    .into_iter()
                    .map(|item| {
                        let id = item.id().ok_or(AnswerError::NoId)?;
                        Ok(Listed { id, created: super::crm::created(crm, &item), item, at: 0 })
                    })
                    .collect::<Result<_, _>>()?,
            },
            Reading::Created(cms, reading) => {
                let from = reading.walk.at;
                self.total = self.total.or(response.total);
                // Nothing of HubSpot's is older than the epoch, whatever it says of itself.
                let rows = rows(&mut response, |item| cms::created(cms, item).map_or(from, |at| at.max(0)))?;
                let step = reading.walk.clone().absorb(Draining::ByPage, rows, &response, options.cms_page(), hub)?;
                match step.next {
                    Some(next) => reading.walk = next,
                    None => reading.done = true,
                }
                let listed = step.rows.into_iter().map(|row| {
                    let created = cms::created(cms, &row.item);
                    Listed { id: row.id, item: row.item, created, at: row.at }
                });
                listed.collect()
            }
        };
        listed.retain(|object| self.is_ours(kind, object));
        Ok(listed)
    }

    /// The snapshot starts with its first answer.
    fn begin(&mut self, hub: Millis, lag: Millis) {
        if self.start.is_none() {
            // The clock of whoever noted a start may run ahead of HubSpot's.
            let start = self.noted.map_or(hub, |noted| noted.min(hub));
            self.start = Some(start);
            self.since = self.noted.map(|_| look_back(start, lag));
        }
    }

    /// Whether an object is part of what was there, and not left to the stream; if so it is noted.
    fn is_ours(&mut self, kind: &Kind, object: &Listed) -> bool {
        // What is gone already is no part of what is there; its deletion is the stream's to tell.
        if is_deleted(kind, &object.item) {
            return false;
        }
        let start = self.start.unwrap_or_default();
        let since = self.since.unwrap_or(start);
        let version = updated(kind, &object.item).filter(|version| *version >= since);
        // Only what the stream will meet may be left to it: some objects' creation time can be set at will.
        if version.is_some() && object.created.is_some_and(|at| at >= start + SURELY_LATER) {
            return false;
        }
        if let Some(version) = version
            && self.delivered.len() < REMEMBERED
        {
            self.delivered.push((object.id.clone(), version, object.created));
        }
        self.deletions.lives(&object.id);
        true
    }

    /// Notes a version that was read once more, and is newer than the one that was listed.
    pub(super) fn reread(&mut self, id: &ItemId, version: Option<Millis>, created: Option<Millis>) {
        let since = self.since.or(self.start);
        if let Some(version) = version.filter(|_| version >= since && self.delivered.len() < REMEMBERED) {
            self.delivered.push((id.clone(), version, created));
        }
    }

    /// Notes objects that were merged into one that is part of the snapshot.
    pub(super) fn were_merged(&mut self, losers: Vec<u64>, winner: &ItemId, version: Option<Millis>) {
        let since = self.since.or(self.start).unwrap_or_default();
        for loser in losers {
            match version.filter(|version| *version >= since) {
                // The stream meets the winner as well, but what was delivered of it doesn't come again.
                Some(at) => self.merged.push(Merged { loser, winner: winner.clone(), at }),
                None => self.deletions.was_merged(loser),
            }
        }
    }

    /// HubSpot refused a page of a lane: whether it is read in another way from now on.
    pub(super) fn refuse(&mut self, lane: u32) -> bool {
        let refused = if let Reading::Objects(_, lanes) = &mut self.reading { lanes.refuse(lane) } else { false };
        if refused {
            self.starts_over = true;
            self.rolls = None;
        }
        refused
    }

    /// An object of a lane is being delivered: where a restart goes on behind it.
    pub(super) fn deliver(&mut self, lane: u32, id: &ItemId, at: Millis) -> Option<Cursor> {
        match (&mut self.reading, id) {
            (Reading::Objects(_, lanes), ItemId::Number(id)) => lanes.deliver(lane, *id),
            (Reading::Created(_, walk), _) => walk.delivered = at,
            _ => {}
        }
        self.cursor()
    }

    /// What was read of a lane is delivered together with its next page: whether there is one.
    pub(super) fn go_on(&mut self, lane: u32) -> bool {
        if let Reading::Objects(_, lanes) = &mut self.reading { lanes.go_on(lane) } else { false }
    }

    /// All of a page has been delivered; with the last of all comes the handover to the stream.
    pub(super) fn delivered(&mut self, lane: u32) -> Option<Handover> {
        let done = match &mut self.reading {
            Reading::Objects(_, lanes) => {
                lanes.delivered(lane);
                lanes.is_done()
            }
            Reading::Created(_, walk) => {
                walk.busy = false;
                walk.done
            }
        };
        self.handover(done)
    }

    /// A snapshot that was resumed behind its last object has nothing left to read.
    pub(super) fn is_done(&self) -> bool {
        matches!(&self.reading, Reading::Objects(_, lanes) if lanes.is_done())
    }

    pub(super) fn handover(&mut self, done: bool) -> Option<Handover> {
        let start = self.start.filter(|_| done)?;
        let since = self.since.unwrap_or(start);
        let deletions = std::mem::replace(&mut self.deletions, Deletions::since(0)).from(since);
        let (delivered, merged) = (std::mem::take(&mut self.delivered), std::mem::take(&mut self.merged));
        let mut rolls: Vec<_> = self.rolls.take().into_iter().flat_map(BTreeMap::into_values).collect();
        rolls.sort_by_key(|(first, _)| *first);
        let roll = rolls.into_iter().map(|(_, roll)| roll).reduce(|mut all, roll| {
            all.append(roll);
            all
        });
        Some(Handover { start, since, deletions, delivered, merged, roll })
    }
}

impl CreatedWalk {
    /// The next page, unless one is under way.
    pub(super) fn request(&mut self, cms: &Cms, page_size: u32) -> Option<crate::ask::Request> {
        let free = !self.busy && !self.done;
        self.busy |= free;
        free.then(|| cms::walk(cms, Axis::Created, &self.walk, page_size, false))
    }
}
