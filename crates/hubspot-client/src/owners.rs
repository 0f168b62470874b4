//! Owners: the account's users, and queues, as owners of objects.

use crate::Object;
use crate::client::Client;
use crate::error::Error;
use crate::page::{Page, PageWire};
use crate::paths;
use crate::request::Request;

/// The most owners that HubSpot puts on a page.
pub const OWNERS_LIMIT: u32 = 500;

/// Which page of the owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnersParams {
    /// Owners a page, at most 500.
    pub limit: u32,
    /// Start behind this cursor; `None` starts at the beginning.
    pub after: Option<String>,
    /// `true` lists archived owners only: users that were removed from the account.
    pub archived: bool,
}

impl Default for OwnersParams {
    fn default() -> Self {
        Self { limit: OWNERS_LIMIT, after: None, archived: false }
    }
}

/// The account's owners. Made by [`Client::owners`].
#[derive(Clone, Copy, Debug)]
pub struct Owners<'a> {
    client: &'a Client,
}

impl<'a> Owners<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// A page of the list. Owners have `id`, `email`, `firstName`, `lastName`, `userId`, `teams`, `createdAt`, `updatedAt`, `archived`.
    pub async fn list(&self, params: &OwnersParams) -> Result<Page<Object>, Error> {
        let request = Request::get(paths::owners(self.client.api_version()))
            .query("limit", Some(params.limit.to_string()))
            .query("after", params.after.as_deref())
            .query("archived", params.archived.then_some("true"));
        Ok(self.client.call::<PageWire<Object>>(request).await?.into())
    }
}
