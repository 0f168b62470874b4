//! Schemas around a connector: `sdk.schema.*`.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use opencdc::Record;

use crate::parameters::{Checked, Parameter, Validation};
use crate::schema::{
    ExtractSettings, Extractor, NoRegistry, Part, Registered, Registry, RegistryError, RestoreSettings, Restorer,
    Schema, SchemaError,
};
use crate::{Context, Error, Source};

const TYPE: &str = "sdk.schema.extract.type";
const KEY_ENABLED: &str = "sdk.schema.extract.key.enabled";
const KEY_SUBJECT: &str = "sdk.schema.extract.key.subject";
const PAYLOAD_ENABLED: &str = "sdk.schema.extract.payload.enabled";
const PAYLOAD_SUBJECT: &str = "sdk.schema.extract.payload.subject";
const CONTEXT_ENABLED: &str = "sdk.schema.context.enabled";
const CONTEXT_NAME: &str = "sdk.schema.context.name";

/// The schemas that a source states for the records of a collection, instead of having them guessed from the records.
///
/// A [`Schema`] is parsed from Avro's JSON. It lies in the source, which lends it with each call: made once, not for each batch.
/// Which JSON fits which of Avro's types says [`Schema::encode`].
///
/// ```
/// use conduit_connector_sdk::middleware::StatedSchema;
/// use conduit_connector_sdk::schema::Schema;
/// use conduit_connector_sdk::{Context, Error, Position, Record, Source};
///
/// struct People {
///     stated: StatedSchema,
/// }
///
/// impl Source for People {
///     type Config = ();
///
///     async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
///         let payload: Schema = r#"{"type": "record", "name": "person", "fields": [
///             {"name": "name", "type": "string"},
///             {"name": "born", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null}
///         ]}"#.parse()?;
///         // Keys have the schema that is guessed.
///         Ok(Self { stated: StatedSchema { key: None, payload: Some(payload) } })
///     }
///
///     fn schema(&self, collection: Option<&str>) -> Option<&StatedSchema> {
///         (collection == Some("people")).then_some(&self.stated)
///     }
/// #
/// #   async fn open(&mut self, _position: Option<Position>) -> Result<(), Error> { Ok(()) }
/// #   async fn read(&mut self) -> Result<Vec<Record>, Error> { Ok(Vec::new()) }
/// }
/// #
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # let people = runtime.block_on(People::configure((), Context::default()))?;
/// # let payload = people.schema(Some("people")).and_then(|stated| stated.payload.as_ref()).ok_or("none")?;
///
/// // Records with these payloads fit it; one with another field, or with `"born": "today"`, gets a schema of its own.
/// for fitting in [r#"{"name": "Ada", "born": "1815-12-10"}"#, r#"{"name": "Grace"}"#] {
///     payload.encode(&serde_json::from_str(fitting)?)?;
/// }
/// # for other in [r#"{"name": "Ada", "died": null}"#, r#"{"name": "Ada", "born": "today"}"#] {
/// #     assert!(payload.encode(&serde_json::from_str(other)?).is_err());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StatedSchema {
    /// That of keys; nothing where it is to be guessed.
    pub key: Option<Schema>,
    /// That of payloads; nothing where it is to be guessed.
    pub payload: Option<Schema>,
}

/// Which schemas a source's records get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extraction {
    key: bool,
    key_subject: String,
    payload: bool,
    payload_subject: String,
    context: bool,
    /// Empty for the connector's id.
    context_name: String,
    by: By,
}

/// Who turns schemas on, where they are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The connector's defaults.
    Default,
    /// The pipeline, what the connector has off.
    Pipeline,
}

impl Default for Extraction {
    fn default() -> Self {
        Self {
            key: true,
            key_subject: "key".to_owned(),
            payload: true,
            payload_subject: "payload".to_owned(),
            context: true,
            context_name: String::new(),
            by: By::Default,
        }
    }
}

impl Extraction {
    pub(super) fn off() -> Self {
        Self { key: false, payload: false, ..Self::default() }
    }

    pub(super) fn parameters(&self) -> [Parameter; 7] {
        let of = |name, description: &str, default: &str| Parameter::of::<String>(name, description).default(default);
        let subject = "With a collection in the record's metadata, that and a dot come before it.";
        [
            of(TYPE, "The type of the schemas that records get.", "avro")
                .validation(Validation::Inclusion(vec!["avro".to_owned()])),
            yes(
                PAYLOAD_ENABLED,
                "Whether payloads get a schema and are encoded with it, where Conduit has a schema service.",
                self.payload,
            ),
            of(PAYLOAD_SUBJECT, &format!("The subject of the payloads' schemas. {subject}"), &self.payload_subject),
            yes(
                KEY_ENABLED,
                "Whether keys get a schema and are encoded with it, where Conduit has a schema service.",
                self.key,
            ),
            of(KEY_SUBJECT, &format!("The subject of the keys' schemas. {subject}"), &self.key_subject),
            yes(
                CONTEXT_ENABLED,
                "Whether subjects begin with the name of a context, so that those of two connectors are never the same.",
                self.context,
            ),
            of(CONTEXT_NAME, "The name of the context; the connector's id where it is empty.", &self.context_name),
        ]
    }

    pub(super) fn configured(&self, settings: &Checked) -> Result<Self, Error> {
        let flag = |name, default| Ok::<_, Error>(settings.value_or_absent::<Option<bool>>(name)?.unwrap_or(default));
        let text = |name, default: &String| {
            Ok::<_, Error>(settings.value_or_absent::<Option<String>>(name)?.unwrap_or_else(|| default.clone()))
        };
        let (key, payload) = (flag(KEY_ENABLED, self.key)?, flag(PAYLOAD_ENABLED, self.payload)?);
        Ok(Self {
            by: if (key && !self.key) || (payload && !self.payload) { By::Pipeline } else { self.by },
            key,
            key_subject: text(KEY_SUBJECT, &self.key_subject)?,
            payload,
            payload_subject: text(PAYLOAD_SUBJECT, &self.payload_subject)?,
            context: flag(CONTEXT_ENABLED, self.context)?,
            context_name: text(CONTEXT_NAME, &self.context_name)?,
        })
    }

    /// What encodes; nothing where the host names no schema service. An older host names none, which is nobody's fault: only who asked
    /// for schemas is warned.
    pub(super) fn open(&self, context: &Context) -> Option<Encoder> {
        let Some(registry) = context.registry() else {
            let what = "the host has no schema service: records go without schemas, as structured data";
            if self.by == By::Pipeline {
                tracing::warn!("{what}");
            } else if self.key || self.payload {
                tracing::info!("{what}");
            }
            return None;
        };
        let name = if self.context_name.is_empty() { context.connector_id() } else { Some(self.context_name.as_str()) };
        let settings = ExtractSettings {
            context: name.filter(|_| self.context).map(str::to_owned),
            key: self.key.then(|| self.key_subject.clone()),
            payload: self.payload.then(|| self.payload_subject.clone()),
        };
        Some(Encoder { extractor: Extractor::new(registry, settings), stated: false })
    }
}

/// Encodes what a source has read.
pub(crate) struct Encoder {
    extractor: Extractor,
    /// The source has stated a schema once.
    stated: bool,
}

impl Encoder {
    /// Asks the source for its schemas of the collections of these records.
    pub(crate) fn state<S: Source>(&mut self, source: &S, records: &[Record]) {
        let mut before: Option<Option<&str>> = None;
        for record in records {
            let collection = record.metadata.collection();
            if before.replace(collection) == Some(collection) {
                continue;
            }
            let stated = source.schema(collection);
            self.stated |= stated.is_some();
            if self.stated {
                self.extractor.state(collection, Part::Key, stated.and_then(|stated| stated.key.as_ref()));
                self.extractor.state(collection, Part::Payload, stated.and_then(|stated| stated.payload.as_ref()));
            }
        }
    }

    /// Encodes records. What can't have a schema stays as it is.
    pub(crate) async fn encode(&mut self, records: &mut [Record]) -> Result<(), Error> {
        for record in records {
            if self.extractor.is_off() {
                break;
            }
            if let Err(error) = self.extractor.extract(record).await {
                return Err(
                    Error::from(error).context(format!("the record at position {} gets no schema", record.position))
                );
            }
        }
        Ok(())
    }
}

/// What of a destination's records is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoding {
    key: bool,
    payload: bool,
}

impl Default for Decoding {
    fn default() -> Self {
        Self { key: true, payload: true }
    }
}

impl Decoding {
    pub(super) fn off() -> Self {
        Self { key: false, payload: false }
    }

    pub(super) fn parameters(&self) -> [Parameter; 2] {
        [
            yes(
                PAYLOAD_ENABLED,
                "Whether payloads are decoded by the schema that the record's metadata name.",
                self.payload,
            ),
            yes(KEY_ENABLED, "Whether keys are decoded by the schema that the record's metadata name.", self.key),
        ]
    }

    pub(super) fn configured(&self, settings: &Checked) -> Result<Self, Error> {
        Ok(Self {
            key: settings.value_or_absent::<Option<bool>>(KEY_ENABLED)?.unwrap_or(self.key),
            payload: settings.value_or_absent::<Option<bool>>(PAYLOAD_ENABLED)?.unwrap_or(self.payload),
        })
    }

    /// What decodes; nothing where nothing is to be.
    pub(super) fn open(&self, context: &Context) -> Option<Decoder> {
        if !self.key && !self.payload {
            return None;
        }
        let settings = RestoreSettings { key: self.key, payload: self.payload };
        let registry = context.registry();
        let absent = registry.is_none();
        if absent {
            tracing::info!("the host has no schema service: a record that needs a schema to be read is refused");
        }
        let registry = registry.unwrap_or_else(|| Arc::new(NoRegistry::new("the host has none")) as Arc<dyn Registry>);
        let asked = Arc::new(Asked { registry, unreachable: Mutex::default() });
        Some(Decoder { restorer: Restorer::new(asked.clone(), settings), asked, absent })
    }
}

/// A registry that says again at once what it said before in the same batch: that it can't be reached. Each record that needs a
/// schema would wait for it anew.
struct Asked {
    registry: Arc<dyn Registry>,
    /// Since the batch began.
    unreachable: Mutex<Option<RegistryError>>,
}

impl Asked {
    fn begin(&self) {
        *self.unreachable.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known(&self) -> Option<RegistryError> {
        self.unreachable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn remember(
        &self,
        answer: impl Future<Output = Result<Registered, RegistryError>> + Send,
    ) -> Result<Registered, RegistryError> {
        if let Some(error) = self.known() {
            return Err(error);
        }
        let answer = answer.await;
        if let Err(error @ RegistryError::Unreachable(_)) = &answer {
            *self.unreachable.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
        answer
    }
}

impl Registry for Asked {
    fn create<'a>(&'a self, subject: &'a str, schema: &'a str) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        Box::pin(self.remember(self.registry.create(subject, schema)))
    }

    fn get<'a>(&'a self, subject: &'a str, version: i32) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        Box::pin(self.remember(self.registry.get(subject, version)))
    }
}

/// Decodes what a destination is given.
pub(crate) struct Decoder {
    restorer: Restorer,
    asked: Arc<Asked>,
    /// There is no schema service.
    absent: bool,
}

impl Decoder {
    /// A batch begins: a service that couldn't be reached is asked again.
    pub(crate) fn begin(&self) {
        self.asked.begin();
    }

    /// Decodes a record. One that names no schema stays as it is.
    pub(crate) async fn decode(&mut self, record: &mut Record) -> Result<(), SchemaError> {
        let named = |part: Part| record.metadata.get(part.subject_name()).is_some();
        if self.absent && !named(Part::Key) && !named(Part::Payload) {
            return Ok(());
        }
        self.restorer.restore(record).await
    }
}

fn yes(name: &str, description: &str, default: bool) -> Parameter {
    Parameter::of::<bool>(name, description).default(default.to_string())
}
