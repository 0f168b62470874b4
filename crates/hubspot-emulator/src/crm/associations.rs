//! Associations between objects: which there are, and the endpoints that read and write them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::batch::Outcome;
use crate::account::State;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::{id_text, required};
use crate::routes::{Call, Version};

/// Inputs of a batch read.
const READS: usize = 1_000;
/// Inputs of other batches.
const WRITES: usize = 2_000;
/// Associations on a page.
const PAGE: usize = 500;

/// HubSpot's own types of associations: from, to, the id of the type, and that of its inverse
/// (<https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4#association-type-id-values>). The first of a pair of types is the default.
const TYPES: &[(&str, &str, u32, u32)] = &[
    ("0-1", "0-2", 279, 280),
    ("0-1", "0-2", 1, 2),
    ("0-1", "0-3", 4, 3),
    ("0-1", "0-5", 15, 16),
    ("0-2", "0-3", 342, 341),
    ("0-2", "0-3", 6, 5),
    ("0-2", "0-5", 340, 339),
    ("0-2", "0-5", 25, 26),
    ("0-3", "0-5", 27, 28),
    ("0-3", "0-8", 19, 20),
    ("0-3", "0-14", 63, 64),
    ("0-14", "0-8", 67, 68),
    ("0-48", "0-1", 194, 193),
    ("0-48", "0-2", 182, 181),
    ("0-48", "0-3", 206, 205),
    ("0-49", "0-1", 198, 197),
    ("0-49", "0-2", 186, 185),
    ("0-49", "0-3", 210, 209),
    ("0-47", "0-1", 200, 199),
    ("0-47", "0-2", 188, 187),
    ("0-47", "0-3", 212, 211),
    ("0-46", "0-1", 202, 201),
    ("0-46", "0-2", 190, 189),
    ("0-46", "0-3", 214, 213),
    ("0-27", "0-1", 204, 203),
    ("0-27", "0-2", 192, 191),
    ("0-27", "0-3", 216, 215),
];

/// What HubSpot gives to pairs of types that it has no type for.
const OTHER: u32 = 10_001;

/// The type of an association: its category and its id.
type Label = (String, u32);

/// All associations of an account, in both directions.
#[derive(Debug, Default)]
pub(crate) struct Associations {
    links: BTreeMap<(String, u64, String), BTreeMap<u64, Vec<Label>>>,
}

/// An association that a new object is to have.
#[derive(Clone, Debug)]
pub(crate) struct NewLink {
    to_type: String,
    to: u64,
    label: Label,
}

impl Associations {
    /// The objects of a type that an object is associated with.
    pub(crate) fn of(&self, from_type: &str, from: u64, to_type: &str) -> Vec<(u64, Vec<Label>)> {
        let key = (from_type.to_owned(), from, to_type.to_owned());
        self.links
            .get(&key)
            .map(|links| links.iter().map(|(id, labels)| (*id, labels.clone())).collect())
            .unwrap_or_default()
    }

    pub(crate) fn link_all(&mut self, from_type: &str, from: u64, links: &[NewLink]) {
        for link in links {
            self.link(from_type, from, &link.to_type, link.to, &link.label);
        }
    }

    fn link(&mut self, from_type: &str, from: u64, to_type: &str, to: u64, label: &Label) {
        let inverse = (label.0.clone(), inverse(label.1));
        for (a, id, b, other, label) in
            [(from_type, from, to_type, to, label), (to_type, to, from_type, from, &inverse)]
        {
            let labels = self.links.entry((a.to_owned(), id, b.to_owned())).or_default().entry(other).or_default();
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
    }

    fn unlink(&mut self, from_type: &str, from: u64, to_type: &str, to: u64) {
        for (a, id, b, other) in [(from_type, from, to_type, to), (to_type, to, from_type, from)] {
            if let Some(links) = self.links.get_mut(&(a.to_owned(), id, b.to_owned())) {
                links.remove(&other);
            }
        }
    }
}

fn inverse(type_id: u32) -> u32 {
    let pair = TYPES.iter().find_map(|(_, _, one, other)| match type_id {
        id if id == *one => Some(*other),
        id if id == *other => Some(*one),
        _ => None,
    });
    pair.unwrap_or(type_id)
}

/// The types that an id stands for: from, to.
fn types_of(type_id: u32) -> Option<(&'static str, &'static str)> {
    TYPES.iter().find_map(|(from, to, one, other)| match type_id {
        id if id == *one => Some((*from, *to)),
        id if id == *other => Some((*to, *from)),
        _ => None,
    })
}

/// The default type between two types of objects.
fn default_type(from: &str, to: &str) -> u32 {
    let known = TYPES.iter().find_map(|(a, b, one, other)| match (from, to) {
        (x, y) if x == *a && y == *b => Some(*one),
        (x, y) if x == *b && y == *a => Some(*other),
        _ => None,
    });
    known.unwrap_or(OTHER)
}

/// The associations of an input for a new object: `[{"to": {"id"}, "types": [{"associationCategory", "associationTypeId"}]}]`.
pub(crate) fn of_input(state: &State, input: &Map<String, Value>) -> Result<Vec<NewLink>> {
    let mut links = Vec::new();
    for association in input.get("associations").and_then(Value::as_array).into_iter().flatten() {
        let id =
            id_text(association.get("to").and_then(|to| to.get("id"))).ok_or_else(|| required("associations.to.id"))?;
        for spec in association.get("types").and_then(Value::as_array).into_iter().flatten() {
            let label = label_of(spec)?;
            let Some((_, to_type)) = types_of(label.1) else {
                return Err(ApiError::invalid(format!("There is no association type with the id {}", label.1)));
            };
            let to = existing(state, to_type, &id)?;
            links.push(NewLink { to_type: to_type.to_owned(), to, label });
        }
    }
    Ok(links)
}

fn label_of(spec: &Value) -> Result<Label> {
    let category = spec.get("associationCategory").and_then(Value::as_str).unwrap_or("HUBSPOT_DEFINED");
    let id = spec.get("associationTypeId").and_then(Value::as_u64).ok_or_else(|| required("associationTypeId"))?;
    Ok((category.to_owned(), u32::try_from(id).unwrap_or(u32::MAX)))
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
    let ids = (from.read().object_type().type_id.clone(), to.read().object_type().type_id.clone());
    Ok(ids)
}

/// `POST /crm/associations/{version}/{from}/{to}/batch/{operation}`.
pub(crate) fn batch(call: &Call<'_>, from: &str, to: &str, operation: &str) -> Result<Reply> {
    if call.method() != "POST" {
        return call.wrong_method();
    }
    let types = type_ids(call.state, from, to)?;
    let (_, inputs) = call.request.inputs(if operation == "read" { READS } else { WRITES })?;
    let mut outcome = Outcome::new(call.state.clock.now());
    match operation {
        "read" => {
            for input in &inputs {
                read_input(call, &types, input, &mut outcome)?;
            }
            Ok(outcome.reply(call, 200))
        }
        "create" | "associate" => {
            for input in &inputs {
                match create_input(call, &types, input) {
                    Ok(pair) => outcome.result(|out| out.extend_from_slice(pair.to_string().as_bytes())),
                    Err(error) => outcome.error(error),
                }
            }
            Ok(outcome.reply(call, 201))
        }
        "archive" => {
            for input in &inputs {
                archive_input(call, &types, input)?;
            }
            // The documents of the dated versions have a body here, those of version 4 don't.
            Ok(if call.version == Version::Numbered { Reply::no_content() } else { outcome.reply(call, 200) })
        }
        _ => Err(ApiError::no_such_path()),
    }
}

fn read_input(call: &Call<'_>, (from, to): &(String, String), input: &Value, outcome: &mut Outcome) -> Result<()> {
    let id = id_text(input.get("id")).ok_or_else(|| required("id"))?;
    let after: u64 = id_text(input.get("after")).and_then(|after| after.parse().ok()).unwrap_or(0);
    let found = id.parse().map(|from_id| call.state.crm.associations().of(from, from_id, to)).unwrap_or_default();
    if found.is_empty() {
        // Seen: an object without associations is one of the errors.
        let message = format!("No {to} is associated with {id}.");
        let mut error = ApiError::new(404, "OBJECT_NOT_FOUND", message).with("fromObjectId", [id]);
        error.sub_category = Some("crm.associations.NO_ASSOCIATIONS_FOUND");
        outcome.error(error);
        return Ok(());
    }
    let (results, next) = page(found, after, PAGE);
    let mut result = json!({"from": {"id": id}, "to": results});
    if let Some(next) = next {
        result["paging"] = json!({"next": {"after": next}});
    }
    outcome.result(|out| out.extend_from_slice(result.to_string().as_bytes()));
    Ok(())
}

/// A page of associations, and the cursor of the next one.
fn page(found: Vec<(u64, Vec<Label>)>, after: u64, limit: usize) -> (Vec<Value>, Option<String>) {
    let mut rest = found.into_iter().filter(|(id, _)| *id > after);
    let mut last = 0;
    let results = rest
        .by_ref()
        .take(limit)
        .map(|(id, labels)| {
            last = id;
            let types: Vec<Value> =
                labels.iter().map(|(category, type_id)| json!({"category": category, "typeId": type_id})).collect();
            json!({"toObjectId": id.to_string(), "associationTypes": types})
        })
        .collect();
    (results, rest.next().map(|_| last.to_string()))
}

fn pair_of(call: &Call<'_>, (from, to): &(String, String), input: &Value) -> Result<(u64, u64)> {
    let id =
        |name: &'static str| id_text(input.get(name).and_then(|object| object.get("id"))).ok_or_else(|| required(name));
    Ok((existing(call.state, from, &id("from")?)?, existing(call.state, to, &id("to")?)?))
}

fn create_input(call: &Call<'_>, types: &(String, String), input: &Value) -> Result<Value> {
    let (from, to) = pair_of(call, types, input)?;
    let specs = input.get("types").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut labels: Vec<Label> = specs.iter().map(label_of).collect::<Result<_>>()?;
    if labels.is_empty() {
        labels.push(("HUBSPOT_DEFINED".to_owned(), default_type(&types.0, &types.1)));
    }
    let mut associations = call.state.crm.associations();
    for label in &labels {
        associations.link(&types.0, from, &types.1, to, label);
    }
    Ok(pair(types, from, to))
}

fn pair((from_type, to_type): &(String, String), from: u64, to: u64) -> Value {
    let (from, to) = (from.to_string(), to.to_string());
    json!({"fromObjectTypeId": from_type, "fromObjectId": from, "toObjectTypeId": to_type, "toObjectId": to, "labels": []})
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

/// `…/{objectType}/{objectId}/associations/…`: of one object.
pub(crate) fn of_object(call: &Call<'_>, object_type: &str, id: &str, rest: &[&str]) -> Result<Reply> {
    match (call.method(), rest) {
        ("GET", [to]) => {
            let (from, to) = type_ids(call.state, object_type, to)?;
            let id = existing(call.state, &from, id)?;
            let after = call.request.query("after").and_then(|after| after.parse().ok()).unwrap_or(0);
            let limit = call.request.limit(PAGE, PAGE)?;
            let (results, next) = page(call.state.crm.associations().of(&from, id, &to), after, limit);
            let mut body = json!({ "results": results });
            if let Some(next) = next {
                body["paging"] = json!({"next": {"link": super::read::link(call.request, &next), "after": next}});
            }
            Ok(Reply::json(200, &body))
        }
        ("PUT", ["default", to, to_id]) => {
            let types = type_ids(call.state, object_type, to)?;
            let input = json!({"from": {"id": id}, "to": {"id": to_id}});
            create_input(call, &types, &input)?;
            let spec = json!({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": default_type(&types.0, &types.1)});
            let mut outcome = Outcome::new(call.state.clock.now());
            let result = json!({"from": {"id": id}, "to": {"id": to_id}, "associationSpec": spec});
            outcome.result(|out| out.extend_from_slice(result.to_string().as_bytes()));
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
