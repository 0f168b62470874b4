//! An answer, before it is sent.

use bytes::Bytes;
use serde_json::Value;

use crate::errors::ApiError;
use crate::ids::uuid;

/// An answer, before it is sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) correlation_id: String,
    /// How many objects it carries.
    pub(crate) objects: usize,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, body: body.into(), headers: Vec::new(), correlation_id: uuid(), objects: 0 }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json;charset=utf-8", body.to_string())
    }

    /// JSON that is written already.
    pub(crate) fn written(status: u16, body: Vec<u8>, objects: usize) -> Self {
        Self { objects, ..Self::new(status, "application/json;charset=utf-8", body) }
    }

    pub(crate) fn no_content() -> Self {
        Self::new(204, "application/json;charset=utf-8", Bytes::new())
    }

    pub(crate) fn error(error: &ApiError) -> Self {
        let correlation_id = uuid();
        Self { correlation_id: correlation_id.clone(), ..Self::json(error.status, &error.body(&correlation_id)) }
    }

    /// What HubSpot's edge, or a proxy before it, answers on its own.
    pub(crate) fn html(status: u16, title: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html>\n<head><title>{status} {title}</title></head>\n<body>\n<center><h1>{status} {title}</h1></center>\n<hr><center>cloudflare</center>\n</body>\n</html>\n"
        );
        Self::new(status, "text/html; charset=UTF-8", page)
    }
}
