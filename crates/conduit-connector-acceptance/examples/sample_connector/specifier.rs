//! What the sample connector says of itself.

use std::collections::HashMap;

use conduit_connector_protocol::proto::config::v1 as config;
use conduit_connector_protocol::proto::connector::{v1, v2};
use tonic::{Request, Response, Status};

use crate::fault::Fault;
use crate::parameters::{DESTINATION, Parameter, SOURCE};

pub(crate) struct Specifier;

/// What differs between a connector that is well and one that is not.
struct Words {
    version: &'static str,
    author: &'static str,
    description: &'static str,
    source: &'static str,
    destination: &'static str,
}

fn words() -> Words {
    let well = Words {
        version: "v1.0.0",
        author: "HubSpot for Conduit contributors",
        description: "What it is for.",
        source: SOURCE[0].name,
        destination: DESTINATION[0].name,
    };
    if Fault::Specification.is_set() {
        Words { version: "1.0", description: "", source: "the count", destination: "target.*", ..well }
    } else if Fault::SpecificationOfVersions.is_set() {
        Words { author: " ", ..well }
    } else {
        well
    }
}

/// The parameters in protocol v2, the first one by this name.
fn parameters(of: &[Parameter], first: &str, description: &str) -> HashMap<String, config::Parameter> {
    of.iter()
        .enumerate()
        .map(|(number, parameter)| {
            let validation = |(kind, value): &(config::validation::Type, &str)| config::Validation {
                r#type: (*kind).into(),
                value: (*value).to_owned(),
            };
            let name = if number == 0 { first } else { parameter.name };
            let parameter = config::Parameter {
                description: description.to_owned(),
                r#type: parameter.kind.into(),
                validations: parameter.validations.iter().map(validation).collect(),
                ..Default::default()
            };
            (name.to_owned(), parameter)
        })
        .collect()
}

/// The same in protocol v1, whose numbers are the same.
fn in_v1(parameters: HashMap<String, config::Parameter>) -> HashMap<String, v1::specifier::Parameter> {
    let validation =
        |it: config::Validation| v1::specifier::parameter::Validation { r#type: it.r#type, value: it.value };
    parameters
        .into_iter()
        .map(|(name, it)| {
            let parameter = v1::specifier::Parameter {
                description: it.description,
                r#type: it.r#type,
                validations: it.validations.into_iter().map(validation).collect(),
                ..Default::default()
            };
            (name, parameter)
        })
        .collect()
}

#[tonic::async_trait]
impl v1::specifier_plugin_server::SpecifierPlugin for Specifier {
    async fn specify(
        &self,
        _request: Request<v1::specifier::specify::Request>,
    ) -> Result<Response<v1::specifier::specify::Response>, Status> {
        let words = words();
        let name = if Fault::SpecificationOfVersions.is_set() { "older sample" } else { "sample" };
        Ok(Response::new(v1::specifier::specify::Response {
            name: name.to_owned(),
            summary: "Twenty records, and a place for records".to_owned(),
            description: "The connector that the acceptance suite's own tests run.".to_owned(),
            version: words.version.to_owned(),
            author: words.author.to_owned(),
            destination_params: in_v1(parameters(&DESTINATION, words.destination, words.description)),
            source_params: in_v1(parameters(&SOURCE, words.source, words.description)),
        }))
    }
}

#[tonic::async_trait]
impl v2::specifier_plugin_server::SpecifierPlugin for Specifier {
    async fn specify(
        &self,
        _request: Request<v2::specifier::specify::Request>,
    ) -> Result<Response<v2::specifier::specify::Response>, Status> {
        let words = words();
        let specification = v2::Specification {
            name: "sample".to_owned(),
            summary: "Twenty records, and a place for records".to_owned(),
            description: "The connector that the acceptance suite's own tests run.".to_owned(),
            version: words.version.to_owned(),
            author: words.author.to_owned(),
            destination_params: parameters(&DESTINATION, words.destination, words.description),
            source_params: parameters(&SOURCE, words.source, words.description),
        };
        Ok(Response::new(v2::specifier::specify::Response { specification: Some(specification) }))
    }
}
