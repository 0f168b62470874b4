//! What went wrong, in one line.

use std::error::Error as StdError;
use std::fmt;

/// What kind of failure an [`Error`] is, as gRPC names kinds. Conduit shows it beside the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A parameter, a position or a record is not acceptable.
    InvalidArgument,
    /// The thing does not exist.
    NotFound,
    /// The credentials lack a permission.
    PermissionDenied,
    /// The credentials are none.
    Unauthenticated,
    /// A quota is used up.
    ResourceExhausted,
    /// A call came out of order.
    FailedPrecondition,
    /// It took too long.
    DeadlineExceeded,
    /// The other side cannot be reached; trying again may help.
    Unavailable,
    /// The connector has no such thing.
    Unimplemented,
    /// The connector is broken: a panic, or a promise of its trait not kept.
    Internal,
}

impl Code {
    fn to_grpc(self) -> tonic::Code {
        match self {
            Self::InvalidArgument => tonic::Code::InvalidArgument,
            Self::NotFound => tonic::Code::NotFound,
            Self::PermissionDenied => tonic::Code::PermissionDenied,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::ResourceExhausted => tonic::Code::ResourceExhausted,
            Self::FailedPrecondition => tonic::Code::FailedPrecondition,
            Self::DeadlineExceeded => tonic::Code::DeadlineExceeded,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::Unimplemented => tonic::Code::Unimplemented,
            Self::Internal => tonic::Code::Internal,
        }
    }
}

/// What went wrong, in one line that Conduit shows to its user.
///
/// Any [`std::error::Error`] becomes one by `?`. The text is the whole chain of causes, joined by `: `; a cause whose text
/// its parent already says is not repeated, and line breaks become spaces.
///
/// ```
/// use conduit_connector_sdk::{Error, ResultExt};
///
/// fn port(text: &str) -> Result<u16, Error> {
///     text.parse().context(format!("cannot listen on port {text:?}"))
/// }
///
/// let error = port("http").unwrap_err();
/// assert_eq!(error.to_string(), "cannot listen on port \"http\": invalid digit found in string");
/// ```
pub struct Error {
    /// What was being done, the outermost last.
    contexts: Vec<String>,
    cause: Cause,
    code: Option<Code>,
}

enum Cause {
    Text(String),
    Error(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// An error that this text says.
    pub fn new(text: impl Into<String>) -> Self {
        Self { contexts: Vec::new(), cause: Cause::Text(text.into()), code: None }
    }

    /// The same error, with what was being done before it.
    #[must_use]
    pub fn context(mut self, doing: impl Into<String>) -> Self {
        self.contexts.push(doing.into());
        self
    }

    /// The same error, as one of this kind.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// Its kind, where it was said.
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// The error that this one was made from, where it is of this type.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match &self.cause {
            Cause::Text(_) => None,
            Cause::Error(error) => error.downcast_ref(),
        }
    }

    /// The gRPC status that carries it.
    pub(crate) fn to_status(&self) -> tonic::Status {
        tonic::Status::new(self.code.map_or(tonic::Code::Unknown, Code::to_grpc), self.to_string())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self { contexts: Vec::new(), cause: Cause::Error(Box::new(error)), code: None }
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        error.to_string().into()
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        error.to_string().into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        for context in self.contexts.iter().rev() {
            say(&mut said, context);
        }
        match &self.cause {
            Cause::Text(text) => say(&mut said, text),
            Cause::Error(error) => {
                let mut next: Option<&dyn StdError> = Some(error.as_ref());
                while let Some(error) = next {
                    say(&mut said, &error.to_string());
                    next = error.source();
                }
            }
        }
        f.write_str(&said)
    }
}

/// The same line as [`Display`](fmt::Display), so that a failed test or `main` is readable.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Adds a part of the chain, on one line, unless what is there says it already.
fn say(said: &mut String, part: &str) {
    let part = part.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if part.is_empty() || said.contains(&part) {
        return;
    }
    if !said.is_empty() {
        said.push_str(": ");
    }
    said.push_str(&part);
}

/// Says what was being done when a result is an error.
pub trait ResultExt<T> {
    /// The result, its error with this text before it.
    fn context(self, doing: impl Into<String>) -> Result<T, Error>;
}

impl<T, E: Into<Error>> ResultExt<T> for Result<T, E> {
    fn context(self, doing: impl Into<String>) -> Result<T, Error> {
        self.map_err(|error| error.into().context(doing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot reach the store: {0}")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("connection refused")]
    struct Inner(#[source] std::io::Error);

    #[test]
    fn the_chain_is_one_line_without_repetitions() {
        let error: Error = Outer(Inner(std::io::Error::other("port 1\n  is closed"))).into();
        let error = error.context("reading page 3").with_code(Code::Unavailable);
        assert_eq!(error.to_string(), "reading page 3: cannot reach the store: connection refused: port 1 is closed");
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(error.downcast_ref::<Outer>().is_some());
        let status = error.to_status();
        assert_eq!((status.code(), status.message()), (tonic::Code::Unavailable, error.to_string().as_str()));
        assert_eq!(Error::new("no").to_status().code(), tonic::Code::Unknown);
    }
}
