//! What can be done to an account's objects behind the API's back, with errors: the handle's methods panic with them, the admin API answers them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Account;
use crate::crm::pipelines::Directory;
use crate::crm::{associations, merge, parse_id};
use crate::errors::{ApiError, Result};

/// Where a resource is.
enum Place<'a> {
    Crm,
    Cms,
    Owners,
    Directory(Directory<'a>),
}

impl<'a> Place<'a> {
    /// Paths of the CMS have a slash, or are the one that has none.
    fn of(resource: &'a str) -> Self {
        match resource.split_once('/') {
            Some(("pipelines", object_type)) => Self::Directory(Directory { object_type, stages: false }),
            Some(("stages", object_type)) => Self::Directory(Directory { object_type, stages: true }),
            None if resource == "owners" => Self::Owners,
            None if resource != "url-redirects" => Self::Crm,
            _ => Self::Cms,
        }
    }
}

impl Account {
    pub(crate) fn seed(&self, resource: &str, fields: impl Iterator<Item = Value>, tied: bool) -> Result<Vec<String>> {
        match Place::of(resource) {
            Place::Crm => self.0.crm.seed(&self.0, resource, fields, tied),
            Place::Cms => self.0.cms.seed(&self.0, resource, fields, tied),
            Place::Owners => fields.map(|fields| self.0.crm.owners().create(fields, self.0.clock.now())).collect(),
            Place::Directory(directory) => fields.map(|fields| directory.create(&self.0, &fields)).collect(),
        }
    }

    pub(crate) fn try_update(&self, resource: &str, id: &str, fields: Value) -> Result<()> {
        match Place::of(resource) {
            Place::Crm => self.0.crm.change(&self.0, resource, id, &fields),
            Place::Cms => self.0.cms.change(&self.0, resource, id, fields),
            Place::Owners => self.0.crm.owners().update(id, fields, self.0.clock.now()),
            Place::Directory(directory) => directory.update(&self.0, id, &fields),
        }
    }

    pub(crate) fn try_archive(&self, resource: &str, id: &str) -> Result<()> {
        match Place::of(resource) {
            Place::Crm => {
                let archived = self.0.crm.store(resource)?.write().archive(&self.0, parse_id(id)?);
                found(archived, resource, id)
            }
            Place::Cms => self.0.cms.collection(resource)?.delete(id, self.0.clock.now()),
            Place::Owners => self.0.crm.owners().set_archived(id, true, self.0.clock.now()),
            Place::Directory(directory) => directory.set_archived(&self.0, id, true),
        }
    }

    pub(crate) fn try_restore(&self, resource: &str, id: &str) -> Result<()> {
        match Place::of(resource) {
            Place::Crm => {
                let restored = self.0.crm.store(resource)?.write().restore(&self.0, parse_id(id)?);
                found(restored, resource, id)
            }
            Place::Cms => self.0.cms.collection(resource)?.restore(id, self.0.clock.now()),
            Place::Owners => self.0.crm.owners().set_archived(id, false, self.0.clock.now()),
            Place::Directory(directory) => directory.set_archived(&self.0, id, false),
        }
    }

    pub(crate) fn try_merge(&self, object_type: &str, primary: &str, loser: &str) -> Result<String> {
        merge::merge(&self.0, object_type, primary, loser).map(|winner| winner.id.to_string())
    }

    pub(crate) fn try_gdpr_delete(&self, object_type: &str, id: &str) -> Result<()> {
        found(merge::gdpr_delete(&self.0, object_type, None, id)?, object_type, id)
    }

    pub(crate) fn try_purge(&self, object_type: &str, id: &str) -> Result<()> {
        let store = self.0.crm.store(object_type)?;
        let mut store = store.write();
        let known = parse_id(id)?;
        found(store.is_archived(known) && store.purge(&self.0, known), object_type, id)
    }

    pub(crate) fn try_recalculate(&self, object_type: &str, id: &str, fields: &Value) -> Result<()> {
        self.0.crm.recalculate(&self.0, object_type, id, fields)
    }

    pub(crate) fn try_associate(&self, from: (&str, &str), to: (&str, &str), label: Option<&str>) -> Result<()> {
        associations::associate(&self.0, from, to, label)
    }

    pub(crate) fn try_dissociate(&self, from: (&str, &str), to: (&str, &str)) -> Result<()> {
        associations::dissociate(&self.0, from, to)
    }

    pub(crate) fn try_associations(&self, from_type: &str, to_type: &str) -> Result<BTreeMap<String, Vec<Value>>> {
        let (from, to) = (self.0.crm.store(from_type)?, self.0.crm.store(to_type)?);
        Ok(self.0.crm.associations().all(from.type_id(), to.type_id()))
    }

    pub(crate) fn try_define_object(&self, schema: &Value) -> Result<String> {
        let body = schema.as_object().ok_or_else(|| ApiError::invalid("a schema has to be an object"))?;
        Ok(crate::crm::schemas::define(&self.0, body)?.type_id().to_owned())
    }

    pub(crate) fn truth(&self, resource: &str, archived: bool) -> Result<BTreeMap<String, Value>> {
        match Place::of(resource) {
            Place::Crm => Ok(self.0.crm.store(resource)?.read().truth(archived)),
            Place::Cms => {
                let collection = self.0.cms.collection(resource)?;
                collection.publish_due(self.0.clock.now());
                Ok(collection.truth(archived))
            }
            Place::Owners => Ok(self.0.crm.owners().truth(archived)),
            Place::Directory(directory) => directory.truth(&self.0, archived),
        }
    }

    pub(crate) fn try_count(&self, resource: &str) -> Result<usize> {
        match Place::of(resource) {
            Place::Crm => self.0.crm.store(resource).map(|store| store.read().len()),
            Place::Cms => self.0.cms.collection(resource).map(crate::cms::Collection::len),
            Place::Owners | Place::Directory(_) => self.truth(resource, false).map(|objects| objects.len()),
        }
    }
}

fn found(done: bool, resource: &str, id: &str) -> Result<()> {
    if done { Ok(()) } else { Err(ApiError::not_found(resource, id)) }
}
