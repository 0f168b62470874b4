//! What the program says to a person who starts it: what any connector says whose `main` is the SDK's `serve`.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use conduit_connector_acceptance::Connector;
use serde_json::{Map, Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_conduit-connector-file");
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

fn started(argument: Option<&str>) -> Output {
    Command::new(PROGRAM).args(argument).env_remove("CONDUIT_PLUGIN_MAGIC_COOKIE").output().unwrap()
}

/// What it prints, having nothing to complain of.
fn printed(argument: &str) -> String {
    let Output { status, stdout, stderr } = started(Some(argument));
    assert!(status.success() && stderr.is_empty(), "{argument}: {status}, {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[tokio::test]
async fn spec_is_a_connector_yaml_that_says_what_conduit_is_told() {
    let text = printed("spec");
    let mut lines: Vec<Line<'_>> = text.lines().rev().map(Line::of).collect();
    let file = block(&mut lines);
    assert!(lines.is_empty(), "{text}");
    assert_eq!(file["version"], "1.0", "{text}");
    assert_eq!(file.as_object().unwrap().len(), 2, "{text}");
    let told = serde_json::to_value(Connector::new(PROGRAM).specify().await.unwrap()).unwrap();
    assert_eq!(told["source_parameters"]["path"]["validations"], json!(["required"]));
    assert_eq!(as_told(&file["specification"]), told, "{text}");
}

#[test]
fn version_is_that_of_the_specification() {
    for argument in ["version", "--version"] {
        assert_eq!(printed(argument), format!("{VERSION}\n"), "{argument}");
    }
}

#[test]
fn help_says_what_it_is_and_what_to_do_with_it() {
    for argument in ["--help", "-h"] {
        let help = printed(argument);
        assert!(help.starts_with(&format!("lines {VERSION}\nReads and writes JSON lines.\n")), "{help}");
        for part in ["`plugin: standalone:lines`", "the source needs `path`; the destination needs `path`", "  spec "] {
            assert!(help.contains(part), "no {part} in {help}");
        }
    }
}

#[test]
fn anything_else_fails_and_names_the_help() {
    for argument in [None, Some(""), Some("serve"), Some("--spec"), Some("help me")] {
        let Output { status, stdout, stderr } = started(argument);
        assert_eq!(status.code(), Some(1), "{argument:?}");
        assert!(stdout.is_empty(), "{argument:?}");
        let said = String::from_utf8(stderr).unwrap();
        assert!(said.contains("is started by it, not by hand") && said.contains("`--help` says more"), "{said}");
    }
}

#[test]
fn under_conduit_arguments_mean_nothing() {
    let mut connector = Command::new(PROGRAM)
        .arg("spec")
        .env("CONDUIT_PLUGIN_MAGIC_COOKIE", "204e8e812c3a1bb73b838928c575b42a105dd2e9aa449be481bc4590486df53f")
        .env("PLUGIN_PROTOCOL_VERSIONS", "2")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(connector.stdout.take().unwrap()).read_line(&mut line).unwrap();
    connector.kill().unwrap();
    connector.wait().unwrap();
    assert!(line.starts_with("1|2|"), "{line}");
}

/// What the file says, in the form in which the driver gives what the program tells a host.
fn as_told(specification: &Value) -> Value {
    let parameter = |parameter: &Value| {
        let validation = |validation: &Value| match validation["type"].as_str().unwrap() {
            "required" => json!("required"),
            kind => json!({ kind: validation["value"] }),
        };
        let validations: Vec<Value> = parameter["validations"].as_array().unwrap().iter().map(validation).collect();
        let told = json!({
            "default": parameter["default"],
            "description": parameter["description"],
            "kind": parameter["type"],
            "validations": validations,
        });
        (parameter["name"].as_str().unwrap().to_owned(), told)
    };
    let mut told = specification.as_object().unwrap().clone();
    for side in ["source", "destination"] {
        let side_says = told.remove(side).unwrap();
        let parameters: Map<String, Value> =
            side_says["parameters"].as_array().unwrap().iter().map(parameter).collect();
        told.insert(format!("{side}_parameters"), parameters.into());
    }
    told.into()
}

/// A line of YAML.
struct Line<'a> {
    indent: usize,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let text = line.trim_start_matches(' ');
        Self { indent: line.len() - text.len(), text }
    }
}

/// The map or list that begins with the last line, and takes the lines that belong to it: as much of YAML as the file has, with texts as in
/// JSON. That Conduit's own library reads such a file, the interop tests see to.
fn block(lines: &mut Vec<Line<'_>>) -> Value {
    let indent = lines.last().unwrap().indent;
    let (mut list, mut map) = (Vec::new(), Map::new());
    while let Some(line) = lines.pop_if(|line| line.indent == indent) {
        if let Some(text) = line.text.strip_prefix("- ") {
            lines.push(Line { indent: indent + 2, text });
            list.push(block(lines));
        } else {
            let (name, text) = line.text.split_once(':').unwrap();
            let value = if text.is_empty() { block(lines) } else { serde_json::from_str(text).unwrap() };
            assert!(map.insert(name.to_owned(), value).is_none(), "{name} is there twice");
        }
    }
    assert!(list.is_empty() || map.is_empty(), "a list and a map at once");
    if list.is_empty() { map.into() } else { list.into() }
}
