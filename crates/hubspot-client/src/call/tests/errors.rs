//! What errors and logs say, and what they must not.

use super::*;
use crate::UpdateInput;

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

/// An error answer that has the token in every place that is read.
fn repeating_the_token() -> Value {
    let context = json!({TOKEN: [TOKEN, format!("missing {TOKEN}")]});
    json!({
        "category": TOKEN, "subCategory": TOKEN, "message": format!("bad {TOKEN}"), "correlationId": TOKEN, "policyName": TOKEN,
        "context": context,
        "errors": [{"message": format!("{TOKEN}!"), "code": TOKEN, "in": TOKEN, "subCategory": TOKEN, "context": context}],
    })
}

#[tokio::test(start_paused = true)]
async fn secrets_and_values_are_in_no_error_and_no_debug() {
    let leaky: &'static str = "<html>your token pat-na1-SECRET is odd";
    // It would be cut in two where the beginning of the body ends.
    let far = format!("<html>{}{TOKEN}", "x".repeat(100 - 6 - TOKEN.len() + 2));
    let bodies = [
        text(404, leaky),
        text(200, leaky),
        text(404, far.leak()),
        answer(400, &repeating_the_token()),
        Ok(Answer { correlation_id: Some(TOKEN.to_owned()), ..answer(400, &json!({"message": "no"})).unwrap() }),
        Ok(Answer { status: 200, cut: Some(TOKEN.to_owned()), ..Answer::default() }),
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
        for secret in ["SECRET", "pat-na1", "secret_property", "ada"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(!list.to_string().contains('\n'));
    }
    let shown = format!("{:?} {:?} {:?}", Auth::token(TOKEN), oauth(), Client::builder(oauth()));
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_repeats_the_token_is_shown_without_it() {
    let mut error = repeating_the_token();
    error["id"] = TOKEN.into();
    let script = Script::new([answer(207, &json!({"results": [], "errors": [error]}))]);
    let outcome = client(&script).objects("contacts").batch_update(&[UpdateInput::default()]).await.unwrap();
    let shown = format!("{outcome:?}");
    assert!(!shown.contains("SECRET") && shown.contains("bad REDACTED"), "{shown}");
}
