//! Records that are collected until they are a batch.

use std::collections::VecDeque;
use std::future::pending;
use std::mem;

use conduit_connector_protocol::proto::opencdc::v1 as wire;
use opencdc::{Data, Record, Value};
use prost::Message as _;
use tokio::time::{Instant, sleep_until};

use super::Batch;

/// A batch with so many bytes is full, though it has fewer records: what is in memory stays bounded.
const FULL: usize = 16 << 20;

/// What takes memory.
pub(crate) trait Weighed {
    /// About so many bytes.
    fn bytes(&self) -> usize;
}

/// Records that are no batch yet.
#[derive(Debug)]
pub(crate) struct Held<R> {
    records: VecDeque<R>,
    /// How many bytes the first of them have. Records are weighed only while there are too few for a batch.
    sizes: VecDeque<usize>,
    /// And all of these.
    bytes: usize,
    /// When they go on their way though they aren't a whole batch.
    due: Option<Instant>,
}

impl<R> Default for Held<R> {
    fn default() -> Self {
        Self { records: VecDeque::new(), sizes: VecDeque::new(), bytes: 0, due: None }
    }
}

impl<R: Weighed> Held<R> {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether they go on their way though they aren't a whole batch.
    pub(crate) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| due <= Instant::now())
    }

    /// Waits until then: forever, where only their number counts.
    pub(crate) fn wait_until_due(&self) -> impl Future<Output = ()> + use<R> {
        let due = self.due;
        async move {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        }
    }

    pub(crate) fn add(&mut self, records: Vec<R>, batch: &Batch) {
        if self.records.is_empty() {
            self.records = records.into();
            self.due = (!batch.delay.is_zero()).then(|| Instant::now() + batch.delay);
        } else {
            self.records.extend(records);
        }
    }

    /// Whether they are a whole batch, by their number or by their bytes.
    pub(crate) fn is_full(&mut self, batch: &Batch) -> bool {
        if self.records.len() >= batch.size {
            return true;
        }
        for record in self.records.range(self.sizes.len()..) {
            let size = record.bytes();
            self.sizes.push_back(size);
            self.bytes += size;
        }
        self.bytes >= FULL
    }

    /// The next batch: no more than its size, and no more than there are.
    pub(crate) fn take(&mut self, batch: &Batch) -> Vec<R> {
        if self.records.len() > batch.size {
            let weighed = self.sizes.len().min(batch.size);
            self.bytes -= self.sizes.drain(..weighed).sum::<usize>();
            return self.records.drain(..batch.size).collect();
        }
        mem::take(self).records.into()
    }
}

impl Weighed for wire::Record {
    fn bytes(&self) -> usize {
        self.encoded_len()
    }
}

/// What each record, name and value takes beside its text, about.
const OVERHEAD: usize = 8;

impl Weighed for Record {
    fn bytes(&self) -> usize {
        let metadata: usize = self.metadata.iter().map(|(name, value)| named(name) + value.len()).sum();
        let data = [&self.key, &self.payload.before, &self.payload.after];
        let data = data.into_iter().flatten().map(|data| match data {
            Data::Raw(bytes) => bytes.len(),
            Data::Structured(fields) => fields.iter().map(|(name, value)| named(name) + bytes_of(value)).sum(),
        });
        OVERHEAD + self.position.as_bytes().len() + metadata + data.sum::<usize>()
    }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;

    /// Weighs what it says, and counts how often that was asked for.
    struct Weight(usize, Rc<Cell<usize>>);

    impl Weighed for Weight {
        fn bytes(&self) -> usize {
            self.1.set(self.1.get() + 1);
            self.0
        }
    }

    #[test]
    fn each_record_is_weighed_once_and_only_while_there_are_too_few() {
        let asked = Rc::default();
        let weights = |count: usize| (0..count).map(|_| Weight(FULL / 4, Rc::clone(&asked))).collect();
        let batch = Batch { size: 10, delay: Duration::ZERO };
        let mut held = Held::default();
        held.add(weights(35), &batch);
        for _ in 0..3 {
            assert!(held.is_full(&batch));
            assert_eq!(held.take(&batch).len(), 10);
        }
        assert_eq!(asked.get(), 0, "by their number alone");
        assert!(held.is_full(&batch), "five are more than its bytes");
        assert!(held.is_full(&batch));
        assert_eq!(asked.get(), 5);
        held.add(weights(7), &batch);
        assert!(held.is_full(&batch));
        assert_eq!(held.take(&batch).len(), 10);
        assert!(!held.is_full(&batch), "two are left, and what is gone counts no more");
        assert_eq!(asked.get(), 7);
        held.add(weights(1), &batch);
        assert!(!held.is_full(&batch));
        held.add(weights(1), &batch);
        assert!(held.is_full(&batch));
        assert_eq!(held.take(&batch).len(), 4);
        assert!(held.is_empty() && !held.is_full(&batch));
        assert_eq!(asked.get(), 9);
    }
}
