//! The JSON form of a record is Conduit's: base64 position, lower-case operation, objects or base64 text as data.

use chrono::{DateTime, Utc};
use opencdc::{Data, DataError, Metadata, Operation, Position, Record};
use proptest::prelude::*;
use serde_json::json;

fn structured(value: serde_json::Value) -> Data {
    Data::try_from(value).expect("an object")
}

#[test]
fn a_structured_record_reads_as_conduit_writes_it() {
    let text = json!({
        "position": "eyJ2IjoxfQ==",
        "operation": "update",
        "metadata": {"opencdc.collection": "crm.deals", "opencdc.createdAt": "1700000000123456789"},
        "key": {"id": "7"},
        "payload": {"before": null, "after": {"id": "7", "archived": false}}
    });
    let record: Record = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(record.position.as_bytes(), br#"{"v":1}"#);
    assert_eq!(record.operation, Operation::Update);
    assert_eq!(record.metadata.collection(), Some("crm.deals"));
    assert_eq!(record.metadata.created_at().unwrap().timestamp_nanos_opt(), Some(1_700_000_000_123_456_789));
    assert_eq!(serde_json::to_value(&record).unwrap(), text);
}

#[test]
fn raw_data_is_base64_text() {
    let record = Record::snapshot(
        Position::new(*b"p"),
        Metadata::new(),
        Data::Raw(b"k".to_vec()),
        Data::Raw(b"{\"a\":1}".to_vec()),
    );
    let text = serde_json::to_value(&record).unwrap();
    assert_eq!(text["key"], "aw==");
    assert_eq!(text["payload"]["after"], "eyJhIjoxfQ==");
    assert_eq!(serde_json::from_value::<Record>(text).unwrap(), record);
}

#[test]
fn what_is_no_record_is_refused_with_the_reason() {
    let bad = |value| serde_json::from_value::<Record>(value).unwrap_err().to_string();
    assert!(bad(json!({"position": "%", "operation": "create"})).contains("position is not base64"));
    assert!(bad(json!({"position": "", "operation": "upsert"})).contains("upsert"));
    assert!(bad(json!({"position": "", "operation": "create", "key": 4})).contains("a number"));
}

#[test]
fn raw_json_can_be_read_as_fields_and_anything_else_says_what_it_is() {
    assert_eq!(*Data::Raw(b"{\"a\":1}".to_vec()).to_structured().unwrap(), *json!({"a": 1}).as_object().unwrap());
    assert!(matches!(Data::Raw(b"[1]".to_vec()).to_structured(), Err(DataError::NotAnObject { found: "a list" })));
    assert!(matches!(Data::Raw(b"{".to_vec()).into_structured(), Err(DataError::NotJson(_))));
}

#[test]
fn operations_have_the_names_of_conduit() {
    for operation in [Operation::Create, Operation::Update, Operation::Delete, Operation::Snapshot] {
        assert_eq!(operation.as_str().parse(), Ok(operation));
        assert_eq!(serde_json::to_value(operation).unwrap(), operation.as_str());
    }
}

proptest! {
    #[test]
    fn any_record_survives_its_json_form(
        position in any::<Vec<u8>>(),
        names in prop::collection::btree_map("[a-z.]{1,8}", "\\PC{0,8}", 0..4),
        raw in any::<Vec<u8>>(),
        number in any::<i64>(),
        seconds in 0_i64..9_000_000_000,
    ) {
        let mut metadata: Metadata = names.into_iter().collect();
        metadata.set_read_at(DateTime::<Utc>::from_timestamp(seconds, 5).unwrap());
        let record = Record::update(
            Position::new(position),
            metadata,
            Data::Raw(raw),
            Some(structured(json!({"n": number}))),
            structured(json!({"list": [number, null, "x"]})),
        );
        let text = serde_json::to_string(&record).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Record>(&text).unwrap(), &record);
        prop_assert_eq!(record.metadata.read_at().unwrap().timestamp(), seconds);
    }
}
