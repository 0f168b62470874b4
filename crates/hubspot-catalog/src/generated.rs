//! Written by `cargo xtask codegen` from `resources.toml`; change that file, not this one.

use crate::{Cms, Crm, Kind, Operations, Resource};

/// Every resource, in the order of the docs.
pub static RESOURCES: &[Resource] = &[
    Resource {
        name: "crm.companies",
        title: "Companies",
        kind: Kind::Crm(Crm { object_type: "companies", object_type_id: "0-2", created_property: "createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.contacts",
        title: "Contacts",
        kind: Kind::Crm(Crm { object_type: "contacts", object_type_id: "0-1", created_property: "createdate", updated_property: "lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.deals",
        title: "Deals",
        kind: Kind::Crm(Crm { object_type: "deals", object_type_id: "0-3", created_property: "createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.feedbackSubmissions",
        title: "Feedback submissions",
        kind: Kind::Crm(Crm { object_type: "feedback_submissions", object_type_id: "0-19", created_property: "hs_createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: false, update: false, delete: false },
    },
    Resource {
        name: "crm.lineItems",
        title: "Line items",
        kind: Kind::Crm(Crm { object_type: "line_items", object_type_id: "0-8", created_property: "createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.products",
        title: "Products",
        kind: Kind::Crm(Crm { object_type: "products", object_type_id: "0-7", created_property: "createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.tickets",
        title: "Tickets",
        kind: Kind::Crm(Crm { object_type: "tickets", object_type_id: "0-5", created_property: "createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.quotes",
        title: "Quotes",
        kind: Kind::Crm(Crm { object_type: "quotes", object_type_id: "0-14", created_property: "hs_createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.calls",
        title: "Calls",
        kind: Kind::Crm(Crm { object_type: "calls", object_type_id: "0-48", created_property: "hs_createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.emails",
        title: "Emails",
        kind: Kind::Crm(Crm { object_type: "emails", object_type_id: "0-49", created_property: "hs_createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.meetings",
        title: "Meetings",
        kind: Kind::Crm(Crm { object_type: "meetings", object_type_id: "0-47", created_property: "hs_createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.notes",
        title: "Notes",
        kind: Kind::Crm(Crm { object_type: "notes", object_type_id: "0-46", created_property: "hs_createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "crm.tasks",
        title: "Tasks",
        kind: Kind::Crm(Crm { object_type: "tasks", object_type_id: "0-27", created_property: "hs_createdate", updated_property: "hs_lastmodifieddate" }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "cms.blogs.authors",
        title: "Blog authors",
        kind: Kind::Cms(Cms { area: "blogs", collection: Some("authors"), created_fields: &["created", "createdAt"], updated_fields: &["updated", "updatedAt"], deleted_fields: &["deletedAt", "archivedAt"], batch: true, draft: false }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "cms.blogs.posts",
        title: "Blog posts",
        kind: Kind::Cms(Cms { area: "blogs", collection: Some("posts"), created_fields: &["created", "createdAt"], updated_fields: &["updated", "updatedAt"], deleted_fields: &["deletedAt", "archivedAt"], batch: true, draft: false }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "cms.blogs.tags",
        title: "Blog tags",
        kind: Kind::Cms(Cms { area: "blogs", collection: Some("tags"), created_fields: &["created", "createdAt"], updated_fields: &["updated", "updatedAt"], deleted_fields: &["deletedAt", "archivedAt"], batch: true, draft: false }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "cms.pages.landing",
        title: "Landing pages",
        kind: Kind::Cms(Cms { area: "pages", collection: Some("landing-pages"), created_fields: &["createdAt", "created"], updated_fields: &["updatedAt", "updated"], deleted_fields: &["deletedAt", "archivedAt"], batch: true, draft: false }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "cms.pages.site",
        title: "Site pages",
        kind: Kind::Cms(Cms { area: "pages", collection: Some("site-pages"), created_fields: &["createdAt", "created"], updated_fields: &["updatedAt", "updated"], deleted_fields: &["deletedAt", "archivedAt"], batch: true, draft: false }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "cms.hubdb.tables",
        title: "HubDB tables",
        kind: Kind::Cms(Cms { area: "hubdb", collection: Some("tables"), created_fields: &["createdAt", "created"], updated_fields: &["updatedAt", "updated"], deleted_fields: &["deletedAt"], batch: false, draft: true }),
        operations: Operations { create: true, update: true, delete: true },
    },
    Resource {
        name: "cms.urlRedirects",
        title: "URL redirects",
        kind: Kind::Cms(Cms { area: "url-redirects", collection: None, created_fields: &["created", "createdAt"], updated_fields: &["updated", "updatedAt"], deleted_fields: &[], batch: false, draft: false }),
        operations: Operations { create: true, update: true, delete: true },
    },
];

/// What the `resource` parameter takes, as its help says it.
pub const RESOURCE_HELP: &str = "The HubSpot resource, one of `crm.companies`, `crm.contacts`, `crm.deals`, `crm.feedbackSubmissions`, `crm.lineItems`, `crm.products`, `crm.tickets`, `crm.quotes`, `crm.calls`, `crm.emails`, `crm.meetings`, `crm.notes`, `crm.tasks`, `cms.blogs.authors`, `cms.blogs.posts`, `cms.blogs.tags`, `cms.pages.landing`, `cms.pages.site`, `cms.hubdb.tables`, `cms.urlRedirects`. docs/resources.md says what each of them can do.";
