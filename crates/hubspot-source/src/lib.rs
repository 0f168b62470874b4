//! Reads a HubSpot resource as [OpenCDC](opencdc) records: first a snapshot of what is there, then its changes.
//!
//! * [`HubSpotSource`] is the way in: it drives the engine over a [`hubspot_client::Client`] and hands out batches of
//!   records.
//! * [`engine`] is the algorithm, without I/O and without a clock: what to ask next, and what an answer means.
//! * [`position`] is where a stream can be resumed, in this connector's form and in the Go connector's.
//!
//! # What is promised
//! Every object's last state and every deletion is delivered, at least once, as long as HubSpot's search index shows a
//! change within [`Config::lag`] of its happening. In a running stream each version of an object is delivered once.
//! After a restart, what changed since the `settled` instant of the position (a lag window, at most, behind the head)
//! is delivered again.
//!
//! Operations: an object that was there when the stream began is a `snapshot`; one created since then, and not
//! delivered by the stream before, is a `create`; one seen again is an `update`; one in HubSpot's list of archived
//! objects is a `delete`.
//!
//! ```no_run
//! use hubspot_client::{Auth, Client};
//! use hubspot_source::{Config, HubSpotSource};
//!
//! # async fn read() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder(Auth::token("pat-…")).build()?;
//! let config = Config::new(hubspot_catalog::find("crm.contacts")?);
//! let mut source = HubSpotSource::open(client, config, None).await?;
//! loop {
//!     for record in source.next_batch().await? {
//!         eprintln!("{} {:?}", record.operation, record.key);
//!     }
//! }
//! # }
//! ```

pub mod ask;
mod config;
mod driver;
pub mod engine;
mod error;
mod hubspot;
pub mod item;
pub mod position;
pub mod record;

pub use config::Config;
pub use driver::HubSpotSource;
pub use error::{AnswerError, Error, PositionError};
