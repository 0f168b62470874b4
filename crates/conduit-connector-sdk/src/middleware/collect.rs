//! Records of a source, collected into batches.

use std::collections::VecDeque;
use std::future::pending;
use std::mem;

use opencdc::{Data, Record};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::Batch;
use crate::source::Backoff;
use crate::{Error, Source};

/// What each record, name and value takes beside its text, about.
const OVERHEAD: usize = 8;

/// Collects what a source reads into batches.
pub(crate) struct Collector {
    batch: Batch,
    held: Vec<Record>,
    /// About how many bytes each of them has.
    sizes: VecDeque<usize>,
    /// And all of them.
    bytes: usize,
    /// When what is held goes on its way though it isn't a whole batch.
    due: Option<Instant>,
    /// What came after the records that are held.
    failed: Option<Error>,
    backoff: Backoff,
}

impl Collector {
    pub(crate) fn new(batch: &Batch) -> Self {
        Self {
            batch: batch.clone(),
            held: Vec::new(),
            sizes: VecDeque::new(),
            bytes: 0,
            due: None,
            failed: None,
            backoff: Backoff::new(),
        }
    }

    /// The next batch; an empty one where the source has nothing and nothing is held. Like the source's own reading it is cancel safe:
    /// what was read is held, and the next call goes on from there.
    pub(crate) async fn read<S: Source>(&mut self, source: &mut S) -> Result<Vec<Record>, Error> {
        if self.batch.size == 0 {
            return source.read().await;
        }
        loop {
            if self.is_ready() {
                return Ok(self.take());
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
        self.batch.is_full(self.held.len(), self.bytes) || (!self.held.is_empty() && (self.failed.is_some() || due()))
    }

    fn hold(&mut self, records: Vec<Record>) {
        for size in records.iter().map(bytes) {
            self.sizes.push_back(size);
            self.bytes += size;
        }
        if self.held.is_empty() {
            self.held = records;
            self.due = (!self.batch.delay.is_zero()).then(|| Instant::now() + self.batch.delay);
        } else {
            self.held.extend(records);
        }
    }

    fn take(&mut self) -> Vec<Record> {
        if self.held.len() > self.batch.size {
            let rest = self.held.split_off(self.batch.size);
            let taken = mem::replace(&mut self.held, rest);
            self.bytes -= self.sizes.drain(..taken.len()).sum::<usize>();
            return taken;
        }
        self.due = None;
        self.sizes.clear();
        self.bytes = 0;
        mem::take(&mut self.held)
    }
}

/// About as many bytes as a record has on its way.
fn bytes(record: &Record) -> usize {
    let metadata: usize = record.metadata.iter().map(|(name, value)| named(name) + value.len()).sum();
    let data = [&record.key, &record.payload.before, &record.payload.after];
    let data = data.into_iter().flatten().map(|data| match data {
        Data::Raw(bytes) => bytes.len(),
        Data::Structured(fields) => fields.iter().map(|(name, value)| named(name) + bytes_of(value)).sum(),
    });
    OVERHEAD + record.position.as_bytes().len() + metadata + data.sum::<usize>()
}

fn named(name: &str) -> usize {
    OVERHEAD + name.len()
}

fn bytes_of(value: &Value) -> usize {
    OVERHEAD
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(bytes_of).sum(),
            Value::Object(fields) => fields.iter().map(|(name, value)| named(name) + bytes_of(value)).sum(),
        }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
