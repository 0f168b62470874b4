//! What is sent again of the writes beside objects: associations, properties, the CMS.

use chrono::DateTime;

use super::*;
use crate::{AssociationArchiveInput, AssociationCreateInput, AssociationSpec, CmsPath, PropertyCreate};

const POSTS: CmsPath<'_> = CmsPath { area: "blogs", collection: Some("posts") };
const TABLES: CmsPath<'_> = CmsPath { area: "hubdb", collection: Some("tables") };

fn nothing() -> Outcome {
    text(204, "")
}

#[tokio::test(start_paused = true)]
async fn associations_are_written_again_when_the_reply_was_lost() {
    let pair = json!({"fromObjectTypeId": "0-1", "fromObjectId": "1", "toObjectTypeId": "0-2", "toObjectId": "2", "labels": ["Chief"]});
    let refused = json!({"category": "OBJECT_NOT_FOUND", "message": "no such company", "context": {"ids": ["3"]}});
    // Versions differ in the status: errors are read on every 2xx.
    for status in [200, 201, 207] {
        let answered =
            answer(status, &json!({"status": "COMPLETE", "results": [pair], "errors": [refused], "numErrors": 1}));
        let script = Script::new([lost(LostHow::Reset), answered]);
        let types = vec![AssociationSpec::user_defined(36)];
        let inputs =
            [AssociationCreateInput::new("1", "2", types.clone()), AssociationCreateInput::new("1", "3", types)];
        let client = client(&script);
        let outcome = client.associations("contacts", "companies").batch_create(&inputs).await.unwrap();
        assert_eq!((outcome.results[0].from.as_str(), outcome.results[0].to.as_str()), ("1", "2"));
        assert_eq!(outcome.errors[0].ids().collect::<Vec<_>>(), ["3"]);
        assert!(outcome.after_lost_reply);
        let sent = script.sent();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0].body, sent[1].body);
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_associations_may_have_a_body_or_none() {
    let ended = [AssociationArchiveInput::new("1", vec!["2".into()])];
    for (answered, errors) in [
        (nothing(), 0),
        (answer(200, &json!({"status": "COMPLETE", "results": []})), 0),
        (answer(200, &json!({"status": "COMPLETE", "errors": [{"category": "VALIDATION_ERROR", "message": "no"}]})), 1),
    ] {
        let script = Script::new([lost(LostHow::Timeout), answered]);
        let client = client(&script);
        let outcome = client.associations("contacts", "companies").batch_archive(&ended).await.unwrap();
        assert_eq!((outcome.errors.len(), outcome.num_errors), (errors, errors as u64));
        assert!(outcome.after_lost_reply && outcome.results.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn labels_are_read_with_the_one_that_has_no_name() {
    let script = Script::new([answer(
        200,
        &json!({"results": [
            {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null},
            {"category": "USER_DEFINED", "typeId": 36, "label": "Chief"}
        ]}),
    )]);
    let client = client(&script);
    let labels = client.associations("contacts", "companies").labels().await.unwrap();
    assert_eq!(script.lines(), ["GET /crm/associations/2026-03/contacts/companies/labels"]);
    assert_eq!((labels[0].label.as_deref(), labels[1].label.as_deref()), (None, Some("Chief")));
    assert_eq!(labels[1].to_spec(), AssociationSpec::user_defined(36));
}

#[tokio::test(start_paused = true)]
async fn properties_are_never_created_twice() {
    let script = Script::new([lost(LostHow::Reset)]);
    let error = client(&script).properties("contacts").batch_create(&[PropertyCreate::default()]).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error:?}");
    assert_eq!(script.sent().len(), 1);

    let script = Script::new([answer(
        207,
        &json!({"results": [{"name": "a", "type": "string"}], "errors": [{"category": "CONFLICT", "message": "b is there"}]}),
    )]);
    let outcome = client(&script).properties("contacts").batch_create(&[PropertyCreate::default()]).await.unwrap();
    assert_eq!(outcome.results[0].name, "a");
    assert_eq!(outcome.errors[0].category, "CONFLICT");
}

#[tokio::test(start_paused = true)]
async fn drafts_schedules_and_publishing_are_sent_again() {
    let at = DateTime::from_timestamp_millis(1_774_000_000_123).unwrap();
    let script = Script::new([lost(LostHow::Reset), nothing()]);
    client(&script).cms(POSTS).schedule("7", at).await.unwrap();
    assert_eq!(script.lines(), ["POST /cms/blogs/2026-03/posts/schedule"; 2]);
    assert_eq!(script.sent()[0].body, r#"{"id":"7","publishDate":"2026-03-20T09:46:40.123Z"}"#);

    let script = Script::new([lost(LostHow::Reset), nothing()]);
    client(&script).cms(POSTS).reset_draft("7").await.unwrap();
    let script = Script::new([lost(LostHow::Reset), object()]);
    client(&script).cms(TABLES).unpublish("7").await.unwrap();
    let script = Script::new([lost(LostHow::Reset), object()]);
    assert_eq!(client(&script).cms(TABLES).publish_draft("7").await.unwrap().unwrap()["id"], "51");
    assert_eq!(script.lines(), ["POST /cms/hubdb/2026-03/tables/7/draft/publish"; 2]);

    let script = Script::new([
        lost(LostHow::Reset),
        answer(207, &json!({"results": [{"id": "1"}], "errors": [{"category": "OBJECT_NOT_FOUND"}]})),
    ]);
    let outcome = client(&script).cms(POSTS).batch_read(&["1".into(), "2".into()], false).await.unwrap();
    assert_eq!((outcome.results.len(), outcome.errors.len()), (1, 1));
    assert_eq!(script.sent()[1].body, r#"{"inputs":["1","2"]}"#);

    let script = Script::new([lost(LostHow::Reset)]);
    assert!(client(&script).cms(POSTS).create(&Object::new()).await.unwrap_err().is_outcome_unknown());
}
