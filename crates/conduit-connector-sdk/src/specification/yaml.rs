//! `connector.yaml`: a specification as the file that ships with a connector, in version 1.0 of Conduit's form.

use std::fmt::Write as _;

use super::Specification;
use crate::Parameter;

/// The whole file.
pub(super) fn connector_yaml(specification: &Specification, source: &[Parameter], destination: &[Parameter]) -> String {
    let Specification { name, summary, description, version, author } = specification;
    let mut file = File("version: \"1.0\"\nspecification:\n".to_owned());
    for (field, text) in
        [("name", name), ("summary", summary), ("description", description), ("version", version), ("author", author)]
    {
        file.text(2, field, text);
    }
    for (side, parameters) in [("source", source), ("destination", destination)] {
        file.line(2, &format!("{side}:"));
        file.list(4, "parameters", parameters.is_empty());
        for parameter in parameters {
            file.text(6, "- name", &parameter.name);
            file.text(8, "description", &parameter.description);
            file.text(8, "type", parameter.kind.as_str());
            file.text(8, "default", &parameter.default);
            file.list(8, "validations", parameter.validations.is_empty());
            for validation in &parameter.validations {
                file.text(10, "- type", validation.kind());
                file.text(12, "value", &validation.value());
            }
        }
    }
    file.0
}

/// What there is of the file.
struct File(String);

impl File {
    fn line(&mut self, indent: usize, text: &str) {
        self.0.extend(std::iter::repeat_n(' ', indent));
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn text(&mut self, indent: usize, field: &str, text: &str) {
        self.line(indent, &format!("{field}: {}", quoted(text)));
    }

    /// The head of a list.
    fn list(&mut self, indent: usize, field: &str, is_empty: bool) {
        self.line(indent, &format!("{field}:{}", if is_empty { " []" } else { "" }));
    }
}

/// A text in double quotes, as YAML and JSON both have it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // What YAML takes for the end of a line, or doesn't let stand in a file at all.
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => escape(&mut quoted, character),
            character if character.is_control() => escape(&mut quoted, character),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn escape(to: &mut String, character: char) {
    // Nothing fails that is written into a text.
    let _ = write!(to, "\\u{:04x}", u32::from(character));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Validation;

    #[test]
    fn the_file_has_all_there_is_to_say() {
        let specification = Specification {
            name: "lines".to_owned(),
            summary: "Reads \"lines\".".to_owned(),
            description: "First line.\nSecond: it's # no comment.".to_owned(),
            version: "v1.2.3".to_owned(),
            author: "Ada".to_owned(),
        };
        let path = Parameter::of::<String>("path", "The file: `C:\\lines`.").validation(Validation::Required);
        let count = Parameter::of::<u64>("count", "How many.")
            .default("1")
            .validation(Validation::GreaterThan(0.5))
            .validation(Validation::Inclusion(vec!["1".to_owned(), "2".to_owned()]));
        let last = Parameter::of::<bool>("last", "No.");
        assert_eq!(
            connector_yaml(&specification, &[path, count, last], &[]),
            r#"version: "1.0"
specification:
  name: "lines"
  summary: "Reads \"lines\"."
  description: "First line.\nSecond: it's # no comment."
  version: "v1.2.3"
  author: "Ada"
  source:
    parameters:
      - name: "path"
        description: "The file: `C:\\lines`."
        type: "string"
        default: ""
        validations:
          - type: "required"
            value: ""
      - name: "count"
        description: "How many."
        type: "int"
        default: "1"
        validations:
          - type: "greater-than"
            value: "0.5"
          - type: "inclusion"
            value: "1,2"
      - name: "last"
        description: "No."
        type: "bool"
        default: ""
        validations: []
  destination:
    parameters: []
"#
        );
    }

    #[test]
    fn every_text_stays_on_its_line_and_is_one_of_json_too() {
        let text: String = (0..=0x2100).chain(0xfe00..=0x1_0010).filter_map(char::from_u32).collect();
        let quoted = quoted(&text);
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        // YAML's set `c-printable`, without what is a line break to YAML 1.1.
        let printable =
            |c: char| matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        let breaks = ['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'];
        let wrong: Vec<char> = quoted.chars().filter(|c| !printable(*c) || breaks.contains(c)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
