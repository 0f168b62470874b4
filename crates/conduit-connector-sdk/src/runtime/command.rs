//! What a connector's program says to a person who starts it.

use crate::specification::{of_destination, of_source};
use crate::{Connector, Parameter, Specification};

/// The answer to an argument; nothing to one that isn't known.
pub(super) fn answer<C: Connector>(argument: &str) -> Option<String> {
    match argument {
        "spec" => Some(Specification::connector_yaml::<C>()),
        "version" | "--version" => Some(format!("{}\n", C::specification().version)),
        "--help" | "-h" => Some(help::<C>()),
        _ => None,
    }
}

fn help<C: Connector>() -> String {
    let Specification { name, summary, description, version, author: _ } = C::specification();
    let required =
        needs("source", &of_source::<C::Source>()) + &needs("destination", &of_destination::<C::Destination>());
    format!(
        "{name} {version}
{summary}

{description}

This program is a connector for Conduit (https://conduit.io), and is started by it, not by hand:
  1. copy it into Conduit's `connectors` folder (or the one that --connectors.path names);
  2. name it in a pipeline file as `plugin: standalone:{name}`;
  3. give it its parameters in the connector's settings{required}.

Started by hand, it says what it is:
  spec       print connector.yaml: all of this, and every parameter
  version    print the version
  --help     print this
"
    )
}

/// The parameters without which a half of the connector doesn't start.
fn needs(half: &str, parameters: &[Parameter]) -> String {
    let required = |parameter: &&Parameter| parameter.is_required() && parameter.default.is_empty();
    let names: Vec<String> =
        parameters.iter().filter(required).map(|parameter| format!("`{}`", parameter.name)).collect();
    if names.is_empty() { String::new() } else { format!("; the {half} needs {}", names.join(", ")) }
}
