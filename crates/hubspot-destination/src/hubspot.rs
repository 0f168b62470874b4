//! The real HubSpot: the engine's needs, met by the client.

use hubspot_catalog::{Kind as Family, Resource};
use hubspot_client::{
    ApiError, BATCH_LIMIT, BatchOutcome, Client, CmsCollection, CmsListParams, CmsPath, CreateInput, Error,
    ErrorDetail, ListParams, Objects, UpdateInput,
};
use serde_json::Value;

use crate::answer;
use crate::api::{Answer, Api};
use crate::change::Change;
use crate::error::{Detail, Failure, Refusal};
use crate::shape::Object;

/// One resource, reached through a client.
pub(crate) struct HubSpot {
    client: Client,
    resource: &'static Resource,
}

/// The client's handle on the resource, by family.
enum Place<'a> {
    Crm(Objects<'a>),
    /// With batch endpoints.
    Cms(CmsCollection<'a>),
    /// Without batch endpoints; `draft` says that changes go into a draft.
    Single {
        collection: CmsCollection<'a>,
        draft: bool,
    },
}

impl HubSpot {
    pub(crate) fn new(client: Client, resource: &'static Resource) -> Self {
        Self { client, resource }
    }

    fn place(&self) -> Result<Place<'_>, Failure> {
        match &self.resource.kind {
            Family::Crm(crm) => Ok(Place::Crm(self.client.objects(crm.object_type))),
            Family::Cms(cms) => {
                let collection = self.client.cms(CmsPath { area: cms.area, collection: cms.collection });
                Ok(if cms.batch { Place::Cms(collection) } else { Place::Single { collection, draft: cms.draft } })
            }
            Family::Directory(_) => Err(Failure::Unsupported),
        }
    }
}

impl Api for HubSpot {
    fn limit(&self) -> usize {
        match self.place() {
            Ok(Place::Crm(_) | Place::Cms(_)) => BATCH_LIMIT,
            Ok(Place::Single { .. }) | Err(_) => 1,
        }
    }

    async fn probe(&self) -> Result<(), Failure> {
        let answer = match self.place()? {
            Place::Crm(objects) => objects.list(&ListParams { limit: 1, ..ListParams::default() }).await,
            Place::Cms(collection) | Place::Single { collection, .. } => {
                collection.list(&CmsListParams { limit: 1, ..CmsListParams::default() }).await
            }
        };
        answer.map(|_| ()).map_err(failure)
    }

    async fn create(&self, changes: &[&Change]) -> Result<Answer, Failure> {
        let outcome = match self.place()? {
            Place::Crm(objects) => {
                let inputs: Vec<_> = changes
                    .iter()
                    .map(|change| CreateInput::from(change.body.clone()).trace_id(change.trace()))
                    .collect();
                objects.batch_create(&inputs).await
            }
            Place::Cms(collection) => {
                let inputs: Vec<_> = changes.iter().map(|change| change.body.clone()).collect();
                collection.batch_create(&inputs).await
            }
            Place::Single { collection, draft } => {
                let mut results = Vec::with_capacity(changes.len());
                for change in changes {
                    results.push(create_one(collection, draft, change).await?);
                }
                return Ok(Answer { results, ..Answer::default() });
            }
        };
        outcome.map(outcome_of).map_err(failure)
    }

    async fn update(&self, changes: &[&Change]) -> Result<Answer, Failure> {
        let outcome = match self.place()? {
            Place::Crm(objects) => {
                let inputs: Vec<_> =
                    changes.iter().map(|change| UpdateInput::from(with_id(change)).trace_id(change.trace())).collect();
                objects.batch_update(&inputs).await
            }
            Place::Cms(collection) => {
                let inputs: Vec<_> = changes.iter().map(|change| with_id(change)).collect();
                collection.batch_update(&inputs).await
            }
            Place::Single { collection, draft } => {
                let mut results = Vec::with_capacity(changes.len());
                for change in changes {
                    results.push(update_one(collection, draft, change).await?);
                }
                return Ok(Answer { results, ..Answer::default() });
            }
        };
        outcome.map(outcome_of).map_err(failure)
    }

    async fn delete(&self, changes: &[&Change]) -> Result<(), Failure> {
        let ids: Vec<String> = changes.iter().filter_map(|change| change.id.clone()).collect();
        match self.place()? {
            Place::Crm(objects) => objects.batch_archive(&ids).await.map_err(failure),
            Place::Cms(collection) => collection.batch_archive(&ids).await.map_err(failure),
            Place::Single { collection, .. } => {
                for id in &ids {
                    collection.archive(id).await.map_err(failure)?;
                }
                Ok(())
            }
        }
    }
}

/// Makes one object; with a draft, nobody sees it before it is published.
async fn create_one(collection: CmsCollection<'_>, draft: bool, change: &Change) -> Result<Object, Failure> {
    let made = collection.create(&change.body).await.map_err(failure)?;
    if draft {
        let id = made.get("id").and_then(answer::text).ok_or(Failure::Unnamed)?;
        publish(collection, &id, &format!("it was created as the draft {id}")).await?;
    }
    Ok(made)
}

/// Changes one object; with a draft, the draft and then what is public.
async fn update_one(collection: CmsCollection<'_>, draft: bool, change: &Change) -> Result<Object, Failure> {
    let id = change.id.as_deref().unwrap_or_default();
    if !draft {
        return collection.update(id, &change.body).await.map_err(failure);
    }
    let written = collection.update_draft(id, &change.body).await.map_err(failure)?;
    publish(collection, id, "the draft was changed").await?;
    Ok(written)
}

/// Publishes a draft. An error says what has been `done` already: a repetition would do it again.
async fn publish(collection: CmsCollection<'_>, id: &str, done: &str) -> Result<(), Failure> {
    let Err(error) = collection.publish_draft(id).await else { return Ok(()) };
    Err(match failure(error) {
        Failure::Refused(mut refusal) => {
            refusal.message = format!("{done}, but not published: {}", refusal.message);
            Failure::Refused(refusal)
        }
        Failure::Unanswered(reason) => Failure::Unanswered(format!("{done}, but not published: {reason}")),
        other => other,
    })
}

fn with_id(change: &Change) -> Object {
    let mut body = change.body.clone();
    if let Some(id) = &change.id {
        body.insert("id".to_owned(), Value::String(id.clone()));
    }
    body
}

fn outcome_of(outcome: BatchOutcome) -> Answer {
    let BatchOutcome { results, correlation_id, after_lost_reply, .. } = outcome;
    let errors = outcome.errors.into_iter().map(|error| Refusal {
        // The item's own status isn't in HubSpot's documents; that of the answer is a success.
        status: 0,
        category: error.category,
        message: error.message,
        details: error.errors.into_iter().map(detail).collect(),
        context: error.context,
        correlation_id: correlation_id.clone(),
    });
    Answer { results, errors: errors.collect(), after_lost_reply }
}

/// What a failed call means to the records in it.
fn failure(error: Error) -> Failure {
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

fn refusal(api: ApiError) -> Refusal {
    Refusal {
        status: api.status,
        category: api.category,
        message: api.message,
        details: api.details.into_iter().map(detail).collect(),
        context: api.context,
        correlation_id: api.correlation_id,
    }
}

fn detail(detail: ErrorDetail) -> Detail {
    Detail { message: detail.message, code: detail.code.unwrap_or_default(), context: detail.context }
}
