//! The pipeline files that people copy: those of the README, of the docs, and of the examples.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use conduit_connector_sdk::Settings;

/// The README.
pub(crate) const README: &str = include_str!("../../../README.md");

/// The page on the destination.
pub(crate) const DESTINATION: &str = include_str!("../../../docs/destination.md");

/// The page on copies.
pub(crate) const COPYING: &str = include_str!("../../../docs/copying-accounts.md");

/// One end of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// The example files, by name.
pub(crate) fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/pipelines");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let texts =
        files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap()));
    texts.collect()
}

/// The settings of one side's connectors of this plugin in pipeline files, as Conduit would hand them over.
pub(crate) fn connectors_in(text: &str, side: Side) -> Vec<Vec<(&str, String)>> {
    let kind = match side {
        Side::Source => "type: source",
        Side::Destination => "type: destination",
    };
    let connectors = text.split("- id: ").filter(|part| part.contains("plugin: standalone:hubspot"));
    let connectors = connectors.filter(|part| part.contains(kind));
    connectors.map(settings_of).collect()
}

fn settings_of(connector: &str) -> Vec<(&str, String)> {
    let is_setting = |line: &&str| !line.is_empty() && !line.starts_with('#');
    // What is no setting any more stands further left.
    let is_over =
        |line: &&str| ["processors:", "dead-letter-queue:", "```"].iter().any(|beginning| line.starts_with(beginning));
    let (_, settings) = connector.split_once("settings:\n").unwrap();
    let lines = settings.lines().map(str::trim).filter(is_setting).take_while(|line| !is_over(line));
    lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            let value = if value.starts_with("${") { "pat-na1-of-nobody" } else { quoted.unwrap_or(value) };
            (name, value.to_owned())
        })
        .collect()
}

/// The settings as the plugin gets them.
pub(crate) fn settings(given: &[(&str, String)]) -> Settings {
    given.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
