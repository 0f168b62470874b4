//! The governor against a model of HubSpot's limits, in paused time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;

/// HubSpot's side: counts arrivals in a rolling window, strictly.
struct Server {
    limit: usize,
    interval: Duration,
    arrivals: Mutex<VecDeque<Instant>>,
    served: AtomicU64,
    refused: AtomicU64,
}

impl Server {
    fn new(limit: usize, interval: Duration) -> Arc<Self> {
        let arrivals = Mutex::default();
        Arc::new(Self { limit, interval, arrivals, served: AtomicU64::new(0), refused: AtomicU64::new(0) })
    }

    fn arrive(&self) -> Result<RateHeaders, ()> {
        let now = Instant::now();
        let mut arrivals = self.arrivals.lock().unwrap();
        while arrivals.front().is_some_and(|at| *at + self.interval <= now) {
            arrivals.pop_front();
        }
        if arrivals.len() >= self.limit {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(());
        }
        arrivals.push_back(now);
        self.served.fetch_add(1, Ordering::Relaxed);
        Ok(RateHeaders {
            max: Some(self.limit as u32),
            remaining: Some((self.limit - arrivals.len()) as u32),
            interval_ms: Some(self.interval.as_millis() as u64),
            ..RateHeaders::default()
        })
    }

    fn counts(&self) -> (u64, u64) {
        (self.served.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

/// Sends one request after the other, each taking `latency` give or take a fifth.
async fn call(
    governor: Arc<Governor>,
    server: Arc<Server>,
    bucket: Bucket,
    latency: Duration,
    mut random: fastrand::Rng,
) {
    loop {
        let permit = governor.acquire(bucket).await;
        let mut half = || latency.mul_f64(0.4 + 0.2 * random.f64());
        let (there, back) = (half(), half());
        sleep(there).await;
        let answer = server.arrive();
        sleep(back).await;
        match answer {
            Ok(rate) => permit.answered(&rate, true),
            Err(()) => permit.limited(Policy::new(None, bucket), None),
        }
    }
}

/// Lets `callers` call for a minute and a half, and counts what is served in the last minute.
async fn served_in_a_minute(
    server: &Arc<Server>,
    governors: &[Arc<Governor>],
    bucket: Bucket,
    callers: usize,
    latency: Duration,
) -> u64 {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut tasks = JoinSet::new();
    for governor in governors {
        for _ in 0..callers {
            tasks.spawn(call(Arc::clone(governor), Arc::clone(server), bucket, latency, random.fork()));
        }
    }
    sleep(Duration::from_secs(30)).await;
    let (before, _) = server.counts();
    sleep(Duration::from_mins(1)).await;
    server.counts().0 - before
}

const TEN_SECONDS: Duration = Duration::from_secs(10);
const LATENCY: Duration = Duration::from_millis(50);

#[tokio::test(start_paused = true)]
async fn a_caller_who_comes_alone_gets_the_quota_and_never_too_much() {
    let server = Server::new(190, TEN_SECONDS);
    let answered = served_in_a_minute(&server, &[Governor::new()], Bucket::General, 1, LATENCY).await;
    assert!(answered * 100 >= 190 * 6 * 97, "{answered} of {}", 190 * 6);
    assert_eq!(server.counts().1, 0);
}

#[tokio::test(start_paused = true)]
async fn many_callers_get_the_quota_and_never_too_much() {
    for (limit, callers, latency) in [(190, 4, LATENCY), (190, 50, LATENCY), (100, 20, LATENCY), (190, 50, LATENCY * 6)]
    {
        let server = Server::new(limit, TEN_SECONDS);
        let answered = served_in_a_minute(&server, &[Governor::new()], Bucket::General, callers, latency).await;
        let wanted = if latency == LATENCY { 97 } else { 94 };
        assert!(answered * 100 >= limit as u64 * 6 * wanted, "{answered} of {}", limit * 6);
        assert_eq!(server.counts().1, 0, "429s with {callers} callers");
    }
}

#[tokio::test(start_paused = true)]
async fn searches_have_a_limit_of_their_own() {
    let server = Server::new(5, Duration::from_secs(1));
    let answered = served_in_a_minute(&server, &[Governor::new()], Bucket::Search, 8, LATENCY).await;
    assert!(answered * 100 >= 300 * 94, "{answered} of 300");
    assert_eq!(server.counts().1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_shared_quota_is_noticed_and_used() {
    let server = Server::new(190, TEN_SECONDS);
    let governors = [Governor::new(), Governor::new()];
    let answered = served_in_a_minute(&server, &governors, Bucket::General, 4, LATENCY).await;
    let (all, refused) = server.counts();
    assert!(answered * 100 >= 190 * 6 * 90, "{answered} of {}", 190 * 6);
    // With requests under way the headers tell a little late: some 4% here.
    assert!(refused * 100 <= all * 7, "{refused} 429s for {all} requests");
}

#[tokio::test(start_paused = true)]
async fn what_goes_within_the_limit_never_waits() {
    let governor = Governor::new();
    let start = Instant::now();
    for _ in 0..100 {
        governor.acquire(Bucket::General).await.answered(&RateHeaders::default(), false);
    }
    for _ in 0..5 {
        governor.acquire(Bucket::Search).await.answered(&RateHeaders::default(), false);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    governor.acquire(Bucket::General).await.answered(&RateHeaders::default(), false);
    assert!(start.elapsed() >= TEN_SECONDS);
}

#[tokio::test(start_paused = true)]
async fn behind_a_429_waits_the_kind_that_it_is_about() {
    for (bucket, policy, retry_after, general, search) in [
        (Bucket::Search, Some("SECONDLY"), None, 0, 1_000),
        (Bucket::Search, Some("SECONDLY"), Some(3), 0, 3_000),
        (Bucket::Search, None, None, 0, 1_000),
        (Bucket::Search, Some("TEN_SECONDLY_ROLLING"), Some(4), 4_000, 4_000),
        (Bucket::General, Some("TEN_SECONDLY_ROLLING"), None, 1_000, 0),
        (Bucket::General, Some("TEN_SECONDLY_ROLLING"), Some(2), 2_000, 0),
        (Bucket::General, None, None, 1_000, 0),
        (Bucket::General, Some("DAILY"), None, 600_000, 600_000),
        (Bucket::Search, Some("DAILY"), Some(90), 90_000, 90_000),
    ] {
        let waited = |other: Bucket| async move {
            let governor = Governor::new();
            let permit = governor.acquire(bucket).await;
            permit.limited(Policy::new(policy, bucket), retry_after.map(Duration::from_secs));
            let start = Instant::now();
            governor.acquire(other).await.answered(&RateHeaders::default(), false);
            start.elapsed().as_millis()
        };
        assert_eq!(waited(Bucket::General).await, general, "general behind {policy:?} of {bucket:?}");
        assert_eq!(waited(Bucket::Search).await, search, "search behind {policy:?} of {bucket:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rolling_window_frees_when_the_oldest_request_leaves() {
    let governor = Governor::new();
    governor.acquire(Bucket::General).await.answered(&RateHeaders::default(), false);
    sleep(Duration::from_secs(4)).await;
    governor.acquire(Bucket::General).await.limited(Policy::TenSecondly, None);
    let start = Instant::now();
    governor.acquire(Bucket::General).await.answered(&RateHeaders::default(), false);
    assert_eq!(start.elapsed(), Duration::from_secs(6));
}

/// Counts warnings.
struct Warnings(Arc<AtomicU64>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn the_daily_limit_stops_all_and_one_goes_to_see() {
    let warnings = Arc::new(AtomicU64::new(0));
    let _guard = tracing::subscriber::set_default(Warnings(Arc::clone(&warnings)));
    let governor = Governor::new();
    let sent = Arc::new(AtomicU64::new(0));
    let opens = Instant::now() + Duration::from_mins(35);
    let mut callers = JoinSet::new();
    for index in 0..20 {
        let (governor, sent) = (Arc::clone(&governor), Arc::clone(&sent));
        callers.spawn(async move {
            let bucket = if index % 2 == 0 { Bucket::General } else { Bucket::Search };
            // The first is on its way before the others come.
            sleep(Duration::from_secs(index)).await;
            loop {
                let permit = governor.acquire(bucket).await;
                sent.fetch_add(1, Ordering::Relaxed);
                sleep(LATENCY).await;
                if Instant::now() >= opens {
                    permit.answered(&RateHeaders::default(), false);
                    return Instant::now();
                }
                permit.limited(Policy::Daily, None);
            }
        });
    }
    let mut last = opens;
    while let Some(done) = callers.join_next().await {
        last = last.max(done.unwrap());
    }
    // At 0, 10, 20, 30 and 40 minutes; then the rest at once.
    assert_eq!(sent.load(Ordering::Relaxed), 4 + 20);
    assert_eq!(warnings.load(Ordering::Relaxed), 1, "one line, however long it lasts");
    assert!(last < opens + Duration::from_mins(6), "{:?}", last - opens);
}

#[tokio::test(start_paused = true)]
async fn one_that_goes_to_see_and_is_lost_is_followed_by_another() {
    let governor = Governor::new();
    governor.acquire(Bucket::General).await.limited(Policy::Daily, None);
    let lost = governor.acquire(Bucket::General).await;
    let waiting = tokio::spawn({
        let governor = Arc::clone(&governor);
        async move { governor.acquire(Bucket::Search).await.answered(&RateHeaders::default(), false) }
    });
    sleep(Duration::from_secs(5)).await;
    assert!(!waiting.is_finished());
    drop(lost);
    // Bounded: without news it would wait for ever.
    tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_left_takes_no_place() {
    let governor = Governor::new();
    let start = Instant::now();
    for _ in 0..500 {
        governor.acquire(Bucket::General).await.not_sent();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn callers_are_served_in_the_order_they_came() {
    let governor = Governor::new();
    for _ in 0..100 {
        governor.acquire(Bucket::General).await.answered(&RateHeaders::default(), false);
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut callers = JoinSet::new();
    for index in 0..10 {
        let (governor, order) = (Arc::clone(&governor), Arc::clone(&order));
        callers.spawn(async move {
            let permit = governor.acquire(Bucket::General).await;
            order.lock().unwrap().push(index);
            permit.answered(&RateHeaders::default(), false);
        });
        tokio::task::yield_now().await;
    }
    callers.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
}
