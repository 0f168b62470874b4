//! The plugin binary that Conduit starts.

use std::env;
use std::ffi::OsStr;
use std::process::ExitCode;

use conduit_connector_hubspot::HubSpot;
use conduit_connector_sdk::{describe, serve};

const HELP: &str = concat!(
    "conduit-connector-hubspot ",
    env!("CARGO_PKG_VERSION"),
    "
The HubSpot connector for Conduit: a source (snapshot, then changes) and a destination.

This program is started by Conduit, not by hand:
  1. copy it into Conduit's `connectors` folder (or the one that --connectors.path names);
  2. name it in a pipeline file as `plugin: standalone:hubspot`;
  3. give it `accessToken` and `resource` in the connector's settings.

Options:
  spec             print connector.yaml: name, version and every parameter
  --specification  print the same as JSON
  version          print the version as pipelines know it
  --version        print the version
  --help           print this
"
);

fn main() -> ExitCode {
    let argument = env::args_os().nth(1);
    match argument.as_deref().map(OsStr::to_string_lossy).as_deref() {
        // What every connector of the SDK answers.
        None | Some("spec" | "version") => serve::<HubSpot>(),
        Some("--version" | "-V") => say(concat!("conduit-connector-hubspot ", env!("CARGO_PKG_VERSION"), "\n")),
        Some("--help" | "-h") => say(HELP),
        Some("--specification") => say(&format!("{:#}\n", describe::<HubSpot>())),
        Some(other) => {
            eprintln!("conduit-connector-hubspot: unknown argument {other:?}; --help lists what there is");
            ExitCode::from(2)
        }
    }
}

/// Prints what a person asked for. Under Conduit there are no arguments, and stdout carries the handshake line alone.
#[allow(clippy::print_stdout)]
fn say(text: &str) -> ExitCode {
    print!("{text}");
    ExitCode::SUCCESS
}
