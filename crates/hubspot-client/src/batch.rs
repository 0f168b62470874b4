//! Batches: what goes in, and what comes out of them item by item.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Object;
use crate::error::{ErrorDetail, existing_id, messages, redact_context};
use crate::request::Reply;
use crate::wire;

/// The most inputs that HubSpot takes in one batch.
pub const BATCH_LIMIT: usize = 100;

/// The body of a batch; its inputs are written where they stand.
#[derive(Serialize)]
pub(crate) struct Inputs<'a, T> {
    pub(crate) inputs: &'a [T],
}

macro_rules! input {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// The body is sent as it is, so that a payload can go to HubSpot as it came; the constructor sets the well-known fields.
        #[derive(Clone, Debug, Default, PartialEq, Serialize)]
        #[serde(transparent)]
        pub struct $name {
            /// The input as HubSpot gets it.
            pub body: Object,
        }

        impl $name {
            /// Sets `objectWriteTraceId`, by which results and errors name their input.
            #[must_use]
            pub fn trace_id(self, id: impl Into<String>) -> Self {
                self.field("objectWriteTraceId", Value::String(id.into()))
            }

            fn field(mut self, name: &str, value: Value) -> Self {
                self.body.insert(name.to_owned(), value);
                self
            }
        }

        impl From<Object> for $name {
            fn from(body: Object) -> Self {
                Self { body }
            }
        }
    };
}

input! {
    /// An object to create: `{"properties":{…},"associations":[…]}`.
    CreateInput
}

input! {
    /// An object to update: `{"id":"51","properties":{…}}`, with `idProperty` when `id` is the value of a unique property.
    UpdateInput
}

input! {
    /// An object to update, or to create when there is none: `{"id":"ada@example.com","idProperty":"email","properties":{…}}`.
    UpsertInput
}

impl CreateInput {
    /// An object with these properties, and no associations.
    pub fn new(properties: Object) -> Self {
        Self::default().field("properties", Value::Object(properties)).field("associations", json!([]))
    }
}

impl UpdateInput {
    /// These properties for the object with this id.
    pub fn new(id: impl Into<String>, properties: Object) -> Self {
        Self::default().field("id", Value::String(id.into())).field("properties", Value::Object(properties))
    }

    /// Makes the id the value of a unique property instead.
    #[must_use]
    pub fn id_property(self, property: impl Into<String>) -> Self {
        self.field("idProperty", Value::String(property.into()))
    }
}

impl UpsertInput {
    /// These properties for the object whose unique property `id_property` is `id`.
    pub fn new(id_property: impl Into<String>, id: impl Into<String>, properties: Object) -> Self {
        Self::default()
            .field("id", Value::String(id.into()))
            .field("idProperty", Value::String(id_property.into()))
            .field("properties", Value::Object(properties))
    }
}

/// Which objects to read, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchReadInput {
    /// At most 100 (50 with history), by id or by the value of `id_property`.
    pub ids: Vec<String>,
    /// The unique property that `ids` holds values of; `None` when they are ids.
    pub id_property: Option<String>,
    /// Properties to ask for; empty means the type's default ones.
    pub properties: Vec<String>,
    /// Properties to ask the history of.
    pub properties_with_history: Vec<String>,
    /// `true` reads archived objects only.
    pub archived: bool,
}

impl BatchReadInput {
    pub(crate) fn to_body(&self) -> Value {
        let inputs: Vec<_> = self.ids.iter().map(|id| json!({"id": id})).collect();
        let mut body = json!({
            "inputs": inputs,
            "properties": self.properties,
            "propertiesWithHistory": self.properties_with_history,
        });
        if let Some(property) = &self.id_property {
            body["idProperty"] = Value::String(property.clone());
        }
        body
    }
}

/// What became of a batch. Errors are read on every 2xx: `2026-09` reports them in a 200, older versions in a 207.
///
/// Count nothing as written that no result names. `T` is what a result is: an object, if nothing else is said.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BatchOutcome<T = Object> {
    /// What was read or written, in an order of HubSpot's own.
    pub results: Vec<T>,
    /// What failed, naming the guilty inputs by `context` where HubSpot can.
    pub errors: Vec<BatchError>,
    /// How many inputs failed, as HubSpot counts them; may differ from the length of `errors`.
    pub num_errors: u64,
    /// The id that HubSpot's support finds the request by.
    pub correlation_id: Option<String>,
    /// The HTTP status: 200, 201 or 207.
    pub status: u16,
    /// HubSpot's clock when it answered: the `Date` header, whole seconds.
    pub date: Option<DateTime<Utc>>,
    /// A try before this answer was sent and its reply lost, so that the answer may be about the effect of that one: an object that an
    /// update by a unique property doesn't find may have been there, and the lost try may have changed that very property.
    pub after_lost_reply: bool,
}

/// Why some inputs of a batch failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct BatchError {
    /// Such as `VALIDATION_ERROR`, `OBJECT_NOT_FOUND`, `CONFLICT`.
    #[serde(deserialize_with = "wire::text")]
    pub category: String,
    /// A closer category.
    #[serde(deserialize_with = "wire::optional_text")]
    pub sub_category: Option<String>,
    /// HubSpot's message.
    #[serde(deserialize_with = "wire::text")]
    pub message: String,
    /// Names the inputs: `ids`, or `objectWriteTraceId`.
    #[serde(deserialize_with = "wire::context")]
    pub context: BTreeMap<String, Vec<String>>,
    /// One for each thing that is wrong.
    #[serde(deserialize_with = "wire::list")]
    pub errors: Vec<ErrorDetail>,
    /// HubSpot's id of the error.
    #[serde(deserialize_with = "wire::optional_text")]
    pub id: Option<String>,
}

impl BatchError {
    /// The ids that the error is about: `context.ids`, or `context.id`.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.named(&["ids", "id"])
    }

    /// The trace ids that the error is about.
    pub fn trace_ids(&self) -> impl Iterator<Item = &str> {
        self.named(&["objectWriteTraceId", "objectWriteTraceIds"])
    }

    /// The id of the object that has the unique value already: see [`existing_id`].
    pub fn existing_id(&self) -> Option<&str> {
        existing_id(messages(&self.message, &self.errors))
    }

    /// Runs `redact` over every text in it.
    pub(crate) fn redact(&mut self, redact: &impl Fn(&mut String)) {
        let Self { category, sub_category, message, context, errors, id } = self;
        [category, message].into_iter().for_each(redact);
        [sub_category, id].into_iter().flatten().for_each(redact);
        for detail in errors {
            detail.redact(redact);
        }
        redact_context(context, redact);
    }

    fn named(&self, names: &'static [&'static str]) -> impl Iterator<Item = &str> {
        names.iter().filter_map(|name| self.context.get(*name)).flatten().map(String::as_str)
    }
}

/// A batch's answer as HubSpot sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
pub(crate) struct OutcomeWire<T> {
    #[serde(default, deserialize_with = "wire::list")]
    results: Vec<T>,
    #[serde(default, deserialize_with = "wire::list")]
    errors: Vec<BatchError>,
    #[serde(default)]
    num_errors: Option<u64>,
    #[serde(default, deserialize_with = "wire::optional_text")]
    correlation_id: Option<String>,
}

impl<T> From<Reply<OutcomeWire<T>>> for BatchOutcome<T> {
    fn from(reply: Reply<OutcomeWire<T>>) -> Self {
        let Reply { status, date, lost_before: after_lost_reply, correlation_id: of_request, body } = reply;
        let OutcomeWire { results, errors, num_errors, correlation_id } = body;
        let correlation_id = correlation_id.or(of_request);
        let num_errors = num_errors.unwrap_or(errors.len() as u64);
        Self { results, errors, num_errors, correlation_id, status, date, after_lost_reply }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_whatever_their_shape() {
        let wire: OutcomeWire<Object> = serde_json::from_value(json!({
            "status": "COMPLETE", "startedAt": "x", "results": [{"id": "1"}], "numErrors": 2,
            "errors": [
                {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["7", "8"]}, "subCategory": {}},
                {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 99", "context": {"objectWriteTraceId": "3"}, "errors": null},
                {"category": "CONFLICT", "message": "no", "errors": [{"message": "taken. Existing ID: 98"}]}
            ]
        }))
        .unwrap();
        let outcome = BatchOutcome::from(Reply {
            status: 207,
            date: None,
            lost_before: true,
            correlation_id: Some("of the headers".into()),
            body: wire,
        });
        assert!(outcome.after_lost_reply);
        assert_eq!(outcome.correlation_id.as_deref(), Some("of the headers"));
        assert_eq!(outcome.results.len(), 1);
        assert_eq!(outcome.num_errors, 2);
        assert_eq!(outcome.errors[0].ids().collect::<Vec<_>>(), ["7", "8"]);
        assert_eq!(outcome.errors[0].sub_category, None);
        assert_eq!(outcome.errors[1].trace_ids().collect::<Vec<_>>(), ["3"]);
        assert_eq!(outcome.errors[1].existing_id(), Some("99"));
        assert_eq!(outcome.errors[2].existing_id(), Some("98"));
    }

    #[test]
    fn inputs_go_as_they_are() {
        let properties = Object::from_iter([("email".to_owned(), json!("ada@example.com"))]);
        assert_eq!(
            serde_json::to_value(UpsertInput::new("email", "ada@example.com", properties.clone()).trace_id("7"))
                .unwrap(),
            json!({"id": "ada@example.com", "idProperty": "email", "properties": {"email": "ada@example.com"}, "objectWriteTraceId": "7"})
        );
        assert_eq!(
            serde_json::to_value(CreateInput::new(properties)).unwrap(),
            json!({"properties": {"email": "ada@example.com"}, "associations": []})
        );
        let odd = Object::from_iter([("whatever".to_owned(), json!([1]))]);
        assert_eq!(serde_json::to_value(UpdateInput::from(odd)).unwrap(), json!({"whatever": [1]}));
    }
}
