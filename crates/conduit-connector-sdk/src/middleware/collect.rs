//! Records of a source, collected into batches.

use opencdc::Record;
use tokio::time::{Instant, sleep};

use super::{Batch, Held};
use crate::source::Backoff;
use crate::{Error, Source};

/// Collects what a source reads into batches.
pub(crate) struct Collector {
    batch: Batch,
    held: Held<Record>,
    /// What came after the records that are held.
    failed: Option<Error>,
    backoff: Backoff,
}

impl Collector {
    pub(crate) fn new(batch: &Batch) -> Self {
        Self { batch: batch.clone(), held: Held::default(), failed: None, backoff: Backoff::new() }
    }

    /// The next batch; an empty one where the source has nothing and nothing is held. Like the source's own reading it is cancel safe:
    /// what was read is held, and the next call goes on from there.
    pub(crate) async fn read<S: Source>(&mut self, source: &mut S) -> Result<Vec<Record>, Error> {
        if self.batch.size == 0 {
            return source.read().await;
        }
        loop {
            if self.is_ready() {
                return Ok(self.held.take(&self.batch));
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if !self.held.is_empty() {
                // A source that never waits would leave no moment to see that it is stopped, nor for acknowledgements.
                tokio::task::yield_now().await;
            }
            let began = Instant::now();
            let read = tokio::select! {
                biased;
                () = self.held.wait_until_due() => return Ok(self.held.take(&self.batch)),
                read = source.read() => read,
            };
            match read {
                Ok(records) if !records.is_empty() => {
                    self.backoff.reset();
                    self.held.add(records, &self.batch);
                }
                Err(error) => self.failed = Some(error),
                // The loop around this pauses.
                Ok(_) if self.held.is_empty() => return Ok(Vec::new()),
                Ok(_) => {
                    let pause = self.backoff.pause(began.elapsed());
                    tokio::select! {
                        biased;
                        () = self.held.wait_until_due() => return Ok(self.held.take(&self.batch)),
                        () = sleep(pause) => {}
                    }
                }
            }
        }
    }

    /// Whether there is a batch to send. The clock is looked at here too: a source that always has something leaves no moment for timers.
    fn is_ready(&mut self) -> bool {
        (!self.held.is_empty() && (self.failed.is_some() || self.held.is_due())) || self.held.is_full(&self.batch)
    }
}
