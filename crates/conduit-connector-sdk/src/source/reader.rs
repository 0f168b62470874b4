//! The loop that reads, sends, and hands over acknowledgements.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use conduit_connector_protocol::proto::opencdc::v1 as wire;
use futures::{FutureExt as _, Stream, StreamExt as _};
use opencdc::{Position, Record};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::backoff::Backoff;
use super::split;
use crate::apart::caught;
use crate::life::Running;
use crate::middleware::{AroundSource, Collector};
use crate::{Code, Error, Source};

/// How long acknowledgements wait for a read under way before it is dropped for them.
const ACK_PATIENCE: Duration = Duration::from_secs(5);

/// The most messages with acknowledgements that are taken between two reads, so that a host which sends them without end holds up no
/// reading. An older host acknowledges one record a message.
const ACK_MESSAGES: usize = 1_024;

/// One message to the host: its records, or the error that ends the stream.
pub(super) type Sent = Result<Vec<wire::Record>, Status>;

/// The loop that reads, sends, and hands over acknowledgements. It has the source to itself, so calls never overlap.
pub(super) struct Reader<A> {
    /// Acknowledgements from the host.
    pub(super) acks: A,
    /// To the host. Its bound is what is read ahead.
    pub(super) out: mpsc::Sender<Sent>,
    pub(super) stop: CancellationToken,
    pub(super) running: Running,
    /// The most bytes of a message.
    pub(super) limit: usize,
    /// Acknowledgements that the source does not have yet.
    pub(super) waiting: VecDeque<Position>,
    /// The host has closed its side, or is gone.
    pub(super) closed: bool,
}

/// What came of a read.
enum Read {
    Records(Vec<Record>),
    /// It was dropped: acknowledgements had waited for long enough.
    Interrupted,
    /// It was dropped: no more is to be read.
    Stopped,
}

/// No more is to be read.
struct Stopped;

impl<A> Reader<A>
where
    A: Stream<Item = Result<Vec<Position>, Status>> + Send + Unpin,
{
    /// Reads until it is stopped, or the host closes its side; then hands over acknowledgements until the host closes it.
    pub(super) async fn run<S: Source>(mut self, source: &mut S, around: &mut AroundSource) {
        let mut result = caught(self.read_until_stopped(source, around)).await;
        self.running.done();
        if result.is_ok() {
            result = caught(self.hand_over_until_closed(source)).await;
        }
        if let Err(error) = result {
            tracing::error!("the source failed: {error}");
            // The host may have hung up.
            let _ = self.out.send(Err(error.to_status())).await;
        }
    }

    async fn read_until_stopped<S: Source>(&mut self, source: &mut S, around: &mut AroundSource) -> Result<(), Error> {
        let mut backoff = Backoff::new();
        loop {
            let began = Instant::now();
            let step = match self.read(source, &mut around.collector).await? {
                Read::Stopped => return Ok(()),
                Read::Interrupted => Ok(()),
                Read::Records(records) if records.is_empty() => {
                    let pause = backoff.pause(began.elapsed());
                    self.meanwhile(source, tokio::time::sleep(pause)).await?
                }
                Read::Records(records) => {
                    backoff.reset();
                    match self.encode(source, around, records).await? {
                        Ok(records) => self.send(source, records).await?,
                        Err(stopped) => Err(stopped),
                    }
                }
            };
            if let Err(Stopped) = step {
                return Ok(());
            }
            self.take_ready();
            self.hand_over(source).await?;
        }
    }

    /// Takes the acknowledgements that have arrived. Whoever waits looks for them too; but a source that always has something, and a
    /// host that always has room, leave nothing to wait for.
    fn take_ready(&mut self) {
        for _ in 0..ACK_MESSAGES {
            if self.closed {
                return;
            }
            // Tokio makes a task wait that has taken a lot at once; what has arrived is not late for that.
            let Some(acks) = tokio::task::unconstrained(self.acks.next()).now_or_never() else {
                return;
            };
            arrived(&mut self.waiting, &mut self.closed, acks);
        }
    }

    /// One read, which ends early when it is stopped, and when acknowledgements have waited for it for too long.
    async fn read<S: Source>(&mut self, source: &mut S, collector: &mut Collector) -> Result<Read, Error> {
        if self.stop.is_cancelled() || self.closed {
            return Ok(Read::Stopped);
        }
        let mut read = pin!(collector.read(source));
        let mut due: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(Read::Stopped),
                () = self.out.closed() => return Ok(Read::Stopped),
                records = &mut read => return records.map(Read::Records),
                () = tokio::time::sleep_until(due.unwrap_or(Instant::now())), if due.is_some() => {
                    return Ok(Read::Interrupted);
                }
                acks = self.acks.next() => {
                    arrived(&mut self.waiting, &mut self.closed, acks);
                    if self.closed {
                        return Ok(Read::Stopped);
                    }
                    due.get_or_insert(Instant::now() + ACK_PATIENCE);
                }
            }
        }
    }

    /// The records with their schemas, where they get some.
    #[cfg_attr(not(feature = "schema"), allow(unused_mut, clippy::unused_async))]
    async fn encode<S: Source>(
        &mut self,
        source: &mut S,
        around: &mut AroundSource,
        mut records: Vec<Record>,
    ) -> Result<Result<Vec<Record>, Stopped>, Error> {
        #[cfg(feature = "schema")]
        if let Some(encoder) = &mut around.encoder {
            encoder.state(source, &records);
            match self.meanwhile(source, encoder.encode(&mut records)).await? {
                Ok(encoded) => encoded?,
                Err(stopped) => return Ok(Err(stopped)),
            }
        }
        #[cfg(not(feature = "schema"))]
        let _ = (source, around);
        Ok(Ok(records))
    }

    /// Sends records, in as many messages as they need. What was not sent when it is stopped is not sent any more.
    async fn send<S: Source>(&mut self, source: &mut S, records: Vec<Record>) -> Result<Result<(), Stopped>, Error> {
        let out = self.out.clone();
        for message in split::messages(records, self.limit) {
            let message = message.map_err(|error| Error::from(error).with_code(Code::Internal))?;
            match self.meanwhile(source, out.reserve()).await? {
                Ok(Ok(room)) => room.send(Ok(message.records)),
                Ok(Err(_)) | Err(Stopped) => return Ok(Err(Stopped)),
            }
            self.running.moved(message.last);
        }
        Ok(Ok(()))
    }

    /// Waits for something, and hands over what is acknowledged meanwhile.
    async fn meanwhile<S: Source, T>(
        &mut self,
        source: &mut S,
        something: impl Future<Output = T>,
    ) -> Result<Result<T, Stopped>, Error> {
        let mut something = pin!(something);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(Err(Stopped)),
                () = self.out.closed() => return Ok(Err(Stopped)),
                output = &mut something => return Ok(Ok(output)),
                acks = self.acks.next() => arrived(&mut self.waiting, &mut self.closed, acks),
            }
            if self.closed {
                return Ok(Err(Stopped));
            }
            self.hand_over(source).await?;
        }
    }

    async fn hand_over_until_closed<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        loop {
            self.hand_over(source).await?;
            if self.closed {
                return Ok(());
            }
            tokio::select! {
                () = self.out.closed() => return Ok(()),
                acks = self.acks.next() => arrived(&mut self.waiting, &mut self.closed, acks),
            }
        }
    }

    /// Hands over what is acknowledged, one by one. Stop is answered while the source is at it: nothing is read meanwhile.
    async fn hand_over<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        while let Some(position) = self.waiting.pop_front() {
            let mut ack = pin!(source.ack(position));
            tokio::select! {
                biased;
                result = &mut ack => result?,
                () = self.stop.cancelled() => {
                    self.running.done();
                    ack.await?;
                }
            }
        }
        Ok(())
    }
}

/// Notes what came from the host. An error there is the host hanging up.
fn arrived(waiting: &mut VecDeque<Position>, closed: &mut bool, acks: Option<Result<Vec<Position>, Status>>) {
    match acks {
        Some(Ok(positions)) => waiting.extend(positions),
        Some(Err(status)) => {
            tracing::debug!("the host hung up: {}", status.message());
            *closed = true;
        }
        None => *closed = true,
    }
}
