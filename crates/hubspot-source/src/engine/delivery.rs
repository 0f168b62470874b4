//! From what answers meant to what is delivered: gathered, completed, and released in order.

use hubspot_catalog::Kind;
use hubspot_client::ASSOCIATIONS_LIMIT;
use opencdc::Operation;

use super::absorb::merged_away;
use super::change::{Change, DeleteReason, Draft};
use super::snapshot::Merged;
use super::{Completing, Engine, Gathered, Phase, Plan, Track};
use crate::item::{Item, ItemId, Millis};
use crate::payload::completion::{Completion, Needs, Piece};
use crate::position::Cursor;

/// So many property values are gathered before what their objects lack is fetched.
const GATHERED_VALUES: usize = 50_000;

impl Engine {
    /// Delivers these, or first fetches what they lack: with that of the pages that follow, where one request serves them all.
    pub(super) fn gather(
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
        let values: usize = gathered.drafts.iter().map(|draft| draft.piece.item.property_names().count()).sum();
        let has_room =
            gathered.drafts.len() + self.walk_page() as usize <= ASSOCIATIONS_LIMIT && values < GATHERED_VALUES;
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
    pub(super) fn complete(
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
    pub(super) fn release(&mut self, track: Track, drafts: Vec<Draft>, now: Millis) -> Vec<Change> {
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
            // An object that vanished while it was completed: its deletion follows. What a search has of it is delivered all the
            // same: it may come back as it was.
            let is_left_out = draft.piece.gone && matches!(track, Track::Lane(_));
            let Some(cursor) = cursor.filter(|_| !is_left_out) else { continue };
            if draft.note.vanished {
                for loser in self.explain(&mut draft, &cursor) {
                    self.enrol(track, &loser);
                    changes.push(loser.into_change(cursor.clone()));
                }
            }
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

    /// Says why an object is gone that was in no list any more; what had been merged into it is gone, too.
    fn explain(&mut self, draft: &mut Draft, cursor: &Cursor) -> Vec<Draft> {
        let is_archived = draft.piece.before.is_some();
        let (winner, at) = (draft.piece.id.clone(), self.hub.unwrap_or_default());
        let mut losers = Vec::new();
        if let (Phase::Follow(follow), Some(plan)) = (&mut self.phase, &self.plan) {
            if let (ItemId::Number(id), true) = (&winner, draft.piece.merged_into.is_some()) {
                follow.deletions.was_merged(*id);
            }
            let before = Item::new(draft.piece.before.take().unwrap_or_default());
            let merged = plan.merged_into(&before).into_iter();
            losers.extend(
                merged.filter_map(|loser| merged_away(follow, Merged { loser, winner: winner.clone(), at }, cursor)),
            );
            draft.piece.before = is_archived.then(|| before.into_map());
        }
        if !self.options.deletes_payload {
            draft.piece.before = None;
        }
        draft.note.reason = Some(match self.kind {
            _ if is_archived => DeleteReason::Archived,
            Kind::Crm(crm) if crm.gdpr => DeleteReason::Gdpr,
            _ => DeleteReason::Missing,
        });
        losers
    }

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
