//! The defaults of fields, encoded once when a schema is read.

use std::collections::HashMap;
use std::rc::Rc;

use opencdc::{Map, Value};

use super::encode::{EncodeError, Fit, Why, Writer, kind};
use super::parse::{Field, MAX_DEPTH, Node, NodeId, ParseError, Schema};

/// How many values, and bytes within others, the defaults of a schema may have in all: as they hold each other they can double with
/// every type, whatever the length of the schema's text.
const MOST: usize = 1 << 20;

/// Which of a record's fields a default is of.
type Place = (NodeId, usize);

/// The defaults of a schema whose types are all known, encoded, by record and field. (A default may be of a type that is defined
/// after it.)
pub(super) fn encoded(schema: &Schema) -> Result<Vec<(Place, Vec<u8>)>, ParseError> {
    let mut defaults = Defaults { schema, known: HashMap::new(), left: MOST };
    for (record, node) in schema.nodes.iter().enumerate() {
        let Node::Record(fields) = node else { continue };
        for (index, field) in fields.iter().enumerate() {
            if let Some(default) = &field.default {
                let known = defaults.of(record, index, field, default.value(), 0);
                known.map_err(|misfit| ParseError::new(misfit.why()))?;
            }
        }
    }
    let known = defaults.known.into_iter();
    Ok(known.filter_map(|(place, known)| Some((place, known?.bytes.clone()))).collect())
}

struct Defaults<'a> {
    schema: &'a Schema,
    /// By record and field; nothing while it is being encoded.
    known: HashMap<Place, Option<Rc<Known>>>,
    /// What of [`MOST`] is left.
    left: usize,
}

/// A default, encoded.
struct Known {
    bytes: Vec<u8>,
    /// How many levels of values lie in each other in it.
    height: usize,
}

/// Why a value can't be encoded.
enum Misfit {
    /// It is none of the type; another type of a union may take it.
    Type(EncodeError),
    /// The schema is none.
    Schema(String),
}

impl From<EncodeError> for Misfit {
    fn from(error: EncodeError) -> Self {
        Self::Type(error)
    }
}

impl Misfit {
    /// The same, in what has this name.
    fn within(self, name: impl Into<String>) -> Self {
        match self {
            Self::Type(error) => Self::Type(error.within(name)),
            misfit @ Self::Schema(_) => misfit,
        }
    }

    fn why(self) -> String {
        match self {
            Self::Type(error) => error.to_string(),
            Self::Schema(why) => why,
        }
    }
}

impl<'a> Defaults<'a> {
    /// The default of a field, which lies so deep in another: those that it relies on are encoded before it.
    fn of(
        &mut self,
        record: NodeId,
        index: usize,
        field: &Field,
        value: &Value,
        depth: usize,
    ) -> Result<Rc<Known>, Misfit> {
        let known = match self.known.get(&(record, index)) {
            Some(Some(known)) => Rc::clone(known),
            Some(None) => {
                return Err(Misfit::Schema(format!("the default of the field {:?} holds itself", field.name)));
            }
            None => {
                self.known.insert((record, index), None);
                let mut bytes = Vec::new();
                let height = self.value(field.node, value, depth, &mut bytes).map_err(|misfit| match misfit {
                    Misfit::Type(error) => {
                        Misfit::Schema(format!("the default of the field {:?} doesn't fit: {error}", field.name))
                    }
                    misfit @ Misfit::Schema(_) => misfit,
                })?;
                let known = Rc::new(Known { bytes, height });
                self.known.insert((record, index), Some(Rc::clone(&known)));
                known
            }
        };
        if depth + known.height > MAX_DEPTH {
            return Err(EncodeError::new(Why::TooDeep).into());
        }
        Ok(known)
    }

    /// Writes a value as defaults have it, and gives its height.
    fn value(&mut self, node: NodeId, value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<usize, Misfit> {
        if depth >= MAX_DEPTH {
            return Err(EncodeError::new(Why::TooDeep).into());
        }
        self.spend(1)?;
        let schema: &'a Schema = self.schema;
        let mut height = 0;
        match (&schema.nodes[node], value) {
            (Node::Record(fields), Value::Object(map)) => height = self.record(node, fields, map, depth, out)?,
            (Node::Array(items), Value::Array(list)) => {
                if !list.is_empty() {
                    Writer::new(schema, Fit::Stated, out).long(list.len() as i64);
                    for (index, item) in list.iter().enumerate() {
                        let of_item = self.value(*items, item, depth + 1, out);
                        height = height.max(of_item.map_err(|misfit| misfit.within(index.to_string()))?);
                    }
                }
                Writer::new(schema, Fit::Stated, out).long(0);
            }
            (Node::Map(values), Value::Object(map)) => {
                if !map.is_empty() {
                    Writer::new(schema, Fit::Stated, out).long(map.len() as i64);
                    for (name, value) in map {
                        Writer::new(schema, Fit::Stated, out).bytes(name.as_bytes());
                        let of_value = self.value(*values, value, depth + 1, out);
                        height = height.max(of_value.map_err(|misfit| misfit.within(name))?);
                    }
                }
                Writer::new(schema, Fit::Stated, out).long(0);
            }
            // A union's default was of its first type before Avro 1.12; now it may be of any.
            (Node::Union(branches), _) => height = self.union(branches, value, depth, out)?,
            (it, _) => scalar(schema, node, it, value, out)?,
        }
        Ok(1 + height)
    }

    fn record(
        &mut self,
        node: NodeId,
        fields: &[Field],
        map: &Map,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, Misfit> {
        let mut height = 0;
        for (index, field) in fields.iter().enumerate() {
            let of_field = match (map.get(&field.name), &field.default) {
                (Some(value), _) => {
                    let of_field = self.value(field.node, value, depth + 1, out);
                    of_field.map_err(|misfit| misfit.within(field.name.as_str()))?
                }
                (None, Some(default)) => {
                    let known = self.of(node, index, field, default.value(), depth + 1)?;
                    self.spend(known.bytes.len())?;
                    out.extend_from_slice(&known.bytes);
                    known.height
                }
                (None, None) => return Err(EncodeError::new(Why::Missing(field.name.to_string())).into()),
            };
            height = height.max(of_field);
        }
        match map.keys().find(|name| fields.iter().all(|field| field.name != **name)) {
            Some(unknown) => Err(EncodeError::new(Why::Unknown).within(unknown).into()),
            None => Ok(height),
        }
    }

    fn union(&mut self, branches: &[NodeId], value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<usize, Misfit> {
        let before = out.len();
        let mut first = None;
        for (index, &branch) in branches.iter().enumerate() {
            Writer::new(self.schema, Fit::Stated, out).long(index as i64);
            match self.value(branch, value, depth + 1, out) {
                Err(Misfit::Type(error)) => {
                    out.truncate(before);
                    first.get_or_insert(error);
                }
                done => return done,
            }
        }
        let error = first.unwrap_or_else(|| EncodeError::new(Why::Kind { schema: "union", value: kind(value) }));
        Err(error.into())
    }

    fn spend(&mut self, of: usize) -> Result<(), Misfit> {
        match self.left.checked_sub(of) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Misfit::Schema("its defaults, which hold each other, are too large".to_owned())),
        }
    }
}

/// A default without others in it. In schemas, bytes are text of which each character is a byte, and logical types are what the type
/// beneath is.
fn scalar(schema: &Schema, node: NodeId, it: &Node, value: &Value, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let range = |what| EncodeError::new(Why::Range(what));
    let mut writer = Writer::new(schema, Fit::Stated, out);
    match (it, value) {
        (Node::Bytes | Node::Fixed(_) | Node::Decimal { .. }, Value::String(text)) => {
            let bytes: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
            let bytes = bytes.ok_or_else(|| range("bytes"))?;
            match it {
                Node::Fixed(size) | Node::Decimal { size: Some(size), .. } if *size != bytes.len() => {
                    return Err(range("fixed"));
                }
                Node::Fixed(_) | Node::Decimal { size: Some(_), .. } => out.extend_from_slice(&bytes),
                _ => writer.bytes(&bytes),
            }
        }
        (Node::Date | Node::TimeMillis, Value::Number(number)) => {
            let int = number.as_i64().filter(|it| i32::try_from(*it).is_ok());
            writer.long(int.ok_or_else(|| range("int"))?);
        }
        (Node::TimeMicros | Node::Timestamp(_) | Node::LocalTimestamp(_), Value::Number(number)) => {
            writer.long(number.as_i64().ok_or_else(|| range("long"))?);
        }
        _ => writer.value(node, value, 0)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use opencdc::value;
    use proptest::prelude::*;

    use super::*;
    use crate::schema::tests::of_avro;

    fn parse(text: &str) -> Result<Schema, String> {
        text.parse().map_err(|error: ParseError| error.to_string())
    }

    #[test]
    fn what_a_default_lacks_has_its_own_default() {
        let schema = parse(
            r#"{"type":"record","name":"o","fields":[{"name":"i","default":{},"type":
                {"type":"record","name":"i","fields":[{"name":"x","type":"long","default":1}]}}]}"#,
        )
        .unwrap();
        assert_eq!(schema.encode(&Map::new()).unwrap(), [2]);
        assert_eq!(schema.decode(&[2]).unwrap(), *value!({"i": {"x": 1}}).as_object().unwrap());
    }

    #[test]
    fn within_others_too_bytes_are_text_and_dates_are_numbers() {
        let schema = parse(
            r#"{"type":"record","name":"o","fields":[{"name":"i","default":{"b":"\u00ff","d":1},"type":
                {"type":"record","name":"i","fields":[{"name":"b","type":"bytes"},
                    {"name":"d","type":{"type":"int","logicalType":"date"}}]}},
                {"name":"l","default":[{"b":"a","d":2}],"type":{"type":"array","items":["i","null"]}}]}"#,
        )
        .unwrap();
        let fields = schema.decode(&schema.encode(&Map::new()).unwrap()).unwrap();
        let expected = value!({"i": {"b": "/w==", "d": "1970-01-02"}, "l": [{"b": "YQ==", "d": "1970-01-03"}]});
        assert_eq!(Value::Object(fields), expected);
    }

    #[test]
    fn defaults_that_hold_themselves_or_grow_without_end_are_refused() {
        let own = r#"{"type":"record","name":"r","fields":[{"name":"next","type":"r","default":{}}]}"#;
        assert!(parse(own).unwrap_err().contains(r#"the default of the field "next" holds itself"#));
        let ends = r#"{"type":"record","name":"r","fields":[{"name":"next","type":["null","r"],"default":null}]}"#;
        assert_eq!(parse(ends).unwrap().encode(&Map::new()).unwrap(), [0]);
        // Each type holds the one before it, so many times.
        let tower = |levels: usize, times: usize| {
            let of = |level: usize| {
                let field = |n| value!({"name": format!("f{n}"), "type": format!("t{}", level - 1), "default": {}});
                let fields: Value = match level {
                    0 => value!([{"name": "x", "type": "long", "default": 1}]),
                    _ => (0..times).map(field).collect(),
                };
                value!({"type": "record", "name": format!("t{level}"), "fields": fields})
            };
            (0..levels).map(of).collect::<Value>().to_string()
        };
        for (levels, times, said) in [(40, 2, "are too large"), (130, 1, "more than 128 deep")] {
            let error = parse(&tower(levels, times)).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert!(parse(&tower(10, 2)).is_ok() && parse(&tower(100, 1)).is_ok());
    }

    /// A type, a value of it that lacks what has a default, and the whole value.
    #[derive(Clone, Debug)]
    struct Sample {
        kind: Value,
        lacking: Value,
        whole: Value,
    }

    fn sample() -> impl Strategy<Value = Sample> {
        let scalar = prop_oneof![
            any::<i64>().prop_map(|it| Sample { kind: value!("long"), lacking: value!(it), whole: value!(it) }),
            ".{0,6}".prop_map(|it| Sample { kind: value!("string"), lacking: value!(it), whole: value!(it) }),
        ];
        scalar.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                (inner.clone(), 0..3_usize).prop_map(|(it, count)| Sample {
                    kind: value!({"type": "array", "items": it.kind}),
                    lacking: vec![it.lacking; count].into(),
                    whole: vec![it.whole; count].into(),
                }),
                (inner.clone(), ".{0,3}").prop_map(|(it, key)| Sample {
                    kind: value!({"type": "map", "values": it.kind}),
                    lacking: value!({ key.clone(): it.lacking }),
                    whole: value!({ key: it.whole }),
                }),
                prop::collection::vec((inner, any::<[bool; 2]>()), 0..4).prop_map(record),
            ]
        })
    }

    /// A record of such fields, each of which may be optional, and have a default.
    fn record(all: Vec<(Sample, [bool; 2])>) -> Sample {
        let (mut fields, mut lacking, mut whole) = (Vec::new(), Map::new(), Map::new());
        for (index, (it, [optional, defaults])) in all.into_iter().enumerate() {
            let name = format!("f{index}");
            let kind = if optional { value!([it.kind, "null"]) } else { it.kind };
            let mut field = Map::from([("name", name.as_str().into()), ("type", kind)]);
            if defaults {
                field.insert("default", it.lacking);
            } else {
                lacking.insert(name.as_str(), it.lacking);
            }
            whole.insert(name, it.whole);
            fields.push(field);
        }
        Sample { kind: value!({"type": "record", "fields": fields}), lacking: lacking.into(), whole: whole.into() }
    }

    /// Gives each record a name of its own.
    fn name(kind: &mut Value, named: &mut usize) {
        match kind {
            Value::Object(object) => {
                if object.get("type") == Some(&value!("record")) {
                    *named += 1;
                    object.insert("name", format!("r{named}"));
                }
                for (_, inner) in object.iter_mut().filter(|(member, _)| *member != "default") {
                    name(inner, named);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|inner| name(inner, named)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn what_is_left_out_is_as_if_it_was_there(all in prop::collection::vec((sample(), any::<[bool; 2]>()), 0..5)) {
            let Sample { mut kind, lacking, whole } = record(all);
            name(&mut kind, &mut 0);
            let schema: Schema = kind.to_string().parse().unwrap();
            let bytes = schema.encode(lacking.as_object().unwrap()).unwrap();
            prop_assert_eq!(&bytes, &schema.encode(whole.as_object().unwrap()).unwrap());
            prop_assert_eq!(&Value::Object(schema.decode(&bytes).unwrap()), &whole);
            let theirs = apache_avro::Schema::parse_str(&kind.to_string()).unwrap();
            let reader = apache_avro::reader::datum::GenericDatumReader::builder(&theirs).build().unwrap();
            prop_assert_eq!(of_avro(reader.read_value(&mut bytes.as_slice()).unwrap()), whole);
        }
    }
}
