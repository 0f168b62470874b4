//! What is sent again, when, and for how long.

use chrono::DateTime;

use super::*;
use crate::SearchParams;

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
