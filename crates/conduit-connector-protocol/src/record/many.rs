//! Messages of many records.

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

use super::Record;
use crate::proto::connector::v2::{destination, source};

/// The one field that these messages have.
const RECORDS: u32 = 1;

/// What `cargo xtask codegen` leaves out: such a message gives each record its part of the bytes that have come in. The generated code
/// would read each record's fields, and copy them.
macro_rules! many {
    ($($message:ty),*) => {$(
        impl Message for $message {
            fn encode_raw(&self, buf: &mut impl BufMut) {
                encoding::message::encode_repeated(RECORDS, &self.records, buf);
            }

            fn encoded_len(&self) -> usize {
                encoding::message::encoded_len_repeated(RECORDS, &self.records)
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: WireType,
                buf: &mut impl Buf,
                ctx: DecodeContext,
            ) -> Result<(), DecodeError> {
                if tag != RECORDS {
                    return encoding::skip_field(wire_type, tag, buf, ctx);
                }
                let mut bytes = Bytes::new();
                encoding::bytes::merge(wire_type, &mut bytes, buf, ctx)?;
                self.records.push(Record { bytes });
                Ok(())
            }

            fn clear(&mut self) {
                self.records.clear();
            }
        }
    )*};
}

many!(destination::run::Request, source::run::Response);
