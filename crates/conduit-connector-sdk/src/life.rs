//! A source or a destination, from its configuration to its teardown.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opencdc::Position;
use tokio::sync::{OwnedMutexGuard, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::apart::{self, caught};
use crate::{Code, Error};

/// How long stopping and tearing down may take; as in Conduit's Go SDK.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// What is known of a run from outside.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    /// The position of the last record that was sent, or answered.
    pub(crate) last: Option<Position>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has not begun.
    #[default]
    Idle,
    /// Records move.
    Running,
    /// No further record moves.
    Done,
}

/// How one life is told to end, and what it tells. A new configuration begins a new life.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    /// No further record is to be read.
    pub(crate) stop: CancellationToken,
    /// All is to end.
    pub(crate) end: CancellationToken,
    pub(crate) progress: Arc<watch::Sender<Progress>>,
}

impl Signals {
    fn new() -> Self {
        Self { stop: CancellationToken::new(), end: CancellationToken::new(), progress: Arc::default() }
    }

    /// Says that records move, until what is given back is dropped.
    pub(crate) fn running(&self) -> Running {
        self.progress.send_modify(|progress| progress.phase = Phase::Running);
        Running(Arc::clone(&self.progress))
    }
}

/// Records move while this is there, and nobody said that they don't.
pub(crate) struct Running(Arc<watch::Sender<Progress>>);

impl Running {
    /// Notes the position of the last record.
    pub(crate) fn moved(&self, last: Position) {
        self.0.send_modify(|progress| progress.last = Some(last));
    }

    /// Says that no further record will move.
    pub(crate) fn done(&self) {
        self.0.send_modify(|progress| progress.phase = Phase::Done);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.done();
    }
}

/// What a call of the connector's works on: nothing before it is configured, and after teardown.
pub(crate) type Guard<T> = OwnedMutexGuard<Option<T>>;

/// A source or a destination, from its configuration to its teardown.
pub(crate) struct Life<T> {
    /// `source` or `destination`, for messages.
    what: &'static str,
    held: Arc<tokio::sync::Mutex<Option<T>>>,
    signals: Mutex<Signals>,
}

impl<T: Send + 'static> Life<T> {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, held: Arc::default(), signals: Mutex::new(Signals::new()) }
    }

    /// A life that is configured already.
    #[cfg(test)]
    pub(crate) fn of(what: &'static str, connector: T) -> Self {
        Self { held: Arc::new(tokio::sync::Mutex::new(Some(connector))), ..Self::new(what) }
    }

    pub(crate) fn signals(&self) -> Signals {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connector, for one call; calls do not overlap.
    pub(crate) fn hold(&self) -> Result<Guard<T>, Error> {
        Arc::clone(&self.held).try_lock_owned().map_err(|_| {
            Error::new(format!("the {} is busy with another call", self.what)).with_code(Code::FailedPrecondition)
        })
    }

    /// Begins a new life with what `configure` makes.
    pub(crate) async fn begin<F>(&self, configure: impl FnOnce() -> F + Send + 'static) -> Result<(), Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let guard = self.hold()?;
        *self.signals.lock().unwrap_or_else(PoisonError::into_inner) = Signals::new();
        self.run(async move {
            let mut guard = guard;
            *guard = None;
            *guard = Some(configure().await?);
            Ok(())
        })
        .await
    }

    /// Runs one call of the connector's, which a teardown cuts short.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        call: impl Future<Output = Result<R, Error>> + Send + 'static,
    ) -> Result<R, Error> {
        self.run_until(self.signals().end, call).await
    }

    /// Runs a call that needs no configuration, and so belongs to no life: one that comes after a teardown runs too, as in Conduit's Go
    /// SDK. A teardown that comes after it cuts it short all the same.
    pub(crate) async fn run_apart<R: Send + 'static>(
        &self,
        call: impl Future<Output = Result<R, Error>> + Send + 'static,
    ) -> Result<R, Error> {
        let end = {
            let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
            if signals.end.is_cancelled() {
                signals.end = CancellationToken::new();
            }
            signals.end.clone()
        };
        self.run_until(end, call).await
    }

    async fn run_until<R: Send + 'static>(
        &self,
        end: CancellationToken,
        call: impl Future<Output = Result<R, Error>> + Send + 'static,
    ) -> Result<R, Error> {
        let what = self.what;
        let running = apart::spawn(async move {
            tokio::select! {
                biased;
                () = end.cancelled() => {
                    Err(Error::new(format!("the {what} was torn down")).with_code(Code::FailedPrecondition))
                }
                result = caught(call) => result,
            }
        });
        running.await.unwrap_or_else(|error| Err(Error::from(error).with_code(Code::Internal)))
    }

    /// Ends everything that is under way, then runs `teardown`. Whatever the connector does, there is an answer within
    /// [`PATIENCE`]. Without a connector there is nothing to do.
    pub(crate) async fn tear_down<F>(&self, teardown: impl FnOnce(T) -> F + Send + 'static) -> Result<(), Error>
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let what = self.what;
        let deadline = Instant::now() + PATIENCE;
        let late = move |doing: &str| {
            Error::new(format!("the {what} was still {doing} after {PATIENCE:?}")).with_code(Code::DeadlineExceeded)
        };
        self.signals().end.cancel();
        // Held to the end: who asks for a teardown meanwhile waits for this one.
        let mut held = timeout_at(deadline, Arc::clone(&self.held).lock_owned())
            .await
            .map_err(|_| late("busy with another call"))?;
        let Some(connector) = held.take() else {
            return Ok(());
        };
        let ending = apart::spawn(async move {
            // The call is given up when it waits for too long; from outside too, where it blocks its thread.
            timeout_at(deadline, caught(async move { teardown(connector).await })).await.ok()
        });
        match timeout_at(deadline, ending).await {
            Ok(Ok(Some(result))) => result,
            Ok(Ok(None)) | Err(_) => Err(late("tearing down")),
            Ok(Err(error)) => Err(Error::from(error).with_code(Code::Internal)),
        }
    }

    /// The error of a call that needs a configuration before it.
    pub(crate) fn not_configured(what: &str) -> Error {
        Error::new(format!("the {what} is not configured")).with_code(Code::FailedPrecondition)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_apart_runs_after_a_teardown_and_is_cut_short_by_the_next() {
        let life = Arc::new(Life::of("source", ()));
        life.tear_down(|()| async { Ok(()) }).await.unwrap();
        assert_eq!(life.run_apart(async { Ok(7) }).await.unwrap(), 7);
        let hanging = tokio::spawn({
            let life = Arc::clone(&life);
            async move { life.run_apart(pending::<Result<(), Error>>()).await }
        });
        tokio::task::yield_now().await;
        life.tear_down(|()| async { Ok(()) }).await.unwrap();
        let error = hanging.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the source was torn down");
    }
}
