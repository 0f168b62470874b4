//! People change the first account while the sources follow; one of these is killed meanwhile.

use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use hubspot_emulator::Account;

use crate::account::{Made, Round};
use crate::progress::Progress;
use crate::report::{Changes, Report};
use crate::source::{PATIENCE, Stream, requests};

/// In how many goes people change things, and how long they rest in between.
const ROUNDS: usize = 5;
const REST: Duration = Duration::from_millis(800);

/// Before which round the process is killed. The next one starts when people have played it.
const KILL: usize = 3;

/// How often it is looked whether something came.
const GLANCE: Duration = Duration::from_millis(100);

/// What is counted of one stream.
struct Watch {
    made: Made,
    requests_before: u64,
    /// How many records have been seen, and how many requests had been made then.
    records: u64,
    requests: u64,
}

/// Changes the account in several goes, kills and resumes the first stream, and waits until every stream holds what the account
/// does.
pub(crate) async fn follow<'a>(
    mut streams: Vec<Stream<'a>>,
    account: &Account,
    seed: u64,
    progress: &Progress,
    report: &mut Report,
) -> Result<Vec<Stream<'a>>> {
    let mut rng = Rng::with_seed(seed);
    let began = Instant::now();
    let mut watches: Vec<Watch> = streams
        .iter()
        .map(|stream| {
            let requests = requests(account, stream.plan);
            Watch { made: Made::default(), requests_before: requests, records: 0, requests }
        })
        .collect();
    let plans: Vec<_> = streams.iter().map(|stream| stream.plan).collect();
    progress.stage("people change the first account", plans.iter().map(|plan| plan.changes.all()).sum(), "changes");
    for version in 1..=ROUNDS {
        let killed = if version == KILL { Some(streams.remove(0).kill().await?) } else { None };
        for (plan, watch) in plans.iter().zip(&mut watches) {
            let before = watch.made.all();
            Round { version, of: ROUNDS }.play(account, plan, &mut rng, &mut watch.made);
            progress.advance(watch.made.all() - before);
        }
        if let Some(killed) = killed {
            let name = plans[0].resource.name;
            let unacknowledged = killed.unacknowledged;
            progress.note(&format!(
                "kill -9 of the source of {name}, with {unacknowledged} records read but not acknowledged; people go on"
            ));
            streams.insert(0, killed.resume().await?);
            progress.note(&format!("a new process reads {name} on from the last acknowledged position"));
        }
        let rested = Instant::now() + REST;
        while Instant::now() < rested {
            glance(&streams, &mut watches, account, progress, false);
            tokio::time::sleep(GLANCE).await;
        }
    }
    progress.stage(
        "their changes arrive",
        watches.iter().map(|watch| watch.made.objects.len() as u64).sum(),
        "records",
    );
    progress.advance(watches.iter().map(|watch| watch.records).sum());
    let truths: Vec<_> = streams.iter().map(|stream| account.objects(&stream.plan.hubspot_name)).collect();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        glance(&streams, &mut watches, account, progress, true);
        let holds = |(stream, truth): (&Stream<'_>, _)| stream.with(|held| held.replica.difference(truth).is_none());
        if streams.iter().zip(&truths).all(holds) {
            break;
        }
        for stream in &mut streams {
            stream.check().await?;
        }
        tokio::time::sleep(GLANCE).await;
    }
    progress.finish();
    // What hasn't arrived by now is said by the comparison at the end.
    for (stream, watch) in streams.iter().zip(watches) {
        let (came, last) = stream.with(|held| (held.came, held.last));
        let took = last.map_or_else(|| began.elapsed(), |last| last.saturating_duration_since(began));
        let requests = watch.requests - watch.requests_before;
        report.changes.push(Changes { name: stream.plan.resource.name, made: watch.made, came, requests, took });
    }
    Ok(streams)
}

/// Counts what came since the last glance, and the requests that were made until then.
fn glance(streams: &[Stream<'_>], watches: &mut [Watch], account: &Account, progress: &Progress, show: bool) {
    for (stream, watch) in streams.iter().zip(watches) {
        let records = stream.with(|held| held.came.all());
        if records == watch.records {
            continue;
        }
        if show {
            progress.advance(records - watch.records);
        }
        watch.records = records;
        watch.requests = requests(account, stream.plan);
    }
}
