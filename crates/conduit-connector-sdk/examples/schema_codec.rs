//! What the interop tests compare with Go's library: schemas derived, values encoded and decoded, by lines of JSON.
//!
//! | a line of stdin | the line of stdout |
//! |---|---|
//! | `{"derive": fields}` | `{"schema": …, "bytes": base64}`: the schema of these fields alone |
//! | `{"extract": fields}` | the same, by the version that a source's records get, one after the other |
//! | `{"schema": …, "bytes": base64}` | `{"fields": …}` |
//!
//! What fails is `{"error": …}`.
#![allow(clippy::print_stdout)]

use std::io::{self, BufRead};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conduit_connector_sdk::schema::{ExtractSettings, Extractor, InMemoryRegistry, Part, Registry, Schema, derive};
use conduit_connector_sdk::{Data, Error, Map, Metadata, Position, Record, Value};
use serde_json::{Value as Json, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let registry = Arc::new(InMemoryRegistry::new());
    let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
    for line in io::stdin().lock().lines() {
        let answer = answer(serde_json::from_str(&line?)?, &*registry, &mut extractor).await;
        println!("{}", answer.unwrap_or_else(|error| json!({"error": error.to_string()})));
    }
    Ok(())
}

async fn answer(mut line: Map, registry: &dyn Registry, extractor: &mut Extractor) -> Result<Json, Error> {
    if let Some(Value::Object(fields)) = line.remove("derive") {
        let schema = derive(&fields)?;
        let bytes = schema.parse::<Schema>()?.encode(&fields)?;
        return Ok(json!({"schema": schema, "bytes": STANDARD.encode(bytes)}));
    }
    if let Some(Value::Object(fields)) = line.remove("extract") {
        return extract(fields, registry, extractor).await;
    }
    let text = |name| line.get(name).and_then(Value::as_str).ok_or_else(|| Error::new(format!("no {name:?}")));
    let fields = text("schema")?.parse::<Schema>()?.decode(&STANDARD.decode(text("bytes")?)?)?;
    Ok(json!({"fields": fields}))
}

async fn extract(fields: Map, registry: &dyn Registry, extractor: &mut Extractor) -> Result<Json, Error> {
    let empty = Data::Raw(Vec::new());
    let mut record = Record::create(Position::from(Vec::new()), Metadata::new(), empty, Data::Structured(fields));
    extractor.extract(&mut record).await?;
    let named = |name| record.metadata.get(name).ok_or_else(|| Error::new("the record got no schema"));
    let version = named(Part::Payload.version_name())?.parse()?;
    let schema = registry.get(named(Part::Payload.subject_name())?, version).await?;
    match record.payload.after {
        Some(Data::Raw(bytes)) => Ok(json!({"schema": schema.text, "bytes": STANDARD.encode(bytes)})),
        _ => Err(Error::new("the record was not encoded")),
    }
}
