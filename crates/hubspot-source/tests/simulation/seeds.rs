//! Runs a simulation for many seeds, on as many threads as wanted, and says what came of it.
//!
//! By the environment, which `cargo xtask sim` sets:
//!
//! | variable | what it says | default |
//! |---|---|---|
//! | `HUBSPOT_SIM_SEEDS` | so many histories of each resource | 200 |
//! | `HUBSPOT_SIM_SEED` | this history alone, and tells every request | |
//! | `HUBSPOT_SIM_RESOURCE` | this resource alone | all |
//! | `HUBSPOT_SIM_JOBS` | threads a test | 1: the tests run side by side anyway |
//! | `HUBSPOT_SIM_STOP` | the process ends with the first failure | |
//! | `HUBSPOT_SIM_REPORT` | a line of JSON for each resource of each test is appended to this file | |

use std::fs::OpenOptions;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hubspot_catalog::Resource;
use serde_json::json;

use super::{History, Summary};

/// So many histories of each resource, unless the environment says otherwise.
const SEEDS: u64 = 200;

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

/// Runs `test` for each seed, or for `1 / share` of them; how many, and what they came to; nothing where the resource is
/// left out.
///
/// # Panics
/// When one fails: with the first seed that does, what it lost, and how to run it again.
pub(crate) fn each_seed(
    case: &str,
    resource: &str,
    share: u64,
    test: impl Fn(u64, &'static Resource) -> Result<Summary, String> + Sync,
) -> Option<(usize, Summary)> {
    if std::env::var("HUBSPOT_SIM_RESOURCE").is_ok_and(|wanted| wanted != resource) {
        return None;
    }
    let resource = hubspot_catalog::find(resource).expect("a resource");
    let seeds: Vec<u64> = match number("HUBSPOT_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("HUBSPOT_SIM_SEEDS").unwrap_or(SEEDS).div_ceil(share)).collect(),
    };
    let (next, total, failures) = (AtomicUsize::new(0), Mutex::new(Summary::default()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..number("HUBSPOT_SIM_JOBS").unwrap_or(1).max(1) {
            scope.spawn(|| {
                while failures.lock().is_ok_and(|failures| failures.is_empty())
                    && let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    match catch_unwind(AssertUnwindSafe(|| test(seed, resource))) {
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
    report(case, resource, seeds.len(), &summary, failure.as_ref());
    let Some(Failure { seed, what }) = failure else {
        eprintln!("{case}, {}: {} histories, {summary}", resource.name, seeds.len());
        return Some((seeds.len(), summary));
    };
    let again = format!("run it again: cargo xtask sim --seed {seed} --resource {}", resource.name);
    let told =
        format!("seed {seed} of {}: {what}\nhistory: {:?}\n{again}", resource.name, History::of_seed(seed, resource));
    if std::env::var_os("HUBSPOT_SIM_STOP").is_some() {
        eprintln!("{told}");
        std::process::exit(1);
    }
    panic!("{told}")
}

fn report(case: &str, resource: &Resource, seeds: usize, summary: &Summary, failure: Option<&Failure>) {
    let Some(path) = std::env::var_os("HUBSPOT_SIM_REPORT") else { return };
    let Summary { millis, happened, delivered, repeats, kills, faults, requests, remembered } = *summary;
    let line = json!({
        "case": case,
        "resource": resource.name,
        "seeds": seeds,
        "hours": millis / 3_600_000,
        "happened": happened,
        "delivered": delivered,
        "repeats": repeats,
        "kills": kills,
        "faults": faults,
        "requests": requests.all(),
        "remembered": remembered,
        "peak_kib": peak(),
        "failure": failure.map(|Failure { seed, what }| json!({"seed": seed, "what": what})),
    });
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

/// The most memory that this process has used, in KiB. Only Linux tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
