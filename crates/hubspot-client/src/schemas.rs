//! Schemas: the account's custom object types.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::paths;
use crate::properties::{Property, Results};
use crate::request::Request;
use crate::wire;

/// The account's schemas. Made by [`Client::schemas`].
#[derive(Clone, Copy, Debug)]
pub struct Schemas<'a> {
    client: &'a Client,
}

impl<'a> Schemas<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// All custom object types.
    pub async fn list(&self) -> Result<Vec<Schema>, Error> {
        let request = Request::get(paths::schemas(self.client.api_version()));
        Ok(self.client.call::<Results<Schema>>(request).await?.body.results)
    }

    /// One, by its fully qualified name (`p123_car`) or its object type id (`2-456`).
    pub async fn read(&self, object_type: &str) -> Result<Schema, Error> {
        let request = Request::get(paths::schemas(self.client.api_version()).segment(object_type));
        Ok(self.client.call(request).await?.body)
    }
}

/// A custom object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Schema {
    /// HubSpot's id of the schema.
    pub id: String,
    /// The name, such as `car`.
    pub name: String,
    /// The id that stands in paths, such as `2-456`.
    pub object_type_id: String,
    /// The name with the account's prefix, such as `p123_car`.
    pub fully_qualified_name: String,
    /// The names that people see.
    pub labels: SchemaLabels,
    /// What it is for.
    #[serde(deserialize_with = "wire::optional_text")]
    pub description: Option<String>,
    /// The property that an object is called by.
    #[serde(deserialize_with = "wire::optional_text")]
    pub primary_display_property: Option<String>,
    /// What its objects can hold.
    #[serde(deserialize_with = "wire::list")]
    pub properties: Vec<Property>,
    /// The properties that a new object must have.
    #[serde(deserialize_with = "wire::list")]
    pub required_properties: Vec<String>,
    /// The properties that free text searches look at.
    #[serde(deserialize_with = "wire::list")]
    pub searchable_properties: Vec<String>,
    /// It is archived.
    pub archived: bool,
    /// When it was created, as HubSpot writes it.
    pub created_at: Option<String>,
    /// When it was changed, as HubSpot writes it.
    pub updated_at: Option<String>,
}

/// What people call an object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchemaLabels {
    /// One of them.
    #[serde(deserialize_with = "wire::optional_text")]
    pub singular: Option<String>,
    /// Several.
    #[serde(deserialize_with = "wire::optional_text")]
    pub plural: Option<String>,
}
