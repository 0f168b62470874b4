//! Calls of cargo: with the cargo that runs this task, in the workspace's root, failing when it fails.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What is built: quick to compile, or quick to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to compile.
    Dev,
    /// Quick to run, as it ships.
    Release,
}

/// The packages whose binaries tests, demo and benchmarks start as processes.
const PROCESSES: [&str; 4] =
    ["conduit-connector-hubspot", "hubspot-emulator", "conduit-connector-acceptance", "conduit-connector-generator"];

/// Runs cargo and fails when it does.
pub(crate) fn cargo<I, S>(root: &Path, arguments: I) -> Result<()>
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root);
    run(&mut command)
}

/// Runs a command and fails when it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}

/// Builds the programs that are started as processes.
pub(crate) fn build_processes(root: &Path, profile: Profile) -> Result<()> {
    let mut arguments = vec!["build", "--quiet", "--bins"];
    for package in PROCESSES {
        arguments.extend(["--package", package]);
    }
    if profile == Profile::Release {
        arguments.push("--release");
    }
    cargo(root, arguments)
}

/// Where cargo puts the programs of a profile.
pub(crate) fn binaries(root: &Path, profile: Profile) -> PathBuf {
    target(root).join(if profile == Profile::Release { "release" } else { "debug" })
}

/// Where cargo builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// Builds the processes and runs one of the end-to-end package's programs.
pub(crate) fn run_binary(root: &Path, profile: Profile, name: &str, arguments: &[String]) -> Result<()> {
    println!("building the plugin and the {name} (the first time takes some minutes)");
    build_processes(root, profile)?;
    let mut all = vec!["run", "--quiet", "--package", "end-to-end", "--bin", name];
    if profile == Profile::Release {
        all.push("--release");
    }
    all.push("--");
    all.extend(arguments.iter().map(String::as_str));
    cargo(root, all)
}
