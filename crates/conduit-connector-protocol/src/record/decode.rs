//! Bytes to records.

use opencdc::{Change, Data, Map, Metadata, Operation, Position};
use serde_json::{Number, Value};
use thiserror::Error;

use super::field::{self, Content, Fields};
use super::{MAX_DEPTH, Record, encode};

/// A message that is no record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
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
    /// Its data has more levels of maps and lists in one another than [`MAX_DEPTH`].
    #[error(
        "the record at position {position} has maps and lists in one another over more than {MAX_DEPTH} levels; send it flatter, or as raw data"
    )]
    TooDeep {
        /// The record's position, as text.
        position: String,
    },
    /// The bytes are no message of this kind.
    #[error("the record at position {position} cannot be decoded: {reason}")]
    Malformed {
        /// The record's position, as text; empty where that is what cannot be decoded.
        position: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// What is wrong with bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    TooDeep,
    Malformed(&'static str),
    Operation(i32),
}

impl Fault {
    pub(super) const TRUNCATED: Self = Self::Malformed("it ends too early");
}

impl TryFrom<&Record> for opencdc::Record {
    type Error = DecodeError;

    fn try_from(message: &Record) -> Result<Self, DecodeError> {
        record(message.as_bytes()).map_err(|fault| {
            let position = Position::new(message.position()).to_string();
            match fault {
                Fault::TooDeep => DecodeError::TooDeep { position },
                Fault::Malformed(reason) => DecodeError::Malformed { position, reason },
                Fault::Operation(operation) => DecodeError::UnknownOperation { position, operation },
            }
        })
    }
}

impl TryFrom<Record> for opencdc::Record {
    type Error = DecodeError;

    fn try_from(message: Record) -> Result<Self, DecodeError> {
        Self::try_from(&message)
    }
}

/// The position alone.
pub(super) fn position(message: &[u8]) -> Result<&[u8], Fault> {
    let mut fields = Fields::of(message);
    let mut position: &[u8] = &[];
    while let Some((number, content)) = fields.next()? {
        if number == field::POSITION {
            position = content.bytes()?;
        }
    }
    Ok(position)
}

// In a message a field may come again: a single value replaces the one before, a message completes it. So everything below is decoded
// into what is there.

fn record(message: &[u8]) -> Result<opencdc::Record, Fault> {
    let mut position: &[u8] = &[];
    let mut number = 0;
    let mut metadata = Metadata::new();
    let mut key = None;
    let mut payload = Change::default();
    let mut fields = Fields::of(message);
    while let Some((field, content)) = fields.next()? {
        match field {
            field::POSITION => position = content.bytes()?,
            // An enum is 32 bits of what is there.
            field::OPERATION => number = content.varint()? as i32,
            field::METADATA => entry(content.bytes()?, &mut metadata)?,
            field::KEY => data(content.bytes()?, &mut key)?,
            field::PAYLOAD => change(content.bytes()?, &mut payload)?,
            _ => {}
        }
    }
    let operation = operation(number).ok_or(Fault::Operation(number))?;
    Ok(opencdc::Record { position: Position::new(position), operation, metadata, key, payload })
}

fn operation(number: i32) -> Option<Operation> {
    [Operation::Create, Operation::Update, Operation::Delete, Operation::Snapshot]
        .into_iter()
        .find(|operation| i32::from(encode::number(*operation)) == number)
}

fn entry(message: &[u8], into: &mut Metadata) -> Result<(), Fault> {
    let (mut name, mut value) = ("", "");
    let mut fields = Fields::of(message);
    while let Some((number, content)) = fields.next()? {
        match number {
            1 => name = content.text()?,
            2 => value = content.text()?,
            _ => {}
        }
    }
    into.insert(name, value);
    Ok(())
}

fn change(message: &[u8], into: &mut Change) -> Result<(), Fault> {
    let mut fields = Fields::of(message);
    while let Some((number, content)) = fields.next()? {
        match number {
            1 => data(content.bytes()?, &mut into.before)?,
            2 => data(content.bytes()?, &mut into.after)?,
            _ => {}
        }
    }
    Ok(())
}

fn data(message: &[u8], into: &mut Option<Data>) -> Result<(), Fault> {
    let mut fields = Fields::of(message);
    while let Some((number, content)) = fields.next()? {
        match number {
            1 => *into = Some(Data::Raw(content.bytes()?.to_vec())),
            2 => {
                let mut map = match into.take() {
                    Some(Data::Structured(map)) => map,
                    _ => Map::new(),
                };
                structure(content.bytes()?, &mut map, 1)?;
                *into = Some(Data::Structured(map));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The fields of a `Struct`.
fn structure(message: &[u8], into: &mut Map, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::TooDeep);
    }
    let mut fields = Fields::of(message);
    while let Some((number, content)) = fields.next()? {
        if number != 1 {
            continue;
        }
        let (mut name, mut held) = ("", Value::Null);
        let mut entry = Fields::of(content.bytes()?);
        while let Some((number, content)) = entry.next()? {
            match number {
                1 => name = content.text()?,
                2 => value(content.bytes()?, &mut held, depth)?,
                _ => {}
            }
        }
        into.insert(name.to_owned(), held);
    }
    Ok(())
}

fn value(message: &[u8], into: &mut Value, depth: usize) -> Result<(), Fault> {
    let mut fields = Fields::of(message);
    while let Some((number, content)) = fields.next()? {
        match number {
            1 => {
                content.varint()?;
                *into = Value::Null;
            }
            2 => *into = number_of(f64::from_bits(content.fixed64()?)),
            3 => *into = Value::String(content.text()?.to_owned()),
            4 => *into = Value::Bool(content.varint()? != 0),
            5 => {
                if !into.is_object() {
                    *into = Value::Object(Map::new());
                }
                if let Value::Object(map) = into {
                    structure(content.bytes()?, map, depth + 1)?;
                }
            }
            6 => {
                if !into.is_array() {
                    *into = Value::Array(Vec::new());
                }
                if let Value::Array(values) = into {
                    list(content, values, depth + 1)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn list(content: Content<'_>, into: &mut Vec<Value>, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::TooDeep);
    }
    let mut fields = Fields::of(content.bytes()?);
    while let Some((number, content)) = fields.next()? {
        if number == 1 {
            let mut held = Value::Null;
            value(content.bytes()?, &mut held, depth)?;
            into.push(held);
        }
    }
    Ok(())
}

/// Up to here every whole number is a double of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn number_of(double: f64) -> Value {
    // JSON has neither NaN nor infinities: they become null, as in JavaScript.
    if double.fract() == 0.0 && double.abs() <= EXACT {
        Value::from(double as i64)
    } else {
        Number::from_f64(double).map_or(Value::Null, Value::Number)
    }
}
