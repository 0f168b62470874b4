//! Calls over a script instead of a network, in paused time: what is sent again, when, and what is reported.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::*;
use crate::transport::Exchange;
use crate::{
    ApiVersion, Auth, BatchReadInput, Client, CmsPath, CreateInput, ListParams, Object, ReadParams, SearchParams,
};

type Outcome = Result<Answer, Lost>;

/// Answers from a list; behind its end, the last answer again and again.
struct Script {
    outcomes: Mutex<VecDeque<Outcome>>,
    sent: Mutex<Vec<Sent>>,
    latency: Duration,
}

#[derive(Clone, Debug)]
struct Sent {
    line: String,
    body: String,
    authorization: Option<String>,
    at: Instant,
}

impl Script {
    fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Arc<Self> {
        let outcomes = Mutex::new(outcomes.into_iter().collect());
        Arc::new(Self { outcomes, sent: Mutex::default(), latency: Duration::from_millis(50) })
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.line).collect()
    }
}

impl Exchange for Script {
    fn exchange<'a>(&'a self, request: &'a Request, header: Option<HeaderValue>) -> BoxFuture<'a, Outcome> {
        self.sent.lock().unwrap().push(Sent {
            line: format!("{} {}", request.method, request.path.as_wire()),
            body: String::from_utf8(request.body.to_vec()).unwrap(),
            authorization: header.map(|header| header.to_str().unwrap().to_owned()),
            at: Instant::now(),
        });
        let mut outcomes = self.outcomes.lock().unwrap();
        let outcome = if outcomes.len() > 1 { outcomes.pop_front() } else { outcomes.front().cloned() };
        Box::pin(async move {
            tokio::time::sleep(self.latency).await;
            outcome.unwrap()
        })
    }
}

const TOKEN: &str = "pat-na1-SECRET";

fn client(script: &Arc<Script>) -> Client {
    client_with(script, Auth::token(TOKEN))
}

fn client_with(script: &Arc<Script>, auth: Auth) -> Client {
    let script: Arc<dyn Exchange> = script.clone();
    Client::builder(auth).base_url("http://localhost:1234").build_over(|| Ok(script)).unwrap()
}

#[allow(clippy::unnecessary_wraps)]
fn answer(status: u16, body: &Value) -> Outcome {
    Ok(Answer { status, body: body.to_string().into(), ..Answer::default() })
}

#[allow(clippy::unnecessary_wraps)]
fn text(status: u16, body: &'static str) -> Outcome {
    Ok(Answer { status, body: body.into(), ..Answer::default() })
}

fn lost(how: LostHow) -> Outcome {
    Err(Lost { how, reason: "it broke".to_owned() })
}

fn object() -> Outcome {
    answer(200, &json!({"id": "51", "properties": {}}))
}

fn limited(policy: &str) -> Outcome {
    answer(429, &json!({"status": "error", "message": "limit", "errorType": "RATE_LIMIT", "policyName": policy}))
}

async fn read(client: &Client) -> Result<Object, Error> {
    client.objects("contacts").read("51", &ReadParams::default()).await
}

async fn create(client: &Client) -> Result<Object, Error> {
    client.objects("contacts").create(&CreateInput::new(Object::new())).await
}

/// Each kind of fault once, then a good answer: what is read comes, what is created comes or is unknown.
#[tokio::test(start_paused = true)]
async fn each_fault_is_repeated_where_it_may_be() {
    let cut =
        Ok(Answer { cut: Some("early end".to_owned()), status: 200, body: "{\"id\"".into(), ..Answer::default() });
    let faults: Vec<(Outcome, bool)> = vec![
        (lost(LostHow::NotSent), true),
        (limited("TEN_SECONDLY_ROLLING"), true),
        (limited("SECONDLY"), true),
        (limited("DAILY"), true),
        (text(423, ""), true),
        (text(477, "<html>moving"), true),
        (lost(LostHow::Reset), false),
        (lost(LostHow::Timeout), false),
        (cut, false),
        (text(200, "<html>welcome"), false),
        (text(200, ""), false),
        (answer(200, &json!([])), false),
        (text(408, ""), false),
        (answer(500, &json!({"message": "oh"})), false),
        (text(502, "<html>Bad Gateway"), false),
        (text(503, ""), false),
        (text(504, ""), false),
        (text(520, ""), false),
        (text(524, ""), false),
    ];
    for (fault, create_is_repeated) in faults {
        let script = Script::new([fault.clone(), object()]);
        let object = read(&client(&script)).await.unwrap();
        assert_eq!(object["id"], "51", "{fault:?}");
        assert_eq!(script.sent().len(), 2, "{fault:?}");

        let script = Script::new([fault.clone(), object_created()]);
        let created = create(&client(&script)).await;
        if create_is_repeated {
            assert_eq!(created.unwrap()["id"], "52", "{fault:?}");
            assert_eq!(script.sent().len(), 2, "{fault:?}");
        } else {
            let error = created.unwrap_err();
            assert!(error.is_outcome_unknown() && !error.is_transient(), "{fault:?}: {error:?}");
            assert_eq!(script.sent().len(), 1, "{fault:?}");
        }
    }
}

fn object_created() -> Outcome {
    answer(201, &json!({"id": "52"}))
}

#[tokio::test(start_paused = true)]
async fn refusals_are_not_repeated() {
    for status in [301, 400, 401, 403, 404, 409, 414] {
        let script = Script::new([answer(status, &json!({"message": "no", "category": "X", "correlationId": "c-1"}))]);
        let error = read(&client(&script)).await.unwrap_err();
        assert_eq!((error.status(), error.category(), error.correlation_id()), (Some(status), Some("X"), Some("c-1")));
        assert_eq!(script.sent().len(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn retries_end_and_pauses_grow() {
    let script = Script::new([text(502, "<html>\n <title>Bad Gateway</title>")]);
    let error = read(&client(&script)).await.unwrap_err();
    assert_eq!(script.sent().len(), 5);
    let Error::Body(body) = &error else { panic!("{error:?}") };
    assert_eq!((body.status, body.tries, body.beginning.as_str()), (502, 5, "<html> <title>Bad Gateway</title>"));
    assert!(error.is_transient());
    let gaps: Vec<_> = script.sent().windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    for (index, gap) in gaps.iter().enumerate() {
        let full = Duration::from_millis(500) * (1 << index);
        let gap = gap.saturating_sub(Duration::from_millis(50));
        assert!(gap >= full / 2 && gap <= full + Duration::from_millis(2), "{index}: {gap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for() {
    let mut moving = Answer { status: 477, retry_after: Some("20".to_owned()), ..Answer::default() };
    let script = Script::new([Ok(moving.clone()), object()]);
    read(&client(&script)).await.unwrap();
    assert!(script.sent()[1].at - script.sent()[0].at >= Duration::from_secs(20));

    moving.date = DateTime::from_timestamp(1_774_000_000, 0);
    moving.retry_after = Some("Fri, 20 Mar 2026 09:47:40 GMT".to_owned());
    let script = Script::new([Ok(moving), object()]);
    read(&client(&script)).await.unwrap();
    assert!(
        script.sent()[1].at - script.sent()[0].at >= Duration::from_mins(1),
        "a minute behind the answer's own date"
    );
}

#[tokio::test(start_paused = true)]
async fn no_reply_at_all_names_the_host() {
    let script = Script::new([lost(LostHow::NotSent)]);
    for error in [read(&client(&script)).await.unwrap_err(), create(&client(&script)).await.unwrap_err()] {
        assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
        assert!(error.to_string().contains("localhost:1234") && error.to_string().contains("it broke"), "{error}");
        assert!(error.is_transient() && error.status().is_none());
    }
    assert_eq!(script.sent().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_quota_is_no_retry_but_not_for_ever() {
    let mut outcomes = vec![limited("SECONDLY"); 20];
    outcomes.push(answer(200, &json!({"results": [], "total": 0})));
    let script = Script::new(outcomes);
    let client_ = client(&script);
    client_.objects("contacts").search(&SearchParams::default()).await.unwrap();
    assert_eq!(client_.stats().rate_limited, 20);
    assert_eq!(client_.stats().requests, 21);

    let script = Script::new([limited("TEN_SECONDLY_ROLLING")]);
    let started = Instant::now();
    let error = read(&client(&script)).await.unwrap_err();
    assert_eq!(error.status(), Some(429));
    assert_eq!(script.sent().len(), retry::LIMITED_IN_A_ROW as usize + 1);
    assert!(started.elapsed() >= Duration::from_secs(u64::from(retry::LIMITED_IN_A_ROW)));

    let script = Script::new([limited("DAILY")]);
    let error = read(&client(&script)).await.unwrap_err();
    assert!(error.to_string().contains("daily quota"), "{error}");
    assert!(script.sent().len() <= 152, "six an hour, for 25 hours: {}", script.sent().len());
}

#[tokio::test(start_paused = true)]
async fn nothing_left_behind_a_lost_reply_is_what_a_deletion_wanted() {
    let gone = || answer(404, &json!({"message": "no such object", "category": "OBJECT_NOT_FOUND"}));
    let script = Script::new([lost(LostHow::Reset), gone()]);
    client(&script).objects("contacts").archive("51").await.unwrap();
    let script = Script::new([lost(LostHow::Timeout), gone()]);
    client(&script).cms(CmsPath { area: "blogs", collection: Some("tags") }).archive("51").await.unwrap();

    let script = Script::new([gone()]);
    assert!(client(&script).objects("contacts").archive("51").await.unwrap_err().is_not_found());
    // A connection that never came about, or the quota, is no lost reply.
    let script = Script::new([lost(LostHow::NotSent), limited("SECONDLY"), gone()]);
    assert!(client(&script).objects("contacts").archive("51").await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn an_update_by_a_unique_property_that_finds_nothing_behind_a_lost_reply_is_unknown() {
    let gone = || answer(404, &json!({"message": "no such object", "category": "OBJECT_NOT_FOUND"}));
    let update = |script: Arc<Script>, property: Option<&'static str>| async move {
        let fields = Object::from_iter([("email".to_owned(), json!("new@example.com"))]);
        client(&script).objects("contacts").update("old@example.com", &fields, property).await.unwrap_err()
    };
    let error = update(Script::new([lost(LostHow::Reset), gone()]), Some("email")).await;
    assert!(error.is_outcome_unknown(), "{error:?}");
    assert!(!error.to_string().contains("example.com"), "{error}");
    let error = update(Script::new([lost(LostHow::Reset), gone()]), None).await;
    assert!(error.is_not_found());
    let error = update(Script::new([gone()]), Some("email")).await;
    assert!(error.is_not_found());
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
    assert_eq!(client.server_date(), None);
    assert_eq!(client.objects("contacts").list(&ListParams::default()).await.unwrap().date, date);
    assert_eq!(client.server_date(), date);
    assert_eq!((client.stats().daily_limit, client.stats().daily_remaining), (Some(650_000), Some(7)));
}

fn oauth() -> Auth {
    Auth::refresh("the-id", "SECRET-client", "SECRET-refresh")
}

fn grant(token: &str) -> Outcome {
    answer(
        200,
        &json!({"access_token": token, "refresh_token": "SECRET-refresh-2", "expires_in": 1800, "token_type": "bearer"}),
    )
}

#[tokio::test(start_paused = true)]
async fn one_refresh_serves_all_who_wait() {
    let script = Script::new([grant("SECRET-1"), object()]);
    let client = client_with(&script, oauth());
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        calls.spawn(async move { read(&client).await.map(drop) });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap().unwrap();
    }
    let sent = script.sent();
    assert_eq!(sent.len(), 21);
    assert_eq!(sent[0].line, "POST /oauth/2026-03/token");
    assert_eq!(
        sent[0].body,
        "grant_type=refresh_token&client_id=the-id&client_secret=SECRET-client&refresh_token=SECRET-refresh"
    );
    assert_eq!(sent[0].authorization, None);
    assert!(sent[1..].iter().all(|sent| sent.authorization.as_deref() == Some("Bearer SECRET-1")));
    assert_eq!(client.stats().token_refreshes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_refreshed_shortly_before_it_expires() {
    let script = Script::new([grant("SECRET-1"), object(), object(), grant("SECRET-2"), object()]);
    let client = client_with(&script, oauth());
    read(&client).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1700)).await;
    read(&client).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    read(&client).await.unwrap();
    let lines = script.lines();
    assert_eq!(lines.iter().filter(|line| line.contains("oauth")).count(), 2);
    assert!(lines[3].contains("oauth"));
    assert!(script.sent()[3].body.contains("SECRET-refresh-2"), "the refresh token that came last");
    assert_eq!(script.sent()[4].authorization.as_deref(), Some("Bearer SECRET-2"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_hubspot_calls_expired_is_refreshed_once() {
    let expired = || answer(401, &json!({"message": "expired", "category": "EXPIRED_AUTHENTICATION"}));
    let script = Script::new([grant("SECRET-1"), expired(), grant("SECRET-2"), object_created()]);
    create(&client_with(&script, oauth())).await.unwrap();
    assert_eq!(script.sent()[3].authorization.as_deref(), Some("Bearer SECRET-2"));

    let script = Script::new([grant("SECRET-1"), expired(), grant("SECRET-2"), expired()]);
    let error = read(&client_with(&script, oauth())).await.unwrap_err();
    assert_eq!((error.status(), script.sent().len()), (Some(401), 4));

    // A token of one's own is what it is.
    let script = Script::new([expired()]);
    let error = read(&client(&script)).await.unwrap_err();
    assert_eq!(script.sent().len(), 1);
    assert!(error.to_string().contains("refreshToken"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_refresh_is_shared_by_all_who_wait() {
    let refused = json!({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token SECRET-refresh"});
    let script = Script::new([answer(400, &refused)]);
    let client = client_with(&script, oauth());
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let client = client.clone();
        calls.spawn(async move { read(&client).await });
    }
    while let Some(done) = calls.join_next().await {
        let error = done.unwrap().unwrap_err();
        assert!(matches!(error, Error::Authentication(_)), "{error:?}");
        assert!(error.to_string().contains("refreshToken"), "{error}");
        assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
    }
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_tried_again_as_other_calls_are() {
    let script =
        Script::new([lost(LostHow::Reset), text(502, "<html>"), limited("SECONDLY"), grant("SECRET-1"), object()]);
    read(&client_with(&script, oauth())).await.unwrap();
    let script = Script::new([lost(LostHow::NotSent)]);
    let error = read(&client_with(&script, oauth())).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert_eq!(script.sent().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn secrets_and_values_are_in_no_error_and_no_debug() {
    let leaky: &'static str = "<html>your token pat-na1-SECRET is odd";
    let bodies = [
        text(404, leaky),
        text(200, leaky),
        answer(400, &json!({"message": format!("bad {TOKEN}"), "errors": [{"message": format!("{TOKEN}!")}]})),
        answer(200, &json!({"id": {"ada@example.com": 1}, "results": "ada@example.com"})),
        Err(Lost { how: LostHow::Reset, reason: format!("reset {TOKEN}") }),
    ];
    for body in bodies {
        let script = Script::new([body]);
        let client = client(&script);
        let params = ListParams { properties: vec!["secret_property".to_owned()], ..ListParams::default() };
        let list = client.objects("contacts").list(&params).await.unwrap_err();
        let by_email = ReadParams { id_property: Some("email".to_owned()), ..ReadParams::default() };
        let read = client.objects("contacts").read("ada@example.com", &by_email).await.err();
        let shown = format!("{list} {list:?} {client:?} {read:?}");
        for secret in ["SECRET", "secret_property", "ada"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(!list.to_string().contains('\n'));
    }
    let shown = format!("{:?} {:?} {:?}", Auth::token(TOKEN), oauth(), Client::builder(oauth()));
    assert!(!shown.contains("SECRET"), "{shown}");
}

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
async fn errors_say_what_to_do() {
    let cases = [
        (401, json!({"message": "bad", "category": "INVALID_AUTHENTICATION"}), "check accessToken"),
        (
            403,
            json!({"message": "This app lacks scopes", "category": "MISSING_SCOPES",
                   "errors": [{"message": "x", "context": {"requiredGranularScopes": ["crm.objects.contacts.read", "crm.x"]}}]}),
            "missing scopes: crm.objects.contacts.read, crm.x",
        ),
        (
            404,
            json!({"message": "nothing", "category": "OBJECT_NOT_FOUND"}),
            "check the object type or resource, the id",
        ),
        (409, json!({"message": "Contact already exists. Existing ID: 123", "category": "CONFLICT"}), "id 123"),
        (414, json!({"message": "long"}), "fewer properties"),
        (
            400,
            json!({"message": "Property values were not valid", "category": "VALIDATION_ERROR", "subCategory": "S", "correlationId": "c-9",
                   "errors": [{"message": "x was not one of the options", "code": "INVALID_OPTION", "in": "stage"}]}),
            "400 VALIDATION_ERROR (S): Property values were not valid; INVALID_OPTION in stage: x was not one of the options (correlation id c-9)",
        ),
    ];
    for (status, body, said) in cases {
        let script = Script::new([answer(status, &body)]);
        let error = read(&client(&script)).await.unwrap_err();
        let line = error.to_string();
        assert!(line.contains("GET /crm/objects/2026-03/contacts/51"), "{line}");
        assert!(line.contains(said), "{line}");
        if status == 409 {
            assert_eq!(error.as_api().unwrap().existing_id(), Some("123"));
            assert!(error.is_conflict());
        }
    }
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
