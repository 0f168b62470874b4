//! What holds of all schemas and records: against apache-avro, and through a registry and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use apache_avro::types::Value as Avro;
use opencdc::{Change, Data, Map, Metadata, Operation, Position, Record, Value, value};
use proptest::prelude::*;

use super::encode::Fit;
use super::*;

/// Values of all kinds, lists and objects within each other.
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has only finite numbers", |it| it.is_finite()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map>())),
        ]
    })
}

/// Fields with names of Avro's.
fn fields() -> impl Strategy<Value = Map> {
    prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,4}", value(), 0..8).prop_map(|map| map.into_iter().collect())
}

/// Records that are much alike, as those of one collection are.
fn alike() -> impl Strategy<Value = Vec<Map>> {
    let one = prop::collection::btree_map("[ab]", value(), 0..3)
        .prop_map(|map: BTreeMap<String, Value>| map.into_iter().collect());
    prop::collection::vec(one, 1..12)
}

fn record(collection: &str, before: Option<Map>, after: Option<Map>) -> Record {
    let mut metadata = Metadata::new();
    metadata.set_collection(collection);
    Record {
        position: Position::from(b"1".to_vec()),
        operation: Operation::Update,
        metadata,
        key: Some(Data::Structured(object(value!({"id": 1})))),
        payload: Change { before: before.map(Data::Structured), after: after.map(Data::Structured) },
    }
}

fn object(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What a value of apache-avro's is in our JSON.
pub(super) fn of_avro(value: Avro) -> Value {
    match value {
        Avro::Null => Value::Null,
        Avro::Boolean(it) => it.into(),
        Avro::Long(it) => it.into(),
        Avro::Double(it) => it.into(),
        Avro::String(it) => it.into(),
        Avro::Array(items) => items.into_iter().map(of_avro).collect(),
        Avro::Map(map) => Value::Object(map.into_iter().map(|(name, value)| (name, of_avro(value))).collect()),
        Avro::Record(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, of_avro(value))).collect()),
        Avro::Union(_, inner) => of_avro(*inner),
        other => panic!("not derived: {other:?}"),
    }
}

proptest! {
    #[test]
    fn what_is_derived_encodes_and_comes_back(fields in fields()) {
        let schema: Schema = derive(&fields).unwrap().parse().unwrap();
        let mut bytes = Vec::new();
        schema.encode_into(&fields, Fit::Exact, &mut bytes).unwrap();
        prop_assert_eq!(schema.decode(&bytes).unwrap(), fields);
    }

    #[test]
    fn apache_avro_reads_what_we_write_and_we_what_it_writes(fields in fields()) {
        let text = derive(&fields).unwrap();
        let ours: Schema = text.parse().unwrap();
        let theirs = apache_avro::Schema::parse_str(&text).unwrap();
        let bytes = ours.encode(&fields).unwrap();
        let value = apache_avro::reader::datum::GenericDatumReader::builder(&theirs)
            .build()
            .unwrap()
            .read_value(&mut bytes.as_slice())
            .unwrap();
        prop_assert_eq!(of_avro(value.clone()), Value::Object(fields.clone()));
        let written = apache_avro::writer::datum::GenericDatumWriter::builder(&theirs)
            .build()
            .unwrap()
            .write_value_to_vec(value)
            .unwrap();
        prop_assert_eq!(ours.decode(&written).unwrap(), fields);
    }

    #[test]
    fn bytes_that_are_none_are_an_error_and_nothing_worse(fields in fields(), noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let schema: Schema = derive(&fields).unwrap().parse().unwrap();
        let _ = schema.decode(&noise);
        let bytes = schema.encode(&fields).unwrap();
        if let Some(short) = bytes.len().checked_sub(1) {
            prop_assert!(schema.decode(&bytes[..short]).is_err());
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        prop_assert!(schema.decode(&longer).is_err());
    }

    #[test]
    fn records_come_back_as_they_were_whatever_came_before(all in alike()) {
        let registry = Arc::new(InMemoryRegistry::new());
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        let mut restorer = Restorer::new(registry, RestoreSettings::default());
        block_on(async {
            for fields in all {
                let before = record("c", None, Some(fields));
                let mut it = before.clone();
                extractor.extract(&mut it).await.unwrap();
                assert!(matches!(it.payload.after, Some(Data::Raw(_))));
                restorer.restore(&mut it).await.unwrap();
                assert_eq!((&it.key, &it.payload), (&before.key, &before.payload));
            }
        });
    }

    #[test]
    fn changes_come_back_with_nulls_where_a_side_lacks_a_field(before in fields(), after in fields()) {
        let registry = Arc::new(InMemoryRegistry::new());
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        let mut restorer = Restorer::new(registry, RestoreSettings::default());
        let mut it = record("c", Some(before.clone()), Some(after.clone()));
        block_on(async {
            extractor.extract(&mut it).await.unwrap();
            restorer.restore(&mut it).await.unwrap();
        });
        for (side, was) in [(it.payload.before, &before), (it.payload.after, &after)] {
            let Some(Data::Structured(side)) = side else { panic!("not structured") };
            for (name, value) in &side {
                prop_assert_eq!(value, was.get(name).unwrap_or(&Value::Null));
            }
            prop_assert!(was.keys().all(|name| side.contains_key(name)));
        }
    }
}

#[test]
fn each_type_of_avro_has_its_json() {
    let schema: Schema = r#"{"type":"record","name":"r","fields":[
        {"name":"bytes","type":"bytes"},
        {"name":"fixed","type":{"type":"fixed","name":"f","size":2}},
        {"name":"kind","type":{"type":"enum","name":"e","symbols":["a","b"]}},
        {"name":"int","type":"int"},
        {"name":"float","type":"float"},
        {"name":"double","type":["null","double"]},
        {"name":"either","type":["double","long"]},
        {"name":"date","type":{"type":"int","logicalType":"date"}},
        {"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"},"string"]},
        {"name":"text","type":["null",{"type":"long","logicalType":"timestamp-millis"},"string"]},
        {"name":"time","type":{"type":"long","logicalType":"time-micros"}},
        {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
        {"name":"inner","type":{"type":"record","name":"i","fields":[{"name":"next","type":["null","i"]}]}}]}"#
        .parse()
        .unwrap();
    let fields = object(value!({
        "bytes": "AQID", "fixed": "AQI=", "kind": "b", "int": -7, "float": 0.5, "double": 3.0, "either": 3,
        "date": "2024-02-29", "at": "2024-02-29T12:00:00.500Z", "text": "later", "time": 1_000, "price": "-12.30",
        "inner": {"next": {"next": null}},
    }));
    assert_eq!(schema.decode(&schema.encode(&fields).unwrap()).unwrap(), fields);
}

#[test]
fn what_does_not_fit_names_the_field_and_not_the_value() {
    let schema: Schema = r#"{"type":"record","name":"r","fields":[
        {"name":"a","type":{"type":"map","values":{"type":"array","items":"int"}}}]}"#
        .parse()
        .unwrap();
    for (fields, said) in [
        (value!({"a": {"k": [1, "secret"]}}), r#"the field "a.k.1": the schema has int where there is a text"#),
        (value!({"a": {"k": [3_000_000_000_u64]}}), r#"the field "a.k.0": the value has no place in int"#),
        (value!({}), r#"the field "a" is missing"#),
        (value!({"a": {}, "b": 1}), r#"the field "b": the schema has no such field"#),
    ] {
        assert_eq!(schema.encode(&object(fields)).unwrap_err().to_string(), said);
    }
}

#[test]
fn an_integer_stands_for_a_double_only_where_a_schema_is_stated_and_it_is_equal() {
    let schema: Schema =
        r#"{"type":"record","name":"r","fields":[{"name":"a","type":["null","double"]}]}"#.parse().unwrap();
    let (small, large) = (object(value!({"a": 7})), object(value!({"a": (1_i64 << 53) + 1})));
    assert_eq!(schema.decode(&schema.encode(&small).unwrap()).unwrap(), object(value!({"a": 7.0})));
    assert!(schema.encode(&large).is_err());
    assert!(schema.encode_into(&small, Fit::Exact, &mut Vec::new()).is_err());
}

#[test]
fn bytes_that_claim_to_be_endless_are_an_error() {
    let schema: Schema = r#"{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}"#
        .parse()
        .unwrap();
    let bytes = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert!(schema.decode(&bytes).unwrap_err().to_string().contains("too many values that take no bytes"));
    let endless: Schema = r#"{"type":"record","name":"r","fields":[{"name":"r","type":"r"}]}"#.parse().unwrap();
    assert!(endless.decode(&[]).unwrap_err().to_string().contains("too deep"));
}

#[test]
fn few_bytes_are_no_many_values() {
    // A list of so many, encoded: zigzag, and the end.
    let list = |items: usize, item: &[u8]| {
        let mut bytes = Vec::new();
        let mut rest = 2 * items;
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes.extend(item.repeat(items));
        bytes.push(0);
        bytes
    };
    let nulls = |count| list(count, &[]);
    let of = |items: &str| -> Schema {
        format!(r#"{{"type":"record","name":"r","fields":[{{"name":"a","type":{{"type":"array","items":{items}}}}}]}}"#)
            .parse()
            .unwrap()
    };
    let (once, twice) = (of(r#""null""#), of(r#"{"type":"array","items":"null"}"#));
    assert!(once.decode(&nulls(65_536)).is_ok());
    assert!(once.decode(&nulls(70_000)).is_err());
    // Each list by itself is short enough; a thousand of them, in 4 KiB, would take 2 GB.
    let error = twice.decode(&list(3, &nulls(60_000))).unwrap_err();
    assert!(error.to_string().contains("too many values that take no bytes"), "{error}");
    // Where there are bytes for it there may be as many values beside them.
    let wide =
        of(r#"{"type":"record","name":"i","fields":[{"name":"a","type":"null"},{"name":"b","type":"boolean"}]}"#);
    let fields = object(value!({ "a": vec![value!({"a": null, "b": true}); 200_000] }));
    assert_eq!(wide.decode(&wide.encode(&fields).unwrap()).unwrap(), fields);
    // A record takes no bytes where none of its fields does.
    let empty = of(r#"{"type":"record","name":"i","fields":[{"name":"a","type":"null"},{"name":"b","type":"null"}]}"#);
    assert!(empty.decode(&nulls(20_000)).is_ok());
    assert!(empty.decode(&nulls(30_000)).is_err());
}

mod extracting {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures::future::BoxFuture;

    use super::*;

    async fn versions(all: &[Value]) -> Vec<String> {
        let mut extractor = Extractor::new(Arc::new(InMemoryRegistry::new()), ExtractSettings::default());
        let mut versions = Vec::new();
        for fields in all {
            let mut it = record("c", None, Some(object(fields.clone())));
            extractor.extract(&mut it).await.unwrap();
            versions.push(it.metadata.get(Part::Payload.version_name()).unwrap_or("none").to_owned());
        }
        versions
    }

    #[tokio::test]
    async fn types_gather_in_a_version_and_other_fields_are_another() {
        let all = [
            value!({"a": 1, "b": null}),
            value!({"a": 2, "b": "x"}), // an optional text already
            value!({"a": null, "b": "x"}),
            value!({"a": 3, "b": null}), // the first shape again, which the second version takes
            value!({"a": 1}),
            value!({"a": [1], "b": null}), // no union of a list and a number: Go could not read it
            value!({"a": null, "b": "y"}),
        ];
        assert_eq!(versions(&all).await, ["1", "1", "2", "2", "3", "4", "2"]);
    }

    #[tokio::test]
    async fn names_that_avro_has_not_leave_a_record_as_it_is() {
        assert_eq!(versions(&[value!({"a.b": 1}), value!({"a": 1})]).await, ["none", "1"]);
    }

    #[tokio::test]
    async fn what_lies_too_deep_for_a_schema_leaves_a_record_as_it_is() {
        let registry = Arc::new(InMemoryRegistry::new());
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        let mut restorer = Restorer::new(registry.clone(), RestoreSettings::default());
        let mut gets_schema = async |field: Value| {
            let before = record("c", None, Some(object(value!({ "a": field }))));
            let mut it = before.clone();
            extractor.extract(&mut it).await.unwrap();
            let encoded = matches!(it.payload.after, Some(Data::Raw(_)));
            restorer.restore(&mut it).await.unwrap();
            assert_eq!(it.payload, before.payload);
            encoded
        };
        let within: [fn(Value) -> Value; 2] = [|it| value!([it]), |it| value!({ "k": it })];
        for (index, within) in within.into_iter().enumerate() {
            let nested = |levels| (0..levels).fold(value!(1), |it, _| within(it));
            assert!(gets_schema(nested(62)).await);
            assert!(!gets_schema(nested(63)).await);
            assert!(!gets_schema(nested(90)).await);
            // Neither is there a version that nobody could use, nor is anything else stopped.
            assert_eq!(registry.versions("c.payload").len(), 1 + 2 * index);
            assert!(gets_schema(value!({ "index": index, "with": within(value!(1)) })).await);
        }
    }

    #[tokio::test]
    async fn subjects_are_named_as_in_go() {
        let mut settings = ExtractSettings::default();
        assert_eq!(settings.subject(None, Part::Key).as_deref(), Some("key"));
        settings.context = Some("pipeline:source".to_owned());
        assert_eq!(settings.subject(Some("c"), Part::Payload).as_deref(), Some("pipeline:source:c.payload"));
        settings.payload = None;
        assert_eq!(settings.subject(Some("c"), Part::Payload), None);
    }

    #[tokio::test]
    async fn a_stated_schema_is_used_where_it_fits_and_nothing_is_lost_where_not() {
        let registry = Arc::new(InMemoryRegistry::new());
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        let mut restorer = Restorer::new(registry.clone(), RestoreSettings::default());
        let stated = |amount: &str| -> Schema {
            format!(
                r#"{{"type":"record","name":"deal","fields":[{{"name":"amount","type":["null","{amount}"],"default":null}}]}}"#
            )
            .parse()
            .unwrap()
        };
        let mut send = async |fields: Value, schema: &Schema| {
            extractor.state(Some("c"), Part::Payload, Some(schema));
            let mut it = record("c", None, Some(object(fields)));
            extractor.extract(&mut it).await.unwrap();
            let version = it.metadata.get(Part::Payload.version_name()).unwrap().to_owned();
            restorer.restore(&mut it).await.unwrap();
            (version, Value::Object(it.payload.after.unwrap().into_structured().unwrap()))
        };
        let (double, text) = (stated("double"), stated("string"));
        assert_eq!(send(value!({"amount": 1}), &double).await, ("1".to_owned(), value!({"amount": 1.0})));
        assert_eq!(send(value!({}), &double).await, ("1".to_owned(), value!({"amount": null})));
        assert_eq!(send(value!({"amount": "n/a"}), &double).await, ("2".to_owned(), value!({"amount": "n/a"})));
        assert_eq!(
            send(value!({"amount": 1, "more": 2}), &double).await,
            ("3".to_owned(), value!({"amount": 1, "more": 2}))
        );
        assert_eq!(send(value!({"amount": "n/a"}), &text).await, ("4".to_owned(), value!({"amount": "n/a"})));
        assert_eq!(registry.versions("c.payload").len(), 4);
    }

    #[tokio::test]
    async fn a_schema_that_the_record_names_is_used() {
        let registry = Arc::new(InMemoryRegistry::new());
        let text = r#"{"type":"record","name":"own","fields":[{"name":"a","type":"double"}]}"#;
        registry.create("own", text).await.unwrap();
        let named = |fields: Value, version: &str| {
            let mut it = record("c", None, Some(object(fields)));
            it.metadata.insert(Part::Payload.subject_name(), "own");
            it.metadata.insert(Part::Payload.version_name(), version);
            it
        };
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        let mut fits = named(value!({"a": 1}), "1");
        extractor.extract(&mut fits).await.unwrap();
        assert_eq!(fits.payload.after, Some(Data::Raw(1_f64.to_le_bytes().to_vec())));
        let mut other = named(value!({"a": "x"}), "1");
        extractor.extract(&mut other).await.unwrap();
        assert_eq!(other.metadata.get(Part::Payload.subject_name()), Some("c.payload"));
        let error = extractor.extract(&mut named(value!({"a": 1}), "2")).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot get version 2 of the schema \"own\"");
        for half in ["", "0", "x"] {
            let error = extractor.extract(&mut named(value!({"a": 1}), half)).await.unwrap_err();
            assert!(matches!(error, SchemaError::HalfNamed { .. }), "{error}");
        }
        // With the search for schemas off, a schema that is named is used, as in Go; one that doesn't fit is an error then.
        let settings = ExtractSettings { payload: None, ..ExtractSettings::default() };
        let mut extractor = Extractor::new(registry, settings);
        extractor.extract(&mut named(value!({"a": 1}), "1")).await.unwrap();
        let error = extractor.extract(&mut named(value!({"a": "x"}), "1")).await.unwrap_err();
        assert!(matches!(error, SchemaError::Encode { .. }), "{error}");
    }

    #[tokio::test]
    async fn without_a_registry_records_stay_as_they_are() {
        let mut extractor = Extractor::new(Arc::new(NoRegistry::new("for a test")), ExtractSettings::default());
        let before = record("c", None, Some(object(value!({"a": 1}))));
        let mut it = before.clone();
        extractor.extract(&mut it).await.unwrap();
        assert_eq!(it, before);
        assert!(extractor.is_off());
    }

    /// A registry that can't be reached while its flag is set.
    #[derive(Default)]
    struct Leaving(InMemoryRegistry, AtomicBool);

    impl Leaving {
        fn there(&self) -> Result<(), RegistryError> {
            let gone = self.1.load(Ordering::Relaxed);
            if gone { Err(RegistryError::Unreachable("gone".to_owned())) } else { Ok(()) }
        }
    }

    impl Registry for Leaving {
        fn create<'a>(&'a self, subject: &'a str, schema: &'a str) -> BoxFuture<'a, Result<Registered, RegistryError>> {
            Box::pin(async move { self.there().map(|()| self.0.create(subject, schema))?.await })
        }

        fn get<'a>(&'a self, subject: &'a str, version: i32) -> BoxFuture<'a, Result<Registered, RegistryError>> {
            Box::pin(async move { self.there().map(|()| self.0.get(subject, version))?.await })
        }
    }

    #[tokio::test]
    async fn a_registry_that_is_gone_later_is_an_error() {
        let registry = Arc::new(Leaving::default());
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        extractor.extract(&mut record("c", None, Some(object(value!({"a": 1}))))).await.unwrap();
        registry.1.store(true, Ordering::Relaxed);
        extractor.extract(&mut record("c", None, Some(object(value!({"a": 2}))))).await.unwrap();
        let error = extractor.extract(&mut record("c", None, Some(object(value!({"b": 2}))))).await.unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("c.payload"), "{error}");
    }

    #[tokio::test]
    async fn a_registry_that_is_late_is_an_error_and_not_taken_for_none() {
        let registry = Arc::new(Leaving(InMemoryRegistry::new(), AtomicBool::new(true)));
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        let mut it = record("c", None, Some(object(value!({"a": 1}))));
        let error = extractor.extract(&mut it).await.unwrap_err();
        assert!(error.is_transient() && !extractor.is_off(), "{error}");
        registry.1.store(false, Ordering::Relaxed);
        extractor.extract(&mut it).await.unwrap();
        assert!(matches!(it.payload.after, Some(Data::Raw(_))));
    }

    #[tokio::test]
    async fn sides_that_no_schema_holds_stay_as_they_are() {
        let mut extractor = Extractor::new(Arc::new(InMemoryRegistry::new()), ExtractSettings::default());
        let before = record("c", Some(object(value!({"a": [1]}))), Some(object(value!({"a": 1}))));
        let mut it = before.clone();
        extractor.extract(&mut it).await.unwrap();
        assert_eq!(it.payload, before.payload);
        assert_eq!(it.metadata.get(Part::Payload.version_name()), None);
    }
}

mod restoring {
    use super::*;

    #[tokio::test]
    async fn errors_name_subject_and_version() {
        let registry = Arc::new(InMemoryRegistry::new());
        registry.create("s", r#"{"type":"record","name":"r","fields":[{"name":"a","type":"long"}]}"#).await.unwrap();
        let mut restorer = Restorer::new(registry, RestoreSettings::default());
        let mut it = record("c", None, None);
        it.payload.after = Some(Data::Raw(vec![0x80]));
        it.metadata.insert(Part::Payload.subject_name(), "s");
        it.metadata.insert(Part::Payload.version_name(), "1");
        let error = restorer.restore(&mut it).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot decode payload.after by version 1 of the schema \"s\"");
        it.metadata.insert(Part::Payload.version_name(), "2");
        let error = restorer.restore(&mut it).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot get version 2 of the schema \"s\"");
    }

    #[tokio::test]
    async fn what_has_no_schema_or_is_structured_stays() {
        let mut restorer = Restorer::new(Arc::new(NoRegistry::new("for a test")), RestoreSettings::default());
        let mut raw = record("c", None, None);
        raw.payload.after = Some(Data::Raw(vec![1]));
        let mut structured = record("c", None, Some(object(value!({"a": 1}))));
        structured.metadata.insert(Part::Payload.subject_name(), "s");
        structured.metadata.insert(Part::Payload.version_name(), "1");
        for mut it in [raw, structured] {
            let before = it.clone();
            restorer.restore(&mut it).await.unwrap();
            assert_eq!(it, before);
        }
    }
}
