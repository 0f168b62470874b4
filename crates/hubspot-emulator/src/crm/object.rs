//! An object, and how it is written into an answer.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::{Millis, iso, write_iso};
use crate::definitions::ObjectType;
use crate::errors::{ApiError, Detail, Result};
use crate::json::{write_number, write_string};
use crate::settings::Settings;

/// One state of an object. Changing an object replaces it: the search index may show the old state for a while.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) id: u64,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    pub(crate) archived_at: Option<Millis>,
    /// Values by name, sorted; only those that are set.
    pub(super) properties: Vec<(Arc<str>, Arc<str>)>,
}

impl Object {
    pub(crate) fn new(id: u64, created: Millis) -> Self {
        Self { id, created, updated: created, archived_at: None, properties: Vec::new() }
    }

    /// A stored value; not one that is made up when asked for.
    pub(crate) fn stored(&self, name: &str) -> Option<&Arc<str>> {
        let position = self.properties.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.properties[position].1)
    }

    pub(crate) fn stored_all(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.properties
    }

    /// Sets a value; an empty one clears it.
    pub(crate) fn set(&mut self, name: &Arc<str>, value: &Arc<str>) {
        match self.properties.binary_search_by(|(known, _)| known.cmp(name)) {
            Ok(position) if value.is_empty() => {
                self.properties.remove(position);
            }
            Ok(position) => self.properties[position].1 = Arc::clone(value),
            Err(_) if value.is_empty() => {}
            Err(position) => self.properties.insert(position, (Arc::clone(name), Arc::clone(value))),
        }
    }

    /// The value of any property, the three included that HubSpot keeps itself.
    pub(crate) fn value<'a>(&'a self, object_type: &ObjectType, name: &str) -> Option<Cow<'a, str>> {
        if name == "hs_object_id" {
            Some(self.id.to_string().into())
        } else if name == object_type.created {
            Some(iso(self.created).into())
        } else if name == object_type.changed {
            Some(iso(self.updated).into())
        } else {
            self.stored(name).map(|value| Cow::Borrowed(&**value))
        }
    }
}

/// Which properties an answer carries, sorted by name as HubSpot sorts them.
#[derive(Clone, Debug)]
pub(crate) struct Projection(Vec<Column>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Id,
    Created(String),
    Changed(String),
    Named(String),
}

impl Column {
    fn name(&self) -> &str {
        match self {
            Self::Id => "hs_object_id",
            Self::Created(name) | Self::Changed(name) | Self::Named(name) => name,
        }
    }
}

impl Projection {
    /// The properties asked for, or the type's defaults when there are none; always with id, creation and change. Those that aren't defined are left out.
    pub(crate) fn of<'a>(object_type: &'a ObjectType, asked: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = asked.into_iter().filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            names.extend(object_type.defaults.iter().map(String::as_str));
        }
        names.retain(|name| object_type.properties.contains_key(*name));
        Self::exactly(object_type, names)
    }

    /// The same for a request: a property that isn't defined may be a 400 that names it ([`Settings::unknown_properties_fail`]).
    pub(crate) fn asked<'a>(
        object_type: &'a ObjectType,
        settings: &Settings,
        asked: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        let asked: Vec<&str> = asked.into_iter().collect();
        let unknown = asked.iter().filter(|name| !name.is_empty() && !object_type.properties.contains_key(**name));
        let details: Vec<Detail> = unknown
            .map(|name| {
                Detail::of_property(name, "PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist"))
            })
            .collect();
        if settings.unknown_properties_fail && !details.is_empty() {
            return Err(ApiError::properties(details));
        }
        Ok(Self::of(object_type, asked))
    }

    /// Everything that an object has a value for. Values of properties that have been removed are seen no more.
    pub(crate) fn set_in(object_type: &ObjectType, object: &Object) -> Self {
        let names = object.properties.iter().map(|(name, _)| &**name);
        Self::exactly(object_type, names.filter(|name| object_type.properties.contains_key(*name)).collect())
    }

    fn exactly<'a>(object_type: &'a ObjectType, mut names: Vec<&'a str>) -> Self {
        names.extend([object_type.created.as_str(), object_type.changed.as_str(), "hs_object_id"]);
        names.sort_unstable();
        names.dedup();
        let column = |name: &str| match name {
            "hs_object_id" => Column::Id,
            name if name == object_type.created => Column::Created(name.to_owned()),
            name if name == object_type.changed => Column::Changed(name.to_owned()),
            name => Column::Named(name.to_owned()),
        };
        Self(names.into_iter().map(column).collect())
    }

    /// Writes an object, but for the closing brace, so that more fields can follow.
    pub(crate) fn write_open(&self, out: &mut Vec<u8>, object: &Object) {
        out.extend_from_slice(b"{\"id\":\"");
        write_number(out, object.id);
        out.extend_from_slice(b"\",\"properties\":{");
        for (position, column) in self.0.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            write_string(out, column.name());
            out.push(b':');
            match column {
                Column::Id => {
                    out.push(b'"');
                    write_number(out, object.id);
                    out.push(b'"');
                }
                Column::Created(_) => write_time(out, object.created),
                Column::Changed(_) => write_time(out, object.updated),
                Column::Named(name) => match object.stored(name) {
                    Some(value) => write_string(out, value),
                    None => out.extend_from_slice(b"null"),
                },
            }
        }
        out.extend_from_slice(b"},\"createdAt\":");
        write_time(out, object.created);
        out.extend_from_slice(b",\"updatedAt\":");
        write_time(out, object.updated);
        out.extend_from_slice(if object.archived_at.is_some() {
            b",\"archived\":true"
        } else {
            b",\"archived\":false"
        });
        if let Some(at) = object.archived_at {
            out.extend_from_slice(b",\"archivedAt\":");
            write_time(out, at);
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, object: &Object) {
        self.write_open(out, object);
        out.push(b'}');
    }

    /// The same as a tree.
    pub(crate) fn value(&self, object: &Object) -> Map<String, Value> {
        let mut out = Vec::new();
        self.write(&mut out, object);
        serde_json::from_slice(&out).unwrap_or_default()
    }
}

fn write_time(out: &mut Vec<u8>, at: Millis) {
    out.push(b'"');
    write_iso(out, at);
    out.push(b'"');
}
