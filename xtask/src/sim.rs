//! `cargo xtask sim`: the simulation that proves that nothing is lost, for as many histories as wanted.
//!
//! It is the test `losing_nothing` of `hubspot-source`, on all cores: each of its tests hands its seeds out to threads.

pub(crate) mod mutations;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::cargo;

/// The package and the test that the simulation is.
const PACKAGE: &str = "hubspot-source";
const TEST: &str = "losing_nothing";

/// What CI runs.
pub(crate) const SEEDS_IN_CI: u64 = 500;

/// What to simulate.
#[derive(Args)]
pub(crate) struct Arguments {
    /// So many histories of each resource
    #[arg(long, default_value_t = SEEDS_IN_CI)]
    seeds: u64,
    /// This history alone, with every request and every record
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// This resource alone, such as `crm.contacts`
    #[arg(long)]
    resource: Option<String>,
    /// Break the engine in the ways of crates/hubspot-source/tests/mutations.toml, one after the other: the simulation has to fail
    #[arg(long, conflicts_with_all = ["seeds", "seed", "resource"])]
    mutations: bool,
    /// With `--mutations`: only those whose name contains this
    #[arg(long, requires = "mutations")]
    only: Option<String>,
}

/// What a test says of one resource.
#[derive(Deserialize)]
struct Line {
    case: String,
    resource: String,
    seeds: u64,
    /// Of HubSpot's time.
    hours: u64,
    happened: u64,
    delivered: u64,
    kills: u64,
    faults: u64,
    requests: u64,
    remembered: u64,
    peak_kib: Option<u64>,
    failure: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    seed: u64,
    what: String,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    if arguments.mutations {
        return mutations::run(root, arguments.only.as_deref());
    }
    let program = build(root, &cargo::target(root))?;
    let report = cargo::target(root).join("sim-report.jsonl");
    if report.exists() {
        fs::remove_file(&report).with_context(|| format!("cannot remove {}", report.display()))?;
    }
    let began = Instant::now();
    let mut command = simulation(&program, &report);
    command.env("HUBSPOT_SIM_SEEDS", arguments.seeds.to_string());
    command.envs(arguments.seed.map(|seed| ("HUBSPOT_SIM_SEED", seed.to_string())));
    command.envs(arguments.resource.as_ref().map(|resource| ("HUBSPOT_SIM_RESOURCE", resource)));
    if arguments.seed.is_none() {
        // The tests' own output is for those who look at one history.
        command.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    }
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    let lines = read(&report)?;
    if lines.is_empty() {
        bail!("nothing was simulated: is {:?} a resource of the simulation?", arguments.resource);
    }
    tell(&lines);
    println!("{:.1} minutes on {} threads", began.elapsed().as_secs_f64() / 60.0, jobs());
    let failures: Vec<_> =
        lines.iter().filter_map(|line| line.failure.as_ref().map(|failure| (line, failure))).collect();
    for (line, Failure { seed, what }) in &failures {
        println!("\n{}, seed {seed} of {}: {what}", line.case, line.resource);
        println!("run it again: cargo xtask sim --seed {seed} --resource {}", line.resource);
    }
    if !failures.is_empty() {
        bail!("{} of {} failed", failures.len(), lines.len());
    }
    if !status.success() {
        bail!("the simulation ended with {status}: too little happened in it (see it with --seed 0)");
    }
    Ok(())
}

fn tell(lines: &[Line]) {
    println!(
        "{:<58} {:<20} {:>7} {:>6} {:>10} {:>10} {:>8} {:>7} {:>10}",
        "test", "resource", "seeds", "hours", "changes", "records", "kills", "faults", "requests"
    );
    let mut total = [0; 7];
    for line in lines {
        let Line { case, resource, seeds, hours, happened, delivered, kills, faults, requests, .. } = line;
        println!(
            "{case:<58} {resource:<20} {seeds:>7} {hours:>6} {happened:>10} {delivered:>10} {kills:>8} {faults:>7} {requests:>10}"
        );
        let figures = [seeds, hours, happened, delivered, kills, faults, requests];
        total.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    }
    let [seeds, hours, happened, delivered, kills, faults, requests] = total;
    println!(
        "{:<58} {:<20} {seeds:>7} {hours:>6} {happened:>10} {delivered:>10} {kills:>8} {faults:>7} {requests:>10}",
        "all", ""
    );
    let remembered = lines.iter().map(|line| line.remembered).max().unwrap_or_default();
    let peak = lines.iter().filter_map(|line| line.peak_kib).max();
    let peak = peak.map_or_else(|| "not known here".to_owned(), |kib| format!("{} MiB", kib / 1024));
    println!("at most {remembered} objects remembered by an engine; peak memory of the whole: {peak}");
}

fn read(report: &Path) -> Result<Vec<Line>> {
    let text =
        if report.exists() { fs::read_to_string(report).context("cannot read the report")? } else { String::new() };
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("the report has {line}"))).collect()
}

/// A run of the simulation's program, on all cores.
fn simulation(program: &Path, report: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--test-threads", "1", "--nocapture"])
        .env("HUBSPOT_SIM_JOBS", jobs().to_string())
        .env("HUBSPOT_SIM_REPORT", report)
        .env("RUST_BACKTRACE", "0");
    command
}

fn jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Builds the simulation of a workspace; where its program is.
fn build(workspace: &Path, target: &Path) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        target: Option<Target>,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }

    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(["test", "--quiet", "--no-run", "--message-format", "json", "--package", PACKAGE, "--test", TEST])
        .env("CARGO_TARGET_DIR", target)
        .current_dir(workspace)
        .output()
        .context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors: Vec<_> = text.lines().filter(|line| line.contains("\"level\":\"error\"")).take(3).collect();
        bail!("the simulation doesn't compile: {}\n{}", String::from_utf8_lossy(&output.stderr), errors.join("\n"));
    }
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    messages
        .filter(|message| message.target.as_ref().is_some_and(|target| target.name == TEST))
        .find_map(|message| message.executable)
        .context("cargo doesn't say where it put the simulation")
}
