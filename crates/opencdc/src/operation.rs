//! What happened to the thing a record is about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What happened to the thing a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// It came into being.
    Create,
    /// It changed.
    Update,
    /// It is gone.
    Delete,
    /// It was there when the source was first read.
    Snapshot,
}

impl Operation {
    /// The name that Conduit writes in JSON: `create`, `update`, `delete` or `snapshot`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Snapshot => "snapshot",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is the name of no operation.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no operation; there are create, update, delete and snapshot")]
pub struct UnknownOperation(pub String);

impl FromStr for Operation {
    type Err = UnknownOperation;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "create" => Ok(Self::Create),
            "update" => Ok(Self::Update),
            "delete" => Ok(Self::Delete),
            "snapshot" => Ok(Self::Snapshot),
            other => Err(UnknownOperation(other.to_owned())),
        }
    }
}
