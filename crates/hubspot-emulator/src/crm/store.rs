//! The objects of a type: the truth.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use super::index::Index;
use super::object::{Object, Projection};
use super::values::Values;
use crate::account::State;
use crate::clock::Millis;
use crate::definitions::ObjectType;
use crate::errors::{ApiError, Result};
use crate::settings::Settings;

/// Values of a property that HubSpot keeps: the 20 newest.
const HISTORY: usize = 20;

/// The objects of a type.
#[derive(Debug)]
pub(crate) struct ObjectStore {
    object_type: ObjectType,
    live: BTreeMap<u64, Arc<Object>>,
    archived: BTreeMap<u64, Arc<Object>>,
    /// Ids that a merge swallowed, and the ids that they are now.
    merged: HashMap<u64, u64>,
    /// Unique values: property and value in lower case.
    unique: HashMap<(Arc<str>, String), u64>,
    /// The values that changed properties have had.
    history: HashMap<u64, Vec<OldValue>>,
    pub(crate) index: Index,
}

/// A value that a property had since some time.
#[derive(Clone, Debug)]
pub(crate) struct OldValue {
    pub(crate) property: Arc<str>,
    pub(crate) value: Arc<str>,
    pub(crate) since: Millis,
    /// HubSpot's name of what set it.
    pub(crate) source: &'static str,
}

impl ObjectStore {
    pub(crate) fn new(object_type: ObjectType, seed: u64) -> Self {
        Self {
            object_type,
            live: BTreeMap::new(),
            archived: BTreeMap::new(),
            merged: HashMap::new(),
            unique: HashMap::new(),
            history: HashMap::new(),
            index: Index::new(seed),
        }
    }

    pub(crate) fn object_type(&self) -> &ObjectType {
        &self.object_type
    }

    pub(crate) fn object_type_mut(&mut self) -> &mut ObjectType {
        &mut self.object_type
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    /// Objects after an id, in the order of ids.
    pub(crate) fn after(&self, id: Option<u64>, archived: bool) -> impl Iterator<Item = &Arc<Object>> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        let objects = if archived { &self.archived } else { &self.live };
        objects.range((from, Bound::Unbounded)).map(|(_, object)| object)
    }

    /// The object of an id; of the winner when a merge swallowed it.
    pub(crate) fn get(&self, id: u64, archived: bool) -> Option<&Arc<Object>> {
        let objects = if archived { &self.archived } else { &self.live };
        objects.get(&id).or_else(|| objects.get(&self.winner(id)?))
    }

    fn winner(&self, id: u64) -> Option<u64> {
        let mut winner = *self.merged.get(&id)?;
        while let Some(next) = self.merged.get(&winner) {
            winner = *next;
        }
        Some(winner)
    }

    /// The id of the object that has this value of a unique property, `hs_object_id` included.
    pub(crate) fn find(&self, property: &str, value: &str) -> Result<Option<u64>> {
        if property == "hs_object_id" {
            return Ok(value.parse().ok().and_then(|id| self.get(id, false)).map(|object| object.id));
        }
        match self.object_type.properties.get(property) {
            Some(definition) if definition.unique => {
                Ok(self.unique.get(&(Arc::clone(&definition.name), value.to_lowercase())).copied())
            }
            Some(_) => Err(ApiError::invalid(format!(
                "Property {property} is not a unique property of {}",
                self.object_type.name
            ))),
            None => Err(ApiError::invalid(format!("Property {property} does not exist on {}", self.object_type.name))),
        }
    }

    /// 409 if another object has one of these unique values.
    pub(crate) fn check_unique(&self, values: &Values, own: Option<u64>) -> Result<()> {
        for (name, value) in values {
            let is_unique =
                !value.is_empty() && self.object_type.properties.get(name).is_some_and(|property| property.unique);
            if is_unique
                && let Some(existing) = self.unique.get(&(Arc::clone(name), value.to_lowercase()))
                && own != Some(*existing)
            {
                return Err(ApiError::conflict(&self.object_type.singular, Some(*existing)));
            }
        }
        Ok(())
    }

    fn keep_unique(&mut self, object: &Object, taken: bool) {
        for (name, value) in object.stored_all() {
            if self.object_type.properties.get(name).is_some_and(|property| property.unique) {
                let key = (Arc::clone(name), value.to_lowercase());
                if taken {
                    self.unique.insert(key, object.id);
                } else if self.unique.get(&key) == Some(&object.id) {
                    self.unique.remove(&key);
                }
            }
        }
    }

    pub(crate) fn create(
        &mut self,
        state: &State,
        settings: &Settings,
        values: Values,
        now: Millis,
    ) -> Result<Arc<Object>> {
        self.check_unique(&values, None)?;
        let taken =
            |id| self.live.contains_key(&id) || self.archived.contains_key(&id) || self.merged.contains_key(&id);
        let id = state.next_id(settings.ids_in_order, taken);
        let mut object = Object::new(id, now);
        for (name, value) in values {
            object.set(&name, &value);
        }
        Ok(self.put(object, settings, now))
    }

    /// Stores a state of an object as the live one.
    pub(crate) fn put(&mut self, object: Object, settings: &Settings, now: Millis) -> Arc<Object> {
        self.keep_unique(&object, true);
        let object = Arc::new(object);
        self.live.insert(object.id, Arc::clone(&object));
        self.index.note(object.id, Some(Arc::clone(&object)), settings.index_lag, now);
        object
    }

    /// Sets values of a live object. Its changed-time moves even when they are the ones it had. (Believed.)
    pub(crate) fn update(&mut self, state: &State, id: u64, values: Values, now: Millis) -> Result<Arc<Object>> {
        self.set_values(state, id, values, now, true)
    }

    /// Sets values of a live object, but leaves its changed-time where it is.
    pub(crate) fn recalculate(&mut self, state: &State, id: u64, values: Values, now: Millis) -> Result<()> {
        self.set_values(state, id, values, now, false).map(|_| ())
    }

    fn set_values(&mut self, state: &State, id: u64, values: Values, now: Millis, moves: bool) -> Result<Arc<Object>> {
        let Some(old) = self.get(id, false).cloned() else {
            return Err(ApiError::not_found(&self.object_type.singular, &id.to_string()));
        };
        self.check_unique(&values, Some(old.id))?;
        let settings = state.settings();
        let mut object = Object::clone(&old);
        if moves {
            object.updated = now;
        }
        for (name, value) in values {
            if old.stored(&name).is_none_or(|known| *known != value) {
                if settings.history {
                    let source = if moves { "API" } else { "CALCULATED" };
                    self.remember(&old, &name, &value, now, source);
                }
                object.set(&name, &value);
            }
        }
        self.keep_unique(&old, false);
        Ok(self.put(object, &settings, now))
    }

    /// Keeps the value that a property gets, and before its first change the one it had.
    fn remember(&mut self, object: &Object, name: &Arc<str>, value: &Arc<str>, since: Millis, source: &'static str) {
        let values = self.history.entry(object.id).or_default();
        let of_property = values.iter().filter(|old| old.property == *name).count();
        let keep = |value: &Arc<str>, since, source| OldValue {
            property: Arc::clone(name),
            value: Arc::clone(value),
            since,
            source,
        };
        if of_property == 0
            && let Some(first) = object.stored(name)
        {
            values.push(keep(first, object.created, "API"));
        }
        if of_property >= HISTORY
            && let Some(oldest) = values.iter().position(|old| old.property == *name)
        {
            values.remove(oldest);
        }
        values.push(keep(value, since, source));
    }

    /// The values that a changed property has had, oldest first, the present one included.
    pub(crate) fn history<'a>(&'a self, id: u64, property: &'a str) -> impl Iterator<Item = &'a OldValue> {
        self.history.get(&id).into_iter().flatten().filter(move |old| &*old.property == property)
    }

    /// A merge gave an object a new id: what its properties were, they were under that.
    pub(crate) fn rename_history(&mut self, old: u64, new: u64) {
        if let Some(values) = self.history.remove(&old) {
            self.history.insert(new, values);
        }
    }

    /// Archives an object; `false` if there is none. Its changed-time stays. (Believed.)
    pub(crate) fn archive(&mut self, state: &State, id: u64) -> bool {
        let Some(object) = self.live.remove(&id) else { return false };
        let now = state.clock.now();
        self.keep_unique(&object, false);
        self.archived.insert(id, Arc::new(Object { archived_at: Some(now), ..Object::clone(&object) }));
        self.index.note(id, None, state.settings().index_lag, now);
        state.crm.associations().hide(&self.object_type.type_id, id, true);
        true
    }

    /// Brings an archived object back; `false` if there is none. Its changed-time moves. (Believed.)
    pub(crate) fn restore(&mut self, state: &State, id: u64) -> bool {
        let Some(object) = self.archived.remove(&id) else { return false };
        self.merged.remove(&id);
        state.crm.associations().hide(&self.object_type.type_id, id, false);
        let now = state.clock.now();
        self.put(Object { archived_at: None, updated: now, ..Object::clone(&object) }, &state.settings(), now);
        true
    }

    /// Removes an object for good, archived or not.
    pub(crate) fn purge(&mut self, state: &State, id: u64) -> bool {
        let was_live = self.archive(state, id);
        self.history.remove(&id);
        state.crm.associations().forget(&self.object_type.type_id, id);
        self.archived.remove(&id).is_some() || was_live
    }

    pub(crate) fn is_archived(&self, id: u64) -> bool {
        self.archived.contains_key(&id)
    }

    /// Notes that a merge made `winner` of `loser`.
    pub(crate) fn swallow(&mut self, state: &State, loser: u64, winner: u64) {
        let keep = state.settings().merged_are_archived;
        self.archive(state, loser);
        if !keep {
            self.archived.remove(&loser);
        }
        state.crm.associations().hand_over(&self.object_type.type_id, loser, winner);
        self.merged.insert(loser, winner);
    }

    /// All objects, with all values they have.
    pub(crate) fn truth(&self, archived: bool) -> BTreeMap<String, Value> {
        let all = |object: &Arc<Object>| {
            let projection = Projection::set_in(&self.object_type, object);
            (object.id.to_string(), Value::Object(projection.value(object)))
        };
        self.after(None, archived).map(all).collect()
    }
}
