//! What makes a source's life hard, and the settings that break its beliefs.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use hubspot_emulator::Settings;
use serde_json::{Value, json};
use support::{hub, ids};

const CONTACTS: &str = "/crm/objects/2026-03/contacts";

#[tokio::test]
async fn a_calculated_value_changes_and_the_changed_time_stays() {
    let hub = hub(Settings::default()).await;
    let id = hub.account.create("contacts", json!({"email": "a@example.com"}));
    let before = hub.account.objects("contacts")[&id].clone();
    hub.emulator.advance(chrono::TimeDelta::seconds(5));
    hub.account.recalculate("contacts", &id, &json!({"num_associated_deals": "3"}));
    let after = hub.account.objects("contacts")[&id].clone();
    assert_eq!(after["properties"]["num_associated_deals"], "3");
    assert_eq!(after["updatedAt"], before["updatedAt"]);
    let found =
        hub.post(&format!("{CONTACTS}/search"), json!({"properties": ["num_associated_deals"]})).await.expect(200);
    assert_eq!(found["results"][0]["properties"]["num_associated_deals"], "3");
    assert_eq!(found["results"][0]["updatedAt"], before["updatedAt"]);
    let read = hub.get(&format!("{CONTACTS}/{id}?propertiesWithHistory=num_associated_deals")).await.expect(200);
    assert_eq!(read["propertiesWithHistory"]["num_associated_deals"][0]["sourceType"], "CALCULATED");
}

#[tokio::test]
async fn history_has_the_newest_values_first_and_not_too_many() {
    let hub = hub(Settings::default()).await;
    let id = hub.account.create("contacts", json!({"firstname": "0", "lastname": "L"}));
    for n in 1..=30 {
        hub.emulator.advance(chrono::TimeDelta::seconds(1));
        hub.account.update("contacts", &id, json!({"firstname": n.to_string()}));
    }
    let body = json!({"inputs": [{"id": id}], "properties": ["lastname"], "propertiesWithHistory": ["firstname", "lastname", "phone"]});
    let read = hub.post(&format!("{CONTACTS}/batch/read"), body.clone()).await.expect(200);
    let history = &read["results"][0]["propertiesWithHistory"];
    let values: Vec<&str> =
        history["firstname"].as_array().unwrap().iter().map(|version| version["value"].as_str().unwrap()).collect();
    assert_eq!((values.len(), values[0], values[1], values[19]), (20, "30", "29", "11"));
    let times: Vec<&str> =
        history["firstname"].as_array().unwrap().iter().map(|version| version["timestamp"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer > older));
    assert_eq!(history["lastname"].as_array().unwrap().len(), 1);
    assert_eq!(history["phone"], json!([]));
    let listed = hub.get(&format!("{CONTACTS}?limit=50&propertiesWithHistory=firstname")).await.expect(200);
    assert_eq!(listed["results"][0]["propertiesWithHistory"]["firstname"], history["firstname"]);

    hub.account.set_settings(|settings| settings.history = false);
    hub.account.update("contacts", &id, json!({"lastname": "M"}));
    let read = hub.post(&format!("{CONTACTS}/batch/read"), body).await.expect(200);
    assert_eq!(read["results"][0]["propertiesWithHistory"]["lastname"].as_array().unwrap().len(), 1);
    let inputs: Vec<Value> = (0..51).map(|n| json!({"id": n.to_string()})).collect();
    let body = json!({"inputs": inputs, "propertiesWithHistory": ["firstname"]});
    hub.post(&format!("{CONTACTS}/batch/read"), body).await.expect(400);
}

#[tokio::test]
async fn a_removed_property_is_left_out_or_refused() {
    let hub = hub(Settings::default()).await;
    hub.account.define_property("contacts", &json!({"name": "shoe_size", "type": "number"}));
    let id = hub.account.create("contacts", json!({"firstname": "A", "shoe_size": 38}));
    hub.account.remove_property("contacts", "shoe_size");
    assert_eq!(hub.account.objects("contacts")[&id]["properties"].get("shoe_size"), None);
    let definitions = hub.get("/crm/properties/2026-03/contacts").await.expect(200);
    assert!(definitions["results"].as_array().unwrap().iter().all(|property| property["name"] != "shoe_size"));
    let batch = json!({"inputs": [{"id": id}], "properties": ["firstname", "shoe_size"]});
    let search = json!({"properties": ["firstname", "shoe_size"]});
    let list = format!("{CONTACTS}?properties=firstname,shoe_size");
    for fails in [false, true] {
        hub.account.set_settings(|settings| settings.unknown_properties_fail = fails);
        for answer in [
            hub.get(&list).await,
            hub.get(&format!("{CONTACTS}/{id}?properties=firstname,shoe_size")).await,
            hub.post(&format!("{CONTACTS}/batch/read"), batch.clone()).await,
            hub.post(&format!("{CONTACTS}/search"), search.clone()).await,
        ] {
            if fails {
                let error = answer.expect(400);
                assert_eq!(error["category"], "VALIDATION_ERROR");
                assert_eq!(error["errors"][0]["context"]["propertyName"], json!(["shoe_size"]));
            } else {
                let body = answer.expect(200);
                let object = body["results"].get(0).unwrap_or(&body);
                let names: Vec<&String> = object["properties"].as_object().unwrap().keys().collect();
                assert_eq!(names, ["createdate", "firstname", "hs_object_id", "lastmodifieddate"]);
            }
        }
    }
}

#[tokio::test]
async fn what_is_purged_is_in_no_list() {
    let hub = hub(Settings::default()).await;
    let created = hub.account.create_many("companies", 3, |n| json!({"name": n.to_string()}));
    hub.account.archive("companies", &created[1]);
    assert_eq!(ids(&hub.get("/crm/v3/objects/companies?archived=true").await.expect(200)), [created[1].as_str()]);
    hub.account.purge("companies", &created[1]);
    assert!(ids(&hub.get("/crm/v3/objects/companies?archived=true").await.expect(200)).is_empty());
    assert_eq!(hub.account.count("companies"), 2);
    assert_eq!(hub.post("/crm/v3/objects/companies/search", json!({})).await.expect(200)["total"], 2);

    let contact = hub.account.create("contacts", json!({"email": "a@example.com"}));
    hub.account.gdpr_delete("contacts", &contact);
    assert!(hub.account.objects("contacts").is_empty() && hub.account.archived("contacts").is_empty());
    assert_eq!(hub.post(&format!("{CONTACTS}/search"), json!({})).await.expect(200)["total"], 0);
}

#[tokio::test]
async fn cursors_can_be_tokens() {
    let hub = hub(Settings { opaque_cursors: true, ..Settings::default() }).await;
    let created = hub.account.create_many("contacts", 250, |n| json!({"email": format!("p{n}@example.com")}));
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = hub.get(&format!("{CONTACTS}?limit=100{after}")).await.expect(200);
        seen.extend(ids(&page));
        assert!(seen.len() <= created.len(), "pages without end");
        let Some(next) = page["paging"]["next"]["after"].as_str() else { break };
        assert!(next.parse::<u64>().is_err(), "{next} could be an id");
        after = format!("&after={next}");
    }
    assert_eq!(seen, created);
    hub.get(&format!("{CONTACTS}?after={}", created[10])).await.expect(400);
}

#[tokio::test]
async fn scopes_are_those_of_the_object_type() {
    let hub = hub(Settings::default()).await;
    hub.account.define_object(&json!({"name": "machine"}));
    hub.account.set_scopes(Some(vec!["crm.objects.leads.read"]));
    for (object_type, scopes) in [
        ("contacts", json!(["crm.objects.contacts.read"])),
        ("commerce_payments", json!(["crm.objects.commercepayments.read"])),
        ("goal_targets", json!(["crm.objects.goals.read"])),
        ("users", json!(["crm.objects.users.read"])),
        ("machine", json!(["crm.objects.custom.read"])),
    ] {
        let path = format!("/crm/objects/2026-03/{object_type}");
        let refused = hub.get(&path).await.expect(403);
        assert_eq!(refused["category"], "MISSING_SCOPES");
        assert_eq!(refused["errors"][0]["context"]["requiredGranularScopes"], scopes, "{object_type}");
        hub.post(&format!("{path}/search"), json!({})).await.expect(403);
        hub.post(&format!("{path}/batch/read"), json!({"inputs": [{"id": "1"}]})).await.expect(403);
        hub.get(&format!("/crm/properties/2026-03/{object_type}")).await.expect(403);
        hub.post(
            &format!("/crm/associations/2026-03/{object_type}/leads/batch/read"),
            json!({"inputs": [{"id": "1"}]}),
        )
        .await
        .expect(403);
    }
    hub.get("/crm/objects/2026-03/leads").await.expect(200);
}

#[tokio::test]
async fn every_object_type_is_created_listed_and_found() {
    let hub = hub(Settings::default()).await;
    for (name, type_id) in [
        ("leads", "0-136"),
        ("orders", "0-123"),
        ("carts", "0-142"),
        ("invoices", "0-53"),
        ("subscriptions", "0-69"),
        ("commerce_payments", "0-101"),
        ("communications", "0-18"),
        ("postal_mail", "0-116"),
        ("appointments", "0-421"),
        ("courses", "0-410"),
        ("listings", "0-420"),
        ("services", "0-162"),
        ("goal_targets", "0-74"),
        ("users", "0-115"),
        ("projects", "0-970"),
        ("discounts", "0-84"),
        ("fees", "0-85"),
        ("taxes", "0-86"),
        ("partner_clients", "partner_clients"),
        ("partner_services", "partner_services"),
    ] {
        let id = hub.account.create(name, json!({}));
        for known_as in [name, type_id] {
            assert_eq!(ids(&hub.get(&format!("/crm/objects/2026-03/{known_as}")).await.expect(200)), [id.as_str()]);
            let since = json!([{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0"}]);
            let body = json!({"filterGroups": [{"filters": since}], "sorts": ["hs_lastmodifieddate"]});
            let found = hub.post(&format!("/crm/objects/2026-03/{known_as}/search"), body).await.expect(200);
            assert_eq!(ids(&found), [id.as_str()]);
        }
    }
}

#[tokio::test]
async fn merges_add_up() {
    let hub = hub(Settings::default()).await;
    for object_type in ["contacts", "companies", "deals", "tickets"] {
        let created = hub.account.create_many(object_type, 5, |_| json!({}));
        hub.account.merge(object_type, &created[1], &created[0]);
        hub.account.merge(object_type, &created[3], &created[2]);
        hub.account.merge(object_type, &created[3], &created[1]);
        hub.account.merge(object_type, &created[4], &created[3]);
        let winner = &hub.account.objects(object_type)[&created[4]]["properties"];
        let mut merged: Vec<&str> = winner["hs_merged_object_ids"].as_str().unwrap().split(';').collect();
        merged.sort_unstable();
        assert_eq!(merged, created[..4]);
        assert_eq!(winner.get("hs_calculated_merged_vids").is_some(), object_type == "contacts");
        let body = json!({"inputs": created[..4].iter().map(|id| json!({ "id": id })).collect::<Vec<_>>()});
        let read = hub.post(&format!("/crm/objects/2026-03/{object_type}/batch/read"), body).await.expect(200);
        assert_eq!(ids(&read), [created[4].as_str()]);
    }
}
