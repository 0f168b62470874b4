//! Writes [OpenCDC](opencdc) records into HubSpot: in batches, in order per key, with an answer for each record.
//!
//! * [`HubSpotDestination`] is the way in: a batch of records goes in, one outcome per record comes out.
//! * [`plan`] decides which records share a call and which calls wait for others, without I/O.
//! * [`RecordError`] is the reason of one record, HubSpot's own where it gave one.
//!
//! # What is written
//! | record | becomes |
//! |---|---|
//! | create, snapshot | a new object; the key isn't needed |
//! | update | a change of the object whose id is the key |
//! | delete | the object whose id is the key is archived (CRM), or deleted |
//!
//! A key is one field, of any name, with a text or a whole number: `{"id": "51"}`. A CRM payload is HubSpot's own form
//! (`{"properties": {…}, "associations": […]}`) or a bare map of properties; a CMS payload is the object. Both may be raw JSON. What
//! HubSpot itself puts around an object it answers with (`id`, `createdAt`, `updatedAt`, `archived`, `url`, …) isn't sent, so records
//! of a HubSpot source can be written as they are; the id and the two timestamps among the properties of such a record aren't either.
//! A HubDB table is made, and changed, as a draft, which is then published.
//!
//! # What is promised
//! * Every record gets exactly one outcome. `Ok` means that an answer of HubSpot's names it as written.
//! * Two changes of one object are sent in their order, the second when the first is answered. A create makes an object of its own,
//!   so creates wait for no other creates.
//! * Only the guilty fail: HubSpot refuses a whole batch for one bad record, and it is cut in two until that one is alone.
//! * A create whose reply was lost is never sent again. Its record fails with an outcome that is
//!   [unknown](RecordError::is_outcome_unknown).
//! * 100 records a call where HubSpot has batch endpoints (CRM, blogs, pages), one where it hasn't (HubDB tables, URL redirects).
//!
//! HubSpot's `batch/archive` answers with success for ids that don't exist, so deleting a CRM object that is gone is no error.
//!
//! ```no_run
//! use hubspot_client::{Auth, Client};
//! use hubspot_destination::{Config, HubSpotDestination};
//! use opencdc::{Data, Metadata, Operation, Position, Record};
//! use serde_json::json;
//!
//! # async fn write() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder(Auth::token("pat-…")).build()?;
//! let config = Config::new(hubspot_catalog::find("crm.contacts")?);
//! let mut destination = HubSpotDestination::new(client, config)?;
//! destination.open().await?;
//!
//! let record = Record::update(
//!     Position::default(),
//!     Metadata::new(),
//!     Data::try_from(json!({"id": "51"}))?,
//!     None,
//!     Data::try_from(json!({"firstname": "Ada"}))?,
//! );
//! for outcome in destination.write(vec![record]).await? {
//!     if let Err(error) = outcome {
//!         eprintln!("{error}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod advice;
mod answer;
mod api;
mod call;
mod change;
mod config;
mod destination;
mod error;
mod hubspot;
mod key;
pub mod plan;
mod shape;
mod writer;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use destination::HubSpotDestination;
pub use error::{Detail, Error, Failure, RecordError, Refusal};
pub use key::KeyError;
pub use shape::PayloadError;
