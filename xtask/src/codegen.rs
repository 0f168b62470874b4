//! Generated files: what is written, from what, and whether it is fresh.

mod catalog;
pub(crate) mod parameters;
mod protocol;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Whether generated files are written, or only compared with what would be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write what differs.
    Write,
    /// Fail when something differs.
    Check,
}

/// Generates everything: the protocol's messages, the catalogue's table and page, connector.yaml and the parameter
/// tables.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<()> {
    protocol::generate(root, mode)?;
    catalog::generate(root, mode)?;
    parameters::generate(root, mode)?;
    if mode == Mode::Check {
        println!("generated files are fresh");
    }
    Ok(())
}

/// Puts a generated file in its place, or says that it is stale.
pub(crate) fn put(root: &Path, path: &str, text: &str, mode: Mode) -> Result<()> {
    let file = root.join(path);
    let present = fs::read_to_string(&file).unwrap_or_default();
    if present == text {
        return Ok(());
    }
    if mode == Mode::Check {
        bail!("{path} is stale: run `cargo xtask codegen` and commit what it writes");
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
    println!("wrote {path}");
    Ok(())
}

/// Replaces what stands between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->` in a document.
pub(crate) fn put_section(root: &Path, path: &str, name: &str, text: &str, mode: Mode) -> Result<()> {
    let document = fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))?;
    let (open, close) = (format!("<!-- generated:{name} -->"), format!("<!-- /generated:{name} -->"));
    let Some((before, rest)) = document.split_once(&open) else { bail!("{path} has no line {open}") };
    let Some((_, after)) = rest.split_once(&close) else { bail!("{path} has no line {close}") };
    put(root, path, &format!("{before}{open}\n{}\n{close}{after}", text.trim_end()), mode)
}
