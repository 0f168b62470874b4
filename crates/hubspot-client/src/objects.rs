//! CRM objects: contacts, companies, deals, custom ones.

use futures::Stream;
use serde::Serialize;
use serde_json::json;

use crate::Object;
use crate::batch::{BatchOutcome, BatchReadInput, CreateInput, Inputs, UpdateInput, UpsertInput};
use crate::client::Client;
use crate::error::{Error, UnknownOutcome};
use crate::page::{Page, PageWire, walk};
use crate::paths::{self, Path};
use crate::request::{Repeat, Request};
use crate::search::SearchParams;

/// The most objects on a page of a list.
pub const LIST_LIMIT: u32 = 100;

/// Which page of a list, and what of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListParams {
    /// Objects a page: at most 100, 50 with history.
    pub limit: u32,
    /// Start behind this cursor; `None` starts at the beginning.
    pub after: Option<String>,
    /// `true` lists archived objects only.
    pub archived: bool,
    /// Properties to ask for; empty means the type's default ones. They travel in the URL: past some 16,000 characters it is refused.
    pub properties: Vec<String>,
    /// Properties to ask the history of.
    pub properties_with_history: Vec<String>,
    /// Object types to list the associations with.
    pub associations: Vec<String>,
}

impl Default for ListParams {
    fn default() -> Self {
        Self {
            limit: LIST_LIMIT,
            after: None,
            archived: false,
            properties: Vec::new(),
            properties_with_history: Vec::new(),
            associations: Vec::new(),
        }
    }
}

/// What to read of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadParams {
    /// Properties to ask for; empty means the type's default ones.
    pub properties: Vec<String>,
    /// Properties to ask the history of.
    pub properties_with_history: Vec<String>,
    /// Object types to list the associations with.
    pub associations: Vec<String>,
    /// The unique property whose value the id is.
    pub id_property: Option<String>,
    /// `true` reads an archived object.
    pub archived: bool,
}

/// The objects of one type. Made by [`Client::objects`].
#[derive(Clone, Copy, Debug)]
pub struct Objects<'a> {
    client: &'a Client,
    object_type: &'a str,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(client: &'a Client, object_type: &'a str) -> Self {
        Self { client, object_type }
    }

    fn path(&self) -> Path {
        paths::objects(self.client.api_version(), self.object_type)
    }

    fn one(&self, id: &str, id_property: Option<&str>) -> Path {
        self.path().id(id, id_property)
    }

    /// A page of the list: read from the store, not the search index.
    pub async fn list(&self, params: &ListParams) -> Result<Page<Object>, Error> {
        list(self.client, self.path(), params).await
    }

    /// The pages of the list, one after the other, from `params.after` on.
    ///
    /// The stream keeps a handle on the client; it ends behind the last page, or behind an error.
    pub fn pages(&self, params: ListParams) -> impl Stream<Item = Result<Page<Object>, Error>> + Send + use<> {
        let (client, path) = (self.client.clone(), self.path());
        walk(params.after.clone(), move |after| {
            let (client, path) = (client.clone(), path.clone());
            let params = ListParams { after, ..params.clone() };
            async move { list(&client, path, &params).await }
        })
    }

    /// One object, by id or by a unique property.
    pub async fn read(&self, id: &str, params: &ReadParams) -> Result<Object, Error> {
        let request = Request::get(self.one(id, params.id_property.as_deref()))
            .query("idProperty", params.id_property.as_deref())
            .query_list("properties", &params.properties)
            .query_list("propertiesWithHistory", &params.properties_with_history)
            .query_list("associations", &params.associations)
            .query("archived", params.archived.then_some("true"));
        Ok(self.client.call(request).await?.body)
    }

    /// A page of a search. Counts against the search limit, 5 requests a second an account.
    pub async fn search(&self, params: &SearchParams) -> Result<Page<Object>, Error> {
        let request =
            Request::post(self.path().fixed("search"), Repeat::Safe).in_search_bucket().json(&params.to_body())?;
        Ok(self.client.call::<PageWire<Object>>(request).await?.into())
    }

    /// Creates an object. Never repeated when its reply was lost: [`Error::Unknown`].
    pub async fn create(&self, input: &CreateInput) -> Result<Object, Error> {
        Ok(self.client.call(Request::post(self.path(), Repeat::Unsafe).json(input)?).await?.body)
    }

    /// Sets properties of an object, by id or by the value of the unique property `id_property`.
    ///
    /// Repeated when its reply was lost: setting the same values twice is setting them once. With `id_property` the first try may have changed
    /// that very property, so a 404 behind a lost reply is [`Error::Unknown`].
    pub async fn update(&self, id: &str, properties: &Object, id_property: Option<&str>) -> Result<Object, Error> {
        let request = Request::patch(self.one(id, id_property))
            .query("idProperty", id_property)
            .json(&json!({"properties": properties}))?;
        let reply = self.client.call(request).await;
        Ok(reply.map_err(|error| if id_property.is_some() { in_doubt(error) } else { error })?.body)
    }

    /// Archives an object: it can be restored for 90 days.
    pub async fn archive(&self, id: &str) -> Result<(), Error> {
        gone(self.client.call_for_nothing(Request::delete(self.one(id, None))).await)
    }

    /// Reads up to 100 objects. Those that are gone are in the outcome's errors; an id that was merged away answers with the winner.
    pub async fn batch_read(&self, input: &BatchReadInput) -> Result<BatchOutcome, Error> {
        let request = Request::post(self.path().fixed("batch/read"), Repeat::Safe)
            .query("archived", input.archived.then_some("true"))
            .json(&input.to_body())?;
        self.client.call_for_outcome(request).await
    }

    /// Creates up to 100 objects. Never repeated when its reply was lost: [`Error::Unknown`].
    pub async fn batch_create(&self, inputs: &[CreateInput]) -> Result<BatchOutcome, Error> {
        self.batch("batch/create", Repeat::Unsafe, inputs).await
    }

    /// Updates up to 100 objects; no id twice. Repeated when its reply was lost, as [`update`](Self::update) is: with `idProperty`, an object
    /// that isn't found is in doubt when [`BatchOutcome::after_lost_reply`] is set.
    pub async fn batch_update(&self, inputs: &[UpdateInput]) -> Result<BatchOutcome, Error> {
        self.batch("batch/update", Repeat::Safe, inputs).await
    }

    /// Updates, or creates, up to 100 objects by a unique property. Repeated when its reply was lost: the second time finds the objects there.
    pub async fn batch_upsert(&self, inputs: &[UpsertInput]) -> Result<BatchOutcome, Error> {
        self.batch("batch/upsert", Repeat::Safe, inputs).await
    }

    /// Archives up to 100 objects. HubSpot answers without any detail.
    pub async fn batch_archive(&self, ids: &[String]) -> Result<(), Error> {
        let inputs: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        let request =
            Request::post(self.path().fixed("batch/archive"), Repeat::Safe).json(&Inputs { inputs: &inputs })?;
        self.client.call_for_nothing(request).await
    }

    /// Merges an object into another, which stays or is replaced by one with a new id: see the `id` of the answer. Never repeated when its
    /// reply was lost: [`Error::Unknown`].
    pub async fn merge(&self, primary_id: &str, id_to_merge: &str) -> Result<Object, Error> {
        let body = json!({"primaryObjectId": primary_id, "objectIdToMerge": id_to_merge});
        Ok(self.client.call(Request::post(self.path().fixed("merge"), Repeat::Unsafe).json(&body)?).await?.body)
    }

    /// Deletes a contact for good, as the GDPR wants it. HubSpot has it for contacts alone.
    pub async fn gdpr_delete(&self, id: &str) -> Result<(), Error> {
        let request = Request::post(self.path().fixed("gdpr-delete"), Repeat::Safe).json(&json!({"objectId": id}))?;
        gone(self.client.call_for_nothing(request).await)
    }

    async fn batch(&self, segments: &str, repeat: Repeat, inputs: &[impl Serialize]) -> Result<BatchOutcome, Error> {
        let request = Request::post(self.path().fixed(segments), repeat).json(&Inputs { inputs })?;
        self.client.call_for_outcome(request).await
    }
}

async fn list(client: &Client, path: Path, params: &ListParams) -> Result<Page<Object>, Error> {
    let request = Request::get(path)
        .query("limit", Some(params.limit.to_string()))
        .query("after", params.after.as_deref())
        .query("archived", params.archived.then_some("true"))
        .query_list("properties", &params.properties)
        .query_list("propertiesWithHistory", &params.properties_with_history)
        .query_list("associations", &params.associations);
    Ok(client.call::<PageWire<Object>>(request).await?.into())
}

/// Nothing left behind a lost reply is what a deletion wanted: the lost try did it.
pub(crate) fn gone(answer: Result<(), Error>) -> Result<(), Error> {
    match answer {
        Err(Error::Api(error)) if error.status == 404 && error.after_lost_reply => Ok(()),
        other => other,
    }
}

/// Nothing there behind a lost reply: the lost try may have moved it away.
fn in_doubt(error: Error) -> Error {
    match error {
        Error::Api(error) if error.status == 404 && error.after_lost_reply => {
            Error::Unknown(Box::new(UnknownOutcome {
                method: error.method,
                path: error.path,
                reason: "a reply was lost, and then nothing was found under this value".to_owned(),
                status: Some(error.status),
                correlation_id: error.correlation_id,
                tries: error.tries,
            }))
        }
        other => other,
    }
}
