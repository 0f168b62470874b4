//! Positions: where to resume a resource, as compact JSON.
//!
//! Ours say `"v":1`, the resource and one of two phases. All times are HubSpot's, in milliseconds since the epoch, up to
//! the year 9999:
//!
//! ```json
//! {"v":1,"resource":"crm.contacts","n":17,"phase":"snapshot","start":1767323045000,"after":"51"}
//! {"v":1,"resource":"crm.contacts","n":18,"phase":"follow","start":1767323045000,"known":1767323045000,"settled":1767323100000,"fast":1767323160123,"sweep":1767323100000}
//! ```
//!
//! `n` numbers the records of a stream, so that no two positions are the same.
//!
//! The Go connector v0.1.0 wrote `{"mode":"snapshot"|"cdc","itemId":…,"initialTimestamp":…,"timestamp":…}`; those
//! resume too:
//!
//! * *snapshot*: its order (by creation) wasn't the order that it paged in (by id), so what lies before a position
//!   isn't known to be delivered. The snapshot starts over, and changes, and deletions, are followed from its
//!   `initialTimestamp` less the lag window: repeats instead of gaps.
//! * *cdc*: changes, and deletions, are followed from its `timestamp` less the lag window, because it never looked back
//!   for late entries.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::PositionError;
use crate::item::{LATEST, Millis};

/// The version that this connector writes.
pub const VERSION: u64 = 1;

/// Where to resume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// A position of ours.
    At {
        /// How far the stream had come.
        cursor: Cursor,
        /// The number of the record.
        number: u64,
    },
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

/// The phase a stream is in and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
pub enum Cursor {
    /// Delivering what was there at `start`.
    Snapshot {
        /// HubSpot's time when the snapshot began; changes since then are the stream's.
        start: Millis,
        /// CRM: the id of the last object delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// CMS: the creation time that has been reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created: Option<Millis>,
        /// Changes, and deletions, are followed from this instant once the snapshot is through; `None`: from `start`.
        /// It lies before `start` where the snapshot took the place of one of the Go connector's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Millis>,
    },
    /// Delivering changes.
    Follow {
        /// HubSpot's time when the stream began: an object created since then is a `create`.
        start: Millis,
        /// Objects created before this instant have been delivered at least once.
        known: Millis,
        /// Every change before this instant has been delivered, late ones included. Reading resumes here.
        settled: Millis,
        /// The head that had been reached; what lies between `settled` and this may be delivered again. It is there for
        /// whoever looks at a position: resuming reads on from `settled`, whatever had been seen beyond it.
        fast: Millis,
        /// Of the objects changed exactly at `settled`, those up to this id have been delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drain: Option<u64>,
        /// Every deletion before this instant has been delivered, late ones included. Deletions resume here.
        sweep: Millis,
    },
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    v: u64,
    resource: std::borrow::Cow<'a, str>,
    #[serde(default)]
    n: u64,
    #[serde(flatten)]
    cursor: Cursor,
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

impl Cursor {
    /// Refuses times that can't be any, so that nothing that reckons with them has to.
    fn checked(self) -> Result<Self, PositionError> {
        match self {
            Self::Snapshot { start, created, since, .. } => {
                in_range("start", Some(start))?;
                in_range("created", created)?;
                in_range("since", since)?;
            }
            Self::Follow { start, known, settled, fast, sweep, drain: _ } => {
                let times =
                    [("start", start), ("known", known), ("settled", settled), ("fast", fast), ("sweep", sweep)];
                for (field, time) in times {
                    in_range(field, Some(time))?;
                }
            }
        }
        Ok(self)
    }

    /// The position of this cursor in the stream of `resource`, as that of its `number`th record.
    pub fn to_position(&self, resource: &str, number: u64) -> opencdc::Position {
        let envelope = Envelope { v: VERSION, resource: resource.into(), n: number, cursor: self.clone() };
        // A struct of numbers and strings always has a JSON form.
        opencdc::Position::new(serde_json::to_vec(&envelope).unwrap_or_default())
    }
}

/// Reads a position: ours, or the Go connector's. `None` for an empty one, which means "from the beginning".
///
/// # Errors
/// When it is neither, is for another resource, was written by a newer version, or has a time that is none.
pub fn parse(position: &opencdc::Position, resource: &str) -> Result<Option<Resume>, PositionError> {
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
    if object.contains_key("v") {
        match object.get("v").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(found) if found > VERSION => return Err(PositionError::Newer { found }),
            _ => return Err(foreign(format!("its version makes no sense: {}", excerpt(bytes)))),
        }
        let envelope: Envelope<'_> = serde_json::from_slice(bytes)
            .map_err(|error| foreign(format!("it looks like one of ours, but {error}: {}", excerpt(bytes))))?;
        if envelope.resource != resource {
            return Err(PositionError::OtherResource {
                found: envelope.resource.into_owned(),
                expected: resource.to_owned(),
            });
        }
        return Ok(Some(Resume::At { cursor: envelope.cursor.checked()?, number: envelope.n }));
    }
    if object.contains_key("mode") {
        let go: GoPosition = serde_json::from_slice(bytes).map_err(|error| {
            foreign(format!("it looks like one of the Go connector, but {error}: {}", excerpt(bytes)))
        })?;
        // Go's zero time, of the year 1, stands for none.
        let millis = |field, time: Option<DateTime<Utc>>| {
            in_range(field, time.map(|time| time.timestamp_millis()).filter(|time| *time > 0))
        };
        return match go.mode.as_str() {
            "snapshot" => Ok(Some(Resume::GoSnapshot { initial: millis("initialTimestamp", go.initial_timestamp)? })),
            "cdc" => Ok(Some(Resume::GoCdc { timestamp: millis("timestamp", go.timestamp)? })),
            mode => Err(foreign(format!("it looks like one of the Go connector, but its mode is {mode:?}"))),
        };
    }
    Err(foreign(format!("it is a JSON object with the fields {}", fields(object))))
}

fn in_range(field: &'static str, time: Option<Millis>) -> Result<Option<Millis>, PositionError> {
    match time {
        Some(found) if !(0..=LATEST).contains(&found) => Err(PositionError::NoTime { field, found }),
        time => Ok(time),
    }
}

fn fields(object: &opencdc::Map) -> String {
    let names: Vec<_> = object.keys().take(8).map(|name| format!("{name:.32?}")).collect();
    if names.is_empty() { "(none)".to_owned() } else { names.join(", ") }
}

/// The first words of a position: enough to recognise whose it is.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<Resume>, PositionError> {
        parse(&opencdc::Position::new(text.as_bytes().to_vec()), "crm.contacts")
    }

    #[test]
    fn ours_come_back_as_they_were_written() {
        for cursor in [
            Cursor::Snapshot { start: 5, after: Some("51".into()), created: None, since: None },
            Cursor::Snapshot { start: 5, after: None, created: Some(7), since: Some(3) },
            Cursor::Follow { start: 1, known: 2, settled: 3, fast: 9, drain: Some(4), sweep: 5 },
            Cursor::Follow { start: 1, known: 2, settled: 3, fast: 9, drain: None, sweep: 5 },
        ] {
            let position = cursor.to_position("crm.contacts", 8);
            assert_eq!(parse(&position, "crm.contacts"), Ok(Some(Resume::At { cursor, number: 8 })));
        }
    }

    /// Positions are forever: these bytes were written by 0.2.0.
    #[test]
    fn version_1_is_fixed() {
        let written = r#"{"v":1,"resource":"crm.contacts","n":7,"phase":"follow","start":1,"known":2,"settled":3,"fast":9,"drain":4,"sweep":5}"#;
        let cursor = Cursor::Follow { start: 1, known: 2, settled: 3, fast: 9, drain: Some(4), sweep: 5 };
        assert_eq!(parsed(written), Ok(Some(Resume::At { cursor: cursor.clone(), number: 7 })));
        assert_eq!(cursor.to_position("crm.contacts", 7).to_string(), written);
        let written = r#"{"v":1,"resource":"crm.contacts","n":7,"phase":"snapshot","start":5,"after":"51"}"#;
        let cursor = Cursor::Snapshot { start: 5, after: Some("51".into()), created: None, since: None };
        assert_eq!(parsed(written), Ok(Some(Resume::At { cursor: cursor.clone(), number: 7 })));
        assert_eq!(cursor.to_position("crm.contacts", 7).to_string(), written);
    }

    #[test]
    fn times_that_are_none_are_refused_by_their_field() {
        let follow = r#"{"v":1,"resource":"crm.contacts","n":1,"phase":"follow","start":1,"known":2,"settled":3,"fast":9,"sweep":5}"#;
        let snapshot = r#"{"v":1,"resource":"crm.contacts","n":1,"phase":"snapshot","start":1,"created":2,"since":3}"#;
        for (position, fields) in
            [(follow, &["start", "known", "settled", "fast", "sweep"][..]), (snapshot, &["start", "created", "since"])]
        {
            let object: opencdc::Map = serde_json::from_str(position).unwrap();
            for field in fields {
                for (time, refused) in
                    [(i64::MIN, true), (-1, true), (0, false), (LATEST, false), (LATEST + 1, true), (i64::MAX, true)]
                {
                    let mut object = object.clone();
                    object.insert((*field).to_owned(), time.into());
                    let result = parsed(&Value::Object(object).to_string());
                    assert_eq!(result.is_err(), refused, "{field} {time}: {result:?}");
                    if let Err(error) = result {
                        assert!(error.to_string().contains(&format!("its {field} is {time}")), "{error}");
                    }
                }
            }
        }
        let error = parsed(r#"{"mode":"cdc","timestamp":"+200000-01-01T00:00:00Z"}"#).unwrap_err();
        assert!(matches!(error, PositionError::NoTime { field: "timestamp", .. }), "{error:?}");
    }

    #[test]
    fn the_go_connectors_positions_are_understood() {
        assert_eq!(
            parsed(
                r#"{"mode":"snapshot","itemId":"51","initialTimestamp":"2024-05-01T10:00:00.123456789Z","timestamp":"2024-01-01T00:00:00Z"}"#
            ),
            Ok(Some(Resume::GoSnapshot { initial: Some(1_714_557_600_123) }))
        );
        assert_eq!(
            parsed(r#"{"mode":"cdc","itemId":"51","timestamp":"2024-05-01T12:00:00.5+02:00"}"#),
            Ok(Some(Resume::GoCdc { timestamp: Some(1_714_557_600_500) }))
        );
        assert_eq!(
            parsed(r#"{"mode":"snapshot","itemId":"51","initialTimestamp":"0001-01-01T00:00:00Z"}"#),
            Ok(Some(Resume::GoSnapshot { initial: None }))
        );
    }

    #[test]
    fn what_is_not_ours_is_named() {
        for (text, said) in [
            ("hello", "not JSON but \"hello\""),
            ("[1]", "not an object"),
            (r#"{"lsn":5}"#, "the fields \"lsn\""),
            (r#"{"mode":"tail"}"#, "its mode is \"tail\""),
            (r#"{"v":1,"resource":"crm.contacts","phase":"later"}"#, "looks like one of ours"),
            (r#"{"v":9}"#, "version 9"),
            (r#"{"v":1,"resource":"crm.deals","phase":"snapshot","start":1}"#, "for the resource crm.deals"),
        ] {
            let error = parsed(text).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains('\n'));
        }
        assert_eq!(parsed(""), Ok(None));
    }
}
