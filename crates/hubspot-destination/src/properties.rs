//! Making properties: those that payloads have and the object type hasn't, and the one for the source's ids.

use hubspot_catalog::Resource;
use hubspot_client::PropertyCreate;
use tracing::info;

use crate::api::Api;
use crate::definitions::Definitions;
use crate::error::Failure;

/// So often a property is tried to be made when replies are lost.
const TRIES: usize = 3;

/// Makes a property. That there is one of this name already is as good, so that it can be tried again when a reply was lost.
pub(crate) async fn make<A: Api>(
    api: &A,
    resource: &'static Resource,
    property: &PropertyCreate,
) -> Result<(), Failure> {
    let mut lost = String::new();
    for _ in 0..TRIES {
        match api.make_property(resource, property).await {
            Ok(()) => {
                let (name, kind) = (&property.name, &property.type_);
                info!(resource = resource.name, property = name, kind, "made a property in HubSpot");
                return Ok(());
            }
            Err(Failure::Refused(refusal)) if refusal.status == 409 => return Ok(()),
            Err(Failure::Unknown(reason)) => lost = reason,
            Err(failure) => {
                return Err(Failure::NotMade { property: property.name.clone(), failure: Box::new(failure) });
            }
        }
    }
    Err(Failure::NotMade { property: property.name.clone(), failure: Box::new(Failure::Unanswered(lost)) })
}

/// The unique text that carries the source's ids.
pub(crate) fn for_source_ids(name: &str, definitions: &Definitions) -> PropertyCreate {
    PropertyCreate {
        name: name.to_owned(),
        label: "Source id".to_owned(),
        type_: "string".to_owned(),
        field_type: "text".to_owned(),
        group_name: definitions.default_group().unwrap_or_default().to_owned(),
        description: Some("The object's id in the system that it is copied from.".to_owned()),
        has_unique_value: true,
        ..PropertyCreate::default()
    }
}
