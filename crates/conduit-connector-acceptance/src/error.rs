//! Why a connector could not be driven further.

use std::time::Duration;

use conduit_connector_protocol::host::HostError;
use conduit_connector_protocol::record::{DecodeError, EncodeError};
use opencdc::Position;
use thiserror::Error;
use tonic::{Code, Status};

/// Why a connector could not be driven further.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The program could not be started or ended.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The connector answered a call, or ended the stream, with an error.
    #[error("{call} failed ({code:?}): {message}")]
    Call {
        /// The call: `Configure`, `Run`, ….
        call: &'static str,
        /// The gRPC code.
        code: Code,
        /// The gRPC message: what the connector says.
        message: String,
    },
    /// A call took longer than it may; see [`Connector::call_limit`](crate::Connector::call_limit).
    #[error("{call} was not answered within {limit:?}")]
    TimedOut {
        /// The call.
        call: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// The connector ended the stream though the host had not asked for that.
    #[error("the connector ended the stream of its own accord, without an error")]
    StreamEnded,
    /// There is no stream: the driver was not opened, or its stream is closed.
    #[error("{call} needs an open stream; open the connector first")]
    NotOpen {
        /// What was tried.
        call: &'static str,
    },
    /// The connector sent something that is no record.
    #[error(transparent)]
    Record(#[from] DecodeError),
    /// A record that was to be sent cannot be.
    #[error(transparent)]
    Unsendable(#[from] EncodeError),
    /// A destination answered for another record than the one whose turn it was.
    #[error("the destination answered for position {answered} where the answer for {expected} was due")]
    AnswerOutOfOrder {
        /// The position whose turn it was.
        expected: Position,
        /// The position of the answer.
        answered: Position,
    },
}

impl DriverError {
    /// The error of a call.
    pub(crate) fn of(call: &'static str) -> impl Fn(Status) -> Self {
        move |status| Self::Call { call, code: status.code(), message: status.message().to_owned() }
    }

    /// The gRPC code, when the connector answered with an error.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Call { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// What the connector said, when it answered with an error.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Call { message, .. } => Some(message),
            _ => None,
        }
    }
}
