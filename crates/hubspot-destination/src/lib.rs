//! Writes [OpenCDC](opencdc) records into HubSpot: in batches, in order per key, with an answer for each record.
//!
//! * [`HubSpotDestination`] is the way in: a batch of records goes in, one outcome per record comes out.
//! * [`Config`] says where records go ([`Routing`]), what they become ([`Mode`], [`Deletes`]), and what identifies an object.
//! * [`plan`] decides which records share a call and which calls wait for others, without I/O.
//! * [`RecordError`] is the reason of one record, HubSpot's own where it gave one.
//!
//! # What is written
//! | record | `auto` | with `idProperty` | with `sourceId` | `upsert` | `update` | `insert` |
//! |---|---|---|---|---|---|---|
//! | create | create | create | upsert | upsert | update | create |
//! | snapshot | create | upsert | upsert | upsert | update | create |
//! | update | update | update | upsert | upsert | update | create |
//! | delete | archive | archive | archive | archive | archive | archive |
//!
//! A delete may also be ignored, or be for good where HubSpot has that (contacts). CMS objects are deleted.
//!
//! Which object is meant, says the first of these that is there:
//! 1. with [`Config::source_id`] that property, whose value is the record's key: what was copied is found again after any restart;
//! 2. with [`Config::id_field`] that field of the payload, which holds HubSpot's id;
//! 3. with [`Config::id_properties`] the payload's value of that property, or the key's, if its one field has the property's name;
//! 4. the key: what this process has created for it, or else HubSpot's id. A key that is a number is looked up once, because it may be an
//!    id of HubSpot's; if it is one, that object is meant.
//!
//! A key is one field, of any name, with a text or a whole number: `{"id": "51"}`. A CRM payload is HubSpot's own form
//! (`{"properties": {…}, "associations": …}`) or a bare map of properties; a CMS payload is the object. Both may be raw JSON. Values are
//! checked and converted by HubSpot's definitions of the properties; what HubSpot sets itself stays behind, so that records of a HubSpot
//! source can be written as they are. A HubDB table is made, and changed, as a draft, which is then published.
//!
//! # What is promised
//! * Every record gets exactly one outcome. `Ok` means that an answer of HubSpot's names it as written, or that nothing was to be done:
//!   ignored deletes, and objects that are missing where [`OnMissing`] lets that pass.
//! * Two changes of one object are sent in their order, the second when the first is answered. What identifies an object for that are
//!   its id, the record's key, and all values that only one object may have. Creates with one key are objects of their own.
//! * One id, or one unique value, is never twice in a call.
//! * Only the guilty fail: HubSpot refuses a whole batch for one bad record, and it is cut in two until that one is alone.
//! * A create whose reply was lost is looked for by a unique value, and sent again only when it isn't there: that value keeps HubSpot from
//!   doubling it. Without such a value its record fails with an outcome that is [unknown](RecordError::is_outcome_unknown).
//! * A record whose object was written, but not associated as it says, fails and [says so](RecordError::written_as).
//! * 100 records a call where HubSpot has batch endpoints (CRM, blogs, pages), one where it hasn't (HubDB tables, URL redirects, deleting
//!   for good). Deletes by a property take one more call for 100, because HubSpot archives by ids alone.
//!
//! HubSpot's `batch/archive` answers with success for ids that don't exist, so deleting a CRM object by its id when it is gone is no
//! error. Where it is looked up by a property, [`OnMissing`] decides.
//!
//! With [`Config::coalesce`] the changes of one object in a batch are one write, and have one outcome; a value that HubSpot refuses in one
//! of them fails them all. What is created and deleted in the same batch isn't sent at all.
//!
//! ```no_run
//! use hubspot_client::{Auth, Client};
//! use hubspot_destination::{Config, HubSpotDestination, Routing};
//! use opencdc::{Data, Metadata, Position, Record};
//!
//! # async fn write() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::builder(Auth::token("pat-…")).build()?;
//! let mut config = Config::new(Routing::parse("crm.contacts", "")?);
//! config.id_properties = "email".parse()?;
//! let mut destination = HubSpotDestination::new(client, config)?;
//! destination.open().await?;
//!
//! let record = Record::update(
//!     Position::default(),
//!     Metadata::new(),
//!     Data::from([("email", "ada@example.com")]),
//!     None,
//!     Data::from([("firstname", "Ada")]),
//! );
//! for outcome in destination.write(vec![record]).await? {
//!     if let Err(error) = outcome {
//!         eprintln!("{error}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod advice;
mod answer;
mod api;
mod associations;
mod bisect;
mod call;
mod carry;
mod change;
mod coalesce;
mod config;
pub mod definitions;
mod destination;
mod error;
mod hubspot;
mod identity;
mod key;
mod lookup;
mod memory;
pub mod plan;
mod prepare;
mod properties;
mod resolve;
mod resources;
mod routing;
mod schedule;
mod shape;
mod stats;
mod writer;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use associations::{LinkError, LinkFailure, LinkReason};
pub use config::{
    Associations, Config, Deletes, IdProperties, IdPropertiesError, Mode, OnMissing, ReadOnly, SourceId, Unknown,
    UnknownChoice,
};
pub use destination::HubSpotDestination;
pub use error::{Detail, Error, Failure, Misfit, RecordError, Refusal};
pub use key::KeyError;
pub use routing::{RouteError, Routing, RoutingError, TemplateError};
pub use shape::facts::RESERVED_PREFIXES;
pub use shape::{Allowed, PayloadError, PropertyError};
pub use stats::Stats;
