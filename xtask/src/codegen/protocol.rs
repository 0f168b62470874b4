//! The protocol's messages and services: `.proto` files become Rust, without a system `protoc`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Mode, put};

const CRATE: &str = "crates/conduit-connector-protocol";
const NOTE: &str = "// Written by `cargo xtask codegen` from the files in `proto/`; change those, not this one.\n";

pub(super) fn generate(root: &Path, mode: Mode) -> Result<()> {
    let protos = root.join(CRATE).join("proto");
    let mut files = Vec::new();
    collect(&protos, &mut files)?;
    files.sort();

    let descriptors = protox::compile(&files, [&protos]).context("the .proto files do not compile")?;
    let out = tempfile::tempdir().context("cannot make a temporary folder")?;
    tonic_prost_build::configure()
        .out_dir(out.path())
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors)
        .context("cannot generate Rust from the .proto files")?;

    let mut written: Vec<_> = fs::read_dir(out.path())?.collect::<Result<_, _>>()?;
    written.sort_by_key(fs::DirEntry::file_name);
    let mut names = BTreeSet::new();
    for entry in written {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = without_messages_of_records(fs::read_to_string(entry.path())?)?;
        let text = rustfmt(&format!("{NOTE}{text}"))?;
        put(root, &format!("{CRATE}/src/generated/{name}"), &text, mode)?;
        names.insert(name);
    }
    for entry in fs::read_dir(root.join(CRATE).join("src/generated"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !names.contains(&name) {
            bail!("no .proto file makes {CRATE}/src/generated/{name} any more: delete it");
        }
    }
    Ok(())
}

/// Messages of many records are written by hand where records are, in `record/many.rs`: here, they are only their fields.
fn without_messages_of_records(mut text: String) -> Result<String> {
    const DERIVED: &str = "#[derive(Clone, PartialEq, ::prost::Message)]";
    const FIELD: &str = "#[prost(message, repeated, tag = \"1\")]";
    let mut from = 0;
    while let Some(field) = text[from..].find(FIELD).map(|at| from + at) {
        let behind = field + FIELD.len();
        from = behind;
        if text[behind..].trim_start().starts_with("pub records:") {
            let derived = text[..field].rfind(DERIVED).context("the messages of records derive something else")?;
            text.replace_range(field..behind, "");
            text.replace_range(derived..derived + DERIVED.len(), "#[derive(Clone, Debug, Default, PartialEq)]");
            from = field;
        }
    }
    Ok(text)
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// Generated files are formatted like the others, so that `cargo fmt --check` covers them too.
fn rustfmt(text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start rustfmt")?;
    let mut input = child.stdin.take().context("rustfmt takes no input")?;
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("writing to rustfmt failed"))??;
    if !output.status.success() {
        bail!("rustfmt refused the generated code");
    }
    Ok(String::from_utf8(output.stdout)?)
}
