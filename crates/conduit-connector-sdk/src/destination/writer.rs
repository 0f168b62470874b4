//! The loop that takes records, has them written, and answers for each.

use std::time::Duration;

use conduit_connector_protocol::proto::opencdc::v1 as wire;
use futures::{FutureExt as _, Stream, StreamExt as _};
use opencdc::{Position, Record};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::incoming::understood;
use crate::apart::caught;
use crate::life::Running;
use crate::middleware::{AroundDestination, Held, Limiter};
use crate::{Code, Destination, Error};

/// The most records of one write, unless one message alone has more.
const BATCH: usize = 1000;

/// Once a write has so many bytes of records, no further message joins it: what is in memory stays bounded.
const BATCH_BYTES: usize = 4 << 20;

/// How long a write under way may take to finish after a teardown.
const GRACE: Duration = Duration::from_secs(30);

/// One message from the host, or that it hung up.
pub(super) type Arrived = Result<Vec<wire::Record>, Status>;

/// Answers to one batch, or the error that ends the stream.
pub(super) type Answered = Result<Vec<Answer>, Status>;

/// The answer to one record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) position: Position,
    /// Empty when the record was written.
    pub(crate) error: String,
}

/// The loop that takes records, has them written, and answers for each, in their order.
pub(super) struct Writer<R> {
    pub(super) records: R,
    /// To the host.
    pub(super) out: mpsc::Sender<Answered>,
    pub(super) running: Running,
    /// The host sends no more than what is on its way.
    pub(super) stop: CancellationToken,
    pub(super) end: CancellationToken,
    /// What is no batch yet, where batches are collected.
    pub(super) held: Held<wire::Record>,
    /// The host has closed its side, or is gone.
    pub(super) closed: bool,
    /// Why a message of the host's could not be read; there are no more after it.
    pub(super) unreadable: Option<Error>,
}

impl<R: Stream<Item = Arrived> + Send + Unpin> Writer<R> {
    /// Writes until the host closes its side, or a teardown ends it.
    pub(super) async fn run<D: Destination>(mut self, destination: &mut D, around: &mut AroundDestination) {
        if let Err(error) = self.write_until_closed(destination, around).await {
            self.running.done();
            tracing::error!("the destination failed: {error}");
            tokio::select! {
                biased;
                // The host may have hung up.
                _ = self.out.send(Err(error.to_status())) => {}
                () = self.end.cancelled() => {}
            }
        }
    }

    async fn write_until_closed<D: Destination>(
        &mut self,
        destination: &mut D,
        around: &mut AroundDestination,
    ) -> Result<(), Error> {
        loop {
            let batch = if around.batch.size == 0 { self.batch().await } else { self.collected(&around.batch).await };
            let Some(mut records) = batch else { break };
            while !records.is_empty() {
                let most = around.limiter.as_ref().map_or(records.len(), Limiter::burst);
                let rest = records.split_off(most.min(records.len()));
                if !self.write_and_answer(destination, around, records).await? {
                    return Ok(());
                }
                records = rest;
            }
        }
        self.unreadable.take().map_or(Ok(()), Err)
    }

    /// Writes records and answers for each; false when a teardown or the host has cut it off.
    async fn write_and_answer<D: Destination>(
        &mut self,
        destination: &mut D,
        around: &mut AroundDestination,
        records: Vec<wire::Record>,
    ) -> Result<bool, Error> {
        let end = self.end.clone();
        let understood = async {
            if let Some(limiter) = &mut around.limiter {
                tokio::time::sleep(limiter.take(records.len(), Instant::now())).await;
            }
            understood(records, around).await
        };
        let (mut answers, good) = tokio::select! {
            biased;
            understood = understood => understood,
            () = end.cancelled() => return Ok(false),
        };
        if !good.is_empty() {
            let Some(results) = self.write(destination, good).await? else {
                return Ok(false);
            };
            let written = answers.iter_mut().filter(|answer| answer.error.is_empty());
            for (answer, result) in written.zip(results) {
                answer.error = result.err().map(|error| reason(&error)).unwrap_or_default();
            }
        }
        let last = answers.last().map(|answer| answer.position.clone());
        tokio::select! {
            biased;
            sent = self.out.send(Ok(answers)) => {
                if sent.is_err() {
                    return Ok(false);
                }
            }
            () = self.end.cancelled() => return Ok(false),
        }
        if let Some(last) = last {
            self.running.moved(last);
        }
        Ok(true)
    }

    /// The next message, and those behind it that have already arrived; nothing when there will be no more.
    async fn batch(&mut self) -> Option<Vec<wire::Record>> {
        let mut records = Vec::new();
        while records.is_empty() {
            if self.closed {
                return None;
            }
            let arrived = tokio::select! {
                biased;
                () = self.end.cancelled() => return None,
                () = self.out.closed() => return None,
                arrived = self.records.next() => arrived,
            };
            self.take(arrived, &mut records);
        }
        let mut counted = 0;
        let mut bytes = 0;
        while records.len() < BATCH && !self.closed {
            bytes += records[counted..].iter().map(wire::Record::encoded_len).sum::<usize>();
            counted = records.len();
            if bytes >= BATCH_BYTES {
                break;
            }
            // Tokio makes a task wait that has taken a lot at once; what has arrived is not late for that.
            let Some(arrived) = tokio::task::unconstrained(self.records.next()).now_or_never() else {
                break;
            };
            self.take(arrived, &mut records);
        }
        Some(records)
    }

    pub(super) fn take(&mut self, arrived: Option<Arrived>, records: &mut Vec<wire::Record>) {
        match arrived {
            Some(Ok(more)) if records.is_empty() => *records = more,
            Some(Ok(more)) => records.extend(more),
            Some(Err(status)) => {
                self.unreadable = unreadable(&status);
                if self.unreadable.is_none() {
                    tracing::debug!("the host hung up: {}", status.message());
                }
                self.closed = true;
            }
            None => self.closed = true,
        }
    }

    /// One write, with a result for each record; nothing when a teardown has cut it off.
    async fn write<D: Destination>(
        &mut self,
        destination: &mut D,
        records: Vec<Record>,
    ) -> Result<Option<Vec<Result<(), Error>>>, Error> {
        let count = records.len();
        let results = tokio::select! {
            results = caught(async { destination.write(records).await }) => results?,
            () = async { self.end.cancelled().await; tokio::time::sleep(GRACE).await } => {
                tracing::warn!("a write of {count} records did not finish within {GRACE:?} of the teardown; it is dropped");
                return Ok(None);
            }
        };
        if results.len() == count {
            return Ok(Some(results));
        }
        let text = format!(
            "the destination answered {} results for {count} records; it has to give exactly one for each",
            results.len()
        );
        Err(Error::new(text).with_code(Code::Internal))
    }
}

/// The error of a message that is no message, or is bigger than the limit; nothing when it is the host that hung up.
fn unreadable(status: &Status) -> Option<Error> {
    let code = match status.code() {
        // As Go's gRPC has it.
        tonic::Code::OutOfRange => Code::ResourceExhausted,
        tonic::Code::Internal => Code::Internal,
        _ => return None,
    };
    Some(Error::new(format!("a message with records could not be read: {}", status.message())).with_code(code))
}

/// Why a record failed. Never empty, since that would say that it was written.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    if text.is_empty() { "the record was refused without a reason".to_owned() } else { text }
}
