//! An account: its handle for tests, and all that it holds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde_json::Value;

use crate::clock::{Clock, Millis};
use crate::cms::Cms;
use crate::counters::Counters;
use crate::crm::Crm;
use crate::errors::{ApiError, Result};
use crate::faults::{Fault, FaultRule, Faults};
use crate::ids::Ids;
use crate::limits::Usage;
use crate::settings::Settings;

/// A handle to an account, cheap to clone. What it changes is changed as if someone had done it in HubSpot: no limit, latency or fault touches it, and it
/// doesn't count as a request.
///
/// A *resource* is HubSpot's name of an object type (`contacts`, `line_items`, `0-8`, `2-…`) or a path of the CMS (`blogs/posts`,
/// `pages/landing-pages`, `hubdb/tables`, `url-redirects`). The methods that take one panic when there is no such resource or object, or when HubSpot would
/// refuse the values: they are for tests and demos, which have no use for such a mistake. The only exceptions: a property that isn't defined is
/// defined as a string, and read-only properties and types can be written.
#[derive(Clone)]
pub struct Account(Arc<State>);

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Account").field("portal_id", &self.0.portal_id).finish_non_exhaustive()
    }
}

/// All that an account holds.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) portal_id: u64,
    settings: RwLock<Arc<Settings>>,
    pub(crate) clock: Clock,
    ids: Mutex<Ids>,
    pub(crate) crm: Crm,
    pub(crate) cms: Cms,
    usage: Mutex<Usage>,
    faults: Mutex<Faults>,
    counters: Mutex<Counters>,
    scopes: RwLock<Option<Vec<String>>>,
    revoked: AtomicBool,
    /// OAuth access tokens that were granted before this instant have expired.
    tokens_expired_at: AtomicI64,
}

impl Account {
    pub(crate) fn new(number: usize, settings: Settings) -> Self {
        let clock = Clock::new(settings.clock_offset);
        let seed = settings.seed.wrapping_add(number as u64);
        Self(Arc::new(State {
            portal_id: 47_000_001 + number as u64,
            clock,
            ids: Mutex::new(Ids::new(seed)),
            crm: Crm::new(seed),
            cms: Cms::new(),
            usage: Mutex::new(Usage::default()),
            faults: Mutex::new(Faults::new(seed)),
            counters: Mutex::new(Counters::default()),
            scopes: RwLock::new(None),
            revoked: AtomicBool::new(false),
            tokens_expired_at: AtomicI64::new(0),
            settings: RwLock::new(Arc::new(settings)),
        }))
    }

    pub(crate) fn state(&self) -> &State {
        &self.0
    }

    /// Creates an object and returns its id. `fields` are a CRM object's properties, or a CMS object's fields.
    pub fn create(&self, resource: &str, fields: Value) -> String {
        let created = self.seed(resource, std::iter::once(fields), false);
        created.unwrap_or_else(|error| refused("create", resource, &error)).pop().unwrap_or_default()
    }

    /// Creates `count` objects, `fields(0)` to `fields(count - 1)`, and returns their ids in that order.
    pub fn create_many(&self, resource: &str, count: usize, fields: impl FnMut(usize) -> Value) -> Vec<String> {
        self.seed(resource, (0..count).map(fields), false).unwrap_or_else(|error| refused("create", resource, &error))
    }

    /// The same, but all of them in one millisecond, as a bulk import does it.
    pub fn create_tied(&self, resource: &str, count: usize, fields: impl FnMut(usize) -> Value) -> Vec<String> {
        self.seed(resource, (0..count).map(fields), true).unwrap_or_else(|error| refused("create", resource, &error))
    }

    /// Changes properties, or fields, of an object.
    pub fn update(&self, resource: &str, id: &str, fields: Value) {
        self.try_update(resource, id, fields).unwrap_or_else(|error| refused("update", resource, &error));
    }

    /// Archives (deletes) an object.
    pub fn archive(&self, resource: &str, id: &str) {
        self.try_archive(resource, id).unwrap_or_else(|error| refused("archive", resource, &error));
    }

    /// Brings an archived object back, under its id.
    pub fn restore(&self, resource: &str, id: &str) {
        self.try_restore(resource, id).unwrap_or_else(|error| refused("restore", resource, &error));
    }

    /// Merges the CRM object `loser` into `primary` and returns the winner's id: the primary's, or a new one ([`Settings::merge_mints_id`]).
    pub fn merge(&self, object_type: &str, primary: &str, loser: &str) -> String {
        self.try_merge(object_type, primary, loser).unwrap_or_else(|error| refused("merge", object_type, &error))
    }

    /// The truth: all objects that are not archived, by id, as the list endpoint shows them with all properties that have a value.
    pub fn objects(&self, resource: &str) -> BTreeMap<String, Value> {
        self.truth(resource, false).unwrap_or_else(|error| refused("list", resource, &error))
    }

    /// All archived objects, as [`Account::objects`] shows the others.
    pub fn archived(&self, resource: &str) -> BTreeMap<String, Value> {
        self.truth(resource, true).unwrap_or_else(|error| refused("list", resource, &error))
    }

    /// How many objects are not archived.
    pub fn count(&self, resource: &str) -> usize {
        let counted = if is_cms(resource) {
            self.0.cms.collection(resource).map(crate::cms::Collection::len)
        } else {
            self.0.crm.store(resource).map(|store| store.read().len())
        };
        counted.unwrap_or_else(|error| refused("count", resource, &error))
    }

    /// Defines a custom object type with a name that has no `/`; its properties are defined as objects use them. Returns its object type id, `2-…`.
    pub fn define_type(&self, name: &str) -> String {
        self.0.crm.define_type(name, self.0.clock.now()).unwrap_or_else(|error| refused("define", name, &error))
    }

    /// Defines a property: `definition` is the body that HubSpot's properties endpoint takes
    /// (`{"name", "label", "type", "fieldType", "groupName", "options", "hasUniqueValue"}`); only `name` is required here.
    pub fn define_property(&self, object_type: &str, definition: &Value) {
        crate::crm::properties::define(&self.0, object_type, definition, true)
            .unwrap_or_else(|error| refused("define a property of", object_type, &error));
    }

    /// What it was asked so far.
    pub fn counters(&self) -> Counters {
        let (general, search) = lock(&self.0.usage).peaks();
        Counters { peak_in_window: general, peak_searches_per_second: search, ..lock(&self.0.counters).clone() }
    }

    /// Counts from zero again. The windows of the limits stay as they are.
    pub fn reset_counters(&self) {
        *lock(&self.0.counters) = Counters::default();
        lock(&self.0.usage).reset_peaks();
    }

    /// Its settings.
    pub fn settings(&self) -> Settings {
        Settings::clone(&self.0.settings())
    }

    /// Changes its settings. They hold for requests that arrive from here on, index lags for changes made from here on.
    pub fn set_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.0.settings.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Settings::clone(&settings);
        change(&mut changed);
        self.0.clock.set_offset(changed.clock_offset);
        *settings = Arc::new(changed);
    }

    /// The next `count` requests meet this fault.
    pub fn fail_next(&self, fault: Fault, count: u32) {
        self.fail_matching(FaultRule { method: None, path_contains: String::new(), fault, times: count });
    }

    /// Requests that the rule matches meet its fault. Older rules go first.
    pub fn fail_matching(&self, rule: FaultRule) {
        lock(&self.0.faults).add(rule);
    }

    /// Forgets all rules of faults.
    pub fn clear_faults(&self) {
        lock(&self.0.faults).clear();
    }

    /// From here on, its static token is answered with 401 `INVALID_AUTHENTICATION`.
    pub fn revoke_token(&self) {
        self.0.revoked.store(true, Ordering::Relaxed);
    }

    /// All OAuth access tokens that were granted for it until now have expired: 401 `EXPIRED_AUTHENTICATION`.
    pub fn expire_access_tokens(&self) {
        self.0.tokens_expired_at.store(self.0.clock.now() + 1, Ordering::Relaxed);
    }

    /// What its tokens may do, by HubSpot's names of scopes; `None`, the default, is everything.
    pub fn set_scopes(&self, scopes: Option<Vec<&str>>) {
        let scopes = scopes.map(|scopes| scopes.into_iter().map(ToOwned::to_owned).collect());
        *self.0.scopes.write().unwrap_or_else(PoisonError::into_inner) = scopes;
    }

    // What the admin API calls: the same, with errors.

    pub(crate) fn seed(&self, resource: &str, fields: impl Iterator<Item = Value>, tied: bool) -> Result<Vec<String>> {
        if is_cms(resource) {
            self.0.cms.seed(&self.0, resource, fields, tied)
        } else {
            self.0.crm.seed(&self.0, resource, fields, tied)
        }
    }

    pub(crate) fn try_update(&self, resource: &str, id: &str, fields: Value) -> Result<()> {
        if is_cms(resource) {
            self.0.cms.change(&self.0, resource, id, fields)
        } else {
            self.0.crm.change(&self.0, resource, id, &fields)
        }
    }

    pub(crate) fn try_archive(&self, resource: &str, id: &str) -> Result<()> {
        if is_cms(resource) {
            self.0.cms.collection(resource)?.delete(id, self.0.clock.now())
        } else {
            let store = self.0.crm.store(resource)?;
            let archived = store.write().archive(&self.0, crate::crm::parse_id(id)?);
            if archived { Ok(()) } else { Err(ApiError::not_found(resource, id)) }
        }
    }

    pub(crate) fn try_restore(&self, resource: &str, id: &str) -> Result<()> {
        if is_cms(resource) {
            self.0.cms.collection(resource)?.restore(id, self.0.clock.now())
        } else {
            let store = self.0.crm.store(resource)?;
            let restored = store.write().restore(&self.0, crate::crm::parse_id(id)?);
            if restored { Ok(()) } else { Err(ApiError::not_found(resource, id)) }
        }
    }

    pub(crate) fn try_merge(&self, object_type: &str, primary: &str, loser: &str) -> Result<String> {
        crate::crm::merge::merge(&self.0, object_type, primary, loser).map(|winner| winner.id.to_string())
    }

    pub(crate) fn truth(&self, resource: &str, archived: bool) -> Result<BTreeMap<String, Value>> {
        if is_cms(resource) {
            Ok(self.0.cms.collection(resource)?.truth(archived))
        } else {
            Ok(self.0.crm.store(resource)?.read().truth(archived))
        }
    }
}

impl State {
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn next_id(&self, in_order: bool, taken: impl Fn(u64) -> bool) -> u64 {
        lock(&self.ids).next(in_order, taken)
    }

    pub(crate) fn usage(&self) -> MutexGuard<'_, Usage> {
        lock(&self.usage)
    }

    pub(crate) fn counters(&self) -> MutexGuard<'_, Counters> {
        lock(&self.counters)
    }

    pub(crate) fn strike(&self, method: &str, path: &str, settings: &Settings) -> Option<Fault> {
        lock(&self.faults).strike(method, path, &settings.fault_rates)
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    pub(crate) fn expired_before(&self) -> Millis {
        self.tokens_expired_at.load(Ordering::Relaxed)
    }

    /// 403 unless one of these scopes has been granted.
    pub(crate) fn require_scope(&self, any_of: &[String]) -> Result<()> {
        match &*self.scopes.read().unwrap_or_else(PoisonError::into_inner) {
            Some(granted) if !any_of.iter().any(|scope| granted.contains(scope)) => {
                Err(ApiError::missing_scopes(any_of))
            }
            _ => Ok(()),
        }
    }
}

/// Paths of the CMS have a slash, or are the one that has none.
fn is_cms(resource: &str) -> bool {
    resource.contains('/') || resource == "url-redirects"
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused<T>(what: &str, resource: &str, error: &ApiError) -> T {
    panic!("the emulator can't {what} {resource}: {} {}: {}", error.status, error.category, error.message)
}
