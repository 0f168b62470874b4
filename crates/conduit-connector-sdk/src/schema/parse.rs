//! Avro schemas, read from JSON into a table that values are written and read by.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use opencdc::CompactString;
use serde_json::{Map, Value};
use thiserror::Error;

use super::defaults;

/// How deep types, and values, may lie in each other. The JSON parser stops there too.
pub(super) const MAX_DEPTH: usize = 128;

/// An Avro schema, ready to encode and decode with.
///
/// Parsed from its JSON text. References to named types, also of a type within itself, namespaces, defaults and the logical
/// types are understood; aliases are not followed, since values are always decoded by the schema that they were encoded with.
///
/// ```
/// use conduit_connector_sdk::schema::Schema;
/// use conduit_connector_sdk::{Map, Value};
///
/// let schema: Schema = r#"{"type":"record","name":"contact","fields":[
///     {"name":"id","type":"long"},
///     {"name":"email","type":["null","string"],"default":null}]}"#.parse()?;
///
/// let contact = Map::from([("id", Value::from(7)), ("email", Value::from("ada@example.com"))]);
/// let bytes = schema.encode(&contact)?;
/// assert_eq!(bytes, b"\x0e\x02\x1eada@example.com");
/// assert_eq!(schema.decode(&bytes)?, contact);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Schema {
    text: String,
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// Where a type stands in a schema's table.
pub(super) type NodeId = usize;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    /// So many bytes.
    Fixed(usize),
    Enum(Vec<String>),
    Array(NodeId),
    Map(NodeId),
    Union(Vec<NodeId>),
    Record(Vec<Field>),
    Date,
    TimeMillis,
    TimeMicros,
    Timestamp(Precision),
    /// The same without a time zone.
    LocalTimestamp(Precision),
    Decimal {
        scale: usize,
        /// How many bytes it has where it is fixed.
        size: Option<usize>,
    },
}

/// What a timestamp counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Millis,
    Micros,
    Nanos,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: CompactString,
    pub(super) node: NodeId,
    pub(super) default: Option<Default>,
}

/// What a field has where a record lacks it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Default {
    value: opencdc::Value,
    /// Encoded.
    pub(super) bytes: Vec<u8>,
}

impl Default {
    pub(super) fn value(&self) -> &opencdc::Value {
        &self.value
    }
}

/// Why a text is no Avro schema.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not an Avro schema: {what}")]
pub struct ParseError {
    what: String,
}

impl ParseError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl Schema {
    /// The text that it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a name can be that of a field, or of a record: letters, digits and underscores of ASCII, not beginning with a digit.
    pub fn is_name(text: &str) -> bool {
        let mut bytes = text.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    /// What a type is called, in messages.
    pub(super) fn name_of(&self, node: NodeId) -> &'static str {
        match &self.nodes[node] {
            Node::Null => "null",
            Node::Boolean => "boolean",
            Node::Int => "int",
            Node::Long => "long",
            Node::Float => "float",
            Node::Double => "double",
            Node::Bytes => "bytes",
            Node::String => "string",
            Node::Fixed(_) => "fixed",
            Node::Enum(_) => "enum",
            Node::Array(_) => "array",
            Node::Map(_) => "map",
            Node::Union(_) => "union",
            Node::Record(_) => "record",
            Node::Date => "date",
            Node::TimeMillis => "time-millis",
            Node::TimeMicros => "time-micros",
            Node::Timestamp(_) => "timestamp",
            Node::LocalTimestamp(_) => "local-timestamp",
            Node::Decimal { .. } => "decimal",
        }
    }
}

impl FromStr for Schema {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // A bare name, as in `string`, is how some registries write a primitive type.
        let json = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(_) if Schema::is_name(text) => Value::String(text.to_owned()),
            Err(error) => return Err(ParseError::new(error.to_string())),
        };
        let mut parser = Parser { nodes: Vec::new(), named: HashMap::new() };
        let root = parser.node(&json, "", 0)?;
        let mut schema = Self { text: text.to_owned(), nodes: parser.nodes, root };
        for ((record, field), bytes) in defaults::encoded(&schema)? {
            if let Node::Record(fields) = &mut schema.nodes[record]
                && let Some(default) = &mut fields[field].default
            {
                default.bytes = bytes;
            }
        }
        Ok(schema)
    }
}

/// By text; the table follows from it.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schema {}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.text).finish()
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

struct Parser {
    nodes: Vec<Node>,
    /// Named types by full name.
    named: HashMap<String, NodeId>,
}

impl Parser {
    fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn node(&mut self, json: &Value, namespace: &str, depth: usize) -> Result<NodeId, ParseError> {
        if depth > MAX_DEPTH {
            return Err(ParseError::new(format!("its types lie more than {MAX_DEPTH} deep in each other")));
        }
        match json {
            Value::String(name) => self.reference(name, namespace),
            Value::Array(branches) => self.union(branches, namespace, depth),
            Value::Object(object) => self.object(object, namespace, depth),
            other => Err(ParseError::new(format!("a type is a text, a list or an object, not {other}"))),
        }
    }

    fn reference(&mut self, name: &str, namespace: &str) -> Result<NodeId, ParseError> {
        if let Some(node) = primitive(name) {
            return Ok(self.add(node));
        }
        let found = self.named.get(&full_name(name, namespace)).or_else(|| self.named.get(name));
        found.copied().ok_or_else(|| ParseError::new(format!("there is no type {name:?}")))
    }

    fn union(&mut self, branches: &[Value], namespace: &str, depth: usize) -> Result<NodeId, ParseError> {
        let nodes =
            branches.iter().map(|branch| self.node(branch, namespace, depth + 1)).collect::<Result<Vec<_>, _>>()?;
        for (index, &node) in nodes.iter().enumerate() {
            if matches!(self.nodes[node], Node::Union(_)) {
                return Err(ParseError::new("a union holds another"));
            }
            if nodes[..index].iter().any(|&before| before == node || self.same_unnamed_type(before, node)) {
                return Err(ParseError::new("a union holds a type twice"));
            }
        }
        if nodes.is_empty() {
            return Err(ParseError::new("a union is empty"));
        }
        Ok(self.add(Node::Union(nodes)))
    }

    /// Of types without a name there may be one of a kind in a union.
    fn same_unnamed_type(&self, one: NodeId, other: NodeId) -> bool {
        match (&self.nodes[one], &self.nodes[other]) {
            (Node::Fixed(_) | Node::Enum(_) | Node::Record(_) | Node::Decimal { .. }, _) => false,
            (Node::Array(_), Node::Array(_)) | (Node::Map(_), Node::Map(_)) => true,
            (one, other) => one == other,
        }
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str, depth: usize) -> Result<NodeId, ParseError> {
        let kind = match object.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(nested @ (Value::Array(_) | Value::Object(_))) => return self.node(nested, namespace, depth + 1),
            _ => return Err(ParseError::new("a type has no \"type\"")),
        };
        let logical = object.get("logicalType").and_then(Value::as_str);
        match kind {
            "array" => {
                let items = self.node(member(object, "array", "items")?, namespace, depth + 1)?;
                Ok(self.add(Node::Array(items)))
            }
            "map" => {
                let values = self.node(member(object, "map", "values")?, namespace, depth + 1)?;
                Ok(self.add(Node::Map(values)))
            }
            "record" | "error" => self.record(object, namespace, depth),
            "enum" => {
                let (name, _) = name(object, namespace)?;
                let symbols = texts(member(object, "enum", "symbols")?)
                    .ok_or_else(|| ParseError::new("the symbols of an enum are a list of texts"))?;
                let node = self.add(Node::Enum(symbols));
                self.name(name, node)?;
                Ok(node)
            }
            "fixed" => {
                let (name, _) = name(object, namespace)?;
                let size = number(object, "size").ok_or_else(|| ParseError::new("a fixed has no size"))?;
                let node = self.add(match logical {
                    Some("decimal") => Node::Decimal { scale: number(object, "scale").unwrap_or(0), size: Some(size) },
                    _ => Node::Fixed(size),
                });
                self.name(name, node)?;
                Ok(node)
            }
            primitive_or_name => {
                let node = self.reference(primitive_or_name, namespace)?;
                // A logical type that isn't known, or doesn't go with the type, counts for nothing: so the specification has it.
                if let Some(logical) = logical.and_then(|logical| logical_type(&self.nodes[node], logical, object)) {
                    return Ok(self.add(logical));
                }
                Ok(node)
            }
        }
    }

    fn record(&mut self, object: &Map<String, Value>, namespace: &str, depth: usize) -> Result<NodeId, ParseError> {
        let (name, namespace) = name(object, namespace)?;
        // The name is known before the fields are read: they may refer to it.
        let node = self.add(Node::Record(Vec::new()));
        self.name(name, node)?;
        let Value::Array(list) = member(object, "record", "fields")? else {
            return Err(ParseError::new("the fields of a record are a list"));
        };
        let mut fields: Vec<Field> = Vec::with_capacity(list.len());
        for field in list {
            let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
            if !Schema::is_name(name) {
                return Err(ParseError::new(format!("{name:?} can't be the name of a field")));
            }
            if fields.iter().any(|other| other.name == name) {
                return Err(ParseError::new(format!("there are two fields {name:?}")));
            }
            let json = field.get("type").ok_or_else(|| ParseError::new(format!("the field {name:?} has no type")))?;
            let node = self.node(json, &namespace, depth + 1)?;
            let default = field.get("default").map(|value| Default { value: value.clone().into(), bytes: Vec::new() });
            fields.push(Field { name: name.into(), node, default });
        }
        self.nodes[node] = Node::Record(fields);
        Ok(node)
    }

    fn name(&mut self, name: String, node: NodeId) -> Result<(), ParseError> {
        if self.named.contains_key(&name) {
            return Err(ParseError::new(format!("there are two types {name:?}")));
        }
        self.named.insert(name, node);
        Ok(())
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

fn logical_type(node: &Node, name: &str, object: &Map<String, Value>) -> Option<Node> {
    Some(match (node, name) {
        (Node::Int, "date") => Node::Date,
        (Node::Int, "time-millis") => Node::TimeMillis,
        (Node::Long, "time-micros") => Node::TimeMicros,
        (Node::Long, "timestamp-millis") => Node::Timestamp(Precision::Millis),
        (Node::Long, "timestamp-micros") => Node::Timestamp(Precision::Micros),
        (Node::Long, "timestamp-nanos") => Node::Timestamp(Precision::Nanos),
        (Node::Long, "local-timestamp-millis") => Node::LocalTimestamp(Precision::Millis),
        (Node::Long, "local-timestamp-micros") => Node::LocalTimestamp(Precision::Micros),
        (Node::Long, "local-timestamp-nanos") => Node::LocalTimestamp(Precision::Nanos),
        (Node::Bytes, "decimal") => Node::Decimal { scale: number(object, "scale").unwrap_or(0), size: None },
        _ => return None,
    })
}

/// The full name that an object has, and the namespace of what is in it.
fn name(object: &Map<String, Value>, around: &str) -> Result<(String, String), ParseError> {
    let name = object.get("name").and_then(Value::as_str).unwrap_or_default();
    let namespace = object.get("namespace").and_then(Value::as_str).unwrap_or(around);
    let full = full_name(name, namespace);
    if !full.split('.').all(Schema::is_name) {
        return Err(ParseError::new(format!("{full:?} can't be the name of a type")));
    }
    let namespace = full.rsplit_once('.').map(|(namespace, _)| namespace.to_owned()).unwrap_or_default();
    Ok((full, namespace))
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn member<'a>(object: &'a Map<String, Value>, kind: &str, name: &str) -> Result<&'a Value, ParseError> {
    object.get(name).ok_or_else(|| ParseError::new(format!("{kind} without {name}")))
}

fn number(object: &Map<String, Value>, name: &str) -> Option<usize> {
    object.get(name)?.as_u64()?.try_into().ok()
}

fn texts(json: &Value) -> Option<Vec<String>> {
    json.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Schema, ParseError> {
        text.parse()
    }

    #[test]
    fn types_within_themselves_and_in_namespaces_are_found() {
        let schema = parse(
            r#"{"type":"record","name":"a.b.list","fields":[
                {"name":"next","type":["null","list"]},
                {"name":"again","type":["null","a.b.list"]},
                {"name":"inner","type":{"type":"enum","name":"kind","symbols":["x"]}},
                {"name":"kinds","type":{"type":"array","items":"a.b.kind"}}]}"#,
        )
        .unwrap();
        let Node::Record(fields) = &schema.nodes[schema.root] else { panic!("no record") };
        let Node::Union(branches) = &schema.nodes[fields[0].node] else { panic!("no union") };
        assert_eq!(branches[1], schema.root);
    }

    #[test]
    fn what_is_no_schema_is_said() {
        for (text, said) in [
            ("{", "EOF"),
            ("1", "not 1"),
            (r#""strang""#, "no type \"strang\""),
            (r#"{"type":"array"}"#, "array without items"),
            (r#"{"type":"record","name":"r"}"#, "record without fields"),
            (r#"{"type":"record","name":"r","fields":[{"name":"a.b","type":"int"}]}"#, "\"a.b\""),
            (r#"{"type":"record","name":"9","fields":[]}"#, "\"9\""),
            (r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#, "two"),
            (r#"{"type":"record","name":"r","fields":[{"name":"a","type":"int","default":"x"}]}"#, "default"),
            (r#"["int","int"]"#, "twice"),
            (r#"["int",["null"]]"#, "another"),
            ("[]", "empty"),
            (r#"{"type":"fixed","name":"f"}"#, "no size"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(100), "}".repeat(100));
        assert!(parse(&deep).is_ok());
    }

    #[test]
    fn a_logical_type_that_does_not_go_with_its_type_counts_for_nothing() {
        let schema = parse(r#"{"type":"string","logicalType":"date"}"#).unwrap();
        assert_eq!(schema.nodes[schema.root], Node::String);
        let schema = parse(r#"{"type":"long","logicalType":"timestamp-micros"}"#).unwrap();
        assert_eq!(schema.nodes[schema.root], Node::Timestamp(Precision::Micros));
    }
}
