//! A record's payload as the body that HubSpot takes. Pure.
//!
//! A CRM payload with a field `properties` is HubSpot's own form; any other map is taken for the properties themselves. With the
//! object type's definitions each value is checked, and sent as HubSpot keeps it ([`values`]); read-only and unknown properties stay
//! behind or fail the record, as the configuration says. Without definitions (the token may not read them) properties go as they are,
//! and HubSpot answers for them. A CMS payload is the body.
//!
//! Objects as HubSpot gives them can be written as they are: what HubSpot itself puts around an object stays behind, and so do the id
//! and the timestamps that such an object (it has `createdAt` or `updatedAt` beside `properties`) says *among* its properties,
//! where nobody can write them. Anything else beside `properties` is an error that names it: nothing of the user's is dropped in
//! silence.

mod cms;
mod crm;
mod dropped;
mod error;
pub(crate) mod facts;
mod missing;
mod number;
mod options;
mod time;
mod values;

#[cfg(test)]
mod tests;

use hubspot_catalog::{Kind as Family, Resource};
use opencdc::Data;
use serde_json::Value;

pub(crate) use dropped::{DropLog, Dropped};
pub use error::{Allowed, PayloadError, PropertyError};
pub(crate) use missing::{Missing, MissingProperties};

use crate::config::{ReadOnly, Unknown};
use crate::definitions::Definitions;
use crate::plan::Kind;

/// A body, as JSON.
pub(crate) type Object = serde_json::Map<String, Value>;

/// Shapes the payloads of one resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shaper<'a> {
    pub resource: &'a Resource,
    /// Of the object type. Without them (CMS, or a token that may not read them) properties go as they are.
    pub definitions: Option<&'a Definitions>,
    pub read_only: ReadOnly,
    pub unknown: Unknown,
    /// Unknown properties are to be made: they are sent, and listed in [`Shaped::missing`]. Those whose name HubSpot wouldn't take
    /// remain unknown.
    pub create_properties: bool,
    /// The payload's field with the object's id (`id.field`): it is taken out of the payload into [`Shaped::id`]. Where it is also a
    /// property that can be written, it is sent as well.
    pub id_field: Option<&'a str>,
}

/// What became of a payload.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shaped {
    /// CRM: the map of properties alone. CMS: the whole body.
    pub body: Object,
    /// As found in the payload; CRM only. Nothing (null, an empty list or map) is `None`.
    pub associations: Option<Value>,
    /// `idProperty` of HubSpot's own form of an update, where the payload has it.
    pub id_property: Option<String>,
    /// What the field `id_field` held; null is `None`.
    pub id: Option<Value>,
    /// What wasn't sent.
    pub dropped: Vec<Dropped>,
    /// Something stayed behind, be it noted in `dropped` or not.
    pub left_out: bool,
    /// What has to be made first.
    pub missing: Vec<Missing>,
}

impl Shaper<'_> {
    /// The body for this payload. `verb` is the one that will be sent: a create leaves null properties out, anything else clears
    /// them (`""`).
    pub(crate) fn shape(&self, verb: Kind, payload: Option<Data>) -> Result<Shaped, PayloadError> {
        let payload = payload.filter(|payload| !payload.is_empty()).ok_or(PayloadError::Empty)?;
        let fields = payload.into_structured().map_err(|error| PayloadError::Unreadable(error.to_string()))?;
        if fields.is_empty() {
            return Err(PayloadError::Empty);
        }
        let fields = Object::from(fields);
        match &self.resource.kind {
            Family::Crm(crm) => crm::shape(self, crm, verb, fields),
            Family::Cms(cms) => cms::shape(cms, self.id_field, fields),
            Family::Directory(_) => Err(PayloadError::Directory),
        }
    }

    /// Whether the payload names a property or an option that the definitions don't have: a reason to read them again before it is
    /// shaped.
    pub(crate) fn has_unknown(&self, payload: &Data) -> bool {
        let (Some(definitions), Ok(fields)) = (self.definitions, payload.to_structured()) else { return false };
        let is_unknown = |name: &str, value: &opencdc::Value| {
            self.id_field != Some(name)
                && match crm::named(definitions, self.create_properties, name) {
                    crm::Named::Defined(definition) => !definition.read_only && !values::has_options(definition, value),
                    crm::Named::Creatable(_) | crm::Named::Unknown => true,
                }
        };
        match fields.get(crm::PROPERTIES) {
            Some(opencdc::Value::Object(properties)) => properties.iter().any(|(name, value)| is_unknown(name, value)),
            Some(_) => false,
            None => {
                let holds_values = fields.get(crm::ASSOCIATIONS).is_some_and(|it| it.is_array() || it.is_object());
                let associations = holds_values && crm::may_be_associations(Some(definitions));
                fields
                    .iter()
                    .any(|(name, value)| !(associations && name == crm::ASSOCIATIONS) && is_unknown(name, value))
            }
        }
    }
}
