//! Dates, times and decimals: Avro's logical types as text.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

use super::parse::Precision;

/// The day that dates count from.
const EPOCH: NaiveDate = DateTime::UNIX_EPOCH.naive_utc().date();

/// Days since 1970 of `2024-02-29`.
pub(super) fn days(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    i32::try_from(date.signed_duration_since(EPOCH).num_days()).ok()
}

pub(super) fn date_text(days: i32) -> Option<String> {
    Some(EPOCH.checked_add_signed(chrono::TimeDelta::try_days(days.into())?)?.to_string())
}

/// What a timestamp counts, of a time in RFC 3339; nothing where it would lose digits.
pub(super) fn timestamp(text: &str, precision: Precision) -> Option<i64> {
    count(DateTime::parse_from_rfc3339(text).ok()?.to_utc(), precision)
}

pub(super) fn timestamp_text(count: i64, precision: Precision) -> Option<String> {
    Some(time(count, precision)?.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// The same of a time without an offset: `2024-02-29T12:00:00.5`.
pub(super) fn local_timestamp(text: &str, precision: Precision) -> Option<i64> {
    count(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc(), precision)
}

pub(super) fn local_timestamp_text(count: i64, precision: Precision) -> Option<String> {
    let mut text = timestamp_text(count, precision)?;
    text.pop();
    Some(text)
}

fn count(time: DateTime<Utc>, precision: Precision) -> Option<i64> {
    let nanos = time.timestamp_subsec_nanos();
    match precision {
        // A leap second has more nanoseconds than a second; no count has a place for it.
        _ if nanos >= 1_000_000_000 => None,
        Precision::Millis => nanos.is_multiple_of(1_000_000).then(|| time.timestamp_millis()),
        Precision::Micros => nanos.is_multiple_of(1_000).then(|| time.timestamp_micros()),
        Precision::Nanos => time.timestamp_nanos_opt(),
    }
}

fn time(count: i64, precision: Precision) -> Option<DateTime<Utc>> {
    match precision {
        Precision::Millis => DateTime::from_timestamp_millis(count),
        Precision::Micros => DateTime::from_timestamp_micros(count),
        Precision::Nanos => Some(DateTime::from_timestamp_nanos(count)),
    }
}

/// A decimal's digits, from its big-endian two's complement, without a limit to their number.
pub(super) fn decimal_text(bytes: &[u8], scale: usize) -> String {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude = bytes.to_vec();
    if negative {
        negate(&mut magnitude);
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest = 0_u16;
        for byte in &mut magnitude {
            let part = rest << 8 | u16::from(*byte);
            *byte = (part / 10) as u8;
            rest = part % 10;
        }
        digits.push(b'0' + rest as u8);
    }
    while digits.len() <= scale {
        digits.push(b'0');
    }
    let mut text = String::with_capacity(digits.len() + 2);
    if negative {
        text.push('-');
    }
    for (index, digit) in digits.iter().enumerate().rev() {
        text.push(char::from(*digit));
        if index == scale && scale > 0 {
            text.push('.');
        }
    }
    text
}

/// The two's complement of a decimal in digits, in so many bytes or as few as it takes. Nothing where it isn't one that
/// [`decimal_text`] writes, or where it is too large.
pub(super) fn decimal_bytes(text: &str, scale: usize, size: Option<usize>) -> Option<Vec<u8>> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() || fraction.len() != scale || (scale == 0 && unsigned.contains('.')) {
        return None;
    }
    // The least byte first, while it grows.
    let mut magnitude: Vec<u8> = Vec::new();
    for digit in whole.bytes().chain(fraction.bytes()) {
        let mut carry = u16::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        for byte in &mut magnitude {
            let part = u16::from(*byte) * 10 + carry;
            *byte = part as u8;
            carry = part >> 8;
        }
        if carry > 0 {
            magnitude.push(carry as u8);
        }
    }
    // A byte for the sign, then no more than it takes.
    magnitude.push(0);
    magnitude.reverse();
    if negative {
        negate(&mut magnitude);
    }
    let sign = if magnitude[0] & 0x80 == 0 { 0 } else { 0xff };
    while magnitude.len() > 1 && magnitude[0] == sign && (magnitude[1] ^ sign) & 0x80 == 0 {
        magnitude.remove(0);
    }
    // Zero has no sign, and leading zeros are none of a number's.
    if decimal_text(&magnitude, scale) != text {
        return None;
    }
    match size {
        None => Some(magnitude),
        Some(size) if magnitude.len() > size => None,
        Some(size) => {
            let mut bytes = vec![sign; size - magnitude.len()];
            bytes.append(&mut magnitude);
            Some(bytes)
        }
    }
}

/// Two's complement, in place. The magnitude of the least number of so many bytes is right too, as unsigned.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        let (negated, overflow) = (!*byte).overflowing_add(u8::from(carry));
        *byte = negated;
        carry = overflow;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_keep_their_instant_or_are_refused() {
        let millis = |text| timestamp(text, Precision::Millis);
        assert_eq!(millis("1970-01-01T00:00:01.5Z"), Some(1_500));
        assert_eq!(millis("1970-01-01T02:00:00+02:00"), Some(0));
        assert_eq!(millis("1970-01-01T00:00:00.0001Z"), None);
        assert_eq!(millis("2016-12-31T23:59:60Z"), None);
        assert_eq!(timestamp("1970-01-01T00:00:00.0001Z", Precision::Micros), Some(100));
        assert_eq!(timestamp_text(-1, Precision::Millis).as_deref(), Some("1969-12-31T23:59:59.999Z"));
        assert_eq!(timestamp_text(i64::MAX, Precision::Millis), None);
        assert_eq!(local_timestamp("1970-01-01T00:00:00.25", Precision::Millis), Some(250));
        assert_eq!(local_timestamp_text(250, Precision::Millis).as_deref(), Some("1970-01-01T00:00:00.250"));
        assert_eq!(days("2024-02-29").and_then(date_text).as_deref(), Some("2024-02-29"));
        assert_eq!((days("1969-12-31"), days("2023-02-29")), (Some(-1), None));
        // However they were written they come back in one way, as `Schema::encode` says.
        assert_eq!(days("2024-2-9").and_then(date_text).as_deref(), Some("2024-02-09"));
        let there_and_back = |text| timestamp_text(millis(text)?, Precision::Millis);
        assert_eq!(there_and_back("2024-02-29T14:00:00.5+02:00").as_deref(), Some("2024-02-29T12:00:00.500Z"));
    }

    #[test]
    fn decimals_are_two_s_complement() {
        for (text, scale, bytes) in [
            ("0", 0, &[0][..]),
            ("0.00", 2, &[0]),
            ("1.27", 2, &[127]),
            ("1.28", 2, &[0, 128]),
            ("-1.28", 2, &[128]),
            ("-1.29", 2, &[255, 127]),
            ("-0.01", 2, &[255]),
        ] {
            assert_eq!(decimal_bytes(text, scale, None).as_deref(), Some(bytes), "{text}");
            assert_eq!(decimal_text(bytes, scale), text);
        }
        assert_eq!(decimal_bytes("-1", 0, Some(3)).as_deref(), Some(&[255, 255, 255][..]));
        for (text, scale, size) in [
            ("", 0, None),
            ("-", 0, None),
            ("1.", 0, None),
            ("1", 2, None),
            ("-0", 0, None),
            ("01", 0, None),
            ("1e3", 0, None),
            ("128", 0, Some(1)),
        ] {
            assert_eq!(decimal_bytes(text, scale, size), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn decimals_come_back(number in any::<i128>(), scale in 0_usize..45) {
            let text = decimal_text(&number.to_be_bytes(), scale);
            let bytes = decimal_bytes(&text, scale, None).unwrap();
            prop_assert!(bytes.len() <= 16);
            prop_assert_eq!(decimal_text(&bytes, scale), text.as_str());
            prop_assert_eq!(decimal_bytes(&text, scale, Some(16)).unwrap(), number.to_be_bytes());
            if scale == 0 {
                prop_assert_eq!(text, number.to_string());
            }
        }
    }
}
