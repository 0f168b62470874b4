//! The parts of a record that have a schema, and what can be wrong with it.

use std::fmt;

use opencdc::{Data, Map, Metadata, Record};
use thiserror::Error;

use super::{DecodeError, EncodeError, ParseError, RegistryError};

/// A part of a record that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The key.
    Key,
    /// The payload, before and after.
    Payload,
}

impl Part {
    /// The name in the metadata of the subject of its schema.
    pub const fn subject_name(self) -> &'static str {
        match self {
            Self::Key => Metadata::KEY_SCHEMA_SUBJECT,
            Self::Payload => Metadata::PAYLOAD_SCHEMA_SUBJECT,
        }
    }

    /// The name in the metadata of the version of its schema.
    pub const fn version_name(self) -> &'static str {
        match self {
            Self::Key => Metadata::KEY_SCHEMA_VERSION,
            Self::Payload => Metadata::PAYLOAD_SCHEMA_VERSION,
        }
    }

    /// The subject and version that metadata name.
    pub(super) fn schema_in(self, metadata: &Metadata) -> Result<Option<(&str, i32)>, SchemaError> {
        let text = |name| metadata.get(name).filter(|text| !text.is_empty());
        match (text(self.subject_name()), text(self.version_name())) {
            (None, None) => Ok(None),
            (Some(subject), Some(version)) if version.parse().is_ok_and(|version: i32| version > 0) => {
                Ok(Some((subject, version.parse().unwrap_or_default())))
            }
            (subject, version) => Err(SchemaError::HalfNamed {
                part: self,
                subject: subject.unwrap_or_default().to_owned(),
                version: version.unwrap_or_default().to_owned(),
            }),
        }
    }

    /// Where it is in a record: the key, or the payload's two sides.
    pub(super) fn of(self, record: &Record) -> [Option<&Data>; 2] {
        match self {
            Self::Key => [None, record.key.as_ref()],
            Self::Payload => [record.payload.before.as_ref(), record.payload.after.as_ref()],
        }
    }

    pub(super) fn of_mut(self, record: &mut Record) -> [Option<&mut Data>; 2] {
        match self {
            Self::Key => [None, record.key.as_mut()],
            Self::Payload => [record.payload.before.as_mut(), record.payload.after.as_mut()],
        }
    }

    /// What a side is called.
    pub(super) fn side(self, index: usize) -> &'static str {
        match (self, index) {
            (Self::Key, _) => "key",
            (Self::Payload, 0) => "payload.before",
            (Self::Payload, _) => "payload.after",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Payload => "payload",
        })
    }
}

/// The sides that are structured.
pub(super) fn structured(sides: [Option<&Data>; 2]) -> [Option<&Map>; 2] {
    sides.map(|side| match side {
        Some(Data::Structured(map)) => Some(map),
        _ => None,
    })
}

/// What is wrong with the schema of a record's part.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The metadata name a subject without a version, or a version that is none, or no subject.
    #[error(
        "the metadata name the subject {subject:?} and the version {version:?} for the schema of the {part}; \
         both have to be there, the version as a number from 1, or neither"
    )]
    HalfNamed {
        /// Of what.
        part: Part,
        /// The subject, or nothing.
        subject: String,
        /// The version, or nothing.
        version: String,
    },
    /// The registry doesn't take a schema.
    #[error("cannot register the schema {subject:?}")]
    Create {
        /// Of this subject.
        subject: String,
        /// Why.
        source: RegistryError,
    },
    /// The registry doesn't give a schema.
    #[error("cannot get version {version} of the schema {subject:?}")]
    Get {
        /// Of this subject.
        subject: String,
        /// And this version.
        version: i32,
        /// Why.
        source: RegistryError,
    },
    /// The registry has something that is no Avro schema.
    #[error("version {version} of the schema {subject:?} cannot be used")]
    Parse {
        /// Of this subject.
        subject: String,
        /// And this version.
        version: i32,
        /// Why.
        source: ParseError,
    },
    /// The source named a schema for a record that doesn't fit it, and deriving another is turned off.
    #[error("the {part} doesn't fit version {version} of the schema {subject:?}")]
    Encode {
        /// What doesn't fit.
        part: Part,
        /// Of this subject.
        subject: String,
        /// And this version.
        version: i32,
        /// Why.
        source: EncodeError,
    },
    /// Bytes are no value of the schema that the metadata name.
    #[error("cannot decode {side} by version {version} of the schema {subject:?}")]
    Decode {
        /// `key`, `payload.before` or `payload.after`.
        side: &'static str,
        /// Of this subject.
        subject: String,
        /// And this version.
        version: i32,
        /// Why.
        source: DecodeError,
    },
}

impl SchemaError {
    /// Whether the same call may succeed later: the registry could not be reached.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Create { source: RegistryError::Unreachable(_), .. }
                | Self::Get { source: RegistryError::Unreachable(_), .. }
        )
    }
}
