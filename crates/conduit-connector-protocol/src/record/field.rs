//! Fields of messages: their numbers, and reading them one by one.

use super::decode::Fault;

/// The most bytes of a varint.
pub(super) const MOST: usize = 10;

/// Fields of `opencdc.v1.Record`.
pub(super) const POSITION: u32 = 1;
pub(super) const OPERATION: u32 = 2;
pub(super) const METADATA: u32 = 3;
pub(super) const KEY: u32 = 4;
pub(super) const PAYLOAD: u32 = 5;

/// The wire types of fields.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;
const FIXED32: u8 = 5;

/// The first byte of a field that is a varint.
pub(super) const fn varint(number: u32) -> u8 {
    (number as u8) << 3 | VARINT
}

/// The first byte of a field of eight bytes.
pub(super) const fn fixed64(number: u32) -> u8 {
    (number as u8) << 3 | FIXED64
}

/// The first byte of a field of bytes, text or a message.
pub(super) const fn bytes(number: u32) -> u8 {
    (number as u8) << 3 | BYTES
}

/// What a field holds.
pub(super) enum Content<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// What no message here has: four bytes.
    Fixed32,
}

impl<'a> Content<'a> {
    pub(super) fn varint(self) -> Result<u64, Fault> {
        if let Self::Varint(number) = self { Ok(number) } else { Err(Fault::Malformed("a field has another type")) }
    }

    pub(super) fn fixed64(self) -> Result<u64, Fault> {
        if let Self::Fixed64(number) = self { Ok(number) } else { Err(Fault::Malformed("a field has another type")) }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], Fault> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(Fault::Malformed("a field has another type")) }
    }

    pub(super) fn text(self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Fault::Malformed("a text is not UTF-8"))
    }
}

/// The fields of one message.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// The next field: its number and what it holds; nothing at the message's end.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Content<'a>)>, Fault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| Fault::Malformed("a field's number is too large"))?;
        let number = key >> 3;
        if number == 0 {
            return Err(Fault::Malformed("a field has the number 0"));
        }
        let content = match (key & 7) as u8 {
            VARINT => Content::Varint(self.varint()?),
            FIXED64 => {
                let (bytes, rest) = self.0.split_first_chunk().ok_or(Fault::TRUNCATED)?;
                self.0 = rest;
                Content::Fixed64(u64::from_le_bytes(*bytes))
            }
            BYTES => {
                let length = usize::try_from(self.varint()?).map_err(|_| Fault::TRUNCATED)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(Fault::TRUNCATED)?;
                self.0 = rest;
                Content::Bytes(bytes)
            }
            FIXED32 => {
                let (_, rest) = self.0.split_first_chunk::<4>().ok_or(Fault::TRUNCATED)?;
                self.0 = rest;
                Content::Fixed32
            }
            _ => return Err(Fault::Malformed("a field is a group, or of no type")),
        };
        Ok(Some((number, content)))
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        if let [byte, rest @ ..] = self.0
            && *byte < 0x80
        {
            self.0 = rest;
            return Ok(u64::from(*byte));
        }
        let mut number = 0;
        for (place, byte) in self.0.iter().take(MOST).enumerate() {
            // The tenth byte has room for one bit.
            if place == MOST - 1 && *byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.0 = &self.0[place + 1..];
                return Ok(number);
            }
        }
        Err(if self.0.len() < MOST { Fault::TRUNCATED } else { Fault::Malformed("a number has too many digits") })
    }
}
