//! All resources, one by one, through the real plugin: read as a snapshot and as creations, updates and deletions, and written back
//! where HubSpot lets one write. What is found is compared with `docs/resources.md`, word by word.
//!
//! The same is done on a real account when `HUBSPOT_ACCESS_TOKEN` is set; it makes its own objects there and deletes them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::env;
use std::io::{Write, stderr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::Settings;
use end_to_end::page::{self, Row};
use end_to_end::people::Person;
use end_to_end::plugin;
use end_to_end::reading::{PATIENCE, Reader};
use end_to_end::samples::Sample;
use futures::{StreamExt, stream};
use hubspot_catalog::{Kind, RESOURCES, Resource};
use hubspot_emulator::{Account, Emulator};
use opencdc::{Change, Data, Metadata, Operation, Position, Record};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

const TOKEN: &str = "pat-matrix";

/// Objects of each resource that are there before the source starts.
const BEFORE: usize = 3;

/// So many resources are walked at once.
const AT_ONCE: usize = 4;

/// What a walk found out about a resource.
#[derive(Debug, Default)]
struct Found {
    /// HubSpot's object type id, from the records' metadata.
    object_type_id: Option<String>,
    /// The properties of the objects that were read.
    properties: Vec<String>,
    create: bool,
    update: bool,
    delete: bool,
    /// Whether what was written went through batch endpoints; nothing where nobody counts.
    batch: Option<bool>,
}

/// Where a walk takes place.
struct Place {
    url: String,
    token: String,
    person: Person,
    /// A word that no other run uses.
    run: String,
    emulated: Option<Account>,
    patience: Duration,
}

fn emulated(emulator: &Emulator) -> Place {
    let account = emulator.account(TOKEN);
    Place {
        url: emulator.url(),
        token: TOKEN.to_owned(),
        person: Person::new(&emulator.url(), TOKEN, Some(account.clone())).unwrap(),
        run: "matrix".to_owned(),
        emulated: Some(account),
        patience: PATIENCE,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_resources_on_the_emulator_do_what_the_page_says() {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let place = emulated(&emulator);
    let all: Vec<_> = RESOURCES.iter().collect();
    let before = make_before(&place, &all).await;
    // What is made in the second before a snapshot counts as made behind it.
    emulator.advance(chrono::TimeDelta::seconds(10));
    let found = walk_all(&place, &all, before).await;
    assert_eq!(found.len(), RESOURCES.len());
    compare_with_page(found, true);
}

/// The page says of an account's own object types that all can be done with them.
#[tokio::test(flavor = "multi_thread")]
async fn a_custom_object_is_read_and_written_as_any_other() {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let place = emulated(&emulator);
    let name = json!({"name": "model", "label": "Model", "type": "string", "fieldType": "text"});
    let schema = json!({"name": "cars", "labels": {"singular": "Car", "plural": "Cars"}, "properties": [name]});
    let id = emulator.account(TOKEN).define_object(&schema);
    let cars = hubspot_catalog::custom("cars", &id);
    let before = make_before(&place, &[cars]).await;
    emulator.advance(chrono::TimeDelta::seconds(10));
    let (resource, found) = walk_all(&place, &[cars], before).await.pop().unwrap();
    let found = found.unwrap();
    assert_eq!(resource.name, "crm.objects.cars");
    assert_eq!(found.object_type_id, Some(id));
    assert_eq!((found.create, found.update, found.delete), (true, true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_resources_on_a_real_account_do_what_the_page_says() {
    let Some(token) = env::var("HUBSPOT_ACCESS_TOKEN").ok().filter(|token| !token.is_empty()) else {
        // Not by a macro: a test's own output is shown only when it fails.
        let _ = writeln!(stderr(), "SKIPPED: the matrix on a real account: HUBSPOT_ACCESS_TOKEN is not set");
        return;
    };
    let url = env::var("HUBSPOT_BASE_URL").unwrap_or_else(|_| "https://api.hubapi.com".to_owned());
    let place = Place {
        person: Person::new(&url, &token, None).unwrap(),
        url,
        token,
        run: format!("matrix{}", chrono::Utc::now().timestamp()),
        emulated: None,
        // A large account takes its time, and its search index too.
        patience: Duration::from_mins(15),
    };
    let all: Vec<_> = RESOURCES.iter().collect();
    let before = make_before(&place, &all).await;
    sleep(Duration::from_secs(5)).await;
    let found = walk_all(&place, &all, before).await;
    let left = place.person.clean_up().await;
    assert!(left.is_empty(), "could not be deleted: {left:?}");
    compare_with_page(found, false);
}

/// The ids of what is there before the source starts, by resource; or why there is nothing.
async fn make_before(place: &Place, resources: &[&'static Resource]) -> BTreeMap<&'static str, Result<Vec<String>>> {
    let mut made = BTreeMap::new();
    for resource in resources {
        let making = async {
            let sample = place.person.sample(resource).await?;
            let mut ids = Vec::new();
            for number in 0..BEFORE {
                if place.person.can_make(resource) {
                    let fields = sample.fields(&sample.text(&place.run, number));
                    ids.push(place.person.make(resource, fields).await?);
                }
            }
            anyhow::Ok(ids)
        };
        made.insert(resource.name, making.await);
    }
    made
}

/// Walks these resources; what was found by resource, or what went wrong.
async fn walk_all(
    place: &Place,
    resources: &[&'static Resource],
    mut before: BTreeMap<&'static str, Result<Vec<String>>>,
) -> Vec<(&'static Resource, Result<Found>)> {
    let walks = resources.iter().filter_map(|&resource| {
        let before = before.remove(resource.name)?;
        let unavailable = |error: &anyhow::Error| {
            let status = error.downcast_ref::<hubspot_client::Error>().and_then(hubspot_client::Error::status);
            // Where no sample is written for a type, HubSpot may ask for more than a text.
            let asks_for_more = Sample::of(resource).is_none() && matches!(status, Some(400 | 404));
            place.emulated.is_none() && (status == Some(403) || asks_for_more)
        };
        match before {
            Err(error) if unavailable(&error) => {
                println!("SKIPPED: {}: {error}", resource.name);
                None
            }
            before => Some(async move {
                let walked = async { walk(place, resource, before.context("making objects")?).await };
                (resource, walked.await)
            }),
        }
    });
    stream::iter(walks.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await
}

/// Walks one resource.
async fn walk(place: &Place, resource: &'static Resource, before: Vec<String>) -> Result<Found> {
    let mut found = Found::default();
    read(place, resource, &before, &mut found).await.context("reading")?;
    if resource.operations.any() {
        write(place, resource, &mut found).await.context("writing")?;
    } else {
        refused(place, resource).await?;
    }
    Ok(found)
}

fn settings(place: &Place, resource: &Resource, sample: &Sample) -> Settings {
    let settings = plugin::eager(&place.url, &place.token, resource.name);
    let extra = if resource.is_crm() { sample.marker.as_str() } else { "" };
    let settings = plugin::with(settings, &[("extraProperties", extra)]);
    if place.emulated.is_some() {
        settings
    } else {
        plugin::with(settings, &[("pollingPeriod", "2s"), ("deletes.interval", "10s")])
    }
}

/// Reads: a snapshot, then an object that is made, one that is changed and one that is deleted.
async fn read(place: &Place, resource: &'static Resource, before: &[String], found: &mut Found) -> Result<()> {
    let sample = place.person.sample(resource).await?;
    let connector = plugin::connector()?;
    let mut reader = Reader::open(&connector, settings(place, resource, &sample), None).await?;
    reader.patience = place.patience;
    reader.until("the snapshot", |reader| before.iter().all(|id| reader.saw(Operation::Snapshot, id))).await?;
    // An account has pipelines from the beginning.
    if place.emulated.is_some() && !matches!(resource.kind, Kind::Directory(_)) {
        ensure!(reader.seen.len() == before.len(), "the snapshot has {:?}, there were {before:?}", reader.seen);
    }
    let [first, second, ..] = before else {
        println!("{}: nothing to change: HubSpot's API can't make any", resource.name);
        reader.source.finish().await?;
        return Ok(());
    };

    // Only the stream from here on is of interest, and it has to be following before there is something to follow.
    let made = sample.text(&place.run, BEFORE);
    let made_id = place.person.make(resource, sample.fields(&made)).await?;
    let changed = sample.text(&place.run, BEFORE + 1);
    place.person.change(resource, first, sample.change(&changed)).await?;
    place.person.delete(resource, second).await?;
    let text = |reader: &Reader, id: &str| text(reader.last.get(id)?, &sample);
    reader
        .until("a creation", |reader| {
            reader.saw(Operation::Create, &made_id) && text(reader, &made_id).as_deref() == Some(&made)
        })
        .await?;
    reader
        .until("an update", |reader| {
            reader.saw(Operation::Update, first) && text(reader, first).as_deref() == Some(&changed)
        })
        .await?;
    reader.until("a deletion", |reader| reader.saw(Operation::Delete, second)).await?;

    for (id, record) in &reader.last {
        ensure!(
            record.metadata.collection() == Some(resource.name),
            "{id} is of the collection {:?}",
            record.metadata.collection()
        );
        ensure!(record.metadata.read_at().is_some(), "{id} doesn't say when it was read");
        // HubSpot's own pipelines and their stages weren't created at any time.
        let of_the_account = matches!(resource.kind, Kind::Directory(_)) && *id != made_id && !before.contains(id);
        if record.operation != Operation::Delete && !of_the_account {
            ensure!(record.metadata.created_at().is_some(), "{id} doesn't say when it was created");
        }
    }
    let record = &reader.last[&made_id];
    found.object_type_id = record.metadata.get("hubspot.objectTypeId").map(str::to_owned);
    found.properties = properties(record);
    if let Some(account) = &place.emulated {
        let truth = account.objects(&plugin::hubspot_name(resource));
        reader.until("nothing but the truth", |reader| reader.replica.difference(&truth).is_none()).await?;
    }
    ensure!(reader.source.stray_output().is_empty(), "there is something on stdout");
    reader.source.finish().await?;
    Ok(())
}

fn after(record: &Record) -> Option<Map<String, Value>> {
    Some(record.payload.after.as_ref()?.to_structured().ok()?.into_owned().into())
}

fn text(record: &Record, sample: &Sample) -> Option<String> {
    sample.read(&after(record)?).ok().map(str::to_owned)
}

fn properties(record: &Record) -> Vec<String> {
    let properties = after(record).and_then(|after| after.get("properties")?.as_object().cloned());
    properties.unwrap_or_default().into_iter().map(|(name, _)| name).collect()
}

/// Writes: objects that are created, changed and deleted.
async fn write(place: &Place, resource: &'static Resource, found: &mut Found) -> Result<()> {
    let sample = place.person.sample(resource).await?;
    let batches = || place.emulated.as_ref().map(|account| batches(account, resource));
    let batches_before = batches();
    let connector = plugin::connector()?;
    let mut destination = connector.destination(plugin::settings(&place.url, &place.token, resource.name)).await?;
    destination.open().await?;

    let texts: Vec<String> = (10..13).map(|number| sample.text(&place.run, number)).collect();
    let creations = texts.iter().map(|text| record(Operation::Create, text, Some(sample.payload(sample.fields(text)))));
    answered(destination.write(creations.collect()).await?)?;
    let mut ids = Vec::new();
    for text in &texts {
        let found =
            until(place, || place.person.find(resource, &sample, text), |found: &Vec<String>| !found.is_empty())
                .await?;
        ensure!(found.len() == 1, "{text} is there {} times", found.len());
        ids.extend(found);
    }
    found.create = true;

    let renamed: Vec<String> = (20..23).map(|number| sample.text(&place.run, number)).collect();
    let updates = ids
        .iter()
        .zip(&renamed)
        .map(|(id, text)| record(Operation::Update, id, Some(sample.payload(sample.change(text)))));
    answered(destination.write(updates.collect()).await?)?;
    for (id, text) in ids.iter().zip(&renamed) {
        until(place, || place.person.text_of(resource, &sample, id), |found| found.as_ref() == Some(text))
            .await
            .with_context(|| format!("{id} should have become {text}"))?;
    }
    found.update = true;

    answered(destination.write(ids.iter().map(|id| record(Operation::Delete, id, None)).collect()).await?)?;
    for id in &ids {
        until(place, || place.person.text_of(resource, &sample, id), Option::is_none)
            .await
            .with_context(|| format!("{id} should be gone"))?;
    }
    found.delete = true;
    found.batch = batches().zip(batches_before).map(|(after, before)| after > before);
    destination.finish().await?;
    Ok(())
}

/// A resource that nobody can write: the destination says so, and writes nothing.
async fn refused(place: &Place, resource: &Resource) -> Result<()> {
    let mut destination = plugin::connector()?.unconfigured_destination().await?;
    let trying = async {
        destination.configure(plugin::settings(&place.url, &place.token, resource.name)).await?;
        destination.open().await?;
        let payload = Map::from_iter([("properties".to_owned(), Value::Object(Map::new()))]);
        destination.write(vec![record(Operation::Create, "1", Some(payload))]).await
    };
    let said = match trying.await {
        Ok(answers) => {
            answers.into_iter().find_map(Result::err).context("HubSpot can't take it, the destination did")?
        }
        Err(error) => error.message().context("no answer of the connector's")?.to_owned(),
    };
    ensure!(said.contains(resource.name), "it doesn't say what can't be written: {said}");
    Ok(())
}

fn answered(answers: Vec<Result<(), String>>) -> Result<()> {
    match answers.into_iter().find_map(Result::err) {
        None => Ok(()),
        Some(said) => anyhow::bail!("a record was refused: {said}"),
    }
}

fn record(operation: Operation, id: &str, after: Option<Map<String, Value>>) -> Record {
    Record {
        position: Position::new(id),
        operation,
        metadata: Metadata::new(),
        key: Some(Data::from([("id", id)])),
        payload: Change { before: None, after: after.map(Data::from) },
    }
}

/// Asks until the answer is as it should be; the index of a real account takes its time.
async fn until<T, F>(place: &Place, ask: impl Fn() -> F, good: impl Fn(&T) -> bool) -> Result<T>
where
    F: Future<Output = Result<T>>,
    T: std::fmt::Debug,
{
    let deadline = Instant::now() + place.patience;
    loop {
        let answer = ask().await?;
        if good(&answer) {
            return Ok(answer);
        }
        // The emulator does at once what it is told.
        ensure!(place.emulated.is_none() && Instant::now() < deadline, "it is {answer:?}");
        sleep(Duration::from_secs(2)).await;
    }
}

/// How many batch requests for the resource there have been.
fn batches(account: &Account, resource: &Resource) -> u64 {
    let name = plugin::hubspot_name(resource);
    let parts: Vec<&str> = name.split('/').collect();
    let concerns =
        |path: &str| path.contains("/batch/") && parts.iter().all(|part| path.split('/').any(|it| it == *part));
    account.counters().by_endpoint.iter().filter(|(path, _)| concerns(path)).map(|(_, count)| count).sum()
}

/// Compares what was found with the page. Every resource has to stand there as it is, and nothing else.
fn compare_with_page(found: Vec<(&'static Resource, Result<Found>)>, all: bool) {
    let mut rows = page::rows().unwrap();
    let mut wrong = Vec::new();
    for (resource, found) in found {
        let row = rows.remove(resource.name);
        let complaints = match (found, row) {
            (Err(error), _) => vec![format!("{error:#}")],
            (Ok(_), None) => vec!["the page doesn't have it".to_owned()],
            (Ok(found), Some(row)) => differences(resource, &found, &row),
        };
        wrong.extend(complaints.into_iter().map(|complaint| format!("{}: {complaint}", resource.name)));
    }
    if all {
        wrong.extend(rows.into_keys().map(|name| format!("{name}: the page has it, the catalogue doesn't")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn differences(resource: &Resource, found: &Found, row: &Row) -> Vec<String> {
    let mut complaints = Vec::new();
    for (column, done) in [("create", found.create), ("update", found.update), ("delete", found.delete)] {
        if row.says(column) != done {
            complaints.push(format!("the page says {:?} to {column}, found {done}", row.columns.get(column)));
        }
    }
    match resource.kind {
        Kind::Crm(_) => {
            let cell = |column: &str| row.columns.get(column).cloned().unwrap_or_default();
            if let Some(id) = &found.object_type_id
                && !cell("HubSpot's type").contains(&format!("({id})"))
            {
                complaints.push(format!("the page's type is {}, found {id}", cell("HubSpot's type")));
            }
            let named = cell("created / changed property");
            let missing: Vec<_> = named
                .split(" / ")
                .map(|name| name.trim_matches('`'))
                .filter(|name| !found.properties.iter().any(|it| it == name))
                .collect();
            if !missing.is_empty() && !found.properties.is_empty() {
                complaints.push(format!("the page names the properties {named}, the objects have no {missing:?}"));
            }
        }
        Kind::Directory(_) => {}
        Kind::Cms(_) => {
            if let Some(batch) = found.batch
                && row.says("batch writes") != batch
            {
                complaints.push(format!(
                    "the page says {:?} to batch writes, found {batch}",
                    row.columns.get("batch writes")
                ));
            }
        }
    }
    complaints
}
