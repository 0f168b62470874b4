//! Drives a source as Conduit does.

use std::collections::VecDeque;
use std::future::Future;

use conduit_connector_protocol::proto::opencdc::v1 as opencdc_wire;
use opencdc::{Position, Record};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::Status;

use crate::process::{Process, answer, in_time, process_methods};
use crate::wire::source::{Client, Records};
use crate::{DriverError, Settings};

/// Drives a source as Conduit does: one process, configured; then whatever the test wants, in Conduit's order or any other.
///
/// Conduit's order is [`open`](Self::open), records by [`next`](Self::next) and acks by [`ack`](Self::ack) independently,
/// [`stop`](Self::stop), [`drain`](Self::drain), [`close`](Self::close), [`teardown`](Self::teardown),
/// [`shutdown`](Self::shutdown). [`finish`](Self::finish) does all from stop on. Dropping the driver kills the process.
pub struct SourceDriver {
    process: Process,
    client: Client,
    acks: Option<mpsc::Sender<Vec<Position>>>,
    incoming: Incoming,
}

/// What comes on the stream, and what came while something else was waited for.
#[derive(Default)]
struct Incoming {
    stream: Option<Records>,
    waiting: VecDeque<opencdc_wire::Record>,
    /// An error of the stream that came while something else was waited for.
    failed: Option<Status>,
    /// The position of the last record that was handed out.
    last: Position,
}

impl SourceDriver {
    pub(crate) fn new(process: Process) -> Self {
        let client = Client::new(process.plugin.version(), process.plugin.channel());
        Self { process, client, acks: None, incoming: Incoming::default() }
    }

    process_methods!();

    /// Configures the source. [`Connector::source`](crate::Connector::source) has done that already.
    ///
    /// # Errors
    /// What the source has against the settings.
    pub async fn configure(&mut self, settings: Settings) -> Result<(), DriverError> {
        answer("Configure", self.process.limit, self.client.configure(settings.into_iter().collect())).await
    }

    /// Opens the source, at a position or at its beginning, and asks for the stream of records (`Open`, in v1 `Start`; `Run`).
    ///
    /// # Errors
    /// What the source says.
    pub async fn open(&mut self, position: Option<Position>) -> Result<(), DriverError> {
        let position = position.map(Position::into_bytes).unwrap_or_default();
        answer("Open", self.process.limit, self.client.open(position)).await?;
        self.run();
        Ok(())
    }

    /// Opens the source beside what the driver does, for one that may never answer.
    pub(crate) fn open_aside(&self) -> JoinHandle<Result<(), Status>> {
        let mut client = self.client.clone();
        tokio::spawn(async move { client.open(Vec::new()).await })
    }

    /// Asks for the stream of records, without opening first.
    pub fn run(&mut self) {
        let (acks, records) = self.client.run();
        self.acks = Some(acks);
        self.incoming = Incoming { stream: Some(records), ..Incoming::default() };
    }

    /// The records of the next message. Waits for as long as the source has none: there is no limit to this one.
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    /// The error that the source ended the stream with; [`DriverError::StreamEnded`] when it ended without one.
    pub async fn next(&mut self) -> Result<Vec<Record>, DriverError> {
        Ok(self.next_wire().await?.into_iter().map(Record::try_from).collect::<Result<_, _>>()?)
    }

    /// As [`next`](Self::next), but the messages as they came, for benchmarks: turning them into records takes time that is
    /// not the connector's.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_wire(&mut self) -> Result<Vec<opencdc_wire::Record>, DriverError> {
        let records = self.incoming.next().await?.ok_or(DriverError::StreamEnded)?;
        self.incoming.saw(&records);
        Ok(records)
    }

    /// Acknowledges records: in protocol v2 in one message, in v1 in one each.
    ///
    /// # Errors
    /// When there is no stream, or the source takes no acks.
    pub async fn ack(&self, positions: Vec<Position>) -> Result<(), DriverError> {
        let acks = self.acks.as_ref().ok_or(DriverError::NotOpen { call: "an ack" })?;
        let limit = self.process.limit;
        in_time("an ack", limit, async {
            // A stream that ended says why when it is read.
            let _ = acks.send(positions).await;
            Ok(())
        })
        .await
    }

    /// Reads that many records and acknowledges none. What comes in the same message beyond them is kept for later.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn read(&mut self, count: usize) -> Result<Vec<Record>, DriverError> {
        let mut records = Vec::with_capacity(count);
        while records.len() < count {
            records.extend(self.next_at_most(count - records.len()).await?);
        }
        Ok(records)
    }

    /// Reads that many records and acknowledges them as they come. What comes in the same message beyond them is kept for
    /// later, and not acknowledged.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn take(&mut self, count: usize) -> Result<Vec<Record>, DriverError> {
        let mut records = Vec::with_capacity(count);
        while records.len() < count {
            let some = self.next_at_most(count - records.len()).await?;
            self.ack_all(&some).await?;
            records.extend(some);
        }
        Ok(records)
    }

    /// The records of the next message, but no more than this; the others are kept.
    async fn next_at_most(&mut self, count: usize) -> Result<Vec<Record>, DriverError> {
        let mut message = self.incoming.next().await?.ok_or(DriverError::StreamEnded)?;
        if message.len() > count {
            self.incoming.keep(message.split_off(count));
        }
        self.incoming.saw(&message);
        Ok(message.into_iter().map(Record::try_from).collect::<Result<_, _>>()?)
    }

    /// Acknowledges these records, in their order.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub async fn ack_all(&self, records: &[Record]) -> Result<(), DriverError> {
        if records.is_empty() {
            return Ok(());
        }
        self.ack(records.iter().map(|record| record.position.clone()).collect()).await
    }

    /// Asks the source to stop reading. The answer is the position of the last record that it sent; empty when it sent none.
    /// Records go on being received meanwhile, and are kept for [`next`](Self::next) and [`drain`](Self::drain).
    ///
    /// # Errors
    /// What the source says.
    pub async fn stop(&mut self) -> Result<Position, DriverError> {
        answer("Stop", self.process.limit, self.incoming.receive_while(self.client.stop())).await
    }

    /// After [`stop`](Self::stop): reads on up to the last position, and acknowledges what it reads.
    ///
    /// # Errors
    /// As [`next`](Self::next); [`DriverError::TimedOut`] when the record with that position does not come.
    pub async fn drain(&mut self, last: &Position) -> Result<Vec<Record>, DriverError> {
        let limit = self.process.limit;
        let draining = async {
            let mut records = Vec::new();
            while !last.is_empty() && self.incoming.last != *last {
                let message = self.next().await?;
                self.ack_all(&message).await?;
                records.extend(message);
            }
            Ok(records)
        };
        in_time("the record at the last position", limit, draining).await
    }

    /// Closes the host's side of the stream, as Conduit does after the last ack, and reads to the end of the source's. Gives
    /// the records that still came: after [`drain`](Self::drain) there should be none.
    ///
    /// # Errors
    /// The error that the source ended the stream with; [`DriverError::TimedOut`] when it does not end.
    pub async fn close(&mut self) -> Result<Vec<Record>, DriverError> {
        self.acks = None;
        let limit = self.process.limit;
        let closing = async {
            let mut records = Vec::new();
            while let Some(message) = self.incoming.next().await? {
                self.incoming.saw(&message);
                for record in message {
                    records.push(record.try_into()?);
                }
            }
            Ok(records)
        };
        in_time("the end of the stream", limit, closing).await
    }

    /// Tears the source down, which may be done at any moment. A stream that is still open is cut, as Conduit does.
    ///
    /// # Errors
    /// What the source says.
    pub async fn teardown(&mut self) -> Result<(), DriverError> {
        self.cut();
        answer("Teardown", self.process.limit, self.client.teardown()).await
    }

    /// Cuts the stream in the middle: both sides, at once.
    pub fn cut(&mut self) {
        self.acks = None;
        self.incoming.stream = None;
    }

    /// All that Conduit does in the end: stop, read and acknowledge up to the last position, close, tear down, shut down.
    /// Gives the records that it still read.
    ///
    /// # Errors
    /// As each of these.
    pub async fn finish(mut self) -> Result<Vec<Record>, DriverError> {
        let last = self.stop().await?;
        let records = self.drain(&last).await?;
        self.close().await?;
        self.teardown().await?;
        self.shutdown().await?;
        Ok(records)
    }
}

impl Incoming {
    /// The next message, or what was kept; nothing at the end.
    async fn next(&mut self) -> Result<Option<Vec<opencdc_wire::Record>>, DriverError> {
        if !self.waiting.is_empty() {
            return Ok(Some(self.waiting.drain(..).collect()));
        }
        if let Some(status) = self.failed.take() {
            return Err(DriverError::of("Run")(status));
        }
        let stream = self.stream.as_mut().ok_or(DriverError::NotOpen { call: "reading" })?;
        stream.message().await.map_err(DriverError::of("Run"))
    }

    /// Keeps what was read too far, for next time.
    fn keep(&mut self, records: Vec<opencdc_wire::Record>) {
        for record in records.into_iter().rev() {
            self.waiting.push_front(record);
        }
    }

    fn saw(&mut self, records: &[opencdc_wire::Record]) {
        if let Some(record) = records.last() {
            self.last = Position::new(record.position());
        }
    }

    /// Receives into `waiting` until the call is answered. Conduit reads at all times; a host that does not could make a
    /// source wait that has much to send, and itself with it.
    async fn receive_while<T>(&mut self, calling: impl Future<Output = T>) -> T {
        tokio::pin!(calling);
        while let (Some(stream), None) = (&mut self.stream, &self.failed) {
            tokio::select! {
                biased;
                answer = &mut calling => return answer,
                message = stream.message() => match message {
                    Ok(Some(records)) => self.waiting.extend(records),
                    // The end is found again by whoever reads next.
                    Ok(None) => break,
                    Err(status) => self.failed = Some(status),
                },
            }
        }
        calling.await
    }
}
