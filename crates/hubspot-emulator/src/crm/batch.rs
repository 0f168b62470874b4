//! Batches of objects.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::associations::{self, NewLink};
use super::object::{Object, Projection};
use super::parse_id;
use super::read::write_history;
use super::store::ObjectStore;
use super::values::{self, Values};
use super::write::{may_write, properties_of, required_properties, something_to_update, unique_values};
use crate::clock::{Millis, iso};
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::{id_text, required, strings};
use crate::json::write_string;
use crate::routes::Call;

/// Inputs of a batch.
const INPUTS: usize = 100;
/// The same for reads with the history of properties.
const INPUTS_WITH_HISTORY: usize = 50;

/// `POST …/{objectType}/batch/{operation}`.
pub(crate) fn answer(call: &Call<'_>, object_type: &str, operation: &str) -> Result<Reply> {
    match operation {
        "read" => read(call, object_type),
        "create" => write(call, object_type, Operation::Create),
        "update" => write(call, object_type, Operation::Update),
        "upsert" => write(call, object_type, Operation::Upsert),
        "archive" => archive(call, object_type),
        _ => Err(ApiError::no_such_path()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Create,
    Update,
    Upsert,
}

/// What a batch answers: the results as text, and the errors.
#[derive(Debug)]
pub(crate) struct Outcome {
    started: Millis,
    results: Vec<u8>,
    count: usize,
    errors: Vec<ApiError>,
}

impl Outcome {
    pub(crate) fn new(started: Millis) -> Self {
        Self { started, results: Vec::new(), count: 0, errors: Vec::new() }
    }

    pub(crate) fn result(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.count > 0 {
            self.results.push(b',');
        }
        write(&mut self.results);
        self.count += 1;
    }

    pub(crate) fn error(&mut self, error: ApiError) {
        self.errors.push(error);
    }

    /// 200 or 201; with errors 207 or, in `2026-09`, the same with the errors in the body.
    pub(crate) fn reply(self, call: &Call<'_>, success: u16) -> Reply {
        let mut out = Vec::with_capacity(self.results.len() + 256);
        out.extend_from_slice(b"{\"status\":\"COMPLETE\",\"results\":[");
        out.extend_from_slice(&self.results);
        out.push(b']');
        let status = if self.errors.is_empty() {
            success
        } else {
            let errors: Vec<Value> = self.errors.iter().map(ApiError::batch_error).collect();
            out.extend_from_slice(
                format!(",\"numErrors\":{},\"errors\":{}", errors.len(), Value::from(errors)).as_bytes(),
            );
            call.multi_status(success)
        };
        let times =
            format!(",\"startedAt\":\"{}\",\"completedAt\":\"{}\"}}", iso(self.started), iso(call.state.clock.now()));
        out.extend_from_slice(times.as_bytes());
        Reply::written(status, out, self.count)
    }
}

/// An input that nothing has refused yet.
#[derive(Debug)]
struct Accepted {
    target: Target,
    values: Values,
    links: Vec<NewLink>,
    trace_id: Option<String>,
}

#[derive(Debug)]
enum Target {
    New,
    Existing(u64),
}

/// Why an input was refused, and whether the batch is with it.
struct Refusal {
    error: ApiError,
    whole_batch: bool,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, whole_batch: false }
    }
}

fn write(call: &Call<'_>, object_type: &str, operation: Operation) -> Result<Reply> {
    let shared = call.state.crm.store(object_type)?;
    let (_, inputs) = call.request.inputs(INPUTS)?;
    let inputs: Vec<Map<String, Value>> = inputs.into_iter().map(as_object).collect::<Result<_>>()?;
    // Before this type is locked: it may be the one that they look into.
    let links: Vec<Result<Vec<NewLink>>> =
        inputs.iter().map(|input| associations::of_input(call.state, shared.type_id(), input)).collect();

    let mut store = shared.write();
    may_write(call.state, &store)?;
    if operation != Operation::Create {
        check_ids(&inputs, operation)?;
    }
    let mut outcome = Outcome::new(call.state.clock.now());
    let mut accepted = Vec::with_capacity(inputs.len());
    let mut taken = HashSet::new();
    for (input, links) in inputs.iter().zip(links) {
        let trace_id = id_text(input.get("objectWriteTraceId"));
        match accept(call, &store, operation, input, links, &mut taken) {
            Ok((target, values, links)) => accepted.push(Accepted { target, values, links, trace_id }),
            Err(refusal) if refusal.whole_batch && call.settings.whole_batch_failures => return Err(refusal.error),
            Err(Refusal { mut error, .. }) => {
                if let Some(trace_id) = trace_id {
                    error.context.insert("objectWriteTraceId", vec![trace_id]);
                }
                outcome.error(error);
            }
        }
    }
    for input in accepted {
        let is_new = matches!(input.target, Target::New);
        let now = call.state.clock.now();
        let named: Vec<Arc<str>> = input.values.iter().map(|(name, _)| Arc::clone(name)).collect();
        let object = match input.target {
            Target::New => store.create(call.state, &call.settings, input.values, now)?,
            Target::Existing(id) => store.update(call.state, id, input.values, now)?,
        };
        call.state.crm.associations().link_all(shared.type_id(), object.id, &input.links);
        let projection = if is_new {
            Projection::set_in(store.object_type(), &object)
        } else {
            Projection::of(store.object_type(), named.iter().map(|name| &**name))
        };
        outcome.result(|out| {
            projection.write_open(out, &object);
            if let Some(trace_id) = &input.trace_id {
                out.extend_from_slice(b",\"objectWriteTraceId\":");
                write_string(out, trace_id);
            }
            if operation == Operation::Upsert {
                out.extend_from_slice(if is_new { b",\"new\":true" } else { b",\"new\":false" });
            }
            out.push(b'}');
        });
    }
    drop(store);
    Ok(outcome.reply(call, if operation == Operation::Create { 201 } else { 200 }))
}

/// What the input is about, and its values, if nothing is wrong with it.
fn accept(
    call: &Call<'_>,
    store: &ObjectStore,
    operation: Operation,
    input: &Map<String, Value>,
    links: Result<Vec<NewLink>>,
    taken: &mut HashSet<(Arc<str>, String)>,
) -> std::result::Result<(Target, Values, Vec<NewLink>), Refusal> {
    let whole = |error| Refusal { error, whole_batch: true };
    let fields = properties_of(input).map_err(whole)?;
    let mut values = values::checked(store.object_type(), fields)
        .map_err(|refused| Refusal { whole_batch: refused.whole_batch, error: refused.into() })?;
    let target = match operation {
        Operation::Create => Target::New,
        Operation::Update => {
            let found = existing(store, input)?;
            // Seen of the call for one object; believed of a batch, that it is refused whole.
            something_to_update(fields).map_err(whole)?;
            Target::Existing(found)
        }
        Operation::Upsert => {
            let by_email = input.get("idProperty").is_some_and(|property| property == "email");
            if by_email && call.settings.email_upserts_are_whole && !fields.contains_key("email") {
                return Err(required("properties.email").into());
            }
            upserted(store, input, &mut values)?
        }
    };
    let own = match target {
        Target::New => {
            required_properties(store, fields).map_err(whole)?;
            None
        }
        Target::Existing(id) => Some(id),
    };
    store.check_unique(&values, own).map_err(whole)?;
    for unique in unique_values(store, &values) {
        if !taken.insert(unique) {
            return Err(whole(ApiError::conflict(&store.object_type().singular, None)));
        }
    }
    Ok((target, values, links?))
}

/// The object that an update is about.
fn existing(store: &ObjectStore, input: &Map<String, Value>) -> std::result::Result<u64, Refusal> {
    let id = id_text(input.get("id")).unwrap_or_default();
    let found = match input.get("idProperty").and_then(Value::as_str) {
        Some(property) => store.find(property, &id).map_err(|error| Refusal { error, whole_batch: true })?,
        None => parse_id(&id).ok().and_then(|id| store.get(id, false)).map(|object| object.id),
    };
    found.ok_or_else(|| ApiError::not_found(&store.object_type().singular, &id).into())
}

/// The object that an upsert is about, or that there is none yet: then the value that it was looked for by is one of its values.
fn upserted(
    store: &ObjectStore,
    input: &Map<String, Value>,
    values: &mut Values,
) -> std::result::Result<Target, Refusal> {
    let Some(property) = input.get("idProperty").and_then(Value::as_str).filter(|property| *property != "hs_object_id")
    else {
        return existing(store, input).map(Target::Existing);
    };
    let id = id_text(input.get("id")).unwrap_or_default();
    let whole = |error| Refusal { error, whole_batch: true };
    if let Some(found) = store.find(property, &id).map_err(whole)? {
        return Ok(Target::Existing(found));
    }
    if !values.iter().any(|(name, _)| **name == *property) {
        let own = Map::from_iter([(property.to_owned(), id.into())]);
        let own = values::checked(store.object_type(), &own)
            .map_err(|refused| Refusal { whole_batch: refused.whole_batch, error: refused.into() })?;
        values.extend(own);
    }
    Ok(Target::New)
}

/// Every input names an object, no two the same one, all by the same property.
fn check_ids(inputs: &[Map<String, Value>], operation: Operation) -> Result<()> {
    let mut seen = HashSet::new();
    let mut twice = Vec::new();
    for input in inputs {
        let id = id_text(input.get("id")).ok_or_else(|| required("id"))?;
        if operation == Operation::Upsert && input.get("idProperty") != inputs[0].get("idProperty") {
            // Believed: the documents show one property for all of a batch.
            return Err(ApiError::invalid("All inputs of an upsert have to have the same idProperty"));
        }
        if !seen.insert(id.to_lowercase()) {
            twice.push(id);
        }
    }
    duplicates(twice)
}

fn duplicates(twice: Vec<String>) -> Result<()> {
    if twice.is_empty() {
        return Ok(());
    }
    let message = format!("Duplicate IDs found in batch input: [{}]. IDs must be unique", twice.join(", "));
    Err(ApiError::invalid(message).with("ids", twice))
}

fn as_object(input: Value) -> Result<Map<String, Value>> {
    match input {
        Value::Object(input) => Ok(input),
        _ => Err(ApiError::invalid("Invalid input JSON: every input has to be an object")),
    }
}

/// 204 whatever was there: no detail says what was archived.
fn archive(call: &Call<'_>, object_type: &str) -> Result<Reply> {
    let shared = call.state.crm.store(object_type)?;
    let (_, inputs) = call.request.inputs(INPUTS)?;
    let mut store = shared.write();
    may_write(call.state, &store)?;
    let ids: Vec<String> =
        inputs.iter().map(|input| id_text(input.get("id")).ok_or_else(|| required("id"))).collect::<Result<_>>()?;
    let mut seen = HashSet::new();
    duplicates(ids.iter().filter(|id| !seen.insert(id.as_str())).cloned().collect())?;
    for id in ids {
        if let Ok(id) = id.parse() {
            store.archive(call.state, id);
        }
    }
    Ok(Reply::no_content())
}

fn read(call: &Call<'_>, object_type: &str) -> Result<Reply> {
    let shared = call.state.crm.store(object_type)?;
    let body = call.request.object()?;
    let history = strings(&body, "propertiesWithHistory");
    let (_, inputs) = call.request.inputs(if history.is_empty() { INPUTS } else { INPUTS_WITH_HISTORY })?;
    let store = shared.read();
    call.state.require_scope(&store.object_type().read_scopes)?;
    let asked = strings(&body, "properties").into_iter().chain(history.iter().copied());
    let projection = Projection::asked(store.object_type(), &call.settings, asked)?;
    let property = body.get("idProperty").and_then(Value::as_str);
    let mut outcome = Outcome::new(call.state.clock.now());
    let (mut seen, mut missing) = (HashSet::new(), Vec::new());
    for input in &inputs {
        let id = id_text(input.get("id")).ok_or_else(|| required("id"))?;
        match found(&store, property, &id, call.request.flag("archived"))? {
            // An id that was merged away is the winner's, which may have been asked for too.
            Some(object) if seen.insert(object.id) => outcome.result(|out| {
                projection.write_open(out, object);
                write_history(out, &store, object, &history);
                out.push(b'}');
            }),
            Some(_) => {}
            None => missing.push(id),
        }
    }
    if !missing.is_empty() {
        let what = store.object_type().singular.to_uppercase();
        let message =
            format!("Could not get some {what} objects, they may be deleted or not exist. Check that ids are valid.");
        outcome.error(ApiError::new(404, "OBJECT_NOT_FOUND", message).with("ids", missing));
    }
    drop(store);
    Ok(outcome.reply(call, 200))
}

fn found<'a>(
    store: &'a ObjectStore,
    property: Option<&str>,
    id: &str,
    archived: bool,
) -> Result<Option<&'a Arc<Object>>> {
    let id = match property {
        Some(property) => store.find(property, id)?,
        None => id.parse().ok(),
    };
    Ok(id.and_then(|id| store.get(id, archived)))
}
