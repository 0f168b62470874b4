//! The pipelines that objects move through, and their stages: the endpoints.

mod store;

use serde_json::{Map, Value, json};

use super::Store;
use crate::account::State;
use crate::definitions::PropertyOption;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::routes::Call;
pub(crate) use store::Pipelines;

/// `/crm/pipelines/{version}/{objectType}…`.
pub(crate) fn answer(call: &Call<'_>, object_type: &str, rest: &[&str]) -> Result<Reply> {
    let object_type = call.state.crm.store(object_type)?;
    {
        let store = object_type.read();
        let scopes = store.object_type();
        let scopes = if call.method() == "GET" { &scopes.read_scopes } else { &scopes.write_scopes };
        super::properties::require_scope(call.state, scopes)?;
    }
    let reply = match rest {
        [] => of_type(call, &object_type),
        [pipeline] => of_pipeline(call, &object_type, pipeline),
        [pipeline, "stages"] => of_stages(call, &object_type, pipeline),
        [pipeline, "stages", stage] => of_stage(call, &object_type, pipeline, stage),
        _ => Err(ApiError::no_such_path()),
    }?;
    if call.method() != "GET" {
        show_in_properties(call.state, &object_type);
    }
    Ok(reply)
}

fn of_type(call: &Call<'_>, object_type: &Store) -> Result<Reply> {
    let mut pipelines = call.state.crm.pipelines();
    match call.method() {
        "GET" => {
            let results: Vec<Value> =
                pipelines.live(object_type.type_id()).into_iter().map(store::Pipeline::value).collect();
            Ok(list(&results))
        }
        "POST" => {
            let body = call.request.object()?;
            let made = pipelines.create(object_type.type_id(), &body, call.state.clock.now(), false)?;
            Ok(Reply::json(201, &made))
        }
        _ => call.wrong_method(),
    }
}

/// A pipeline. What refers to it doesn't keep it from being deleted. (Believed; the documents have a parameter to have that checked.)
fn of_pipeline(call: &Call<'_>, object_type: &Store, id: &str) -> Result<Reply> {
    let (type_id, now) = (object_type.type_id(), call.state.clock.now());
    let mut pipelines = call.state.crm.pipelines();
    match call.method() {
        "GET" => {}
        "PATCH" => {
            let body = call.request.object()?;
            if restores(&body) {
                pipelines.pipeline(type_id, id, true)?.set_archived(false, now);
            }
            pipelines.pipeline(type_id, id, false)?.change(&body, now)?;
        }
        "DELETE" => {
            pipelines.pipeline(type_id, id, false)?.set_archived(true, now);
            return Ok(Reply::no_content());
        }
        _ => return call.wrong_method(),
    }
    Ok(Reply::json(200, &pipelines.pipeline(type_id, id, false)?.value()))
}

fn of_stages(call: &Call<'_>, object_type: &Store, pipeline: &str) -> Result<Reply> {
    let type_id = object_type.type_id();
    let mut pipelines = call.state.crm.pipelines();
    match call.method() {
        "GET" => {
            let pipeline = pipelines.pipeline(type_id, pipeline, false)?;
            let results: Vec<Value> = pipeline.live().into_iter().map(store::Stage::value).collect();
            Ok(list(&results))
        }
        "POST" => {
            let body = call.request.object()?;
            let made = pipelines.create_stage(type_id, pipeline, &body, call.state.clock.now(), false)?;
            Ok(Reply::json(201, &made))
        }
        _ => call.wrong_method(),
    }
}

fn of_stage(call: &Call<'_>, object_type: &Store, pipeline: &str, id: &str) -> Result<Reply> {
    let now = call.state.clock.now();
    let mut pipelines = call.state.crm.pipelines();
    let pipeline = pipelines.pipeline(object_type.type_id(), pipeline, false)?;
    match call.method() {
        "GET" => {}
        "PATCH" => {
            let body = call.request.object()?;
            if restores(&body) {
                pipeline.stage(id, true)?.set_archived(false, now);
            }
            pipeline.stage(id, false)?.change(&body, now)?;
        }
        "DELETE" => {
            pipeline.stage(id, false)?.set_archived(true, now);
            return Ok(Reply::no_content());
        }
        _ => return call.wrong_method(),
    }
    Ok(Reply::json(200, &pipeline.stage(id, false)?.value()))
}

/// `"archived": false` in a change restores.
fn restores(body: &Map<String, Value>) -> bool {
    body.get("archived") == Some(&Value::Bool(false))
}

fn list(results: &[Value]) -> Reply {
    Reply { objects: results.len(), ..Reply::json(200, &json!({ "results": results })) }
}

/// What an object's pipeline and stage can be are options of two of its properties.
pub(crate) fn show_in_properties(state: &State, object_type: &Store) {
    let names = match object_type.type_id() {
        "0-3" => ("pipeline", "dealstage"),
        "0-5" => ("hs_pipeline", "hs_pipeline_stage"),
        _ => return,
    };
    let option =
        |head: &store::Head| PropertyOption { label: head.label.clone(), value: head.id.clone(), hidden: false };
    let (of_pipelines, of_stages): (Vec<_>, Vec<_>) = {
        let pipelines = state.crm.pipelines();
        let live = pipelines.live(object_type.type_id());
        let stages = live.iter().flat_map(|pipeline| pipeline.live()).map(|stage| option(&stage.head)).collect();
        (live.iter().map(|pipeline| option(&pipeline.head)).collect(), stages)
    };
    let mut store = object_type.write();
    for (name, options) in [(names.0, of_pipelines), (names.1, of_stages)] {
        if let Some(property) = store.object_type_mut().properties.get_mut(name) {
            property.options = options;
        }
    }
}

/// Pipelines and stages behind the API's back; `stages` says which of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory<'a> {
    pub(crate) object_type: &'a str,
    pub(crate) stages: bool,
}

impl Directory<'_> {
    /// A pipeline (`label`, `displayOrder`, `pipelineId`, `stages`) or a stage (`pipelineId`, `label`, `displayOrder`, `stageId`, `metadata`).
    pub(crate) fn create(self, state: &State, fields: &Value) -> Result<String> {
        let object_type = state.crm.store(self.object_type)?;
        let fields = fields.as_object().ok_or_else(|| ApiError::invalid("fields have to be an object"))?;
        let now = state.clock.now();
        let made = {
            let mut pipelines = state.crm.pipelines();
            if self.stages {
                let pipeline = fields.get("pipelineId").and_then(Value::as_str);
                let pipeline = pipeline.ok_or_else(|| crate::http::request::required("pipelineId"))?;
                pipelines.create_stage(object_type.type_id(), pipeline, fields, now, true)?
            } else {
                pipelines.create(object_type.type_id(), fields, now, true)?
            }
        };
        show_in_properties(state, &object_type);
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn update(self, state: &State, id: &str, fields: &Value) -> Result<()> {
        let object_type = state.crm.store(self.object_type)?;
        let fields = fields.as_object().ok_or_else(|| ApiError::invalid("fields have to be an object"))?;
        let now = state.clock.now();
        {
            let mut pipelines = state.crm.pipelines();
            if self.stages {
                pipelines.stage(object_type.type_id(), id, false)?.change(fields, now)?;
            } else {
                pipelines.pipeline(object_type.type_id(), id, false)?.change(fields, now)?;
            }
        }
        show_in_properties(state, &object_type);
        Ok(())
    }

    /// Archives, or restores.
    pub(crate) fn set_archived(self, state: &State, id: &str, archived: bool) -> Result<()> {
        let object_type = state.crm.store(self.object_type)?;
        let now = state.clock.now();
        {
            let mut pipelines = state.crm.pipelines();
            if self.stages {
                pipelines.stage(object_type.type_id(), id, !archived)?.set_archived(archived, now);
            } else {
                pipelines.pipeline(object_type.type_id(), id, !archived)?.set_archived(archived, now);
            }
        }
        show_in_properties(state, &object_type);
        Ok(())
    }

    pub(crate) fn truth(self, state: &State, archived: bool) -> Result<std::collections::BTreeMap<String, Value>> {
        let object_type = state.crm.store(self.object_type)?;
        let pipelines = state.crm.pipelines();
        Ok(if self.stages {
            pipelines.stages_truth(object_type.type_id(), archived)
        } else {
            pipelines.truth(object_type.type_id(), archived)
        })
    }
}
