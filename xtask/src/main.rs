//! The project's tasks. Run `cargo xtask help` for what there is.
#![allow(clippy::print_stdout, reason = "what a task says, it says to a person")]

mod cargo;
mod codegen;
mod conduit;
mod newcomer;
mod package;
mod sim;
mod test;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// HubSpot for Conduit: the project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// See the connector work: the embedded HubSpot emulator, the real plugin, a snapshot, live changes, a copy into a second account
    Demo {
        /// What the demo itself takes; `cargo xtask demo -- --help` lists it
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run every test: Rust, and with Go also Conduit's own client library against the plugin
    Test,
    /// What CI runs: formatting, lints, freshness of generated code, docs, packages, tests
    Ci,
    /// Write the generated files: protocol messages, the catalogue's table, parameter tables
    Codegen {
        /// Write nothing; fail when a file is stale
        #[arg(long)]
        check: bool,
    },
    /// Write what says what the connector takes: connector.yaml, and README's parameter tables (`codegen` does it too)
    Spec {
        /// Write nothing; fail when a file is stale
        #[arg(long)]
        check: bool,
    },
    /// Measure speed, calls, memory and start, against the emulator with HubSpot's limits
    Bench {
        /// What the benchmark itself takes; `cargo xtask bench -- --help` lists it
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Simulate HubSpot and its reader: thousands of histories that must lose nothing
    Sim(sim::Arguments),
    /// Make the packages as they are published, and say what they lack
    Package {
        /// Build each from what is in its package, too
        #[arg(long)]
        verify: bool,
    },
    /// Run the plugin and the tutorial's connector end to end under a real Conduit, found on the PATH or in `CONDUIT_BIN`
    Conduit,
    /// Follow the SDK's tutorial word by word: a new package, built and put through the acceptance suite (`test` does it too)
    Newcomer,
}

fn main() -> Result<()> {
    let root = root();
    match Arguments::parse().task {
        Task::Demo { arguments } => cargo::run_binary(&root, cargo::Profile::Dev, "demo", &arguments),
        Task::Bench { arguments } => cargo::run_binary(&root, cargo::Profile::Release, "bench", &arguments),
        Task::Test => test::run(&root, test::Go::IfPresent),
        Task::Ci => test::ci(&root),
        Task::Codegen { check } => codegen::run(&root, mode(check)),
        Task::Spec { check } => codegen::parameters::generate(&root, mode(check)),
        Task::Sim(arguments) => sim::run(&root, &arguments),
        Task::Package { verify } => {
            let build = if verify { package::Build::Yes } else { package::Build::No };
            package::run(&root, build, package::OldestRust::IfPresent)
        }
        Task::Conduit => conduit::run(&root),
        Task::Newcomer => newcomer::run(&root),
    }
}

fn mode(check: bool) -> codegen::Mode {
    if check { codegen::Mode::Check } else { codegen::Mode::Write }
}

/// The workspace's root: the folder above this crate's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
