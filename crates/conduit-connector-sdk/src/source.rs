//! The half of a connector that reads.

mod backoff;
mod plugin;
mod reader;
mod split;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::future::Future;

use opencdc::{Position, Record};

use crate::middleware::SourceMiddleware;
use crate::{Context, Error, Parameters, Settings};

pub(crate) use backoff::Backoff;
pub(crate) use plugin::SourcePlugin;
pub(crate) use v1::SourceV1;
pub(crate) use v2::SourceV2;

/// The half of a connector that reads.
///
/// Conduit's order of calls is [`configure`](Self::configure), [`open`](Self::open), then [`read`](Self::read) again and
/// again with [`ack`](Self::ack) in between, then [`teardown`](Self::teardown). Teardown may come at any moment: to check a
/// configuration, Conduit configures and tears down at once.
///
/// No two of these calls run at the same time. They run on a thread of their own, so that one that blocks its thread holds
/// up neither Conduit's other calls nor the end of the process. A panic in one of them is an error of that call.
///
/// What is told of a connector's time in Conduit ([`on_created`](Self::on_created) and the two after it) needs no source: it may be
/// told before there is one, and after its teardown.
pub trait Source: Sized + Send + 'static {
    /// The parameters.
    type Config: Parameters;

    /// Makes the source from its parameters, which are checked already. Nothing should be sent to the outside yet.
    ///
    /// # Errors
    /// When the parameters do not make sense together.
    fn configure(config: Self::Config, context: Context) -> impl Future<Output = Result<Self, Error>> + Send;

    /// Connects. Reading goes on after `position`, the last one that was acknowledged; from the beginning where there is none.
    ///
    /// # Errors
    /// When the source cannot be reached, or the position is none of its own.
    fn open(&mut self, position: Option<Position>) -> impl Future<Output = Result<(), Error>> + Send;

    /// The next records, in order; each has a position that [`open`](Self::open) can go on from. May wait as long as it
    /// likes. An empty batch says that there is nothing now: the next call comes 100 ms after this one began, which doubles up
    /// to 5 s while there is nothing. A call that took longer than that by itself is followed by the next at once.
    ///
    /// It has to be **cancel safe**: the future may be dropped at any `.await`, when Conduit stops the source, when
    /// acknowledgements have waited for 5 s, and when `sdk.batch.delay` is over. The call after that has to give what the
    /// dropped one would have given. So keep what was fetched in `self` until it is returned, and move on in the same step as
    /// returning.
    ///
    /// # Errors
    /// Whatever ends reading. It reaches Conduit at once, as the error of the pipeline.
    fn read(&mut self) -> impl Future<Output = Result<Vec<Record>, Error>> + Send;

    /// Conduit has the record at this position safe, and all before it. Called in the order of the records, between two
    /// reads. The default does nothing.
    ///
    /// # Errors
    /// Whatever ends reading.
    fn ack(&mut self, position: Position) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = position;
        async { Ok(()) }
    }

    /// Lets go of everything. Reading has ended; a minute is given. The default does nothing: dropping is often enough.
    ///
    /// # Errors
    /// When something could not be let go of.
    fn teardown(&mut self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// What the SDK does around the source, and the defaults of its parameters `sdk.*`. The default is what the Go SDK does:
    /// batches on demand, and a schema for every record.
    fn middleware() -> SourceMiddleware {
        SourceMiddleware::default()
    }

    /// The schemas of a collection's records, where the source knows them; they are guessed from the records otherwise. Asked for each
    /// batch, so a definition that changes becomes a new version. Records that don't fit get a version of their own. The default
    /// knows nothing.
    #[cfg(feature = "schema")]
    fn schema(&self, collection: Option<&str>) -> Option<&crate::middleware::StatedSchema> {
        let _ = collection;
        None
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
