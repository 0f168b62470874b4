//! The calls of Conduit on a destination, whatever the version of the protocol.

use futures::Stream;
use opencdc::Position;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::writer::{Answered, Arrived, Writer};
use crate::life::{Life, PATIENCE, Phase};
use crate::middleware::{AroundDestination, DestinationMiddleware, Held};
use crate::specification::of_destination;
use crate::{Code, Context, Destination, Error, Parameters as _, Settings, apart};

/// How many batches of answers wait for the host.
const ANSWERS_AHEAD: usize = 2;

/// A destination that is configured, and what the SDK does around it.
struct Configured<D> {
    destination: D,
    middleware: DestinationMiddleware,
    /// Since it was opened last.
    around: Option<AroundDestination>,
}

/// The calls of Conduit on a destination, whatever the version of the protocol.
pub(crate) struct DestinationPlugin<D> {
    life: Life<Configured<D>>,
    context: Context,
}

impl<D: Destination> DestinationPlugin<D> {
    pub(crate) fn new(context: Context) -> Self {
        Self { life: Life::new("destination"), context }
    }

    /// The calls on a destination that is configured already.
    #[cfg(test)]
    pub(super) fn of(destination: D) -> Self {
        Self::with(destination, DestinationMiddleware::default(), Context::default())
    }

    /// The same, with this around it.
    #[cfg(test)]
    pub(crate) fn with(destination: D, middleware: DestinationMiddleware, context: Context) -> Self {
        let configured = Configured { destination, middleware, around: None };
        Self { life: Life::of("destination", configured), context }
    }

    pub(crate) async fn configure(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life
            .begin(move || async move {
                let checked = settings.check(&of_destination::<D>())?;
                let middleware = D::middleware().configured(&checked)?;
                let context = context.with_formatter(middleware.formatter()?);
                let destination = D::configure(D::Config::from_checked(&checked)?, context).await?;
                Ok(Configured { destination, middleware, around: None })
            })
            .await
    }

    pub(crate) async fn open(&self) -> Result<(), Error> {
        let mut guard = self.life.hold()?;
        let context = self.context.clone();
        self.life
            .run(async move {
                let configured = guard.as_mut().ok_or_else(|| Life::<D>::not_configured("destination"))?;
                configured.destination.open().await?;
                configured.around = Some(configured.middleware.open(&context));
                Ok(())
            })
            .await
    }

    /// Starts writing what arrives. What comes out are answers; after an error there are no more.
    pub(crate) fn run<R>(&self, records: R) -> Result<ReceiverStream<Answered>, Error>
    where
        R: Stream<Item = Arrived> + Send + Unpin + 'static,
    {
        let mut guard = self.life.hold()?;
        if guard.is_none() {
            return Err(Life::<D>::not_configured("destination"));
        }
        let signals = self.life.signals();
        let (out, answers) = mpsc::channel(ANSWERS_AHEAD);
        let running = signals.running();
        let writer = Writer {
            records,
            out,
            running,
            stop: signals.stop,
            end: signals.end,
            held: Held::default(),
            closed: false,
            unreadable: None,
        };
        let context = self.context.clone();
        apart::spawn(async move {
            if let Some(Configured { destination, middleware, around }) = guard.as_mut() {
                let around = around.get_or_insert_with(|| middleware.open(&context));
                writer.run(destination, around).await;
            }
        });
        Ok(ReceiverStream::new(answers))
    }

    /// Waits until the record at this position is answered. Batches wait for nothing more.
    pub(crate) async fn stop(&self, last: Position) -> Result<(), Error> {
        let signals = self.life.signals();
        signals.stop.cancel();
        if last.is_empty() {
            return Ok(());
        }
        let mut progress = signals.progress.subscribe();
        let reached = tokio::time::timeout(
            PATIENCE,
            progress.wait_for(|progress| progress.last.as_ref() == Some(&last) || progress.phase == Phase::Done),
        )
        .await
        .is_ok();
        let actual = progress.borrow().last.clone();
        if actual.as_ref() == Some(&last) {
            return Ok(());
        }
        let (code, why) = if reached {
            (Code::FailedPrecondition, "writing has ended".to_owned())
        } else {
            (Code::DeadlineExceeded, format!("waited for {PATIENCE:?}"))
        };
        let actual = actual.unwrap_or_default().to_string();
        let last = last.to_string();
        Err(Error::new(format!(
            "did not encounter expected last position {last:?}, actual last position {actual:?}: {why}"
        ))
        .with_code(code))
    }

    pub(crate) async fn teardown(&self) -> Result<(), Error> {
        self.life
            .tear_down(|mut configured: Configured<D>| async move { configured.destination.teardown().await })
            .await
    }

    pub(crate) async fn on_created(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run_apart(async move { D::on_created(settings, context).await }).await
    }

    pub(crate) async fn on_updated(&self, before: Settings, after: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run_apart(async move { D::on_updated(before, after, context).await }).await
    }

    pub(crate) async fn on_deleted(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run_apart(async move { D::on_deleted(settings, context).await }).await
    }
}
