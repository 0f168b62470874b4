//! Writing a stream of records over the wire: the plugin's process, a HubSpot that fails, loses replies and refuses, records that are
//! bad, and `kill -9`. In the end the account holds what the records say, each address once, and the bad records alone were refused.
//!
//! `HUBSPOT_TRUTH_RECORDS=50000 cargo test --package end-to-end --test destination_truth -- --nocapture` makes it long, and prints the
//! figures of the run. `HUBSPOT_TRUTH_SEED` runs a history again.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use conduit_connector_acceptance::{DestinationDriver, DriverError, Settings as Parameters};
use end_to_end::plugin;
use end_to_end::process::peak_memory;
use fastrand::Rng;
use hubspot_emulator::{Account, Emulator, FaultRates, Settings};
use opencdc::{Change, Data, Metadata, Operation, Position, Record};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

const TOKEN: &str = "pat-destination-truth";

/// The history of every test run. `HUBSPOT_TRUTH_SEED` has others.
const SEED: u64 = 1;

/// How often the plugin is killed.
const KILLS: usize = 3;

/// Records of the history of every test run.
const RECORDS: usize = 3_000;

/// One in so many records is bad.
const BAD: usize = 100;

/// The most records in a message.
const BATCH: usize = 250;

/// How long nothing may be answered before the run counts as failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// A value that another contact has.
const TAKEN: &str = "taken";

fn from_environment<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(name: &str) -> Result<Option<T>> {
    env::var(name).ok().map(|text| text.parse().with_context(|| format!("{name} is {text:?}"))).transpose()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_faults_and_three_kills_end_in_the_truth() {
    let seed = from_environment("HUBSPOT_TRUTH_SEED").unwrap().unwrap_or(SEED);
    let count = from_environment("HUBSPOT_TRUTH_RECORDS").unwrap().unwrap_or(RECORDS);
    println!("HUBSPOT_TRUTH_SEED={seed}");
    if let Err(error) = Run::start(seed).await.unwrap().history(count).await {
        panic!("run it again with HUBSPOT_TRUTH_SEED={seed}: {error:#}");
    }
}

/// A record, and what it means.
#[derive(Clone, Debug)]
struct Deed {
    record: Record,
    address: String,
    /// The contact's first name and score from then on; nothing where it is deleted.
    becomes: Option<(String, String)>,
    /// What the refusal of a bad one has to say.
    bad: Option<&'static str>,
}

/// All records, in their order.
fn history(count: usize, rng: &mut Rng) -> Vec<Deed> {
    let people = (count / 3).max(1);
    let deed = |number: usize| {
        let address = format!("person{}@example.com", rng.usize(..people));
        // In every stretch of so many records one is bad.
        let is_bad = number % BAD == BAD / 2;
        if !is_bad && rng.u8(..50) == 0 {
            let record = record(number, Operation::Delete, &address, None);
            return Deed { record, address, becomes: None, bad: None };
        }
        let (name, score) = (format!("Name {number}"), (number % 1_000).to_string());
        let mut properties =
            json!({"email": address, "firstname": name, "score": number % 1_000, "hs_object_id": "17"});
        let mut bad = None;
        let mut address = address;
        if is_bad {
            let (property, value, hint) = match number / BAD % 5 {
                0 => ("score", json!("a lot"), "score"),
                1 => ("lifecyclestage", json!("stranger"), "lifecyclestage"),
                2 => ("no_such_property", json!("x"), "no_such_property"),
                3 => ("customer_code", json!(TAKEN), "CONFLICT"),
                _ => {
                    address = format!("nobody number {number}");
                    ("email", json!(address), "INVALID_EMAIL")
                }
            };
            properties[property] = value;
            bad = Some(hint);
        }
        let operation = [Operation::Create, Operation::Update, Operation::Snapshot][rng.usize(..3)];
        let record = record(number, operation, &address, Some(properties));
        Deed { record, address, becomes: Some((name, score)), bad }
    };
    (0..count).map(deed).collect()
}

fn record(number: usize, operation: Operation, address: &str, properties: Option<Value>) -> Record {
    let data = |value| Data::try_from(value).unwrap();
    Record {
        position: Position::new(number.to_string()),
        operation,
        metadata: Metadata::new(),
        key: Some(data(json!({"email": address}))),
        payload: Change { before: None, after: properties.map(|properties| data(json!({"properties": properties}))) },
    }
}

/// An account, and what was answered.
struct Run {
    emulator: Emulator,
    account: Account,
    rng: Rng,
    began: Instant,
    /// The contact that is there already.
    taken: String,
    /// What was said of the records that were refused, by their numbers.
    refused: BTreeMap<usize, String>,
    /// Records sent, those that came again after a kill included.
    sent: usize,
    memory: u64,
}

impl Run {
    async fn start(seed: u64) -> Result<Self> {
        let emulator =
            Emulator::builder().account(TOKEN).settings(Settings { seed, ..Settings::default() }).start().await?;
        let account = emulator.account(TOKEN);
        account.define_property("contacts", &json!({"name": "score", "type": "number"}));
        account.define_property("contacts", &json!({"name": "customer_code", "hasUniqueValue": true}));
        let taken = account.create("contacts", json!({"email": "taken@example.com", "customer_code": TAKEN}));
        account.set_settings(|settings| {
            settings.fault_rates = FaultRates { server_error: 0.05, lost_reply: 0.01, ..FaultRates::default() };
        });
        let (rng, began) = (Rng::with_seed(seed), Instant::now());
        Ok(Self { emulator, account, rng, began, taken, refused: BTreeMap::new(), sent: 0, memory: 0 })
    }

    fn parameters(&self) -> Parameters {
        plugin::with(
            plugin::settings(&self.emulator.url(), TOKEN, "crm.contacts"),
            &[("mode", "upsert"), ("idProperty", "email"), ("onMissing", "ignore"), ("maxRetries", "10")],
        )
    }

    async fn history(mut self, count: usize) -> Result<()> {
        let deeds = history(count, &mut self.rng);
        let mut answered = 0;
        for kill in 0..KILLS {
            // Somewhere in its part of the history.
            let part = count / (KILLS + 1);
            let until = kill * part + self.rng.usize(part / 4..part);
            let mut destination = self.open().await?;
            answered = self.write(&mut destination, &deeds, answered, until.max(answered)).await?;
            self.note_memory(&destination);
            destination.kill().await?;
        }
        let mut destination = self.open().await?;
        self.write(&mut destination, &deeds, answered, count).await?;
        self.note_memory(&destination);
        destination.finish().await?;
        self.judge(&deeds)
    }

    async fn open(&self) -> Result<DestinationDriver> {
        let mut destination = plugin::connector()?.destination(self.parameters()).await?;
        destination.open().await?;
        Ok(destination)
    }

    fn note_memory(&mut self, destination: &DestinationDriver) {
        self.memory = self.memory.max(destination.pid().and_then(peak_memory).unwrap_or(0));
    }

    /// Writes from the first record that has no answer on, until so many have one. What is on its way then is left on its way.
    async fn write(
        &mut self,
        destination: &mut DestinationDriver,
        deeds: &[Deed],
        from: usize,
        until: usize,
    ) -> Result<usize> {
        let mut rng = self.rng.fork();
        let (mut answered, mut sent, mut refused) = (from, 0, Vec::new());
        {
            let (mut sending, mut receiving) = destination.halves();
            let records = async {
                let mut at = from;
                while at < deeds.len() {
                    let batch = &deeds[at..deeds.len().min(at + rng.usize(1..=BATCH))];
                    sending.send(batch.iter().map(|deed| deed.record.clone()).collect()).await?;
                    at += batch.len();
                    sent += batch.len();
                }
                // More never comes: the answers end this.
                std::future::pending::<Result<(), DriverError>>().await
            };
            let answers = async {
                while answered < until {
                    let message = timeout(PATIENCE, receiving.receive()).await.context("no answer came")??;
                    for answer in message {
                        let expected = &deeds[answered].record.position;
                        ensure!(answer.position == *expected, "{} is answered before {expected}", answer.position);
                        refused.extend(answer.result.err().map(|said| (answered, said)));
                        answered += 1;
                    }
                }
                Ok(())
            };
            tokio::select! {
                over = records => over?,
                enough = answers => enough?,
            }
        }
        self.sent += sent;
        for (number, said) in refused {
            let deed = &deeds[number];
            match deed.bad {
                None => bail!("record {number} is good, but: {said}"),
                Some(hint) => {
                    ensure!(
                        said.contains(hint) && said.contains("crm.contacts"),
                        "record {number} doesn't say {hint}: {said}"
                    );
                    ensure!(said.lines().count() == 1, "record {number}: {said:?}");
                }
            }
            self.refused.insert(number, said);
        }
        Ok(answered)
    }

    fn judge(&self, deeds: &[Deed]) -> Result<()> {
        let bad: BTreeSet<usize> = (0..deeds.len()).filter(|number| deeds[*number].bad.is_some()).collect();
        let refused: BTreeSet<usize> = self.refused.keys().copied().collect();
        ensure!(refused == bad, "refused are {refused:?}, bad are {bad:?}");

        let mut expected: BTreeMap<&str, &(String, String)> = BTreeMap::new();
        for deed in deeds.iter().filter(|deed| deed.bad.is_none()) {
            match &deed.becomes {
                Some(becomes) => expected.insert(&deed.address, becomes),
                None => expected.remove(deed.address.as_str()),
            };
        }
        let mut held: BTreeMap<String, (String, String)> = BTreeMap::new();
        for (id, contact) in self.account.objects("contacts") {
            let text = |property: &str| contact["properties"][property].as_str().unwrap_or_default().to_owned();
            if id != self.taken {
                let twice = held.insert(text("email"), (text("firstname"), text("score")));
                ensure!(twice.is_none(), "{} is there twice", text("email"));
            }
        }
        for (address, becomes) in &expected {
            let found = held.get(*address);
            ensure!(found == Some(*becomes), "{address} is {found:?}, must be {becomes:?}");
        }
        let surplus = held.keys().find(|address| !expected.contains_key(address.as_str()));
        ensure!(surplus.is_none(), "{surplus:?} is there, and must not be");
        self.tell(deeds.len(), held.len());
        Ok(())
    }

    fn tell(&self, count: usize, held: usize) {
        let counters = self.account.counters();
        let took = self.began.elapsed().as_secs_f64();
        println!(
            "{count} records and {KILLS} kills in {took:.1} s: {} sent, {} of them again after a kill; {held} contacts, {} records \
             refused; {} requests, {} faults; {:.1} MiB",
            self.sent,
            self.sent - count.min(self.sent),
            self.refused.len(),
            counters.requests,
            counters.faults,
            self.memory as f64 / (1024.0 * 1024.0),
        );
    }
}
