//! Batches and rates of a destination.

use std::time::Duration;

use conduit_connector_protocol::record::Encoder;
use futures::StreamExt as _;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};

use super::*;
use crate::destination::DestinationPlugin;
use crate::middleware::DestinationMiddleware;

const SECOND: Duration = Duration::from_secs(1);

type Message = Result<Vec<conduit_connector_protocol::proto::opencdc::v1::Record>, tonic::Status>;

/// A destination, and the host's side of it.
struct Host {
    plugin: Arc<DestinationPlugin<Remembering>>,
    seen: Remembering,
    records: Option<UnboundedSender<Message>>,
    answers: std::pin::Pin<Box<dyn futures::Stream<Item = Vec<String>> + Send>>,
}

async fn host(middleware: DestinationMiddleware, context: Context) -> Host {
    let seen = Remembering::default();
    let plugin = Arc::new(DestinationPlugin::with(seen.clone(), middleware, context));
    plugin.open().await.unwrap();
    let (records, arriving) = unbounded_channel();
    let answers: ReceiverStream<_> = plugin.run(UnboundedReceiverStream::new(arriving)).unwrap();
    let answers = answers.map(|answers| answers.unwrap().into_iter().map(|answer| answer.error).collect());
    Host { plugin, seen, records: Some(records), answers: Box::pin(answers) }
}

impl Host {
    fn send(&self, records: impl IntoIterator<Item = Record>) {
        let mut encoder = Encoder::new();
        let message = records.into_iter().map(|record| encoder.encode(&record).unwrap()).collect();
        self.records.as_ref().unwrap().send(Ok(message)).unwrap();
    }

    async fn answers(&mut self, count: usize) -> Vec<String> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.answers.next().await.unwrap());
        }
        all
    }
}

#[tokio::test(start_paused = true)]
async fn batches_have_as_many_as_asked_for() {
    let mut host = host(DestinationMiddleware::default().batch(4, Duration::ZERO), Context::default()).await;
    host.send((0..3).map(record));
    assert!(timeout(1000 * SECOND, host.answers(1)).await.is_err(), "a batch isn't full");
    host.send((3..10).map(record));
    assert_eq!(host.answers(8).await, vec![""; 8]);
    assert_eq!(host.seen.sizes(), [4, 4]);
    // What is left is written when the host closes.
    host.records = None;
    assert_eq!(host.answers(2).await.len(), 2);
    assert_eq!(host.seen.sizes(), [4, 4, 2]);
    assert!(host.answers.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_written_when_its_delay_is_over() {
    let mut host = host(DestinationMiddleware::default().batch(100, SECOND), Context::default()).await;
    let start = Instant::now();
    host.send([record(0)]);
    sleep(SECOND / 2).await;
    host.send([record(1)]);
    assert_eq!(host.answers(2).await.len(), 2);
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(host.seen.sizes(), [2]);
}

#[tokio::test(start_paused = true)]
async fn stop_waits_for_the_last_record_and_no_batch_waits_for_more() {
    let mut host = host(DestinationMiddleware::default().batch(100, Duration::ZERO), Context::default()).await;
    host.send([record(0)]);
    let plugin = Arc::clone(&host.plugin);
    let stopping = tokio::spawn(async move { plugin.stop(Position::new("2")).await });
    sleep(SECOND).await;
    host.send((1..3).map(record));
    assert_eq!(host.answers(3).await.len(), 3);
    stopping.await.unwrap().unwrap();
    assert_eq!(host.seen.sizes(), [1, 2]);
    host.plugin.teardown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn off_what_has_arrived_is_written() {
    let mut host = host(DestinationMiddleware::default().batch(0, SECOND), Context::default()).await;
    let start = Instant::now();
    host.send((0..3).map(record));
    assert_eq!(host.answers(3).await.len(), 3);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_in_bursts_and_each_is_answered() {
    let mut host = host(DestinationMiddleware::default().rate(10.0, 5), Context::default()).await;
    let start = Instant::now();
    host.send((0..20).map(record));
    assert_eq!(host.answers(5).await.len(), 5);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(host.answers(15).await.len(), 15);
    assert!(start.elapsed().abs_diff(SECOND * 3 / 2) <= Duration::from_millis(3), "{:?}", start.elapsed());
    assert_eq!(host.seen.sizes(), [5, 5, 5, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_the_most_of_a_batch() {
    let middleware = DestinationMiddleware::default().batch(8, Duration::ZERO).rate(3.0, 0);
    let mut host = host(middleware, Context::default()).await;
    host.send((0..16).map(record));
    assert_eq!(host.answers(16).await.len(), 16);
    assert_eq!(host.seen.sizes(), [3, 3, 2, 3, 3, 2]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_rate_ends_at_once() {
    let mut host = host(DestinationMiddleware::default().rate(0.001, 1), Context::default()).await;
    let start = Instant::now();
    host.send((0..3).map(record));
    assert_eq!(host.answers(1).await.len(), 1);
    host.plugin.teardown().await.unwrap();
    assert!(host.answers.next().await.is_none());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(host.seen.sizes(), [1]);
}

#[cfg(feature = "schema")]
mod decoding {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::BoxFuture;
    use serde_json::json;

    use super::*;
    use crate::schema::{ExtractSettings, Extractor, InMemoryRegistry, Registered, Registry, RegistryError};

    /// A record whose payload is encoded; its schema is in the registry.
    async fn encoded(number: u32, registry: &Arc<InMemoryRegistry>) -> Record {
        let mut record = record(number);
        record.payload.after = Some(Data::try_from(json!({"number": number})).unwrap());
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        extractor.extract(&mut record).await.unwrap();
        assert!(matches!(record.payload.after, Some(Data::Raw(_))));
        record
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_a_schema_is_decoded_and_what_cannot_be_fails_alone() {
        let registry = Arc::new(InMemoryRegistry::new());
        let (first, mut broken, last) =
            (encoded(1, &registry).await, encoded(2, &registry).await, encoded(3, &registry).await);
        broken.payload.after = Some(Data::Raw(vec![0xff; 20]));
        let context = Context::default().with_registry(registry);
        let mut host = host(DestinationMiddleware::default(), context).await;
        host.send([first, broken, last, record(4)]);
        let answers = host.answers(4).await;
        assert_eq!([&answers[0], &answers[2], &answers[3]], ["", "", ""]);
        assert!(answers[1].starts_with("cannot decode payload.after by version 1"), "{}", answers[1]);
        let written = host.seen.batches.lock().unwrap().concat();
        let numbers: Vec<_> = written.iter().map(|record| record.payload.after.clone().unwrap()).collect();
        let data = |number: u32| Data::try_from(json!({"number": number})).unwrap();
        assert_eq!(numbers, [data(1), data(3), Data::Raw(b"4".to_vec())]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_schema_service_only_what_needs_one_is_refused() {
        let registry = Arc::new(InMemoryRegistry::new());
        let mut host = host(DestinationMiddleware::default(), Context::default()).await;
        host.send([record(1), encoded(2, &registry).await]);
        let answers = host.answers(2).await;
        assert_eq!(answers[0], "");
        assert!(answers[1].contains("there is no schema service"), "{}", answers[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn turned_off_records_stay_encoded() {
        let registry = Arc::new(InMemoryRegistry::new());
        let context = Context::default().with_registry(registry.clone());
        let mut host = host(DestinationMiddleware::default().schema_off(), context).await;
        let record = encoded(1, &registry).await;
        host.send([record.clone()]);
        assert_eq!(host.answers(1).await, [""]);
        assert_eq!(host.seen.batches.lock().unwrap().concat(), [record]);
    }

    /// Takes a second to say that it can't be reached; before that so many calls reach it.
    struct Leaving(Arc<InMemoryRegistry>, AtomicUsize);

    impl Leaving {
        fn after(calls: usize, registry: &Arc<InMemoryRegistry>) -> Context {
            Context::default().with_registry(Arc::new(Self(registry.clone(), AtomicUsize::new(calls))))
        }
    }

    impl Registry for Leaving {
        fn create<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Registered, RegistryError>> {
            Box::pin(async { Err(RegistryError::Refused("a destination makes no schemas".to_owned())) })
        }

        fn get<'a>(&'a self, subject: &'a str, version: i32) -> BoxFuture<'a, Result<Registered, RegistryError>> {
            Box::pin(async move {
                let left = self.1.load(Ordering::Relaxed);
                if left == 0 {
                    sleep(SECOND).await;
                    return Err(RegistryError::Unreachable("gone".to_owned()));
                }
                self.1.store(left - 1, Ordering::Relaxed);
                self.0.get(subject, version).await
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_gone_is_waited_for_once_a_batch() {
        let registry = Arc::new(InMemoryRegistry::new());
        let mut host = host(DestinationMiddleware::default(), Leaving::after(0, &registry)).await;
        let start = Instant::now();
        let record = encoded(1, &registry).await;
        for batch in 1..3 {
            host.send(std::iter::repeat_n(record.clone(), 100));
            let answers = host.answers(100).await;
            assert!(answers.iter().all(|answer| answer.contains("can't be reached: gone")), "{answers:?}");
            assert_eq!(start.elapsed(), batch * SECOND);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_gone_fails_only_what_has_to_ask_it() {
        let registry = Arc::new(InMemoryRegistry::new());
        let known = encoded(1, &registry).await;
        let mut unknown = encoded(2, &registry).await;
        unknown.metadata.insert("opencdc.payload.schema.version", "2");
        let mut host = host(DestinationMiddleware::default(), Leaving::after(1, &registry)).await;
        host.send([known.clone()]);
        assert_eq!(host.answers(1).await, [""]);
        host.send([unknown.clone(), known, unknown, record(3)]);
        let answers = host.answers(4).await;
        assert_eq!([&answers[1], &answers[3]], ["", ""]);
        assert!(answers[0].contains("gone") && answers[2] == answers[0], "{answers:?}");
    }
}
