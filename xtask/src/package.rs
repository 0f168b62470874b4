//! `cargo xtask package`: the crates as they are published. What is in each package, what cargo says of it, and whether the oldest Rust that it
//! names builds it.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Package};

/// Whether packages are only made, or built as well from what is in them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// Nothing is compiled.
    No,
    /// Each is unpacked and built, against those of the others.
    Yes,
}

/// What is done where the oldest Rust that the packages may be built with isn't here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OldestRust {
    /// It is said that nothing was tested with it.
    IfPresent,
    /// The run fails.
    Required,
}

/// crates.io takes no more keywords, and no more categories.
const MOST_WORDS: usize = 5;

/// Checks every package, makes it, and checks it with the oldest Rust that it may be built with.
pub(crate) fn run(root: &Path, build: Build, oldest: OldestRust) -> Result<()> {
    let (published, others): (Vec<_>, Vec<_>) = cargo::packages(root)?
        .into_iter()
        .partition(|package| package.publish.as_ref().is_none_or(|to| !to.is_empty()));
    let license = fs::read(root.join("LICENSE")).context("cannot read LICENSE")?;

    let mut wrong = Vec::new();
    for package in &published {
        let listed = cargo::answer(cargo::command().current_dir(root).args([
            "package",
            "--list",
            "--allow-dirty",
            "--quiet",
            "--package",
            &package.name,
        ]))?;
        wrong.extend(package.lacks(&listed, &license).into_iter().map(|lack| format!("{}: {lack}", package.name)));
    }
    wrong.extend(pack(root, &others, build)?.into_iter().map(|warning| format!("cargo package says: {warning}")));
    if !wrong.is_empty() {
        bail!("not fit to be published:\n  {}", wrong.join("\n  "));
    }
    println!("{} packages have their licence, README and metadata", published.len());
    if build == Build::Yes {
        println!("each builds from what is in it");
    }
    check_with_oldest(root, published.iter().find_map(|package| package.rust_version.as_deref()), oldest)
}

impl Package {
    /// What it lacks, given the list of its files and the text of the licence.
    fn lacks(&self, listed: &str, license: &[u8]) -> Vec<String> {
        let folder = self.manifest_path.parent().unwrap_or(&self.manifest_path);
        let holds = |name: &str| listed.lines().any(|line| line == name);
        let mut lacks = Vec::new();
        let mut demand = |met: bool, lack: String| {
            if !met {
                lacks.push(lack);
            }
        };
        demand(self.description.as_ref().is_some_and(|text| !text.trim().is_empty()), "give it a `description`".into());
        demand(self.license.is_some(), "give it `license.workspace = true`".into());
        demand(
            (1..=MOST_WORDS).contains(&self.keywords.len()) && (1..=MOST_WORDS).contains(&self.categories.len()),
            format!("give it 1 to {MOST_WORDS} `keywords` and `categories`"),
        );
        demand(
            holds("LICENSE"),
            "LICENSE is not in the package: link it to the workspace's, and name it in `include`".into(),
        );
        // Where links can't be made, a checkout has a file with the link's text in it.
        demand(
            fs::read(folder.join("LICENSE")).is_ok_and(|text| text == license),
            "its LICENSE is not the workspace's: link it to ../../LICENSE".into(),
        );
        demand(holds("README.md"), "README.md is not in the package: write it, and name it in `include`".into());
        match &self.rust_version {
            None => demand(false, "give it `rust-version.workspace = true`".into()),
            Some(version) => {
                let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
                let said = format!("Rust {version} or newer");
                demand(readme.contains(&said), format!("README.md has to say \"{said}\""));
            }
        }
        lacks
    }
}

/// Makes the packages, all but `others`, and gives back the warnings. Together, so that those that need each other find each other.
fn pack(root: &Path, others: &[Package], build: Build) -> Result<Vec<String>> {
    let mut command = cargo::command();
    command.args(["package", "--workspace", "--allow-dirty", "--color", "never"]).current_dir(root);
    for other in others {
        command.args(["--exclude", &other.name]);
    }
    if build == Build::No {
        command.arg("--no-verify");
    }
    let shown = format!("{command:?}");
    let mut child = command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot start {shown}"))?;
    let mut warnings = Vec::new();
    for line in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).lines()) {
        let line = line.with_context(|| format!("cannot read what {shown} says"))?;
        eprintln!("{line}");
        warnings.extend(line.strip_prefix("warning: ").map(str::to_owned));
    }
    let status = child.wait().with_context(|| format!("cannot wait for {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(warnings)
}

/// Checks the workspace with the oldest Rust that it may be built with, where that is here.
fn check_with_oldest(root: &Path, version: Option<&str>, oldest: OldestRust) -> Result<()> {
    let Some(version) = version else { bail!("no package has a `rust-version`") };
    let running = cargo::answer(
        Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").current_dir(root),
    )?;
    if running.split_whitespace().nth(1).is_some_and(|running| is_of(running, version)) {
        println!(
            "Rust {version}, the oldest that is supported, is the one running: what is built and tested here is tested with it"
        );
        return Ok(());
    }
    let toolchains = cargo::answer(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    let Some(toolchain) = toolchains.split_whitespace().find(|toolchain| is_of(toolchain, version)) else {
        return absent(version, oldest);
    };
    println!("checking with Rust {version}, the oldest that is supported");
    cargo::run(
        Command::new("rustup")
            .args(["run", toolchain, "cargo", "check", "--workspace", "--all-features"])
            // Of the toolchain that is running, which they would lead back to.
            .env_remove("CARGO")
            .env_remove("RUSTC")
            .current_dir(root),
    )
}

/// What becomes of the run where the oldest Rust isn't here.
fn absent(version: &str, oldest: OldestRust) -> Result<()> {
    let said = format!(
        "NOT TESTED with Rust {version}, the oldest that is supported: run `rustup toolchain install {version}` first"
    );
    if oldest == OldestRust::Required {
        bail!(said);
    }
    println!("{said}");
    Ok(())
}

/// Whether a release or a toolchain (`1.95.0`, `1.95.1-x86_64-unknown-linux-gnu`) is one of a version (`1.95`).
fn is_of(toolchain: &str, version: &str) -> bool {
    let release = toolchain.split('-').next().unwrap_or(toolchain);
    release == version || release.strip_prefix(version).is_some_and(|patch| patch.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &Path) -> Package {
        Package {
            name: "one".into(),
            manifest_path: folder.join("Cargo.toml"),
            description: Some("One".into()),
            license: Some("Apache-2.0".into()),
            rust_version: Some("1.95".into()),
            keywords: vec!["one".into()],
            categories: vec!["encoding".into()],
            publish: None,
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn what_a_package_lacks_is_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("LICENSE"), "You may.").unwrap();
        fs::write(folder.path().join("README.md"), "Rust 1.95 or newer.").unwrap();
        let listed = "Cargo.toml\nLICENSE\nREADME.md\nsrc/lib.rs\n";
        let whole = package(folder.path());
        assert_eq!(whole.lacks(listed, b"You may."), Vec::<String>::new());

        let lack = |package: &Package, listed: &str, license: &[u8]| package.lacks(listed, license).join("; ");
        assert!(lack(&whole, "README.md\nsrc/LICENSE\n", b"You may.").starts_with("LICENSE is not in the package"));
        assert!(lack(&whole, "LICENSE\n", b"You may.").starts_with("README.md is not in the package"));
        assert!(lack(&whole, listed, b"You may not.").starts_with("its LICENSE is not the workspace's"));
        let said = |change: fn(&mut Package)| {
            let mut package = package(folder.path());
            change(&mut package);
            lack(&package, listed, b"You may.")
        };
        assert_eq!(said(|package| package.description = Some(" ".into())), "give it a `description`");
        assert_eq!(said(|package| package.license = None), "give it `license.workspace = true`");
        assert_eq!(said(|package| package.rust_version = None), "give it `rust-version.workspace = true`");
        assert_eq!(
            said(|package| package.rust_version = Some("1.96".into())),
            "README.md has to say \"Rust 1.96 or newer\""
        );
        assert_eq!(said(|package| package.keywords.clear()), "give it 1 to 5 `keywords` and `categories`");
        assert_eq!(
            said(|package| package.categories = vec!["a".into(); 6]),
            "give it 1 to 5 `keywords` and `categories`"
        );
    }

    #[test]
    fn where_the_oldest_rust_is_absent_only_a_run_that_requires_it_fails() {
        let error = absent("1.95", OldestRust::Required).unwrap_err().to_string();
        assert!(error.contains("rustup toolchain install 1.95"), "{error}");
        absent("1.95", OldestRust::IfPresent).unwrap();
    }

    #[test]
    fn a_toolchain_is_told_by_its_release() {
        for toolchain in ["1.95", "1.95.0", "1.95.1-x86_64-unknown-linux-gnu", "1.95-aarch64-apple-darwin"] {
            assert!(is_of(toolchain, "1.95"), "{toolchain}");
        }
        for toolchain in ["1.9", "1.950.0", "1.96.0", "stable-x86_64-unknown-linux-gnu", "(active)", ""] {
            assert!(!is_of(toolchain, "1.95"), "{toolchain}");
        }
        assert!(is_of("1.95.0", "1.95.0"));
    }
}
