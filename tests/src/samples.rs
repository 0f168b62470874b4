//! An object of each resource, as a person would make it: what HubSpot asks for, and one text that a test can tell it by.

use anyhow::{Context, Result};
use chrono::Utc;
use hubspot_catalog::Resource;
use serde_json::{Map, Value, json};

/// How objects of a resource are made.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The field that holds the text: a property of a CRM object, a field of a CMS object.
    pub marker: &'static str,
    fields: Map<String, Value>,
    crm: bool,
    form: Form,
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
    /// How objects of `resource` are made.
    ///
    /// # Errors
    /// When the catalogue has a resource that nobody has written a sample for.
    pub fn of(resource: &Resource) -> Result<Self> {
        let now = Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let (marker, form, fields) = match resource.name {
            "crm.contacts" => ("email", Form::Email, json!({"firstname": "Ada"})),
            "crm.deals" => ("dealname", Form::Text, json!({})),
            "crm.feedbackSubmissions" => ("hs_content", Form::Text, json!({})),
            "crm.lineItems" => ("name", Form::Text, json!({"quantity": "1", "price": "10"})),
            "crm.products" => ("name", Form::Text, json!({"price": "10"})),
            "crm.tickets" => ("subject", Form::Text, json!({"hs_pipeline": "0", "hs_pipeline_stage": "1"})),
            "crm.quotes" => ("hs_title", Form::Text, json!({"hs_expiration_date": "2030-01-01"})),
            "crm.calls" => ("hs_call_title", Form::Text, json!({"hs_timestamp": now})),
            "crm.emails" => {
                ("hs_email_subject", Form::Text, json!({"hs_timestamp": now, "hs_email_direction": "EMAIL"}))
            }
            "crm.meetings" => ("hs_meeting_title", Form::Text, json!({"hs_timestamp": now})),
            "crm.notes" => ("hs_note_body", Form::Text, json!({"hs_timestamp": now})),
            "crm.tasks" => ("hs_task_subject", Form::Text, json!({"hs_timestamp": now})),
            "cms.blogs.authors" => ("fullName", Form::Text, json!({})),
            "crm.companies" | "cms.blogs.posts" | "cms.blogs.tags" | "cms.pages.landing" | "cms.pages.site" => {
                ("name", Form::Text, json!({}))
            }
            "cms.hubdb.tables" => ("name", Form::Name, json!({"columns": []})),
            "cms.urlRedirects" => {
                ("routePrefix", Form::Path, json!({"destination": "https://example.com/", "redirectStyle": 301}))
            }
            other => anyhow::bail!("there is no sample object for {other}: write one in tests/src/samples.rs"),
        };
        let fields = fields.as_object().cloned().unwrap_or_default();
        Ok(Self { marker, fields, crm: resource.is_crm(), form })
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

    /// The fields of an object with this text: properties of a CRM object, the object itself of the CMS.
    pub fn fields(&self, text: &str) -> Map<String, Value> {
        let mut fields = self.fields.clone();
        fields.insert(self.marker.to_owned(), text.into());
        // What the CMS asks for beside a name.
        let more = match self.form {
            _ if self.crm => None,
            Form::Name => Some(("label", text.to_owned())),
            Form::Text => Some(("slug", slug(text))),
            Form::Path | Form::Email => None,
        };
        fields.extend(more.map(|(name, value)| (name.to_owned(), value.into())));
        fields
    }

    /// The fields that change an object's text, and nothing else.
    pub fn change(&self, text: &str) -> Map<String, Value> {
        Map::from_iter([(self.marker.to_owned(), text.into())])
    }

    /// The fields as a request or a record's payload has them: those of a CRM object are its `properties`.
    pub fn payload(&self, fields: Map<String, Value>) -> Map<String, Value> {
        if self.crm { Map::from_iter([("properties".to_owned(), Value::Object(fields))]) } else { fields }
    }

    /// The text of an object that HubSpot sent.
    ///
    /// # Errors
    /// When it has none.
    pub fn read<'a>(&self, object: &'a Map<String, Value>) -> Result<&'a str> {
        let fields = if self.crm { object.get("properties").and_then(Value::as_object) } else { Some(object) };
        fields
            .and_then(|fields| fields.get(self.marker))
            .and_then(Value::as_str)
            .with_context(|| format!("an object without {}: {}", self.marker, Value::Object(object.clone())))
    }
}

fn slug(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii_alphanumeric() { char.to_ascii_lowercase() } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_has_a_sample_that_reads_back() {
        for resource in hubspot_catalog::RESOURCES {
            let sample = Sample::of(resource).unwrap();
            let text = sample.text("run", 3);
            assert_eq!(sample.read(&sample.payload(sample.fields(&text))).unwrap(), text, "{}", resource.name);
        }
    }
}
