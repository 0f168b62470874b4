//! What schema a value has: the one that Conduit's Go SDK derives from it.

use std::fmt::Write as _;

use opencdc::{Map, Value};
use thiserror::Error;

use super::parse::Schema;

/// How many lists and maps may lie in each other in a field. Each takes two levels of the schema's JSON, with three more around the
/// field's type; of JSON that has more than 127 levels no [`Schema`] is parsed.
const MAX_LEVELS: usize = 62;

/// Why no schema describes a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// Avro doesn't allow this name of a field: letters, digits and underscores of ASCII are allowed, not beginning with a digit.
    #[error("the field {0:?} has a name that Avro doesn't allow")]
    FieldName(String),
    /// More than 62 lists and maps lie in each other in a field: its schema's JSON would have more levels than can be read.
    #[error("more than {MAX_LEVELS} lists and maps lie in each other in a field")]
    TooDeep,
}

/// The Avro schema of a map of fields, as JSON: what Conduit's Go SDK derives from the same fields.
///
/// The fields are a record named `record`, in the order of their names. Their types are
///
/// | value | type |
/// |---|---|
/// | null | `["null","string"]`: its real type is not known |
/// | boolean | `boolean` |
/// | integer | `long`; one above 2^63 - 1, which Avro has no type for, is a `double` |
/// | any other number | `double` |
/// | text | `string` |
/// | list | `array` of a union of `null` and the types of all its items; `["null","string"]` where it is empty |
/// | object | `map` with a union of `null` and the types of all its values, likewise. Its keys can be any text |
///
/// The types of a union are in the order of their JSON, each once; lists in a list have their items' types in common, and
/// so have maps.
///
/// # Errors
/// When the name of a field is none of Avro's, or more than 62 lists and maps lie in each other in one.
///
/// ```
/// use conduit_connector_sdk::schema::derive;
/// use conduit_connector_sdk::value;
///
/// let fields = value!({"id": 7, "email": null, "tags": ["a", 1]});
/// assert_eq!(
///     derive(fields.as_object().unwrap())?,
///     concat!(
///         r#"{"name":"record","type":"record","fields":[{"name":"email","type":["null","string"]},"#,
///         r#"{"name":"id","type":"long"},"#,
///         r#"{"name":"tags","type":{"type":"array","items":["long","null","string"]}}]}"#,
///     ),
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn derive(fields: &Map) -> Result<String, DeriveError> {
    Shape::of(fields).map(|shape| shape.to_schema())
}

/// Which fields a record has, and of which types: what its schema says, before it is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// By name, in its order.
    fields: Vec<(String, Types)>,
}

/// A set of types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Types {
    /// Which of [`SCALARS`].
    scalars: [bool; SCALARS.len()],
    /// An array, of these.
    array: Option<Box<Types>>,
    /// A map, of these.
    map: Option<Box<Types>>,
}

/// The types without others in them, in the order of a union.
const SCALARS: [&str; 5] = [r#""boolean""#, r#""double""#, r#""long""#, r#""null""#, r#""string""#];
const BOOLEAN: usize = 0;
const DOUBLE: usize = 1;
const LONG: usize = 2;
const NULL: usize = 3;
const STRING: usize = 4;

impl Shape {
    pub(super) fn of(fields: &Map) -> Result<Self, DeriveError> {
        let mut shape = Self { fields: Vec::with_capacity(fields.len()) };
        for (name, value) in fields {
            if !Schema::is_name(name) {
                return Err(DeriveError::FieldName(name.to_owned()));
            }
            shape.fields.push((name.to_owned(), Types::of(value, 0)?));
        }
        Ok(shape)
    }

    /// The shape that records of both have a place in without being changed: same fields, of either's types. There is none where
    /// fields differ (a field that a record lacks would come out as null), and where Conduit's Go SDK could not
    /// read such a union.
    pub(super) fn join(&self, other: &Self) -> Option<Self> {
        if self.fields.len() != other.fields.len() {
            return None;
        }
        let mut joined = self.clone();
        for ((name, types), (other_name, other_types)) in joined.fields.iter_mut().zip(&other.fields) {
            if name != other_name {
                return None;
            }
            types.add(other_types);
        }
        joined.is_readable().then_some(joined)
    }

    /// Whether Conduit's Go SDK reads what is encoded by it. There are values that it can't read even by the schema that
    /// it derives from them; what it can read must not get such a schema.
    pub(super) fn is_readable(&self) -> bool {
        self.fields.iter().all(|(_, types)| types.is_readable_field())
    }

    /// The names of the fields, as one text that no other names have.
    pub(super) fn names(&self) -> String {
        self.fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",")
    }

    pub(super) fn to_schema(&self) -> String {
        let mut text = String::with_capacity(64 + 48 * self.fields.len());
        text.push_str(r#"{"name":"record","type":"record","fields":["#);
        for (index, (name, types)) in self.fields.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Names need no escaping: they were checked.
            let _ = write!(text, r#"{comma}{{"name":"{name}","type":"#);
            types.write(&mut text);
            text.push('}');
        }
        text.push_str("]}");
        text
    }
}

impl Types {
    fn of(value: &Value, depth: usize) -> Result<Self, DeriveError> {
        let mut types = Self::default();
        types.see(value, depth)?;
        Ok(types)
    }

    /// Adds the type of a value.
    fn see(&mut self, value: &Value, depth: usize) -> Result<(), DeriveError> {
        match value {
            Value::Array(_) | Value::Object(_) if depth >= MAX_LEVELS => return Err(DeriveError::TooDeep),
            Value::Null => self.scalars[NULL] = true,
            Value::Bool(_) => self.scalars[BOOLEAN] = true,
            Value::Number(number) if number.is_i64() => self.scalars[LONG] = true,
            Value::Number(_) => self.scalars[DOUBLE] = true,
            Value::String(_) => self.scalars[STRING] = true,
            Value::Array(items) => Self::see_all(self.array.get_or_insert_default(), items.iter(), depth)?,
            Value::Object(map) => Self::see_all(self.map.get_or_insert_default(), map.values(), depth)?,
        }
        Ok(())
    }

    /// Adds the types of the items of a list, or of the values of a map.
    fn see_all<'a>(
        types: &mut Self,
        values: impl ExactSizeIterator<Item = &'a Value>,
        depth: usize,
    ) -> Result<(), DeriveError> {
        types.scalars[NULL] = true;
        // What nothing is known of is taken for a text.
        types.scalars[STRING] |= values.len() == 0;
        for value in values {
            types.scalars[STRING] |= value.is_null();
            types.see(value, depth + 1)?;
        }
        Ok(())
    }

    fn add(&mut self, other: &Self) {
        for (mine, its) in self.scalars.iter_mut().zip(other.scalars) {
            *mine |= its;
        }
        for (mine, its) in [(&mut self.array, &other.array), (&mut self.map, &other.map)] {
            match (mine, its) {
                (Some(mine), Some(its)) => mine.add(its),
                (mine @ None, Some(its)) => *mine = Some(its.clone()),
                (_, None) => {}
            }
        }
    }

    fn scalars(&self) -> usize {
        self.scalars.iter().filter(|there| **there).count()
    }

    fn complex(&self) -> impl Iterator<Item = &Self> {
        self.array.iter().chain(&self.map).map(|it| &**it)
    }

    /// Whether Conduit's Go SDK reads a record's field of these types as it was written. It takes unions of scalar types, and a list
    /// of scalar values that may be null; it leaves other unions as maps from the type's name to the value, or fails.
    fn is_readable_field(&self) -> bool {
        match (self.complex().count(), self.scalars()) {
            (0, _) => true,
            (1, 0) => self.complex().all(Self::is_readable_inside),
            (1, 1) => self.scalars[NULL] && self.array.as_ref().is_some_and(|items| items.complex().next().is_none()),
            _ => false,
        }
    }

    /// The same of the items of a list, or the values of a map. Where it looks for lists and maps within those of one kind, it fails at
    /// values of any other but null.
    fn is_readable_inside(&self) -> bool {
        let kinds = self.scalars() - usize::from(self.scalars[NULL]) + self.complex().count();
        self.complex().all(|inner| inner.is_readable_inside() && (kinds == 1 || inner.complex().next().is_none()))
    }

    fn write(&self, text: &mut String) {
        // A null of its own is written as an optional text.
        let only_null = self.scalars[NULL] && self.scalars() == 1 && self.complex().next().is_none();
        let several = only_null || self.scalars() + self.complex().count() > 1;
        if several {
            text.push('[');
        }
        let before = text.len();
        for (index, name) in SCALARS.into_iter().enumerate() {
            if self.scalars[index] || (only_null && index == STRING) {
                if text.len() > before {
                    text.push(',');
                }
                text.push_str(name);
            }
        }
        for (inner, opening) in
            [(&self.array, r#"{"type":"array","items":"#), (&self.map, r#"{"type":"map","values":"#)]
        {
            if let Some(inner) = inner {
                if text.len() > before {
                    text.push(',');
                }
                text.push_str(opening);
                inner.write(text);
                text.push('}');
            }
        }
        if several {
            text.push(']');
        }
    }
}

#[cfg(test)]
mod tests {
    use opencdc::value;

    use super::*;

    fn shape(value: &Value) -> Shape {
        Shape::of(value.as_object().unwrap()).unwrap()
    }

    fn field(value: &Value) -> String {
        let text = shape(&value!({ "a": value })).to_schema();
        let json: Value = serde_json::from_str(&text).unwrap();
        json["fields"][0]["type"].to_string()
    }

    #[test]
    fn each_kind_of_value_has_its_type() {
        for (value, type_) in [
            (value!(null), r#"["null","string"]"#),
            (value!(true), r#""boolean""#),
            (value!(i64::MAX), r#""long""#),
            (value!(u64::MAX), r#""double""#),
            (value!(1.0), r#""double""#),
            (value!("x"), r#""string""#),
            (value!([]), r#"{"items":["null","string"],"type":"array"}"#),
            (value!({}), r#"{"type":"map","values":["null","string"]}"#),
            (value!([null]), r#"{"items":["null","string"],"type":"array"}"#),
            (value!([1, null]), r#"{"items":["long","null","string"],"type":"array"}"#),
            (value!([1, 1.5, "x", true]), r#"{"items":["boolean","double","long","null","string"],"type":"array"}"#),
            (
                value!([[1], ["x"]]),
                r#"{"items":["null",{"items":["long","null","string"],"type":"array"}],"type":"array"}"#,
            ),
            (
                value!({"any key": {"b": 1}, "c": null}),
                r#"{"type":"map","values":["null","string",{"type":"map","values":["long","null"]}]}"#,
            ),
        ] {
            assert_eq!(field(&value), type_, "{value}");
        }
    }

    #[test]
    fn names_that_avro_does_not_allow_are_errors() {
        for name in ["", "a.b", "9", "ä", "a-b"] {
            let error = Shape::of(value!({ name: 1 }).as_object().unwrap()).unwrap_err();
            assert_eq!(error, DeriveError::FieldName(name.to_owned()));
        }
    }

    #[test]
    fn what_is_derived_can_be_read_however_deep_it_is() {
        let within: [fn(Value) -> Value; 3] = [|it| value!([it]), |it| value!({ "k": it }), |it| value!([{ "k": it }])];
        for (within, levels) in within.into_iter().zip([1, 1, 2]) {
            for innermost in [value!(1), value!(null)] {
                let nested = |count| (0..count).fold(innermost.clone(), |it, _| within(it));
                let (deepest, deeper) = (nested(MAX_LEVELS / levels), nested(MAX_LEVELS / levels + 1));
                let text = derive(value!({ "a": deepest }).as_object().unwrap()).unwrap();
                text.parse::<Schema>().unwrap();
                assert_eq!(derive(value!({ "a": deeper }).as_object().unwrap()), Err(DeriveError::TooDeep));
            }
        }
    }

    #[test]
    fn shapes_join_where_nothing_of_a_record_changes() {
        let joined = |one: Value, other: Value| shape(&one).join(&shape(&other)).map(|shape| shape.to_schema());
        assert!(joined(value!({"a": 1}), value!({"a": null})).unwrap().contains(r#"["long","null"]"#));
        assert!(joined(value!({"a": [1]}), value!({"a": ["x"]})).unwrap().contains(r#"["long","null","string"]"#));
        assert!(joined(value!({"a": [1]}), value!({"a": null})).unwrap().contains(r#"["null",{"type":"array""#));
        assert_eq!(joined(value!({"a": 1}), value!({"a": 1, "b": 1})), None);
        assert_eq!(joined(value!({"a": 1}), value!({"b": 1})), None);
        // Go could not read these.
        assert_eq!(joined(value!({"a": [1]}), value!({"a": 1})), None);
        assert_eq!(joined(value!({"a": [1]}), value!({"a": {}})), None);
        assert_eq!(joined(value!({"a": [[1]]}), value!({"a": null})), None);
        assert_eq!(joined(value!({"a": {}}), value!({"a": null})), None);
        assert_eq!(joined(value!({"a": [[[1]]]}), value!({"a": [true]})), None);
        assert!(joined(value!({"a": [[1]]}), value!({"a": [true]})).is_some());
    }
}
