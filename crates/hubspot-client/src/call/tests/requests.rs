//! What is sent, and what of a good answer is read.

use chrono::DateTime;

use super::*;
use crate::answer::RateHeaders;
use crate::{ApiVersion, AssociationsInput, BatchReadInput, CmsPath, OwnersParams, Quota, SearchParams};

#[tokio::test(start_paused = true)]
async fn an_id_that_leads_elsewhere_is_never_sent() {
    let script = Script::new([object()]);
    let client = client(&script);
    for id in ["", ".", ".."] {
        let error = client.objects("contacts").archive(id).await.unwrap_err();
        assert!(matches!(error, Error::Request(_)), "{error:?}");
    }
    client.objects("").list(&ListParams::default()).await.unwrap_err();
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_call_goes_to_its_path_in_every_version() {
    for (version, contacts, posts, tables) in [
        (
            ApiVersion::V2026_03,
            "/crm/objects/2026-03/contacts",
            "/cms/blogs/2026-03/posts",
            "/cms/hubdb/2026-03/tables",
        ),
        (
            ApiVersion::V2026_09,
            "/crm/objects/2026-09/contacts",
            "/cms/blogs/2026-09/posts",
            "/cms/hubdb/2026-09/tables",
        ),
        (ApiVersion::V3, "/crm/v3/objects/contacts", "/cms/v3/blogs/posts", "/cms/v3/hubdb/tables"),
    ] {
        let script = Script::new([answer(200, &json!({"results": [], "id": "1", "total": 0}))]);
        let exchange: Arc<dyn Exchange> = script.clone();
        let client = Client::builder(Auth::token(TOKEN))
            .base_url("http://localhost:1234")
            .api_version(version)
            .build_over(|| Ok(exchange))
            .unwrap();
        let objects = client.objects("contacts");
        objects.list(&ListParams::default()).await.unwrap();
        objects.read("a/b", &ReadParams::default()).await.unwrap();
        objects.search(&SearchParams::default()).await.unwrap();
        objects.create(&CreateInput::default()).await.unwrap();
        objects.update("1", &Object::new(), None).await.unwrap();
        objects.archive("1").await.unwrap();
        objects.batch_read(&BatchReadInput::default()).await.unwrap();
        objects.batch_create(&[]).await.unwrap();
        objects.batch_update(&[]).await.unwrap();
        objects.batch_upsert(&[]).await.unwrap();
        objects.batch_archive(&[]).await.unwrap();
        objects.merge("1", "2").await.unwrap();
        objects.gdpr_delete("1").await.unwrap();
        let blog = client.cms(CmsPath { area: "blogs", collection: Some("posts") });
        blog.batch_update(&[]).await.unwrap();
        blog.update_draft("1", &Object::new()).await.unwrap();
        blog.publish_draft("1").await.unwrap();
        client.cms(CmsPath { area: "hubdb", collection: Some("tables") }).publish_draft("1").await.unwrap();
        let expected = [
            format!("GET {contacts}"),
            format!("GET {contacts}/a%2Fb"),
            format!("POST {contacts}/search"),
            format!("POST {contacts}"),
            format!("PATCH {contacts}/1"),
            format!("DELETE {contacts}/1"),
            format!("POST {contacts}/batch/read"),
            format!("POST {contacts}/batch/create"),
            format!("POST {contacts}/batch/update"),
            format!("POST {contacts}/batch/upsert"),
            format!("POST {contacts}/batch/archive"),
            format!("POST {contacts}/merge"),
            format!("POST {contacts}/gdpr-delete"),
            format!("POST {posts}/batch/update"),
            format!("PATCH {posts}/1/draft"),
            format!("POST {posts}/1/draft/push-live"),
            format!("POST {tables}/1/draft/publish"),
        ];
        assert_eq!(script.lines(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_in_html_is_not_taken_for_a_yes() {
    let script = Script::new([text(200, "<html>Welcome to our hotel")]);
    let error = client(&script).objects("contacts").archive("51").await.unwrap_err();
    assert!(error.to_string().contains("Welcome to our hotel"), "{error}");
    let script = Script::new([text(204, "")]);
    client(&script).objects("contacts").batch_archive(&["1".to_owned()]).await.unwrap();
    assert_eq!(script.sent()[0].body, r#"{"inputs":[{"id":"1"}]}"#);
}

#[tokio::test(start_paused = true)]
async fn dates_and_daily_counts_are_kept() {
    let date = DateTime::from_timestamp(1_774_000_000, 0);
    let mut page = Answer { status: 200, date, body: r#"{"results":[]}"#.into(), ..Answer::default() };
    page.rate.daily = Some(650_000);
    page.rate.daily_remaining = Some(7);
    let script = Script::new([Ok(page)]);
    let client = client(&script);
    assert_eq!(client.objects("contacts").list(&ListParams::default()).await.unwrap().date, date);
    assert_eq!((client.stats().daily_limit, client.stats().daily_remaining), (Some(650_000), Some(7)));
}

#[tokio::test(start_paused = true)]
async fn the_quota_is_what_headers_told_and_what_was_sent_since() {
    let told = RateHeaders {
        max: Some(190),
        remaining: Some(150),
        interval_ms: Some(10_000),
        daily: Some(650_000),
        daily_remaining: Some(12_345),
    };
    let Ok(first) = object() else { panic!("it is an answer") };
    let script = Script::new([Ok(Answer { rate: told, ..first }), object()]);
    let client = client(&script);
    let quota = client.quota();
    assert_eq!((quota.per_interval, quota.remaining, quota.daily_remaining), (None, None, None), "nothing told yet");

    read(&client).await.unwrap();
    let expected = Quota {
        per_interval: Some(190),
        interval: Duration::from_secs(10),
        remaining: Some(150),
        daily_limit: Some(650_000),
        daily_remaining: Some(12_345),
    };
    assert_eq!(client.quota(), expected);
    read(&client).await.unwrap();
    assert_eq!(client.quota(), Quota { remaining: Some(149), ..expected });
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(client.quota(), Quota { remaining: Some(190), ..expected });
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_asked_for_again_when_its_reply_was_lost() {
    let page = || answer(200, &json!({"results": []}));
    let lost = || lost(LostHow::Reset);
    let script = Script::new([lost(), page(), lost(), page(), lost(), page(), lost(), page(), lost(), page()]);
    let client = client(&script);
    client.associations("contacts", "deals").batch_read(&[AssociationsInput::new("1")]).await.unwrap();
    client.owners().list(&OwnersParams::default()).await.unwrap();
    client.pipelines("deals").list().await.unwrap();
    client.properties("deals").list().await.unwrap();
    client.objects("deals").batch_read(&BatchReadInput::default()).await.unwrap();
    assert_eq!(script.sent().len(), 10);
    assert_eq!(client.stats().retries, 5);
}
