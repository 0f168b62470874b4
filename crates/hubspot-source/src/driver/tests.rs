//! The driver against a HubSpot that is a mock: what it sends when, and what it does with errors.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::item::Item;

fn contacts() -> Config {
    Config::new(hubspot_catalog::find("crm.contacts").unwrap())
}

/// The page that follows `after`, of an account without an end.
fn page(after: Option<&str>) -> Response {
    let first = after.map_or(1, |after| after.parse::<u64>().unwrap() + 1);
    let items = (first..first + 100).map(|id| {
        let object = json!({"id": id.to_string(), "createdAt": "2026-01-01T00:00:00Z", "properties": {}});
        Item::new(object.as_object().unwrap().clone())
    });
    Response {
        items: items.collect(),
        next: Some((first + 99).to_string()),
        total: None,
        date: Some(1_790_000_000_000),
    }
}

/// HubSpot with an endless list, which counts what it was asked.
fn endless() -> (MockApi, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mut api = MockApi::new();
    api.expect_answer().returning(move |request| {
        counter.fetch_add(1, Ordering::SeqCst);
        let Request::List(_, list) = request else { panic!("a snapshot lists: {request:?}") };
        Box::pin(async move { Ok(page(list.after.as_deref())) })
    });
    (api, asked)
}

/// Lets every other task go on until none can.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn pages_come_in_order_and_whole() {
    let (api, _) = endless();
    let mut source = HubSpotSource::start(api, contacts(), None).await.unwrap();
    let mut ids = Vec::new();
    while ids.len() < 500 {
        for record in source.next_batch().await.unwrap() {
            let key = record.key.unwrap().into_structured().unwrap();
            ids.push(key["id"].as_str().unwrap().parse::<u64>().unwrap());
        }
    }
    assert_eq!(ids, (1..=500).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_takes_nothing_makes_hubspot_send_a_few_pages_and_no_more() {
    let (api, asked) = endless();
    let mut source = HubSpotSource::start(api, contacts(), None).await.unwrap();
    settle().await;
    // Those that wait to be taken, the one being handed over, and the one whose answer waits behind it.
    let ahead = asked.load(Ordering::SeqCst);
    assert_eq!(ahead, BATCHES_AHEAD + 2);
    source.next_batch().await.unwrap();
    settle().await;
    assert_eq!(asked.load(Ordering::SeqCst), ahead + 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_hubspots_ends_the_stream_behind_what_came_before_it() {
    let mut api = MockApi::new();
    let mut answers = 0;
    api.expect_answer().returning(move |request| {
        answers += 1;
        let refused = answers > 2;
        let Request::List(_, list) = request else { panic!("a snapshot lists: {request:?}") };
        Box::pin(async move { if refused { Err(refusal().await) } else { Ok(page(list.after.as_deref())) } })
    });
    let mut source = HubSpotSource::start(api, contacts(), None).await.unwrap();
    let mut delivered = 0;
    let error = loop {
        match source.next_batch().await {
            Ok(batch) => delivered += batch.len(),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(delivered, 200);
    assert!(error.starts_with("reading crm.contacts: ") && !error.contains('\n'), "{error}");
    assert!(matches!(source.next_batch().await, Err(Error::Stopped { .. })));
}

/// An error that the client gives without a network: a type without a name is never sent.
async fn refusal() -> hubspot_client::Error {
    let client = Client::builder(hubspot_client::Auth::token("pat-test-0000")).build().unwrap();
    client.objects("").list(&hubspot_client::ListParams::default()).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn dropping_the_source_takes_back_the_request_under_way() {
    struct OnDrop(Arc<AtomicUsize>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&dropped);
    let mut api = MockApi::new();
    api.expect_answer().times(1).returning(move |_| {
        let guard = OnDrop(Arc::clone(&counter));
        Box::pin(async move {
            let _guard = guard;
            std::future::pending().await
        })
    });
    let source = HubSpotSource::start(api, contacts(), None).await.unwrap();
    settle().await;
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(source);
    settle().await;
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}
