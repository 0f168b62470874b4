//! The side of go-plugin's process contract that starts: what Conduit does with a connector's program.
//!
//! A [`Command`] starts the program in an environment that has the contract's variables and nothing else, reads the
//! handshake line, and connects. The [`Plugin`] it gives has the gRPC channel, and ends the program as Conduit does.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use conduit_connector_protocol::host::Command;
//!
//! let mut plugin = Command::new("/opt/conduit/connectors/hubspot").logs(|entry| eprintln!("{}", entry.message)).start().await?;
//! println!("speaks {} since {:?}", plugin.version(), plugin.start_to_handshake());
//! plugin.shutdown().await?;
//! # Ok(())
//! # }
//! ```

mod handshake;
mod lines;
mod log;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::io::{AsyncBufRead, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

use crate::proto::plugin::Empty;
use crate::proto::plugin::grpc_controller_client::GrpcControllerClient;
use crate::{MAGIC_COOKIE_KEY, MAGIC_COOKIE_VALUE, ProtocolVersion};
use handshake::Address;
use lines::Lines;
pub use log::LogEntry;

/// How long a plugin may take to its handshake; go-plugin's limit.
const START: Duration = Duration::from_mins(1);

/// How long a plugin may take to exit after Shutdown; go-plugin's limit.
const EXIT: Duration = Duration::from_secs(2);

type Logs = Arc<dyn Fn(LogEntry) + Send + Sync>;

/// Why a plugin could not be started or ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The program could not be run.
    #[error("cannot run {}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program ended before its handshake.
    #[error("{} ended before its handshake ({status}); it said: {stderr}", program.display())]
    Exited {
        /// The program.
        program: PathBuf,
        /// What it exited with.
        status: ExitStatus,
        /// Its last lines on stderr.
        stderr: String,
    },
    /// No handshake within a minute.
    #[error("{} wrote no handshake within {START:?}; it said: {stderr}", program.display())]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// Its last lines on stderr.
        stderr: String,
    },
    /// Its first line on stdout is no handshake.
    #[error("the first line that {} wrote to stdout, {line:?}, is no handshake: {reason}", program.display())]
    Handshake {
        /// The program.
        program: PathBuf,
        /// The line.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address of the handshake takes no connection.
    #[error("cannot connect to the plugin: {0}")]
    Connect(#[from] tonic::transport::Error),
    /// `Shutdown` was not answered, or the plugin did not exit after it, and it was killed; or it had ended before.
    #[error("the plugin did not shut down as it should: {reason}")]
    Shutdown {
        /// What went wrong.
        reason: String,
    },
    /// Waiting for the process, or sending it a signal, failed.
    #[error("the plugin's process cannot be reached: {0}")]
    Process(#[from] io::Error),
}

/// What a plugin is asked to listen on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// A Unix socket, in a folder of this plugin's own that goes away with the [`Plugin`].
    #[default]
    Unix,
    /// A loopback TCP port from 10000 to 25000, go-plugin's range.
    Tcp,
}

/// How to start a plugin.
#[must_use = "a command does nothing until it is started"]
pub struct Command {
    program: PathBuf,
    versions: Vec<ProtocolVersion>,
    network: Network,
    variables: BTreeMap<String, String>,
    logs: Option<Logs>,
}

impl Command {
    /// Starts this program: both protocol versions, a Unix socket, and no variables beside the contract's.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            versions: ProtocolVersion::ALL.to_vec(),
            network: Network::default(),
            variables: BTreeMap::from([(MAGIC_COOKIE_KEY.to_owned(), MAGIC_COOKIE_VALUE.to_owned())]),
            logs: None,
        }
    }

    /// The versions offered to the plugin.
    pub fn versions(mut self, versions: impl IntoIterator<Item = ProtocolVersion>) -> Self {
        self.versions = versions.into_iter().collect();
        self
    }

    /// One more variable, or another value for one of the contract's.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// What the plugin is asked to listen on.
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// The level to log at: `CONDUIT_CONNECTOR_LOG_LEVEL`.
    pub fn log_level(self, level: impl Into<String>) -> Self {
        self.env("CONDUIT_CONNECTOR_LOG_LEVEL", level)
    }

    /// The connector's id: `CONDUIT_CONNECTOR_ID`.
    pub fn connector_id(self, id: impl Into<String>) -> Self {
        self.env("CONDUIT_CONNECTOR_ID", id)
    }

    /// Called with each line that the plugin writes to stderr.
    pub fn logs(mut self, logs: impl Fn(LogEntry) + Send + Sync + 'static) -> Self {
        self.logs = Some(Arc::new(logs));
        self
    }

    /// Starts the program, waits for its handshake, and connects.
    ///
    /// # Errors
    /// When the program cannot be run, ends early, writes something else, or takes no connection. It is killed then.
    pub async fn start(self) -> Result<Plugin, HostError> {
        let run = |source| HostError::Run { program: self.program.clone(), source };
        let versions: Vec<String> = self.versions.iter().map(|version| version.number().to_string()).collect();
        let mut command = tokio::process::Command::new(&self.program);
        command.env_clear().env("PLUGIN_PROTOCOL_VERSIONS", versions.join(","));
        let mut sockets = None;
        match self.network {
            Network::Unix => {
                let folder = tempfile::Builder::new().prefix("conduit-host-").tempdir().map_err(run)?;
                command.env("PLUGIN_UNIX_SOCKET_DIR", folder.path());
                sockets = Some(folder);
            }
            Network::Tcp => {
                command.env("PLUGIN_MIN_PORT", "10000").env("PLUGIN_MAX_PORT", "25000");
            }
        }
        command.envs(&self.variables).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());

        let started = Instant::now();
        let mut child = command.kill_on_drop(true).spawn().map_err(run)?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(run(io::Error::other("it has no stdout or stderr")));
        };
        let said = Lines::default();
        let errors = tokio::spawn(read_logs(BufReader::new(stderr), said.clone(), self.logs.clone()));

        let mut stdout = BufReader::new(stdout);
        let line = match tokio::time::timeout(START, lines::next(&mut stdout)).await {
            Err(_) => return Err(HostError::TimedOut { program: self.program, stderr: said.joined() }),
            Ok(line) => line?,
        };
        let start_to_handshake = started.elapsed();
        let Some(line) = line else {
            let status = child.wait().await?;
            // What it said last is still on its way; a grandchild that holds stderr open must not hold this up.
            let _ = tokio::time::timeout(EXIT, errors).await;
            return Err(HostError::Exited { program: self.program, status, stderr: said.joined() });
        };
        let parsed = handshake::parse(&line).and_then(|(version, address)| {
            let offered = self.versions.contains(&version);
            if offered { Ok((version, address)) } else { Err(format!("it speaks {version}, which was not offered")) }
        });
        let (version, address) =
            parsed.map_err(|reason| HostError::Handshake { program: self.program, line, reason })?;
        let stray = Lines::default();
        let output = tokio::spawn({
            let stray = stray.clone();
            async move {
                while let Ok(Some(line)) = lines::next(&mut stdout).await {
                    stray.keep(line);
                }
            }
        });
        let channel = connect(address).await?;
        Ok(Plugin {
            child,
            channel,
            version,
            start_to_handshake,
            stray,
            reading: vec![output, errors],
            _sockets: sockets,
        })
    }
}

/// A running plugin. Dropping it kills the process.
#[derive(Debug)]
pub struct Plugin {
    child: Child,
    channel: Channel,
    version: ProtocolVersion,
    start_to_handshake: Duration,
    stray: Lines,
    /// What reads stdout and stderr; each ends with its output.
    reading: Vec<JoinHandle<()>>,
    _sockets: Option<tempfile::TempDir>,
}

impl Plugin {
    /// The connection, for the clients in [`proto`](crate::proto). Cheap to get and to clone.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The version that the plugin chose.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The process's id; nothing once it has ended and was waited for.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// The time from just before the process was started until its handshake was read.
    pub fn start_to_handshake(&self) -> Duration {
        self.start_to_handshake
    }

    /// The last lines that came on stdout after the handshake, oldest first. The contract allows none.
    pub fn stray_output(&self) -> Vec<String> {
        self.stray.all()
    }

    /// Ends the plugin as Conduit does: `Shutdown`, 2 s to exit, then a kill. Other than Conduit, which would wait for ever,
    /// this gives up on an answer after a minute. All that the plugin wrote has been read then.
    ///
    /// # Errors
    /// When the plugin had to be killed, or had ended already.
    pub async fn shutdown(&mut self) -> Result<ExitStatus, HostError> {
        if let Some(status) = self.child.try_wait()? {
            return Err(HostError::Shutdown { reason: format!("it had ended before ({status})") });
        }
        let mut controller = GrpcControllerClient::new(self.channel());
        let asked = tokio::time::timeout(START, controller.shutdown(Empty {})).await;
        // An error is no failure: go-plugin's own server cuts the connection before it has answered, and its host looks away.
        let reason = if asked.is_err() {
            format!("Shutdown was not answered within {START:?}")
        } else if let Ok(status) = tokio::time::timeout(EXIT, self.child.wait()).await {
            self.read_to_end().await;
            return Ok(status?);
        } else {
            format!("it did not exit within {EXIT:?}")
        };
        self.kill().await?;
        Err(HostError::Shutdown { reason })
    }

    /// Kills the plugin and waits until it is gone; one that has ended already is left alone.
    ///
    /// # Errors
    /// When the process cannot be reached.
    pub async fn kill(&mut self) -> Result<(), HostError> {
        if self.child.try_wait()?.is_none() {
            self.child.kill().await?;
        }
        self.read_to_end().await;
        Ok(())
    }

    /// Waits until the plugin has ended by itself.
    ///
    /// # Errors
    /// When the process cannot be reached.
    pub async fn wait(&mut self) -> Result<ExitStatus, HostError> {
        let status = self.child.wait().await?;
        self.read_to_end().await;
        Ok(status)
    }

    /// What a process wrote last is still on its way when it has ended. A process of its own that holds an output open must
    /// not hold this up.
    async fn read_to_end(&mut self) {
        let _ = tokio::time::timeout(EXIT, futures::future::join_all(self.reading.drain(..))).await;
    }

    /// Sends SIGTERM, which asks the plugin to drain and end.
    ///
    /// # Errors
    /// When the process cannot be reached, or has ended already.
    #[cfg(unix)]
    pub fn terminate(&self) -> Result<(), HostError> {
        let pid = self.pid().and_then(|pid| rustix::process::Pid::from_raw(pid as i32));
        let pid = pid.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it has ended already"))?;
        Ok(rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(io::Error::from)?)
    }
}

async fn connect(address: Address) -> Result<Channel, tonic::transport::Error> {
    match address {
        Address::Tcp(address) => Endpoint::from_shared(format!("http://{address}"))?.connect().await,
        #[cfg(unix)]
        Address::Unix(path) => {
            let connector = tower::service_fn(move |_| {
                let path = path.clone();
                async move { tokio::net::UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
            });
            // The connector ignores the address, but gRPC wants an authority.
            Endpoint::from_static("http://localhost").connect_with_connector(connector).await
        }
        #[cfg(not(unix))]
        Address::Unix(path) => Endpoint::from_shared(path.display().to_string())?.connect().await,
    }
}

async fn read_logs(mut stderr: impl AsyncBufRead + Unpin, said: Lines, logs: Option<Logs>) {
    while let Ok(Some(line)) = lines::next(&mut stderr).await {
        if let Some(logs) = &logs {
            logs(LogEntry::parse(&line));
        }
        said.keep(line);
    }
}
