//! Single transitions of the engine. Whole histories run in `tests/losing_nothing.rs`.

use serde_json::{Value, json};

use opencdc::{Operation, Position};

use super::*;
use crate::ask::{CmsListRequest, Comparison, ListRequest, Response, SearchRequest};
use crate::error::AnswerError;
use crate::item::Item;
use crate::payload::selection::Properties;
use crate::position::{Followed, Left, Snapshotted};

mod positions;

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
        properties: Properties::Default,
        extra_properties: Vec::new(),
        values: Values::Strings,
        history: false,
        associations: Vec::new(),
        snapshot: true,
        polling_period: 5_000,
        lag: LAG,
        deletes_interval: 60_000,
        deletes_payload: false,
        audit_interval: None,
        calculated_interval: None,
        associations_interval: None,
        directory_interval: 60_000,
        directory_ids: 200,
        background_pause: 0,
    }
}

/// Resumed in the stream of a resource that has been followed since `HUB`.
fn following(resource: &str, options: Options) -> Engine {
    let followed = Followed { start: HUB, known: HUB, settled: HUB, drain: None, sweep: HUB };
    engine(resource, options, Some(Resume::At(Cursor::Follow(followed))))
}

/// The request that is asked for, and its ticket.
fn asked(engine: &mut Engine, now: Millis) -> (Ticket, Request) {
    match engine.next(now, 1) {
        Ask::Request(ticket, request) => (ticket, request),
        Ask::Wait(until) => panic!("a request was expected, not a wait until {until}"),
    }
}

/// Answers the next request, which is `of` this kind; what comes of it.
fn exchange<T>(
    engine: &mut Engine,
    now: Millis,
    of: impl Fn(Request) -> T,
    response: Response,
) -> (T, Result<Vec<Change>, AnswerError>) {
    let (ticket, request) = asked(engine, now);
    (of(request), engine.absorb(ticket, response, now))
}

/// Notes can't be merged: no property is asked for.
fn note(id: u64, created: Millis, updated: Millis) -> Item {
    let properties = json!({"email": "a@b.c", "hs_lastmodifieddate": updated.to_string()});
    match json!({"id": id.to_string(), "createdAt": created, "properties": properties}) {
        Value::Object(object) => Item::new(object),
        _ => Item::default(),
    }
}

fn answer(items: Vec<Item>, next: Option<&str>) -> Response {
    Response { items, next: next.map(Into::into), date: Some(HUB), ..Response::default() }
}

fn list(request: Request) -> ListRequest {
    match request {
        Request::List(_, list) => list,
        other => panic!("a list was expected: {other:?}"),
    }
}

fn search(request: Request) -> SearchRequest {
    match request {
        Request::Search(_, search) => search,
        other => panic!("a search was expected: {other:?}"),
    }
}

/// The lower bound of a search along the changed-time.
fn since(search: &SearchRequest) -> Millis {
    bounds(search)[0].0
}

/// What each group of a search takes in.
fn bounds(search: &SearchRequest) -> Vec<(Millis, Millis)> {
    let group = |group: &Vec<crate::ask::Filter>| {
        let from = group[0].value as Millis;
        if group[0].operator == Comparison::Equal {
            return (from, from + 1);
        }
        assert_eq!(group[0].operator, Comparison::GreaterOrEqual);
        (from, group.get(1).map_or(Millis::MAX, |filter| filter.value as Millis))
    };
    search.groups.iter().map(group).collect()
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
    while let Ask::Request(ticket, request) = engine.next(now, 1) {
        assert!(requests.len() < 1_000, "no end: {request:?}");
        changes.extend(engine.absorb(ticket, reply(&request), now).unwrap());
        requests.push(request);
    }
    (requests, changes)
}

/// A store of notes, of which the list shows all and the search what changed since.
fn hubspot(notes: &[Item]) -> impl FnMut(&Request) -> Response {
    let at = |item: &Item| item.property_time("hs_lastmodifieddate").unwrap();
    let id = |item: &Item| item.id().unwrap().to_string().parse::<u64>().unwrap();
    move |request| match request {
        Request::List(_, list) if list.archived => answer(Vec::new(), None),
        Request::List(_, list) => {
            let from: usize = list.after.as_deref().map_or(0, |after| after.parse().unwrap());
            let to = (from + list.limit as usize).min(notes.len());
            let next = (to < notes.len()).then(|| to.to_string());
            answer(notes[from..to].to_vec(), next.as_deref())
        }
        Request::Search(_, search) => {
            let bounds = bounds(search);
            let holds = |at: Millis| bounds.iter().any(|(from, to)| (*from..*to).contains(&at));
            let behind = search.groups[0].iter().find(|filter| filter.operator == Comparison::Greater);
            let is_behind = |item: &Item| behind.is_none_or(|behind| i128::from(id(item)) > behind.value);
            let mut found: Vec<_> = notes.iter().filter(|note| holds(at(note)) && is_behind(note)).cloned().collect();
            found.sort_by_key(|note| if search.sort == "hs_object_id" { id(note) as Millis } else { at(note) });
            let total = Some(found.len() as u64);
            found.truncate(search.limit as usize);
            Response { total, ..answer(found, None) }
        }
        other => panic!("notes have no {other:?}"),
    }
}

#[test]
fn a_snapshot_delivers_what_is_there_and_the_stream_repeats_none_of_it() {
    let mut engine = engine("crm.notes", options(), None);
    // The first was just made, within the second that HubSpot's Date leaves open; the last certainly later.
    let page = vec![note(1, HUB, HUB), note(2, 5, 5), note(3, HUB + 9_000, HUB + 9_000)];
    let (request, changes) = exchange(&mut engine, LOCAL, list, answer(page.clone(), None));
    assert_eq!(request, ListRequest { limit: 100, ..ListRequest::default() });
    assert_eq!(operations(&changes.unwrap()), [change(Operation::Snapshot, "1"), change(Operation::Snapshot, "2")]);
    assert!(!engine.in_snapshot());
    let news = answer(vec![page[0].clone(), page[2].clone()], None);
    let (poll, changes) = exchange(&mut engine, LOCAL, search, news);
    assert_eq!(since(&poll), HUB - DATE_MARGIN);
    assert_eq!(operations(&changes.unwrap()), [change(Operation::Create, "3")]);
    let later = note(1, HUB, HUB + 9_500);
    let (_, changes) = until_idle(&mut engine, LOCAL + 6_000, hubspot(&[later]));
    assert_eq!(operations(&changes), [change(Operation::Update, "1")]);
}

#[test]
fn without_a_snapshot_the_first_poll_is_noted_and_the_next_delivered() {
    let mut engine = engine("crm.notes", Options { snapshot: false, ..options() }, None);
    assert!(engine.is_beginning());
    let (request, changes) = exchange(&mut engine, LOCAL, list, answer(vec![note(1, 5, 5)], None));
    assert_eq!(request.limit, 1, "only for HubSpot's clock");
    assert!(changes.unwrap().is_empty());
    // Created in the same second, but before the stream.
    let (request, changes) = exchange(&mut engine, LOCAL, search, answer(vec![note(2, HUB, HUB)], None));
    assert_eq!(since(&request), HUB - DATE_MARGIN);
    assert!(changes.unwrap().is_empty());
    assert!(!engine.is_beginning());
    let (_, changes) = until_idle(
        &mut engine,
        LOCAL + 6_000,
        hubspot(&[note(1, 5, HUB + 10), note(2, HUB, HUB), note(3, HUB + 20, HUB + 20)]),
    );
    assert_eq!(operations(&changes), [change(Operation::Update, "1"), change(Operation::Create, "3")]);
}

#[test]
fn the_callers_clock_only_says_when_to_poll() {
    for local in [LOCAL, HUB, HUB - 90 * 86_400_000] {
        let mut engine = engine("crm.notes", options(), None);
        exchange(&mut engine, local, list, answer(Vec::new(), None)).1.unwrap();
        let (requests, _) = until_idle(&mut engine, local + 1, hubspot(&[]));
        assert_eq!(requests.len(), 2, "a poll and a sweep");
        assert_eq!(engine.next(local + 1, 1), Ask::Wait(local + 5_001));
        assert_eq!(since(&search(asked(&mut engine, local + 5_001).1)), HUB - DATE_MARGIN);
    }
}

#[test]
fn an_answer_without_a_date_can_not_begin_a_stream() {
    let mut engine = engine("crm.notes", options(), None);
    let answer = Response { date: None, ..answer(vec![note(1, 5, 5)], None) };
    assert_eq!(exchange(&mut engine, LOCAL, list, answer).1.unwrap_err(), AnswerError::NoDate);
}

#[test]
fn a_cdc_position_of_the_go_connector_is_followed_from_a_lag_before_it() {
    let resume = Resume::GoCdc { timestamp: Some(HUB - 50) };
    let mut engine = engine("crm.notes", options(), Some(resume));
    let (request, changes) = exchange(&mut engine, LOCAL, search, answer(vec![note(1, 5, HUB - LAG)], None));
    assert_eq!(since(&request), HUB - 50 - LAG);
    assert_eq!(operations(&changes.unwrap()), [change(Operation::Update, "1")]);
}

#[test]
fn a_snapshot_position_of_the_go_connector_starts_over_and_follows_from_a_lag_before_its_start() {
    let resume = Resume::GoSnapshot { initial: Some(HUB - 70_000) };
    let mut engine = engine("crm.notes", options(), Some(resume));
    let (request, changes) = exchange(&mut engine, LOCAL, list, answer(vec![note(1, 5, 5)], None));
    assert_eq!(request.after, None);
    assert_eq!(operations(&changes.unwrap()), [change(Operation::Snapshot, "1")]);
    assert_eq!(since(&search(asked(&mut engine, LOCAL).1)), HUB - 70_000 - LAG);
}

#[test]
fn a_resumed_snapshot_goes_on_behind_the_acknowledged_record() {
    let left = Left::Objects(Place::Ranges(vec![Range { floor: 51, end: None }]));
    let cursor = Cursor::Snapshot(Snapshotted { start: HUB, since: None, left });
    let mut engine = engine("crm.notes", options(), Some(Resume::At(cursor)));
    let (request, changes) = exchange(&mut engine, LOCAL, list, answer(vec![note(60, 5, 5)], None));
    assert_eq!(request.after.as_deref(), Some("51"));
    assert_eq!(operations(&changes.unwrap()), [change(Operation::Snapshot, "60")]);
}

#[test]
fn a_snapshot_is_read_in_several_places_at_once() {
    let mut engine = engine("crm.notes", options(), None);
    let page = |from: u64| (from..from + 100).map(|id| note(id, 5, 5)).collect();
    let (ticket, _) = asked(&mut engine, LOCAL);
    assert_eq!(engine.next(LOCAL, 3), UNTIL_ANSWERED, "the first page says whether it can be");
    assert_eq!(engine.absorb(ticket, answer(page(1), Some("100")), LOCAL).unwrap().len(), 100);
    let mut after = Vec::new();
    while let Ask::Request(ticket, request) = engine.next(LOCAL, 3) {
        match request {
            Request::Search(_, search) => {
                assert!(search.descending);
                let top = Response { total: Some(9_000), ..answer(vec![note(90_100, 5, 5)], None) };
                assert!(engine.absorb(ticket, top, LOCAL).unwrap().is_empty());
                assert_eq!(engine.progress().total, Some(9_000));
            }
            request => after.extend(list(request).after),
        }
    }
    // The first goes on, and the range behind it is cut twice.
    assert_eq!(after, ["100", "45100", "67600"]);
}

#[test]
fn extra_properties_are_asked_for_beside_the_default_ones() {
    let extra = Options { extra_properties: vec!["phone".into(), "email".into()], ..options() };
    let mut engine = engine("crm.notes", extra, None);
    let (request, changes) = exchange(&mut engine, LOCAL, list, answer(vec![note(1, 5, 5)], None));
    assert!(request.properties.is_empty() && changes.unwrap().is_empty());
    let again = list(asked(&mut engine, LOCAL).1);
    let names = ["email", "hs_lastmodifieddate", "phone"].map(Into::into);
    assert_eq!((again.after, again.properties), (None, names.into()));
}

/// What tells of merges is asked for, and not delivered to who didn't.
#[test]
fn a_merge_is_the_deletion_of_what_was_merged_away() {
    let mut engine = following("crm.contacts", options());
    let winner = |more: &str| {
        let properties =
            json!({"email": "a@b.c", "lastmodifieddate": (HUB + 5).to_string(), "hs_merged_object_ids": more});
        Item::new(json!({"id": "7", "createdAt": 5, "properties": properties}).as_object().unwrap().clone())
    };
    exchange(&mut engine, LOCAL, search, answer(vec![winner("")], None)).1.unwrap();
    let (request, changes) = exchange(&mut engine, LOCAL, search, answer(vec![winner("3;4")], None));
    assert!(request.properties.iter().any(|name| name == "hs_merged_object_ids"));
    let changes = changes.unwrap();
    assert_eq!(
        operations(&changes),
        [change(Operation::Delete, "3"), change(Operation::Delete, "4"), change(Operation::Update, "7")]
    );
    assert_eq!((changes[0].reason, &changes[0].merged_into), (Some(DeleteReason::Merged), &Some("7".into())));
    // The list of archived objects has them as well.
    let archived = Response { items: vec![archived(3, HUB + 5), archived(9, HUB + 5)], ..answer(Vec::new(), None) };
    let (_, changes) = exchange(&mut engine, LOCAL, list, archived);
    assert!(changes.unwrap().is_empty());
    // Of the other it isn't known whether it was merged.
    let (read, changes) = exchange(&mut engine, LOCAL, |request| request, answer(vec![winner("3;4;9")], None));
    assert!(matches!(read, Request::BatchRead(..)), "{read:?}");
    let changes = changes.unwrap();
    assert_eq!(operations(&changes), [change(Operation::Delete, "9")]);
    assert_eq!((changes[0].reason, &changes[0].merged_into), (Some(DeleteReason::Merged), &Some("7".into())));
}

fn archived(id: u64, at: Millis) -> Item {
    let object = json!({"id": id.to_string(), "createdAt": 5, "archivedAt": at, "archived": true});
    Item::new(object.as_object().unwrap().clone())
}

#[test]
fn a_position_does_not_pass_over_what_is_being_completed() {
    let associated = Options { associations: vec!["companies".into()], ..options() };
    let mut engine = following("crm.notes", associated);
    let before = engine.cursor().unwrap();
    let late = Response { date: Some(HUB + 10 * LAG), ..answer(vec![note(1, 5, HUB + 5)], None) };
    let (_, changes) = exchange(&mut engine, LOCAL, search, late);
    assert!(changes.unwrap().is_empty(), "their associations are read first");
    assert_eq!(engine.cursor(), Some(before));
    let (ticket, request) = asked(&mut engine, LOCAL);
    assert!(matches!(request, Request::Associations(..)), "{request:?}");
    assert_eq!(engine.next(LOCAL, 1), UNTIL_ANSWERED, "one thing at a time");
    let changes = engine.absorb(ticket, answer(Vec::new(), None), LOCAL).unwrap();
    assert_eq!(operations(&changes), [change(Operation::Update, "1")]);
    let Some(Cursor::Follow(followed)) = engine.cursor() else { panic!("it follows") };
    assert!(followed.settled > HUB + LAG);
}

#[test]
fn associations_of_a_thousand_objects_are_read_at_once() {
    let associated = Options { associations: vec!["companies".into()], ..options() };
    let old: Vec<_> = (1..=2_000).map(|id| note(id, 5, 5)).collect();
    let news: Vec<_> = (0..1_000).map(|id| note(id, 5, HUB + 1 + id as Millis)).collect();
    let mut engine = engine("crm.notes", associated, None);
    for (contacts, now) in [(old, LOCAL), (news, LOCAL + 5_000)] {
        let mut hubspot = hubspot(&contacts);
        let reply = |request: &Request| match request {
            Request::Associations(_, of) => {
                assert!(of.of.len() <= 1_000);
                answer(Vec::new(), None)
            }
            request => hubspot(request),
        };
        let (requests, changes) = until_idle(&mut engine, now, reply);
        assert_eq!(changes.len(), contacts.len());
        let reads = requests.iter().filter(|request| matches!(request, Request::Associations(..))).count();
        assert!(reads <= contacts.len() / 1_000 + 1, "{reads} for {}", contacts.len());
    }
}

#[test]
fn what_appears_late_in_the_window_is_found_by_what_polls_carry() {
    let mut notes: Vec<_> = (0..800).map(|id| note(id, 5, HUB + id as Millis)).collect();
    let mut engine = following("crm.notes", options());
    let (_, changes) = until_idle(&mut engine, LOCAL, hubspot(&notes));
    assert_eq!(changes.len(), 800);
    // An entry appears in the middle, another object moves within the window.
    notes.push(note(999, 5, HUB + 80));
    notes[7] = note(7, 5, HUB + 450);
    let polls: Vec<_> = (1..=10).map(|poll| until_idle(&mut engine, LOCAL + poll * 5_000, hubspot(&notes))).collect();
    let changes: Vec<_> = polls.iter().flat_map(|(_, changes)| operations(changes)).collect();
    assert_eq!(changes, [change(Operation::Update, "999"), change(Operation::Update, "7")]);
    assert!(polls.iter().all(|(requests, _)| requests.len() == 1), "a poll each, and nothing else");
    assert_eq!(engine.progress().lateness.rows, 2);
}

/// No rider gets past them: it is full of what nobody knows yet.
#[test]
fn more_than_a_page_that_appears_late_in_one_millisecond_is_read_by_id() {
    let mut notes: Vec<_> = (0..800).map(|id| note(id, 5, HUB + id as Millis)).collect();
    let mut engine = following("crm.notes", options());
    let (_, changes) = until_idle(&mut engine, LOCAL, hubspot(&notes));
    assert_eq!(changes.len(), 800);
    notes.extend((1_000..1_450).map(|id| note(id, 5, HUB + 80)));
    let polls: Vec<_> = (1..=12).map(|poll| until_idle(&mut engine, LOCAL + poll * 5_000, hubspot(&notes))).collect();
    let found: usize = polls.iter().map(|(_, changes)| changes.len()).sum();
    assert_eq!(found, 450);
    // Two polls again, whose riders left them no room, and what stopped the second: three pages by id.
    let is_search = |request: &&Request| matches!(request, Request::Search(..));
    let searches: usize = polls.iter().map(|(requests, _)| requests.iter().filter(is_search).count()).sum();
    assert_eq!(searches, polls.len() + 2 + 3);
}

/// The object was in the window before, and still is.
#[test]
fn a_change_in_the_millisecond_of_the_last_one_is_found_at_once() {
    let mut notes: Vec<_> = (0..160).map(|id| note(id, 5, HUB + id as Millis)).collect();
    let mut engine = following("crm.notes", options());
    let (_, changes) = until_idle(&mut engine, LOCAL, hubspot(&notes));
    assert_eq!(changes.len(), 160);
    notes[7] = note(7, 5, HUB + 159);
    let (_, changes) = until_idle(&mut engine, LOCAL + 5_000, hubspot(&notes));
    assert_eq!(operations(&changes), [change(Operation::Update, "7")]);
}

#[test]
fn requests_per_thousand_stay_within_their_bounds() {
    let old: Vec<_> = (1..=1_000).map(|id| note(id, 5, 5)).collect();
    let mut engine = engine("crm.notes", options(), None);
    let (requests, changes) = until_idle(&mut engine, LOCAL, hubspot(&old));
    assert_eq!(changes.len(), 1_000);
    // Ten pages, and then the first poll and the first sweep.
    assert!(requests.len() <= 12, "{}", requests.len());
    let news: Vec<_> = (0..1_000).map(|id| note(id, 5, HUB + 1 + id as Millis)).collect();
    let (requests, changes) = until_idle(&mut engine, LOCAL + 5_000, hubspot(&news));
    assert_eq!(changes.len(), 1_000);
    assert!(requests.len() <= 6, "{}", requests.len());
    // Both cursors: polls that would be made anyway settle them, once a lag has passed.
    let mut hubspot = hubspot(&news);
    for poll in 2..400 {
        let now = LOCAL + poll * 5_000;
        let reply = |request: &Request| Response { date: Some(HUB + now - LOCAL), ..hubspot(request) };
        let (requests, changes) = until_idle(&mut engine, now, reply);
        let sweeps = requests.iter().filter(|request| matches!(request, Request::List(..))).count();
        assert!(changes.is_empty() && requests.len() - sweeps == 1, "{requests:?}");
    }
    assert!(engine.progress().settled > Some(HUB + 1_000));
}

#[test]
fn what_says_that_it_is_deleted_is_no_part_of_a_snapshot() {
    let table = |id: &str, deleted: bool| {
        let table = json!({"id": id, "createdAt": 5, "updatedAt": 5, "deleted": deleted});
        Item::new(table.as_object().unwrap().clone())
    };
    let mut engine = engine("cms.hubdb.tables", options(), None);
    let tables = answer(vec![table("1", false), table("2", true)], None);
    let (request, changes) = exchange(&mut engine, LOCAL, |request| request, tables);
    assert!(matches!(request, Request::CmsList(_, CmsListRequest { archived: false, .. })));
    assert_eq!(operations(&changes.unwrap()), [change(Operation::Snapshot, "1")]);
}

#[test]
fn an_idle_source_pauses_whatever_its_intervals_are() {
    for resource in ["crm.notes", "cms.blogs.posts", "cms.urlRedirects"] {
        let mut engine = engine(resource, Options { deletes_interval: 0, polling_period: 0, ..options() }, None);
        until_idle(&mut engine, LOCAL, |_| answer(Vec::new(), None));
        let (mut now, mut sweeps) = (LOCAL, 0);
        while now < LOCAL + 10_000 {
            match engine.next(now, 1) {
                Ask::Wait(until) => {
                    assert!(until > now);
                    now = until;
                }
                Ask::Request(ticket, request) => {
                    sweeps += usize::from(matches!(
                        request,
                        Request::List(_, ListRequest { archived: true, .. })
                            | Request::CmsList(_, CmsListRequest { archived: true, .. })
                    ));
                    engine.absorb(ticket, answer(Vec::new(), None), now).unwrap();
                }
            }
        }
        assert!((90..=100).contains(&sweeps), "{sweeps} sweeps of {resource} in ten seconds");
    }
}
