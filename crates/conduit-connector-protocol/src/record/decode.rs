//! Bytes to records.

use opencdc::{Change, CompactString, Data, Metadata, Number, Operation, Position, Value};
use thiserror::Error;

use super::field::{self, Fields};
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

/// The first bytes of fields: their number, and the type that they have to have.
mod key {
    use super::field::{self, bytes, fixed64, varint};

    pub(super) const POSITION: u64 = bytes(field::POSITION) as u64;
    pub(super) const OPERATION: u64 = varint(field::OPERATION) as u64;
    pub(super) const METADATA: u64 = bytes(field::METADATA) as u64;
    pub(super) const KEY: u64 = bytes(field::KEY) as u64;
    pub(super) const PAYLOAD: u64 = bytes(field::PAYLOAD) as u64;

    /// The first field of a message that is bytes, text or a message, and the second.
    pub(super) const FIRST: u64 = bytes(1) as u64;
    pub(super) const SECOND: u64 = bytes(2) as u64;

    /// The kinds of a `Value`.
    pub(super) const NULL: u64 = varint(1) as u64;
    pub(super) const NUMBER: u64 = fixed64(2) as u64;
    pub(super) const STRING: u64 = bytes(3) as u64;
    pub(super) const BOOL: u64 = varint(4) as u64;
    pub(super) const STRUCT: u64 = bytes(5) as u64;
    pub(super) const LIST: u64 = bytes(6) as u64;
}

/// The position alone.
pub(super) fn position(message: &[u8]) -> Result<&[u8], Fault> {
    let mut fields = Fields::of(message);
    let mut position: &[u8] = &[];
    while let Some(key) = fields.key()? {
        match key {
            key::POSITION => position = fields.bytes()?,
            // Whatever the others hold.
            other => fields.skip(other, field::POSITION)?,
        }
    }
    Ok(position)
}

// In a message a field may come again: a single value replaces the one before, a message completes it. So what may be completed is held
// as what has come until there is no more, and becomes a map then: ordered once, however often it was completed.

type Entries = Vec<(CompactString, Value)>;

/// Data, as far as they have come.
enum HeldData {
    Raw(Vec<u8>),
    Structured(Entries),
}

impl From<HeldData> for Data {
    fn from(held: HeldData) -> Self {
        match held {
            HeldData::Raw(bytes) => Self::Raw(bytes),
            HeldData::Structured(entries) => Self::Structured(entries.into_iter().collect()),
        }
    }
}

/// A value, as far as it has come.
enum Held {
    Scalar(Value),
    Struct(Entries),
    List(Vec<Value>),
}

impl From<Held> for Value {
    fn from(held: Held) -> Self {
        match held {
            Held::Scalar(value) => value,
            Held::Struct(entries) => Self::Object(entries.into_iter().collect()),
            Held::List(values) => Self::Array(values),
        }
    }
}

fn record(message: &[u8]) -> Result<opencdc::Record, Fault> {
    let mut position: &[u8] = &[];
    let mut number = 0;
    let mut metadata = Vec::new();
    let mut key = None;
    let (mut before, mut after) = (None, None);
    let mut fields = Fields::of(message);
    while let Some(first) = fields.key()? {
        match first {
            key::POSITION => position = fields.bytes()?,
            // An enum is 32 bits of what is there.
            key::OPERATION => number = fields.varint()? as i32,
            key::METADATA => metadata.push(entry(fields.bytes()?)?),
            key::KEY => data(fields.bytes()?, &mut key)?,
            key::PAYLOAD => change(fields.bytes()?, &mut before, &mut after)?,
            other => fields.skip(other, field::PAYLOAD)?,
        }
    }
    Ok(opencdc::Record {
        position: Position::new(position),
        operation: operation(number).ok_or(Fault::Operation(number))?,
        metadata: metadata.into_iter().collect(),
        key: key.map(Data::from),
        payload: Change { before: before.map(Data::from), after: after.map(Data::from) },
    })
}

fn change(message: &[u8], before: &mut Option<HeldData>, after: &mut Option<HeldData>) -> Result<(), Fault> {
    let mut fields = Fields::of(message);
    while let Some(key) = fields.key()? {
        match key {
            key::FIRST => data(fields.bytes()?, before)?,
            key::SECOND => data(fields.bytes()?, after)?,
            other => fields.skip(other, 2)?,
        }
    }
    Ok(())
}

fn data(message: &[u8], into: &mut Option<HeldData>) -> Result<(), Fault> {
    let mut fields = Fields::of(message);
    while let Some(key) = fields.key()? {
        match key {
            key::FIRST => *into = Some(HeldData::Raw(fields.bytes()?.to_vec())),
            key::SECOND => {
                if !matches!(into, Some(HeldData::Structured(_))) {
                    *into = Some(HeldData::Structured(Vec::new()));
                }
                if let Some(HeldData::Structured(entries)) = into {
                    structure(fields.bytes()?, entries, 1)?;
                }
            }
            other => fields.skip(other, 2)?,
        }
    }
    Ok(())
}

/// The fields of a `Struct`.
fn structure(message: &[u8], into: &mut Entries, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::TooDeep);
    }
    into.reserve(Fields::of(message).count_first()?);
    let mut fields = Fields::of(message);
    while let Some(message) = fields.first()? {
        let (mut name, mut held) = ("", Held::Scalar(Value::Null));
        let mut entry = Fields::of(message);
        while let Some(key) = entry.key()? {
            match key {
                key::FIRST => name = entry.text()?,
                key::SECOND => value(entry.bytes()?, &mut held, depth)?,
                other => entry.skip(other, 2)?,
            }
        }
        into.push((name.into(), held.into()));
    }
    Ok(())
}

/// A `Value`.
fn value(message: &[u8], into: &mut Held, depth: usize) -> Result<(), Fault> {
    let mut fields = Fields::of(message);
    while let Some(key) = fields.key()? {
        match key {
            key::NULL => {
                fields.varint()?;
                *into = Held::Scalar(Value::Null);
            }
            key::NUMBER => *into = Held::Scalar(number_of(f64::from_bits(fields.fixed64()?))),
            key::STRING => *into = Held::Scalar(Value::String(fields.text()?.into())),
            key::BOOL => *into = Held::Scalar(Value::Bool(fields.varint()? != 0)),
            key::STRUCT => {
                if !matches!(into, Held::Struct(_)) {
                    *into = Held::Struct(Vec::new());
                }
                if let Held::Struct(entries) = into {
                    structure(fields.bytes()?, entries, depth + 1)?;
                }
            }
            key::LIST => {
                if !matches!(into, Held::List(_)) {
                    *into = Held::List(Vec::new());
                }
                if let Held::List(values) = into {
                    list(fields.bytes()?, values, depth + 1)?;
                }
            }
            other => fields.skip(other, 6)?,
        }
    }
    Ok(())
}

fn list(message: &[u8], into: &mut Vec<Value>, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::TooDeep);
    }
    into.reserve(Fields::of(message).count_first()?);
    let mut fields = Fields::of(message);
    while let Some(message) = fields.first()? {
        let mut held = Held::Scalar(Value::Null);
        value(message, &mut held, depth)?;
        into.push(held.into());
    }
    Ok(())
}

fn operation(number: i32) -> Option<Operation> {
    [Operation::Create, Operation::Update, Operation::Delete, Operation::Snapshot]
        .into_iter()
        .find(|operation| i32::from(encode::number(*operation)) == number)
}

fn entry(message: &[u8]) -> Result<(CompactString, CompactString), Fault> {
    let (mut name, mut value) = ("", "");
    let mut fields = Fields::of(message);
    while let Some(key) = fields.key()? {
        match key {
            key::FIRST => name = fields.text()?,
            key::SECOND => value = fields.text()?,
            other => fields.skip(other, 2)?,
        }
    }
    Ok((Metadata::held_name(name), value.into()))
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
