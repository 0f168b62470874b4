//! The account's own object types: which there are, HubSpot has to say.

use conduit_connector_sdk::Error;
use hubspot_catalog::CustomObject;
use hubspot_client::Client;

/// All of them.
pub(crate) async fn custom_objects(client: &Client) -> Result<Vec<CustomObject>, hubspot_client::Error> {
    let schemas = client.schemas().list().await?;
    let objects = schemas.into_iter().filter(|schema| !schema.archived).map(|schema| CustomObject {
        name: schema.name,
        fully_qualified_name: schema.fully_qualified_name,
        object_type_id: schema.object_type_id,
    });
    Ok(objects.collect())
}

/// Why they can't be told.
pub(crate) fn looking_up(error: hubspot_client::Error) -> Error {
    Error::from(error).context("looking up the account's custom objects")
}
