//! The calls of Conduit on a source, whatever the version of the protocol.

use std::collections::VecDeque;

use futures::Stream;
use opencdc::Position;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::reader::{Reader, Sent};
use crate::life::{Life, PATIENCE, Phase};
use crate::middleware::{AroundSource, SourceMiddleware};
use crate::specification::of_source;
use crate::{Code, Context, Error, Parameters as _, Settings, Source, apart};

/// How many messages wait for the host, beside the one on its way. With the batch that is being read that bounds what is in memory.
const MESSAGES_AHEAD: usize = 1;

/// The most bytes of a message, where the host does not ask for less: a batch that is bigger becomes several. Bigger messages
/// are no faster, and every buffer that a message goes through is as big as it: with 1 MiB it is 2 MiB more memory in all.
const MESSAGE: usize = 256 << 10;

/// A source that is configured, and what the SDK does around it.
struct Configured<S> {
    source: S,
    middleware: SourceMiddleware,
    /// Since it was opened last.
    around: Option<AroundSource>,
}

/// The calls of Conduit on a source, whatever the version of the protocol.
pub(crate) struct SourcePlugin<S> {
    life: Life<Configured<S>>,
    context: Context,
    /// The most bytes of a message.
    limit: usize,
}

impl<S: Source> SourcePlugin<S> {
    /// Calls whose messages have at most `limit` bytes, which is what the host takes.
    pub(crate) fn new(context: Context, limit: usize) -> Self {
        Self { life: Life::new("source"), context, limit: limit.min(MESSAGE) }
    }

    /// The calls on a source that is configured already.
    #[cfg(test)]
    pub(super) fn of(source: S, limit: usize) -> Self {
        Self::with(source, limit, SourceMiddleware::default(), Context::default())
    }

    /// The same, with this around it.
    #[cfg(test)]
    pub(crate) fn with(source: S, limit: usize, middleware: SourceMiddleware, context: Context) -> Self {
        let configured = Configured { source, middleware, around: None };
        Self { life: Life::of("source", configured), context, limit }
    }

    pub(crate) async fn configure(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life
            .begin(move || async move {
                let checked = settings.check(&of_source::<S>())?;
                let middleware = S::middleware().configured(&checked)?;
                let source = S::configure(S::Config::from_checked(&checked)?, context).await?;
                Ok(Configured { source, middleware, around: None })
            })
            .await
    }

    pub(crate) async fn open(&self, position: Vec<u8>) -> Result<(), Error> {
        let mut guard = self.life.hold()?;
        let position = (!position.is_empty()).then(|| Position::new(position));
        let context = self.context.clone();
        self.life
            .run(async move {
                let configured = guard.as_mut().ok_or_else(|| Life::<S>::not_configured("source"))?;
                configured.source.open(position).await?;
                configured.around = Some(configured.middleware.open(&context));
                Ok(())
            })
            .await
    }

    /// Starts reading. What comes out are messages; after an error there are no more.
    pub(crate) fn run<A>(&self, acks: A) -> Result<ReceiverStream<Sent>, Error>
    where
        A: Stream<Item = Result<Vec<Position>, Status>> + Send + Unpin + 'static,
    {
        let mut guard = self.life.hold()?;
        if guard.is_none() {
            return Err(Life::<S>::not_configured("source"));
        }
        let signals = self.life.signals();
        let (out, messages) = mpsc::channel(MESSAGES_AHEAD);
        let reader = Reader {
            acks,
            out,
            stop: signals.stop.clone(),
            running: signals.running(),
            limit: self.limit,
            waiting: VecDeque::new(),
            closed: false,
        };
        let context = self.context.clone();
        apart::spawn(async move {
            if let Some(Configured { source, middleware, around }) = guard.as_mut() {
                let around = around.get_or_insert_with(|| middleware.open(&context));
                tokio::select! {
                    biased;
                    () = signals.end.cancelled() => {}
                    () = reader.run(source, around) => {}
                }
            }
        });
        Ok(ReceiverStream::new(messages))
    }

    /// Ends reading. Gives the position of the last record that was sent; none when there was none.
    pub(crate) async fn stop(&self) -> Result<Option<Position>, Error> {
        let signals = self.life.signals();
        signals.stop.cancel();
        let mut progress = signals.progress.subscribe();
        match tokio::time::timeout(PATIENCE, progress.wait_for(|progress| progress.phase != Phase::Running)).await {
            Ok(progress) => Ok(progress.ok().and_then(|progress| progress.last.clone())),
            Err(_) => Err(Error::new(format!("the source was still reading {PATIENCE:?} after it was told to stop"))
                .with_code(Code::DeadlineExceeded)),
        }
    }

    pub(crate) async fn teardown(&self) -> Result<(), Error> {
        self.life.tear_down(|mut configured: Configured<S>| async move { configured.source.teardown().await }).await
    }

    pub(crate) async fn on_created(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run_apart(async move { S::on_created(settings, context).await }).await
    }

    pub(crate) async fn on_updated(&self, before: Settings, after: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run_apart(async move { S::on_updated(before, after, context).await }).await
    }

    pub(crate) async fn on_deleted(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run_apart(async move { S::on_deleted(settings, context).await }).await
    }
}
