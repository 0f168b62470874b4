//! Where the plugin listens: a Unix socket, or TCP where the host gives ports only or there are no sockets.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use futures::TryStreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::server::Router;

use super::Environment;

/// Where the plugin listens.
pub(super) enum Listener {
    /// A socket file, removed when this is dropped.
    #[cfg(unix)]
    Unix(tempfile::NamedTempFile<std::os::unix::net::UnixListener>),
    /// A port of the loopback address.
    Tcp(TcpListener),
}

impl Listener {
    /// A Unix socket in the host's folder or the system's temporary one; a TCP port when the host gives ports and no
    /// folder, or where no socket can be made.
    pub(super) fn bind(environment: &Environment) -> io::Result<Self> {
        #[cfg(unix)]
        if environment.unix_socket_dir.is_some() || environment.ports.is_none() {
            let folder = environment.unix_socket_dir.clone().unwrap_or_else(std::env::temp_dir);
            let socket = tempfile::Builder::new()
                .prefix("conduit-connector-")
                .make_in(folder, |path| std::os::unix::net::UnixListener::bind(path));
            if let Ok(socket) = socket {
                socket.as_file().set_nonblocking(true)?;
                return Ok(Self::Unix(socket));
            }
        }
        let listener = tcp(environment)?;
        listener.set_nonblocking(true)?;
        Ok(Self::Tcp(listener))
    }

    /// The network's name in the handshake.
    pub(super) fn network(&self) -> &'static str {
        match self {
            #[cfg(unix)]
            Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }

    /// The address in the handshake.
    pub(super) fn address(&self) -> String {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => socket.path().display().to_string(),
            Self::Tcp(listener) => listener.local_addr().map_or_else(|_| String::new(), |address| address.to_string()),
        }
    }

    /// Serves until `end` is done and no request is under way.
    pub(super) async fn serve(
        self,
        router: Router,
        end: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        match self {
            #[cfg(unix)]
            Self::Unix(socket) => {
                let (listener, path) = socket.into_parts();
                let incoming =
                    tokio::net::UnixListener::from_std(listener).map(tokio_stream::wrappers::UnixListenerStream::new);
                let result = match incoming {
                    Ok(incoming) => router.serve_with_incoming_shutdown(incoming, end).await,
                    Err(error) => {
                        router.serve_with_incoming_shutdown(failed::<tokio::net::UnixStream>(error), end).await
                    }
                };
                drop(path);
                result
            }
            Self::Tcp(listener) => match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    // What is small must not wait until the host has confirmed what came before it, as TCP has it by itself. Where that
                    // can't be said, it works, but slowly.
                    let incoming = TcpListenerStream::new(listener).inspect_ok(|connection| {
                        let _ = connection.set_nodelay(true);
                    });
                    router.serve_with_incoming_shutdown(incoming, end).await
                }
                Err(error) => router.serve_with_incoming_shutdown(failed::<tokio::net::TcpStream>(error), end).await,
            },
        }
    }
}

/// A stream of connections that is one error: the server turns it into its own.
fn failed<T>(error: io::Error) -> impl futures::Stream<Item = io::Result<T>> {
    futures::stream::iter([Err(error)])
}

/// The first free port of the host's range, or any where the host gives none.
fn tcp(environment: &Environment) -> io::Result<TcpListener> {
    let Some(ports) = environment.ports.clone() else {
        return TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    };
    let (first, last) = (*ports.start(), *ports.end());
    ports
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .find_map(|address| TcpListener::bind(address).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, format!("every port from {first} to {last} is taken")))
}
