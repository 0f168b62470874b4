//! Whether the connector describes itself well, by the rules of the acceptance test in Conduit's Go SDK.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use conduit_connector_protocol::ProtocolVersion;
use regex::Regex;

use super::{Context, Ending, ensure, fail, skip};
use crate::Parameter;

pub(super) async fn identity(context: &Context) -> Result<(), Ending> {
    let it = context.connector.specify().await?;
    let texts =
        [("name", &it.name), ("summary", &it.summary), ("description", &it.description), ("author", &it.author)];
    for (what, text) in texts {
        ensure(!text.trim().is_empty(), || format!("it has no {what}"))?;
        ensure(text.trim() == text, || format!("its {what}, {text:?}, has white space around it"))?;
    }
    Ok(())
}

pub(super) async fn version(context: &Context) -> Result<(), Ending> {
    let version = context.connector.specify().await?.version;
    ensure(is_version(&version), || format!("its version is {version:?}"))
}

/// Semantic versioning with a `v` in front, as Go has it.
fn is_version(version: &str) -> bool {
    static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let number = r"(0|[1-9]\d*)";
        let names = r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*";
        Regex::new(&format!(r"^v{number}\.{number}\.{number}(-{names})?(\+{names})?$")).ok()
    });
    version == "(devel)" || VERSION.as_ref().is_some_and(|regex| regex.is_match(version))
}

pub(super) async fn source(context: &Context) -> Result<(), Ending> {
    let parameters = context.connector.specify().await?.source_parameters;
    if parameters.is_empty() && context.suite.source.is_none() {
        return skip("the connector has no source");
    }
    check_parameters(&parameters, |character| character == '*')
}

pub(super) async fn destination(context: &Context) -> Result<(), Ending> {
    let parameters = context.connector.specify().await?.destination_parameters;
    if parameters.is_empty() && context.suite.destination.is_none() {
        return skip("the connector has no destination");
    }
    check_parameters(&parameters, |_| false)
}

/// All that is wrong with the parameters, together.
fn check_parameters(parameters: &BTreeMap<String, Parameter>, also: impl Fn(char) -> bool) -> Result<(), Ending> {
    if parameters.is_empty() {
        return fail("there are no parameters");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || also(c);
    let mut wrong = Vec::new();
    for (name, parameter) in parameters {
        if name.is_empty() || !name.chars().all(allowed) {
            wrong.push(format!("{name:?} is no valid name"));
        }
        if parameter.description.trim().is_empty() {
            wrong.push(format!("{name:?} has no description"));
        } else if parameter.description.trim() != parameter.description {
            wrong.push(format!("the description of {name:?} has white space around it"));
        }
    }
    ensure(wrong.is_empty(), || wrong.join("; "))
}

pub(super) async fn versions(context: &Context) -> Result<(), Ending> {
    let v1 = context.connector.clone().version(ProtocolVersion::V1).specify().await?;
    let v2 = context.connector.clone().version(ProtocolVersion::V2).specify().await?;
    let of = |it: crate::Specification| (it.name, it.summary, it.description, it.version, it.author);
    let sources = (&v1.source_parameters, &v2.source_parameters);
    let destinations = (&v1.destination_parameters, &v2.destination_parameters);
    for (half, (one, two)) in [("source", sources), ("destination", destinations)] {
        let differing: Vec<&str> =
            one.keys().chain(two.keys()).filter(|name| one.get(*name) != two.get(*name)).map(String::as_str).collect();
        ensure(differing.is_empty(), || format!("parameters of the {half} differ: {}", differing.join(", ")))?;
    }
    let (v1, v2) = (of(v1), of(v2));
    ensure(v1 == v2, || format!("v1 says {v1:?}, v2 says {v2:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_go() {
        for version in ["v0.1.0", "v1.2.3-rc.1", "v1.2.3+build.5", "(devel)"] {
            assert!(is_version(version), "{version}");
        }
        for version in ["1.2.3", "v1.2", "v01.2.3", "v1.2.3 ", "", "latest"] {
            assert!(!is_version(version), "{version}");
        }
    }

    #[test]
    fn all_that_is_wrong_with_parameters_is_said_together() {
        let described = Parameter { description: "What it is for.".to_owned(), ..Parameter::default() };
        let parameters = BTreeMap::from([
            ("a b".to_owned(), described.clone()),
            ("collection.*.format".to_owned(), described),
            ("silent".to_owned(), Parameter::default()),
        ]);
        let Err(Ending::Failed(reason)) = check_parameters(&parameters, |c| c == '*') else { panic!("it passed") };
        assert_eq!(reason, "\"a b\" is no valid name; \"silent\" has no description");
        let Err(Ending::Failed(reason)) = check_parameters(&parameters, |_| false) else { panic!("it passed") };
        assert!(reason.contains("collection.*.format"), "{reason}");
    }
}
