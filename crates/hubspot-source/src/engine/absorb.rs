//! What an answer meant, for each kind of request.

use hubspot_catalog::Kind;
use hubspot_client::ASSOCIATIONS_LIMIT;
use opencdc::Operation;

use super::census::{Census, Finding, Found, Report as CensusReport};
use super::change::{Change, DeleteReason, Draft, Note};
use super::facts::{created, deleted, draining, is_deleted, rows, updated};
use super::follow::{Beginning, Follow};
use super::snapshot::{Listed, Merged, Reading};
use super::sweep::Deletions;
use super::walk::{Draining, Row};
use super::{Completing, DATE_MARGIN, Engine, Gathered, Phase, Plan, Purpose, Track};
use crate::ask::{Response, Ticket};
use crate::error::AnswerError;
use crate::item::{Item, ItemId, Millis};
use crate::payload::completion::{Completion, Needs, Piece};
use crate::payload::definitions::PropertyDefinition;
use crate::position::Cursor;

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
            plan.answered();
            if plan.is_to_learn()
                && matches!(asked.purpose, Purpose::SnapshotPage { .. } | Purpose::Walk)
                && !response.items.is_empty()
            {
                plan.learn(&response);
                self.take_back(asked.purpose);
                return Ok(Vec::new());
            }
        }
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
            self.asked.swap_remove(place);
            return true;
        }
        if !self.plan.as_mut().is_some_and(Plan::refuse) {
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
                let settled = follow.settled();
                follow.deletions.page(done, hub, now, lag, interval, settled);
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
        let mut drafts = Vec::with_capacity(found.len());
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
                let gdpr = matches!(self.kind, Kind::Crm(crm) if crm.gdpr);
                draft.note.reason = Some(if gdpr { DeleteReason::Gdpr } else { DeleteReason::Missing });
                follow.deleted(&id);
                follow.deletions.is_gone(&id, self.hub);
            } else if let Some(at) = at {
                follow.repaired(id, at);
            }
            drafts.push(draft);
        }
        Ok(self.release(Track::Main, drafts, now))
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

    /// Delivers these, or first fetches what they lack: with that of the pages that follow, where one request serves them all.
    fn gather(
        &mut self,
        track: Track,
        drafts: Vec<Draft>,
        needs: Option<Needs>,
        held: Option<Cursor>,
        now: Millis,
    ) -> Vec<Change> {
        if !self.plan.as_ref().is_some_and(Plan::gathers) {
            return self.complete(track, drafts, needs, held, now);
        }
        let place = self.gathered.iter().position(|gathered| gathered.track == track);
        let mut gathered = match place.map(|place| self.gathered.swap_remove(place)) {
            Some(gathered) => gathered,
            None => Gathered { track, drafts: Vec::new(), held },
        };
        gathered.drafts.extend(drafts);
        let has_room = gathered.drafts.len() + self.walk_page() as usize <= ASSOCIATIONS_LIMIT;
        let goes_on = has_room
            && match (track, &mut self.phase) {
                (Track::Lane(lane), Phase::Snapshot(snapshot)) => snapshot.go_on(lane),
                (Track::Main, Phase::Follow(follow)) => follow.walks(),
                _ => false,
            };
        if !goes_on {
            return self.complete(track, gathered.drafts, needs, gathered.held, now);
        }
        if track == Track::Main {
            self.held.clone_from(&gathered.held);
        }
        self.gathered.push(gathered);
        Vec::new()
    }

    /// Delivers these, or first fetches what they lack. Until they are delivered, a restart goes on at `held`.
    fn complete(
        &mut self,
        track: Track,
        drafts: Vec<Draft>,
        needs: Option<Needs>,
        held: Option<Cursor>,
        now: Millis,
    ) -> Vec<Change> {
        let Some(needs) = needs.filter(|_| !drafts.is_empty()) else { return self.release(track, drafts, now) };
        let (pieces, notes): (Vec<_>, Vec<_>) = drafts.into_iter().map(|draft| (draft.piece, draft.note)).unzip();
        match Completion::begin(pieces, &needs) {
            Ok(completion) => {
                self.held = held;
                self.completing.push(Completing { track, completion, notes, asked: false });
                Vec::new()
            }
            Err(pieces) => {
                let drafts = pieces.into_iter().zip(notes).map(|(piece, note)| Draft { piece, note }).collect();
                self.release(track, drafts, now)
            }
        }
    }

    /// Delivers these: they are complete.
    fn release(&mut self, track: Track, drafts: Vec<Draft>, now: Millis) -> Vec<Change> {
        if track == Track::Main {
            self.held = None;
        }
        let mut changes = Vec::with_capacity(drafts.len());
        for mut draft in drafts {
            let cursor = match (track, &mut self.phase, draft.note.cursor.take()) {
                (_, _, Some(cursor)) => Some(cursor),
                (Track::Lane(lane), Phase::Snapshot(snapshot), None) => {
                    if draft.piece.version > draft.note.listed {
                        snapshot.reread(&draft.piece.id, draft.piece.version, draft.note.created_at);
                    }
                    // Now that the object is whole: a page doesn't say it where there are too many properties.
                    if let Some(plan) = self.plan.as_ref().filter(|_| !draft.piece.gone) {
                        let Piece { id, item, version, .. } = &draft.piece;
                        snapshot.were_merged(plan.merged_into(item), id, *version);
                    }
                    snapshot.deliver(lane, &draft.piece.id, draft.note.at)
                }
                (_, _, None) => None,
            };
            // An object that vanished while it was completed: its deletion follows.
            let Some(cursor) = cursor.filter(|_| !draft.piece.gone) else { continue };
            self.enrol(track, &draft);
            if let Some(plan) = &mut self.plan {
                plan.shape(&mut draft.piece, now);
            }
            changes.push(draft.into_change(cursor));
        }
        if let (Track::Lane(lane), Phase::Snapshot(snapshot)) = (track, &mut self.phase)
            && let Some(mut handover) = snapshot.delivered(lane)
        {
            self.merged = std::mem::take(&mut handover.merged);
            if let Some(roll) = handover.roll.take() {
                self.census = self.census.take().map(|census| census.with_baseline(roll));
            }
            let follow = self.handed_over(handover);
            self.phase = follow.into();
        }
        changes
    }
}

impl Engine {
    /// Tells the census, if one is taken, what is delivered.
    fn enrol(&mut self, track: Track, draft: &Draft) {
        let (Some(census), &ItemId::Number(id)) = (&mut self.census, &draft.piece.id) else { return };
        let Piece { operation, version, item, .. } = &draft.piece;
        if *operation == Operation::Delete {
            census.deleted(id);
            return;
        }
        if let (Track::Lane(lane), Phase::Snapshot(snapshot)) = (track, &mut self.phase)
            && snapshot.enrol(lane, id, *version, census.kept(), item)
        {
            return;
        }
        census.delivered(id, *version, item);
    }
}

/// The deletion of an object that was merged into another, if it is news.
fn merged_away(follow: &mut Follow, merged: Merged, cursor: &Cursor) -> Option<Draft> {
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
