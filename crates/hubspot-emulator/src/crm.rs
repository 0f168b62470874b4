//! The CRM: object types, their objects, and the endpoints for them.

pub(crate) mod associations;
pub(crate) mod batch;
mod index;
pub(crate) mod merge;
mod object;
pub(crate) mod properties;
pub(crate) mod read;
pub(crate) mod schemas;
pub(crate) mod search;
mod store;
mod values;
pub(crate) mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value;

use crate::account::State;
use crate::clock::Millis;
use crate::definitions::{ObjectType, Property};
use crate::errors::{ApiError, Result};
use associations::Associations;
use store::ObjectStore;

/// The CRM of an account.
#[derive(Debug)]
pub(crate) struct Crm {
    types: RwLock<BTreeMap<String, Store>>,
    associations: Mutex<Associations>,
    seed: u64,
}

/// The objects of a type, shared.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<RwLock<ObjectStore>>);

impl Store {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, ObjectStore> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, ObjectStore> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crm {
    pub(crate) fn new(seed: u64) -> Self {
        let crm = Self { types: RwLock::default(), associations: Mutex::default(), seed };
        for object_type in ObjectType::built_in() {
            crm.insert(object_type);
        }
        crm
    }

    fn insert(&self, object_type: ObjectType) {
        let mut types = self.types.write().unwrap_or_else(PoisonError::into_inner);
        let seed = self.seed.wrapping_mul(31).wrapping_add(types.len() as u64);
        types.insert(object_type.type_id.clone(), Store(Arc::new(RwLock::new(ObjectStore::new(object_type, seed)))));
    }

    /// The objects of a type by any of its names: `contacts`, `contact`, `0-1`, `2-…`, `p47000001_machine`.
    pub(crate) fn store(&self, name: &str) -> Result<Store> {
        let types = self.types.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = types.get(name) {
            return Ok(store.clone());
        }
        let bare = name
            .strip_prefix('p')
            .and_then(|rest| rest.split_once('_'))
            .filter(|(portal, _)| portal.bytes().all(|b| b.is_ascii_digit()));
        let bare = bare.map_or(name, |(_, bare)| bare);
        let found = types.values().find(|store| {
            let store = store.read();
            let object_type = store.object_type();
            let names = [&object_type.name, &object_type.singular, &object_type.plural];
            names.into_iter().any(|known| known.eq_ignore_ascii_case(name))
                || (object_type.is_custom() && object_type.name.eq_ignore_ascii_case(bare))
        });
        found.cloned().ok_or_else(|| ApiError::invalid(format!("Unable to infer object type from: {name}")))
    }

    /// All types, by their object type id.
    pub(crate) fn stores(&self) -> Vec<Store> {
        self.types.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn define_type(&self, name: &str, now: Millis) -> Result<String> {
        if self.store(name).is_ok() {
            return Err(ApiError::conflict(&format!("object type {name}"), None));
        }
        let custom =
            self.types.read().unwrap_or_else(PoisonError::into_inner).keys().filter(|id| id.starts_with("2-")).count();
        let type_id = format!("2-{}", 50_000_001 + custom);
        self.insert(ObjectType::custom(name, &type_id, now));
        Ok(type_id)
    }

    pub(crate) fn associations(&self) -> MutexGuard<'_, Associations> {
        self.associations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates objects behind the API's back.
    pub(crate) fn seed(
        &self,
        state: &State,
        object_type: &str,
        fields: impl Iterator<Item = Value>,
        tied: bool,
    ) -> Result<Vec<String>> {
        let store = self.store(object_type)?;
        let settings = state.settings();
        let mut store = store.write();
        let now = state.clock.now();
        let mut ids = Vec::new();
        for fields in fields {
            let values = store.freely(&fields)?;
            let now = if tied { now } else { state.clock.now() };
            ids.push(store.create(state, &settings, values, now)?.id.to_string());
        }
        Ok(ids)
    }

    /// Changes an object behind the API's back.
    pub(crate) fn change(&self, state: &State, object_type: &str, id: &str, fields: &Value) -> Result<()> {
        let store = self.store(object_type)?;
        let id = parse_id(id)?;
        let mut store = store.write();
        let values = store.freely(fields)?;
        store.update(state, id, values, state.clock.now()).map(|_| ())
    }
}

impl ObjectStore {
    /// The values of a seeded object: properties that are not defined are defined as strings.
    fn freely(&mut self, fields: &Value) -> Result<values::Values> {
        let Value::Object(fields) = fields else { return Err(ApiError::invalid("properties have to be an object")) };
        let object_type = self.object_type_mut();
        for name in fields.keys() {
            if !object_type.properties.contains_key(name.as_str()) {
                let property = Property::new(name, "string", "text", &object_type.singular);
                object_type.add(property);
            }
        }
        values::unchecked(self.object_type(), fields)
    }
}

/// An id of an object as a path or a body has it.
pub(crate) fn parse_id(id: &str) -> Result<u64> {
    id.parse().map_err(|_| ApiError::new(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric."))
}
