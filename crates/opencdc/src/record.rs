//! One change of one thing.

use serde::{Deserialize, Serialize};

use crate::{Data, Metadata, Operation, Position};

/// One change of one thing: where it stands in the source, what happened, to what, and how it looked before and after.
///
/// What makes one takes a key; where there is none, set [`key`](Self::key) to `None` behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it stands in the source; a source that is opened with it goes on after this record.
    pub position: Position,
    /// What happened.
    pub operation: Operation,
    /// What is known beside the data.
    #[serde(default)]
    pub metadata: Metadata,
    /// What it happened to.
    #[serde(default)]
    pub key: Option<Data>,
    /// How it looked before and after.
    #[serde(default)]
    pub payload: Change,
}

/// How a thing looked before and after a change. A source that knows no earlier image leaves `before` out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Before; present in updates and deletes, where the source knows it.
    pub before: Option<Data>,
    /// After; absent in deletes.
    pub after: Option<Data>,
}

impl Record {
    /// A thing that was there when the source was first read.
    pub fn snapshot(position: Position, metadata: Metadata, key: Data, after: Data) -> Self {
        Self::after(Operation::Snapshot, position, metadata, key, after)
    }

    /// A thing that came into being.
    pub fn create(position: Position, metadata: Metadata, key: Data, after: Data) -> Self {
        Self::after(Operation::Create, position, metadata, key, after)
    }

    /// A thing that changed.
    pub fn update(position: Position, metadata: Metadata, key: Data, before: Option<Data>, after: Data) -> Self {
        let mut record = Self::after(Operation::Update, position, metadata, key, after);
        record.payload.before = before;
        record
    }

    /// A thing that is gone.
    pub fn delete(position: Position, metadata: Metadata, key: Data, before: Option<Data>) -> Self {
        let payload = Change { before, after: None };
        Self { position, operation: Operation::Delete, metadata, key: Some(key), payload }
    }

    fn after(operation: Operation, position: Position, metadata: Metadata, key: Data, after: Data) -> Self {
        let payload = Change { before: None, after: Some(after) };
        Self { position, operation, metadata, key: Some(key), payload }
    }
}
