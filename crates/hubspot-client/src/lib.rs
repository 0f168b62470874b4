//! A client for HubSpot's API: authentication, quota, retries, typed endpoints, typed errors.
//!
//! One [`Client`] stands for one HubSpot account. Every request goes through it and so through one quota and one table of what is
//! sent again; whoever calls it never sleeps for a limit and never repeats a request. Clones are cheap and share everything.
//!
//! - **What can be called**: CRM [objects](Client::objects) (list, read, search, create, update, archive, batches, merge), their
//!   [associations](Client::associations) and their labels, [properties](Client::properties), [pipelines](Client::pipelines) and [schemas](Client::schemas),
//!   the [owners](Client::owners), the [account](Client::account), and the [CMS](Client::cms). The API's version is a setting: [`ApiVersion`].
//! - **Limits** are kept before HubSpot has to refuse: requests are counted in HubSpot's own rolling windows, at the rate that its headers
//!   tell. A 429 all the same (others use the same quota) holds up what it is about. When the account's *daily* quota is used up, calls
//!   wait for it to start over, and one request each ten minutes goes to see; who wants to wait no longer drops the future.
//! - **Retries**: what did nothing for certain is sent again, and so is what changes nothing when it is done twice. A create or a merge whose reply
//!   was lost is neither: it is reported as [`Error::Unknown`].
//! - **Errors** are one line for people and types for programs: [`Error`], [`ApiError`].
//!
//! ```no_run
//! use futures::TryStreamExt;
//! use hubspot_client::{Auth, Client, Filter, ListParams, Operator, SearchParams};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder(Auth::token(std::env::var("HUBSPOT_ACCESS_TOKEN")?)).build()?;
//! let contacts = client.objects("contacts");
//!
//! // All of them, a page at a time.
//! let params = ListParams { properties: vec!["email".into()], ..ListParams::default() };
//! let mut pages = std::pin::pin!(contacts.pages(params));
//! while let Some(page) = pages.try_next().await? {
//!     for contact in page.results {
//!         println!("{}", contact["properties"]["email"]);
//!     }
//! }
//!
//! // Those that changed.
//! let changed = SearchParams {
//!     sort: Some("lastmodifieddate".into()),
//!     ..SearchParams::matching(vec![Filter::new("lastmodifieddate", Operator::Gte, "1774000000000")])
//! };
//! let page = contacts.search(&changed).await?;
//! println!("{} of {:?} by HubSpot's clock at {:?}", page.results.len(), page.total, page.date);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod account;
mod answer;
mod associations;
mod auth;
mod batch;
mod builder;
mod call;
mod client;
mod cms;
mod error;
mod objects;
mod one_line;
mod owners;
mod page;
mod paths;
mod pause;
mod pipelines;
mod properties;
mod quota;
mod request;
mod retry;
mod schemas;
mod search;
mod stats;
mod transport;
mod window;
mod wire;

pub use account::{Account, AccountDetails, ApiUsage};
pub use associations::{
    ASSOCIATE_LIMIT, ASSOCIATIONS_LIMIT, Associated, AssociationArchiveInput, AssociationCreateInput, AssociationLabel,
    AssociationSpec, Associations, AssociationsInput, AssociationsOf, AssociationsPage,
};
pub use auth::Auth;
pub use batch::{BATCH_LIMIT, BatchError, BatchOutcome, BatchReadInput, CreateInput, UpdateInput, UpsertInput};
pub use builder::{BuildError, ClientBuilder, DEFAULT_BASE_URL};
pub use client::Client;
pub use cms::{CmsCollection, CmsListParams, CmsPath};
pub use error::{
    ApiError, AuthenticationError, BodyError, Error, ErrorDetail, RequestError, UnknownOutcome, Unreachable,
    existing_id,
};
pub use objects::{LIST_LIMIT, ListParams, Objects, ReadParams};
pub use one_line::OneLine;
pub use owners::{OWNERS_LIMIT, Owners, OwnersParams};
pub use page::Page;
pub use paths::{ApiVersion, ApiVersionError};
pub use pipelines::Pipelines;
pub use properties::{Properties, Property, PropertyCreate, PropertyModificationMetadata, PropertyOption};
pub use schemas::{Schema, SchemaLabels, Schemas};
pub use search::{Filter, Operator, SEARCH_LIMIT, SearchParams};
pub use stats::{Quota, Stats};

/// An object as HubSpot sent it, untouched.
pub type Object = serde_json::Map<String, serde_json::Value>;
