//! Schemas of what a destination is given.

use std::collections::HashMap;
use std::sync::Arc;

use opencdc::{Data, Record};

use super::track::Version;
use super::{Part, Registry, SchemaError};

/// How many versions are remembered; past that all are forgotten, and the registry is asked again.
const MAX_VERSIONS: usize = 1_024;

/// What is decoded: what `sdk.schema.extract.*` of a destination says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreSettings {
    /// Whether keys are decoded (`sdk.schema.extract.key.enabled`); by default they are.
    pub key: bool,
    /// Whether payloads are decoded (`sdk.schema.extract.payload.enabled`); by default they are.
    pub payload: bool,
}

impl Default for RestoreSettings {
    fn default() -> Self {
        Self { key: true, payload: true }
    }
}

/// Makes records what they were before their schemas: decodes keys and payloads by the schemas that their metadata name.
pub struct Restorer {
    registry: Arc<dyn Registry>,
    settings: RestoreSettings,
    /// By subject.
    versions: HashMap<String, Vec<(i32, Arc<Version>)>>,
    count: usize,
    /// That records came without a schema was told.
    told_key: bool,
    told_payload: bool,
}

impl Restorer {
    /// A restorer that gets schemas from here.
    pub fn new(registry: Arc<dyn Registry>, settings: RestoreSettings) -> Self {
        Self { registry, settings, versions: HashMap::new(), count: 0, told_key: false, told_payload: false }
    }

    /// Decodes a record's key and payload. What has no schema, or is structured already, stays as it is; the metadata do
    /// in any case.
    ///
    /// # Errors
    /// When the metadata name half a schema, when it can't be got, and when bytes are no value of it. The record may then be
    /// decoded in part; trying it again goes on from there.
    pub async fn restore(&mut self, record: &mut Record) -> Result<(), SchemaError> {
        if self.settings.key {
            self.restore_part(record, Part::Key).await?;
        }
        if self.settings.payload {
            self.restore_part(record, Part::Payload).await?;
        }
        Ok(())
    }

    async fn restore_part(&mut self, record: &mut Record, part: Part) -> Result<(), SchemaError> {
        let Some((subject, number)) = part.schema_in(&record.metadata)? else {
            self.tell(part);
            return Ok(());
        };
        if !part.of(record).iter().any(|side| matches!(side, Some(Data::Raw(_)))) {
            return Ok(());
        }
        let version = match self.known(subject, number) {
            Some(version) => version,
            None => self.get(subject, number).await?,
        };
        for (index, side) in part.of_mut(record).into_iter().enumerate() {
            let Some(data) = side else { continue };
            if let Data::Raw(bytes) = data {
                let fields = version.schema.decode(bytes).map_err(|source| SchemaError::Decode {
                    side: part.side(index),
                    subject: version.subject.clone(),
                    version: number,
                    source,
                })?;
                *data = Data::Structured(fields);
            }
        }
        Ok(())
    }

    fn known(&self, subject: &str, number: i32) -> Option<Arc<Version>> {
        let versions = self.versions.get(subject)?;
        versions.iter().find(|(other, _)| *other == number).map(|(_, version)| Arc::clone(version))
    }

    async fn get(&mut self, subject: &str, number: i32) -> Result<Arc<Version>, SchemaError> {
        let registered = self.registry.get(subject, number).await;
        let mut registered =
            registered.map_err(|source| SchemaError::Get { subject: subject.to_owned(), version: number, source })?;
        // As the metadata name it, whatever the registry calls it.
        subject.clone_into(&mut registered.subject);
        let version = Arc::new(Version::new(registered)?);
        if self.count >= MAX_VERSIONS {
            self.versions.clear();
            self.count = 0;
        }
        self.versions.entry(subject.to_owned()).or_default().push((number, Arc::clone(&version)));
        self.count += 1;
        Ok(version)
    }

    fn tell(&mut self, part: Part) {
        let (told, off) = match part {
            Part::Key => (&mut self.told_key, "sdk.schema.extract.key.enabled"),
            Part::Payload => (&mut self.told_payload, "sdk.schema.extract.payload.enabled"),
        };
        if !*told {
            *told = true;
            tracing::warn!(%part, "a record names no schema, and stays as it is; \"{off}: false\" turns the search for one off");
        }
    }
}
