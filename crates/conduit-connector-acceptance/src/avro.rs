//! Avro, as far as the suite needs it: to see that what a source encoded can be decoded, and to encode records for
//! destinations. It is written from Avro's specification and shares nothing with the connectors under test.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// How deep a value may be. A schema may name itself, so that bytes say how deep it goes.
const MAX_DEPTH: usize = 64;

/// How many items a block may have. Items may take no bytes at all, so that a few bytes could say any number.
const MAX_ITEMS: i64 = 1_000_000;

/// A schema, ready to decode with.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Node,
    /// Records, enums and fixed by their full names.
    names: HashMap<String, Node>,
}

#[derive(Clone, Debug)]
enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(Vec<String>),
    Array(Box<Node>),
    Map(Box<Node>),
    Union(Vec<Node>),
    Record(Vec<(String, Node)>),
    Named(String),
}

impl Schema {
    /// Reads a schema's JSON.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let json: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut names = HashMap::new();
        let root = node(&json, "", &mut names)?;
        Ok(Self { root, names })
    }

    /// Decodes one value. All bytes must be used.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Value, String> {
        let mut rest = Bytes(bytes);
        let value = self.value(&self.root, &mut rest, 0)?;
        if rest.0.is_empty() { Ok(value) } else { Err(format!("{} bytes are left over", rest.0.len())) }
    }

    fn value(&self, node: &Node, bytes: &mut Bytes<'_>, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("the value is deeper than {MAX_DEPTH} levels"));
        }
        let inside = depth + 1;
        Ok(match node {
            Node::Null => Value::Null,
            Node::Boolean => match bytes.take(1)? {
                [0] => false.into(),
                [1] => true.into(),
                other => return Err(format!("{other:?} is no boolean")),
            },
            Node::Int => i32::try_from(bytes.long()?).map_err(|_| "an int has more than 32 bits")?.into(),
            Node::Long => bytes.long()?.into(),
            Node::Float => f32::from_le_bytes(bytes.array()?).into(),
            Node::Double => f64::from_le_bytes(bytes.array()?).into(),
            Node::Bytes => String::from_utf8_lossy(bytes.sized()?).into(),
            Node::String => std::str::from_utf8(bytes.sized()?).map_err(|error| error.to_string())?.into(),
            Node::Fixed(size) => String::from_utf8_lossy(bytes.take(*size)?).into(),
            Node::Enum(symbols) => bytes.choice(symbols)?.as_str().into(),
            Node::Union(branches) => self.value(bytes.choice(branches)?, bytes, inside)?,
            Node::Array(items) => {
                let mut values = Vec::new();
                bytes.blocks(|bytes| {
                    values.push(self.value(items, bytes, inside)?);
                    Ok(())
                })?;
                values.into()
            }
            Node::Map(items) => {
                let mut values = Map::new();
                bytes.blocks(|bytes| {
                    let name = std::str::from_utf8(bytes.sized()?).map_err(|error| error.to_string())?;
                    values.insert(name.to_owned(), self.value(items, bytes, inside)?);
                    Ok(())
                })?;
                values.into()
            }
            Node::Record(fields) => {
                let mut values = Map::new();
                for (name, field) in fields {
                    let value = self.value(field, bytes, inside).map_err(|error| format!("field {name}: {error}"))?;
                    values.insert(name.clone(), value);
                }
                values.into()
            }
            Node::Named(name) => {
                let named = self.names.get(name).ok_or_else(|| format!("{name} is defined nowhere"))?;
                self.value(named, bytes, inside)?
            }
        })
    }
}

fn node(json: &Value, namespace: &str, names: &mut HashMap<String, Node>) -> Result<Node, String> {
    match json {
        Value::String(name) => Ok(primitive(name).unwrap_or_else(|| Node::Named(full_name(name, namespace)))),
        Value::Array(branches) => {
            branches.iter().map(|branch| node(branch, namespace, names)).collect::<Result<_, _>>().map(Node::Union)
        }
        Value::Object(object) => complex(object, namespace, names),
        other => Err(format!("{other} is no schema")),
    }
}

fn primitive(name: &str) -> Option<Node> {
    Some(match name {
        "null" => Node::Null,
        "boolean" => Node::Boolean,
        "int" => Node::Int,
        "long" => Node::Long,
        "float" => Node::Float,
        "double" => Node::Double,
        "bytes" => Node::Bytes,
        "string" => Node::String,
        _ => return None,
    })
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn complex(object: &Map<String, Value>, namespace: &str, names: &mut HashMap<String, Node>) -> Result<Node, String> {
    let inner = |name: &str| object.get(name).ok_or_else(|| format!("{name:?} is missing in {object:?}"));
    let texts = |name: &str| inner(name)?.as_array().ok_or_else(|| format!("{name:?} is no list"));
    let kind = match inner("type")? {
        Value::String(kind) => kind.as_str(),
        // `{"type": {"type": "string"}}` is a schema as well.
        nested => return node(nested, namespace, names),
    };
    let parsed = match kind {
        "array" => return node(inner("items")?, namespace, names).map(|items| Node::Array(Box::new(items))),
        "map" => return node(inner("values")?, namespace, names).map(|values| Node::Map(Box::new(values))),
        "fixed" => Node::Fixed(inner("size")?.as_u64().ok_or("the size of a fixed is no number")? as usize),
        "enum" => {
            Node::Enum(texts("symbols")?.iter().map(|symbol| symbol.as_str().unwrap_or_default().to_owned()).collect())
        }
        "record" | "error" => Node::Record(Vec::new()),
        other => return node(&Value::String(other.to_owned()), namespace, names),
    };
    let name = inner("name")?.as_str().ok_or("a name is no text")?;
    let namespace = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
    let full = full_name(name, namespace);
    let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
    names.insert(full.clone(), parsed);
    if matches!(kind, "record" | "error") {
        let mut fields = Vec::new();
        for field in texts("fields")? {
            let name = field.get("name").and_then(Value::as_str).ok_or("a field has no name")?;
            let kind = field.get("type").ok_or_else(|| format!("the field {name} has no type"))?;
            fields.push((name.to_owned(), node(kind, &namespace, names)?));
        }
        names.insert(full.clone(), Node::Record(fields));
    }
    Ok(Node::Named(full))
}

/// What is left to decode.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("the bytes end too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "the bytes end too early".to_owned())
    }

    /// A number of variable length, zigzag.
    fn long(&mut self) -> Result<i64, String> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((number >> 1) as i64 ^ -((number & 1) as i64));
            }
        }
        Err("a number has more than 64 bits".to_owned())
    }

    fn sized(&mut self) -> Result<&'a [u8], String> {
        let size = self.long()?;
        self.take(usize::try_from(size).map_err(|_| format!("a size is {size}"))?)
    }

    fn choice<'b, T>(&mut self, of: &'b [T]) -> Result<&'b T, String> {
        let number = self.long()?;
        usize::try_from(number)
            .ok()
            .and_then(|number| of.get(number))
            .ok_or_else(|| format!("there is no choice {number}"))
    }

    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // The block's size in bytes follows, for those who skip it.
                self.long()?;
                count = count.saturating_neg();
            }
            if count > MAX_ITEMS {
                return Err(format!("a block has {count} items"));
            }
            for _ in 0..count {
                item(self)?;
            }
        }
    }
}

/// An Avro schema for these fields, and the fields encoded by it. Nothing when they have names that Avro doesn't allow, lists,
/// or numbers beyond 64 bits.
pub(crate) fn encode(fields: &opencdc::Map) -> Option<(String, Vec<u8>)> {
    let mut records = 0;
    let mut bytes = Vec::new();
    let schema = record(fields, &mut records, &mut bytes)?;
    Some((schema.to_string(), bytes))
}

fn record(fields: &opencdc::Map, records: &mut usize, bytes: &mut Vec<u8>) -> Option<Value> {
    *records += 1;
    let name = format!("record{records}");
    let mut described = Vec::new();
    for (name, value) in fields {
        let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !valid {
            return None;
        }
        let kind = match value {
            opencdc::Value::Null => json!("null"),
            opencdc::Value::Bool(value) => {
                bytes.push(u8::from(*value));
                json!("boolean")
            }
            opencdc::Value::Number(number) => {
                if let Some(number) = number.as_i64() {
                    put_long(number, bytes);
                    json!("long")
                } else {
                    bytes.extend(number.as_f64()?.to_le_bytes());
                    json!("double")
                }
            }
            opencdc::Value::String(text) => {
                put_long(text.len() as i64, bytes);
                bytes.extend(text.as_bytes());
                json!("string")
            }
            opencdc::Value::Array(_) => return None,
            opencdc::Value::Object(fields) => record(fields, records, bytes)?,
        };
        described.push(json!({"name": name, "type": kind}));
    }
    Some(json!({"type": "record", "name": name, "fields": described}))
}

fn put_long(number: i64, bytes: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &Value) -> opencdc::Map {
        json.as_object().unwrap().clone().into()
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        let fields = json!({"id": -3_000_000_000_i64, "ok": true, "none": null, "ratio": 0.5,
            "name": "Zoë", "in": {"in": {"id": 64}}, "empty": {}});
        let (schema, bytes) = encode(&of(&fields)).unwrap();
        assert_eq!(Schema::parse(schema.as_bytes()).unwrap().decode(&bytes), Ok(fields));
        assert!(encode(&of(&json!({"a b": 1}))).is_none());
        assert!(encode(&of(&json!({"a": [1]}))).is_none());
    }

    #[test]
    fn schemas_of_all_kinds_decode() {
        let schema = Schema::parse(
            br#"{"type": "record", "name": "a.R", "fields": [
                {"name": "list", "type": {"type": "array", "items": ["null", "long"]}},
                {"name": "map", "type": {"type": "map", "values": {"type": "int", "logicalType": "date"}}},
                {"name": "kind", "type": {"type": "enum", "name": "E", "symbols": ["x", "y"]}},
                {"name": "again", "type": ["null", "E", {"type": "fixed", "name": "F", "size": 2}]},
                {"name": "self", "type": ["null", "R"]}]}"#,
        )
        .unwrap();
        // Two blocks of the list, the second with its size; one entry of the map.
        let bytes = [2, 0, 1, 4, 2, 6, 0, 2, 2, b'k', 5, 0, 2, 4, b'h', b'i', 0];
        assert_eq!(
            schema.decode(&bytes),
            Ok(json!({"list": [null, 3], "map": {"k": -3}, "kind": "y", "again": "hi", "self": null}))
        );
    }

    #[test]
    fn what_is_no_avro_is_refused() {
        for schema in [&b"{"[..], b"5", br#"{"type": "record", "name": "a"}"#, br#"{"type": "array"}"#] {
            assert!(Schema::parse(schema).is_err());
        }
        let schema = |json: &str| Schema::parse(json.as_bytes()).unwrap();
        assert_eq!(schema(r#""string""#).decode(&[4, b'a']), Err("the bytes end too early".to_owned()));
        assert_eq!(schema(r#""null""#).decode(&[1, 2]), Err("2 bytes are left over".to_owned()));
        assert_eq!(schema(r#"["null"]"#).decode(&[2]), Err("there is no choice 1".to_owned()));
        assert_eq!(schema(r#""nowhere""#).decode(&[]), Err("nowhere is defined nowhere".to_owned()));
        let endless = schema(r#"{"type": "record", "name": "r", "fields": [{"name": "r", "type": "r"}]}"#);
        assert!(endless.decode(&[]).unwrap_err().contains("deeper than"));
    }
}
