//! Modes, identities, what is missing, merged, looked up and associated: the engine against a fake HubSpot.

mod edges;

use hubspot_catalog::CustomObject;
use opencdc::{Metadata, Operation, Record};
use serde_json::{Value, json};

use super::{Outcomes, create, failed, record};
use crate::config::{Config, Deletes, IdProperties, Mode, OnMissing, SourceId};
use crate::error::{Error, Failure, Refusal};
use crate::fake::{Fake, Manner, property};
use crate::plan::Kind;
use crate::routing::Routing;
use crate::writer::Writer;

struct Bench {
    writer: Writer<&'static Fake>,
    fake: &'static Fake,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::for_resource(hubspot_catalog::find("crm.contacts").unwrap());
        change(&mut config);
        // A test's fake lives as long as the test process: the engine and the test look at the same one.
        let fake: &'static Fake = Box::leak(Box::new(Fake::new(Manner::Single)));
        Self { writer: Writer::new(fake, config), fake }
    }

    /// With definitions of unique and other properties.
    async fn open(change: impl FnOnce(&mut Config), unique: &[&str], other: &[&str]) -> Self {
        let bench = Self::new(change);
        let definitions = unique.iter().map(|name| property(name, true));
        bench.fake.state().definitions = definitions.chain(other.iter().map(|name| property(name, false))).collect();
        bench.writer.open().await.unwrap();
        bench
    }

    async fn write(&self, records: Vec<Record>) -> Outcomes {
        self.writer.write(records).await.unwrap()
    }

    async fn write_all(&self, records: Vec<Record>) {
        for (n, outcome) in self.write(records).await.into_iter().enumerate() {
            outcome.unwrap_or_else(|error| panic!("record {n}: {error}"));
        }
    }

    fn calls(&self) -> Vec<(Kind, usize)> {
        self.fake.state().calls.clone()
    }

    /// The objects, each as what it holds.
    fn held(&self) -> Vec<Value> {
        self.fake.state().objects.values().cloned().map(Value::Object).collect()
    }
}

fn keyed(operation: Operation, key: Value, after: Value) -> Record {
    record(operation, Some(key), Some(after))
}

fn id(id: &str) -> Value {
    json!({ "id": id })
}

fn delete(key: Value) -> Record {
    record(Operation::Delete, Some(key), None)
}

fn source_id(config: &mut Config) {
    config.source_id = Some(SourceId { property: "source_id".into(), create: false });
}

fn text(outcomes: &Outcomes, n: usize) -> String {
    outcomes[n].as_ref().unwrap_err().to_string()
}

#[tokio::test]
async fn each_mode_sends_what_it_says() {
    let records = || {
        vec![
            keyed(Operation::Create, id("1"), json!({"email": "a@x"})),
            keyed(Operation::Snapshot, id("2"), json!({"email": "b@x"})),
            keyed(Operation::Update, id("3"), json!({"email": "c@x"})),
        ]
    };
    for (mode, kind) in [(Mode::Upsert, Kind::Upsert), (Mode::Update, Kind::Update), (Mode::Insert, Kind::Create)] {
        let bench = Bench::new(|config| config.mode = mode);
        bench.fake.seed(1..=3);
        bench.write_all(records()).await;
        assert_eq!(bench.calls(), [(kind, 3)], "{mode}");
    }
}

#[tokio::test]
async fn an_upsert_finds_what_is_there_and_makes_the_rest() {
    let bench = Bench::open(|config| config.mode = Mode::Upsert, &["email"], &["firstname"]).await;
    bench.write_all(vec![create(json!({"email": "a@x"}))]).await;
    let outcomes = bench
        .write(vec![
            create(json!({"email": "A@x", "firstname": "Ada"})),
            create(json!({"email": "b@x"})),
            create(json!({"firstname": "Nobody"})),
        ])
        .await;
    assert_eq!(failed(&outcomes), [2]);
    assert!(text(&outcomes, 2).starts_with("upserting crm.contacts: the record has no value of email"));
    assert_eq!(bench.held(), [json!({"email": "A@x", "firstname": "Ada"}), json!({"email": "b@x"})]);
}

#[tokio::test]
async fn a_value_is_never_twice_in_a_call_and_the_later_record_wins() {
    let bench = Bench::new(|config| config.mode = Mode::Upsert);
    let upserts = (0..5).map(|n| create(json!({"email": "a@x", "firstname": n.to_string()})));
    bench.write_all(upserts.collect()).await;
    assert_eq!(bench.calls(), vec![(Kind::Upsert, 1); 5]);
    assert_eq!(bench.held(), [json!({"email": "a@x", "firstname": "4"})]);
}

#[tokio::test]
async fn updates_and_deletes_find_objects_by_the_property() {
    let bench = Bench::new(|config| config.id_properties = IdProperties::all("email"));
    bench.write_all((0..3).map(|n| create(json!({"email": format!("{n}@x")}))).collect()).await;
    let outcomes = bench
        .write(vec![
            keyed(Operation::Update, json!({"email": "0@x"}), json!({"firstname": "Ada"})),
            keyed(Operation::Update, id("9"), json!({"email": "1@x", "firstname": "Bo"})),
            delete(json!({"email": "2@x"})),
            delete(json!({"email": "nobody@x"})),
        ])
        .await;
    assert_eq!(failed(&outcomes), [3]);
    assert!(
        text(&outcomes, 3).starts_with("deleting crm.contacts email=nobody@x: there is no object with email=nobody@x"),
        "{}",
        text(&outcomes, 3)
    );
    assert_eq!(bench.held(), [json!({"email": "0@x", "firstname": "Ada"}), json!({"email": "1@x", "firstname": "Bo"})]);
    assert_eq!(bench.fake.state().finds, [(Some("email".to_owned()), 2)]);
    assert_eq!(bench.writer.stats().looked_up, 2);
}

#[tokio::test]
async fn a_source_id_makes_copies_that_are_found_again() {
    let bench = Bench::open(source_id, &["source_id", "email"], &["firstname"]).await;
    let records = || {
        vec![
            keyed(Operation::Snapshot, id("51"), json!({"email": "a@x"})),
            keyed(Operation::Create, id("52"), json!({"email": "b@x"})),
            keyed(Operation::Update, id("51"), json!({"firstname": "Ada"})),
            keyed(Operation::Update, id("53"), json!({"email": "c@x"})),
            delete(id("52")),
        ]
    };
    bench.write_all(records()).await;
    let held =
        [json!({"email": "a@x", "firstname": "Ada", "source_id": "51"}), json!({"email": "c@x", "source_id": "53"})];
    assert_eq!(bench.held(), held);
    // As after a restart that has forgotten where it was.
    bench.write_all(records()).await;
    assert_eq!(bench.held(), held);
}

#[tokio::test]
async fn what_was_created_is_found_by_its_key() {
    let bench = Bench::new(|_| {});
    let (ada, number) = (json!({"id": "ada"}), id("7"));
    bench
        .write_all(vec![
            keyed(Operation::Create, ada.clone(), json!({"n": "1"})),
            keyed(Operation::Update, ada.clone(), json!({"n": "2"})),
            keyed(Operation::Create, number.clone(), json!({"m": "1"})),
            keyed(Operation::Update, number.clone(), json!({"m": "2"})),
        ])
        .await;
    assert_eq!(bench.held(), [json!({"n": "2"}), json!({"m": "2"})]);
    // 7 might be an id of HubSpot's, which takes one look.
    bench.write_all(vec![keyed(Operation::Update, number.clone(), json!({"m": "3"}))]).await;
    assert_eq!(bench.fake.state().finds, [(None, 1)]);
    bench.write_all(vec![delete(ada.clone()), delete(number)]).await;
    assert!(bench.held().is_empty());
    let gone = bench.write(vec![keyed(Operation::Update, ada, json!({"n": "3"}))]).await;
    assert!(text(&gone, 0).starts_with("updating crm.contacts ada: "), "{}", text(&gone, 0));
}

#[tokio::test]
async fn a_key_that_is_an_id_of_hubspots_means_that_object() {
    let bench = Bench::new(|_| {});
    bench.fake.seed([7]);
    bench
        .write_all(vec![
            keyed(Operation::Create, id("7"), json!({"n": "new"})),
            keyed(Operation::Update, id("7"), json!({"n": "old"})),
        ])
        .await;
    assert_eq!(bench.fake.state().objects["7"]["n"], "old");
    assert_eq!(bench.fake.state().objects["1001"]["n"], "new");
}

#[tokio::test]
async fn what_is_missing_fails_passes_or_is_made() {
    let records = || vec![keyed(Operation::Update, id("404"), json!({"n": "1"})), delete(id("404"))];
    let bench = Bench::new(|_| {});
    assert_eq!(failed(&bench.write(records()).await), [0]);

    let bench = Bench::new(|config| config.on_missing = OnMissing::Ignore);
    bench.write_all(records()).await;
    assert!(bench.held().is_empty());
    assert_eq!(bench.writer.stats().ignored, 1);

    let bench = Bench::new(|config| config.on_missing = OnMissing::Create);
    bench.write_all(records()).await;
    assert!(bench.held().is_empty(), "the delete finds what the update has made");
    bench.write_all(vec![keyed(Operation::Update, id("405"), json!({"n": "1"}))]).await;
    bench.write_all(vec![keyed(Operation::Update, id("405"), json!({"n": "2"}))]).await;
    assert_eq!(bench.held(), [json!({"n": "2"})]);

    let by_email = |config: &mut Config| {
        config.on_missing = OnMissing::Create;
        config.id_properties = IdProperties::all("email");
    };
    let bench = Bench::new(by_email);
    bench
        .write_all(vec![
            keyed(Operation::Update, json!({"email": "a@x"}), json!({"n": "1"})),
            delete(json!({"email": "b@x"})),
        ])
        .await;
    assert_eq!(bench.held(), [json!({"email": "a@x", "n": "1"})]);
}

#[tokio::test]
async fn deletes_can_be_ignored_or_for_good() {
    let bench = Bench::new(|config| config.deletes = Deletes::Ignore);
    bench.fake.seed([1]);
    bench.write_all(vec![delete(id("1"))]).await;
    assert_eq!((bench.held().len(), bench.calls().len()), (1, 0));

    let bench = Bench::new(|config| config.deletes = Deletes::Gdpr);
    bench.fake.seed([1]);
    bench.write_all(vec![delete(id("1"))]).await;
    assert_eq!(bench.calls(), [(Kind::Erase, 1)]);
}

#[tokio::test]
async fn merged_changes_are_one_write_and_as_many_outcomes() {
    let bench = Bench::new(|config| config.coalesce = true);
    bench.fake.seed([1, 2]);
    let mut records: Vec<Record> =
        (0..10).map(|n| keyed(Operation::Update, id("1"), json!({"n": n.to_string()}))).collect();
    records.push(keyed(Operation::Update, id("2"), json!({"bad": "x"})));
    records.push(keyed(Operation::Update, id("2"), json!({"n": "y"})));
    let outcomes = bench.write(records).await;
    assert_eq!(failed(&outcomes), [10, 11]);
    assert_eq!(bench.calls(), [(Kind::Update, 2)]);
    assert_eq!(bench.fake.state().objects["1"]["n"], "9");
    assert_eq!(bench.writer.stats().merged, 10);
}

#[tokio::test]
async fn a_lost_create_with_a_unique_value_is_looked_for() {
    for after in [true, false] {
        let bench = Bench::new(|_| {});
        bench.fake.state().faults.push((after, Failure::Unknown("connection reset".into())));
        bench.write_all(vec![create(json!({"email": "a@x", "n": "1"})), create(json!({"email": "b@x"}))]).await;
        assert_eq!(bench.held(), [json!({"email": "a@x", "n": "1"}), json!({"email": "b@x"})], "after: {after}");
        assert_eq!(bench.writer.stats().resolved, 2);
        assert_eq!(bench.calls().len(), if after { 1 } else { 2 }, "what isn't there is sent once more");
    }
}

#[tokio::test]
async fn a_lost_create_that_is_not_the_one_found_stays_unknown() {
    let bench = Bench::new(|_| {});
    bench.write_all(vec![create(json!({"email": "a@x", "n": "another"}))]).await;
    bench.fake.state().faults.push((false, Failure::Unknown("connection reset".into())));
    let outcomes = bench.write(vec![create(json!({"email": "a@x", "n": "1"})), create(json!({"n": "no value"}))]).await;
    assert_eq!(failed(&outcomes), [0, 1]);
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap_err().is_outcome_unknown()));
    assert!(
        text(&outcomes, 0).contains("object 1001 has this email but not all that was sent"),
        "{}",
        text(&outcomes, 0)
    );
    assert_eq!(bench.held().len(), 1);
}

#[tokio::test]
async fn a_template_writes_several_resources_and_their_failures_are_apart() {
    let routing = Routing::parse(r#"{{ index .Metadata "opencdc.collection" }}"#, "people=crm.contacts").unwrap();
    let bench = Bench::new(|config| config.routing = routing);
    let to = |collection: &str| {
        let mut record = create(json!({"n": "1"}));
        record.metadata.set_collection(collection);
        record
    };
    let mut unrouted = to("x");
    unrouted.metadata = Metadata::new();
    let outcomes = bench.write(vec![to("people"), to("crm.deals"), to("zebras"), unrouted, to("crm.owners")]).await;
    assert_eq!(failed(&outcomes), [2, 3, 4]);
    assert!(
        text(&outcomes, 2).starts_with("creating: the record is destined for \"zebras\""),
        "{}",
        text(&outcomes, 2)
    );
    assert_eq!(bench.calls().len(), 2);

    let denied = Refusal { status: 403, message: "no".into(), ..Refusal::default() };
    bench.fake.state().faults.push((false, Failure::Denied(Box::new(denied))));
    let outcomes = bench.write(vec![to("crm.deals"), to("people")]).await;
    assert_eq!(failed(&outcomes).len(), 1, "one resource may be forbidden and another not: {outcomes:?}");
}

#[tokio::test]
async fn custom_objects_are_found_by_name() {
    let bench = Bench::new(|config| config.routing = Routing::parse("crm.objects.cars", "").unwrap());
    let error = bench.writer.open().await.unwrap_err().to_string();
    assert!(error.starts_with("crm.objects.cars: the account has no custom object"), "{error}");

    let bench = Bench::new(|config| {
        config.routing = Routing::parse("crm.objects.p1_cars", "").unwrap();
        config.id_properties = "crm.objects.p1_cars=vin".parse().unwrap();
    });
    let car =
        CustomObject { name: "cars".into(), fully_qualified_name: "p1_cars".into(), object_type_id: "2-7".into() };
    bench.fake.state().custom_objects.push(car);
    bench.writer.open().await.unwrap();
    bench.write_all(vec![create(json!({"vin": "W0L0"}))]).await;
    bench.write_all(vec![keyed(Operation::Update, json!({"vin": "W0L0"}), json!({"n": "1"}))]).await;
    assert_eq!(bench.held(), [json!({"vin": "W0L0", "n": "1"})]);
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_is_refused_at_start() {
    let refused = async |change: &dyn Fn(&mut Config)| {
        let bench = Bench::new(|config| change(config));
        bench.fake.state().definitions = vec![property("sku", true), property("name", false)];
        let error = bench.writer.open().await.unwrap_err();
        assert!(matches!(error, Error::Misfit { .. }), "{error}");
        error.to_string()
    };
    let error = refused(&|config| config.id_properties = IdProperties::all("name")).await;
    assert!(error.starts_with("crm.contacts: objects can't be identified by \"name\""), "{error}");
    assert!(error.ends_with("the unique ones are sku"), "{error}");
    let error = refused(&source_id).await;
    assert!(error.contains("`sourceId.create: true`"), "{error}");
    let deals = |config: &mut Config| config.routing = Routing::parse("crm.deals", "").unwrap();
    let error = refused(&|config| {
        deals(config);
        config.mode = Mode::Upsert;
    })
    .await;
    assert!(error.starts_with("crm.deals: upserting takes a unique property: set `idProperty`"), "{error}");
    assert!(error.ends_with("the unique ones are sku"), "{error}");
    let error = refused(&|config| {
        deals(config);
        config.deletes = Deletes::Gdpr;
    })
    .await;
    assert!(error.contains("contacts alone"), "{error}");
}

#[tokio::test]
async fn missing_properties_are_made_and_unknown_ones_looked_for_again() {
    let make = |config: &mut Config| {
        config.create_properties = true;
        config.source_id = Some(SourceId { property: "source_id".into(), create: true });
    };
    let bench = Bench::open(make, &["email"], &["firstname"]).await;
    let outcomes = bench
        .write(vec![
            keyed(Operation::Create, id("1"), json!({"shoe_size": "44"})),
            keyed(Operation::Create, id("2"), json!({"refused": "x"})),
        ])
        .await;
    assert_eq!(failed(&outcomes), [1]);
    assert!(
        text(&outcomes, 1).contains("making the property refused: HubSpot refuses it with 400"),
        "{}",
        text(&outcomes, 1)
    );
    let names: Vec<_> = bench.fake.state().definitions.iter().map(|property| property.name.clone()).collect();
    assert_eq!(names, ["email", "firstname", "source_id", "shoe_size"]);
    assert_eq!(bench.held(), [json!({"shoe_size": "44", "source_id": "1"})]);

    let bench = Bench::open(|_| {}, &["email"], &["firstname"]).await;
    bench.fake.state().definitions.push(property("new", false));
    bench.write_all(vec![create(json!({"new": "x"}))]).await;
    let outcomes = bench.write((0..50).map(|n| create(json!({format!("no{n}"): "x"}))).collect()).await;
    assert_eq!(failed(&outcomes).len(), 50);
    assert_eq!(bench.fake.state().reads, 2, "once when it opened, once again");
}

#[tokio::test]
async fn what_was_written_is_associated_and_what_was_not_says_so() {
    let bench = Bench::open(source_id, &["source_id"], &["n"]).await;
    let with = |to: &str| json!({"properties": {"n": "1"}, "associations": {"companies": [{"id": to}]}});
    let outcomes = bench
        .write(vec![
            // The other end comes later in the same batch.
            keyed(Operation::Create, id("1"), with("2")),
            keyed(Operation::Create, id("2"), json!({"n": "2"})),
            keyed(Operation::Create, id("3"), with("404")),
        ])
        .await;
    assert_eq!(failed(&outcomes), [2]);
    assert_eq!(bench.fake.state().associations.len(), 1);
    let error = outcomes[2].as_ref().unwrap_err();
    assert!(error.written_as().is_some_and(|id| bench.fake.state().objects[id]["source_id"] == "3"), "{error}");
    assert!(error.to_string().contains("it was written as "), "{error}");
    assert_eq!(bench.held().len(), 3);
}

#[tokio::test]
async fn upserting_without_a_property_is_refused_where_nothing_may_be_read_too() {
    let bench = Bench::new(|config| {
        config.routing = Routing::parse("crm.deals", "").unwrap();
        config.mode = Mode::Upsert;
    });
    let error = bench.writer.open().await.unwrap_err().to_string();
    assert!(
        error.contains("set `idProperty`") && error.ends_with("HubSpot's settings show the type's unique ones"),
        "{error}"
    );
}

#[tokio::test]
async fn the_property_for_source_ids_is_made_for_associated_types_too() {
    let with = |key: &str| {
        let company = json!({"companies": [{"id": "9"}, {"name": "by name"}]});
        keyed(Operation::Create, id(key), json!({"properties": {"n": "1"}, "associations": company}))
    };
    for create in [true, false] {
        let change = |config: &mut Config| {
            config.source_id = Some(SourceId { property: "source_id".into(), create });
        };
        let bench = Bench::open(change, &["source_id"], &["n"]).await;
        bench.fake.state().other = Some(("crm.companies", vec![property("name", true)]));
        for key in ["1", "2"] {
            let outcomes = bench.write(vec![with(key)]).await;
            let said = text(&outcomes, 0);
            assert!(outcomes[0].as_ref().unwrap_err().written_as().is_some(), "{said}");
            let reason = if create { "there is no such object" } else { "companies have no property \"source_id\"" };
            assert!(said.contains(&format!("not associated with companies 9: {reason}")), "{said}");
            assert_eq!(said.contains("set `sourceId.create: true`"), !create, "{said}");
        }
        let made = bench.fake.state().other.as_ref().is_some_and(|(_, of)| of.iter().any(|of| of.name == "source_id"));
        assert_eq!(made, create);
        // Contacts once; companies once, and once more when the property was made, or when it still may have been.
        assert_eq!(bench.fake.state().reads, 3, "create: {create}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_in_an_earlier_try_is_unknown() {
    let bench = Bench::new(|_| {});
    bench.fake.seed([1]);
    bench.fake.state().faults.push((true, Failure::MaybeDone("5 tries".into())));
    let outcomes = bench.write(vec![keyed(Operation::Update, id("1"), json!({"n": "1"}))]).await;
    assert!(outcomes[0].as_ref().unwrap_err().is_outcome_unknown());
    assert_eq!(
        text(&outcomes, 0),
        "updating crm.contacts 1: the outcome is unknown, it may have been written: 5 tries; write it again, which does no harm"
    );
}

#[tokio::test]
async fn what_comes_and_goes_takes_along_what_was_made_for_its_key_before() {
    let bench = Bench::new(|config| config.coalesce = true);
    let (key, n) = (id("order-7"), |n: &str| json!({ "n": n }));
    bench.write_all(vec![keyed(Operation::Create, key.clone(), n("1"))]).await;
    bench.write_all(vec![keyed(Operation::Create, key.clone(), n("2")), delete(key.clone())]).await;
    assert_eq!((bench.held(), bench.calls().len()), (vec![], 2));
    bench.write_all(vec![keyed(Operation::Create, key.clone(), n("3")), delete(key)]).await;
    assert_eq!(bench.calls().len(), 2, "nothing is there any more");
}

#[tokio::test]
async fn an_update_of_what_hubspot_sets_alone_is_ignored() {
    let read_only = |name: &str| {
        let property = json!({"name": name, "type": "string", "fieldType": "text", "calculated": true});
        serde_json::from_value(property).unwrap()
    };
    let bench = Bench::new(|_| {});
    bench.fake.state().definitions = vec![property("n", false), read_only("score"), read_only("hs_object_id")];
    bench.writer.open().await.unwrap();
    let own = json!({"id": "1", "updatedAt": "2026-01-31T00:00:00Z", "properties": {"hs_object_id": "1"}});
    let outcomes = bench
        .write(vec![
            keyed(Operation::Update, id("1"), json!({"score": "5"})),
            keyed(Operation::Update, id("1"), json!({"score": null})),
            keyed(Operation::Update, id("1"), own),
            keyed(Operation::Create, id("2"), json!({"score": "5"})),
            keyed(Operation::Update, id("1"), json!({"properties": {}})),
        ])
        .await;
    assert_eq!(failed(&outcomes), [3, 4]);
    assert!(text(&outcomes, 3).contains("written: score is a property that HubSpot doesn't have, or sets itself"));
    let stats = bench.writer.stats();
    assert_eq!((stats.written, stats.ignored, stats.dropped, bench.calls().len()), (3, 3, 1, 0));
}

#[tokio::test]
async fn the_counters_tell_what_happened() {
    let bench = Bench::new(|_| {});
    bench.write(vec![create(json!({"a": "x"})), create(json!({"bad": "x"})), delete(json!({}))]).await;
    let stats = bench.writer.stats();
    assert_eq!((stats.written, stats.failed, stats.ignored), (1, 2, 0));
}
