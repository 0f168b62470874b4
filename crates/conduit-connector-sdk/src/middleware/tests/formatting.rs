//! Formats. What Go's SDK makes of the same records is compared in `tests/interop/middleware_test.go`.

use chrono::DateTime;
use serde_json::{Value, json};

use super::*;
use crate::middleware::Formatter;

fn formatter(format: &str, options: &str) -> Formatter {
    Formatter::new(format, options).unwrap()
}

fn json_of(formatter: &Formatter, record: &Record) -> Value {
    serde_json::from_slice(&formatter.format(record).unwrap()).unwrap()
}

#[test]
fn raw_is_the_payload_alone() {
    let mut it = record(7);
    assert_eq!(formatter("raw", "").format(&it).unwrap(), b"7");
    it.payload.after = Some(Data::try_from(json!({"a": 1})).unwrap());
    assert_eq!(formatter("raw", "").format(&it).unwrap(), br#"{"a":1}"#);
    it.payload.before = it.payload.after.take();
    assert_eq!(formatter("raw", "").format(&it).unwrap(), br#"{"a":1}"#);
    it.payload.before = None;
    assert_eq!(formatter("raw", "").format(&it).unwrap(), b"");
}

#[test]
fn debezium_has_a_schema_and_both_sides() {
    let mut it = record(7);
    it.metadata.set_read_at(DateTime::from_timestamp_millis(1_700_000_000_123).unwrap());
    it.payload.after = Some(
        Data::try_from(json!({"b": true, "i": 1, "d": 1.5, "s": "x", "n": null, "l": [2], "e": [], "o": {"s": ""}}))
            .unwrap(),
    );
    let message = json_of(&formatter("debezium/json", "debezium.schema.name=people"), &it);
    assert_eq!(message["schema"]["name"], "people");
    let [before, after] = [0, 1].map(|index| message["schema"]["fields"][index].clone());
    let mut fields: Vec<Value> = after["fields"].as_array().unwrap().clone();
    fields.sort_by_key(|field| field["field"].as_str().map(str::to_owned));
    assert_eq!(
        Value::from(fields),
        json!([
            {"field": "b", "type": "boolean"},
            {"field": "d", "type": "double"},
            {"field": "e", "type": "array", "optional": true, "items": {"type": "string", "optional": true}},
            {"field": "i", "type": "int64"},
            {"field": "l", "type": "array", "optional": true, "items": {"type": "int64"}},
            {"field": "n", "type": "string", "optional": true},
            {"field": "o", "type": "struct", "optional": true, "fields": [{"field": "s", "type": "string"}]},
            {"field": "s", "type": "string"},
        ])
    );
    assert_eq!((&before["field"], &before["fields"]), (&json!("before"), &after["fields"]));
    let payload = &message["payload"];
    assert_eq!((&payload["op"], &payload["ts_ms"]), (&json!("c"), &json!(1_700_000_000_123_u64)));
    assert_eq!((&payload["before"], &payload["transaction"]), (&Value::Null, &Value::Null));
    assert_eq!(payload["source"]["opencdc.readAt"], "1700000000123000000");
}

#[test]
fn raw_data_in_debezium_is_json_or_a_field() {
    let debezium = formatter("debezium/json", "debezium.rawData.key=bytes");
    let mut it = record(7);
    it.payload.after = Some(Data::Raw(br#"{"a": 1}"#.to_vec()));
    assert_eq!(json_of(&debezium, &it)["payload"]["after"], json!({"a": 1}));
    it.payload.after = Some(Data::Raw(b"hello".to_vec()));
    let message = json_of(&debezium, &it);
    assert_eq!(message["payload"]["after"], json!({"bytes": "aGVsbG8="}));
    assert_eq!(
        message["schema"]["fields"][1]["fields"],
        json!([{"field": "bytes", "type": "bytes", "optional": true}])
    );
    it.payload.after = Some(Data::Raw(Vec::new()));
    let message = json_of(&debezium, &it);
    assert_eq!(message["payload"]["after"], Value::Null);
    assert_eq!(message["schema"]["fields"][1], json!({"field": "after", "type": "struct", "optional": true}));
    assert!(message["payload"].get("ts_ms").is_none());
}
