//! Pipelines and their stages: what an account has.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock::{Millis, iso};
use crate::errors::{ApiError, Result};
use crate::http::request::{id_text, required};

/// When HubSpot's own pipelines were made: before any account.
const BUILT_IN: Millis = 1_577_836_800_000;
/// Where the ids of new pipelines and stages begin. (Seen: they are numbers; the ones that are there from the start are words.)
const FIRST: u64 = 700_000_001;

/// The pipelines of an account, by object type id.
#[derive(Debug)]
pub(crate) struct Pipelines {
    by_type: BTreeMap<String, Vec<Pipeline>>,
    next: u64,
}

#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) head: Head,
    pub(crate) stages: Vec<Stage>,
}

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) head: Head,
    metadata: Map<String, Value>,
}

/// What pipelines and stages have in common.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) label: String,
    order: i64,
    created: Millis,
    updated: Millis,
    pub(crate) archived: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    type_id: String,
    id: String,
    label: String,
    stages: Vec<StageRow>,
}

#[derive(Deserialize)]
struct StageRow {
    id: String,
    label: String,
    metadata: Map<String, Value>,
}

impl Head {
    /// Takes `label` and `displayOrder`; what isn't there stays.
    fn change(&mut self, body: &Map<String, Value>, now: Millis) -> Result<()> {
        if let Some(label) = body.get("label") {
            self.label = text(label, "label")?;
        }
        if let Some(order) = body.get("displayOrder") {
            self.order = order.as_i64().ok_or_else(|| ApiError::invalid("displayOrder has to be a whole number"))?;
        }
        self.updated = now;
        Ok(())
    }

    fn value(&self) -> Map<String, Value> {
        let value = json!({
            "id": self.id, "label": self.label, "displayOrder": self.order, "archived": self.archived,
            "createdAt": iso(self.created), "updatedAt": iso(self.updated),
        });
        match value {
            Value::Object(value) => value,
            _ => Map::new(),
        }
    }
}

fn text(value: &Value, name: &'static str) -> Result<String> {
    value.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned).ok_or_else(|| required(name))
}

impl Pipeline {
    /// Its stages that are not archived, in their order.
    pub(crate) fn live(&self) -> Vec<&Stage> {
        let mut stages: Vec<&Stage> = self.stages.iter().filter(|stage| !stage.head.archived).collect();
        stages.sort_by_key(|stage| stage.head.order);
        stages
    }

    pub(crate) fn value(&self) -> Value {
        let mut value = self.head.value();
        value.insert("stages".into(), self.live().into_iter().map(Stage::value).collect());
        value.into()
    }

    pub(crate) fn stage(&mut self, id: &str, archived: bool) -> Result<&mut Stage> {
        let found = self.stages.iter_mut().find(|stage| stage.head.id == id && stage.head.archived == archived);
        found.ok_or_else(|| ApiError::not_found("pipeline stage", id))
    }

    pub(crate) fn change(&mut self, body: &Map<String, Value>, now: Millis) -> Result<()> {
        self.head.change(body, now)
    }

    pub(crate) fn set_archived(&mut self, archived: bool, now: Millis) {
        (self.head.archived, self.head.updated) = (archived, now);
    }
}

impl Stage {
    pub(crate) fn value(&self) -> Value {
        let mut value = self.head.value();
        value.insert("metadata".into(), self.metadata.clone().into());
        value.insert("writePermissions".into(), "CRM_PERMISSIONS_ENFORCEMENT".into());
        value.into()
    }

    pub(crate) fn change(&mut self, body: &Map<String, Value>, now: Millis) -> Result<()> {
        if let Some(metadata) = body.get("metadata") {
            self.metadata.extend(metadata_of(metadata)?);
        }
        self.head.change(body, now)
    }

    pub(crate) fn set_archived(&mut self, archived: bool, now: Millis) {
        (self.head.archived, self.head.updated) = (archived, now);
    }
}

/// Values of metadata are texts, whatever they came as. (Seen.)
fn metadata_of(value: &Value) -> Result<Map<String, Value>> {
    let fields = value.as_object().ok_or_else(|| ApiError::invalid("metadata have to be an object"))?;
    let as_text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Ok(fields.iter().map(|(name, value)| (name.clone(), as_text(value).into())).collect())
}

impl Pipelines {
    /// Those that every account has from the start.
    pub(crate) fn built_in() -> Self {
        let rows: Vec<Row> = serde_json::from_str(include_str!("built_in.json")).unwrap_or_default();
        let head = |id, label, order: usize| Head {
            id,
            label,
            order: order as i64,
            created: BUILT_IN,
            updated: BUILT_IN,
            archived: false,
        };
        let mut by_type: BTreeMap<String, Vec<Pipeline>> = BTreeMap::new();
        for row in rows {
            let stages = row.stages.into_iter().enumerate();
            let stages = stages
                .map(|(order, stage)| Stage { head: head(stage.id, stage.label, order), metadata: stage.metadata })
                .collect();
            by_type.entry(row.type_id).or_default().push(Pipeline { head: head(row.id, row.label, 0), stages });
        }
        Self { by_type, next: FIRST }
    }

    /// A type's pipelines that are not archived, in their order.
    pub(crate) fn live(&self, type_id: &str) -> Vec<&Pipeline> {
        let all = self.by_type.get(type_id).into_iter().flatten();
        let mut pipelines: Vec<&Pipeline> = all.filter(|pipeline| !pipeline.head.archived).collect();
        pipelines.sort_by_key(|pipeline| pipeline.head.order);
        pipelines
    }

    pub(crate) fn pipeline(&mut self, type_id: &str, id: &str, archived: bool) -> Result<&mut Pipeline> {
        let mut all = self.by_type.get_mut(type_id).into_iter().flatten();
        all.find(|pipeline| pipeline.head.id == id && pipeline.head.archived == archived)
            .ok_or_else(|| ApiError::not_found("pipeline", id))
    }

    /// A stage by its id alone: within a type no two stages share one. (Believed.)
    pub(crate) fn stage(&mut self, type_id: &str, id: &str, archived: bool) -> Result<&mut Stage> {
        let mut stages = self.by_type.get_mut(type_id).into_iter().flatten().flat_map(|known| &mut known.stages);
        stages
            .find(|stage| stage.head.id == id && stage.head.archived == archived)
            .ok_or_else(|| ApiError::not_found("pipeline stage", id))
    }

    /// Adds a pipeline, from the body that HubSpot takes; leniently, only `label` is required.
    pub(crate) fn create(
        &mut self,
        type_id: &str,
        body: &Map<String, Value>,
        now: Millis,
        leniently: bool,
    ) -> Result<Value> {
        let stages = match body.get("stages").and_then(Value::as_array) {
            Some(stages) => stages.clone(),
            None if leniently => Vec::new(),
            None => return Err(required("stages")),
        };
        let known = self.by_type.entry(type_id.to_owned()).or_default();
        let order = known.len();
        let head = new_head(body, "pipelineId", order, now, leniently, &mut self.next)?;
        if known.iter().any(|pipeline| pipeline.head.id == head.id) {
            return Err(ApiError::conflict(&format!("pipeline {}", head.id), None));
        }
        let mut pipeline = Pipeline { head, stages: Vec::new() };
        for stage in &stages {
            let stage = stage.as_object().ok_or_else(|| ApiError::invalid("stages have to be objects"))?;
            let stage = new_stage(type_id, stage, pipeline.stages.len(), now, leniently, &mut self.next)?;
            unused(known.iter().chain([&pipeline]), &stage)?;
            pipeline.stages.push(stage);
        }
        let value = pipeline.value();
        known.push(pipeline);
        Ok(value)
    }

    /// Adds a stage to a pipeline.
    pub(crate) fn create_stage(
        &mut self,
        type_id: &str,
        pipeline: &str,
        body: &Map<String, Value>,
        now: Millis,
        leniently: bool,
    ) -> Result<Value> {
        let order = self.pipeline(type_id, pipeline, false)?.stages.len();
        let stage = new_stage(type_id, body, order, now, leniently, &mut self.next)?;
        unused(self.by_type.get(type_id).into_iter().flatten(), &stage)?;
        let value = stage.value();
        self.pipeline(type_id, pipeline, false)?.stages.push(stage);
        Ok(value)
    }

    /// Pipelines by id, as the list shows them, or the archived ones.
    pub(crate) fn truth(&self, type_id: &str, archived: bool) -> BTreeMap<String, Value> {
        let all = self.by_type.get(type_id).into_iter().flatten();
        all.filter(|pipeline| pipeline.head.archived == archived)
            .map(|pipeline| (pipeline.head.id.clone(), pipeline.value()))
            .collect()
    }

    /// Stages by id, each with its `pipelineId`: those of live pipelines that are not archived, or all others.
    pub(crate) fn stages_truth(&self, type_id: &str, archived: bool) -> BTreeMap<String, Value> {
        let pipelines = self.by_type.get(type_id).into_iter().flatten();
        let stages = pipelines.flat_map(|pipeline| pipeline.stages.iter().map(move |stage| (pipeline, stage)));
        stages
            .filter(|(pipeline, stage)| (pipeline.head.archived || stage.head.archived) == archived)
            .map(|(pipeline, stage)| {
                let mut value = stage.value();
                value["pipelineId"] = pipeline.head.id.as_str().into();
                (stage.head.id.clone(), value)
            })
            .collect()
    }
}

fn unused<'a>(pipelines: impl IntoIterator<Item = &'a Pipeline>, new: &Stage) -> Result<()> {
    let taken = pipelines.into_iter().any(|pipeline| pipeline.stages.iter().any(|stage| stage.head.id == new.head.id));
    if taken { Err(ApiError::conflict(&format!("pipeline stage {}", new.head.id), None)) } else { Ok(()) }
}

fn new_head(
    body: &Map<String, Value>,
    id_field: &str,
    order: usize,
    now: Millis,
    leniently: bool,
    next: &mut u64,
) -> Result<Head> {
    if !leniently && !body.contains_key("displayOrder") {
        return Err(required("displayOrder"));
    }
    let label = text(body.get("label").unwrap_or(&Value::Null), "label")?;
    let id = id_text(body.get(id_field)).unwrap_or_else(|| {
        *next += 1;
        (*next - 1).to_string()
    });
    let mut head = Head { id, label, order: order as i64, created: now, updated: now, archived: false };
    head.change(body, now)?;
    Ok(head)
}

/// A stage of deals has to say how probable it is. (Documented for the pipelines of deals.)
fn new_stage(
    type_id: &str,
    body: &Map<String, Value>,
    order: usize,
    now: Millis,
    leniently: bool,
    next: &mut u64,
) -> Result<Stage> {
    let mut metadata = match body.get("metadata") {
        Some(metadata) => metadata_of(metadata)?,
        None if leniently => Map::new(),
        None => return Err(required("metadata")),
    };
    if type_id == "0-3" {
        if leniently {
            metadata.entry("probability").or_insert_with(|| "0.5".into());
        }
        let probability = metadata.get("probability").and_then(Value::as_str).and_then(|text| text.parse::<f64>().ok());
        let probability = probability
            .filter(|probability| (0.0..=1.0).contains(probability))
            .ok_or_else(|| ApiError::invalid("metadata.probability of a deal stage has to be from 0.0 to 1.0"))?;
        metadata.insert("isClosed".into(), (probability <= 0.0 || probability >= 1.0).to_string().into());
    }
    Ok(Stage { head: new_head(body, "stageId", order, now, leniently, next)?, metadata })
}
