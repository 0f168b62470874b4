//! Placeholders in a suite's texts: `{{folder}}` and others.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// What stands for something that each check has of its own.
pub(crate) const OF_A_CHECK: [&str; 3] = ["folder", "unique", "blackhole"];

/// What stands for something that each record has of its own.
pub(crate) const OF_A_RECORD: [&str; 2] = ["mark", "n"];

static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\{\{ *(\w+) *\}\}").ok());

/// What has texts that may hold placeholders.
pub(crate) trait Texts {
    /// Shows each text, to be looked at or changed.
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String));

    /// The same with placeholders replaced. Others than these stay.
    fn filled(&self, values: &[(&str, &str)]) -> Self
    where
        Self: Clone,
    {
        let mut filled = self.clone();
        filled.each_text(&mut |text| *text = fill(text, values));
        filled
    }

    /// The first placeholder that is none of these.
    fn unknown_placeholder(&self, known: &[&str]) -> Option<String>
    where
        Self: Clone,
    {
        let mut unknown = None;
        self.clone().each_text(&mut |text| {
            let found = placeholders(text).into_iter().find(|name| !known.contains(&name.as_str()));
            unknown = unknown.take().or(found);
        });
        unknown
    }

    /// Whether the placeholder stands in any of the texts.
    fn has_placeholder(&self, name: &str) -> bool
    where
        Self: Clone,
    {
        let mut found = false;
        self.clone().each_text(&mut |text| found |= placeholders(text).iter().any(|other| other == name));
        found
    }
}

fn placeholders(text: &str) -> Vec<String> {
    PLACEHOLDER.as_ref().map_or_else(Vec::new, |it| it.captures_iter(text).map(|found| found[1].to_owned()).collect())
}

fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let Some(placeholder) = PLACEHOLDER.as_ref() else { return text.to_owned() };
    let value = |found: &Captures<'_>| {
        let known = values.iter().find(|(name, _)| *name == &found[1]);
        known.map_or_else(|| found[0].to_owned(), |(_, value)| (*value).to_owned())
    };
    placeholder.replace_all(text, value).into_owned()
}

impl Texts for String {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        look(self);
    }
}

impl<T: Texts> Texts for Option<T> {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        if let Some(it) = self {
            it.each_text(look);
        }
    }
}

impl<T: Texts> Texts for Vec<T> {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        for it in self {
            it.each_text(look);
        }
    }
}

/// Values, not names.
impl<T: Texts> Texts for BTreeMap<String, T> {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        for it in self.values_mut() {
            it.each_text(look);
        }
    }
}

impl Texts for Map<String, Value> {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        for it in self.values_mut() {
            it.each_text(look);
        }
    }
}

impl Texts for Value {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        match self {
            Self::String(text) => look(text),
            Self::Array(values) => values.iter_mut().for_each(|value| value.each_text(look)),
            Self::Object(map) => map.each_text(look),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_are_replaced_wherever_they_stand() {
        let value = json!({"a": ["{{n}} and {{ mark }}", 1], "{{n}}": {"b": "{{folder}}{{folder}}"}});
        let filled = value.filled(&[("n", "7"), ("folder", "/f")]);
        assert_eq!(filled, json!({"a": ["7 and {{ mark }}", 1], "{{n}}": {"b": "/f/f"}}));
        assert!(value.has_placeholder("mark") && !filled.has_placeholder("n"));
    }

    #[test]
    fn one_that_does_not_exist_is_found() {
        let texts = vec!["{{n}}".to_owned(), "{\"a\":{\"b\":{}}}".to_owned(), "{{nn}}".to_owned()];
        assert_eq!(texts.unknown_placeholder(&OF_A_RECORD), Some("nn".to_owned()));
    }
}
