//! HubSpot's object types and their properties, as data: `definitions.json`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::{Millis, iso};

/// An object type: how it is named, and the properties that an account has for it.
#[derive(Clone, Debug)]
pub(crate) struct ObjectType {
    pub(crate) name: String,
    pub(crate) singular: String,
    pub(crate) plural: String,
    /// `0-1`, `2-…`; the name where HubSpot publishes no id (partner clients and services).
    pub(crate) type_id: String,
    /// The property that says when an object was created.
    pub(crate) created: String,
    /// The property that says when it was last changed.
    pub(crate) changed: String,
    pub(crate) primary: String,
    pub(crate) required: Vec<String>,
    pub(crate) read_scopes: Vec<String>,
    pub(crate) write_scopes: Vec<String>,
    pub(crate) writable: bool,
    /// What comes back when no properties are asked for, besides the three that always do.
    pub(crate) defaults: Vec<String>,
    pub(crate) properties: BTreeMap<Arc<str>, Property>,
    /// When a custom type was defined; `None` for HubSpot's own.
    pub(crate) defined_at: Option<Millis>,
}

/// The definition of a property.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "HubSpot describes a property so")]
pub(crate) struct Property {
    pub(crate) name: Arc<str>,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) field_type: String,
    pub(crate) options: Vec<PropertyOption>,
    pub(crate) external_options: bool,
    pub(crate) unique: bool,
    pub(crate) read_only: bool,
    pub(crate) calculated: bool,
    pub(crate) hidden: bool,
    pub(crate) hubspot_defined: bool,
    pub(crate) created: Millis,
}

/// One of an enumeration's values.
#[derive(Clone, Debug)]
pub(crate) struct PropertyOption {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) hidden: bool,
}

#[derive(Deserialize)]
struct Definitions {
    common: Vec<PropertyRow>,
    types: Vec<TypeRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRow {
    name: String,
    singular: String,
    plural: String,
    type_id: String,
    created: String,
    changed: String,
    primary: String,
    read_scopes: Vec<String>,
    write_scopes: Vec<String>,
    writable: bool,
    defaults: Vec<String>,
    properties: Vec<PropertyRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "HubSpot describes a property so")]
struct PropertyRow {
    name: String,
    label: String,
    /// The type and the field type: `string/text`.
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    external_options: bool,
}

static DEFINITIONS: LazyLock<Definitions> = LazyLock::new(|| {
    serde_json::from_str(include_str!("definitions.json"))
        .unwrap_or(Definitions { common: Vec::new(), types: Vec::new() })
});

/// When HubSpot's own properties were defined: before any account.
const BUILT_IN: Millis = 1_577_836_800_000;

impl ObjectType {
    /// HubSpot's own object types.
    pub(crate) fn built_in() -> Vec<Self> {
        DEFINITIONS.types.iter().map(Self::of_row).collect()
    }

    fn of_row(row: &TypeRow) -> Self {
        let mut object_type = Self {
            name: row.name.clone(),
            singular: row.singular.clone(),
            plural: row.plural.clone(),
            type_id: row.type_id.clone(),
            created: row.created.clone(),
            changed: row.changed.clone(),
            primary: row.primary.clone(),
            required: Vec::new(),
            read_scopes: row.read_scopes.clone(),
            write_scopes: row.write_scopes.clone(),
            writable: row.writable,
            defaults: row.defaults.clone(),
            properties: BTreeMap::new(),
            defined_at: None,
        };
        for property in &row.properties {
            object_type.add(Property::of_row(property, &row.singular));
        }
        object_type.add_common();
        object_type
    }

    /// A custom object type without properties of its own yet.
    pub(crate) fn custom(name: &str, singular: &str, plural: &str, type_id: String, defined_at: Millis) -> Self {
        let mut object_type = Self {
            name: name.to_owned(),
            singular: singular.to_owned(),
            plural: plural.to_owned(),
            type_id,
            created: "hs_createdate".to_owned(),
            changed: "hs_lastmodifieddate".to_owned(),
            primary: "hs_object_id".to_owned(),
            required: Vec::new(),
            read_scopes: vec!["crm.objects.custom.read".to_owned()],
            write_scopes: vec!["crm.objects.custom.write".to_owned()],
            writable: true,
            defaults: Vec::new(),
            properties: BTreeMap::new(),
            defined_at: Some(defined_at),
        };
        object_type.add_common();
        object_type
    }

    fn add_common(&mut self) {
        for row in &DEFINITIONS.common {
            self.add(Property::of_row(row, &self.singular));
        }
        let system = [
            (self.created.clone(), "Create date", "datetime", "date"),
            (self.changed.clone(), "Last modified date", "datetime", "date"),
            ("hs_object_id".to_owned(), "Record ID", "number", "number"),
        ];
        for (name, label, kind, field_type) in system {
            // Believed: no object's creation date can be set. (Deals' can.)
            self.add(Property {
                label: label.to_owned(),
                read_only: true,
                hubspot_defined: true,
                created: BUILT_IN,
                ..Property::new(&name, kind, field_type, &self.singular)
            });
        }
    }

    pub(crate) fn add(&mut self, property: Property) {
        self.properties.insert(Arc::clone(&property.name), property);
    }

    /// The name that stands for it in scopes and associations.
    pub(crate) fn is_custom(&self) -> bool {
        self.defined_at.is_some()
    }
}

impl Property {
    /// A property that anyone may write, labelled by its name.
    pub(crate) fn new(name: &str, kind: &str, field_type: &str, singular: &str) -> Self {
        Self {
            name: name.into(),
            label: name.to_owned(),
            description: String::new(),
            group: format!("{}information", singular.replace(' ', "_")),
            kind: kind.to_owned(),
            field_type: field_type.to_owned(),
            options: Vec::new(),
            external_options: false,
            unique: false,
            read_only: false,
            calculated: false,
            hidden: false,
            hubspot_defined: false,
            created: BUILT_IN,
        }
    }

    fn of_row(row: &PropertyRow, singular: &str) -> Self {
        let (kind, field_type) = row.kind.split_once('/').unwrap_or((&row.kind, "text"));
        let option = |value: &String| PropertyOption { label: value.clone(), value: value.clone(), hidden: false };
        Self {
            label: row.label.clone(),
            options: row.options.iter().map(option).collect(),
            external_options: row.external_options,
            unique: row.unique,
            read_only: row.read_only,
            calculated: row.calculated,
            hubspot_defined: true,
            ..Self::new(&row.name, kind, field_type, singular)
        }
    }

    /// As the properties endpoint shows it.
    pub(crate) fn value(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .enumerate()
            .map(|(order, option)| json!({"label": option.label, "value": option.value, "displayOrder": order, "hidden": option.hidden}))
            .collect();
        json!({
            "name": &*self.name,
            "label": self.label,
            "description": self.description,
            "groupName": self.group,
            "type": self.kind,
            "fieldType": self.field_type,
            "options": options,
            "externalOptions": self.external_options,
            "hasUniqueValue": self.unique,
            "calculated": self.calculated,
            "hidden": self.hidden,
            "hubspotDefined": self.hubspot_defined,
            "displayOrder": -1,
            "formField": !self.read_only,
            "archived": false,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.created),
            "dataSensitivity": "non_sensitive",
            "modificationMetadata": {
                "archivable": !self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyOptions": self.hubspot_defined,
                "readOnlyValue": self.read_only,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_whole() {
        let types = ObjectType::built_in();
        assert!(types.len() >= 33);
        for object_type in types {
            for name in
                object_type.defaults.iter().chain([&object_type.primary, &object_type.created, &object_type.changed])
            {
                assert!(object_type.properties.contains_key(name.as_str()), "{} has no {name}", object_type.name);
            }
            for property in object_type.properties.values() {
                let has_options =
                    !property.options.is_empty() || property.external_options || property.kind != "enumeration";
                assert!(has_options, "{}.{} has no options", object_type.name, property.name);
            }
        }
    }
}
