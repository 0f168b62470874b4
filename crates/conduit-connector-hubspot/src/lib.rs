//! The HubSpot connector for Conduit: thin glue between Conduit's connector traits and the HubSpot engines.
//!
//! Conduit starts the binary of this crate as the standalone plugin `hubspot`. This library is what the binary serves: the
//! parameters ([`SourceConfig`], [`DestinationConfig`]), and how they become a client, a source engine and a destination
//! engine. The algorithms live in `hubspot-source` and `hubspot-destination`, the process contract in
//! `conduit-connector-sdk`.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use conduit_connector_hubspot::HubSpot;
//!
//! fn main() -> ExitCode {
//!     conduit_connector_sdk::serve::<HubSpot>()
//! }
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod associations;
mod config;
mod connector;
mod custom_objects;
mod destination;
#[cfg(test)]
mod pipelines;
mod plan;
mod schema;
mod source;
mod writing;

pub use config::{ConnectionConfig, DestinationConfig, SourceConfig};
pub use connector::HubSpot;
pub use destination::Destination;
pub use source::Source;
