//! Calls of cargo: with the cargo that runs this task, in the workspace's root, failing when it fails.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

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

/// A package of the workspace, as `cargo metadata` tells it.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) rust_version: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) categories: Vec<String>,
    /// The registries that it may go to: none for what isn't published, any where nothing is said.
    pub(crate) publish: Option<Vec<String>>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a package needs.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    /// The folder of one that is here.
    pub(crate) path: Option<PathBuf>,
}

/// The cargo that runs this task.
pub(crate) fn command() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The packages of the workspace.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let told = answer(command().args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(root))?;
    let Metadata { packages } = serde_json::from_str(&told).context("cargo's metadata makes no sense")?;
    Ok(packages)
}

/// What a command prints; its errors are shown as they come. Fails when it does.
pub(crate) fn answer(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!("{shown} ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{shown} printed what is no text"))
}

/// Runs cargo and fails when it does.
pub(crate) fn cargo<I, S>(root: &Path, arguments: I) -> Result<()>
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    run(command().args(arguments).current_dir(root))
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
