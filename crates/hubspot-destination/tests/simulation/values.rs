//! What stands in payloads, and what HubSpot keeps of it.

use fastrand::Rng;
use hubspot_emulator::Account;
use serde_json::{Value, json};

use super::setting::{CODE, REFERENCE};

/// The property that says which record's key made an object. It is in every payload, and always the same for a key.
pub(super) const KEY: &str = "sim_key";
/// One that nobody may write.
pub(super) const LOCKED: &str = "sim_locked";
/// Points in time, which may be written in several ways.
pub(super) const TIME: &str = "sim_time";

/// A value as a record has it, and as HubSpot keeps it; nothing clears.
pub(super) struct Fit {
    pub(super) property: &'static str,
    pub(super) sent: Value,
    pub(super) kept: Option<String>,
}

/// Gives an object type the test's own properties.
pub(super) fn define(account: &Account, object_type: &str) {
    let options =
        |values: &[&str]| -> Value { values.iter().map(|value| json!({"value": value, "label": value})).collect() };
    for definition in [
        json!({"name": KEY}),
        json!({"name": "sim_text", "fieldType": "textarea"}),
        json!({"name": "sim_number", "type": "number"}),
        json!({"name": "sim_bool", "type": "bool", "fieldType": "booleancheckbox", "options": options(&["true", "false"])}),
        json!({"name": "sim_date", "type": "date", "fieldType": "date"}),
        json!({"name": TIME, "type": "datetime", "fieldType": "date"}),
        json!({"name": "sim_choice", "type": "enumeration", "fieldType": "select", "options": options(&["red", "green", "blue"])}),
        json!({"name": "sim_many", "type": "enumeration", "fieldType": "checkbox", "options": options(&["a", "b", "c", "d"])}),
        json!({"name": REFERENCE, "hasUniqueValue": true}),
        json!({"name": CODE, "hasUniqueValue": true}),
        json!({"name": LOCKED, "readOnlyValue": true}),
    ] {
        account.define_property(object_type, &definition);
    }
}

/// A value that fits.
pub(super) fn fitting(rng: &mut Rng, number: usize) -> Fit {
    let fit = |property, sent: Value, kept: &str| Fit { property, sent, kept: Some(kept.to_owned()) };
    let n = rng.u16(..);
    match rng.u8(..14) {
        0..4 => fit("sim_text", json!(format!("text of {number}")), &format!("text of {number}")),
        4 => fit("sim_text", json!(n), &n.to_string()),
        5 => fit("sim_number", json!(n), &n.to_string()),
        6 => fit("sim_number", json!(format!("{n}.50")), &format!("{n}.50")),
        7 => {
            let (sent, kept) =
                [(json!(true), "true"), (json!("FALSE"), "false"), (json!("true"), "true")][rng.usize(..3)].clone();
            fit("sim_bool", sent, kept)
        }
        8 => {
            let day = format!("2026-{:02}-{:02}", 1 + n % 12, 1 + n % 28);
            fit("sim_date", json!(if n.is_multiple_of(2) { day.clone() } else { format!("{day}T00:00:00Z") }), &day)
        }
        9 => {
            let millis = 1_700_000_000_000 + i64::from(n) * 1_000;
            let text = iso(millis);
            fit(TIME, if n.is_multiple_of(2) { json!(millis) } else { json!(text) }, &text)
        }
        10 => {
            let choice = ["red", "green", "blue"][rng.usize(..3)];
            fit("sim_choice", json!(choice), choice)
        }
        11 => {
            let (sent, kept) =
                [(json!(["a", "c"]), "a;c"), (json!("d;b"), "d;b"), (json!(["b"]), "b")][rng.usize(..3)].clone();
            fit("sim_many", sent, kept)
        }
        _ => {
            let property = ["sim_text", "sim_number", "sim_choice", TIME][rng.usize(..4)];
            Fit { property, sent: if rng.bool() { Value::Null } else { json!("") }, kept: None }
        }
    }
}

/// A value that doesn't.
pub(super) fn unfit(rng: &mut Rng) -> (&'static str, Value) {
    let all = [
        ("sim_number", json!("n/a")),
        ("sim_number", json!(true)),
        ("sim_bool", json!("maybe")),
        ("sim_date", json!("someday")),
        ("sim_date", json!("2026-01-31T12:30:00Z")),
        (TIME, json!("tomorrow")),
        ("sim_choice", json!("pink")),
        ("sim_many", json!(["a", "zz"])),
        ("sim_text", json!({"a": 1})),
    ];
    all[rng.usize(..all.len())].clone()
}

fn iso(millis: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(millis).expect("a time");
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The same value in one form: points in time can be written in several.
pub(super) fn same_form(property: &str, value: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(value) {
        Ok(at) if property == TIME => iso(at.timestamp_millis()),
        _ => value.to_owned(),
    }
}
