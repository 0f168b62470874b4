//! Where schemas are kept: what a registry does, and one in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use thiserror::Error;

use super::parse::{ParseError, Schema};

/// Where schemas are kept, by subject and version.
///
/// [`ServiceClient`](super::ServiceClient) asks Conduit, [`InMemoryRegistry`] keeps them itself. The answers are final: a version of a
/// subject never changes, so whoever asks may remember.
pub trait Registry: Send + Sync {
    /// Registers a schema under a subject. Where the subject has this very text already, the version that has it is
    /// the answer, and nothing is created.
    ///
    /// # Errors
    /// When the registry refuses the schema, or can't be reached.
    fn create<'a>(&'a self, subject: &'a str, schema: &'a str) -> BoxFuture<'a, Result<Registered, RegistryError>>;

    /// The schema of a version of a subject. Versions count from 1.
    ///
    /// # Errors
    /// When there is no such subject or version, or the registry can't be reached.
    fn get<'a>(&'a self, subject: &'a str, version: i32) -> BoxFuture<'a, Result<Registered, RegistryError>>;
}

/// A schema as a registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What it is a schema of, in full: `pipeline:source:crm.contacts.payload`.
    pub subject: String,
    /// The version of the subject, from 1.
    pub version: i32,
    /// The id of the text: two subjects with the same text have the same id.
    pub id: i32,
    /// The Avro schema as JSON.
    pub text: String,
}

/// What a registry can't do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// It knows no such subject. Conduit's own registry says this of an unknown version as well.
    #[error("there is no such subject")]
    SubjectNotFound,
    /// The subject has no such version.
    #[error("the subject has no such version")]
    VersionNotFound,
    /// It doesn't take the schema: it is no Avro, or the registry finds it incompatible with the version before.
    #[error("the schema is invalid: {0}")]
    InvalidSchema(String),
    /// There is no registry: the host names none, or what answers is none. Asking again won't help.
    #[error("there is no schema service: {0}")]
    Absent(String),
    /// It can't be reached, or didn't answer in time. Asking again may help.
    #[error("the schema service can't be reached: {0}")]
    Unreachable(String),
    /// It answered with an error of its own.
    #[error("the schema service refused: {0}")]
    Refused(String),
}

/// A registry in memory, which numbers and finds schemas as Conduit's own does: for tests, and for hosts.
///
/// Unlike Conduit's own it looks at what it is given, and refuses what isn't an Avro schema, as Confluent's registry does.
///
/// ```
/// use conduit_connector_sdk::schema::{InMemoryRegistry, Registry, RegistryError};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let registry = InMemoryRegistry::new();
/// let first = registry.create("contacts.key", r#""string""#).await?;
/// assert_eq!((first.version, first.id), (1, 1));
/// assert_eq!(registry.create("contacts.key", r#""string""#).await?, first);
/// assert_eq!(registry.create("contacts.key", r#""long""#).await?.version, 2);
/// assert_eq!(registry.get("deals.key", 1).await, Err(RegistryError::SubjectNotFound));
/// # Ok::<(), RegistryError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct InMemoryRegistry(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    ids: HashMap<String, i32>,
    versions: HashMap<String, Vec<Registered>>,
}

impl InMemoryRegistry {
    /// A registry without schemas.
    pub fn new() -> Self {
        Self::default()
    }

    /// All versions of a subject, the oldest first.
    pub fn versions(&self, subject: &str) -> Vec<Registered> {
        self.contents().versions.get(subject).cloned().unwrap_or_default()
    }

    /// All subjects, in the order of their names.
    pub fn subjects(&self) -> Vec<String> {
        let mut subjects: Vec<String> = self.contents().versions.keys().cloned().collect();
        subjects.sort_unstable();
        subjects
    }

    fn contents(&self) -> std::sync::MutexGuard<'_, Contents> {
        // Nothing panics while it is held, and if something did, each change is one insertion.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, subject: &str, text: &str) -> Result<Registered, RegistryError> {
        text.parse::<Schema>().map_err(|error: ParseError| RegistryError::InvalidSchema(error.to_string()))?;
        let contents = &mut *self.contents();
        let versions = contents.versions.entry(subject.to_owned()).or_default();
        if let Some(known) = versions.iter().find(|known| known.text == text) {
            return Ok(known.clone());
        }
        let next = contents.ids.len() as i32 + 1;
        let id = *contents.ids.entry(text.to_owned()).or_insert(next);
        let registered =
            Registered { subject: subject.to_owned(), version: versions.len() as i32 + 1, id, text: text.to_owned() };
        versions.push(registered.clone());
        Ok(registered)
    }

    fn find(&self, subject: &str, version: i32) -> Result<Registered, RegistryError> {
        let contents = self.contents();
        let versions = contents.versions.get(subject).ok_or(RegistryError::SubjectNotFound)?;
        versions.iter().find(|known| known.version == version).cloned().ok_or(RegistryError::VersionNotFound)
    }
}

impl Registry for InMemoryRegistry {
    fn create<'a>(&'a self, subject: &'a str, schema: &'a str) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        Box::pin(async move { self.register(subject, schema) })
    }

    fn get<'a>(&'a self, subject: &'a str, version: i32) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        Box::pin(async move { self.find(subject, version) })
    }
}

impl<R: Registry + ?Sized> Registry for Arc<R> {
    fn create<'a>(&'a self, subject: &'a str, schema: &'a str) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        (**self).create(subject, schema)
    }

    fn get<'a>(&'a self, subject: &'a str, version: i32) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        (**self).get(subject, version)
    }
}

/// The registry of a host that has none.
#[derive(Clone, Debug)]
pub struct NoRegistry(String);

impl NoRegistry {
    /// None, for this reason: `the host sets no CONDUIT_…`.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Registry for NoRegistry {
    fn create<'a>(&'a self, _subject: &'a str, _schema: &'a str) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        Box::pin(async move { Err(RegistryError::Absent(self.0.clone())) })
    }

    fn get<'a>(&'a self, _subject: &'a str, _version: i32) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        Box::pin(async move { Err(RegistryError::Absent(self.0.clone())) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_has_one_version_a_subject_and_one_id_everywhere() {
        let registry = InMemoryRegistry::new();
        let numbers = |subject: &str, text: &str| {
            let it = registry.register(subject, text).unwrap();
            (it.version, it.id)
        };
        assert_eq!(numbers("a", r#""long""#), (1, 1));
        assert_eq!(numbers("a", r#""string""#), (2, 2));
        assert_eq!(numbers("b", r#""string""#), (1, 2));
        assert_eq!(numbers("a", r#""long""#), (1, 1));
        assert_eq!(registry.versions("a").len(), 2);
        assert_eq!(registry.subjects(), ["a", "b"]);
    }

    #[test]
    fn what_is_not_there_is_said_by_kind() {
        let registry = InMemoryRegistry::new();
        registry.register("a", r#""long""#).unwrap();
        assert_eq!(registry.find("b", 1), Err(RegistryError::SubjectNotFound));
        for version in [-1, 0, 2] {
            assert_eq!(registry.find("a", version), Err(RegistryError::VersionNotFound), "{version}");
        }
        assert!(matches!(registry.register("a", "{"), Err(RegistryError::InvalidSchema(_))));
    }
}
