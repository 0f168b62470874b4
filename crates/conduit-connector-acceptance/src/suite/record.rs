//! Records that a suite describes.

use std::collections::BTreeMap;

use opencdc::{Change, Data, Metadata, Operation, Position, Record};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::text::Texts;

/// A record to write. Its texts may hold `{{mark}}` and `{{n}}`, which differ in each record that is made of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SuiteRecord {
    /// What happened.
    #[serde(default = "create")]
    pub operation: Operation,
    /// What is known beside the data.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// What it happened to.
    pub key: Option<SuiteData>,
    /// How it looked before.
    pub before: Option<SuiteData>,
    /// How it looks now.
    pub after: Option<SuiteData>,
    /// Whether the connector has to refuse it.
    #[serde(default)]
    pub refused: bool,
    /// How many records are made of it.
    #[serde(default = "once")]
    pub times: usize,
}

/// Data of a record to write: a table of fields, or a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum SuiteData {
    /// Structured data.
    Structured(Map<String, Value>),
    /// Raw data.
    Raw(String),
}

fn create() -> Operation {
    Operation::Create
}

fn once() -> usize {
    1
}

impl From<SuiteData> for Data {
    fn from(data: SuiteData) -> Self {
        match data {
            SuiteData::Structured(map) => map.into(),
            SuiteData::Raw(text) => Self::Raw(text.into_bytes()),
        }
    }
}

impl Texts for SuiteData {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Structured(map) => map.each_text(look),
            Self::Raw(text) => look(text),
        }
    }
}

impl Texts for SuiteRecord {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        self.metadata.each_text(look);
        self.key.each_text(look);
        self.before.each_text(look);
        self.after.each_text(look);
    }
}

impl SuiteRecord {
    /// What a suite seeds with where it says nothing else.
    pub(crate) fn of_the_suite() -> Self {
        let field = |name: &str, value: &str| (name.to_owned(), value.into());
        Self {
            operation: Operation::Create,
            metadata: BTreeMap::new(),
            key: Some(SuiteData::Structured(Map::from_iter([field("id", "{{mark}}")]))),
            before: None,
            after: Some(SuiteData::Structured(Map::from_iter([
                field("id", "{{mark}}"),
                field("name", "record {{n}}"),
            ]))),
            refused: false,
            times: 1,
        }
    }

    /// The record, at a position that the suite makes up.
    pub(crate) fn at(&self, position: String) -> Record {
        Record {
            position: Position::new(position),
            operation: self.operation,
            metadata: Metadata::from(self.metadata.clone()),
            key: self.key.clone().map(Into::into),
            payload: Change { before: self.before.clone().map(Into::into), after: self.after.clone().map(Into::into) },
        }
    }
}
