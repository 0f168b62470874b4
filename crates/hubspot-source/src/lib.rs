//! Reads HubSpot resources as [OpenCDC](opencdc) records: first a snapshot of what is there, then its changes.
//!
//! * [`HubSpotSource`] is the way in: it drives one engine a resource over a [`hubspot_client::Client`] and hands out
//!   batches of records.
//! * [`engine`] is the algorithm, without I/O and without a clock: what to ask next, and what an answer means.
//! * [`position`] is where a stream can be resumed, in this connector's form and in the Go connector's.
//!
//! [`ask`], [`engine`], [`item`], [`position`] and [`record`] are public for the simulation, and for whoever drives the
//! engines in another way; only [`HubSpotSource`], [`Config`], the errors and the bytes of positions are kept stable.
//!
//! # What is promised
//! Every object's last state and every deletion is delivered, at least once, as long as HubSpot's search index shows a
//! change, and its list of archived objects a deletion, within [`Config::lag`] of its happening. In a running stream
//! each version of an object, and each deletion, is delivered once, with three exceptions: of a snapshot during which more
//! than 50 000 objects changed, those beyond that number; in a CMS snapshot objects created in one millisecond, when
//! HubSpot's pages of them shift while they are read; and all of a snapshot when HubSpot's cursors turn out to be no ids
//! in its middle.
//!
//! What moves no changed-time is seen by a pass over all objects, if one is configured: associations
//! ([`Config::associations_refresh`]), calculated properties ([`Config::calculated_refresh`]), changes that the index never
//! shows, and objects that vanish from every list ([`Config::audit_interval`]). What such a pass compares with is in no
//! position: the first pass after a restart only learns what associations and calculated properties are.
//!
//! # What a restart repeats
//! Of a stream that had caught up: the changes of about the last lag, and the deletions since a lag before the list of
//! archived objects was last read through. Beyond that:
//!
//! * Where more than a page of objects changed within a lag, what hadn't been settled yet: at most the changes of two
//!   lags, or of a lag and a minute.
//! * In the middle of a snapshot: what it had delivered and had changed since its start is delivered again, as the
//!   change that it is, once the snapshot is through.
//! * A resource that doesn't say when objects were deleted (`cms.urlRedirects`, archived owners): every archived object that
//!   HubSpot lists is delivered again, as a `delete`.
//! * Of an object that others were merged into, at its first change: the `delete` of each of these that is in no list of
//!   archived objects.
//!
//! # Operations
//! An object that was there when the stream began is a `snapshot`; one created since then, and not
//! delivered by the stream before, is a `create`; one seen again is an `update`; one in HubSpot's list of archived
//! objects is a `delete`; one that was deleted and is restored while the stream runs is a `create`. A merge is an `update` of
//! the object that remains (a `create` where HubSpot makes a new one of both) and a `delete` of the others. A `delete` says
//! why in its metadata ([`record::DELETE_REASON`]), and what it was merged into ([`record::MERGED_INTO`]).
//!
//! ```no_run
//! use hubspot_client::{Auth, Client};
//! use hubspot_source::{Config, HubSpotSource};
//!
//! # async fn read() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder(Auth::token("pat-…")).build()?;
//! let config = Config::new([hubspot_catalog::find("crm.contacts")?]);
//! let mut source = HubSpotSource::open(client, config, None).await?;
//! loop {
//!     for record in source.next_batch().await? {
//!         eprintln!("{} {:?}", record.operation, record.key);
//!     }
//! }
//! # }
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod ask;
mod config;
mod driver;
pub mod engine;
mod error;
mod hubspot;
pub mod item;
mod payload;
pub mod position;
pub mod record;

pub use config::{Config, OnForbidden};
pub use driver::{HubSpotSource, forbidden};
pub use engine::Values;
pub use error::{AnswerError, Error, PositionError, Refusal};
pub use payload::definitions::{PropertyDefinition, ValueKind};
pub use payload::selection::{Pattern, Properties, PropertiesError};
pub use payload::shape::RecordShape;
