//! The CMS: blog posts, authors and tags, pages, HubDB tables, URL redirects.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Object;
use crate::batch::{BatchOutcome, Inputs};
use crate::client::Client;
use crate::error::Error;
use crate::objects::{LIST_LIMIT, gone};
use crate::page::{Page, PageWire};
use crate::paths::{self, Path};
use crate::request::{Repeat, Request};

/// Where a CMS collection is: `/cms/{area}/{version}/{collection}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CmsPath<'a> {
    /// `blogs`, `pages`, `hubdb`, `url-redirects`.
    pub area: &'a str,
    /// `posts`, `authors`, `tags`, `landing-pages`, `site-pages`, `tables`; none for URL redirects.
    pub collection: Option<&'a str>,
}

/// Which page of a CMS list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmsListParams {
    /// Objects a page, at most 100.
    pub limit: u32,
    /// Start behind this cursor; `None` starts at the beginning.
    pub after: Option<String>,
    /// The field to sort by: `createdAt`, `updatedAt`; with `-` in front, descending.
    pub sort: Option<String>,
    /// Only objects created after this instant, in milliseconds since the epoch.
    pub created_after: Option<i64>,
    /// Only objects created before this instant, in milliseconds since the epoch.
    pub created_before: Option<i64>,
    /// Only objects changed after this instant, in milliseconds since the epoch.
    pub updated_after: Option<i64>,
    /// Only objects changed before this instant, in milliseconds since the epoch.
    pub updated_before: Option<i64>,
    /// `true` lists deleted objects only.
    pub archived: bool,
}

impl Default for CmsListParams {
    fn default() -> Self {
        Self {
            limit: LIST_LIMIT,
            after: None,
            sort: None,
            created_after: None,
            created_before: None,
            updated_after: None,
            updated_before: None,
            archived: false,
        }
    }
}

/// The objects of one CMS collection. Made by [`Client::cms`].
///
/// Posts, authors, tags and pages have batches; posts, pages and HubDB tables have drafts. What a collection doesn't have, HubSpot answers with a 404.
#[derive(Clone, Copy, Debug)]
pub struct CmsCollection<'a> {
    client: &'a Client,
    place: CmsPath<'a>,
}

impl<'a> CmsCollection<'a> {
    pub(crate) fn new(client: &'a Client, place: CmsPath<'a>) -> Self {
        Self { client, place }
    }

    fn path(&self) -> Path {
        paths::cms(self.client.api_version(), self.place.area, self.place.collection)
    }

    fn one(&self, id: &str) -> Path {
        self.path().segment(id)
    }

    /// A page of the list.
    pub async fn list(&self, params: &CmsListParams) -> Result<Page<Object>, Error> {
        let request = Request::get(self.path())
            .query("limit", Some(params.limit.to_string()))
            .query("after", params.after.as_deref())
            .query("sort", params.sort.as_deref())
            .query("createdAfter", params.created_after.and_then(date_time))
            .query("createdBefore", params.created_before.and_then(date_time))
            .query("updatedAfter", params.updated_after.and_then(date_time))
            .query("updatedBefore", params.updated_before.and_then(date_time))
            .query("archived", params.archived.then_some("true"));
        Ok(self.client.call::<PageWire<Object>>(request).await?.into())
    }

    /// One object. HubDB tables answer to their name as well.
    pub async fn read(&self, id: &str) -> Result<Object, Error> {
        Ok(self.client.call(Request::get(self.one(id))).await?.body)
    }

    /// Creates an object. Never repeated when its reply was lost: [`Error::Unknown`].
    pub async fn create(&self, object: &Object) -> Result<Object, Error> {
        Ok(self.client.call(Request::post(self.path(), Repeat::Unsafe).json(object)?).await?.body)
    }

    /// Sets fields of an object. Repeated when its reply was lost: setting the same values twice is setting them once.
    pub async fn update(&self, id: &str, fields: &Object) -> Result<Object, Error> {
        Ok(self.client.call(Request::patch(self.one(id)).json(fields)?).await?.body)
    }

    /// Deletes an object.
    pub async fn archive(&self, id: &str) -> Result<(), Error> {
        gone(self.client.call_for_nothing(Request::delete(self.one(id))).await)
    }

    /// Creates objects in one call. Never repeated when its reply was lost: [`Error::Unknown`].
    pub async fn batch_create(&self, objects: &[Object]) -> Result<BatchOutcome, Error> {
        self.batch("batch/create", Repeat::Unsafe, objects).await
    }

    /// Updates objects in one call; each holds its `id` beside the fields to set.
    pub async fn batch_update(&self, objects: &[Object]) -> Result<BatchOutcome, Error> {
        self.batch("batch/update", Repeat::Safe, objects).await
    }

    /// Reads objects in one call, up to [`BATCH_LIMIT`](crate::BATCH_LIMIT); with `archived`, deleted ones only. Those that aren't there are in the outcome's errors.
    pub async fn batch_read(&self, ids: &[String], archived: bool) -> Result<BatchOutcome, Error> {
        let request = Request::post(self.path().fixed("batch/read"), Repeat::Safe)
            .query("archived", archived.then_some("true"))
            .json(&Inputs { inputs: ids })?;
        self.client.call_for_outcome(request).await
    }

    /// Deletes objects in one call. HubSpot answers without any detail.
    pub async fn batch_archive(&self, ids: &[String]) -> Result<(), Error> {
        let request = Request::post(self.path().fixed("batch/archive"), Repeat::Safe).json(&Inputs { inputs: ids })?;
        self.client.call_for_nothing(request).await
    }

    /// The draft of an object; what is live where nothing was changed since.
    pub async fn read_draft(&self, id: &str) -> Result<Object, Error> {
        Ok(self.client.call(Request::get(self.one(id).fixed("draft"))).await?.body)
    }

    /// Sets fields of an object's draft; the live object stays as it is until [`publish_draft`](Self::publish_draft).
    pub async fn update_draft(&self, id: &str, fields: &Object) -> Result<Object, Error> {
        Ok(self.client.call(Request::patch(self.one(id).fixed("draft")).json(fields)?).await?.body)
    }

    /// Makes the draft the live object. Repeated when its reply was lost: publishing the same draft twice is publishing it once.
    ///
    /// HubDB answers with the table, posts and pages with nothing.
    pub async fn publish_draft(&self, id: &str) -> Result<Option<Object>, Error> {
        let path = paths::cms_publish(self.one(id), self.place.area);
        let reply = self.client.call_for_some::<Published>(Request::post(path, Repeat::Safe)).await?;
        Ok(reply.body.and_then(|Published(value)| match value {
            Value::Object(object) => Some(object),
            _ => None,
        }))
    }

    /// Throws the draft's changes away: it is as the live object again. Repeated when its reply was lost.
    pub async fn reset_draft(&self, id: &str) -> Result<(), Error> {
        self.client.call_for_nothing(Request::post(self.one(id).fixed("draft/reset"), Repeat::Safe)).await
    }

    /// Has HubSpot publish a post or a page at a given time. Repeated when its reply was lost: the time is set, not moved. HubSpot has it for
    /// posts and pages alone.
    pub async fn schedule(&self, id: &str, publish_date: DateTime<Utc>) -> Result<(), Error> {
        let body = json!({"id": id, "publishDate": publish_date.to_rfc3339_opts(SecondsFormat::Millis, true)});
        let request = Request::post(self.path().fixed("schedule"), Repeat::Safe).json(&body)?;
        self.client.call_for_nothing(request).await
    }

    /// Takes a HubDB table off the pages that show it; it stays as a draft. Repeated when its reply was lost. HubSpot has it for tables alone.
    pub async fn unpublish(&self, id: &str) -> Result<Object, Error> {
        Ok(self.client.call(Request::post(self.one(id).fixed("unpublish"), Repeat::Safe)).await?.body)
    }

    async fn batch(&self, segments: &str, repeat: Repeat, inputs: &[Object]) -> Result<BatchOutcome, Error> {
        let request = Request::post(self.path().fixed(segments), repeat).json(&Inputs { inputs })?;
        self.client.call_for_outcome(request).await
    }
}

#[derive(Deserialize)]
struct Published(Value);

/// The form of HubSpot's documents (`date-time`), with milliseconds. Nothing for an instant beyond the calendar.
fn date_time(millis: i64) -> Option<String> {
    DateTime::from_timestamp_millis(millis).map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_sent_with_their_milliseconds() {
        assert_eq!(date_time(1_774_000_000_123).as_deref(), Some("2026-03-20T09:46:40.123Z"));
        assert_eq!(date_time(i64::MAX), None);
    }
}
