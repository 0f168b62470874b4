//! Conduit's connector protocol: the messages and services on the wire, and the process contract around them.
//!
//! Conduit runs connectors as separate programs. It starts one by the rules of go-plugin, and talks gRPC to it: protocol v2,
//! or v1 on older hosts. This crate holds
//!
//! - [`proto`]: the generated messages, clients and services (from the `.proto` files of this crate),
//! - [`record`]: records on the wire, and what becomes of their values there,
//! - [`plugin`]: the side of the program that is started,
//! - [`host`]: the side that starts it.
//!
//! Connectors are written against `conduit-connector-sdk`, which is built on this.
//!
//! ```
//! use conduit_connector_protocol::proto::opencdc::v1 as wire;
//! use opencdc::{Data, Metadata, Position, Record, value};
//!
//! let record = Record::create(
//!     Position::new(*b"1"),
//!     Metadata::new(),
//!     Data::from([("id", "51")]),
//!     Data::try_from(value!({"id": "51", "count": 3}))?,
//! );
//! let sent = wire::Record::try_from(&record)?;
//! assert_eq!(Record::try_from(sent)?, record);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod host;
pub mod plugin;
pub mod proto;
pub mod record;
mod version;

pub use version::ProtocolVersion;

/// The environment variable that carries the magic cookie, by which a plugin knows that Conduit started it.
pub const MAGIC_COOKIE_KEY: &str = "CONDUIT_PLUGIN_MAGIC_COOKIE";

/// The magic cookie's value. It is no secret: it keeps people from starting a plugin by hand by mistake.
pub const MAGIC_COOKIE_VALUE: &str = "204e8e812c3a1bb73b838928c575b42a105dd2e9aa449be481bc4590486df53f";
