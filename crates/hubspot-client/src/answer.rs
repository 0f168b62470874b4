//! What HubSpot answered, as it came, and what it means when it isn't what was asked for.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::error::{ApiError, ErrorDetail};
use crate::one_line::OneLine;
use crate::request::Request;
use crate::wire::{self, Context};

/// An HTTP answer with its body, or with what arrived of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) date: Option<DateTime<Utc>>,
    pub(crate) retry_after: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) rate: RateHeaders,
    pub(crate) body: Bytes,
    /// Why the body ends early, if it does.
    pub(crate) cut: Option<String>,
}

/// `X-HubSpot-RateLimit-…`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateHeaders {
    /// `Max`: requests an interval.
    pub(crate) max: Option<u32>,
    /// `Remaining` of them.
    pub(crate) remaining: Option<u32>,
    /// `Interval-Milliseconds`
    pub(crate) interval_ms: Option<u64>,
    /// `Daily`
    pub(crate) daily: Option<u64>,
    /// `Daily-Remaining`
    pub(crate) daily_remaining: Option<u64>,
}

/// No answer, or none that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) how: LostHow,
    pub(crate) reason: String,
}

/// Where it was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LostHow {
    /// There was no connection: the request never left.
    NotSent,
    /// The connection broke when the request may have been sent.
    Reset,
    /// No whole answer in time.
    Timeout,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Runs `redact` over the texts in it that are shown, apart from the body: see [`to_api_error`](Self::to_api_error) and
    /// [`beginning`](Self::beginning).
    pub(crate) fn redact(&mut self, redact: &impl Fn(&mut String)) {
        [&mut self.correlation_id, &mut self.cut].into_iter().flatten().for_each(redact);
    }

    /// HubSpot's error answer, if it is one.
    pub(crate) fn to_api_error(&self, request: &Request, redact: &impl Fn(&mut String)) -> Option<ApiError> {
        let wire: ErrorWire = serde_json::from_slice(&self.body).ok()?;
        let message = first([wire.message, wire.error_description]);
        let category = first([wire.category, wire.error_type, wire.error]);
        if message.is_empty() && category.is_empty() {
            return None;
        }
        let mut error = ApiError {
            method: request.method.to_string(),
            path: request.path.as_shown().to_owned(),
            status: self.status,
            category,
            sub_category: wire.sub_category,
            message,
            correlation_id: wire.correlation_id.or_else(|| self.correlation_id.clone()),
            details: wire.errors,
            context: wire.context,
            policy_name: wire.policy_name,
            tries: 0,
            after_lost_reply: false,
        };
        error.redact(redact);
        Some(error)
    }

    /// The first words of a body that isn't JSON. JSON is not shown: it may hold property values.
    pub(crate) fn beginning(&self, redact: &impl Fn(&mut String)) -> String {
        const SHOWN: usize = 100;
        // More than is shown, so that no secret is cut in two before it is recognised.
        const READ: usize = 4096;
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(READ)]);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with(['{', '[', '"']) {
            return String::new();
        }
        let mut line = OneLine(text).to_string();
        redact(&mut line);
        match line.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

fn first<const N: usize>(texts: [String; N]) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ErrorWire {
    #[serde(deserialize_with = "wire::text")]
    message: String,
    #[serde(deserialize_with = "wire::text")]
    category: String,
    #[serde(deserialize_with = "wire::text")]
    error_type: String,
    #[serde(deserialize_with = "wire::optional_text")]
    sub_category: Option<String>,
    #[serde(deserialize_with = "wire::optional_text")]
    correlation_id: Option<String>,
    #[serde(deserialize_with = "wire::list")]
    errors: Vec<ErrorDetail>,
    #[serde(deserialize_with = "wire::context")]
    context: Context,
    #[serde(deserialize_with = "wire::optional_text")]
    policy_name: Option<String>,
    /// OAuth's own form.
    #[serde(deserialize_with = "wire::text")]
    error: String,
    #[serde(rename = "error_description", deserialize_with = "wire::text")]
    error_description: String,
}
