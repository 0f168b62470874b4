//! A HubSpot in memory with a clock of its own, and a reader that is killed and resumed.

mod history;
mod reader;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, SecondsFormat};
use fastrand::Rng;
use hubspot_catalog::{Crm, Kind, Resource};
use hubspot_source::ask::{
    BatchReadRequest, CmsListRequest, Comparison, ListRequest, Request, Response, SearchRequest,
};
use hubspot_source::item::{Item, ItemId, Millis};
use opencdc::Map;
use serde_json::json;

pub(crate) use history::History;
pub(crate) use reader::Summary;

/// When the histories begin, by HubSpot's clock.
const EPOCH: Millis = 1_790_000_000_000;

#[derive(Clone, Debug)]
struct Object {
    created: Millis,
    version: Millis,
    value: u64,
    /// What has been merged into it.
    merged: Vec<u64>,
}

/// An object in the list of archived ones, which may show it late.
#[derive(Clone, Debug)]
struct Archived {
    at: Millis,
    listed: Millis,
    object: Object,
}

/// One entry of the search index: the newest state that has become visible (`None`: gone).
#[derive(Clone)]
struct Entry {
    sequence: u64,
    object: Option<Object>,
}

#[derive(Clone)]
pub(crate) struct World {
    rng: Rng,
    seed: u64,
    resource: &'static Resource,
    now: Millis,
    store: BTreeMap<u64, Object>,
    archived: BTreeMap<u64, Archived>,
    /// When the list of archived objects shows all of them.
    all_listed: Millis,
    index: HashMap<u64, Entry>,
    by_version: BTreeMap<(Millis, u64), u64>,
    pending: BTreeMap<(Millis, u64), (u64, Option<Object>)>,
    sequence: u64,
    next_change: Millis,
    changes_left: usize,
    bursts_left: usize,
    /// Whether "after" includes its instant: the CMS documents don't say.
    inclusive: bool,
    /// Which object another was merged into.
    winners: HashMap<u64, u64>,
}

impl World {
    pub(crate) fn new(seed: u64, resource: &str, history: &History) -> Self {
        let resource = hubspot_catalog::find(resource).expect("a resource");
        let mut world = Self {
            rng: Rng::with_seed(seed),
            seed,
            resource,
            now: EPOCH,
            store: BTreeMap::new(),
            archived: BTreeMap::new(),
            all_listed: EPOCH,
            index: HashMap::new(),
            by_version: BTreeMap::new(),
            pending: BTreeMap::new(),
            sequence: 0,
            next_change: EPOCH,
            changes_left: history.changes,
            bursts_left: history.bursts,
            inclusive: seed.is_multiple_of(2),
            winners: HashMap::new(),
        };
        for _ in 0..history.initial {
            // Some of the account is old, some has just been changed, some shares its instant.
            world.now += if world.rng.bool() { 0 } else { world.rng.i64(0..200) };
            world.create(history);
            if world.rng.usize(..10) == 0 {
                world.archive(history);
            }
        }
        world.now += world.rng.i64(0..2 * history.lag);
        world.next_change = world.now;
        world
    }

    fn is_crm(&self) -> bool {
        self.resource.is_crm()
    }

    // --- What happens in HubSpot ---

    fn note(&mut self, id: u64, object: Option<Object>, history: &History) {
        self.sequence += 1;
        // CMS lists read the store; only the CRM's search has an index.
        let lag = if self.is_crm() && self.rng.u8(..3) > 0 { self.rng.i64(0..=history.index_lag) } else { 0 };
        self.pending.insert((self.now + lag, self.sequence), (id, object));
    }

    fn index(&mut self) {
        while let Some(entry) = self.pending.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let ((_, sequence), (id, object)) = entry.remove_entry();
            if self.index.get(&id).is_some_and(|known| known.sequence > sequence) {
                continue;
            }
            if let Some(Entry { object: Some(old), .. }) = self.index.get(&id) {
                self.by_version.remove(&(old.version, scatter(id)));
            }
            if let Some(object) = &object {
                self.by_version.insert((object.version, scatter(id)), id);
            }
            self.index.insert(id, Entry { sequence, object });
        }
    }

    fn create(&mut self, history: &History) {
        // Ids say nothing of the order of creation.
        let id = loop {
            let id = self.rng.u64(1..1_000_000_000_000);
            if !self.store.contains_key(&id) && !self.archived.contains_key(&id) {
                break id;
            }
        };
        let object = Object { created: self.now, version: self.now, value: self.rng.u64(..), merged: Vec::new() };
        self.store.insert(id, object.clone());
        self.note(id, Some(object), history);
    }

    /// Merges an object into another, or both into a new one.
    fn merge(&mut self, history: &History) {
        let now = self.now;
        let ids = [(); 2].map(|()| Self::some_id(&mut self.rng, &self.store));
        let [Some(winner), Some(loser)] = ids else { return };
        if winner == loser || [winner, loser].iter().any(|id| self.store[id].version >= now) {
            return;
        }
        let mut object = self.store[&winner].clone();
        object.version = now;
        object.value = self.rng.u64(..);
        let mut losers = vec![loser];
        let mut id = winner;
        if history.merges_mint && self.rng.bool() {
            losers.push(winner);
            id = winner + 1_000_000_000_000 + self.rng.u64(..1_000);
            object.created = now;
        }
        for loser in losers {
            if let Some(lost) = self.store.remove(&loser) {
                object.merged.extend(lost.merged.iter().copied().filter(|_| loser != winner));
                object.merged.push(loser);
                self.winners.insert(loser, id);
                if history.merged_are_archived {
                    self.list_as_archived(loser, lost, history);
                }
                self.note(loser, None, history);
            }
        }
        self.store.insert(id, object.clone());
        self.note(id, Some(object), history);
    }

    fn list_as_archived(&mut self, id: u64, object: Object, history: &History) {
        let late = if self.rng.u8(..3) > 0 { self.rng.i64(0..=history.index_lag) } else { 0 };
        let (at, listed) = (self.now, self.now + late);
        self.all_listed = self.all_listed.max(listed);
        self.archived.insert(id, Archived { at, listed, object });
    }

    fn some_id<T>(rng: &mut Rng, of: &BTreeMap<u64, T>) -> Option<u64> {
        let from = rng.u64(1..1_000_000_000_000);
        of.range(from..).next().or_else(|| of.iter().next()).map(|(id, _)| *id)
    }

    fn update(&mut self, id: u64, history: &History) {
        let (now, value) = (self.now, self.rng.u64(..));
        if let Some(object) = self.store.get_mut(&id).filter(|object| object.version < now) {
            object.version = now;
            object.value = value;
            let object = object.clone();
            self.note(id, Some(object), history);
        }
    }

    fn archive(&mut self, history: &History) {
        let Some(id) = Self::some_id(&mut self.rng, &self.store) else { return };
        if self.store.get(&id).is_some_and(|object| object.version < self.now)
            && let Some(object) = self.store.remove(&id)
        {
            self.list_as_archived(id, object, history);
            self.note(id, None, history);
        }
    }

    fn restore(&mut self, history: &History) {
        let Some(id) = Self::some_id(&mut self.rng, &self.archived) else { return };
        let Archived { at, mut object, .. } = self.archived[&id].clone();
        // What was merged away can't be restored.
        if at < self.now && !self.winners.contains_key(&id) {
            self.archived.remove(&id);
            object.version = self.now;
            self.store.insert(id, object.clone());
            self.note(id, Some(object), history);
        }
    }

    /// Lets time pass, and all that happens in it.
    fn pass(&mut self, millis: Millis, history: &History) {
        let until = self.now + millis;
        while self.changes_left > 0 && self.next_change <= until {
            self.now = self.now.max(self.next_change);
            self.next_change += self.rng.u64(0..=2 * history.pace) as Millis;
            self.changes_left -= 1;
            if self.bursts_left > 0 && (self.rng.usize(..history.changes) < 2 || self.changes_left < self.bursts_left) {
                self.bursts_left -= 1;
                self.burst(history);
            }
            match self.rng.u8(..20) {
                5 if matches!(self.resource.kind, Kind::Crm(crm) if crm.merge) => self.merge(history),
                0..6 => self.create(history),
                6..16 => {
                    if let Some(id) = Self::some_id(&mut self.rng, &self.store) {
                        self.update(id, history);
                    }
                }
                16..19 => self.archive(history),
                _ => self.restore(history),
            }
        }
        self.now = until;
        self.index();
    }

    /// Many objects in one millisecond: a bulk import, or a bulk edit of what is there.
    fn burst(&mut self, history: &History) {
        let existing: Vec<u64> =
            if self.rng.bool() { self.store.keys().copied().take(history.ties).collect() } else { Vec::new() };
        for id in &existing {
            self.update(*id, history);
        }
        for _ in existing.len()..history.ties {
            self.create(history);
        }
    }

    fn quiet(&self) -> bool {
        self.changes_left == 0 && self.pending.is_empty() && self.all_listed <= self.now
    }

    // --- What HubSpot answers ---

    fn answer(&mut self, request: &Request, history: &History) -> Response {
        let (before, after) = (self.rng.i64(5..200), self.rng.i64(5..200));
        self.pass(before, history);
        let mut response = match request {
            Request::List(_, list) => self.list(list, history),
            Request::Search(crm, search) => self.search(crm, search, history),
            Request::CmsList(_, list) => self.cms_list(list),
            Request::BatchRead(_, read) => self.batch_read(read),
            other => panic!("the simulation has no {other:?}"),
        };
        self.pass(after, history);
        // The header has whole seconds, and is written somewhere between reading and arriving.
        let date = self.now - self.rng.i64(0..=after);
        response.date = Some(date - date.rem_euclid(1_000));
        response
    }

    fn list(&self, list: &ListRequest, history: &History) -> Response {
        assert!(list.limit <= 100);
        let cursor = |after: &str| {
            let id = if history.opaque { after.strip_prefix("behind-") } else { Some(after) };
            id.and_then(|id| id.parse::<u64>().ok())
        };
        // Where cursors aren't ids, an id is none, and HubSpot may take it for the beginning.
        let after = list.after.as_deref().and_then(cursor).map_or(0, |after| after + 1);
        let limit = list.limit as usize;
        let page: Vec<(u64, Item)> = if list.archived {
            self.archived
                .range(after..)
                .filter(|(_, archived)| archived.listed <= self.now)
                .take(limit + 1)
                .map(|(id, archived)| (*id, self.item(*id, &archived.object, Some(archived.at))))
                .collect()
        } else {
            self.store.range(after..).take(limit + 1).map(|(id, object)| (*id, self.item(*id, object, None))).collect()
        };
        let mark = if history.opaque { "behind-" } else { "" };
        let next = (page.len() > limit).then(|| format!("{mark}{}", page[limit - 1].0));
        let items = page.into_iter().take(limit).map(|(_, item)| item).collect();
        Response { items, next, ..Response::default() }
    }

    /// Objects by id; what was merged away answers as what it was merged into.
    fn batch_read(&self, read: &BatchReadRequest) -> Response {
        assert!(read.ids.len() <= 100);
        let living = |id: &ItemId| {
            let ItemId::Number(mut id) = *id else { panic!("ids are numbers") };
            while let Some(winner) = self.winners.get(&id) {
                id = *winner;
            }
            Some(self.item(id, self.store.get(&id)?, None))
        };
        let items = if read.archived { Vec::new() } else { read.ids.iter().filter_map(living).collect() };
        Response { items, ..Response::default() }
    }

    fn search(&mut self, crm: &Crm, search: &SearchRequest, history: &History) -> Response {
        assert!(search.limit <= 200 && search.groups.len() <= 6);
        let limit = search.limit as usize;
        if search.descending {
            assert_eq!((search.sort.as_str(), search.groups.len()), ("hs_object_id", 0));
            let last = self
                .index
                .iter()
                .filter_map(|(id, entry)| Some((id, entry.object.as_ref()?)))
                .max_by_key(|(id, _)| **id);
            let items = last.map(|(id, object)| self.item(*id, object, None)).into_iter().collect();
            return Response { items, total: Some(self.by_version.len() as u64), ..Response::default() };
        }
        let mut ids: Vec<(Millis, u64, u64)> = Vec::new();
        for group in &search.groups {
            let (mut from, mut to, mut behind) = (Millis::MIN, Millis::MAX, 0);
            for filter in group {
                let value = Millis::try_from(filter.value).expect("in range");
                match (filter.property.as_str(), filter.operator) {
                    ("hs_object_id", Comparison::Greater) => behind = value as u64,
                    (property, operator) if property == crm.updated_property => match operator {
                        Comparison::GreaterOrEqual => from = value,
                        Comparison::Less => to = value,
                        Comparison::Equal => (from, to) = (value, value + 1),
                        Comparison::Greater => from = value + 1,
                    },
                    other => panic!("the simulation has no {other:?}"),
                }
            }
            // Times are rounded at times: a row from just outside.
            if history.noise && behind == 0 && self.rng.u8(..4) == 0 {
                let near = self.by_version.range(..(from, 0)).next_back();
                ids.extend(near.map(|((version, order), id)| (*version, *order, *id)));
            }
            let found = self.by_version.range((from, 0)..(to.max(from), 0)).filter(|(_, id)| **id > behind);
            // By time, rows of a millisecond come in no order; a page needs no more than these of each group.
            let by_id = search.sort == "hs_object_id";
            let most = if by_id { usize::MAX } else { limit };
            ids.extend(found.take(most).map(
                |((version, order), id)| {
                    if by_id { (0, *id, *id) } else { (*version, *order, *id) }
                },
            ));
        }
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(limit);
        let items = ids
            .iter()
            .filter_map(|(_, _, id)| self.index[id].object.as_ref().map(|object| self.item(*id, object, None)))
            .collect();
        Response { items, ..Response::default() }
    }

    /// The page cursor is an offset into a list that changes.
    fn cms_list(&self, list: &CmsListRequest) -> Response {
        assert!(list.limit <= 100);
        let since = |bound: Option<Millis>, at: Millis| {
            bound.is_none_or(|bound| if self.inclusive { at >= bound } else { at > bound })
        };
        let until = |bound: Option<Millis>, at: Millis| {
            bound.is_none_or(|bound| if self.inclusive { at <= bound } else { at < bound })
        };
        let matches = |object: &Object| {
            since(list.created_after, object.created)
                && since(list.updated_after, object.version)
                && until(list.created_before, object.created)
                && until(list.updated_before, object.version)
        };
        let mut found: Vec<(u64, Option<Millis>, &Object)> = if list.archived {
            self.archived
                .iter()
                .filter(|(_, archived)| archived.listed <= self.now)
                .map(|(id, archived)| (*id, Some(archived.at), &archived.object))
                .filter(|(_, _, object)| matches(object))
                .collect()
        } else {
            self.store.iter().map(|(id, object)| (*id, None, object)).filter(|(_, _, object)| matches(object)).collect()
        };
        match list.sort {
            Some("createdAt") => found.sort_by_cached_key(|(id, _, object)| (object.created, scatter(*id))),
            Some("updatedAt") => found.sort_by_cached_key(|(id, _, object)| (object.version, scatter(*id))),
            None => {}
            Some(other) => panic!("the simulation can't sort by {other}"),
        }
        let offset = list.after.as_deref().map_or(0, |after| after.parse::<usize>().expect("our cursor"));
        let end = offset + list.limit as usize;
        let next = (end < found.len()).then(|| end.to_string());
        let page = found.iter().skip(offset).take(list.limit as usize);
        let items = page.map(|(id, at, object)| self.item(*id, object, *at)).collect();
        Response { items, next, total: Some(found.len() as u64), ..Response::default() }
    }

    fn item(&self, id: u64, object: &Object, archived_at: Option<Millis>) -> Item {
        let iso =
            |at| DateTime::from_timestamp_millis(at).expect("in range").to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut map = Map::new();
        map.insert("id".into(), id.to_string().into());
        map.insert("value".into(), object.value.into());
        let (created, updated, deleted) = match self.resource.kind {
            Kind::Crm(crm) => {
                let mut properties = json!({ crm.updated_property: object.version.to_string() });
                if !object.merged.is_empty() {
                    let merged: Vec<_> = object.merged.iter().map(u64::to_string).collect();
                    properties["hs_merged_object_ids"] = merged.join(";").into();
                }
                map.insert("properties".into(), properties);
                ("createdAt", "updatedAt", Some("archivedAt"))
            }
            Kind::Cms(cms) => (cms.created_fields[0], cms.updated_fields[0], cms.deleted_fields.first().copied()),
            Kind::Directory(_) => ("createdAt", "updatedAt", None),
        };
        // Times come as numbers here where HubSpot may send either: building text for millions of rows is what would
        // make this slow.
        map.insert(created.into(), object.created.into());
        if self.is_crm() {
            map.insert(updated.into(), iso(object.version).into());
        } else {
            map.insert(updated.into(), object.version.into());
        }
        if let (Some(deleted), Some(at)) = (deleted, archived_at) {
            map.insert(deleted.into(), at.into());
        }
        Item::new(map)
    }
}

/// An order of ids that isn't theirs: HubSpot promises none within a millisecond.
fn scatter(id: u64) -> u64 {
    id.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32).max(1)
}
