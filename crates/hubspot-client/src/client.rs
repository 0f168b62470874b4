//! The client: one per account, cheap to clone.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::Instant;

use crate::account::Account;
use crate::associations::Associations;
use crate::auth::{Auth, Credentials};
use crate::batch::{BatchError, BatchOutcome, OutcomeWire};
use crate::builder::ClientBuilder;
use crate::cms::{CmsCollection, CmsPath};
use crate::error::Error;
use crate::objects::Objects;
use crate::owners::Owners;
use crate::paths::ApiVersion;
use crate::pipelines::Pipelines;
use crate::properties::Properties;
use crate::quota::Governor;
use crate::request::{Reply, Request};
use crate::schemas::Schemas;
use crate::stats::{Counters, Quota, Stats};
use crate::transport::Exchange;

/// A client for one HubSpot account. Clones share everything: connections, quota, token, counters.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) base_url: String,
    /// `host:port`
    pub(crate) host: String,
    pub(crate) version: ApiVersion,
    pub(crate) max_retries: u32,
    pub(crate) backoff: Duration,
    pub(crate) credentials: Credentials,
    pub(crate) exchange: Arc<dyn Exchange>,
    pub(crate) governor: Arc<Governor>,
    pub(crate) counters: Counters,
}

impl Client {
    /// Starts a client that authenticates like this.
    pub fn builder(auth: Auth) -> ClientBuilder {
        ClientBuilder::new(auth)
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Where HubSpot's API is, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.inner.base_url
    }

    /// The version of the API that paths are of.
    pub fn api_version(&self) -> ApiVersion {
        self.inner.version
    }

    /// What was done so far.
    pub fn stats(&self) -> Stats {
        self.inner.counters.read()
    }

    /// How much of HubSpot's limits is left, as far as answers have told.
    pub fn quota(&self) -> Quota {
        let Stats { daily_limit, daily_remaining, .. } = self.stats();
        Quota { daily_limit, daily_remaining, ..self.inner.governor.quota(Instant::now()) }
    }

    /// CRM objects of a type: a name (`contacts`) or an object type id (`0-1`, `2-456`).
    pub fn objects<'a>(&'a self, object_type: &'a str) -> Objects<'a> {
        Objects::new(self, object_type)
    }

    /// The associations of objects of the type `from` with objects of the type `to`.
    pub fn associations<'a>(&'a self, from: &'a str, to: &'a str) -> Associations<'a> {
        Associations::new(self, from, to)
    }

    /// The account's owners of objects.
    pub fn owners(&self) -> Owners<'_> {
        Owners::new(self)
    }

    /// The pipelines of an object type.
    pub fn pipelines<'a>(&'a self, object_type: &'a str) -> Pipelines<'a> {
        Pipelines::new(self, object_type)
    }

    /// The property definitions of an object type.
    pub fn properties<'a>(&'a self, object_type: &'a str) -> Properties<'a> {
        Properties::new(self, object_type)
    }

    /// The account's custom object types.
    pub fn schemas(&self) -> Schemas<'_> {
        Schemas::new(self)
    }

    /// The account itself.
    pub fn account(&self) -> Account<'_> {
        Account::new(self)
    }

    /// A CMS collection.
    pub fn cms<'a>(&'a self, place: CmsPath<'a>) -> CmsCollection<'a> {
        CmsCollection::new(self, place)
    }

    pub(crate) async fn call<T: DeserializeOwned + Send>(&self, request: Request) -> Result<Reply<T>, Error> {
        self.inner.call(&request).await
    }

    pub(crate) async fn call_for_some<T: DeserializeOwned + Send>(
        &self,
        request: Request,
    ) -> Result<Reply<Option<T>>, Error> {
        self.inner.call_for_some(&request).await
    }

    /// The answer says what became of each input of a batch.
    pub(crate) async fn call_for_outcome<T: DeserializeOwned + Send>(
        &self,
        request: Request,
    ) -> Result<BatchOutcome<T>, Error> {
        let mut outcome = BatchOutcome::from(self.call::<OutcomeWire<T>>(request).await?);
        self.redact(&mut outcome.errors);
        Ok(outcome)
    }

    /// Takes the secrets out of what HubSpot says of a batch.
    pub(crate) fn redact(&self, errors: &mut [BatchError]) {
        for error in errors {
            error.redact(&|text| self.inner.credentials.redact(text));
        }
    }

    /// The answer says no more than its status; but a page in HTML isn't HubSpot's yes.
    pub(crate) async fn call_for_nothing(&self, request: Request) -> Result<(), Error> {
        self.inner.call_for_some::<IgnoredAny>(&request).await.map(|_| ())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.base_url)
            .field("api_version", &self.inner.version)
            .finish_non_exhaustive()
    }
}
