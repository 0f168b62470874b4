//! Several resources in one source, over the wire: a snapshot and changes of all, a resume at any record's position, and what
//! happens when HubSpot forbids reading one of them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use conduit_connector_acceptance::{Connector, Settings, SourceDriver};
use end_to_end::people::Person;
use end_to_end::plugin;
use end_to_end::reading::PATIENCE;
use end_to_end::replica::{Replica, id};
use futures::{StreamExt, stream};
use hubspot_catalog::{RESOURCES, Resource};
use hubspot_emulator::{Account, Emulator};
use opencdc::{Operation, Position, Record};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

const TOKEN: &str = "pat-many";

/// As a person writes it: six resources of four families, by names, globs and exclusions.
const RESOURCE: &str = "crm.contacts, crm.d*, !crm.discounts, crm.objects.cars, crm.owners, crm.pipelines.deals, cms.blogs.*, !cms.blogs.a*, !cms.blogs.t*";

/// Every resource that people write, and what the emulator calls it.
const COLLECTIONS: [(&str, &str); 6] = [
    ("crm.contacts", "contacts"),
    ("crm.deals", "deals"),
    ("crm.objects.cars", "cars"),
    ("crm.owners", "owners"),
    ("crm.pipelines.deals", "pipelines/deals"),
    ("cms.blogs.posts", "blogs/posts"),
];

/// A position has to fit into whatever keeps it.
const LARGEST_POSITION: usize = 4_096;

/// Of so many records, one is where the plugin is started again; the last of each resource's snapshot besides.
const RESUME_EVERY: usize = 4;

/// So many plugins are run at once.
const AT_ONCE: usize = 3;

/// How objects are made.
fn fields(collection: &str, number: usize) -> Value {
    match collection {
        "crm.contacts" => json!({"email": format!("person{number}@example.com"), "phone": "0"}),
        "crm.deals" => json!({"dealname": format!("Deal {number}")}),
        "crm.owners" => json!({"email": format!("owner{number}@example.com"), "firstName": "Ada"}),
        "crm.pipelines.deals" => json!({"label": format!("Pipeline {number}")}),
        _ => json!({"name": format!("Number {number}")}),
    }
}

/// How they are changed.
fn changed(collection: &str) -> Value {
    match collection {
        "crm.contacts" => json!({"phone": "1"}),
        "crm.deals" => json!({"dealname": "Changed"}),
        "crm.owners" => json!({"firstName": "Grace"}),
        "crm.pipelines.deals" => json!({"label": "Changed"}),
        _ => json!({"name": "Changed"}),
    }
}

/// What a reader holds of several resources.
#[derive(Debug, Default)]
struct Held {
    replicas: BTreeMap<String, Replica>,
    /// What happened to what, in the order of the records.
    seen: Vec<(String, Operation, String)>,
}

impl Held {
    fn apply(&mut self, record: &Record) -> Result<()> {
        let collection = record.metadata.collection().context("a record without a collection")?.to_owned();
        self.replicas.entry(collection.clone()).or_default().apply(record)?;
        self.seen.push((collection, record.operation, id(record)?));
        Ok(())
    }

    fn saw(&self, collection: &str, operation: Operation, of: &str) -> bool {
        self.seen.iter().any(|(seen, what, id)| seen == collection && *what == operation && id == of)
    }

    /// In what this differs from HubSpot; nothing where it doesn't.
    fn difference(&self, account: &Account) -> Option<String> {
        COLLECTIONS.iter().find_map(|(collection, name)| {
            let truth = account.objects(name);
            let none = Replica::default();
            let difference = self.replicas.get(*collection).unwrap_or(&none).difference(&truth);
            (!difference.is_none()).then(|| format!("{collection}: {difference}"))
        })
    }
}

/// Reads, and acknowledges, until `done`; all records that came are added.
async fn read_until(
    source: &mut SourceDriver,
    records: &mut Vec<Record>,
    held: &mut Held,
    done: impl Fn(&Held) -> Result<(), String>,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while let Err(missing) = done(held) {
        ensure!(Instant::now() < deadline, "not within {PATIENCE:?}: {missing}");
        let Ok(came) = timeout(Duration::from_millis(50), source.next()).await else { continue };
        let came = came?;
        for record in &came {
            held.apply(record)?;
        }
        source.ack_all(&came).await?;
        records.extend(came);
    }
    Ok(())
}

fn equals(account: &Account) -> impl Fn(&Held) -> Result<(), String> {
    move |held| held.difference(account).map_or(Ok(()), Err)
}

fn settings(emulator: &Emulator, resource: &str) -> Settings {
    plugin::with(plugin::eager(&emulator.url(), TOKEN, resource), &[("bufferSize", "10"), ("cdc.settleLag", "5s")])
}

/// An account with some objects of each of the six.
async fn account() -> (Emulator, Account, BTreeMap<&'static str, Vec<String>>) {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let account = emulator.account(TOKEN);
    account.define_type("cars");
    let mut ids = BTreeMap::new();
    for (place, (collection, name)) in COLLECTIONS.into_iter().enumerate() {
        ids.insert(collection, account.create_many(name, 5 + 3 * place, |number| fields(collection, number)));
    }
    // What is made in the second before a snapshot counts as made behind it.
    emulator.advance(chrono::TimeDelta::seconds(10));
    (emulator, account, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn six_resources_are_read_followed_and_resumed_anywhere() {
    let (emulator, account, ids) = account().await;
    let connector = plugin::connector().unwrap();
    let settings = settings(&emulator, RESOURCE);
    let mut source = connector.source(settings.clone()).await.unwrap();
    source.open(None).await.unwrap();
    let (mut records, mut held) = (Vec::new(), Held::default());

    // All that is there, of each resource.
    read_until(&mut source, &mut records, &mut held, equals(&account)).await.unwrap();
    let of_snapshot = records.len();
    assert!(held.seen.iter().all(|(_, operation, _)| *operation == Operation::Snapshot), "{:?}", held.seen);
    assert_eq!(held.replicas.len(), COLLECTIONS.len(), "{:?}", held.replicas.keys());
    for (collection, ids) in &ids {
        assert!(ids.iter().all(|id| held.saw(collection, Operation::Snapshot, id)), "{collection}");
    }

    // A change of each kind in each. What is created soon after the start may still come as part of a snapshot.
    emulator.advance(chrono::TimeDelta::seconds(5));
    let mut expected = Vec::new();
    for (collection, name) in COLLECTIONS {
        let [updated, archived, ..] = &ids[collection][..] else { panic!("{collection} has too few") };
        account.update(name, updated, changed(collection));
        account.archive(name, archived);
        let created = account.create(name, fields(collection, 99));
        expected.push((collection, Operation::Update, updated.clone()));
        expected.push((collection, Operation::Delete, archived.clone()));
        expected.push((collection, Operation::Create, created));
    }
    read_until(&mut source, &mut records, &mut held, |held| {
        let missing = expected.iter().find(|(collection, operation, id)| !held.saw(collection, *operation, id));
        missing.map_or(Ok(()), |missing| {
            let came = held.seen.iter().filter(|(collection, _, id)| *collection == missing.0 && *id == missing.2);
            Err(format!("{missing:?}, but {:?}", came.collect::<Vec<_>>()))
        })
    })
    .await
    .unwrap();
    assert_eq!(held.difference(&account), None);
    source.finish().await.unwrap();

    // Any record's position is a place to go on, for all of the resources.
    let largest = records.iter().map(|record| record.position.as_bytes().len()).max().unwrap();
    println!(
        "{of_snapshot} records of the snapshot, {} in all; the largest position has {largest} bytes",
        records.len()
    );
    assert!(largest < LARGEST_POSITION);
    let mut places: BTreeSet<usize> = (0..records.len()).step_by(RESUME_EVERY).collect();
    for (collection, _) in COLLECTIONS {
        places.extend(held.seen[..of_snapshot].iter().rposition(|(seen, ..)| seen == collection));
    }
    let resumed: Vec<_> = stream::iter(&places)
        .map(|place| {
            let delivered = &records[..=*place];
            let resumed = resumes(&connector, &settings, delivered, &account);
            async move { resumed.await.with_context(|| format!("behind record {place}: {:?}", records_end(delivered))) }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let failed: Vec<_> = resumed.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    assert!(failed.is_empty(), "{} of {} places:\n{}", failed.len(), places.len(), failed.join("\n"));
}

fn records_end(records: &[Record]) -> Option<&Position> {
    records.last().map(|record| &record.position)
}

/// Goes on behind these records; they and what comes then have to add up to HubSpot.
async fn resumes(connector: &Connector, settings: &Settings, delivered: &[Record], account: &Account) -> Result<()> {
    let mut held = Held::default();
    for record in delivered {
        held.apply(record)?;
    }
    let Some(last) = delivered.last() else { bail!("nothing was delivered") };
    let mut source = connector.source(settings.clone()).await?;
    source.open(Some(last.position.clone())).await?;
    read_until(&mut source, &mut Vec::new(), &mut held, equals(account)).await?;
    source.finish().await?;
    Ok(())
}

/// A resource that the position doesn't know begins; one that isn't read any more is left.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_may_change_between_two_starts() {
    let (emulator, account, ids) = account().await;
    let connector = plugin::connector().unwrap();
    let read = async |resource: &str, position: Option<Position>, of: &str| {
        let mut source = connector.source(settings(&emulator, resource)).await.unwrap();
        source.open(position).await.unwrap();
        let (mut records, mut held) = (Vec::new(), Held::default());
        read_until(&mut source, &mut records, &mut held, |held| {
            let missing = ids[of].iter().find(|id| !held.saw(of, Operation::Snapshot, id));
            missing.map_or(Ok(()), |id| Err(format!("{id} of {of}")))
        })
        .await
        .unwrap();
        source.finish().await.unwrap();
        (records.pop().map(|record| record.position), held)
    };
    let (position, _) = read("crm.contacts", None, "crm.contacts").await;
    let (position, held) = read("crm.contacts,crm.owners", position, "crm.owners").await;
    assert!(!held.seen.iter().any(|(of, what, _)| of == "crm.contacts" && *what == Operation::Snapshot), "{held:?}");
    let (_, held) = read("crm.owners,crm.deals", position, "crm.deals").await;
    assert!(held.seen.iter().all(|(collection, ..)| collection != "crm.contacts"), "{held:?}");
    assert_eq!(account.count("contacts"), ids["crm.contacts"].len());
}

/// What a person should know of a source as it starts: names that nobody has, and from where it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_says_which_names_nobody_has_and_from_where_it_reads() {
    let (emulator, account, ids) = account().await;
    let connector = plugin::connector().unwrap();
    let names = [("extraProperties", "dealname, emial")];
    let settings = plugin::with(settings(&emulator, "crm.contacts, crm.deals, crm.owners"), &names);
    let mut position = None;
    for start in ["starting: crm.contacts, crm.deals, crm.owners from the beginning", "resuming: "] {
        let mut source = connector.source(settings.clone()).await.unwrap();
        source.open(position.clone()).await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        let (mut records, mut held) = (Vec::new(), Held::default());
        let warned = |source: &SourceDriver| {
            let logs = source.logs().into_iter();
            logs.filter(|entry| entry.message.contains("no property is called")).collect::<Vec<_>>()
        };
        while warned(&source).is_empty() {
            assert!(Instant::now() < deadline, "nothing is said: {:?}", source.logs());
            let Ok(came) = timeout(Duration::from_millis(50), source.next()).await else { continue };
            let came = came.unwrap();
            source.ack_all(&came).await.unwrap();
            records.extend(came);
        }
        let [warning] = &warned(&source)[..] else { panic!("{:?}", warned(&source)) };
        assert_eq!(warning.level.as_deref(), Some("warn"));
        let said = &warning.message;
        assert!(said.contains("\"emial\"") && said.contains("did you mean \"email\"?"), "{said}");
        assert!(said.contains("crm.contacts") && said.contains("crm.deals") && !said.contains("owners"), "{said}");
        assert!(source.logs().iter().any(|entry| entry.message.starts_with(start)), "{:?}", source.logs());
        // A record for the next start to go on behind.
        account.update("contacts", &ids["crm.contacts"][0], json!({"phone": start}));
        read_until(&mut source, &mut records, &mut held, |held| {
            let is_there = held.seen.iter().any(|(of, ..)| of == "crm.contacts");
            if is_there { Ok(()) } else { Err("the contact".to_owned()) }
        })
        .await
        .unwrap();
        position = records.pop().map(|record| record.position);
        source.finish().await.unwrap();
    }
}

/// The scopes of all but deals and custom objects.
const FORBIDDING: [&str; 4] =
    ["crm.objects.contacts.read", "crm.objects.owners.read", "crm.schemas.contacts.read", "content"];

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_resource_fails_the_source_with_its_scope() {
    let (emulator, account, _) = account().await;
    account.set_scopes(Some(FORBIDDING.to_vec()));
    let connector = plugin::connector().unwrap();
    let mut source = connector.source(settings(&emulator, "crm.contacts,crm.deals,crm.owners")).await.unwrap();
    source.open(None).await.unwrap();
    let error = timeout(PATIENCE, async {
        loop {
            if let Err(error) = source.next().await {
                break error;
            }
        }
    })
    .await
    .expect("it doesn't fail");
    let said = error.message().unwrap_or_default();
    assert!(said.starts_with("reading crm.deals: ") && said.contains("crm.objects.deals.read"), "{said}");
    assert!(!said.contains('\n'), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_resource_is_skipped_with_a_warning_that_names_its_scope() {
    let (emulator, account, ids) = account().await;
    account.set_scopes(Some(FORBIDDING.to_vec()));
    let connector = plugin::connector().unwrap();
    let resource = "crm.contacts, crm.deals, crm.owners, crm.objects.*, !crm.objects.boats";
    let settings = plugin::with(settings(&emulator, resource), &[("onForbidden", "skip")]);
    let mut source = connector.source(settings).await.unwrap();
    source.open(None).await.unwrap();
    let (mut records, mut held) = (Vec::new(), Held::default());
    let mut expected: Vec<_> = ["crm.contacts", "crm.owners"]
        .into_iter()
        .flat_map(|of| ids[of].iter().map(move |id| (of, Operation::Snapshot, id.clone())))
        .collect();
    let all = |expected: &[(&'static str, Operation, String)]| {
        let expected = expected.to_vec();
        move |held: &Held| {
            let missing = expected.iter().find(|(collection, operation, id)| !held.saw(collection, *operation, id));
            missing.map_or(Ok(()), |missing| Err(format!("{missing:?}")))
        }
    };
    read_until(&mut source, &mut records, &mut held, all(&expected)).await.unwrap();
    let created = account.create("contacts", fields("crm.contacts", 99));
    expected.push(("crm.contacts", Operation::Create, created));
    read_until(&mut source, &mut records, &mut held, all(&expected)).await.unwrap();
    assert!(held.seen.iter().all(|(collection, ..)| collection != "crm.deals"), "{held:?}");

    let logs = source.logs();
    let warned = |words: &[&str]| {
        let all = |line: &str| words.iter().all(|word| line.contains(word));
        logs.iter().filter(|entry| entry.level.as_deref() == Some("warn") && all(&format!("{entry:?}"))).count()
    };
    assert_eq!(warned(&["crm.deals", "crm.objects.deals.read", "left out"]), 1, "{logs:?}");
    assert_eq!(warned(&["custom objects", "crm.schemas.custom.read", "left out"]), 1, "{logs:?}");
    source.finish().await.unwrap();
}

/// Forty resources: each one that isn't a directory of pipelines or stages, and a custom object.
#[tokio::test(flavor = "multi_thread")]
async fn forty_resources_are_one_small_position() {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let account = emulator.account(TOKEN);
    let model = json!({"name": "model", "label": "Model", "type": "string", "fieldType": "text", "groupName": "cars"});
    let cars = account.define_object(&json!({"name": "cars", "properties": [model]}));
    let cars = hubspot_catalog::custom("cars", &cars);
    let person = Person::new(&emulator.url(), TOKEN, Some(account.clone())).unwrap();
    let is_read =
        |resource: &&Resource| !["crm.pipelines.", "crm.stages."].iter().any(|of| resource.name.starts_with(of));
    let resources: Vec<&'static Resource> = RESOURCES.iter().filter(is_read).chain([cars]).collect();
    assert!(resources.len() >= 40, "{}", resources.len());
    for resource in &resources {
        let sample = person.sample(resource).await.unwrap();
        for number in 0..25 {
            person.make(resource, sample.fields(&sample.text("many", number))).await.unwrap();
        }
    }
    emulator.advance(chrono::TimeDelta::seconds(10));
    let settings = settings(&emulator, "*, !crm.pipelines.*, !crm.stages.*");
    let mut source = plugin::connector().unwrap().source(settings).await.unwrap();
    source.open(None).await.unwrap();
    let (mut records, mut held) = (Vec::new(), Held::default());
    read_until(&mut source, &mut records, &mut held, |held| {
        let lacks =
            |resource: &&&Resource| held.replicas.get(resource.name).is_none_or(|replica| replica.objects().len() < 25);
        resources.iter().find(lacks).map_or(Ok(()), |resource| Err(resource.name.to_owned()))
    })
    .await
    .unwrap();
    // And on from there.
    let id = account.create("contacts", fields("crm.contacts", 99));
    read_until(&mut source, &mut records, &mut held, |held| {
        if held.saw("crm.contacts", Operation::Create, &id) { Ok(()) } else { Err("the new contact".to_owned()) }
    })
    .await
    .unwrap();
    source.finish().await.unwrap();
    let largest = records.iter().map(|record| record.position.as_bytes().len()).max().unwrap();
    println!("{} resources, {} records: the largest position has {largest} bytes", resources.len(), records.len());
    assert!(largest < LARGEST_POSITION);
}
