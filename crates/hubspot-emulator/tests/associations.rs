//! Associations over HTTP: labels, pages, and what they do to objects: nothing.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use std::collections::BTreeMap;

use hubspot_emulator::{Account, Settings};
use serde_json::{Value, json};
use support::{Hub, hub, ids};

const READ: &str = "/crm/associations/2026-03/contacts/companies/batch/read";

fn contact(account: &Account) -> String {
    account.create("contacts", json!({"firstname": "Ada"}))
}

/// All pages of these objects, by id.
async fn read_all(hub: &Hub, path: &str, of: &[String]) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut inputs: Vec<Value> = of.iter().map(|id| json!({ "id": id })).collect();
    let mut pages = 0;
    while !inputs.is_empty() {
        pages += 1;
        assert!(pages < 100, "pages without end");
        let answer = hub.post(path, json!({ "inputs": inputs })).await;
        assert!([200, 207].contains(&answer.status), "{}", answer.text);
        inputs.clear();
        for result in answer.body["results"].as_array().unwrap() {
            let id = &result["from"]["id"];
            found.entry(id.as_str().unwrap().to_owned()).or_default().extend(result["to"].as_array().unwrap().clone());
            if let Some(after) = result["paging"]["next"]["after"].as_str() {
                inputs.push(json!({"id": id, "after": after}));
            }
        }
    }
    found
}

#[tokio::test]
async fn each_object_has_pages_of_its_own() {
    for opaque_cursors in [false, true] {
        let hub = hub(Settings { association_page: 3, opaque_cursors, ..Settings::default() }).await;
        let account = &hub.account;
        let companies = account.create_many("companies", 8, |n| json!({"name": n.to_string()}));
        let contacts: Vec<String> = (0..3).map(|_| contact(account)).collect();
        for (n, contact) in contacts.iter().enumerate() {
            for company in &companies[..n * 4] {
                account.associate("contacts", contact, "companies", company, None);
            }
        }
        let first = hub.post(READ, json!({"inputs": [{"id": contacts[0]}, {"id": contacts[2]}, {"id": "5"}]})).await;
        let first = first.expect(207);
        assert_eq!(first["results"][0]["to"].as_array().unwrap().len(), 3);
        let missing: Vec<&Value> =
            first["errors"].as_array().unwrap().iter().map(|error| &error["context"]["fromObjectId"][0]).collect();
        assert_eq!(missing, [&json!(contacts[0]), &json!("5")]);

        let truth = account.associations("contacts", "companies");
        assert_eq!(truth[&contacts[2]].len(), 8);
        assert_eq!(read_all(&hub, READ, &contacts).await, truth);
        assert_eq!(read_all(&hub, "/crm/v4/associations/0-1/company/batch/read", &contacts).await, truth);

        // In a list the first page is inline.
        let listed = hub.get("/crm/objects/2026-03/contacts?associations=companies,nonsense").await.expect(200);
        let inline = &listed["results"][2]["associations"]["companies"];
        assert_eq!(ids(inline), companies[..3]);
        let after = inline["paging"]["next"]["after"].as_str().unwrap();
        let path = format!("/crm/objects/2026-03/contacts/{}/associations/companies?after={after}", contacts[2]);
        let next = hub.get(&path).await.expect(200);
        assert_eq!(next["results"][0]["toObjectId"], json!(companies[3]));
        if opaque_cursors {
            let bare = json!({"inputs": [{"id": contacts[2], "after": companies[2]}]});
            hub.post(READ, bare).await.expect(400);
        }
    }
    let hub = hub(Settings::default()).await;
    let inputs: Vec<Value> = (0..1_001).map(|n| json!({"id": n.to_string()})).collect();
    hub.post(READ, json!({"inputs": inputs[..1_000]})).await.expect(207);
    hub.post(READ, json!({ "inputs": inputs })).await.expect(400);
}

#[tokio::test]
async fn labels_come_and_go_and_move_no_changed_time() {
    let hub = hub(Settings::default()).await;
    let account = &hub.account;
    let (ada, company) = (contact(account), account.create("companies", json!({"name": "Engines"})));
    let before = (account.objects("contacts"), account.objects("companies"));
    hub.emulator.advance(chrono::TimeDelta::seconds(5));
    let kinds = |from: &str, to: &str, id: &str| -> Vec<(String, u64, Value)> {
        account
            .associations(from, to)
            .get(id)
            .into_iter()
            .flat_map(|links| links[0]["associationTypes"].as_array().unwrap().clone())
            .map(|kind| {
                let category = kind["category"].as_str().unwrap().to_owned();
                (category, kind["typeId"].as_u64().unwrap(), kind["label"].clone())
            })
            .collect()
    };
    let own = |id, label: Value| ("HUBSPOT_DEFINED".to_owned(), id, label);
    account.associate("contacts", &ada, "companies", &company, Some("Primary"));
    assert_eq!(kinds("contacts", "companies", &ada), [own(279, Value::Null), own(1, json!("Primary"))]);
    assert_eq!(kinds("companies", "contacts", &company), [own(280, Value::Null), own(2, json!("Primary"))]);
    account.associate("companies", &company, "contacts", &ada, Some("Adviser"));
    // A label has an id for each direction.
    assert_eq!(kinds("companies", "contacts", &company)[2], ("USER_DEFINED".to_owned(), 1, json!("Adviser")));
    assert_eq!(kinds("contacts", "companies", &ada)[2], ("USER_DEFINED".to_owned(), 2, json!("Adviser")));

    let pair = json!({"from": {"id": ada}, "to": {"id": company}, "types": [
        {"associationCategory": "USER_DEFINED", "associationTypeId": 2}, {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1},
    ]});
    let path = "/crm/associations/2026-03/contacts/companies/batch";
    hub.post(&format!("{path}/labels/archive"), json!({"inputs": [pair]})).await.expect(200);
    assert_eq!(kinds("companies", "contacts", &company), [own(280, Value::Null)]);
    assert_eq!((account.objects("contacts"), account.objects("companies")), before, "no object was touched");

    // A new object can have a label of the account's.
    let kinds_of_new = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": 2}]);
    let body = json!({"properties": {}, "associations": [{"to": {"id": company}, "types": kinds_of_new}]});
    let new = hub.post("/crm/objects/2026-03/contacts", body).await.expect(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(kinds("contacts", "companies", &new)[1].2, "Adviser");
    account.gdpr_delete("contacts", &new);

    account.dissociate("companies", &company, "contacts", &ada);
    assert!(account.associations("contacts", "companies").is_empty());
    let pair = json!({"from": {"id": ada}, "to": {"id": company}});
    let made = hub.post(&format!("{path}/associate/default"), json!({"inputs": [pair]})).await.expect(200);
    assert_eq!(made["results"][0]["associationSpec"]["associationTypeId"], 279);
    assert_eq!(kinds("contacts", "companies", &ada), [own(279, Value::Null)]);
}

fn spec(category: &str, id: u32) -> Value {
    json!({"associationCategory": category, "associationTypeId": id})
}

#[tokio::test]
async fn labels_are_listed_for_each_direction_and_written_by_their_ids() {
    let hub = hub(Settings::default()).await;
    let account = &hub.account;
    let [boss, report] = account.define_label("contacts", "contacts", "Manager", Some("Employee"));
    let [adviser, _] = account.define_label("contacts", "companies", "Adviser", None);
    let listed = hub.get("/crm/associations/2026-03/contacts/companies/labels").await.expect(200);
    assert_eq!(
        listed["results"],
        json!([
            {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null},
            {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
            {"category": "USER_DEFINED", "typeId": adviser, "label": "Adviser"},
        ])
    );
    let listed = hub.get("/crm/v4/associations/0-1/0-1/labels").await.expect(200);
    assert_eq!(
        listed["results"],
        json!([
            {"category": "HUBSPOT_DEFINED", "typeId": 449, "label": null},
            {"category": "USER_DEFINED", "typeId": boss, "label": "Manager"},
            {"category": "USER_DEFINED", "typeId": report, "label": "Employee"},
        ])
    );
    hub.post("/crm/associations/2026-03/contacts/companies/labels", json!({})).await.expect(405);
    hub.get("/crm/associations/2026-03/contacts/ghosts/labels").await.expect(400);

    let (ada, bob) = (contact(account), contact(account));
    let path = "/crm/associations/2026-03/contacts/contacts/batch/create";
    let pair = json!({"from": {"id": ada}, "to": {"id": bob}, "types": [spec("USER_DEFINED", boss)]});
    let made = hub.post(path, json!({"inputs": [pair.clone()]})).await.expect(201);
    assert_eq!((&made["results"][0]["labels"], &made["results"][0]["toObjectId"]), (&json!(["Manager"]), &json!(bob)));
    // Twice is once.
    hub.post(path, json!({"inputs": [pair]})).await.expect(201);
    let links = account.associations("contacts", "contacts");
    let labels = |id: &str| {
        let kinds = links[id][0]["associationTypes"].as_array().unwrap();
        kinds.iter().map(|kind| kind["label"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(labels(&ada), [Value::Null, json!("Manager")]);
    assert_eq!(labels(&bob), [Value::Null, json!("Employee")]);
}

#[tokio::test]
async fn what_is_wrong_with_a_pair_is_its_own_error() {
    let hub = hub(Settings::default()).await;
    let account = &hub.account;
    let (ada, company) = (contact(account), account.create("companies", json!({"name": "A"})));
    let pair = |to: &str, kind| json!({"from": {"id": ada}, "to": {"id": to}, "types": [kind]});
    let inputs = json!([
        pair(&company, spec("HUBSPOT_DEFINED", 280)),
        pair("5", spec("HUBSPOT_DEFINED", 279)),
        pair(&company, spec("HUBSPOT_DEFINED", 1)),
        pair(&company, spec("USER_DEFINED", 1)),
    ]);
    let path = "/crm/associations/2026-03/contacts/companies/batch";
    let answer = hub.post(&format!("{path}/create"), json!({ "inputs": inputs })).await.expect(207);
    assert_eq!((answer["results"].as_array().unwrap().len(), &answer["numErrors"]), (1, &json!(3)));
    let named: Vec<(&Value, &Value)> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (&error["category"], &error["context"]["toObjectId"][0]))
        .collect();
    let (invalid, company) = (json!("VALIDATION_ERROR"), json!(company));
    assert_eq!(
        named,
        [(&invalid, &company), (&json!("OBJECT_NOT_FOUND"), &json!("5")), (&invalid, &company)],
        "the other direction, nobody there, no such label"
    );
    assert_eq!(answer["errors"][0]["subCategory"], "crm.associations.INVALID_ASSOCIATION_TYPE");
    account.set_settings(|settings| settings.association_errors_name_pairs = false);
    let answer = hub.post(&format!("{path}/create"), json!({ "inputs": inputs })).await.expect(207);
    assert_eq!(
        answer["errors"][0]["context"],
        json!({"type": ["280"], "fromObjectType": ["0-1"], "toObjectType": ["0-2"]})
    );
    // Without the unlabelled association there is none.
    let unlabelled = pair(company.as_str().unwrap(), spec("HUBSPOT_DEFINED", 279));
    hub.post(&format!("{path}/labels/archive"), json!({"inputs": [unlabelled]})).await.expect(200);
    assert!(account.associations("contacts", "companies").is_empty());
}

#[tokio::test]
async fn a_custom_type_has_association_types_of_its_own() {
    let hub = hub(Settings::default()).await;
    let machine = hub.account.define_type("machine");
    let of = |from: &str, to: &str| format!("/crm/associations/2026-03/{from}/{to}/labels");
    let there = hub.get(&of("machine", "contacts")).await.expect(200)["results"][0].clone();
    let back = hub.get(&of("0-1", &machine)).await.expect(200)["results"][0].clone();
    assert_eq!((&there["category"], &there["label"]), (&json!("USER_DEFINED"), &Value::Null));
    assert_ne!(there["typeId"], back["typeId"]);
    let ada = contact(&hub.account);
    let kind = json!([{"associationCategory": there["category"], "associationTypeId": there["typeId"]}]);
    let body = json!({"properties": {}, "associations": [{"to": {"id": ada}, "types": kind}]});
    let made = hub.post(&format!("/crm/objects/2026-03/{machine}"), body).await.expect(201);
    let links = hub.account.associations("contacts", "machine");
    assert_eq!(links[&ada][0]["toObjectId"], made["id"]);
    assert_eq!(links[&ada][0]["associationTypes"][0]["typeId"], back["typeId"]);
}

#[tokio::test]
async fn they_go_with_an_object_and_come_back_with_it() {
    let hub = hub(Settings::default()).await;
    let account = &hub.account;
    let companies = account.create_many("companies", 2, |n| json!({"name": n.to_string()}));
    let (ada, bob) = (contact(account), contact(account));
    account.associate("contacts", &ada, "companies", &companies[0], None);
    account.associate("contacts", &bob, "companies", &companies[1], Some("Adviser"));
    let count = || account.associations("contacts", "companies").get(&ada).map_or(0, Vec::len);

    account.archive("companies", &companies[0]);
    assert_eq!(count(), 0);
    account.restore("companies", &companies[0]);
    assert_eq!(count(), 1);
    account.merge("contacts", &ada, &bob);
    assert_eq!(count(), 2);
    assert_eq!(account.associations("companies", "contacts")[&companies[1]][0]["toObjectId"], json!(ada));
    account.archive("companies", &companies[0]);
    account.purge("companies", &companies[0]);
    assert_eq!(count(), 1);
    account.gdpr_delete("contacts", &ada);
    assert!(account.associations("companies", "contacts").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reading_across_types_and_writing_to_both_wait_for_each_other_and_never_for_ever() {
    let hub = std::sync::Arc::new(hub(Settings::default()).await);
    let companies = hub.account.create_many("companies", 20, |n| json!({"name": n.to_string()}));
    for company in &companies {
        hub.account.associate("contacts", &contact(&hub.account), "companies", company, None);
    }
    let readers = [("contacts", "companies"), ("companies", "contacts")].map(|(from, to)| {
        let hub = std::sync::Arc::clone(&hub);
        tokio::spawn(async move {
            for _ in 0..200 {
                let listed =
                    hub.get(&format!("/crm/objects/2026-03/{from}?associations={to},{from}")).await.expect(200);
                assert_eq!(ids(&listed["results"][0]["associations"][to]).len(), 1);
            }
        })
    });
    let writers = ["contacts", "companies"].map(|object_type| {
        let account = hub.account.clone();
        tokio::task::spawn_blocking(move || {
            for n in 0..2_000 {
                let id = account.create(object_type, json!({"city": n.to_string()}));
                account.archive(object_type, &id);
            }
        })
    });
    let all = async {
        for task in readers {
            task.await.unwrap();
        }
        for task in writers {
            task.await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(2), all).await.unwrap();
}
