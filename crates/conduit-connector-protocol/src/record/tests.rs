//! Records against the code that is generated for them, and against bytes of all kinds.

use std::collections::BTreeMap;

use opencdc::{Change, Data, Map, Metadata, Operation, Position, Value, value};
use proptest::prelude::*;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct};

use super::*;
use crate::proto::connector::v2::source::run::Response;
use crate::proto::opencdc::v1::generated as twin;

/// What arrives of a value that is sent: a whole number that a double holds is an integer, a larger one a float.
fn arriving(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().unwrap();
            if double.fract() == 0.0 && double.abs() <= 2_f64.powi(53) { value!(double as i64) } else { value!(double) }
        }
        Value::Array(values) => values.iter().map(arriving).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(name, value)| (name, arriving(value))).collect()),
        other => other.clone(),
    }
}

fn arriving_data(data: Option<Data>) -> Option<Data> {
    data.map(|data| match data {
        Data::Structured(map) => Data::try_from(arriving(&Value::Object(map))).unwrap(),
        raw @ Data::Raw(_) => raw,
    })
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::ANY.prop_map(Value::from),
        (-1000..1000_i32).prop_map(|whole| Value::from(f64::from(whole))),
        "\\PC{0,12}".prop_map(Value::from),
        "[a-z]{120,200}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_data() -> impl Strategy<Value = Option<Data>> {
    prop_oneof![
        Just(None),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Some(Data::Raw(bytes))),
        prop::collection::btree_map("\\PC{0,6}", values(), 0..8)
            .prop_map(|map| Some(Data::Structured(map.into_iter().collect()))),
    ]
}

fn records() -> impl Strategy<Value = opencdc::Record> {
    let operation =
        prop::sample::select(vec![Operation::Create, Operation::Update, Operation::Delete, Operation::Snapshot]);
    let metadata = prop::collection::btree_map("\\PC{0,8}", "\\PC{0,8}", 0..5).prop_map(Metadata::from);
    let position = prop::collection::vec(any::<u8>(), 0..20).prop_map(Position::from);
    (position, operation, metadata, any_data(), any_data(), any_data()).prop_map(
        |(position, operation, metadata, key, before, after)| opencdc::Record {
            position,
            operation,
            metadata,
            key,
            payload: Change { before, after },
        },
    )
}

/// The record as the generated messages have it, field by field.
fn generated(record: &opencdc::Record) -> twin::Record {
    fn data(data: Option<&Data>) -> Option<twin::Data> {
        data.map(|data| twin::Data {
            data: Some(match data {
                Data::Raw(bytes) => twin::data::Data::RawData(bytes.clone()),
                Data::Structured(map) => twin::data::Data::StructuredData(structure(map)),
            }),
        })
    }
    fn structure(map: &Map) -> Struct {
        Struct { fields: map.iter().map(|(name, held)| (name.to_owned(), value(held))).collect() }
    }
    fn value(held: &Value) -> prost_types::Value {
        let kind = match held {
            Value::Null => Kind::NullValue(0),
            Value::Bool(yes) => Kind::BoolValue(*yes),
            Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
            Value::String(text) => Kind::StringValue(text.to_string()),
            Value::Array(values) => Kind::ListValue(ListValue { values: values.iter().map(value).collect() }),
            Value::Object(map) => Kind::StructValue(structure(map)),
        };
        prost_types::Value { kind: Some(kind) }
    }
    let operation = match record.operation {
        Operation::Create => twin::Operation::Create,
        Operation::Update => twin::Operation::Update,
        Operation::Delete => twin::Operation::Delete,
        Operation::Snapshot => twin::Operation::Snapshot,
    };
    twin::Record {
        position: record.position.as_bytes().to_vec(),
        operation: operation.into(),
        metadata: record.metadata.iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect(),
        key: data(record.key.as_ref()),
        payload: Some(twin::Change {
            before: data(record.payload.before.as_ref()),
            after: data(record.payload.after.as_ref()),
        }),
    }
}

fn with_after(after: Value) -> opencdc::Record {
    opencdc::Record::create(
        Position::new(*b"p7"),
        Metadata::new(),
        Data::Raw(Vec::new()),
        Data::try_from(after).unwrap(),
    )
}

/// So many levels: maps and lists by turns.
fn nested(levels: usize) -> Value {
    (1..levels).fold(value!({}), |inner, level| if level % 2 == 0 { value!({"a": inner}) } else { value!([inner]) })
}

/// The message with this data after the change, as another program sends it.
fn sent_by_another(after: &Struct) -> Record {
    let data = twin::Data { data: Some(twin::data::Data::StructuredData(after.clone())) };
    let record = twin::Record {
        operation: 1,
        payload: Some(twin::Change { before: None, after: Some(data) }),
        ..twin::Record::default()
    };
    Record::decode(&record.encode_to_vec()[..]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_survives(record in records()) {
        let expected = opencdc::Record {
            key: arriving_data(record.key.clone()),
            payload: Change {
                before: arriving_data(record.payload.before.clone()),
                after: arriving_data(record.payload.after.clone()),
            },
            ..record.clone()
        };
        let message = Record::try_from(&record).unwrap();
        prop_assert_eq!(message.position(), record.position.as_bytes());
        prop_assert_eq!(&opencdc::Record::try_from(&message).unwrap(), &expected);
        // And once more through a message of the protocol.
        let bytes = Response { records: vec![message.clone(), message] }.encode_to_vec();
        for message in Response::decode(&bytes[..]).unwrap().records {
            prop_assert_eq!(&opencdc::Record::try_from(message).unwrap(), &expected);
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_generated_code(record in records()) {
        let message = Record::try_from(&record).unwrap();
        let twin = generated(&record);
        prop_assert_eq!(&twin::Record::decode(message.as_bytes()).unwrap(), &twin);
        prop_assert_eq!(message.encoded_len(), twin.encoded_len());
        // The generated code writes metadata in no order.
        if record.metadata.len() < 2 {
            prop_assert_eq!(message.as_bytes(), twin.encode_to_vec());
        }
        // And the other way.
        let back = Record::decode(&twin.encode_to_vec()[..]).unwrap();
        prop_assert_eq!(opencdc::Record::try_from(back).unwrap(), opencdc::Record::try_from(message).unwrap());
    }

    #[test]
    fn many_are_encoded_as_each_is(records in prop::collection::vec(records(), 0..20)) {
        let mut encoder = Encoder::new();
        let together: Vec<Record> = records.iter().map(|record| encoder.encode(record).unwrap()).collect();
        let alone: Vec<Record> = records.iter().map(|record| Record::try_from(record).unwrap()).collect();
        prop_assert_eq!(together, alone);
    }

    /// Two messages one after the other are the second merged into the first.
    #[test]
    fn fields_that_come_again_are_merged_as_the_generated_code_does(one in records(), two in records()) {
        let both = [Record::try_from(&one).unwrap().as_bytes(), Record::try_from(&two).unwrap().as_bytes()].concat();
        let merged = Record::decode(&both[..]).unwrap();
        let twin = twin::Record::decode(&both[..]).unwrap();
        let expected = Record::decode(&twin.encode_to_vec()[..]).unwrap();
        prop_assert_eq!(opencdc::Record::try_from(merged).unwrap(), opencdc::Record::try_from(expected).unwrap());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Record { bytes: bytes.clone().into() }.position();
        let _ = opencdc::Record::try_from(Record { bytes: bytes.clone().into() });
        if let Ok(message) = Record::decode(&bytes[..]) {
            let _ = opencdc::Record::try_from(message);
        }
    }

    /// Bytes that are nearly a record go further in than any bytes do.
    #[test]
    fn no_damaged_record_makes_it_panic(
        record in records(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Record::try_from(&record).unwrap().as_bytes().to_vec();
        for (at, byte) in damages {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            let message = Record { bytes: Bytes::copy_from_slice(bytes) };
            let ours = opencdc::Record::try_from(&message);
            // What the generated code accepts is accepted, and as the same.
            if let Ok(twin) = twin::Record::decode(bytes) {
                let expected = opencdc::Record::try_from(Record::decode(&twin.encode_to_vec()[..]).unwrap());
                if !matches!(ours, Err(DecodeError::Malformed { reason: "a field is a group, or of no type", .. })) {
                    prop_assert_eq!(ours, expected);
                }
            }
        }
    }
}

#[test]
fn integers_that_no_double_holds_are_the_nearest_one() {
    const LIMIT: i64 = 1 << 53;
    let sent = value!({"at": LIMIT, "below": -LIMIT, "beyond": LIMIT + 1, "further": LIMIT + 2, "most": u64::MAX});
    let message = Record::try_from(with_after(sent)).unwrap();
    let after = opencdc::Record::try_from(message).unwrap().payload.after.unwrap().into_structured().unwrap();
    let arrived = value!({
        "at": LIMIT, "below": -LIMIT, "beyond": LIMIT, "further": 9_007_199_254_740_994.0, "most": 18_446_744_073_709_551_616.0,
    });
    assert_eq!(Value::Object(after), arrived);
}

#[test]
fn what_json_has_no_number_for_is_null() {
    let numbers = [
        ("nan", f64::NAN),
        ("inf", f64::INFINITY),
        ("-inf", f64::NEG_INFINITY),
        ("big", 1e300),
        ("whole", 4.0),
        ("zero", -0.0),
    ];
    let mut fields: BTreeMap<String, prost_types::Value> = numbers
        .map(|(name, number)| (name.to_owned(), prost_types::Value { kind: Some(Kind::NumberValue(number)) }))
        .into();
    fields.insert("none".to_owned(), prost_types::Value { kind: None });
    let record = opencdc::Record::try_from(sent_by_another(&Struct { fields })).unwrap();
    let expected = value!({"nan": null, "inf": null, "-inf": null, "big": 1e300, "whole": 4, "zero": 0, "none": null});
    assert_eq!(record.payload.after, Some(Data::try_from(expected).unwrap()));
}

#[test]
fn levels_are_bounded_both_ways() {
    let deepest = with_after(value!({"a": nested(MAX_DEPTH - 1)}));
    let message = Record::try_from(&deepest).unwrap();
    assert_eq!(opencdc::Record::try_from(&message).unwrap(), deepest);

    let deeper = with_after(value!({"a": nested(MAX_DEPTH)}));
    let position = "p7".to_owned();
    assert_eq!(Record::try_from(&deeper), Err(EncodeError::TooDeep { position: position.clone() }));
    assert_eq!(Encoder::new().encode(&deeper), Err(EncodeError::TooDeep { position: position.clone() }));

    // Another program may send it all the same, and far deeper: each level of a list is twice a key and a length.
    for levels in [MAX_DEPTH, 100_000] {
        let mut list = Vec::new();
        for _ in 0..levels {
            list = field_of(1, &field_of(6, &list));
        }
        let entry = [field_of(1, b"a"), field_of(2, &field_of(6, &list))].concat();
        let data = field_of(2, &field_of(1, &entry));
        let record = [field_of(1, b"p7"), vec![0x10, 1], field_of(5, &field_of(2, &data))].concat();
        let message = Record::decode(&record[..]).unwrap();
        let expected = Err(DecodeError::TooDeep { position: position.clone() });
        assert_eq!(opencdc::Record::try_from(message), expected, "{levels} levels");
    }
}

/// A field of bytes.
fn field_of(number: u32, content: &[u8]) -> Vec<u8> {
    let mut field = vec![field::bytes(number)];
    encoding::encode_varint(content.len() as u64, &mut field);
    field.extend_from_slice(content);
    field
}

#[test]
fn a_record_of_four_mebibytes_survives() {
    let words: Vec<Value> = (0..4096).map(|number| value!("x".repeat(1000 + number % 50))).collect();
    let record = with_after(value!({"text": "y".repeat(64 << 10), "words": words}));
    let message = Record::try_from(&record).unwrap();
    assert!(message.encoded_len() > 4 << 20);
    let bytes = Response { records: vec![message] }.encode_to_vec();
    let message = Response::decode(&bytes[..]).unwrap().records.remove(0);
    assert_eq!(opencdc::Record::try_from(message).unwrap(), record);
}

#[test]
fn what_is_no_record_is_said_with_its_position() {
    let with_operation =
        |operation| Record::decode(&[&field_of(1, b"p7")[..], &[0x10, operation]].concat()[..]).unwrap();
    for operation in [0, 5, 77] {
        let error = opencdc::Record::try_from(with_operation(operation)).unwrap_err();
        let number = i32::from(operation);
        assert_eq!(error, DecodeError::UnknownOperation { position: "p7".to_owned(), operation: number });
        assert!(error.to_string().contains(&format!("operation number {number}, which is none of create (1)")));
    }
    let metadata = field_of(3, &field_of(1, b"\xff"));
    let message = Record::decode(&[field_of(1, b"p7"), metadata].concat()[..]).unwrap();
    let error = opencdc::Record::try_from(message).unwrap_err();
    assert_eq!(error.to_string(), "the record at position p7 cannot be decoded: a text is not UTF-8");
}

#[test]
fn what_the_message_doesnt_hold_is_an_error_of_the_message() {
    for bytes in [&[0x0a, 5, b'1'][..], &[0x08, 1], &[0x10], &[0x15, 1, 2, 3, 4]] {
        assert!(Record::decode(bytes).is_err(), "{bytes:?}");
    }
    // Fields that aren't known are left out.
    assert_eq!(Record::decode(&[0x32, 1, b'x', 0x38, 1][..]).unwrap(), Record::default());
}

/// A message that repeats what may be completed is put in order once: each time, it would take hours.
#[test]
fn data_that_are_completed_without_end_are_decoded_at_once() {
    let one = |name: usize| with_after(value!({ format!("{:06}", 200_000 - name): {"a": name} }));
    let bytes: Vec<u8> =
        (0..200_000).flat_map(|name| Record::try_from(&one(name)).unwrap().as_bytes().to_vec()).collect();
    let record = opencdc::Record::try_from(Record { bytes: bytes.into() }).unwrap();
    let Some(Data::Structured(map)) = record.payload.after else { panic!("not structured") };
    assert_eq!((map.len(), map["000001"]["a"].as_u64()), (200_000, Some(199_999)));
}
