//! Write [Conduit](https://conduit.io) connectors in Rust.
//!
//! A connector is a program that Conduit starts and talks gRPC to. This crate is all of that program but what it reads and
//! writes: the process contract, protocol v2 and v1, parameters, logging, the loops around [`Source::read`] and
//! [`Destination::write`], and an end in bounded time whatever the connector does.
//!
//! # Your first connector
//!
//! 1. Say what can be configured: a struct with `#[derive(Parameters)]` ([`Parameters`] lists types and attributes).
//! 2. Implement [`Source`], [`Destination`] or both, with `async fn`s. Both work on batches. Each record that a source reads
//!    has a position that it can be opened with again; a destination gives one result for each record.
//! 3. Say what the connector is: implement [`Connector`].
//! 4. Call [`serve`] in `main`. Log with [`tracing`]'s macros, and never print to stdout.
//!
//! ```no_run
#![doc = include_str!("../examples/first_connector.rs")]
//! ```
//!
//! Build it, copy the program into Conduit's `connectors` folder, and name it in a pipeline file as `standalone:first`.
//!
//! # What is promised to Conduit, and who keeps it
//!
//! | promise | kept by |
//! |---|---|
//! | parameters are checked, and all that is wrong is said in one line | this crate |
//! | reading goes on after the last acknowledged record | the source's positions |
//! | one answer for each record, in order | this crate; a wrong number of results is an error of the pipeline |
//! | memory is bounded: two messages wait for Conduit, the next is read meanwhile | this crate, where batches are |
//! | `Stop`, `Teardown` and the end of the process are answered, even when the connector hangs, blocks or panics | this crate |

mod apart;
mod connector;
mod context;
mod destination;
mod error;
mod life;
mod logging;
mod parameters;
mod runtime;
mod service;
mod source;
mod specification;

pub use conduit_connector_sdk_derive::Parameters;
pub use connector::{Connector, NoDestination, NoSource};
pub use context::Context;
pub use destination::Destination;
pub use error::{Code, Error, ResultExt};
pub use opencdc::{Change, Data, DataError, Map, Metadata, Operation, Position, Record};
pub use parameters::{
    Absent, Checked, DurationError, Parameter, ParameterType, Parameters, Secret, Settings, Validation, Value,
    parse_duration,
};
pub use runtime::serve;
pub use source::Source;
pub use specification::{Specification, describe};
