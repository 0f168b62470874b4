//! What the interop tests compare with Go's library: records in each format, by lines of JSON.
//!
//! `{"format": …, "options": …, "record": …}` becomes `{"text": …}`, and what fails `{"error": …}`.
#![allow(clippy::print_stdout)]

use std::io::{self, BufRead};

use conduit_connector_sdk::middleware::Formatter;
use conduit_connector_sdk::{Error, Record};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Error> {
    for line in io::stdin().lock().lines() {
        let answer = text(serde_json::from_str(&line?)?);
        println!("{}", answer.map_or_else(|error| json!({"error": error.to_string()}), |text| json!({"text": text})));
    }
    Ok(())
}

fn text(mut line: Map<String, Value>) -> Result<String, Error> {
    let record: Record = serde_json::from_value(line.remove("record").unwrap_or_default())?;
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    let bytes = Formatter::new(text("format"), text("options"))?.format(&record)?;
    Ok(String::from_utf8(bytes)?)
}
