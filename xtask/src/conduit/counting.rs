//! The tutorial's connector under Conduit: it counts into a file, and goes on where it stood.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::pipelines::records;
use super::server::Server;

/// The file that the tutorial's pipeline writes.
const FILE: &str = "numbers.jsonl";
/// How long Conduit may take for the first of them.
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts Conduit in the tutorial's folder, twice, and sees `expected` in the file, and each number once.
pub(crate) fn run(conduit: &Path, folder: &Path, expected: &str) -> Result<()> {
    let file = folder.join(FILE);
    for at_least in [3, 6] {
        let mut server = Server::start(conduit, folder)?;
        let deadline = Instant::now() + PATIENCE;
        while records(&file)?.len() < at_least {
            server.check_running()?;
            ensure!(Instant::now() < deadline, "{FILE} doesn't get {at_least} records in a minute");
            sleep(Duration::from_millis(50));
        }
        server.interrupt()?;
    }
    let numbers: Vec<Value> =
        records(&file)?.iter().map(|record| record["payload"]["after"]["number"].clone()).collect();
    let counted: Vec<Value> = (1..=numbers.len()).map(Value::from).collect();
    ensure!(numbers == counted, "{FILE} has {numbers:?} instead of each number once");

    let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    for line in expected.lines() {
        let parts: Vec<&str> = line.split('…').collect();
        ensure!(
            text.lines().any(|record| parts.iter().all(|part| record.contains(part))),
            "{FILE} doesn't have what the tutorial shows: {line}"
        );
    }
    println!("  {FILE}: each number from 1 to {} once, also where Conduit was stopped and started", numbers.len());
    Ok(())
}
