//! The schemas that the source states: Avro, of what the definitions of properties say, where `values` are `typed`.
//!
//! A payload is a record of what HubSpot says of every object, with a record of its properties in it; of associations, a map by object
//! type of lists. Fields are in the order of their names; records are called `record`, `properties`, `associated` and `associationType`,
//! without a namespace. `id` and `properties` are never null, nor are an association's `id` and `types`; all else may be, and is where an
//! object lacks it: `["null", …]`, with null as the default.
//!
//! | property | type |
//! |---|---|
//! | number | `double`; the source's integers stand for it as far as it holds them |
//! | boolean | `boolean` |
//! | date | `int`, a `date` |
//! | date-time | `long`, a `timestamp-millis` |
//! | enumeration of several | `array` of `string` |
//! | text, enumeration of one, JSON | `string`; a JSON value that is no text has no type of Avro's |
//!
//! A property whose name Avro doesn't allow has no place in it. What doesn't fit gets a schema of its own, in the same subject: the SDK
//! sees to that. A registry that holds versions against each other may refuse one, and the source stops then.

use std::collections::HashMap;

use conduit_connector_sdk::Record;
use conduit_connector_sdk::middleware::StatedSchema;
use conduit_connector_sdk::schema::Schema;
use hubspot_source::{HubSpotSource, RecordShape, ValueKind};
use serde_json::{Value, json};

/// That of keys: the same text that would be guessed, so that it is the same version.
const KEY: &str = r#"{"name":"record","type":"record","fields":[{"name":"id","type":"string"}]}"#;

/// The schemas of the resources that are read.
#[derive(Debug, Default)]
pub(crate) struct StatedSchemas {
    /// By resource, with the version of the shape that each was made of.
    by_resource: HashMap<String, (u64, StatedSchema)>,
}

impl StatedSchemas {
    /// Takes in the shapes that the engine has for these records. One that it had is not made again.
    pub(crate) fn follow(&mut self, engine: &HubSpotSource, records: &[Record]) {
        for alike in records.chunk_by(|one, other| one.metadata.collection() == other.metadata.collection()) {
            let resource = alike.first().and_then(|record| record.metadata.collection());
            if let Some((resource, shape)) = resource.and_then(|resource| Some((resource, engine.shape(resource)?))) {
                self.state(resource, shape);
            }
        }
    }

    fn state(&mut self, resource: &str, shape: &RecordShape) {
        if self.by_resource.get(resource).is_none_or(|(version, _)| *version != shape.version) {
            let parsed = |text: &str| parsed(resource, text);
            let schema = StatedSchema { key: parsed(KEY), payload: parsed(&payload(shape).to_string()) };
            self.by_resource.insert(resource.to_owned(), (shape.version, schema));
        }
    }

    /// The schema of a resource's records; nothing where no definitions say what they are made of.
    pub(crate) fn of(&self, resource: &str) -> Option<&StatedSchema> {
        self.by_resource.get(resource).map(|(_, schema)| schema)
    }
}

/// The SDK guesses the schema where it can't be stated.
fn parsed(resource: &str, text: &str) -> Option<Schema> {
    text.parse::<Schema>()
        .inspect_err(|error| tracing::warn!(resource, %error, "the schema can't be stated: it is guessed"))
        .ok()
}

/// In the order of the names, in which records are: so they are encoded without a search.
fn payload(shape: &RecordShape) -> Value {
    let mut fields = vec![
        optional("archived", &json!("boolean")),
        optional("archivedAt", &instant()),
        optional("createdAt", &instant()),
        json!({"name": "id", "type": "string"}),
        optional("objectWriteTraceId", &json!("string")),
        json!({"name": "properties", "type": record("properties", &properties(shape))}),
        optional("updatedAt", &instant()),
        optional("url", &json!("string")),
    ];
    if shape.associations {
        fields.insert(2, optional("associations", &associations()));
    }
    record("record", &fields)
}

fn properties(shape: &RecordShape) -> Vec<Value> {
    let named = shape.properties.iter().filter(|(name, _)| Schema::is_name(name));
    named.map(|(name, kind)| optional(name, &type_of(*kind))).collect()
}

fn type_of(kind: ValueKind) -> Value {
    match kind {
        ValueKind::Number => json!("double"),
        ValueKind::Boolean => json!("boolean"),
        ValueKind::Date => json!({"type": "int", "logicalType": "date"}),
        ValueKind::DateTime => instant(),
        ValueKind::Enumeration { several: true } => json!({"type": "array", "items": "string"}),
        _ => json!("string"),
    }
}

/// By object type. A map, because the ids of custom object types are no names of fields.
fn associations() -> Value {
    let id = json!({"name": "id", "type": "string"});
    let kind = [("category", "string"), ("label", "string"), ("typeId", "long")];
    let kind = record("associationType", &kind.map(|(name, kind)| optional(name, &json!(kind))));
    let types = json!({"name": "types", "type": {"type": "array", "items": kind}});
    json!({"type": "map", "values": {"type": "array", "items": record("associated", &[id, types])}})
}

fn instant() -> Value {
    json!({"type": "long", "logicalType": "timestamp-millis"})
}

fn record(name: &str, fields: &[Value]) -> Value {
    json!({"type": "record", "name": name, "fields": fields})
}

/// A field that is null where there is nothing.
fn optional(name: &str, kind: &Value) -> Value {
    json!({"name": name, "type": ["null", kind], "default": null})
}

#[cfg(test)]
mod tests;
