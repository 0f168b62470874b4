//! Both SDKs over the wire: the same records, under Conduit's own client as the host, one after the other.
//!
//! `examples/generator` beside its twin on Conduit's Go SDK. `TestSDKBench` in `tests/interop` drives
//! them, since the client is Go's; here its results become figures.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::figure::Figure;
use crate::measured::mebibytes;

/// How many records each run has. Of fewer, the start would be too much of what is measured.
const RECORDS: usize = 500_000;

/// The most microseconds of CPU for a record, without a schema.
const CPU: f64 = 3.5;

/// The same, with an Avro schema.
const CPU_WITH_AVRO: f64 = 15.0;

/// The most memory of the plugin's process, in MiB.
const MEMORY: f64 = 15.0;

/// What each line of a result begins with.
const RESULT: &str = "sdk-bench ";

/// One measurement, as the test says it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    sdk: String,
    side: String,
    schema: bool,
    records: f64,
    seconds: f64,
    cpu_seconds: f64,
    peak_bytes: u64,
    stalls: u32,
}

impl Run {
    /// Records a second.
    fn speed(&self) -> f64 {
        self.records / self.seconds
    }

    /// Microseconds of CPU for a record.
    fn cpu(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.records
    }

    fn memory(&self) -> f64 {
        mebibytes(self.peak_bytes)
    }

    fn figures(&self, sdk: &str) -> [Figure; 3] {
        let speed = Figure::new(format!("{sdk}: records"), self.speed(), "a second");
        [
            if self.stalls == 0 { speed } else { speed.note(format!("{} runs stalled before it", self.stalls)) },
            Figure::new(format!("{sdk}: CPU of the plugin"), self.cpu(), "µs a record"),
            Figure::new(format!("{sdk}: peak memory of the plugin"), self.memory(), "MiB"),
        ]
    }
}

/// The figures of each half of a connector, with what they are of.
///
/// # Errors
/// Why there are none: there is no Go, or a run failed.
pub(crate) async fn side_by_side(interop: &Path) -> Result<Vec<(&'static str, Vec<Figure>)>> {
    let runs = measure(interop).await?;
    let find = |sdk: &str, side: &str, schema: bool| {
        let run = runs.iter().find(|run| run.sdk == sdk && run.side == side && run.schema == schema);
        let with = if schema { "with" } else { "without" };
        run.with_context(|| format!("there is no result of the {side} of {sdk} {with} schemas"))
    };
    let mut sections = Vec::new();
    for (side, schema, most, section) in [
        (
            "source",
            false,
            CPU,
            "wire: sources of both SDKs, records of eight fields in batches of 1000, without a schema",
        ),
        ("destination", false, CPU, "wire: destinations of both SDKs, the same records"),
        ("source", true, CPU_WITH_AVRO, "wire: sources of both SDKs, the same records encoded with Avro"),
        ("destination", true, CPU_WITH_AVRO, "wire: destinations of both SDKs, decoding those"),
    ] {
        let (rust, go) = (find("rust", side, schema)?, find("go", side, schema)?);
        let [speed, cpu, memory] = rust.figures("Rust");
        let mut figures = vec![speed, cpu.at_most(most), memory.at_most(MEMORY)];
        figures.extend(go.figures("Go"));
        figures.push(Figure::new("records a second, Rust to Go", rust.speed() / go.speed(), "times"));
        figures.push(Figure::new("CPU a record, Go to Rust", go.cpu() / rust.cpu(), "times"));
        figures.push(Figure::new("memory, Go to Rust", go.memory() / rust.memory(), "times"));
        sections.push((section, figures));
    }
    Ok(sections)
}

async fn measure(interop: &Path) -> Result<Vec<Run>> {
    let mut command = Command::new("go");
    command.args(["test", "-count=1", "-timeout=30m", "-run", "^TestSDKBench$", "-v", "."]).current_dir(interop);
    command.env("SDK_BENCH_RECORDS", RECORDS.to_string());
    command.env("CONDUIT_CONNECTOR_GENERATOR", generator()?);
    let output = command.kill_on_drop(true).output().await.context("there is no `go` on the PATH")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "TestSDKBench failed: {said}{}", String::from_utf8_lossy(&output.stderr));
    let results = said.lines().filter_map(|line| line.strip_prefix(RESULT));
    results.map(|line| serde_json::from_str(line).with_context(|| format!("no result: {line}"))).collect()
}

/// The generator, which is built along with this program.
fn generator() -> Result<PathBuf> {
    let this = std::env::current_exe().context("where is this program?")?;
    let path = this.with_file_name(format!("conduit-connector-generator{}", std::env::consts::EXE_SUFFIX));
    ensure!(path.is_file(), "{} is not there: `cargo xtask bench` builds it", path.display());
    Ok(path)
}
