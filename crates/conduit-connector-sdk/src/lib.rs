//! Write [Conduit](https://conduit.io) connectors in Rust.
//!
//! A connector is a program that Conduit starts and talks gRPC to. This crate is all of that program but what it reads and
//! writes: the process contract, protocol v2 and v1, parameters, logging, the loops around [`Source::read`] and
//! [`Destination::write`], and an end in bounded time whatever the connector does.
//!
//! 1. Say what can be configured: a struct with `#[derive(Parameters)]` ([`Parameters`] lists types and attributes).
//! 2. Implement [`Source`], [`Destination`] or both, with `async fn`s. Both work on batches. Each record that a source reads
//!    has a position that it can be opened with again; a destination gives one result for each record.
//! 3. Say what the connector is: implement [`Connector`].
//! 4. Call [`serve`] in `main`. Log with [`tracing`]'s macros, and never print to stdout.
//!
#![doc = include_str!("../docs/first-connector.md")]
//!
//! # What else there is
//!
//! The specification has the connector's parameters and those of the [`middleware`], named as in Conduit's Go SDK: batches, rates,
//! formats, schemas. A connector changes their defaults in [`Source::middleware`] and [`Destination::middleware`], and states the
//! schemas of what it reads in `Source::schema` (`middleware::StatedSchema` has an example).
//!
//! # Tests
//!
//! A connector's own code runs without Conduit, in `#[tokio::test]`s (`tokio` with `macros` and `rt` among the `[dev-dependencies]`):
//! `Settings::from_iter([("interval", "1ms")]).parse()?` is its `Config`, checked and with defaults, and its methods are called with that and
//! [`Context::default`]: `configure`, `open`, `read`, `write`. What a source reads is compared with what it should be,
//! `Some(Data::from([("number", 8)]))`.
//!
//! What the middleware does isn't in these, stated schemas included. For that, start the program as Conduit does, in `tests/`, with the
//! crate `conduit-connector-acceptance`: its suite, or `conduit_connector_acceptance::Connector::new(env!("CARGO_BIN_EXE_…"))`, which
//! takes settings as a map of `String`s.
//!
//! # Features
//!
//! `schema`, on by default: Avro schemas of keys and payloads, and Conduit's schema service. Without it
//! (`conduit-connector-sdk = { version = "0.2", default-features = false }`) there are no parameters `sdk.schema.*` and no
//! `Source::schema`, and a source is smaller by all of that; records go as structured data. A destination without it can't read what
//! sources have encoded.
//!
//! # What is promised to Conduit, and who keeps it
//!
//! | promise | kept by |
//! |---|---|
//! | parameters are checked, and all that is wrong is said in one line | this crate |
//! | reading goes on after the last acknowledged record | the source's positions |
//! | one answer for each record, in order | this crate; a wrong number of results is an error of the pipeline |
//! | batches, rates, formats and schemas, as the pipeline's `sdk.*` parameters say | this crate ([`middleware`]) |
//! | memory is bounded: two messages wait for Conduit, the next is read meanwhile | this crate, where batches are |
//! | `Stop`, `Teardown` and the end of the process are answered, even when the connector hangs, blocks or panics | this crate |
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

// What is derived names the crate as others do; tests within it derive too.
#[cfg(test)]
extern crate self as conduit_connector_sdk;

mod apart;
mod connector;
mod context;
mod destination;
mod error;
mod life;
mod logging;
pub mod middleware;
mod parameters;
mod runtime;
#[cfg(feature = "schema")]
pub mod schema;
mod service;
mod source;
mod specification;

pub use conduit_connector_sdk_derive::Parameters;
pub use connector::{Connector, NoDestination, NoSource};
pub use context::Context;
pub use destination::Destination;
pub use error::{Code, Error, ResultExt};
pub use opencdc::{
    Change, CompactString, Data, DataError, Entries, IntoEntries, Map, Metadata, Number, Operation, Position, Record,
    Value, value,
};
pub use parameters::{
    Absent, Checked, DurationError, Keyed, Parameter, ParameterType, ParameterValue, Parameters, Secret, Settings,
    Validation, parse_duration,
};
pub use runtime::serve;
pub use source::Source;
pub use specification::{Specification, describe};
