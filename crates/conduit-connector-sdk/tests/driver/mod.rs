//! A host that drives a connector's process in either version of the protocol.

mod destination;
mod source;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::host::{Command, LogEntry, Plugin};
pub(crate) use destination::Destination;
pub(crate) use source::Source;

/// Far more than anything here takes: a limit for what would otherwise hang.
pub(crate) const LONG: Duration = Duration::from_secs(50);

/// Cargo builds examples along with tests, into a folder beside the tests' own.
pub(crate) fn program(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(example)
}

/// A connector's process.
pub(crate) struct Host {
    plugin: Plugin,
    logs: Arc<Mutex<Vec<LogEntry>>>,
}

impl Host {
    pub(crate) async fn start(example: &str, version: ProtocolVersion) -> Self {
        Self::start_with(example, version, |command| command).await
    }

    pub(crate) async fn start_with(
        example: &str,
        version: ProtocolVersion,
        more: impl FnOnce(Command) -> Command,
    ) -> Self {
        let logs = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&logs);
        let command = Command::new(program(example))
            .versions([version])
            .connector_id("pipeline:it")
            .log_level("trace")
            .logs(move |entry| kept.lock().unwrap().push(entry));
        Self { plugin: more(command).start().await.unwrap(), logs }
    }

    /// The values of a field in the entries with this message, once there are as many as there will be: after a teardown.
    pub(crate) fn logged(&self, message: &str, field: &str) -> Vec<String> {
        let deadline = std::time::Instant::now() + LONG;
        loop {
            let logs = self.logs.lock().unwrap();
            // The log comes through a pipe of its own, later than the answers.
            if logs.iter().any(|entry| entry.message == "torn down") || std::time::Instant::now() > deadline {
                let entries = logs.iter().filter(|entry| entry.message == message);
                return entries.map(|entry| entry.fields[field].as_str().unwrap().to_owned()).collect();
            }
            drop(logs);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The most bytes of memory that the process has had so far.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.plugin.pid().unwrap())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Ends the process as Conduit does, and fails when it had to be killed. Gives what it logged.
    pub(crate) async fn end(mut self) -> Vec<LogEntry> {
        let status = tokio::time::timeout(LONG, self.plugin.shutdown()).await.expect("Shutdown hangs").unwrap();
        assert!(status.success(), "{status}");
        assert_eq!(self.plugin.stray_output(), Vec::<String>::new());
        self.logs.lock().unwrap().clone()
    }

    /// Sends the process SIGTERM.
    pub(crate) fn signal(&self) {
        self.plugin.terminate().unwrap();
    }

    /// Ends the process with SIGTERM alone.
    pub(crate) async fn terminate(mut self) -> Vec<LogEntry> {
        self.plugin.terminate().unwrap();
        let status = tokio::time::timeout(LONG, self.plugin.wait()).await.expect("it does not end").unwrap();
        assert!(status.success(), "{status}");
        self.logs.lock().unwrap().clone()
    }
}

fn config(settings: &[(&str, &str)]) -> HashMap<String, String> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
