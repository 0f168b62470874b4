//! An object of each resource, as a person would make it: what HubSpot asks for, and one text that a test can tell it by.

use anyhow::{Context, Result};
use chrono::Utc;
use hubspot_catalog::{Directory, Kind, Resource};
use hubspot_client::Property;
use serde_json::{Map, Value, json};

/// How objects of a resource are made.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The field that holds the text: a property of a CRM object, a field of anything else.
    pub marker: String,
    fields: Map<String, Value>,
    shape: Shape,
    form: Form,
}

/// Where the fields of an object are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Among its `properties`.
    Crm,
    /// In the object itself.
    Cms,
    /// In the object itself, and nothing of the CMS among them.
    Directory,
}

/// What kind of text a marker may be.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// Any text.
    Text,
    /// A name of letters, digits and underscores.
    Name,
    /// A path of the site.
    Path,
    /// An address for mail.
    Email,
}

impl Sample {
    /// How objects of `resource` are made, where HubSpot asks for more than any text: `None` where an object type's properties tell all
    /// that there is to know, see [`from_properties`](Self::from_properties).
    pub fn of(resource: &Resource) -> Option<Self> {
        let now = Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let (marker, form, fields) = match (resource.name, &resource.kind) {
            ("crm.contacts", _) => ("email", Form::Email, json!({"firstname": "Ada"})),
            ("crm.deals", _) => ("dealname", Form::Text, json!({})),
            ("crm.feedbackSubmissions", _) => ("hs_content", Form::Text, json!({})),
            ("crm.lineItems", _) => ("name", Form::Text, json!({"quantity": "1", "price": "10"})),
            ("crm.products", _) => ("name", Form::Text, json!({"price": "10"})),
            ("crm.tickets", _) => ("subject", Form::Text, json!({"hs_pipeline": "0", "hs_pipeline_stage": "1"})),
            ("crm.quotes", _) => ("hs_title", Form::Text, json!({"hs_expiration_date": "2030-01-01"})),
            ("crm.calls", _) => ("hs_call_title", Form::Text, json!({"hs_timestamp": now})),
            ("crm.emails", _) => {
                ("hs_email_subject", Form::Text, json!({"hs_timestamp": now, "hs_email_direction": "EMAIL"}))
            }
            ("crm.meetings", _) => ("hs_meeting_title", Form::Text, json!({"hs_timestamp": now})),
            ("crm.notes", _) => ("hs_note_body", Form::Text, json!({"hs_timestamp": now})),
            ("crm.tasks", _) => ("hs_task_subject", Form::Text, json!({"hs_timestamp": now})),
            ("cms.blogs.authors", _) => ("fullName", Form::Text, json!({})),
            ("cms.hubdb.tables", _) => ("name", Form::Name, json!({"columns": []})),
            ("cms.urlRedirects", _) => {
                ("routePrefix", Form::Path, json!({"destination": "https://example.com/", "redirectStyle": 301}))
            }
            ("crm.companies", _) | (_, Kind::Cms(_)) => ("name", Form::Text, json!({})),
            (_, Kind::Directory(Directory::Owners)) => ("firstName", Form::Text, json!({"lastName": "Lovelace"})),
            (_, Kind::Directory(_)) => ("label", Form::Text, json!({})),
            (_, Kind::Crm(_)) => return None,
        };
        let shape = match &resource.kind {
            Kind::Crm(_) => Shape::Crm,
            Kind::Cms(_) => Shape::Cms,
            Kind::Directory(_) => Shape::Directory,
        };
        let fields = fields.as_object().cloned().unwrap_or_default();
        Some(Self { marker: marker.to_owned(), fields, shape, form })
    }

    /// How objects of a CRM type are made that any text will do for: in a property that looks like a name, or else in any that holds text.
    ///
    /// # Errors
    /// When no property holds text that one may write.
    pub fn from_properties(resource: &Resource, properties: &[Property]) -> Result<Self> {
        let marker = properties
            .iter()
            .filter(|property| {
                let read_only = property.modification_metadata.is_some_and(|metadata| metadata.read_only_value);
                let text = ["text", "textarea", "html"].contains(&property.field_type.as_str());
                property.type_ == "string" && text && !read_only && !property.calculated && !property.hidden
            })
            .min_by_key(|property| (likeness(&property.name), &property.name))
            .with_context(|| format!("{} has no property that holds text", resource.name))?;
        Ok(Self { marker: marker.name.clone(), fields: Map::new(), shape: Shape::Crm, form: Form::Text })
    }

    /// A marker's text, made of a word that is the run's own and a number.
    pub fn text(&self, run: &str, number: usize) -> String {
        match self.form {
            Form::Text => format!("{run} {number}"),
            Form::Name => format!("{run}_{number}"),
            Form::Path => format!("/{run}/{number}"),
            Form::Email => format!("{run}-{number}@example.com"),
        }
    }

    /// The fields of an object with this text: properties of a CRM object, the object itself of anything else.
    pub fn fields(&self, text: &str) -> Map<String, Value> {
        let mut fields = self.fields.clone();
        fields.insert(self.marker.clone(), text.into());
        // What the CMS asks for beside a name.
        let more = match self.form {
            _ if self.shape != Shape::Cms => None,
            Form::Name => Some(("label", text.to_owned())),
            Form::Text => Some(("slug", slug(text))),
            Form::Path | Form::Email => None,
        };
        fields.extend(more.map(|(name, value)| (name.to_owned(), value.into())));
        fields
    }

    /// The fields that change an object's text, and nothing else.
    pub fn change(&self, text: &str) -> Map<String, Value> {
        Map::from_iter([(self.marker.clone(), text.into())])
    }

    /// The fields as a request or a record's payload has them: those of a CRM object are its `properties`.
    pub fn payload(&self, fields: Map<String, Value>) -> Map<String, Value> {
        match self.shape {
            Shape::Crm => Map::from_iter([("properties".to_owned(), Value::Object(fields))]),
            Shape::Cms | Shape::Directory => fields,
        }
    }

    /// The text of an object that HubSpot sent.
    ///
    /// # Errors
    /// When it has none.
    pub fn read<'a>(&self, object: &'a Map<String, Value>) -> Result<&'a str> {
        let fields = match self.shape {
            Shape::Crm => object.get("properties").and_then(Value::as_object),
            Shape::Cms | Shape::Directory => Some(object),
        };
        fields
            .and_then(|fields| fields.get(&self.marker))
            .and_then(Value::as_str)
            .with_context(|| format!("an object without {}: {}", self.marker, Value::Object(object.clone())))
    }
}

/// How little a property looks like the name of an object.
fn likeness(property: &str) -> usize {
    const ENDS: [&str; 4] = ["name", "title", "label", "body"];
    ENDS.iter().position(|end| property.ends_with(end)).unwrap_or(ENDS.len())
}

fn slug(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str, field_type: &str, read_only: bool) -> Property {
        let definition = json!({
            "name": name, "type": "string", "fieldType": field_type, "modificationMetadata": {"readOnlyValue": read_only}
        });
        serde_json::from_value(definition).unwrap()
    }

    #[test]
    fn every_resource_has_a_sample_that_reads_back() {
        for resource in hubspot_catalog::RESOURCES {
            let named = || Sample::from_properties(resource, &[property("hs_name", "text", false)]);
            let sample = Sample::of(resource).map_or_else(named, Ok).unwrap();
            let text = sample.text("run", 3);
            assert_eq!(sample.read(&sample.payload(sample.fields(&text))).unwrap(), text, "{}", resource.name);
        }
    }

    #[test]
    fn a_text_goes_where_it_looks_like_a_name() {
        let orders = hubspot_catalog::find("crm.orders").unwrap();
        let all = [
            property("hs_a", "text", false),
            property("hs_body", "html", false),
            property("hs_name", "select", false),
            property("hs_order_name", "text", true),
            property("hs_title", "text", false),
        ];
        assert_eq!(Sample::from_properties(orders, &all).unwrap().marker, "hs_title");
        assert_eq!(Sample::from_properties(orders, &all[..1]).unwrap().marker, "hs_a");
        assert!(Sample::from_properties(orders, &all[2..4]).is_err());
    }
}
