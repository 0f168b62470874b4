//! `template`: text with `{{ … }}` in it, in the part of Go's template language that says what a record has.

mod parse;
mod value;

use opencdc::Record;

pub(super) use self::parse::TemplateError;
use self::parse::{Expression, Node};
use self::value::Value;

/// A template, understood.
#[derive(Debug)]
pub(super) struct Template(Vec<Node>);

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::nodes(text).map(Self)
    }

    /// The text that it makes of a record, or what the record doesn't have.
    pub(super) fn render(&self, record: &Record) -> Result<Vec<u8>, String> {
        let mut out = String::new();
        for node in &self.0 {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Action(expression) => evaluate(expression, record)?.write(&mut out),
            }
        }
        Ok(out.into_bytes())
    }
}

fn evaluate<'a>(expression: &'a Expression, record: &'a Record) -> Result<Value<'a>, String> {
    match expression {
        Expression::Text(text) => Ok(Value::Text(text.into())),
        Expression::Integer(number) => Ok(Value::Integer(*number)),
        Expression::Fields(base, names) => {
            let mut value = match base {
                Some(base) => evaluate(base, record)?,
                None => Value::Record(record),
            };
            for name in names {
                value = value.field(name)?;
            }
            Ok(value)
        }
        Expression::Index(of, keys) => {
            let mut value = evaluate(of, record)?;
            for key in keys {
                value = value.index(&evaluate(key, record)?)?;
            }
            Ok(value)
        }
        Expression::ToJson(of) => evaluate(of, record)?.to_json().map(|json| Value::Text(json.into())),
        Expression::Printf(pieces, values) => {
            let values: Vec<Value<'_>> =
                values.iter().map(|value| evaluate(value, record)).collect::<Result<_, _>>()?;
            let mut out = String::new();
            for (piece, value) in pieces.iter().zip(values.iter().map(Some).chain([None])) {
                out.push_str(&piece.text);
                match (value, piece.verb) {
                    (Some(value), Some('s')) => value.write_text(&mut out),
                    (Some(value), Some(_)) => value.write(&mut out),
                    _ => {}
                }
            }
            Ok(Value::Text(out.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use opencdc::{Data, Metadata, Position};
    use serde_json::json;

    use super::*;

    fn record() -> Record {
        let metadata = Metadata::from_iter([("opencdc.collection", "people"), ("kind", "person")]);
        let after = json!({
            "name": "Ada", "score": 1.5, "big": 9_007_199_254_740_993_i64, "million": 1e6, "none": null,
            "tags": ["a", "b"], "address": {"city": "London", "at": {"floor": 3}},
        });
        let key = Data::Raw(b"k1".to_vec());
        Record::create(Position::new("p-1"), metadata, key, Data::try_from(after).unwrap())
    }

    fn render(template: &str) -> Result<String, String> {
        let template = Template::parse(template).unwrap_or_else(|error| panic!("{template}: {error}"));
        template.render(&record()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// What Go makes of these is compared in `tests/interop/middleware_test.go`, with the same record.
    #[test]
    fn values_are_written_as_go_writes_them() {
        for (template, expected) in [
            ("plain", "plain"),
            ("{{ .Position }} {{.Operation}}", "p-1 create"),
            ("{{ .Metadata.kind }}", "person"),
            ("{{ .Metadata }}", "map[kind:person opencdc.collection:people]"),
            (r#"{{ index .Metadata "opencdc.collection" }}/"#, "people/"),
            (r#"{{ index .Metadata "nobody" }}/"#, "/"),
            ("{{ .Key }}", "[107 49]"),
            (r#"{{ printf "%s" .Key }}"#, "k1"),
            ("{{ .Payload.Before }}", "<nil>"),
            ("{{ .Payload.After.name }}", "Ada"),
            ("{{ .Payload.After.none }}", "<no value>"),
            ("{{ .Payload.After.score }} {{ .Payload.After.big }}", "1.5 9007199254740993"),
            ("{{ .Payload.After.million }}", "1e+06"),
            ("{{ .Payload.After.tags }} {{ index .Payload.After.tags 1 }}", "[a b] b"),
            ("{{ .Payload.After.address.at.floor }}", "3"),
            ("{{ .Payload.After.address }}", "map[at:map[floor:3] city:London]"),
            (r#"{{ index .Payload.After "address" "city" }}"#, "London"),
            ("{{ (index .Payload.After `address`).city }}", "London"),
            ("{{ toJson .Payload.After.address }}", r#"{"at":{"floor":3},"city":"London"}"#),
            ("{{ .Payload.After.tags | toJson }}", r#"["a","b"]"#),
            (r#"{{ .Payload.After.name | printf "%s/%v%%: %s" "x" 7 }}"#, "x/7%: Ada"),
            ("a  {{- .Metadata.kind -}}\n b", "apersonb"),
            ("a{{/* nothing */}}b{{ \"}}\" }}", "ab}}"),
        ] {
            assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn what_a_record_does_not_have_is_said() {
        for (template, expected) in [
            ("{{ .Payload.After.email }}", "map has no entry for key \"email\""),
            ("{{ .Metadata.email }}", "map has no entry for key \"email\""),
            ("{{ .Payload.Before.name }}", "name"),
            ("{{ .Key.name }}", "name"),
            ("{{ index .Payload.After.tags 7 }}", "7"),
            ("{{ index .Payload.After.name 0 }}", "cannot index"),
        ] {
            let error = render(template).unwrap_err();
            assert!(error.contains(expected), "{template}: {error}");
        }
    }

    #[test]
    fn what_is_not_supported_is_said_when_it_is_read() {
        for (template, expected) in [
            ("{{ range .Payload.After.tags }}{{ . }}{{ end }}", "range"),
            ("{{ if .Key }}a{{ end }}", "if"),
            ("{{ .Metadata.kind | upper }}", "upper"),
            ("{{ $x := 1 }}", "$"),
            ("{{ .Payload.Afterwards }}", "Afterwards"),
            ("{{ .payload.after }}", "payload"),
            ("{{ .Payload.After", "isn't closed"),
            ("{{ \"a }}", "isn't closed"),
            ("{{ }}", "nothing"),
            ("{{ printf \"%d\" 7 }}", "%d"),
            ("{{ printf \"%s\" }}", "printf"),
            ("{{ index }}", "index"),
            ("{{ (.Key }}", ")"),
        ] {
            let error = Template::parse(template).unwrap_err().to_string();
            assert!(error.contains(expected), "{template}: {error}");
        }
    }
}
