//! Days and instants as HubSpot takes them: `2026-01-31`, and ISO 8601 in UTC with milliseconds.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use serde_json::Value;

/// The first and the last instant that can be written with four digits for the year, in milliseconds since 1970.
const INSTANTS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// ISO 8601 beyond RFC 3339: offsets such as `+0200` and `+02`, and times without seconds.
const ALSO: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];

/// Without an offset, as `timestamp` columns of databases are: read as UTC, in which HubSpot keeps all times.
const UTC: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];

/// A property of type `date`: a day, or an instant that is a midnight in UTC.
pub(super) fn date(value: &Value) -> Option<String> {
    if let Value::String(text) = value
        && is_day(text)
    {
        return Some(text.clone());
    }
    let at = instant(value)?;
    (at.time() == NaiveTime::MIN).then(|| at.date_naive().to_string())
}

/// A property of type `datetime`. What HubSpot itself writes so stays as it is; what is finer than milliseconds is cut off.
pub(super) fn date_time(value: &Value) -> Option<String> {
    let at = instant(value)?;
    match value {
        Value::String(text) if is_hubspots(text) => Some(text.clone()),
        _ => Some(at.to_rfc3339_opts(SecondsFormat::Millis, true)),
    }
}

/// ISO 8601, in UTC where it has no offset, with a space for the `T` if need be, a day (its midnight in UTC), or milliseconds since
/// 1970, as a number or as text.
fn instant(value: &Value) -> Option<DateTime<Utc>> {
    let millis = match value {
        Value::Number(number) => whole(number)?,
        Value::String(text) => millis_of(text.trim())?,
        _ => return None,
    };
    if INSTANTS.contains(&millis) { DateTime::from_timestamp_millis(millis) } else { None }
}

fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        // Up to 2^53 every whole float is exact.
        (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
    })
}

fn millis_of(text: &str) -> Option<i64> {
    if let Ok(millis) = text.parse::<i64>() {
        return (!text.starts_with('+')).then_some(millis);
    }
    if is_day(text) {
        return text.parse().ok().map(midnight);
    }
    // Databases write a space between day and time.
    let text = match text.as_bytes().get(10) {
        Some(b' ') => Cow::Owned(text.replacen(' ', "T", 1)),
        _ => Cow::Borrowed(text),
    };
    let parsed = DateTime::parse_from_rfc3339(&text).ok();
    let parsed = parsed.or_else(|| ALSO.iter().find_map(|format| DateTime::parse_from_str(&text, format).ok()));
    let at = parsed.map(|at| at.timestamp_millis());
    let in_utc = || UTC.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    at.or_else(|| in_utc().map(|at| at.and_utc().timestamp_millis()))
}

fn midnight(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

/// `2026-01-31`, and no other way to write it.
fn is_day(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok_and(|day| day.to_string() == text)
}

/// Whether an instant is written as HubSpot writes them: `2026-01-31T12:30:00Z`, with up to three digits of a second's fraction.
fn is_hubspots(text: &str) -> bool {
    let Some(time) = text.strip_suffix('Z') else { return false };
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, "000"));
    seconds.len() == 19
        && seconds.as_bytes()[10] == b'T'
        && (1..=3).contains(&fraction.len())
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn days_are_days_and_midnights_in_utc() {
        for value in [
            json!("2026-01-31"),
            json!(" 2026-01-31 "),
            json!("2026-01-31T00:00:00Z"),
            json!("2026-01-31T00:00:00.000Z"),
            json!("2026-01-31T02:00:00+02:00"),
            json!("2026-01-31T00:00:00"),
            json!(1_769_817_600_000_i64),
            json!(1_769_817_600_000.0),
            json!("1769817600000"),
        ] {
            assert_eq!(date(&value).as_deref(), Some("2026-01-31"), "{value}");
        }
        for value in [
            json!("2026-01-31T00:00:01"),
            json!("2026-01-31T00:00:00+02:00"),
            json!("2026-01-31T12:30:00Z"),
            json!(1_769_817_600_001_i64),
            json!(1_769_817_600_000.5),
            json!("31.01.2026"),
            json!("2026-1-31"),
            json!("2026-02-30"),
            json!("+1769817600000"),
            json!("today"),
            json!(true),
            json!(["2026-01-31"]),
            json!(i64::MAX),
            json!(1e300),
        ] {
            assert_eq!(date(&value), None, "{value}");
        }
    }

    #[test]
    fn instants_become_iso_in_utc_with_milliseconds() {
        for (value, expected) in [
            (json!("2026-01-31T12:30:00.5+02:00"), "2026-01-31T10:30:00.500Z"),
            (json!("2026-01-31T12:30:00.123999Z"), "2026-01-31T12:30:00.123Z"),
            (json!("2026-01-31T12:30:00+0200"), "2026-01-31T10:30:00.000Z"),
            (json!("2026-01-31T12:30:00.25+02"), "2026-01-31T10:30:00.250Z"),
            (json!("2026-01-31T12:30Z"), "2026-01-31T12:30:00.000Z"),
            (json!("2026-01-31t12:30:00z"), "2026-01-31T12:30:00.000Z"),
            (json!("2026-01-31 12:30:00Z"), "2026-01-31T12:30:00.000Z"),
            (json!("2026-01-31 14:30:00.25+02"), "2026-01-31T12:30:00.250Z"),
            (json!("2026-01-31T12:30:00"), "2026-01-31T12:30:00.000Z"),
            (json!("2026-01-31 12:30:00.123456"), "2026-01-31T12:30:00.123Z"),
            (json!("2026-01-31T12:30"), "2026-01-31T12:30:00.000Z"),
            (json!("2026-01-31"), "2026-01-31T00:00:00.000Z"),
            (json!(1_769_862_600_123_i64), "2026-01-31T12:30:00.123Z"),
            (json!("1769862600123"), "2026-01-31T12:30:00.123Z"),
            (json!(-1), "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(date_time(&value).as_deref(), Some(expected), "{value}");
        }
        for value in [json!("2026-01-31T25:30:00"), json!("12:30"), json!(1.5), json!(true), json!({}), json!("soon")] {
            assert_eq!(date_time(&value), None, "{value}");
        }
    }

    #[test]
    fn what_hubspot_writes_stays_as_it_is() {
        for text in ["2026-01-31T12:30:00Z", "2026-01-31T12:30:00.5Z", "2026-01-31T12:30:00.123Z"] {
            assert_eq!(date_time(&json!(text)).as_deref(), Some(text));
        }
        assert_eq!(date_time(&json!("2026-02-30T12:30:00Z")), None);
    }

    proptest! {
        #[test]
        fn every_instant_comes_back_from_every_form(millis in INSTANTS) {
            let text = date_time(&json!(millis)).unwrap();
            prop_assert_eq!(DateTime::parse_from_rfc3339(&text).unwrap().timestamp_millis(), millis);
            prop_assert_eq!(date_time(&json!(millis.to_string())), Some(text.clone()));
            prop_assert_eq!(date_time(&json!(text)), Some(text.clone()));
            let day = date(&json!(millis.div_euclid(86_400_000) * 86_400_000)).unwrap();
            prop_assert!(text.starts_with(&day));
            prop_assert_eq!(date(&json!(day)), Some(day.clone()));
        }

        #[test]
        fn no_text_breaks_it(text in "[-+TZ:.0-9 ]{0,30}|\\PC{0,30}") {
            let value = json!(text);
            let _ = (date(&value), date_time(&value));
        }
    }
}
