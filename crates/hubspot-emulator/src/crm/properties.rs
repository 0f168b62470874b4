//! The definitions of properties.

use serde_json::{Value, json};

use super::batch::Outcome;
use crate::account::State;
use crate::clock::iso;
use crate::definitions::{ObjectType, Property, PropertyOption};
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::{id_text, required};
use crate::routes::Call;

const INPUTS: usize = 100;

/// The field types that a type can be shown by, the usual one first (<https://developers.hubspot.com/docs/guides/api/crm/properties>).
const FIELD_TYPES: &[(&str, &[&str])] = &[
    ("bool", &["booleancheckbox", "calculation_equation"]),
    ("date", &["date"]),
    ("datetime", &["date", "calculation_equation"]),
    ("enumeration", &["select", "radio", "checkbox", "booleancheckbox", "calculation_equation"]),
    ("number", &["number", "calculation_equation"]),
    ("phone_number", &["phonenumber"]),
    ("string", &["text", "textarea", "html", "phonenumber", "file", "calculation_equation"]),
];

/// `/crm/properties/{version}/{objectType}…`.
pub(crate) fn answer(call: &Call<'_>, object_type: &str, rest: &[&str]) -> Result<Reply> {
    let store = call.state.crm.store(object_type)?;
    let may = |scopes: &[String]| require_scope(call.state, scopes);
    match (call.method(), rest) {
        ("GET", []) => {
            let store = store.read();
            let object_type = store.object_type();
            may(&object_type.read_scopes)?;
            // No property is ever archived here.
            let shown = !call.request.flag("archived");
            let results: Vec<Value> = object_type.properties.values().filter(|_| shown).map(Property::value).collect();
            Ok(Reply::json(200, &json!({ "results": results })))
        }
        ("GET", [name]) => {
            let store = store.read();
            may(&store.object_type().read_scopes)?;
            let property =
                store.object_type().properties.get(*name).ok_or_else(|| missing(store.object_type(), name))?;
            Ok(Reply::json(200, &property.value()))
        }
        ("POST", []) => {
            may(&store.read().object_type().write_scopes)?;
            let definition = Value::Object(call.request.object()?);
            define(call.state, object_type, &definition, false).map(|property| Reply::json(201, &property))
        }
        ("POST", ["batch", "read"]) => {
            let (_, inputs) = call.request.inputs(INPUTS)?;
            let store = store.read();
            may(&store.object_type().read_scopes)?;
            let names: Vec<String> = inputs.iter().filter_map(|input| id_text(input.get("name"))).collect();
            let found: Vec<Value> = names
                .iter()
                .filter_map(|name| store.object_type().properties.get(name.as_str()))
                .map(Property::value)
                .collect();
            Ok(finished(call, 200, &found))
        }
        ("POST", ["batch", "create"]) => {
            may(&store.read().object_type().write_scopes)?;
            let (_, inputs) = call.request.inputs(INPUTS)?;
            let mut outcome = Outcome::new(call.state.clock.now());
            for input in &inputs {
                match define(call.state, object_type, input, false) {
                    Ok(made) => outcome.result(|out| out.extend_from_slice(made.to_string().as_bytes())),
                    Err(error) => outcome.error(error),
                }
            }
            Ok(outcome.reply(call, 201))
        }
        ("DELETE", [name]) => {
            may(&store.read().object_type().write_scopes)?;
            remove(call.state, object_type, name, false)?;
            Ok(Reply::no_content())
        }
        (_, [] | [_]) => call.wrong_method(),
        _ => Err(ApiError::no_such_path()),
    }
}

/// 403 without one of these scopes, or one of the same for schemas.
pub(crate) fn require_scope(state: &State, scopes: &[String]) -> Result<()> {
    let schemas = scopes.iter().map(|scope| scope.replace("crm.objects.", "crm.schemas."));
    let mut any_of: Vec<String> = scopes.iter().cloned().chain(schemas).collect();
    any_of.dedup();
    state.require_scope(&any_of)
}

fn finished(call: &Call<'_>, status: u16, results: &[Value]) -> Reply {
    let now = iso(call.state.clock.now());
    Reply::json(status, &json!({"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}))
}

fn missing(object_type: &ObjectType, name: &str) -> ApiError {
    ApiError::new(404, "OBJECT_NOT_FOUND", format!("Property \"{name}\" of {} does not exist", object_type.name))
}

/// Removes a property; what objects have for it is seen no more. HubSpot's own stay, unless it is done behind the API's back.
pub(crate) fn remove(state: &State, object_type: &str, name: &str, behind: bool) -> Result<()> {
    let store = state.crm.store(object_type)?;
    let mut store = store.write();
    let object_type = store.object_type_mut();
    let property = object_type.properties.get(name).ok_or_else(|| missing(object_type, name))?;
    if property.hubspot_defined && !behind {
        return Err(ApiError::invalid(format!("Property {name} is defined by HubSpot and can't be archived")));
    }
    if [object_type.created.as_str(), &object_type.changed, "hs_object_id"].contains(&name) {
        return Err(ApiError::invalid(format!("Every object has the property {name}; it can't be removed")));
    }
    object_type.properties.remove(name);
    Ok(())
}

/// Defines a property, from the body that HubSpot takes; leniently, only `name` is required and what is there is replaced.
pub(crate) fn define(state: &State, object_type: &str, definition: &Value, leniently: bool) -> Result<Value> {
    let text = |field: &'static str| match definition.get(field).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(required(field)),
    };
    let or = |field: &'static str, default: &'static str| {
        if leniently { Ok(text(field).unwrap_or(default)) } else { text(field) }
    };
    let flag = |field: &str| definition.get(field).and_then(Value::as_bool).unwrap_or(false);
    let name = text("name")?;
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err(ApiError::invalid(format!(
            "Property name {name} is not lower case letters, digits and underscores"
        )));
    }
    let kind = or("type", "string")?;
    if !["bool", "date", "datetime", "enumeration", "number", "phone_number", "string", "json", "object_coordinates"]
        .contains(&kind)
    {
        return Err(ApiError::invalid(format!("Property type {kind} is unknown")));
    }
    let option = |option: &Value| {
        let value = option.get("value").and_then(Value::as_str).unwrap_or_default().to_owned();
        let label = option.get("label").and_then(Value::as_str).unwrap_or(&value).to_owned();
        PropertyOption { label, value, hidden: option.get("hidden").and_then(Value::as_bool).unwrap_or(false) }
    };
    let of_type = FIELD_TYPES.iter().find(|(name, _)| *name == kind);
    let field_type = or("fieldType", of_type.map_or("text", |(_, shown_by)| shown_by[0]))?;
    if !leniently && of_type.is_some_and(|(_, shown_by)| !shown_by.contains(&field_type)) {
        return Err(ApiError::invalid(format!("Property type {kind} can't have the field type {field_type}")));
    }
    let has_options = definition.get("options").and_then(Value::as_array).is_some_and(|options| !options.is_empty());
    if !leniently && kind == "enumeration" && !has_options && !flag("externalOptions") {
        return Err(ApiError::invalid(format!("Property {name} is an enumeration, and has no options")));
    }
    let store = state.crm.store(object_type)?;
    let mut store = store.write();
    if !leniently && store.object_type().properties.contains_key(name) {
        return Err(ApiError::new(409, "OBJECT_ALREADY_EXISTS", format!("A property named '{name}' already exists.")));
    }
    let property = Property {
        label: or("label", "")?.to_owned(),
        description: definition.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        options: definition.get("options").and_then(Value::as_array).into_iter().flatten().map(option).collect(),
        external_options: flag("externalOptions"),
        unique: flag("hasUniqueValue"),
        read_only: leniently && flag("readOnlyValue"),
        calculated: flag("calculated"),
        hidden: flag("hidden"),
        created: state.clock.now(),
        ..Property::new(name, kind, field_type, &store.object_type().singular)
    };
    let group = or("groupName", "")?;
    let property = if group.is_empty() { property } else { Property { group: group.to_owned(), ..property } };
    let value = property.value();
    store.object_type_mut().add(property);
    Ok(value)
}
