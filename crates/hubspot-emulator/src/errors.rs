//! Errors as HubSpot answers them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::faults::Policy;

/// An error answer, without the correlation id: that is given when it is sent.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) category: &'static str,
    pub(crate) message: String,
    pub(crate) sub_category: Option<&'static str>,
    pub(crate) details: Vec<Detail>,
    pub(crate) context: BTreeMap<&'static str, Vec<String>>,
}

/// One of an error's `errors`.
#[derive(Clone, Debug)]
pub(crate) struct Detail {
    pub(crate) message: String,
    pub(crate) code: Option<&'static str>,
    pub(crate) location: Option<&'static str>,
    pub(crate) context: BTreeMap<&'static str, Vec<String>>,
}

const MISSING_SCOPES: &str = "MISSING_SCOPES";

pub(crate) type Result<T> = std::result::Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            category,
            message: message.into(),
            sub_category: None,
            details: Vec::new(),
            context: BTreeMap::new(),
        }
    }

    /// 400: something about the request.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    /// 404 for a path.
    pub(crate) fn no_such_path() -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    /// 404 for an object.
    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", format!("Object not found. No {what} has the id {id}.")).with("ids", [id])
    }

    pub(crate) fn method_not_allowed(method: &str) -> Self {
        Self::new(405, "VALIDATION_ERROR", format!("{method} is not allowed on this path"))
    }

    pub(crate) fn conflict(singular: &str, existing: Option<u64>) -> Self {
        let existing = existing.map(|id| format!(". Existing ID: {id}")).unwrap_or_default();
        Self::new(409, "CONFLICT", format!("{} already exists{existing}", capitalised(singular)))
    }

    pub(crate) fn missing_scopes(scopes: &[String]) -> Self {
        let mut error = Self::new(
            403,
            MISSING_SCOPES,
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
        );
        let mut detail = Detail::new("One or more of the following scopes are required.", None);
        detail.context.insert("requiredGranularScopes", scopes.to_vec());
        error.details.push(detail);
        error
    }

    pub(crate) fn with<S: Into<String>>(mut self, key: &'static str, values: impl IntoIterator<Item = S>) -> Self {
        self.context.insert(key, values.into_iter().map(Into::into).collect());
        self
    }

    /// A 400 for values of properties. The message repeats the details, as HubSpot's does.
    pub(crate) fn properties(details: Vec<Detail>) -> Self {
        let said: Vec<Value> = details
            .iter()
            .map(|detail| {
                let name = detail.context.get("propertyName").and_then(|names| names.first());
                json!({"isValid": false, "message": detail.message, "error": detail.code, "name": name, "localizedErrorMessage": detail.message})
            })
            .collect();
        let mut error = Self::invalid(format!("Property values were not valid: {}", Value::from(said)));
        error.details = details;
        error
    }

    /// The body of an error answer.
    pub(crate) fn body(&self, correlation_id: &str) -> Value {
        let mut body = self.common();
        body.insert("correlationId".into(), correlation_id.into());
        if !self.details.is_empty() {
            body.insert("errors".into(), self.details.iter().map(Detail::value).collect());
        }
        if !self.context.is_empty() {
            body.insert("context".into(), json!(self.context));
        }
        if self.category == MISSING_SCOPES {
            body.insert("links".into(), json!({"scopes": "https://developers.hubspot.com/scopes"}));
        }
        Value::Object(body)
    }

    /// One of the `errors` of a batch's answer: there, everything is required.
    pub(crate) fn batch_error(&self) -> Value {
        let mut body = self.common();
        body.insert("errors".into(), self.details.iter().map(Detail::value).collect());
        body.insert("context".into(), json!(self.context));
        body.insert("links".into(), json!({}));
        Value::Object(body)
    }

    fn common(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("status".into(), "error".into());
        body.insert("message".into(), self.message.as_str().into());
        body.insert("category".into(), self.category.into());
        if let Some(sub_category) = self.sub_category {
            body.insert("subCategory".into(), sub_category.into());
        }
        body
    }
}

impl Detail {
    pub(crate) fn new(message: impl Into<String>, code: Option<&'static str>) -> Self {
        Self { message: message.into(), code, location: None, context: BTreeMap::new() }
    }

    pub(crate) fn of_property(name: &str, code: &'static str, message: impl Into<String>) -> Self {
        let mut detail = Self::new(message, Some(code));
        detail.context.insert("propertyName", vec![name.to_owned()]);
        detail
    }

    pub(crate) fn at(mut self, location: &'static str) -> Self {
        self.location = Some(location);
        self
    }

    fn value(&self) -> Value {
        let mut value = Map::new();
        value.insert("message".into(), self.message.as_str().into());
        if let Some(code) = self.code {
            value.insert("code".into(), code.into());
        }
        if let Some(location) = self.location {
            value.insert("in".into(), location.into());
        }
        if !self.context.is_empty() {
            value.insert("context".into(), json!(self.context));
        }
        Value::Object(value)
    }
}

/// The body of a 429: it has no category, but the name of the policy.
pub(crate) fn rate_limit_body(policy: Policy, correlation_id: &str) -> Value {
    let name = policy.as_str();
    json!({
        "status": "error",
        "message": format!("You have reached your {} limit.", name.to_ascii_lowercase()),
        "errorType": "RATE_LIMIT",
        "correlationId": correlation_id,
        "policyName": name,
    })
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
