//! An account: its handle for tests.

mod changes;
mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use serde_json::{Value, json};

use crate::counters::Counters;
use crate::crm::associations;
use crate::errors::ApiError;
use crate::faults::{Fault, FaultRule};
use crate::settings::Settings;
pub(crate) use state::State;
use state::lock;

/// A handle to an account, cheap to clone. What it changes is changed as if someone had done it in HubSpot: no limit, latency or fault touches it, and it
/// doesn't count as a request.
///
/// A *resource* is HubSpot's name of an object type (`contacts`, `line_items`, `0-8`, `2-…`) or a path of the CMS (`blogs/posts`,
/// `pages/landing-pages`, `hubdb/tables`, `url-redirects`), or `owners`, or `pipelines/…` or `stages/…` of an object type (`pipelines/deals`). The methods that take one panic when there is no such resource or object, or when HubSpot would
/// refuse the values: they are for tests and demos, which have no use for such a mistake. The only exceptions: a property that isn't defined is
/// defined as a string, and read-only properties and types can be written.
#[derive(Clone)]
pub struct Account(Arc<State>);

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Account").field("portal_id", &self.0.portal_id).finish_non_exhaustive()
    }
}

impl Account {
    pub(crate) fn new(number: usize, settings: Settings) -> Self {
        Self(Arc::new(State::new(number, settings)))
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

    /// Removes a contact for good, as `gdpr-delete` does: it is in no list any more, the archived one included.
    pub fn gdpr_delete(&self, object_type: &str, id: &str) {
        self.try_gdpr_delete(object_type, id).unwrap_or_else(|error| refused("delete for good", object_type, &error));
    }

    /// Removes an archived CRM object for good, as HubSpot does after 90 days.
    pub fn purge(&self, object_type: &str, id: &str) {
        self.try_purge(object_type, id).unwrap_or_else(|error| refused("purge", object_type, &error));
    }

    /// Changes properties of a CRM object as HubSpot's calculations do it: its changed-time stays.
    pub fn recalculate(&self, object_type: &str, id: &str, fields: &Value) {
        self.try_recalculate(object_type, id, fields)
            .unwrap_or_else(|error| refused("recalculate", object_type, &error));
    }

    /// Associates two CRM objects, in both directions. `label` is HubSpot's own (`Primary`, between some types) or one of the account's, which is made
    /// when it isn't there; with it comes the association without a label. The changed-times of the objects stay.
    pub fn associate(&self, from_type: &str, from_id: &str, to_type: &str, to_id: &str, label: Option<&str>) {
        self.try_associate((from_type, from_id), (to_type, to_id), label)
            .unwrap_or_else(|error| refused("associate", from_type, &error));
    }

    /// Ends all associations of two CRM objects. Their changed-times stay.
    pub fn dissociate(&self, from_type: &str, from_id: &str, to_type: &str, to_id: &str) {
        self.try_dissociate((from_type, from_id), (to_type, to_id))
            .unwrap_or_else(|error| refused("dissociate", from_type, &error));
    }

    /// Makes a label that objects of two types can be associated with: what the first is to the second and, if it reads differently (`Manager`,
    /// `Employee`), what the second is to the first. Returns the ids of its types, `USER_DEFINED`, in the one direction and in the other.
    pub fn define_label(&self, from_type: &str, to_type: &str, label: &str, inverse: Option<&str>) -> [u32; 2] {
        associations::make_label(&self.0, from_type, to_type, label, inverse)
            .unwrap_or_else(|error| refused("define a label of", from_type, &error))
    }

    /// The truth of associations: by id, the objects of one type that have any with objects of another, each as a batch read of them shows it
    /// (`toObjectId`, `associationTypes`), in the order of `toObjectId` as a number.
    pub fn associations(&self, from_type: &str, to_type: &str) -> BTreeMap<String, Vec<Value>> {
        self.try_associations(from_type, to_type).unwrap_or_else(|error| refused("list", from_type, &error))
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
        self.try_count(resource).unwrap_or_else(|error| refused("count", resource, &error))
    }

    /// Defines a custom object type with a name that has no `/`; its properties are defined as objects use them. Returns its object type id, `2-…`.
    pub fn define_type(&self, name: &str) -> String {
        self.define_object(&json!({ "name": name }))
    }

    /// Defines a custom object type: `schema` is the body that HubSpot's schemas endpoint takes
    /// (`{"name", "labels": {"singular", "plural"}, "properties": […], "requiredProperties", "primaryDisplayProperty"}`); only `name` is required here.
    /// Returns its object type id, `2-…`.
    pub fn define_object(&self, schema: &Value) -> String {
        self.try_define_object(schema).unwrap_or_else(|error| refused("define", &schema["name"].to_string(), &error))
    }

    /// Defines a property: `definition` is the body that HubSpot's properties endpoint takes
    /// (`{"name", "label", "type", "fieldType", "groupName", "options", "hasUniqueValue"}`); only `name` is required here.
    pub fn define_property(&self, object_type: &str, definition: &Value) {
        crate::crm::properties::define(&self.0, object_type, definition, true)
            .unwrap_or_else(|error| refused("define a property of", object_type, &error));
    }

    /// Removes a property of a CRM object type, HubSpot's own ones too. What objects have for it is seen no more.
    pub fn remove_property(&self, object_type: &str, name: &str) {
        crate::crm::properties::remove(&self.0, object_type, name, true)
            .unwrap_or_else(|error| refused("remove a property of", object_type, &error));
    }

    /// What it was asked so far.
    pub fn counters(&self) -> Counters {
        let (general, search) = self.0.usage().peaks();
        Counters { peak_in_window: general, peak_searches_per_second: search, ..self.0.counters().clone() }
    }

    /// Counts from zero again. The windows of the limits stay as they are.
    pub fn reset_counters(&self) {
        *self.0.counters() = Counters::default();
        self.0.usage().reset_peaks();
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

    /// The day starts over: what was asked today counts no more against the daily limit.
    pub fn reset_daily_limit(&self) {
        self.0.usage().start_day_over();
    }

    /// All of the daily limit is used up, as if others had done it: 429 `DAILY` to everything, until [`Account::reset_daily_limit`] or the next day.
    /// Nothing happens while [`Limits`](crate::Limits) are off.
    pub fn use_up_daily_limit(&self) {
        let limits = self.0.settings().limits;
        self.0.usage().use_up_day(limits, self.0.clock.now());
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
}

fn refused<T>(what: &str, resource: &str, error: &ApiError) -> T {
    panic!("the emulator can't {what} {resource}: {} {}: {}", error.status, error.category, error.message)
}
