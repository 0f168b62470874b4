//! Lists of the CMS: filtered by time, sorted, paged by an offset.

use serde_json::{Value, json};

use super::collection::{Collection, Object};
use crate::clock::Millis;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::routes::Call;

/// Objects on a page, and as many as there are without `limit`.
const PAGE: usize = 100;
const DEFAULT: usize = 20;

/// What of an object a list sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Created,
    Updated,
    Name,
}

/// The bounds that a request sets on one of an object's times.
#[derive(Debug)]
struct Bounds {
    at: Option<Millis>,
    after: Option<Millis>,
    before: Option<Millis>,
}

impl Bounds {
    fn of(request: &Request, what: &str) -> Result<Self> {
        Ok(Self {
            at: request.time(&format!("{what}At"))?,
            after: request.time(&format!("{what}After"))?,
            before: request.time(&format!("{what}Before"))?,
        })
    }

    /// Believed: neither `After` nor `Before` includes its instant.
    fn contain(&self, time: Millis) -> bool {
        self.at.is_none_or(|at| time == at)
            && self.after.is_none_or(|after| time > after)
            && self.before.is_none_or(|before| time < before)
    }
}

/// `GET` of a collection; of the drafts of tables.
pub(crate) fn list(call: &Call<'_>, collection: &Collection, drafts: bool) -> Result<Reply> {
    let request = call.request;
    let limit = request.limit(DEFAULT, PAGE)?;
    let (created, updated) = (Bounds::of(request, "created")?, Bounds::of(request, "updated")?);
    let deleted = request.flag("archived");
    let (key, descending) = sort(request)?;
    // Believed: the cursor is an offset into a list that changes meanwhile.
    let offset: usize = match request.query("after") {
        None | Some("") => 0,
        Some(after) => {
            after.parse().map_err(|_| ApiError::invalid(format!("after is no cursor of this list: {after}")))?
        }
    };
    let objects = collection.lock();
    let mut found: Vec<&Object> = objects
        .values()
        .filter(|object| object.deleted.is_some() == deleted && object.fields(drafts).is_some())
        .filter(|object| created.contain(object.created) && updated.contain(object.updated))
        .collect();
    let name = |object: &Object| {
        object.fields(drafts).and_then(|fields| fields.get("name")).and_then(Value::as_str).map(ToOwned::to_owned)
    };
    match key {
        Key::Created => found.sort_by_key(|object| (object.created, object.id)),
        Key::Updated => found.sort_by_key(|object| (object.updated, object.id)),
        Key::Name => found.sort_by_cached_key(|object| (name(object), object.id)),
    }
    if descending {
        found.reverse();
    }
    let total = found.len();
    let results: Vec<Value> =
        found.iter().skip(offset).take(limit).map(|object| collection.value(object, drafts)).collect();
    let count = results.len();
    let mut body = json!({"total": total, "results": results});
    let next = (offset + count).to_string();
    if offset + count < total && count > 0 {
        body["paging"] = json!({"next": {"after": next, "link": crate::crm::read::link(request, &next)}});
    }
    drop(objects);
    Ok(Reply { objects: count, ..Reply::json(200, &body) })
}

/// `createdAt`, `updatedAt` or `name`, descending with a minus; by creation without it.
fn sort(request: &Request) -> Result<(Key, bool)> {
    let sorts = request.list("sort");
    let Some(sort) = sorts.first() else { return Ok((Key::Created, false)) };
    let (name, descending) = sort.strip_prefix('-').map_or((*sort, false), |name| (name, true));
    let key = match name {
        // The Go connector sorts by the fields' names, which HubSpot takes. (Seen.)
        "createdAt" | "created" | "createdBy" => Key::Created,
        "updatedAt" | "updated" | "updatedBy" => Key::Updated,
        "name" => Key::Name,
        _ => {
            return Err(ApiError::invalid(format!(
                "Can't sort by {sort}: valid fields are createdAt, name, updatedAt, createdBy, updatedBy"
            )));
        }
    };
    Ok((key, descending))
}
