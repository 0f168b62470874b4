//! The objects of a collection: the truth. Lists read it: the CMS has no index that lags.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::schedule;
use crate::account::State;
use crate::clock::{Millis, iso};
use crate::errors::{ApiError, Result};
use crate::settings::Settings;

pub(crate) type Fields = Map<String, Value>;

/// What a collection is, as data: `collections.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Definition {
    pub(crate) path: String,
    pub(crate) singular: String,
    pub(crate) scopes: Vec<String>,
    created: String,
    updated: String,
    deleted: Deleted,
    pub(crate) batch: bool,
    pub(crate) draft: Draft,
    pub(crate) required: Vec<String>,
    /// No two objects have the same value of it.
    pub(crate) unique: Option<String>,
    read_only: Vec<String>,
    /// The fields of an object that nobody has set.
    template: Fields,
}

/// How an object says that it is deleted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Deleted {
    /// A timestamp; the epoch when it isn't.
    Iso(String),
    /// Epoch milliseconds as a number; 0 when it isn't.
    Millis(String),
    /// A timestamp, and the field `deleted`.
    Flagged(String),
    /// Not at all.
    Unmarked,
}

/// What drafts are in a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Draft {
    /// There are none.
    None,
    /// Beside the object, pushed live.
    Live,
    /// A table that nobody has published is nothing but a draft.
    Published,
}

/// Every definition there is.
pub(crate) fn definitions() -> &'static [Definition] {
    static DEFINITIONS: LazyLock<Vec<Definition>> =
        LazyLock::new(|| serde_json::from_str(include_str!("collections.json")).unwrap_or_default());
    &DEFINITIONS
}

#[derive(Debug)]
pub(crate) struct Collection {
    definition: &'static Definition,
    objects: Mutex<BTreeMap<u64, Object>>,
    /// Something was scheduled once: there may be something to publish.
    scheduled: AtomicBool,
}

/// An object of the CMS.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) id: u64,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) deleted: Option<Millis>,
    /// What is live; `None` for a table that isn't published.
    live: Option<Fields>,
    /// What has been changed in the draft since.
    draft: Option<Fields>,
}

impl Object {
    /// The fields of the live version, or of the draft.
    pub(crate) fn fields(&self, draft: bool) -> Option<&Fields> {
        if draft { self.draft.as_ref().or(self.live.as_ref()) } else { self.live.as_ref() }
    }

    pub(crate) fn has_draft(&self) -> bool {
        self.draft.is_some()
    }

    /// A post or a page that everybody sees.
    pub(crate) fn is_public(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.get("currentlyPublished") == Some(&json!(true)))
    }

    /// Sets fields of what is live and of the draft.
    pub(crate) fn set_both(&mut self, fields: Fields, now: Millis) {
        if let Some(draft) = &mut self.draft {
            draft.extend(fields.clone());
        }
        set(self, fields, now);
    }
}

impl Collection {
    pub(crate) fn new(definition: &'static Definition) -> Self {
        Self { definition, objects: Mutex::default(), scheduled: AtomicBool::new(false) }
    }

    pub(crate) fn definition(&self) -> &'static Definition {
        self.definition
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().values().filter(|object| object.deleted.is_none()).count()
    }

    /// Publishes what is scheduled for a time that has come.
    pub(crate) fn publish_due(&self, now: Millis) {
        if self.scheduled.load(Ordering::Relaxed) {
            self.lock().values_mut().filter(|object| object.deleted.is_none()).for_each(|object| {
                schedule::publish_if_due(object, now);
            });
        }
    }

    /// Notes that these fields schedule something.
    pub(crate) fn note_schedule(&self, fields: &Fields) {
        if self.definition.draft == Draft::Live && schedule::is_scheduled(fields) {
            self.scheduled.store(true, Ordering::Relaxed);
        }
    }

    /// The fields that a request may set; what HubSpot keeps itself, and what it doesn't know, is passed over.
    pub(crate) fn writable(&self, fields: Fields) -> Fields {
        let definition = self.definition;
        let may = |name: &String| definition.template.contains_key(name) && !definition.read_only.contains(name);
        let fields = fields.into_iter().filter(|(name, _)| may(name)).collect();
        self.note_schedule(&fields);
        fields
    }

    /// Adds an object; a table is a draft until it is published.
    pub(crate) fn insert(&self, state: &State, settings: &Settings, mut fields: Fields, now: Millis) -> Object {
        complete_columns(&mut fields);
        let mut all = self.definition.template.clone();
        all.extend(fields);
        self.note_schedule(&all);
        schedule::follow_state(&mut all, now);
        let mut objects = self.lock();
        let id = state.next_id(settings.ids_in_order, |id| objects.contains_key(&id));
        let mut object = Object { id, created: now, updated: now, deleted: None, live: None, draft: None };
        if self.definition.draft == Draft::Published {
            object.draft = Some(all);
        } else {
            object.live = Some(all);
        }
        objects.insert(id, object.clone());
        object
    }

    pub(crate) fn seed(&self, state: &State, settings: &Settings, fields: Fields, now: Millis) -> String {
        let id = self.insert(state, settings, fields, now).id;
        if self.definition.draft == Draft::Published
            && let Some(object) = self.lock().get_mut(&id)
        {
            publish(object, now);
        }
        id.to_string()
    }

    /// The live object of an id; tables have names too.
    pub(crate) fn find<'a>(
        &self,
        objects: &'a mut BTreeMap<u64, Object>,
        id: &str,
        deleted: bool,
    ) -> Result<&'a mut Object> {
        let missing = || ApiError::not_found(&self.definition.singular, id);
        let key = match id.parse() {
            Ok(id) => Some(id),
            Err(_) if self.definition.draft == Draft::Published => {
                let named = |object: &&Object| {
                    object.deleted.is_some() == deleted
                        && object.fields(true).is_some_and(|fields| fields.get("name") == Some(&json!(id)))
                };
                objects.values().find(named).map(|object| object.id)
            }
            Err(_) => None,
        };
        let object = key.and_then(|key| objects.get_mut(&key)).ok_or_else(missing)?;
        if object.deleted.is_some() == deleted { Ok(object) } else { Err(missing()) }
    }

    /// Sets fields of a live object.
    pub(crate) fn change(&self, id: &str, fields: Fields, now: Millis) -> Result<()> {
        self.note_schedule(&fields);
        let mut objects = self.lock();
        let object = self.find(&mut objects, id, false)?;
        set(object, fields, now);
        Ok(())
    }

    /// Deletes an object. Its changed-time stays. (Believed: the documents don't say.)
    pub(crate) fn delete(&self, id: &str, now: Millis) -> Result<()> {
        let mut objects = self.lock();
        let object = self.find(&mut objects, id, false)?;
        object.deleted = Some(now);
        Ok(())
    }

    pub(crate) fn restore(&self, id: &str, now: Millis) -> Result<()> {
        let mut objects = self.lock();
        let object = self.find(&mut objects, id, true)?;
        object.deleted = None;
        object.updated = now;
        Ok(())
    }

    /// 409 if another object has the value of the unique field.
    pub(crate) fn check_unique(&self, fields: &Fields, own: Option<u64>) -> Result<()> {
        let Some(field) = &self.definition.unique else { return Ok(()) };
        let Some(value) = fields.get(field) else { return Ok(()) };
        let objects = self.lock();
        let same = |object: &&Object| {
            object.deleted.is_none()
                && own != Some(object.id)
                && object.fields(true).is_some_and(|fields| fields.get(field) == Some(value))
        };
        match objects.values().find(same) {
            // Believed: what HubSpot calls this, it doesn't say.
            Some(existing) => Err(ApiError::conflict(&self.definition.singular, Some(existing.id))),
            None => Ok(()),
        }
    }

    /// An object as HubSpot shows it.
    pub(crate) fn value(&self, object: &Object, draft: bool) -> Value {
        let definition = self.definition;
        let mut value = object.fields(draft).or_else(|| object.fields(true)).cloned().unwrap_or_default();
        value.insert("id".into(), object.id.to_string().into());
        value.insert(definition.created.clone(), iso(object.created).into());
        value.insert(definition.updated.clone(), iso(object.updated).into());
        let at = object.deleted.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), iso);
        match &definition.deleted {
            Deleted::Iso(field) => {
                value.insert(field.clone(), at.into());
            }
            Deleted::Millis(field) => {
                value.insert(field.clone(), object.deleted.unwrap_or(0).into());
            }
            Deleted::Flagged(field) => {
                value.insert(field.clone(), at.into());
                value.insert("deleted".into(), object.deleted.is_some().into());
            }
            Deleted::Unmarked => {}
        }
        Value::Object(value)
    }

    /// All objects, deleted or not; tables that aren't published with them, as their drafts.
    pub(crate) fn truth(&self, deleted: bool) -> BTreeMap<String, Value> {
        let objects = self.lock();
        let wanted = objects.values().filter(|object| object.deleted.is_some() == deleted);
        wanted.map(|object| (object.id.to_string(), self.value(object, false))).collect()
    }
}

/// Gives a table's columns what HubSpot gives them: ids, and the fields that weren't set.
fn complete_columns(fields: &mut Fields) {
    let columns = fields.get_mut("columns").and_then(Value::as_array_mut);
    for (position, column) in columns.into_iter().flatten().enumerate() {
        let Some(column) = column.as_object_mut() else { continue };
        let id = match column.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => (position + 1).to_string(),
        };
        column.insert("id".into(), id.into());
        for (name, value) in [("description", json!("")), ("deleted", json!(false))] {
            column.entry(name).or_insert(value);
        }
    }
}

/// Sets fields of what is live, or of a table that is nothing but a draft.
pub(crate) fn set(object: &mut Object, mut fields: Fields, now: Millis) {
    complete_columns(&mut fields);
    let target = object.live.as_mut().or(object.draft.as_mut());
    if let Some(target) = target {
        target.extend(fields);
        schedule::follow_state(target, now);
    }
    object.updated = now;
}

/// Sets fields of the draft. What is live stays, and so does its changed-time.
pub(crate) fn set_draft(object: &mut Object, mut fields: Fields, now: Millis) {
    complete_columns(&mut fields);
    let only_draft = object.live.is_none();
    let draft = object.draft.get_or_insert_with(|| object.live.clone().unwrap_or_default());
    draft.extend(fields);
    if only_draft {
        object.updated = now;
    }
}

/// Makes the draft live.
pub(crate) fn publish(object: &mut Object, now: Millis) {
    if let Some(draft) = object.draft.take().or_else(|| object.live.take()) {
        object.live = Some(draft);
    }
    if let Some(live) = &mut object.live
        && live.contains_key("currentlyPublished")
    {
        live.insert("state".into(), "PUBLISHED".into());
        schedule::follow_state(live, now);
    }
    if let Some(live) = &mut object.live
        && live.contains_key("published")
    {
        live.insert("published".into(), true.into());
        live.insert("publishedAt".into(), iso(now).into());
        let columns = live.get("columns").and_then(Value::as_array).map_or(0, Vec::len);
        live.insert("columnCount".into(), columns.into());
    }
    object.updated = now;
}

/// Makes what is live a draft.
pub(crate) fn unpublish(object: &mut Object, now: Millis) {
    let live = object.live.take();
    object.draft = object.draft.take().or(live);
    if let Some(draft) = &mut object.draft {
        draft.insert("published".into(), false.into());
    }
    object.updated = now;
}

/// Drops the draft of what is live.
pub(crate) fn reset_draft(object: &mut Object) {
    if object.live.is_some() {
        object.draft = None;
    }
}
