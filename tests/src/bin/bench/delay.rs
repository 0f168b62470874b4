//! The source: how soon a change is a record, with twenty resources in one source.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use conduit_connector_acceptance::Connector;
use end_to_end::plugin;
use hubspot_catalog::{RESOURCES, Resource};
use opencdc::Record;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::figure::Figure;
use crate::measured::{Measured, PATIENCE, acknowledge, memory, searches, until_it_follows};

/// Resources in one source.
const COUNT: usize = 20;

/// Objects of each.
const OBJECTS: usize = 50;

/// How long changes are made.
const LASTS: Duration = Duration::from_mins(1);

/// `pollingPeriod`: the default.
const POLLING_PERIOD: f64 = 5.0;

/// From changes at random moments, in random resources, to their records.
pub(crate) async fn to_record(connector: &Connector) -> Result<Vec<Figure>> {
    let measured = Measured::start("delay").await?;
    let account = measured.account();
    let resources: Vec<&'static Resource> = RESOURCES.iter().filter(|resource| resource.is_crm()).take(COUNT).collect();
    ensure!(resources.len() == COUNT, "the catalogue has {} CRM resources", resources.len());
    let mut objects = Vec::new();
    for resource in &resources {
        let ids = account.create_many(
            &plugin::hubspot_name(resource),
            OBJECTS,
            |number| json!({"name": format!("Number {number}")}),
        );
        objects.extend(ids.into_iter().map(|id| (*resource, id)));
    }
    measured.rest();
    let names = resources.iter().map(|resource| resource.name).collect::<Vec<_>>().join(",");
    let settings = plugin::with(measured.settings_of(&names), &[("snapshot", "false")]);
    let mut source = connector.source(settings).await?;
    source.open(None).await?;
    until_it_follows(&mut source, &account).await?;
    // All of them have polled by then, and their polls have found their times.
    let _ = timeout(Duration::from_secs(10), source.next()).await;
    account.reset_counters();

    let mut rng = fastrand::Rng::with_seed(20);
    rng.shuffle(&mut objects);
    let began = Instant::now();
    let changing = tokio::spawn({
        let account = account.clone();
        async move {
            let mut changed = HashMap::new();
            while began.elapsed() < LASTS
                && let Some((resource, id)) = objects.pop()
            {
                sleep(Duration::from_millis(rng.u64(20..300))).await;
                account.update(&plugin::hubspot_name(resource), &id, json!({"name": "Changed"}));
                changed.insert((resource.name.to_owned(), id), Instant::now());
            }
            changed
        }
    });
    let mut came = HashMap::new();
    while !changing.is_finished() || began.elapsed() < LASTS + Duration::from_secs(15) {
        ensure!(began.elapsed() < LASTS + PATIENCE, "people don't come to an end");
        let Ok(records) = timeout(Duration::from_millis(100), source.next_wire()).await else { continue };
        let (records, now) = (records?, Instant::now());
        acknowledge(&source, &records).await?;
        for record in records {
            let record = Record::try_from(record)?;
            let collection = record.metadata.collection().unwrap_or_default().to_owned();
            came.entry((collection, end_to_end::replica::id(&record)?)).or_insert(now);
        }
    }
    let changed = changing.await?;
    let counters = account.counters();
    let memory = memory(source.pid(), 40.0);
    source.finish().await?;
    let mut delays = Vec::with_capacity(changed.len());
    for (object, at) in &changed {
        let Some(came) = came.get(object) else { anyhow::bail!("the change of {object:?} didn't come") };
        delays.push(came.saturating_duration_since(*at).as_secs_f64());
    }
    delays.sort_by(f64::total_cmp);
    let part = |part: f64| delays[((delays.len() - 1) as f64 * part) as usize];
    let mut figures = vec![
        Figure::new("from change to record, p50", part(0.5), "s")
            .at_most(POLLING_PERIOD + 1.0)
            .note(format!("{} changes in {COUNT} resources, pollingPeriod {POLLING_PERIOD} s", delays.len())),
        Figure::new("from change to record, p95", part(0.95), "s"),
        Figure::new("from change to record, slowest", part(1.0), "s"),
        Figure::new("searches a second", searches(&counters) as f64 / began.elapsed().as_secs_f64(), "")
            .note("HubSpot allows 5 an account"),
        Figure::new("answers 429", counters.rate_limited as f64, "").at_most(0.0),
    ];
    figures.extend(memory);
    Ok(figures)
}
