//! The destination: creating objects.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::Connector;
use end_to_end::process::cpu_time;
use hubspot_emulator::Limits;
use opencdc::{Data, Metadata, Position, Record};
use serde_json::json;
use tokio::time::timeout;

use crate::figure::Figure;
use crate::measured::{Measured, contact, memory, per_thousand};
use crate::window::{ALLOWED, Arrivals, REQUESTS};

/// Records a message, as Conduit batches them.
const BATCH: usize = 1_000;

/// How long nothing may be answered before a run counts as failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Records of the run without limits.
const UNLIMITED: usize = 150_000;

/// The most memory that writing may take, in MiB.
const MEMORY: f64 = 40.0;

/// Creates as many contacts as the windows asked for allow, and those of a first one.
pub(crate) async fn creations(connector: &Connector, measured: &Measured, windows: u32) -> Result<Vec<Figure>> {
    let count = (windows + 1) as usize * REQUESTS as usize * 100 + 500;
    let Written { arrivals, memory, .. } = write(connector, measured, count).await?;
    let counters = measured.account().counters();
    let rates = arrivals.rates();
    let mut figures = vec![];
    if let Some(steady) = rates.steady {
        figures.push(
            Figure::new("records a second, steady", steady, "records/s").note("over whole windows after the first"),
        );
        figures.push(Figure::new("of what the quota allows", steady * 100.0 / ALLOWED, "%").at_least(95.0));
    }
    figures.extend([
        Figure::new("records a second, overall", rates.overall, "records/s")
            .note(format!("{count} records in {:.1} s", arrivals.took().as_secs_f64())),
        Figure::new("requests per 1000 records", per_thousand(counters.requests, arrivals.all()), "").at_most(11.0),
        Figure::new("answers 429", counters.rate_limited as f64, "").at_most(0.0),
    ]);
    figures.extend(memory);
    Ok(figures)
}

/// Creates contacts in an account that answers at once, and as often as it is asked.
pub(crate) async fn unlimited(connector: &Connector, measured: &Measured) -> Result<Vec<Figure>> {
    measured.account().set_settings(|settings| {
        settings.limits = Limits::Off;
        settings.latency = Duration::ZERO;
    });
    let Written { arrivals, memory, cpu } = write(connector, measured, UNLIMITED).await?;
    let mut figures =
        vec![Figure::new("records a second", arrivals.rates().overall, "records/s").at_least(15_000.0).note(format!(
            "{UNLIMITED} records in {:.1} s; the emulator takes its share of the processors",
            arrivals.took().as_secs_f64()
        ))];
    let per_record = |cpu: Duration| cpu.as_secs_f64() * 1e6 / UNLIMITED as f64;
    figures.extend(cpu.map(|cpu| Figure::new("the plugin's processor time", per_record(cpu), "µs/record")));
    figures.extend(memory);
    Ok(figures)
}

/// What writing came to.
struct Written {
    arrivals: Arrivals,
    memory: Option<Figure>,
    /// The processor time of the plugin's process.
    cpu: Option<Duration>,
}

/// Creates so many contacts, and sees that they are there.
async fn write(connector: &Connector, measured: &Measured, count: usize) -> Result<Written> {
    let mut destination = connector.destination(measured.settings()).await?;
    destination.open().await?;
    let mut arrivals = Arrivals::start();
    let mut refused = Vec::new();
    {
        let (mut sending, mut receiving) = destination.halves();
        let send = async {
            for first in (0..count).step_by(BATCH) {
                sending.send((first..count.min(first + BATCH)).map(record).collect::<Result<_>>()?).await?;
            }
            anyhow::Ok(())
        };
        let receive = async {
            while arrivals.all() < count as u64 {
                let answers = timeout(PATIENCE, receiving.receive()).await.context("no answer came")??;
                arrivals.add(answers.len());
                refused.extend(answers.into_iter().filter_map(|answer| answer.result.err()));
            }
            anyhow::Ok(())
        };
        tokio::try_join!(send, receive)?;
    }
    ensure!(refused.is_empty(), "{} records were refused, the first because: {}", refused.len(), refused[0]);
    let memory = memory(destination.pid(), MEMORY);
    let cpu = destination.pid().and_then(cpu_time);
    destination.finish().await?;
    let there = measured.account().objects("contacts").len();
    ensure!(there == count, "{there} contacts are there, {count} were written");
    Ok(Written { arrivals, memory, cpu })
}

/// A contact that was created elsewhere.
fn record(number: usize) -> Result<Record> {
    let key = Data::from([("id", format!("elsewhere-{number}"))]);
    let after = Data::try_from(json!({"properties": contact(number)}))?;
    Ok(Record::create(Position::new(number.to_string()), Metadata::new(), key, after))
}
