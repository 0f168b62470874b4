//! `ARCHITECTURE.md` is the map: the tests that it names for each promise have to be there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every function of the workspace's Rust and Go files.
fn functions(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            functions(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "go") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            for line in text.lines() {
                let Some(rest) = line.split_once("fn ").or_else(|| line.split_once("func ")).map(|(_, rest)| rest)
                else {
                    continue;
                };
                found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    Ok(())
}

#[test]
fn every_promise_names_tests_that_exist() -> Result<()> {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).context("cannot read ARCHITECTURE.md")?;
    let (_, promises) = map.split_once("## Promises").context("ARCHITECTURE.md has no promises")?;
    let mut there = BTreeSet::new();
    for folder in ["crates", "tests"] {
        functions(&root().join(folder), &mut there)?;
    }

    let mut rows = 0;
    for row in promises.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise")) {
        let quoted: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        for name in &quoted {
            let is_test = name.starts_with("Test") || (name.contains('_') && !name.contains(['.', '/', '-']));
            let is_variable = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            if is_test && !is_variable {
                ensure!(there.contains(*name), "there is no test {name}, which ARCHITECTURE.md names in: {row}");
            }
        }
        ensure!(!quoted.is_empty(), "no test is named in: {row}");
        rows += 1;
    }
    ensure!(rows >= 10, "only {rows} promises were found");
    Ok(())
}
