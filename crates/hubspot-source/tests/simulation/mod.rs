//! A HubSpot in memory with a clock of its own, and a reader that is killed and resumed.
//!
//! * [`history`]: what a seed stands for.
//! * [`happenings`]: what happens in HubSpot, as time passes.
//! * [`crm`], [`cms`], [`directory`]: what HubSpot answers.
//! * [`line`]: the requests under way, with what can befall them.
//! * [`reader`]: what is delivered, and what must hold of each of its records.
//! * [`run`]: the two together, until all is quiet; what must hold in the end, and of the whole.

mod cms;
mod crm;
mod directory;
mod happenings;
mod history;
mod line;
mod reader;
mod run;
mod seeds;
mod truth;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use fastrand::Rng;
use hubspot_catalog::{Kind, Resource};
use hubspot_source::ask::{Request, Response};
use hubspot_source::item::Millis;

pub(crate) use history::History;
pub(crate) use run::Summary;
pub(crate) use seeds::each_seed;

/// When the histories begin, by HubSpot's clock.
pub(crate) const EPOCH: Millis = 1_790_000_000_000;

/// So many earlier values HubSpot keeps of a property.
const KEPT: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    created: Millis,
    version: Millis,
    value: u64,
    /// A calculated property: it changes without moving the version.
    score: u32,
    /// What it is associated with.
    links: BTreeSet<u64>,
    /// What has been merged into it.
    merged: Vec<u64>,
    /// Its values up to now, each with its instant.
    past: Vec<(Millis, u64)>,
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
    /// When something was changed, archived, merged or erased.
    happened: Vec<Millis>,
    /// Whether "after" includes its instant: the CMS documents don't say.
    inclusive: bool,
    /// Which object another was merged into.
    winners: HashMap<u64, u64>,
    /// Versions that the index never shows, of objects that haven't changed since.
    hidden: HashMap<u64, Millis>,
    /// Objects that once were in a version that the index never showed.
    ever_hidden: HashSet<u64>,
    /// Objects that were deleted for good, and when.
    erased: HashMap<u64, Millis>,
    /// When objects were restored last.
    restored: HashMap<u64, Millis>,
    /// When an object last changed without its version moving.
    silent: HashMap<u64, Millis>,
    /// How many times an object was archived, merged away or erased.
    died: HashMap<u64, u32>,
}

impl World {
    pub(crate) fn new(seed: u64, resource: &'static Resource, history: &History) -> Self {
        let mut world = Self {
            rng: Rng::with_seed(history::salted(seed, resource)),
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
            happened: Vec::new(),
            inclusive: seed.is_multiple_of(2),
            winners: HashMap::new(),
            hidden: HashMap::new(),
            ever_hidden: HashSet::new(),
            erased: HashMap::new(),
            restored: HashMap::new(),
            silent: HashMap::new(),
            died: HashMap::new(),
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

    /// What HubSpot answers now.
    fn answer(&mut self, request: &Request, history: &History) -> Response {
        let mut response = match request {
            Request::List(crm, list) => self.list(crm, list, history),
            Request::Search(crm, search) => self.search(crm, search, history),
            Request::CmsList(cms, list) => self.cms_list(cms, list),
            Request::Properties(crm) => World::definitions(crm, history),
            Request::BatchRead(crm, read) => self.batch_read(crm, read),
            Request::Associations(_, associations) => self.associations(associations),
            Request::Directory(_, page) => self.directory(page, history),
        };
        let date = self.now + self.rng.i64(-history.skew..=history.skew);
        response.date = Some(date - date.rem_euclid(1_000));
        response
    }

    /// The object that is there now for this id: what was merged away answers as what it was merged into.
    fn resolve(&self, mut id: u64) -> u64 {
        while let Some(winner) = self.winners.get(&id) {
            id = *winner;
        }
        id
    }

    fn is_directory(&self) -> bool {
        matches!(self.resource.kind, Kind::Directory(_))
    }
}

/// An order of ids that isn't theirs: HubSpot promises none within a millisecond.
fn scatter(id: u64) -> u64 {
    id.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32).max(1)
}
