//! What a destination meets: values that are refused, unique properties, read-only ones, faults of single endpoints, and how its calls are counted.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use hubspot_emulator::{Fault, FaultRule, Limits, Settings};
use serde_json::{Map, Value, json};
use support::{Hub, hub, ids};

const CONTACTS: &str = "/crm/objects/2026-03/contacts";

async fn define(hub: &Hub, object_type: &str, definition: Value) {
    hub.post(&format!("/crm/properties/2026-03/{object_type}"), definition).await.expect(201);
}

/// The code and the message of the first thing that is wrong.
async fn refusal(hub: &Hub, object_type: &str, name: &str, value: Value) -> (String, String) {
    let body = json!({"properties": {name: value}});
    let error = hub.post(&format!("/crm/objects/2026-03/{object_type}"), body).await.expect(400);
    let detail = &error["errors"][0];
    assert_eq!(detail["context"]["propertyName"][0], name);
    (detail["code"].as_str().unwrap().to_owned(), detail["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn dates_are_midnights_and_numbers_are_numbers() {
    let hub = hub(Settings::default()).await;
    for (name, kind, field_type) in
        [("day", "date", "date"), ("size", "number", "number"), ("fun", "bool", "booleancheckbox")]
    {
        let definition = json!({"name": name, "label": name, "type": kind, "fieldType": field_type, "groupName": "contactinformation"});
        define(&hub, "contacts", definition).await;
    }
    let midnight = 1_774_569_600_000_i64;
    let (code, message) = refusal(&hub, "contacts", "day", json!((midnight + 3_600_000).to_string())).await;
    assert_eq!(code, "INVALID_DATE");
    assert!(message.contains("01:00:00.000 UTC, not midnight"), "{message}");
    assert_eq!(refusal(&hub, "contacts", "day", json!("2026-03-27T10:00:00Z")).await.0, "INVALID_DATE");
    for not_a_number in ["much", "NaN", "inf", "1,5"] {
        assert_eq!(refusal(&hub, "contacts", "size", json!(not_a_number)).await.0, "INVALID_INTEGER", "{not_a_number}");
    }
    assert_eq!(refusal(&hub, "contacts", "fun", json!("yes")).await.0, "INVALID_OPTION");
    assert_eq!(refusal(&hub, "contacts", "email", json!("nobody")).await.0, "INVALID_EMAIL");
    for (day, size) in [(json!(midnight), json!(1.5)), (json!("2026-03-27"), json!("1.5"))] {
        let made = hub.post(CONTACTS, json!({"properties": {"day": day, "size": size}})).await.expect(201);
        assert_eq!((&made["properties"]["day"], &made["properties"]["size"]), (&json!("2026-03-27"), &json!("1.5")));
    }
}

#[tokio::test]
async fn a_property_that_is_made_can_be_written_and_found_by() {
    let hub = hub(Settings::default()).await;
    let property = |name: &str, kind: &str, field_type: &str| json!({"name": name, "label": name, "type": kind, "fieldType": field_type, "groupName": "dealinformation", "hasUniqueValue": kind == "string"});
    let inputs = json!([
        property("source_id", "string", "text"),
        property("size", "number", "text"),
        property("amount", "number", "number"),
        property("colour", "enumeration", "select"),
    ]);
    let made = hub.post("/crm/properties/2026-03/deals/batch/create", json!({ "inputs": inputs })).await.expect(207);
    assert_eq!(
        (&made["results"][0]["name"], &made["results"][0]["hasUniqueValue"]),
        (&json!("source_id"), &json!(true))
    );
    let categories: Vec<&Value> = made["errors"].as_array().unwrap().iter().map(|error| &error["category"]).collect();
    assert_eq!(categories, ["VALIDATION_ERROR", "OBJECT_ALREADY_EXISTS", "VALIDATION_ERROR"]);

    let deals = "/crm/objects/2026-03/deals/batch";
    let input = |id: &str| json!({"id": id, "idProperty": "source_id", "properties": {"dealname": id}, "objectWriteTraceId": id});
    let made = hub.post(&format!("{deals}/upsert"), json!({"inputs": [input("a"), input("b")]})).await.expect(200);
    let [a, b] = ids(&made).try_into().unwrap();
    let body = json!({"inputs": [{"id": "b"}, {"id": "c"}], "idProperty": "source_id", "properties": ["source_id"]});
    let read = hub.post(&format!("{deals}/read"), body).await.expect(207);
    assert_eq!((ids(&read), &read["errors"][0]["context"]["ids"]), (vec![b.clone()], &json!(["c"])));
    let again = hub.post(&format!("{deals}/update"), json!({"inputs": [input("a"), input("c")]})).await.expect(207);
    assert_eq!((ids(&again), &again["errors"][0]["context"]["ids"]), (vec![a], &json!(["c"])));

    // Not twice in one batch, not another's value, not by a property that isn't unique.
    hub.post(&format!("{deals}/upsert"), json!({"inputs": [input("d"), input("D")]})).await.expect(400);
    let taken = json!({"inputs": [{"properties": {"source_id": "b"}, "associations": []}]});
    let error = hub.post(&format!("{deals}/create"), taken).await.expect(409);
    assert_eq!(error["category"], "CONFLICT");
    assert!(error["message"].as_str().unwrap().ends_with(&format!("Existing ID: {b}")), "{error}");
    for operation in ["read", "update", "upsert"] {
        let by_name =
            json!({"inputs": [{"id": "b", "idProperty": "dealname", "properties": {}}], "idProperty": "dealname"});
        hub.post(&format!("{deals}/{operation}"), by_name).await.expect(400);
    }
    assert_eq!(hub.account.count("deals"), 2);
}

#[tokio::test]
async fn what_another_account_has_is_written_but_for_what_is_read_only() {
    let hub = hub(Settings::default()).await;
    let other = hub.emulator.account("token-b");
    for object_type in ["contacts", "companies", "deals", "tickets", "products", "tasks", "emails"] {
        let listed = hub.get(&format!("/crm/properties/2026-03/{object_type}")).await.expect(200);
        let definitions = listed["results"].as_array().unwrap();
        // A value for each of them, as the other account may have it.
        let fields: Map<String, Value> = definitions
            .iter()
            .filter(|property| property["name"] != "hs_object_id")
            .map(|property| {
                let value = match property["type"].as_str().unwrap() {
                    "number" => json!("3"),
                    "bool" => json!("true"),
                    "date" | "datetime" => json!("2026-03-27T00:00:00.000Z"),
                    "enumeration" => property["options"].get(0).map_or(json!("1"), |option| option["value"].clone()),
                    _ if property["name"] == "email" => json!("ada@example.com"),
                    _ => json!("x"),
                };
                (property["name"].as_str().unwrap().to_owned(), value)
            })
            .collect();
        let id = other.create(object_type, Value::Object(fields));
        let copied = other.objects(object_type)[&id]["properties"].clone();

        let path = format!("/crm/objects/2026-03/{object_type}");
        let error = hub.post(&path, json!({"properties": copied})).await.expect(400);
        let refused: Vec<&str> = error["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|detail| {
                assert_eq!(detail["code"], "READ_ONLY_VALUE", "{detail}");
                detail["context"]["propertyName"][0].as_str().unwrap()
            })
            .collect();
        let mut read_only: Vec<&str> = definitions
            .iter()
            .filter(|property| property["modificationMetadata"]["readOnlyValue"] == true)
            .map(|property| property["name"].as_str().unwrap())
            .collect();
        read_only.sort_unstable();
        assert_eq!(refused, read_only, "{object_type}");

        let writable: Map<String, Value> = copied
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !read_only.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let made = hub.post(&path, json!({"properties": writable})).await.expect(201);
        let same = writable.iter().all(|(name, value)| made["properties"][name] == *value);
        assert!(same, "{object_type}: {made} {writable:?}");
    }
}

#[tokio::test]
async fn an_upsert_by_email_may_need_the_email_among_the_properties() {
    let hub = hub(Settings { email_upserts_are_whole: true, ..Settings::default() }).await;
    let input = |properties: Value| json!({"id": "ada@example.com", "idProperty": "email", "properties": properties});
    let path = format!("{CONTACTS}/batch/upsert");
    let partial = json!({"inputs": [input(json!({"firstname": "Ada"}))]});
    let answer = hub.post(&path, partial.clone()).await.expect(207);
    assert_eq!((ids(&answer).len(), &answer["errors"][0]["category"]), (0, &json!("VALIDATION_ERROR")));
    let whole = json!({"inputs": [input(json!({"email": "ada@example.com", "firstname": "Ada"}))]});
    hub.post(&path, whole).await.expect(200);
    hub.account.set_settings(|settings| settings.email_upserts_are_whole = false);
    hub.post(&path, partial).await.expect(200);
}

#[tokio::test]
async fn a_reply_is_lost_when_the_write_is_done() {
    let hub = hub(Settings::default()).await;
    let ada = hub.account.create("contacts", json!({"email": "ada@example.com"}));
    let company = hub.account.create("companies", json!({"name": "A"}));
    let pair = json!({"from": {"id": ada}, "to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]});
    let writes = [
        (format!("{CONTACTS}/batch/update"), json!({"inputs": [{"id": ada, "properties": {"firstname": "Ada"}}]})),
        (
            format!("{CONTACTS}/batch/upsert"),
            json!({"inputs": [{"id": "bob@example.com", "idProperty": "email", "properties": {}}]}),
        ),
        ("/crm/associations/2026-03/contacts/companies/batch/create".to_owned(), json!({"inputs": [pair]})),
    ];
    let late = Fault::LateServerError { status: 504 };
    for fault in [Fault::LostReply, late.clone()] {
        for (path, body) in &writes {
            let rule = |fault| FaultRule { method: Some("POST".into()), path_contains: path.clone(), fault, times: 1 };
            hub.account.fail_matching(rule(fault.clone()));
            // Other paths don't meet it.
            hub.get(CONTACTS).await.expect(200);
            match hub.try_call("POST", path, Some(body)).await {
                Ok(answer) => assert_eq!((answer.status, &fault), (504, &late)),
                Err(_) => assert_eq!(fault, Fault::LostReply),
            }
        }
        assert_eq!(hub.account.objects("contacts")[&ada]["properties"]["firstname"], "Ada");
        assert_eq!(hub.account.count("contacts"), 2);
        assert_eq!(hub.account.associations("contacts", "companies")[&ada].len(), 1);
    }
    let counters = hub.account.counters();
    assert_eq!(
        (counters.calls("/objects/", "/batch/upsert"), counters.calls("/associations/", "/batch/create")),
        (2, 2)
    );
    assert_eq!((counters.calls("/objects/", "/batch/create"), counters.faults), (0, 6));
}

#[tokio::test]
async fn the_day_is_used_up_and_starts_over_on_demand() {
    let limits = Limits::TenSecondly { per_10s: 1_000, search_per_s: 5, daily: 10 };
    let hub = hub(Settings { limits, ..Settings::default() }).await;
    hub.get(CONTACTS).await.expect(200);
    hub.account.use_up_daily_limit();
    assert_eq!(hub.get(CONTACTS).await.expect(429)["policyName"], "DAILY");
    hub.account.reset_daily_limit();
    hub.get(CONTACTS).await.expect(200);

    let admin = |body: Value| hub.post("/_emulator/settings?token=token-a", body);
    admin(json!({"useUpDailyLimit": true})).await.expect(200);
    hub.get(CONTACTS).await.expect(429);
    admin(json!({"resetDailyLimit": true})).await.expect(200);
    hub.get(CONTACTS).await.expect(200);
    let made = hub.post(
        "/_emulator/labels?token=token-a",
        json!({"from": "contacts", "to": "deals", "label": "Buyer", "inverse": "Bought by"}),
    );
    assert_eq!(made.await.expect(201), json!({"typeId": 1, "inverseTypeId": 2}));
    hub.post("/_emulator/faults?token=token-a", json!({"fault": "lateServerError", "status": 503})).await.expect(204);
    hub.get(CONTACTS).await.expect(503);
}
