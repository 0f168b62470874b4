//! Records to bytes.

use bytes::{Bytes, BytesMut};
use opencdc::{Data, Map, Operation, Value};
use thiserror::Error;

use super::backward::Backward;
use super::{MAX_DEPTH, Record, TYPICAL, field};

/// A record that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Its data has more levels of maps and lists in one another than [`MAX_DEPTH`].
    #[error(
        "the record at position {position} has maps and lists in one another over more than {MAX_DEPTH} levels; send it flatter, or as raw data"
    )]
    TooDeep {
        /// The record's position, as text.
        position: String,
    },
}

/// Makes messages of many records, which share their memory: as long as one of them is there, it is kept.
///
/// ```
/// use conduit_connector_protocol::record::Encoder;
/// use opencdc::{Data, Metadata, Position, Record, value};
///
/// let record = Record::create(
///     Position::new(*b"1"),
///     Metadata::new(),
///     Data::from([("id", "51")]),
///     Data::try_from(value!({"id": "51", "count": 3}))?,
/// );
/// let mut encoder = Encoder::new();
/// let message = encoder.encode(&record)?;
/// assert_eq!(message.position(), b"1");
/// assert_eq!(Record::try_from(&message)?, record);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Encoder {
    one: Backward,
    all: BytesMut,
}

impl Encoder {
    /// How many bytes of records are allocated at once.
    const BLOCK: usize = 64 << 10;

    /// An encoder.
    pub fn new() -> Self {
        Self { one: Backward::with_capacity(2 * TYPICAL), all: BytesMut::new() }
    }

    /// The message that the record is.
    ///
    /// # Errors
    /// When the record's data is too deep.
    pub fn encode(&mut self, record: &opencdc::Record) -> Result<Record, EncodeError> {
        self.one.clear();
        put_record(&mut self.one, record)
            .map_err(|TooDeep| EncodeError::TooDeep { position: record.position.to_string() })?;
        let bytes = self.one.written();
        if self.all.capacity() < bytes.len() {
            self.all = BytesMut::with_capacity(Self::BLOCK.max(bytes.len()));
        }
        self.all.extend_from_slice(bytes);
        Ok(Record { bytes: self.all.split().freeze() })
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl TryFrom<&opencdc::Record> for Record {
    type Error = EncodeError;

    fn try_from(record: &opencdc::Record) -> Result<Self, EncodeError> {
        let mut bytes = Backward::with_capacity(TYPICAL);
        put_record(&mut bytes, record)
            .map_err(|TooDeep| EncodeError::TooDeep { position: record.position.to_string() })?;
        Ok(Self { bytes: Bytes::copy_from_slice(bytes.written()) })
    }
}

impl TryFrom<opencdc::Record> for Record {
    type Error = EncodeError;

    fn try_from(record: opencdc::Record) -> Result<Self, EncodeError> {
        Self::try_from(&record)
    }
}

/// Data with more levels than may be.
struct TooDeep;

fn put_record(out: &mut Backward, record: &opencdc::Record) -> Result<(), TooDeep> {
    // From the last field to the first, and so in everything below.
    out.put_message(field::bytes(field::PAYLOAD), |out| {
        if let Some(after) = &record.payload.after {
            put_data(out, field::bytes(2), after)?;
        }
        if let Some(before) = &record.payload.before {
            put_data(out, field::bytes(1), before)?;
        }
        Ok(())
    })?;
    if let Some(key) = &record.key {
        put_data(out, field::bytes(field::KEY), key)?;
    }
    for (name, value) in record.metadata.iter().rev() {
        out.put_message(field::bytes(field::METADATA), |out| {
            if !value.is_empty() {
                out.put_bytes(field::bytes(2), value.as_bytes());
            }
            put_name(out, name);
            Ok(())
        })?;
    }
    out.put(&[field::varint(field::OPERATION), number(record.operation)]);
    if !record.position.is_empty() {
        out.put_bytes(field::bytes(field::POSITION), record.position.as_bytes());
    }
    Ok(())
}

/// An operation's number, which is one byte on the wire.
pub(super) const fn number(operation: Operation) -> u8 {
    match operation {
        Operation::Create => 1,
        Operation::Update => 2,
        Operation::Delete => 3,
        Operation::Snapshot => 4,
    }
}

fn put_data(out: &mut Backward, key: u8, data: &Data) -> Result<(), TooDeep> {
    out.put_message(key, |out| match data {
        Data::Raw(bytes) => {
            out.put_bytes(field::bytes(1), bytes);
            Ok(())
        }
        Data::Structured(map) => out.put_message(field::bytes(2), |out| put_struct(out, map, 1)),
    })
}

/// The fields of a `Struct`, which is a map from names to values.
fn put_struct(out: &mut Backward, map: &Map, depth: usize) -> Result<(), TooDeep> {
    if depth > MAX_DEPTH {
        return Err(TooDeep);
    }
    for (name, value) in map.iter().rev() {
        out.put_message(field::bytes(1), |out| {
            out.put_message(field::bytes(2), |out| put_value(out, value, depth))?;
            put_name(out, name);
            Ok(())
        })?;
    }
    Ok(())
}

/// The one field of a `Value`, whose number says of what kind it is.
fn put_value(out: &mut Backward, value: &Value, depth: usize) -> Result<(), TooDeep> {
    match value {
        Value::Null => out.put(&[field::varint(1), 0]),
        Value::Bool(yes) => out.put(&[field::varint(4), u8::from(*yes)]),
        Value::Number(number) => {
            let mut bytes = [field::fixed64(2); 9];
            bytes[1..].copy_from_slice(&number.as_f64().unwrap_or(f64::NAN).to_le_bytes());
            out.put(&bytes);
        }
        Value::String(text) => out.put_bytes(field::bytes(3), text.as_bytes()),
        Value::Object(map) => out.put_message(field::bytes(5), |out| put_struct(out, map, depth + 1))?,
        Value::Array(values) => out.put_message(field::bytes(6), |out| put_list(out, values, depth + 1))?,
    }
    Ok(())
}

fn put_list(out: &mut Backward, values: &[Value], depth: usize) -> Result<(), TooDeep> {
    if depth > MAX_DEPTH {
        return Err(TooDeep);
    }
    for value in values.iter().rev() {
        out.put_message(field::bytes(1), |out| put_value(out, value, depth))?;
    }
    Ok(())
}

/// The name in an entry of a map. An empty one is the default, and left out.
fn put_name(out: &mut Backward, name: &str) {
    if !name.is_empty() {
        out.put_bytes(field::bytes(1), name.as_bytes());
    }
}
