//! A connector that the suite's own tests run: a source of twenty records, or of a file's lines, and a destination that refuses
//! some and may write to a file.
//!
//! It is written on the generated services alone, with no SDK between, in protocol v2 and v1. The environment variable
//! `FAULT` breaks it in one way, so that tests see the suite find that; [`fault::Fault`] lists the ways.

#![allow(clippy::print_stdout, reason = "printing to stdout is one of the faults")]

mod destination;
mod fault;
mod parameters;
mod schemas;
mod source;
mod specifier;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::plugin::{Environment, serve};
use conduit_connector_protocol::proto::connector::{v1, v2};
use tonic::Status;
use tonic::service::Routes;

use destination::Destination;
use fault::Fault;
use source::Source;
use specifier::Specifier;

/// The services; messages may have that many bytes.
fn routes(version: ProtocolVersion, max: usize) -> Routes {
    let (source, destination) = (Source::default(), Destination::default());
    match version {
        ProtocolVersion::V1 => Routes::new(v1::specifier_plugin_server::SpecifierPluginServer::new(Specifier))
            .add_service(v1::source_plugin_server::SourcePluginServer::new(source))
            .add_service(
                v1::destination_plugin_server::DestinationPluginServer::new(destination).max_decoding_message_size(max),
            ),
        ProtocolVersion::V2 => Routes::new(v2::specifier_plugin_server::SpecifierPluginServer::new(Specifier))
            .add_service(v2::source_plugin_server::SourcePluginServer::new(source))
            .add_service(
                v2::destination_plugin_server::DestinationPluginServer::new(destination).max_decoding_message_size(max),
            ),
    }
}

/// What teardown does, for source and destination.
async fn teardown(torn_down: &AtomicBool) -> Result<(), Status> {
    let again = torn_down.swap(true, Ordering::Relaxed);
    if Fault::TeardownHangs.is_set() || (again && Fault::SecondTeardownHangs.is_set()) {
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// What a lifecycle call does, for source and destination.
fn lifecycle() -> Result<(), Status> {
    if Fault::LifecycleFails.is_set() { Err(Status::internal("lifecycle calls fail here")) } else { Ok(()) }
}

/// Serves the connector's services and nothing of go-plugin's.
async fn serve_without_health(max: usize) -> ExitCode {
    let Ok(listener) = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await else { return ExitCode::FAILURE };
    let Ok(address) = listener.local_addr() else { return ExitCode::FAILURE };
    println!("1|2|tcp|{address}|grpc|");
    let server = tonic::transport::Server::builder().add_routes(routes(ProtocolVersion::V2, max));
    let _ = server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)).await;
    ExitCode::SUCCESS
}

/// What a program does that knows nothing of signals.
#[cfg(unix)]
async fn die_of_sigterm() {
    use tokio::signal::unix::{SignalKind, signal};

    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        terminate.recv().await;
        std::process::exit(143);
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut environment = Environment::from_env();
    let max = match environment.max_message_size() {
        _ if Fault::AnySize.is_set() => usize::MAX,
        _ if Fault::SmallSize.is_set() => 1024 * 1024,
        max => max,
    };
    if Fault::NeedsRegistry.is_set() && environment.utilities_target.is_none() {
        return ExitCode::SUCCESS;
    }
    if Fault::AlwaysV1.is_set() {
        environment.protocol_versions = Some("1".to_owned());
    }
    if Fault::AlwaysV2.is_set() {
        environment.protocol_versions = Some("2".to_owned());
    }
    if Fault::ListensNowhere.is_set() {
        println!("1|2|tcp|127.0.0.1:1|grpc|");
        std::future::pending::<()>().await;
    }
    if Fault::Unhealthy.is_set() {
        return serve_without_health(max).await;
    }
    #[cfg(unix)]
    if Fault::DiesOfSigterm.is_set() {
        tokio::spawn(die_of_sigterm());
    }
    let result = serve(&environment, |version| routes(version, max), async {}).await;
    if Fault::NeverEnds.is_set() {
        std::future::pending::<()>().await;
    }
    match result {
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
