//! Schemas of custom object types.

use serde_json::{Map, Value, json};

use super::Store;
use crate::account::State;
use crate::clock::iso;
use crate::definitions::{ObjectType, Property};
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::{required, strings};
use crate::routes::Call;

/// `/crm-object-schemas/{version}/schemas…`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Result<Reply> {
    let scope = |verb: &str| {
        call.state.require_scope(&[format!("crm.schemas.custom.{verb}"), format!("crm.objects.custom.{verb}")])
    };
    match (call.method(), rest) {
        ("GET", []) => {
            scope("read")?;
            let shown = !call.request.flag("archived");
            let custom = |store: &Store| {
                Some(store.read())
                    .filter(|store| shown && store.object_type().is_custom())
                    .map(|store| schema(call, store.object_type()))
            };
            let results: Vec<Value> = call.state.crm.stores().iter().filter_map(custom).collect();
            Ok(Reply::json(200, &json!({ "results": results })))
        }
        ("GET", [name]) => {
            scope("read")?;
            let store = call.state.crm.store(name)?;
            let store = store.read();
            Ok(Reply::json(200, &schema(call, store.object_type())))
        }
        ("POST", []) => {
            scope("write")?;
            create(call, &call.request.object()?)
        }
        _ => Err(ApiError::no_such_path()),
    }
}

fn create(call: &Call<'_>, body: &Map<String, Value>) -> Result<Reply> {
    if !body.get("properties").is_some_and(Value::is_array) {
        return Err(required("properties"));
    }
    let store = define(call.state, body)?;
    let store = store.read();
    Ok(Reply::json(201, &schema(call, store.object_type())))
}

/// Defines a custom object type, from the body that HubSpot takes; only `name` is required here.
pub(crate) fn define(state: &State, body: &Map<String, Value>) -> Result<Store> {
    let name =
        body.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()).ok_or_else(|| required("name"))?;
    let label = |number: &str| {
        let labels = body.get("labels").and_then(|labels| labels.get(number)).and_then(Value::as_str);
        labels.unwrap_or(name)
    };
    let store = state.crm.define_type(name, |type_id| {
        ObjectType::custom(name, label("singular"), label("plural"), type_id, state.clock.now())
    })?;
    for property in body.get("properties").and_then(Value::as_array).into_iter().flatten() {
        super::properties::define(state, store.type_id(), property, true)?;
    }
    {
        let mut store = store.write();
        let object_type = store.object_type_mut();
        object_type.required = strings(body, "requiredProperties").into_iter().map(ToOwned::to_owned).collect();
        if let Some(primary) = body.get("primaryDisplayProperty").and_then(Value::as_str) {
            primary.clone_into(&mut object_type.primary);
        }
    }
    Ok(store)
}

fn schema(call: &Call<'_>, object_type: &ObjectType) -> Value {
    let properties: Vec<Value> = object_type.properties.values().map(Property::value).collect();
    let at = iso(object_type.defined_at.unwrap_or_default());
    let qualified = if object_type.is_custom() {
        format!("p{}_{}", call.state.portal_id, object_type.name)
    } else {
        object_type.singular.to_uppercase()
    };
    json!({
        "id": object_type.type_id.trim_start_matches("2-"),
        "objectTypeId": object_type.type_id,
        "fullyQualifiedName": qualified,
        "name": object_type.name,
        "labels": {"singular": object_type.singular, "plural": object_type.plural},
        "primaryDisplayProperty": object_type.primary,
        "requiredProperties": object_type.required,
        "searchableProperties": [object_type.primary],
        "secondaryDisplayProperties": [],
        "properties": properties,
        "associations": [],
        "archived": false,
        "allowsSensitiveProperties": false,
        "createdAt": at,
        "updatedAt": at,
    })
}
