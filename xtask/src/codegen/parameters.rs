//! connector.yaml and the parameter tables of README.md, from the specification that the plugin itself prints.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Mode, put, put_section};
use crate::cargo;

pub(crate) fn generate(root: &Path, mode: Mode) -> Result<()> {
    let output = cargo::command()
        .args(["run", "--quiet", "--package", "conduit-connector-hubspot", "--", "--specification"])
        .current_dir(root)
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the plugin did not print its specification: {}", String::from_utf8_lossy(&output.stderr));
    }
    let specification: Value =
        serde_json::from_slice(&output.stdout).context("the plugin's specification is not JSON")?;
    put(root, "connector.yaml", &connector_yaml(&specification), mode)?;
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

/// The file that a connector ships, in version 1.0 of Conduit's form.
fn connector_yaml(specification: &Value) -> String {
    let mut out = String::from("# Written by `cargo xtask spec`.\nversion: \"1.0\"\nspecification:\n");
    let mut line = |indent: usize, text: &str| {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(text);
        out.push('\n');
    };
    // A text of JSON is one of YAML too.
    for field in ["name", "summary", "description", "version", "author"] {
        line(2, &format!("{field}: {}", specification[field]));
    }
    for side in ["source", "destination"] {
        line(2, &format!("{side}:"));
        line(4, "parameters:");
        for parameter in specification[side]["parameters"].as_array().into_iter().flatten() {
            line(6, &format!("- name: {}", parameter["name"]));
            for field in ["description", "type", "default"] {
                line(8, &format!("{field}: {}", parameter[field]));
            }
            let validations = parameter["validations"].as_array().map(Vec::as_slice).unwrap_or_default();
            line(8, if validations.is_empty() { "validations: []" } else { "validations:" });
            for validation in validations {
                line(10, &format!("- type: {}", validation["type"]));
                line(12, &format!("value: {}", validation["value"]));
            }
        }
    }
    out
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
