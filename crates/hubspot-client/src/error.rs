//! What went wrong, in one line, and as types.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::one_line::OneLine;
use crate::wire::{self, Context};

/// Why a call to HubSpot failed.
///
/// [`Display`](fmt::Display) gives one line for the user: the method and the path (never the query), the status, HubSpot's category,
/// message and details, the correlation id that HubSpot's support asks for, and what to do. No token is in it, and no property value but
/// what HubSpot's own message repeats.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// HubSpot refused the request, and said why.
    #[error("{0}")]
    Api(Box<ApiError>),
    /// A write that isn't safe to repeat was sent, and its reply was lost: nobody knows whether it happened.
    #[error("{0}")]
    Unknown(Box<UnknownOutcome>),
    /// HubSpot couldn't be reached, or every reply of it was lost.
    #[error("{0}")]
    Unreachable(Box<Unreachable>),
    /// The answer was not what HubSpot's API answers: HTML, a cut body, JSON of another shape.
    #[error("{0}")]
    Body(Box<BodyError>),
    /// The OAuth refresh token gave no access token.
    #[error("{0}")]
    Authentication(Box<AuthenticationError>),
    /// The request couldn't be put together: an input that isn't JSON, an id that is empty.
    #[error("{0}")]
    Request(Box<RequestError>),
}

impl Error {
    /// The status of HubSpot's last answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status),
            Self::Unknown(error) => error.status,
            Self::Body(error) => Some(error.status),
            Self::Authentication(error) => error.status,
            Self::Unreachable(_) | Self::Request(_) => None,
        }
    }

    /// HubSpot's category of the error, such as `VALIDATION_ERROR` or `MISSING_SCOPES`.
    pub fn category(&self) -> Option<&str> {
        match self {
            Self::Api(error) if !error.category.is_empty() => Some(&error.category),
            _ => None,
        }
    }

    /// The id that HubSpot's support finds the request by.
    pub fn correlation_id(&self) -> Option<&str> {
        match self {
            Self::Api(error) => error.correlation_id.as_deref(),
            Self::Unknown(error) => error.correlation_id.as_deref(),
            _ => None,
        }
    }

    /// HubSpot says that there is no such object (404, from HubSpot's API itself: a 404 page in HTML is not one).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(error) if error.status == 404)
    }

    /// The object, or its unique value, exists already (409).
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Api(error) if error.status == 409)
    }

    /// Nobody knows whether the write happened: look before it is written again.
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// The same call may well succeed later, and nothing of it has happened yet or repeating it changes nothing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Api(error) => is_passing(error.status),
            Self::Body(error) => (200..300).contains(&error.status) || is_passing(error.status),
            Self::Authentication(error) => error.status.is_none_or(is_passing),
            Self::Unknown(_) | Self::Request(_) => false,
        }
    }

    /// A try may have had its effect, though no reply tells. Repeating the call does no harm, else it would be [`Error::Unknown`].
    pub fn is_after_lost_reply(&self) -> bool {
        match self {
            Self::Api(error) => error.after_lost_reply,
            Self::Unreachable(error) => error.after_lost_reply,
            Self::Body(error) => error.after_lost_reply,
            Self::Unknown(_) | Self::Authentication(_) | Self::Request(_) => false,
        }
    }

    /// The whole answer of HubSpot's, where it refused.
    pub fn as_api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }
}

fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 423 | 429 | 477 | 500..=599)
}

/// HubSpot's own error answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The method of the request.
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// Such as `VALIDATION_ERROR`, `OBJECT_NOT_FOUND`, `CONFLICT`, `MISSING_SCOPES`, `RATE_LIMITS`; empty when HubSpot gave none.
    pub category: String,
    /// A closer category.
    pub sub_category: Option<String>,
    /// HubSpot's message.
    pub message: String,
    /// The id that HubSpot's support finds the request by.
    pub correlation_id: Option<String>,
    /// One for each thing that is wrong.
    pub details: Vec<ErrorDetail>,
    /// Circumstances by name.
    pub context: BTreeMap<String, Vec<String>>,
    /// Which limit a 429 is about: `TEN_SECONDLY_ROLLING`, `SECONDLY`, `DAILY`.
    pub policy_name: Option<String>,
    /// How often the request was sent.
    pub tries: u32,
    /// A try before this answer was sent and its reply lost, so that the answer may be about the effect of that one.
    pub after_lost_reply: bool,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ErrorDetail {
    /// What is wrong.
    #[serde(deserialize_with = "wire::text")]
    pub message: String,
    /// Such as `INVALID_OPTION`, `PROPERTY_DOESNT_EXIST`, `READ_ONLY_VALUE`.
    #[serde(deserialize_with = "wire::optional_text")]
    pub code: Option<String>,
    /// The field or parameter.
    #[serde(rename = "in", deserialize_with = "wire::optional_text")]
    pub in_: Option<String>,
    /// A closer category.
    #[serde(deserialize_with = "wire::optional_text")]
    pub sub_category: Option<String>,
    /// Circumstances by name, such as `propertyName` or `missingScopes`.
    #[serde(deserialize_with = "wire::context")]
    pub context: BTreeMap<String, Vec<String>>,
}

impl ApiError {
    /// The id of the object that has the unique value already, which a 409 for a duplicate ends with: `Existing ID: 123`.
    pub fn existing_id(&self) -> Option<&str> {
        existing_id(messages(&self.message, &self.details))
    }

    /// The scopes that the token lacks, where HubSpot names them.
    pub fn missing_scopes(&self) -> Vec<&str> {
        let contexts = std::iter::once(&self.context).chain(self.details.iter().map(|detail| &detail.context));
        let mut scopes: Vec<&str> = contexts
            .flatten()
            .filter(|(name, _)| name.to_ascii_lowercase().contains("scope"))
            .flat_map(|(_, values)| values.iter().map(String::as_str))
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }

    /// Runs `redact` over every text that came from outside. Each field is named, so that a new one is not forgotten.
    pub(crate) fn redact(&mut self, redact: &impl Fn(&mut String)) {
        let Self {
            method: _,
            path: _,
            status: _,
            category,
            sub_category,
            message,
            correlation_id,
            details,
            context,
            policy_name,
            tries: _,
            after_lost_reply: _,
        } = self;
        [category, message].into_iter().for_each(redact);
        [sub_category, correlation_id, policy_name].into_iter().flatten().for_each(redact);
        for detail in details {
            detail.redact(redact);
        }
        redact_context(context, redact);
    }

    fn advice(&self) -> Option<String> {
        Some(match self.status {
            401 if self.category == "EXPIRED_AUTHENTICATION" => {
                "the access token has expired: use a service key, or give clientId, clientSecret and refreshToken so that it is refreshed"
                    .to_owned()
            }
            401 => "check accessToken".to_owned(),
            403 => match self.missing_scopes().as_slice() {
                [] => "check what the token's app or user may do in this account".to_owned(),
                scopes => format!("give the token's app the missing scopes: {}", scopes.join(", ")),
            },
            404 => "check the object type or resource, the id, and apiVersion".to_owned(),
            409 => format!("an object with this unique value exists already: id {}", self.existing_id()?),
            414 => "the URL is too long: ask for fewer properties, they travel in it".to_owned(),
            423 => "the record is locked by another operation: try again later".to_owned(),
            429 if self.policy_name.as_deref() == Some("DAILY") => {
                "the account's daily quota is used up: wait for its reset, or raise it".to_owned()
            }
            429 => "others use the account's quota up: let fewer integrations run at once, or raise the limit".to_owned(),
            477 => "HubSpot is moving the account to another data centre: try again later".to_owned(),
            500..=599 => "the fault is HubSpot's: try again later, see status.hubspot.com".to_owned(),
            _ => return None,
        })
    }
}

impl ErrorDetail {
    /// As [`ApiError::redact`].
    pub(crate) fn redact(&mut self, redact: &impl Fn(&mut String)) {
        let Self { message, code, in_, sub_category, context } = self;
        redact(message);
        [code, in_, sub_category].into_iter().flatten().for_each(redact);
        redact_context(context, redact);
    }
}

/// The id that HubSpot names as the one in the way: the digits behind `Existing ID:`.
///
/// Give the error's message, then those of its details; the first one that names an id decides, and in it the last place, because HubSpot
/// appends the id and what stands in front may repeat a value. Seen in production by several connectors; not in HubSpot's documents.
///
/// ```
/// use hubspot_client::existing_id;
///
/// assert_eq!(existing_id(["Contact already exists. Existing ID: 123"]), Some("123"));
/// assert_eq!(existing_id(["conflict", "Existing ID: 4 is taken. Existing ID: 5."]), Some("5"));
/// assert_eq!(existing_id(["Contact already exists. Existing ID: "]), None);
/// ```
pub fn existing_id<'a>(messages: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MARK: &str = "Existing ID:";
    messages.into_iter().find_map(|message| {
        message.rmatch_indices(MARK).find_map(|(at, _)| {
            let rest = message[at + MARK.len()..].trim_start();
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            (end > 0).then(|| &rest[..end])
        })
    })
}

/// The messages of an error: its own, then those of its details.
pub(crate) fn messages<'a>(message: &'a str, details: &'a [ErrorDetail]) -> impl Iterator<Item = &'a str> {
    std::iter::once(message).chain(details.iter().map(|detail| detail.message.as_str()))
}

/// Runs `redact` over the names and values of a context.
pub(crate) fn redact_context(context: &mut Context, redact: &impl Fn(&mut String)) {
    let redacted = std::mem::take(context).into_iter().map(|(mut name, mut values)| {
        redact(&mut name);
        values.iter_mut().for_each(redact);
        (name, values)
    });
    *context = redacted.collect();
}

/// So many details are spelt out in the line; the rest are counted.
const DETAILS_SHOWN: usize = 5;

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HubSpot refused {} {}: {}", self.method, self.path, self.status)?;
        if !self.category.is_empty() {
            write!(f, " {}", OneLine(&self.category))?;
        }
        if let Some(sub) = &self.sub_category {
            write!(f, " ({})", OneLine(sub))?;
        }
        write!(f, ": {}", OneLine(&self.message))?;
        let telling: Vec<_> = self.details.iter().filter(|detail| !self.message.contains(&detail.message)).collect();
        for detail in telling.iter().take(DETAILS_SHOWN) {
            write!(f, "; {detail}")?;
        }
        if telling.len() > DETAILS_SHOWN {
            write!(f, "; and {} more", telling.len() - DETAILS_SHOWN)?;
        }
        let mut notes = Vec::new();
        if let Some(policy) = &self.policy_name {
            notes.push(format!("limit {}", OneLine(policy)));
        }
        if let Some(id) = &self.correlation_id {
            notes.push(format!("correlation id {}", OneLine(id)));
        }
        if self.tries > 1 {
            notes.push(format!("{} tries", self.tries));
        }
        if !notes.is_empty() {
            write!(f, " ({})", notes.join(", "))?;
        }
        match self.advice() {
            Some(advice) => write!(f, ": {advice}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ErrorDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.in_) {
            (Some(code), Some(place)) => write!(f, "{} in {}: ", OneLine(code), OneLine(place))?,
            (Some(code), None) => write!(f, "{}: ", OneLine(code))?,
            (None, Some(place)) => write!(f, "{}: ", OneLine(place))?,
            (None, None) => {}
        }
        write!(f, "{}", OneLine(&self.message))
    }
}

/// A write whose reply was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the outcome of {method} {path} is unknown: {reason}{}; it may have been done, so look before it is written again",
    Correlation(correlation_id.as_deref())
)]
#[non_exhaustive]
pub struct UnknownOutcome {
    /// The method of the request.
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
    /// How the reply was lost.
    pub reason: String,
    /// The status of the answer, if there was one: a 5xx says nothing about whether the write happened.
    pub status: Option<u16>,
    /// The id that HubSpot's support finds the request by.
    pub correlation_id: Option<String>,
    /// How often the request was sent.
    pub tries: u32,
}

/// No reply, however often it was tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("HubSpot can't be reached at {host}: {method} {path}: {reason} ({}): check baseUrl, the network and the proxy", Tries(*tries))]
#[non_exhaustive]
pub struct Unreachable {
    /// The method of the request.
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
    /// Where it was sent: `host:port`.
    pub host: String,
    /// What happened to the last try.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// A try was sent and its reply lost, so that it may have had its effect.
    pub after_lost_reply: bool,
}

/// An answer that isn't HubSpot's API's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answer to {method} {path} can't be read: status {status}, {problem}{} ({}){}",
    Words(beginning),
    Tries(*tries),
    BodyAdvice(*status)
)]
#[non_exhaustive]
pub struct BodyError {
    /// The method of the request.
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with the body.
    pub problem: String,
    /// The first words of an answer that isn't JSON; empty for JSON, which may hold property values.
    pub beginning: String,
    /// How often the request was sent.
    pub tries: u32,
    /// The reply to a try was lost or can't be read, so that it may have had its effect.
    pub after_lost_reply: bool,
}

/// The token endpoint gave no access token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no access token from HubSpot's OAuth endpoint {path}: {reason}: check clientId, clientSecret and refreshToken, or install the app again"
)]
#[non_exhaustive]
pub struct AuthenticationError {
    /// The path of the token endpoint.
    pub path: String,
    /// The status of its answer, if there was one.
    pub status: Option<u16>,
    /// What it said, or why it said nothing.
    pub reason: String,
}

/// A request that was never sent because it makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{method} {path} can't be sent: {reason}")]
#[non_exhaustive]
pub struct RequestError {
    /// The method of the request.
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

struct Tries(u32);

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 try"),
            tries => write!(f, "{tries} tries"),
        }
    }
}

struct Correlation<'a>(Option<&'a str>);

impl fmt::Display for Correlation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => write!(f, " (correlation id {})", OneLine(id)),
            None => Ok(()),
        }
    }
}

struct Words<'a>(&'a str);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ", it begins \"{}\"", OneLine(self.0)) }
    }
}

struct BodyAdvice(u16);

impl fmt::Display for BodyAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            300..=399 | 404 => ": check baseUrl, this doesn't look like HubSpot's API",
            401 => ": check accessToken",
            414 => ": the URL is too long: ask for fewer properties, they travel in it",
            500..=599 => ": the fault is HubSpot's or a proxy's: try again later",
            _ => "",
        })
    }
}
