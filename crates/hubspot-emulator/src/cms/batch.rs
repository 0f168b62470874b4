//! Batches of the CMS: `inputs` are objects, or ids as text.

use std::collections::HashSet;

use serde_json::Value;

use super::collection::{Collection, Object, set};
use super::write::{change, new};
use crate::crm::batch::Outcome;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::{id_text, required};
use crate::routes::Call;

const INPUTS: usize = 100;

/// `POST …/batch/{operation}`.
pub(crate) fn answer(call: &Call<'_>, collection: &Collection, operation: &str) -> Result<Reply> {
    let (_, inputs) = call.request.inputs(INPUTS)?;
    let mut outcome = Outcome::new(call.state.clock.now());
    match operation {
        "create" => {
            for input in inputs {
                let Value::Object(fields) = input else {
                    return Err(ApiError::invalid("every input has to be an object"));
                };
                one(collection, &mut outcome, new(call, collection, fields));
            }
            Ok(outcome.reply(call, 201))
        }
        "update" => {
            let ids: Vec<String> = inputs
                .iter()
                .map(|input| id_text(input.get("id")).ok_or_else(|| required("id")))
                .collect::<Result<_>>()?;
            let mut seen = HashSet::new();
            let twice: Vec<&String> = ids.iter().filter(|id| !seen.insert(*id)).collect();
            if let Some(id) = twice.first() {
                return Err(ApiError::invalid(format!(
                    "Duplicate IDs found in batch input: [{id}]. IDs must be unique"
                ))
                .with("ids", [id.as_str()]));
            }
            for (id, input) in ids.iter().zip(inputs) {
                let Value::Object(fields) = input else { continue };
                one(collection, &mut outcome, change(call, collection, id, fields, set));
            }
            Ok(outcome.reply(call, 200))
        }
        "read" => {
            let mut objects = collection.lock();
            for id in inputs.iter().filter_map(|input| id_text(Some(input))) {
                let found = collection.find(&mut objects, &id, call.request.flag("archived")).cloned();
                one(collection, &mut outcome, found);
            }
            drop(objects);
            Ok(outcome.reply(call, 200))
        }
        "archive" => {
            for id in inputs.iter().filter_map(|input| id_text(Some(input))) {
                // As in the CRM, nothing says what was there. (Believed.)
                let _ = collection.delete(&id, call.state.clock.now());
            }
            Ok(Reply::no_content())
        }
        _ => Err(ApiError::no_such_path()),
    }
}

fn one(collection: &Collection, outcome: &mut Outcome, object: Result<Object>) {
    match object {
        Ok(object) => {
            outcome.result(|out| out.extend_from_slice(collection.value(&object, false).to_string().as_bytes()));
        }
        Err(error) => outcome.error(error),
    }
}
