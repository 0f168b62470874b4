//! connector.yaml and the parameter tables of README.md, as the plugin itself prints its specification.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Mode, put, put_section};
use crate::cargo;

pub(crate) fn generate(root: &Path, mode: Mode) -> Result<()> {
    let file = printed(root, "spec")?;
    put(root, "connector.yaml", &format!("# Written by `cargo xtask spec`.\n{file}"), mode)?;
    let specification: Value =
        serde_json::from_str(&printed(root, "--specification")?).context("the plugin's specification is not JSON")?;
    for side in ["source", "destination"] {
        put_section(
            root,
            "README.md",
            &format!("{side}-parameters"),
            &table(&specification[side]["parameters"])?,
            mode,
        )?;
    }
    Ok(())
}

/// What the plugin prints, given an argument.
fn printed(root: &Path, argument: &str) -> Result<String> {
    let plugin = ["run", "--quiet", "--package", "conduit-connector-hubspot", "--", argument];
    cargo::answer(cargo::command().args(plugin).current_dir(root)).context("the plugin did not print its specification")
}

fn table(parameters: &Value) -> Result<String> {
    let mut out = String::from("| parameter | type | default | what it says |\n|---|---|---|---|\n");
    for parameter in parameters.as_array().context("the specification has no list of parameters")? {
        let text = |field: &str| parameter[field].as_str().unwrap_or_default().replace('|', "\\|").replace('\n', " ");
        let required = parameter["validations"]
            .as_array()
            .is_some_and(|validations| validations.iter().any(|validation| validation["type"] == "required"));
        let default = match (required, text("default")) {
            (true, _) => "**required**".to_owned(),
            (false, default) if default.is_empty() => "–".to_owned(),
            (false, default) => format!("`{default}`"),
        };
        writeln!(out, "| `{}` | {} | {default} | {} |", text("name"), text("type"), text("description"))?;
    }
    Ok(out)
}
