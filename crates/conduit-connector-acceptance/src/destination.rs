//! Drives a destination as Conduit does.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use conduit_connector_protocol::proto::opencdc::v1 as opencdc_wire;
use opencdc::{Position, Record};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::Status;

use crate::process::{Process, answer, in_time, process_methods};
use crate::wire::Answer;
use crate::wire::destination::{Answers, Client};
use crate::{DriverError, Settings};

/// Drives a destination as Conduit does: one process, configured; then whatever the test wants, in Conduit's order or any
/// other.
///
/// Conduit's order is [`open`](Self::open), records by [`write`](Self::write) or, pipelined, by the two
/// [`halves`](Self::halves), [`stop`](Self::stop), [`close`](Self::close), [`teardown`](Self::teardown),
/// [`shutdown`](Self::shutdown). [`finish`](Self::finish) does all from stop on. Dropping the driver kills the process.
pub struct DestinationDriver {
    process: Process,
    client: Client,
    outgoing: Outgoing,
    incoming: Incoming,
}

struct Outgoing {
    records: Option<mpsc::Sender<Vec<opencdc_wire::Record>>>,
    /// The position of the last record that was sent.
    last: Position,
}

/// What comes on the stream, and what came while something else was waited for.
struct Incoming {
    stream: Option<Answers>,
    waiting: VecDeque<Answer>,
    /// An error of the stream that came while something else was waited for.
    failed: Option<Status>,
}

impl DestinationDriver {
    pub(crate) fn new(process: Process) -> Self {
        let client = Client::new(process.plugin.version(), process.plugin.channel());
        let outgoing = Outgoing { records: None, last: Position::default() };
        let incoming = Incoming { stream: None, waiting: VecDeque::new(), failed: None };
        Self { process, client, outgoing, incoming }
    }

    process_methods!();

    /// Configures the destination. [`Connector::destination`](crate::Connector::destination) has done that already.
    ///
    /// # Errors
    /// What the destination has against the settings.
    pub async fn configure(&mut self, settings: Settings) -> Result<(), DriverError> {
        answer("Configure", self.process.limit, self.client.configure(settings.into_iter().collect())).await
    }

    /// Opens the destination and asks for the stream (`Open`, in v1 `Start`; `Run`).
    ///
    /// # Errors
    /// What the destination says.
    pub async fn open(&mut self) -> Result<(), DriverError> {
        answer("Open", self.process.limit, self.client.open()).await?;
        self.run();
        Ok(())
    }

    /// Opens the destination beside what the driver does, for one that may never answer.
    pub(crate) fn open_aside(&self) -> JoinHandle<Result<(), Status>> {
        let mut client = self.client.clone();
        tokio::spawn(async move { client.open().await })
    }

    /// Asks for the stream, without opening first.
    pub fn run(&mut self) {
        let (records, answers) = self.client.run();
        self.outgoing = Outgoing { records: Some(records), last: Position::default() };
        self.incoming = Incoming { stream: Some(answers), waiting: VecDeque::new(), failed: None };
    }

    /// Sends records and waits for their answers: one each, in their order. The records go in one message in protocol v2, in
    /// one each in v1.
    ///
    /// # Errors
    /// The error that the destination ended the stream with; [`DriverError::AnswerOutOfOrder`];
    /// [`DriverError::TimedOut`] when an answer is missing.
    pub async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), String>>, DriverError> {
        let positions: Vec<Position> = records.iter().map(|record| record.position.clone()).collect();
        let limit = self.process.limit;
        let (mut sending, mut receiving) = self.halves();
        let receiving = async {
            let mut results = Vec::with_capacity(positions.len());
            while let Some(expected) = positions.get(results.len()) {
                let Answer { position, result } = receiving.receive_one().await?;
                if position != *expected {
                    return Err(DriverError::AnswerOutOfOrder { expected: expected.clone(), answered: position });
                }
                results.push(result);
            }
            Ok(results)
        };
        let writing = async { futures::try_join!(sending.send(records), receiving) };
        in_time("a write", limit, writing).await.map(|((), results)| results)
    }

    /// Sends records and does not wait for their answers.
    ///
    /// # Errors
    /// When there is no stream, or the destination takes nothing more.
    pub async fn send(&mut self, records: Vec<Record>) -> Result<(), DriverError> {
        self.halves().0.send(records).await
    }

    /// The answers of the next message. Waits for as long as there are none. Cancelling it loses nothing.
    ///
    /// # Errors
    /// The error that the destination ended the stream with; [`DriverError::StreamEnded`] when it ended without one.
    pub async fn receive(&mut self) -> Result<Vec<Answer>, DriverError> {
        self.halves().1.receive().await
    }

    /// The two directions of the stream, to send and to receive at the same time:
    ///
    /// ```no_run
    /// # use conduit_connector_acceptance::{DestinationDriver, DriverError};
    /// # async fn example(destination: &mut DestinationDriver, batches: Vec<Vec<opencdc::Record>>) -> Result<(), DriverError> {
    /// let mut unanswered: usize = batches.iter().map(Vec::len).sum();
    /// let (mut records, mut answers) = destination.halves();
    /// let sending = async {
    ///     for batch in batches {
    ///         records.send(batch).await?;
    ///     }
    ///     Ok::<_, DriverError>(())
    /// };
    /// let receiving = async {
    ///     while unanswered > 0 {
    ///         unanswered -= answers.receive().await?.len();
    ///     }
    ///     Ok(())
    /// };
    /// let (sent, received) = tokio::join!(sending, receiving);
    /// sent.and(received)
    /// # }
    /// ```
    pub fn halves(&mut self) -> (RecordHalf<'_>, AnswerHalf<'_>) {
        let limit = self.process.limit;
        (RecordHalf { outgoing: &mut self.outgoing, limit }, AnswerHalf { incoming: &mut self.incoming })
    }

    /// The position of the last record that was sent; empty when none was.
    pub fn last_sent(&self) -> &Position {
        &self.outgoing.last
    }

    /// Says that the record at this position is the last one. The destination answers when it has written what it holds.
    /// Answers to records go on being received meanwhile, and are kept for [`receive`](Self::receive).
    ///
    /// # Errors
    /// What the destination says.
    pub async fn stop(&mut self, last: Position) -> Result<(), DriverError> {
        let calling = self.incoming.receive_while(self.client.stop(last.into_bytes()));
        answer("Stop", self.process.limit, calling).await
    }

    /// Closes the host's side of the stream and reads to the end of the destination's. Gives the answers that still came.
    ///
    /// # Errors
    /// The error that the destination ended the stream with; [`DriverError::TimedOut`] when it does not end.
    pub async fn close(&mut self) -> Result<Vec<Answer>, DriverError> {
        self.outgoing.records = None;
        let limit = self.process.limit;
        let closing = async {
            let mut answers = Vec::new();
            while let Some(message) = self.incoming.next().await? {
                answers.extend(message);
            }
            Ok(answers)
        };
        in_time("the end of the stream", limit, closing).await
    }

    /// Tears the destination down, which may be done at any moment. A stream that is still open is cut, as Conduit does.
    ///
    /// # Errors
    /// What the destination says.
    pub async fn teardown(&mut self) -> Result<(), DriverError> {
        self.cut();
        answer("Teardown", self.process.limit, self.client.teardown()).await
    }

    /// Cuts the stream in the middle: both sides, at once.
    pub fn cut(&mut self) {
        self.outgoing.records = None;
        self.incoming.stream = None;
    }

    /// All that Conduit does in the end: stop at the last record sent, close, tear down, shut down. Gives the answers that
    /// still came.
    ///
    /// # Errors
    /// As each of these.
    pub async fn finish(mut self) -> Result<Vec<Answer>, DriverError> {
        let last = self.outgoing.last.clone();
        self.stop(last).await?;
        let answers = self.close().await?;
        self.teardown().await?;
        self.shutdown().await?;
        Ok(answers)
    }
}

/// The direction in which records go; see [`DestinationDriver::halves`].
pub struct RecordHalf<'a> {
    outgoing: &'a mut Outgoing,
    limit: Duration,
}

impl RecordHalf<'_> {
    /// Sends records: in one message in protocol v2, in one each in v1. Waits while the destination is behind.
    ///
    /// # Errors
    /// When there is no stream, or the destination takes nothing more.
    pub async fn send(&mut self, records: Vec<Record>) -> Result<(), DriverError> {
        let sender = self.outgoing.records.as_ref().ok_or(DriverError::NotOpen { call: "writing" })?;
        let Some(last) = records.last().map(|record| record.position.clone()) else { return Ok(()) };
        let records = records.iter().map(opencdc_wire::Record::try_from).collect::<Result<_, _>>()?;
        match tokio::time::timeout(self.limit, sender.send(records)).await {
            // A stream that ended says why when it is read.
            Ok(_) => {
                self.outgoing.last = last;
                Ok(())
            }
            Err(_) => Err(DriverError::TimedOut { call: "taking records", limit: self.limit }),
        }
    }
}

/// The direction in which answers come; see [`DestinationDriver::halves`].
pub struct AnswerHalf<'a> {
    incoming: &'a mut Incoming,
}

impl AnswerHalf<'_> {
    /// The answers of the next message. Waits for as long as there are none. Cancelling it loses nothing.
    ///
    /// # Errors
    /// The error that the destination ended the stream with; [`DriverError::StreamEnded`] when it ended without one.
    pub async fn receive(&mut self) -> Result<Vec<Answer>, DriverError> {
        self.incoming.next().await?.ok_or(DriverError::StreamEnded)
    }

    async fn receive_one(&mut self) -> Result<Answer, DriverError> {
        loop {
            if let Some(answer) = self.incoming.waiting.pop_front() {
                return Ok(answer);
            }
            let answers = self.receive().await?;
            self.incoming.waiting.extend(answers);
        }
    }
}

impl Incoming {
    /// The answers of the next message, or what was kept; nothing at the end.
    async fn next(&mut self) -> Result<Option<Vec<Answer>>, DriverError> {
        if !self.waiting.is_empty() {
            return Ok(Some(self.waiting.drain(..).collect()));
        }
        if let Some(status) = self.failed.take() {
            return Err(DriverError::of("Run")(status));
        }
        let stream = self.stream.as_mut().ok_or(DriverError::NotOpen { call: "reading answers" })?;
        stream.message().await.map_err(DriverError::of("Run"))
    }

    /// Receives into `waiting` until the call is answered, as Conduit does at all times.
    async fn receive_while<T>(&mut self, calling: impl Future<Output = T>) -> T {
        tokio::pin!(calling);
        while let (Some(stream), None) = (&mut self.stream, &self.failed) {
            tokio::select! {
                biased;
                answer = &mut calling => return answer,
                message = stream.message() => match message {
                    Ok(Some(answers)) => self.waiting.extend(answers),
                    // The end is found again by whoever reads next.
                    Ok(None) => break,
                    Err(status) => self.failed = Some(status),
                },
            }
        }
        calling.await
    }
}
