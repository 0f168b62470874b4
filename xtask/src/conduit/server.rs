//! Conduit as a process and its HTTP API.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::http::{Client, free_address};

/// A running Conduit; it is killed with this value.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    client: Client,
}

impl Server {
    /// Starts Conduit on free ports with everything that it keeps below `directory`, and waits until it answers.
    pub(crate) fn start(binary: &Path, directory: &Path) -> Result<Self> {
        let http = free_address()?;
        let log = directory.join("conduit.log");
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("open {}", log.display()))?;
        let mut command = Command::new(binary);
        command
            .current_dir(directory)
            .arg("run")
            .args(["--db.type", "badger", "--db.badger.path", "conduit.db"])
            .args(["--api.http.address", &http.to_string(), "--api.grpc.address", &free_address()?.to_string()])
            .args([
                "--connectors.path",
                "connectors",
                "--pipelines.path",
                "pipelines",
                "--processors.path",
                "processors",
            ])
            .args(["--log.format", "json", "--pipelines.error-recovery.max-retries", "0"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        // A group of its own, to be signalled as a terminal signals it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn().with_context(|| format!("start {}", binary.display()))?;
        let mut server = Self { process, client: Client::new(http, None) };
        let deadline = Instant::now() + Duration::from_mins(1);
        while server.client.call("GET", "/v1/pipelines", None).is_err() {
            server.check_process()?;
            ensure!(Instant::now() < deadline, "Conduit doesn't answer at {http}");
            sleep(Duration::from_millis(100));
        }
        Ok(server)
    }

    /// Fails when Conduit has ended or one of its pipelines doesn't run: waiting on would be in vain.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        self.check_process()?;
        let pipelines = self.client.call("GET", "/v1/pipelines", None)?;
        for pipeline in pipelines.as_array().into_iter().flatten() {
            let state = &pipeline["state"];
            if state["status"] == "STATUS_DEGRADED" {
                bail!("the pipeline {} failed: {}", pipeline["id"], state["error"]);
            }
        }
        Ok(())
    }

    fn check_process(&mut self) -> Result<()> {
        match self.process.try_wait().context("look after Conduit")? {
            Some(status) => bail!("Conduit has ended: {status}"),
            None => Ok(()),
        }
    }

    /// Stops a pipeline and waits until it stands.
    pub(crate) fn stop_pipeline(&self, id: &str) -> Result<()> {
        self.client.call("POST", &format!("/v1/pipelines/{id}/stop"), Some(&json!({"force": false})))?;
        self.wait_for(id, "STATUS_STOPPED")
    }

    /// Starts a pipeline and waits until it runs.
    pub(crate) fn start_pipeline(&self, id: &str) -> Result<()> {
        self.client.call("POST", &format!("/v1/pipelines/{id}/start"), Some(&json!({})))?;
        self.wait_for(id, "STATUS_RUNNING")
    }

    fn wait_for(&self, id: &str, status: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let pipeline = self.client.call("GET", &format!("/v1/pipelines/{id}"), None)?;
            if pipeline["state"]["status"] == status {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the pipeline {id} doesn't become {status}: {}", pipeline["state"]);
            sleep(Duration::from_millis(50));
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.kill().context("kill Conduit")?;
        self.process.wait().context("wait for Conduit")?;
        Ok(())
    }

    /// Ends Conduit as a person at a terminal does, who signals it and its plugins at once, and waits for it.
    pub(crate) fn interrupt(&mut self) -> Result<()> {
        let status = Command::new("kill")
            .args(["-INT", "--", &format!("-{}", self.process.id())])
            .status()
            .context("send SIGINT")?;
        ensure!(status.success(), "send SIGINT: {status}");
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.process.try_wait().context("wait for Conduit")?.is_none() {
            ensure!(Instant::now() < deadline, "Conduit didn't end a minute after SIGINT");
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only fails when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
