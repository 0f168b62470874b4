//! A connector that the suite's own tests run: a source of twenty records and a destination that refuses some.
//!
//! It is written on the generated services alone, with no SDK between, in protocol v2 and v1. The environment variable
//! `FAULT` breaks it in one way, so that tests see the suite find that; [`fault::Fault`] lists the ways.

#![allow(clippy::print_stdout, reason = "printing to stdout is one of the faults")]

mod destination;
mod fault;
mod source;
mod specifier;

use std::collections::HashMap;
use std::process::ExitCode;

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::plugin::{Environment, serve};
use conduit_connector_protocol::proto::connector::{v1, v2};
use tonic::Status;
use tonic::service::Routes;

use destination::Destination;
use fault::Fault;
use source::Source;
use specifier::Specifier;

fn routes(version: ProtocolVersion) -> Routes {
    let (source, destination) = (Source::default(), Destination);
    match version {
        ProtocolVersion::V1 => Routes::new(v1::specifier_plugin_server::SpecifierPluginServer::new(Specifier))
            .add_service(v1::source_plugin_server::SourcePluginServer::new(source))
            .add_service(v1::destination_plugin_server::DestinationPluginServer::new(destination)),
        ProtocolVersion::V2 => Routes::new(v2::specifier_plugin_server::SpecifierPluginServer::new(Specifier))
            .add_service(v2::source_plugin_server::SourcePluginServer::new(source))
            .add_service(v2::destination_plugin_server::DestinationPluginServer::new(destination)),
    }
}

/// Checks that the one required parameter is there, and nothing else.
fn configure(required: &str, config: &HashMap<String, String>) -> Result<(), Status> {
    eprintln!(r#"{{"@level":"info","@message":"configuring","required":"{required}"}}"#);
    if Fault::Stdout.is_set() {
        println!("configuring");
    }
    if Fault::AcceptsAnything.is_set() {
        return Ok(());
    }
    if config.get(required).is_none_or(String::is_empty) {
        return Err(Status::invalid_argument(format!("\"{required}\": required parameter is not provided")));
    }
    match config.keys().find(|name| *name != required) {
        Some(name) => Err(Status::invalid_argument(format!("\"{name}\": unrecognized parameter"))),
        None => Ok(()),
    }
}

/// What teardown does, for source and destination.
async fn teardown() -> Result<(), Status> {
    if Fault::TeardownHangs.is_set() {
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(&Environment::from_env(), routes, async {}).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if Fault::CookieAsUsual.is_set() {
                println!("{error}");
                return ExitCode::SUCCESS;
            }
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
