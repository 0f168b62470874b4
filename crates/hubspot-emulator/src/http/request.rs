//! A request, read.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::clock::{Millis, parse_time};
use crate::errors::{ApiError, Detail, Result};

/// A request, read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The path and the query as they came.
    pub(crate) target: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) token: Option<String>,
    /// The `Host` header.
    pub(crate) host: String,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter: repeated, or separated by commas.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let values = self.query.iter().filter(|(known, _)| known == name);
        values.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.query(name) == Some("true")
    }

    /// `limit`, at most `most`.
    pub(crate) fn limit(&self, default: usize, most: usize) -> Result<usize> {
        let Some(text) = self.query("limit") else { return Ok(default) };
        match text.parse() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            Ok(_) => Err(bad_query("limit", format!("limit has to be from 1 to {most}, it is {text}"))),
            Err(_) => Err(bad_query("limit", format!("limit is no number: {text}"))),
        }
    }

    /// A time in the query.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Millis>> {
        let Some(text) = self.query(name) else { return Ok(None) };
        parse_time(text).map(Some).ok_or_else(|| bad_query(name, format!("{name} is no timestamp: {text}")))
    }

    /// The body as a JSON object.
    pub(crate) fn object(&self) -> Result<Map<String, Value>> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(ApiError::invalid("Invalid input JSON: the body has to be an object")),
            Err(error) => Err(ApiError::invalid(format!(
                "Invalid input JSON on line {}, column {}: {error}",
                error.line(),
                error.column()
            ))),
        }
    }

    /// The `inputs` of a batch, from 1 to `most`.
    pub(crate) fn inputs(&self, most: usize) -> Result<(Map<String, Value>, Vec<Value>)> {
        let mut body = self.object()?;
        let Some(Value::Array(inputs)) = body.remove("inputs") else {
            let mut error = ApiError::invalid("Invalid input JSON: Some required fields were not set: [inputs]");
            error.details.push(Detail::new("inputs is required", Some("REQUIRED_FIELD")).at("inputs"));
            return Err(error);
        };
        if inputs.is_empty() {
            return Err(ApiError::invalid("The batch has no inputs"));
        }
        if inputs.len() > most {
            return Err(ApiError::invalid(format!(
                "The maximum number of inputs supported in a batch request is {most}, there are {}",
                inputs.len()
            )));
        }
        Ok((body, inputs))
    }
}

fn bad_query(name: &str, message: String) -> ApiError {
    let mut error = ApiError::invalid(message.clone());
    let mut detail = Detail::new(message, Some("INVALID_PARAMETER")).at("query");
    detail.context.insert("parameter", vec![name.to_owned()]);
    error.details.push(detail);
    error
}

/// An id in a body: HubSpot takes numbers too.
pub(crate) fn id_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// A list of strings in a body; absent or null is empty.
pub(crate) fn strings<'a>(body: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    body.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// 400 that names a field that has to be there.
pub(crate) fn required(field: &'static str) -> ApiError {
    let mut error = ApiError::invalid(format!("Invalid input JSON: Some required fields were not set: [{field}]"));
    error.details.push(Detail::new(format!("{field} is required"), Some("REQUIRED_FIELD")).at(field));
    error
}
