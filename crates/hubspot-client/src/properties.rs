//! Property definitions: what an object type can hold.

use serde::{Deserialize, Serialize, Serializer};

use crate::batch::{BatchOutcome, Inputs};
use crate::client::Client;
use crate::error::Error;
use crate::page::{Page, PageWire};
use crate::paths::{self, Path};
use crate::request::{Repeat, Request};
use crate::wire;

/// The properties of one object type. Made by [`Client::properties`].
#[derive(Clone, Copy, Debug)]
pub struct Properties<'a> {
    client: &'a Client,
    object_type: &'a str,
}

impl<'a> Properties<'a> {
    pub(crate) fn new(client: &'a Client, object_type: &'a str) -> Self {
        Self { client, object_type }
    }

    fn path(&self) -> Path {
        paths::properties(self.client.api_version(), self.object_type)
    }

    /// All properties, HubSpot's own and the account's. They come whole, on one page.
    pub async fn list(&self) -> Result<Page<Property>, Error> {
        Ok(self.client.call::<PageWire<Property>>(Request::get(self.path())).await?.into())
    }

    /// One property.
    pub async fn read(&self, name: &str) -> Result<Property, Error> {
        Ok(self.client.call(Request::get(self.path().segment(name))).await?.body)
    }

    /// Creates a property. Never repeated when its reply was lost: [`Error::Unknown`].
    pub async fn create(&self, property: &PropertyCreate) -> Result<Property, Error> {
        Ok(self.client.call(Request::post(self.path(), Repeat::Unsafe).json(property)?).await?.body)
    }

    /// Creates up to [`BATCH_LIMIT`](crate::BATCH_LIMIT) properties, by the same rules as one. Never repeated when its reply was lost:
    /// [`Error::Unknown`].
    pub async fn batch_create(&self, properties: &[PropertyCreate]) -> Result<BatchOutcome<Property>, Error> {
        let request =
            Request::post(self.path().fixed("batch/create"), Repeat::Unsafe).json(&Inputs { inputs: properties })?;
        self.client.call_for_outcome(request).await
    }
}

/// A list that comes whole.
#[derive(Deserialize)]
pub(crate) struct Results<T> {
    pub(crate) results: Vec<T>,
}

/// A property of an object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "they are HubSpot's fields")]
pub struct Property {
    /// The internal name.
    pub name: String,
    /// The name that people see.
    pub label: String,
    /// `string`, `number`, `date`, `datetime`, `bool`, `enumeration`, `phone_number`, `json`, `object_coordinates`.
    #[serde(rename = "type")]
    pub type_: String,
    /// How it is shown: `text`, `select`, `calculation_equation`, ….
    pub field_type: String,
    /// The group that it is shown in.
    pub group_name: String,
    /// What it is for.
    #[serde(deserialize_with = "wire::text")]
    pub description: String,
    /// The values that an enumeration may have.
    #[serde(deserialize_with = "wire::list")]
    pub options: Vec<PropertyOption>,
    /// HubSpot calculates the value; it does not move an object's changed-time.
    pub calculated: bool,
    /// The options come from elsewhere (owners, say), and aren't listed.
    pub external_options: bool,
    /// No two objects have the same value: usable as `idProperty`.
    pub has_unique_value: bool,
    /// Not shown in HubSpot.
    pub hidden: bool,
    /// HubSpot's own, not the account's.
    pub hubspot_defined: bool,
    /// It may be used in forms.
    pub form_field: bool,
    /// It is archived.
    pub archived: bool,
    /// `non_sensitive`, `sensitive`, `highly_sensitive`.
    pub data_sensitivity: Option<String>,
    /// The object type that the options are taken from.
    pub referenced_object_type: Option<String>,
    /// What of it can't be changed.
    pub modification_metadata: Option<PropertyModificationMetadata>,
    /// When it was created, as HubSpot writes it.
    pub created_at: Option<String>,
    /// When it was changed, as HubSpot writes it.
    pub updated_at: Option<String>,
}

/// One of an enumeration's values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PropertyOption {
    /// The value, as it is read and written.
    #[serde(deserialize_with = "wire::text")]
    pub value: String,
    /// The value that people see.
    #[serde(deserialize_with = "wire::text")]
    pub label: String,
    /// What it means.
    #[serde(deserialize_with = "wire::text")]
    pub description: String,
    /// Its place among the options; `None` goes to HubSpot as -1, behind all that have one.
    #[serde(serialize_with = "place")]
    pub display_order: Option<i64>,
    /// Not offered in HubSpot.
    pub hidden: bool,
}

/// HubSpot requires a place of every option.
#[expect(clippy::ref_option, reason = "serde's signature")]
fn place<S: Serializer>(place: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(place.unwrap_or(-1))
}

/// What of a property can't be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "they are HubSpot's fields")]
pub struct PropertyModificationMetadata {
    /// Its values can't be written.
    pub read_only_value: bool,
    /// Its definition can't be changed.
    pub read_only_definition: bool,
    /// Its options can't be changed.
    pub read_only_options: bool,
    /// It can be archived.
    pub archivable: bool,
}

/// A property to create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyCreate {
    /// The internal name: lower case letters, digits and underscores.
    pub name: String,
    /// The name that people see.
    pub label: String,
    /// Such as `string`, `number`, `enumeration`.
    #[serde(rename = "type")]
    pub type_: String,
    /// Such as `text`, `number`, `select`.
    pub field_type: String,
    /// A group that exists, such as `contactinformation`.
    pub group_name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The values that an enumeration may have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<PropertyOption>,
    /// No two objects may have the same value. Can't be changed later.
    pub has_unique_value: bool,
    /// Not shown in HubSpot.
    pub hidden: bool,
    /// It may be used in forms.
    pub form_field: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_is_read_with_what_it_leaves_out() {
        let property: Property = serde_json::from_value(json!({
            "name": "stage", "label": "Stage", "type": "enumeration", "fieldType": "select", "groupName": "g", "description": null,
            "options": [{"label": "A", "value": "a", "hidden": false, "displayOrder": -1}], "calculated": true, "hasUniqueValue": false,
            "modificationMetadata": {"readOnlyValue": true, "readOnlyDefinition": true, "archivable": false}, "somethingNew": 1
        }))
        .unwrap();
        assert_eq!(property.type_, "enumeration");
        assert!(property.calculated && !property.hidden);
        assert_eq!(property.options[0].display_order, Some(-1));
        assert!(property.modification_metadata.unwrap().read_only_value);
    }

    #[test]
    fn a_definition_goes_with_what_hubspot_requires() {
        let option = PropertyOption { value: "a".into(), label: "A".into(), ..PropertyOption::default() };
        let property = PropertyCreate {
            name: "source_id".into(),
            label: "Source id".into(),
            type_: "enumeration".into(),
            field_type: "select".into(),
            group_name: "contactinformation".into(),
            options: vec![option],
            has_unique_value: true,
            ..PropertyCreate::default()
        };
        assert_eq!(
            serde_json::to_value(property).unwrap(),
            json!({
                "name": "source_id", "label": "Source id", "type": "enumeration", "fieldType": "select", "groupName": "contactinformation",
                "options": [{"value": "a", "label": "A", "description": "", "displayOrder": -1, "hidden": false}],
                "hasUniqueValue": true, "hidden": false, "formField": false
            })
        );
    }
}
