//! What is sent for lists that HubSpot gives whole and for associations, and what is read of its answers.

#![allow(clippy::unwrap_used)]

use hubspot_client::{ApiVersion, AssociationsInput, Auth, BatchReadInput, Client, Error, OWNERS_LIMIT, OwnersParams};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "pat-na1-SECRET";

fn client(server: &MockServer, version: ApiVersion) -> Client {
    Client::builder(Auth::token(TOKEN)).base_url(&server.uri()).api_version(version).max_retries(0).build().unwrap()
}

fn answer(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("date", "Tue, 24 Nov 2026 23:59:58 GMT").set_body_json(body)
}

const DATE: &str = "2026-11-24T23:59:58+00:00";

#[tokio::test]
async fn owners_come_in_pages_and_archived_ones_apart() {
    let server = MockServer::start().await;
    let owner = |id: &str| json!({"id": id, "email": "ada@example.com", "type": "PERSON", "archived": false});
    let first = json!({"results": [owner("7")], "paging": {"next": {"after": "7", "link": "?"}}});
    Mock::given(method("GET"))
        .and(path("/crm/owners/2026-03"))
        .and(query_param("limit", "500"))
        .and(query_param_is_missing("after"))
        .and(query_param_is_missing("archived"))
        .respond_with(answer(200, &first))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/crm/owners/2026-03"))
        .and(query_param("limit", "2"))
        .and(query_param("after", "7"))
        .and(query_param("archived", "true"))
        .respond_with(answer(200, &json!({"results": [owner("8")]})))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server, ApiVersion::V2026_03);
    assert_eq!(OwnersParams::default().limit, OWNERS_LIMIT);
    let page = client.owners().list(&OwnersParams::default()).await.unwrap();
    assert_eq!((page.results[0]["email"].as_str(), page.next.as_deref()), (Some("ada@example.com"), Some("7")));
    assert_eq!(page.date.unwrap().to_rfc3339(), DATE);
    let page = client.owners().list(&OwnersParams { limit: 2, after: page.next, archived: true }).await.unwrap();
    assert_eq!((page.results[0]["id"].as_str(), page.next), (Some("8"), None));
}

#[tokio::test]
async fn pipelines_and_properties_come_whole_with_hubspots_clock() {
    let server = MockServer::start().await;
    let pipelines = json!({"results": [{"id": "default", "label": "Sales", "stages": [{"id": "won", "metadata": {"probability": "1.0"}}]}]});
    Mock::given(path("/crm/pipelines/2026-03/deals")).respond_with(answer(200, &pipelines)).mount(&server).await;
    let properties = json!({"results": [{"name": "amount", "type": "number"}]});
    Mock::given(path("/crm/properties/2026-03/deals")).respond_with(answer(200, &properties)).mount(&server).await;
    let client = client(&server, ApiVersion::V2026_03);

    let page = client.pipelines("deals").list().await.unwrap();
    assert_eq!(Value::Array(page.results.into_iter().map(Value::Object).collect()), pipelines["results"]);
    assert_eq!((page.date.unwrap().to_rfc3339().as_str(), page.next), (DATE, None));
    let page = client.properties("deals").list().await.unwrap();
    assert_eq!((page.results[0].name.as_str(), page.results[0].type_.as_str()), ("amount", "number"));
    assert_eq!(page.date.unwrap().to_rfc3339(), DATE);
}

#[tokio::test]
async fn associations_are_read_with_their_cursors_and_what_has_none_is_no_failure() {
    let server = MockServer::start().await;
    let some = json!({
        "status": "COMPLETE",
        "numErrors": 1,
        "results": [
            // HubSpot has sent ids of both kinds.
            {"from": {"id": 51}, "to": [{"toObjectId": 9001, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"}]}],
             "paging": {"next": {"after": "cursor"}}},
            {"from": {"id": "52"}, "to": []},
        ],
        "errors": [{"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": "No deal is associated with contact 53, pat-na1-SECRET.", "context": {"fromObjectId": ["53"]}}],
    });
    let asked = json!({"inputs": [{"id": "51", "after": "before"}, {"id": "52"}, {"id": "53"}]});
    Mock::given(method("POST"))
        .and(path("/crm/associations/2026-03/contacts/deals/batch/read"))
        .and(body_json(asked))
        .respond_with(answer(207, &some))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server, ApiVersion::V2026_03);
    let inputs = [
        AssociationsInput { id: "51".to_owned(), after: Some("before".to_owned()) },
        AssociationsInput::new("52"),
        AssociationsInput::new("53"),
    ];
    let page = client.associations("contacts", "deals").batch_read(&inputs).await.unwrap();
    let of: Vec<_> = page.results.iter().map(|of| (of.from.as_str(), of.to.len(), of.next.as_deref())).collect();
    assert_eq!(of, [("51", 1, Some("cursor")), ("52", 0, None)]);
    assert_eq!(page.results[0].to[0]["associationTypes"][0]["label"], "Primary");
    assert_eq!(page.errors[0].category, "OBJECT_NOT_FOUND");
    assert_eq!(page.errors[0].context["fromObjectId"], ["53"]);
    assert_eq!(page.errors[0].message, "No deal is associated with contact 53, REDACTED.");
    assert_eq!(page.date.unwrap().to_rfc3339(), DATE);
}

#[tokio::test]
async fn an_answer_of_another_kind_is_not_taken_for_no_associations() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer(200, &json!({"status": "COMPLETE"}))).mount(&server).await;
    let client = client(&server, ApiVersion::V2026_03);
    let error = client.associations("contacts", "deals").batch_read(&[]).await.unwrap_err();
    assert!(matches!(error, Error::Body(_)), "{error:?}");
}

#[tokio::test]
async fn version_3_has_its_own_places_for_them() {
    let server = MockServer::start().await;
    for place in ["/crm/v4/associations/contacts/2-7/batch/read", "/crm/v3/owners", "/crm/v3/pipelines/2-7"] {
        Mock::given(path(place)).respond_with(answer(200, &json!({"results": []}))).expect(1).mount(&server).await;
    }
    let client = client(&server, ApiVersion::V3);
    client.associations("contacts", "2-7").batch_read(&[]).await.unwrap();
    client.owners().list(&OwnersParams::default()).await.unwrap();
    client.pipelines("2-7").list().await.unwrap();
}

#[tokio::test]
async fn a_batch_that_is_read_tells_hubspots_clock() {
    let server = MockServer::start().await;
    Mock::given(path("/crm/objects/2026-03/deals/batch/read"))
        .respond_with(answer(200, &json!({"results": [{"id": "1"}]})))
        .mount(&server)
        .await;
    let client = client(&server, ApiVersion::V2026_03);
    let outcome = client.objects("deals").batch_read(&BatchReadInput::default()).await.unwrap();
    assert_eq!(outcome.date.unwrap().to_rfc3339(), DATE);
}
