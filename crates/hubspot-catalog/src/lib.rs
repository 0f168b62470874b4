//! HubSpot's resources as data: what they are called, where they live, what their timestamps are named, and what HubSpot lets
//! one do with them.
//!
//! The catalogue is `resources.toml`; `cargo xtask codegen` turns it into the static table here, into `docs/resources.md` and
//! into the help of the connector's `resource` parameter. Nothing else in the project branches on the name of a resource.
//!
//! An account's [custom objects](custom) become resources at run time, and a [`Selection`] is the choice that a list of names and globs makes.
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
//! assert_eq!(error.near, ["crm.contacts"]);
//! # Ok::<(), hubspot_catalog::UnknownResource>(())
//! ```
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod custom;
mod find;
#[rustfmt::skip]
mod generated;
mod pattern;
mod resource;
mod select;

pub use custom::{CUSTOM_PREFIX, CustomObject, custom};
pub use find::{UnknownResource, find, names};
pub use generated::{RESOURCE_HELP, RESOURCES, RESOURCES_HELP};
pub use resource::{Cms, Crm, Directory, Kind, Operations, Resource};
pub use select::{Selection, SelectionError};
