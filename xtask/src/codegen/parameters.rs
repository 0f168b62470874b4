//! The parameter tables of README.md, from the specification that the plugin itself prints.

use std::env;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Mode, put_section};

pub(super) fn generate(root: &Path, mode: Mode) -> Result<()> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--package", "conduit-connector-hubspot", "--", "--specification"])
        .current_dir(root)
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the plugin did not print its specification: {}", String::from_utf8_lossy(&output.stderr));
    }
    let specification: Value =
        serde_json::from_slice(&output.stdout).context("the plugin's specification is not JSON")?;
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
