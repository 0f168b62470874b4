//! A connector's program, and how it is to be started.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::host::{Command, HostError, LogEntry, Network};
use conduit_connector_protocol::proto::connector::{v1, v2};

use crate::process::{Logs, Process, answer};
use crate::{DestinationDriver, DriverError, Registry, Settings, SourceDriver, Specification};

/// How long an answer may take where nothing else is said. Go's SDK gives stopping and flushing a minute each.
const CALL_LIMIT: Duration = Duration::from_secs(150);

type Observer = Arc<dyn Fn(&LogEntry) + Send + Sync>;

/// A connector's program, and how it is to be started. Each driver that comes from it is a process of its own.
#[derive(Clone)]
#[must_use = "a connector does nothing until something is asked of it"]
pub struct Connector {
    program: PathBuf,
    versions: Vec<ProtocolVersion>,
    network: Network,
    variables: Vec<(String, String)>,
    observer: Option<Observer>,
    limit: Duration,
}

impl Connector {
    /// A connector that is this program; both protocol versions are offered to it, and a Unix socket.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            versions: ProtocolVersion::ALL.to_vec(),
            network: Network::default(),
            variables: Vec::new(),
            observer: None,
            limit: CALL_LIMIT,
        }
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Offers one protocol version alone.
    pub fn version(mut self, version: ProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// What the connector is asked to listen on.
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// One more environment variable. The connector gets the contract's and these, nothing else.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
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

    /// The schema service that the host offers: `CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET` and `CONDUIT_CONNECTOR_TOKEN`.
    pub fn registry(self, registry: &Registry) -> Self {
        self.env("CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET", registry.target())
            .env("CONDUIT_CONNECTOR_TOKEN", registry.token())
    }

    /// The most bytes that a message to the connector may have: `CONDUIT_CONNECTOR_MAX_RECEIVE_RECORD_SIZE`. Where it is not
    /// said, connectors take 4 MiB. As in Conduit, it is the connector that refuses larger ones, and messages from the
    /// connector have no limit.
    pub fn max_receive_record_size(self, bytes: usize) -> Self {
        self.env("CONDUIT_CONNECTOR_MAX_RECEIVE_RECORD_SIZE", bytes.to_string())
    }

    /// Called with each line that the connector logs. Drivers also keep the last lines themselves.
    pub fn logs(mut self, observer: impl Fn(&LogEntry) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// How long the answer to one call may take; 150 s by default. Conduit waits for ever; tests should not.
    pub fn call_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The command that starts the program, for what drivers don't do.
    pub fn command(&self) -> Command {
        let command = Command::new(&self.program).versions(self.versions.iter().copied()).network(self.network);
        self.variables.iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    /// Asks what the connector is, in a process of its own, as Conduit does when it starts.
    ///
    /// # Errors
    /// When the program cannot be started or ended, or answers with an error.
    pub async fn specify(&self) -> Result<Specification, DriverError> {
        let mut process = self.start().await?;
        let channel = process.plugin.channel();
        let version = process.plugin.version();
        let calling = async move {
            Ok(match version {
                ProtocolVersion::V1 => v1::specifier_plugin_client::SpecifierPluginClient::new(channel)
                    .specify(v1::specifier::specify::Request {})
                    .await?
                    .into_inner()
                    .into(),
                ProtocolVersion::V2 => v2::specifier_plugin_client::SpecifierPluginClient::new(channel)
                    .specify(v2::specifier::specify::Request {})
                    .await?
                    .into_inner()
                    .specification
                    .unwrap_or_default()
                    .into(),
            })
        };
        let specification = answer("Specify", process.limit, calling).await?;
        process.shutdown().await?;
        Ok(specification)
    }

    /// Starts the program as a source and configures it.
    ///
    /// # Errors
    /// When the program cannot be started, or refuses the settings.
    pub async fn source(&self, settings: Settings) -> Result<SourceDriver, DriverError> {
        let mut source = self.unconfigured_source().await?;
        source.configure(settings).await?;
        Ok(source)
    }

    /// Starts the program as a source and calls nothing yet.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub async fn unconfigured_source(&self) -> Result<SourceDriver, DriverError> {
        Ok(SourceDriver::new(self.start().await?))
    }

    /// Starts the program as a destination and configures it.
    ///
    /// # Errors
    /// When the program cannot be started, or refuses the settings.
    pub async fn destination(&self, settings: Settings) -> Result<DestinationDriver, DriverError> {
        let mut destination = self.unconfigured_destination().await?;
        destination.configure(settings).await?;
        Ok(destination)
    }

    /// Starts the program as a destination and calls nothing yet.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub async fn unconfigured_destination(&self) -> Result<DestinationDriver, DriverError> {
        Ok(DestinationDriver::new(self.start().await?))
    }

    async fn start(&self) -> Result<Process, HostError> {
        let logs = Logs::default();
        let (kept, observer) = (logs.clone(), self.observer.clone());
        let command = self.command().logs(move |entry| {
            if let Some(observer) = &observer {
                observer(&entry);
            }
            kept.push(entry);
        });
        Ok(Process { plugin: command.start().await?, logs, limit: self.limit })
    }
}
