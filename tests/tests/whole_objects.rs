//! Everything that a record can have beside HubSpot's object, over the wire: types, what was before, associations, why
//! something was deleted; and what HubSpot doesn't call a change, found by passes over all objects.
#![allow(clippy::unwrap_used)]

use anyhow::Result;
use end_to_end::plugin;
use end_to_end::reading::Reader;
use hubspot_emulator::{Account, Emulator};
use opencdc::{Operation, Record};
use serde_json::{Value, json};

const TOKEN: &str = "pat-whole";

fn image(data: Option<&opencdc::Data>) -> Value {
    data.map_or(Value::Null, |data| Value::Object(data.to_structured().unwrap().into_owned().into()))
}

fn after(record: &Record) -> Value {
    image(record.payload.after.as_ref())
}

fn before(record: &Record) -> Value {
    image(record.payload.before.as_ref())
}

/// Contacts with a company each, and a source that is given every parameter.
async fn reader(more: &[(&str, &str)]) -> Result<(Emulator, Account, Vec<String>, Vec<String>, Reader)> {
    let emulator = Emulator::builder().account(TOKEN).start().await?;
    let account = emulator.account(TOKEN);
    account.define_property(
        "contacts",
        &json!({"name": "score", "label": "Score", "type": "number", "fieldType": "number"}),
    );
    let companies = account.create_many("companies", 3, |number| json!({"name": format!("Company {number}")}));
    let contacts = account.create_many(
        "contacts",
        6,
        |number| json!({"email": format!("person{number}@example.com"), "score": number.to_string(), "phone": "0"}),
    );
    for contact in &contacts {
        account.associate("contacts", contact, "companies", &companies[0], None);
    }
    emulator.advance(chrono::TimeDelta::seconds(10));
    let settings = plugin::with(
        plugin::eager(&emulator.url(), TOKEN, "crm.contacts, crm.companies"),
        &[
            ("properties", "email, phone, score"),
            ("values", "typed"),
            ("before", "history"),
            ("associations", "crm.companies"),
            ("deletes.payload", "true"),
            ("cdc.settleLag", "1s"),
        ],
    );
    let mut reader = Reader::open(&plugin::connector()?, plugin::with(settings, more), None).await?;
    let all = contacts.clone();
    reader.until("the snapshot", |reader| all.iter().all(|id| reader.saw(Operation::Snapshot, id))).await?;
    emulator.advance(chrono::TimeDelta::seconds(5));
    Ok((emulator, account, contacts, companies, reader))
}

#[tokio::test(flavor = "multi_thread")]
async fn records_have_types_associations_and_what_was_before() {
    let (_emulator, account, contacts, companies, mut reader) = reader(&[]).await.unwrap();
    let snapshot = after(&reader.last[&contacts[4]]);
    assert_eq!(snapshot["properties"]["score"], json!(4));
    assert_eq!(snapshot["properties"]["email"], "person4@example.com");
    let associated = &snapshot["associations"]["companies"];
    assert_eq!(associated[0]["id"], json!(companies[0]));
    assert_eq!(associated[0]["types"][0]["category"], "HUBSPOT_DEFINED", "{associated}");

    account.update("contacts", &contacts[4], json!({"score": "44", "phone": "1"}));
    let id = &contacts[4];
    reader.until("the update", |reader| reader.saw(Operation::Update, id)).await.unwrap();
    let (was, is) = (before(&reader.last[id]), after(&reader.last[id]));
    assert_eq!((&was["properties"]["score"], &is["properties"]["score"]), (&json!(4), &json!(44)));
    assert_eq!((&was["properties"]["phone"], &is["properties"]["phone"]), (&json!("0"), &json!("1")));
    assert_eq!(is["associations"]["companies"][0]["id"], json!(companies[0]));

    let id = &contacts[3];
    account.archive("contacts", id);
    reader.until("the deletion", |reader| reader.saw(Operation::Delete, id)).await.unwrap();
    let deleted = &reader.last[id];
    assert_eq!(deleted.metadata.get("hubspot.delete.reason"), Some("archived"));
    assert_eq!(before(deleted)["properties"]["score"], json!(3));
    assert!(deleted.payload.after.is_none());

    let id = &contacts[2];
    let winner = account.merge("contacts", &contacts[1], id);
    reader.until("the merge", |reader| reader.saw(Operation::Delete, id)).await.unwrap();
    let merged = &reader.last[id];
    assert_eq!(merged.metadata.get("hubspot.delete.reason"), Some("merged"));
    assert_eq!(merged.metadata.get("hubspot.merged.into"), Some(&*winner));
    reader.source.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_no_changed_time_is_found() {
    let often = [("associations.refresh", "1s"), ("refresh.calculated", "1s"), ("audit.interval", "1s")];
    let (emulator, account, contacts, companies, mut reader) = reader(&often).await.unwrap();
    // What has settled is judged.
    emulator.advance(chrono::TimeDelta::seconds(5));

    let id = &contacts[0];
    account.associate("contacts", id, "companies", &companies[1], None);
    let is_associated = |reader: &Reader| {
        let associated = &after(&reader.last[id])["associations"]["companies"];
        associated.as_array().is_some_and(|list| list.iter().any(|company| company["id"] == json!(companies[1])))
    };
    reader.until("the association", is_associated).await.unwrap();
    assert_eq!(reader.last[id].operation, Operation::Update);

    let id = &contacts[1];
    account.recalculate("contacts", id, &json!({"score": "111"}));
    let is_recalculated = |reader: &Reader| after(&reader.last[id])["properties"]["score"] == json!(111);
    reader.until("the calculated property", is_recalculated).await.unwrap();
    assert_eq!(reader.last[id].operation, Operation::Update);

    let id = &contacts[2];
    account.gdpr_delete("contacts", id);
    reader.until("the deletion for good", |reader| reader.saw(Operation::Delete, id)).await.unwrap();
    assert_eq!(reader.last[id].metadata.get("hubspot.delete.reason"), Some("gdpr"));

    // The passes repeat nothing.
    let came = reader.seen.len();
    let _ = tokio::time::timeout(std::time::Duration::from_secs(3), reader.source.next()).await.map(|records| {
        panic!(
            "{came} records had come, and then {:?}",
            records.map(|records| records.iter().map(after).collect::<Vec<_>>())
        )
    });
    reader.source.finish().await.unwrap();
}
