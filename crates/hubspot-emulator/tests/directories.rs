//! Owners, pipelines and stages over HTTP.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use hubspot_emulator::Settings;
use serde_json::{Value, json};
use support::{hub, ids};

const OWNERS: &str = "/crm/owners/2026-03";
const DEALS: &str = "/crm/pipelines/2026-03/deals";

#[tokio::test]
async fn owners_are_listed_in_pages_and_the_archived_apart() {
    for opaque_cursors in [false, true] {
        let hub = hub(Settings { opaque_cursors, ..Settings::default() }).await;
        let email =
            |n: usize| json!({"email": format!("o{n}@example.com"), "firstName": "O", "lastName": n.to_string()});
        let created = hub.account.create_many("owners", 7, email);
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = hub.get(&format!("{OWNERS}?limit=3{after}")).await.expect(200);
            seen.extend(ids(&page));
            assert!(seen.len() <= created.len(), "pages without end");
            let Some(next) = page["paging"]["next"]["after"].as_str() else { break };
            assert_eq!(next.parse::<u64>().is_err(), opaque_cursors);
            after = format!("&after={next}");
        }
        assert_eq!(seen, created);

        hub.account.archive("owners", &created[2]);
        hub.account.update("owners", &created[3], json!({"lastName": "New"}));
        let listed = hub.get("/crm/v3/owners?limit=500").await.expect(200);
        assert_eq!(listed["results"].as_array().unwrap().len(), 6);
        assert_eq!(json!(hub.account.objects("owners").values().collect::<Vec<_>>()), listed["results"]);
        let archived = hub.get(&format!("{OWNERS}?archived=true")).await.expect(200);
        assert_eq!(ids(&archived), [created[2].as_str()]);
        let gone = &archived["results"][0];
        assert_eq!((gone["archived"].as_bool(), gone.get("archivedAt"), gone.get("userId")), (Some(true), None, None));
        assert!(gone["userIdIncludingInactive"].is_u64());

        let one = hub.get(&format!("{OWNERS}/{}", created[3])).await.expect(200);
        assert_eq!(one["lastName"], "New");
        let user = one["userId"].to_string();
        let by_user = hub.get(&format!("{OWNERS}/{user}?idProperty=userId")).await.expect(200);
        assert_eq!(by_user, one);
        hub.get(&format!("{OWNERS}/{}", created[2])).await.expect(404);
        let by_email = hub.get(&format!("{OWNERS}?email=O3@example.com")).await.expect(200);
        assert_eq!(ids(&by_email), [created[3].as_str()]);
        hub.get(&format!("{OWNERS}?limit=501")).await.expect(400);

        hub.account.restore("owners", &created[2]);
        assert_eq!(hub.account.count("owners"), 7);
        assert!(hub.account.archived("owners").is_empty());
        hub.account.set_scopes(Some(vec!["crm.objects.contacts.read"]));
        let refused = hub.get(OWNERS).await.expect(403);
        assert_eq!(refused["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.owners.read"]));
    }
}

#[tokio::test]
async fn pipelines_are_there_and_change() {
    let hub = hub(Settings::default()).await;
    let listed = hub.get(DEALS).await.expect(200);
    assert_eq!(ids(&listed), ["default"]);
    let stages: Vec<&str> = listed["results"][0]["stages"].as_array().unwrap().iter().map(id).collect();
    assert_eq!((stages.len(), stages[0], stages[6]), (7, "appointmentscheduled", "closedlost"));
    assert_eq!(ids(&hub.get("/crm/v3/pipelines/0-5").await.expect(200)), ["0"]);
    assert_eq!(hub.get("/crm/v3/pipelines/leads").await.expect(200), json!({"results": []}));

    let stage = json!({"label": "First", "displayOrder": 0, "metadata": {"probability": "0.1"}});
    let body = json!({"label": "Renewals", "displayOrder": 1, "stages": [stage]});
    let made = hub.post(DEALS, body.clone()).await.expect(201);
    let path = format!("{DEALS}/{}", id(&made));
    assert_eq!(hub.get(&path).await.expect(200), made);
    hub.post(DEALS, json!({"label": "No stages", "displayOrder": 1})).await.expect(400);
    let last = json!({"label": "Last", "displayOrder": 1, "metadata": {"probability": 1.0}});
    let last = hub.post(&format!("{path}/stages"), last).await.expect(201);
    assert_eq!(last["metadata"], json!({"isClosed": "true", "probability": "1.0"}));
    let sure = json!({"label": "Sure", "displayOrder": 2, "metadata": {"probability": "2"}});
    hub.post(&format!("{path}/stages"), sure).await.expect(400);

    // What a deal can be follows.
    let deal = json!({"properties": {"dealname": "D", "pipeline": id(&made), "dealstage": id(&last)}});
    hub.post("/crm/objects/2026-03/deals", deal.clone()).await.expect(201);

    let of_last = format!("{path}/stages/{}", id(&last));
    let renamed = hub.patch(&of_last, json!({"label": "Won", "metadata": {}})).await.expect(200);
    assert_eq!((&renamed["label"], &renamed["metadata"]["probability"]), (&json!("Won"), &json!("1.0")));
    hub.delete(&of_last).await.expect(204);
    hub.get(&of_last).await.expect(404);
    assert_eq!(hub.get(&format!("{path}/stages")).await.expect(200)["results"].as_array().unwrap().len(), 1);
    assert_eq!(hub.get(&path).await.expect(200)["stages"].as_array().unwrap().len(), 1);
    hub.post("/crm/objects/2026-03/deals", deal).await.expect(400);
    hub.patch(&of_last, json!({"archived": false, "metadata": {}})).await.expect(200);

    hub.patch(&path, json!({"label": "Old"})).await.expect(200);
    hub.delete(&path).await.expect(204);
    hub.get(&path).await.expect(404);
    assert_eq!(ids(&hub.get(DEALS).await.expect(200)), ["default"]);

    hub.account.set_scopes(Some(vec!["crm.objects.contacts.read", "crm.schemas.deals.read"]));
    hub.get(DEALS).await.expect(200);
    hub.delete(DEALS).await.expect(403);
    let refused = hub.get("/crm/pipelines/2026-03/tickets").await.expect(403);
    assert_eq!(refused["errors"][0]["context"]["requiredGranularScopes"], json!(["tickets"]));
}

#[tokio::test]
async fn the_handle_changes_pipelines_and_stages_and_knows_the_truth() {
    let hub = hub(Settings::default()).await;
    let account = &hub.account;
    let pipeline = account.create("pipelines/deals", json!({"label": "Renewals", "pipelineId": "renewals"}));
    let stage = account.create("stages/deals", json!({"pipelineId": pipeline, "label": "First"}));
    account.update("stages/deals", &stage, json!({"label": "Opened"}));
    account.update("pipelines/deals", "default", json!({"displayOrder": 5}));

    let listed = hub.get(DEALS).await.expect(200);
    assert_eq!(ids(&listed), ["renewals", "default"]);
    let of = |objects: std::collections::BTreeMap<String, Value>, id: &str| objects[id].clone();
    assert_eq!(of(account.objects("pipelines/deals"), "renewals"), listed["results"][0]);
    let mut shown = listed["results"][0]["stages"][0].clone();
    assert_eq!(shown["label"], "Opened");
    shown["pipelineId"] = json!("renewals");
    assert_eq!(of(account.objects("stages/deals"), &stage), shown);
    assert_eq!(account.count("stages/deals"), 8);

    account.archive("stages/deals", &stage);
    assert!(account.archived("stages/deals").contains_key(&stage));
    account.restore("stages/deals", &stage);
    account.archive("pipelines/deals", "renewals");
    assert_eq!(account.count("stages/deals"), 7);
    assert_eq!(ids(&hub.get(DEALS).await.expect(200)), ["default"]);
    account.restore("pipelines/deals", "renewals");
    assert_eq!(account.count("stages/deals"), 8);

    // Custom types have some as well, once they are made.
    let machines = account.define_object(&json!({"name": "machine"}));
    account.create(&format!("pipelines/{machines}"), json!({"label": "Life", "stages": [{"label": "New"}]}));
    let listed = hub.get("/crm/pipelines/2026-03/machine").await.expect(200);
    assert_eq!(listed["results"][0]["stages"][0]["label"], "New");
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}
