//! Reading: one source process a resource, as Conduit would start them. One of them is killed, and another takes its place.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use conduit_connector_acceptance::{Settings, SourceDriver};
use end_to_end::plugin;
use end_to_end::replica::{Replica, id};
use hubspot_emulator::Account;
use opencdc::{Data, Operation, Position, Record};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{Line, Report};

/// How long changes may take to arrive before they count as lost.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How long a process that is to be killed may take to send the message in whose middle that happens.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// What has come from a source.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Every record, in its order.
    pub(crate) records: Vec<Record>,
    /// What they add up to.
    pub(crate) replica: Replica,
    /// What came behind the snapshot.
    pub(crate) came: Came,
    /// When the last one came.
    pub(crate) last: Option<Instant>,
    /// The position of the last record that was acknowledged.
    position: Option<Position>,
    deleted: BTreeSet<String>,
}

/// How many records came behind the snapshot, by what they say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Came {
    /// Creates.
    pub(crate) creates: u64,
    /// Updates.
    pub(crate) updates: u64,
    /// Deletes.
    pub(crate) deletes: u64,
    /// Of any kind, but what they say was known already, or is outdated by a deletion.
    pub(crate) repeats: u64,
}

impl Came {
    /// All of them, repeats included.
    pub(crate) fn all(self) -> u64 {
        self.creates + self.updates + self.deletes + self.repeats
    }
}

impl Held {
    fn take(&mut self, records: &[Record]) -> Result<()> {
        for record in records {
            let id = id(record)?;
            let after = record.payload.after.as_ref().map(Data::to_structured).transpose()?;
            let after = after.map(|after| Value::Object(after.into_owned().into()));
            let known = match record.operation {
                Operation::Delete => self.deleted.contains(&id),
                // Nobody restores anything here: the index still shows what was deleted a moment ago.
                _ if self.deleted.contains(&id) => true,
                _ => self.replica.objects().get(&id) == after.as_ref(),
            };
            match record.operation {
                _ if known => self.came.repeats += 1,
                Operation::Snapshot => {}
                Operation::Create => self.came.creates += 1,
                Operation::Update => self.came.updates += 1,
                Operation::Delete => self.came.deletes += 1,
            }
            self.replica.apply(record)?;
            if record.operation == Operation::Delete {
                self.deleted.insert(id);
            }
        }
        self.last = Some(Instant::now());
        self.records.extend_from_slice(records);
        Ok(())
    }
}

/// How a process has to end.
enum End {
    /// As Conduit ends it.
    Finish,
    /// `kill -9`, in the middle of a message.
    Kill,
}

/// A source process that is being read.
pub(crate) struct Stream<'a> {
    /// What it reads.
    pub(crate) plan: &'a Plan,
    settings: Settings,
    held: Arc<Mutex<Held>>,
    end: oneshot::Sender<End>,
    reading: JoinHandle<Result<u64>>,
}

/// What is left of a stream whose process was killed.
pub(crate) struct Killed<'a> {
    plan: &'a Plan,
    settings: Settings,
    held: Arc<Mutex<Held>>,
    /// How many records had come, but weren't acknowledged.
    pub(crate) unacknowledged: u64,
}

impl<'a> Stream<'a> {
    /// Starts the plugin as a source of the plan's resource, and reads it from here on.
    pub(crate) async fn open(url: &str, token: &str, plan: &'a Plan) -> Result<Self> {
        let settings = crate::settings(url, token, plan);
        // Three of them share the account's five searches a second.
        let settings = plugin::with(settings, &[("pollingPeriod", "1s"), ("deletes.interval", "2s")]);
        Self::start(plan, settings, Arc::default()).await
    }

    /// Starts a process at the position of the last acknowledged record.
    async fn start(plan: &'a Plan, settings: Settings, held: Arc<Mutex<Held>>) -> Result<Self> {
        let mut source = plugin::connector()?.source(settings.clone()).await?;
        let position = lock(&held).position.clone();
        source.open(position).await?;
        let (end, ended) = oneshot::channel();
        let reading = tokio::spawn(read(source, Arc::clone(&held), ended));
        Ok(Self { plan, settings, held, end, reading })
    }

    /// Waits until as many records have come as the account has objects.
    pub(crate) async fn snapshot(&mut self, account: &Account, progress: &Progress, report: &mut Report) -> Result<()> {
        let name = self.plan.resource.name;
        let began = Instant::now();
        let before = requests(account, self.plan);
        let mut records = 0;
        let took = loop {
            let (now, last) = self.with(|held| (held.records.len() as u64, held.last));
            progress.advance(now - records);
            records = now;
            if records >= self.plan.count as u64 {
                break last.map_or_else(|| began.elapsed(), |last| last.duration_since(began));
            }
            if began.elapsed() > PATIENCE {
                bail!("the snapshot of {name} stopped at {records} of {} records", self.plan.count);
            }
            self.check().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        report.snapshots.push(Line { name, records, requests: requests(account, self.plan) - before, took });
        Ok(())
    }

    /// Ends the process as Conduit does, and gives what came.
    pub(crate) async fn close(self) -> Result<Held> {
        // When the reading has ended, it says why.
        let _ = self.end.send(End::Finish);
        self.reading.await.context("reading was cut off")?.with_context(|| self.plan.resource.name)?;
        let held = Arc::into_inner(self.held).context("what came is still being read")?;
        Ok(held.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Kills the process in the middle of a message: all of its records have been taken, half of them acknowledged.
    pub(crate) async fn kill(self) -> Result<Killed<'a>> {
        let Self { plan, settings, held, end, reading } = self;
        let _ = end.send(End::Kill);
        let unacknowledged = reading.await.context("reading was cut off")?.with_context(|| plan.resource.name)?;
        Ok(Killed { plan, settings, held, unacknowledged })
    }

    /// Looks at what came so far.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Held) -> T) -> T {
        look(&lock(&self.held))
    }

    /// Fails if reading has.
    pub(crate) async fn check(&mut self) -> Result<()> {
        if self.reading.is_finished() {
            (&mut self.reading).await.context("reading was cut off")??;
            bail!("the source of {} ended", self.plan.resource.name);
        }
        Ok(())
    }
}

impl<'a> Killed<'a> {
    /// A new process goes on behind the last record that was acknowledged.
    pub(crate) async fn resume(self) -> Result<Stream<'a>> {
        Stream::start(self.plan, self.settings, self.held).await
    }
}

/// Reads and acknowledges until it is told how to end. How many records came that weren't acknowledged.
async fn read(mut source: SourceDriver, held: Arc<Mutex<Held>>, mut ended: oneshot::Receiver<End>) -> Result<u64> {
    let end = loop {
        let records = tokio::select! {
            end = &mut ended => break end.unwrap_or(End::Finish),
            records = source.next() => records?,
        };
        take(&source, &held, &records, records.len()).await?;
    };
    match end {
        End::Finish => {
            let records = source.finish().await?;
            lock(&held).take(&records)?;
            Ok(0)
        }
        End::Kill => {
            // Nothing may be there to come; then the kill hits a process that waits.
            let records = timeout(LAST_WORDS, source.next()).await.unwrap_or_else(|_| Ok(Vec::new()))?;
            let acknowledged = records.len() / 2;
            take(&source, &held, &records, acknowledged).await?;
            source.kill().await?;
            Ok((records.len() - acknowledged) as u64)
        }
    }
}

/// Takes all of the records, and acknowledges so many of them.
async fn take(source: &SourceDriver, held: &Mutex<Held>, records: &[Record], acknowledged: usize) -> Result<()> {
    let acknowledged = &records[..acknowledged];
    lock(held).take(records)?;
    source.ack_all(acknowledged).await?;
    if let Some(record) = acknowledged.last() {
        lock(held).position = Some(record.position.clone());
    }
    Ok(())
}

fn lock(held: &Mutex<Held>) -> std::sync::MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many requests the account has had that concern the plan's resource.
pub(crate) fn requests(account: &Account, plan: &Plan) -> u64 {
    let parts: Vec<&str> = plan.hubspot_name.split('/').collect();
    let concerns = |endpoint: &str| parts.iter().all(|part| endpoint.split(['/', ' ']).any(|segment| segment == *part));
    account.counters().by_endpoint.iter().filter(|(endpoint, _)| concerns(endpoint)).map(|(_, count)| count).sum()
}
