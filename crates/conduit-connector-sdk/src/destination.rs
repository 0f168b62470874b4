//! The half of a connector that writes.

mod incoming;
mod plugin;
#[cfg(test)]
mod tests;
mod v1;
mod v2;
mod writer;

use std::future::Future;

use opencdc::Record;

use crate::middleware::DestinationMiddleware;
use crate::{Context, Error, Parameters, Settings};

pub(crate) use plugin::DestinationPlugin;
pub(crate) use v1::DestinationV1;
pub(crate) use v2::DestinationV2;

/// The half of a connector that writes.
///
/// Conduit's order of calls is [`configure`](Self::configure), [`open`](Self::open), then [`write`](Self::write) again and
/// again, then [`teardown`](Self::teardown), which may come at any moment. No two of them run at the same time; they run on a
/// thread of their own, and a panic is an error of the call.
///
/// What is told of a connector's time in Conduit ([`on_created`](Self::on_created) and the two after it) needs no destination: it may be
/// told before there is one, and after its teardown.
pub trait Destination: Sized + Send + 'static {
    /// The parameters.
    type Config: Parameters;

    /// Makes the destination from its parameters, which are checked already. Nothing should be sent to the outside yet.
    ///
    /// # Errors
    /// When the parameters do not make sense together.
    fn configure(config: Self::Config, context: Context) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Connects.
    ///
    /// # Errors
    /// When the destination cannot be reached.
    fn open(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes records, in order, and answers with exactly one result per record, in the same order. A record whose result is
    /// an error goes to Conduit's dead-letter queue, or stops the pipeline, as that is configured.
    ///
    /// A batch is what Conduit sent in one message, and the messages after it that had already arrived, up to 1,000
    /// records or 4 MiB; with `sdk.batch.size` that many records or 16 MiB, and with `sdk.rate.perSecond` at most `sdk.rate.burst`.
    /// A write under way when the connector is torn down gets 30 s to finish before its future is dropped.
    ///
    /// # Errors
    /// When nothing is known about any of the records, or writing cannot go on. No record is answered then; the error is
    /// that of the pipeline. An answer with another number of results than records counts as such an error.
    fn write(&mut self, records: Vec<Record>) -> impl Future<Output = Result<Vec<Result<(), Error>>, Error>> + Send;

    /// Lets go of everything. Writing has ended; a minute is given. The default does nothing: dropping is often enough.
    ///
    /// # Errors
    /// When something could not be let go of.
    fn teardown(&mut self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// What the SDK does around the destination, and the defaults of its parameters `sdk.*`. The default is what the Go SDK does:
    /// batches and a rate on demand, and decoding of what has a schema.
    fn middleware() -> DestinationMiddleware {
        DestinationMiddleware::default()
    }

    /// A connector with these settings was added to Conduit and is about to run for the first time. The default does nothing.
    ///
    /// # Errors
    /// When it must not run.
    fn on_created(settings: Settings, context: Context) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = (settings, context);
        async { Ok(()) }
    }

    /// The connector's settings are others than when it last ran. The default does nothing.
    ///
    /// # Errors
    /// When it must not run.
    fn on_updated(
        before: Settings,
        after: Settings,
        context: Context,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = (before, after, context);
        async { Ok(()) }
    }

    /// The connector was removed from Conduit; a moment to remove what it made outside. The default does nothing.
    ///
    /// # Errors
    /// When something could not be removed.
    fn on_deleted(settings: Settings, context: Context) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = (settings, context);
        async { Ok(()) }
    }
}
