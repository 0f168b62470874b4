//! `cargo xtask conduit`: the plugin under a real Conduit, both ways, through stops and a `kill -9`.
//!
//! Two pipelines run in one Conduit: HubSpot's contacts into a file, and a file's lines into HubSpot's companies. What arrives is compared with what the
//! emulator holds. Before them the connector of the SDK's tutorial counts into a file. Every address is on 127.0.0.1, every file below a temporary directory,
//! which stays for inspection when something fails.

mod counting;
mod http;
mod hubspot;
mod pipelines;
mod server;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use self::hubspot::HubSpot;
use self::pipelines::{Files, Lines};
use self::server::Server;
use crate::cargo::{self, Profile};
use crate::newcomer;

/// How long an arrival may take before it counts as lost. Conduit itself needs most of it, after a restart.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs the whole, or says that there is no Conduit to run it under and succeeds.
pub(crate) fn run(root: &Path) -> Result<()> {
    let Some(conduit) = find() else {
        eprintln!("skipped: there is no `conduit` on the PATH, and CONDUIT_BIN doesn't name one");
        return Ok(());
    };
    cargo::build_processes(root, Profile::Dev)?;
    newcomer::under_conduit(root, |folder, expected| counting::run(&conduit, folder, expected))?;
    let program = |name: &str| cargo::binaries(root, Profile::Dev).join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let (plugin, emulator) = (program("conduit-connector-hubspot"), program("hubspot-emulator"));

    let directory = env::temp_dir().join(format!("hubspot-under-conduit-{}", std::process::id()));
    fs::create_dir_all(&directory).with_context(|| format!("create {}", directory.display()))?;
    let outcome = scenario(&conduit, &plugin, &emulator, &directory);
    if outcome.is_ok() {
        fs::remove_dir_all(&directory).with_context(|| format!("remove {}", directory.display()))?;
    } else {
        eprintln!("Conduit's log, its database and the files are in {}", directory.display());
    }
    outcome
}

/// The binary that `CONDUIT_BIN` names, else the first `conduit` on the PATH.
fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CONDUIT_BIN").filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let name = format!("conduit{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&name)).find(|path| path.is_file())
}

fn scenario(conduit: &Path, plugin: &Path, emulator: &Path, directory: &Path) -> Result<()> {
    let hubspot = HubSpot::start(emulator, &directory.join("emulator.log"))?;
    let files = Files::create(directory, plugin, &hubspot)?;
    let mut lines = Lines::new(&files.input);
    let mut server = Server::start(conduit, directory)?;
    let started = Instant::now();
    let done = |what: &str| eprintln!("{:6.1} s  {what}", started.elapsed().as_secs_f64());

    hubspot.create_contacts(0..300)?;
    lines.append(200)?;
    arrived(&hubspot, &files, &lines, &mut server)?;
    done("a snapshot of 300 contacts is in the file, 200 lines are companies");

    hubspot.change_contacts(40, 10)?;
    hubspot.create_contacts(300..340)?;
    lines.append(100)?;
    arrived(&hubspot, &files, &lines, &mut server)?;
    done("40 creations, 40 updates and 10 deletions followed, and 100 lines");

    for pipeline in pipelines::IDS {
        server.stop_pipeline(pipeline)?;
    }
    hubspot.change_contacts(40, 10)?;
    hubspot.create_contacts(340..380)?;
    lines.append(100)?;
    for pipeline in pipelines::IDS {
        server.start_pipeline(pipeline)?;
    }
    arrived(&hubspot, &files, &lines, &mut server)?;
    done("stopped and started: what changed in between is there");

    hubspot.create_contacts(380..680)?;
    hubspot.change_contacts(100, 20)?;
    lines.append(400)?;
    server.kill()?;
    done("killed Conduit with -9 in the middle of 420 changes and 400 lines");
    plugins_gone(&files.plugin)?;
    hubspot.change_contacts(40, 10)?;
    lines.append(50)?;
    let mut server = Server::start(conduit, directory)?;
    arrived(&hubspot, &files, &lines, &mut server)?;
    done("resumed: nothing is lost");

    let repeated = hubspot.companies()?.values().map(|times| times - 1).sum::<usize>();
    server.interrupt()?;
    plugins_gone(&files.plugin)?;
    done("Conduit ended by SIGINT");
    eprintln!(
        "passed: {} contacts in {} records, {} lines as companies ({repeated} written again after the kill)",
        hubspot.contacts()?.len(),
        files.records()?.len(),
        lines.names().len(),
    );
    Ok(())
}

/// Waits until the file's records, replayed, are HubSpot's contacts, and every line of the input is a company.
fn arrived(hubspot: &HubSpot, files: &Files, lines: &Lines, server: &mut Server) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let difference = match contacts_differ(hubspot, files)? {
            Some(difference) => Some(difference),
            None => companies_missing(hubspot, lines)?,
        };
        let Some(difference) = difference else { return Ok(()) };
        server.check_running()?;
        if Instant::now() > deadline {
            bail!("after {} s {difference}", PATIENCE.as_secs());
        }
        sleep(Duration::from_millis(250));
    }
}

fn contacts_differ(hubspot: &HubSpot, files: &Files) -> Result<Option<String>> {
    let truth = hubspot.contacts()?;
    let replayed = pipelines::replay(&files.records()?)?;
    let missing: Vec<_> = truth.keys().filter(|id| !replayed.contains_key(*id)).collect();
    let surplus: Vec<_> = replayed.keys().filter(|id| !truth.contains_key(*id)).collect();
    let stale: BTreeMap<_, _> = truth
        .iter()
        .filter_map(|(id, object)| replayed.get(id).filter(|have| *have != object).map(|have| (id, have)))
        .collect();
    if missing.is_empty() && surplus.is_empty() && stale.is_empty() {
        return Ok(None);
    }
    let example = stale.first_key_value().map_or_else(String::new, |(id, have)| {
        format!("; {id} is {have} instead of {}", truth.get(*id).map(ToString::to_string).unwrap_or_default())
    });
    Ok(Some(format!(
        "the file lacks {} of {} contacts, holds {} that are deleted, and {} in an older state{example}",
        missing.len(),
        truth.len(),
        surplus.len(),
        stale.len(),
    )))
}

fn companies_missing(hubspot: &HubSpot, lines: &Lines) -> Result<Option<String>> {
    let companies = hubspot.companies()?;
    let missing = lines.names().iter().filter(|name| !companies.contains_key(*name)).count();
    Ok((missing > 0).then(|| format!("{missing} of {} lines are not companies", lines.names().len())))
}

/// Checks that no plugin process outlives its Conduit. Only Linux tells.
fn plugins_gone(plugin: &Path) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(15);
    while running(plugin) {
        ensure!(Instant::now() < deadline, "a plugin process still runs 15 s after its Conduit was gone");
        sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn running(program: &Path) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    processes.flatten().any(|process| fs::read_link(process.path().join("exe")).is_ok_and(|exe| exe == program))
}
