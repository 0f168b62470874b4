#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use conduit_connector_sdk::schema::{
    ExtractSettings, Extractor, InMemoryRegistry, Part, Registered, RestoreSettings, Restorer, derive,
};
use conduit_connector_sdk::{Context, Data, Map, Settings, Source as _};
use hubspot_emulator::{Account, Emulator};

use super::*;
use crate::Source;

const TOKEN: &str = "pat-na1-schemas";

/// What a source of contacts reads, and what of it Conduit is given.
struct Reading {
    source: Source,
    extractor: Extractor,
    registry: Arc<InMemoryRegistry>,
    read: Vec<Record>,
}

impl Reading {
    async fn open(emulator: &Emulator, settings: &[(&str, &str)]) -> Self {
        let url = emulator.url();
        let common = [("baseUrl", url.as_str()), ("accessToken", TOKEN), ("pollingPeriod", "100ms")];
        let settings: Settings = common.into_iter().chain(settings.iter().copied()).collect();
        let mut source = Source::configure(settings.parse().unwrap(), Context::default()).await.unwrap();
        source.open(None).await.unwrap();
        let registry = Arc::new(InMemoryRegistry::new());
        let extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        Self { source, extractor, registry, read: Vec::new() }
    }

    /// The next so many records: as they were read, and as they come back from Avro, with the version of their payload's schema.
    async fn next(&mut self, count: usize) -> Vec<(Record, Record, Option<String>)> {
        while self.read.len() < count {
            let read = tokio::time::timeout(Duration::from_secs(30), self.source.read());
            self.read.append(&mut read.await.unwrap().unwrap());
        }
        let mut restorer = Restorer::new(self.registry.clone(), RestoreSettings::default());
        let mut records = Vec::new();
        for read in self.read.drain(..count) {
            // As the SDK does it.
            let collection = read.metadata.collection();
            let stated = self.source.schema(collection);
            self.extractor.state(collection, Part::Key, stated.and_then(|stated| stated.key.as_ref()));
            self.extractor.state(collection, Part::Payload, stated.and_then(|stated| stated.payload.as_ref()));
            let mut sent = read.clone();
            self.extractor.extract(&mut sent).await.unwrap();
            let version = sent.metadata.get(Part::Payload.version_name()).map(str::to_owned);
            restorer.restore(&mut sent).await.unwrap();
            assert_eq!(sent.key, read.key);
            records.push((read, sent, version));
        }
        records
    }

    /// The same of one record: what was read, what comes back, and the version.
    async fn one(&mut self) -> (Map, Map, String) {
        let (read, back, version) = self.next(1).await.remove(0);
        (after(&read), after(&back), version.unwrap())
    }

    fn versions(&self, subject: &str) -> Vec<Registered> {
        self.registry.versions(subject)
    }
}

fn after(record: &Record) -> Map {
    record.payload.after.as_ref().unwrap().to_structured().unwrap().into_owned()
}

fn fields(object: Value) -> Map {
    Data::try_from(object).unwrap().into_structured().unwrap()
}

async fn emulator() -> (Emulator, Account) {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let account = emulator.account(TOKEN);
    (emulator, account)
}

/// The names and types of a record of properties.
fn properties_in(schema: &str) -> Vec<(String, String)> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let fields = schema["fields"].as_array().unwrap();
    let properties = fields.iter().find(|field| field["name"] == "properties").unwrap();
    let fields = properties["type"]["fields"].as_array().unwrap().iter();
    fields.map(|field| (field["name"].as_str().unwrap().to_owned(), field["type"][1].to_string())).collect()
}

/// The schema of payloads with these properties.
fn stated(properties: &[(&str, ValueKind)], associations: bool) -> Schema {
    let mut shape = RecordShape::default();
    shape.properties = properties.iter().map(|(name, kind)| ((*name).into(), *kind)).collect();
    shape.associations = associations;
    payload(&shape).to_string().parse().unwrap()
}

/// What comes back of an object with this property.
fn through(schema: &Schema, value: &Value) -> Result<Value, String> {
    let object = json!({"id": "51", "properties": {"p": value}});
    let bytes = schema.encode(&fields(object)).map_err(|error| error.to_string())?;
    Ok(schema.decode(&bytes).unwrap()["properties"]["p"].clone().into())
}

#[test]
fn the_key_has_the_schema_that_would_be_guessed() {
    assert_eq!(derive(&fields(json!({"id": "51"}))).as_deref(), Ok(KEY));
}

#[test]
fn each_kind_of_property_has_its_type() {
    for (kind, type_, values) in [
        (ValueKind::Text, r#""string""#, json!(["a;b", ""])),
        (ValueKind::Number, r#""double""#, json!([4.25, -1e300])),
        (ValueKind::Boolean, r#""boolean""#, json!([true])),
        (ValueKind::Date, r#"{"logicalType":"date","type":"int"}"#, json!(["2026-01-31", "1969-12-31"])),
        (
            ValueKind::DateTime,
            r#"{"logicalType":"timestamp-millis","type":"long"}"#,
            json!(["2026-01-31T12:30:00.123Z"]),
        ),
        (ValueKind::Enumeration { several: false }, r#""string""#, json!(["a;b"])),
        (ValueKind::Enumeration { several: true }, r#"{"items":"string","type":"array"}"#, json!([["a", "b"], []])),
        (ValueKind::Json, r#""string""#, json!(["a"])),
    ] {
        let schema = stated(&[("p", kind)], false);
        assert_eq!(properties_in(schema.as_str()), [("p".to_owned(), type_.to_owned())]);
        assert_eq!(through(&schema, &Value::Null), Ok(Value::Null), "{kind:?}");
        for value in values.as_array().unwrap() {
            assert_eq!(through(&schema, value).as_ref(), Ok(value), "{kind:?}");
        }
    }
}

#[test]
fn an_integer_is_a_double_as_far_as_that_is_exact() {
    let schema = stated(&[("p", ValueKind::Number)], false);
    assert_eq!(through(&schema, &json!(42)), Ok(json!(42.0)));
    assert_eq!(through(&schema, &json!(1_i64 << 53)), Ok(json!((1_i64 << 53) as f64)));
    for misfit in [json!((1_i64 << 53) + 1), json!("about 5")] {
        let error = through(&schema, &misfit).unwrap_err();
        assert!(error.starts_with("the field \"properties.p\": "), "{error}");
    }
}

#[test]
fn what_a_record_lacks_is_null_and_what_it_must_not_have_does_not_fit() {
    let schema = stated(&[("email", ValueKind::Text)], true);
    let back = |object: Value| {
        let bytes = schema.encode(&fields(object)).map_err(|error| error.to_string())?;
        Ok::<_, String>(Value::Object(schema.decode(&bytes).unwrap().into()))
    };
    let nothing = json!({
        "archived": null, "archivedAt": null, "associations": null, "createdAt": null, "id": "51", "objectWriteTraceId": null,
        "properties": {"email": null}, "updatedAt": null, "url": null
    });
    assert_eq!(back(json!({"id": "51", "properties": {}})), Ok(nothing));
    let label = json!({"category": "USER_DEFINED", "label": null, "typeId": 36});
    let whole = json!({
        "archived": false, "archivedAt": "2026-01-31T12:00:00.001Z",
        "associations": {"2-7": [{"id": "9", "types": [label]}], "companies": []},
        "createdAt": "2026-01-01T00:00:00.010Z", "id": "51", "objectWriteTraceId": "t", "properties": {"email": "a"},
        "updatedAt": "2026-01-02T00:00:00.123Z", "url": "https://app.hubspot.com/contacts/1/record/0-1/51"
    });
    assert_eq!(back(whole.clone()), Ok(whole));
    for (misfit, field) in [
        (json!({"id": "51", "properties": {"email": "a", "more": null}}), "properties.more"),
        (json!({"id": "51", "properties": {}, "more": null}), "more"),
    ] {
        assert_eq!(back(misfit), Err(format!("the field {field:?}: the schema has no such field")));
    }
}

#[test]
fn a_name_that_avro_does_not_allow_has_no_place() {
    let schema = stated(&[("9lives", ValueKind::Number), ("a-b", ValueKind::Text), ("p", ValueKind::Text)], false);
    assert_eq!(properties_in(schema.as_str()), [("p".to_owned(), r#""string""#.to_owned())]);
}

#[test]
fn a_schema_is_made_again_for_another_version_only() {
    let mut schemas = StatedSchemas::default();
    let mut shape = RecordShape::default();
    let mut state = |schemas: &mut StatedSchemas, version, name: &str| {
        shape.version = version;
        shape.properties = vec![(name.into(), ValueKind::Text)];
        schemas.state("crm.contacts", &shape);
        let payload = schemas.of("crm.contacts").and_then(|stated| stated.payload.as_ref()).unwrap();
        properties_in(payload.as_str())[0].0.clone()
    };
    assert!(schemas.of("crm.contacts").is_none());
    assert_eq!(state(&mut schemas, 1, "email"), "email");
    assert_eq!(state(&mut schemas, 1, "never_looked_at"), "email");
    assert_eq!(state(&mut schemas, 2, "zip"), "zip");
    assert!(schemas.of("crm.deals").is_none());
}

#[tokio::test]
async fn typed_records_have_one_stated_version_and_another_with_other_definitions() {
    let (emulator, account) = emulator().await;
    account.set_settings(|settings| settings.unknown_properties_fail = true);
    let define = |name: &str, kind: &str| account.define_property("contacts", &json!({"name": name, "type": kind}));
    define("size", "number");
    define("born", "date");
    define("old", "string");
    let contacts = account.create_many(
        "contacts",
        3,
        |n| json!({"email": format!("p{n}@example.com"), "size": "42", "born": if n == 1 { "1906-12-09" } else { "" }}),
    );
    let mut reading =
        Reading::open(&emulator, &[("resource", "crm.contacts"), ("values", "typed"), ("properties", "all")]).await;
    for (read, back, version) in reading.next(3).await {
        assert_eq!(version.as_deref(), Some("1"));
        let (read, mut back) = (after(&read), after(&back));
        assert_eq!(read["properties"]["size"], 42);
        assert_eq!(back["properties"]["size"], 42.0);
        for name in ["email", "born"] {
            assert_eq!(back["properties"][name], read["properties"][name]);
        }
        // Nothing is there that wasn't, but what HubSpot may send and didn't, as null.
        back.retain(|name, value| read.contains_key(name) || !value.is_null());
        assert!(back.keys().eq(read.keys()), "{back:?} {read:?}");
        let names = |map: &Map| map["properties"].as_object().unwrap().keys().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(names(&back), names(&read));
    }
    let [first] = &reading.versions("crm.contacts.payload")[..] else { panic!("one version") };
    let properties = properties_in(&first.text);
    for (name, kind) in [
        ("size", r#""double""#),
        ("born", r#"{"logicalType":"date","type":"int"}"#),
        ("createdate", r#"{"logicalType":"timestamp-millis","type":"long"}"#),
        ("old", r#""string""#),
    ] {
        assert!(properties.contains(&(name.to_owned(), kind.to_owned())), "{name}: {properties:?}");
    }
    assert_eq!(reading.versions("crm.contacts.key").len(), 1);

    // What isn't what its definition says arrives as it is, by a schema of its own; the next by the stated one.
    account.update("contacts", &contacts[0], json!({"size": "about 5"}));
    let (read, back, version) = reading.one().await;
    assert_eq!(version, "2");
    assert_eq!(read["properties"]["size"], "about 5");
    assert_eq!(read, back);
    account.update("contacts", &contacts[0], json!({"size": "6.5"}));
    let (_, back, version) = reading.one().await;
    assert_eq!(version, "1");
    assert_eq!(back["properties"]["size"], 6.5);

    // A property that is gone makes HubSpot refuse what is asked for, and the definitions are read at once.
    define("hat", "bool");
    account.remove_property("contacts", "old");
    account.update("contacts", &contacts[1], json!({"hat": "true"}));
    let (_, back, version) = reading.one().await;
    assert_eq!(version, "3");
    assert_eq!(back["properties"]["hat"], true);
    let versions = reading.versions("crm.contacts.payload");
    let properties = properties_in(&versions[2].text);
    assert!(properties.contains(&("hat".to_owned(), r#""boolean""#.to_owned())), "{properties:?}");
    assert!(properties.iter().all(|(name, _)| name != "old"), "{properties:?}");
}

#[tokio::test]
async fn both_sides_of_a_change_and_associations_fit() {
    let (emulator, account) = emulator().await;
    let contact = account.create("contacts", json!({"firstname": "Ada"}));
    let company = account.create("companies", json!({"name": "Analytical Engines"}));
    account.associate("contacts", &contact, "companies", &company, None);
    let settings = [
        ("resource", "crm.contacts"),
        ("values", "typed"),
        ("associations", "companies"),
        ("before", "history"),
        ("deletes.payload", "true"),
        ("deletes.interval", "200ms"),
    ];
    let mut reading = Reading::open(&emulator, &settings).await;
    let (read, back, _) = reading.one().await;
    assert_eq!(back["associations"], read["associations"]);
    assert_eq!(back["associations"]["companies"][0]["id"], company);
    account.update("contacts", &contact, json!({"firstname": "Augusta"}));
    let (_, back, _) = reading.next(1).await.remove(0);
    let side = |side: &Option<Data>| side.as_ref().unwrap().to_structured().unwrap()["properties"]["firstname"].clone();
    assert_eq!(side(&back.payload.before), "Ada");
    assert_eq!(side(&back.payload.after), "Augusta");
    account.archive("contacts", &contact);
    let (_, back, _) = reading.next(1).await.remove(0);
    assert_eq!(side(&back.payload.before), "Augusta");
    assert_eq!(reading.versions("crm.contacts.payload").len(), 1);
}

/// What docs/source.md shows is what Conduit is given.
#[tokio::test]
async fn the_page_shows_a_whole_schema() {
    let page = include_str!("../../../../docs/source.md");
    let (_, shown) = page.split_once("The whole of one, of deals").unwrap();
    let (_, shown) = shown.split_once("```json\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let (emulator, account) = emulator().await;
    account.create("deals", json!({"dealname": "Engine", "amount": "42", "closedate": "2026-01-31T12:00:00Z"}));
    let settings = [
        ("resource", "crm.deals"),
        ("values", "typed"),
        ("properties", "amount, closedate, dealname"),
        ("associations", "companies"),
    ];
    let mut reading = Reading::open(&emulator, &settings).await;
    reading.one().await;
    let [registered] = &reading.versions("crm.deals.payload")[..] else { panic!("one version") };
    let registered: Value = serde_json::from_str(&registered.text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(shown).unwrap(), registered, "{registered:#}");
}

#[tokio::test]
async fn nothing_is_stated_of_texts_and_where_there_are_no_definitions() {
    let (emulator, account) = emulator().await;
    account.create("contacts", json!({"email": "ada@example.com"}));
    account.create("owners", json!({"email": "grace@example.com"}));
    for (resource, values) in [("crm.contacts", "strings"), ("crm.contacts, crm.owners", "typed")] {
        let mut reading = Reading::open(&emulator, &[("resource", resource), ("values", values)]).await;
        let count = resource.split(',').count();
        for (read, back, version) in reading.next(count).await {
            let collection = read.metadata.collection();
            let is_stated = reading.source.schema(collection).is_some();
            assert_eq!(is_stated, values == "typed" && collection == Some("crm.contacts"), "{collection:?} {values}");
            assert_eq!(version.as_deref(), Some("1"));
            assert!(is_stated || after(&read) == after(&back));
        }
    }
}

#[tokio::test]
async fn a_name_that_avro_does_not_allow_leaves_records_their_own_schema() {
    let (emulator, account) = emulator().await;
    account.define_property("contacts", &json!({"name": "9lives", "type": "number"}));
    account.create("contacts", json!({"9lives": "8"}));
    for (properties, is_itself) in [("email,9lives", true), ("email", false)] {
        let settings = [("resource", "crm.contacts"), ("values", "typed"), ("properties", properties)];
        let mut reading = Reading::open(&emulator, &settings).await;
        let (read, back, _) = reading.one().await;
        assert_eq!(read == back, is_itself, "{properties}: {back:?}");
        assert_eq!(reading.versions("crm.contacts.payload").len(), 1 + usize::from(is_itself));
    }
}
