//! Create, update and archive of one object.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::object::{Object, Projection};
use super::store::ObjectStore;
use super::values::{self, Values};
use super::{associations, parse_id};
use crate::account::State;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::required;
use crate::routes::Call;

/// `POST …/{objectType}`.
pub(crate) fn create(call: &Call<'_>, object_type: &str) -> Result<Reply> {
    let shared = call.state.crm.store(object_type)?;
    let body = call.request.object()?;
    let links = associations::of_input(call.state, shared.type_id(), &body)?;
    let mut store = shared.write();
    may_write(call.state, &store)?;
    let fields = properties_of(&body)?;
    let values = values::checked(store.object_type(), fields)?;
    required_properties(&store, fields)?;
    let object = store.create(call.state, &call.settings, values, call.state.clock.now())?;
    let out = written(&store, &object);
    call.state.crm.associations().link_all(shared.type_id(), object.id, &links);
    Ok(Reply::written(201, out, 1))
}

/// `PATCH …/{objectType}/{objectId}`, by id or by a unique property.
pub(crate) fn update(call: &Call<'_>, object_type: &str, id: &str) -> Result<Reply> {
    let shared = call.state.crm.store(object_type)?;
    let body = call.request.object()?;
    let mut store = shared.write();
    may_write(call.state, &store)?;
    let id = match call.request.query("idProperty") {
        Some(property) => store.find(property, id)?.ok_or_else(ApiError::no_such_path)?,
        None => parse_id(id)?,
    };
    if store.get(id, false).is_none() {
        return Err(ApiError::no_such_path());
    }
    let fields = properties_of(&body)?;
    something_to_update(fields)?;
    let values = values::checked(store.object_type(), fields)?;
    let named: Vec<Arc<str>> = values.iter().map(|(name, _)| Arc::clone(name)).collect();
    let object = store.update(call.state, id, values, call.state.clock.now())?;
    let projection = Projection::of(store.object_type(), named.iter().map(|name| &**name));
    let mut out = Vec::with_capacity(256);
    projection.write(&mut out, &object);
    Ok(Reply::written(200, out, 1))
}

/// `DELETE …/{objectType}/{objectId}`. Archiving what isn't there is no error. (Seen: HubSpot answers 204 all the same.)
pub(crate) fn archive(call: &Call<'_>, object_type: &str, id: &str) -> Result<Reply> {
    let shared = call.state.crm.store(object_type)?;
    let mut store = shared.write();
    may_write(call.state, &store)?;
    if let Ok(id) = id.parse() {
        store.archive(call.state, id);
    }
    Ok(Reply::no_content())
}

/// Scopes, and types that the API can't write.
pub(crate) fn may_write(state: &State, store: &ObjectStore) -> Result<()> {
    let object_type = store.object_type();
    state.require_scope(&object_type.write_scopes)?;
    if object_type.writable {
        Ok(())
    } else {
        // Believed: the documents have no such endpoint; what HubSpot answers there, they don't say.
        Err(ApiError::new(
            405,
            "VALIDATION_ERROR",
            format!("Objects of type {} can't be written with this API", object_type.name),
        ))
    }
}

pub(crate) fn properties_of(input: &Map<String, Value>) -> Result<&Map<String, Value>> {
    input.get("properties").and_then(Value::as_object).ok_or_else(|| required("properties"))
}

/// 400 if an update has no properties. (Seen.)
pub(crate) fn something_to_update(fields: &Map<String, Value>) -> Result<()> {
    if fields.is_empty() { Err(ApiError::invalid("No properties found to update")) } else { Ok(()) }
}

/// 400 if a custom type's required properties are missing.
pub(crate) fn required_properties(store: &ObjectStore, fields: &Map<String, Value>) -> Result<()> {
    let has = |name: &String| fields.get(name).is_some_and(|value| !value.is_null() && value != "");
    let missing: Vec<&String> = store.object_type().required.iter().filter(|name| !has(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut error = ApiError::invalid(format!(
        "Error creating {}. Some required properties were not set.",
        store.object_type().singular.to_uppercase()
    ));
    error.context.insert("properties", missing.into_iter().cloned().collect());
    Err(error)
}

/// An object with all values that it has.
pub(crate) fn written(store: &ObjectStore, object: &Object) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    Projection::set_in(store.object_type(), object).write(&mut out, object);
    out
}

/// The unique values among these, for duplicates within a batch.
pub(crate) fn unique_values<'a>(
    store: &'a ObjectStore,
    values: &'a Values,
) -> impl Iterator<Item = (Arc<str>, String)> + 'a {
    let is_unique = |name: &Arc<str>| store.object_type().properties.get(name).is_some_and(|property| property.unique);
    values
        .iter()
        .filter(move |(name, value)| !value.is_empty() && is_unique(name))
        .map(|(name, value)| (Arc::clone(name), value.to_lowercase()))
}
