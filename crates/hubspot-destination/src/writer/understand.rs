//! Records become changes: routed, shaped by what is known of their resource, and identified.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use hubspot_catalog::Resource;
use opencdc::{Data, Operation, Record};

use super::associate::object_type;
use super::{Outcomes, Writer};
use crate::api::Api;
use crate::change::{self, Change, Understood};
use crate::error::{Failure, RecordError};
use crate::identity::Rules;
use crate::key;
use crate::prepare::Prepared;
use crate::properties;
use crate::routing::{Destined, RouteError, custom_object, destined};
use crate::shape::MissingProperties;

/// What the records of a batch make known beside themselves.
#[derive(Default)]
struct Batch {
    /// Resources that nothing could be learnt of: asked once a batch, not once a record.
    unknown: HashMap<&'static str, Failure>,
    /// Why the account's custom objects can't be looked up: asked once a batch, too.
    no_schemas: Option<Failure>,
    /// The properties that have to be made, by resource, each with the changes that have them.
    missing: BTreeMap<&'static str, (Arc<Prepared>, MissingProperties)>,
    /// The changes that have properties that have to be made, and these.
    needs: Vec<(usize, Vec<String>)>,
}

impl<A: Api> Writer<A> {
    /// What is to be sent for the records. Those of which nothing is have their outcomes.
    pub(super) async fn understand(&self, records: Vec<Record>, outcomes: &mut Outcomes) -> Vec<Change> {
        let mut batch = Batch::default();
        let mut changes = Vec::with_capacity(records.len());
        for (place, mut record) in records.into_iter().enumerate() {
            let prepared = match self.prepared(&mut record, &mut batch).await {
                Ok(prepared) => prepared,
                Err((resource, failure)) => {
                    let kind = resource.and_then(|of| Rules::new(&self.config, of).kind(record.operation));
                    let error = RecordError {
                        kind: kind.unwrap_or_else(|| change::kind(record.operation)),
                        resource: resource.map(|of| of.name),
                        id: key::id(record.key.as_ref()).ok(),
                        failure,
                    };
                    self.settle(outcomes, place, Err(error));
                    continue;
                }
            };
            let kind = prepared.rules.kind(record.operation).unwrap_or_else(|| change::kind(record.operation));
            // Only a failure has a use for it, but by then the record has been taken apart.
            let id = key::id(record.key.as_ref()).ok();
            match Change::read(&prepared, &self.config, place, record) {
                Ok(understood) => {
                    if understood.change.is_none() {
                        self.counters.ignored.add(1);
                        self.settle(outcomes, place, Ok(()));
                    }
                    self.take(understood, &prepared, &mut batch, &mut changes);
                }
                Err(failure) => {
                    let error = RecordError { kind, resource: Some(prepared.resource.name), id, failure };
                    self.settle(outcomes, place, Err(error));
                }
            }
        }
        self.make_properties(batch, changes, outcomes).await
    }

    fn take(&self, understood: Understood, prepared: &Arc<Prepared>, batch: &mut Batch, changes: &mut Vec<Change>) {
        let Understood { change, dropped, missing } = understood;
        if !dropped.is_empty() {
            self.counters.dropped.add(dropped.len());
            self.dropped.lock().unwrap_or_else(PoisonError::into_inner).note(prepared.resource.name, dropped);
        }
        let Some(change) = change else { return };
        if !missing.is_empty() {
            batch.needs.push((changes.len(), missing.iter().map(|missing| missing.name.clone()).collect()));
            let entry = batch.missing.entry(change.resource.name);
            entry.or_insert_with(|| (Arc::clone(prepared), MissingProperties::default())).1.extend(missing);
        }
        changes.push(change);
    }

    /// What is known of the record's resource. The definitions are read again when the record has a property or an
    /// option that they don't have.
    async fn prepared(
        &self,
        record: &mut Record,
        batch: &mut Batch,
    ) -> Result<Arc<Prepared>, (Option<&'static Resource>, Failure)> {
        let destined = self.config.routing.route(&record.metadata).map_err(|error| (None, Failure::Route(error)))?;
        let resource = self.find_once(&destined, batch).await.map_err(|failure| (None, failure))?;
        self.not_of_another(resource, record, batch).await.map_err(|failure| (Some(resource), failure))?;
        let failed = |failure| (Some(resource), failure);
        let prepared = match self.resources.get(resource) {
            Some(prepared) => prepared,
            None => self.learn(resource, batch).await.map_err(failed)?,
        };
        if record.operation == Operation::Delete || !self.resources.may_refresh(&prepared) {
            return Ok(prepared);
        }
        // Read as JSON once.
        if let Some(Data::Raw(bytes)) = &record.payload.after
            && let Ok(fields) = serde_json::from_slice(bytes)
        {
            record.payload.after = Some(Data::Structured(fields));
        }
        let shaper = prepared.shaper(&self.config);
        if !record.payload.after.as_ref().is_some_and(|payload| shaper.has_unknown(payload)) {
            return Ok(prepared);
        }
        Ok(self.resources.refresh(&self.api, &self.config, resource).await.unwrap_or(prepared))
    }

    /// The resource that is meant. Where the account can't be asked for its custom objects, it isn't asked again for this batch.
    async fn find_once(&self, destined: &Destined, batch: &mut Batch) -> Result<&'static Resource, Failure> {
        if let (Destined::Custom(_), Some(failure)) = (destined, &batch.no_schemas) {
            return Err(failure.clone());
        }
        let found = self.find(destined).await;
        if let Err(failure) = &found
            && !matches!(failure, Failure::Route(_))
        {
            batch.no_schemas = Some(failure.clone());
        }
        found
    }

    /// Refuses a record of another custom object than the one that everything goes to. What can't be found out passes.
    async fn not_of_another(
        &self,
        resource: &'static Resource,
        record: &Record,
        batch: &mut Batch,
    ) -> Result<(), Failure> {
        let Some(collection) = record.metadata.collection().filter(|_| self.config.routing.is_fixed()) else {
            return Ok(());
        };
        let fixed = self.config.routing.to_string();
        let (Some(object), Some(_)) = (custom_object(collection), custom_object(&fixed)) else { return Ok(()) };
        if collection == fixed || collection == resource.name {
            return Ok(());
        }
        let other = match destined(collection) {
            Ok(destined) => self.find_once(&destined, batch).await,
            Err(_) => return Ok(()),
        };
        let is_another = match other {
            Ok(other) => object_type(other) != object_type(resource),
            Err(Failure::Route(_)) => true,
            Err(failure) => {
                tracing::debug!(object, %failure, "whether records are of another custom object isn't known");
                false
            }
        };
        if is_another { Err(RouteError::Other { found: collection.to_owned(), fixed }.into()) } else { Ok(()) }
    }

    async fn learn(&self, resource: &'static Resource, batch: &mut Batch) -> Result<Arc<Prepared>, Failure> {
        if let Some(failure) = batch.unknown.get(resource.name) {
            return Err(failure.clone());
        }
        let prepared = if self.opened.load(Ordering::Relaxed) {
            self.resources.prepare(&self.api, &self.config, resource).await
        } else {
            self.resources.take_unseen(&self.config, resource)
        };
        prepared.map_err(|unfit| {
            let failure = Failure::from(unfit);
            batch.unknown.insert(resource.name, failure.clone());
            failure
        })
    }

    /// Makes the properties that are missing. The records whose properties can't be made fail.
    async fn make_properties(&self, batch: Batch, mut changes: Vec<Change>, outcomes: &mut Outcomes) -> Vec<Change> {
        if batch.needs.is_empty() {
            return changes;
        }
        let mut failures: HashMap<(&'static str, String), Failure> = HashMap::new();
        for (name, (prepared, missing)) in batch.missing {
            let group = prepared.definitions.as_ref().and_then(|known| known.default_group()).unwrap_or_default();
            for property in missing.into_creates(group) {
                if let Err(failure) = properties::make(&self.api, prepared.resource, &property).await {
                    failures.insert((name, property.name), failure);
                }
            }
            self.resources.refresh(&self.api, &self.config, prepared.resource).await;
        }
        let mut failed: HashMap<usize, Failure> = HashMap::new();
        for (n, needs) in batch.needs {
            let name = changes[n].resource.name;
            if let Some(failure) = needs.into_iter().find_map(|need| failures.get(&(name, need))) {
                failed.insert(n, failure.clone());
            }
        }
        let mut n = 0;
        changes.retain(|change| {
            let failure = failed.remove(&n);
            n += 1;
            let Some(failure) = failure else { return true };
            let resource = Some(change.resource.name);
            let error = RecordError { kind: change.kind, resource, id: change.subject(), failure };
            self.settle(outcomes, change.record, Err(error));
            false
        });
        changes
    }
}
