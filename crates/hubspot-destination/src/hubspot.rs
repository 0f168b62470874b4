//! The real HubSpot: the engine's needs, met by the client.

mod cms;

use hubspot_catalog::{CustomObject, Kind as Family, Resource};
use hubspot_client::{
    ApiError, BATCH_LIMIT, BatchError, BatchOutcome, BatchReadInput, Client, CmsCollection, CmsListParams, CmsPath,
    CreateInput, Error, ErrorDetail, ListParams, Objects, Property, PropertyCreate, UpdateInput, UpsertInput,
};
use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::associations::HubSpotLinks;
use crate::change::Change;
use crate::error::{Detail, Failure, Refusal};
use crate::identity::Target;
use crate::plan::Kind;
use crate::shape::Object;

/// An account, reached through a client.
pub(crate) struct HubSpot {
    client: Client,
    links: HubSpotLinks,
    /// Whether HubDB tables are published after they were changed.
    publish: bool,
}

/// The client's handle on a resource, by family.
enum Place<'a> {
    Crm(Objects<'a>),
    /// With batch endpoints.
    Cms(CmsCollection<'a>),
    /// Without batch endpoints.
    Single(cms::Single<'a>),
}

impl HubSpot {
    pub(crate) fn new(client: Client, publish: bool) -> Self {
        Self { links: HubSpotLinks::new(client.clone()), client, publish }
    }

    fn place(&self, resource: &'static Resource) -> Result<Place<'_>, Failure> {
        match &resource.kind {
            Family::Crm(crm) => Ok(Place::Crm(self.client.objects(crm.object_type))),
            Family::Cms(cms) => {
                let collection = self.client.cms(CmsPath { area: cms.area, collection: cms.collection });
                if cms.batch {
                    return Ok(Place::Cms(collection));
                }
                Ok(Place::Single(cms::Single { collection, draft: cms.draft, publish: self.publish }))
            }
            Family::Directory(_) => Err(Failure::Unsupported),
        }
    }
}

impl Api for HubSpot {
    type Links = HubSpotLinks;

    fn links(&self) -> &HubSpotLinks {
        &self.links
    }

    fn limit(&self, resource: &'static Resource, kind: Kind) -> usize {
        match self.place(resource) {
            // HubSpot deletes contacts for good one by one.
            Ok(Place::Crm(_)) if kind == Kind::Erase => 1,
            Ok(Place::Crm(_) | Place::Cms(_)) => BATCH_LIMIT,
            Ok(Place::Single(_)) | Err(_) => 1,
        }
    }

    async fn probe(&self, resource: &'static Resource) -> Result<(), Failure> {
        let answer = match self.place(resource)? {
            Place::Crm(objects) => objects.list(&ListParams { limit: 1, ..ListParams::default() }).await,
            Place::Cms(collection) | Place::Single(cms::Single { collection, .. }) => {
                collection.list(&CmsListParams { limit: 1, ..CmsListParams::default() }).await
            }
        };
        answer.map(|_| ()).map_err(failure)
    }

    async fn custom_objects(&self) -> Result<Vec<CustomObject>, Failure> {
        let schemas = self.client.schemas().list().await.map_err(failure)?;
        let objects = schemas.into_iter().filter(|schema| !schema.archived).map(|schema| CustomObject {
            name: schema.name,
            fully_qualified_name: schema.fully_qualified_name,
            object_type_id: schema.object_type_id,
        });
        Ok(objects.collect())
    }

    async fn properties(&self, resource: &'static Resource) -> Result<Vec<Property>, Failure> {
        let Family::Crm(crm) = &resource.kind else { return Err(Failure::Unsupported) };
        Ok(self.client.properties(crm.object_type).list().await.map_err(failure)?.results)
    }

    async fn make_property(&self, resource: &'static Resource, property: &PropertyCreate) -> Result<(), Failure> {
        let Family::Crm(crm) = &resource.kind else { return Err(Failure::Unsupported) };
        self.client.properties(crm.object_type).create(property).await.map(|_| ()).map_err(failure)
    }

    async fn find(
        &self,
        resource: &'static Resource,
        property: Option<&str>,
        values: &[String],
        properties: Vec<String>,
    ) -> Result<Answer, Failure> {
        let outcome = match self.place(resource)? {
            Place::Crm(objects) => {
                let id_property = property.map(str::to_owned);
                let input =
                    BatchReadInput { ids: values.to_vec(), id_property, properties, ..BatchReadInput::default() };
                objects.batch_read(&input).await
            }
            Place::Cms(collection) => collection.batch_read(values, false).await,
            Place::Single(single) => {
                return single.find(values).await.map(|results| Answer { results, ..Answer::default() });
            }
        };
        let answer = match outcome.map(outcome_of).map_err(failure) {
            // None of them is there.
            Err(error) if error.is_missing() => return Ok(Answer::default()),
            answer => answer?,
        };
        let errors = answer.errors.into_iter().filter(|error| error.category != "OBJECT_NOT_FOUND").collect();
        Ok(Answer { errors, ..answer })
    }

    async fn write(&self, resource: &'static Resource, kind: Kind, changes: &[&Change]) -> Result<Answer, Failure> {
        let outcome = match (self.place(resource)?, kind) {
            (Place::Crm(objects), Kind::Create) => {
                let inputs: Vec<_> = changes
                    .iter()
                    .map(|change| CreateInput::from(crm_input(change)).trace_id(change.trace()))
                    .collect();
                objects.batch_create(&inputs).await
            }
            (Place::Crm(objects), Kind::Update) => {
                let inputs: Vec<_> = changes
                    .iter()
                    .map(|change| UpdateInput::from(crm_input(change)).trace_id(change.trace()))
                    .collect();
                objects.batch_update(&inputs).await
            }
            // HubSpot's guide says of contacts that partial upserts aren't supported with `email` as `idProperty`. Believed: that means
            // that one bad input fails the whole call, which then is cut in two as others are.
            (Place::Crm(objects), Kind::Upsert) => {
                let inputs: Vec<_> = changes
                    .iter()
                    .map(|change| UpsertInput::from(crm_input(change)).trace_id(change.trace()))
                    .collect();
                objects.batch_upsert(&inputs).await
            }
            (Place::Cms(collection), Kind::Create) => collection.batch_create(&cms_inputs(changes)).await,
            (Place::Cms(collection), Kind::Update) => collection.batch_update(&cms_inputs(changes)).await,
            (Place::Single(single), Kind::Create | Kind::Update) => return single.write(changes).await,
            _ => return Err(Failure::Unsupported),
        };
        outcome.map(outcome_of).map_err(write_failure)
    }

    async fn remove(&self, resource: &'static Resource, kind: Kind, ids: &[String]) -> Result<(), Failure> {
        match self.place(resource)? {
            Place::Crm(objects) if kind == Kind::Erase => {
                for id in ids {
                    objects.gdpr_delete(id).await.map_err(|error| of_one(write_failure(error)))?;
                }
                Ok(())
            }
            Place::Crm(objects) => objects.batch_archive(ids).await.map_err(write_failure),
            Place::Cms(collection) => collection.batch_archive(ids).await.map_err(write_failure),
            Place::Single(single) => single.remove(ids).await,
        }
    }
}

/// The input of a batch. A create has to have `associations`, others can't (`SimplePublicObjectInputForCreate`,
/// `SimplePublicObjectBatchInput`, `SimplePublicObjectBatchInputUpsert`).
fn crm_input(change: &Change) -> Object {
    let mut input = Object::new();
    input.insert("properties".to_owned(), Value::Object(change.body.clone()));
    match &change.target {
        Target::New => {
            input.insert("associations".to_owned(), change.inline.clone().unwrap_or_else(|| json!([])));
        }
        Target::Id(id) => {
            input.insert("id".to_owned(), Value::String(id.clone()));
        }
        Target::Unique { property, value } => {
            input.insert("id".to_owned(), Value::String(value.clone()));
            input.insert("idProperty".to_owned(), Value::String(property.to_string()));
        }
    }
    input
}

fn cms_inputs(changes: &[&Change]) -> Vec<Object> {
    let input = |change: &&Change| {
        let mut input = change.body.clone();
        if let Target::Id(id) = &change.target {
            input.insert("id".to_owned(), Value::String(id.clone()));
        }
        input
    };
    changes.iter().map(input).collect()
}

fn outcome_of(outcome: BatchOutcome) -> Answer {
    let BatchOutcome { results, errors, correlation_id, after_lost_reply, .. } = outcome;
    Answer { results, errors: refusals(errors, correlation_id.as_deref()), after_lost_reply }
}

/// Why single inputs of a batch were refused.
pub(crate) fn refusals(errors: Vec<BatchError>, correlation_id: Option<&str>) -> Vec<Refusal> {
    let refusals = errors.into_iter().map(|error| Refusal {
        // The item's own status isn't in HubSpot's documents; that of the answer is a success.
        status: 0,
        category: error.category,
        message: error.message,
        details: error.errors.into_iter().map(detail).collect(),
        context: error.context,
        correlation_id: correlation_id.map(str::to_owned),
        of_one: false,
    });
    refusals.collect()
}

/// What a failed call means to the records in it.
pub(crate) fn failure(error: Error) -> Failure {
    match error {
        Error::Api(api) if matches!(api.status, 401 | 403) => Failure::Denied(Box::new(refusal(*api))),
        Error::Authentication(denied) if denied.status.is_some_and(|status| (400..500).contains(&status)) => {
            Failure::Denied(Box::new(Refusal { status: 401, message: denied.to_string(), ..Refusal::default() }))
        }
        // What stands between here and HubSpot refuses large bodies with a page of its own: smaller batches get through.
        Error::Body(body) if body.status == 413 => {
            Failure::Refused(Box::new(Refusal { status: 413, message: body.to_string(), ..Refusal::default() }))
        }
        error if error.is_outcome_unknown() => Failure::Unknown(error.to_string()),
        Error::Api(api) if !Error::Api(api.clone()).is_transient() => Failure::Refused(Box::new(refusal(*api))),
        error => Failure::Unanswered(error.to_string()),
    }
}

/// What a failed call means to the records that it was to write: a try that got no answer may have been carried out.
pub(crate) fn write_failure(error: Error) -> Failure {
    let may_be_done = error.is_after_lost_reply();
    match failure(error) {
        Failure::Unanswered(reason) if may_be_done => Failure::MaybeDone(reason),
        failure => failure,
    }
}

/// What a failed call means that was about one object alone.
pub(crate) fn of_one(mut failure: Failure) -> Failure {
    if let Failure::Refused(refusal) = &mut failure {
        refusal.of_one = true;
    }
    failure
}

fn refusal(api: ApiError) -> Refusal {
    Refusal {
        status: api.status,
        category: api.category,
        message: api.message,
        details: api.details.into_iter().map(detail).collect(),
        context: api.context,
        correlation_id: api.correlation_id,
        of_one: false,
    }
}

fn detail(detail: ErrorDetail) -> Detail {
    Detail { message: detail.message, code: detail.code.unwrap_or_default(), context: detail.context }
}
