//! The calls of Conduit on a destination, whatever the version of the protocol.

use futures::Stream;
use opencdc::Position;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::writer::{Answered, Arrived, Writer};
use crate::life::{Life, PATIENCE, Phase};
use crate::{Code, Context, Destination, Error, Settings, apart};

/// How many batches of answers wait for the host.
const ANSWERS_AHEAD: usize = 2;

/// The calls of Conduit on a destination, whatever the version of the protocol.
pub(crate) struct DestinationPlugin<D> {
    life: Life<D>,
    context: Context,
}

impl<D: Destination> DestinationPlugin<D> {
    pub(crate) fn new(context: Context) -> Self {
        Self { life: Life::new("destination"), context }
    }

    /// The calls on a destination that is configured already.
    #[cfg(test)]
    pub(super) fn of(destination: D) -> Self {
        Self { life: Life::of("destination", destination), context: Context::default() }
    }

    pub(crate) async fn configure(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.begin(move || async move { D::configure(settings.parse()?, context).await }).await
    }

    pub(crate) async fn open(&self) -> Result<(), Error> {
        let mut guard = self.life.hold()?;
        self.life
            .run(async move {
                let destination = guard.as_mut().ok_or_else(|| Life::<D>::not_configured("destination"))?;
                destination.open().await
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
        let writer = Writer { records, out, running: signals.running(), end: signals.end, closed: false };
        apart::spawn(async move {
            if let Some(destination) = guard.as_mut() {
                writer.run(destination).await;
            }
        });
        Ok(ReceiverStream::new(answers))
    }

    /// Waits until the record at this position is answered.
    pub(crate) async fn stop(&self, last: Position) -> Result<(), Error> {
        if last.is_empty() {
            return Ok(());
        }
        let mut progress = self.life.signals().progress.subscribe();
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
        self.life.tear_down(|mut destination: D| async move { destination.teardown().await }).await
    }

    pub(crate) async fn on_created(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run(async move { D::on_created(settings, context).await }).await
    }

    pub(crate) async fn on_updated(&self, before: Settings, after: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run(async move { D::on_updated(before, after, context).await }).await
    }

    pub(crate) async fn on_deleted(&self, settings: Settings) -> Result<(), Error> {
        let context = self.context.clone();
        self.life.run(async move { D::on_deleted(settings, context).await }).await
    }
}
