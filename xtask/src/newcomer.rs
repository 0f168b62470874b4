//! `cargo xtask newcomer`: the SDK's tutorial, followed word by word by someone who has nothing else.
//!
//! Files are written, and lines typed, as the tutorial has them, in an empty folder outside the workspace. What differs is that nothing comes from a registry:
//! the SDK and the acceptance suite are the workspace's, other crates are those of its `Cargo.lock`, and its target folder is used, too, so that it builds
//! in seconds. Where Conduit is started, `cargo xtask conduit` does so; otherwise that line is left out.

mod tutorial;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use self::tutorial::Step;
use crate::cargo::{self, Profile};

/// Below the workspace's root.
const TUTORIAL: &str = "crates/conduit-connector-sdk/docs/first-connector.md";

/// Follows the tutorial to its end, without Conduit.
pub(crate) fn run(root: &Path) -> Result<()> {
    if !cfg!(unix) {
        println!("SKIPPED: the tutorial's lines are for a Unix shell");
        return Ok(());
    }
    cargo::build_processes(root, Profile::Dev)?;
    in_new_folder(|folder| {
        let mut newcomer = Newcomer { root, folder };
        for step in steps(root)? {
            match step {
                Step::Type(line) if line.starts_with("conduit ") => {
                    println!("$ {line}  (left out: that is `cargo xtask conduit`)");
                }
                Step::Expect(_) => {}
                step => newcomer.take(&step)?,
            }
        }
        Ok(())
    })
}

/// Follows the tutorial until Conduit runs in the newcomer's folder, which `conduit` sees to: it gets the folder, and what the tutorial says is
/// to be seen.
pub(crate) fn under_conduit(root: &Path, conduit: impl FnOnce(&Path, &str) -> Result<()>) -> Result<()> {
    in_new_folder(|folder| {
        let mut newcomer = Newcomer { root, folder };
        for step in steps(root)? {
            match step {
                Step::Type(line) if line.starts_with("conduit ") => println!("$ {line}"),
                Step::Expect(lines) => return conduit(&newcomer.folder, &lines),
                step => newcomer.take(&step)?,
            }
        }
        bail!("{TUTORIAL} doesn't say what is to be seen under Conduit")
    })
}

fn steps(root: &Path) -> Result<Vec<Step>> {
    let text = fs::read_to_string(root.join(TUTORIAL)).with_context(|| format!("read {TUTORIAL}"))?;
    tutorial::steps(&text).context(TUTORIAL)
}

/// A folder outside of the workspace, which stays for inspection when something fails.
fn in_new_folder(follow: impl FnOnce(PathBuf) -> Result<()>) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("newcomer-").tempdir().context("create a folder")?;
    let outcome = follow(folder.path().to_owned());
    if outcome.is_err() {
        eprintln!("what the tutorial has made is in {}", folder.keep().display());
    }
    outcome
}

/// Who follows the tutorial, and where.
struct Newcomer<'a> {
    root: &'a Path,
    folder: PathBuf,
}

impl Newcomer<'_> {
    fn take(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Type(line) => self.type_line(line),
            Step::Write { file, text } => self.write(file, text),
            Step::Add { file, text } => self.write(file, &format!("{}\n{text}", self.read(file)?)),
            Step::Change { file, before, after } => {
                let text = self.read(file)?;
                ensure!(
                    text.matches(before).count() == 1,
                    "{file} doesn't have this once, as the tutorial says:\n{before}"
                );
                self.write(file, &text.replace(before, after))
            }
            Step::Expect(_) => Ok(()),
        }
    }

    fn read(&self, file: &str) -> Result<String> {
        fs::read_to_string(self.folder.join(file)).with_context(|| format!("read the tutorial's {file}"))
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        println!("  {file}: {} lines", text.lines().count());
        fs::write(self.folder.join(file), text).with_context(|| format!("write the tutorial's {file}"))
    }

    fn type_line(&mut self, line: &str) -> Result<()> {
        if line.starts_with("cargo install ") {
            return Ok(()); // It is built already.
        }
        println!("$ {line}");
        if let Some(folder) = line.strip_prefix("cd ") {
            self.folder.push(folder);
            return self.share_the_workspace();
        }
        // The suite's command, and the cargo that runs this.
        let programs = cargo::binaries(self.root, Profile::Dev);
        let toolchain = env::var_os("CARGO").and_then(|cargo| Path::new(&cargo).parent().map(Path::to_owned));
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [programs].into_iter().chain(toolchain).chain(env::split_paths(&path));
        let output = Command::new("sh")
            .args(["-e", "-c", line])
            .current_dir(&self.folder)
            .env("PATH", env::join_paths(folders).context("put the programs on the PATH")?)
            .env("CARGO_TARGET_DIR", cargo::target(self.root))
            .output()
            .with_context(|| format!("cannot type {line}"))?;
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{line}\n{said}{errors}\nended with {}", output.status);
        ensure!(!(line.starts_with("cargo ") && errors.contains("warning")), "{line}\n{errors}");
        if let Some(last) = said.lines().next_back() {
            println!("  {last}");
        }
        Ok(())
    }

    /// Makes the package that is entered build from what the workspace has.
    fn share_the_workspace(&self) -> Result<()> {
        let sdk = self.root.join("crates/conduit-connector-sdk");
        let config = format!(
            "net.offline = true\npatch.crates-io.conduit-connector-sdk.path = {}\nprofile.dev.debug = \"line-tables-only\"\n",
            toml::Value::from(sdk.to_str().context("the workspace's path is no text")?)
        );
        fs::create_dir(self.folder.join(".cargo")).context("create the package's .cargo")?;
        fs::write(self.folder.join(".cargo/config.toml"), config).context("write the package's .cargo/config.toml")?;
        fs::copy(self.root.join("Cargo.lock"), self.folder.join("Cargo.lock")).context("copy Cargo.lock")?;
        link(&cargo::target(self.root), &self.folder.join("target"))
    }
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> Result<()> {
    std::os::unix::fs::symlink(to, at).context("link the package's target folder")
}

#[cfg(not(unix))]
fn link(_to: &Path, _at: &Path) -> Result<()> {
    bail!("the tutorial is followed in a Unix shell")
}
