//! Properties that the object type doesn't have, and that can be made (`createProperties`).
//!
//! What such a property is, is guessed from its value: a boolean is a checkbox, a number a number, text that is a day or an instant of
//! ISO 8601 a date or a date-time, any other text a text. Where two records disagree, it is a text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hubspot_client::{PropertyCreate, PropertyOption};
use serde_json::Value;

use super::facts::{LONGEST_NAME, RESERVED_PREFIXES};
use super::time;

/// A property that isn't there, with a guess of what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The name that it gets.
    pub name: String,
    /// The payload's name for it.
    pub label: String,
    /// What it seems to be.
    pub guess: Guess,
}

/// What a property seems to be, by one of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    Text,
    Number,
    Bool,
    Date,
    DateTime,
}

impl Guess {
    /// `None` for what can't be a value of a property that isn't there: lists and maps, and null, which says nothing.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(_) => Some(Self::Bool),
            Value::Number(_) => Some(Self::Number),
            // Days and instants begin with four digits and a hyphen; text that is milliseconds might be anything.
            Value::String(text) if text.as_bytes().get(4) == Some(&b'-') && time::date_time(value).is_some() => {
                Some(if text.len() == 10 { Self::Date } else { Self::DateTime })
            }
            Value::String(_) => Some(Self::Text),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// HubSpot's `type` and `fieldType`.
    const fn types(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("string", "text"),
            Self::Number => ("number", "number"),
            Self::Bool => ("enumeration", "booleancheckbox"),
            Self::Date => ("date", "date"),
            Self::DateTime => ("datetime", "date"),
        }
    }
}

/// The name that a property can have in HubSpot: lower-case letters, digits and underscores, a letter first. `None` where nothing of
/// the kind is left, and for names that HubSpot keeps for itself.
pub(super) fn hubspots_name(name: &str) -> Option<Cow<'_, str>> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let allowed = if name.chars().all(is_plain) {
        Cow::Borrowed(name)
    } else {
        let mut allowed = String::with_capacity(name.len());
        for c in name.trim().chars().map(|c| c.to_ascii_lowercase()) {
            match c {
                c if is_plain(c) => allowed.push(c),
                _ if allowed.ends_with('_') => {}
                _ => allowed.push('_'),
            }
        }
        Cow::Owned(allowed.trim_matches('_').to_owned())
    };
    let begins_well = allowed.starts_with(|c: char| c.is_ascii_lowercase());
    let is_reserved = RESERVED_PREFIXES.iter().any(|prefix| allowed.starts_with(prefix));
    (begins_well && !is_reserved && allowed.len() <= LONGEST_NAME).then_some(allowed)
}

/// The missing properties of one object type, over many records.
#[derive(Clone, Debug, Default)]
pub(crate) struct MissingProperties(BTreeMap<String, (String, Guess)>);

impl MissingProperties {
    /// Takes those of one record.
    pub(crate) fn extend(&mut self, missing: Vec<Missing>) {
        for Missing { name, label, guess } in missing {
            match self.0.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert((label, guess));
                }
                Entry::Occupied(mut entry) if entry.get().1 != guess => entry.get_mut().1 = Guess::Text,
                Entry::Occupied(_) => {}
            }
        }
    }

    /// What to send to HubSpot, in the order of the names. `group` is a group that exists: the definitions'
    /// [`default_group`](crate::definitions::Definitions::default_group).
    pub(crate) fn into_creates(self, group: &str) -> Vec<PropertyCreate> {
        self.0.into_iter().map(|(name, (label, guess))| create(name, label, guess, group)).collect()
    }
}

fn create(name: String, label: String, guess: Guess, group: &str) -> PropertyCreate {
    let (type_, field_type) = guess.types();
    // HubSpot wants both options of a checkbox.
    let options = match guess {
        Guess::Bool => vec![option("true", "Yes", 0), option("false", "No", 1)],
        _ => Vec::new(),
    };
    PropertyCreate {
        name,
        label,
        type_: type_.to_owned(),
        field_type: field_type.to_owned(),
        group_name: group.to_owned(),
        options,
        ..PropertyCreate::default()
    }
}

fn option(value: &str, label: &str, place: i64) -> PropertyOption {
    let (value, label, display_order) = (value.to_owned(), label.to_owned(), Some(place));
    PropertyOption { value, label, display_order, ..PropertyOption::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_become_hubspots() {
        for (name, allowed) in [
            ("lead_score", Some("lead_score")),
            ("Lead Score (%)", Some("lead_score")),
            ("leadScore", Some("leadscore")),
            ("größe", Some("gr_e")),
            (" a.b-c ", Some("a_b_c")),
            ("2nd", None),
            ("_x", None),
            ("日本", None),
            ("", None),
            ("hs_score", None),
            ("HubSpot_score", None),
            (&"a".repeat(101), None),
        ] {
            assert_eq!(hubspots_name(name).as_deref(), allowed, "{name}");
        }
    }

    #[test]
    fn a_property_is_what_its_value_seems_to_be() {
        for (value, guess) in [
            (json!(true), Some(Guess::Bool)),
            (json!(1.5), Some(Guess::Number)),
            (json!("1.5"), Some(Guess::Text)),
            (json!("2026-01-31"), Some(Guess::Date)),
            (json!("2026-01-31T12:30:00+02:00"), Some(Guess::DateTime)),
            (json!("2026-01-31 12:30:00"), Some(Guess::DateTime)),
            (json!("1769862600123"), Some(Guess::Text)),
            (json!("-100-1"), Some(Guess::Text)),
            (json!(null), None),
            (json!([1]), None),
        ] {
            assert_eq!(Guess::of(&value), guess, "{value}");
        }
    }

    #[test]
    fn what_records_disagree_on_is_text() {
        let missing = |name: &str, guess| Missing { name: name.to_owned(), label: name.to_uppercase(), guess };
        let mut all = MissingProperties::default();
        all.extend(vec![missing("b", Guess::Bool), missing("a", Guess::Number)]);
        all.extend(vec![missing("b", Guess::Bool), missing("a", Guess::Date)]);
        all.extend(vec![missing("a", Guess::Number)]);
        let creates = serde_json::to_value(all.into_creates("ours")).unwrap();
        let [a, b] = creates.as_array().unwrap().as_slice() else { panic!("{creates}") };
        assert_eq!(
            (&a["name"], &a["label"], &a["type"], &a["groupName"]),
            (&json!("a"), &json!("A"), &json!("string"), &json!("ours"))
        );
        assert_eq!((&b["type"], &b["fieldType"]), (&json!("enumeration"), &json!("booleancheckbox")));
        assert_eq!((&b["options"][0]["value"], &b["options"][1]["value"]), (&json!("true"), &json!("false")));
    }
}
