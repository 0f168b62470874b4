//! The source: snapshots, of one resource and of eight at once.

use std::time::Duration;

use anyhow::{Result, bail};
use conduit_connector_acceptance::Connector;
use hubspot_emulator::Settings;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use crate::figure::Figure;
use crate::measured::{
    LATENCY, Measured, PATIENCE, SLOW, acknowledge, counted_in_window, memory, next, per_thousand, searches,
};
use crate::window::{ALLOWED, Arrivals, REQUESTS, WINDOW};

/// How much there is to read, and how fast it has to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) objects: usize,
    pub(crate) latency: Duration,
    /// Records a second.
    pub(crate) at_least: f64,
    /// MiB.
    pub(crate) memory: f64,
}

impl Work {
    /// What takes the windows asked for, a first one before them, and a little more.
    pub(crate) fn of(windows: u32) -> Self {
        let objects = (windows + 1) as usize * REQUESTS as usize * 100 + 500;
        Self { objects, latency: LATENCY, at_least: 0.95 * ALLOWED, memory: 25.0 }
    }

    /// A large account, and HubSpot's usual time for an answer.
    pub(crate) const LARGE: Self = Self { objects: 200_000, latency: SLOW, at_least: 1_800.0, memory: 40.0 };
}

/// Reads a snapshot of contacts.
pub(crate) async fn one(connector: &Connector, work: Work) -> Result<Vec<Figure>> {
    let measured = Measured::start_with("snapshot", Settings { latency: work.latency, ..Settings::default() }).await?;
    let count = work.objects;
    measured.fill(count);
    let mut source = connector.source(measured.settings()).await?;
    let mut arrivals = Arrivals::start();
    source.open(None).await?;
    while arrivals.all() < count as u64 {
        arrivals.add(next(&mut source).await?.len());
    }
    let counters = measured.account().counters();
    let memory = memory(source.pid(), work.memory);
    source.finish().await?;

    let rates = arrivals.rates();
    let share = |rate: f64| format!("{:.1}% of the {ALLOWED:.0} that the quota allows", rate * 100.0 / ALLOWED);
    let steady = rates.steady.unwrap_or(rates.overall);
    let mut figures = vec![
        Figure::new("records a second, steady", steady, "records/s")
            .at_least(work.at_least)
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

/// Eight resources, and how many objects each has.
const EIGHT: [(&str, &str, usize); 8] = [
    ("crm.contacts", "contacts", 40_000),
    ("crm.companies", "companies", 30_000),
    ("crm.deals", "deals", 25_000),
    ("crm.tickets", "tickets", 20_000),
    ("crm.notes", "notes", 15_000),
    ("crm.calls", "calls", 10_000),
    ("crm.tasks", "tasks", 8_000),
    ("crm.products", "products", 5_000),
];

/// Reads snapshots of eight resources at once.
pub(crate) async fn eight(connector: &Connector) -> Result<Vec<Figure>> {
    let measured = Measured::start_with("resources", Settings { latency: SLOW, ..Settings::default() }).await?;
    let account = measured.account();
    for (_, object_type, count) in EIGHT {
        account.create_many(object_type, count, |number| json!({"name": format!("Number {number}")}));
    }
    measured.rest();
    let count = EIGHT.iter().map(|(.., count)| *count as u64).sum();

    let mut source = connector.source(measured.settings_of(&EIGHT.map(|(resource, ..)| resource).join(","))).await?;
    let mut arrivals = Arrivals::start();
    let began = Instant::now();
    source.open(None).await?;
    // At the end of each window: the requests so far, and whether there was work for another window.
    let mut marks: Vec<(u64, bool)> = Vec::new();
    let a_window = u64::from(REQUESTS) * 100;
    while arrivals.all() < count {
        let mark = began + WINDOW * (marks.len() as u32 + 1);
        if Instant::now() >= mark {
            marks.push((counted_in_window(&account), count - arrivals.all() > a_window));
            continue;
        }
        let Ok(records) = timeout_at(mark.min(Instant::now() + PATIENCE), source.next_wire()).await else { continue };
        let records = records?;
        acknowledge(&source, &records).await?;
        arrivals.add(records.len());
    }
    let counters = account.counters();
    let memory = memory(source.pid(), 40.0);
    source.finish().await?;

    let busy: Vec<u64> = marks.iter().take_while(|(_, busy)| *busy).map(|(requests, _)| *requests).collect();
    let (Some(first), Some(last), windows @ 2..) = (busy.first(), busy.last(), busy.len()) else {
        bail!("there was work for {} windows alone", busy.len());
    };
    let allowed = (windows - 1) as f64 * f64::from(REQUESTS);
    let mut figures = vec![
        Figure::new("share of the quota used", (last - first) as f64 * 100.0 / allowed, "%")
            .at_least(95.0)
            .note(format!("over {} whole windows after the first, while there was work for more", windows - 1)),
        Figure::new("records a second, overall", arrivals.rates().overall, "records/s").note(format!(
            "{count} records of {} resources, {} down to {}, in {:.1} s",
            EIGHT.len(),
            EIGHT[0].2,
            EIGHT[EIGHT.len() - 1].2,
            arrivals.took().as_secs_f64()
        )),
        Figure::new("requests per 1000 records", per_thousand(counters.requests, arrivals.all()), "")
            .note(format!("{} searches among them", searches(&counters))),
        Figure::new("answers 429", counters.rate_limited as f64, "").at_most(0.0),
    ];
    figures.extend(memory);
    Ok(figures)
}
