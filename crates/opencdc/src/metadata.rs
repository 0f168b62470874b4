//! What is known about a record beside its data.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use compact_str::{CompactString, ToCompactString as _};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sorted::{Entries, IntoEntries, Sorted};

/// What is known about a record beside its data: text by text, in the order of the names.
///
/// The names that `OpenCDC` reserves are constants here, with typed accessors for the collection and for times, which are those of the
/// crate `chrono`. All are optional. Values are text: numbers are written as such.
///
/// ```
/// use chrono::Utc;
/// use opencdc::Metadata;
///
/// let mut metadata = Metadata::from([("shop.region", "eu")]);
/// metadata.set_collection("people");
/// metadata.set_read_at(Utc::now());
/// metadata.insert("shop.page", 7.to_string());
/// assert_eq!((metadata.collection(), metadata.get("shop.page")), (Some("people"), Some("7")));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata(Sorted<CompactString>);

impl Metadata {
    /// The version of `OpenCDC` that the record follows; `v1`.
    pub const VERSION: &'static str = "opencdc.version";
    /// When the thing came into being in the source, in nanoseconds since the epoch.
    pub const CREATED_AT: &'static str = "opencdc.createdAt";
    /// When the source read it, in nanoseconds since the epoch.
    pub const READ_AT: &'static str = "opencdc.readAt";
    /// The collection that it belongs to: a table, a topic, a resource.
    pub const COLLECTION: &'static str = "opencdc.collection";
    /// The subject of the schema that the key is encoded by, in Conduit's registry.
    pub const KEY_SCHEMA_SUBJECT: &'static str = "opencdc.key.schema.subject";
    /// The version of the key's schema within its subject, a number from 1 on.
    pub const KEY_SCHEMA_VERSION: &'static str = "opencdc.key.schema.version";
    /// The subject of the schema that both sides of the payload are encoded by, in Conduit's registry.
    pub const PAYLOAD_SCHEMA_SUBJECT: &'static str = "opencdc.payload.schema.subject";
    /// The version of the payload's schema within its subject, a number from 1 on.
    pub const PAYLOAD_SCHEMA_VERSION: &'static str = "opencdc.payload.schema.version";
    /// The name of the file that the record is of.
    pub const FILE_NAME: &'static str = "opencdc.file.name";
    /// How many bytes that whole file has.
    pub const FILE_SIZE: &'static str = "opencdc.file.size";
    /// A hash of that whole file, such as SHA-256.
    pub const FILE_HASH: &'static str = "opencdc.file.hash";
    /// Whether the record is one of several that are the file together.
    pub const FILE_CHUNKED: &'static str = "opencdc.file.chunked";
    /// Which of these the record is, a number from 1 on.
    pub const FILE_CHUNK_INDEX: &'static str = "opencdc.file.chunk.index";
    /// How many of these there are.
    pub const FILE_CHUNK_COUNT: &'static str = "opencdc.file.chunk.count";

    /// The names that are too long to be held in place; Conduit's own three are among them.
    const LONG: [&'static str; 7] = [
        Self::KEY_SCHEMA_SUBJECT,
        Self::KEY_SCHEMA_VERSION,
        Self::PAYLOAD_SCHEMA_SUBJECT,
        Self::PAYLOAD_SCHEMA_VERSION,
        "conduit.source.connector.id",
        "conduit.source.plugin.name",
        "conduit.source.plugin.version",
    ];

    /// A name as it is held: those that `OpenCDC` and Conduit give take no memory of their own. It is for who reads many records.
    #[doc(hidden)]
    pub fn held_name(name: &str) -> CompactString {
        let known = if name.len() > size_of::<CompactString>() {
            Self::LONG.iter().find(|known| **known == name)
        } else {
            None
        };
        known.map_or_else(|| name.into(), |known| CompactString::const_new(known))
    }

    /// Metadata that say nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(CompactString::as_str)
    }

    /// Sets a value, and gives back what stood there before.
    pub fn insert(&mut self, name: impl Into<CompactString>, value: impl Into<CompactString>) -> Option<CompactString> {
        self.0.insert(name.into(), value.into())
    }

    /// Takes a value out.
    pub fn remove(&mut self, name: &str) -> Option<CompactString> {
        self.0.remove(name)
    }

    /// Whether there is such a name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// All of it, by name.
    pub fn iter(&self) -> Entries<'_, CompactString> {
        self.0.iter()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The collection that the record belongs to.
    pub fn collection(&self) -> Option<&str> {
        self.get(Self::COLLECTION)
    }

    /// Says which collection the record belongs to.
    pub fn set_collection(&mut self, collection: impl Into<CompactString>) {
        self.insert(CompactString::const_new(Self::COLLECTION), collection.into());
    }

    /// When the thing came into being; nothing where that is absent or is no number.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.time(Self::CREATED_AT)
    }

    /// Says when the thing came into being.
    pub fn set_created_at(&mut self, at: DateTime<Utc>) {
        self.set_time(Self::CREATED_AT, at);
    }

    /// When the source read the thing; nothing where that is absent or is no number.
    pub fn read_at(&self) -> Option<DateTime<Utc>> {
        self.time(Self::READ_AT)
    }

    /// Says when the source read the thing.
    pub fn set_read_at(&mut self, at: DateTime<Utc>) {
        self.set_time(Self::READ_AT, at);
    }

    fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        self.get(name)?.parse().ok().map(DateTime::from_timestamp_nanos)
    }

    fn set_time(&mut self, name: &'static str, at: DateTime<Utc>) {
        // Nanoseconds in 64 bits end in the year 2262; past that the exact number is still written, from milliseconds.
        let nanoseconds =
            at.timestamp_nanos_opt().map_or_else(|| i128::from(at.timestamp_millis()) * 1_000_000, i128::from);
        self.insert(CompactString::const_new(name), nanoseconds.to_compact_string());
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl From<BTreeMap<String, String>> for Metadata {
    fn from(map: BTreeMap<String, String>) -> Self {
        map.into_iter().collect()
    }
}

impl<K: Into<CompactString>, V: Into<CompactString>, const COUNT: usize> From<[(K, V); COUNT]> for Metadata {
    fn from(entries: [(K, V); COUNT]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Into<CompactString>, V: Into<CompactString>> Extend<(K, V)> for Metadata {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.0.extend(entries.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl<K: Into<CompactString>, V: Into<CompactString>> FromIterator<(K, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(Sorted::of(entries.into_iter().map(|(name, value)| (name.into(), value.into()))))
    }
}

impl IntoIterator for Metadata {
    type Item = (CompactString, CompactString);
    type IntoIter = IntoEntries<CompactString>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Metadata {
    type Item = (&'a str, &'a CompactString);
    type IntoIter = Entries<'a, CompactString>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Texts)
    }
}

/// Reads an object of texts.
struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Metadata, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry::<CompactString, CompactString>()? {
            entries.push(entry);
        }
        Ok(entries.into_iter().collect())
    }
}
