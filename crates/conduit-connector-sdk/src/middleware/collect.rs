//! Records of a source, collected into batches.

use std::future::pending;
use std::mem;
use std::time::Duration;

use opencdc::Record;
use tokio::time::{Instant, sleep, sleep_until};

use super::Batch;
use crate::source::Backoff;
use crate::{Error, Source};

/// Collects what a source reads into batches.
pub(crate) struct Collector {
    /// How many records a batch has; 0 where what is read at once is one.
    size: usize,
    delay: Duration,
    held: Vec<Record>,
    /// When what is held goes on its way though it isn't a whole batch.
    due: Option<Instant>,
    /// What came after the records that are held.
    failed: Option<Error>,
    backoff: Backoff,
}

impl Collector {
    pub(crate) fn new(batch: &Batch) -> Self {
        Self {
            size: batch.size,
            delay: batch.delay,
            held: Vec::new(),
            due: None,
            failed: None,
            backoff: Backoff::new(),
        }
    }

    /// The next batch; an empty one where the source has nothing and nothing is held. Like the source's own reading it is cancel safe:
    /// what was read is held, and the next call goes on from there.
    pub(crate) async fn read<S: Source>(&mut self, source: &mut S) -> Result<Vec<Record>, Error> {
        if self.size == 0 {
            return source.read().await;
        }
        loop {
            if self.is_ready() {
                return Ok(self.take());
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let began = Instant::now();
            let read = tokio::select! {
                biased;
                () = until(self.due) => return Ok(self.take()),
                read = source.read() => read,
            };
            match read {
                Ok(records) if !records.is_empty() => {
                    self.backoff.reset();
                    self.hold(records);
                }
                Err(error) => self.failed = Some(error),
                // The loop around this pauses.
                Ok(_) if self.held.is_empty() => return Ok(Vec::new()),
                Ok(_) => {
                    let pause = self.backoff.pause(began.elapsed());
                    tokio::select! {
                        biased;
                        () = until(self.due) => return Ok(self.take()),
                        () = sleep(pause) => {}
                    }
                }
            }
        }
    }

    /// Whether there is a batch to send. The clock is looked at here too: a source that always has something leaves no moment for timers.
    fn is_ready(&self) -> bool {
        let due = || self.due.is_some_and(|due| due <= Instant::now());
        self.held.len() >= self.size || (!self.held.is_empty() && (self.failed.is_some() || due()))
    }

    fn hold(&mut self, records: Vec<Record>) {
        if self.held.is_empty() {
            self.held = records;
            self.due = (!self.delay.is_zero()).then(|| Instant::now() + self.delay);
        } else {
            self.held.extend(records);
        }
    }

    fn take(&mut self) -> Vec<Record> {
        if self.held.len() > self.size {
            let rest = self.held.split_off(self.size);
            return mem::replace(&mut self.held, rest);
        }
        self.due = None;
        mem::take(&mut self.held)
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
