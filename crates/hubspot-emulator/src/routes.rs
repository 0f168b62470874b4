//! From a request's path to the endpoint that answers it.

use std::sync::Arc;

use crate::account::State;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::settings::Settings;
use crate::{account_info, cms, crm};

/// A version of HubSpot's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `2026-03`.
    March2026,
    /// `2026-09`.
    September2026,
    /// `v3`, and `v4` for associations.
    Numbered,
}

/// A request on its way through an endpoint.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) state: &'a State,
    pub(crate) settings: Arc<Settings>,
    pub(crate) version: Version,
    pub(crate) request: &'a Request,
}

impl Call<'_> {
    pub(crate) fn method(&self) -> &str {
        &self.request.method
    }

    pub(crate) fn wrong_method<T>(&self) -> Result<T> {
        Err(ApiError::method_not_allowed(self.method()))
    }

    /// The status of a batch's answer that has errors: 207, but for `2026-09`, which leaves the errors in the body alone.
    pub(crate) fn multi_status(&self, success: u16) -> u16 {
        if self.version == Version::September2026 { success } else { 207 }
    }
}

/// A path without its version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) version: Version,
    pub(crate) segments: Vec<String>,
}

impl Path {
    /// Takes the version out of a path: `/crm/objects/2026-03/contacts` and `/crm/v3/objects/contacts` are both `crm objects contacts`. Dated versions stand
    /// behind the area, numbered ones before it; anywhere else it is no path of HubSpot's.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect();
        let area_is_whole =
            matches!(segments.first().map(String::as_str), Some("account-info" | "crm-object-schemas" | "oauth"));
        let (position, version) = segments.iter().enumerate().take(3).find_map(|(position, segment)| {
            let version = match segment.as_str() {
                "2026-03" => Version::March2026,
                "2026-09" => Version::September2026,
                "v3" => Version::Numbered,
                _ => return None,
            };
            Some((position, version))
        })?;
        let expected = if version == Version::Numbered || area_is_whole { 1 } else { 2 };
        // The documents of version 3 have some paths of the CMS the other way round: `/cms/url-redirects/v3`.
        let turned = version == Version::Numbered && position == 2 && segments[0] == "cms";
        if position != expected && !turned {
            return None;
        }
        segments.remove(position);
        Some(Self { version, segments })
    }

    /// Associations alone have a version 4: `/crm/v4/associations/…`, `/crm/v4/objects/…/associations/…`.
    pub(crate) fn parse_v4(path: &str) -> Option<Self> {
        let mut segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect();
        if segments.first().is_none_or(|first| first != "crm") || segments.get(1).is_none_or(|second| second != "v4") {
            return None;
        }
        segments.remove(1);
        segments
            .iter()
            .any(|segment| segment == "associations")
            .then_some(Self { version: Version::Numbered, segments })
    }
}

fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Answers a request of an account.
pub(crate) fn answer(state: &State, request: &Request) -> Result<Reply> {
    let path =
        Path::parse(&request.path).or_else(|| Path::parse_v4(&request.path)).ok_or_else(ApiError::no_such_path)?;
    let call = Call { state, settings: state.settings(), version: path.version, request };
    let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["crm", "objects", object_type, rest @ ..] => crm_objects(&call, object_type, rest),
        ["crm", "properties", object_type, rest @ ..] => crm::properties::answer(&call, object_type, rest),
        ["crm", "schemas", rest @ ..] if path.version == Version::Numbered => crm::schemas::answer(&call, rest),
        ["crm-object-schemas", "schemas", rest @ ..] => crm::schemas::answer(&call, rest),
        ["crm", "associations", from, to, "batch", operation @ ..] => {
            crm::associations::batch(&call, from, to, operation)
        }
        ["crm", "associations", from, to, "labels"] => crm::associations::labels(&call, from, to),
        ["crm", "owners", rest @ ..] => crm::owners::answer(&call, rest),
        ["crm", "pipelines", object_type, rest @ ..] => crm::pipelines::answer(&call, object_type, rest),
        ["cms", "blogs", collection @ ("authors" | "posts" | "tags"), rest @ ..] => {
            cms::answer(&call, &format!("blogs/{collection}"), rest)
        }
        ["cms", "pages", collection @ ("landing-pages" | "site-pages"), rest @ ..] => {
            cms::answer(&call, &format!("pages/{collection}"), rest)
        }
        ["cms", "hubdb", "tables", rest @ ..] => cms::answer(&call, "hubdb/tables", rest),
        ["cms", "url-redirects", rest @ ..] => cms::answer(&call, "url-redirects", rest),
        ["account-info", rest @ ..] => account_info::answer(&call, rest),
        _ => Err(ApiError::no_such_path()),
    }
}

fn crm_objects(call: &Call<'_>, object_type: &str, rest: &[&str]) -> Result<Reply> {
    match (call.method(), rest) {
        ("GET", []) => crm::read::list(call, object_type),
        ("POST", []) => crm::write::create(call, object_type),
        ("POST", ["search"]) => crm::search::answer(call, object_type),
        ("POST", ["merge"]) => crm::merge::answer(call, object_type),
        ("POST", ["gdpr-delete"]) => crm::merge::gdpr_answer(call, object_type),
        ("POST", ["batch", operation]) => crm::batch::answer(call, object_type, operation),
        ("GET", [id]) => crm::read::one(call, object_type, id),
        ("PATCH", [id]) => crm::write::update(call, object_type, id),
        ("DELETE", [id]) => crm::write::archive(call, object_type, id),
        (_, [id, "associations", rest @ ..]) => crm::associations::of_object(call, object_type, id, rest),
        (_, [] | [_] | ["batch", _]) => call.wrong_method(),
        _ => Err(ApiError::no_such_path()),
    }
}

/// Whether the limit of search counts it.
pub(crate) fn is_search(path: &str) -> bool {
    path.starts_with("/crm/") && path.ends_with("/search")
}

/// The endpoint of a request, for the counters: ids and keys are replaced.
pub(crate) fn endpoint(method: &str, path: &str) -> String {
    let mut out = method.to_owned();
    out.push(' ');
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        out.push('/');
        let is_key = segment.bytes().all(|byte| byte.is_ascii_digit()) || segment.contains(['@', '%']);
        out.push_str(if is_key { "{id}" } else { segment });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_their_place() {
        let path = |text| Path::parse(text).map(|path| (path.version, path.segments.join(" ")));
        assert_eq!(
            path("/crm/objects/2026-03/contacts/51"),
            Some((Version::March2026, "crm objects contacts 51".into()))
        );
        assert_eq!(path("/crm/objects/2026-09/0-1"), Some((Version::September2026, "crm objects 0-1".into())));
        assert_eq!(
            path("/crm/v3/objects/contacts/a%40b.c"),
            Some((Version::Numbered, "crm objects contacts a@b.c".into()))
        );
        assert_eq!(path("/cms/url-redirects/2026-03"), Some((Version::March2026, "cms url-redirects".into())));
        assert_eq!(path("/cms/v3/url-redirects"), Some((Version::Numbered, "cms url-redirects".into())));
        assert_eq!(path("/cms/url-redirects/v3"), Some((Version::Numbered, "cms url-redirects".into())));
        assert_eq!(path("/account-info/2026-03/details"), Some((Version::March2026, "account-info details".into())));
        assert_eq!(path("/crm/2026-03/objects/contacts"), None);
        assert_eq!(path("/crm/objects/v3/contacts"), None);
        assert_eq!(path("/crm/objects/contacts"), None);
    }

    #[test]
    fn endpoints_have_no_ids() {
        assert_eq!(endpoint("GET", "/crm/v3/objects/contacts/51"), "GET /crm/v3/objects/contacts/{id}");
        assert_eq!(
            endpoint("PATCH", "/crm/objects/2026-03/contacts/a%40b.c"),
            "PATCH /crm/objects/2026-03/contacts/{id}"
        );
    }
}
