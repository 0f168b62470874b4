//! The CMS over HTTP.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use chrono::TimeDelta;
use hubspot_emulator::Settings;
use serde_json::{Value, json};
use support::{hub, ids};

#[tokio::test]
async fn every_collection_is_created_listed_changed_and_deleted() {
    let hub = hub(Settings::default()).await;
    let epoch = json!("1970-01-01T00:00:00Z");
    for (dated, numbered, resource, fields, change, deleted, not_deleted) in [
        (
            "blogs/2026-03/authors",
            "v3/blogs/authors",
            "blogs/authors",
            json!({"fullName": "Ada"}),
            json!({"bio": "x"}),
            "deletedAt",
            &epoch,
        ),
        (
            "blogs/2026-03/posts",
            "v3/blogs/posts",
            "blogs/posts",
            json!({"name": "P", "slug": "p"}),
            json!({"name": "Q"}),
            "archivedAt",
            &json!(0),
        ),
        (
            "blogs/2026-03/tags",
            "v3/blogs/tags",
            "blogs/tags",
            json!({"name": "t"}),
            json!({"name": "u"}),
            "deletedAt",
            &epoch,
        ),
        (
            "pages/2026-03/landing-pages",
            "v3/pages/landing-pages",
            "pages/landing-pages",
            json!({"name": "L"}),
            json!({"name": "M"}),
            "archivedAt",
            &epoch,
        ),
        (
            "pages/2026-03/site-pages",
            "v3/pages/site-pages",
            "pages/site-pages",
            json!({"name": "S"}),
            json!({"slug": "s"}),
            "archivedAt",
            &epoch,
        ),
        (
            "url-redirects/2026-03",
            "v3/url-redirects",
            "url-redirects",
            json!({"routePrefix": "/a", "destination": "/b", "redirectStyle": 301}),
            json!({"destination": "/c"}),
            "",
            &Value::Null,
        ),
    ] {
        let (path, other) = (format!("/cms/{dated}"), format!("/cms/{numbered}"));
        let made = hub.post(&path, fields).await.expect(201);
        let id = made["id"].as_str().unwrap();
        assert_eq!(made[deleted], *not_deleted, "{path}");
        assert_eq!(hub.get(&format!("{other}/{id}")).await.expect(200), made);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let changed = hub.patch(&format!("{path}/{id}"), change.clone()).await.expect(200);
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(changed[name], *value);
        }
        assert_eq!(changed["created"], made["created"]);
        assert!(changed["updated"].as_str() > made["updated"].as_str(), "{path}");
        assert_eq!(ids(&hub.get(&other).await.expect(200)), [id]);
        assert_eq!(hub.account.objects(resource)[id], changed);

        hub.delete(&format!("{path}/{id}")).await.expect(204);
        hub.get(&format!("{path}/{id}")).await.expect(404);
        assert_eq!(hub.get(&path).await.expect(200)["total"], 0);
        let gone = hub.get(&format!("{path}?archived=true")).await.expect(200);
        assert_eq!(ids(&gone), [id]);
        if !deleted.is_empty() {
            assert_ne!(gone["results"][0][deleted], *not_deleted);
            assert_eq!(gone["results"][0][deleted].is_number(), deleted == "archivedAt" && not_deleted.is_number());
        }
        hub.account.restore(resource, id);
        assert_eq!(ids(&hub.get(&path).await.expect(200)), [id]);
    }
    hub.post("/cms/v3/blogs/posts", json!({"slug": "nameless"})).await.expect(400);
    hub.post("/cms/v3/url-redirects", json!({"routePrefix": "/a", "destination": "/b", "redirectStyle": 301}))
        .await
        .expect(409);
}

#[tokio::test]
async fn lists_filter_sort_and_page() {
    let hub = hub(Settings { ids_in_order: false, seed: 2, ..Settings::default() }).await;
    let mut created = Vec::new();
    for n in 0..130 {
        created.push(hub.account.create("blogs/posts", json!({"name": format!("Post {n:03}")})));
        hub.emulator.advance(TimeDelta::milliseconds(3));
    }
    hub.account.update("blogs/posts", &created[5], json!({"name": "zuletzt"}));
    let path = "/cms/v3/blogs/posts";
    assert_eq!(ids(&hub.get(path).await.expect(200)), created[..20]);
    let first = hub.get(&format!("{path}?limit=100&sort=created")).await.expect(200);
    assert_eq!((ids(&first).as_slice(), &first["total"]), (&created[..100], &json!(130)));
    // The Go connector follows the link.
    let link = first["paging"]["next"]["link"].as_str().unwrap().strip_prefix(&hub.emulator.url()).unwrap();
    assert_eq!(ids(&hub.get(link).await.expect(200)), created[100..]);
    let newest = hub.get(&format!("{path}?limit=2&sort=-updatedAt")).await.expect(200);
    assert_eq!(ids(&newest), [created[5].as_str(), &created[129]]);
    assert_eq!(ids(&hub.get(&format!("{path}?limit=1&sort=-name")).await.expect(200)), [created[5].as_str()]);
    let time =
        |n: usize, field: &str| hub.account.objects("blogs/posts")[&created[n]][field].as_str().unwrap().to_owned();
    let between = format!("{path}?createdAfter={}&createdBefore={}", time(10, "created"), time(13, "created"));
    assert_eq!(ids(&hub.get(&between).await.expect(200)), created[11..13]);
    let since = format!("{path}?sort=updatedAt&updatedAfter={}", time(128, "updated"));
    assert_eq!(ids(&hub.get(&since).await.expect(200)), [created[129].as_str(), &created[5]]);
    hub.get(&format!("{path}?sort=colour")).await.expect(400);
    hub.get(&format!("{path}?limit=101")).await.expect(400);
    hub.get(&format!("{path}?updatedAfter=yesterday")).await.expect(400);
}

#[tokio::test]
async fn batches_and_drafts() {
    let hub = hub(Settings::default()).await;
    let path = "/cms/blogs/2026-03/posts";
    let made =
        hub.post(&format!("{path}/batch/create"), json!({"inputs": [{"name": "A"}, {"name": "B"}]})).await.expect(201);
    let created = ids(&made);
    let inputs = json!([{"id": created[0], "name": "AA"}, {"id": "7", "name": "C"}]);
    let answer = hub.post(&format!("{path}/batch/update"), json!({ "inputs": inputs })).await.expect(207);
    assert_eq!(
        (answer["results"][0]["name"].clone(), answer["errors"][0]["context"]["ids"].clone()),
        (json!("AA"), json!(["7"]))
    );
    hub.post(&format!("{path}/batch/read"), json!({"inputs": created})).await.expect(200);

    let before = hub.account.objects("blogs/posts")[&created[0]].clone();
    let draft = format!("{path}/{}/draft", created[0]);
    assert_eq!(hub.patch(&draft, json!({"name": "AAA"})).await.expect(200)["name"], "AAA");
    assert_eq!(hub.account.objects("blogs/posts")[&created[0]], before);
    hub.post(&format!("{draft}/push-live"), json!({})).await.expect(204);
    assert_eq!(hub.account.objects("blogs/posts")[&created[0]]["name"], "AAA");

    hub.post(&format!("{path}/batch/archive"), json!({"inputs": created})).await.expect(204);
    assert_eq!(hub.account.archived("blogs/posts").len(), 2);
}

#[tokio::test]
async fn a_table_is_listed_once_it_is_published() {
    let hub = hub(Settings::default()).await;
    let path = "/cms/hubdb/2026-03/tables";
    let columns = json!([{"id": 1, "name": "price", "label": "Price", "type": "NUMBER"}]);
    let made = hub.post(path, json!({"name": "prices", "label": "Prices", "columns": columns})).await.expect(201);
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["published"], false);
    assert_eq!(hub.get(path).await.expect(200)["total"], 0);
    assert_eq!(hub.get(&format!("{path}/draft")).await.expect(200)["total"], 1);
    hub.get(&format!("{path}/{id}")).await.expect(404);
    hub.post(path, json!({"name": "prices", "label": "Prices"})).await.expect(409);
    let published = hub.post(&format!("{path}/prices/draft/publish"), json!({})).await.expect(200);
    assert_eq!((&published["published"], &published["columnCount"]), (&json!(true), &json!(1)));
    assert_eq!(ids(&hub.get(path).await.expect(200)), [id]);

    hub.patch(&format!("{path}/{id}"), json!({"label": "P"})).await.expect(405);
    hub.patch(&format!("{path}/{id}/draft"), json!({"label": "P"})).await.expect(200);
    assert_eq!(hub.get(&format!("{path}/{id}")).await.expect(200)["label"], "Prices");
    hub.post(&format!("{path}/{id}/draft/publish"), json!({})).await.expect(200);
    assert_eq!(hub.get(&format!("{path}/prices")).await.expect(200)["label"], "P");

    hub.delete(&format!("{path}/{id}/draft")).await.expect(405);
    hub.delete(&format!("{path}/{id}")).await.expect(204);
    let gone = hub.get(&format!("{path}?archived=true")).await.expect(200);
    assert_eq!((ids(&gone), &gone["results"][0]["deleted"]), (vec![id.to_owned()], &json!(true)));
    let restored = hub.patch(&format!("{path}/{id}/draft?archived=true"), json!({"archived": false})).await.expect(200);
    assert_eq!(restored["deleted"], false);
}

#[tokio::test]
async fn a_post_is_published_at_once_or_when_its_time_comes() {
    let hub = hub(Settings::default()).await;
    for (path, resource) in
        [("/cms/blogs/2026-03/posts", "blogs/posts"), ("/cms/v3/pages/site-pages", "pages/site-pages")]
    {
        let made = hub.post(path, json!({"name": "A"})).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!((&made["state"], &made["currentlyPublished"]), (&json!("DRAFT"), &json!(false)));
        hub.patch(&format!("{path}/{id}/draft"), json!({"name": "B"})).await.expect(200);
        let created = chrono::DateTime::parse_from_rfc3339(made["created"].as_str().unwrap()).unwrap();
        let soon = created + TimeDelta::hours(3);
        let body = json!({"id": id, "publishDate": soon.to_rfc3339()});
        hub.post(&format!("{path}/schedule"), body).await.expect(204);
        let now = || hub.account.objects(resource)[&id].clone();
        assert_eq!((&now()["currentState"], &now()["name"]), (&json!("SCHEDULED"), &json!("A")));

        hub.emulator.advance(TimeDelta::hours(4));
        let published = hub.get(&format!("{path}/{id}")).await.expect(200);
        assert_eq!((&published["currentState"], &published["name"]), (&json!("PUBLISHED"), &json!("B")));
        assert_eq!((&published["state"], &published["currentlyPublished"]), (&json!("PUBLISHED"), &json!(true)));
        let time = |field: &str| chrono::DateTime::parse_from_rfc3339(published[field].as_str().unwrap()).unwrap();
        assert_eq!(time("publishDate").timestamp_millis(), soon.timestamp_millis());
        assert_eq!(time("updated"), time("publishDate"), "it changed when it was published");
        assert_eq!(now(), published);

        // A draft that is reset is as what is live; a page goes live at once by its draft, or by its state.
        hub.patch(&format!("{path}/{id}/draft"), json!({"name": "C"})).await.expect(200);
        hub.post(&format!("{path}/{id}/draft/reset"), json!({})).await.expect(204);
        assert_eq!(hub.get(&format!("{path}/{id}/draft")).await.expect(200)["name"], "B");
        let other = hub.post(path, json!({"name": "D"})).await.expect(201)["id"].as_str().unwrap().to_owned();
        hub.post(&format!("{path}/{other}/draft/push-live"), json!({})).await.expect(204);
        assert_eq!(hub.account.objects(resource)[&other]["currentlyPublished"], true);
        let third = hub.post(path, json!({"name": "E", "state": "PUBLISHED"})).await.expect(201);
        assert_eq!(third["currentState"], "PUBLISHED");
        hub.post(&format!("{path}/schedule"), json!({"id": "5", "publishDate": "2030-01-01"})).await.expect(404);
        hub.post(&format!("{path}/schedule"), json!({"id": id, "publishDate": "soon"})).await.expect(400);
        hub.post(&format!("{path}/schedule"), json!({"id": id})).await.expect(400);
    }
    hub.post("/cms/blogs/2026-03/tags/schedule", json!({"id": "1", "publishDate": "2030-01-01"})).await.expect(405);
}
