//! The driver over HTTP, against the emulator in this process: requests, answers, errors, and when what comes out.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use hubspot_client::{Auth, Client};
use hubspot_emulator::{Account, Emulator, Settings};
use hubspot_source::{Config, Error, HubSpotSource, OnForbidden, Properties, Values};
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
    let mut config = Config::new([hubspot_catalog::find(resource).unwrap()]);
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
            Some(after) => state.insert(id(record), Value::Object(after.to_structured().unwrap().into_owned().into())),
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
    assert_eq!(after["properties"]["phone"], "1");
    assert_eq!(after["properties"]["email"], "a@example.com");
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

fn resources(names: &[&str]) -> Config {
    let mut config = config(names[0]);
    config.resources = names.iter().map(|name| hubspot_catalog::find(name).unwrap()).collect();
    config
}

#[tokio::test]
async fn several_resources_resume_from_any_record() {
    let (emulator, account) = emulator(Settings::default()).await;
    account.create_many("contacts", 250, |n| json!({"email": format!("p{n}@example.com")}));
    account.create_many("companies", 130, |n| json!({"name": format!("C {n}")}));
    account.create_many("blogs/posts", 30, |n| json!({"name": format!("P {n}"), "slug": format!("p-{n}")}));
    account.create_many("owners", 12, |n| json!({"email": format!("o{n}@example.com")}));
    let names = ["crm.contacts", "crm.companies", "cms.blogs.posts", "crm.owners"];
    let expected = 250 + 130 + 30 + 12;
    let mut source = open(&emulator, resources(&names), None).await;
    let records = take(&mut source, expected).await;
    drop(source);
    let of = |record: &Record| (record.metadata.collection().unwrap().to_owned(), id(record));
    let all: std::collections::BTreeSet<_> = records.iter().map(of).collect();
    assert_eq!(all.len(), expected);
    for stopped in [0, 99, 163, 291, expected - 1] {
        let mut seen: std::collections::BTreeSet<_> = records[..=stopped].iter().map(of).collect();
        let mut source = open(&emulator, resources(&names), Some(records[stopped].position.clone())).await;
        while seen.len() < expected {
            seen.extend(take(&mut source, 1).await.iter().map(of));
        }
        assert_eq!(seen, all, "resumed at record {stopped}");
    }
}

#[tokio::test]
async fn a_forbidden_resource_fails_or_is_left_out() {
    let (emulator, account) = emulator(Settings::default()).await;
    account.set_scopes(Some(vec!["crm.objects.companies.read"]));
    account.create_many("companies", 3, |n| json!({"name": format!("C {n}")}));
    let names = ["crm.contacts", "crm.companies"];
    let mut source = open(&emulator, resources(&names), None).await;
    let error = loop {
        match tokio::time::timeout(PATIENCE, source.next_batch()).await.unwrap() {
            Ok(_) => {}
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.starts_with("reading crm.contacts: ") && error.contains("crm.objects.contacts.read"), "{error}");

    // All that is missing is said at once, whichever HubSpot refuses first.
    let several = ["crm.deals", "cms.blogs.posts", "crm.companies", "crm.owners", "crm.contacts"];
    let mut source = open(&emulator, resources(&several), None).await;
    let error = loop {
        match tokio::time::timeout(PATIENCE, source.next_batch()).await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let Error::Forbidden { refusals } = &error else { panic!("{error:?}") };
    let forbidden: Vec<_> = refusals.iter().map(|refusal| refusal.resource).collect();
    assert_eq!(forbidden, ["crm.deals", "cms.blogs.posts", "crm.owners", "crm.contacts"]);
    let text = error.to_string();
    for scope in ["crm.objects.deals.read", "content", "crm.objects.owners.read", "crm.objects.contacts.read"] {
        assert!(text.contains(scope), "{scope}: {text}");
    }
    assert!(!text.contains('\n') && text.contains("onForbidden"), "{text}");

    let mut config = resources(&names);
    config.on_forbidden = OnForbidden::Skip;
    let mut source = open(&emulator, config.clone(), None).await;
    assert_eq!(take(&mut source, 3).await.len(), 3);
    account.set_scopes(Some(vec!["crm.objects.deals.read"]));
    let mut source = open(&emulator, config, None).await;
    let error = tokio::time::timeout(PATIENCE, source.next_batch()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::AllForbidden { .. }), "{error:?}");
}

#[tokio::test]
async fn a_removed_property_does_not_break_the_stream() {
    let settings = Settings { unknown_properties_fail: true, ..Settings::default() };
    let (emulator, account) = emulator(settings).await;
    account.define_property("contacts", &json!({"name": "shoe_size", "type": "number", "fieldType": "number"}));
    let contact = account.create("contacts", json!({"email": "a@example.com", "shoe_size": "43"}));
    let mut config = config("crm.contacts");
    config.properties = Properties::parse(["email", "shoe_*"]).unwrap();
    config.values = Values::Typed;
    let mut source = open(&emulator, config, None).await;
    let properties = |record: &Record| {
        record.payload.after.as_ref().unwrap().to_structured().unwrap()["properties"].as_object().unwrap().clone()
    };
    let snapshot = properties(&take(&mut source, 1).await[0]);
    assert_eq!(snapshot["shoe_size"], 43);
    assert_eq!(snapshot["email"], "a@example.com");
    account.remove_property("contacts", "shoe_size");
    account.update("contacts", &contact, json!({"email": "b@example.com"}));
    let update = properties(&take(&mut source, 1).await[0]);
    assert_eq!(update.get("shoe_size"), None);
    assert_eq!(update["email"], "b@example.com");
}

#[tokio::test]
async fn associations_history_and_what_was_deleted_are_in_the_records() {
    let (emulator, account) = emulator(Settings { association_page: 2, ..Settings::default() }).await;
    let contact = account.create("contacts", json!({"email": "a@example.com", "firstname": "A"}));
    let companies = account.create_many("companies", 5, |n| json!({"name": format!("C {n}")}));
    for company in &companies {
        account.associate("contacts", &contact, "companies", company, None);
    }
    let mut config = config("crm.contacts");
    config.associations = vec!["companies".into()];
    config.before = true;
    config.deletes_payload = true;
    let mut source = open(&emulator, config, None).await;
    let snapshot = take(&mut source, 1).await.remove(0);
    let after = snapshot.payload.after.unwrap().into_structured().unwrap();
    let mut ids: Vec<_> = companies;
    ids.sort_unstable_by_key(|id| id.parse::<u64>().unwrap());
    let associated = after["associations"]["companies"].as_array().unwrap();
    assert_eq!(associated.iter().map(|to| to["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    account.update("contacts", &contact, json!({"firstname": "B"}));
    let update = take(&mut source, 1).await.remove(0);
    let before = update.payload.before.unwrap().into_structured().unwrap();
    let after = update.payload.after.unwrap().into_structured().unwrap();
    assert_eq!(before["properties"]["firstname"], "A");
    assert_eq!(after["properties"]["firstname"], "B");
    assert_eq!(before["properties"]["email"], "a@example.com");
    assert!(before["properties"].get("hs_merged_object_ids").is_none());
    account.archive("contacts", &contact);
    let deleted = take(&mut source, 1).await.remove(0);
    assert_eq!(deleted.metadata.get("hubspot.delete.reason"), Some("archived"));
    assert_eq!(deleted.payload.before.unwrap().into_structured().unwrap()["properties"]["firstname"], "B");
}

#[tokio::test]
async fn merges_restores_and_what_is_gone_for_good_are_told() {
    let (emulator, account) = emulator(Settings::default()).await;
    let ids = account.create_many("contacts", 4, |n| json!({"email": format!("p{n}@example.com")}));
    let mut config = config("crm.contacts");
    config.lag = Duration::from_millis(200);
    config.audit_interval = Some(Duration::from_millis(500));
    let mut source = open(&emulator, config, None).await;
    take(&mut source, 4).await;
    let winner = account.merge("contacts", &ids[0], &ids[1]);
    let news = take(&mut source, 2).await;
    let deleted = news.iter().find(|record| record.operation == Operation::Delete).unwrap();
    assert_eq!((id(deleted), deleted.metadata.get("hubspot.delete.reason")), (ids[1].clone(), Some("merged")));
    assert_eq!(deleted.metadata.get("hubspot.merged.into"), Some(winner.as_str()));
    account.archive("contacts", &ids[2]);
    assert_eq!(changes(&take(&mut source, 1).await), [(Operation::Delete, ids[2].clone())]);
    account.restore("contacts", &ids[2]);
    assert_eq!(changes(&take(&mut source, 1).await), [(Operation::Create, ids[2].clone())]);
    // No list says anything of this one; a pass over all objects misses it.
    account.gdpr_delete("contacts", &ids[3]);
    let gone = take(&mut source, 1).await.remove(0);
    assert_eq!((gone.operation, id(&gone)), (Operation::Delete, ids[3].clone()));
    assert_eq!(gone.metadata.get("hubspot.delete.reason"), Some("gdpr"));
}
