//! `cargo xtask bench`: how fast the connector is, how many calls it makes, how much memory it takes, how soon it is there.
//!
//! Against an emulated HubSpot that takes 50 ms for an answer and allows 190 requests in ten seconds and 5 searches a second, as a
//! Pro account does. The plugin is the real process, driven over gRPC. The Go connector v0.1.0 does the same work where Go is there
//! to build it.
#![allow(clippy::print_stdout, reason = "a program for people: what it has to say goes to stdout")]

mod figure;
mod go;
mod reading;
mod starting;
mod window;
mod writing;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use hubspot_emulator::{Emulator, Limits, Settings};

use crate::figure::{Figure, Report};

/// How long the emulated HubSpot takes for an answer.
const LATENCY: Duration = Duration::from_millis(50);

/// Measure the connector against an emulated HubSpot with 50 ms an answer, 190 requests in ten seconds and 5 searches a second.
///
/// Takes about four minutes with the Go connector, three without. Exits with 0 unless something could not be measured; a figure
/// beyond its bound says MISSED.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench --", version)]
struct Arguments {
    /// How many of HubSpot's windows of ten seconds reading and writing are measured for, after a first one that doesn't count
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
    windows: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// Leave the Go connector out
    #[arg(long)]
    without_go: bool,
    /// Where the Go module is that runs the Go connector
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/goconnector"))]
    go_module: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let connector = end_to_end::plugin::connector()?;
    let mut report = Report::new(arguments.json);

    report.section("start");
    report.add(starting::median(&connector).await.context("starting the plugin")?);

    report.section("source: a snapshot of one resource");
    let account = Measured::start("snapshot").await?;
    report.add_all(reading::snapshot(&connector, &account, arguments.windows).await.context("reading a snapshot")?);

    for (what, pace) in
        [("as many people make them", reading::BUSY), ("of an import, 500 a millisecond", reading::IMPORT)]
    {
        report.section(&format!("source: following changes, {what}"));
        let account = Measured::start("changes").await?;
        report.add_all(reading::changes(&connector, &account, pace).await.context("following changes")?);
    }

    report.section("destination: creating objects of one resource");
    let account = Measured::start("destination").await?;
    report.add_all(writing::creations(&connector, &account, arguments.windows).await.context("writing")?);

    if arguments.without_go {
        report.skip("the Go connector v0.1.0: --without-go was given");
    } else {
        go(&arguments.go_module, &mut report).await?;
    }
    report.print();
    Ok(())
}

/// The Go connector on the same work, or why not.
async fn go(module: &Path, report: &mut Report) -> Result<()> {
    let built = match go::Built::new(module).await {
        Ok(built) => built,
        Err(reason) => {
            report.skip(&format!("the Go connector v0.1.0: {reason:#}"));
            return Ok(());
        }
    };
    report.section("the Go connector v0.1.0 on the same work, 20 s each");
    match built.start().await {
        Ok(figure) => report.add(figure),
        Err(reason) => report.skip(&format!("the Go connector's start: {reason:#}")),
    }
    let account = Measured::start("go source").await?;
    report.add_all(built.snapshot(&account).await.context("the Go connector's source")?);
    let account = Measured::start("go destination").await?;
    // It is its client that tries again after a 429, and the program that runs it replaces that client.
    account.account().set_settings(|settings| settings.limits = Limits::Off);
    report.add_all(built.creations(&account).await.context("the Go connector's destination")?);
    Ok(())
}

/// An emulator with HubSpot's limits for one measurement, with one account.
struct Measured {
    emulator: Emulator,
    token: String,
}

impl Measured {
    async fn start(what: &str) -> Result<Self> {
        let token = format!("pat-bench-{}", what.replace(' ', "-"));
        let settings = Settings { limits: Limits::PRO, latency: LATENCY, ..Settings::default() };
        let emulator = Emulator::builder().account(&token).settings(settings).start().await.context("the emulator")?;
        Ok(Self { emulator, token })
    }

    fn account(&self) -> hubspot_emulator::Account {
        self.emulator.account(&self.token)
    }

    fn settings(&self) -> conduit_connector_acceptance::Settings {
        end_to_end::plugin::settings(&self.emulator.url(), &self.token, "crm.contacts")
    }

    /// Fills the account with contacts that are older than whatever is read next.
    fn fill(&self, count: usize) -> Vec<String> {
        let ids = self.account().create_many("contacts", count, contact);
        self.emulator.advance(chrono::TimeDelta::seconds(60));
        self.account().reset_counters();
        ids
    }
}

/// The properties of the `number`th contact.
fn contact(number: usize) -> serde_json::Value {
    serde_json::json!({
        "email": format!("person{number}@example.com"),
        "firstname": "Person",
        "lastname": format!("Number {number}"),
    })
}

/// The peak memory of a plugin process, with its bound.
fn memory(pid: Option<u32>) -> Option<Figure> {
    let bytes = end_to_end::process::peak_memory(pid?)?;
    Some(Figure::new("peak memory of the plugin", mebibytes(bytes), "MiB").at_most(25.0))
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Requests per thousand records.
fn per_thousand(requests: u64, records: u64) -> f64 {
    requests as f64 * 1000.0 / records.max(1) as f64
}
