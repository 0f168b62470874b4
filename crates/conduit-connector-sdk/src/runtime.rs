//! The program: runtime, logging, services, and an end in bounded time.

mod command;

use std::env;
use std::ffi::OsStr;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::plugin::{self, Environment, ServeError};
use conduit_connector_protocol::proto::connector::{v1, v2};
use tonic::service::Routes;

use crate::destination::{DestinationPlugin, DestinationV1, DestinationV2};
use crate::source::{SourcePlugin, SourceV1, SourceV2};
use crate::specification::Specifier;
use crate::{Connector, Context};

/// Threads for everything but the connector's own calls, which have theirs.
const WORKERS: usize = 2;

/// See [`keep_memory`]; twice as much is kept.
const KEPT: usize = 2 << 20;

/// Serves a connector to the Conduit that started this program, until Conduit asks for the end, a signal does, or Conduit is
/// gone. It is all that `main` has to do.
///
/// It sets up logging (JSON on stderr, at the level that Conduit asks for; use [`tracing`]'s macros) and a Tokio runtime.
/// Stdout is the handshake's alone: print nothing there. The end comes in bounded time whatever the connector does: what
/// still runs then goes with the process, so return from `main` with what this gives.
///
/// Started by a person, the program answers its first argument on stdout: `spec` with its `connector.yaml`
/// ([`Specification::connector_yaml`](crate::Specification::connector_yaml)), `version` or `--version` with its version, `--help` or
/// `-h` with what it is and what to do with it. Otherwise it says on stderr that Conduit has to start it, and fails. Under Conduit,
/// arguments mean nothing.
pub fn serve<C: Connector>() -> ExitCode {
    let environment = Environment::from_env();
    if !environment.started_by_conduit() {
        return answer::<C>();
    }
    keep_memory();
    crate::logging::install(environment.log_level.as_deref());
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(run::<C>(&environment));
    // Dropping the runtime would wait for calls of the connector's that do not end; the process does not.
    std::mem::forget(runtime);
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("cannot serve: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Has the allocator keep what a batch took for the next one.
///
/// glibc gives memory back to the system once 128 KiB are free at the end of a heap, and asks for it page by page when the next batch
/// comes: in a destination that was a fifth of the CPU. When a block that has its own mapping is freed, it gives back no less than
/// twice that size from then on (mallopt(3), `M_MMAP_THRESHOLD`). The block is never written to, so it takes no memory; other
/// allocators don't mind.
fn keep_memory() {
    drop(black_box(Vec::<u8>::with_capacity(KEPT)));
}

/// Answers the person who started the program.
fn answer<C: Connector>() -> ExitCode {
    let argument = env::args_os().nth(1);
    let Some(text) = argument.as_deref().and_then(OsStr::to_str).and_then(command::answer::<C>) else {
        eprintln!("{}; `--help` says more", ServeError::NotStartedByConduit);
        return ExitCode::FAILURE;
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write to stdout: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run<C: Connector>(environment: &Environment) -> Result<(), ServeError> {
    let plugins = Plugins::<C>::new(Context::new(environment), environment.max_message_size());
    plugin::serve(environment, |version| plugins.routes(version), plugins.drain()).await
}

/// Both halves of a connector, ready to be called.
pub(crate) struct Plugins<C: Connector> {
    source: Arc<SourcePlugin<C::Source>>,
    destination: Arc<DestinationPlugin<C::Destination>>,
    /// The most bytes of a message, both ways.
    limit: usize,
}

impl<C: Connector> Plugins<C> {
    pub(crate) fn new(context: Context, limit: usize) -> Self {
        Self {
            source: Arc::new(SourcePlugin::new(context.clone(), limit)),
            destination: Arc::new(DestinationPlugin::new(context)),
            limit,
        }
    }

    /// The connector's services in one version of the protocol.
    pub(crate) fn routes(&self, version: ProtocolVersion) -> Routes {
        let (source, destination) = (Arc::clone(&self.source), Arc::clone(&self.destination));
        match version {
            ProtocolVersion::V1 => {
                Routes::new(v1::specifier_plugin_server::SpecifierPluginServer::new(Specifier::<C>::new()))
                    .add_service(
                        v1::source_plugin_server::SourcePluginServer::new(SourceV1(source))
                            .max_decoding_message_size(self.limit),
                    )
                    .add_service(
                        v1::destination_plugin_server::DestinationPluginServer::new(DestinationV1(destination))
                            .max_decoding_message_size(self.limit),
                    )
            }
            ProtocolVersion::V2 => {
                Routes::new(v2::specifier_plugin_server::SpecifierPluginServer::new(Specifier::<C>::new()))
                    .add_service(
                        v2::source_plugin_server::SourcePluginServer::new(SourceV2(source))
                            .max_decoding_message_size(self.limit),
                    )
                    .add_service(
                        v2::destination_plugin_server::DestinationPluginServer::new(DestinationV2(destination))
                            .max_decoding_message_size(self.limit),
                    )
            }
        }
    }

    /// Ends whatever is under way.
    pub(crate) async fn drain(&self) {
        let (source, destination) = tokio::join!(self.source.teardown(), self.destination.teardown());
        for error in [source.err(), destination.err()].into_iter().flatten() {
            tracing::warn!("while ending: {error}");
        }
    }
}
