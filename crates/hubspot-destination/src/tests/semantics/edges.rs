//! What is rare: objects made in the place of others, look-ups that fail in part, names that only the account knows.

use super::*;
use crate::config::Unknown;

fn cars() -> CustomObject {
    CustomObject { name: "cars".into(), fully_qualified_name: "p1_cars".into(), object_type_id: "2-7".into() }
}

fn of(collection: &str) -> Record {
    let mut record = create(json!({"n": "1"}));
    record.metadata.set_collection(collection);
    record
}

#[tokio::test]
async fn what_was_made_in_an_objects_place_is_found_by_the_id_that_records_name() {
    let bench = Bench::new(|config| {
        config.on_missing = OnMissing::Create;
        config.id_field = Some("hubspot_id".into());
    });
    let update = |n: &str| keyed(Operation::Update, id("k"), json!({"hubspot_id": "51", "n": n}));
    bench.write_all(vec![update("1"), update("2")]).await;
    assert_eq!(bench.held(), [json!({"n": "2"})]);
    bench.write_all(vec![update("3")]).await;
    assert_eq!(bench.held(), [json!({"n": "3"})]);
    // It is gone again, and made again.
    bench.fake.state().objects.clear();
    bench.write_all(vec![update("4")]).await;
    bench.write_all(vec![update("5")]).await;
    assert_eq!(bench.held(), [json!({"n": "5"})]);
}

#[tokio::test]
async fn a_value_that_hubspot_refuses_to_look_up_fails_alone() {
    let bench = Bench::new(|config| config.id_properties = IdProperties::all("email"));
    bench.write_all((0..5).map(|n| create(json!({"email": format!("{n}@x")}))).collect()).await;
    let gone = ["0@x", "1@x", "bad", "3@x"].map(|email| delete(json!({"email": email})));
    let outcomes = bench.write(gone.to_vec()).await;
    assert_eq!(failed(&outcomes), [2]);
    assert!(text(&outcomes, 2).contains("email=bad: HubSpot refuses it with 400: one of them is bad"));
    assert_eq!(bench.held(), [json!({"email": "2@x"}), json!({"email": "4@x"})]);
}

#[tokio::test]
async fn a_look_up_that_the_token_may_not_make_stops_nothing_else() {
    let bench = Bench::new(|config| config.id_properties = IdProperties::all("email"));
    let refusal = Refusal { status: 403, message: "no reading".into(), ..Refusal::default() };
    bench.fake.state().refuses_finds = Some(refusal);
    let outcomes = bench.write(vec![delete(json!({"email": "a@x"})), create(json!({"email": "b@x"}))]).await;
    assert_eq!(failed(&outcomes), [0]);
    assert!(matches!(outcomes[0].as_ref().unwrap_err().failure, Failure::Refused(_)));
    assert_eq!(bench.held(), [json!({"email": "b@x"})]);
}

#[tokio::test]
async fn an_update_of_associations_alone_takes_no_update() {
    let links =
        |key: Value| keyed(Operation::Update, key, json!({"associations": {"companies": ["2"]}, "properties": {}}));
    let bench = Bench::new(|_| {});
    bench.fake.seed([1, 2]);
    bench.write_all(vec![links(id("1"))]).await;
    assert_eq!(bench.calls(), []);
    assert_eq!(bench.fake.state().associations, [("1".to_owned(), "2".to_owned())]);
    assert_eq!(failed(&bench.write(vec![links(id("404"))]).await), [0]);

    let bench = Bench::new(|config| config.on_missing = OnMissing::Ignore);
    bench.fake.seed([1, 2]);
    bench.write_all(vec![links(id("404")), links(id("1"))]).await;
    assert_eq!((bench.calls().len(), bench.fake.state().associations.len(), bench.writer.stats().ignored), (0, 1, 1));

    let payload = json!({"idProperty": "email", "properties": {}, "associations": {"companies": ["2"]}});
    let outcomes = bench.write(vec![keyed(Operation::Update, id("a@x"), payload)]).await;
    assert!(text(&outcomes, 0).contains("nothing but associations"), "{}", text(&outcomes, 0));
}

#[tokio::test]
async fn options_that_are_new_are_found() {
    let stage = |options: &[&str]| {
        let options: Vec<Value> = options.iter().map(|option| json!({"value": option, "label": option})).collect();
        let stage = json!({"name": "stage", "type": "enumeration", "fieldType": "select", "options": options});
        vec![serde_json::from_value(stage).unwrap()]
    };
    let bench = Bench::new(|_| {});
    bench.fake.state().definitions = stage(&["a"]);
    bench.writer.open().await.unwrap();
    bench.write_all(vec![create(json!({"stage": "a"}))]).await;
    assert_eq!(bench.fake.state().reads, 1, "what is known needs no look");
    bench.fake.state().definitions = stage(&["a", "b"]);
    bench.write_all(vec![create(json!({"stage": "b"}))]).await;
    let outcomes = bench.write(vec![create(json!({"stage": "c"})), create(json!({"stage": "d"}))]).await;
    assert_eq!((failed(&outcomes), bench.fake.state().reads), (vec![0, 1], 2));
}

#[tokio::test]
async fn definitions_stay_when_they_may_not_be_read_any_more() {
    let bench = Bench::open(|_| {}, &[], &["n"]).await;
    bench.fake.state().definitions.clear();
    for _ in 0..2 {
        assert_eq!(failed(&bench.write(vec![create(json!({"m": "x"}))]).await), [0]);
    }
    assert_eq!(bench.fake.state().reads, 2);
}

#[tokio::test]
async fn custom_objects_that_cannot_be_seen_are_asked_for_once_a_batch() {
    let routing = Routing::parse(r#"{{ index .Metadata "opencdc.collection" }}"#, "").unwrap();
    let bench = Bench::new(|config| config.routing = routing);
    bench.fake.state().refuses_schemas = true;
    let outcomes = bench.write(vec![of("crm.objects.cars"), of("crm.objects.boats"), of("crm.contacts")]).await;
    assert_eq!((failed(&outcomes), bench.fake.state().asks), (vec![0, 1], 1));
}

#[tokio::test]
async fn a_fixed_custom_object_takes_no_records_of_another() {
    for fixed in ["crm.objects.cars", "crm.objects.2-7"] {
        let bench = Bench::new(|config| config.routing = Routing::parse(fixed, "").unwrap());
        let boats = CustomObject { name: "boats".into(), object_type_id: "2-8".into(), ..cars() };
        bench.fake.state().custom_objects =
            vec![CustomObject { fully_qualified_name: "p1_boats".into(), ..boats }, cars()];
        let collections = ["cars", "p1_cars", "2-7", "boats", "2-8", "planes"];
        let records = collections.iter().map(|object| of(&format!("crm.objects.{object}")));
        let outcomes = bench.write(records.chain([of("garage")]).collect()).await;
        assert_eq!(failed(&outcomes), [3, 4, 5], "{fixed}");
        assert!(text(&outcomes, 3).contains("is of crm.objects.boats, but everything is written into"));
    }
}

#[tokio::test]
async fn a_custom_object_in_associations_is_found_by_name() {
    let bench = Bench::new(|_| {});
    bench.fake.seed([2]);
    bench.fake.state().custom_objects = vec![cars()];
    let with_car = || create(json!({"properties": {"n": "1"}, "associations": {"cars": ["2"], "companies": ["2"]}}));
    bench.write_all(vec![with_car()]).await;
    bench.write_all(vec![with_car()]).await;
    let state = bench.fake.state();
    assert_eq!((state.asks, state.linked_types.contains("2-7"), state.linked_types.contains("cars")), (1, true, false));
}

#[tokio::test]
async fn an_object_that_is_found_where_a_reply_was_lost_gets_its_associations() {
    let email = |config: &mut Config| config.id_properties = IdProperties::all("email");
    let bench = Bench::open(email, &["email"], &["n"]).await;
    bench.fake.seed([2]);
    let made = json!({"email": "a@x", "n": "1"});
    bench.write_all(vec![create(made.clone())]).await;
    // This create never arrives, and the object that is found is the first one's: it has no associations yet.
    bench.fake.state().faults.push((false, Failure::Unknown("lost".into())));
    let spec = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]);
    let links = json!({"companies": {"results": [{"id": "2", "types": spec}]}});
    bench.write_all(vec![create(json!({"properties": made, "associations": links}))]).await;
    assert_eq!(bench.fake.objects(), 2);
    assert_eq!(bench.fake.state().associations.len(), 1);
}

#[tokio::test]
async fn a_property_that_can_not_be_looked_for_is_not_left_to_each_record() {
    let bench = Bench::new(|config| config.source_id = Some(SourceId { property: "source_id".into(), create: true }));
    let error = bench.writer.open().await.unwrap_err().to_string();
    assert!(error.starts_with("crm.contacts: the token may not read"), "{error}");
    assert!(error.contains("\"source_id\" can't be made by `sourceId.create`"), "{error}");
}

#[tokio::test]
async fn a_create_of_which_nothing_is_left_names_what_was_left_out() {
    let bench = Bench::open(|config| config.unknown = Unknown::Drop, &["email"], &["n"]).await;
    let outcomes = bench.write(vec![create(json!({"b": "1", "a": "2"})), create(json!({}))]).await;
    let all = text(&outcomes, 0);
    assert!(
        all.contains("nothing of the payload can be written: a, b are properties that HubSpot doesn't have"),
        "{all}"
    );
    assert!(text(&outcomes, 1).contains("the payload is empty"));
}
