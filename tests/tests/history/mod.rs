//! The history of an account that many people change: what there is, who changes it, and who reads it.

mod held;
mod people;

use std::collections::HashMap;

pub(crate) use self::held::{Held, Truth};
pub(crate) use self::people::People;

/// One of the resources.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) collection: &'static str,
    /// The emulator's name of it.
    pub(crate) name: &'static str,
    /// What people change.
    pub(crate) field: &'static str,
    /// The field of a payload with the changed-time.
    pub(crate) updated: &'static str,
    pub(crate) merges: bool,
    /// So many of a hundred changes are made to it.
    pub(crate) share: usize,
}

const fn crm(
    collection: &'static str,
    name: &'static str,
    field: &'static str,
    merges: bool,
    share: usize,
) -> Resource {
    Resource { collection, name, field, updated: "updatedAt", merges, share }
}

/// All of them.
pub(crate) const RESOURCES: [Resource; 6] = [
    crm("crm.contacts", "contacts", "phone", true, 25),
    crm("crm.companies", "companies", "phone", true, 20),
    crm("crm.deals", "deals", "dealname", true, 15),
    crm("crm.tickets", "tickets", "subject", true, 10),
    crm("crm.notes", "notes", "hs_note_body", false, 10),
    Resource {
        collection: "cms.blogs.posts",
        name: "blogs/posts",
        field: "name",
        updated: "updated",
        merges: false,
        share: 20,
    },
];

/// An object: which resource's, and its id.
pub(crate) type Key = (usize, String);

/// What people did, as far as it can't be read off the account any more.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// When objects were archived or merged away, by HubSpot's clock, about.
    pub(crate) archived: HashMap<Key, Vec<i64>>,
    /// What an object was merged into.
    pub(crate) merged: HashMap<Key, String>,
}
