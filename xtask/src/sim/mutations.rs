//! `cargo xtask sim --mutations`: breaks the engine in named ways, one at a time, and sees that the simulation fails.
//!
//! A simulation that can't fail proves nothing. Each mutation of the package's `tests/mutations.toml` replaces one
//! piece of the engine's text, in a copy of the packages that it needs, below the target folder. One that the simulation
//! survives makes this fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::{Simulation, build, command_of, read};
use crate::cargo::{self, Package};

impl Simulation {
    /// Where the mutations are.
    fn mutations(&self) -> PathBuf {
        Path::new("crates").join(self.package).join("tests/mutations.toml")
    }

    /// The folder that their files are in.
    fn sources(&self) -> PathBuf {
        Path::new("crates").join(self.package).join("src")
    }
}

/// Within so many histories of each resource a mutation has to be caught.
const SEEDS: u64 = 200;

/// A mutation may make the engine go in circles; longer than this the simulation never takes.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutations {
    mutation: Vec<Mutation>,
}

/// A way to break the engine.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    name: String,
    /// What no longer holds.
    breaks: String,
    file: String,
    find: String,
    replace: String,
    #[serde(default)]
    also: Vec<Edit>,
}

/// A piece of text that another one takes the place of.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// Below the package's `src`.
    file: String,
    /// What stands there once; any white space stands for any other.
    find: String,
    replace: String,
}

impl Mutation {
    /// The files that it changes, each with its text then.
    fn applied(&self, simulation: &Simulation, root: &Path) -> Result<BTreeMap<PathBuf, String>> {
        let Self { name, file, find, replace, also, .. } = self;
        let first = Edit { file: file.clone(), find: find.clone(), replace: replace.clone() };
        let mut texts = BTreeMap::new();
        for Edit { file, find, replace } in [first].iter().chain(also) {
            let path = simulation.sources().join(file);
            let text = match texts.remove(&path) {
                Some(text) => text,
                None => {
                    fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {}", path.display()))?
                }
            };
            let found = occurrences(&text, find);
            let [place] = found.as_slice() else {
                bail!("mutation {name:?}: {file} has {} times what must be there once: {find}", found.len());
            };
            let mut mutated = text.clone();
            mutated.replace_range(place.clone(), replace);
            ensure!(mutated != text, "mutation {name:?} changes nothing");
            texts.insert(path, mutated);
        }
        Ok(texts)
    }
}

/// Where `wanted` stands in `text`, whatever white space either has between its words, so that formatting doesn't count.
fn occurrences(text: &str, wanted: &str) -> Vec<Range<usize>> {
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let Some(first) = words.first() else { return Vec::new() };
    let ends = |from: usize| {
        let mut at = from;
        for word in &words {
            let rest = text.get(at..)?;
            at += if at == from { 0 } else { rest.len() - rest.trim_start().len() };
            at += text.get(at..)?.starts_with(word).then_some(word.len())?;
        }
        Some(at)
    };
    text.match_indices(first).filter_map(|(from, _)| Some(from..ends(from)?)).collect()
}

fn load(simulation: &Simulation, root: &Path) -> Result<Vec<Mutation>> {
    let file = simulation.mutations();
    let text = fs::read_to_string(root.join(&file)).with_context(|| format!("cannot read {}", file.display()))?;
    let Mutations { mutation } = toml::from_str(&text).with_context(|| format!("{} makes no sense", file.display()))?;
    Ok(mutation)
}

/// What came of a mutation.
enum Outcome {
    /// The simulation failed.
    Caught {
        resource: String,
        seed: u64,
        what: String,
    },
    Survived,
}

/// Tries all, or those whose name contains `only`.
pub(super) fn run(root: &Path, simulation: &Simulation, only: Option<&str>) -> Result<()> {
    let all = load(simulation, root)?;
    let chosen: Vec<_> = all.iter().filter(|mutation| only.is_none_or(|only| mutation.name.contains(only))).collect();
    ensure!(!chosen.is_empty(), "no mutation has such a name");
    let target = cargo::target(root);
    let copy = target.join("mutations").join(simulation.package);
    println!("copying {} and what it needs", simulation.package);
    copy_workspace(simulation, root, &copy)?;
    let began = Instant::now();
    let Outcome::Survived = simulate(simulation, &copy, &target)? else {
        bail!("the simulation fails without any mutation: see `cargo xtask sim{}`", simulation.option);
    };
    let mut survivors = Vec::new();
    for mutation in &chosen {
        let Mutation { name, breaks, .. } = mutation;
        let texts = mutation.applied(simulation, &copy)?;
        let mut originals = Vec::new();
        for (file, text) in &texts {
            originals.push((file, fs::read(copy.join(file))?));
            put(&copy.join(file), text.as_bytes())?;
        }
        let outcome = simulate(simulation, &copy, &target).with_context(|| format!("mutation {name:?}"));
        for (file, original) in originals {
            put(&copy.join(file), &original)?;
        }
        match outcome? {
            Outcome::Caught { resource, seed, what } => {
                let what: String = what.chars().take(110).collect();
                let of = if resource.is_empty() { String::new() } else { format!(" of {resource}") };
                println!("caught    {name}: seed {seed}{of}: {what}");
            }
            Outcome::Survived => {
                println!("SURVIVED  {name}: {breaks}");
                survivors.push(name.as_str());
            }
        }
    }
    println!(
        "{} of {} mutations caught within {SEEDS} seeds, {:.1} minutes",
        chosen.len() - survivors.len(),
        chosen.len(),
        began.elapsed().as_secs_f64() / 60.0
    );
    ensure!(survivors.is_empty(), "the simulation doesn't notice: {}", survivors.join(", "));
    Ok(())
}

/// Runs the simulation of a workspace until its first failure.
fn simulate(simulation: &Simulation, workspace: &Path, target: &Path) -> Result<Outcome> {
    let program = build(simulation, workspace, target)?;
    let report = target.join("mutation-report.jsonl");
    if report.exists() {
        fs::remove_file(&report).with_context(|| format!("cannot remove {}", report.display()))?;
    }
    let mut child = command_of(&program, &report)
        .env("HUBSPOT_SIM_SEEDS", SEEDS.to_string())
        .env("HUBSPOT_SIM_STOP", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().context("cannot wait for the simulation")? {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().context("cannot end the simulation")?;
            child.wait().context("cannot end the simulation")?;
            bail!("the simulation doesn't end");
        }
        thread::sleep(Duration::from_millis(50));
    };
    let failure = read(&report)?.into_iter().find_map(|line| Some((line.resource, line.failure?)));
    Ok(match failure {
        Some((resource, failure)) => Outcome::Caught { resource, seed: failure.seed, what: failure.what },
        None if status.success() => Outcome::Survived,
        None => bail!("the simulation ended with {status}, and doesn't say why"),
    })
}

/// Copies the package and those of the workspace that it needs, with a workspace of their own around them.
fn copy_workspace(simulation: &Simulation, root: &Path, copy: &Path) -> Result<()> {
    let members = needed(simulation, root)?;
    for member in &members {
        copy_folder(&root.join(member), &copy.join(member))?;
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let mut manifest: toml::Table = toml::from_str(&manifest).context("Cargo.toml makes no sense")?;
    let workspace = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut);
    let workspace = workspace.context("Cargo.toml has no workspace")?;
    let members: Vec<_> =
        members.iter().map(|member| toml::Value::from(member.to_string_lossy().replace('\\', "/"))).collect();
    workspace.insert("members".to_owned(), members.into());
    workspace.remove("default-members");
    put(&copy.join("Cargo.toml"), manifest.to_string().as_bytes())?;
    put(&copy.join("Cargo.lock"), &fs::read(root.join("Cargo.lock")).context("cannot read Cargo.lock")?)
}

/// The folders of the package and of those of the workspace that it needs, tests included.
fn needed(simulation: &Simulation, root: &Path) -> Result<BTreeSet<PathBuf>> {
    let packages = cargo::packages(root)?;
    let folder = |package: &Package| package.manifest_path.parent().map(Path::to_path_buf);
    let package = packages.iter().find(|package| package.name == simulation.package);
    let mut open: Vec<PathBuf> = package.and_then(folder).into_iter().collect();
    let mut needed = BTreeSet::new();
    while let Some(path) = open.pop() {
        let Some(package) = packages.iter().find(|package| folder(package).as_ref() == Some(&path)) else {
            bail!("{} is no package of the workspace", path.display());
        };
        let member = path.strip_prefix(root).with_context(|| format!("{} is elsewhere", path.display()))?;
        if needed.insert(member.to_path_buf()) {
            open.extend(package.dependencies.iter().filter_map(|dependency| dependency.path.clone()));
        }
    }
    ensure!(!needed.is_empty(), "the workspace has no package {}", simulation.package);
    Ok(needed)
}

/// Makes one folder the same as another.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        there.insert(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &place)?;
        } else {
            put(&place, &fs::read(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?)?;
        }
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if there.contains(&entry.file_name()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file if it says something else: cargo builds anew what was written.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::super::{DESTINATION, SOURCE};
    use super::*;

    /// Otherwise mutations would go stale, and prove nothing.
    #[test]
    fn every_mutation_finds_its_place_once() {
        let root = crate::root();
        for (simulation, at_least) in [(&SOURCE, 20), (&DESTINATION, 8)] {
            let all = load(simulation, &root).unwrap();
            assert!(all.len() >= at_least, "{}: only {} mutations", simulation.package, all.len());
            let names: BTreeSet<_> = all.iter().map(|mutation| &mutation.name).collect();
            assert_eq!(names.len(), all.len(), "names are given twice");
            let stale: Vec<_> = all.iter().filter_map(|mutation| mutation.applied(simulation, &root).err()).collect();
            assert!(stale.is_empty(), "{stale:#?}");
        }
    }

    #[test]
    fn white_space_does_not_count() {
        let found = |text, wanted| occurrences(text, wanted).len();
        assert_eq!(found("let a =\n    b(c);\nlet a = b(c);", "let a = b(c);"), 2);
        assert_eq!(found("let a = b(c)", "let a = b(d)"), 0);
        assert_eq!(occurrences("x  y z", "y z"), [Range { start: 3, end: 6 }]);
    }
}
