//! Objects of the CRM over HTTP: list, read, write, batches, merges, archived ones.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use hubspot_emulator::Settings;
use serde_json::{Value, json};
use support::{hub, ids};

const CONTACTS: &str = "/crm/objects/2026-03/contacts";

#[tokio::test]
async fn lists_by_id_and_pages_by_the_last_id() {
    for ids_in_order in [true, false] {
        let hub = hub(Settings { ids_in_order, seed: 4, ..Settings::default() }).await;
        let created = hub.account.create_many("contacts", 250, |n| json!({"email": format!("p{n}@example.com")}));
        let in_order = created.windows(2).all(|pair| pair[0].parse::<u64>().unwrap() < pair[1].parse::<u64>().unwrap());
        assert_eq!(in_order, ids_in_order);
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = hub.get(&format!("{CONTACTS}?limit=100{after}")).await.expect(200);
            seen.extend(ids(&page));
            let Some(next) = page["paging"]["next"]["after"].as_str() else { break };
            assert_eq!(next, seen.last().unwrap());
            after = format!("&after={next}");
        }
        let mut sorted: Vec<u64> = created.iter().map(|id| id.parse().unwrap()).collect();
        sorted.sort_unstable();
        assert_eq!(seen, sorted.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn every_version_and_name_sees_the_same_objects() {
    let hub = hub(Settings::default()).await;
    let id = hub.account.create("line_items", json!({"name": "Bolt", "quantity": 3}));
    let expected = hub.get(&format!("/crm/v3/objects/line_items/{id}?properties=name,quantity")).await.expect(200);
    assert_eq!(expected["properties"]["quantity"], "3");
    assert_eq!(expected["properties"]["hs_object_id"], json!(id));
    for path in ["objects/2026-03/line_items", "objects/2026-03/0-8", "objects/2026-09/line_items", "v3/objects/0-8"] {
        assert_eq!(hub.get(&format!("/crm/{path}/{id}?properties=name,quantity")).await.expect(200), expected);
    }
    let defaults = hub.get(&format!("/crm/v3/objects/line_items/{id}")).await.expect(200);
    let names: Vec<&String> = defaults["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["createdate", "hs_lastmodifieddate", "hs_object_id", "hs_product_id", "quantity"]);
    assert_eq!(defaults["properties"]["hs_product_id"], Value::Null);
    let error = hub.get("/crm/v3/objects/gadgets").await.expect(400);
    assert_eq!(error["message"], "Unable to infer object type from: gadgets");
    hub.get("/crm/objects/contacts").await.expect(404);
}

#[tokio::test]
async fn creates_updates_archives_and_restores() {
    let hub = hub(Settings::default()).await;
    let body = json!({"properties": {"email": "Ada@Example.com", "firstname": "Ada"}});
    let created = hub.post(CONTACTS, body.clone()).await.expect(201);
    let id = created["id"].as_str().unwrap();
    assert_eq!(created["properties"]["email"], "ada@example.com");
    assert_eq!(created["createdAt"], created["updatedAt"]);

    let conflict = hub.post(CONTACTS, body).await.expect(409);
    assert_eq!(conflict["category"], "CONFLICT");
    assert_eq!(conflict["message"], format!("Contact already exists. Existing ID: {id}"));
    assert_eq!(conflict["correlationId"].as_str().unwrap().len(), 36);

    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let path = format!("{CONTACTS}/ada@example.com?idProperty=email");
    let updated = hub.patch(&path, json!({"properties": {"firstname": "", "lastname": "Lovelace"}})).await.expect(200);
    assert_eq!(updated["id"], id);
    assert!(updated["updatedAt"].as_str() > created["updatedAt"].as_str());
    let read = hub.get(&format!("{CONTACTS}/{id}?propertiesWithHistory=firstname,lastname")).await.expect(200);
    assert_eq!(read["properties"]["firstname"], Value::Null);
    assert_eq!(read["propertiesWithHistory"]["firstname"].as_array().unwrap().len(), 2);
    assert_eq!(read["propertiesWithHistory"]["firstname"][1]["value"], "Ada");
    assert_eq!(hub.account.objects("contacts")[id]["properties"]["lastname"], "Lovelace");

    hub.delete(&format!("{CONTACTS}/{id}")).await.expect(204);
    hub.delete(&format!("{CONTACTS}/{id}")).await.expect(204);
    hub.get(&format!("{CONTACTS}/{id}")).await.expect(404);
    hub.patch(&format!("{CONTACTS}/{id}"), json!({"properties": {}})).await.expect(404);
    let archived = hub.get(&format!("{CONTACTS}?archived=true")).await.expect(200);
    assert_eq!(ids(&archived), [id]);
    assert_eq!(archived["results"][0]["archived"], true);
    assert!(archived["results"][0]["archivedAt"].as_str() >= updated["updatedAt"].as_str());
    assert!(ids(&hub.get(CONTACTS).await.expect(200)).is_empty());

    hub.account.restore("contacts", id);
    assert_eq!(ids(&hub.get(CONTACTS).await.expect(200)), [id]);
    hub.post(CONTACTS, json!({"properties": {"email": "ada@example.com"}})).await.expect(409);
}

#[tokio::test]
async fn says_what_is_wrong_with_values() {
    let hub = hub(Settings::default()).await;
    let fields = json!({"nonsense": "1", "createdate": "2020-01-01", "lifecyclestage": "ghost", "email": "no address", "closedate": "soon"});
    let error = hub.post(CONTACTS, json!({ "properties": fields })).await.expect(400);
    assert_eq!(error["category"], "VALIDATION_ERROR");
    let mut said: Vec<(String, String)> = error["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|detail| {
            (
                detail["context"]["propertyName"][0].as_str().unwrap().to_owned(),
                detail["code"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    said.sort();
    let expected = [
        ("closedate", "INVALID_DATE"),
        ("createdate", "READ_ONLY_VALUE"),
        ("email", "INVALID_EMAIL"),
        ("lifecyclestage", "INVALID_OPTION"),
        ("nonsense", "PROPERTY_DOESNT_EXIST"),
    ];
    assert_eq!(said, expected.map(|(name, code)| (name.to_owned(), code.to_owned())));
    assert!(hub.account.objects("contacts").is_empty());
    let error = hub.post("/crm/v3/objects/deals", json!({"properties": {"amount": "much"}})).await.expect(400);
    assert_eq!(error["errors"][0]["code"], "INVALID_INTEGER");
    hub.post(CONTACTS, json!({"email": "a@b.c"})).await.expect(400);
    hub.get(&format!("{CONTACTS}?limit=101")).await.expect(400);
    hub.get(&format!("{CONTACTS}?limit=51&propertiesWithHistory=email")).await.expect(400);
    hub.post("/crm/v3/objects/feedback_submissions", json!({"properties": {}})).await.expect(405);
    assert_eq!(hub.account.counters().requests, 6);
}

#[tokio::test]
async fn a_batch_answers_each_input_or_none() {
    let hub = hub(Settings::default()).await;
    let batch = |operation: &str| format!("{CONTACTS}/batch/{operation}");
    let input =
        |n: usize| json!({"properties": {"email": format!("p{n}@example.com")}, "objectWriteTraceId": n.to_string()});
    let inputs: Vec<Value> = (0..100).map(input).collect();
    let made = hub.post(&batch("create"), json!({ "inputs": inputs })).await.expect(201);
    assert_eq!(made["status"], "COMPLETE");
    assert_eq!(made["results"][7]["objectWriteTraceId"], "7");
    hub.post(&batch("create"), json!({"inputs": (0..101).map(input).collect::<Vec<_>>()})).await.expect(400);
    let id = made["results"][0]["id"].as_str().unwrap();

    // One input that condemns them all.
    for (bad, status) in [
        (json!({"properties": {"lifecyclestage": "ghost"}}), 400),
        (json!({"properties": {"nonsense": "x"}}), 400),
        (json!({"properties": {"createdate": "2020-01-01"}}), 400),
        (json!({"properties": {"email": "p5@example.com"}}), 409),
        (json!({"properties": {"email": "new@example.com"}}), 409),
    ] {
        let good = json!({"properties": {"email": "new@example.com"}});
        hub.post(&batch("create"), json!({"inputs": [good, bad]})).await.expect(status);
    }
    assert_eq!(hub.account.count("contacts"), 100);

    // One that fails alone.
    let inputs = json!([{"id": id, "properties": {"firstname": "A"}}, {"id": "999999999", "properties": {"firstname": "B"}, "objectWriteTraceId": "7"}]);
    let answer = hub.post(&batch("update"), json!({ "inputs": inputs })).await.expect(207);
    assert_eq!(answer["numErrors"], 1);
    assert_eq!(answer["errors"][0]["context"], json!({"ids": ["999999999"], "objectWriteTraceId": ["7"]}));
    assert_eq!(ids(&answer), [id]);
    let answer = hub.post("/crm/objects/2026-09/contacts/batch/update", json!({ "inputs": inputs })).await.expect(200);
    assert_eq!(answer["errors"][0]["category"], "OBJECT_NOT_FOUND");
    let error = json!({"properties": {"email": "bad"}, "objectWriteTraceId": "1"});
    let answer = hub.post("/crm/objects/2026-09/contacts/batch/create", json!({"inputs": [error]})).await.expect(201);
    assert_eq!((answer["results"].as_array().unwrap().len(), answer["numErrors"].as_u64()), (0, Some(1)));

    // The same one twice.
    let twice = json!([{"id": id, "properties": {}}, {"id": id, "properties": {}}]);
    let error = hub.post(&batch("update"), json!({ "inputs": twice })).await.expect(400);
    assert!(error["message"].as_str().unwrap().contains("Duplicate IDs"));

    // By input when that is switched on.
    hub.account.set_settings(|settings| settings.whole_batch_failures = false);
    let inputs = json!([{"properties": {"email": "p5@example.com"}, "objectWriteTraceId": "0"}, {"properties": {"email": "new@example.com"}, "objectWriteTraceId": "1"}]);
    let answer = hub.post(&batch("create"), json!({ "inputs": inputs })).await.expect(207);
    assert_eq!(answer["errors"][0]["category"], "CONFLICT");
    assert_eq!(answer["results"][0]["objectWriteTraceId"], "1");
}

#[tokio::test]
async fn upserts_by_a_unique_property() {
    let hub = hub(Settings::default()).await;
    let id = hub.account.create("contacts", json!({"email": "ada@example.com"}));
    let input = |email: &str| json!({"id": email, "idProperty": "email", "properties": {"lastname": "L"}});
    let answer = hub
        .post(
            &format!("{CONTACTS}/batch/upsert"),
            json!({"inputs": [input("ADA@example.com"), input("bob@example.com")]}),
        )
        .await
        .expect(200);
    assert_eq!((&answer["results"][0]["id"], &answer["results"][0]["new"]), (&json!(id), &json!(false)));
    assert_eq!(
        (&answer["results"][1]["properties"]["email"], &answer["results"][1]["new"]),
        (&json!("bob@example.com"), &json!(true))
    );
    let by_name = json!({"inputs": [{"id": "L", "idProperty": "lastname", "properties": {}}]});
    hub.post(&format!("{CONTACTS}/batch/upsert"), by_name).await.expect(400);
    hub.account.define_property("deals", &json!({"name": "number", "hasUniqueValue": true}));
    let deal = json!({"inputs": [{"id": "D1", "idProperty": "number", "properties": {"dealname": "D"}}]});
    for new in [true, false] {
        let answer = hub.post("/crm/v3/objects/deals/batch/upsert", deal.clone()).await.expect(200);
        assert_eq!(answer["results"][0]["new"], new);
    }
}

#[tokio::test]
async fn batch_read_names_what_is_missing_and_archive_names_nothing() {
    let hub = hub(Settings::default()).await;
    let created = hub.account.create_many("companies", 3, |n| json!({"name": n.to_string()}));
    let companies = "/crm/objects/2026-03/companies";
    hub.post(&format!("{companies}/batch/archive"), json!({"inputs": [{"id": created[1]}, {"id": "4"}]}))
        .await
        .expect(204);
    let inputs: Vec<Value> = created.iter().map(|id| json!({ "id": id })).collect();
    let body = json!({"inputs": inputs, "properties": ["name"]});
    let answer = hub.post(&format!("{companies}/batch/read"), body.clone()).await.expect(207);
    assert_eq!(ids(&answer), [created[0].as_str(), &created[2]]);
    assert_eq!(answer["errors"][0]["category"], "OBJECT_NOT_FOUND");
    assert_eq!(answer["errors"][0]["context"]["ids"], json!([created[1]]));
    let answer = hub.post(&format!("{companies}/batch/read?archived=true"), body).await.expect(207);
    assert_eq!(ids(&answer), [created[1].as_str()]);
}

#[tokio::test]
async fn a_merge_keeps_the_winner_and_the_losers_id_leads_to_it() {
    for mints in [false, true] {
        let hub = hub(Settings { merge_mints_id: mints, ..Settings::default() }).await;
        let winner = hub.account.create("contacts", json!({"email": "a@example.com", "firstname": "A"}));
        let loser = hub.account.create("contacts", json!({"email": "b@example.com", "firstname": "B", "phone": "1"}));
        let body = json!({"primaryObjectId": winner, "objectIdToMerge": loser});
        let merged = hub.post(&format!("{CONTACTS}/merge"), body).await.expect(200);
        let id = merged["id"].as_str().unwrap();
        assert_eq!(id != winner, mints);
        assert_eq!((&merged["properties"]["firstname"], &merged["properties"]["phone"]), (&json!("A"), &json!("1")));
        let swallowed = merged["properties"]["hs_merged_object_ids"].as_str().unwrap();
        assert_eq!(swallowed, if mints { format!("{loser};{winner}") } else { loser.clone() });
        assert!(merged["properties"]["hs_calculated_merged_vids"].as_str().unwrap().starts_with(&format!("{loser}:")));
        let read = hub.post(&format!("{CONTACTS}/batch/read"), json!({"inputs": [{"id": loser}]})).await.expect(200);
        assert_eq!(ids(&read), [id]);
        assert_eq!(hub.account.objects("contacts").len(), 1);
        assert!(hub.account.archived("contacts").contains_key(&loser));
        // The loser's address is free, the winner's isn't.
        hub.post(CONTACTS, json!({"properties": {"email": "a@example.com"}})).await.expect(409);
        hub.post(CONTACTS, json!({"properties": {"email": "b@example.com"}})).await.expect(201);
    }
}

#[tokio::test]
async fn what_is_removed_for_good_is_in_no_list() {
    let hub = hub(Settings::default()).await;
    let id = hub.account.create("contacts", json!({"email": "a@example.com"}));
    hub.post(&format!("{CONTACTS}/gdpr-delete"), json!({"objectId": "a@example.com", "idProperty": "email"}))
        .await
        .expect(204);
    assert!(hub.account.objects("contacts").is_empty() && hub.account.archived("contacts").is_empty());
    hub.get(&format!("{CONTACTS}/{id}?archived=true")).await.expect(404);
}

#[tokio::test]
async fn associations_go_both_ways() {
    let hub = hub(Settings::default()).await;
    let company = hub.account.create("companies", json!({"name": "Analytical Engines"}));
    let associations = json!([{"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]);
    let body = json!({"properties": {"email": "a@example.com"}, "associations": associations});
    let contact = hub.post(CONTACTS, body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let listed = hub.get("/crm/objects/2026-03/companies?associations=contacts").await.expect(200);
    assert_eq!(ids(&listed["results"][0]["associations"]["contacts"]), [contact.as_str()]);
    let path = |operation: &str| format!("/crm/associations/2026-03/contacts/companies/batch/{operation}");
    let read = hub.post(&path("read"), json!({"inputs": [{"id": contact}]})).await.expect(200);
    assert_eq!(
        read["results"][0]["to"][0],
        json!({"toObjectId": company, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null}]})
    );
    let read =
        hub.post("/crm/v4/associations/0-2/0-1/batch/read", json!({"inputs": [{"id": company}]})).await.expect(200);
    assert_eq!(read["results"][0]["to"][0]["associationTypes"][0]["typeId"], 280);
    hub.post(&path("archive"), json!({"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]}))
        .await
        .expect(200);
    hub.post(&path("read"), json!({"inputs": [{"id": contact}]})).await.expect(207);
    let pair = json!({"from": {"id": contact}, "to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]});
    hub.post(&path("create"), json!({"inputs": [pair]})).await.expect(201);
    let read = hub.get(&format!("/crm/v4/objects/contacts/{contact}/associations/companies")).await.expect(200);
    assert_eq!(read["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn properties_and_custom_types_are_defined_and_used() {
    let hub = hub(Settings::default()).await;
    let listed = hub.get("/crm/properties/2026-03/contacts").await.expect(200);
    let of = |name: &str| {
        listed["results"].as_array().unwrap().iter().find(|property| property["name"] == name).unwrap().clone()
    };
    assert_eq!(of("email")["hasUniqueValue"], true);
    assert_eq!(of("createdate")["modificationMetadata"]["readOnlyValue"], true);
    assert!(of("lifecyclestage")["options"].as_array().unwrap().iter().any(|option| option["value"] == "lead"));
    let definition = json!({"name": "shoe_size", "label": "Shoe size", "type": "number", "fieldType": "number", "groupName": "contactinformation"});
    hub.post("/crm/v3/properties/contacts", definition.clone()).await.expect(201);
    hub.post("/crm/v3/properties/contacts", definition).await.expect(409);
    hub.post(CONTACTS, json!({"properties": {"shoe_size": "38"}})).await.expect(201);

    let schema = json!({
        "name": "machine", "labels": {"singular": "Machine", "plural": "Machines"}, "requiredProperties": ["serial"], "primaryDisplayProperty": "serial",
        "properties": [{"name": "serial", "label": "Serial", "type": "string", "fieldType": "text", "hasUniqueValue": true}],
        "associatedObjects": [],
    });
    let schema = hub.post("/crm-object-schemas/2026-03/schemas", schema).await.expect(201);
    let type_id = schema["objectTypeId"].as_str().unwrap();
    assert!(type_id.starts_with("2-"));
    let path = format!("/crm/objects/2026-03/{type_id}");
    hub.post(&path, json!({"properties": {}})).await.expect(400);
    let made = hub.post(&path, json!({"properties": {"serial": "A1"}})).await.expect(201);
    for name in ["machine", "Machine", schema["fullyQualifiedName"].as_str().unwrap()] {
        assert_eq!(
            ids(&hub.get(&format!("/crm/objects/2026-03/{name}")).await.expect(200)),
            [made["id"].as_str().unwrap()]
        );
    }
    let schemas = hub.get("/crm/v3/schemas").await.expect(200);
    assert_eq!(schemas["results"].as_array().unwrap().len(), 1);
    assert_eq!(hub.account.define_type("gadget"), "2-50000002");
}
