//! Nothing is lost, over the wire: the plugin is killed again and again, resumes at the position of the last record that was
//! acknowledged, and in the end the reader holds what HubSpot does.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::{Connector, ProtocolVersion};
use end_to_end::plugin;
use end_to_end::reading::Reader;
use end_to_end::replica::Replica;
use fastrand::Rng;
use hubspot_emulator::{Account, Emulator, FaultRates, Settings};
use opencdc::{Operation, Position};
use serde_json::json;
use tokio::time::timeout;

const TOKEN: &str = "pat-resume";

/// How often the plugin is killed.
const KILLS: usize = 10;

/// Objects at the start.
const OBJECTS: usize = 400;

/// The seeds that are always tried. `RESUME_SEED=17` tries that one alone.
const SEEDS: [u64; 6] = [1, 2, 3, 4, 5, 6];

#[tokio::test(flavor = "multi_thread")]
async fn kills_and_resumes_lose_nothing() {
    let seeds = match env::var("RESUME_SEED") {
        Ok(seed) => vec![seed.parse().expect("RESUME_SEED is a number")],
        Err(_) => SEEDS.to_vec(),
    };
    let histories = seeds.into_iter().map(|seed| {
        tokio::spawn(
            async move { history(seed).await.with_context(|| format!("run it again with RESUME_SEED={seed}")) },
        )
    });
    let failed: Vec<String> = futures::future::join_all(histories)
        .await
        .into_iter()
        .filter_map(|result| result.unwrap().err().map(|error| format!("{error:#}")))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// One history: changes, kills and faults, all from the seed; only how far the plugin gets between two of them is the machine's.
async fn history(seed: u64) -> Result<()> {
    let mut rng = Rng::with_seed(seed);
    let settings = Settings {
        index_lag: Some((Duration::from_millis(200), Duration::from_millis(1_500))),
        ids_in_order: rng.bool(),
        seed,
        // No 429: the connector would wait for its window most of the time.
        fault_rates: FaultRates { server_error: 0.03, reset: 0.03, ..FaultRates::default() },
        ..Settings::default()
    };
    let emulator = Emulator::builder().account(TOKEN).settings(settings).start().await?;
    let mut people = People { account: emulator.account(TOKEN), created: 0, live: Vec::new(), archived: Vec::new() };
    let resource = if rng.bool() { "crm.contacts" } else { "crm.companies" };
    let object_type = resource.trim_start_matches("crm.");
    people.create(object_type, OBJECTS);
    emulator.advance(chrono::TimeDelta::seconds(5));

    let version = if rng.bool() { ProtocolVersion::V1 } else { ProtocolVersion::V2 };
    let connector = plugin::connector()?.version(version);
    let settings = plugin::with(
        plugin::eager(&emulator.url(), TOKEN, resource),
        &[
            ("bufferSize", "50"),
            ("cdc.settleLag", "5s"),
            ("maxRetries", "10"),
            // So that the quota is not used up by looking for what isn't there.
            ("pollingPeriod", "300ms"),
            ("deletes.interval", "1s"),
        ],
    );

    let mut replica = Replica::default();
    let mut position = None;
    for kill in 0..KILLS {
        position = until_killed(&connector, &settings, position, &mut replica, &mut rng, &mut people, object_type)
            .await
            .with_context(|| format!("seed {seed}, before kill {kill}"))?;
    }

    let mut reader = Reader::open(&connector, settings, position).await?;
    reader.replica = replica;
    // Nobody changes anything any more.
    let truth = people.account.objects(object_type);
    let arrived = reader.until("everything arrives", |reader| reader.replica.difference(&truth).is_none()).await;
    let difference = reader.replica.difference(&truth);
    arrived.with_context(|| format!("seed {seed}: {difference}"))?;

    // It stays so: nothing that is on its way undoes it.
    for _ in 0..20 {
        if let Ok(records) = timeout(Duration::from_millis(100), reader.source.next()).await {
            let records = records?;
            reader.take(&records)?;
            reader.source.ack_all(&records).await?;
        }
    }
    let difference = reader.replica.difference(&truth);
    ensure!(difference.is_none(), "seed {seed}: it did not stay so: {difference}");
    let records = reader.replica.records();
    println!("seed {seed}: {resource} in {version}, {} objects from {records} records", truth.len());
    reader.source.finish().await?;
    Ok(())
}

/// Runs the plugin for some messages while people change things, then kills it in the middle of one. Where to resume.
async fn until_killed(
    connector: &Connector,
    settings: &conduit_connector_acceptance::Settings,
    position: Option<Position>,
    replica: &mut Replica,
    rng: &mut Rng,
    people: &mut People,
    object_type: &str,
) -> Result<Option<Position>> {
    let mut acknowledged = position.clone();
    let mut source = connector.source(settings.clone()).await?;
    source.open(position).await?;
    for _ in 0..rng.usize(1..12) {
        people.change(object_type, rng);
        // Nothing may be there to come; then the kill hits a plugin that waits.
        let Ok(records) = timeout(Duration::from_millis(rng.u64(20..400)), source.next()).await else { continue };
        let records = records?;
        // The reader gets as far as it gets: what it hasn't acknowledged it has to get again.
        let taken = if rng.u8(0..4) == 0 { rng.usize(0..=records.len()) } else { records.len() };
        for record in &records[..taken] {
            replica.apply(record)?;
            acknowledged = Some(record.position.clone());
        }
        source.ack_all(&records[..taken]).await?;
        if taken < records.len() {
            break;
        }
    }
    source.kill().await?;
    people.change(object_type, rng);
    Ok(acknowledged)
}

/// The people who change things, and what they know to be there.
struct People {
    account: Account,
    created: usize,
    live: Vec<String>,
    archived: Vec<String>,
}

impl People {
    fn create(&mut self, object_type: &str, count: usize) {
        let first = self.created;
        self.live.extend(self.account.create_many(object_type, count, |number| fields(object_type, first + number)));
        self.created += count;
    }

    /// A few creations, updates, deletions and restorations, and at times an import of a hundred in one millisecond.
    fn change(&mut self, object_type: &str, rng: &mut Rng) {
        for _ in 0..rng.usize(0..6) {
            let id = &self.live[rng.usize(..self.live.len())];
            self.account.update(object_type, id, json!({"phone": rng.u32(..).to_string()}));
        }
        for _ in 0..rng.usize(0..3) {
            let id = self.live.swap_remove(rng.usize(..self.live.len()));
            self.account.archive(object_type, &id);
            self.archived.push(id);
        }
        if rng.u8(0..8) == 0 {
            let first = self.created;
            self.created += 100;
            let tied = self.account.create_tied(object_type, 100, |number| fields(object_type, first + number));
            self.live.extend(tied);
        } else {
            self.create(object_type, rng.usize(0..4));
        }
        if rng.u8(0..3) == 0 && !self.archived.is_empty() {
            let id = self.archived.swap_remove(rng.usize(..self.archived.len()));
            self.account.restore(object_type, &id);
            self.live.push(id);
        }
    }
}

fn fields(object_type: &str, number: usize) -> serde_json::Value {
    match object_type {
        "contacts" => json!({"email": format!("person{number}@example.com"), "phone": "0"}),
        _ => json!({"name": format!("Company {number}"), "phone": "0"}),
    }
}

/// `snapshot=false` starts at HubSpot's now, whatever this machine's clock says.
#[tokio::test(flavor = "multi_thread")]
async fn following_starts_at_hubspots_now_though_clocks_differ() {
    for offset in [chrono::TimeDelta::hours(3), chrono::TimeDelta::hours(-3)] {
        let settings = Settings { clock_offset: offset, ..Settings::default() };
        let emulator = Emulator::builder().account(TOKEN).settings(settings).start().await.unwrap();
        let account = emulator.account(TOKEN);
        account.create_many("contacts", 10, |number| fields("contacts", number));
        emulator.advance(chrono::TimeDelta::seconds(10));
        let settings = plugin::with(plugin::eager(&emulator.url(), TOKEN, "crm.contacts"), &[("snapshot", "false")]);
        let mut reader = Reader::open(&plugin::connector().unwrap(), settings, None).await.unwrap();
        let searched = |account: &Account| account.counters().by_endpoint.keys().any(|path| path.contains("/search"));
        reader.until("the source follows", |_| searched(&account)).await.unwrap();
        let id = account.create("contacts", fields("contacts", 99));
        reader.until("the new contact", |reader| reader.saw(Operation::Create, &id)).await.unwrap();
        assert_eq!(reader.seen.len(), 1, "clocks {offset} apart: {:?}", reader.seen);
        reader.source.finish().await.unwrap();
    }
}
