//! Single transitions of the engine. Whole histories run in `tests/losing_nothing.rs`.

use serde_json::{Value, json};

use super::*;
use crate::ask::{CmsListRequest, Comparison, ListRequest, SearchRequest};

/// HubSpot's clock.
const HUB: Millis = 1_790_000_000_000;
/// The caller's clock, which is hours off.
const LOCAL: Millis = HUB + 7 * 3_600_000;
const LAG: Millis = 600_000;

fn engine(resource: &str, options: Options, resume: Option<Resume>) -> Engine {
    Engine::new(hubspot_catalog::find(resource).unwrap(), options, resume)
}

fn options() -> Options {
    Options {
        page_size: 100,
        extra_properties: Vec::new(),
        snapshot: true,
        polling_period: 5_000,
        lag: LAG,
        deletes_interval: 60_000,
    }
}

fn contact(id: u64, created: Millis, updated: Millis) -> Item {
    let properties = json!({"email": "a@b.c", "lastmodifieddate": updated.to_string()});
    match json!({"id": id.to_string(), "createdAt": created, "properties": properties}) {
        Value::Object(object) => Item::new(object),
        _ => Item::default(),
    }
}

fn answer(items: Vec<Item>, next: Option<&str>) -> Response {
    Response { items, next: next.map(Into::into), total: None, date: Some(HUB) }
}

fn list(ask: Ask) -> ListRequest {
    match ask {
        Ask::Request(Request::List(_, list)) => list,
        other => panic!("a list was expected: {other:?}"),
    }
}

fn search(ask: Ask) -> SearchRequest {
    match ask {
        Ask::Request(Request::Search(_, search)) => search,
        other => panic!("a search was expected: {other:?}"),
    }
}

/// The lower bound of a search along the changed-time.
fn since(search: &SearchRequest) -> Millis {
    assert_eq!(search.filters[0].operator, Comparison::GreaterOrEqual);
    Millis::try_from(search.filters[0].value).unwrap()
}

fn operations(changes: &[Change]) -> Vec<(Operation, String)> {
    changes.iter().map(|change| (change.operation, change.id.to_string())).collect()
}

fn change(operation: Operation, id: &str) -> (Operation, String) {
    (operation, id.to_owned())
}

/// Answers everything with `reply` until the engine waits; the requests that it took and the changes that came.
fn until_idle(
    engine: &mut Engine,
    now: Millis,
    mut reply: impl FnMut(&Request) -> Response,
) -> (Vec<Request>, Vec<Change>) {
    let (mut requests, mut changes) = (Vec::new(), Vec::new());
    while let Ask::Request(request) = engine.next(now) {
        assert!(requests.len() < 1_000, "no end: {request:?}");
        changes.extend(engine.absorb(reply(&request), now).unwrap());
        requests.push(request);
    }
    (requests, changes)
}

/// A store of contacts, of which the list shows all and the search what changed since.
fn hubspot(contacts: &[Item]) -> impl FnMut(&Request) -> Response {
    let at = |item: &Item| item.property_time("lastmodifieddate").unwrap();
    move |request| match request {
        Request::List(_, list) if list.archived => answer(Vec::new(), None),
        Request::List(_, list) => {
            let from: usize = list.after.as_deref().map_or(0, |after| after.parse().unwrap());
            let to = (from + list.limit as usize).min(contacts.len());
            let next = (to < contacts.len()).then(|| to.to_string());
            answer(contacts[from..to].to_vec(), next.as_deref())
        }
        Request::Search(_, search) => {
            let since = since(search);
            let until = search.filters.get(1).map_or(Millis::MAX, |filter| filter.value as Millis);
            let mut found: Vec<_> =
                contacts.iter().filter(|item| (since..until).contains(&at(item))).cloned().collect();
            found.sort_by_key(at);
            let total = Some(found.len() as u64);
            found.truncate(search.limit as usize);
            Response { total, ..answer(found, None) }
        }
        Request::CmsList(..) => panic!("contacts are no CMS collection"),
    }
}

#[test]
fn a_snapshot_delivers_what_is_there_and_the_stream_repeats_none_of_it() {
    let mut engine = engine("crm.contacts", options(), None);
    // The first was just made, within the second that HubSpot's Date leaves open; the last certainly later.
    let page = vec![contact(1, HUB, HUB), contact(2, 5, 5), contact(3, HUB + 9_000, HUB + 9_000)];
    assert_eq!(list(engine.next(LOCAL)), ListRequest { limit: 100, ..ListRequest::default() });
    let changes = engine.absorb(answer(page.clone(), None), LOCAL).unwrap();
    assert_eq!(operations(&changes), [change(Operation::Snapshot, "1"), change(Operation::Snapshot, "2")]);
    assert!(!engine.in_snapshot());
    let poll = search(engine.next(LOCAL));
    assert_eq!(since(&poll), HUB - DATE_MARGIN);
    let changes = engine.absorb(answer(vec![page[0].clone(), page[2].clone()], None), LOCAL).unwrap();
    assert_eq!(operations(&changes), [change(Operation::Create, "3")]);
    let later = contact(1, HUB, HUB + 9_500);
    let (_, changes) = until_idle(&mut engine, LOCAL + 6_000, hubspot(&[later]));
    assert_eq!(operations(&changes), [change(Operation::Update, "1")]);
}

#[test]
fn without_a_snapshot_the_first_poll_is_noted_and_the_next_delivered() {
    let mut engine = engine("crm.contacts", Options { snapshot: false, ..options() }, None);
    assert!(engine.is_beginning());
    assert_eq!(list(engine.next(LOCAL)).limit, 1, "only for HubSpot's clock");
    assert!(engine.absorb(answer(vec![contact(1, 5, 5)], None), LOCAL).unwrap().is_empty());
    // Created in the same second, but before the stream.
    assert_eq!(since(&search(engine.next(LOCAL))), HUB - DATE_MARGIN);
    assert!(engine.absorb(answer(vec![contact(2, HUB, HUB)], None), LOCAL).unwrap().is_empty());
    assert!(!engine.is_beginning());
    let (_, changes) = until_idle(
        &mut engine,
        LOCAL + 6_000,
        hubspot(&[contact(1, 5, HUB + 10), contact(2, HUB, HUB), contact(3, HUB + 20, HUB + 20)]),
    );
    assert_eq!(operations(&changes), [change(Operation::Update, "1"), change(Operation::Create, "3")]);
}

#[test]
fn the_callers_clock_only_says_when_to_poll() {
    for local in [LOCAL, HUB, HUB - 90 * 86_400_000] {
        let mut engine = engine("crm.contacts", options(), None);
        engine.next(local);
        engine.absorb(answer(Vec::new(), None), local).unwrap();
        let (requests, _) = until_idle(&mut engine, local + 1, hubspot(&[]));
        assert_eq!(requests.len(), 2, "a poll and a sweep");
        assert_eq!(engine.next(local + 1), Ask::Wait(local + 5_001));
        assert_eq!(since(&search(engine.next(local + 5_001))), HUB - DATE_MARGIN);
    }
}

#[test]
fn an_answer_without_a_date_can_not_begin_a_stream() {
    let mut engine = engine("crm.contacts", options(), None);
    engine.next(LOCAL);
    let answer = Response { date: None, ..answer(vec![contact(1, 5, 5)], None) };
    assert_eq!(engine.absorb(answer, LOCAL).unwrap_err(), AnswerError::NoDate);
}

#[test]
fn a_cdc_position_of_the_go_connector_is_followed_from_a_lag_before_it() {
    let resume = Resume::GoCdc { timestamp: Some(HUB - 50) };
    let mut engine = engine("crm.contacts", options(), Some(resume));
    assert_eq!(since(&search(engine.next(LOCAL))), HUB - 50 - LAG);
    let changes = engine.absorb(answer(vec![contact(1, 5, HUB - LAG)], None), LOCAL).unwrap();
    assert_eq!(operations(&changes), [change(Operation::Update, "1")]);
}

#[test]
fn a_snapshot_position_of_the_go_connector_starts_over_and_follows_from_a_lag_before_its_start() {
    let resume = Resume::GoSnapshot { initial: Some(HUB - 70_000) };
    let mut engine = engine("crm.contacts", options(), Some(resume));
    assert_eq!(list(engine.next(LOCAL)).after, None);
    let changes = engine.absorb(answer(vec![contact(1, 5, 5)], None), LOCAL).unwrap();
    assert_eq!(operations(&changes), [change(Operation::Snapshot, "1")]);
    assert_eq!(since(&search(engine.next(LOCAL))), HUB - 70_000 - LAG);
}

#[test]
fn a_resumed_snapshot_goes_on_behind_the_acknowledged_record() {
    let cursor = Cursor::Snapshot { start: HUB, after: Some("51".into()), created: None, since: None };
    let mut engine = engine("crm.contacts", options(), Some(Resume::At { cursor, number: 17 }));
    assert_eq!(list(engine.next(LOCAL)).after.as_deref(), Some("51"));
    let changes = engine.absorb(answer(vec![contact(60, 5, 5)], None), LOCAL).unwrap();
    assert_eq!(changes[0].number, 18);
}

#[test]
fn extra_properties_are_asked_for_beside_the_default_ones() {
    let extra = Options { extra_properties: vec!["phone".into(), "email".into()], ..options() };
    let mut engine = engine("crm.contacts", extra, None);
    assert!(list(engine.next(LOCAL)).properties.is_empty());
    assert!(engine.absorb(answer(vec![contact(1, 5, 5)], None), LOCAL).unwrap().is_empty());
    let again = list(engine.next(LOCAL));
    assert_eq!((again.after, again.properties), (None, ["email", "lastmodifieddate", "phone"].map(Into::into).into()));
}

#[test]
fn what_a_count_misses_in_the_window_is_looked_for() {
    let mut contacts: Vec<_> = (0..160).map(|id| contact(id, 5, HUB + id as Millis)).collect();
    let cursor = Cursor::Follow { start: 0, known: 0, settled: HUB, fast: HUB, drain: None, sweep: HUB };
    let mut engine = engine("crm.contacts", options(), Some(Resume::At { cursor, number: 0 }));
    let (_, changes) = until_idle(&mut engine, LOCAL, hubspot(&contacts));
    assert_eq!(changes.len(), 160);
    // An entry appears in the middle of what has been read.
    contacts.push(contact(999, 5, HUB + 80));
    let (_, changes) = until_idle(&mut engine, LOCAL + 5_000, hubspot(&contacts));
    assert_eq!(operations(&changes), [change(Operation::Update, "999")]);
}

#[test]
fn an_object_that_moved_within_the_window_late_is_found_by_counting_its_parts() {
    let mut contacts: Vec<_> = (0..800).map(|id| contact(id, 5, HUB + id as Millis)).collect();
    let cursor = Cursor::Follow { start: 0, known: 0, settled: HUB, fast: HUB, drain: None, sweep: HUB };
    let mut engine = engine("crm.contacts", options(), Some(Resume::At { cursor, number: 0 }));
    let (_, changes) = until_idle(&mut engine, LOCAL, hubspot(&contacts));
    assert_eq!(changes.len(), 800);
    contacts[7] = contact(7, 5, HUB + 750);
    let polls = (1..=10).map(|poll| until_idle(&mut engine, LOCAL + poll * 5_000, hubspot(&contacts)).1);
    assert_eq!(operations(&polls.flatten().collect::<Vec<_>>()), [change(Operation::Update, "7")]);
}

/// Its count doesn't show it: the object was in the window before, and still is.
#[test]
fn a_change_in_the_millisecond_of_the_last_one_is_found_at_once() {
    let mut contacts: Vec<_> = (0..160).map(|id| contact(id, 5, HUB + id as Millis)).collect();
    let cursor = Cursor::Follow { start: 0, known: 0, settled: HUB, fast: HUB, drain: None, sweep: HUB };
    let mut engine = engine("crm.contacts", options(), Some(Resume::At { cursor, number: 0 }));
    let (_, changes) = until_idle(&mut engine, LOCAL, hubspot(&contacts));
    assert_eq!(changes.len(), 160);
    contacts[7] = contact(7, 5, HUB + 159);
    let (_, changes) = until_idle(&mut engine, LOCAL + 5_000, hubspot(&contacts));
    assert_eq!(operations(&changes), [change(Operation::Update, "7")]);
}

#[test]
fn requests_per_thousand_stay_within_their_bounds() {
    let old: Vec<_> = (0..1_000).map(|id| contact(id, 5, 5)).collect();
    let mut engine = engine("crm.contacts", options(), None);
    let (requests, changes) = until_idle(&mut engine, LOCAL, hubspot(&old));
    assert_eq!(changes.len(), 1_000);
    // Ten pages, and then the first poll and the first sweep.
    assert!(requests.len() <= 12, "{}", requests.len());
    let news: Vec<_> = (0..1_000).map(|id| contact(id, 5, HUB + 1 + id as Millis)).collect();
    let (requests, changes) = until_idle(&mut engine, LOCAL + 5_000, hubspot(&news));
    assert_eq!(changes.len(), 1_000);
    assert!(requests.len() <= 6, "{}", requests.len());
    // Once all is quiet: a poll, and at times a count of the window.
    let (requests, changes) = until_idle(&mut engine, LOCAL + 10_000, hubspot(&news));
    assert!(changes.is_empty() && requests.len() <= 2, "{requests:?}");
}

#[test]
fn what_says_that_it_is_deleted_is_no_part_of_a_snapshot() {
    let table = |id: &str, deleted: bool| {
        let table = json!({"id": id, "createdAt": 5, "updatedAt": 5, "deleted": deleted});
        Item::new(table.as_object().unwrap().clone())
    };
    let mut engine = engine("cms.hubdb.tables", options(), None);
    assert!(matches!(engine.next(LOCAL), Ask::Request(Request::CmsList(_, CmsListRequest { archived: false, .. }))));
    let changes = engine.absorb(answer(vec![table("1", false), table("2", true)], None), LOCAL).unwrap();
    assert_eq!(operations(&changes), [change(Operation::Snapshot, "1")]);
}

#[test]
fn an_idle_source_pauses_whatever_its_intervals_are() {
    for resource in ["crm.contacts", "cms.blogs.posts", "cms.urlRedirects"] {
        let mut engine = engine(resource, Options { deletes_interval: 0, polling_period: 0, ..options() }, None);
        until_idle(&mut engine, LOCAL, |_| answer(Vec::new(), None));
        let (mut now, mut sweeps) = (LOCAL, 0);
        while now < LOCAL + 10_000 {
            match engine.next(now) {
                Ask::Wait(until) => {
                    assert!(until > now);
                    now = until;
                }
                Ask::Request(request) => {
                    sweeps += usize::from(matches!(
                        request,
                        Request::List(_, ListRequest { archived: true, .. })
                            | Request::CmsList(_, CmsListRequest { archived: true, .. })
                    ));
                    engine.absorb(answer(Vec::new(), None), now).unwrap();
                }
            }
        }
        assert!((90..=100).contains(&sweeps), "{sweeps} sweeps of {resource} in ten seconds");
    }
}

/// Positions of ours that take the place of the Go connector's know what those looked back for.
#[test]
fn a_go_snapshot_keeps_its_look_back_through_a_restart() {
    let started = HUB - 70_000;
    let mut first = engine("crm.contacts", options(), Some(Resume::GoSnapshot { initial: Some(started) }));
    first.next(LOCAL);
    let changes = first.absorb(answer(vec![contact(1, 5, 5)], Some("1")), LOCAL).unwrap();
    let position = changes[0].position("crm.contacts");
    for snapshot in [true, false] {
        let resume = crate::position::parse(&position, "crm.contacts").unwrap();
        let mut engine = engine("crm.contacts", Options { snapshot, ..options() }, resume);
        if snapshot {
            assert_eq!(list(engine.next(LOCAL)).after.as_deref(), Some("1"));
            let changes = engine.absorb(answer(vec![contact(2, 5, 5)], None), LOCAL).unwrap();
            assert_eq!(changes[0].cursor, first_cursor(started, "2"));
        }
        assert_eq!(since(&search(engine.next(LOCAL))), started - LAG);
    }
}

fn first_cursor(start: Millis, after: &str) -> Cursor {
    Cursor::Snapshot { start, after: Some(after.into()), created: None, since: Some(start - LAG) }
}

/// A position that a person has edited may stop the stream with an error, or make it begin at an odd time.
#[test]
fn no_number_in_a_position_makes_the_engine_panic() {
    let (mut read, mut refused) = (0, 0);
    let times = [i64::MIN, -1, 0, 1, HUB, crate::item::LATEST, i64::MAX];
    let lags = [0, LAG, i64::MAX / 4];
    for (time, number) in times.into_iter().flat_map(|time| [(time, 0), (time, u64::MAX)]) {
        let follow = |field: &str| {
            let mut position = json!({"v": 1, "resource": "crm.contacts", "n": number, "phase": "follow", "start": HUB,
                "known": HUB, "settled": HUB, "fast": HUB, "sweep": HUB, "drain": number});
            position[field] = time.into();
            position
        };
        let snapshot = |field: &str| {
            let mut position =
                json!({"v": 1, "resource": "crm.contacts", "n": number, "phase": "snapshot", "start": HUB});
            position[field] = time.into();
            position
        };
        let positions = ["start", "known", "settled", "fast", "sweep"].map(follow).into_iter();
        for position in positions.chain(["start", "created", "since"].map(snapshot)) {
            let position = Position::new(position.to_string().into_bytes());
            let Ok(resume) = crate::position::parse(&position, "crm.contacts") else {
                refused += 1;
                continue;
            };
            for lag in lags {
                let mut engine = engine("crm.contacts", Options { lag, ..options() }, resume.clone());
                for poll in 0..3 {
                    let edge = [5, HUB, crate::item::LATEST][poll];
                    let reply = |_: &Request| answer(vec![contact(poll as u64, edge, edge)], None);
                    for change in until_idle(&mut engine, LOCAL + poll as Millis * 61_000, reply).1 {
                        let position = change.position("crm.contacts");
                        assert!(crate::position::parse(&position, "crm.contacts").is_ok(), "{position}");
                        read += 1;
                    }
                }
            }
        }
    }
    assert!(read > 100 && refused > 40, "{read} read, {refused} refused");
}
