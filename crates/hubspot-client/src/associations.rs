//! Associations: which objects of one type belong to which of another.

mod write;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Object;
use crate::batch::BatchError;
use crate::client::Client;
use crate::error::Error;
use crate::page::Paging;
use crate::paths;
use crate::request::{Repeat, Request};
use crate::wire;

pub use write::{
    ASSOCIATE_LIMIT, Associated, AssociationArchiveInput, AssociationCreateInput, AssociationLabel, AssociationSpec,
};

/// The most objects that HubSpot tells the associations of in one call.
pub const ASSOCIATIONS_LIMIT: usize = 1_000;

/// The associations of objects of one type with those of another. Made by [`Client::associations`].
#[derive(Clone, Copy, Debug)]
pub struct Associations<'a> {
    client: &'a Client,
    from: &'a str,
    to: &'a str,
}

/// An object to read the associations of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AssociationsInput {
    /// The object's id.
    pub id: String,
    /// Start behind this cursor; `None` starts at the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl AssociationsInput {
    /// All associations of an object, from the first page on.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), after: None }
    }
}

/// What HubSpot told of associations in one call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AssociationsPage {
    /// One for each object that has associations, in an order of HubSpot's own.
    pub results: Vec<AssociationsOf>,
    /// Objects that are not there, and those without any associations: HubSpot may name the one as the other.
    pub errors: Vec<BatchError>,
    /// HubSpot's clock when it answered: the `Date` header, whole seconds.
    pub date: Option<DateTime<Utc>>,
}

/// The associations of one object, or a page of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssociationsOf {
    /// The object's id.
    pub from: String,
    /// `{"toObjectId", "associationTypes": [{"category", "typeId", "label"}]}` each, as HubSpot sent it.
    pub to: Vec<Object>,
    /// The cursor of this object's next page; `None` on the last one.
    pub next: Option<String>,
}

impl<'a> Associations<'a> {
    pub(crate) fn new(client: &'a Client, from: &'a str, to: &'a str) -> Self {
        Self { client, from, to }
    }

    /// Reads the associations of up to 1,000 objects, with their labels. Objects without any, and objects that aren't there, are no error of
    /// the call: they are in the page's errors, or nowhere.
    pub async fn batch_read(&self, inputs: &[AssociationsInput]) -> Result<AssociationsPage, Error> {
        let path = paths::associations(self.client.api_version(), self.from, self.to).fixed("batch/read");
        let request = Request::post(path, Repeat::Safe).json(&json!({"inputs": inputs}))?;
        let reply = self.client.call::<PageWire>(request).await?;
        let PageWire { results, mut errors } = reply.body;
        self.client.redact(&mut errors);
        let results = results
            .into_iter()
            .map(|OfWire { from, to, paging }| AssociationsOf {
                from: from.id,
                to,
                next: paging.and_then(Paging::into_cursor),
            })
            .collect();
        Ok(AssociationsPage { results, errors, date: reply.date })
    }
}

#[derive(Deserialize)]
struct PageWire {
    results: Vec<OfWire>,
    #[serde(default, deserialize_with = "wire::list")]
    errors: Vec<BatchError>,
}

#[derive(Deserialize)]
struct OfWire {
    from: FromWire,
    #[serde(default, deserialize_with = "wire::list")]
    to: Vec<Object>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct FromWire {
    #[serde(deserialize_with = "wire::text")]
    id: String,
}
