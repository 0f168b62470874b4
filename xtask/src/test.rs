//! Tests, and what CI runs around them.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::cargo::{self, Profile};
use crate::codegen;
use crate::newcomer;
use crate::package;
use crate::sim::SEEDS_IN_CI;

/// What is done about the tests that need Go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Go {
    /// They run where Go is, and are said to be skipped where it isn't.
    IfPresent,
    /// Without Go, the run fails.
    Required,
}

/// The SDK as it is without its feature `schema`, which everything else here has.
const SDK_WITHOUT_SCHEMA: [&str; 4] = ["--package", "conduit-connector-sdk", "--no-default-features", "--quiet"];

/// The Go modules that drive the plugin with Conduit's own libraries.
const GO_MODULES: [&str; 2] = ["tests/interop", "tests/interop/goconnector"];

/// All tests: Rust's, the tutorial, then Conduit's own client library (Go) against the plugin.
pub(crate) fn run(root: &Path, go: Go) -> Result<()> {
    run_with(root, go, None)
}

/// The same, with so many histories of the simulation instead of those that a test run has.
fn run_with(root: &Path, go: Go, seeds: Option<u64>) -> Result<()> {
    cargo::build_processes(root, Profile::Dev)?;
    let mut tests = cargo::command();
    tests.args(["test", "--workspace"]).current_dir(root);
    tests.envs(seeds.map(|seeds| ("HUBSPOT_SIM_SEEDS", seeds.to_string())));
    cargo::run(&mut tests)?;
    step("the tutorial, followed");
    newcomer::run(root)?;
    interop(root, go)
}

/// What CI runs.
pub(crate) fn ci(root: &Path) -> Result<()> {
    step("formatting");
    cargo::cargo(root, ["fmt", "--all", "--check"])?;
    step("lints");
    cargo::cargo(root, ["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"])?;
    step("lints of the SDK without schemas");
    cargo::cargo(
        root,
        ["clippy"].iter().chain(&SDK_WITHOUT_SCHEMA).chain(&["--all-targets", "--", "--deny", "warnings"]),
    )?;
    step("generated code");
    codegen::run(root, codegen::Mode::Check)?;
    step("docs");
    let mut docs = cargo::command();
    docs.args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "--deny warnings").current_dir(root);
    cargo::run(&mut docs)?;
    step("packages");
    package::run(root, package::Build::No, package::OldestRust::Required)?;
    // Before the other tests: these leave examples behind that the interop tests start, and they need schemas. Without `--all-targets`,
    // which makes tests of the examples in place of the programs that tests start.
    step("tests of the SDK without schemas");
    cargo::cargo(root, ["test"].iter().chain(&SDK_WITHOUT_SCHEMA))?;
    step("tests");
    run_with(root, Go::Required, Some(SEEDS_IN_CI))
}

fn interop(root: &Path, go: Go) -> Result<()> {
    if Command::new("go").arg("version").output().is_err() {
        if go == Go::Required {
            bail!("the interop tests need Go, and there is no `go` on the PATH");
        }
        println!("SKIPPED: tests/interop (Conduit's own client library): there is no `go` on the PATH");
        return Ok(());
    }
    let programs = cargo::binaries(root, Profile::Dev);
    for module in GO_MODULES {
        let folder = root.join(module);
        if !folder.join("go.mod").exists() {
            continue;
        }
        step(module);
        cargo::run(
            Command::new("go")
                .args(["test", "-count=1", "./..."])
                .current_dir(folder)
                .env("CONDUIT_CONNECTOR_HUBSPOT", programs.join("conduit-connector-hubspot"))
                .env("HUBSPOT_EMULATOR", programs.join("hubspot-emulator")),
        )?;
    }
    Ok(())
}

fn step(what: &str) {
    println!("== {what}");
}
