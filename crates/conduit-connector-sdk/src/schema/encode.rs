//! Values to Avro's binary form, straight from JSON.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opencdc::{Map, Number, Value};
use thiserror::Error;

use super::logical;
use super::parse::{Field, MAX_DEPTH, Node, NodeId, Schema};

/// Integers up to this have a double of their own.
const EXACT_IN_DOUBLE: u64 = 1 << 53;

/// Why a value doesn't fit a schema. It names the field and says what kind of value is there, but not the value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{why}", Place(path))]
pub struct EncodeError {
    /// From the inside out.
    path: Vec<String>,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Kind { schema: &'static str, value: &'static str },
    Missing(String),
    Unknown,
    Range(&'static str),
    TooDeep,
}

/// A path, with what comes after it.
struct Place<'a>(&'a [String]);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let path: Vec<&str> = self.0.iter().rev().map(String::as_str).collect();
        write!(f, "the field {:?}: ", path.join("."))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { schema, value } => write!(f, "the schema has {schema} where there is {value}"),
            Self::Missing(field) => write!(f, "the field {field:?} is missing"),
            Self::Unknown => f.write_str("the schema has no such field"),
            Self::Range(schema) => write!(f, "the value has no place in {schema}"),
            Self::TooDeep => write!(f, "values lie more than {MAX_DEPTH} deep in each other"),
        }
    }
}

impl EncodeError {
    pub(super) fn new(why: Why) -> Self {
        Self { path: Vec::new(), why }
    }

    pub(super) fn within(mut self, name: impl Into<String>) -> Self {
        self.path.push(name.into());
        self
    }
}

/// How much a value may differ from what a schema says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Not at all: decoding gives back the very same value.
    Exact,
    /// As a source may state it: an integer stands for a floating-point number that is equal to it, and a field that is missing
    /// has its default.
    Stated,
}

impl Schema {
    /// The fields in Avro's binary form: by a schema that is a record, or a map.
    ///
    /// | Avro | JSON |
    /// |---|---|
    /// | null, boolean, string, array, map, record | as in JSON |
    /// | int, long | an integer in their range |
    /// | float, double | a number; an integer where it is exact |
    /// | bytes, fixed | their base64 |
    /// | enum | the symbol |
    /// | union | what fits the first of its types that takes it; an integer rather an int or long than a double |
    /// | date | `2024-02-29`; read without the zeros too |
    /// | timestamp-millis, -micros, -nanos | RFC 3339, with no more digits of the second than they have; `local-timestamp`s without an offset |
    /// | time-millis, time-micros | nanoseconds, as an integer |
    /// | decimal | its digits as text, with as many decimals as the schema says |
    ///
    /// A field that is missing has its default. One that the schema doesn't know is an error: nothing is left out.
    ///
    /// Decoding gives the same fields, with the defaults in place and numbers of the schema's type (`1.0` for the integer 1 of a double).
    /// A date comes back as `2024-02-29`; a timestamp as the same instant in UTC, as `2024-02-29T12:00:00.500Z`, with no, 3, 6 or 9
    /// digits of the second, however it was written.
    ///
    /// # Errors
    /// When the fields don't fit.
    pub fn encode(&self, fields: &Map) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        self.encode_into(fields, Fit::Stated, &mut out)?;
        Ok(out)
    }

    /// The same, behind what is there; when it fails, what it has written is taken back.
    pub(super) fn encode_into(&self, fields: &Map, fit: Fit, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let before = out.len();
        let result = Writer::new(self, fit, out).fields(self.root, fields);
        if result.is_err() {
            out.truncate(before);
        }
        result
    }
}

/// Writes values behind what is there.
pub(super) struct Writer<'a> {
    schema: &'a Schema,
    fit: Fit,
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(schema: &'a Schema, fit: Fit, out: &'a mut Vec<u8>) -> Self {
        Self { schema, fit, out }
    }

    fn fields(&mut self, node: NodeId, fields: &Map) -> Result<(), EncodeError> {
        let schema: &'a Schema = self.schema;
        match &schema.nodes[node] {
            Node::Record(declared) => self.record(declared, fields, 0),
            Node::Map(values) => self.map(*values, fields, 0),
            _ => Err(EncodeError::new(Why::Kind { schema: schema.name_of(node), value: "a map of fields" })),
        }
    }

    pub(super) fn value(&mut self, node: NodeId, value: &Value, depth: usize) -> Result<(), EncodeError> {
        if depth >= MAX_DEPTH {
            return Err(EncodeError::new(Why::TooDeep));
        }
        let schema: &'a Schema = self.schema;
        let it = &schema.nodes[node];
        match (it, value) {
            (Node::Null, Value::Null) => {}
            (Node::Boolean, Value::Bool(bool)) => self.out.push(u8::from(*bool)),
            (Node::Int | Node::Long, Value::Number(number)) if !number.is_f64() => self.integer(it, number)?,
            (Node::Float | Node::Double, Value::Number(number)) => self.float(it, number)?,
            (Node::String, Value::String(text)) => self.bytes(text.as_bytes()),
            (Node::Array(items), Value::Array(list)) => {
                if !list.is_empty() {
                    self.long(list.len() as i64);
                    for (index, item) in list.iter().enumerate() {
                        self.value(*items, item, depth + 1).map_err(|error| error.within(index.to_string()))?;
                    }
                }
                self.long(0);
            }
            (Node::Map(values), Value::Object(map)) => self.map(*values, map, depth)?,
            (Node::Record(fields), Value::Object(map)) => self.record(fields, map, depth)?,
            (Node::Union(branches), value) => self.union(branches, value, depth)?,
            (Node::Enum(symbols), Value::String(text)) => {
                let index = symbols.iter().position(|symbol| symbol == text);
                self.long(index.ok_or_else(|| EncodeError::new(Why::Range("the symbols of the enum")))? as i64);
            }
            (Node::Bytes | Node::Fixed(_), Value::String(text)) => {
                let bytes = STANDARD.decode(text).map_err(|_| EncodeError::new(Why::Range("base64")))?;
                match it {
                    Node::Fixed(size) if *size == bytes.len() => self.out.extend_from_slice(&bytes),
                    Node::Fixed(_) => return Err(EncodeError::new(Why::Range("the size of the fixed"))),
                    _ => self.bytes(&bytes),
                }
            }
            (Node::Date | Node::Timestamp(_) | Node::LocalTimestamp(_), Value::String(text)) => {
                let long = match it {
                    Node::Date => logical::days(text).map(i64::from),
                    Node::Timestamp(precision) => logical::timestamp(text, *precision),
                    Node::LocalTimestamp(precision) => logical::local_timestamp(text, *precision),
                    _ => None,
                };
                self.long(long.ok_or_else(|| EncodeError::new(Why::Range(schema.name_of(node))))?);
            }
            (Node::TimeMillis | Node::TimeMicros, Value::Number(number)) => {
                let unit = if matches!(it, Node::TimeMillis) { 1_000_000 } else { 1_000 };
                let long = number.as_i64().filter(|nanos| nanos % unit == 0).map(|nanos| nanos / unit);
                let long = long.filter(|long| unit == 1_000 || i32::try_from(*long).is_ok());
                self.long(long.ok_or_else(|| EncodeError::new(Why::Range(schema.name_of(node))))?);
            }
            (Node::Decimal { scale, size }, Value::String(text)) => {
                let bytes = logical::decimal_bytes(text, *scale, *size)
                    .ok_or_else(|| EncodeError::new(Why::Range("decimal")))?;
                if size.is_some() {
                    self.out.extend_from_slice(&bytes);
                } else {
                    self.bytes(&bytes);
                }
            }
            _ => return Err(EncodeError::new(Why::Kind { schema: schema.name_of(node), value: kind(value) })),
        }
        Ok(())
    }

    fn record(&mut self, fields: &[Field], map: &Map, depth: usize) -> Result<(), EncodeError> {
        // Where both are in the order of names, as they mostly are, nothing has to be looked up.
        let mut next = map.iter();
        let mut found = 0;
        for field in fields {
            let value = match next.next() {
                Some((name, value)) if name == field.name => Some(value),
                _ => map.get(&field.name),
            };
            match (value, &field.default) {
                (Some(value), _) => {
                    found += 1;
                    self.value(field.node, value, depth + 1).map_err(|error| error.within(field.name.as_str()))?;
                }
                (None, Some(default)) if self.fit == Fit::Stated => self.out.extend_from_slice(&default.bytes),
                (None, _) => return Err(EncodeError::new(Why::Missing(field.name.to_string()))),
            }
        }
        if found < map.len() {
            let unknown = map.keys().find(|name| fields.iter().all(|field| field.name != *name));
            return Err(EncodeError::new(Why::Unknown).within(unknown.unwrap_or_default()));
        }
        Ok(())
    }

    fn map(&mut self, values: NodeId, map: &Map, depth: usize) -> Result<(), EncodeError> {
        if !map.is_empty() {
            self.long(map.len() as i64);
            for (name, value) in map {
                self.bytes(name.as_bytes());
                self.value(values, value, depth + 1).map_err(|error| error.within(name))?;
            }
        }
        self.long(0);
        Ok(())
    }

    fn union(&mut self, branches: &[NodeId], value: &Value, depth: usize) -> Result<(), EncodeError> {
        let before = self.out.len();
        // An integer is one wherever it can be; only then it is a floating-point number that is equal to it.
        let integer_first = self.fit == Fit::Stated && matches!(value, Value::Number(number) if !number.is_f64());
        let mut nearest = None;
        for pass in 0..=u8::from(integer_first) {
            for (index, &branch) in branches.iter().enumerate() {
                let is_float = matches!(self.schema.nodes[branch], Node::Float | Node::Double);
                if !self.may_take(branch, value) || (integer_first && is_float != (pass == 1)) {
                    continue;
                }
                self.long(index as i64);
                match self.value(branch, value, depth + 1) {
                    Ok(()) => return Ok(()),
                    Err(error) => {
                        self.out.truncate(before);
                        nearest.get_or_insert(error);
                    }
                }
            }
        }
        Err(nearest.unwrap_or_else(|| EncodeError::new(Why::Kind { schema: "union", value: kind(value) })))
    }

    /// Whether it is worth trying: most branches of a union are of another kind.
    fn may_take(&self, node: NodeId, value: &Value) -> bool {
        match self.schema.nodes[node] {
            Node::Null => value.is_null(),
            Node::Boolean => value.is_boolean(),
            Node::Int | Node::Long | Node::Float | Node::Double | Node::TimeMillis | Node::TimeMicros => {
                value.is_number()
            }
            Node::Array(_) => value.is_array(),
            Node::Map(_) | Node::Record(_) => value.is_object(),
            Node::Union(_) => true,
            _ => value.is_string(),
        }
    }

    fn integer(&mut self, node: &Node, number: &Number) -> Result<(), EncodeError> {
        let long = number.as_i64().ok_or_else(|| EncodeError::new(Why::Range("long")))?;
        if matches!(node, Node::Int) && i32::try_from(long).is_err() {
            return Err(EncodeError::new(Why::Range("int")));
        }
        self.long(long);
        Ok(())
    }

    fn float(&mut self, node: &Node, number: &Number) -> Result<(), EncodeError> {
        let kind = if matches!(node, Node::Float) { "float" } else { "double" };
        let exact = if let Some(integer) = number.as_i64() {
            self.fit == Fit::Stated && integer.unsigned_abs() <= EXACT_IN_DOUBLE
        } else {
            // A double, or an integer that no type of Avro holds: the nearest double then stands for it.
            true
        };
        let double = number.as_f64().filter(|_| exact).ok_or_else(|| EncodeError::new(Why::Range(kind)))?;
        if matches!(node, Node::Float) {
            let float = double as f32;
            if f64::from(float).to_bits() != double.to_bits() {
                return Err(EncodeError::new(Why::Range(kind)));
            }
            self.out.extend_from_slice(&float.to_le_bytes());
        } else {
            self.out.extend_from_slice(&double.to_le_bytes());
        }
        Ok(())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.long(bytes.len() as i64);
        self.out.extend_from_slice(bytes);
    }

    /// An int or a long: zigzag, seven bits a byte, the least first.
    pub(super) fn long(&mut self, long: i64) {
        let mut rest = ((long << 1) ^ (long >> 63)) as u64;
        while rest >= 0x80 {
            self.out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.out.push(rest as u8);
    }
}

/// What a value is called, in messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
