//! The read loop without gRPC, on paused time.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opencdc::{Data, Metadata};
use proptest::prelude::*;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};
use tonic::Status;

use super::reader::Sent;
use super::*;
use crate::Code;

/// What one read does.
#[derive(Clone, Debug)]
enum Step {
    /// Gives records with these numbers as positions.
    Give(std::ops::Range<u32>),
    /// Gives nothing.
    Nothing,
    /// Waits, and stays the next step when it is dropped meanwhile.
    Wait(Duration),
    Fail,
    Panic,
}

/// Reads as a script says, then waits for ever.
struct Scripted {
    steps: VecDeque<Step>,
    seen: Seen,
    hangs: Hangs,
}

/// Calls that never come back.
#[derive(Clone, Copy, Debug, Default)]
struct Hangs {
    open: bool,
    ack: bool,
    teardown: bool,
}

#[derive(Clone, Default)]
struct Seen {
    reads: Arc<AtomicUsize>,
    acks: Arc<Mutex<Vec<u32>>>,
    torn_down: Arc<AtomicBool>,
}

impl Seen {
    fn acks(&self) -> Vec<u32> {
        self.acks.lock().unwrap().clone()
    }
}

impl Source for Scripted {
    type Config = ();

    async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
        Err(Error::new("scripts come from the test"))
    }

    async fn open(&mut self, _position: Option<Position>) -> Result<(), Error> {
        if self.hangs.open {
            pending::<()>().await;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        self.seen.reads.fetch_add(1, Ordering::SeqCst);
        while let Some(Step::Wait(duration)) = self.steps.front() {
            sleep(*duration).await;
            self.steps.pop_front();
        }
        match self.steps.pop_front() {
            Some(Step::Give(numbers)) => Ok(numbers.map(record).collect()),
            Some(Step::Nothing) => Ok(Vec::new()),
            Some(Step::Fail) => Err(Error::new("the well is dry").with_code(Code::Unavailable)),
            Some(Step::Panic) => panic!("the well fell in"),
            Some(Step::Wait(_)) | None => pending().await,
        }
    }

    async fn ack(&mut self, position: Position) -> Result<(), Error> {
        if self.hangs.ack {
            pending::<()>().await;
        }
        self.seen.acks.lock().unwrap().push(position.to_string().parse()?);
        Ok(())
    }

    async fn teardown(&mut self) -> Result<(), Error> {
        if self.hangs.teardown {
            pending::<()>().await;
        }
        self.seen.torn_down.store(true, Ordering::SeqCst);
        Ok(())
    }
}

fn record(number: u32) -> Record {
    let data = Data::Raw(number.to_string().into_bytes());
    Record::create(Position::new(number.to_string()), Metadata::new(), data.clone(), data)
}

/// A scripted source, and the host's side of it.
struct Host {
    plugin: Arc<SourcePlugin<Scripted>>,
    seen: Seen,
    acks: Option<mpsc::UnboundedSender<Result<Vec<Position>, Status>>>,
    messages: Option<ReceiverStream<Sent>>,
}

fn host(steps: impl IntoIterator<Item = Step>, hangs: Hangs) -> Host {
    let seen = Seen::default();
    let source = Scripted { steps: steps.into_iter().collect(), seen: seen.clone(), hangs };
    Host { plugin: Arc::new(SourcePlugin::of(source, 4 << 20)), seen, acks: None, messages: None }
}

fn running(steps: impl IntoIterator<Item = Step>, hangs: Hangs) -> Host {
    let mut host = host(steps, hangs);
    host.run();
    host
}

impl Host {
    fn run(&mut self) {
        let (acks, arriving) = mpsc::unbounded_channel();
        self.messages = Some(self.plugin.run(UnboundedReceiverStream::new(arriving)).unwrap());
        self.acks = Some(acks);
    }

    /// The next message, or the error; nothing at the end of the stream.
    async fn next(&mut self) -> Option<Result<Vec<u32>, Status>> {
        let message = self.messages.as_mut().unwrap().next().await?;
        Some(message.map(|records| records.into_iter().map(|record| number(record.position())).collect()))
    }

    async fn records(&mut self, count: usize) -> Vec<u32> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.next().await.unwrap().unwrap());
        }
        all
    }

    fn ack(&self, numbers: impl IntoIterator<Item = u32>) {
        let positions = numbers.into_iter().map(|number| Position::new(number.to_string())).collect();
        self.acks.as_ref().unwrap().send(Ok(positions)).unwrap();
    }

    async fn stop(&self) -> Result<Option<u32>, Error> {
        Ok(self.plugin.stop().await?.map(|position| number(position.as_bytes())))
    }
}

fn number(position: &[u8]) -> u32 {
    std::str::from_utf8(position).unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn records_and_acknowledgements_keep_their_order_until_the_host_closes() {
    let mut host = running([Step::Give(0..3), Step::Nothing, Step::Give(3..5), Step::Give(5..6)], Hangs::default());
    assert_eq!(host.records(6).await, [0, 1, 2, 3, 4, 5]);
    host.ack([0, 1]);
    host.ack([2, 3, 4]);
    assert_eq!(host.stop().await.unwrap(), Some(5));
    host.ack([5]);
    host.acks = None;
    assert!(host.next().await.is_none());
    assert_eq!(host.seen.acks(), [0, 1, 2, 3, 4, 5]);
    host.plugin.teardown().await.unwrap();
    assert!(host.seen.torn_down.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn stop_answers_what_was_sent_not_what_was_read() {
    let mut host = running((0..10).map(|n| Step::Give(n * 10..(n + 1) * 10)), Hangs::default());
    sleep(Duration::from_secs(1)).await;
    // A message waits for the host, and a second batch is read: no more.
    assert_eq!(host.seen.reads.load(Ordering::SeqCst), 2);
    assert_eq!(host.stop().await.unwrap(), Some(9));
    assert_eq!(host.records(10).await.last(), Some(&9));
    host.ack(0..10);
    host.acks = None;
    assert!(host.next().await.is_none());
    assert_eq!(host.seen.acks().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_read_is_asked_for_ever_more_seldom() {
    let host = running(std::iter::repeat_n(Step::Nothing, 50), Hangs::default());
    sleep(Duration::from_millis(23_700)).await;
    // At 0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 11.3, 16.3 and 21.3 s.
    assert_eq!(host.seen.reads.load(Ordering::SeqCst), 10);
    // A pause does not hold up a stop.
    assert_eq!(timeout(Duration::from_millis(1), host.stop()).await.unwrap().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_wait_five_seconds_for_a_read_at_most() {
    let mut host = running([Step::Give(0..2), Step::Wait(Duration::from_secs(8)), Step::Give(2..3)], Hangs::default());
    host.records(2).await;
    host.ack([0]);
    sleep(Duration::from_millis(4900)).await;
    assert_eq!(host.seen.acks(), [0; 0]);
    host.ack([1]);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(host.seen.acks(), [0, 1]);
    // What the dropped read would have given is still to come.
    assert_eq!(host.records(1).await, [2]);
}

/// A source that blocks its thread until the host has taken and acknowledged the record before: whenever the loop looks, it has a
/// record and the host has room, so that there is never anything to wait for.
struct InStep {
    next: u32,
    acknowledged: std::sync::mpsc::Receiver<()>,
    acks: usize,
}

impl Source for InStep {
    type Config = ();

    async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
        Err(Error::new("it comes from the test"))
    }

    async fn open(&mut self, _position: Option<Position>) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        if self.next > 0 {
            self.acknowledged.recv_timeout(Duration::from_mins(1))?;
        }
        // The acknowledgement of the record before came after the loop looked last; all the others have to be here.
        if self.acks + 1 < self.next as usize {
            return Err(Error::new(format!("{} acknowledgements before record {}", self.acks, self.next)));
        }
        self.next += 1;
        Ok(vec![record(self.next - 1)])
    }

    async fn ack(&mut self, _position: Position) -> Result<(), Error> {
        self.acks += 1;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_always_has_something_gets_its_acknowledgements_meanwhile() {
    let (acknowledge, acknowledged) = std::sync::mpsc::channel();
    let plugin = SourcePlugin::of(InStep { next: 0, acknowledged, acks: 0 }, 4 << 20);
    let (acks, arriving) = mpsc::unbounded_channel();
    let mut messages = plugin.run(UnboundedReceiverStream::new(arriving)).unwrap();
    for number in 0..1_000 {
        let message = messages.next().await.unwrap().unwrap();
        let positions: Vec<Position> = message.iter().map(|record| Position::new(record.position())).collect();
        assert_eq!(positions, [Position::new(number.to_string())]);
        acks.send(Ok(positions)).unwrap();
        acknowledge.send(()).unwrap();
    }
    drop(acknowledge);
    plugin.teardown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_is_the_streams_at_once_and_stop_still_answers() {
    for (step, code, text) in [
        (Step::Fail, tonic::Code::Unavailable, "the well is dry"),
        (Step::Panic, tonic::Code::Internal, "the connector panicked: the well fell in"),
    ] {
        let mut host = running([Step::Give(0..1), step], Hangs::default());
        let began = Instant::now();
        assert_eq!(host.records(1).await, [0]);
        let status = host.next().await.unwrap().unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.message().starts_with(text), "{status:?}");
        assert!(host.next().await.is_none());
        assert_eq!(host.stop().await.unwrap(), Some(0));
        host.plugin.teardown().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(host.seen.torn_down.load(Ordering::SeqCst));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_comes_before_the_run_is_not_lost() {
    let mut host = host([Step::Give(0..5)], Hangs::default());
    assert_eq!(host.stop().await.unwrap(), None);
    host.run();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(host.seen.reads.load(Ordering::SeqCst), 0);
    assert_eq!(host.stop().await.unwrap(), None);
    host.acks = None;
    assert!(host.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_up_ends_reading() {
    let mut host = running([Step::Give(0..1)], Hangs::default());
    host.records(1).await;
    host.messages = None;
    sleep(Duration::from_millis(1)).await;
    // The source is free again, without a stop.
    host.plugin.open(Vec::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn teardown_may_come_at_any_moment() {
    let hangs = |open, ack| Hangs { open, ack, teardown: false };
    let steps = || [Step::Give(0..3), Step::Wait(Duration::from_secs(1_000_000))];
    let began = Instant::now();

    let never_configured = SourcePlugin::<Scripted>::new(Context::default(), 1);
    assert_eq!(never_configured.open(Vec::new()).await.unwrap_err().to_string(), "the source is not configured");
    never_configured.teardown().await.unwrap();

    let configured = host(steps(), Hangs::default());
    configured.plugin.teardown().await.unwrap();
    configured.plugin.teardown().await.unwrap();
    // What needs no configuration is done after it too.
    configured.plugin.on_deleted(Settings::default()).await.unwrap();

    let opening = host(steps(), hangs(true, false));
    let open = tokio::spawn({
        let plugin = Arc::clone(&opening.plugin);
        async move { plugin.open(Vec::new()).await }
    });
    tokio::task::yield_now().await;
    opening.plugin.teardown().await.unwrap();
    assert!(open.await.unwrap().unwrap_err().to_string().contains("torn down"));

    let mut reading = running(steps(), Hangs::default());
    reading.records(3).await;
    reading.plugin.teardown().await.unwrap();
    assert!(reading.next().await.is_none());

    let unread = running((0..9).map(|n| Step::Give(n..n + 1)), Hangs::default());
    tokio::task::yield_now().await;
    unread.plugin.teardown().await.unwrap();

    let mut acking = running(steps(), hangs(false, true));
    acking.records(3).await;
    acking.ack(0..3);
    tokio::task::yield_now().await;
    // A call that hangs holds neither the stop up nor the teardown.
    assert_eq!(acking.stop().await.unwrap(), Some(2));
    acking.plugin.teardown().await.unwrap();

    for host in [configured, opening, reading, unread, acking] {
        assert!(host.seen.torn_down.load(Ordering::SeqCst));
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_teardown_that_hangs_is_given_up_after_a_minute() {
    let host = running([Step::Give(0..3)], Hangs { teardown: true, ..Hangs::default() });
    let began = Instant::now();
    let error = host.plugin.teardown().await.unwrap_err();
    assert_eq!(error.to_string(), "the source was still tearing down after 60s");
    assert_eq!(began.elapsed().as_secs(), 60);
    host.plugin.teardown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_out_of_order_are_refused() {
    let host = running([Step::Give(0..3)], Hangs::default());
    for error in [
        host.plugin.open(Vec::new()).await.unwrap_err(),
        host.plugin.configure(Settings::default()).await.unwrap_err(),
        host.plugin.run(tokio_stream::empty()).err().unwrap(),
    ] {
        assert_eq!(error.to_string(), "the source is busy with another call");
        assert_eq!(error.code(), Some(Code::FailedPrecondition));
    }
}

fn step(first: &mut u32, (kind, size): (u8, u8)) -> Step {
    match kind {
        0 => Step::Nothing,
        1 => Step::Wait(Duration::from_millis(u64::from(size) * 100)),
        _ => {
            let from = *first;
            *first += u32::from(size);
            Step::Give(from..*first)
        }
    }
}

proptest! {
    /// Whatever the source and the host do and when: records come without gaps or repetitions, the stop's answer is the last
    /// of them, and every acknowledgement arrives.
    #[test]
    fn nothing_is_lost_between_the_source_and_the_host(
        script in prop::collection::vec((0..6_u8, 0..120_u8), 0..30),
        pauses in prop::collection::vec(0..3000_u64, 1..10),
        stop_after in 0..40_000_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async move {
            let mut first = 0;
            let steps: Vec<Step> = script.into_iter().map(|kind| step(&mut first, kind)).collect();
            let mut host = running(steps, Hangs::default());
            let stop = tokio::spawn({
                let plugin = Arc::clone(&host.plugin);
                async move {
                    sleep(Duration::from_millis(stop_after)).await;
                    plugin.stop().await.unwrap().map(|position| number(position.as_bytes()))
                }
            });
            let mut seen = Vec::new();
            let mut pauses = pauses.into_iter().cycle();
            // An hour without a message: it has stopped.
            while let Ok(Some(message)) = timeout(Duration::from_hours(1), host.next()).await {
                let numbers = message.unwrap();
                host.ack(numbers.clone());
                seen.extend(numbers);
                sleep(Duration::from_millis(pauses.next().unwrap())).await;
            }
            assert_eq!(seen, (0..seen.len() as u32).collect::<Vec<_>>());
            assert_eq!(stop.await.unwrap(), seen.last().copied());
            host.acks = None;
            assert!(host.next().await.is_none());
            assert_eq!(host.seen.acks(), seen);
        });
    }
}
