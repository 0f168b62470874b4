//! Named fields.

use std::fmt;
use std::ops::Index;

use compact_str::CompactString;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Value;
use crate::sorted::{Entries, IntoEntries, Sorted};

/// Named fields, in the order of their names.
///
/// Its methods are named as those of [`serde_json::Map`]; for `entry` and `map["name"] = …` there are [`get_mut`](Self::get_mut) and
/// [`insert`](Self::insert). It is made for data of which there is much: its entries are in one block of memory.
/// [`insert`](Self::insert) and [`remove`](Self::remove) therefore move what is behind their place. What has hundreds of fields is better
/// collected, in any order; of fields with one name the last stays.
///
/// ```
/// use opencdc::Map;
///
/// let mut fields: Map = [("name", "Ada"), ("city", "London")].into_iter().collect();
/// fields.insert("born", 1815);
/// assert_eq!(fields.keys().collect::<Vec<_>>(), ["born", "city", "name"]);
/// assert_eq!(fields["born"].as_i64(), Some(1815));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Map(Sorted<Value>);

impl Map {
    /// No fields yet.
    pub const fn new() -> Self {
        Self(Sorted::new())
    }

    /// No fields yet, and room for so many.
    pub fn with_capacity(fields: usize) -> Self {
        Self(Sorted::with_capacity(fields))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value of a field, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0.get_mut(name)
    }

    /// Whether there is such a field, with whatever value.
    pub fn contains_key(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// Sets a field, and gives back what its value was. Both are converted here: `insert("born", 1815)`, without `.into()`.
    pub fn insert(&mut self, name: impl Into<CompactString>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(name.into(), value.into())
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Takes all fields out.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps the fields for which this is true.
    pub fn retain(&mut self, keep: impl FnMut(&str, &mut Value) -> bool) {
        self.0.retain(keep);
    }

    /// The fields.
    pub fn iter(&self) -> Entries<'_, Value> {
        self.0.iter()
    }

    /// The fields, with values to be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&str, &mut Value)> + ExactSizeIterator {
        self.0.iter_mut()
    }

    /// The names.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.0.iter().map(|(name, _)| name)
    }

    /// The values, in the order of their names.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values alone, owned.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = Value> + ExactSizeIterator {
        self.0.into_iter().map(|(_, value)| value)
    }

    /// The values, in the order of their names, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> + ExactSizeIterator {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Panics where there is no such field; [`Map::get`] doesn't.
impl Index<&str> for Map {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        match self.get(name) {
            Some(value) => value,
            None => panic!("there is no field {name:?}"),
        }
    }
}

impl<K: Into<CompactString>, V: Into<Value>> Extend<(K, V)> for Map {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, fields: I) {
        self.0.extend(fields.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl<K: Into<CompactString>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        Self(Sorted::of(fields.into_iter().map(|(name, value)| (name.into(), value.into()))))
    }
}

impl<K: Into<CompactString>, V: Into<Value>, const COUNT: usize> From<[(K, V); COUNT]> for Map {
    fn from(fields: [(K, V); COUNT]) -> Self {
        fields.into_iter().collect()
    }
}

impl IntoIterator for Map {
    type Item = (CompactString, Value);
    type IntoIter = IntoEntries<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a str, &'a Value);
    type IntoIter = Entries<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<serde_json::Map<String, serde_json::Value>> for Map {
    fn from(fields: serde_json::Map<String, serde_json::Value>) -> Self {
        fields.into_iter().collect()
    }
}

impl From<Map> for serde_json::Map<String, serde_json::Value> {
    fn from(fields: Map) -> Self {
        fields.into_iter().map(|(name, value)| (name.into_string(), value.into())).collect()
    }
}

impl PartialEq<Map> for serde_json::Map<String, serde_json::Value> {
    fn eq(&self, other: &Map) -> bool {
        other == self
    }
}

impl PartialEq<serde_json::Map<String, serde_json::Value>> for Map {
    fn eq(&self, other: &serde_json::Map<String, serde_json::Value>) -> bool {
        self.len() == other.len()
            && self.iter().all(|(name, value)| other.get(name).is_some_and(|other| value == other))
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

/// Reads an object.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Map;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Map, A::Error> {
        fields(Vec::new(), access)
    }
}

/// The fields of an object that is read, behind those that are read already.
pub(crate) fn fields<'de, A: MapAccess<'de>>(
    mut fields: Vec<(CompactString, Value)>,
    mut access: A,
) -> Result<Map, A::Error> {
    // What says how many there are may be wrong.
    fields.reserve(access.size_hint().unwrap_or(0).min(64));
    while let Some(field) = access.next_entry::<CompactString, Value>()? {
        fields.push(field);
    }
    Ok(fields.into_iter().collect())
}
