//! Access tokens: fetched, shared, refreshed, refused.

use tokio::task::JoinSet;

use super::*;

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
async fn an_access_token_that_no_header_can_hold_is_not_sent() {
    for token in ["", "SECRET \u{e9}", "SECRET-1\r\nX-Other: 1"] {
        let script = Script::new([grant(token), object()]);
        let client = client_with(&script, oauth());
        let error = read(&client).await.unwrap_err();
        assert!(matches!(&error, Error::Authentication(denied) if denied.status == Some(200)), "{error:?}");
        assert!(error.to_string().contains("access token in its answer"), "{error}");
        assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
        assert_eq!((script.sent().len(), client.stats().token_refreshes), (1, 0), "{token:?}");
    }
}
