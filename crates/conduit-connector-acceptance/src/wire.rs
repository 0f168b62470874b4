//! The connector's services in both protocol versions, made one.

pub(crate) mod destination;
pub(crate) mod source;

use std::future::Future;
use std::task::{Context, Poll, Waker};

use opencdc::Position;
use tokio::task::JoinHandle;
use tonic::{Response, Status, Streaming};

/// A destination's answer to one record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The record's position.
    pub position: Position,
    /// Written, or why not.
    pub result: Result<(), String>,
}

/// What comes on a stream that was asked for. A server may send nothing at all, not even headers, before its first message:
/// so the call runs beside, and whoever reads first waits for it.
pub(crate) enum Incoming<T> {
    /// The call is under way.
    Asked(JoinHandle<Result<Response<Streaming<T>>, Status>>),
    /// Messages come.
    Flowing(Box<Streaming<T>>),
    /// It is over.
    Ended,
}

impl<T: Send + 'static> Incoming<T> {
    fn new(calling: impl Future<Output = Result<Response<Streaming<T>>, Status>> + Send + 'static) -> Self {
        let mut calling = Box::pin(calling);
        // The request is on its way before any later one: a host that asks for the stream and then for Stop is seen to do so in this
        // order. The task polls again, and is woken.
        match calling.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(called) => Self::Asked(tokio::spawn(async { called })),
            Poll::Pending => Self::Asked(tokio::spawn(calling)),
        }
    }

    /// The next message; nothing at the end. Cancelling this loses nothing.
    async fn message(&mut self) -> Result<Option<T>, Status> {
        if let Self::Asked(calling) = self {
            let called = calling.await.unwrap_or_else(|error| Err(Status::internal(error.to_string())));
            *self = match called {
                Ok(response) => Self::Flowing(Box::new(response.into_inner())),
                Err(status) => {
                    *self = Self::Ended;
                    return Err(status);
                }
            };
        }
        let Self::Flowing(stream) = self else { return Ok(None) };
        let message = stream.message().await;
        if !matches!(message, Ok(Some(_))) {
            *self = Self::Ended;
        }
        message
    }
}

impl<T> Drop for Incoming<T> {
    fn drop(&mut self) {
        if let Self::Asked(calling) = self {
            calling.abort();
        }
    }
}

/// One call, in whichever version, whose answer says nothing.
macro_rules! call {
    ($client:expr, $method:ident, $($module:ident)::+ { $($field:ident: $value:expr),* }) => {
        match $client {
            Client::V1(client) => {
                let request = v1::$($module::)+Request { $($field: $value),* };
                client.$method(request).await.map(|_| ())
            }
            Client::V2(client) => {
                let request = v2::$($module::)+Request { $($field: $value),* };
                client.$method(request).await.map(|_| ())
            }
        }
    };
}
pub(crate) use call;
