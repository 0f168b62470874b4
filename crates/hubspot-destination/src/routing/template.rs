//! Templates over a record's metadata, in the two forms that Conduit's own connectors document:
//! `{{ index .Metadata "opencdc.collection" }}` and `{{ .Metadata.name }}`, with any text around them.

use std::borrow::Cow;
use std::fmt;

use opencdc::Metadata;
use thiserror::Error;

/// Text with metadata in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The value of the metadata of this name.
    Metadata(String),
}

/// A template that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// `{{` without its `}}`.
    #[error("a {{{{ has no }}}} behind it")]
    Open,
    /// What stands in the braces isn't one of the forms that there are.
    #[error("{0:?} is no template of this destination, which knows {{{{ index .Metadata \"<name>\" }}}}")]
    Expression(String),
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

impl Template {
    /// Whether a text is a template at all.
    pub(super) fn is_one(text: &str) -> bool {
        text.contains(OPEN)
    }

    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(OPEN) {
            let (inside, after) = behind.split_once(CLOSE).ok_or(TemplateError::Open)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            // `{{- … -}}` trims the text around it, in Go's templates; around a name there is none to trim.
            let expression = inside.trim_start_matches('-').trim_end_matches('-').trim();
            let name = metadata_name(expression).ok_or_else(|| TemplateError::Expression(expression.to_owned()))?;
            parts.push(Part::Metadata(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The text for a record with these metadata, or the name of those that it hasn't.
    pub(super) fn render<'a>(&'a self, metadata: &'a Metadata) -> Result<Cow<'a, str>, &'a str> {
        let value = |part: &'a Part| match part {
            Part::Text(text) => Ok(text.as_str()),
            Part::Metadata(name) => metadata.get(name).filter(|value| !value.is_empty()).ok_or(name.as_str()),
        };
        if let [one] = &self.parts[..] {
            return value(one).map(Cow::Borrowed);
        }
        self.parts.iter().map(value).collect::<Result<String, _>>().map(Cow::Owned)
    }
}

/// The name in `index .Metadata "name"` or `.Metadata.name`.
fn metadata_name(expression: &str) -> Option<&str> {
    if let Some(name) = expression.strip_prefix(".Metadata.") {
        let plain = |c: char| c.is_alphanumeric() || c == '_';
        return (!name.is_empty() && name.chars().all(plain)).then_some(name);
    }
    let quoted = expression.strip_prefix("index")?.trim_start().strip_prefix(".Metadata")?.trim_start();
    let name = ['"', '`'].iter().find_map(|quote| quoted.strip_prefix(*quote)?.strip_suffix(*quote))?;
    (!name.is_empty() && !name.contains(['"', '`', '\\'])).then_some(name)
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Metadata(name) => write!(f, "{{{{ index .Metadata {name:?} }}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_with_text_around_them() {
        let metadata: Metadata = [("opencdc.collection", "deals"), ("team", "x")].into_iter().collect();
        for (text, made) in [
            (r#"{{ index .Metadata "opencdc.collection" }}"#, "deals"),
            (r#"{{index .Metadata "opencdc.collection"}}"#, "deals"),
            ("{{- index .Metadata `opencdc.collection` -}}", "deals"),
            (r#"crm.{{ index .Metadata "opencdc.collection" }}"#, "crm.deals"),
            (r#"a.{{ .Metadata.team }}.{{ index .Metadata "team" }}.b"#, "a.x.x.b"),
        ] {
            assert_eq!(Template::parse(text).unwrap().render(&metadata).unwrap(), made, "{text}");
        }
        let shown = Template::parse("crm.{{ .Metadata.team }}").unwrap().to_string();
        assert_eq!(shown, r#"crm.{{ index .Metadata "team" }}"#);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let template = Template::parse(r#"crm.{{ index .Metadata "table" }}"#).unwrap();
        assert_eq!(template.render(&Metadata::new()), Err("table"));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        assert_eq!(Template::parse("{{ .Metadata.a"), Err(TemplateError::Open));
        for text in ["{{ .Position }}", "{{ index .Metadata }}", "{{ if x }}", "{{ .Metadata.a.b }}", "{{}}"] {
            assert!(matches!(Template::parse(text), Err(TemplateError::Expression(_))), "{text}");
        }
    }
}
