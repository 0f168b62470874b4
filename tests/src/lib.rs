//! What the end-to-end tests, the demo and the benchmarks share: where the plugin is, what its records add up to, and how that
//! compares with what HubSpot holds.
//!
//! Everything here drives the *real* plugin process over gRPC, against the embedded emulator; nothing reaches into the connector.
//!
//! ```
//! use end_to_end::replica::Replica;
//! use opencdc::Record;
//! use serde_json::json;
//!
//! let record: Record = serde_json::from_value(json!({
//!     "position": "", "operation": "create", "key": {"id": "7"},
//!     "payload": {"after": {"id": "7", "properties": {"name": "Acme"}}},
//! }))?;
//! let mut replica = Replica::default();
//! replica.apply(&record)?;
//! let truth = [("7".to_owned(), json!({"id": "7", "properties": {"name": "Acme", "city": "Oslo"}}))].into();
//! assert!(replica.difference(&truth).is_none());
//! # Ok::<(), anyhow::Error>(())
//! ```

pub mod page;
pub mod people;
pub mod plugin;
pub mod process;
pub mod reading;
pub mod replica;
pub mod samples;
