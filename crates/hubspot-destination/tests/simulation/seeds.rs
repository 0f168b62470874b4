//! Runs a simulation for many seeds, on as many threads as wanted, and says what came of it.
//!
//! By the environment, which `cargo xtask sim --destination` sets:
//!
//! | variable | what it says | default |
//! |---|---|---|
//! | `HUBSPOT_SIM_SEEDS` | so many histories | 300 |
//! | `HUBSPOT_SIM_SEED` | this history alone, and tells every answer | |
//! | `HUBSPOT_SIM_JOBS` | threads | one for each core |
//! | `HUBSPOT_SIM_STOP` | the process ends with the first failure | |
//! | `HUBSPOT_SIM_REPORT` | a line of JSON is appended to this file | |

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use super::setting::Setting;

/// So many histories, unless the environment says otherwise.
const SEEDS: u64 = 300;

/// What happened in histories.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Records sent, the repeated ones included.
    pub(crate) records: usize,
    pub(crate) acked: usize,
    pub(crate) nacked: usize,
    /// Of the nacked ones, those of which nobody knows whether they were written.
    pub(crate) unknown: usize,
    pub(crate) restarts: usize,
    pub(crate) faults: usize,
    pub(crate) requests: usize,
}

impl Summary {
    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.acked += other.acked;
        self.nacked += other.nacked;
        self.unknown += other.unknown;
        self.restarts += other.restarts;
        self.faults += other.faults;
        self.requests += other.requests;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, acked, nacked, unknown, restarts, faults, requests } = self;
        write!(
            f,
            "{records} records, {acked} acked, {nacked} nacked, {unknown} of them with an unknown outcome; {restarts} restarts, \
             {faults} faults, {requests} requests"
        )
    }
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} isn't a number: {value}")))
}

/// Whether one history is run alone, and tells what happens.
pub(super) fn tells() -> bool {
    std::env::var_os("HUBSPOT_SIM_SEED").is_some()
}

/// A seed whose history went wrong.
struct Failure {
    seed: u64,
    what: String,
}

/// Runs `test` for each seed; how many, and what they came to.
///
/// # Panics
/// When one fails: with the first seed that does, what was wrong, and how to run it again.
pub(crate) fn each_seed(case: &str, test: impl Fn(u64) -> Result<Summary, String> + Sync) -> Option<(usize, Summary)> {
    let seeds: Vec<u64> = match number("HUBSPOT_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("HUBSPOT_SIM_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let jobs = number("HUBSPOT_SIM_JOBS").unwrap_or(cores).max(1);
    let (next, total, failures) = (AtomicUsize::new(0), Mutex::new(Summary::default()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while failures.lock().is_ok_and(|failures| failures.is_empty())
                    && let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    match catch_unwind(AssertUnwindSafe(|| test(seed))) {
                        Ok(Ok(summary)) => total.lock().expect("no panic holds it").add(&summary),
                        Ok(Err(what)) => failures.lock().expect("no panic holds it").push(Failure { seed, what }),
                        Err(panic) => {
                            let owned = panic.downcast_ref::<String>().cloned();
                            let what = owned.or_else(|| panic.downcast_ref::<&str>().map(|what| (*what).to_owned()));
                            let what = format!("panicked: {}", what.unwrap_or_default());
                            failures.lock().expect("no panic holds it").push(Failure { seed, what });
                        }
                    }
                }
            });
        }
    });
    let summary = total.into_inner().expect("no panic holds it");
    let failures = failures.into_inner().expect("no panic holds it");
    let failure = failures.into_iter().min_by_key(|failure| failure.seed);
    report(case, seeds.len(), &summary, failure.as_ref());
    let Some(Failure { seed, what }) = failure else {
        eprintln!("{case}: {} histories, {summary}", seeds.len());
        return (!tells()).then_some((seeds.len(), summary));
    };
    let again = format!("run it again: cargo xtask sim --destination --seed {seed}");
    let told = format!("seed {seed}: {what}\nsetting: {:?}\n{again}", Setting::of_seed(seed));
    if std::env::var_os("HUBSPOT_SIM_STOP").is_some() {
        eprintln!("{told}");
        std::process::exit(1);
    }
    panic!("{told}")
}

fn report(case: &str, seeds: usize, summary: &Summary, failure: Option<&Failure>) {
    let Some(path) = std::env::var_os("HUBSPOT_SIM_REPORT") else { return };
    let Summary { records, acked, nacked, unknown, restarts, faults, requests } = *summary;
    let line = json!({
        "case": case,
        "seeds": seeds,
        "records": records,
        "acked": acked,
        "nacked": nacked,
        "unknown": unknown,
        "restarts": restarts,
        "faults": faults,
        "requests": requests,
        "failure": failure.map(|Failure { seed, what }| json!({"seed": seed, "what": what})),
    });
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
