//! Records as this crate has them on the wire, for tests in other languages: each line of stdin is the base64 text of an encoded
//! `opencdc.v1.Record`; each line of stdout is what became of it: `{"record": …, "bytes": …}`, the record as JSON and encoded again, or
//! `{"error": …}`.
#![allow(clippy::print_stdout, reason = "stdout is where the answers go")]

use std::error::Error;
use std::io::stdin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conduit_connector_protocol::proto::opencdc::v1 as wire;
use prost::Message as _;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    for line in stdin().lines() {
        println!("{}", answer(&line?).unwrap_or_else(|error| json!({"error": error.to_string()})));
    }
    Ok(())
}

fn answer(line: &str) -> Result<Value, Box<dyn Error>> {
    let message = wire::Record::decode(&STANDARD.decode(line)?[..])?;
    let record = opencdc::Record::try_from(message)?;
    let encoded = wire::Record::try_from(&record)?;
    Ok(json!({"record": record, "bytes": STANDARD.encode(encoded.as_bytes())}))
}
