//! Completes a page's changes before they are delivered: with what the page doesn't have and other endpoints do.
//!
//! In this order, each with as few requests as HubSpot's limits allow:
//!
//! 1. The objects' properties and their history, by batch/read. One that isn't found any more, or answers as another (it was
//!    merged away), is gone: its change isn't delivered; its deletion follows.
//! 2. Deleted objects as HubSpot keeps them archived.
//! 3. Which object a deleted one was merged into.
//! 4. What the objects are associated with, all pages.
//!
//! Answers are matched by id, never by place.

use std::collections::{HashMap, HashSet, VecDeque};

use hubspot_catalog::Crm;
use hubspot_client::Object;
use opencdc::Operation;
use serde_json::Value;

use super::associations::{Gathered, Of};
use super::history::{self, take_before};
use crate::ask::{AssociationsRequest, BatchReadRequest, Request, Response};
use crate::item::{Item, ItemId, Millis};

/// The most ids in one batch/read.
const READ: usize = 100;

/// The most ids in one batch/read with history.
const READ_WITH_HISTORY: usize = 50;

/// The most ids in one read of associations.
const ASSOCIATIONS: usize = 1_000;

/// The property with the ids that were merged into an object: "1;2".
pub(crate) const MERGED_IDS: &str = "hs_merged_object_ids";

/// What a delivered object must have beside what its page had.
#[derive(Clone, Debug)]
pub(crate) struct Needs {
    /// The object type.
    pub(crate) crm: Crm,
    /// Not empty: the page was read with few properties, and all of these are read by batch/read.
    pub(crate) reread: Vec<String>,
    /// The properties whose history makes updates' before images.
    pub(crate) history: Vec<String>,
    /// The object types whose associations are put inline, as configured.
    pub(crate) associations: Vec<String>,
    /// Whether deletions name the object that theirs was merged into.
    pub(crate) winners: bool,
    /// The properties of archived objects that make deletions' before images; with none, the type's default ones.
    pub(crate) deleted_properties: Option<Vec<String>>,
}

/// A change on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    /// The object.
    pub(crate) id: ItemId,
    /// What happened to it.
    pub(crate) operation: Operation,
    /// The object as it is delivered.
    pub(crate) item: Item,
    /// The version that is delivered. An object that is read again may come in a newer one than its page's.
    pub(crate) version: Option<Millis>,
    /// The version that was delivered before, if it is known.
    pub(crate) known_version: Option<Millis>,
    /// The object as it was.
    pub(crate) before: Option<Object>,
    /// The object that it was merged into.
    pub(crate) merged_into: Option<ItemId>,
    /// It isn't there any more: not to be delivered.
    pub(crate) gone: bool,
}

impl Piece {
    fn is_deleted(&self) -> bool {
        self.operation == Operation::Delete
    }
}

/// A page's changes that are being completed.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    needs: Needs,
    pieces: Vec<Piece>,
    /// The request that waits for its answer.
    now: Step,
    /// Those after it.
    later: VecDeque<Step>,
    /// Associations come last: of those that are still there then.
    associations_planned: bool,
    /// By type, in the order of the needs.
    gathered: Vec<Gathered>,
}

/// One request.
#[derive(Clone, Debug)]
enum Step {
    Read { ids: Vec<ItemId>, history: bool },
    Archived { ids: Vec<ItemId> },
    Winners { ids: Vec<ItemId> },
    Associations { place: usize, of: Vec<Of> },
}

impl Completion {
    /// Starts completing. `Err` gives the pieces back when there is nothing to ask for.
    pub(crate) fn begin(pieces: Vec<Piece>, needs: &Needs) -> Result<Self, Vec<Piece>> {
        let mut later = reads(&pieces, needs);
        let associations_planned = later.is_empty();
        if associations_planned {
            later = associations(&pieces, needs);
        }
        let Some(now) = later.pop_front() else { return Err(pieces) };
        let gathered = vec![Gathered::default(); needs.associations.len()];
        Ok(Self { needs: needs.clone(), pieces, now, later, associations_planned, gathered })
    }

    /// Names the properties of these needs from now on, where it names any.
    pub(crate) fn renew(&mut self, needs: &Needs) {
        let renew = |names: &mut Vec<String>, new: &[String]| {
            if !names.is_empty() && !new.is_empty() {
                *names = new.to_vec();
            }
        };
        renew(&mut self.needs.reread, &needs.reread);
        renew(&mut self.needs.history, &needs.history);
        if let (Some(names), Some(new)) = (&mut self.needs.deleted_properties, &needs.deleted_properties) {
            renew(names, new);
        }
    }

    /// The next request; the same until it is answered.
    pub(crate) fn request(&self) -> Request {
        let Needs { crm, reread, history, associations, deleted_properties, .. } = &self.needs;
        let read = |ids: &[ItemId], properties: &[String], history: &[String], archived| {
            let (ids, properties, history) = (ids.to_vec(), properties.to_vec(), history.to_vec());
            Request::BatchRead(*crm, BatchReadRequest { ids, properties, history, archived })
        };
        match &self.now {
            Step::Read { ids, history: true } => read(ids, reread, history, false),
            Step::Read { ids, history: false } => read(ids, reread, &[], false),
            Step::Archived { ids } => read(ids, deleted_properties.as_deref().unwrap_or_default(), &[], true),
            Step::Winners { ids } => read(ids, &[MERGED_IDS.to_owned()], &[], false),
            Step::Associations { place, of } => {
                let to = associations.get(*place).cloned().unwrap_or_default();
                Request::Associations(*crm, AssociationsRequest { to, of: of.clone() })
            }
        }
    }

    /// Takes the answer to the request. Gives the pieces, in their order, when it was the last.
    pub(crate) fn absorb(&mut self, response: Response) -> Option<Vec<Piece>> {
        let answered = std::mem::replace(&mut self.now, Step::Read { ids: Vec::new(), history: false });
        match answered {
            Step::Read { ids, .. } => self.absorb_objects(ids, response.items),
            Step::Archived { ids } => self.absorb_archived(ids, response.items),
            Step::Winners { ids } => self.absorb_winners(&ids, &response.items),
            Step::Associations { place, of } => {
                let gathered = self.gathered.get_mut(place);
                let more = gathered.map(|gathered| gathered.absorb(&of, response.associations)).unwrap_or_default();
                if !more.is_empty() {
                    self.later.push_front(Step::Associations { place, of: more });
                }
            }
        }
        if self.later.is_empty() && !self.associations_planned {
            self.associations_planned = true;
            self.later = associations(&self.pieces, &self.needs);
        }
        match self.later.pop_front() {
            Some(step) => {
                self.now = step;
                None
            }
            None => Some(self.finish()),
        }
    }

    fn absorb_objects(&mut self, ids: Vec<ItemId>, items: Vec<Item>) {
        let mut found = Found::new(items);
        for_each_asked(
            &mut self.pieces,
            ids,
            |piece| !piece.is_deleted(),
            |piece, last| match found.take(&piece.id, last) {
                Some(item) if !item.flag("archived") => complete(piece, item, &self.needs),
                _ => piece.gone = true,
            },
        );
    }

    fn absorb_archived(&mut self, ids: Vec<ItemId>, items: Vec<Item>) {
        let mut found = Found::new(items);
        for_each_asked(&mut self.pieces, ids, Piece::is_deleted, |piece, last| {
            // One that isn't archived has no earlier image: it was deleted for good, or merged, or is back.
            if let Some(item) = found.take(&piece.id, last) {
                piece.before = Some(item.into_map());
            }
        });
    }

    fn absorb_winners(&mut self, ids: &[ItemId], items: &[Item]) {
        let mut open: HashSet<&ItemId> = ids.iter().collect();
        let mut winners: HashMap<ItemId, ItemId> = HashMap::new();
        let mut nameless = None;
        for item in items {
            let Some(winner) = item.id() else { continue };
            // An asked id that answers as itself is back, and nobody's loser.
            let mut named = open.remove(&winner);
            for loser in merged_ids(item) {
                named |= winners.contains_key(&loser);
                if loser != winner && open.remove(&loser) {
                    winners.insert(loser, winner.clone());
                    named = true;
                }
            }
            if !named {
                nameless = Some(winner);
            }
        }
        // The answer has an object that doesn't say which of the ids it stands for: the fewer are asked, the clearer.
        if let Some(winner) = nameless {
            let open: Vec<ItemId> = ids.iter().filter(|id| open.contains(id)).cloned().collect();
            if ids.len() == 1 {
                winners.extend(open.into_iter().map(|loser| (loser, winner.clone())));
            } else if !open.is_empty() {
                for half in open.chunks(ids.len().div_ceil(2)).rev() {
                    self.later.push_front(Step::Winners { ids: half.to_vec() });
                }
            }
        }
        for piece in self.pieces.iter_mut().filter(|piece| piece.is_deleted()) {
            if let Some(winner) = winners.get(&piece.id) {
                piece.merged_into = Some(winner.clone());
            }
        }
    }

    fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = std::mem::take(&mut self.pieces);
        if !self.needs.associations.is_empty() {
            for piece in pieces.iter_mut().filter(|piece| is_live(piece)) {
                let types = self.needs.associations.iter().zip(&self.gathered);
                let inline = types.map(|(name, gathered)| (name.clone(), gathered.value(&piece.id))).collect();
                piece.item.set("associations", Value::Object(inline));
            }
        }
        pieces
    }
}

fn is_live(piece: &Piece) -> bool {
    !piece.is_deleted() && !piece.gone
}

/// All that is asked for by batch/read.
fn reads(pieces: &[Piece], needs: &Needs) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    let mut with_history = HashSet::new();
    if !needs.history.is_empty() {
        let ids = ids(pieces, |piece| is_live(piece) && piece.operation == Operation::Update);
        steps.extend(chunks(&ids, READ_WITH_HISTORY).map(|ids| Step::Read { ids, history: true }));
        with_history.extend(ids);
    }
    if !needs.reread.is_empty() {
        let ids = ids(pieces, |piece| is_live(piece) && !with_history.contains(&piece.id));
        steps.extend(chunks(&ids, READ).map(|ids| Step::Read { ids, history: false }));
    }
    if needs.deleted_properties.is_some() {
        let ids = ids(pieces, Piece::is_deleted);
        steps.extend(chunks(&ids, READ).map(|ids| Step::Archived { ids }));
    }
    if needs.winners {
        let ids = ids(pieces, |piece| piece.is_deleted() && piece.merged_into.is_none());
        steps.extend(chunks(&ids, READ).map(|ids| Step::Winners { ids }));
    }
    steps
}

/// The first pages of all associations.
fn associations(pieces: &[Piece], needs: &Needs) -> VecDeque<Step> {
    let of: Vec<Of> = ids(pieces, is_live).into_iter().map(|id| (id, None)).collect();
    let places = 0..needs.associations.len();
    places.flat_map(|place| chunks(&of, ASSOCIATIONS).map(move |of| Step::Associations { place, of })).collect()
}

/// The ids of some pieces, each once, in their order.
fn ids(pieces: &[Piece], which: impl Fn(&Piece) -> bool) -> Vec<ItemId> {
    let mut seen = HashSet::new();
    let pieces = pieces.iter().filter(|piece| which(piece));
    pieces.map(|piece| &piece.id).filter(|id| seen.insert(*id)).cloned().collect()
}

fn chunks<T: Clone>(list: &[T], most: usize) -> impl Iterator<Item = Vec<T>> {
    list.chunks(most).map(<[T]>::to_vec)
}

/// Gives the pieces of these ids to `take`, with whether it is the last one of its id.
fn for_each_asked(
    pieces: &mut [Piece],
    ids: Vec<ItemId>,
    which: impl Fn(&Piece) -> bool,
    mut take: impl FnMut(&mut Piece, bool),
) {
    let mut open: HashMap<ItemId, usize> = ids.into_iter().map(|id| (id, 0)).collect();
    for piece in pieces.iter().filter(|piece| which(piece)) {
        if let Some(times) = open.get_mut(&piece.id) {
            *times += 1;
        }
    }
    for piece in pieces.iter_mut().filter(|piece| which(piece)) {
        if let Some(times) = open.get_mut(&piece.id) {
            *times -= 1;
            take(piece, *times == 0);
        }
    }
}

/// The objects of an answer.
struct Found(HashMap<ItemId, Item>);

impl Found {
    fn new(items: Vec<Item>) -> Self {
        Self(items.into_iter().filter_map(|item| Some((item.id()?, item))).collect())
    }

    /// Without a copy, if it is asked for the last time.
    fn take(&mut self, id: &ItemId, last: bool) -> Option<Item> {
        if last { self.0.remove(id) } else { self.0.get(id).cloned() }
    }
}

/// Takes from the object what the page didn't have.
fn complete(piece: &mut Piece, mut read: Item, needs: &Needs) {
    let history = read.take(history::FIELD);
    if !needs.reread.is_empty() {
        let version = updated(&needs.crm, &read);
        if version < piece.version {
            // The page knows better what it has.
            overlay(&mut read, &piece.item);
        } else {
            piece.version = version;
        }
        piece.item = read;
    }
    if let (Some(history), Some(at)) = (history, piece.version)
        && piece.operation == Operation::Update
    {
        piece.item.set(history::FIELD, history);
        piece.before = take_before(&mut piece.item, needs.crm.updated_property, at, piece.known_version);
    }
}

/// Puts a newer object with fewer properties over an older one.
fn overlay(older: &mut Item, newer: &Item) {
    for (field, value) in newer.as_map() {
        match (value, older.properties_mut()) {
            (Value::Object(newer), Some(older)) if field == "properties" => {
                older.extend(newer.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            _ => older.set(field, value.clone()),
        }
    }
}

/// When an object changed last.
pub(crate) fn updated(crm: &Crm, item: &Item) -> Option<Millis> {
    item.property_time(crm.updated_property).or_else(|| item.time("updatedAt"))
}

/// The objects that were merged into this one.
pub(crate) fn merged_ids(item: &Item) -> impl Iterator<Item = ItemId> {
    let text = item.property(MERGED_IDS).unwrap_or_default();
    text.split(';').map(str::trim).filter(|id| !id.is_empty()).map(ItemId::from)
}

#[cfg(test)]
mod tests;
