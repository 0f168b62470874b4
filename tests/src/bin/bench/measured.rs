//! An emulated HubSpot for one measurement, and what is read off it and off the plugin's process.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use conduit_connector_acceptance::{Settings as Parameters, SourceDriver};
use conduit_connector_protocol::proto::opencdc::v1::Record;
use end_to_end::plugin;
use hubspot_emulator::{Account, Counters, Emulator, Limits, Settings};
use opencdc::Position;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::figure::Figure;
use crate::window::WINDOW;

/// How long the emulated HubSpot takes for an answer, where nothing else is said.
pub(crate) const LATENCY: Duration = Duration::from_millis(50);

/// How long HubSpot is said to take for a page of a hundred objects.
pub(crate) const SLOW: Duration = Duration::from_millis(300);

/// How long nothing may come before a run counts as failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// An emulator with HubSpot's limits for one measurement, with one account.
pub(crate) struct Measured {
    pub(crate) emulator: Emulator,
    pub(crate) token: String,
}

impl Measured {
    pub(crate) async fn start(what: &str) -> Result<Self> {
        Self::start_with(what, Settings { latency: LATENCY, ..Settings::default() }).await
    }

    /// The same with other settings; the limits are HubSpot's all the same.
    pub(crate) async fn start_with(what: &str, settings: Settings) -> Result<Self> {
        let token = format!("pat-bench-{}", what.replace(' ', "-"));
        let settings = Settings { limits: Limits::PRO, history: false, ..settings };
        let emulator = Emulator::builder().account(&token).settings(settings).start().await.context("the emulator")?;
        Ok(Self { emulator, token })
    }

    pub(crate) fn account(&self) -> Account {
        self.emulator.account(&self.token)
    }

    pub(crate) fn settings(&self) -> Parameters {
        self.settings_of("crm.contacts")
    }

    pub(crate) fn settings_of(&self, resource: &str) -> Parameters {
        plugin::settings(&self.emulator.url(), &self.token, resource)
    }

    /// Fills the account with contacts that are older than whatever is read next.
    pub(crate) fn fill(&self, count: usize) -> Vec<String> {
        let ids = self.account().create_many("contacts", count, contact);
        self.rest();
        ids
    }

    /// Lets a minute of HubSpot's clock pass, and counts from zero.
    pub(crate) fn rest(&self) {
        self.emulator.advance(chrono::TimeDelta::seconds(60));
        self.account().reset_counters();
    }
}

/// The properties of the `number`th contact.
pub(crate) fn contact(number: usize) -> Value {
    json!({
        "email": format!("person{number}@example.com"),
        "firstname": "Person",
        "lastname": format!("Number {number}"),
    })
}

/// The requests that were searches.
pub(crate) fn searches(counters: &Counters) -> u64 {
    searches_in(&counters.by_endpoint)
}

fn searches_in(by_endpoint: &BTreeMap<String, u64>) -> u64 {
    by_endpoint.iter().filter(|(endpoint, _)| endpoint.contains("/search")).map(|(_, count)| count).sum()
}

/// The requests that HubSpot's window of ten seconds counts, and accepted.
pub(crate) fn counted_in_window(account: &Account) -> u64 {
    let counters = account.counters();
    counters.requests - searches(&counters) - counters.rate_limited
}

/// Reads, and acknowledges, until the source has asked the index: then it follows changes. Nothing may have changed yet.
pub(crate) async fn until_it_follows(source: &mut SourceDriver, account: &Account) -> Result<()> {
    let following = async {
        while searches(&account.counters()) == 0 {
            // Nothing has changed, so nothing can come, except an error.
            let _ =
                timeout(Duration::from_millis(50), source.next()).await.map_or(Ok(Vec::new()), |records| records)?;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, following).await.context("the source doesn't follow")?
}

/// The next message, acknowledged.
pub(crate) async fn next(source: &mut SourceDriver) -> Result<Vec<Record>> {
    let Ok(records) = timeout(PATIENCE + WINDOW, source.next_wire()).await else {
        bail!("nothing came for {PATIENCE:?}");
    };
    let records = records?;
    acknowledge(source, &records).await?;
    Ok(records)
}

pub(crate) async fn acknowledge(source: &SourceDriver, records: &[Record]) -> Result<()> {
    Ok(source.ack(records.iter().map(|record| Position::new(record.position())).collect()).await?)
}

/// The peak memory of a plugin process, with its bound in MiB.
pub(crate) fn memory(pid: Option<u32>, at_most: f64) -> Option<Figure> {
    let bytes = end_to_end::process::peak_memory(pid?)?;
    Some(Figure::new("peak memory of the plugin", mebibytes(bytes), "MiB").at_most(at_most))
}

pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Requests per thousand records.
pub(crate) fn per_thousand(requests: u64, records: u64) -> f64 {
    requests as f64 * 1000.0 / records.max(1) as f64
}
