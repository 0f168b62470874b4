//! List and read. Both read the store, not the search index.

use std::sync::Arc;

use super::object::{Object, Projection};
use super::parse_id;
use super::store::ObjectStore;
use crate::clock::iso;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::json::{write_number, write_string};
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
    let store = store.read();
    call.state.require_scope(&store.object_type().read_scopes)?;
    let history = request.list("propertiesWithHistory");
    let limit = request.limit(10, if history.is_empty() { PAGE } else { PAGE_WITH_HISTORY })?;
    let after = match request.query("after") {
        None | Some("") => None,
        Some(after) => {
            Some(after.parse().map_err(|_| ApiError::invalid(format!("after is no cursor of this list: {after}")))?)
        }
    };
    let asked = request.list("properties");
    let projection = Projection::of(
        store.object_type(),
        asked.iter().copied().chain(history.iter().copied().filter(|_| !asked.is_empty())),
    );
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
        write_more(call, &mut out, &store, object, &history)?;
        out.push(b'}');
        last = Some(object.id);
        count += 1;
    }
    out.push(b']');
    if let (Some(last), Some(_)) = (last, page.next()) {
        out.extend_from_slice(b",\"paging\":{\"next\":{\"after\":\"");
        write_number(&mut out, last);
        out.extend_from_slice(b"\",\"link\":");
        write_string(&mut out, &link(request, &last.to_string()));
        out.extend_from_slice(b"}}");
    }
    out.push(b'}');
    Ok(Reply::written(200, out, count))
}

/// `GET …/{objectType}/{objectId}`, by id or by a unique property.
pub(crate) fn one(call: &Call<'_>, object_type: &str, id: &str) -> Result<Reply> {
    let store = call.state.crm.store(object_type)?;
    let request = call.request;
    let store = store.read();
    call.state.require_scope(&store.object_type().read_scopes)?;
    let archived = request.flag("archived");
    let id = match request.query("idProperty") {
        Some(property) => store.find(property, id)?,
        None => Some(parse_id(id)?),
    };
    let object = id.and_then(|id| store.get(id, archived)).ok_or_else(ApiError::no_such_path)?;
    let history = request.list("propertiesWithHistory");
    let projection =
        Projection::of(store.object_type(), request.list("properties").into_iter().chain(history.iter().copied()));
    let mut out = Vec::with_capacity(512);
    projection.write_open(&mut out, object);
    write_more(call, &mut out, &store, object, &history)?;
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
) -> Result<()> {
    write_history(out, store, object, history);
    let associations = call.request.list("associations");
    if !associations.is_empty() {
        write_associations(call, out, store, object, &associations)?;
    }
    Ok(())
}

/// `propertiesWithHistory`: the newest value first.
pub(crate) fn write_history(out: &mut Vec<u8>, store: &ObjectStore, object: &Object, properties: &[&str]) {
    if properties.is_empty() {
        return;
    }
    let object_type = store.object_type();
    let mut values = serde_json::Map::new();
    for name in properties.iter().filter(|name| object_type.properties.contains_key(**name)) {
        let version = |value: &str, at| serde_json::json!({"value": value, "timestamp": iso(at), "sourceType": "API"});
        let mut versions: Vec<_> = store.history(object.id, name).map(|old| version(&old.value, old.since)).collect();
        if versions.is_empty()
            && let Some(value) = object.value(object_type, name)
        {
            let since = if *name == object_type.changed { object.updated } else { object.created };
            versions.push(version(&value, since));
        }
        versions.reverse();
        values.insert((*name).to_owned(), versions.into());
    }
    out.extend_from_slice(b",\"propertiesWithHistory\":");
    out.extend_from_slice(serde_json::Value::Object(values).to_string().as_bytes());
}

fn write_associations(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    store: &ObjectStore,
    object: &Object,
    types: &[&str],
) -> Result<()> {
    let from = &store.object_type().type_id;
    let mut found = serde_json::Map::new();
    for name in types {
        let (to, plural) = if *from == *name || store.object_type().name == *name {
            (from.clone(), store.object_type().name.clone())
        } else {
            let other = call.state.crm.store(name)?;
            let other = other.read();
            (other.object_type().type_id.clone(), other.object_type().name.clone())
        };
        let ids = call.state.crm.associations().of(from, object.id, &to);
        if ids.is_empty() {
            continue;
        }
        let kind = format!("{}_to_{}", store.object_type().singular, plural.trim_end_matches('s')).replace(' ', "_");
        let results: Vec<_> = ids
            .iter()
            .take(ASSOCIATIONS)
            .map(|(id, _)| serde_json::json!({"id": id.to_string(), "type": kind}))
            .collect();
        let mut page = serde_json::json!({ "results": results });
        if let Some((last, _)) = ids.get(ASSOCIATIONS - 1).filter(|_| ids.len() > ASSOCIATIONS) {
            page["paging"] = serde_json::json!({"next": {"after": last.to_string()}});
        }
        found.insert(plural, page);
    }
    if !found.is_empty() {
        out.extend_from_slice(b",\"associations\":");
        out.extend_from_slice(serde_json::Value::Object(found).to_string().as_bytes());
    }
    Ok(())
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
