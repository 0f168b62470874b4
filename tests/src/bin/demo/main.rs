//! `cargo xtask demo`: the connector at work, on a machine with only Rust.
//!
//! An emulated HubSpot with two accounts. The real plugin reads the first: a snapshot, then the changes that people make while it
//! runs. One of its processes is killed meanwhile, and another goes on from where it was. Destination processes of the same plugin write all of it into the second account, which is empty. At the end both
//! accounts are compared with what should be there.
#![allow(clippy::print_stdout, reason = "a program for people: what it has to say goes to stdout")]

mod account;
mod changes;
mod destination;
mod look_up;
mod plan;
mod progress;
mod report;
mod source;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use hubspot_emulator::{Emulator, Limits, Settings};

use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::Report;

/// The account that is read.
const FROM: &str = "pat-demo-source-account";

/// The account that is written.
const TO: &str = "pat-demo-target-account";

/// See the connector work: an emulated HubSpot, the real plugin, a snapshot, live changes, a copy into a second account.
///
/// The emulated HubSpot has the limits of a Pro account (190 requests in ten seconds, 5 searches a second), takes its time to
/// answer, and its search index shows a change 0.5 to 2 seconds late. While people change the first account, the source of contacts
/// is killed (kill -9), and a new one goes on from the last acknowledged position.
///
/// HubSpot gives an object another id in the second account. The demo looks those ids up by a value that no two objects share
/// (email, domain, …) and puts them into the records' keys; in a pipeline of yours a processor has to do so, or address the objects by
/// a unique property (idProperty).
///
/// Exits with 0 only if everything arrived in both accounts.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask demo --", version)]
struct Arguments {
    /// Contacts in the first account
    #[arg(long, default_value_t = 10_000)]
    contacts: usize,
    /// Companies in the first account
    #[arg(long, default_value_t = 2_000)]
    companies: usize,
    /// Deals in the first account
    #[arg(long, default_value_t = 500)]
    deals: usize,
    /// Blog posts in the first account
    #[arg(long, default_value_t = 50)]
    posts: usize,
    /// Milliseconds that HubSpot takes for an answer
    #[arg(long, default_value_t = 20)]
    latency: u64,
    /// Makes the emulator's choices repeatable: how late the index is, and what people change
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lines instead of a progress bar, as when the output is no terminal
    #[arg(long)]
    plain: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How late the emulated search index shows a change: the least and the most.
const INDEX_LAG: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));

/// Plays the demo; whether everything arrived.
async fn run(arguments: &Arguments) -> Result<bool> {
    let started = Instant::now();
    let plans = plan::all(arguments)?;
    let settings = Settings {
        limits: Limits::PRO,
        index_lag: Some(INDEX_LAG),
        latency: Duration::from_millis(arguments.latency),
        seed: arguments.seed,
        ..Settings::default()
    };
    let emulator = Emulator::builder()
        .account(FROM)
        .account(TO)
        .settings(settings)
        .start()
        .await
        .context("cannot start the HubSpot emulator")?;
    let url = emulator.url();
    let (from, to) = (emulator.account(FROM), emulator.account(TO));
    println!("an emulated HubSpot with two accounts listens on {url}");
    introduce(&from.settings());

    let mut report = Report::default();
    let progress = Progress::new(arguments.plain);
    progress.stage("filling the first account", plans.iter().map(|plan| plan.count as u64).sum(), "objects");
    for plan in &plans {
        account::fill(&from, plan);
        progress.advance(plan.count as u64);
    }
    account::settle(&emulator);

    let mut streams = Vec::new();
    for plan in &plans {
        progress.stage(&format!("snapshot of {}", plan.resource.name), plan.count as u64, "records");
        streams.push(source::Stream::open(&url, FROM, plan).await?);
        let stream = streams.last_mut().context("a stream has just been opened")?;
        stream.snapshot(&from, &progress, &mut report).await?;
    }

    let streams = changes::follow(streams, &from, arguments.seed, &progress, &mut report).await?;

    let mut copies = Vec::new();
    for stream in streams {
        let plan = stream.plan;
        let held = stream.close().await?;
        report.compare(
            &format!("{} read", plan.resource.name),
            &held.replica.difference(&from.objects(&plan.hubspot_name)),
        );
        copies.push((plan, held));
    }
    progress.note("HubSpot gives each object another id in the second account. The demo finds it by a unique value and puts it into");
    progress.note("the record's key; in a pipeline a processor has to do so, or address objects by a unique property (idProperty).");
    for (plan, held) in copies {
        destination::copy(&url, TO, &to, plan, held, &progress, &mut report).await?;
        report.compare(&format!("{} written", plan.resource.name), &account::copied(&from, &to, plan));
    }
    progress.done();

    report.refused = [&from, &to].map(|account| account.counters().rate_limited);
    report.print(started.elapsed());
    Ok(report.all_arrived())
}

/// Says what the emulator makes the connector cope with.
fn introduce(settings: &Settings) {
    if let Limits::TenSecondly { per_10s, search_per_s, .. } = settings.limits {
        println!(
            "  limits of a Pro account, for each: {per_10s} requests in ten seconds (search not counted), {search_per_s} searches a \
             second"
        );
    }
    println!("  {} ms for an answer", settings.latency.as_millis());
    if let Some((least, most)) = settings.index_lag {
        println!("  search shows a change {} to {} s late", least.as_secs_f64(), most.as_secs_f64());
    }
}

/// Everything about the source's process that both halves need to say.
fn settings(url: &str, token: &str, plan: &Plan) -> conduit_connector_acceptance::Settings {
    end_to_end::plugin::settings(url, token, plan.resource.name)
}
