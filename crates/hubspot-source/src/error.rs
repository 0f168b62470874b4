//! Why reading a resource stopped.

use hubspot_catalog::Resource;
use hubspot_client::ApiError;
use thiserror::Error;

/// Reading a resource failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The position to resume from can't be used.
    #[error(transparent)]
    Position(#[from] PositionError),
    /// HubSpot refused a request, or couldn't be reached, after the client's own retries.
    #[error("reading {resource}: {source}")]
    Request {
        /// The resource that was read.
        resource: &'static str,
        /// What HubSpot said.
        #[source]
        source: Box<hubspot_client::Error>,
    },
    /// HubSpot's answer makes no sense to the engine.
    #[error("reading {resource}: {source}")]
    Answer {
        /// The resource that was read.
        resource: &'static str,
        /// What is wrong with the answer.
        #[source]
        source: AnswerError,
    },
    /// There is nothing to read.
    #[error("no resource is given to read")]
    NoResource,
    /// HubSpot forbids reading every one of the resources.
    #[error("HubSpot forbids reading any of {resources}: give the token the scopes that the warnings before this name")]
    AllForbidden {
        /// The resources.
        resources: String,
    },
    /// HubSpot forbids reading several of the resources.
    #[error("{}", forbidden(refusals))]
    Forbidden {
        /// Those that it forbids, two at least.
        refusals: Vec<Refusal>,
    },
    /// The source has a fault of its own.
    #[error("reading {resources}: the source has failed by a fault of its own, please report it: {message}")]
    Panicked {
        /// The resources that were read.
        resources: String,
        /// What the panic said.
        message: String,
    },
    /// The source stopped earlier, with an error that was returned then.
    #[error("reading {resources}: the source has stopped after an earlier error; open it again")]
    Stopped {
        /// The resources that were read.
        resources: String,
    },
}

/// HubSpot forbids reading a resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The resource.
    pub resource: &'static str,
    /// The scopes that the token lacks: those that HubSpot names, else those of which one lets a token read the resource.
    pub scopes: Vec<String>,
    /// What HubSpot said.
    pub source: Box<hubspot_client::Error>,
}

impl Refusal {
    pub(crate) fn of(resource: &Resource, source: hubspot_client::Error) -> Self {
        let missing = source.as_api().map(ApiError::missing_scopes).unwrap_or_default();
        let scopes = if missing.is_empty() { resource.read_scopes } else { &missing[..] };
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Self { resource: resource.name, scopes, source: Box::new(source) }
    }
}

/// All that is missing, in one line, and HubSpot's own words of the first.
fn forbidden(refusals: &[Refusal]) -> String {
    let names: Vec<_> = refusals.iter().map(|refusal| refusal.resource).collect();
    let mut scopes: Vec<&str> = refusals.iter().flat_map(|refusal| &refusal.scopes).map(String::as_str).collect();
    let mut seen = std::collections::HashSet::new();
    scopes.retain(|scope| seen.insert(*scope));
    let first = refusals.first().map(|refusal| format!("; of {}: {}", refusal.resource, refusal.source));
    format!(
        "HubSpot forbids reading {} of the resources, {}: give the token's app the missing scopes {}, or set onForbidden to \
         skip{}",
        names.len(),
        names.join(", "),
        scopes.join(", "),
        first.unwrap_or_default()
    )
}

impl Error {
    pub(crate) fn request(resource: &'static str, source: hubspot_client::Error) -> Self {
        Self::Request { resource, source: Box::new(source) }
    }
}

/// A position that this source can't resume from.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PositionError {
    /// It isn't a position of this connector, nor of the Go connector.
    #[error(
        "the position isn't one of this connector: {found}; to start over, delete the pipeline's position (or recreate the connector)"
    )]
    Foreign {
        /// What it looks like.
        found: String,
    },
    /// It was written by a newer version of this connector.
    #[error(
        "the position has version {found}, this connector reads versions up to {}: run the version that wrote it, or a newer one",
        crate::position::VERSION
    )]
    Newer {
        /// The version that stands in it.
        found: u64,
    },
    /// A time in it lies before 1970 or after the year 9999: none that this connector writes.
    #[error(
        "the position isn't one of this connector: its {field} is {found}, which is no time in milliseconds since 1970; to start over, delete the pipeline's position (or recreate the connector)"
    )]
    NoTime {
        /// The field of the position.
        field: &'static str,
        /// What stands in it.
        found: i64,
    },
    /// It is one of the Go connector's, which doesn't say of what resource it is.
    #[error(
        "the position is one of the Go connector, which read one resource: configure that one alone (there are {given}), and the others in a connector of their own"
    )]
    GoOfOne {
        /// How many resources are configured.
        given: usize,
    },
    /// It belongs to other resources.
    #[error(
        "the position is one of {found}, the connector is configured for {expected}: give the new resource a connector of its own"
    )]
    OtherResource {
        /// The resources in the position.
        found: String,
        /// Those that were configured.
        expected: String,
    },
}

/// An answer of HubSpot's that the engine can't go on from.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is no `Date` header, so HubSpot's clock is unknown.
    #[error(
        "HubSpot's answer has no Date header, so there is no instant to follow changes from; is there a proxy that strips it?"
    )]
    NoDate,
    /// An object came without an id.
    #[error("HubSpot's answer has an object without an id")]
    NoId,
    /// HubSpot answers for some of the objects that were asked for, again and again.
    #[error("HubSpot's answer leaves out objects that are there: {refusal}")]
    Partial {
        /// HubSpot's reason for the first of them.
        refusal: String,
    },
    /// A page of a query held only objects that the query excludes.
    #[error("a page of objects changed since {since} (epoch ms) holds only older ones; HubSpot ignores the filter")]
    OutOfRange {
        /// The lower bound of the query.
        since: i64,
    },
}
