//! Schemas for what a source reads.

use std::collections::HashMap;
use std::sync::Arc;

use opencdc::{Data, Record};

use super::encode::Fit;
use super::part::structured;
use super::track::{Encoded, NotEncoded, Track, Unfit, Version};
use super::{Part, Registry, RegistryError, Schema, SchemaError};

/// How many collections are remembered; past that all are forgotten but those whose schemas are stated, and the registry is asked again.
const MAX_COLLECTIONS: usize = 1_024;
/// How many versions that sources name are remembered, likewise.
const MAX_NAMED: usize = 1_024;

/// How schemas are extracted: what `sdk.schema.*` says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtractSettings {
    /// What subjects begin with, followed by a colon; nothing by default. The SDK puts the connector's id here, or
    /// `sdk.schema.context.name`.
    pub context: Option<String>,
    /// What the subject of keys ends with (`sdk.schema.extract.key.subject`), `key` by default; nothing where keys get no schema.
    pub key: Option<String>,
    /// What the subject of payloads ends with (`sdk.schema.extract.payload.subject`), `payload` by default; nothing where payloads get
    /// no schema.
    pub payload: Option<String>,
}

impl Default for ExtractSettings {
    fn default() -> Self {
        Self { context: None, key: Some("key".to_owned()), payload: Some("payload".to_owned()) }
    }
}

impl ExtractSettings {
    /// Whether the part gets a schema.
    fn has(&self, part: Part) -> bool {
        match part {
            Part::Key => self.key.is_some(),
            Part::Payload => self.payload.is_some(),
        }
    }

    /// The subject of a part of a collection's records: `<context>:<collection>.<payload|key>`, without what there isn't. Nothing where
    /// the part gets no schema.
    pub fn subject(&self, collection: Option<&str>, part: Part) -> Option<String> {
        let name = match part {
            Part::Key => self.key.as_deref()?,
            Part::Payload => self.payload.as_deref()?,
        };
        let mut subject = String::new();
        if let Some(context) = self.context.as_deref().filter(|context| !context.is_empty()) {
            subject.push_str(context);
            subject.push(':');
        }
        if let Some(collection) = collection.filter(|collection| !collection.is_empty()) {
            subject.push_str(collection);
            subject.push('.');
        }
        subject.push_str(name);
        Some(subject)
    }
}

/// Gives a source's records their schemas, and encodes their keys and payloads with them.
///
/// It remembers what the registry said, so that a record like one before costs no call.
///
/// ```
/// use std::sync::Arc;
///
/// use conduit_connector_sdk::schema::{Extractor, InMemoryRegistry, RestoreSettings, Restorer};
/// use conduit_connector_sdk::{Data, Metadata, Position, Record};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let registry = Arc::new(InMemoryRegistry::new());
/// let mut extractor = Extractor::new(registry.clone(), Default::default());
///
/// let mut metadata = Metadata::new();
/// metadata.set_collection("crm.contacts");
/// let (key, after) = (Data::from([("id", 7)]), Data::from([("email", "ada@example.com")]));
/// let read = Record::create(Position::from(b"1".to_vec()), metadata, key, after);
///
/// let mut sent = read.clone();
/// extractor.extract(&mut sent).await?;
/// assert_eq!(sent.key, Some(Data::Raw(vec![14])));
/// assert_eq!(sent.metadata.get("opencdc.key.schema.subject"), Some("crm.contacts.key"));
/// assert_eq!(sent.metadata.get("opencdc.key.schema.version"), Some("1"));
///
/// let mut restorer = Restorer::new(registry, RestoreSettings::default());
/// restorer.restore(&mut sent).await?;
/// assert_eq!((sent.key, sent.payload), (read.key, read.payload));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Extractor {
    registry: Arc<dyn Registry>,
    settings: ExtractSettings,
    /// By collection, which is empty where a record has none.
    collections: HashMap<String, Collection>,
    /// With so many collections some are forgotten.
    forget_at: usize,
    /// Versions that sources name themselves.
    named: HashMap<(String, i32), Arc<Version>>,
    service: Service,
    told: Told,
}

/// Whether there is a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Unknown,
    There,
    Absent,
}

/// What was told already.
#[derive(Default)]
struct Told {
    raw_key: bool,
    raw_payload: bool,
    named: bool,
}

struct Collection {
    key: Lane,
    payload: Lane,
}

struct Lane {
    /// Nothing where the part gets no schema.
    track: Option<Track>,
    told_unfit: bool,
}

impl Extractor {
    /// An extractor that registers schemas here.
    pub fn new(registry: Arc<dyn Registry>, settings: ExtractSettings) -> Self {
        Self {
            registry,
            settings,
            collections: HashMap::new(),
            forget_at: MAX_COLLECTIONS,
            named: HashMap::new(),
            service: Service::Unknown,
            told: Told::default(),
        }
    }

    /// States the schema of a collection's keys or payloads, or takes it back. It is used instead of what would be derived, for
    /// records that fit it ([`Schema::encode`] says which do). Stating the same again changes nothing; another becomes a new
    /// version with the next record.
    pub fn state(&mut self, collection: Option<&str>, part: Part, schema: Option<&Schema>) {
        let lane = self.collection(collection.unwrap_or_default()).lane(part);
        if let Some(track) = &mut lane.track {
            track.state(schema);
        }
    }

    /// Whether the host turned out to have no registry, so that records stay as they are.
    pub fn is_off(&self) -> bool {
        self.service == Service::Absent
    }

    /// Gives a record its schemas: its structured key and payload become Avro's bytes, and the metadata name subjects and versions.
    ///
    /// A record whose metadata name a schema already is encoded with that one. What is raw stays as it is; what can't have
    /// a schema too, and a warning says so once.
    ///
    /// Where there is no registry ([`RegistryError::Absent`] is the answer to the first call), records stay as they are from then on,
    /// and a warning says so once.
    ///
    /// # Errors
    /// When the registry refuses a schema or can't be reached, be it with the first call or later, and when the metadata name half
    /// a schema.
    pub async fn extract(&mut self, record: &mut Record) -> Result<(), SchemaError> {
        for part in [Part::Key, Part::Payload] {
            if self.service == Service::Absent {
                break;
            }
            match self.extract_part(record, part).await {
                Ok(()) => {}
                Err(SchemaError::Create { source, .. } | SchemaError::Get { source, .. })
                    if self.is_absence(&source) =>
                {
                    self.service = Service::Absent;
                    tracing::warn!(%source, "records go without schemas, as structured data");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether an error means that there is no registry: not that one is gone that was there, nor that one is late which the host
    /// names. Records that go without schemas because it started a moment later than the source would do so for the whole run.
    fn is_absence(&self, error: &RegistryError) -> bool {
        self.service == Service::Unknown && matches!(error, RegistryError::Absent(_))
    }

    async fn extract_part(&mut self, record: &mut Record, part: Part) -> Result<(), SchemaError> {
        let sides = structured(part.of(record));
        if sides == [None, None] {
            if part.of(record) != [None, None] {
                self.tell_raw(part);
            }
            return Ok(());
        }
        if let Some((subject, version)) = part.schema_in(&record.metadata)? {
            let (subject, version) = (subject.to_owned(), version);
            let known = self.named(&subject, version).await?;
            match known.encode(sides, Fit::Stated) {
                Ok(encoded) => {
                    replace(part, record, encoded);
                    return Ok(());
                }
                Err(source) if !self.settings.has(part) => {
                    return Err(SchemaError::Encode { part, subject, version, source });
                }
                Err(why) if !self.told.named => {
                    self.told.named = true;
                    tracing::warn!(subject, version, %why, "a record doesn't fit the schema that the source names for it; it gets another");
                }
                Err(_) => {}
            }
        }
        if !self.settings.has(part) {
            return Ok(());
        }
        let collection = record.metadata.collection().unwrap_or_default();
        if !self.collections.contains_key(collection) {
            self.collection(collection);
        }
        let Some(lane) = self.collections.get_mut(collection).map(|collection| collection.lane(part)) else {
            return Ok(());
        };
        let Some(track) = &mut lane.track else { return Ok(()) };
        match track.encode(&*self.registry, sides).await {
            Ok((version, encoded)) => {
                self.service = Service::There;
                record.metadata.insert(part.subject_name(), version.subject.as_str());
                record.metadata.insert(part.version_name(), version.number.as_str());
                replace(part, record, encoded);
            }
            Err(NotEncoded::Failed(error)) => return Err(error),
            Err(NotEncoded::Unfit(unfit)) if !lane.told_unfit => {
                lane.told_unfit = true;
                let why = match unfit {
                    Unfit::Derive(error) => error.to_string(),
                    Unfit::Parse(error) => error.to_string(),
                    Unfit::Sides => {
                        "before and after have lists or objects where the other has something else".to_owned()
                    }
                };
                tracing::warn!(collection, %part, why, "a record can't have a schema; such records go without, as structured data");
            }
            Err(NotEncoded::Unfit(_)) => {}
        }
        Ok(())
    }

    /// A version that a source names itself.
    async fn named(&mut self, subject: &str, version: i32) -> Result<Arc<Version>, SchemaError> {
        let wanted = (subject.to_owned(), version);
        if let Some(known) = self.named.get(&wanted) {
            return Ok(Arc::clone(known));
        }
        let registered = self.registry.get(subject, version).await;
        let registered =
            registered.map_err(|source| SchemaError::Get { subject: subject.to_owned(), version, source })?;
        self.service = Service::There;
        let known = Arc::new(Version::new(registered)?);
        if self.named.len() >= MAX_NAMED {
            self.named.clear();
        }
        self.named.insert(wanted, Arc::clone(&known));
        Ok(known)
    }

    fn collection(&mut self, name: &str) -> &mut Collection {
        if self.collections.len() >= self.forget_at && !self.collections.contains_key(name) {
            self.collections.retain(|_, collection| collection.is_stated());
            // Where most are stated there is little to forget, and no use in looking for it with each new one.
            self.forget_at = MAX_COLLECTIONS.max(2 * self.collections.len());
        }
        let settings = &self.settings;
        self.collections.entry(name.to_owned()).or_insert_with(|| {
            let lane = |part| Lane { track: settings.subject(Some(name), part).map(Track::new), told_unfit: false };
            Collection { key: lane(Part::Key), payload: lane(Part::Payload) }
        })
    }

    fn tell_raw(&mut self, part: Part) {
        let (told, off) = match part {
            Part::Key => (&mut self.told.raw_key, "sdk.schema.extract.key.enabled"),
            Part::Payload => (&mut self.told.raw_payload, "sdk.schema.extract.payload.enabled"),
        };
        if !*told && self.settings.has(part) {
            *told = true;
            tracing::warn!(%part, "what the source reads isn't structured and gets no schema; \"{off}: false\" turns the search for one off");
        }
    }
}

impl Collection {
    fn is_stated(&self) -> bool {
        [&self.key, &self.payload].into_iter().any(|lane| lane.track.as_ref().is_some_and(Track::is_stated))
    }

    fn lane(&mut self, part: Part) -> &mut Lane {
        match part {
            Part::Key => &mut self.key,
            Part::Payload => &mut self.payload,
        }
    }
}

/// Puts bytes where they belong.
fn replace(part: Part, record: &mut Record, encoded: Encoded) {
    for (side, bytes) in part.of_mut(record).into_iter().zip(encoded) {
        if let (Some(side), Some(bytes)) = (side, bytes) {
            *side = Data::Raw(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use opencdc::{Metadata, Position};
    use serde_json::json;

    use super::*;
    use crate::schema::InMemoryRegistry;

    fn record(collection: &str) -> Record {
        let mut metadata = Metadata::new();
        metadata.set_collection(collection);
        let data = |json| Data::try_from(json).unwrap();
        Record::create(Position::new("1"), metadata, data(json!({"id": 1})), data(json!({"a": 1})))
    }

    #[tokio::test]
    async fn collections_without_end_are_forgotten_but_not_what_is_stated() {
        let registry = Arc::new(InMemoryRegistry::new());
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        let text = r#"{"type":"record","name":"own","fields":[{"name":"a","type":"double"}]}"#;
        extractor.state(Some("stated"), Part::Payload, Some(&text.parse().unwrap()));
        for number in 0..3 * MAX_COLLECTIONS {
            extractor.extract(&mut record(&number.to_string())).await.unwrap();
            assert!(extractor.collections.len() <= MAX_COLLECTIONS);
        }
        extractor.extract(&mut record("stated")).await.unwrap();
        let versions = registry.versions("stated.payload");
        assert_eq!(versions.iter().map(|version| version.text.as_str()).collect::<Vec<_>>(), [text]);
        // What was forgotten is found again, and nothing is made twice.
        extractor.extract(&mut record("0")).await.unwrap();
        assert_eq!(registry.versions("0.payload").len(), 1);
    }

    #[tokio::test]
    async fn however_many_schemas_are_stated_each_stays() {
        let registry = Arc::new(InMemoryRegistry::new());
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        let text = r#"{"type":"record","name":"own","fields":[{"name":"a","type":"double"}]}"#;
        let schema: Schema = text.parse().unwrap();
        let all: Vec<String> = (0..=2 * MAX_COLLECTIONS).map(|number| number.to_string()).collect();
        for collection in &all {
            extractor.state(Some(collection), Part::Payload, Some(&schema));
        }
        for collection in &all {
            extractor.extract(&mut record(collection)).await.unwrap();
            assert_eq!(registry.versions(&format!("{collection}.payload"))[0].text, text);
        }
    }

    #[tokio::test]
    async fn schemas_that_are_named_without_end_are_forgotten() {
        let registry = Arc::new(InMemoryRegistry::new());
        let text = r#"{"type":"record","name":"own","fields":[{"name":"a","type":"long"}]}"#;
        let mut extractor = Extractor::new(registry.clone(), ExtractSettings::default());
        for number in 0..3 * MAX_NAMED {
            let subject = format!("own{number}");
            registry.create(&subject, text).await.unwrap();
            let mut it = record("c");
            it.metadata.insert(Part::Payload.subject_name(), subject.as_str());
            it.metadata.insert(Part::Payload.version_name(), "1");
            extractor.extract(&mut it).await.unwrap();
            assert_eq!(it.metadata.get(Part::Payload.subject_name()), Some(subject.as_str()));
            assert!(extractor.named.len() <= MAX_NAMED);
        }
    }
}
