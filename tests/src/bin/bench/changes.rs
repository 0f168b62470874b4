//! The source: what following changes costs in requests, with both cursors.
//!
//! Several sources are measured side by side, each with an account of its own, and one that has nothing to do: what that one asks
//! in the same time, any source asks.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use conduit_connector_acceptance::{Connector, SourceDriver};
use end_to_end::plugin;
use futures::future::try_join_all;
use hubspot_emulator::{Account, Counters, Settings};
use opencdc::Record;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use crate::figure::Figure;
use crate::measured::{LATENCY, Measured, acknowledge, memory, per_thousand, searches, until_it_follows};
use crate::window::Arrivals;

/// `pollingPeriod` and `cdc.settleLag`: a tenth of the defaults, so that what is behind the lag is soon read again, and a source polls
/// as often meanwhile as it does with these.
const SETTINGS: [(&str, &str); 2] = [("pollingPeriod", "500ms"), ("cdc.settleLag", "60s")];

/// How long it may take from the last change until all are settled.
const PATIENCE: Duration = Duration::from_mins(4);

/// By how much the source's notion of HubSpot's clock may be behind it: `Date` has whole seconds, and is as old as the last answer.
const CLOCK_MARGIN: Duration = Duration::from_secs(8);

/// How changes are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    name: &'static str,
    /// How many in all.
    all: usize,
    /// How many at once, which puts them into one millisecond or two.
    at_once: usize,
    /// The pause behind these.
    pause: Duration,
    /// The most that the search index is late.
    index_lag: Duration,
    /// Whether they are made so slowly that how fast they come says nothing.
    trickles: bool,
    /// The bound on requests per 1000 changes, those of an idle source not counted.
    at_most: Option<f64>,
}

const PACES: [Pace; 4] = [
    Pace {
        name: "4000 by 100 a second, as many people make them",
        all: 4_000,
        trickles: true,
        at_once: 1,
        pause: Duration::from_millis(10),
        index_lag: Duration::ZERO,
        at_most: Some(6.0),
    },
    Pace {
        name: "the same, in an index that is up to 10 s late",
        all: 4_000,
        trickles: true,
        at_once: 1,
        pause: Duration::from_millis(10),
        index_lag: Duration::from_secs(10),
        at_most: Some(6.0),
    },
    Pace {
        name: "10000 in a burst, as an integration makes them",
        all: 10_000,
        trickles: false,
        at_once: 20,
        pause: Duration::from_millis(5),
        index_lag: Duration::ZERO,
        at_most: Some(6.0),
    },
    // Such a page can't be told from the next by its timestamps alone.
    Pace {
        name: "10000 of an import, 500 in a millisecond",
        all: 10_000,
        trickles: false,
        at_once: 500,
        pause: Duration::from_millis(50),
        index_lag: Duration::ZERO,
        at_most: None,
    },
];

/// Requests that a source has made since it follows, by how long that is.
type Requests = Mutex<Vec<(Duration, u64)>>;

/// Follows changes at all paces, side by side; the figures of each.
pub(crate) async fn all(connector: &Connector) -> Result<Vec<(&'static str, Vec<Figure>)>> {
    let idle = Requests::default();
    let paces = PACES.map(|pace| async move {
        let outcome = follow(connector, pace).await.with_context(|| format!("changes, {}", pace.name))?;
        anyhow::Ok((pace, outcome))
    });
    let outcomes = tokio::select! {
        outcomes = try_join_all(paces) => outcomes?,
        error = do_nothing(connector, &idle) => return Err(error.context("a source without changes")),
    };
    let idle = idle.into_inner().unwrap_or_else(PoisonError::into_inner);
    let idle_in =
        |lasted: Duration| idle.iter().take_while(|(at, _)| *at <= lasted).last().map_or(0, |(_, count)| *count);
    Ok(outcomes
        .into_iter()
        .map(|(pace, outcome)| (pace.name, outcome.figures(pace, idle_in(outcome.lasted))))
        .collect())
}

/// Follows where nothing changes, for as long as it is let; why it can't.
async fn do_nothing(connector: &Connector, requests: &Requests) -> anyhow::Error {
    let doing = async {
        let measured = Measured::start("idle beside changes").await?;
        measured.fill(1_000);
        let mut source = follows(connector, &measured).await?;
        let began = Instant::now();
        loop {
            let count = measured.account().counters().requests;
            requests.lock().unwrap_or_else(PoisonError::into_inner).push((began.elapsed(), count));
            if let Ok(records) = timeout(Duration::from_millis(500), source.next()).await {
                bail!("records came, though nothing changed: {:?}", records?);
            }
        }
    };
    doing.await.map_or_else(|error| error, |(): ()| anyhow!("it ended"))
}

/// A source without a snapshot that has begun to follow. The counters are at zero.
async fn follows(connector: &Connector, measured: &Measured) -> Result<SourceDriver> {
    let settings = plugin::with(plugin::with(measured.settings(), &SETTINGS), &[("snapshot", "false")]);
    let mut source = connector.source(settings).await?;
    source.open(None).await?;
    until_it_follows(&mut source, &measured.account()).await?;
    measured.account().reset_counters();
    Ok(source)
}

/// What one source did.
struct Outcome {
    arrivals: Arrivals,
    counters: Counters,
    /// From the first change until all were settled.
    lasted: Duration,
    memory: Option<Figure>,
}

/// Follows changes at one pace, until all have come and the settled cursor is behind them.
async fn follow(connector: &Connector, pace: Pace) -> Result<Outcome> {
    let index_lag = (!pace.index_lag.is_zero()).then_some((Duration::from_millis(100), pace.index_lag));
    let settings = Settings { latency: LATENCY, index_lag, ..Settings::default() };
    let measured = Measured::start_with("changes", settings).await?;
    let account = measured.account();
    let ids = measured.fill(pace.all);
    // A line a minute says how far behind the settled cursor is.
    let unsettled: Arc<Mutex<Option<(Instant, Duration)>>> = Arc::default();
    let connector = connector.clone().logs({
        let unsettled = Arc::clone(&unsettled);
        move |line| {
            if let Some(millis) = line.fields.get("unsettled_ms").and_then(Value::as_u64) {
                let said = Some((Instant::now(), Duration::from_millis(millis)));
                *unsettled.lock().unwrap_or_else(PoisonError::into_inner) = said;
            }
        }
    });
    let mut source = follows(&connector, &measured).await?;

    let mut arrivals = Arrivals::start();
    let began = Instant::now();
    let changing = tokio::spawn(change(account.clone(), ids.clone(), pace));
    let mut missing: HashSet<String> = ids.into_iter().collect();
    while !missing.is_empty() {
        ensure!(began.elapsed() < PATIENCE, "{} of {} changes didn't come", missing.len(), pace.all);
        let Ok(records) = timeout(Duration::from_secs(1), source.next_wire()).await else { continue };
        let records = records?;
        acknowledge(&source, &records).await?;
        arrivals.add(records.len());
        for record in records {
            missing.remove(&end_to_end::replica::id(&Record::try_from(record)?)?);
        }
    }
    let last_change = changing.await?;
    loop {
        let said = *unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_some_and(|(at, unsettled)| at.saturating_duration_since(last_change) > unsettled + CLOCK_MARGIN) {
            break;
        }
        ensure!(last_change.elapsed() < PATIENCE, "not settled within {PATIENCE:?}: {said:?}");
        let Ok(records) = timeout(Duration::from_millis(500), source.next_wire()).await else { continue };
        let records = records?;
        acknowledge(&source, &records).await?;
        arrivals.add(records.len());
    }
    let (lasted, counters, memory) = (began.elapsed(), account.counters(), memory(source.pid(), 25.0));
    source.finish().await?;
    Ok(Outcome { arrivals, counters, lasted, memory })
}

/// Changes each object once; when that was done.
async fn change(account: Account, ids: Vec<String>, pace: Pace) -> Instant {
    let began = Instant::now();
    for (number, ids) in (0..).zip(ids.chunks(pace.at_once)) {
        sleep_until(began + pace.pause * number).await;
        for id in ids {
            account.update("contacts", id, json!({"firstname": "Changed"}));
        }
    }
    Instant::now()
}

impl Outcome {
    fn figures(&self, pace: Pace, idle: u64) -> Vec<Figure> {
        let Self { arrivals, counters, lasted, memory } = self;
        let changed = pace.all as u64;
        let all =
            Figure::new("requests per 1000 changed, all", per_thousand(counters.requests, changed), "").note(format!(
                "{} searches and {} other in {:.0} s, until all is settled",
                searches(counters),
                counters.requests - searches(counters),
                lasted.as_secs_f64()
            ));
        let beyond = counters.requests.saturating_sub(idle);
        let beyond = Figure::new("the same beyond an idle source's", per_thousand(beyond, changed), "")
            .note(format!("which makes {idle} requests in that time"));
        let mut figures = vec![
            all,
            pace.at_most.map_or(beyond.clone(), |bound| beyond.clone().at_most(bound)),
            Figure::new("repeated records", arrivals.all() as f64 - pace.all as f64, ""),
            Figure::new("answers 429", counters.rate_limited as f64, "").at_most(0.0),
        ];
        if !pace.trickles {
            let took = format!("{} records in {:.1} s", arrivals.all(), arrivals.took().as_secs_f64());
            figures.insert(0, Figure::new("records a second", arrivals.rates().overall, "records/s").note(took));
        }
        figures.extend(memory.clone());
        figures
    }
}
