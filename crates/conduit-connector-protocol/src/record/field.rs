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

/// The fields of one message, read one by one.
///
/// [`key`](Self::key) gives the first byte of a field; what it holds is then read by the method for its type, or skipped.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// The next field's number and type, as they are on the wire; nothing at the message's end. One byte for the fields of all messages
    /// here: others have another number.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<u64>, Fault> {
        if self.0.is_empty() { Ok(None) } else { self.varint().map(Some) }
    }

    /// The content of a field that is a varint.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        match self.0 {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.0 = rest;
                Ok(u64::from(*byte))
            }
            [low, high, rest @ ..] if *high < 0x80 => {
                self.0 = rest;
                Ok(u64::from(*low & 0x7f) | u64::from(*high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    #[cold]
    fn long_varint(&mut self) -> Result<u64, Fault> {
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

    /// The content of a field of eight bytes.
    #[inline]
    pub(super) fn fixed64(&mut self) -> Result<u64, Fault> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Fault::TRUNCATED)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// The content of a field of bytes, or of a message.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(self.varint()?).map_err(|_| Fault::TRUNCATED)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Fault::TRUNCATED)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The content of a field of text.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Fault::Malformed("a text is not UTF-8"))
    }

    /// The next of the messages that are all that this one has, in its first field; nothing at its end.
    #[inline]
    pub(super) fn first(&mut self) -> Result<Option<&'a [u8]>, Fault> {
        const FIRST: u64 = bytes(1) as u64;
        while let Some(key) = self.key()? {
            if key == FIRST {
                return self.bytes().map(Some);
            }
            self.skip(key, 1)?;
        }
        Ok(None)
    }

    /// How many of these there are: room for all is made at once.
    pub(super) fn count_first(mut self) -> Result<usize, Fault> {
        let mut count = 0;
        while self.first()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Passes a field by that the message doesn't have: its own have numbers from 1 to `own`, and none of them this type.
    #[cold]
    pub(super) fn skip(&mut self, key: u64, own: u32) -> Result<(), Fault> {
        let key = u32::try_from(key).map_err(|_| Fault::Malformed("a field's number is too large"))?;
        let number = key >> 3;
        if number == 0 {
            return Err(Fault::Malformed("a field has the number 0"));
        }
        match (key & 7) as u8 {
            VARINT => {
                self.varint()?;
            }
            FIXED64 => {
                self.fixed64()?;
            }
            BYTES => {
                self.bytes()?;
            }
            FIXED32 => {
                let (_, rest) = self.0.split_first_chunk::<4>().ok_or(Fault::TRUNCATED)?;
                self.0 = rest;
            }
            _ => return Err(Fault::Malformed("a field is a group, or of no type")),
        }
        if number <= own { Err(Fault::Malformed("a field has another type")) } else { Ok(()) }
    }
}
