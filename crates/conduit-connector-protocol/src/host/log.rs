//! What a plugin logs: one JSON object a line on stderr, in hclog's form.

use serde_json::{Map, Value};

/// One line that a plugin wrote to stderr.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogEntry {
    /// `@level`: trace, debug, info, warn or error. Nothing when the line was no JSON object.
    pub level: Option<String>,
    /// `@message`, or the whole line when it was no JSON object.
    pub message: String,
    /// `@timestamp`, as it came.
    pub timestamp: Option<String>,
    /// The line's other keys.
    pub fields: Map<String, Value>,
}

impl LogEntry {
    /// Reads a line. Every line is an entry: what is no JSON object is a message without a level, as Conduit treats it.
    ///
    /// ```
    /// use conduit_connector_protocol::host::LogEntry;
    ///
    /// let entry = LogEntry::parse(r#"{"@level":"info","@message":"opened","records":3}"#);
    /// assert_eq!(entry.level.as_deref(), Some("info"));
    /// assert_eq!(entry.message, "opened");
    /// assert_eq!(entry.fields["records"], 3);
    /// assert_eq!(LogEntry::parse("panicked").message, "panicked");
    /// ```
    pub fn parse(line: &str) -> Self {
        let Ok(mut fields) = serde_json::from_str::<Map<String, Value>>(line) else {
            return Self { level: None, message: line.to_owned(), timestamp: None, fields: Map::new() };
        };
        let mut text = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(other) => Some(other.to_string()),
            None => None,
        };
        let (level, message, timestamp) = (text("@level"), text("@message"), text("@timestamp"));
        Self { level, message: message.unwrap_or_default(), timestamp, fields }
    }
}
