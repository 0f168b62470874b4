//! What the sample connector says of itself.

use std::collections::HashMap;

use conduit_connector_protocol::proto::config::v1 as config;
use conduit_connector_protocol::proto::connector::{v1, v2};
use tonic::{Request, Response, Status};

use crate::fault::Fault;

pub(crate) struct Specifier;

/// Name, description, and the names of the one parameter of source and destination.
struct Words {
    version: &'static str,
    description: &'static str,
    source: &'static str,
    destination: &'static str,
}

fn words() -> Words {
    if Fault::Specification.is_set() {
        Words { version: "1.0", description: "", source: "the count", destination: "target.*" }
    } else {
        Words { version: "v1.0.0", description: "What it is for.", source: "count", destination: "target" }
    }
}

#[tonic::async_trait]
impl v1::specifier_plugin_server::SpecifierPlugin for Specifier {
    async fn specify(
        &self,
        _request: Request<v1::specifier::specify::Request>,
    ) -> Result<Response<v1::specifier::specify::Response>, Status> {
        let words = words();
        let parameter = |name: &str| {
            let validation = v1::specifier::parameter::Validation { r#type: 1, value: String::new() };
            let parameter = v1::specifier::Parameter {
                description: words.description.to_owned(),
                r#type: 1,
                validations: vec![validation],
                ..Default::default()
            };
            HashMap::from([(name.to_owned(), parameter)])
        };
        Ok(Response::new(v1::specifier::specify::Response {
            name: "sample".to_owned(),
            summary: "Twenty records, and a place for records".to_owned(),
            description: "The connector that the acceptance suite's own tests run.".to_owned(),
            version: words.version.to_owned(),
            author: "HubSpot for Conduit contributors".to_owned(),
            destination_params: parameter(words.destination),
            source_params: parameter(words.source),
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
        let parameter = |name: &str| {
            let validation = config::Validation { r#type: 1, value: String::new() };
            let parameter = config::Parameter {
                description: words.description.to_owned(),
                r#type: 1,
                validations: vec![validation],
                ..Default::default()
            };
            HashMap::from([(name.to_owned(), parameter)])
        };
        let specification = v2::Specification {
            name: "sample".to_owned(),
            summary: "Twenty records, and a place for records".to_owned(),
            description: "The connector that the acceptance suite's own tests run.".to_owned(),
            version: words.version.to_owned(),
            author: "HubSpot for Conduit contributors".to_owned(),
            destination_params: parameter(words.destination),
            source_params: parameter(words.source),
        };
        Ok(Response::new(v2::specifier::specify::Response { specification: Some(specification) }))
    }
}
