//! The resources that records go to, and what is known of each: read when the destination opens, or when the first record shows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hubspot_catalog::{Kind as Family, Resource, custom};

use crate::api::Api;
use crate::config::Config;
use crate::error::Failure;
use crate::prepare::{self, Prepared, Unfit};
use crate::routing::{Destined, RouteError};

/// What is unknown is asked for again, but not more often than this.
const AGAIN: Duration = Duration::from_secs(30);

/// What is known so far.
#[derive(Default)]
pub(crate) struct Resources {
    prepared: Mutex<HashMap<&'static str, Entry>>,
    custom: Mutex<Custom>,
}

struct Entry {
    prepared: Arc<Prepared>,
    /// When the definitions were read *again*.
    refreshed: Option<Instant>,
}

/// The account's custom objects, by the names that records may give them.
#[derive(Default)]
struct Custom {
    resources: HashMap<String, &'static Resource>,
    names: Vec<String>,
    asked: Option<Instant>,
}

impl Resources {
    /// The resource that is meant. Asks for the account's custom objects where it has to.
    pub(crate) async fn find<A: Api>(&self, api: &A, destined: &Destined) -> Result<&'static Resource, Unfit> {
        let name = match destined {
            Destined::Known(resource) => return Ok(resource),
            Destined::Custom(name) => name,
        };
        let object = Destined::object(name);
        {
            let custom = lock(&self.custom);
            if let Some(resource) = custom.resources.get(object) {
                return Ok(resource);
            }
            if custom.asked.is_some_and(|asked| asked.elapsed() < AGAIN) {
                return Err(unknown(name, &custom));
            }
        }
        let objects = api.custom_objects().await.map_err(Unfit::Failure)?;
        let mut known = lock(&self.custom);
        known.asked = Some(Instant::now());
        known.names = objects.iter().map(|object| format!("crm.objects.{}", object.name)).collect();
        for object in objects {
            let resource = custom(&object.name, &object.object_type_id);
            for name in [object.name, object.fully_qualified_name, object.object_type_id] {
                known.resources.insert(name, resource);
            }
        }
        known.resources.get(object).copied().ok_or_else(|| unknown(name, &known))
    }

    /// The account's custom objects as far as they are known: what stands in paths for each of the names that they have.
    pub(crate) fn custom_types(&self) -> Vec<(String, &'static str)> {
        let custom = lock(&self.custom);
        let types = custom.resources.iter().filter_map(|(name, resource)| match &resource.kind {
            Family::Crm(crm) => Some((name.clone(), crm.object_type)),
            Family::Cms(_) | Family::Directory(_) => None,
        });
        types.collect()
    }

    /// What is known of a resource, where it is known already.
    pub(crate) fn get(&self, resource: &'static Resource) -> Option<Arc<Prepared>> {
        Some(Arc::clone(&lock(&self.prepared).get(resource.name)?.prepared))
    }

    /// Reads what there is to know of a resource.
    pub(crate) async fn prepare<A: Api>(
        &self,
        api: &A,
        config: &Config,
        resource: &'static Resource,
    ) -> Result<Arc<Prepared>, Unfit> {
        if let Some(prepared) = self.get(resource) {
            return Ok(prepared);
        }
        Ok(self.insert(prepare::prepare(api, config, resource).await?, None))
    }

    /// Takes a resource as the configuration alone describes it.
    pub(crate) fn take_unseen(&self, config: &Config, resource: &'static Resource) -> Result<Arc<Prepared>, Unfit> {
        Ok(self.insert(Prepared::new(config, resource, None).map_err(Unfit::Misfit)?, None))
    }

    /// Whether the definitions may be read again, because there is a property that they don't have.
    pub(crate) fn may_refresh(&self, prepared: &Prepared) -> bool {
        let refreshed = lock(&self.prepared).get(prepared.resource.name).and_then(|entry| entry.refreshed);
        prepared.definitions.is_some() && refreshed.is_none_or(|refreshed| refreshed.elapsed() >= AGAIN)
    }

    /// Reads the definitions again. Where that fails, what was known stays.
    pub(crate) async fn refresh<A: Api>(
        &self,
        api: &A,
        config: &Config,
        resource: &'static Resource,
    ) -> Option<Arc<Prepared>> {
        let now = Instant::now();
        let prepared = match prepare::read(api, resource).await {
            // The token may not read them any more, as `read` has said already.
            Ok(None) => None,
            Ok(definitions) => Prepared::new(config, resource, definitions).ok(),
            Err(failure) => {
                tracing::warn!(resource = resource.name, %failure, "the properties can't be read again");
                None
            }
        };
        if let Some(prepared) = prepared {
            return Some(self.insert(prepared, Some(now)));
        }
        if let Some(entry) = lock(&self.prepared).get_mut(resource.name) {
            entry.refreshed = Some(now);
        }
        self.get(resource)
    }

    fn insert(&self, prepared: Prepared, refreshed: Option<Instant>) -> Arc<Prepared> {
        let (name, prepared) = (prepared.resource.name, Arc::new(prepared));
        lock(&self.prepared).insert(name, Entry { prepared: Arc::clone(&prepared), refreshed });
        prepared
    }
}

fn unknown(name: &str, custom: &Custom) -> Unfit {
    let route = RouteError::UnknownCustomObject { name: name.to_owned(), known: custom.names.clone() };
    Unfit::Failure(Failure::Route(route))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
