//! HubSpot's resources as data: what they are called, where they live, what their timestamps are named, and what HubSpot lets
//! one do with them.
//!
//! The catalogue is `resources.toml`; `cargo xtask codegen` turns it into the static table here, into `docs/resources.md` and
//! into the help of the connector's `resource` parameter. Nothing else in the project branches on the name of a resource.
//!
//! ```
//! use hubspot_catalog::{Kind, find};
//!
//! let contacts = find("crm.contacts")?;
//! let Kind::Crm(crm) = contacts.kind else { unreachable!("contacts are a CRM object") };
//! assert_eq!(crm.object_type, "contacts");
//! assert_eq!(crm.updated_property, "lastmodifieddate");
//!
//! let error = find("crm.contcats").unwrap_err();
//! assert_eq!(error.nearest, Some("crm.contacts"));
//! # Ok::<(), hubspot_catalog::UnknownResource>(())
//! ```

mod find;
#[rustfmt::skip]
mod generated;
mod resource;

pub use find::{UnknownResource, find, names};
pub use generated::{RESOURCE_HELP, RESOURCES};
pub use resource::{Cms, Crm, Kind, Operations, Resource};
