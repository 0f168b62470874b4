//! Bodies of CMS objects: the object itself, without what HubSpot generates.

use hubspot_catalog::Cms;

use super::facts::GENERATED;
use super::{Object, PayloadError, Shaped};

/// The body, and the id out of the field `id_field`.
pub(super) fn shape(cms: &Cms, id_field: Option<&str>, mut fields: Object) -> Result<Shaped, PayloadError> {
    let id = id_field.and_then(|field| fields.remove(field)).filter(|id| !id.is_null());
    let timestamps = [cms.created_fields, cms.updated_fields, cms.deleted_fields];
    let whole = fields.len();
    fields.retain(|name, _| {
        let name = name.as_str();
        name != "id" && !GENERATED.contains(&name) && !timestamps.iter().any(|fields| fields.contains(&name))
    });
    let left_out = fields.len() < whole;
    if fields.is_empty() && !left_out {
        return Err(PayloadError::Empty);
    }
    Ok(Shaped { body: fields, id, left_out, ..Shaped::default() })
}
