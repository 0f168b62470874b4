//! The census against a model: a HubSpot of a few objects, a stream that loses some of what happens, and a reader.
//!
//! Answers are read at one time and judged at a later one, so everything happens in between. All findings have to be true
//! when they are delivered; in the end the reader has to have what HubSpot has.

use std::collections::{BTreeMap, BTreeSet};

use hubspot_catalog::{Kind, find};
use serde_json::{Value, json};

use super::*;
use crate::ask::Associated;
use crate::payload::completion::Completion;

/// How far the stream lags, and how long the sweep takes, in milliseconds.
const LAG: Millis = 5_000;
const SWEEP: Millis = 4_000;
/// HubSpot's clock when it begins, and the caller's.
const HUB: Millis = 1_700_000_000_000;
const NOW: Millis = 5_000_000;

fn contacts() -> Crm {
    match find("crm.contacts").unwrap().kind {
        Kind::Crm(crm) => crm,
        _ => unreachable!(),
    }
}

fn item(value: Value) -> Item {
    match value {
        Value::Object(map) => Item::new(map),
        _ => unreachable!(),
    }
}

#[derive(Clone, Debug, Default)]
struct Object {
    version: Millis,
    content: u32,
    calculated: u32,
    links: BTreeSet<u64>,
    dead: Option<Millis>,
}

/// A HubSpot in memory.
#[derive(Debug, Default)]
struct Store(BTreeMap<u64, Object>);

impl Store {
    fn item(&self, id: u64) -> Item {
        let object = &self.0[&id];
        item(json!({"id": id.to_string(), "properties": {
            "lastmodifieddate": object.version.to_string(),
            "content": object.content.to_string(), "calculated": object.calculated.to_string(),
        }}))
    }

    fn live(&self, id: u64) -> bool {
        self.0.get(&id).is_some_and(|object| object.dead.is_none())
    }

    fn answer(&self, request: &Request) -> Response {
        let mut response = Response::default();
        match request {
            Request::List(_, list) => {
                let after: u64 = list.after.as_ref().map_or(0, |after| after.parse().unwrap());
                let mut ids = self.0.range(after + 1..).map(|(id, _)| *id).filter(|id| self.live(*id));
                let page: Vec<u64> = ids.by_ref().take(list.limit as usize).collect();
                response.next = page.last().filter(|_| ids.next().is_some()).map(u64::to_string);
                response.items = page.into_iter().map(|id| self.item(id)).collect();
            }
            Request::BatchRead(_, read) => {
                assert!(read.ids.len() <= 100 && !read.archived);
                let ids = read.ids.iter().filter_map(|id| id.to_string().parse().ok()).filter(|id| self.live(*id));
                response.items = ids.map(|id| self.item(id)).collect();
            }
            Request::Associations(_, read) => {
                assert!(read.of.len() <= 1_000);
                for (of, after) in &read.of {
                    let Some(object) = self.0.get(&of.to_string().parse().unwrap()) else { continue };
                    // Two a page.
                    let from: usize = after.as_ref().map_or(0, |after| after.parse().unwrap());
                    let page = object.links.iter().skip(from).take(2);
                    let to =
                        page.map(|to| item(json!({"toObjectId": to, "associationTypes": []})).into_map()).collect();
                    let next = (object.links.len() > from + 2).then(|| (from + 2).to_string());
                    response.associations.push(Associated { of: of.clone(), to, next });
                }
            }
            other => panic!("{other:?}"),
        }
        response
    }

    /// The object as the stream delivers it.
    fn record(&self, id: u64, needs: &Needs) -> Item {
        let item = self.item(id);
        let version = Some(self.0[&id].version);
        let id = ItemId::Number(id);
        let (operation, known_version, before) = (Operation::Update, None, None);
        let piece = Piece { id, operation, item, version, known_version, before, merged_into: None, gone: false };
        match Completion::begin(vec![piece], needs) {
            Err(mut pieces) => pieces.remove(0).item,
            Ok(mut completion) => loop {
                if let Some(mut pieces) = completion.absorb(self.answer(&completion.request())) {
                    return pieces.remove(0).item;
                }
            },
        }
    }
}

/// What is on its way to the reader.
#[derive(Clone, Debug)]
enum News {
    Version(Millis, Item),
    Deletion(Millis),
}

/// How a history goes.
#[derive(Clone, Copy, Debug)]
struct Script {
    purposes: Purposes,
    baseline: bool,
    /// Of 100 versions, and deletions, so many are lost.
    lost: u32,
    /// Objects may be restored without their version moving.
    silent: bool,
    reread: bool,
    gaps: u64,
}

struct World {
    seed: u64,
    random: fastrand::Rng,
    script: Script,
    store: Store,
    census: Census,
    needs: Needs,
    time: Millis,
    on_their_way: Vec<(Millis, u64, News)>,
    /// The reader: version and record.
    reader: BTreeMap<u64, (Millis, Item)>,
    /// When deletions were delivered.
    told: BTreeMap<u64, Millis>,
    /// Restored without their version moving.
    silent: BTreeSet<u64>,
    /// A version of these was lost.
    lossy: BTreeSet<u64>,
    /// An answer on its way: the time it was read, and what lived then.
    answer: Option<(Millis, Response)>,
    reports: Vec<Report>,
    found: [usize; 3],
    /// It remembers too little to tell all repeats.
    forgetful: bool,
}

impl World {
    fn new(seed: u64, script: Script, tighten: impl FnOnce(&mut Census)) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let crm = contacts();
        let types = if script.purposes.associations.is_some() { vec!["companies".to_owned()] } else { Vec::new() };
        let reread = if script.reread { vec!["lastmodifieddate".to_owned(), "content".to_owned()] } else { Vec::new() };
        let (history, deleted_properties) = (Vec::new(), None);
        let needs = Needs { crm, reread, history, associations: types, winners: false, deleted_properties };
        let mut census = Census::new(crm, script.purposes, SWEEP + LAG, random.u32(1..=20));
        let mut store = Store::default();
        let mut id = 0;
        for _ in 0..random.usize(0..60) {
            id += random.u64(1..=script.gaps);
            let version = HUB - random.i64(0..100_000);
            let links = (0..random.u64(0..6)).collect();
            store.0.insert(id, Object { version, links, ..Object::default() });
        }
        let mut roll = Roll::new(census.kept());
        let mut reader = BTreeMap::new();
        for id in store.0.keys() {
            let record = store.record(*id, &needs);
            roll.push(*id, census.kept().of(&record));
            reader.insert(*id, (store.0[id].version, record));
        }
        if script.baseline {
            census = census.with_baseline(roll);
        }
        census.follow(HUB, NOW);
        tighten(&mut census);
        let (on_their_way, told, silent, lossy) = (Vec::new(), BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let mut world = Self {
            seed,
            random,
            script,
            store,
            census,
            needs,
            time: 0,
            on_their_way,
            reader,
            told,
            silent,
            lossy,
            answer: None,
            reports: Vec::new(),
            found: [0; 3],
            forgetful: false,
        };
        if !script.baseline {
            world.finish_passes(1);
        }
        world
    }

    fn hub(&self) -> Millis {
        HUB + self.time
    }

    fn any(&mut self, live: bool) -> Option<u64> {
        let ids: Vec<u64> = self.store.0.keys().copied().filter(|id| self.store.live(*id) == live).collect();
        self.random.choice(ids)
    }

    /// Something happens in HubSpot.
    fn happen(&mut self) {
        let hub = self.hub();
        match self.random.u32(0..10) {
            0..=2 => {
                let Some(id) = self.any(true) else { return };
                let object = self.store.0.get_mut(&id).unwrap();
                object.content += 1;
                object.version = hub;
                self.send(id);
            }
            3 | 4 => {
                let last = self.store.0.keys().next_back().copied().unwrap_or(0);
                let id = last + self.random.u64(1..=self.script.gaps);
                self.store.0.insert(id, Object { version: hub, ..Object::default() });
                self.send(id);
            }
            5 => {
                let Some(id) = self.any(true) else { return };
                self.store.0.get_mut(&id).unwrap().calculated += 1;
            }
            6 => {
                let Some(id) = self.any(true) else { return };
                let to = self.random.u64(0..6);
                let links = &mut self.store.0.get_mut(&id).unwrap().links;
                if !links.remove(&to) {
                    links.insert(to);
                }
            }
            7 => {
                let Some(id) = self.any(true) else { return };
                self.store.0.get_mut(&id).unwrap().dead = Some(hub);
                let lost = self.random.u32(0..100) < self.script.lost;
                if !lost {
                    let due = self.time + self.random.i64(1..SWEEP);
                    self.on_their_way.push((due, id, News::Deletion(hub)));
                }
            }
            8 => {
                let Some(id) = self.any(false) else { return };
                let object = self.store.0.get_mut(&id).unwrap();
                object.dead = None;
                // It isn't in the archived list any more.
                self.on_their_way.retain(|(_, of, news)| *of != id || matches!(news, News::Version(..)));
                if self.random.bool() || !self.script.silent {
                    self.store.0.get_mut(&id).unwrap().version = hub;
                    self.send(id);
                } else {
                    self.silent.insert(id);
                }
            }
            _ => {}
        }
    }

    fn send(&mut self, id: u64) {
        if self.random.u32(0..100) < self.script.lost {
            self.lossy.insert(id);
            return;
        }
        let due = self.time + self.random.i64(1..LAG);
        let news = News::Version(self.store.0[&id].version, self.store.record(id, &self.needs));
        self.on_their_way.push((due, id, news));
    }

    /// What is due arrives at the reader.
    fn deliver(&mut self) {
        let time = self.time;
        let due: Vec<_> = self.on_their_way.extract_if(.., |(due, ..)| *due <= time).collect();
        for (_, id, news) in due {
            match news {
                News::Version(version, record) => {
                    let stale = self.told.get(&id).is_some_and(|told| *told >= version);
                    if stale || self.reader.get(&id).is_some_and(|(known, _)| *known >= version) {
                        continue;
                    }
                    self.census.delivered(id, Some(version), &record);
                    self.reader.insert(id, (version, record));
                }
                News::Deletion(at) => {
                    if self.told.get(&id).is_some_and(|told| *told >= at) {
                        continue;
                    }
                    self.census.deleted(id);
                    self.told.insert(id, at);
                    self.reader.remove(&id);
                }
            }
        }
    }

    /// The census gets on.
    fn count(&mut self) {
        let now = NOW + self.time;
        if let Some((read, response)) = self.answer.take() {
            for Found { finding, piece } in self.census.absorb(response, now, &self.needs).unwrap() {
                self.judge(finding, &piece, read);
            }
            self.reports.extend(self.census.take_report());
        } else {
            if self.census.due().is_some_and(|due| due <= now) {
                // Everything before has been delivered, or lost.
                self.census.begin(now, self.hub(), (self.hub() - LAG).max(HUB));
            }
            let properties = ["lastmodifieddate".to_owned()];
            self.answer = self.census.request(&properties).map(|request| (self.hub(), self.store.answer(&request)));
        }
    }

    /// A finding is true, and news.
    fn judge(&mut self, finding: Finding, piece: &Piece, read: Millis) {
        let seed = self.seed;
        let id: u64 = piece.id.to_string().parse().unwrap();
        let known = self.reader.get(&id);
        match finding {
            Finding::Missing | Finding::Changed => {
                let version = piece.version.unwrap();
                assert_eq!(piece.operation, Operation::Update);
                assert!(known.is_none_or(|(known, _)| *known <= version), "seed {seed}: {id} goes back to {version}");
                let lost = if finding == Finding::Missing {
                    known.is_none_or(|(known, _)| *known < version)
                } else {
                    known.is_some_and(|(known, record)| *known == version && *record != piece.item)
                };
                assert!(
                    lost || self.silent.contains(&id) || self.forgetful,
                    "seed {seed}: {id} was delivered at {version}: {known:?}"
                );
                if finding == Finding::Missing {
                    let excused = self.silent.contains(&id) || self.forgetful;
                    assert!(self.lossy.contains(&id) || excused, "seed {seed}: nothing of {id} was lost");
                }
                assert_eq!(piece.item.as_map().contains_key("associations"), !self.needs.associations.is_empty());
                assert!(piece.item.as_map()["properties"].get("content").is_some(), "complete");
                self.reader.insert(id, (version, piece.item.clone()));
                self.found[usize::from(finding == Finding::Changed)] += 1;
            }
            Finding::Gone => {
                let object = &self.store.0[&id];
                let was_dead = object.dead.is_some() || self.silent.contains(&id) || object.version >= read;
                assert!(was_dead && piece.operation == Operation::Delete, "seed {seed}: {id} lives");
                let excused = self.lossy.contains(&id) || self.silent.contains(&id) || self.forgetful;
                assert!(known.is_some() || excused, "seed {seed}: the reader has no {id}");
                assert_eq!(piece.item, item(json!({"id": id.to_string()})));
                self.reader.remove(&id);
                self.told.insert(id, read);
                self.found[2] += 1;
            }
        }
    }

    fn run(&mut self, until: Millis, happens: bool) {
        while self.time < until {
            self.time += self.random.i64(1..200);
            if happens && self.random.bool() {
                self.happen();
            }
            self.deliver();
            if self.random.u32(0..3) > 0 {
                self.count();
            }
        }
    }

    fn finish_passes(&mut self, passes: usize) {
        let reports = self.reports.len() + passes;
        while self.reports.len() < reports {
            self.run(self.time + 1_000, false);
        }
    }

    /// The reader has what HubSpot has.
    fn check(&self) {
        let Self { seed, script, .. } = self;
        let live: Vec<u64> = self.store.0.keys().copied().filter(|id| self.store.live(*id)).collect();
        let delivered: Vec<u64> = self.reader.keys().copied().collect();
        assert_eq!(delivered, live, "seed {seed}, {script:?}");
        for id in live {
            let (_, mut delivered) = self.reader[&id].clone();
            let mut record = self.store.record(id, &self.needs);
            for item in [&mut delivered, &mut record] {
                if script.purposes.calculated.is_none() {
                    item.properties_mut().unwrap().remove("calculated");
                }
            }
            assert_eq!(delivered, record, "seed {seed}, {script:?}");
        }
    }
}

fn script(seed: u64) -> Script {
    let mut random = fastrand::Rng::with_seed(!seed);
    let interval = |random: &mut fastrand::Rng| Some(random.i64(5_000..60_000));
    let mut purposes = Purposes { audit: interval(&mut random), ..Purposes::default() };
    if random.bool() {
        purposes.calculated = interval(&mut random);
    }
    if random.bool() {
        purposes.associations = interval(&mut random);
    }
    if random.u32(0..4) == 0 && (purposes.calculated.is_some() || purposes.associations.is_some()) {
        purposes.audit = None;
    }
    let lost = if purposes.audit.is_some() { random.choice([0, 5, 40, 100]).unwrap() } else { 0 };
    let gaps = random.choice([1, 3, 1_000_000]).unwrap();
    let silent = lost > 0 && random.bool();
    Script { purposes, baseline: random.bool(), lost, silent, reread: random.bool(), gaps }
}

#[test]
fn what_the_stream_loses_is_repaired_and_nothing_else_is_emitted() {
    let mut found = [0; 3];
    for seed in 0..300 {
        let mut world = World::new(seed, script(seed), |_| ());
        let until = world.random.i64(50_000..400_000);
        world.run(until, true);
        // What the last ones found needs the second look, and one more pass where something came back meanwhile.
        world.run(world.time + 4 * (60_000 + LAG + SWEEP), false);
        world.finish_passes(3);
        world.check();
        let before = world.found;
        world.finish_passes(2);
        assert_eq!(world.found, before, "seed {seed}: there was nothing to find");
        if world.script.lost == 0 {
            assert_eq!((world.found[0], world.found[2]), (0, 0), "seed {seed}: nothing was lost");
        }
        for (all, found) in found.iter_mut().zip(world.found) {
            *all += found;
        }
    }
    assert!(found.iter().all(|found| *found > 500), "{found:?}");
}

/// A pass over pages of these ids, of a roll that knows 1 to 4.
fn pass(pages: &[&[u64]]) -> (Vec<Found>, Census) {
    let crm = contacts();
    let mut census = Census::new(crm, Purposes { audit: Some(9_000), ..Purposes::default() }, 500, 100);
    let mut roll = Roll::new(census.kept());
    for id in 1..=4 {
        roll.push(id, census.kept().of(&Item::default()));
    }
    census = census.with_baseline(roll);
    census.follow(HUB, NOW);
    census.begin(NOW + 9_000, HUB + 20_000, HUB + 10_000);
    let (reread, history, associations) = (Vec::new(), Vec::new(), Vec::new());
    let needs = Needs { crm, reread, history, associations, winners: false, deleted_properties: None };
    let mut found = Vec::new();
    for (place, ids) in pages.iter().enumerate() {
        let one =
            |id: &u64| item(json!({"id": id.to_string(), "properties": {"lastmodifieddate": (HUB - 1).to_string()}}));
        let next = (place + 1 < pages.len()).then(|| "more".to_owned());
        let response = Response { items: ids.iter().map(one).collect(), next, ..Response::default() };
        found.extend(census.absorb(response, NOW + 9_100, &needs).unwrap());
    }
    (found, census)
}

#[test]
fn what_is_not_listed_is_gone_only_when_it_is_not_found_by_its_id_a_while_later() {
    let (found, mut census) = pass(&[&[1, 3]]);
    assert_eq!((found, census.take_report().unwrap().vanished), (Vec::new(), 2));
    assert_eq!((census.due(), census.is_under_way()), (Some(NOW + 9_600), false));
    census.begin(NOW + 9_599, HUB, HUB);
    assert!(!census.is_under_way());
    census.begin(NOW + 9_600, HUB, HUB);
    let Some(Request::BatchRead(_, BatchReadRequest { ids, .. })) = census.request(&[]) else { panic!() };
    assert_eq!(ids, [ItemId::Number(2), ItemId::Number(4)]);
}

#[test]
fn a_list_in_another_order_than_by_id_is_not_compared_with_what_is_known() {
    let (found, mut census) = pass(&[&[3, 9], &[2, 4], &[1]]);
    let report = census.take_report().unwrap();
    assert_eq!((report.vanished, report.listed, report.remembered), (0, 5, false));
    // It was met before the order was seen to be another one, and is one too many at most.
    assert!(found.iter().all(|found| found.piece.id == ItemId::Number(9)), "{found:?}");
}

#[test]
fn an_object_that_two_pages_have_is_met_once() {
    let (found, mut census) = pass(&[&[1, 2, 3], &[3, 4]]);
    let report = census.take_report().unwrap();
    assert_eq!((found, report.listed, report.vanished, report.remembered), (Vec::new(), 4, 0, true));
}

#[test]
fn with_too_much_to_remember_nothing_wrong_is_emitted() {
    for seed in 0..100 {
        let most = seed as usize % 7;
        let mut world = World::new(seed, script(seed), |census| {
            census.emitted.hold(most);
            census.overlay.hold(most);
            census.departed.hold(most);
        });
        world.forgetful = true;
        world.run(300_000, true);
        world.finish_passes(4);
    }
}
