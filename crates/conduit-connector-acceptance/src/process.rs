//! The running program behind a driver.

use std::collections::VecDeque;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conduit_connector_protocol::host::{LogEntry, Plugin};
use futures::{FutureExt as _, TryFutureExt as _};
use tonic::Status;

use crate::DriverError;

/// How many lines of a connector's log are kept.
const KEPT_ENTRIES: usize = 10_000;

/// The last lines that a connector logged.
#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<VecDeque<LogEntry>>>);

impl Logs {
    pub(crate) fn push(&self, entry: LogEntry) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == KEPT_ENTRIES {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    fn all(&self) -> Vec<LogEntry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// The running program behind a driver: its process, its log, and how long its answers may take.
pub(crate) struct Process {
    pub(crate) plugin: Plugin,
    pub(crate) logs: Logs,
    pub(crate) limit: Duration,
}

impl Process {
    pub(crate) fn logs(&self) -> Vec<LogEntry> {
        self.logs.all()
    }

    pub(crate) async fn shutdown(&mut self) -> Result<ExitStatus, DriverError> {
        Ok(self.plugin.shutdown().await?)
    }
}

/// Waits for the answer to a call, within the limit.
pub(crate) fn answer<T>(
    call: &'static str,
    limit: Duration,
    calling: impl Future<Output = Result<T, Status>>,
) -> impl Future<Output = Result<T, DriverError>> {
    in_time(call, limit, calling.map_err(DriverError::of(call)))
}

/// What comes of something, if it comes within the limit. The limit runs from now on.
pub(crate) fn in_time<T>(
    call: &'static str,
    limit: Duration,
    coming: impl Future<Output = Result<T, DriverError>>,
) -> impl Future<Output = Result<T, DriverError>> {
    // Not an async function: that would hold what is waited for twice, and the drivers' futures are large.
    tokio::time::timeout(limit, coming).map(move |come| come.unwrap_or(Err(DriverError::TimedOut { call, limit })))
}

/// What both drivers let one do with the process behind them.
macro_rules! process_methods {
    () => {
        /// The protocol version that the connector chose.
        pub fn version(&self) -> conduit_connector_protocol::ProtocolVersion {
            self.process.plugin.version()
        }

        /// The process's id; nothing once it has ended and was waited for.
        pub fn pid(&self) -> Option<u32> {
            self.process.plugin.pid()
        }

        /// The time from just before the process was started until its handshake was read.
        pub fn start_to_handshake(&self) -> std::time::Duration {
            self.process.plugin.start_to_handshake()
        }

        /// The last lines that the connector logged (10,000 at most), oldest first.
        pub fn logs(&self) -> Vec<conduit_connector_protocol::host::LogEntry> {
            self.process.logs()
        }

        /// What the connector wrote to stdout after its handshake. The contract allows nothing.
        pub fn stray_output(&self) -> Vec<String> {
            self.process.plugin.stray_output()
        }

        /// Ends the process as Conduit does: `Shutdown`, two seconds to exit, then a kill.
        ///
        /// # Errors
        /// When it had to be killed.
        pub async fn shutdown(&mut self) -> Result<std::process::ExitStatus, crate::DriverError> {
            self.process.shutdown().await
        }

        /// Kills the process (SIGKILL) and waits until it is gone.
        ///
        /// # Errors
        /// When the process cannot be reached.
        pub async fn kill(&mut self) -> Result<(), crate::DriverError> {
            Ok(self.process.plugin.kill().await?)
        }

        /// Sends SIGTERM, which asks the connector to drain and end.
        ///
        /// # Errors
        /// When the process has ended already.
        #[cfg(unix)]
        pub fn terminate(&self) -> Result<(), crate::DriverError> {
            Ok(self.process.plugin.terminate()?)
        }

        /// Waits until the process has ended by itself.
        ///
        /// # Errors
        /// When the process cannot be reached.
        pub async fn wait(&mut self) -> Result<std::process::ExitStatus, crate::DriverError> {
            Ok(self.process.plugin.wait().await?)
        }

        /// Says that this connector was just created with these settings (`LifecycleOnCreated`). Conduit does so between
        /// `Configure` and `Open`.
        ///
        /// # Errors
        /// What the connector says.
        pub async fn on_created(&mut self, settings: crate::Settings) -> Result<(), crate::DriverError> {
            let calling = self.client.on_created(settings.into_iter().collect());
            crate::process::answer("LifecycleOnCreated", self.process.limit, calling).await
        }

        /// Says that this connector's settings changed (`LifecycleOnUpdated`).
        ///
        /// # Errors
        /// What the connector says.
        pub async fn on_updated(
            &mut self,
            before: crate::Settings,
            after: crate::Settings,
        ) -> Result<(), crate::DriverError> {
            let calling = self.client.on_updated(before.into_iter().collect(), after.into_iter().collect());
            crate::process::answer("LifecycleOnUpdated", self.process.limit, calling).await
        }

        /// Says that this connector was deleted; these were its settings (`LifecycleOnDeleted`).
        ///
        /// # Errors
        /// What the connector says.
        pub async fn on_deleted(&mut self, settings: crate::Settings) -> Result<(), crate::DriverError> {
            let calling = self.client.on_deleted(settings.into_iter().collect());
            crate::process::answer("LifecycleOnDeleted", self.process.limit, calling).await
        }
    };
}
pub(crate) use process_methods;
