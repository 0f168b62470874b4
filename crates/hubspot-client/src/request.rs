//! A request to HubSpot as a value, and what became of it.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Serialize;

use crate::error::{Error, RequestError};
use crate::paths::Path;

/// Whether a request may be sent again when its reply was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Sending it twice leaves HubSpot as sending it once does.
    Safe,
    /// Sending it twice may do it twice.
    Unsafe,
}

/// Which of HubSpot's limits a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// The ten-second limit of the app.
    General,
    /// The per-second limit of the search endpoints.
    Search,
    /// None: the OAuth endpoint.
    Unlimited,
}

/// What is in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Nothing,
    Json,
    Form,
}

/// A request, ready to be sent as often as it takes.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: Path,
    /// Not yet encoded. Never shown: it may hold values of properties.
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) content: Content,
    pub(crate) body: Bytes,
    pub(crate) repeat: Repeat,
    pub(crate) bucket: Bucket,
}

impl Request {
    fn new(method: Method, path: Path, repeat: Repeat) -> Self {
        Self {
            method,
            path,
            query: Vec::new(),
            content: Content::Nothing,
            body: Bytes::new(),
            repeat,
            bucket: Bucket::General,
        }
    }

    /// A GET: always safe to repeat.
    pub(crate) fn get(path: Path) -> Self {
        Self::new(Method::GET, path, Repeat::Safe)
    }

    /// A POST, whose caller must know whether it may be repeated.
    pub(crate) fn post(path: Path, repeat: Repeat) -> Self {
        Self::new(Method::POST, path, repeat)
    }

    /// A PATCH sets named fields to given values, so that repeating it changes nothing.
    pub(crate) fn patch(path: Path) -> Self {
        Self::new(Method::PATCH, path, Repeat::Safe)
    }

    /// A DELETE of one object by its id: the second one finds nothing left to do.
    pub(crate) fn delete(path: Path) -> Self {
        Self::new(Method::DELETE, path, Repeat::Safe)
    }

    /// With a parameter in the query, if there is a value for it.
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            self.query.push((name, value.into()));
        }
        self
    }

    /// With a list in the query, joined by commas, unless it is empty.
    pub(crate) fn query_list(self, name: &'static str, values: &[String]) -> Self {
        self.query(name, (!values.is_empty()).then(|| values.join(",")))
    }

    /// With a JSON body.
    pub(crate) fn json(mut self, body: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        self.body = match serde_json::to_vec(body) {
            Ok(body) => body.into(),
            Err(error) => return Err(self.refuse(format!("its body isn't JSON: {error}"))),
        };
        self.content = Content::Json;
        Ok(self)
    }

    /// Counted against the search limit.
    pub(crate) fn in_search_bucket(mut self) -> Self {
        self.bucket = Bucket::Search;
        self
    }

    /// The error for a request that makes no sense.
    pub(crate) fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Request(Box::new(RequestError {
            method: self.method.to_string(),
            path: self.path.as_shown().to_owned(),
            reason: reason.into(),
        }))
    }
}

/// A good answer (2xx), read.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    pub(crate) status: u16,
    pub(crate) date: Option<DateTime<Utc>>,
    /// A try before this answer was sent and its reply lost.
    pub(crate) lost_before: bool,
    /// What HubSpot's headers call the request; bodies don't always say it.
    pub(crate) correlation_id: Option<String>,
    pub(crate) body: T,
}

impl Reply<()> {
    pub(crate) fn with<T>(self, body: T) -> Reply<T> {
        let Self { status, date, lost_before, correlation_id, body: () } = self;
        Reply { status, date, lost_before, correlation_id, body }
    }
}
