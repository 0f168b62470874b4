//! Positions: where to resume, as compact JSON.
//!
//! A position says of every resource of a source how far the stream had come when its record was delivered, so that any of
//! them is a place to resume, whatever resource the record is of:
//!
//! ```json
//! {"v":2,"n":18,"r":{"crm.contacts":"f1k9f2a3bc,0,9c4,9c4","crm.deals":"s1k9f2a3bc,,.5k-"}}
//! ```
//!
//! `n` numbers the records of a stream, so that no two positions are the same. What stands for a resource is some 20 to
//! 60 bytes: its phase, HubSpot's time when its stream began, and the rest as distances from that (see
//! `compact`). With 40 resources a position takes 2 to 3 KiB, and stays below 4.
//!
//! Version 1 was of one resource, and resumes:
//!
//! ```json
//! {"v":1,"resource":"crm.contacts","n":17,"phase":"snapshot","start":1767323045000,"after":"51"}
//! {"v":1,"resource":"crm.contacts","n":18,"phase":"follow","start":1767323045000,"known":1767323045000,"settled":1767323100000,"fast":1767323160123,"sweep":1767323100000}
//! ```
//!
//! The Go connector v0.1.0 wrote `{"mode":"snapshot"|"cdc","itemId":…,"initialTimestamp":…,"timestamp":…}`; those
//! resume too:
//!
//! * *snapshot*: its order (by creation) wasn't the order that it paged in (by id), so what lies before a position
//!   isn't known to be delivered. The snapshot starts over, and changes, and deletions, are followed from its
//!   `initialTimestamp` less the lag window: repeats instead of gaps.
//! * *cdc*: changes, and deletions, are followed from its `timestamp` less the lag window, because it never looked back
//!   for late entries.

mod compact;
mod foreign;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::foreign::{excerpt, fields, from_go, from_version_1};
pub use crate::engine::{DirectoryCursor, Place, Range};
use crate::error::PositionError;
use crate::item::{LATEST, Millis};

/// The version that this connector writes.
pub const VERSION: u64 = 2;

/// Where to resume one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Where a stream of ours had come to.
    At(Cursor),
    /// A snapshot position of the Go connector.
    GoSnapshot {
        /// When its snapshot began, by the clock of the machine it ran on.
        initial: Option<Millis>,
    },
    /// A cdc position of the Go connector.
    GoCdc {
        /// The changed-time of the last record.
        timestamp: Option<Millis>,
    },
}

/// How far the stream of one resource has come. All times are HubSpot's, in milliseconds since the epoch, up to the year
/// 9999.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Delivering what was there at the start.
    Snapshot(Snapshotted),
    /// Delivering changes.
    Follow(Followed),
    /// Reading a directory.
    Directory(DirectoryCursor),
}

/// How far a snapshot has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshotted {
    /// HubSpot's time when the snapshot began; changes since then are the stream's.
    pub start: Millis,
    /// Changes, and deletions, are followed from this instant once the snapshot is through; `None`: from `start`. It lies
    /// before `start` where the snapshot took the place of one of the Go connector's.
    pub since: Option<Millis>,
    /// What is left to deliver.
    pub left: Left,
}

/// What a snapshot has left to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// CRM: these parts of the list.
    Objects(Place),
    /// CMS: what was created at this instant or later.
    CreatedSince(Millis),
}

/// How far following has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// HubSpot's time when the stream began: an object created since then is a `create`.
    pub start: Millis,
    /// Objects created before this instant have been delivered at least once.
    pub known: Millis,
    /// Every change before this instant has been delivered, late ones included. Reading resumes here; what lies between
    /// this and the head may be delivered again.
    pub settled: Millis,
    /// Of the objects changed exactly at `settled`, those up to this id have been delivered.
    pub drain: Option<u64>,
    /// Every deletion before this instant has been delivered, late ones included. Deletions resume here.
    pub sweep: Millis,
}

/// Where a source resumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumption {
    /// The number of the last record.
    pub number: u64,
    /// Each resource that the position knows.
    pub resources: BTreeMap<String, Resume>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    v: u64,
    #[serde(default)]
    n: u64,
    #[serde(borrow)]
    r: BTreeMap<std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>>,
}

impl Cursor {
    /// As it stands in a position.
    pub fn to_text(&self) -> String {
        compact::write(self)
    }
}

/// The position of the `number`th record, with what stands for each resource ([`Cursor::to_text`]).
pub fn write<'a>(number: u64, resources: impl IntoIterator<Item = (&'a str, &'a str)>) -> opencdc::Position {
    let r = resources.into_iter().map(|(name, text)| (name.into(), text.into())).collect();
    // A struct of numbers and strings always has a JSON form.
    opencdc::Position::new(serde_json::to_vec(&Envelope { v: VERSION, n: number, r }).unwrap_or_default())
}

/// Reads a position for a source of these resources: ours, or the Go connector's. `None` for an empty one, which means
/// "from the beginning". A resource that the position doesn't know begins; one that isn't read any more is left out.
///
/// # Errors
/// When it is neither, knows none of the resources, was written by a newer version, or has a time that is none.
pub fn parse(position: &opencdc::Position, resources: &[&str]) -> Result<Option<Resumption>, PositionError> {
    if position.is_empty() {
        return Ok(None);
    }
    let foreign = |found: String| PositionError::Foreign { found };
    let bytes = position.as_bytes();
    let value: Value =
        serde_json::from_slice(bytes).map_err(|_| foreign(format!("it is not JSON but {}", excerpt(bytes))))?;
    let Some(object) = value.as_object() else {
        return Err(foreign(format!("it is JSON, but not an object: {}", excerpt(bytes))));
    };
    let resumption = if object.contains_key("v") {
        match object.get("v").and_then(Value::as_u64) {
            Some(1) => from_version_1(bytes)?,
            Some(VERSION) => from_version_2(bytes)?,
            Some(found) if found > VERSION => return Err(PositionError::Newer { found }),
            _ => return Err(foreign(format!("its version makes no sense: {}", excerpt(bytes)))),
        }
    } else if object.contains_key("mode") {
        let resume = from_go(bytes)?;
        let &[resource] = resources else { return Err(PositionError::GoOfOne { given: resources.len() }) };
        Resumption { number: 0, resources: BTreeMap::from([(resource.to_owned(), resume)]) }
    } else {
        return Err(foreign(format!("it is a JSON object with the fields {}", fields(object))));
    };
    known(resumption, resources).map(Some)
}

fn from_version_2(bytes: &[u8]) -> Result<Resumption, PositionError> {
    let ours = |error: &dyn std::fmt::Display| PositionError::Foreign {
        found: format!("it looks like one of ours, but {error}: {}", excerpt(bytes)),
    };
    let envelope: Envelope<'_> = serde_json::from_slice(bytes).map_err(|error| ours(&error))?;
    let mut resources = BTreeMap::new();
    for (name, text) in envelope.r {
        let cursor = compact::read(&text).ok_or_else(|| ours(&format!("what it has for {name} makes no sense")))?;
        resources.insert(name.into_owned(), Resume::At(cursor.checked()?));
    }
    Ok(Resumption { number: envelope.n, resources })
}

/// Leaves out what isn't read any more.
fn known(mut resumption: Resumption, resources: &[&str]) -> Result<Resumption, PositionError> {
    let strange: Vec<String> =
        resumption.resources.keys().filter(|name| !resources.contains(&name.as_str())).cloned().collect();
    if strange.len() == resumption.resources.len() {
        return Err(PositionError::OtherResource { found: strange.join(", "), expected: resources.join(", ") });
    }
    for name in strange {
        tracing::warn!(resource = name, "the position has a resource that isn't read any more: its place is given up");
        resumption.resources.remove(&name);
    }
    Ok(resumption)
}

impl Cursor {
    /// Refuses times that can't be any, so that nothing that reckons with them has to.
    fn checked(self) -> Result<Self, PositionError> {
        let times = match &self {
            Self::Snapshot(Snapshotted { start, since, left }) => {
                let created = if let Left::CreatedSince(created) = left { Some(*created) } else { None };
                vec![("start", Some(*start)), ("since", *since), ("created", created)]
            }
            Self::Follow(Followed { start, known, settled, sweep, drain: _ }) => {
                vec![
                    ("start", Some(*start)),
                    ("known", Some(*known)),
                    ("settled", Some(*settled)),
                    ("sweep", Some(*sweep)),
                ]
            }
            Self::Directory(DirectoryCursor { start, since, .. }) => {
                vec![("start", Some(*start)), ("since", Some(*since))]
            }
        };
        for (field, time) in times {
            in_range(field, time)?;
        }
        Ok(self)
    }
}

fn in_range(field: &'static str, time: Option<Millis>) -> Result<Option<Millis>, PositionError> {
    match time {
        Some(found) if !(0..=LATEST).contains(&found) => Err(PositionError::NoTime { field, found }),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests;
