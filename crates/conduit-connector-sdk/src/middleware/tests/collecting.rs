//! Batches of a source.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use proptest::prelude::*;
use tokio::time::{Instant, timeout};

use super::*;
use crate::middleware::{Batch, Collector, SourceMiddleware};
use crate::source::SourcePlugin;

const SECOND: Duration = Duration::from_secs(1);

fn collector(size: usize, delay: Duration) -> Collector {
    Collector::new(&Batch { size, delay })
}

async fn read(collector: &mut Collector, source: &mut Scripted) -> Vec<u32> {
    collector.read(source).await.unwrap().iter().map(|record| number(record.position.as_bytes())).collect()
}

#[tokio::test(start_paused = true)]
async fn off_each_read_is_a_batch_whatever_the_delay() {
    let mut source = Scripted::new([give(0..3), Step::Nothing, give(3..4)]);
    let mut collector = collector(0, SECOND);
    let start = Instant::now();
    assert_eq!(read(&mut collector, &mut source).await, [0, 1, 2]);
    assert!(read(&mut collector, &mut source).await.is_empty());
    assert_eq!(read(&mut collector, &mut source).await, [3]);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_as_many_as_asked_for_and_the_rest_is_the_next() {
    let mut source = Scripted::new([give(0..2), give(2..3), give(3..11)]);
    let mut collector = collector(4, Duration::ZERO);
    assert_eq!(read(&mut collector, &mut source).await, [0, 1, 2, 3]);
    assert_eq!(read(&mut collector, &mut source).await, [4, 5, 6, 7]);
    // Without a delay the rest waits until it is a batch.
    assert!(timeout(1000 * SECOND, read(&mut collector, &mut source)).await.is_err());
    source.steps.push_back(give(11..12));
    assert_eq!(read(&mut collector, &mut source).await, [8, 9, 10, 11]);
}

#[tokio::test(start_paused = true)]
async fn the_delay_counts_from_the_first_record() {
    let half = SECOND / 2;
    let mut source = Scripted::new([Step::Wait(10 * SECOND), give(0..1), Step::Wait(half), give(1..2)]);
    let mut collector = collector(100, SECOND);
    let start = Instant::now();
    assert_eq!(read(&mut collector, &mut source).await, [0, 1]);
    assert_eq!(start.elapsed(), 11 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_delay_ends_a_read_that_waits_and_loses_nothing_of_it() {
    let mut source = Scripted::new([give(0..1), Step::Wait(5 * SECOND), give(1..2)]);
    let mut collector = collector(2, SECOND);
    let start = Instant::now();
    assert_eq!(read(&mut collector, &mut source).await, [0]);
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(read(&mut collector, &mut source).await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_has_nothing_is_asked_ever_more_seldom_until_the_delay() {
    let mut source = Scripted::new([give(0..1)].into_iter().chain(std::iter::repeat_n(Step::Nothing, 1000)));
    let mut collector = collector(2, 10 * SECOND);
    let start = Instant::now();
    assert_eq!(read(&mut collector, &mut source).await, [0]);
    assert_eq!(start.elapsed(), 10 * SECOND);
    let asked = 1000 - source.steps.len();
    assert!(asked < 10, "{asked}");
    // With nothing held the loop around it pauses.
    assert!(read(&mut collector, &mut source).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_an_error_comes_before_it() {
    let mut source = Scripted::new([give(0..1), Step::Fail, give(1..3)]);
    let mut collector = collector(2, SECOND);
    assert_eq!(read(&mut collector, &mut source).await, [0]);
    assert_eq!(collector.read(&mut source).await.unwrap_err().to_string(), "the well is dry");
    assert_eq!(read(&mut collector, &mut source).await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_full_with_16_mebibytes_though_it_has_fewer_records() {
    let big = |number: u32| {
        let mut record = record(number);
        // Raw and structured alike.
        record.payload.after = Some(match number % 2 {
            0 => Data::Raw(vec![7; 1 << 20]),
            _ => Data::try_from(serde_json::json!({"a": [{"b": "x".repeat(1 << 20)}]})).unwrap(),
        });
        record
    };
    let mut source = Scripted::new((0..40).map(|number| Step::Give(vec![big(number)])));
    let mut collector = collector(1_000, Duration::ZERO);
    assert_eq!(read(&mut collector, &mut source).await, (0..16).collect::<Vec<_>>());
    assert_eq!(read(&mut collector, &mut source).await, (16..32).collect::<Vec<_>>());
    // What went on its way counts no more, neither where a part stayed.
    let mut collector = self::collector(20, Duration::ZERO);
    let mut source = Scripted::new([Step::Give((0..30).map(big).collect()), Step::Give((30..35).map(big).collect())]);
    assert_eq!(read(&mut collector, &mut source).await, (0..20).collect::<Vec<_>>());
    assert!(timeout(SECOND, read(&mut collector, &mut source)).await.is_err());
    source.steps.push_back(Step::Give(vec![big(35)]));
    assert_eq!(read(&mut collector, &mut source).await, (20..36).collect::<Vec<_>>());
}

/// A source that has a record whenever it is asked, for so long that who waits for its end has waited in vain.
struct Ready {
    asked: Arc<AtomicUsize>,
}

impl Ready {
    const ALL: usize = 100_000;
}

impl Source for Ready {
    type Config = ();

    async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
        Err(Error::new("it comes from the test"))
    }

    async fn open(&mut self, _position: Option<Position>) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= Self::ALL {
            std::future::pending::<()>().await;
        }
        Ok(vec![record(0)])
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_seen_while_a_source_that_never_waits_fills_a_batch() {
    let asked = Arc::new(AtomicUsize::new(0));
    let middleware = SourceMiddleware::default().batch(u32::MAX, Duration::ZERO);
    let plugin = SourcePlugin::with(Ready { asked: Arc::clone(&asked) }, 1 << 20, middleware, Context::default());
    let _messages = plugin.run(futures::stream::pending()).unwrap();
    while asked.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(plugin.stop().await.unwrap(), None);
    assert!(asked.load(Ordering::Relaxed) < Ready::ALL);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Reads that are dropped at any moment lose nothing, repeat nothing and keep the order; no batch is too big.
    #[test]
    fn dropped_reads_lose_nothing(
        gifts in prop::collection::vec(0..7_u32, 1..30),
        waits in prop::collection::vec(0..400_u64, 30),
        patience in prop::collection::vec(1..300_u64, 1..40),
        size in 1..9_usize,
        delay in 0..500_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let total: u32 = gifts.iter().sum();
            let mut next = 0;
            let steps = gifts.iter().zip(&waits).flat_map(|(gift, wait)| {
                let first = next;
                next += gift;
                [Step::Wait(Duration::from_millis(*wait)), give(first..next)]
            });
            let mut source = Scripted::new(steps);
            let mut collector = collector(size, Duration::from_millis(delay));
            let mut seen = Vec::new();
            // A script's wait begins anew when it is dropped: now and then one comes to its end.
            let enough = (total as usize + 35) * (patience.len() + 1);
            for millis in patience.iter().chain([&1000]).cycle().take(enough) {
                if seen.len() == total as usize {
                    break;
                }
                if let Ok(batch) = timeout(Duration::from_millis(*millis), read(&mut collector, &mut source)).await {
                    assert!(batch.len() <= size, "{batch:?}");
                    seen.extend(batch);
                }
            }
            let missing = total as usize - seen.len();
            assert_eq!(seen, (0..total - missing as u32).collect::<Vec<_>>());
            // Without a delay a batch that isn't full waits for ever.
            assert!(missing < size && (delay == 0 || missing == 0), "{missing} of {total} are missing");
        });
    }
}

/// A source that always has something, from the first moment on: the start is where Go's SDK may stall.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_starts_with_a_fast_source_never_stall() {
    for start in 0..1000_u32 {
        let source = Scripted::new((0..40).map(|n| give(n..n + 1)));
        let (size, delay) = (1 + start % 10, if start % 2 == 0 { Duration::ZERO } else { Duration::from_mins(5) });
        let middleware = SourceMiddleware::default().batch(size, delay);
        let plugin = SourcePlugin::with(source, 1 << 20, middleware, Context::default());
        plugin.open(Vec::new()).await.unwrap();
        let mut messages = plugin.run(futures::stream::pending()).unwrap();
        for batch in 0..40 / size {
            let message = timeout(Duration::from_mins(1), messages.next()).await;
            let records =
                message.unwrap_or_else(|_| panic!("start {start} stalls before batch {batch}")).unwrap().unwrap();
            let numbers: Vec<u32> = records.iter().map(|record| number(record.position())).collect();
            assert_eq!(numbers, (batch * size..(batch + 1) * size).collect::<Vec<_>>());
        }
        plugin.stop().await.unwrap();
        plugin.teardown().await.unwrap();
    }
}
