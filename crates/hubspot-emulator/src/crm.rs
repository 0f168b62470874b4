//! The CRM: object types, their objects, and the endpoints for them.

pub(crate) mod associations;
pub(crate) mod batch;
mod cursor;
mod index;
pub(crate) mod merge;
mod object;
pub(crate) mod owners;
pub(crate) mod pipelines;
pub(crate) mod properties;
pub(crate) mod read;
pub(crate) mod schemas;
pub(crate) mod search;
mod store;
mod values;
pub(crate) mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value;

use crate::account::State;
use crate::definitions::{ObjectType, Property};
use crate::errors::{ApiError, Result};
use associations::Associations;
use owners::Owners;
use pipelines::Pipelines;
use store::ObjectStore;

/// The CRM of an account.
///
/// Locks are taken in one order, so that none waits for itself: the names of types, the objects of one type at a time, then one of the others.
#[derive(Debug)]
pub(crate) struct Crm {
    types: RwLock<Types>,
    associations: Mutex<Associations>,
    owners: Mutex<Owners>,
    pipelines: Mutex<Pipelines>,
    seed: u64,
}

/// The object types, and what they are called.
#[derive(Debug, Default)]
struct Types {
    by_id: BTreeMap<String, Store>,
    /// Object type ids by names in lower case.
    ids: HashMap<String, String>,
}

/// The objects of a type, shared.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    type_id: String,
    name: String,
    objects: RwLock<ObjectStore>,
}

impl Store {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, ObjectStore> {
        self.0.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, ObjectStore> {
        self.0.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object type id; unlike that of [`ObjectStore::object_type`] it needs no lock.
    pub(crate) fn type_id(&self) -> &str {
        &self.0.type_id
    }

    /// The object type's name, likewise.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }
}

impl Crm {
    pub(crate) fn new(seed: u64) -> Self {
        let crm = Self {
            types: RwLock::default(),
            associations: Mutex::default(),
            owners: Mutex::default(),
            pipelines: Mutex::new(Pipelines::built_in()),
            seed,
        };
        for object_type in ObjectType::built_in() {
            crm.insert(object_type);
        }
        crm
    }

    fn insert(&self, object_type: ObjectType) {
        let mut types = self.types.write().unwrap_or_else(PoisonError::into_inner);
        let (type_id, name) = (object_type.type_id.clone(), object_type.name.clone());
        for known_as in [&type_id, &name, &object_type.singular, &object_type.plural] {
            // The first to have a name keeps it.
            types.ids.entry(known_as.to_lowercase()).or_insert_with(|| type_id.clone());
        }
        let seed = self.seed.wrapping_mul(31).wrapping_add(types.by_id.len() as u64);
        let objects = RwLock::new(ObjectStore::new(object_type, seed));
        types.by_id.insert(type_id.clone(), Store(Arc::new(Shared { type_id, name, objects })));
    }

    /// The objects of a type by any of its names: `contacts`, `contact`, `0-1`, `2-…`, `p47000001_machine`.
    pub(crate) fn store(&self, name: &str) -> Result<Store> {
        let types = self.types.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = types.by_id.get(name) {
            return Ok(store.clone());
        }
        let qualified = name
            .strip_prefix('p')
            .and_then(|rest| rest.split_once('_'))
            .filter(|(portal, _)| portal.bytes().all(|b| b.is_ascii_digit()));
        let known = |name: &str| types.ids.get(&name.to_lowercase()).and_then(|id| types.by_id.get(id));
        let found = known(name)
            .or_else(|| known(qualified.map(|(_, bare)| bare)?).filter(|store| store.type_id().starts_with("2-")));
        found.cloned().ok_or_else(|| ApiError::invalid(format!("Unable to infer object type from: {name}")))
    }

    /// All types, by their object type id.
    pub(crate) fn stores(&self) -> Vec<Store> {
        self.types.read().unwrap_or_else(PoisonError::into_inner).by_id.values().cloned().collect()
    }

    /// Adds a custom type, which `describe` completes, and returns its objects.
    pub(crate) fn define_type(&self, name: &str, describe: impl FnOnce(String) -> ObjectType) -> Result<Store> {
        if self.store(name).is_ok() {
            return Err(ApiError::conflict(&format!("object type {name}"), None));
        }
        let custom = self.stores().iter().filter(|store| store.type_id().starts_with("2-")).count();
        let object_type = describe(format!("2-{}", 50_000_001 + custom));
        let type_id = object_type.type_id.clone();
        self.insert(object_type);
        self.store(&type_id)
    }

    pub(crate) fn owners(&self) -> MutexGuard<'_, Owners> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pipelines(&self) -> MutexGuard<'_, Pipelines> {
        self.pipelines.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Changes values of an object, but not its changed-time, as HubSpot's calculations do it. (Seen.)
    pub(crate) fn recalculate(&self, state: &State, object_type: &str, id: &str, fields: &Value) -> Result<()> {
        let store = self.store(object_type)?;
        let id = parse_id(id)?;
        let mut store = store.write();
        let values = store.freely(fields)?;
        store.recalculate(state, id, values, state.clock.now())
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
