//! What the engine asks HubSpot for and what comes back, as values: the whole contract between the pure engine and
//! whoever does the I/O.

use hubspot_catalog::{Cms, Crm, Directory};
use hubspot_client::Property;

use crate::item::{Item, ItemId, Millis};

/// What the engine wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Make this request and give the answer, with the ticket, to [`Engine::absorb`](crate::engine::Engine::absorb).
    Request(Ticket, Request),
    /// Nothing to do before this instant of the caller's own clock, in milliseconds, or the next answer; then ask again.
    Wait(Millis),
}

/// Which request an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub(crate) u32);

/// A request to HubSpot, with where it goes: always the resource that the engine reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The CRM list endpoint: read from the store, ordered by id.
    List(Crm, ListRequest),
    /// The CRM search endpoint: always the first page of its query.
    Search(Crm, SearchRequest),
    /// A CMS list endpoint.
    CmsList(Cms, CmsListRequest),
    /// The definitions of all properties of a CRM object type.
    Properties(Crm),
    /// CRM objects by id.
    BatchRead(Crm, BatchReadRequest),
    /// What CRM objects are associated with.
    Associations(Crm, AssociationsRequest),
    /// A page of a directory; those of pipelines have one page.
    Directory(Directory, DirectoryRequest),
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

/// A CRM search: groups of filters, and one sort.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// For each result all filters of at least one group hold. At most six groups of six.
    pub groups: Vec<Vec<Filter>>,
    /// The property to sort by.
    pub sort: String,
    /// From the greatest to the least, instead of ascending.
    pub descending: bool,
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

/// CRM objects by id: up to 100, or 50 with history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchReadRequest {
    /// Which; an id that was merged away answers with the object that it was merged into.
    pub ids: Vec<ItemId>,
    /// Properties to ask for; empty means the type's default ones.
    pub properties: Vec<String>,
    /// Properties to ask the earlier values of; they come as the object's `propertiesWithHistory`.
    pub history: Vec<String>,
    /// `true` reads archived objects only.
    pub archived: bool,
}

/// What up to 1,000 CRM objects are associated with, of one other type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationsRequest {
    /// The other object type, as it stands in paths.
    pub to: String,
    /// Which objects, each with the cursor of its next page (`None`: the first).
    pub of: Vec<(ItemId, Option<String>)>,
}

/// A page of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryRequest {
    /// Start behind this cursor; `None` starts at the beginning.
    pub after: Option<String>,
    /// `true` lists archived entries only. Pipelines and their stages have no such list.
    pub archived: bool,
}

/// What one object is associated with, of one other type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Associated {
    /// The object.
    pub of: ItemId,
    /// HubSpot's entries: `toObjectId`, `associationTypes` (`category`, `typeId`, `label`).
    pub to: Vec<hubspot_client::Object>,
    /// The cursor of its next page, if there is one.
    pub next: Option<String>,
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
    /// The definitions that [`Request::Properties`] asks for.
    pub definitions: Vec<Property>,
    /// Why HubSpot says nothing of some of the objects that were asked for by id, if it is for another reason than that they
    /// aren't there.
    pub refusal: Option<String>,
    /// What [`Request::Associations`] asks for; objects without any may be left out.
    pub associations: Vec<Associated>,
}
