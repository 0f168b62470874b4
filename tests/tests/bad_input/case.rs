//! What a case is, and the usual kinds of them.

use hubspot_emulator::{Account, Fault, FaultRule};
use opencdc::{Data, Metadata, Operation, Position, Record};
use serde_json::{Value, json};

/// One thing that is wrong.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) side: Side,
    /// Settings beside, or instead of, those that are right; nothing takes one away.
    pub(crate) settings: Vec<(&'static str, Option<&'static str>)>,
    pub(crate) prepare: fn(&Account),
    /// What the error has to say.
    pub(crate) words: Vec<&'static str>,
    /// The most requests that HubSpot may have got.
    pub(crate) requests: u64,
}

pub(crate) enum Side {
    Source { position: Option<&'static str> },
    Destination { record: fn() -> Record },
}

/// A source with these settings.
pub(crate) fn source(name: &'static str, settings: &[(&'static str, &'static str)], words: &[&'static str]) -> Case {
    Case {
        name,
        side: Side::Source { position: None },
        settings: settings.iter().map(|(name, value)| (*name, Some(*value))).collect(),
        prepare: |_| {},
        words: words.to_vec(),
        requests: 0,
    }
}

/// A source without a setting.
pub(crate) fn without(name: &'static str, setting: &'static str, words: &[&'static str]) -> Case {
    Case { settings: vec![(setting, None)], ..source(name, &[], words) }
}

/// A source that resumes here.
pub(crate) fn position(name: &'static str, position: &'static str, words: &[&'static str]) -> Case {
    Case { side: Side::Source { position: Some(position) }, ..source(name, &[], words) }
}

/// A source, and an account that is like this.
pub(crate) fn refused(name: &'static str, prepare: fn(&Account), words: &[&'static str]) -> Case {
    Case { prepare, requests: 10, ..source(name, &[("maxRetries", "1")], words) }
}

/// A source with these settings, and an account that is like this.
pub(crate) fn refused_for(
    name: &'static str,
    settings: &[(&'static str, &'static str)],
    prepare: fn(&Account),
    words: &[&'static str],
) -> Case {
    Case { prepare, requests: 10, ..source(name, settings, words) }
}

pub(crate) fn define_cars(account: &Account) {
    account.define_type("cars");
}

/// A destination that is given this record.
pub(crate) fn written(name: &'static str, record: fn() -> Record, words: &[&'static str]) -> Case {
    Case { side: Side::Destination { record }, requests: 10, ..source(name, &[("maxRetries", "1")], words) }
}

pub(crate) fn always(account: &Account, fault: Fault) {
    account.fail_matching(FaultRule { method: None, path_contains: String::new(), fault, times: u32::MAX });
}

pub(crate) fn contact() -> Record {
    keyed(Operation::Create, json!({"id": "1"}), Some(json!({"properties": {"email": "ada@example.com"}})))
}

pub(crate) fn keyed(operation: Operation, key: Value, after: Option<Value>) -> Record {
    let data = |value| Data::try_from(value).unwrap();
    let payload = opencdc::Change { before: None, after: after.map(data) };
    Record { position: Position::new("1"), operation, metadata: Metadata::new(), key: Some(data(key)), payload }
}

/// A destination with these settings, which are refused before HubSpot is asked for anything.
pub(crate) fn writing(name: &'static str, settings: &[(&'static str, &'static str)], words: &[&'static str]) -> Case {
    Case { side: Side::Destination { record: contact }, ..source(name, settings, words) }
}

/// A destination with these settings, and an account that is like this.
pub(crate) fn writing_to(
    name: &'static str,
    settings: &[(&'static str, &'static str)],
    prepare: fn(&Account),
    words: &[&'static str],
) -> Case {
    Case { prepare, requests: 10, ..writing(name, settings, words) }
}

/// A destination with these settings that is given this record.
pub(crate) fn written_with(
    name: &'static str,
    settings: &[(&'static str, &'static str)],
    record: fn() -> Record,
    words: &[&'static str],
) -> Case {
    Case { side: Side::Destination { record }, requests: 10, ..source(name, settings, words) }
}
