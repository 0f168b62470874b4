//! The engine: a batch of records becomes changes, the plan's calls, and one outcome for each record.

mod associate;
mod understand;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::lock;
use hubspot_catalog::Resource;
use opencdc::Record;

use crate::api::Api;
use crate::associations::{Linker, Options};
use crate::carry::{Carrier, Done, Outcome};
use crate::change::Change;
use crate::coalesce::{self, Merged};
use crate::config::{Config, Deletes};
use crate::error::{Error, Failure, Misfit, RecordError};
use crate::identity::Target;
use crate::memory::Memory;
use crate::plan;
use crate::prepare::Unfit;
use crate::resources::Resources;
use crate::routing::Destined;
use crate::schedule::{self, Denied};
use crate::shape::DropLog;
use crate::stats::{Counters, Stats};

/// One outcome for each record of a batch; nothing where there is none yet.
type Outcomes = Vec<Option<Result<(), RecordError>>>;

/// Writes through some way to reach HubSpot.
pub(crate) struct Writer<A> {
    api: A,
    config: Config,
    resources: Resources,
    /// Whether what there is to know of resources is read before they are written.
    opened: AtomicBool,
    memory: Mutex<Memory>,
    /// What was made in the place of objects that weren't there.
    replaced: Mutex<Memory>,
    dropped: Mutex<DropLog>,
    linker: lock::Mutex<Linker>,
    counters: Counters,
}

impl<A: Api> Writer<A> {
    pub(crate) fn new(api: A, config: Config) -> Self {
        let options = Options {
            source_id_property: config.source_id.as_ref().map(|source_id| source_id.property.clone()),
            max_in_flight: config.max_in_flight,
        };
        Self {
            api,
            config,
            resources: Resources::default(),
            opened: AtomicBool::new(false),
            memory: Mutex::default(),
            replaced: Mutex::default(),
            dropped: Mutex::default(),
            linker: lock::Mutex::new(Linker::new(options)),
            counters: Counters::default(),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// Whether HubSpot is there and takes the token, and whether the configuration fits the resources that are known beforehand. That
    /// the token may not *read* is no reason not to write.
    pub(crate) async fn open(&self) -> Result<(), Error> {
        self.opened.store(true, Ordering::Relaxed);
        for destined in self.config.routing.destinations() {
            let resource = self.resources.find(&self.api, destined).await.map_err(|unfit| match unfit {
                Unfit::Failure(Failure::Route(route)) => {
                    Error::Misfit { resource: destined.name().to_owned(), source: Misfit::Route(route) }
                }
                Unfit::Misfit(source) => Error::Misfit { resource: destined.name().to_owned(), source },
                Unfit::Failure(failure) => Error::CustomObjects(failure),
            })?;
            self.open_resource(resource).await?;
        }
        Ok(())
    }

    async fn open_resource(&self, resource: &'static Resource) -> Result<(), Error> {
        if self.config.routing.is_fixed() && self.config.deletes == Deletes::Gdpr && !resource.has_gdpr_delete() {
            return Err(Error::Misfit { resource: resource.name.to_owned(), source: Misfit::NoGdpr });
        }
        let prepared = match self.resources.prepare(&self.api, &self.config, resource).await {
            Ok(prepared) => prepared,
            Err(Unfit::Misfit(source)) => return Err(Error::Misfit { resource: resource.name.to_owned(), source }),
            Err(Unfit::Failure(source)) => return Err(Error::Open { resource: resource.name, source }),
        };
        if prepared.definitions.is_some() {
            // That HubSpot has told them shows what a probe would.
            return Ok(());
        }
        match self.api.probe(resource).await {
            Err(Failure::Denied(refusal)) if refusal.status == 403 => {
                tracing::info!(
                    resource = resource.name,
                    "the token may not read this resource; writing it is tried all the same"
                );
                Ok(())
            }
            outcome => outcome.map_err(|source| Error::Open { resource: resource.name, source }),
        }
    }

    /// One outcome for each record, in order.
    pub(crate) async fn write(&self, records: Vec<Record>) -> Result<Vec<Result<(), RecordError>>, Error> {
        let mut outcomes: Outcomes = Vec::new();
        outcomes.resize_with(records.len(), || None);
        let mut changes = self.understand(records, &mut outcomes).await;
        if self.config.coalesce {
            let Merged { changes: merged, settled } = {
                let mut memory = self.memory();
                coalesce::coalesce(changes, |name, key| memory.get(name, key).is_some())
            };
            let shared: usize = merged.iter().map(|change| change.also.len()).sum();
            self.counters.merged.add(shared + settled.len());
            for record in settled {
                self.settle(&mut outcomes, record, Ok(()));
            }
            changes = merged;
        }

        let calls = self.plan(&changes);
        let mut waiting = self.inline(&mut changes).await;
        let carrier = Carrier {
            api: &self.api,
            memory: &self.memory,
            replaced: &self.replaced,
            counters: &self.counters,
            on_missing: self.config.on_missing,
        };
        let changes = changes.into_iter().map(Some).collect();
        let denied = schedule::run(&carrier, &calls, changes, self.config.max_in_flight, |done| {
            if let Some(done) = waiting.take(done) {
                self.conclude(&mut outcomes, done);
            }
        })
        .await;
        self.associate(waiting, &mut outcomes).await;

        if let Some(error) = wholly_denied(denied, &outcomes) {
            return Err(error);
        }
        let unanswered = || {
            // Every record is in one call, or has an outcome before there are calls.
            Err(RecordError { kind: plan::Kind::Update, resource: None, id: None, failure: Failure::Unnamed })
        };
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unanswered)).collect())
    }

    fn plan(&self, changes: &[Change]) -> Vec<plan::Call> {
        let mut memory = self.memory();
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        let mut resources: HashMap<&'static str, &'static Resource> = HashMap::new();
        let items: Vec<_> = changes
            .iter()
            .enumerate()
            .map(|(place, change)| {
                resources.insert(change.resource.name, change.resource);
                let key = change.key.as_deref().filter(|_| change.is_meant_by_key());
                let created = match (key, &change.target) {
                    (Some(key), _) => memory.get(change.resource.name, key),
                    (None, Target::Id(id)) => replaced.get(change.resource.name, id),
                    (None, _) => None,
                };
                change.item(place, created.map(|created| created.id))
            })
            .collect();
        plan::plan(&items, |name, kind| resources.get(name).map_or(1, |resource| self.api.limit(resource, kind)))
    }

    /// The outcome of a change is that of all records in it.
    fn conclude(&self, outcomes: &mut Outcomes, Done { change, outcome }: Done) {
        let failure = match outcome {
            Ok(outcome) => {
                if outcome == Outcome::Ignored {
                    self.counters.ignored.add(1 + change.also.len());
                }
                None
            }
            Err(failure) => Some(failure),
        };
        let error = |failure: &Failure| RecordError {
            kind: change.kind,
            resource: Some(change.resource.name),
            id: change.subject(),
            failure: failure.clone(),
        };
        for record in std::iter::once(change.record).chain(change.also.iter().copied()) {
            self.settle(outcomes, record, failure.as_ref().map_or(Ok(()), |failure| Err(error(failure))));
        }
    }

    fn settle(&self, outcomes: &mut Outcomes, record: usize, outcome: Result<(), RecordError>) {
        if outcome.is_ok() { &self.counters.written } else { &self.counters.failed }.add(1);
        if let Some(place) = outcomes.get_mut(record) {
            *place = Some(outcome);
        }
    }

    /// The resource that records of this destination go to.
    async fn find(&self, destined: &Destined) -> Result<&'static Resource, Failure> {
        Ok(self.resources.find(&self.api, destined).await?)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refusal of the token, if it is the end of the whole batch: nothing was written, and nothing may have been.
fn wholly_denied(denied: Denied, outcomes: &Outcomes) -> Option<Error> {
    let (resource, refusal) = denied.into_iter().min_by_key(|(resource, _)| *resource)?;
    let certain = |outcome: &Option<Result<(), RecordError>>| match outcome {
        Some(Err(error)) => !matches!(
            error.failure,
            Failure::Unknown(_)
                | Failure::Unnamed
                | Failure::MaybeDone(_)
                | Failure::Unanswered(_)
                | Failure::NotAssociated { .. }
                | Failure::NotPublished { .. }
        ),
        _ => false,
    };
    outcomes.iter().all(certain).then_some(Error::Denied { resource, refusal })
}
