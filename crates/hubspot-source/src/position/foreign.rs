//! Positions of earlier versions, and of the Go connector.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{Cursor, Followed, Left, Place, Range, Resume, Resumption, Snapshotted, in_range};
use crate::error::PositionError;
use crate::item::Millis;

/// Version 1: one resource.
#[derive(Deserialize)]
struct Version1 {
    resource: String,
    #[serde(default)]
    n: u64,
    #[serde(flatten)]
    phase: Phase,
}

#[derive(Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
enum Phase {
    Snapshot {
        start: Millis,
        after: Option<String>,
        created: Option<Millis>,
        since: Option<Millis>,
    },
    Follow {
        start: Millis,
        known: Millis,
        settled: Millis,
        /// The head: for whoever looks at a position.
        fast: Millis,
        drain: Option<u64>,
        sweep: Millis,
    },
}

pub(super) fn from_version_1(bytes: &[u8]) -> Result<Resumption, PositionError> {
    let Version1 { resource, n, phase } = serde_json::from_slice(bytes).map_err(|error| PositionError::Foreign {
        found: format!("it looks like one of ours, but {error}: {}", excerpt(bytes)),
    })?;
    let cursor = match phase {
        Phase::Snapshot { start, after, created, since } => {
            let left = match (created, after) {
                (Some(created), _) => Left::CreatedSince(created),
                (None, after) => Left::Objects(match after.as_deref().map(str::parse) {
                    Some(Ok(floor)) => Place::Ranges(vec![Range { floor, end: None }]),
                    _ => Place::Page(after),
                }),
            };
            Cursor::Snapshot(Snapshotted { start, since, left })
        }
        Phase::Follow { start, known, settled, fast, drain, sweep } => {
            in_range("fast", Some(fast))?;
            Cursor::Follow(Followed { start, known, settled, drain, sweep })
        }
    };
    Ok(Resumption { number: n, resources: BTreeMap::from([(resource, Resume::At(cursor.checked()?))]) })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GoPosition {
    mode: String,
    #[serde(default)]
    initial_timestamp: Option<DateTime<Utc>>,
    #[serde(default)]
    timestamp: Option<DateTime<Utc>>,
}

/// A position of the Go connector v0.1.0, which doesn't say of what resource it is.
pub(super) fn from_go(bytes: &[u8]) -> Result<Resume, PositionError> {
    let foreign = |found: String| PositionError::Foreign { found };
    let go: GoPosition = serde_json::from_slice(bytes)
        .map_err(|error| foreign(format!("it looks like one of the Go connector, but {error}: {}", excerpt(bytes))))?;
    // Go's zero time, of the year 1, stands for none.
    let millis = |field, time: Option<DateTime<Utc>>| {
        in_range(field, time.map(|time| time.timestamp_millis()).filter(|time| *time > 0))
    };
    match go.mode.as_str() {
        "snapshot" => Ok(Resume::GoSnapshot { initial: millis("initialTimestamp", go.initial_timestamp)? }),
        "cdc" => Ok(Resume::GoCdc { timestamp: millis("timestamp", go.timestamp)? }),
        mode => Err(foreign(format!("it looks like one of the Go connector, but its mode is {mode:?}"))),
    }
}

pub(super) fn fields(object: &hubspot_client::Object) -> String {
    let names: Vec<_> = object.keys().take(8).map(|name| format!("{name:.32?}")).collect();
    if names.is_empty() { "(none)".to_owned() } else { names.join(", ") }
}

/// The first words of a position: enough to recognise whose it is.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
