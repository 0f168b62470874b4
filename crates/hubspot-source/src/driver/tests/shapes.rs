//! What is told of the shapes of records.

use tokio::time::Instant;

use super::*;
use crate::{ValueKind, Values};

/// When HubSpot's clock starts, in milliseconds.
const START: i64 = 1_790_000_000_000;

/// HubSpot with a note, and another that is made when an hour and a minute have passed. Its `size` is a number, and from the second
/// answer on a text.
fn notes_of_two_sizes() -> MockApi {
    let (started, mut defined) = (Instant::now(), 0);
    let mut api = mock();
    api.expect_answer().returning(move |request| {
        let now = START + started.elapsed().as_millis() as i64;
        let mut response = Response { date: Some(now), ..Response::default() };
        match &request {
            Request::Properties(_) => {
                defined += 1;
                let size = if defined == 1 { "number" } else { "string" };
                let rows = [("size", size), ("hs_object_id", "number"), ("unread", "string")];
                let property = |(name, kind)| serde_json::from_value(json!({"name": name, "type": kind})).unwrap();
                response.definitions = rows.map(property).into();
            }
            Request::List(_, list) if !list.archived => response.items = vec![note(1, START)],
            Request::Search(_, search) if !search.descending && now > START + 3_660_000 => {
                response.items = vec![note(2, START + 3_660_000)];
                response.total = Some(1);
            }
            _ => {}
        }
        Box::pin(async move { Ok(response) })
    });
    api
}

fn note(id: u64, at: i64) -> Item {
    let at = chrono::DateTime::from_timestamp_millis(at).unwrap().to_rfc3339();
    let properties = json!({"hs_object_id": id.to_string(), "size": "5", "hs_lastmodifieddate": at});
    let object = json!({"id": id.to_string(), "properties": properties, "createdAt": at, "updatedAt": at});
    Item::new(object.as_object().unwrap().clone())
}

#[tokio::test(start_paused = true)]
async fn a_shape_comes_with_its_records_and_another_with_other_definitions() {
    let mut config = config(&["crm.notes", "crm.owners"]);
    config.values = Values::Typed;
    let mut source = HubSpotSource::start(notes_of_two_sizes(), config, None).await.unwrap();
    assert_eq!(source.shape("crm.notes"), None);
    settle().await;
    assert_eq!(source.shape("crm.notes"), None, "its records haven't been handed out");
    let mut versions = Vec::new();
    for (value, kind) in [(json!(5), ValueKind::Number), (json!("5"), ValueKind::Text)] {
        let batch = source.next_batch().await.unwrap();
        let after = batch[0].payload.after.as_ref().unwrap().to_structured().unwrap();
        assert_eq!(after["properties"]["size"], value);
        let shape = source.shape("crm.notes").unwrap();
        let properties: Vec<_> = shape.properties.iter().map(|(name, kind)| (&**name, *kind)).collect();
        assert_eq!(properties, [("hs_object_id", ValueKind::Number), ("size", kind)]);
        versions.push(shape.version);
    }
    assert!(versions[0] < versions[1], "{versions:?}");
    assert_eq!(source.shape("crm.owners"), None);
}
