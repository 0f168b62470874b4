//! List and read. Both read the store, not the search index.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::object::{Object, Projection};
use super::store::ObjectStore;
use super::{Store, cursor, parse_id};
use crate::clock::iso;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::json::write_string;
use crate::routes::Call;

/// Objects on a page of a list.
const PAGE: usize = 100;
/// The same with the history of properties.
const PAGE_WITH_HISTORY: usize = 50;
/// Associations that come with an object; more of them have pages of their own.
const ASSOCIATIONS: usize = 100;

/// `GET /crm/objects/{version}/{objectType}`: ordered by id, `after` being the last id of the page before.
pub(crate) fn list(call: &Call<'_>, object_type: &str) -> Result<Reply> {
    let store = call.state.crm.store(object_type)?;
    let request = call.request;
    let associated = associated_types(call);
    let store = store.read();
    call.state.require_scope(&store.object_type().read_scopes)?;
    let history = request.list("propertiesWithHistory");
    let limit = request.limit(10, if history.is_empty() { PAGE } else { PAGE_WITH_HISTORY })?;
    let after = match request.query("after") {
        None | Some("") => None,
        Some(after) => Some(cursor::id(&call.settings, after)?),
    };
    let asked = request.list("properties");
    let projection = Projection::asked(
        store.object_type(),
        &call.settings,
        asked.iter().copied().chain(history.iter().copied().filter(|_| !asked.is_empty())),
    )?;
    let mut page = store.after(after, request.flag("archived"));
    let mut out = Vec::with_capacity(limit * 400);
    out.extend_from_slice(b"{\"results\":[");
    let mut last = None;
    let mut count = 0;
    for object in page.by_ref().take(limit) {
        if count > 0 {
            out.push(b',');
        }
        projection.write_open(&mut out, object);
        write_more(call, &mut out, &store, object, &history, &associated);
        out.push(b'}');
        last = Some(object.id);
        count += 1;
    }
    out.push(b']');
    if let (Some(last), Some(_)) = (last, page.next()) {
        let next = cursor::after(&call.settings, last);
        out.extend_from_slice(b",\"paging\":{\"next\":{\"after\":");
        write_string(&mut out, &next);
        out.extend_from_slice(b",\"link\":");
        write_string(&mut out, &link(request, &next));
        out.extend_from_slice(b"}}");
    }
    out.push(b'}');
    Ok(Reply::written(200, out, count))
}

/// `GET …/{objectType}/{objectId}`, by id or by a unique property.
pub(crate) fn one(call: &Call<'_>, object_type: &str, id: &str) -> Result<Reply> {
    let store = call.state.crm.store(object_type)?;
    let request = call.request;
    let associated = associated_types(call);
    let store = store.read();
    call.state.require_scope(&store.object_type().read_scopes)?;
    let archived = request.flag("archived");
    let id = match request.query("idProperty") {
        Some(property) => store.find(property, id)?,
        None => Some(parse_id(id)?),
    };
    let object = id.and_then(|id| store.get(id, archived)).ok_or_else(ApiError::no_such_path)?;
    let history = request.list("propertiesWithHistory");
    let asked = request.list("properties").into_iter().chain(history.iter().copied());
    let projection = Projection::asked(store.object_type(), &call.settings, asked)?;
    let mut out = Vec::with_capacity(512);
    projection.write_open(&mut out, object);
    write_more(call, &mut out, &store, object, &history, &associated);
    out.push(b'}');
    Ok(Reply::written(200, out, 1))
}

/// The history of properties, and the associations that were asked for.
fn write_more(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    store: &ObjectStore,
    object: &Arc<Object>,
    history: &[&str],
    associated: &[Store],
) {
    write_history(out, store, object, history);
    if !associated.is_empty() {
        write_associations(call, out, store, object, associated);
    }
}

/// `propertiesWithHistory`: the newest value first.
pub(crate) fn write_history(out: &mut Vec<u8>, store: &ObjectStore, object: &Object, properties: &[&str]) {
    if properties.is_empty() {
        return;
    }
    let object_type = store.object_type();
    let mut values = Map::new();
    for name in properties.iter().filter(|name| object_type.properties.contains_key(**name)) {
        let version = |value: &str, at, source| json!({"value": value, "timestamp": iso(at), "sourceType": source});
        let kept = store.history(object.id, name);
        let mut versions: Vec<Value> = kept.map(|old| version(&old.value, old.since, old.source)).collect();
        if versions.is_empty()
            && let Some(value) = object.value(object_type, name)
        {
            let since = if *name == object_type.changed { object.updated } else { object.created };
            versions.push(version(&value, since, "API"));
        }
        versions.reverse();
        values.insert((*name).to_owned(), versions.into());
    }
    out.extend_from_slice(b",\"propertiesWithHistory\":");
    out.extend_from_slice(Value::Object(values).to_string().as_bytes());
}

/// The types that `associations` asks for; those that don't exist are ignored, as the documents say.
fn associated_types(call: &Call<'_>) -> Vec<Store> {
    call.request.list("associations").into_iter().filter_map(|name| call.state.crm.store(name).ok()).collect()
}

/// The first page of each type; the cursor leads on in the associations of the object.
fn write_associations(call: &Call<'_>, out: &mut Vec<u8>, store: &ObjectStore, object: &Object, types: &[Store]) {
    let associations = call.state.crm.associations();
    let limit = call.settings.association_page.min(ASSOCIATIONS);
    let from = store.object_type();
    let mut found = Map::new();
    for to in types {
        let mut links = associations.of(&from.type_id, object.id, to.type_id(), 0);
        let kind = format!("{}_to_{}", from.singular, to.name().trim_end_matches('s')).replace(' ', "_");
        let mut last = 0;
        let results: Vec<Value> = links
            .by_ref()
            .take(limit)
            .map(|link| {
                last = link.to;
                json!({"id": link.to.to_string(), "type": kind})
            })
            .collect();
        if results.is_empty() {
            continue;
        }
        let mut page = json!({ "results": results });
        if links.next().is_some() {
            page["paging"] = json!({"next": {"after": cursor::after(&call.settings, last)}});
        }
        found.insert(to.name().to_owned(), page);
    }
    if !found.is_empty() {
        out.extend_from_slice(b",\"associations\":");
        out.extend_from_slice(Value::Object(found).to_string().as_bytes());
    }
}

/// The address of the next page.
pub(crate) fn link(request: &Request, after: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in request.query.iter().filter(|(name, _)| name != "after") {
        query.append_pair(name, value);
    }
    query.append_pair("after", after);
    format!("http://{}{}?{}", request.host, request.path, query.finish())
}
