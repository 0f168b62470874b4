//! The source: a snapshot, and following changes.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use conduit_connector_acceptance::{Connector, SourceDriver};
use end_to_end::plugin;
use opencdc::Position;
use tokio::time::{Instant, sleep, timeout};

use crate::figure::Figure;
use crate::window::{ALLOWED, Arrivals, REQUESTS, WINDOW};
use crate::{Measured, memory, per_thousand};

/// How long nothing may come before a run counts as failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long is looked whether the source is at rest, and how many searches it makes meanwhile then: one a `pollingPeriod` of 5 s, and a count.
const LOOK: Duration = Duration::from_secs(10);
const IDLE_POLLS: u64 = 4;

/// How changes are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How many in all.
    pub(crate) all: usize,
    /// How many at once, which puts them into one millisecond or two.
    pub(crate) at_once: usize,
    /// The pause behind these.
    pub(crate) pause: Duration,
    /// The bound on requests per 1000 records.
    pub(crate) at_most: Option<f64>,
}

/// Many people, or an integration, at work.
pub(crate) const BUSY: Pace = Pace { all: 20_000, at_once: 4, pause: Duration::from_millis(1), at_most: Some(6.0) };

/// An import, as HubSpot does it: hundreds in one millisecond. Such a page can't be told from the next by its timestamps alone.
pub(crate) const IMPORT: Pace = Pace { all: 10_000, at_once: 500, pause: Duration::from_millis(50), at_most: None };

/// Reads a snapshot that takes the windows asked for, a first one before them, and a little more.
pub(crate) async fn snapshot(connector: &Connector, measured: &Measured, windows: u32) -> Result<Vec<Figure>> {
    let count = (windows + 1) as usize * REQUESTS as usize * 100 + 500;
    measured.fill(count);
    let mut source = connector.source(measured.settings()).await?;
    let mut arrivals = Arrivals::start();
    source.open(None).await?;
    while arrivals.all() < count as u64 {
        arrivals.add(next(&mut source).await?.len());
    }
    let counters = measured.account().counters();
    let memory = memory(source.pid());
    source.finish().await?;

    let rates = arrivals.rates();
    let share = |rate: f64| format!("{:.1}% of the {ALLOWED:.0} that the quota allows", rate * 100.0 / ALLOWED);
    let steady = rates.steady.unwrap_or(rates.overall);
    let mut figures = vec![
        Figure::new("records a second, steady", steady, "records/s")
            .at_least(0.95 * ALLOWED)
            .note(format!("{}; over whole windows after the first", share(steady))),
        Figure::new("records a second, overall", rates.overall, "records/s")
            .note(format!("{count} records in {:.1} s", arrivals.took().as_secs_f64())),
        Figure::new("requests per 1000 records", per_thousand(counters.requests, arrivals.all()), "").at_most(11.0),
        Figure::new("answers 429", counters.rate_limited as f64, "").at_most(0.0),
        Figure::new("most requests in ten seconds", counters.peak_in_window as f64, "").at_most(f64::from(REQUESTS)),
    ];
    figures.extend(memory);
    Ok(figures)
}

/// Follows changes that are made at this pace.
pub(crate) async fn changes(connector: &Connector, measured: &Measured, pace: Pace) -> Result<Vec<Figure>> {
    let ids = measured.fill(pace.all);
    let account = measured.account();
    let settings = plugin::with(measured.settings(), &[("snapshot", "false")]);
    let mut source = connector.source(settings).await?;
    source.open(None).await?;
    // It follows once it has searched.
    let deadline = Instant::now() + PATIENCE;
    while !account.counters().by_endpoint.keys().any(|endpoint| endpoint.contains("/search")) {
        ensure!(Instant::now() < deadline, "the source doesn't follow");
        // Nothing has changed, so nothing can come, except an error.
        let _ = timeout(Duration::from_millis(50), source.next()).await.map_or(Ok(Vec::new()), |records| records)?;
    }
    account.reset_counters();

    let changing = tokio::spawn({
        let (account, ids) = (account.clone(), ids.clone());
        async move {
            for ids in ids.chunks(pace.at_once) {
                for id in ids {
                    account.update("contacts", id, serde_json::json!({"firstname": "Changed"}));
                }
                sleep(pace.pause).await;
            }
        }
    });
    let mut arrivals = Arrivals::start();
    let mut missing: HashSet<String> = ids.into_iter().collect();
    while !missing.is_empty() {
        let records = next(&mut source).await?;
        arrivals.add(records.len());
        for record in records {
            let record = opencdc::Record::try_from(record)?;
            missing.remove(&end_to_end::replica::id(&record)?);
        }
    }
    changing.await?;
    let counters = account.counters();
    let searches: u64 =
        counters.by_endpoint.iter().filter(|(endpoint, _)| endpoint.contains("/search")).map(|(_, count)| count).sum();
    let settled = settle(measured).await?;
    let memory = memory(source.pid());
    source.finish().await?;

    let requests = Figure::new("requests per 1000 records", per_thousand(counters.requests, arrivals.all()), "")
        .note(format!("{searches} searches, {} other", counters.requests - searches));
    let mut figures = vec![
        Figure::new("records a second", arrivals.rates().overall, "records/s").note(format!(
            "{} records in {:.1} s; five searches of 200 allow 1000",
            arrivals.all(),
            arrivals.took().as_secs_f64()
        )),
        pace.at_most.map_or(requests.clone(), |bound| requests.clone().at_most(bound)),
        Figure::new("the same, settled too", per_thousand(settled, arrivals.all()), "").note(
            "with the second reading of what has become older than cdc.settleLag, which finds what the index showed late",
        ),
        Figure::new("repeated records", arrivals.all() as f64 - pace.all as f64, ""),
        Figure::new("answers 429", counters.rate_limited as f64, "").at_most(0.0),
    ];
    figures.extend(memory);
    Ok(figures)
}

/// Lets HubSpot's clock pass the lag, and waits until the source has read again what lies behind it: how many requests there were in all.
async fn settle(measured: &Measured) -> Result<u64> {
    let searches = || {
        let counters = measured.account().counters();
        let all = counters.by_endpoint.iter().filter(|(endpoint, _)| endpoint.contains("/search"));
        (all.map(|(_, count)| count).sum::<u64>(), counters.requests)
    };
    measured.emulator.advance(chrono::TimeDelta::minutes(11));
    let deadline = Instant::now() + 3 * PATIENCE;
    loop {
        let (before, _) = searches();
        sleep(LOOK).await;
        let (after, requests) = searches();
        // What remains are the polls that find nothing.
        if after - before <= IDLE_POLLS {
            return Ok(requests);
        }
        ensure!(Instant::now() < deadline, "the source doesn't come to rest");
    }
}

/// The next message, acknowledged.
async fn next(source: &mut SourceDriver) -> Result<Vec<conduit_connector_protocol::proto::opencdc::v1::Record>> {
    let Ok(records) = timeout(PATIENCE + WINDOW, source.next_wire()).await else {
        anyhow::bail!("nothing came for {PATIENCE:?}");
    };
    let records = records?;
    source.ack(records.iter().map(|record| Position::new(record.position.clone())).collect()).await?;
    Ok(records)
}
