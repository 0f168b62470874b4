//! What the engine asks HubSpot for and what comes back, as values: the whole contract between the pure engine and
//! whoever does the I/O.

use hubspot_catalog::{Cms, Crm};

use crate::item::{Item, Millis};

/// What the engine wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Make this request and give the answer to [`Engine::absorb`](crate::engine::Engine::absorb).
    Request(Request),
    /// Nothing to do before this instant of the caller's own clock, in milliseconds; then ask again.
    Wait(Millis),
}

/// A request to HubSpot, with where it goes: always the resource that the engine reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The CRM list endpoint: read from the store, ordered by id.
    List(Crm, ListRequest),
    /// The CRM search endpoint: always the first page of its query.
    Search(Crm, SearchRequest),
    /// A CMS list endpoint.
    CmsList(Cms, CmsListRequest),
}

/// A page of the CRM list endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// Start behind this cursor; `None` starts at the beginning.
    pub after: Option<String>,
    /// Objects a page, at most 100.
    pub limit: u32,
    /// `true` lists archived objects only.
    pub archived: bool,
    /// Properties to ask for; empty means the type's default ones.
    pub properties: Vec<String>,
}

/// A CRM search: one group of filters, joined by *and*, and one sort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// All of them hold for each result.
    pub filters: Vec<Filter>,
    /// The property to sort by, ascending.
    pub sort: String,
    /// Results a page, at most 200.
    pub limit: u32,
    /// Properties to ask for; empty means the type's default ones.
    pub properties: Vec<String>,
}

/// One condition of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The property's internal name.
    pub property: String,
    /// How it is compared.
    pub operator: Comparison,
    /// With what: dates are milliseconds since the epoch, ids are decimal.
    pub value: i128,
}

/// The comparisons that the engine uses, named as HubSpot names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `EQ`
    Equal,
    /// `GT`
    Greater,
    /// `GTE`
    GreaterOrEqual,
    /// `LT`
    Less,
}

/// A page of a CMS list endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CmsListRequest {
    /// Start behind this cursor; `None` starts at the beginning.
    pub after: Option<String>,
    /// Objects a page, at most 100.
    pub limit: u32,
    /// The field to sort by, ascending.
    pub sort: Option<&'static str>,
    /// Only objects created after this instant.
    pub created_after: Option<Millis>,
    /// Only objects created before this instant.
    pub created_before: Option<Millis>,
    /// Only objects updated after this instant.
    pub updated_after: Option<Millis>,
    /// Only objects updated before this instant.
    pub updated_before: Option<Millis>,
    /// `true` lists deleted objects only.
    pub archived: bool,
}

/// HubSpot's answer to a [`Request`].
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The objects, in HubSpot's order.
    pub items: Vec<Item>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// How many objects the query matches, where HubSpot says so.
    pub total: Option<u64>,
    /// HubSpot's own clock: the `Date` header, in milliseconds (whole seconds).
    pub date: Option<Millis>,
}
