//! What an answer meant, for each kind of request.

use hubspot_catalog::Kind;
use opencdc::Operation;

use super::census::{Census, Finding, Found, Report as CensusReport};
use super::change::{Change, Draft, Note};
use super::facts::{created, deleted, draining, is_deleted, rows, updated};
use super::follow::{Beginning, Follow};
use super::snapshot::{Listed, Merged, Reading};
use super::sweep::Deletions;
use super::walk::{Draining, Row};
use super::{Completing, DATE_MARGIN, Engine, Phase, Plan, Purpose, Track};
use crate::ask::{Response, Ticket};
use crate::error::AnswerError;
use crate::item::{Item, ItemId, Millis};
use crate::payload::definitions::PropertyDefinition;
use crate::position::Cursor;

/// So many answers in a row may leave something out.
const PARTIAL_ANSWERS: u32 = 5;

impl Engine {
    /// Reads the answer to a request of [`next`](Self::next), at `now` of the caller's clock: what is to be delivered, in
    /// order.
    ///
    /// # Errors
    /// When HubSpot's answer can't be made sense of. The engine has come to its end then: what the answer had changed in
    /// it isn't taken back. A new one goes on from the last acknowledged position.
    pub fn absorb(&mut self, ticket: Ticket, response: Response, now: Millis) -> Result<Vec<Change>, AnswerError> {
        let Some(place) = self.asked.iter().position(|asked| asked.ticket == ticket) else { return Ok(Vec::new()) };
        let asked = self.asked.swap_remove(place);
        if let Some(date) = response.date {
            // The answer left HubSpot at its date; it was read no earlier than it was asked for.
            let certain = date - DATE_MARGIN - (now - asked.at).max(0);
            self.hub = Some(self.hub.map_or(certain, |hub| hub.max(certain)));
        }
        let hub = self.hub.ok_or(AnswerError::NoDate)?;
        if let Some(plan) = &mut self.plan {
            plan.answered(asked.named);
            if plan.is_to_learn()
                && asked.named.is_none()
                && matches!(asked.purpose, Purpose::SnapshotPage { .. } | Purpose::Walk)
                && !response.items.is_empty()
            {
                plan.learn(&response);
                self.take_back(asked.purpose);
                return Ok(Vec::new());
            }
        }
        if let Some(refusal) = response.refusal {
            // Of objects that HubSpot says nothing of for now, nothing is known: least of all that they are gone.
            self.partial += 1;
            if self.partial > PARTIAL_ANSWERS {
                return Err(AnswerError::Partial { refusal });
            }
            self.take_back(asked.purpose);
            return Ok(Vec::new());
        }
        self.partial = 0;
        match asked.purpose {
            Purpose::Definitions => {
                if let Some(plan) = &mut self.plan {
                    plan.define(response.definitions, now);
                }
                Ok(Vec::new())
            }
            Purpose::Clock => {
                self.absorb_clock(hub);
                Ok(Vec::new())
            }
            Purpose::Top => {
                self.absorb_top(&response);
                Ok(Vec::new())
            }
            Purpose::Archived => self.absorb_archived(response, hub, now),
            Purpose::SnapshotPage { lane } => self.absorb_snapshot(lane, response, hub, now),
            Purpose::Walk => self.absorb_walk(response, hub, now),
            Purpose::Census => self.absorb_census(response, now),
            Purpose::Directory => {
                let Phase::Directory(directory) = &mut self.phase else { return Ok(Vec::new()) };
                Ok(directory.absorb(response, hub, now)?.into_iter().map(Change::from).collect())
            }
            Purpose::Completion { track } => Ok(self.absorb_completion(track, response, now)),
        }
    }

    /// HubSpot refused a request for what it asked for: whether another one is worth a try, because a property that it named
    /// may be gone, or its cursor was a guess. [`next`](Self::next) has that request then.
    pub fn refused(&mut self, ticket: Ticket) -> bool {
        let Some(place) = self.asked.iter().position(|asked| asked.ticket == ticket) else { return false };
        if let Purpose::SnapshotPage { lane } = self.asked[place].purpose
            && let Phase::Snapshot(snapshot) = &mut self.phase
            && snapshot.refuse(lane)
        {
            self.start_over();
            return true;
        }
        let named = self.asked[place].named;
        if !self.plan.as_mut().is_some_and(|plan| plan.refuse(named)) {
            return false;
        }
        let asked = self.asked.swap_remove(place);
        self.take_back(asked.purpose);
        true
    }

    /// Properties that were to be read and aren't defined, each said once.
    pub fn take_undefined(&mut self) -> Vec<String> {
        self.plan.as_mut().map(Plan::take_undefined).unwrap_or_default()
    }

    /// The snapshot's list is read from its beginning: what is under way of it counts no more.
    fn start_over(&mut self) {
        self.asked.retain(|asked| !matches!(asked.purpose, Purpose::SnapshotPage { .. } | Purpose::Completion { .. }));
        self.gathered.clear();
        self.completing.clear();
        if let Phase::Snapshot(snapshot) = &mut self.phase {
            snapshot.take_start_over();
        }
    }

    /// Whether the definitions of the properties have changed in HubSpot since this was last asked.
    pub fn take_redefined(&mut self) -> bool {
        self.plan.as_mut().is_some_and(Plan::take_redefined)
    }

    /// How many values weren't what their property's definition says, by property, the most first.
    pub fn misfits(&self) -> Vec<(&str, u64)> {
        self.plan.as_ref().map(|plan| plan.misfits.by_property()).unwrap_or_default()
    }

    /// What is known of the resource's properties: enough to make a schema of. Nothing where they aren't looked up.
    pub fn definitions(&self) -> impl Iterator<Item = &PropertyDefinition> {
        self.plan.iter().flat_map(Plan::definitions)
    }

    /// What the last pass over all objects found, if one ended since this was last asked.
    pub fn take_report(&mut self) -> Option<CensusReport> {
        self.census.as_mut().and_then(Census::take_report)
    }

    /// A request has to be made once more.
    fn take_back(&mut self, purpose: Purpose) {
        match (purpose, &mut self.phase) {
            (Purpose::SnapshotPage { lane }, Phase::Snapshot(snapshot)) => match &mut snapshot.reading {
                Reading::Objects(_, lanes) => lanes.take_back(lane),
                Reading::Created(_, walk) => walk.busy = false,
            },
            (Purpose::Completion { track }, _) => {
                for completing in self.completing.iter_mut().filter(|completing| completing.track == track) {
                    completing.asked = false;
                }
            }
            (Purpose::Top, _) => self.top_asked = false,
            _ => {}
        }
    }

    fn absorb_clock(&mut self, start: Millis) {
        if let Phase::Clock(deletions) = &mut self.phase {
            let deletions = std::mem::replace(deletions, Deletions::since(start)).from(start);
            let beginning = Beginning { start, known: start, settled: start, drain: None };
            self.phase = self.follow(beginning, deletions).with_baseline().into();
        }
    }

    fn absorb_top(&mut self, response: &Response) {
        if let Phase::Snapshot(snapshot) = &mut self.phase
            && let Reading::Objects(_, lanes) = &mut snapshot.reading
        {
            snapshot.total = response.total;
            if let Some(ItemId::Number(top)) = response.items.first().and_then(Item::id) {
                lanes.reach(top);
            }
        }
    }

    fn absorb_archived(
        &mut self,
        mut response: Response,
        hub: Millis,
        now: Millis,
    ) -> Result<Vec<Change>, AnswerError> {
        let (lag, interval) = (self.options.lag, self.options.deletes_interval);
        let deletions = match &mut self.phase {
            Phase::Baseline(deletions) => &mut *deletions,
            Phase::Follow(follow) => &mut follow.deletions,
            Phase::Clock(_) | Phase::Snapshot(_) | Phase::Directory(_) => return Ok(Vec::new()),
        };
        let Some(sweep) = &mut deletions.sweep else { return Ok(Vec::new()) };
        let kind = &self.kind;
        let from = sweep.walk.at;
        let mut rows = rows(&mut response, |item| created(kind, item).unwrap_or(from))?;
        let done = if matches!(kind, Kind::Cms(_)) {
            let page = hubspot_client::LIST_LIMIT;
            let step = sweep.walk.clone().absorb(Draining::ByPage, rows, &response, page, hub)?;
            rows = step.rows;
            step.next.map(|next| sweep.walk = next).is_none()
        } else {
            sweep.after = response.next;
            sweep.after.is_none()
        };
        rows.retain(|row| deletions.is_news(&row.id, deleted(kind, &row.item)));
        match &mut self.phase {
            Phase::Follow(follow) => {
                let held = follow.cursor();
                let mut drafts = Vec::with_capacity(rows.len());
                for Row { item, id, at } in rows {
                    for loser in self.plan.iter().flat_map(|plan| plan.merged_into(&item)) {
                        let at = deleted(kind, &item).unwrap_or(at);
                        drafts.extend(merged_away(follow, Merged { loser, winner: id.clone(), at }, &held));
                    }
                    follow.deleted(&id);
                    let created_at = created(kind, &item);
                    let mut draft = Draft::new(Operation::Delete, id, item);
                    draft.note.created_at = created_at;
                    draft.note.cursor = Some(held.clone());
                    drafts.push(draft);
                }
                let read = follow.read_through();
                follow.deletions.page(done, hub, now, lag, interval, read);
                follow.in_background();
                let needs = self.plan.as_ref().map(|plan| plan.needs(false));
                Ok(self.complete(Track::Main, drafts, needs, Some(held), now))
            }
            Phase::Baseline(deletions) => {
                deletions.page(done, hub, now, lag, interval, Millis::MIN);
                if done {
                    let deletions = std::mem::replace(deletions, Deletions::since(0));
                    self.phase = if self.options.snapshot {
                        self.snapshot(self.new_snapshot(deletions, None))
                    } else {
                        Phase::Clock(deletions)
                    };
                }
                Ok(Vec::new())
            }
            Phase::Clock(_) | Phase::Snapshot(_) | Phase::Directory(_) => Ok(Vec::new()),
        }
    }

    fn absorb_snapshot(
        &mut self,
        lane: u32,
        response: Response,
        hub: Millis,
        now: Millis,
    ) -> Result<Vec<Change>, AnswerError> {
        let Phase::Snapshot(snapshot) = &mut self.phase else { return Ok(Vec::new()) };
        let listed = snapshot.absorb(&self.kind, &self.options, lane, response, hub)?;
        if snapshot.take_start_over() {
            self.start_over();
            return Ok(Vec::new());
        }
        let mut drafts = Vec::with_capacity(listed.len());
        for Listed { id, item, created, at } in listed {
            let version = updated(&self.kind, &item);
            let mut draft = Draft::new(Operation::Snapshot, id, item);
            draft.piece.version = version;
            draft.note = Note { created_at: created, listed: version, at, ..draft.note };
            drafts.push(draft);
        }
        let needs = self.plan.as_ref().map(|plan| plan.needs(true));
        Ok(self.gather(Track::Lane(lane), drafts, needs, None, now))
    }

    fn absorb_walk(&mut self, mut response: Response, hub: Millis, now: Millis) -> Result<Vec<Change>, AnswerError> {
        let limit = self.walk_page();
        let Phase::Follow(follow) = &mut self.phase else { return Ok(Vec::new()) };
        let Some(walk) = follow.take_walk() else { return Ok(Vec::new()) };
        let held = follow.cursor();
        let kind = &self.kind;
        // An object without a changed-time belongs where it was found.
        let rows = rows(&mut response, |item| updated(kind, item).unwrap_or(walk.at))?;
        let step = walk.clone().absorb(draining(kind), rows, &response, limit, hub)?;
        // First, so that what the index still says of these objects is turned away.
        let merged = std::mem::take(&mut self.merged).into_iter();
        let mut drafts: Vec<_> = merged.filter_map(|merged| merged_away(follow, merged, &held)).collect();
        if follow.is_beginning() {
            // What had been merged away before the stream began may still show as it was.
            for row in &step.rows {
                for loser in self.plan.iter().flat_map(|plan| plan.merged_into(&row.item)) {
                    follow.deletions.is_newly_merged(loser, row.at);
                }
            }
        }
        let deliveries = follow.walked(&walk, step, hub, now, |row| created(kind, &row.item));
        for delivery in deliveries {
            let Row { item, id, at } = delivery.row;
            for loser in self.plan.iter().flat_map(|plan| plan.merged_into(&item)) {
                drafts.extend(merged_away(follow, Merged { loser, winner: id.clone(), at }, &delivery.before));
            }
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
            let mut draft = Draft::new(operation, id, item);
            draft.piece.version = Some(at);
            draft.piece.known_version = delivery.known_version;
            draft.note.created_at = created_at;
            draft.note.cursor = Some(delivery.cursor);
            drafts.push(draft);
        }
        let needs = self.plan.as_ref().map(|plan| plan.needs(false));
        Ok(self.gather(Track::Main, drafts, needs, Some(held), now))
    }

    fn absorb_census(&mut self, response: Response, now: Millis) -> Result<Vec<Change>, AnswerError> {
        let (Some(census), Some(plan)) = (&mut self.census, &self.plan) else { return Ok(Vec::new()) };
        let Phase::Follow(follow) = &mut self.phase else { return Ok(Vec::new()) };
        let found = census.absorb(response, now, &plan.needs(true))?;
        follow.in_background();
        let cursor = follow.cursor();
        let (mut drafts, mut gone) = (Vec::with_capacity(found.len()), Vec::new());
        for Found { finding, mut piece } in found {
            // One whose deletion was delivered has been restored.
            if finding != Finding::Gone && follow.deletions.lives(&piece.id) {
                piece.operation = Operation::Create;
            }
            let (id, at) = (piece.id.clone(), piece.version);
            let mut draft = Draft::new(piece.operation, id.clone(), Item::default());
            draft.note.created_at = created(&self.kind, &piece.item);
            draft.note.cursor = Some(cursor.clone());
            draft.piece = piece;
            if finding == Finding::Gone {
                draft.note.vanished = true;
                follow.deleted(&id);
                follow.deletions.is_gone(&id, self.hub);
                gone.push(draft);
                continue;
            }
            if let Some(at) = at {
                for loser in plan.merged_into(&draft.piece.item) {
                    drafts.extend(merged_away(follow, Merged { loser, winner: id.clone(), at }, &cursor));
                }
                follow.repaired(id, at);
            }
            drafts.push(draft);
        }
        // The sweep may not have come to what was archived: it is looked up.
        let mut needs = plan.needs(false);
        let names = needs.deleted_properties.get_or_insert_default();
        if !names.is_empty() || !self.options.deletes_payload {
            names.extend(plan.archived());
        }
        let mut changes = self.release(Track::Main, drafts, now);
        if !gone.is_empty() {
            changes.append(&mut self.complete(Track::Main, gone, Some(needs), Some(cursor), now));
        }
        Ok(changes)
    }

    fn absorb_completion(&mut self, track: Track, response: Response, now: Millis) -> Vec<Change> {
        let Some(place) = self.completing.iter().position(|completing| completing.track == track) else {
            return Vec::new();
        };
        let completing = &mut self.completing[place];
        completing.asked = false;
        let Some(pieces) = completing.completion.absorb(response) else { return Vec::new() };
        let Completing { notes, .. } = self.completing.swap_remove(place);
        let drafts = pieces.into_iter().zip(notes).map(|(piece, note)| Draft { piece, note }).collect();
        self.release(track, drafts, now)
    }
}

/// The deletion of an object that was merged into another, if it is news.
pub(super) fn merged_away(follow: &mut Follow, merged: Merged, cursor: &Cursor) -> Option<Draft> {
    let Merged { loser, winner, at } = merged;
    if !follow.deletions.is_newly_merged(loser, at) {
        return None;
    }
    let loser = ItemId::Number(loser);
    follow.deleted(&loser);
    let mut draft = Draft::new(Operation::Delete, loser, Item::default());
    draft.piece.merged_into = Some(winner);
    draft.note.cursor = Some(cursor.clone());
    Some(draft)
}
