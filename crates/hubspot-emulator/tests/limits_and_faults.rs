//! Limits, faults, tokens, scopes, the clock and the admin API, over HTTP.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use hubspot_emulator::{Fault, FaultRule, Limits, OAuthApp, Policy, Settings};
use serde_json::{Value, json};
use support::{TOKEN, client, hub};

const LIST: &str = "/crm/objects/2026-03/contacts";
const SEARCH: &str = "/crm/objects/2026-03/contacts/search";

#[tokio::test]
async fn limits_answer_by_policy_and_the_window_rolls() {
    let limits = Limits::TenSecondly { per_10s: 20, search_per_s: 5, daily: 60 };
    // At noon, so that the day doesn't end meanwhile.
    let noon = Utc::now().date_naive().and_hms_opt(12, 0, 0).unwrap().and_utc();
    let hub = hub(Settings { limits, clock_offset: noon - Utc::now(), ..Settings::default() }).await;
    // And the clock stands still: no machine is too slow for this.
    hub.emulator.advance(TimeDelta::hours(-1));
    for left in (0..20).rev() {
        let answer = hub.get(LIST).await;
        assert_eq!(answer.header("x-hubspot-ratelimit-max"), Some("20"));
        assert_eq!(answer.header("x-hubspot-ratelimit-remaining"), Some(left.to_string().as_str()));
        assert_eq!(answer.header("x-hubspot-ratelimit-interval-milliseconds"), Some("10000"));
    }
    let body = hub.get(LIST).await.expect(429);
    assert_eq!(
        (&body["policyName"], &body["errorType"], body.get("category")),
        (&json!("TEN_SECONDLY_ROLLING"), &json!("RATE_LIMIT"), None)
    );
    // Search has a window of its own, and no headers.
    let answer = hub.post(SEARCH, json!({})).await;
    assert_eq!((answer.status, answer.header("x-hubspot-ratelimit-max")), (200, None));
    for _ in 0..4 {
        hub.post(SEARCH, json!({})).await.expect(200);
    }
    assert_eq!(hub.post(SEARCH, json!({})).await.expect(429)["policyName"], "SECONDLY");
    hub.emulator.advance(TimeDelta::hours(1) + TimeDelta::seconds(11));
    for _ in 0..40 {
        hub.emulator.advance(TimeDelta::seconds(1));
        if hub.get(LIST).await.status == 429 {
            break;
        }
    }
    assert_eq!(hub.get(LIST).await.expect(429)["policyName"], "DAILY");
    let usage = hub.get("/account-info/2026-03/details").await.expect(429);
    assert_eq!(usage["policyName"], "DAILY");
    hub.emulator.advance(TimeDelta::days(1));
    let usage = hub.get("/account-info/2026-03/api-usage/daily/private-apps").await.expect(200);
    assert_eq!((&usage["results"][0]["currentUsage"], &usage["results"][0]["usageLimit"]), (&json!(1), &json!(60)));
    let counters = hub.account.counters();
    assert_eq!(counters.peak_in_window, 20);
    assert!(counters.peak_searches_per_second == 5 && counters.rate_limited >= 4, "{counters:?}");
    // The other account has limits of its own.
    let other = hub.with_token("token-b");
    other.get(LIST).await.expect(200);
}

#[tokio::test]
async fn faults_come_on_demand() {
    let hub = hub(Settings::default()).await;
    let create = |n: usize| json!({"properties": {"email": format!("p{n}@example.com")}});
    let fail = |fault| hub.account.fail_next(fault, 1);

    fail(Fault::ServerError { status: 502, html: true });
    let answer = hub.post(LIST, create(0)).await;
    assert_eq!((answer.status, answer.header("content-type")), (502, Some("text/html; charset=UTF-8")));
    fail(Fault::ServerError { status: 503, html: false });
    assert_eq!(hub.get(LIST).await.expect(503)["status"], "error");
    fail(Fault::RateLimited { policy: Policy::Daily, retry_after: Some(Duration::from_secs(7)) });
    let answer = hub.get(LIST).await;
    assert_eq!(
        (answer.status, answer.header("retry-after"), &answer.body["policyName"]),
        (429, Some("7"), &json!("DAILY"))
    );
    fail(Fault::Locked423);
    hub.get(LIST).await.expect(423);
    fail(Fault::Migrating477);
    assert_eq!(hub.get(LIST).await.header("retry-after"), Some("1"));
    fail(Fault::Html200);
    assert!(hub.get(LIST).await.text.starts_with("<!DOCTYPE html>"));
    fail(Fault::Reset);
    assert!(hub.try_call("POST", LIST, Some(&create(1))).await.is_err());
    assert_eq!(hub.account.count("contacts"), 0);

    // These are done all the same.
    fail(Fault::LostReply);
    assert!(hub.try_call("POST", LIST, Some(&create(2))).await.is_err());
    fail(Fault::CutBody);
    assert!(hub.try_call("POST", LIST, Some(&create(3))).await.is_err());
    assert_eq!(hub.account.count("contacts"), 2);
    fail(Fault::Slow(Duration::from_millis(80)));
    let asked = Instant::now();
    hub.get(LIST).await.expect(200);
    assert!(asked.elapsed() >= Duration::from_millis(80));

    let rule = FaultRule {
        method: Some("POST".into()),
        path_contains: "/search".into(),
        fault: Fault::Reset,
        times: u32::MAX,
    };
    hub.account.fail_matching(rule);
    hub.get(LIST).await.expect(200);
    assert!(hub.try_call("POST", SEARCH, Some(&json!({}))).await.is_err());
    hub.account.clear_faults();
    hub.post(SEARCH, json!({})).await.expect(200);
    assert_eq!(hub.account.counters().faults, 11);
}

#[tokio::test]
async fn tokens_scopes_and_addresses_are_checked() {
    let mut hub = hub(Settings::default()).await;
    hub.account.set_scopes(Some(vec!["crm.objects.contacts.read"]));
    hub.get(LIST).await.expect(200);
    let error = hub.post(LIST, json!({"properties": {}})).await.expect(403);
    assert_eq!(error["category"], "MISSING_SCOPES");
    assert_eq!(error["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.write"]));
    hub.get("/cms/v3/blogs/posts").await.expect(403);
    hub.account.set_scopes(None);
    let long = format!("{LIST}?properties={}", "x".repeat(17_000));
    hub.get(&long).await.expect(414);

    let app = OAuthApp { client_id: "c".into(), client_secret: "s".into(), refresh_token: "r".into() };
    hub.emulator.install_app(TOKEN, app);
    let refresh = async |secret: &str| {
        let form =
            [("grant_type", "refresh_token"), ("client_id", "c"), ("client_secret", secret), ("refresh_token", "r")];
        let response =
            client().post(format!("{}/oauth/2026-03/token", hub.emulator.url())).form(&form).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(refresh("wrong").await.0, 400);
    let (status, granted) = refresh("s").await;
    assert_eq!((status, &granted["expires_in"]), (200, &json!(1_800)));
    hub.account.revoke_token();
    assert_eq!(hub.get(LIST).await.expect(401)["category"], "INVALID_AUTHENTICATION");
    granted["access_token"].as_str().unwrap().clone_into(&mut hub.token);
    hub.get(LIST).await.expect(200);
    hub.emulator.advance(TimeDelta::minutes(31));
    assert_eq!(hub.get(LIST).await.expect(401)["category"], "EXPIRED_AUTHENTICATION");
    hub.token = "nobody".to_owned();
    assert_eq!(hub.get(LIST).await.expect(401)["category"], "INVALID_AUTHENTICATION");
}

#[tokio::test]
async fn answers_carry_the_emulated_date_and_take_the_latency() {
    let hub = hub(Settings {
        clock_offset: TimeDelta::days(-400),
        latency: Duration::from_millis(60),
        ..Settings::default()
    })
    .await;
    let asked = Instant::now();
    let answer = hub.get(LIST).await;
    assert!(asked.elapsed() >= Duration::from_millis(60));
    let date = DateTime::parse_from_rfc2822(answer.header("date").unwrap()).unwrap();
    let behind = (Utc::now() - date.to_utc()).num_days();
    assert!((399..=400).contains(&behind), "{behind}");
    let id = hub.account.create("contacts", json!({}));
    let created = hub.account.objects("contacts")[&id]["createdAt"].as_str().unwrap().to_owned();
    assert_eq!((Utc::now() - DateTime::parse_from_rfc3339(&created).unwrap().to_utc()).num_days(), 400);
}

#[tokio::test]
async fn the_admin_api_does_what_the_handle_does() {
    let hub = hub(Settings::default()).await;
    let admin = |path: &str| format!("/_emulator/{path}?token=token-b");
    let seeded = hub.post(&admin("seed"), json!({"resource": "contacts", "count": 3, "first": 1, "fields": {"email": "p{n}@example.com"}, "tied": true})).await.expect(201);
    let id = seeded["ids"][0].as_str().unwrap();
    let action = |action: &str, more: Value| {
        let mut body = json!({"action": action, "resource": "contacts", "id": id});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    hub.post(&admin("objects"), action("update", json!({"fields": {"firstname": "A"}}))).await.expect(200);
    hub.post(&admin("objects"), action("merge", json!({"loser": seeded["ids"][1]}))).await.expect(200);
    let truth = hub.get(&format!("{}&resource=contacts", admin("truth"))).await.expect(200);
    assert_eq!((truth.as_object().unwrap().len(), &truth[id]["properties"]["email"]), (2, &json!("p1@example.com")));
    hub.post(&admin("objects"), action("archive", json!({}))).await.expect(200);
    let archived = hub.get(&format!("{}&resource=contacts&archived=true", admin("truth"))).await.expect(200);
    assert_eq!(archived.as_object().unwrap().len(), 2);
    hub.post(&admin("objects"), action("restore", json!({}))).await.expect(200);
    hub.post(&admin("objects"), action("explode", json!({}))).await.expect(400);

    let wanted = json!({"limits": "pro", "indexLagMs": [10, 20], "latencyMs": 1, "idsInOrder": false, "faultRates": {"reset": 0.5}});
    let settings = hub.post(&admin("settings"), wanted).await.expect(200);
    assert_eq!(settings, hub.get(&admin("settings")).await.expect(200));
    let account = hub.emulator.account("token-b");
    assert_eq!((account.settings().limits, account.settings().fault_rates.reset), (Limits::PRO, 0.5));
    hub.post(&admin("settings"), json!({"colour": "red"})).await.expect(400);
    hub.post(&admin("settings"), json!({"faultRates": {"reset": 0.0}})).await.expect(200);
    hub.post(&admin("faults"), json!({"fault": "serverError", "status": 504, "times": 1, "pathContains": "contacts"}))
        .await
        .expect(204);
    let other = hub.with_token("token-b");
    other.get(LIST).await.expect(504);
    other.get(LIST).await.expect(200);
    let counters = other.get(&admin("counters")).await.expect(200);
    assert_eq!((&counters["requests"], &counters["byEndpoint"][format!("GET {LIST}")]), (&json!(2), &json!(2)));
    other.get("/_emulator/truth?token=nobody").await.expect(400);
}

#[tokio::test]
async fn the_admin_api_changes_what_moves_no_time_and_what_is_no_object() {
    let hub = hub(Settings::default()).await;
    let admin = |path: &str| format!("/_emulator/{path}?token={}", hub.token);
    let action = async |body: Value, status| hub.post(&admin("objects"), body).await.expect(status)["id"].clone();
    let truth = async |resource: &str, more: &str| {
        hub.get(&format!("{}&resource={resource}{more}", admin("truth"))).await.expect(200)
    };

    let create = |resource: &str, fields: Value| json!({"action": "create", "resource": resource, "fields": fields});
    let contact = action(create("contacts", json!({"email": "a@example.com"})), 200).await;
    let company = action(create("companies", json!({"name": "A"})), 200).await;
    let owner = action(create("owners", json!({"email": "o@example.com"})), 200).await;
    let stage = action(create("stages/deals", json!({"pipelineId": "default", "label": "New"})), 200).await;

    let before = truth("contacts", "").await;
    let fields = json!({"num_associated_deals": 2});
    let recalculate = json!({"action": "recalculate", "resource": "contacts", "id": contact, "fields": fields});
    action(recalculate, 200).await;
    let pair = json!({"resource": "contacts", "id": contact, "toResource": "companies", "toId": company});
    let with = |action: &str| {
        let mut body = pair.clone();
        body["action"] = json!(action);
        body["label"] = json!("Adviser");
        body
    };
    action(with("associate"), 200).await;
    let associations = format!("{}&from=contacts&to=companies", admin("associations"));
    let linked = hub.get(&associations).await.expect(200);
    let contact_id = contact.as_str().unwrap();
    assert_eq!(linked[contact_id][0]["associationTypes"][1]["label"], "Adviser");
    let after = truth("contacts", "").await;
    assert_eq!(after[contact_id]["properties"]["num_associated_deals"], "2");
    assert_eq!(after[contact_id]["updatedAt"], before[contact_id]["updatedAt"]);
    action(with("dissociate"), 200).await;
    assert_eq!(hub.get(&associations).await.expect(200), json!({}));

    action(json!({"action": "archive", "resource": "owners", "id": owner}), 200).await;
    assert_eq!(truth("owners", "&archived=true").await[owner.as_str().unwrap()]["archived"], true);
    action(json!({"action": "archive", "resource": "stages/deals", "id": stage}), 200).await;
    assert_eq!(truth("stages/deals", "").await.as_object().unwrap().len(), 7);

    action(json!({"action": "purge", "resource": "companies", "id": company}), 404).await;
    action(json!({"action": "archive", "resource": "companies", "id": company}), 200).await;
    action(json!({"action": "purge", "resource": "companies", "id": company}), 200).await;
    assert_eq!(truth("companies", "&archived=true").await, json!({}));
    action(json!({"action": "gdprDelete", "resource": "companies", "id": company}), 404).await;
    action(json!({"action": "gdprDelete", "resource": "contacts", "id": contact}), 200).await;
    assert_eq!(truth("contacts", "").await, json!({}));

    let types = json!({"name": "car", "labels": {"singular": "Car", "plural": "Cars"}});
    let made = hub.post(&admin("types"), types).await.expect(201);
    let define = json!({"action": "define", "resource": "cars", "definition": {"name": "doors", "type": "number"}});
    hub.post(&admin("properties"), define).await.expect(201);
    let path = format!("/crm/properties/2026-03/{}/doors", made["objectTypeId"].as_str().unwrap());
    assert_eq!(hub.get(&path).await.expect(200)["type"], "number");
    let remove = json!({"action": "remove", "resource": "cars", "name": "doors"});
    hub.post(&admin("properties"), remove).await.expect(204);
    hub.get(&path).await.expect(404);

    let wanted = json!({"associationPage": 3, "history": false, "unknownPropertiesFail": true, "opaqueCursors": true, "searchNoise": 0.25});
    let settings = hub.post(&admin("settings"), wanted.clone()).await.expect(200);
    for (name, value) in wanted.as_object().unwrap() {
        assert_eq!(&settings[name], value);
    }
    hub.post(&admin("settings"), json!({"associationPage": 0})).await.expect(400);
    hub.post(&admin("settings"), json!({"searchNoise": 2})).await.expect(400);
}
