//! The driver over HTTP, against the emulator in this process: requests, answers, errors, and when what comes out.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use hubspot_client::{Auth, Client};
use hubspot_emulator::{Account, Emulator, Settings};
use hubspot_source::{Config, Error, HubSpotSource};
use opencdc::{Operation, Position, Record};
use serde_json::{Value, json};

const TOKEN: &str = "pat-driver";

/// Bounds a wait; no measure of anything.
const PATIENCE: Duration = Duration::from_mins(1);

async fn emulator(settings: Settings) -> (Emulator, Account) {
    let emulator = Emulator::builder().account(TOKEN).settings(settings).start().await.unwrap();
    let account = emulator.account(TOKEN);
    (emulator, account)
}

fn client(url: &str, token: &str) -> Client {
    Client::builder(Auth::token(token)).base_url(url).max_retries(1).build().unwrap()
}

fn config(resource: &str) -> Config {
    let mut config = Config::new(hubspot_catalog::find(resource).unwrap());
    config.polling_period = Duration::from_millis(30);
    config.deletes_interval = Duration::from_millis(60);
    config
}

async fn open(emulator: &Emulator, config: Config, position: Option<Position>) -> HubSpotSource {
    HubSpotSource::open(client(&emulator.url(), TOKEN), config, position).await.unwrap()
}

async fn take(source: &mut HubSpotSource, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        let batch = tokio::time::timeout(PATIENCE, source.next_batch()).await.unwrap().unwrap();
        assert!(!batch.is_empty());
        records.extend(batch);
    }
    records
}

fn id(record: &Record) -> String {
    record.key.as_ref().unwrap().to_structured().unwrap()["id"].as_str().unwrap().to_owned()
}

fn changes(records: &[Record]) -> Vec<(Operation, String)> {
    records.iter().map(|record| (record.operation, id(record))).collect()
}

/// What a reader of these records holds.
fn replay(records: &[Record]) -> BTreeMap<String, Value> {
    let mut state = BTreeMap::new();
    for record in records {
        match &record.payload.after {
            Some(after) => state.insert(id(record), Value::Object(after.to_structured().unwrap().into_owned())),
            None => state.remove(&id(record)),
        };
    }
    state
}

/// A snapshot, then one change of each kind, each of them once, on a HubSpot whose clock is hours off.
async fn reads(resource: &str, path: &str, object: impl Fn(usize) -> Value, change: Value, field: &str) {
    let settings = Settings { clock_offset: TimeDelta::hours(-7), ..Settings::default() };
    let (emulator, account) = emulator(settings).await;
    let ids = account.create_many(path, 230, &object);
    let mut source = open(&emulator, config(resource), None).await;
    let mut records = take(&mut source, ids.len()).await;
    assert!(records.iter().all(|record| record.operation == Operation::Snapshot));
    assert_eq!(records.len(), ids.len());

    for step in [
        (Operation::Update, Some(ids[3].clone())),
        (Operation::Delete, Some(ids[7].clone())),
        (Operation::Create, None),
        (Operation::Update, Some(ids[229].clone())),
    ] {
        let id = match step {
            (Operation::Update, Some(id)) => {
                account.update(path, &id, change.clone());
                id
            }
            (Operation::Delete, Some(id)) => {
                account.archive(path, &id);
                id
            }
            _ => account.create(path, object(1_000)),
        };
        let news = take(&mut source, 1).await;
        assert_eq!(changes(&news), [(step.0, id)]);
        records.extend(news);
    }

    let (got, want) = (replay(&records), account.objects(path));
    let told = |state: &BTreeMap<String, Value>| -> BTreeMap<String, Value> {
        state.iter().map(|(id, object)| (id.clone(), object.pointer(field).cloned().unwrap_or_default())).collect()
    };
    assert_eq!(told(&got), told(&want));
}

#[tokio::test]
async fn contacts_are_read() {
    let contact = |n| json!({"email": format!("p{n}@example.com"), "firstname": "P"});
    reads("crm.contacts", "contacts", contact, json!({"firstname": "Q"}), "/properties/firstname").await;
}

#[tokio::test]
async fn posts_are_read() {
    let post = |n| json!({"name": format!("Post {n}"), "slug": format!("post-{n}")});
    reads("cms.blogs.posts", "blogs/posts", post, json!({"name": "Changed"}), "/name").await;
}

#[tokio::test]
async fn redirects_are_read() {
    let redirect = |n| json!({"routePrefix": format!("/old-{n}"), "destination": "/new", "redirectStyle": 301});
    reads("cms.urlRedirects", "url-redirects", redirect, json!({"destination": "/newer"}), "/destination").await;
}

#[tokio::test]
async fn without_a_snapshot_the_stream_begins_when_it_is_open() {
    let (emulator, account) = emulator(Settings::default()).await;
    let ids = account.create_many("companies", 20, |n| json!({"name": format!("C {n}")}));
    let mut config = config("crm.companies");
    config.snapshot = false;
    let mut source = open(&emulator, config, None).await;
    account.update("companies", &ids[4], json!({"name": "New"}));
    assert_eq!(changes(&take(&mut source, 1).await), [(Operation::Update, ids[4].clone())]);
}

#[tokio::test]
async fn a_source_goes_on_where_another_was_dropped() {
    let (emulator, account) = emulator(Settings::default()).await;
    let ids = account.create_many("contacts", 250, |n| json!({"email": format!("p{n}@example.com")}));
    let mut source = open(&emulator, config("crm.contacts"), None).await;
    let mut records = take(&mut source, 100).await;
    records.truncate(40);
    drop(source);
    let mut source = open(&emulator, config("crm.contacts"), Some(records[39].position.clone())).await;
    records.extend(take(&mut source, 210).await);
    let mut seen: Vec<_> = records[..250].iter().map(id).collect();
    seen.sort_unstable();
    let mut ids = ids;
    ids.sort_unstable();
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn extra_properties_come_beside_the_default_ones() {
    let (emulator, account) = emulator(Settings::default()).await;
    account.create("contacts", json!({"email": "a@example.com", "phone": "1"}));
    let mut config = config("crm.contacts");
    config.extra_properties = vec!["phone".into()];
    let mut source = open(&emulator, config, None).await;
    let record = take(&mut source, 1).await.remove(0);
    let after = record.payload.after.unwrap().into_structured().unwrap();
    assert_eq!((&after["properties"]["phone"], &after["properties"]["email"]), (&json!("1"), &json!("a@example.com")));
}

async fn refusal(url: &str, token: &str) -> String {
    let mut source = HubSpotSource::open(client(url, token), config("crm.contacts"), None).await.unwrap();
    let error = tokio::time::timeout(PATIENCE, source.next_batch()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Request { .. }), "{error:?}");
    assert!(matches!(source.next_batch().await, Err(Error::Stopped { .. })), "it has ended");
    let text = error.to_string();
    assert!(text.starts_with("reading crm.contacts: ") && !text.contains('\n') && !text.contains(token), "{text}");
    text
}

#[tokio::test]
async fn what_hubspot_refuses_ends_the_stream_with_one_line() {
    let (emulator, account) = emulator(Settings::default()).await;
    let text = refusal(&emulator.url(), "wrong-secret").await;
    assert!(text.contains("401") && text.contains("INVALID_AUTHENTICATION"), "{text}");
    account.set_scopes(Some(vec!["crm.objects.deals.read"]));
    let text = refusal(&emulator.url(), TOKEN).await;
    assert!(text.contains("403") && text.contains("MISSING_SCOPES"), "{text}");
    let url = emulator.url();
    drop(emulator);
    let text = refusal(&url, TOKEN).await;
    assert!(text.contains(url.trim_start_matches("http://")), "{text}");
}

#[tokio::test]
async fn a_foreign_position_is_refused_at_once() {
    let position = Some(Position::new(b"hello".to_vec()));
    let client = client("http://127.0.0.1:1", TOKEN);
    let error = HubSpotSource::open(client, config("crm.contacts"), position).await.unwrap_err();
    assert!(matches!(error, Error::Position(_)), "{error:?}");
}
