//! `debezium/json`: a record as a Debezium message with its schema, in the form that Kafka Connect's JSON converter reads.

use std::borrow::Cow;

use opencdc::{Data, Map, Operation, Record, Value};
use serde_json::{Value as Json, json};

/// The field that raw data has which is no JSON object.
const RAW_DATA_KEY: &str = "opencdc.rawData";

/// How messages are made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Debezium {
    /// The name of the message's schema; empty for none.
    schema_name: String,
    raw_data_key: String,
}

/// One side of a change.
struct Side<'a> {
    fields: Cow<'a, Map>,
    /// It is raw data in a field of its own.
    raw: bool,
}

impl Debezium {
    /// Options as `name=value,name=value`; those that nobody knows have no effect, as in the Go SDK.
    pub(super) fn new(options: &str) -> Self {
        let mut it = Self { schema_name: String::new(), raw_data_key: RAW_DATA_KEY.to_owned() };
        for pair in options.trim().split(',') {
            match pair.split_once('=') {
                Some(("debezium.schema.name", value)) => value.clone_into(&mut it.schema_name),
                Some(("debezium.rawData.key", value)) if !value.is_empty() => value.clone_into(&mut it.raw_data_key),
                _ => {}
            }
        }
        it
    }

    pub(super) fn message(&self, record: &Record) -> Json {
        let before = record.payload.before.as_ref().and_then(|data| self.side(data));
        let after = record.payload.after.as_ref().and_then(|data| self.side(data));
        let source: Map = record.metadata.clone().into_iter().collect();
        // A side that isn't there has the other's schema.
        let fields = [
            field("before", side_schema(before.as_ref().or(after.as_ref()))),
            field("after", side_schema(after.as_ref().or(before.as_ref()))),
            field("source", fields_schema(&source, false)),
            json!({"type": "string", "field": "op"}),
            json!({"type": "int64", "optional": true, "field": "ts_ms"}),
            json!({"type": "struct", "optional": true, "field": "transaction", "fields": [
                {"type": "string", "field": "id"},
                {"type": "int64", "field": "total_order"},
                {"type": "int64", "field": "data_collection_order"},
            ]}),
        ];
        let mut schema = json!({"type": "struct", "fields": fields});
        if !self.schema_name.is_empty() {
            schema["name"] = self.schema_name.as_str().into();
        }
        let mut payload = json!({
            "before": before.map(|side| side.fields.into_owned()),
            "after": after.map(|side| side.fields.into_owned()),
            "source": source,
            "op": match record.operation {
                Operation::Create => "c",
                Operation::Update => "u",
                Operation::Delete => "d",
                Operation::Snapshot => "r",
            },
            "transaction": null,
        });
        if let Some(read_at) = record.metadata.read_at().map(|at| at.timestamp_millis()).filter(|at| *at != 0) {
            payload["ts_ms"] = read_at.into();
        }
        json!({"schema": schema, "payload": payload})
    }

    /// Nothing where there is no data.
    fn side<'a>(&self, data: &'a Data) -> Option<Side<'a>> {
        match data {
            Data::Raw(bytes) if bytes.is_empty() => None,
            Data::Raw(_) => Some(if let Ok(fields) = data.to_structured() {
                Side { fields, raw: false }
            } else {
                // Bytes are base64 in JSON.
                let text = serde_json::to_value(data).unwrap_or_default();
                Side { fields: Cow::Owned(Map::from_iter([(self.raw_data_key.clone(), text)])), raw: true }
            }),
            Data::Structured(fields) => Some(Side { fields: Cow::Borrowed(fields), raw: false }),
        }
    }
}

fn side_schema(side: Option<&Side<'_>>) -> Json {
    side.map_or_else(|| fields_schema(&Map::new(), false), |side| fields_schema(&side.fields, side.raw))
}

fn fields_schema(fields: &Map, raw: bool) -> Json {
    let of = |(name, value): (&str, &Value)| {
        field(name, if raw { json!({"type": "bytes", "optional": true}) } else { schema(value) })
    };
    let mut schema = json!({"type": "struct", "optional": true});
    if !fields.is_empty() {
        schema["fields"] = fields.iter().map(of).collect();
    }
    schema
}

/// The schema of a value. What is null says nothing of its type: a text, which may be absent.
fn schema(value: &Value) -> Json {
    match value {
        Value::Null => json!({"type": "string", "optional": true}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(number) if number.is_f64() => json!({"type": "double"}),
        Value::Number(_) => json!({"type": "int64"}),
        Value::String(_) => json!({"type": "string"}),
        Value::Array(items) => {
            json!({"type": "array", "optional": true, "items": schema(items.first().unwrap_or(&Value::Null))})
        }
        Value::Object(fields) => fields_schema(fields, false),
    }
}

fn field(name: &str, mut schema: Json) -> Json {
    schema["field"] = name.into();
    schema
}
