//! Between records as messages and records as the types of [`opencdc`].
//!
//! Numbers in a protobuf `Struct` are doubles: integers beyond 2^53 lose digits on the way. A double that is a whole number
//! within that range comes back as an integer, so that what was sent as `3` is `3` again and not `3.0`.

use opencdc::{Change, Data, Map, Metadata, Operation, Position, Record};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct};
use serde_json::{Number, Value};
use thiserror::Error;

use crate::proto::opencdc::v1 as wire;

/// A message that is no record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The operation is unspecified, or a number without a meaning here.
    #[error(
        "the record at position {position} has operation number {operation}, which is none of create (1), update (2), delete (3), snapshot (4)"
    )]
    UnknownOperation {
        /// The record's position, as text.
        position: String,
        /// The number.
        operation: i32,
    },
}

impl From<Record> for wire::Record {
    fn from(record: Record) -> Self {
        Self {
            position: record.position.into_bytes(),
            operation: operation_to_wire(record.operation).into(),
            metadata: record.metadata.into_iter().collect(),
            key: record.key.map(Into::into),
            payload: Some(wire::Change {
                before: record.payload.before.map(Into::into),
                after: record.payload.after.map(Into::into),
            }),
        }
    }
}

impl TryFrom<wire::Record> for Record {
    type Error = ConvertError;

    fn try_from(record: wire::Record) -> Result<Self, ConvertError> {
        let position = Position::new(record.position);
        let operation = match wire::Operation::try_from(record.operation) {
            Ok(wire::Operation::Create) => Operation::Create,
            Ok(wire::Operation::Update) => Operation::Update,
            Ok(wire::Operation::Delete) => Operation::Delete,
            Ok(wire::Operation::Snapshot) => Operation::Snapshot,
            Ok(wire::Operation::Unspecified) | Err(_) => {
                return Err(ConvertError::UnknownOperation {
                    position: position.to_string(),
                    operation: record.operation,
                });
            }
        };
        let (before, after) = record.payload.map_or((None, None), |change| (change.before, change.after));
        Ok(Self {
            position,
            operation,
            metadata: record.metadata.into_iter().collect::<Metadata>(),
            key: record.key.and_then(data_from_wire),
            payload: Change { before: before.and_then(data_from_wire), after: after.and_then(data_from_wire) },
        })
    }
}

impl From<Data> for wire::Data {
    fn from(data: Data) -> Self {
        let data = match data {
            Data::Raw(bytes) => wire::data::Data::RawData(bytes),
            Data::Structured(map) => wire::data::Data::StructuredData(struct_to_wire(map)),
        };
        Self { data: Some(data) }
    }
}

fn operation_to_wire(operation: Operation) -> wire::Operation {
    match operation {
        Operation::Create => wire::Operation::Create,
        Operation::Update => wire::Operation::Update,
        Operation::Delete => wire::Operation::Delete,
        Operation::Snapshot => wire::Operation::Snapshot,
    }
}

fn data_from_wire(data: wire::Data) -> Option<Data> {
    data.data.map(|data| match data {
        wire::data::Data::RawData(bytes) => Data::Raw(bytes),
        wire::data::Data::StructuredData(fields) => Data::Structured(struct_from_wire(fields)),
    })
}

fn struct_to_wire(map: Map) -> Struct {
    Struct { fields: map.into_iter().map(|(name, value)| (name, value_to_wire(value))).collect() }
}

fn value_to_wire(value: Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(yes) => Kind::BoolValue(yes),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(values) => Kind::ListValue(ListValue { values: values.into_iter().map(value_to_wire).collect() }),
        Value::Object(map) => Kind::StructValue(struct_to_wire(map)),
    };
    prost_types::Value { kind: Some(kind) }
}

fn struct_from_wire(fields: Struct) -> Map {
    fields.fields.into_iter().map(|(name, value)| (name, value_from_wire(value))).collect()
}

fn value_from_wire(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(yes)) => Value::Bool(yes),
        Some(Kind::NumberValue(number)) => number_from_wire(number),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(value_from_wire).collect()),
        Some(Kind::StructValue(fields)) => Value::Object(struct_from_wire(fields)),
    }
}

/// Up to here every whole number is a double of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn number_from_wire(number: f64) -> Value {
    // JSON has neither NaN nor infinities: they become null, as in JavaScript.
    if number.fract() == 0.0 && number.abs() <= EXACT {
        Value::from(number as i64)
    } else {
        Number::from_f64(number).map_or(Value::Null, Value::Number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1_i64 << 53)..=(1_i64 << 53)).prop_map(Value::from),
            (-1e9..1e9_f64)
                .prop_filter("whole numbers come back as integers", |n| n.fract() != 0.0)
                .prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_record_survives_the_wire(
            position in any::<Vec<u8>>(),
            fields in prop::collection::btree_map("[a-z]{1,6}", value(), 0..6),
            raw in any::<Vec<u8>>(),
            names in prop::collection::btree_map("[a-z.]{1,8}", "\\PC{0,8}", 0..4),
            which in 0..4_u8,
        ) {
            let data = Data::Structured(fields.into_iter().collect());
            let (position, metadata, key) = (Position::new(position), names.into_iter().collect(), Data::Raw(raw));
            let record = match which {
                0 => Record::create(position, metadata, key, data),
                1 => Record::update(position, metadata, key.clone(), Some(key), data),
                2 => Record::delete(position, metadata, key, Some(data)),
                _ => Record::snapshot(position, metadata, data, key),
            };
            prop_assert_eq!(Record::try_from(wire::Record::from(record.clone())).unwrap(), record);
        }
    }

    #[test]
    fn an_unspecified_operation_is_an_error_that_names_the_record() {
        let message = wire::Record { position: b"p7".to_vec(), ..Default::default() };
        let error = Record::try_from(message).unwrap_err().to_string();
        assert!(error.contains("p7") && error.contains("operation number 0"), "{error}");
    }

    #[test]
    fn what_json_has_no_number_for_is_null() {
        let fields = [("nan", f64::NAN), ("inf", f64::INFINITY), ("big", 1e300), ("whole", 4.0)]
            .map(|(name, number)| (name.to_owned(), prost_types::Value { kind: Some(Kind::NumberValue(number)) }));
        let map = struct_from_wire(Struct { fields: fields.into() });
        assert_eq!(Value::Object(map), json!({"nan": null, "inf": null, "big": 1e300, "whole": 4}));
    }
}
