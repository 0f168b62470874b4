//! Search over HTTP: filters, the one sort, offsets, and an index that lags.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use hubspot_emulator::Settings;
use serde_json::{Value, json};
use support::{Hub, hub, ids};

const SEARCH: &str = "/crm/objects/2026-03/companies/search";

async fn search(hub: &Hub, body: Value) -> Value {
    hub.post(SEARCH, body).await.expect(200)
}

fn filters(filters: &Value) -> Value {
    json!({"filterGroups": [{"filters": filters}], "limit": 200})
}

#[tokio::test]
async fn filters_sorts_and_pages() {
    let hub = hub(Settings::default()).await;
    let names = ["Acme Tools", "Bolt & Nut", "Cogs", "Dials"];
    let created: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            hub.account.create(
                "companies",
                json!({"name": name, "numberofemployees": (n + 1) * 9, "city": if n == 3 { "" } else { "Łódź" }}),
            )
        })
        .collect();
    let found = |indexes: &[usize]| indexes.iter().map(|n| created[*n].clone()).collect::<Vec<_>>();
    for (filter, expected) in [
        (json!([{"propertyName": "name", "operator": "EQ", "value": "cogs"}]), found(&[2])),
        (json!([{"propertyName": "name", "operator": "NEQ", "value": "Cogs"}]), found(&[0, 1, 3])),
        // As numbers: as text, 9 is the last of them.
        (json!([{"propertyName": "numberofemployees", "operator": "LT", "value": "18"}]), found(&[0])),
        (json!([{"propertyName": "numberofemployees", "operator": "LTE", "value": "18"}]), found(&[0, 1])),
        (json!([{"propertyName": "numberofemployees", "operator": "GT", "value": "27"}]), found(&[3])),
        (json!([{"propertyName": "numberofemployees", "operator": "GTE", "value": "27"}]), found(&[2, 3])),
        (
            json!([{"propertyName": "numberofemployees", "operator": "BETWEEN", "value": "18", "highValue": "27"}]),
            found(&[1, 2]),
        ),
        (json!([{"propertyName": "name", "operator": "IN", "values": ["Cogs", "Dials"]}]), found(&[2, 3])),
        (json!([{"propertyName": "name", "operator": "NOT_IN", "values": ["Cogs", "Dials"]}]), found(&[0, 1])),
        (json!([{"propertyName": "city", "operator": "HAS_PROPERTY"}]), found(&[0, 1, 2])),
        (json!([{"propertyName": "city", "operator": "NOT_HAS_PROPERTY"}]), found(&[3])),
        (json!([{"propertyName": "name", "operator": "CONTAINS_TOKEN", "value": "nut"}]), found(&[1])),
        (json!([{"propertyName": "name", "operator": "CONTAINS_TOKEN", "value": "too*"}]), found(&[0])),
        (json!([{"propertyName": "hs_object_id", "operator": "GT", "value": created[1]}]), found(&[2, 3])),
        (
            json!([{"propertyName": "name", "operator": "EQ", "value": "Cogs"}, {"propertyName": "city", "operator": "NOT_HAS_PROPERTY"}]),
            found(&[]),
        ),
    ] {
        let answer = search(&hub, filters(&filter)).await;
        assert_eq!(
            (ids(&answer), answer["total"].as_u64()),
            (expected.clone(), Some(expected.len() as u64)),
            "{filter}"
        );
    }
    let either = json!({"filterGroups": [
        {"filters": [{"propertyName": "name", "operator": "EQ", "value": "Cogs"}]}, {"filters": [{"propertyName": "city", "operator": "NOT_HAS_PROPERTY"}]},
    ], "sorts": [{"propertyName": "name", "direction": "DESCENDING"}], "properties": ["name"]});
    let answer = search(&hub, either).await;
    assert_eq!(ids(&answer), found(&[3, 2]));
    assert_eq!(answer["results"][0]["properties"]["name"], "Dials");

    // What the Go connector sends: the limit as text.
    let page =
        search(&hub, json!({"limit": "3", "sorts": [{"propertyName": "createdate", "direction": "ASCENDING"}]})).await;
    assert_eq!(page["paging"]["next"]["after"], "3");
    let page = search(&hub, json!({"limit": 3, "after": "3"})).await;
    assert_eq!((ids(&page), page.get("paging")), (found(&[3]), None));
    hub.post(SEARCH, json!({"limit": 200, "after": "9800"})).await.expect(200);
    for bad in [
        json!({"limit": 200, "after": "9801"}),
        json!({"limit": 201}),
        json!({"sorts": ["name", "city"]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "nonsense", "operator": "EQ", "value": "1"}]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "name", "operator": "LIKE", "value": "1"}]}]}),
        json!({"filterGroups": vec![json!({"filters": [{"propertyName": "name", "operator": "HAS_PROPERTY"}]}); 7]}),
    ] {
        hub.post(SEARCH, bad).await.expect(400);
    }
}

#[tokio::test]
async fn ties_are_drained_by_id() {
    let hub = hub(Settings { ids_in_order: false, seed: 9, ..Settings::default() }).await;
    let created = hub.account.create_tied("companies", 450, |n| json!({"name": n.to_string()}));
    let at = hub.account.objects("companies")[&created[0]]["updatedAt"].as_str().unwrap().to_owned();
    let at = DateTime::parse_from_rfc3339(&at).unwrap().timestamp_millis().to_string();
    let (mut seen, mut last) = (Vec::new(), "0".to_owned());
    loop {
        let filter = json!([{"propertyName": "hs_lastmodifieddate", "operator": "EQ", "value": at}, {"propertyName": "hs_object_id", "operator": "GT", "value": last}]);
        let mut body = filters(&filter);
        body["sorts"] = json!([{"propertyName": "hs_object_id", "direction": "ASCENDING"}]);
        let page = ids(&search(&hub, body).await);
        let Some(end) = page.last() else { break };
        last.clone_from(end);
        seen.extend(page);
        assert!(seen.len() <= created.len(), "an object came twice");
    }
    assert!(seen.iter().map(|id| id.parse::<u64>().unwrap()).is_sorted());
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), created.into_iter().collect());
}

#[tokio::test]
async fn an_offset_skips_a_row_for_each_that_leaves_the_window() {
    let hub = hub(Settings::default()).await;
    let created = hub.account.create_many("companies", 6, |n| json!({"name": n.to_string()}));
    let since = json!([{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0"}]);
    let page = |after: &str| json!({"filterGroups": [{"filters": since}], "sorts": ["hs_lastmodifieddate"], "limit": 3, "after": after});
    assert_eq!(ids(&search(&hub, page("0")).await), created[..3]);
    hub.account.archive("companies", &created[0]);
    assert_eq!(ids(&search(&hub, page("3")).await), created[4..]);
}

#[tokio::test]
async fn entries_appear_late_and_out_of_order() {
    let settings = Settings {
        index_lag: Some((Duration::from_secs(30), Duration::from_secs(70))),
        seed: 3,
        ..Settings::default()
    };
    let hub = hub(settings).await;
    let created = hub.account.create_many("companies", 100, |n| json!({"name": n.to_string()}));
    let everything = json!({"sorts": ["hs_lastmodifieddate"], "limit": 200});
    assert_eq!(search(&hub, everything.clone()).await["total"], 0);
    let page = hub.get("/crm/v3/objects/companies?limit=100").await.expect(200);
    assert_eq!(ids(&page), created, "the list reads the store");

    // The clock moves: nothing is left to the speed of this machine.
    let (mut order, mut known) = (Vec::new(), HashSet::new());
    for _ in 0..16 {
        hub.emulator.advance(TimeDelta::seconds(5));
        order.extend(ids(&search(&hub, everything.clone()).await).into_iter().filter(|id| known.insert(id.clone())));
    }
    assert_eq!(order.len(), 100);
    assert_ne!(order, created, "seed 3");

    // Until its entry appears, search shows an object as it was, and an archived one as if it weren't.
    hub.account.update("companies", &created[0], json!({"name": "new"}));
    hub.account.archive("companies", &created[1]);
    let named = |answer: &Value, id: &str| {
        answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .find(|object| object["id"] == id)
            .map(|object| object["properties"]["name"].clone())
    };
    let before = search(&hub, everything.clone()).await;
    assert_eq!((named(&before, &created[0]), named(&before, &created[1])), (Some(json!("0")), Some(json!("1"))));
    hub.emulator.advance(TimeDelta::seconds(71));
    let after = search(&hub, everything).await;
    assert_eq!((named(&after, &created[0]), named(&after, &created[1])), (Some(json!("new")), None));
}

#[tokio::test]
async fn groups_are_alternatives_and_ids_sort_both_ways() {
    for ids_in_order in [true, false] {
        let hub = hub(Settings { ids_in_order, seed: 6, ..Settings::default() }).await;
        let tied = hub.account.create_tied("companies", 30, |n| json!({"name": n.to_string()}));
        hub.emulator.advance(TimeDelta::seconds(1));
        let later = hub.account.create_tied("companies", 30, |n| json!({"name": n.to_string(), "city": "Łódź"}));
        let millis = |id: &str| {
            let at = hub.account.objects("companies")[id]["updatedAt"].as_str().unwrap().to_owned();
            DateTime::parse_from_rfc3339(&at).unwrap().timestamp_millis()
        };
        let sorted = |mut ids: Vec<String>| {
            ids.sort_by_key(|id| id.parse::<u64>().unwrap());
            ids
        };
        let (first, second) = (sorted(tied.clone()), sorted(later.clone()));
        let changed = |operator: &str, value: i64| json!({"propertyName": "hs_lastmodifieddate", "operator": operator, "value": value.to_string()});
        let id =
            |operator: &str, value: &str| json!({"propertyName": "hs_object_id", "operator": operator, "value": value});
        let ask = |groups: Value, sort: &str, direction: &str| {
            let groups: Vec<Value> =
                groups.as_array().unwrap().iter().map(|filters| json!({"filters": filters})).collect();
            json!({"filterGroups": groups, "sorts": [{"propertyName": sort, "direction": direction}], "limit": 200})
        };
        let (early, late) = (millis(&first[0]), millis(&second[0]));

        // A keyset: what is left of the tied ones, or what is later.
        let keyset = json!([[changed("EQ", early), id("GT", &first[9])], [changed("GT", early)]]);
        let found = search(&hub, ask(keyset.clone(), "hs_lastmodifieddate", "ASCENDING")).await;
        assert_eq!(ids(&found), [&first[10..], &second[..]].concat());
        assert_eq!(found["total"], 50);
        let mut down = ids(&search(&hub, ask(keyset, "hs_lastmodifieddate", "DESCENDING")).await);
        down.reverse();
        assert_eq!(down, ids(&found));

        // Parts of the index that don't touch, and one that overlaps; each object once.
        let apart = json!([[changed("EQ", early)], [changed("EQ", late)], [changed("BETWEEN", early)]]);
        let mut apart = ask(apart, "hs_lastmodifieddate", "ASCENDING");
        apart["filterGroups"][2]["filters"][0]["highValue"] = json!((early + 1).to_string());
        assert_eq!(search(&hub, apart).await["total"], 60);

        let everyone = sorted([tied, later].concat());
        let greatest =
            search(&hub, json!({"sorts": [{"propertyName": "hs_object_id", "direction": "DESCENDING"}], "limit": 1}))
                .await;
        assert_eq!((ids(&greatest), greatest["total"].as_u64()), (vec![everyone[59].clone()], Some(60)));
        let part = ask(json!([[id("GT", &everyone[10]), id("LTE", &everyone[20])]]), "hs_object_id", "ASCENDING");
        assert_eq!(ids(&search(&hub, part).await), everyone[11..=20]);
        let in_city = json!([[id("GT", &everyone[10]), {"propertyName": "city", "operator": "HAS_PROPERTY"}]]);
        let expected: Vec<String> = everyone[11..].iter().filter(|id| second.contains(id)).rev().cloned().collect();
        assert_eq!(ids(&search(&hub, ask(in_city, "hs_object_id", "DESCENDING")).await), expected);
        assert_eq!(
            search(&hub, ask(json!([[id("GT", &everyone[59])]]), "hs_object_id", "ASCENDING")).await["total"],
            0
        );

        let six = vec![json!([id("GT", "0"), id("GT", "1"), id("GT", "2")]); 6];
        hub.post(SEARCH, ask(json!(six), "hs_object_id", "ASCENDING")).await.expect(200);
        let mut too_many = six;
        too_many[0].as_array_mut().unwrap().push(id("GT", "3"));
        hub.post(SEARCH, ask(json!(too_many), "hs_object_id", "ASCENDING")).await.expect(400);
    }
}

#[tokio::test]
async fn noise_is_an_object_from_outside_and_loses_none() {
    let hub = hub(Settings { search_noise: 0.5, seed: 2, ..Settings::default() }).await;
    let mut created = Vec::new();
    for n in 0..40 {
        created.push(hub.account.create("companies", json!({"name": n.to_string()})));
        hub.emulator.advance(TimeDelta::milliseconds(3));
    }
    let at = hub.account.objects("companies")[&created[20]]["updatedAt"].as_str().unwrap().to_owned();
    let since = DateTime::parse_from_rfc3339(&at).unwrap().timestamp_millis();
    let filter = json!([{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": since.to_string()}]);
    let (mut noisy, mut clean) = (0, 0);
    for _ in 0..20 {
        let (mut seen, mut after) = (Vec::new(), "0".to_owned());
        loop {
            let body = json!({"filterGroups": [{"filters": filter}], "sorts": ["hs_lastmodifieddate"], "limit": 5, "after": after});
            let page = search(&hub, body).await;
            let found = ids(&page);
            assert!(found.len() <= 5);
            if found.contains(&created[19]) {
                noisy += 1;
            } else {
                clean += 1;
            }
            seen.extend(found.into_iter().filter(|id| *id != created[19]));
            assert!(seen.len() <= 20, "pages without end");
            let Some(next) = page["paging"]["next"]["after"].as_str() else { break };
            next.clone_into(&mut after);
        }
        assert_eq!(seen, created[20..], "seed 2");
    }
    assert!(noisy > 20 && clean > 20, "{noisy} noisy pages, {clean} clean ones");
    // Everything is inside of no range at all.
    assert_eq!(ids(&search(&hub, json!({"limit": 200})).await).len(), 40);
}
