//! `OpenCDC` records as Rust types.
//!
//! `OpenCDC` is the record format of [Conduit](https://conduit.io): each record says where it stands in its
//! source ([`Position`]), what happened ([`Operation`]), to what (its key), and what the thing looked like before and after
//! ([`Change`]), with free-form [`Metadata`] beside it. This crate holds the types, their JSON form and nothing else: no
//! gRPC, no I/O. Engines speak it; the wire is `conduit-connector-protocol`'s.
//!
//! ```
//! use opencdc::{Data, Metadata, Position, Record, value};
//!
//! let mut metadata = Metadata::new();
//! metadata.set_collection("crm.contacts");
//!
//! let record = Record::create(
//!     Position::from(b"17".to_vec()),
//!     metadata,
//!     Data::from([("id", "51")]),
//!     Data::try_from(value!({"id": "51", "properties": {"email": "ada@example.com"}}))?,
//! );
//!
//! assert_eq!(record.operation.as_str(), "create");
//! assert_eq!(serde_json::to_value(&record)?["metadata"]["opencdc.collection"], "crm.contacts");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod data;
mod map;
mod metadata;
mod operation;
mod position;
mod record;
mod sorted;
mod value;

/// Text that is held in place where it has up to 24 bytes; see the crate [`compact_str`].
pub use compact_str::CompactString;
/// A number as in JSON.
pub use serde_json::Number;
#[doc(hidden)]
pub use serde_json::json as __json;

pub use data::{Data, DataError};
pub use map::Map;
pub use metadata::Metadata;
pub use operation::{Operation, UnknownOperation};
pub use position::Position;
pub use record::{Change, Record};
pub use sorted::{Entries, IntoEntries};
pub use value::Value;
