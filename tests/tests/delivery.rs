//! Writing, over the wire: every record has its own answer, the order of what happens to one object holds, and a reply that is lost
//! makes no doubles.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};

use conduit_connector_acceptance::{DestinationDriver, ProtocolVersion};
use end_to_end::plugin;
use hubspot_emulator::{Account, Emulator, Fault, FaultRates, FaultRule, Settings};
use opencdc::{Change, Data, Metadata, Operation, Position, Record};
use serde_json::{Value, json};

const TOKEN: &str = "pat-delivery";

async fn emulator(settings: Settings) -> (Emulator, Account) {
    let emulator = Emulator::builder().account(TOKEN).settings(settings).start().await.unwrap();
    let account = emulator.account(TOKEN);
    (emulator, account)
}

async fn destination(emulator: &Emulator, resource: &str, version: ProtocolVersion) -> DestinationDriver {
    let connector = plugin::connector().unwrap().version(version);
    let mut destination = connector.destination(plugin::settings(&emulator.url(), TOKEN, resource)).await.unwrap();
    destination.open().await.unwrap();
    destination
}

fn record(number: usize, operation: Operation, key: Option<Value>, after: Option<Value>) -> Record {
    let data = |value| Data::try_from(value).unwrap();
    Record {
        position: Position::new(number.to_string()),
        operation,
        metadata: Metadata::new(),
        key: key.map(data),
        payload: Change { before: None, after: after.map(data) },
    }
}

fn create(number: usize, properties: &Value) -> Record {
    record(
        number,
        Operation::Create,
        Some(json!({"id": format!("elsewhere-{number}")})),
        Some(json!({"properties": properties})),
    )
}

/// How often each value of a property is there.
fn counted(account: &Account, object_type: &str, property: &str) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for object in account.objects(object_type).values() {
        if let Some(value) = object["properties"][property].as_str() {
            *counted.entry(value.to_owned()).or_default() += 1;
        }
    }
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_get_their_own_answer_and_the_others_are_written() {
    for whole_batch_failures in [true, false] {
        for version in ProtocolVersion::ALL {
            let (emulator, account) = emulator(Settings { whole_batch_failures, ..Settings::default() }).await;
            account.create("contacts", json!({"email": "taken@example.com"}));
            let known = account.create("contacts", json!({"email": "known@example.com"}));
            let mut destination = destination(&emulator, "crm.contacts", version).await;

            let mut records: Vec<Record> = (0..250)
                .map(|number| create(number, &json!({"email": format!("person{number}@example.com")})))
                .collect();
            records[7] = create(7, &json!({"email": "seven@example.com", "no_such_property": "x"}));
            records[120] = create(120, &json!({"email": "taken@example.com"}));
            records[121] = record(
                121,
                Operation::Update,
                Some(json!({"id": known})),
                Some(json!({"properties": {"firstname": "Known"}})),
            );
            records[180] = record(
                180,
                Operation::Update,
                Some(json!({"id": "9999999"})),
                Some(json!({"properties": {"firstname": "Nobody"}})),
            );
            records[201] = record(201, Operation::Create, None, None);
            let bad = [(7, "no_such_property"), (120, "taken@example.com"), (180, "9999999"), (201, "payload")];

            let answers = destination.write(records).await.unwrap();
            assert_eq!(answers.len(), 250);
            for (number, answer) in answers.iter().enumerate() {
                let reason = bad.iter().find(|(of, _)| *of == number).map(|(_, reason)| *reason);
                match (reason, answer) {
                    (None, Ok(())) => {}
                    (None, Err(said)) => panic!("record {number} is good, but: {said}"),
                    (Some(reason), Ok(())) => panic!("record {number} ({reason}) was taken"),
                    (Some(_), Err(said)) => assert!(!said.contains('\n'), "record {number}: {said:?}"),
                }
            }
            for (number, reason) in bad {
                let said = answers[number].as_ref().unwrap_err();
                // HubSpot names the object that has the value already, not always the value.
                let says = said.contains(reason) || (number == 120 && said.contains("CONFLICT"));
                assert!(says, "record {number} doesn't say {reason:?}: {said}");
            }
            let emails = counted(&account, "contacts", "email");
            let expected: BTreeSet<String> = (0..250)
                .filter(|number| ![7, 120, 121, 180, 201].contains(number))
                .map(|number| format!("person{number}@example.com"))
                .chain(["taken@example.com".to_owned(), "known@example.com".to_owned()])
                .collect();
            assert_eq!(emails.keys().cloned().collect::<BTreeSet<_>>(), expected);
            assert!(emails.values().all(|count| *count == 1), "doubles: {emails:?}");
            assert_eq!(account.objects("contacts")[&known]["properties"]["firstname"], "Known");
            destination.finish().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_one_object_happens_in_its_order() {
    let (emulator, account) = emulator(Settings::default()).await;
    let ids = account.create_many("companies", 40, |number| json!({"name": format!("Company {number}")}));
    let mut destination = destination(&emulator, "crm.companies", ProtocolVersion::V2).await;
    let mut rng = fastrand::Rng::with_seed(7);
    let mut last = BTreeMap::new();
    let mut records = Vec::new();
    for number in 0..600 {
        let id = &ids[rng.usize(..ids.len())];
        if last.get(id) == Some(&None) {
            // It is gone.
            continue;
        }
        let (operation, after) = if rng.u8(0..40) == 0 {
            (Operation::Delete, None)
        } else {
            (Operation::Update, Some(json!({"properties": {"name": format!("Name {number}")}})))
        };
        last.insert(id.clone(), after.as_ref().map(|_| format!("Name {number}")));
        records.push(record(number, operation, Some(json!({"id": id})), after));
    }
    let answers = destination.write(records).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
    let objects = account.objects("companies");
    for (id, name) in last {
        let there = objects.get(&id).map(|object| object["properties"]["name"].as_str().unwrap().to_owned());
        assert_eq!(there, name, "{id}");
    }
    destination.finish().await.unwrap();
}

/// Nothing about a deal is unique to HubSpot, so a request that is repeated though it was done makes a double.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_makes_no_doubles_and_is_said() {
    let (emulator, account) = emulator(Settings::default()).await;
    let mut destination = destination(&emulator, "crm.deals", ProtocolVersion::V2).await;
    account.fail_matching(FaultRule {
        method: Some("POST".to_owned()),
        path_contains: "/deals/batch/create".to_owned(),
        fault: Fault::LostReply,
        times: 1,
    });
    let records = (0..50).map(|number| create(number, &json!({"dealname": format!("Deal {number}")}))).collect();
    let answers = destination.write(records).await.unwrap();
    let deals = counted(&account, "deals", "dealname");
    assert!(deals.values().all(|count| *count == 1), "doubles: {deals:?}");
    assert_eq!(deals.len(), 50, "the request was done");
    assert!(answers.iter().all(Result::is_err), "nobody can know that they were written: {answers:?}");
    for said in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(said.contains("unknown") || said.contains("may have been"), "{said}");
        assert!(!said.contains('\n'), "{said:?}");
    }
    // The next ones are written as if nothing had been.
    let answers = destination.write(vec![create(50, &json!({"dealname": "Deal 50"}))]).await.unwrap();
    assert_eq!(answers, [Ok(())]);
    destination.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_hubspot_does_a_record_is_written_once_or_said_not_to_be() {
    for seed in 1..=4 {
        // A 429 makes the connector wait for its window; the rest is enough of a storm.
        let fault_rates = FaultRates { server_error: 0.1, reset: 0.1, lost_reply: 0.1, ..FaultRates::default() };
        let (emulator, account) = emulator(Settings { seed, fault_rates, ..Settings::default() }).await;
        let mut destination = destination(&emulator, "crm.deals", ProtocolVersion::V2).await;
        let mut acknowledged = 0;
        let mut unknown = 0;
        for batch in 0..10 {
            let numbers: Vec<usize> = (batch * 150..(batch + 1) * 150).collect();
            let records =
                numbers.iter().map(|number| create(*number, &json!({"dealname": format!("Deal {number}")}))).collect();
            let answers = destination.write(records).await.unwrap();
            let deals = counted(&account, "deals", "dealname");
            for (number, answer) in numbers.iter().zip(&answers) {
                let count = deals.get(&format!("Deal {number}")).copied().unwrap_or(0);
                match answer {
                    Ok(()) => assert_eq!(count, 1, "seed {seed}: deal {number} was acknowledged"),
                    Err(said) => assert!(count <= 1, "seed {seed}: deal {number} is there {count} times; {said}"),
                }
            }
            acknowledged += answers.iter().filter(|answer| answer.is_ok()).count();
            unknown += answers.iter().filter(|answer| answer.is_err()).count();
        }
        println!("seed {seed}: {acknowledged} acknowledged, {unknown} refused");
        assert!(acknowledged > 500, "seed {seed}: only {acknowledged} of 1500 were acknowledged");
        destination.finish().await.unwrap();
    }
}

/// Updates and deletions can be repeated: faults are only a delay.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_repeated_is_written_through_faults() {
    let (emulator, account) = emulator(Settings::default()).await;
    let ids = account.create_many("companies", 300, |number| json!({"name": format!("Company {number}")}));
    account.set_settings(|settings| {
        settings.fault_rates = FaultRates { server_error: 0.1, reset: 0.1, lost_reply: 0.1, rate_limited: 0.05 };
    });
    let connector = plugin::connector().unwrap();
    let settings = plugin::with(plugin::settings(&emulator.url(), TOKEN, "crm.companies"), &[("maxRetries", "20")]);
    let mut destination = connector.destination(settings).await.unwrap();
    destination.open().await.unwrap();
    let records = ids.iter().enumerate().map(|(number, id)| match number % 3 {
        0 => record(number, Operation::Delete, Some(json!({"id": id})), None),
        _ => {
            record(number, Operation::Update, Some(json!({"id": id})), Some(json!({"properties": {"name": "Changed"}})))
        }
    });
    let answers = destination.write(records.collect()).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
    assert_eq!(counted(&account, "companies", "name"), BTreeMap::from([("Changed".to_owned(), 200)]));
    destination.finish().await.unwrap();
}
