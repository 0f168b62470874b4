use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ask::Associated;

const NOW: Millis = 1_769_817_600_000;

/// HubSpot in memory: it keeps its limits, and answers in an order of its own.
#[derive(Default)]
struct HubSpot {
    live: BTreeMap<u64, Object>,
    archived: BTreeMap<u64, Object>,
    /// Which object answers for one that was merged away.
    merged: BTreeMap<u64, u64>,
    /// By type and object.
    associations: BTreeMap<(&'static str, u64), Vec<u64>>,
    /// Associations a page.
    page: usize,
    /// By which the order of an answer is turned.
    turn: usize,
    requests: Vec<Request>,
}

impl HubSpot {
    fn answer(&mut self, request: Request) -> Response {
        self.requests.push(request.clone());
        match request {
            Request::BatchRead(_, read) => self.batch_read(read),
            Request::Associations(_, of) => self.associations(&of),
            other => panic!("nobody needs {other:?}"),
        }
    }

    fn batch_read(&mut self, read: BatchReadRequest) -> Response {
        let most = if read.history.is_empty() { 100 } else { 50 };
        assert!((1..=most).contains(&read.ids.len()), "{} ids", read.ids.len());
        assert_eq!(
            read.ids.iter().collect::<HashSet<_>>().len(),
            read.ids.len(),
            "HubSpot refuses an id that comes twice"
        );
        let mut items = Vec::new();
        for id in read.ids {
            let ItemId::Number(id) = id else { panic!("{id}") };
            let object =
                if read.archived { self.archived.get(&id) } else { self.live.get(self.merged.get(&id).unwrap_or(&id)) };
            let Some(mut object) = object.cloned() else { continue };
            if read.history.is_empty() {
                object.remove("propertiesWithHistory");
            }
            if let Some(Value::Object(properties)) = object.get_mut("properties") {
                properties.retain(|name, _| name == "hs_lastmodifieddate" || read.properties.contains(name));
            }
            items.push(Item::new(object));
        }
        turn(&mut items, self.turn);
        Response { items, ..Response::default() }
    }

    fn associations(&mut self, request: &AssociationsRequest) -> Response {
        assert!((1..=1_000).contains(&request.of.len()), "{} objects", request.of.len());
        let mut associations = Vec::new();
        for (of, cursor) in &request.of {
            let ItemId::Number(id) = of else { panic!("{of}") };
            let Some(all) = self.associations.iter().find(|((to, from), _)| *to == request.to && from == id) else {
                continue;
            };
            let from: usize = cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
            let to = from.saturating_add(self.page).min(all.1.len());
            let entry = |id: &u64| {
                let types = json!([{"category": "HUBSPOT_DEFINED", "typeId": id % 2, "label": null}]);
                Object::from_iter([("toObjectId".to_owned(), json!(id)), ("associationTypes".to_owned(), types)])
            };
            associations.push(Associated {
                of: of.clone(),
                to: all.1[from..to].iter().map(entry).collect(),
                next: (to < all.1.len()).then(|| to.to_string()),
            });
        }
        turn(&mut associations, self.turn);
        Response { associations, ..Response::default() }
    }

    /// Completes the pieces, with `between` happening before each answer.
    fn complete_while(&mut self, pieces: Vec<Piece>, needs: &Needs, mut between: impl FnMut(&mut Self)) -> Vec<Piece> {
        let mut completion = match Completion::begin(pieces, needs) {
            Ok(completion) => completion,
            Err(pieces) => return pieces,
        };
        loop {
            let request = completion.request();
            assert_eq!(completion.request(), request, "asked twice, the same is asked");
            assert!(self.requests.len() < 10_000, "it never ends");
            between(self);
            if let Some(pieces) = completion.absorb(self.answer(request)) {
                return pieces;
            }
        }
    }

    fn complete(&mut self, pieces: Vec<Piece>, needs: &Needs) -> Vec<Piece> {
        self.complete_while(pieces, needs, |_| ())
    }

    fn with(ids: impl IntoIterator<Item = u64>) -> Self {
        let live = ids.into_iter().map(|id| (id, stored(id, NOW))).collect();
        Self { live, page: 100, turn: 1, ..Self::default() }
    }

    fn sizes(&self) -> Vec<usize> {
        let size = |request: &Request| match request {
            Request::BatchRead(_, read) => read.ids.len(),
            Request::Associations(_, of) => of.of.len(),
            _ => 0,
        };
        self.requests.iter().map(size).collect()
    }
}

fn turn<T>(list: &mut [T], by: usize) {
    let by = by.checked_rem(list.len()).unwrap_or(0);
    list.rotate_left(by);
}

fn iso(millis: Millis) -> String {
    chrono::DateTime::from_timestamp_millis(millis).unwrap().to_rfc3339()
}

fn map(value: Value) -> Object {
    let Value::Object(map) = value else { panic!("{value}") };
    map
}

/// An object as HubSpot has it, changed at that time, with a name that tells both.
fn stored(id: u64, at: Millis) -> Object {
    let name = format!("{id} at {}", at - NOW);
    map(json!({
        "id": id.to_string(),
        "properties": {"hs_lastmodifieddate": iso(at), "name": name},
        "propertiesWithHistory": {"name": [
            {"value": name, "timestamp": iso(at)},
            {"value": format!("{id} before"), "timestamp": iso(at - 60_000)},
        ]},
    }))
}

/// An object as a page has it.
fn piece(id: u64, operation: Operation) -> Piece {
    Piece {
        id: ItemId::Number(id),
        operation,
        item: Item::new(map(
            json!({"id": id.to_string(), "properties": {"hs_lastmodifieddate": iso(NOW), "page": "only"}}),
        )),
        version: Some(NOW),
        known_version: None,
        before: None,
        merged_into: None,
        gone: false,
    }
}

fn updates(ids: impl IntoIterator<Item = u64>) -> Vec<Piece> {
    ids.into_iter().map(|id| piece(id, Operation::Update)).collect()
}

fn deletes(ids: impl IntoIterator<Item = u64>) -> Vec<Piece> {
    ids.into_iter().map(|id| piece(id, Operation::Delete)).collect()
}

fn nothing() -> Needs {
    let hubspot_catalog::Kind::Crm(crm) = hubspot_catalog::find("crm.companies").unwrap().kind else { panic!() };
    Needs { crm, reread: vec![], history: vec![], associations: vec![], winners: false, deleted_properties: None }
}

fn rereading() -> Needs {
    Needs { reread: vec!["name".into()], ..nothing() }
}

fn name(piece: &Piece) -> Option<&str> {
    piece.item.property("name")
}

#[test]
fn nothing_needed_gives_the_pieces_back() {
    let all = Needs { history: vec!["name".into()], winners: true, deleted_properties: Some(vec![]), ..nothing() };
    for (pieces, needs) in [
        (updates(1..4), nothing()),
        (vec![piece(1, Operation::Create), piece(2, Operation::Snapshot)], all.clone()),
        (vec![], Needs { associations: vec!["deals".into()], ..all }),
        (deletes(1..4), Needs { associations: vec!["deals".into()], ..rereading() }),
    ] {
        assert_eq!(Completion::begin(pieces.clone(), &needs).unwrap_err(), pieces);
    }
}

#[test]
fn reads_are_in_batches_of_a_hundred_or_fifty_with_history() {
    let with_history = Needs { history: vec!["name".into()], ..rereading() };
    for (count, needs, sizes) in [
        (1, rereading(), vec![1]),
        (100, rereading(), vec![100]),
        (101, rereading(), vec![100, 1]),
        (200, rereading(), vec![100, 100]),
        (50, with_history.clone(), vec![50]),
        (101, with_history.clone(), vec![50, 50, 1]),
    ] {
        let mut hubspot = HubSpot::with(1..=count);
        let pieces = hubspot.complete(updates(1..=count), &needs);
        assert_eq!(hubspot.sizes(), sizes);
        assert_eq!(pieces.len() as u64, count);
        for (piece, id) in pieces.iter().zip(1..) {
            assert_eq!((&piece.id, name(piece)), (&ItemId::Number(id), Some(format!("{id} at 0").as_str())));
        }
    }
    // Only updates need their history; the others go by the hundred.
    let mut hubspot = HubSpot::with(1..=220);
    let mut pieces = updates(1..=60);
    pieces.extend((61..=220).map(|id| piece(id, Operation::Create)));
    let pieces = hubspot.complete(pieces, &with_history);
    assert_eq!(hubspot.sizes(), [50, 10, 100, 60]);
    assert!(pieces.iter().all(|piece| piece.before.is_some() == (piece.operation == Operation::Update)));
}

#[test]
fn an_object_that_is_not_found_or_was_merged_away_is_gone() {
    let mut hubspot = HubSpot::with([1, 3, 5]);
    hubspot.merged.insert(4, 5);
    let needs = Needs { associations: vec!["deals".into()], ..rereading() };
    let pieces = hubspot.complete(updates(1..=5), &needs);
    assert_eq!(pieces.iter().map(|piece| piece.gone).collect::<Vec<_>>(), [false, true, false, true, false]);
    assert_eq!(name(&pieces[4]), Some("5 at 0"), "what answers for another is still itself");
    assert_eq!(hubspot.sizes(), [5, 3], "what is gone needs no associations");
}

#[test]
fn an_object_that_says_it_is_archived_is_gone() {
    let mut hubspot = HubSpot::with([1]);
    hubspot.live.get_mut(&1).unwrap().insert("archived".to_owned(), json!(true));
    assert!(hubspot.complete(updates([1]), &rereading())[0].gone);
}

#[test]
fn objects_may_vanish_between_two_answers() {
    let mut hubspot = HubSpot::with(1..=150);
    let needs = Needs { associations: vec!["deals".into()], ..rereading() };
    let pieces = hubspot.complete_while(updates(1..=150), &needs, |hubspot| {
        let first = *hubspot.live.keys().next_back().unwrap();
        hubspot.live.remove(&first);
    });
    assert_eq!(hubspot.sizes(), [100, 50, 148]);
    let gone: Vec<_> = pieces.iter().filter(|piece| piece.gone).map(|piece| piece.id.to_string()).collect();
    assert_eq!(gone, ["149", "150"]);
    assert!(pieces.iter().all(|piece| piece.gone != piece.item.as_map().contains_key("associations")));
}

#[test]
fn an_id_that_comes_twice_is_asked_once_and_completed_twice() {
    let mut hubspot = HubSpot::with([1, 2]);
    hubspot.associations.insert(("deals", 1), vec![9]);
    let needs = Needs { history: vec!["name".into()], associations: vec!["deals".into()], ..rereading() };
    let mut pieces = updates([1, 2, 1]);
    pieces.push(piece(1, Operation::Delete));
    let untouched = pieces[3].clone();
    let pieces = hubspot.complete(pieces, &needs);
    assert_eq!(hubspot.sizes(), [2, 2]);
    assert_eq!(pieces[0], pieces[2]);
    assert_eq!((name(&pieces[0]), pieces[0].before.is_some()), (Some("1 at 0"), true));
    assert_eq!(pieces[3], untouched);
    // Once as an update and once as a creation: what is read with history serves both.
    let pieces = hubspot.complete(vec![piece(1, Operation::Create), piece(1, Operation::Update)], &needs);
    assert_eq!(pieces.iter().map(|piece| piece.before.is_some()).collect::<Vec<_>>(), [false, true]);
    assert!(pieces.iter().all(|piece| name(piece) == Some("1 at 0")));
}

#[test]
fn an_object_read_again_is_delivered_in_the_version_that_it_has_now() {
    let mut hubspot = HubSpot::with([1]);
    hubspot.live.insert(1, stored(1, NOW + 5));
    let pieces = hubspot.complete(updates([1]), &rereading());
    assert_eq!((name(&pieces[0]), pieces[0].version), (Some("1 at 5"), Some(NOW + 5)));
    // Were it older, then what the page had is newer.
    hubspot.live.insert(1, stored(1, NOW - 5));
    let pieces = hubspot.complete(updates([1]), &rereading());
    assert_eq!((name(&pieces[0]), pieces[0].version), (Some("1 at -5"), Some(NOW)));
    assert_eq!(pieces[0].item.property_time("hs_lastmodifieddate"), Some(NOW));
    assert_eq!(pieces[0].item.property("page"), Some("only"));
}

#[test]
fn history_alone_leaves_the_object_as_the_page_had_it() {
    let mut hubspot = HubSpot::with([1]);
    let needs = Needs { history: vec!["name".into()], ..nothing() };
    let mut update = piece(1, Operation::Update);
    update.item = Item::new(map(json!({"id": "1", "properties": {"name": "1 at 0"}, "updatedAt": iso(NOW)})));
    let known = Piece { known_version: Some(NOW - 60_000), ..update.clone() };
    for piece in [update, known] {
        let pieces = hubspot.complete(vec![piece.clone()], &needs);
        assert_eq!(pieces[0].item, piece.item);
        assert_eq!(pieces[0].before, Some(map(json!({"id": "1", "properties": {"name": "1 before"}}))));
    }
    assert!(hubspot.complete(updates([2]), &needs)[0].gone);
}

#[test]
fn archived_objects_are_the_before_images_of_their_deletions() {
    let mut hubspot = HubSpot::with([3]);
    let archived = map(json!({"id": "1", "properties": {"name": "was"}, "archived": true}));
    hubspot.archived.insert(1, archived.clone());
    let needs = Needs { deleted_properties: Some(vec!["name".into()]), ..nothing() };
    let mut pieces = deletes([1, 2, 3]);
    pieces.push(piece(1, Operation::Update));
    let pieces = hubspot.complete(pieces, &needs);
    assert_eq!(pieces.iter().map(|piece| piece.before.clone()).collect::<Vec<_>>(), [Some(archived), None, None, None]);
    assert!(pieces.iter().all(|piece| !piece.gone), "what is deleted is delivered, found or not");
    assert_eq!(hubspot.sizes(), [3]);
    hubspot.requests.clear();
    hubspot.complete(deletes(1..=101), &needs);
    assert_eq!(hubspot.sizes(), [100, 1]);
}

/// An object into which those were merged.
fn winner(id: u64, losers: &str) -> (u64, Object) {
    (id, map(json!({"id": id.to_string(), "properties": {"hs_merged_object_ids": losers}})))
}

fn winners(pieces: &[Piece]) -> Vec<Option<String>> {
    pieces.iter().map(|piece| piece.merged_into.as_ref().map(ToString::to_string)).collect()
}

#[test]
fn a_deletion_names_the_object_that_its_was_merged_into() {
    let mut hubspot = HubSpot { turn: 3, ..HubSpot::default() };
    hubspot.live.extend([winner(10, "1;2"), winner(11, " 3 ;99;"), winner(5, "")]);
    hubspot.merged.extend([(1, 10), (2, 10), (3, 11)]);
    let needs = Needs { winners: true, ..nothing() };
    let mut pieces = deletes([1, 2, 3, 4, 5]);
    pieces.push(Piece { merged_into: Some(ItemId::Number(77)), ..piece(6, Operation::Delete) });
    let named = winners(&hubspot.complete(pieces, &needs));
    let expected = [Some("10"), Some("10"), Some("11"), None, None, Some("77")];
    assert_eq!(named.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    assert_eq!(hubspot.sizes(), [5], "one request, and not for what is known");
}

#[test]
fn a_winner_that_does_not_name_its_losers_is_found_by_asking_fewer() {
    for count in [1, 2, 7, 100] {
        let mut hubspot = HubSpot { turn: 5, ..HubSpot::default() };
        hubspot.live.extend([winner(1_000, ""), winner(1_001, "1")]);
        hubspot.merged.extend([(1, 1_001), (count.min(70), 1_000)]);
        let pieces = hubspot.complete(deletes(1..=count), &Needs { winners: true, ..nothing() });
        for piece in &pieces {
            let expected = match piece.id {
                ItemId::Number(id) => hubspot.merged.get(&id).map(|winner| ItemId::Number(*winner)),
                ItemId::Text(_) => None,
            };
            assert_eq!(piece.merged_into, expected, "{} of {count}", piece.id);
        }
        assert!(hubspot.requests.len() <= 15, "{} requests", hubspot.requests.len());
    }
}

#[test]
fn associations_go_by_the_thousand_and_only_those_with_more_are_asked_again() {
    let mut hubspot = HubSpot::with([]);
    hubspot.associations.insert(("deals", 7), (0..250).rev().collect());
    hubspot.associations.insert(("deals", 1_001), (0..100).collect());
    hubspot.associations.insert(("tickets", 3), vec![4]);
    let needs = Needs { associations: vec!["deals".into(), "tickets".into()], ..nothing() };
    let pieces = hubspot.complete(updates(1..=1_001), &needs);
    assert_eq!(hubspot.sizes(), [1_000, 1, 1, 1, 1_000, 1]);
    let inline = |id: usize| &pieces[id - 1].item.as_map()["associations"];
    assert_eq!(*inline(1), json!({"deals": [], "tickets": []}));
    assert_eq!(inline(7)["deals"].as_array().unwrap().len(), 250);
    assert_eq!(inline(1_001)["deals"].as_array().unwrap().len(), 100);
    let types = json!([{"category": "HUBSPOT_DEFINED", "typeId": 0, "label": null}]);
    assert_eq!(*inline(3), json!({"deals": [], "tickets": [{"id": "4", "types": types}]}));
}

#[test]
fn a_thousand_objects_are_one_request() {
    let mut hubspot = HubSpot::with([]);
    hubspot.complete(updates(1..=1_000), &Needs { associations: vec!["deals".into()], ..nothing() });
    assert_eq!(hubspot.sizes(), [1_000]);
}

fn operation() -> impl Strategy<Value = Operation> {
    proptest::sample::select(vec![Operation::Create, Operation::Update, Operation::Delete, Operation::Snapshot])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is needed of whatever pages, in whatever order HubSpot answers: each piece ends with what is its own.
    #[test]
    fn every_piece_ends_with_what_is_its_own(
        changes in proptest::collection::vec((1_u64..150, operation()), 0..220),
        missing in proptest::collection::btree_set(1_u64..150, 0..40),
        associated in proptest::collection::btree_map(1_u64..150, proptest::collection::btree_set(1_u64..50, 0..12), 0..60),
        (page, turn) in (1_usize..6, 0_usize..100),
        (reread, history, associations, winners, deleted) in any::<(bool, bool, bool, bool, bool)>(),
    ) {
        let mut hubspot = HubSpot::with((1..150).filter(|id| !missing.contains(id)));
        (hubspot.page, hubspot.turn) = (page, turn);
        // Every second one that is missing was merged into 500, the others are archived.
        hubspot.merged.extend(missing.iter().filter(|id| *id % 2 == 0).map(|id| (*id, 500)));
        let losers: Vec<_> = hubspot.merged.keys().map(ToString::to_string).collect();
        hubspot.live.extend([winner(500, &losers.join(";"))]);
        hubspot.archived.extend(missing.iter().map(|id| (*id, stored(*id, NOW - 1))));
        hubspot.associations.extend(associated.iter().map(|(id, to)| (("deals", *id), to.iter().copied().collect())));
        let properties = |needed| if needed { vec!["name".to_owned()] } else { vec![] };
        let needs = Needs {
            reread: properties(reread),
            history: properties(history),
            associations: if associations { vec!["deals".into()] } else { vec![] },
            winners,
            deleted_properties: deleted.then(|| properties(true)),
            ..nothing()
        };
        let pieces: Vec<_> = changes.iter().map(|(id, operation)| piece(*id, *operation)).collect();
        let done = hubspot.complete(pieces.clone(), &needs);
        prop_assert_eq!(done.len(), pieces.len());
        for (done, (was, (id, operation))) in done.iter().zip(pieces.iter().zip(&changes)) {
            prop_assert_eq!((&done.id, done.operation), (&was.id, was.operation));
            let is_missing = missing.contains(id);
            if *operation == Operation::Delete {
                prop_assert!(!done.gone && done.item == was.item);
                prop_assert_eq!(done.before.is_some(), deleted && is_missing);
                prop_assert_eq!(done.merged_into.is_some(), winners && is_missing && id % 2 == 0);
                continue;
            }
            // With history alone, only whoever is also updated in the page is looked at.
            let updated = changes.contains(&(*id, Operation::Update));
            let looked_at = reread || (history && updated);
            prop_assert_eq!(done.gone, looked_at && is_missing);
            if done.gone {
                continue;
            }
            let own = format!("{id} at 0");
            prop_assert_eq!(name(done), reread.then_some(own.as_str()));
            prop_assert_eq!(done.before.is_some(), history && *operation == Operation::Update);
            prop_assert!(!done.item.as_map().contains_key("propertiesWithHistory"));
            let to: Option<Vec<_>> = done.item.as_map().get("associations").map(|inline| {
                inline["deals"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().parse::<u64>().unwrap()).collect()
            });
            let expected = associations.then(|| associated.get(id).into_iter().flatten().copied().collect::<Vec<_>>());
            prop_assert_eq!(to, expected);
        }
    }
}
