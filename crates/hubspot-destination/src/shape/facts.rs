//! What HubSpot puts into the objects that it answers with, and takes in no input.

/// Around a CRM object (`SimplePublicObject`, `SimplePublicObjectWithAssociations`, `SimplePublicUpsertObject` in its documents).
/// `objectWriteTraceId` is an input's, too, but the engine ties answers to records by traces of its own.
pub(super) const ENVELOPE: [&str; 10] = [
    "id",
    "createdAt",
    "updatedAt",
    "archived",
    "archivedAt",
    "url",
    "propertiesWithHistory",
    "warnings",
    "new",
    "objectWriteTraceId",
];

/// In CMS objects, beside ids and the catalogue's timestamps: generated, by its documents, in blogs and pages; absent from the
/// inputs of HubDB tables and URL redirects.
pub(super) const GENERATED: [&str; 15] = [
    "archived",
    "columnCount",
    "createdBy",
    "createdById",
    "currentState",
    "currentlyPublished",
    "deleted",
    "isOrderedManually",
    "pageRedirected",
    "published",
    "publishedAt",
    "rowCount",
    "updatedBy",
    "updatedById",
    "url",
];

/// Believed: names that begin so are HubSpot's own, and nobody else can make such a property.
pub const RESERVED_PREFIXES: [&str; 2] = ["hs_", "hubspot_"];

/// Believed: the longest name of a property, in characters.
pub(crate) const LONGEST_NAME: usize = 100;

/// What stands between the options of a property that takes several. In front of them (HubSpot's guide to properties has it so) it
/// adds them to those that the object has, instead of replacing those.
pub(super) const SEPARATOR: char = ';';
