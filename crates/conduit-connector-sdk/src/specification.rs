//! What a connector is: its name, and what can be configured.

mod yaml;

use std::marker::PhantomData;

use conduit_connector_protocol::proto::connector::{v1, v2};
use serde_json::{Value, json};
use tonic::{Request, Response, Status};

use crate::middleware::joined;
use crate::{Connector, Destination, Parameter, Parameters, Source};

/// What a connector is, for people and for Conduit. The parameters are those of its source and destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specification {
    /// The name by which pipeline files ask for it, as in `standalone:<name>`.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// A paragraph.
    pub description: String,
    /// The version, as `vX.Y.Z`.
    pub version: String,
    /// Who made it.
    pub author: String,
}

impl Specification {
    /// The whole `connector.yaml` of a connector, as it ships beside the program: in version 1.0 of Conduit's form, with every
    /// parameter of its source and destination and their middleware. `spec` as an argument of the program prints it, where
    /// [`serve`](crate::serve) is all that `main` does.
    pub fn connector_yaml<C: Connector>() -> String {
        yaml::connector_yaml(&C::specification(), &source_parameters::<C>(), &destination_parameters::<C>())
    }
}

/// A connector's specification as JSON, in the form of `connector.yaml`: `name`, `summary`, `description`, `version`,
/// `author`, and the `parameters` of `source` and `destination`.
pub fn describe<C: Connector>() -> Value {
    let Specification { name, summary, description, version, author } = C::specification();
    let side = |parameters: Vec<Parameter>| json!({"parameters": parameters.iter().map(Parameter::to_json).collect::<Vec<_>>()});
    json!({
        "name": name,
        "summary": summary,
        "description": description,
        "version": version,
        "author": author,
        "source": side(source_parameters::<C>()),
        "destination": side(destination_parameters::<C>()),
    })
}

/// The parameters of a source and its middleware.
pub(crate) fn of_source<S: Source>() -> Vec<Parameter> {
    joined(S::Config::parameters(), S::middleware().parameters())
}

/// The parameters of a destination and its middleware.
pub(crate) fn of_destination<D: Destination>() -> Vec<Parameter> {
    joined(D::Config::parameters(), D::middleware().parameters())
}

fn source_parameters<C: Connector>() -> Vec<Parameter> {
    of_source::<C::Source>()
}

fn destination_parameters<C: Connector>() -> Vec<Parameter> {
    of_destination::<C::Destination>()
}

/// Answers `Specify`, in both versions of the protocol.
pub(crate) struct Specifier<C>(PhantomData<fn() -> C>);

impl<C> Specifier<C> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

#[tonic::async_trait]
impl<C: Connector> v1::specifier_plugin_server::SpecifierPlugin for Specifier<C> {
    async fn specify(
        &self,
        _request: Request<v1::specifier::specify::Request>,
    ) -> Result<Response<v1::specifier::specify::Response>, Status> {
        let Specification { name, summary, description, version, author } = C::specification();
        let wire = |parameters: Vec<Parameter>| {
            parameters.into_iter().map(|parameter| (parameter.name.clone(), parameter.to_wire_v1())).collect()
        };
        Ok(Response::new(v1::specifier::specify::Response {
            name,
            summary,
            description,
            version,
            author,
            destination_params: wire(destination_parameters::<C>()),
            source_params: wire(source_parameters::<C>()),
        }))
    }
}

#[tonic::async_trait]
impl<C: Connector> v2::specifier_plugin_server::SpecifierPlugin for Specifier<C> {
    async fn specify(
        &self,
        _request: Request<v2::specifier::specify::Request>,
    ) -> Result<Response<v2::specifier::specify::Response>, Status> {
        let Specification { name, summary, description, version, author } = C::specification();
        let wire = |parameters: Vec<Parameter>| {
            parameters.into_iter().map(|parameter| (parameter.name.clone(), parameter.to_wire())).collect()
        };
        let specification = v2::Specification {
            name,
            summary,
            description,
            version,
            author,
            destination_params: wire(destination_parameters::<C>()),
            source_params: wire(source_parameters::<C>()),
        };
        Ok(Response::new(v2::specifier::specify::Response { specification: Some(specification) }))
    }
}
