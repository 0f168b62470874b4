//! The snapshot: delivering what was there when the stream began.
//!
//! CRM objects are listed by id, CMS objects are walked along their time of creation. What changes meanwhile is
//! delivered as it is met; the stream then delivers it again only if it has changed once more, or after a restart.

use hubspot_catalog::Kind;
use opencdc::Operation;

use super::cms::{self, Axis};
use super::facts::{created, is_deleted, rows, updated};
use super::sweep::Deletions;
use super::walk::{Draining, Row, Walk};
use super::{Change, Options, crm, look_back};
use crate::ask::{Request, Response};
use crate::error::AnswerError;
use crate::item::{Item, ItemId, Millis};
use crate::position::Cursor;

/// An object that was created so long after `start` was certainly created after the snapshot began, whatever HubSpot's
/// `Date` leaves open: it is left to the stream, as a `create`.
const SURELY_LATER: Millis = 3_000;

/// So many changed objects that the snapshot delivered are remembered; beyond that the stream repeats them.
const REMEMBERED: usize = 50_000;

#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// HubSpot's time when the first page was asked for; unknown before its answer.
    start: Option<Millis>,
    /// A start that another connector noted, by a clock that isn't HubSpot's.
    noted: Option<Millis>,
    /// Changes, and deletions, are to be followed from here, where that isn't `start`.
    since: Option<Millis>,
    /// CRM: the list's cursor.
    after: Option<String>,
    /// CMS: the walk along creation times.
    walk: Walk,
    /// Known deletions of resources that don't say when.
    deletions: Option<Deletions>,
    /// What has been delivered and lies on the stream's ground: id, version, creation.
    delivered: Vec<(ItemId, Millis, Option<Millis>)>,
}

/// How the stream goes on behind the snapshot.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) start: Millis,
    /// Changes, and deletions, are followed from here.
    pub(super) since: Millis,
    pub(super) deletions: Deletions,
    pub(super) delivered: Vec<(ItemId, Millis, Option<Millis>)>,
}

impl Snapshot {
    /// A new snapshot of a resource whose deletions are known so far.
    pub(super) fn after_baseline(deletions: Deletions) -> Self {
        Self { deletions: Some(deletions), ..Self::default() }
    }

    /// A new snapshot in place of one that another connector began at `initial` by its own clock, if it said so.
    pub(super) fn in_place_of(initial: Option<Millis>) -> Self {
        Self { noted: initial, ..Self::default() }
    }

    /// The rest of a snapshot.
    pub(super) fn resumed(
        start: Millis,
        after: Option<String>,
        created: Option<Millis>,
        since: Option<Millis>,
    ) -> Self {
        let walk = Walk::from(created.unwrap_or(0), None);
        Self { start: Some(start), since, after, walk, ..Self::default() }
    }

    /// The next page.
    pub(super) fn request(&self, kind: &Kind, page_size: u32, properties: Vec<String>) -> Request {
        match kind {
            Kind::Crm(crm) => crm::list(crm, self.after.clone(), page_size, false, properties),
            Kind::Cms(cms) => cms::walk(cms, Axis::Created, &self.walk, page_size, false),
        }
    }

    /// Reads a page; `hub` isn't after its reading. With the last page comes the handover to the stream.
    pub(super) fn absorb(
        &mut self,
        kind: &Kind,
        options: &Options,
        mut response: Response,
        hub: Millis,
    ) -> Result<(Vec<Change>, Option<Handover>), AnswerError> {
        // The clock of whoever noted a start may run ahead of HubSpot's.
        let start = self.start.unwrap_or_else(|| self.noted.map_or(hub, |noted| noted.min(hub)));
        if self.start.is_none() && self.noted.is_some() {
            self.since = Some(look_back(start, options.lag));
        }
        let carried = self.since;
        let since = carried.unwrap_or(start);
        let mut changes = Vec::with_capacity(response.items.len());
        let mut deliver = |snapshot: &mut Self, id: ItemId, item: Item, cursor| {
            // What is gone already is no part of what is there; its deletion is the stream's to tell.
            if is_deleted(kind, &item) {
                return;
            }
            let (created_at, version) = (created(kind, &item), updated(kind, &item));
            let version = version.filter(|version| *version >= since);
            // Only what the stream will meet may be left to it: some objects' creation time can be set at will.
            if version.is_some() && created_at.is_some_and(|at| at >= start + SURELY_LATER) {
                return;
            }
            if let Some(version) = version
                && snapshot.delivered.len() < REMEMBERED
            {
                snapshot.delivered.push((id.clone(), version, created_at));
            }
            if let Some(deletions) = &mut snapshot.deletions {
                deletions.lives(&id);
            }
            changes.push(Change { operation: Operation::Snapshot, id, item, created_at, cursor, number: 0 });
        };
        let done = match kind {
            Kind::Crm(_) => {
                for item in response.items {
                    let id = item.id().ok_or(AnswerError::NoId)?;
                    let after = crm::cursor_after(&item);
                    deliver(self, id, item, Cursor::Snapshot { start, after, created: None, since: carried });
                }
                self.after = response.next;
                self.after.is_none()
            }
            Kind::Cms(cms) => {
                let from = self.walk.at;
                let rows = rows(&mut response, |item| cms::created(cms, item).unwrap_or(from))?;
                let step = self.walk.clone().absorb(Draining::ByPage, rows, &response, options.cms_page(), hub)?;
                for Row { item, id, at } in step.rows {
                    deliver(self, id, item, Cursor::Snapshot { start, after: None, created: Some(at), since: carried });
                }
                step.next.map(|next| self.walk = next).is_none()
            }
        };
        self.start = Some(start);
        let handover = done.then(|| {
            let deletions = self.deletions.take();
            let deletions = deletions.map_or_else(|| Deletions::since(since), |known| known.from(since));
            Handover { start, since, deletions, delivered: std::mem::take(&mut self.delivered) }
        });
        Ok((changes, handover))
    }
}
