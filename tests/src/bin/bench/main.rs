//! `cargo xtask bench`: how fast the connector is, how many calls it makes, how much memory it takes, how soon it is there.
//!
//! Against an emulated HubSpot that allows 190 requests in ten seconds and 5 searches a second, as a Pro account does, and takes
//! 50 ms for an answer, or 300 ms where that is said. The plugin is the real process, driven over gRPC; its memory is that
//! process's alone. The Go connector v0.1.0 does the same work where Go is there to build it.
#![allow(clippy::print_stdout, reason = "a program for people: what it has to say goes to stdout")]

mod changes;
mod delay;
mod figure;
mod go;
mod idle;
mod measured;
mod snapshot;
mod starting;
mod window;
mod wire;
mod writing;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use conduit_connector_acceptance::Connector;
use hubspot_emulator::Limits;

use crate::figure::Report;
use crate::measured::Measured;
use crate::snapshot::Work;

/// Measure the connector against an emulated HubSpot with 190 requests in ten seconds and 5 searches a second.
///
/// Takes about ten minutes with the Go connector, nine without; `--only` has parts of it. Exits with 0 unless something could not be measured; a figure
/// beyond its bound says MISSED.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench --", version)]
struct Arguments {
    /// Measure these alone
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// How many of HubSpot's windows of ten seconds a small snapshot and writing are measured for, after a first one that doesn't
    /// count
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
    /// Where the Go module is that drives both SDKs with Conduit's client
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/interop"))]
    interop: PathBuf,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From the start of the process to its handshake
    Start,
    /// A snapshot of one resource, at 50 ms an answer
    Snapshot,
    /// A snapshot of 200000 contacts, at 300 ms an answer
    Large,
    /// Snapshots of eight resources at once, at 300 ms an answer
    Resources,
    /// Requests for changes, with both cursors
    Changes,
    /// Requests of a source that has nothing to do
    Idle,
    /// From change to record, with twenty resources
    Delay,
    /// The destination: creating objects
    Destination,
    /// The Go connector
    Go,
    /// Connectors of this project's SDK beside ones of Conduit's Go SDK, under Conduit's client
    Wire,
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
    for part in Part::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(part) {
            continue;
        }
        measure(*part, &connector, arguments, &mut report).await?;
    }
    report.print();
    Ok(())
}

async fn measure(part: Part, connector: &Connector, arguments: &Arguments, report: &mut Report) -> Result<()> {
    match part {
        Part::Start => {
            report.section("start");
            report.add(starting::median(connector).await.context("starting the plugin")?);
        }
        Part::Snapshot => {
            report.section("source: a snapshot of one resource");
            let work = Work::of(arguments.windows);
            report.add_all(snapshot::one(connector, work).await.context("reading a snapshot")?);
        }
        Part::Large => {
            report.section("source: a snapshot of 200000 contacts, 300 ms an answer");
            report.add_all(snapshot::one(connector, Work::LARGE).await.context("reading a large snapshot")?);
        }
        Part::Resources => {
            report.section("source: snapshots of eight resources at once, 300 ms an answer");
            report.add_all(snapshot::eight(connector).await.context("reading eight resources")?);
        }
        Part::Changes => {
            for (pace, figures) in changes::all(connector).await.context("following changes")? {
                report.section(&format!("source: following changes, {pace} (pollingPeriod 500ms, cdc.settleLag 60s)"));
                report.add_all(figures);
            }
        }
        Part::Idle => {
            report.section("source: following where nothing changes, default settings, each resource");
            report.add_all(idle::cost(connector).await.context("following where nothing changes")?);
        }
        Part::Delay => {
            report.section("source: twenty resources at once");
            report.add_all(delay::to_record(connector).await.context("following twenty resources")?);
        }
        Part::Destination => {
            report.section("destination: creating objects of one resource");
            let account = Measured::start("destination").await?;
            report.add_all(writing::creations(connector, &account, arguments.windows).await.context("writing")?);
            report.section("destination: creating objects without limits, at no latency");
            let account = Measured::start("destination without limits").await?;
            report.add_all(writing::unlimited(connector, &account).await.context("writing without limits")?);
        }
        Part::Go if arguments.without_go => report.skip("the Go connector v0.1.0: --without-go was given"),
        Part::Go => go(&arguments.go_module, report).await?,
        Part::Wire if arguments.without_go => report.skip("both SDKs over the wire: --without-go was given"),
        Part::Wire => match wire::side_by_side(&arguments.interop).await {
            Ok(sections) => {
                for (section, figures) in sections {
                    report.section(section);
                    report.add_all(figures);
                }
            }
            Err(reason) => report.skip(&format!("both SDKs over the wire: {reason:#}")),
        },
    }
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
