//! The side of go-plugin's process contract that is started: cookie, version, listener, handshake, health, controller.
//!
//! [`serve`] does all of it around the connector's own services:
//!
//! 1. without the magic cookie it refuses with [`ServeError::NotStartedByConduit`], whose text tells a person what to do;
//! 2. it agrees on a protocol version, listens on a Unix socket (on TCP where there are none), and prints the one handshake
//!    line on stdout;
//! 3. it serves until the host asks for the end (`GRPCController.Shutdown`), a signal does (SIGTERM, SIGINT), or the host is
//!    gone; then it lets the connector drain for [`DRAIN`] at most, answers, and returns. Shutdown has no deadline of its own
//!    in go-plugin, and one that hangs hangs Conduit: so it is answered in bounded time whatever the connector does;
//! 4. a signal often reaches the host too: Ctrl-C and service managers signal a whole group of processes. The host then
//!    stops its pipelines through the very services of the plugin, which would fail were it gone. So after a signal it goes on
//!    serving until the host asks for the end, for [`SIGNAL_GRACE`] at most; a second signal ends it at once.

mod environment;
mod listener;
mod services;

use std::future::Future;
use std::io::{self, Write};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tonic::service::Routes;
use tonic::transport::Server;

pub use environment::Environment;
use listener::Listener;
use services::{Broker, Controller, Stdio};

use crate::ProtocolVersion;
use crate::proto::plugin::grpc_broker_server::GrpcBrokerServer;
use crate::proto::plugin::grpc_controller_server::GrpcControllerServer;
use crate::proto::plugin::grpc_stdio_server::GrpcStdioServer;

/// How long a connector may take to drain after the end was asked for. go-plugin's host waits 2 s in all before it kills.
pub const DRAIN: Duration = Duration::from_millis(1500);

/// How long the plugin goes on serving after a signal, for the host to stop what runs and to ask for the end.
pub const SIGNAL_GRACE: Duration = Duration::from_secs(10);

/// How long answers that are under way may take to leave once draining is over.
const FLUSH: Duration = Duration::from_millis(250);

/// How often the plugin looks whether its host is still there.
const HOST_CHECK: Duration = Duration::from_millis(500);

/// The service that go-plugin asks the health of.
const HEALTH_SERVICE: &str = "plugin";

/// Why a plugin could not serve.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The magic cookie is absent or wrong: a person started the program.
    #[error(
        "this program is a connector for Conduit (https://conduit.io) and is started by it, not by hand: copy it into \
         Conduit's `connectors` folder and name it in a pipeline file"
    )]
    NotStartedByConduit,
    /// The host knows none of the versions that are known here.
    #[error("the host speaks connector protocol versions {offered:?}; this plugin speaks 1 and 2")]
    NoCommonVersion {
        /// The host's list, as it came.
        offered: String,
    },
    /// No address to listen on could be had.
    #[error("cannot listen for Conduit: {0}")]
    Listen(#[source] io::Error),
    /// The handshake line could not be written.
    #[error("cannot write the handshake to stdout: {0}")]
    Handshake(#[source] io::Error),
    /// The gRPC server failed.
    #[error("the gRPC server failed: {0}")]
    Server(#[source] tonic::transport::Error),
}

/// Serves a connector's services until the host asks for the end, a signal does, or the host is gone.
///
/// `routes` makes the services for the version agreed on. `drain` is run once when the end is asked for, for [`DRAIN`] at
/// most: it should stop reading and let what is under way finish.
///
/// # Errors
/// When the program was not started by Conduit, no version is common, no address can be had, or the server fails.
pub async fn serve<D>(
    environment: &Environment,
    routes: impl FnOnce(ProtocolVersion) -> Routes,
    drain: D,
) -> Result<(), ServeError>
where
    D: Future<Output = ()> + Send,
{
    let version = environment.negotiate()?;
    // Before the handshake: a host that dies right after it is noticed too. One that died earlier still is no parent to compare
    // with, but the handshake has no reader then, and fails.
    let host = Host::current();
    // Before there is a socket file: a signal must not leave it behind.
    let signals = Signals::new();
    let listener = Listener::bind(environment).map_err(ServeError::Listen)?;

    let (shutdown_sender, shutdown) = mpsc::channel(1);
    let (ended_sender, ended) = watch::channel(false);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_service_status(HEALTH_SERVICE, tonic_health::ServingStatus::Serving).await;
    let services = Server::builder()
        .add_routes(routes(version))
        .add_service(health_service)
        .add_service(GrpcControllerServer::new(Controller::new(shutdown_sender)))
        .add_service(GrpcBrokerServer::new(Broker::new(ended.clone())))
        .add_service(GrpcStdioServer::new(Stdio::new(ended.clone())));

    handshake(version, &listener).map_err(ServeError::Handshake)?;

    let mut ending = ended;
    let server = listener.serve(services, async move {
        // An error means that the sender is gone: the end as well.
        let _ = ending.wait_for(|ended| *ended).await;
    });
    tokio::pin!(server);

    let answer = tokio::select! {
        result = &mut server => return result.map_err(ServeError::Server),
        answer = end(shutdown, host.gone(), signals.received()) => answer,
    };
    if tokio::time::timeout(DRAIN, drain).await.is_err() {
        tracing::warn!("the connector did not drain within {DRAIN:?}; ending anyway");
    }
    if let Some(answer) = answer {
        // The host may have hung up meanwhile.
        let _ = answer.send(());
    }
    ended_sender.send_replace(true);
    // Streams that the host keeps open don't hold the end up.
    match tokio::time::timeout(FLUSH, server).await {
        Ok(result) => result.map_err(ServeError::Server),
        Err(_) => Ok(()),
    }
}

/// Prints the handshake: core protocol, connector protocol, network, address, transport, and no certificate.
fn handshake(version: ProtocolVersion, listener: &Listener) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "1|{}|{}|{}|grpc|", version.number(), listener.network(), listener.address())?;
    stdout.flush()
}

/// Waits for any reason to end. When the host asked, gives what its answer waits for.
async fn end(
    mut shutdown: mpsc::Receiver<oneshot::Sender<()>>,
    gone: impl Future<Output = ()>,
    signals: impl Stream<Item = &'static str>,
) -> Option<oneshot::Sender<()>> {
    tokio::pin!(gone, signals);
    let mut deadline = None;
    loop {
        let grace = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(answer) = shutdown.recv() => {
                tracing::debug!("the host asked for the end");
                return Some(answer);
            }
            () = &mut gone => {
                tracing::warn!("the host is gone; ending");
                return None;
            }
            () = grace => {
                tracing::warn!("the host did not ask for the end within {SIGNAL_GRACE:?} of the signal; ending");
                return None;
            }
            Some(signal) = signals.next() => {
                if deadline.is_some() {
                    tracing::info!("{signal} received again; ending");
                    return None;
                }
                tracing::info!("{signal} received; ending when the host asks for it, or in {SIGNAL_GRACE:?}");
                deadline = Some(tokio::time::Instant::now() + SIGNAL_GRACE);
            }
        }
    }
}

/// SIGTERM and SIGINT. From when this is made, neither ends the process by itself.
#[cfg(unix)]
struct Signals(io::Result<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};

        let both = || Ok([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?]);
        Self(both())
    }

    /// Each signal as it comes. Without handlers none: signals do what they do by default, and end the process at once.
    fn received(self) -> impl Stream<Item = &'static str> {
        futures::stream::unfold(self, async |mut signals| {
            let [terminate, interrupt] = signals.0.as_mut().ok()?;
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            Some((name, signals))
        })
    }
}

/// Ctrl-C, where there are no signals.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Self
    }

    /// Each Ctrl-C as it comes.
    fn received(self) -> impl Stream<Item = &'static str> {
        futures::stream::unfold((), async |()| tokio::signal::ctrl_c().await.ok().map(|()| ("Ctrl-C", ())))
    }
}

/// The process that started this one.
#[cfg(unix)]
struct Host(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Host {
    fn current() -> Self {
        Self(rustix::process::getppid())
    }

    /// Waits until the parent is another one: a process whose parent dies gets a new one.
    async fn gone(self) {
        while rustix::process::getppid() == self.0 {
            tokio::time::sleep(HOST_CHECK).await;
        }
    }
}

/// Elsewhere a process has no way to see that its parent is gone.
#[cfg(not(unix))]
struct Host;

#[cfg(not(unix))]
impl Host {
    fn current() -> Self {
        Self
    }

    async fn gone(self) {
        let _ = HOST_CHECK;
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures::stream;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_signal_the_host_has_its_time_to_ask_for_the_end() {
        let (asks, shutdown) = mpsc::channel(1);
        let began = Instant::now();
        tokio::spawn(async move {
            tokio::time::sleep(SIGNAL_GRACE / 2).await;
            let (answer, answered) = oneshot::channel();
            asks.send(answer).await.unwrap();
            answered.await
        });
        let answer = end(shutdown, pending(), stream::iter(["SIGINT"]).chain(stream::pending())).await;
        assert!(answer.is_some());
        assert_eq!(began.elapsed(), SIGNAL_GRACE / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn that_time_is_bounded() {
        let (_asks, shutdown) = mpsc::channel(1);
        let began = Instant::now();
        assert!(end(shutdown, pending(), stream::iter(["SIGTERM"]).chain(stream::pending())).await.is_none());
        assert_eq!(began.elapsed(), SIGNAL_GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_or_a_host_that_is_gone_ends_it_at_once() {
        let began = Instant::now();
        let (_asks, shutdown) = mpsc::channel(1);
        assert!(end(shutdown, pending(), stream::iter(["SIGINT", "SIGINT"])).await.is_none());
        let (_asks, shutdown) = mpsc::channel(1);
        assert!(end(shutdown, async {}, stream::pending()).await.is_none());
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
