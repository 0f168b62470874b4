//! Schemas of keys and payloads: derived from records or stated by the source, kept by Conduit, and encoded and decoded with.
//!
//! Conduit keeps a registry of Avro schemas. A source's records get a schema ([`Extractor`]): their keys and payloads go to
//! Conduit in Avro's binary form, with the schema's subject and version in the metadata. A destination gets them back as they
//! were ([`Restorer`]). The SDK does both around a connector's own code, by the parameters `sdk.schema.*`; what is here is for
//! connectors that do something else, for hosts and for tests.
//!
//! | question | answer |
//! |---|---|
//! | which schema has a record? | the one that Conduit's Go SDK derives ([`derive()`]), or the source's own ([`Extractor::state`]) |
//! | and the next, with other types? | where the fields are the same, a version with the types of both; otherwise a version of its own. Nothing that is decoded differs from what was read, though it was encoded by a wider schema |
//! | many collections, or schemas that records name? | 1,024 of each are remembered; past that they are looked up again. What is stated stays |
//! | a record that doesn't fit the stated schema? | gets a version of its own, and a warning says so once |
//! | a field that Avro has no name for, as `a.b`, or with more than 62 lists and maps in each other? | the record stays as it is, without a schema, and a warning says so once for each collection; in Go such a name stops the pipeline |
//! | the two sides of a change? | have one schema: a field that one lacks is null in it |
//! | a host without a schema service? | records stay as they are, and the log says so once: as a warning where the host names a service that turns out to be none, or where the pipeline turns schemas on that the connector has off |
//! | a schema service that can't be reached? | an error of the pipeline, after it was tried four times, from the first record on: records without schemas would not be what the pipeline asked for |
//! | integers beyond 2^53? | are exact, as `long`s, whereas as structured data they go as doubles |

mod decode;
mod defaults;
mod derive;
mod encode;
mod extract;
mod logical;
mod parse;
mod part;
mod registry;
mod restore;
mod service;
#[cfg(test)]
mod tests;
mod track;

pub use decode::DecodeError;
pub use derive::{DeriveError, derive};
pub use encode::EncodeError;
pub use extract::{ExtractSettings, Extractor};
pub use parse::{ParseError, Schema};
pub use part::{Part, SchemaError};
pub use registry::{InMemoryRegistry, NoRegistry, Registered, Registry, RegistryError};
pub use restore::{RestoreSettings, Restorer};
pub use service::ServiceClient;
