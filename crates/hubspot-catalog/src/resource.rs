//! What the catalogue says of a resource.

/// One HubSpot resource: a CRM object type or a CMS collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// The name that the `resource` parameter takes and `opencdc.collection` carries, such as `crm.contacts`.
    pub name: &'static str,
    /// What people call it, such as `Contacts`.
    pub title: &'static str,
    /// Which of HubSpot's two families it belongs to, with that family's facts.
    pub kind: Kind,
    /// What HubSpot lets one do with it.
    pub operations: Operations,
    /// The scopes that let a token read it; any one of them is enough. From HubSpot's OpenAPI documents.
    pub read_scopes: &'static [&'static str],
}

/// The two families of resources, which HubSpot lists, follows and writes in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A CRM object type.
    Crm(Crm),
    /// A CMS collection.
    Cms(Cms),
    /// A short list that HubSpot gives whole.
    Directory(Directory),
}

/// A short list that HubSpot gives whole, and can neither search nor filter by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Directory {
    /// The account's users as owners of objects; archived ones have a list of their own.
    Owners,
    /// The pipelines of a CRM object type, each with its stages.
    Pipelines {
        /// The object type's name in paths, such as `deals`.
        object_type: &'static str,
    },
    /// The stages of all pipelines of a CRM object type, each with its `pipelineId`.
    Stages {
        /// The object type's name in paths, such as `deals`.
        object_type: &'static str,
    },
}

/// A CRM object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Crm {
    /// Its name in paths, such as `line_items`.
    pub object_type: &'static str,
    /// HubSpot's object type id, such as `0-8`.
    pub object_type_id: &'static str,
    /// The property that says when an object was created; searchable.
    pub created_property: &'static str,
    /// The property that says when an object last changed; searchable and sortable, in milliseconds since the epoch.
    pub updated_property: &'static str,
    /// Whether objects can be merged: the one that remains then lists the others in `hs_merged_object_ids`.
    pub merge: bool,
    /// Whether an object can be deleted for good (`gdpr-delete`), so that no list shows it any more.
    pub gdpr: bool,
}

/// A CMS collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cms {
    /// The first part of its path, such as `blogs`.
    pub area: &'static str,
    /// The second part, such as `posts`; nothing where the area is the collection.
    pub collection: Option<&'static str>,
    /// The fields that may say when an object was created: the first one that is there counts.
    pub created_fields: &'static [&'static str],
    /// The fields that may say when it last changed.
    pub updated_fields: &'static [&'static str],
    /// The fields that may say when it was deleted; empty where HubSpot has none.
    pub deleted_fields: &'static [&'static str],
    /// Whether there are batch endpoints for writing.
    pub batch: bool,
    /// Whether a change goes into a draft that has to be published.
    pub draft: bool,
}

/// What HubSpot lets one do with a resource, beside reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operations {
    /// Whether objects can be created.
    pub create: bool,
    /// Whether objects can be updated.
    pub update: bool,
    /// Whether objects can be archived or deleted.
    pub delete: bool,
}

impl Operations {
    /// Whether anything can be written at all.
    pub const fn any(self) -> bool {
        self.create || self.update || self.delete
    }
}

impl Resource {
    /// Whether it is a CRM object type.
    pub const fn is_crm(&self) -> bool {
        matches!(self.kind, Kind::Crm(_))
    }

    /// Whether its objects can be deleted for good, as the GDPR wants it.
    pub const fn has_gdpr_delete(&self) -> bool {
        matches!(self.kind, Kind::Crm(Crm { gdpr: true, .. }))
    }
}
