//! Reading: one source process a resource, as Conduit would start them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use conduit_connector_acceptance::SourceDriver;
use end_to_end::plugin;
use end_to_end::replica::Replica;
use fastrand::Rng;
use hubspot_emulator::Account;
use opencdc::Record;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::account::Round;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{Line, Report};

/// How long changes may take to arrive before they count as lost.
const PATIENCE: Duration = Duration::from_mins(1);

/// In how many goes people change things, and how long they rest in between.
const ROUNDS: usize = 5;
const REST: Duration = Duration::from_millis(800);

/// What has come from a source.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Every record, in its order.
    pub(crate) records: Vec<Record>,
    /// What they add up to.
    pub(crate) replica: Replica,
    /// When the last one came.
    last: Option<Instant>,
}

/// A source process that is being read.
pub(crate) struct Stream<'a> {
    /// What it reads.
    pub(crate) plan: &'a Plan,
    held: Arc<Mutex<Held>>,
    stop: oneshot::Sender<()>,
    reading: JoinHandle<Result<()>>,
}

impl<'a> Stream<'a> {
    /// Starts the plugin as a source of the plan's resource, and reads it from here on.
    pub(crate) async fn open(url: &str, token: &str, plan: &'a Plan) -> Result<Self> {
        let settings = crate::settings(url, token, plan);
        // Three of them share the account's five searches a second.
        let settings = plugin::with(settings, &[("pollingPeriod", "1s"), ("deletes.interval", "2s")]);
        let mut source = plugin::connector()?.source(settings).await?;
        source.open(None).await?;
        let held = Arc::new(Mutex::new(Held::default()));
        let (stop, stopped) = oneshot::channel();
        let reading = tokio::spawn(read(source, Arc::clone(&held), stopped));
        Ok(Self { plan, held, stop, reading })
    }

    /// Waits until as many records have come as the account has objects.
    pub(crate) async fn snapshot(&mut self, account: &Account, progress: &Progress, report: &mut Report) -> Result<()> {
        let began = Instant::now();
        let before = requests(account, self.plan);
        let mut shown = 0;
        let took = loop {
            let (records, last) = self.with(|held| (held.records.len() as u64, held.last));
            progress.advance(records - shown);
            shown = records;
            if records >= self.plan.count as u64 {
                break last.map_or_else(|| began.elapsed(), |last| last.duration_since(began));
            }
            if began.elapsed() > PATIENCE {
                bail!(
                    "the snapshot of {} stopped at {records} of {} records",
                    self.plan.resource.name,
                    self.plan.count
                );
            }
            self.check().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let what = format!("{} snapshot", self.plan.resource.name);
        report.add(Line { what, records: shown, requests: requests(account, self.plan) - before, took });
        Ok(())
    }

    /// Ends the process as Conduit does, and gives what came.
    pub(crate) async fn close(self) -> Result<Held> {
        // When the reading has ended, it says why.
        let _ = self.stop.send(());
        self.reading.await.context("reading was cut off")?.with_context(|| self.plan.resource.name)?;
        let held = Arc::into_inner(self.held).context("what came is still being read")?;
        Ok(held.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<T>(&self, look: impl FnOnce(&Held) -> T) -> T {
        look(&self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fails if reading has.
    async fn check(&mut self) -> Result<()> {
        if self.reading.is_finished() {
            (&mut self.reading).await.context("reading was cut off")??;
            bail!("the source of {} ended", self.plan.resource.name);
        }
        Ok(())
    }
}

/// Reads and acknowledges until it is asked to stop, then ends the process as Conduit does.
async fn read(mut source: SourceDriver, held: Arc<Mutex<Held>>, mut stopped: oneshot::Receiver<()>) -> Result<()> {
    loop {
        let records = tokio::select! {
            _ = &mut stopped => break,
            records = source.next() => records?,
        };
        source.ack_all(&records).await?;
        hold(&held, records)?;
    }
    hold(&held, source.finish().await?)
}

fn hold(held: &Mutex<Held>, records: Vec<Record>) -> Result<()> {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    for record in &records {
        held.replica.apply(record)?;
    }
    held.last = Some(Instant::now());
    held.records.extend(records);
    Ok(())
}

/// People change the account in several goes while the sources follow; waits until every source holds what the account does.
pub(crate) async fn follow(
    streams: &mut [Stream<'_>],
    account: &Account,
    seed: u64,
    progress: &Progress,
    report: &mut Report,
) -> Result<()> {
    let mut rng = Rng::with_seed(seed);
    let began = Instant::now();
    let before: Vec<_> =
        streams.iter().map(|stream| (requests(account, stream.plan), stream.with(|held| held.records.len()))).collect();
    let mut created = vec![0; streams.len()];
    for version in 1..=ROUNDS {
        for (stream, created) in streams.iter_mut().zip(&mut created) {
            let round = Round { created_so_far: *created, version, of: ROUNDS };
            progress.advance(round.play(account, stream.plan, &mut rng) as u64);
            *created += round.creates(stream.plan);
            stream.check().await?;
        }
        tokio::time::sleep(REST).await;
    }
    progress.stage("their changes arrive", streams.iter().map(|stream| stream.plan.changes.all() as u64).sum());
    let truths: Vec<_> = streams.iter().map(|stream| account.objects(&stream.plan.hubspot_name)).collect();
    let deadline = Instant::now() + PATIENCE;
    let mut shown = 0;
    while Instant::now() < deadline {
        let counts = streams.iter().zip(&before);
        let arrived: usize = counts.map(|(stream, (_, before))| stream.with(|held| held.records.len()) - before).sum();
        progress.advance((arrived - shown) as u64);
        shown = arrived;
        let holds = |(stream, truth): (&Stream<'_>, _)| stream.with(|held| held.replica.difference(truth).is_none());
        if streams.iter().zip(&truths).all(holds) {
            break;
        }
        for stream in streams.iter_mut() {
            stream.check().await?;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What hasn't arrived by now is said by the comparison at the end.
    for (stream, (requests_before, records_before)) in streams.iter().zip(before) {
        let (records, last) = stream.with(|held| (held.records.len(), held.last));
        let took = last.map_or_else(|| began.elapsed(), |last| last.saturating_duration_since(began));
        report.add(Line {
            what: format!("{} changes", stream.plan.resource.name),
            records: (records - records_before) as u64,
            requests: requests(account, stream.plan) - requests_before,
            took,
        });
    }
    Ok(())
}

/// How many requests the account has had that concern the plan's resource.
pub(crate) fn requests(account: &Account, plan: &Plan) -> u64 {
    let parts: Vec<&str> = plan.hubspot_name.split('/').collect();
    let concerns = |endpoint: &str| parts.iter().all(|part| endpoint.split(['/', ' ']).any(|segment| segment == *part));
    account.counters().by_endpoint.iter().filter(|(endpoint, _)| concerns(endpoint)).map(|(_, count)| count).sum()
}
