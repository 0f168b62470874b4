//! A HubSpot in memory with a clock of its own, and a reader that is killed and resumed.

mod history;
mod reader;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, SecondsFormat};
use fastrand::Rng;
use hubspot_catalog::{Crm, Kind, Resource};
use hubspot_source::ask::{CmsListRequest, Comparison, ListRequest, Request, Response, SearchRequest};
use hubspot_source::item::{Item, Millis};
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
        let object = Object { created: self.now, version: self.now, value: self.rng.u64(..) };
        self.store.insert(id, object.clone());
        self.note(id, Some(object), history);
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
            let late = if self.rng.u8(..3) > 0 { self.rng.i64(0..=history.index_lag) } else { 0 };
            let (at, listed) = (self.now, self.now + late);
            self.all_listed = self.all_listed.max(listed);
            self.archived.insert(id, Archived { at, listed, object });
            self.note(id, None, history);
        }
    }

    fn restore(&mut self, history: &History) {
        let Some(id) = Self::some_id(&mut self.rng, &self.archived) else { return };
        let Archived { at, mut object, .. } = self.archived[&id].clone();
        if at < self.now {
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
            Request::List(_, list) => self.list(list),
            Request::Search(crm, search) => self.search(crm, search),
            Request::CmsList(_, list) => self.cms_list(list),
        };
        self.pass(after, history);
        // The header has whole seconds, and is written somewhere between reading and arriving.
        let date = self.now - self.rng.i64(0..=after);
        response.date = Some(date - date.rem_euclid(1_000));
        response
    }

    fn list(&self, list: &ListRequest) -> Response {
        assert!(list.limit <= 100);
        let after = list.after.as_deref().map_or(0, |after| after.parse::<u64>().expect("our cursor")) + 1;
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
        let next = (page.len() > limit).then(|| page[limit - 1].0.to_string());
        let items = page.into_iter().take(limit).map(|(_, item)| item).collect();
        Response { items, next, ..Response::default() }
    }

    fn search(&self, crm: &Crm, search: &SearchRequest) -> Response {
        assert!(search.limit <= 200);
        let (mut from, mut to, mut behind) = (Millis::MIN, Millis::MAX, 0);
        for filter in &search.filters {
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
        let found = || self.by_version.range((from, 0)..(to.max(from), 0)).map(|(_, id)| *id).filter(|id| *id > behind);
        let limit = search.limit as usize;
        let ids: Vec<u64> = if search.sort == "hs_object_id" {
            let mut ids: Vec<u64> = found().collect();
            ids.sort_unstable();
            ids.truncate(limit);
            ids
        } else {
            assert_eq!(search.sort, crm.updated_property);
            found().take(limit).collect()
        };
        let total = (limit == 1).then(|| found().count() as u64);
        let items = ids
            .iter()
            .filter_map(|id| self.index[id].object.as_ref().map(|object| self.item(*id, object, None)))
            .collect();
        Response { items, total, ..Response::default() }
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
        Response { items, next, total: Some(found.len() as u64), date: None }
    }

    fn item(&self, id: u64, object: &Object, archived_at: Option<Millis>) -> Item {
        let iso =
            |at| DateTime::from_timestamp_millis(at).expect("in range").to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut map = Map::new();
        map.insert("id".into(), id.to_string().into());
        map.insert("value".into(), object.value.into());
        let (created, updated, deleted) = match self.resource.kind {
            Kind::Crm(crm) => {
                map.insert("properties".into(), json!({ crm.updated_property: object.version.to_string() }));
                ("createdAt", "updatedAt", Some("archivedAt"))
            }
            Kind::Cms(cms) => (cms.created_fields[0], cms.updated_fields[0], cms.deleted_fields.first().copied()),
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
