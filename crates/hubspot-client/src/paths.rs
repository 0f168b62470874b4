//! Where HubSpot's endpoints are: the only place that knows API versions.
//!
//! Since 2026 the paths carry a date, behind the area (`/crm/objects/2026-03/contacts`). In v3 the version stands in front of it for the CRM and
//! the CMS (`/crm/v3/objects/contacts`), and behind it elsewhere (`/account-info/v3/details`, `/crm-object-schemas/v3/schemas`). All of it is
//! taken from HubSpot's OpenAPI documents, and the tests compare it with them.

use std::fmt;
use std::str::FromStr;

/// A version of HubSpot's API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiVersion {
    /// `2026-03`, the default.
    #[default]
    V2026_03,
    /// `2026-09`: the account's validation rules are enforced on writes, and batches report their errors in a 200.
    V2026_09,
    /// `v3`: supported by HubSpot until September 2027.
    V3,
}

impl ApiVersion {
    /// Every version that this client speaks.
    pub const ALL: [Self; 3] = [Self::V2026_03, Self::V2026_09, Self::V3];

    /// [`ALL`](Self::ALL) as they stand in paths, with commas between them: what a setting may be.
    pub const NAMES: &str = "2026-03,2026-09,v3";

    /// As it stands in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2026_03 => "2026-03",
            Self::V2026_09 => "2026-09",
            Self::V3 => "v3",
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ApiVersion {
    type Err = ApiVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| ApiVersionError { given: text.to_owned() })
    }
}

/// Not a version of HubSpot's API that this client speaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("apiVersion {given:?} is none that is known: use 2026-03, 2026-09 or v3")]
pub struct ApiVersionError {
    given: String,
}

/// The path of an endpoint: as it is sent, and as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    wire: String,
    shown: Option<String>,
    /// A segment is one that would lead elsewhere.
    stray: bool,
}

impl Path {
    fn new(wire: String) -> Self {
        Self { wire, shown: None, stray: false }
    }

    /// Percent-encoded, without a query.
    pub(crate) fn as_wire(&self) -> &str {
        &self.wire
    }

    /// For logs and errors: a unique property's value (an email, say) is replaced by the property's name.
    pub(crate) fn as_shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.wire)
    }

    /// Whether it leads where it says: an empty segment would be dropped, and dots alone a step up, however they are encoded.
    pub(crate) fn is_sound(&self) -> bool {
        !self.stray
    }

    /// With another segment, which may hold anything.
    pub(crate) fn segment(mut self, segment: &str) -> Self {
        self.stray |= matches!(segment.trim(), "" | "." | "..");
        if let Some(shown) = &mut self.shown {
            push(shown, segment);
        }
        push(&mut self.wire, segment);
        self
    }

    /// With a segment that holds the value of a unique property, if `property` names one; else an id.
    pub(crate) fn id(self, id: &str, property: Option<&str>) -> Self {
        let Some(property) = property else { return self.segment(id) };
        let shown = format!("{}/{{{property}}}", self.as_shown());
        Self { shown: Some(shown), ..self.segment(id) }
    }

    /// With fixed segments, such as `batch/read`.
    pub(crate) fn fixed(mut self, segments: &str) -> Self {
        for path in std::iter::once(&mut self.wire).chain(&mut self.shown) {
            path.push('/');
            path.push_str(segments);
        }
        self
    }
}

fn push(path: &mut String, segment: &str) {
    path.push('/');
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'.' => path.push(char::from(byte)),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                path.push('%');
                path.push(char::from(HEX[usize::from(byte >> 4)]));
                path.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}

/// CRM objects of a type.
pub(crate) fn objects(version: ApiVersion, object_type: &str) -> Path {
    let base = match version {
        ApiVersion::V3 => "/crm/v3/objects".to_owned(),
        dated => format!("/crm/objects/{dated}"),
    };
    Path::new(base).segment(object_type)
}

/// Property definitions of an object type.
pub(crate) fn properties(version: ApiVersion, object_type: &str) -> Path {
    let base = match version {
        ApiVersion::V3 => "/crm/v3/properties".to_owned(),
        dated => format!("/crm/properties/{dated}"),
    };
    Path::new(base).segment(object_type)
}

/// Associations of objects of one type with those of another. Labelled ones were version 4 while all else was 3.
pub(crate) fn associations(version: ApiVersion, from: &str, to: &str) -> Path {
    let base = match version {
        ApiVersion::V3 => "/crm/v4/associations".to_owned(),
        dated => format!("/crm/associations/{dated}"),
    };
    Path::new(base).segment(from).segment(to)
}

/// The account's owners of objects.
pub(crate) fn owners(version: ApiVersion) -> Path {
    Path::new(match version {
        ApiVersion::V3 => "/crm/v3/owners".to_owned(),
        dated => format!("/crm/owners/{dated}"),
    })
}

/// Pipelines of an object type.
pub(crate) fn pipelines(version: ApiVersion, object_type: &str) -> Path {
    let base = match version {
        ApiVersion::V3 => "/crm/v3/pipelines".to_owned(),
        dated => format!("/crm/pipelines/{dated}"),
    };
    Path::new(base).segment(object_type)
}

/// Schemas of custom objects.
pub(crate) fn schemas(version: ApiVersion) -> Path {
    Path::new(format!("/crm-object-schemas/{version}/schemas"))
}

/// Facts about the account.
pub(crate) fn account_details(version: ApiVersion) -> Path {
    Path::new(format!("/account-info/{version}/details"))
}

/// How much of the daily quota of private apps and service keys is used.
pub(crate) fn account_usage(version: ApiVersion) -> Path {
    Path::new(format!("/account-info/{version}/api-usage/daily/private-apps"))
}

/// Where a refresh token is turned into an access token.
pub(crate) fn oauth_token(version: ApiVersion) -> Path {
    Path::new(format!("/oauth/{version}/token"))
}

/// A CMS collection.
///
/// The v3 document has `/cms/url-redirects/v3` for the list of URL redirects and `/cms/v3/url-redirects/{id}` for one. Both answer; connectors
/// in production use the second form for both, and so does this client.
pub(crate) fn cms(version: ApiVersion, area: &str, collection: Option<&str>) -> Path {
    let path = match version {
        ApiVersion::V3 => Path::new("/cms/v3".to_owned()).segment(area),
        dated => Path::new("/cms".to_owned()).segment(area).fixed(dated.as_str()),
    };
    match collection {
        Some(collection) => path.segment(collection),
        None => path,
    }
}

/// What makes the draft of a CMS object the live one. The CMS area decides how drafts go live: `…/draft/publish` for HubDB,
/// `…/draft/push-live` elsewhere. As the version's place in a path, that is a fact about HubSpot's paths, and this is the one place for it.
pub(crate) fn cms_publish(object: Path, area: &str) -> Path {
    object.fixed(if area == "hubdb" { "draft/publish" } else { "draft/push-live" })
}

#[cfg(test)]
mod tests;
