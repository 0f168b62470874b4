//! Records on the wire: [`opencdc::Record`] to the bytes of a protobuf message and back, in one step each way.
//!
//! A record's fields are arbitrary, so a message generated from the `.proto` file holds them as a tree of its own: each record would be
//! turned into that tree, measured level by level, and written from it. [`Record`] is written by hand instead and holds the message's
//! bytes: encoding writes them straight from the fields, decoding makes the fields straight from them.
//!
//! # What becomes of values
//!
//! Structured data travels as protobuf's `Struct`, whose values are fewer than those of JSON and Rust. What ends as another value is
//! said here; all else arrives as it was sent. The Go SDK does the same except where the last column says so.
//!
//! | sent | arrives as | in Go |
//! |---|---|---|
//! | an integer up to 2^53 either way from zero | that integer: a double that is a whole number is an integer again | `float64` |
//! | a larger integer | the nearest double: an integer up to 2^53, a float beyond. Digits are lost; raw data, such as what a schema encodes, keeps them | the same double |
//! | `2.0`, a float that is a whole number up to 2^53 | `2` | `float64` |
//! | `-0.0` | `0` | `-0` |
//! | NaN and the infinities, which only other programs send: JSON has none | null | the texts `NaN`, `Infinity`, `-Infinity` |
//! | a value without a kind | null | `nil` |
//! | an empty map, list or text; null | itself | itself |
//! | maps and lists in one another, up to [`MAX_DEPTH`] levels | themselves | up to 10,000 messages in one another, which is at least 3,300 levels |
//! | deeper | [`EncodeError::TooDeep`] or [`DecodeError::TooDeep`], for that record alone | the message is refused, and with it the stream |
//! | text that is no UTF-8 | [`DecodeError::Malformed`], for that record alone; Rust has no such text to send | the message is refused, and with it the stream |
//! | an operation without a meaning | [`DecodeError::UnknownOperation`], for that record alone | the record as it is |
//! | data that is absent; data without a kind | absent | `nil` |
//! | a field that `OpenCDC` doesn't have | left out | left out |
//!
//! Metadata are text both ways, and their order is no part of them: they are sent in that of their names.

mod backward;
mod decode;
mod encode;
mod field;
mod many;
#[cfg(test)]
mod tests;

use std::{fmt, mem};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{self, DecodeContext, WireType};

pub use decode::DecodeError;
pub use encode::{EncodeError, Encoder};

/// How many levels of maps and lists in one another a record's data may have; the data itself is the first.
///
/// It is the number that most implementations of protobuf allow messages in one another, and bounds how deep any code that goes through
/// a record has to go. JSON text as deep as `serde_json` parses has a few levels more.
pub const MAX_DEPTH: usize = 100;

/// About what a record has; room for it is made at once.
const TYPICAL: usize = 512;

/// A record as a message: `opencdc.v1.Record`, as the bytes that it has on the wire.
///
/// Made of an [`opencdc::Record`] with `try_from`, or many of them with an [`Encoder`]; made into one with `try_from` again. What is no
/// record shows there and not before, so that one bad record in a message doesn't take the others with it.
///
/// Two of them are equal when their bytes are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Record {
    bytes: Bytes,
}

impl Record {
    /// The bytes on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The record's position, found without decoding the rest: empty where there is none, or where the bytes are no record.
    pub fn position(&self) -> &[u8] {
        decode::position(&self.bytes).unwrap_or_default()
    }

    /// Appends one field as it stands in the message it came in. Fields that come again replace or complete what was there, and that is
    /// decided when the record is decoded.
    fn append(&mut self, tag: u32, wire_type: WireType, number_or_length: u64, content: &[u8]) {
        let mut bytes = BytesMut::from(mem::take(&mut self.bytes));
        let more = content.len() + 2 * field::MOST;
        bytes.reserve(if bytes.is_empty() { more.max(TYPICAL) } else { more });
        encoding::encode_key(tag, wire_type, &mut bytes);
        encoding::encode_varint(number_or_length, &mut bytes);
        bytes.extend_from_slice(content);
        self.bytes = bytes.freeze();
    }
}

impl Message for Record {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.bytes);
    }

    fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        match tag {
            field::OPERATION => {
                encoding::check_wire_type(WireType::Varint, wire_type)?;
                let operation = encoding::decode_varint(buf)?;
                self.append(tag, wire_type, operation, &[]);
                Ok(())
            }
            field::POSITION | field::METADATA | field::KEY | field::PAYLOAD => {
                let mut content = Bytes::new();
                encoding::bytes::merge(wire_type, &mut content, buf, ctx)?;
                self.append(tag, wire_type, content.len() as u64, &content);
                Ok(())
            }
            _ => encoding::skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// Says which record it is; its data may be anybody's.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("position", &String::from_utf8_lossy(self.position()))
            .field("bytes", &self.bytes.len())
            .finish()
    }
}
