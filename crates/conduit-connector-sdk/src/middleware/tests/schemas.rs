//! Schemas of what a source reads.

use futures::StreamExt as _;
use serde_json::json;
use tokio_stream::wrappers::ReceiverStream;

use super::*;
use crate::Settings;
use crate::middleware::{SourceMiddleware, StatedSchema};
use crate::schema::{InMemoryRegistry, RestoreSettings, Restorer};
use crate::source::SourcePlugin;

fn person(number: u32, after: serde_json::Value) -> Record {
    let mut record = record(number);
    record.metadata.set_collection("people");
    record.key = Some(Data::try_from(json!({"id": number})).unwrap());
    record.payload.after = Some(Data::try_from(after).unwrap());
    record
}

/// What comes out of a source that reads this, with settings as a pipeline file gives them.
async fn sent(source: Scripted, settings: &[(&str, &str)], context: Context, count: usize) -> Vec<Record> {
    let middleware = SourceMiddleware::default();
    let checked = settings.iter().copied().collect::<Settings>().check(&middleware.parameters()).unwrap();
    let middleware = middleware.configured(&checked).unwrap();
    let plugin = SourcePlugin::with(source, 1 << 20, middleware, context);
    plugin.open(Vec::new()).await.unwrap();
    let mut messages: ReceiverStream<_> = plugin.run(futures::stream::pending()).unwrap();
    let mut records = Vec::new();
    while records.len() < count {
        let message: Vec<_> = messages.next().await.unwrap().unwrap();
        records.extend(message.into_iter().map(|record| Record::try_from(&record).unwrap()));
    }
    records
}

fn subjects(record: &Record) -> [Option<&str>; 4] {
    ["key.schema.subject", "key.schema.version", "payload.schema.subject", "payload.schema.version"]
        .map(|name| record.metadata.get(&format!("opencdc.{name}")))
}

#[tokio::test(start_paused = true)]
async fn records_get_schemas_and_come_back() {
    let registry = Arc::new(InMemoryRegistry::new());
    let context = Context::default().with_connector_id("pipeline:source").with_registry(registry.clone());
    let people = [person(1, json!({"name": "Ada"})), person(2, json!({"name": "Grace", "born": 1906}))];
    let source = Scripted::new([Step::Give(people.to_vec())]);
    let mut records = sent(source, &[], context, 2).await;
    let (key, payload) = (Some("pipeline:source:people.key"), Some("pipeline:source:people.payload"));
    assert_eq!(subjects(&records[0]), [key, Some("1"), payload, Some("1")]);
    assert_eq!(subjects(&records[1]), [key, Some("1"), payload, Some("2")]);
    let mut restorer = Restorer::new(registry, RestoreSettings::default());
    for (record, person) in records.iter_mut().zip(people) {
        assert!(matches!((&record.key, &record.payload.after), (Some(Data::Raw(_)), Some(Data::Raw(_)))));
        restorer.restore(record).await.unwrap();
        assert_eq!((&record.key, &record.payload), (&person.key, &person.payload));
    }
}

#[tokio::test(start_paused = true)]
async fn settings_say_which_schemas_there_are() {
    for (settings, expected) in [
        (&[("sdk.schema.context.enabled", "false")][..], [Some("people.key"), Some("people.payload")]),
        (&[("sdk.schema.context.name", "mine")], [Some("mine:people.key"), Some("mine:people.payload")]),
        (&[("sdk.schema.extract.key.enabled", "F")], [None, Some("it:people.payload")]),
        (
            &[("sdk.schema.extract.payload.enabled", "0"), ("sdk.schema.extract.key.subject", "k")],
            [Some("it:people.k"), None],
        ),
        (&[("sdk.schema.extract.payload.subject", "p")], [Some("it:people.key"), Some("it:people.p")]),
    ] {
        let context = Context::default().with_connector_id("it").with_registry(Arc::new(InMemoryRegistry::new()));
        let source = Scripted::new([Step::Give(vec![person(1, json!({"name": "Ada"}))])]);
        let records = sent(source, settings, context, 1).await;
        let [key, _, payload, _] = subjects(&records[0]);
        assert_eq!([key, payload], expected, "{settings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_schema_service_records_go_as_they_are() {
    let person = person(1, json!({"name": "Ada"}));
    let source = Scripted::new([Step::Give(vec![person.clone()])]);
    assert_eq!(sent(source, &[], Context::default(), 1).await, [person]);
}

/// Notes the level of each line that says that there is no schema service.
struct Levels(Arc<Mutex<Vec<tracing::Level>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Levels {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        self.0.lock().unwrap().push(*event.metadata().level());
    }
}

#[test]
fn that_there_is_no_schema_service_is_a_warning_for_who_asked_for_schemas() {
    use tracing::Level;
    use tracing_subscriber::layer::SubscriberExt as _;

    let on = ("sdk.schema.extract.payload.enabled", "true");
    let off = [("sdk.schema.extract.payload.enabled", "false"), ("sdk.schema.extract.key.enabled", "false")];
    let (by_default, unless_asked) = (SourceMiddleware::default(), SourceMiddleware::default().schema_off());
    for (middleware, settings, said) in [
        (&by_default, &[][..], &[Level::INFO][..]),
        (&by_default, &[on], &[Level::INFO]),
        (&by_default, &off, &[]),
        (&unless_asked, &[], &[]),
        (&unless_asked, &[on], &[Level::WARN]),
    ] {
        let levels = Arc::new(Mutex::new(Vec::new()));
        let checked = settings.iter().copied().collect::<Settings>().check(&middleware.parameters()).unwrap();
        let configured = middleware.configured(&checked).unwrap();
        let subscriber = tracing_subscriber::registry().with(Levels(Arc::clone(&levels)));
        tracing::subscriber::with_default(subscriber, || configured.open(&Context::default()));
        assert_eq!(*levels.lock().unwrap(), said, "{settings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stated_schema_is_the_collections_and_no_others() {
    let text =
        r#"{"type":"record","name":"person","fields":[{"name":"name","type":["null","string"],"default":null}]}"#;
    let registry = Arc::new(InMemoryRegistry::new());
    let context = Context::default().with_registry(registry.clone());
    let mut other = person(2, json!({"name": "Grace"}));
    other.metadata.set_collection("pets");
    let mut source = Scripted::new([Step::Give(vec![person(1, json!({"name": "Ada"})), other, person(3, json!({}))])]);
    source.stated = Some(StatedSchema { key: None, payload: Some(text.parse().unwrap()) });
    let records = sent(source, &[], context, 3).await;
    assert_eq!(
        registry.versions("people.payload").iter().map(|version| version.text.as_str()).collect::<Vec<_>>(),
        [text]
    );
    assert_ne!(registry.versions("pets.payload")[0].text, text);
    assert_eq!(subjects(&records[2])[2..], [Some("people.payload"), Some("1")]);
    assert_eq!(registry.versions("people.key").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn batches_and_schemas_go_together() {
    let registry = Arc::new(InMemoryRegistry::new());
    let context = Context::default().with_registry(registry);
    let source = Scripted::new((0..10).map(|number| Step::Give(vec![person(number, json!({"n": number}))])));
    let records = sent(source, &[("sdk.batch.size", "5")], context, 10).await;
    assert!(records.iter().all(|record| subjects(record)[3] == Some("1")));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_names_half_a_schema_is_the_streams_error() {
    let mut half = person(1, json!({"name": "Ada"}));
    half.metadata.insert("opencdc.payload.schema.subject", "people");
    let source = Scripted::new([Step::Give(vec![half])]);
    let context = Context::default().with_registry(Arc::new(InMemoryRegistry::new()));
    let plugin = SourcePlugin::with(source, 1 << 20, SourceMiddleware::default(), context);
    plugin.open(Vec::new()).await.unwrap();
    let error = plugin.run(futures::stream::pending()).unwrap().next().await.unwrap().unwrap_err();
    assert!(error.message().starts_with("the record at position 1 gets no schema: "), "{error}");
}
