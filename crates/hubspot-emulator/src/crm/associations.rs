//! Associations between objects: the endpoints that read and write them.

mod links;
mod types;

use serde_json::{Map, Value, json};

use super::batch::Outcome;
use super::cursor;
use crate::account::State;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::{id_text, required};
use crate::routes::{Call, Version};
pub(crate) use links::{Associations, NewLink};
use types::{AssociationType, Category, Labels};

/// Inputs of a batch read.
const READS: usize = 1_000;
/// Inputs of other batches.
const WRITES: usize = 2_000;
/// The most associations of one object on a page.
const PAGE: usize = 500;

/// The associations of an input for a new object: `[{"to": {"id"}, "types": [{"associationCategory", "associationTypeId"}]}]`.
pub(crate) fn of_input(state: &State, from_type: &str, input: &Map<String, Value>) -> Result<Vec<NewLink>> {
    let mut links = Vec::new();
    for association in input.get("associations").and_then(Value::as_array).into_iter().flatten() {
        let id =
            id_text(association.get("to").and_then(|to| to.get("id"))).ok_or_else(|| required("associations.to.id"))?;
        for spec in association.get("types").and_then(Value::as_array).into_iter().flatten() {
            let kind = kind_of(spec)?;
            let Some(to_type) = state.crm.associations().end(kind, from_type) else {
                return Err(ApiError::invalid(format!(
                    "There is no association type with the id {} from {from_type}",
                    kind.id
                )));
            };
            let to = existing(state, &to_type, &id)?;
            links.push(NewLink { to_type, to, kind });
        }
    }
    Ok(links)
}

fn kind_of(spec: &Value) -> Result<AssociationType> {
    let category = spec.get("associationCategory").and_then(Value::as_str).unwrap_or("HUBSPOT_DEFINED");
    let category = Category::of(category)
        .ok_or_else(|| ApiError::invalid(format!("There is no category of associations named {category}")))?;
    let id = spec.get("associationTypeId").and_then(Value::as_u64).ok_or_else(|| required("associationTypeId"))?;
    Ok(AssociationType { category, id: u32::try_from(id).unwrap_or(u32::MAX) })
}

fn existing(state: &State, object_type: &str, id: &str) -> Result<u64> {
    let store = state.crm.store(object_type)?;
    let store = store.read();
    let found = id.parse().ok().and_then(|id| store.get(id, false)).map(|object| object.id);
    found.ok_or_else(|| ApiError::not_found(&store.object_type().singular, id))
}

/// The object type ids of two names.
fn type_ids(state: &State, from: &str, to: &str) -> Result<(String, String)> {
    let from = state.crm.store(from)?;
    state.require_scope(&from.read().object_type().read_scopes)?;
    let to = state.crm.store(to)?;
    Ok((from.type_id().to_owned(), to.type_id().to_owned()))
}

/// Associates two objects behind the API's back. Their changed-times stay. (Seen.)
pub(crate) fn associate(
    state: &State,
    (from_type, from): (&str, &str),
    (to_type, to): (&str, &str),
    label: Option<&str>,
) -> Result<()> {
    let (from, to) = (existing(state, from_type, from)?, existing(state, to_type, to)?);
    let (from_type, to_type) = (state.crm.store(from_type)?, state.crm.store(to_type)?);
    let mut associations = state.crm.associations();
    let kind = associations.kind(from_type.type_id(), to_type.type_id(), label);
    associations.link(from_type.type_id(), from, to_type.type_id(), to, kind);
    Ok(())
}

/// Ends all associations of two objects behind the API's back. Their changed-times stay. (Seen.)
pub(crate) fn dissociate(state: &State, (from_type, from): (&str, &str), (to_type, to): (&str, &str)) -> Result<()> {
    let (from, to) = (existing(state, from_type, from)?, existing(state, to_type, to)?);
    let (from_type, to_type) = (state.crm.store(from_type)?, state.crm.store(to_type)?);
    state.crm.associations().unlink(from_type.type_id(), from, to_type.type_id(), to);
    Ok(())
}

/// Makes a label behind the API's back: its ids, for the two directions.
pub(crate) fn make_label(
    state: &State,
    from_type: &str,
    to_type: &str,
    label: &str,
    inverse: Option<&str>,
) -> Result<[u32; 2]> {
    let (from, to) = (state.crm.store(from_type)?, state.crm.store(to_type)?);
    Ok(state.crm.associations().make_label(from.type_id(), to.type_id(), label, inverse.unwrap_or(label)))
}

/// `GET /crm/associations/{version}/{from}/{to}/labels`: the types in this direction.
pub(crate) fn labels(call: &Call<'_>, from: &str, to: &str) -> Result<Reply> {
    if call.method() != "GET" {
        return call.wrong_method();
    }
    let (from, to) = type_ids(call.state, from, to)?;
    let results = call.state.crm.associations().types(&from, &to);
    Ok(Reply::json(200, &json!({ "results": results })))
}

/// `POST /crm/associations/{version}/{from}/{to}/batch/…`.
pub(crate) fn batch(call: &Call<'_>, from: &str, to: &str, operation: &[&str]) -> Result<Reply> {
    if call.method() != "POST" {
        return call.wrong_method();
    }
    let types = type_ids(call.state, from, to)?;
    let (_, inputs) = call.request.inputs(if operation == ["read"] { READS } else { WRITES })?;
    let mut outcome = Outcome::new(call.state.clock.now());
    match operation {
        ["read"] => {
            for input in &inputs {
                read_input(call, &types, input, &mut outcome)?;
            }
            Ok(outcome.reply(call, 200))
        }
        ["create"] => {
            for input in &inputs {
                match create_input(call, &types, input) {
                    Ok(pair) => outcome.result(|out| out.extend_from_slice(pair.to_string().as_bytes())),
                    Err(error) => outcome.error(of_pair(call, error, input)),
                }
            }
            Ok(outcome.reply(call, 201))
        }
        ["associate", "default"] => {
            for input in &inputs {
                match default_input(call, &types, input) {
                    Ok(made) => outcome.result(|out| out.extend_from_slice(made.to_string().as_bytes())),
                    Err(error) => outcome.error(of_pair(call, error, input)),
                }
            }
            Ok(outcome.reply(call, 200))
        }
        ["archive"] => {
            for input in &inputs {
                archive_input(call, &types, input)?;
            }
            Ok(archived(call, outcome))
        }
        ["labels", "archive"] => {
            for input in &inputs {
                archive_labels(call, &types, input)?;
            }
            Ok(archived(call, outcome))
        }
        _ => Err(ApiError::no_such_path()),
    }
}

/// The documents of the dated versions have a body here, those of version 4 don't.
fn archived(call: &Call<'_>, outcome: Outcome) -> Reply {
    if call.version == Version::Numbered { Reply::no_content() } else { outcome.reply(call, 200) }
}

fn read_input(call: &Call<'_>, types: &(String, String), input: &Value, outcome: &mut Outcome) -> Result<()> {
    let id = id_text(input.get("id")).ok_or_else(|| required("id"))?;
    let after = match id_text(input.get("after")) {
        Some(after) => cursor::id(&call.settings, &after)?,
        None => 0,
    };
    let (results, next) = match id.parse() {
        Ok(id) => page(call, types, id, after, call.settings.association_page.min(PAGE)),
        Err(_) => (Vec::new(), None),
    };
    if results.is_empty() && after == 0 {
        // Seen: an object without associations is one of the errors; so is one that doesn't exist.
        let message = format!("No {} is associated with {id}.", types.1);
        let mut error = ApiError::new(404, "OBJECT_NOT_FOUND", message).with("fromObjectId", [id]);
        error.sub_category = Some("crm.associations.NO_ASSOCIATIONS_FOUND");
        outcome.error(error);
        return Ok(());
    }
    let mut result = json!({"from": {"id": id}, "to": results});
    if let Some(next) = next {
        result["paging"] = json!({"next": {"after": next}});
    }
    outcome.result(|out| out.extend_from_slice(result.to_string().as_bytes()));
    Ok(())
}

/// A page of an object's associations, and the cursor of the next one.
fn page(
    call: &Call<'_>,
    (from, to): &(String, String),
    id: u64,
    after: u64,
    limit: usize,
) -> (Vec<Value>, Option<String>) {
    let associations = call.state.crm.associations();
    let mut links = associations.of(from, id, to, after);
    let mut last = after;
    let results = links
        .by_ref()
        .take(limit)
        .map(|link| {
            last = link.to;
            associations.value(link)
        })
        .collect();
    let next = links.next().map(|_| cursor::after(&call.settings, last));
    (results, next)
}

fn pair_of(call: &Call<'_>, (from, to): &(String, String), input: &Value) -> Result<(u64, u64)> {
    let id =
        |name: &'static str| id_text(input.get(name).and_then(|object| object.get("id"))).ok_or_else(|| required(name));
    Ok((existing(call.state, from, &id("from")?)?, existing(call.state, to, &id("to")?)?))
}

/// An error of one input of a batch, which names its pair as that of a read names its object ([`crate::Settings::association_errors_name_pairs`]).
fn of_pair(call: &Call<'_>, error: ApiError, input: &Value) -> ApiError {
    if !call.settings.association_errors_name_pairs {
        return error;
    }
    let id = |name: &str| id_text(input.get(name).and_then(|object| object.get("id")));
    error.with("fromObjectId", id("from")).with("toObjectId", id("to"))
}

fn kinds_of(input: &Value) -> Result<Vec<AssociationType>> {
    input.get("types").and_then(Value::as_array).into_iter().flatten().map(kind_of).collect()
}

fn create_input(call: &Call<'_>, types: &(String, String), input: &Value) -> Result<Value> {
    let (from, to) = pair_of(call, types, input)?;
    let mut kinds = kinds_of(input)?;
    let mut associations = call.state.crm.associations();
    if kinds.is_empty() {
        kinds.push(associations.kind(&types.0, &types.1, None));
    }
    if let Some(stray) = kinds.iter().find(|kind| !associations.fits(**kind, &types.0, &types.1)) {
        // Seen: a type that these types of objects don't have in this direction fails its own input.
        let message = format!("{} is not a valid association type between {} and {}", stray.id, types.0, types.1);
        let mut error = ApiError::invalid(message)
            .with("type", [stray.id.to_string()])
            .with("fromObjectType", [types.0.as_str()])
            .with("toObjectType", [types.1.as_str()]);
        error.sub_category = Some("crm.associations.INVALID_ASSOCIATION_TYPE");
        return Err(error);
    }
    for kind in &kinds {
        associations.link(&types.0, from, &types.1, to, *kind);
    }
    let (from, to) = (from.to_string(), to.to_string());
    Ok(json!({
        "fromObjectTypeId": types.0, "fromObjectId": from, "toObjectTypeId": types.1, "toObjectId": to,
        "labels": associations.texts(&kinds),
    }))
}

fn default_input(call: &Call<'_>, types: &(String, String), input: &Value) -> Result<Value> {
    let (from, to) = pair_of(call, types, input)?;
    let mut associations = call.state.crm.associations();
    let kind = associations.kind(&types.0, &types.1, None);
    associations.link(&types.0, from, &types.1, to, kind);
    Ok(json!({"from": {"id": from.to_string()}, "to": {"id": to.to_string()}, "associationSpec": Labels::spec(kind)}))
}

fn archive_input(call: &Call<'_>, (from_type, to_type): &(String, String), input: &Value) -> Result<()> {
    let from = id_text(input.get("from").and_then(|from| from.get("id"))).ok_or_else(|| required("from"))?;
    let mut associations = call.state.crm.associations();
    for to in input.get("to").and_then(Value::as_array).into_iter().flatten() {
        let to = id_text(to.get("id")).ok_or_else(|| required("to"))?;
        if let (Ok(from), Ok(to)) = (from.parse(), to.parse()) {
            associations.unlink(from_type, from, to_type, to);
        }
    }
    Ok(())
}

fn archive_labels(call: &Call<'_>, types: &(String, String), input: &Value) -> Result<()> {
    let (from, to) = pair_of(call, types, input)?;
    let kinds = kinds_of(input)?;
    let mut associations = call.state.crm.associations();
    // The documents: with the unlabelled one, all of a pair's associations end.
    if kinds.contains(&associations.kind(&types.0, &types.1, None)) {
        associations.unlink(&types.0, from, &types.1, to);
    } else {
        associations.unlink_kinds(&types.0, from, &types.1, to, &kinds);
    }
    Ok(())
}

/// `…/{objectType}/{objectId}/associations/…`: of one object.
pub(crate) fn of_object(call: &Call<'_>, object_type: &str, id: &str, rest: &[&str]) -> Result<Reply> {
    match (call.method(), rest) {
        ("GET", [to]) => {
            let types = type_ids(call.state, object_type, to)?;
            let id = existing(call.state, &types.0, id)?;
            let after = match call.request.query("after").filter(|after| !after.is_empty()) {
                Some(after) => cursor::id(&call.settings, after)?,
                None => 0,
            };
            let limit = call.request.limit(PAGE, PAGE)?.min(call.settings.association_page);
            let (results, next) = page(call, &types, id, after, limit);
            let mut body = json!({ "results": results });
            if let Some(next) = next {
                body["paging"] = json!({"next": {"link": super::read::link(call.request, &next), "after": next}});
            }
            Ok(Reply::json(200, &body))
        }
        ("PUT", ["default", to, to_id]) => {
            let types = type_ids(call.state, object_type, to)?;
            let made = default_input(call, &types, &json!({"from": {"id": id}, "to": {"id": to_id}}))?;
            let mut outcome = Outcome::new(call.state.clock.now());
            outcome.result(|out| out.extend_from_slice(made.to_string().as_bytes()));
            Ok(outcome.reply(call, 200))
        }
        ("PUT", [to, to_id]) => {
            let types = type_ids(call.state, object_type, to)?;
            let specs: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
            let input = json!({"from": {"id": id}, "to": {"id": to_id}, "types": specs});
            Ok(Reply::json(201, &create_input(call, &types, &input)?))
        }
        ("DELETE", [to, to_id]) => {
            let types = type_ids(call.state, object_type, to)?;
            archive_input(call, &types, &json!({"from": {"id": id}, "to": [{"id": to_id}]}))?;
            Ok(Reply::no_content())
        }
        _ => Err(ApiError::no_such_path()),
    }
}
