//! `cargo xtask sim`: the simulations that prove what the engines promise, for as many histories as wanted.
//!
//! That nothing is lost is the test `losing_nothing` of `hubspot-source`; that every answer is true is `every_answer` of
//! `hubspot-destination` (`--destination`). Both run on all cores: each of their tests hands its seeds out to threads.

pub(crate) mod mutations;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::cargo;

/// A simulation: the package and the test that it is, and what its report has.
pub(crate) struct Simulation {
    package: &'static str,
    test: &'static str,
    /// The option that chooses it.
    option: &'static str,
    /// The figures of a line of its report, with their headings.
    columns: &'static [(&'static str, &'static str)],
}

/// Of the source.
pub(crate) const SOURCE: Simulation = Simulation {
    package: "hubspot-source",
    test: "losing_nothing",
    option: "",
    columns: &[
        ("hours", "hours"),
        ("happened", "changes"),
        ("delivered", "records"),
        ("kills", "kills"),
        ("faults", "faults"),
        ("requests", "requests"),
    ],
};

/// Of the destination.
pub(crate) const DESTINATION: Simulation = Simulation {
    package: "hubspot-destination",
    test: "every_answer",
    option: " --destination",
    columns: &[
        ("records", "records"),
        ("acked", "acked"),
        ("nacked", "nacked"),
        ("unknown", "unknown"),
        ("restarts", "restarts"),
        ("faults", "faults"),
        ("requests", "requests"),
    ],
};

/// What CI runs.
pub(crate) const SEEDS_IN_CI: u64 = 500;

/// What to simulate.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The destination and its answers, instead of the source
    #[arg(long, conflicts_with = "resource")]
    destination: bool,
    /// So many histories of each resource
    #[arg(long, default_value_t = SEEDS_IN_CI)]
    seeds: u64,
    /// This history alone, with every request and every record
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// This resource alone, such as `crm.contacts`
    #[arg(long)]
    resource: Option<String>,
    /// Break the engine in the ways of its tests/mutations.toml, one after the other: the simulation has to fail
    #[arg(long, conflicts_with_all = ["seeds", "seed", "resource"])]
    mutations: bool,
    /// With `--mutations`: only those whose name contains this
    #[arg(long, requires = "mutations")]
    only: Option<String>,
}

/// What a test says of one resource, or of all.
#[derive(Deserialize)]
struct Line {
    case: String,
    #[serde(default)]
    resource: String,
    seeds: u64,
    failure: Option<Failure>,
    /// What else it counts.
    #[serde(flatten)]
    figures: BTreeMap<String, Value>,
}

impl Line {
    fn figure(&self, name: &str) -> Option<u64> {
        self.figures.get(name)?.as_u64()
    }
}

#[derive(Deserialize)]
struct Failure {
    seed: u64,
    what: String,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let chosen = if arguments.destination { &DESTINATION } else { &SOURCE };
    if arguments.mutations {
        return mutations::run(root, chosen, arguments.only.as_deref());
    }
    let program = build(chosen, root, &cargo::target(root))?;
    // Of its own: the two may run side by side.
    let report = cargo::target(root).join(format!("{}-simulated.jsonl", chosen.package));
    if report.exists() {
        fs::remove_file(&report).with_context(|| format!("cannot remove {}", report.display()))?;
    }
    let began = Instant::now();
    let mut command = command_of(&program, &report);
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
    tell(chosen, &lines);
    println!("{:.1} minutes on {} threads", began.elapsed().as_secs_f64() / 60.0, jobs());
    let failures: Vec<_> =
        lines.iter().filter_map(|line| line.failure.as_ref().map(|failure| (line, failure))).collect();
    for (line, Failure { seed, what }) in &failures {
        let resource = if line.resource.is_empty() { String::new() } else { format!(" --resource {}", line.resource) };
        println!("\n{}, seed {seed}{}: {what}", line.case, resource.replace(" --resource ", " of "));
        println!("run it again: cargo xtask sim{} --seed {seed}{resource}", chosen.option);
    }
    if !failures.is_empty() {
        bail!("{} of {} failed", failures.len(), lines.len());
    }
    if !status.success() {
        bail!("the simulation ended with {status}: too little happened in it (see it with --seed 0)");
    }
    Ok(())
}

fn tell(simulation: &Simulation, lines: &[Line]) {
    let row = |case: &str, resource: &str, figures: &[String]| {
        let figures: Vec<String> = figures.iter().map(|figure| format!("{figure:>10}")).collect();
        println!("{case:<58} {resource:<20} {}", figures.join(" "));
    };
    let headings: Vec<String> = ["seeds"]
        .into_iter()
        .chain(simulation.columns.iter().map(|(_, heading)| *heading))
        .map(str::to_owned)
        .collect();
    row("test", "resource", &headings);
    let mut totals = vec![0; headings.len()];
    for line in lines {
        let figures = simulation.columns.iter().map(|(name, _)| line.figure(name).unwrap_or_default());
        let figures: Vec<u64> = [line.seeds].into_iter().chain(figures).collect();
        totals.iter_mut().zip(&figures).for_each(|(total, figure)| *total += figure);
        row(&line.case, &line.resource, &figures.iter().map(u64::to_string).collect::<Vec<_>>());
    }
    row("all", "", &totals.iter().map(u64::to_string).collect::<Vec<_>>());
    let most = |name: &str| lines.iter().filter_map(|line| line.figure(name)).max();
    if let Some(remembered) = most("remembered") {
        let peak = most("peak_kib").map_or_else(|| "not known here".to_owned(), |kib| format!("{} MiB", kib / 1024));
        println!("at most {remembered} objects remembered by an engine; peak memory of the whole: {peak}");
    }
}

fn read(report: &Path) -> Result<Vec<Line>> {
    let text =
        if report.exists() { fs::read_to_string(report).context("cannot read the report")? } else { String::new() };
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("the report has {line}"))).collect()
}

/// A run of the simulation's program, on all cores.
fn command_of(program: &Path, report: &Path) -> Command {
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
fn build(simulation: &Simulation, workspace: &Path, target: &Path) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        target: Option<Target>,
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }

    let output = cargo::command()
        .args([
            "test",
            "--quiet",
            "--no-run",
            "--message-format",
            "json",
            "--package",
            simulation.package,
            "--test",
            simulation.test,
        ])
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
        .filter(|message| message.target.as_ref().is_some_and(|target| target.name == simulation.test))
        .find_map(|message| message.executable)
        .context("cargo doesn't say where it put the simulation")
}
