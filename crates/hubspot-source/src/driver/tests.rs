//! The driver against a HubSpot that is a mock: what it sends when, and what it does with errors.

mod shapes;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::reading::SNAPSHOT_REQUESTS;
use super::report::tests::Log;
use super::*;
use crate::item::Item;

fn config(names: &[&str]) -> Config {
    Config::new(names.iter().map(|name| hubspot_catalog::find(name).unwrap()))
}

fn notes() -> Config {
    config(&["crm.notes"])
}

/// A mock that knows of no limits.
fn mock() -> MockApi {
    let mut api = MockApi::new();
    api.expect_quota().returning(Quota::default);
    api.expect_retries().return_const(0_u64);
    api
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
        date: Some(1_790_000_000_000),
        ..Response::default()
    }
}

/// The answer to what a snapshot asks. There is no greatest id, so the list is read in one place.
fn listed(request: &Request) -> Response {
    match request {
        Request::List(_, list) => page(list.after.as_deref()),
        Request::Search(_, search) if search.descending => {
            Response { date: Some(1_790_000_000_000), ..Response::default() }
        }
        other => panic!("a snapshot lists: {other:?}"),
    }
}

/// HubSpot with an endless list, which counts what it was asked.
fn endless() -> (MockApi, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mut api = mock();
    api.expect_answer().returning(move |request| {
        counter.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(listed(&request)) })
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
    let mut source = HubSpotSource::start(api, notes(), None).await.unwrap();
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
    let mut source = HubSpotSource::start(api, notes(), None).await.unwrap();
    settle().await;
    // Those that wait to be taken, the one being handed over, the one whose answer waits behind it, and what asks for the
    // greatest id.
    let ahead = asked.load(Ordering::SeqCst);
    assert_eq!(ahead, BATCHES_AHEAD + 3);
    source.next_batch().await.unwrap();
    settle().await;
    assert_eq!(asked.load(Ordering::SeqCst), ahead + 1);
}

#[tokio::test(start_paused = true)]
async fn resources_go_side_by_side_and_snapshots_leave_room() {
    let names = ["crm.notes", "crm.calls", "crm.emails", "crm.tasks"];
    let (most, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, under_way) = (Arc::clone(&most), Arc::clone(&now));
    let mut api = mock();
    api.expect_answer().returning(move |request| {
        counter.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let under_way = Arc::clone(&under_way);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            Ok(match &request {
                // There are many: the list is cut.
                Request::Search(_, search) if search.descending => {
                    let last = json!({"id": "1000000", "properties": {}}).as_object().unwrap().clone();
                    Response { items: vec![Item::new(last)], ..listed(&request) }
                }
                _ => listed(&request),
            })
        })
    });
    let mut source = HubSpotSource::start(api, config(&names), None).await.unwrap();
    let mut delivered = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..200 {
        for record in source.next_batch().await.unwrap() {
            *delivered.entry(record.metadata.collection().unwrap().to_owned()).or_default() += 1;
            assert!(record.position.as_bytes().len() < 4_096);
        }
    }
    assert_eq!(most.load(Ordering::SeqCst), SNAPSHOT_REQUESTS);
    let (least, most) = (delivered.values().min().unwrap(), delivered.values().max().unwrap());
    assert!(delivered.len() == 4 && most - least <= 1_500, "{delivered:?}");
}

/// More snapshots than requests may be under way for: each gets its turns.
#[tokio::test(start_paused = true)]
async fn no_snapshot_waits_for_another_to_end() {
    let resources: Vec<_> = hubspot_catalog::RESOURCES.iter().filter(|resource| resource.is_crm()).take(20).collect();
    assert!(resources.len() > SNAPSHOT_REQUESTS);
    let mut api = mock();
    api.expect_answer().returning(|request| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(listed(&request))
        })
    });
    let count = resources.len();
    let mut source = HubSpotSource::start(api, Config::new(resources), None).await.unwrap();
    let mut delivered = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..count * 10 {
        for record in source.next_batch().await.unwrap() {
            *delivered.entry(record.metadata.collection().unwrap().to_owned()).or_default() += 1;
        }
    }
    let least = delivered.values().min().unwrap();
    assert!(delivered.len() == count && *least >= 500, "{delivered:?}");
}

/// However long the lists of archived objects are, and however many resources have one.
#[tokio::test(start_paused = true)]
async fn the_background_takes_a_fifth_of_the_quota_and_no_more() {
    let sweeps = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sweeps);
    let mut api = MockApi::new();
    api.expect_quota().returning(|| {
        let mut quota = Quota::default();
        (quota.per_interval, quota.interval) = (Some(190), Duration::from_secs(10));
        quota
    });
    api.expect_retries().return_const(0_u64);
    api.expect_answer().returning(move |request| {
        let swept = matches!(&request, Request::List(_, list) if list.archived);
        counter.fetch_add(usize::from(swept), Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(match &request {
                // All of it long before the stream.
                Request::List(_, list) if list.archived => {
                    let page = page(list.after.as_deref());
                    let items = page.items.into_iter().map(|item| {
                        let mut object = item.into_map();
                        object.insert("archivedAt".into(), 1_000.into());
                        Item::new(object)
                    });
                    Response { items: items.collect(), ..page }
                }
                _ => Response { date: Some(1_790_000_000_000), ..Response::default() },
            })
        })
    });
    let mut config = config(&["crm.notes", "crm.calls", "crm.emails", "crm.tasks"]);
    config.snapshot = false;
    config.deletes_interval = Duration::ZERO;
    let mut source = HubSpotSource::start(api, config, None).await.unwrap();
    let before = sweeps.load(Ordering::SeqCst);
    let news = tokio::time::timeout(Duration::from_mins(10), source.next_batch()).await;
    assert!(news.is_err(), "archived before the stream began");
    let (took, fifth) = (sweeps.load(Ordering::SeqCst) - before, 19 * 600 / 5);
    assert!((fifth * 9 / 10..=fifth + 4).contains(&took), "{took} of {fifth}");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_hubspots_ends_the_stream_behind_what_came_before_it() {
    let mut api = mock();
    let mut answers = 0;
    api.expect_answer().returning(move |request| {
        answers += 1;
        // Two pages, and what asks for the greatest id.
        let refused = answers > 3;
        Box::pin(async move { if refused { Err(refusal().await) } else { Ok(listed(&request)) } })
    });
    let mut source = HubSpotSource::start(api, notes(), None).await.unwrap();
    let mut delivered = 0;
    let error = loop {
        match source.next_batch().await {
            Ok(batch) => delivered += batch.len(),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(delivered, 200);
    assert!(error.starts_with("reading crm.notes: ") && !error.contains('\n'), "{error}");
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
    let mut api = mock();
    api.expect_answer().times(1).returning(move |_| {
        let guard = OnDrop(Arc::clone(&counter));
        Box::pin(async move {
            let _guard = guard;
            std::future::pending().await
        })
    });
    let source = HubSpotSource::start(api, notes(), None).await.unwrap();
    settle().await;
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(source);
    settle().await;
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

/// HubSpot without an object, whose object types have these properties.
fn empty(defined: fn(&hubspot_catalog::Crm) -> &'static [&'static str]) -> MockApi {
    let mut api = mock();
    api.expect_answer().returning(move |request| {
        let properties: &[&str] = if let Request::Properties(crm) = &request { defined(crm) } else { &[] };
        let property = |name: &&str| serde_json::from_value(json!({"name": name, "type": "string"})).unwrap();
        let definitions = properties.iter().map(property).collect();
        let response = Response { date: Some(1_790_000_000_000), definitions, ..Response::default() };
        Box::pin(async move { Ok(response) })
    });
    api
}

/// What is logged of a level while nothing is delivered for so long.
async fn logged(api: MockApi, config: Config, level: &str, minutes: u64) -> Vec<String> {
    let log = Log::default();
    let _listening = log.listen();
    let mut source = HubSpotSource::start(api, config, None).await.unwrap();
    let news = tokio::time::timeout(Duration::from_secs(minutes * 60 + 1), source.next_batch()).await;
    assert!(news.is_err(), "{news:?}");
    log.lines().into_iter().filter(|line| line.starts_with(level)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_name_that_no_resource_has_is_said_once_however_definitions_are_read() {
    let defined = |crm: &hubspot_catalog::Crm| match crm.object_type {
        "notes" => &["hs_object_id", "hs_note_body"][..],
        _ => &["hs_object_id", "hs_call_title", "hs_merged_object_ids"],
    };
    for (properties, extra) in [("default", "hs_call_titel"), ("hs_note*,hs_call_titel", "hs_note_body")] {
        let mut config = config(&["crm.notes", "crm.calls", "crm.owners"]);
        config.properties = crate::Properties::parse(properties.split(',')).unwrap();
        config.extra_properties = vec!["hs_note_body".to_owned(), extra.to_owned()];
        let warned = logged(empty(defined), config, "WARN", 90).await;
        assert_eq!(warned.len(), 1, "{warned:#?}");
        let said = "no property is called \"hs_call_titel\" in crm.notes, crm.calls: did you mean \"hs_call_title\"?";
        let ends = |line: &str| {
            line.ends_with(said) || line.ends_with(&said.replace("crm.notes, crm.calls", "crm.calls, crm.notes"))
        };
        assert!(ends(&warned[0]), "{warned:?}");
        assert!(warned[0].contains("property=\"hs_call_titel\""), "{warned:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_nothing_is_one_line() {
    let said = logged(empty(|_| &[]), config(&["crm.notes", "crm.calls", "crm.tasks"]), "INFO", 3).await;
    let lines: Vec<_> = said.iter().filter(|line| line.contains("nothing new")).collect();
    // In the first minute the snapshots have been read.
    assert!((2..=3).contains(&lines.len()), "{said:#?}");
    let all = "3 resources follow, nothing new: crm.notes, crm.calls, crm.tasks; 0 sent again";
    assert!(lines.iter().all(|line| line.ends_with(all)), "{lines:#?}");
    assert!(said.iter().any(|line| line.ends_with("starting: crm.notes, crm.calls, crm.tasks from the beginning")));
}

#[tokio::test(start_paused = true)]
async fn an_interval_that_the_quota_stretches_is_said_to_be() {
    let mut api = MockApi::new();
    // A request in the background every five seconds.
    api.expect_quota().returning(|| {
        let mut quota = Quota::default();
        (quota.per_interval, quota.interval) = (Some(10), Duration::from_secs(10));
        quota
    });
    api.expect_retries().return_const(0_u64);
    api.expect_answer().returning(|request| {
        let mut response = Response { date: Some(1_790_000_000_000), ..Response::default() };
        if let Request::List(_, list) = &request
            && list.archived
        {
            let page = list.after.as_deref().map_or(1, |after| after.parse::<u64>().unwrap() + 1);
            response.next = (page < 30).then(|| page.to_string());
        }
        Box::pin(async move { Ok(response) })
    });
    let warned = logged(api, notes(), "WARN", 15).await;
    assert_eq!(warned.len(), 1, "{warned:#?}");
    assert!(warned[0].contains("parameter=\"deletes.interval\" interval_ms=60000"), "{warned:?}");
    assert!(warned[0].contains("deletes.interval is stretched from 1m to 2m30s"), "{warned:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_error_that_it_is() {
    let mut of_a_request = mock();
    of_a_request.expect_answer().returning(|_| Box::pin(async { panic!("no such\nlane") }));
    let mut of_the_driver = MockApi::new();
    of_the_driver.expect_quota().returning(|| panic!("no such\nlane"));
    for api in [of_a_request, of_the_driver] {
        let mut source = HubSpotSource::start(api, notes(), None).await.unwrap();
        let error = source.next_batch().await.unwrap_err();
        assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.starts_with("reading crm.notes: ") && said.ends_with(": no such lane"), "{said}");
        assert!(matches!(source.next_batch().await, Err(Error::Stopped { .. })));
    }
}
