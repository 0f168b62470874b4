//! The same truth check as the simulation's, over the wire: the plugin's process, a HubSpot that lags, limits and fails, six
//! resources that many people change all the time, and `kill -9`. In the end the reader holds what the account does.
//!
//! `HUBSPOT_TRUTH_CHANGES=100000 cargo test --package end-to-end --test truth -- --nocapture` makes it long: that many changes,
//! an index that is up to 30 s late, and the figures of the run. `HUBSPOT_TRUTH_SEED` runs a history again.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod history;

use std::env;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use conduit_connector_acceptance::{Settings as Parameters, SourceDriver};
use end_to_end::process::peak_memory;
use end_to_end::{plugin, reading};
use fastrand::Rng;
use hubspot_emulator::{Account, Emulator, FaultRates, Limits, Settings};
use opencdc::{Position, Record};
use tokio::time::{Instant, timeout};

use self::history::{Held, People, RESOURCES, Truth};

const TOKEN: &str = "pat-truth";

/// The history of every test run. `HUBSPOT_TRUTH_SEED` has others.
const SEED: u64 = 1;

/// How often the plugin is killed.
const KILLS: usize = 3;

/// The clocks differ by this: HubSpot's is behind.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(-95);

/// How long a run is.
#[derive(Clone, Copy, Debug)]
struct Length {
    /// Objects of each resource at the start.
    objects: usize,
    changes: usize,
    /// Changes a second.
    pace: usize,
    /// The most that the search index is late.
    index_lag: Duration,
    settle_lag: &'static str,
    polling_period: &'static str,
    deletes_interval: &'static str,
    /// How long all may take to arrive once nothing changes any more.
    patience: Duration,
}

impl Length {
    fn new() -> Result<Self> {
        let short = Self {
            objects: 150,
            changes: 3_000,
            pace: 750,
            index_lag: Duration::from_secs(3),
            settle_lag: "4s",
            polling_period: "300ms",
            deletes_interval: "1s",
            patience: 2 * reading::PATIENCE,
        };
        let Some(changes) = from_environment("HUBSPOT_TRUTH_CHANGES")? else { return Ok(short) };
        ensure!(changes >= 1_000, "HUBSPOT_TRUTH_CHANGES is at least 1000");
        Ok(Self {
            objects: 1_000,
            changes,
            pace: 250,
            index_lag: Duration::from_secs(30),
            settle_lag: "45s",
            polling_period: "1s",
            deletes_interval: "10s",
            patience: 10 * reading::PATIENCE,
        })
    }
}

fn from_environment<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str) -> Result<Option<T>> {
    env::var(name).ok().map(|text| text.parse().with_context(|| format!("{name} is {text:?}"))).transpose()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_changes_and_three_kills_end_in_the_truth() {
    let seed = from_environment("HUBSPOT_TRUTH_SEED").unwrap().unwrap_or(SEED);
    println!("HUBSPOT_TRUTH_SEED={seed}");
    let run = Run::start(seed, Length::new().unwrap()).await.unwrap();
    if let Err(error) = run.history().await {
        panic!("run it again with HUBSPOT_TRUTH_SEED={seed}: {error:#}");
    }
}

/// An account, those who change it, and the one who reads it.
struct Run {
    length: Length,
    emulator: Emulator,
    account: Account,
    rng: Rng,
    began: Instant,
}

impl Run {
    async fn start(seed: u64, length: Length) -> Result<Self> {
        let mut rng = Rng::with_seed(seed);
        let settings = Settings {
            limits: Limits::PRO,
            index_lag: Some((Duration::from_millis(100), length.index_lag)),
            fault_rates: FaultRates { server_error: 0.05, reset: 0.01, ..FaultRates::default() },
            clock_offset: CLOCKS_APART,
            ids_in_order: rng.bool(),
            search_noise: 0.02,
            merge_mints_id: rng.bool(),
            merged_are_archived: rng.bool(),
            seed,
            ..Settings::default()
        };
        let emulator = Emulator::builder().account(TOKEN).settings(settings).start().await?;
        let account = emulator.account(TOKEN);
        Ok(Self { length, emulator, account, rng, began: Instant::now() })
    }

    fn parameters(&self) -> Parameters {
        let resource = RESOURCES.map(|resource| resource.collection).join(",");
        plugin::with(
            plugin::settings(&self.emulator.url(), TOKEN, &resource),
            &[
                ("pollingPeriod", self.length.polling_period),
                ("deletes.interval", self.length.deletes_interval),
                ("cdc.settleLag", self.length.settle_lag),
                ("maxRetries", "10"),
            ],
        )
    }

    async fn history(mut self) -> Result<()> {
        let Length { objects, changes, .. } = self.length;
        let mut people = People::new(self.account.clone(), self.rng.fork());
        people.fill(objects);
        self.emulator.advance(TimeDelta::from_std(2 * self.length.index_lag)?);
        let (made, deeds) = (Arc::clone(&people.made), Arc::clone(&people.deeds));
        let people = tokio::spawn(people.work(changes, self.length.pace));

        let mut held = Held::new(deeds);
        let mut position = None;
        let mut memory = 0;
        for kill in 0..KILLS {
            let part = changes / (KILLS + 1);
            let at = kill * part + self.rng.usize(part / 2..part + part / 2);
            let mut source = self.open(position.clone()).await?;
            held.begin_stream();
            while made.load(Ordering::Relaxed) < at {
                let Ok(records) = timeout(Duration::from_millis(50), source.next()).await else { continue };
                position = take(&source, &mut held, &records?).await?.or(position);
            }
            // In the middle of a message, if one comes: what isn't acknowledged has to come again.
            if let Ok(records) = timeout(Duration::from_secs(1), source.next()).await {
                let records = records?;
                let taken = self.rng.usize(0..=records.len());
                position = take(&source, &mut held, &records[..taken]).await?.or(position);
            }
            memory = memory.max(source.pid().and_then(peak_memory).unwrap_or(0));
            source.kill().await?;
        }

        let mut source = self.open(position).await?;
        held.begin_stream();
        self.to_the_end(&mut source, &mut held, people).await?;
        memory = memory.max(source.pid().and_then(peak_memory).unwrap_or(0));
        source.finish().await?;
        self.tell(&held, memory);
        held.judge()
    }

    async fn open(&self, position: Option<Position>) -> Result<SourceDriver> {
        let mut source = plugin::connector()?.source(self.parameters()).await?;
        source.open(position).await?;
        Ok(source)
    }

    /// Reads until nobody changes anything any more and all has arrived, and then whether it stays so.
    async fn to_the_end(
        &self,
        source: &mut SourceDriver,
        held: &mut Held,
        people: tokio::task::JoinHandle<()>,
    ) -> Result<()> {
        while !people.is_finished() {
            let Ok(records) = timeout(Duration::from_millis(50), source.next()).await else { continue };
            take(source, held, &records?).await?;
        }
        people.await?;
        let quiet = Instant::now();
        let truth = Truth::of(&self.account, held);
        let (mut look, mut right_since) = (quiet, None);
        loop {
            if Instant::now() >= look {
                look = Instant::now() + Duration::from_millis(500);
                match truth.lacks(held) {
                    None => drop(right_since.get_or_insert_with(Instant::now)),
                    Some(lacks) => {
                        right_since = None;
                        ensure!(
                            quiet.elapsed() < self.length.patience,
                            "not within {:?}: {lacks}",
                            self.length.patience
                        );
                    }
                }
            }
            // Entries of the index that are on their way may not undo it.
            if right_since.is_some_and(|since| since.elapsed() > Duration::from_secs(1))
                && quiet.elapsed() > self.length.index_lag + Duration::from_secs(1)
            {
                return Ok(());
            }
            let Ok(records) = timeout(Duration::from_millis(50), source.next()).await else { continue };
            take(source, held, &records?).await?;
        }
    }

    fn tell(&self, held: &Held, memory: u64) {
        let counters = self.account.counters();
        let of = |part: &str| -> u64 {
            counters.by_endpoint.iter().filter(|(name, _)| name.contains(part)).map(|(_, count)| count).sum()
        };
        println!(
            "{} changes and {KILLS} kills in {:.1} s: {} records, {} of them repeats after a kill; \
             {} requests, {} of them searches; {} answers 429, {} faults; at most {} requests in ten seconds and {} searches \
             in one; {} deletions, {} of them by merges, {} with the winner's id; {:.1} MiB",
            self.length.changes,
            self.began.elapsed().as_secs_f64(),
            held.records,
            held.repeats,
            counters.requests,
            of("/search"),
            counters.rate_limited,
            counters.faults,
            counters.peak_in_window,
            counters.peak_searches_per_second,
            held.deleted.len(),
            held.deeds().merged.len(),
            held.merged.len(),
            memory as f64 / (1024.0 * 1024.0),
        );
    }
}

/// Takes records as read and acknowledges them; the last position.
async fn take(source: &SourceDriver, held: &mut Held, records: &[Record]) -> Result<Option<Position>> {
    for record in records {
        held.apply(record)?;
    }
    source.ack_all(records).await?;
    Ok(records.last().map(|record| record.position.clone()))
}
