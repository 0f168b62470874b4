//! Avro's binary form to values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opencdc::{Map, Number, Value};
use thiserror::Error;

use super::logical;
use super::parse::{Field, MAX_DEPTH, Node, NodeId, Schema};

/// How many values that take no bytes, such as nulls in a list, there may be beside one for each byte: nothing else bounds them.
const MAX_EMPTY: usize = 65_536;

/// Why bytes are no value of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {at}: {what}")]
pub struct DecodeError {
    /// Where reading stopped.
    at: usize,
    what: &'static str,
}

impl Schema {
    /// The fields that bytes stand for, in the JSON that [`encode`](Self::encode) lists: by a schema that is a record, or a map.
    ///
    /// A number that is not finite, which JSON has no form for, comes out as `"NaN"`, `"Infinity"` or `"-Infinity"`.
    ///
    /// # Errors
    /// When the bytes end too early or too late, or are no value of this schema; and when it has more values that take no bytes, such
    /// as nulls in a list, than there are bytes and 65,536 more: few bytes never become much memory.
    pub fn decode(&self, bytes: &[u8]) -> Result<Map, DecodeError> {
        let mut reader = Reader { schema: self, bytes, at: 0, empty: MAX_EMPTY + bytes.len() };
        let map = match self.nodes[self.root] {
            Node::Record(_) | Node::Map(_) => match reader.value(self.root, 0)? {
                Value::Object(map) => map,
                _ => Map::new(),
            },
            _ => return Err(reader.error("the schema is neither a record nor a map")),
        };
        if reader.at < bytes.len() {
            return Err(reader.error("the value ends here, and there is more"));
        }
        Ok(map)
    }
}

struct Reader<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
    at: usize,
    /// How many more values may take no bytes.
    empty: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, node: NodeId, depth: usize) -> Result<Value, DecodeError> {
        let before = self.at;
        let value = self.value_of_any_size(node, depth)?;
        if self.at == before {
            self.empty =
                self.empty.checked_sub(1).ok_or_else(|| self.error("there are too many values that take no bytes"))?;
        }
        Ok(value)
    }

    fn value_of_any_size(&mut self, node: NodeId, depth: usize) -> Result<Value, DecodeError> {
        // A value lies one deeper in JSON than its union does.
        if depth >= 2 * MAX_DEPTH {
            return Err(self.error("values lie too deep in each other"));
        }
        let schema: &'a Schema = self.schema;
        Ok(match &schema.nodes[node] {
            Node::Null => Value::Null,
            Node::Boolean => match self.take(1)? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                _ => return Err(self.error("a boolean is 0 or 1")),
            },
            Node::Int => self.int()?.into(),
            Node::Long => self.long()?.into(),
            Node::Float => float(f64::from(f32::from_le_bytes(self.array()?))),
            Node::Double => float(f64::from_le_bytes(self.array()?)),
            Node::Bytes => STANDARD.encode(self.sized()?).into(),
            Node::String => self.text()?.into(),
            Node::Fixed(size) => STANDARD.encode(self.take(*size)?).into(),
            Node::Enum(symbols) => {
                let index = usize::try_from(self.int()?).ok();
                let symbol = index.and_then(|index| symbols.get(index));
                symbol.ok_or_else(|| self.error("the enum has no such symbol"))?.as_str().into()
            }
            Node::Array(items) => {
                let mut list = Vec::new();
                self.blocks(|reader| {
                    list.push(reader.value(*items, depth + 1)?);
                    Ok(())
                })?;
                Value::Array(list)
            }
            Node::Map(values) => {
                let mut entries = Vec::new();
                self.blocks(|reader| {
                    entries.push((reader.text()?, reader.value(*values, depth + 1)?));
                    Ok(())
                })?;
                Value::Object(entries.into_iter().collect())
            }
            Node::Union(branches) => {
                let index = usize::try_from(self.long()?).ok();
                let branch = index.and_then(|index| branches.get(index));
                self.value(*branch.ok_or_else(|| self.error("the union has no such type"))?, depth + 1)?
            }
            Node::Record(fields) => {
                let value = |field: &Field| Ok((field.name.clone(), self.value(field.node, depth + 1)?));
                Value::Object(fields.iter().map(value).collect::<Result<_, _>>()?)
            }
            Node::Date => {
                let days = self.int()?;
                logical::date_text(days).ok_or_else(|| self.error("there is no such date"))?.into()
            }
            Node::TimeMillis => (i64::from(self.int()?) * 1_000_000).into(),
            Node::TimeMicros => {
                let micros = self.long()?;
                micros.checked_mul(1_000).ok_or_else(|| self.error("there is no such time"))?.into()
            }
            Node::Timestamp(precision) => {
                let count = self.long()?;
                logical::timestamp_text(count, *precision).ok_or_else(|| self.error("there is no such time"))?.into()
            }
            Node::LocalTimestamp(precision) => {
                let count = self.long()?;
                let text = logical::local_timestamp_text(count, *precision);
                text.ok_or_else(|| self.error("there is no such time"))?.into()
            }
            Node::Decimal { scale, size } => {
                let bytes = match size {
                    Some(size) => self.take(*size)?,
                    None => self.sized()?,
                };
                logical::decimal_text(bytes, *scale).into()
            }
        })
    }

    /// The blocks of a list or a map.
    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), DecodeError>) -> Result<(), DecodeError> {
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // The bytes of the block follow, for those who skip it.
                self.long()?;
                count = count.checked_neg().ok_or_else(|| self.error("a block is too long"))?;
            }
            for _ in 0..count {
                item(self)?;
            }
        }
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.sized()?;
        std::str::from_utf8(bytes).map_err(|_| self.error("a text isn't UTF-8"))
    }

    fn sized(&mut self) -> Result<&'a [u8], DecodeError> {
        let size = usize::try_from(self.long()?).map_err(|_| self.error("a length is negative"))?;
        self.take(size)
    }

    fn take(&mut self, size: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.at.checked_add(size).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.error("the bytes end too early"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn int(&mut self) -> Result<i32, DecodeError> {
        i32::try_from(self.long()?).map_err(|_| self.error("an int is out of its range"))
    }

    fn long(&mut self) -> Result<i64, DecodeError> {
        let mut zigzag: u64 = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            if shift == 63 && byte > 1 {
                break;
            }
            zigzag |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            }
        }
        Err(self.error("an integer has too many bytes"))
    }

    fn error(&self, what: &'static str) -> DecodeError {
        DecodeError { at: self.at, what }
    }
}

fn float(double: f64) -> Value {
    Number::from_f64(double).map_or_else(
        || {
            let text = match double {
                f64::INFINITY => "Infinity",
                f64::NEG_INFINITY => "-Infinity",
                _ => "NaN",
            };
            Value::from(text)
        },
        Value::Number,
    )
}
