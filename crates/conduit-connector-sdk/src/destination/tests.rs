//! The write loop without gRPC, on paused time.

use std::future::pending;
use std::iter::once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conduit_connector_protocol::proto::opencdc::v1 as wire;
use opencdc::{Data, Metadata, Position};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};
use tonic::Status;

use super::writer::{Answered, Arrived};
use super::*;
use crate::Code;

/// What a write does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Does {
    /// Writes; records whose position has a 3 in it are refused.
    #[default]
    Write,
    /// Writes after a while.
    WriteLate(Duration),
    GiveTooFew,
    GiveTooMany,
    Fail,
    Panic,
    Hang,
}

struct Scripted {
    does: Does,
    seen: Seen,
}

#[derive(Clone, Default)]
struct Seen {
    batches: Arc<Mutex<Vec<usize>>>,
    written: Arc<Mutex<Vec<String>>>,
    torn_down: Arc<AtomicBool>,
}

impl Destination for Scripted {
    type Config = ();

    async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
        Err(Error::new("scripts come from the test"))
    }

    async fn open(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        self.seen.batches.lock().unwrap().push(records.len());
        let mut results: Vec<Result<(), Error>> = records
            .iter()
            .map(|record| match record.position.to_string() {
                refused if refused.contains('3') => Err(Error::new(format!("{refused} is refused"))),
                _ => Ok(()),
            })
            .collect();
        match self.does {
            Does::Write => {}
            Does::WriteLate(after) => sleep(after).await,
            Does::GiveTooFew => drop(results.pop()),
            Does::GiveTooMany => results.push(Ok(())),
            Does::Fail => return Err(Error::new("the disk is full").with_code(Code::ResourceExhausted)),
            Does::Panic => panic!("the disk is on fire"),
            Does::Hang => pending().await,
        }
        self.seen.written.lock().unwrap().extend(records.iter().map(|record| record.position.to_string()));
        Ok(results)
    }

    async fn teardown(&mut self) -> Result<(), Error> {
        self.seen.torn_down.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// A scripted destination that runs, and the host's side of it.
struct Host {
    plugin: Arc<DestinationPlugin<Scripted>>,
    seen: Seen,
    records: Option<mpsc::UnboundedSender<Arrived>>,
    answers: ReceiverStream<Answered>,
}

/// The messages are there when writing begins.
fn running(does: Does, messages: impl IntoIterator<Item = std::ops::Range<u32>>) -> Host {
    let seen = Seen::default();
    let plugin = Arc::new(DestinationPlugin::of(Scripted { does, seen: seen.clone() }));
    let (records, arriving) = mpsc::unbounded_channel();
    for numbers in messages {
        records.send(Ok(numbers.map(record).collect())).unwrap();
    }
    let answers = plugin.run(UnboundedReceiverStream::new(arriving)).unwrap();
    Host { plugin, seen, records: Some(records), answers }
}

fn record(number: u32) -> wire::Record {
    let data = Data::Raw(number.to_string().into_bytes());
    Record::create(position(number), Metadata::new(), data.clone(), data).try_into().unwrap()
}

fn position(number: u32) -> Position {
    Position::new(number.to_string())
}

impl Host {
    fn send(&self, records: Vec<wire::Record>) {
        self.records.as_ref().unwrap().send(Ok(records)).unwrap();
    }

    /// The next answers: position and error of each.
    async fn answers(&mut self, count: usize) -> Vec<(String, String)> {
        let mut all = Vec::new();
        while all.len() < count {
            let answers = self.answers.next().await.unwrap().unwrap();
            all.extend(answers.into_iter().map(|answer| (answer.position.to_string(), answer.error)));
        }
        all
    }
}

#[tokio::test(start_paused = true)]
async fn every_record_has_its_answer_in_order() {
    let mut host = running(Does::Write, once(1..5));
    // Position 9, operation 77.
    let unknown = wire::Record::decode(&[0x0a, 1, b'9', 0x10, 77][..]).unwrap();
    host.send(vec![record(5), unknown, record(6)]);
    let answers = host.answers(7).await;
    let positions: Vec<&str> = answers.iter().map(|(position, _)| position.as_str()).collect();
    assert_eq!(positions, ["1", "2", "3", "4", "5", "9", "6"]);
    for (position, error) in &answers {
        match position.as_str() {
            "3" => assert_eq!(error, "3 is refused"),
            "9" => assert!(error.contains("operation number 77"), "{error}"),
            _ => assert_eq!(error, ""),
        }
    }
    host.plugin.stop(position(6)).await.unwrap();
    host.records = None;
    assert!(host.answers.next().await.is_none());
    host.plugin.teardown().await.unwrap();
    assert!(host.seen.torn_down.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_is_written_together() {
    // As an older host sends: one record a message.
    let mut host = running(Does::WriteLate(Duration::from_millis(5)), (0..2500).map(|n| n..n + 1));
    assert_eq!(host.answers(2500).await.len(), 2500);
    host.send(vec![record(1)]);
    host.answers(1).await;
    assert_eq!(*host.seen.batches.lock().unwrap(), [1000, 1000, 500, 1]);
}

#[tokio::test(start_paused = true)]
async fn big_records_are_not_piled_up() {
    let mut host = running(Does::Write, []);
    for number in 0..10 {
        let ballast = Data::Raw(vec![7; 1 << 20]);
        let big = Record::create(position(number), Metadata::new(), ballast.clone(), ballast);
        host.send(vec![big.try_into().unwrap()]);
    }
    host.answers(10).await;
    assert_eq!(*host.seen.batches.lock().unwrap(), [2, 2, 2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_is_the_streams_error_after_what_came_before() {
    for (status, expected) in [
        (Status::out_of_range("message length too large"), Some(tonic::Code::ResourceExhausted)),
        (Status::internal("failed to decode"), Some(tonic::Code::Internal)),
        (Status::cancelled("the host hung up"), None),
    ] {
        let mut host = running(Does::Write, once(0..2));
        host.records.as_ref().unwrap().send(Err(status.clone())).unwrap();
        host.answers(2).await;
        let error = host.answers.next().await.map(Result::unwrap_err);
        assert_eq!(error.as_ref().map(Status::code), expected);
        assert!(error.is_none_or(|error| error.message().ends_with(status.message())));
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_with_a_batch_is_the_streams_error() {
    for (does, code, text) in [
        (Does::GiveTooFew, tonic::Code::Internal, "answered 4 results for 5 records"),
        (Does::GiveTooMany, tonic::Code::Internal, "answered 6 results for 5 records"),
        (Does::Fail, tonic::Code::ResourceExhausted, "the disk is full"),
        (Does::Panic, tonic::Code::Internal, "the connector panicked: the disk is on fire"),
    ] {
        let mut host = running(does, once(0..5));
        let status = host.answers.next().await.unwrap().unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.message().contains(text), "{status:?}");
        assert!(host.answers.next().await.is_none());
        // Stop does not wait for what will never come.
        let began = Instant::now();
        let error = host.plugin.stop(position(4)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "did not encounter expected last position \"4\", actual last position \"\": writing has ended"
        );
        host.plugin.teardown().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(host.seen.torn_down.load(Ordering::SeqCst));
    }
}

#[tokio::test(start_paused = true)]
async fn stop_waits_for_the_last_record_a_minute_at_most() {
    let host = running(Does::WriteLate(Duration::from_secs(20)), once(0..5));
    let began = Instant::now();
    host.plugin.stop(Position::default()).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    host.plugin.stop(position(4)).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 20);
    assert_eq!(host.seen.written.lock().unwrap().len(), 5);
    let error = host.plugin.stop(position(5)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "did not encounter expected last position \"5\", actual last position \"4\": waited for 60s"
    );
    assert_eq!(began.elapsed().as_secs(), 80);
}

#[tokio::test(start_paused = true)]
async fn a_teardown_lets_a_write_finish_and_gives_a_hanging_one_up() {
    let began = Instant::now();
    let late = running(Does::WriteLate(Duration::from_secs(20)), once(0..5));
    sleep(Duration::from_secs(1)).await;
    late.plugin.teardown().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 20);
    assert_eq!(late.seen.written.lock().unwrap().len(), 5);

    let hanging = running(Does::Hang, once(0..5));
    sleep(Duration::from_secs(1)).await;
    hanging.plugin.teardown().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 20 + 31);

    let idle = running(Does::Write, []);
    idle.plugin.teardown().await.unwrap();
    idle.plugin.on_deleted(Settings::default()).await.unwrap();
    DestinationPlugin::<Scripted>::new(Context::default()).teardown().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 20 + 31);
    for host in [late, hanging, idle] {
        assert!(host.seen.torn_down.load(Ordering::SeqCst));
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_take_answers_holds_writing_back() {
    let host = running(Does::Write, [0..1000, 1000..2000, 2000..3000, 3000..4000, 4000..5000]);
    sleep(Duration::from_secs(1)).await;
    // Two batches of answers wait, and a third batch is written: no more.
    assert_eq!(host.seen.batches.lock().unwrap().len(), 3);
    host.plugin.teardown().await.unwrap();
}
