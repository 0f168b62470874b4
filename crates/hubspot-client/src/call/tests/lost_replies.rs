//! What an answer means when a reply before it was lost.

use super::*;
use crate::{CmsPath, UpdateInput};

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
async fn a_batch_says_whether_a_reply_was_lost_before_it() {
    let missing =
        || answer(207, &json!({"results": [], "errors": [{"category": "OBJECT_NOT_FOUND", "message": "no"}]}));
    let inputs = [UpdateInput::new("old@example.com", Object::new()).id_property("email")];
    for (before, after_lost_reply) in [
        (lost(LostHow::Reset), true),
        (lost(LostHow::Timeout), true),
        (text(200, "{"), true),
        (text(502, "<html>"), true),
        (lost(LostHow::NotSent), false),
        (limited("SECONDLY"), false),
    ] {
        let script = Script::new([before.clone(), missing()]);
        let outcome = client(&script).objects("contacts").batch_update(&inputs).await.unwrap();
        assert_eq!(outcome.after_lost_reply, after_lost_reply, "{before:?}");
        assert_eq!(outcome.errors[0].category, "OBJECT_NOT_FOUND");
    }
    let script = Script::new([missing()]);
    assert!(!client(&script).objects("contacts").batch_update(&inputs).await.unwrap().after_lost_reply);
}

#[tokio::test(start_paused = true)]
async fn what_no_try_is_answered_to_says_whether_one_may_have_been_done() {
    let inputs = [UpdateInput::new("51", Object::new())];
    for (fault, may_be_done) in [
        (lost(LostHow::Reset), true),
        (lost(LostHow::Timeout), true),
        (text(502, "<html>"), true),
        (answer(500, &json!({"message": "internal error"})), true),
        (lost(LostHow::NotSent), false),
    ] {
        let script = Script::new(std::iter::repeat_n(fault.clone(), 20));
        let error = client(&script).objects("contacts").batch_update(&inputs).await.unwrap_err();
        assert!(error.is_transient() && !error.is_outcome_unknown(), "{error:?}");
        assert_eq!(error.is_after_lost_reply(), may_be_done, "{error:?}");
    }
}
