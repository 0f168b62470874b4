//! The Go connector v0.1.0 on the same work: the program in `tests/interop/goconnector` runs its reader and its writer against the
//! emulator. Its pauses are part of it, so each run gets a fixed time.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::Connector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

use crate::figure::Figure;
use crate::measured::{Measured, contact, mebibytes, per_thousand};
use crate::starting;

/// How long each run lasts.
const RUN: Duration = Duration::from_secs(20);

/// How long building may take.
const BUILD: Duration = Duration::from_mins(4);

/// More objects than it reads or writes in a run.
const OBJECTS: usize = 5_000;

/// Its plugin, as its repository builds it.
const PLUGIN: &str = "github.com/conduitio-labs/conduit-connector-hubspot/cmd/connector";

/// The Go programs, built.
pub(crate) struct Built {
    module: PathBuf,
    folder: TempDir,
}

impl Built {
    /// Builds the program that runs the connector.
    ///
    /// # Errors
    /// Why it can't be built: there is no Go, or it can't get its modules.
    pub(crate) async fn new(module: &Path) -> Result<Self> {
        ensure!(module.join("go.mod").is_file(), "there is no Go module in {}", module.display());
        let folder = tempfile::tempdir()?;
        let built = Self { module: module.to_owned(), folder };
        built.build(".", "goconnector").await?;
        Ok(built)
    }

    async fn build(&self, package: &str, name: &str) -> Result<PathBuf> {
        let program = self.folder.path().join(name);
        let mut command = Command::new("go");
        command.arg("build").arg("-o").arg(&program).arg(package).current_dir(&self.module).kill_on_drop(true);
        let output =
            timeout(BUILD, command.output()).await.with_context(|| format!("`go build` took over {BUILD:?}"))?;
        let output = output.context("there is no `go` on the PATH")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`go build` failed: {}", said.lines().last().unwrap_or("it said nothing"));
        Ok(program)
    }

    /// How soon its plugin is there, started as Conduit starts it.
    pub(crate) async fn start(&self) -> Result<Figure> {
        let plugin = self.build(PLUGIN, "plugin").await?;
        // It refuses to start without these three; nothing is called there.
        let connector = Connector::new(plugin)
            .connector_id("bench")
            .env("CONDUIT_CONNECTOR_TOKEN", "bench")
            .env("CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET", "127.0.0.1:9");
        let (median, _) = starting::starts(&connector).await?;
        Ok(Figure::new("start to handshake", starting::milliseconds(median), "ms"))
    }

    /// A snapshot, for as long as a run lasts.
    pub(crate) async fn snapshot(&self, measured: &Measured) -> Result<Vec<Figure>> {
        measured.fill(OBJECTS);
        let mut run = Run::start(&self.folder.path().join("goconnector"), "source", &job(measured, &[])).await?;
        let stdout = run.child.stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let deadline = Instant::now() + RUN;
        let mut records: u64 = 0;
        while let Ok(line) = timeout_at(deadline, lines.next_line()).await {
            ensure!(line?.is_some(), "it ended after {records} records: {}", run.said().await);
            records += 1;
        }
        let memory = run.memory();
        run.child.kill().await?;
        Ok(figures("snapshot", records, measured, memory))
    }

    /// Creations, for as long as a run lasts.
    pub(crate) async fn creations(&self, measured: &Measured) -> Result<Vec<Figure>> {
        let records: Vec<Value> = (0..OBJECTS)
            .map(|number| json!({"operation": "create", "key": {"id": "0"}, "after": {"properties": contact(number)}}))
            .collect();
        let job = job(measured, &records);
        let mut run = Run::start(&self.folder.path().join("goconnector"), "destination", &job).await?;
        let ended = timeout(RUN, run.child.wait()).await;
        if let Ok(status) = ended {
            let status = status?;
            ensure!(status.success(), "it ended with {status}: {}", run.said().await);
        }
        let memory = run.memory();
        run.child.kill().await?;
        let written = measured.account().objects("contacts").len() as u64;
        Ok(figures("destination, limits off", written, measured, memory))
    }
}

fn figures(what: &str, records: u64, measured: &Measured, memory: Option<Figure>) -> Vec<Figure> {
    let counters = measured.account().counters();
    let rate = records as f64 / RUN.as_secs_f64();
    let mut figures = vec![
        Figure::new(format!("{what}: records a second"), rate, "records/s").note(format!("{records} in {RUN:?}")),
        Figure::new(format!("{what}: requests per 1000"), per_thousand(counters.requests, records), ""),
    ];
    figures.extend(memory);
    figures
}

/// What the program reads: its parameters with their defaults, and what it is to write.
fn job(measured: &Measured, records: &[Value]) -> Value {
    json!({
        "baseUrl": measured.emulator.url(),
        "config": {"accessToken": measured.token, "resource": "crm.contacts"},
        "records": records,
    })
}

/// The program at work.
struct Run {
    child: Child,
}

impl Run {
    async fn start(program: &Path, what: &str, job: &Value) -> Result<Self> {
        let mut child = Command::new(program)
            .arg(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.as_mut().context("no stdin")?;
        stdin.write_all(format!("{job}\n").as_bytes()).await?;
        // Stdin stays open: the source ends when it is closed.
        Ok(Self { child })
    }

    fn memory(&self) -> Option<Figure> {
        let bytes = end_to_end::process::peak_memory(self.child.id()?)?;
        Some(Figure::new("peak memory", mebibytes(bytes), "MiB"))
    }

    /// The last line on stderr.
    async fn said(&mut self) -> String {
        let Some(stderr) = self.child.stderr.take() else { return String::new() };
        let mut lines = BufReader::new(stderr).lines();
        let mut last = String::new();
        while let Ok(Some(line)) = lines.next_line().await {
            last = line;
        }
        last
    }
}
