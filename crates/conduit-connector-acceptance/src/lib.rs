//! A host for Conduit connectors, and a black-box acceptance suite that drives any connector binary over gRPC.
//!
//! A [`Connector`] is a program. From it come a [`SourceDriver`] and a [`DestinationDriver`]: each starts the program and calls
//! what Conduit calls, in protocol v2 or v1, in Conduit's order or in any other. Tests, demos and benchmarks of a connector
//! are written on these. The [`Suite`] is a list of checks on top: what any connector has to hold to, in whatever language it
//! is written. The command `conduit-connector-acceptance run BINARY --suite suite.toml` runs it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use conduit_connector_acceptance::{Connector, Settings};
//!
//! let connector = Connector::new("/opt/conduit/connectors/hubspot").connector_id("contacts");
//! println!("{}", connector.specify().await?.version);
//!
//! let settings = Settings::from([("resource".to_owned(), "crm.contacts".to_owned())]);
//! let mut source = connector.source(settings).await?;
//! source.open(None).await?;
//! for record in source.take(100).await? {
//!     println!("{} {}", record.operation, record.position);
//! }
//! let rest = source.finish().await?;
//! println!("and {} more that were on their way", rest.len());
//! # Ok(())
//! # }
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod avro;
pub mod checks;
mod connector;
mod destination;
mod error;
mod process;
mod registry;
mod report;
mod source;
mod specification;
mod suite;
mod wire;

use std::collections::BTreeMap;

pub use conduit_connector_protocol::ProtocolVersion;
pub use conduit_connector_protocol::host::{LogEntry, Network};
pub use connector::Connector;
pub use destination::{AnswerHalf, DestinationDriver, RecordHalf};
pub use error::DriverError;
pub use registry::Registry;
pub use report::{Finding, Outcome, Report};
pub use source::SourceDriver;
pub use specification::{Parameter, ParameterKind, Specification, Validation};
pub use suite::{DestinationSuite, Http, ReadBack, Seed, SourceSuite, Suite, SuiteData, SuiteError, SuiteRecord};
pub use wire::Answer;

/// A connector's settings, by name: what stands under `settings` in a pipeline file.
pub type Settings = BTreeMap<String, String>;
