//! How CRM objects are asked for, and read.

use hubspot_catalog::Crm;
use hubspot_client::SEARCH_LIMIT;

use super::walk::{Drain, Walk};
use crate::ask::{Comparison, Filter, ListRequest, Request, SearchRequest};
use crate::item::{Item, Millis};
pub(super) use crate::payload::completion::updated;

/// The property that every object's id can be searched and sorted by.
const ID_PROPERTY: &str = "hs_object_id";

/// A page of the list endpoint.
pub(super) fn list(crm: &Crm, after: Option<String>, limit: u32, archived: bool, properties: Vec<String>) -> Request {
    Request::List(*crm, ListRequest { after, limit, archived, properties })
}

/// The next page of a walk along the changed-time.
pub(super) fn walk(crm: &Crm, walk: &Walk, properties: Vec<String>) -> Request {
    let updated =
        |operator, value: Millis| Filter { property: crm.updated_property.to_owned(), operator, value: value.into() };
    let (filters, sort) = match &walk.drain {
        Some(Drain { id, .. }) => {
            let mut filters = vec![updated(Comparison::Equal, walk.at)];
            filters.extend(id.map(|id| Filter {
                property: ID_PROPERTY.to_owned(),
                operator: Comparison::Greater,
                value: id.into(),
            }));
            (filters, ID_PROPERTY)
        }
        None => (range(crm, walk.at, walk.until), crm.updated_property),
    };
    let mut groups = vec![filters];
    groups.extend(walk.rider.map(|rider| range(crm, rider.from, Some(rider.to))));
    let sort = sort.to_owned();
    Request::Search(*crm, SearchRequest { groups, sort, descending: false, limit: SEARCH_LIMIT, properties })
}

/// The object with the greatest id; the answer's `total` says how many there are.
pub(super) fn top(crm: &Crm) -> Request {
    let sort = ID_PROPERTY.to_owned();
    let properties = vec![crm.updated_property.to_owned()];
    Request::Search(*crm, SearchRequest { groups: Vec::new(), sort, descending: true, limit: 1, properties })
}

fn range(crm: &Crm, from: Millis, to: Option<Millis>) -> Vec<Filter> {
    let updated =
        |operator, value: Millis| Filter { property: crm.updated_property.to_owned(), operator, value: value.into() };
    let mut filters = vec![updated(Comparison::GreaterOrEqual, from)];
    filters.extend(to.map(|to| updated(Comparison::Less, to)));
    filters
}

pub(super) fn created(crm: &Crm, item: &Item) -> Option<Millis> {
    item.time("createdAt").or_else(|| item.property_time(crm.created_property))
}
