//! Durations in Go's grammar.

use std::time::Duration;

use thiserror::Error;

/// A text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DurationError {
    /// It does not follow the grammar.
    #[error("a duration such as 300ms, 5s or 1h15m")]
    Syntax,
    /// It is in days or weeks, for which there is no unit: not all of them are as long.
    #[error("a duration (there is no unit for days: write 24h for one)")]
    Days,
    /// It is less than zero, which nothing here waits for.
    #[error("a duration of zero or more")]
    Negative,
    /// It is more than Go's durations hold, about 292 years.
    #[error("a duration of at most 2562047h47m16.854775807s")]
    TooLong,
}

/// Go's durations are nanoseconds in 63 bits.
const MOST: u128 = i64::MAX as u128;

/// Reads a duration as Go's `time.ParseDuration` does: numbers with a unit (`ns`, `us`, `µs`, `ms`, `s`, `m`, `h`), a sign
/// before them; or `0`. Fractions of a nanosecond are cut off.
///
/// ```
/// use std::time::Duration;
/// use conduit_connector_sdk::parse_duration;
///
/// assert_eq!(parse_duration("1h15m"), Ok(Duration::from_mins(75)));
/// assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
/// assert!(parse_duration("5").is_err());
/// assert!(parse_duration("-2m").is_err());
/// ```
///
/// # Errors
/// When the text is no duration, is a negative one, or is too long.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(DurationError::Syntax);
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let whole = digits(&mut rest);
        let fraction = match rest.strip_prefix('.') {
            Some(after) => {
                rest = after;
                digits(&mut rest)
            }
            None => "",
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(DurationError::Syntax);
        }
        let unit = unit(&mut rest)?;
        total = nanoseconds(whole, fraction, unit)
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= MOST + u128::from(negative))
            .ok_or(DurationError::TooLong)?;
    }
    if negative && total > 0 {
        return Err(DurationError::Negative);
    }
    u64::try_from(total).map(Duration::from_nanos).map_err(|_| DurationError::TooLong)
}

/// The digits at the start of the text, which moves on behind them.
fn digits<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(end);
    *rest = after;
    digits
}

/// The nanoseconds of the unit at the start of the text, which moves on behind it.
fn unit(rest: &mut &str) -> Result<u128, DurationError> {
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(end);
    *rest = after;
    Ok(match unit {
        "ns" => 1,
        // Both characters for micro: the sign of its own, and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" | "day" | "days" | "w" | "week" | "weeks" => return Err(DurationError::Days),
        _ => return Err(DurationError::Syntax),
    })
}

fn nanoseconds(whole: &str, fraction: &str, unit: u128) -> Option<u128> {
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Eighteen digits of an hour are far below a nanosecond; Go too stops looking before they overflow.
    let fraction = &fraction[..fraction.len().min(18)];
    let part = match fraction.parse::<u128>() {
        Ok(number) => number * unit / 10_u128.pow(fraction.len() as u32),
        Err(_) => 0,
    };
    whole.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gos_own_examples() {
        // From the table of tests of Go's package time.
        for (text, nanoseconds) in [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("30s", 30_000_000_000),
            ("1478s", 1_478_000_000_000),
            ("+5s", 5_000_000_000),
            ("+0", 0),
            ("-0", 0),
            ("-0s", 0),
            ("5.0s", 5_000_000_000),
            ("5.6s", 5_600_000_000),
            ("5.s", 5_000_000_000),
            (".5s", 500_000_000),
            ("1.0040s", 1_004_000_000),
            ("100.00100s", 100_001_000_000),
            ("10ns", 10),
            ("11us", 11_000),
            ("12µs", 12_000),
            ("12\u{3bc}s", 12_000),
            ("13ms", 13_000_000),
            ("15m", 900_000_000_000),
            ("16h", 57_600_000_000_000),
            ("3h30m", 12_600_000_000_000),
            ("10.5s4m", 250_500_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("39h9m14.425s", 140_954_425_000_000),
            ("52763797000ns", 52_763_797_000),
            ("0.3333333333333333333h", 1_200_000_000_000 - 1),
            ("9007199254740993ns", 9_007_199_254_740_993),
            ("9223372036854775807ns", 9_223_372_036_854_775_807),
            ("9223372036s854ms775us807ns", 9_223_372_036_854_775_807),
            ("0.9223372036854775807h", 3_320_413_933_267),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn what_go_refuses() {
        for text in [
            "",
            "3",
            "-",
            "s",
            ".",
            "-.",
            ".s",
            "+.s",
            "1y",
            "d",
            "\u{85}\u{85}",
            "1h 2m",
            " 1s",
            "3000000h x",
            "1_000s",
            "1e3s",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError::Syntax), "{text:?}");
        }
        for text in ["1d", "1.5d", "2days", "1d12h", "12h1d", "-1d", "1w"] {
            assert_eq!(parse_duration(text), Err(DurationError::Days), "{text:?}");
        }
        for text in
            ["9223372036854775808ns", "9223372036855ms", "3000000h", "99999999999999999999999999999999999999999999h"]
        {
            assert_eq!(parse_duration(text), Err(DurationError::TooLong), "{text:?}");
        }
        for text in ["-5s", "-2m", "-1ns", "-9223372036854775808ns"] {
            assert_eq!(parse_duration(text), Err(DurationError::Negative), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_add_up(parts in prop::collection::vec((0..1000_u64, 0..7_usize), 1..6), plus in any::<bool>()) {
            const UNITS: [(&str, u64); 7] = [
                ("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
                ("h", 3_600_000_000_000),
            ];
            let digits: String = parts.iter().map(|(number, unit)| number.to_string() + UNITS[*unit].0).collect();
            let text = if plus { format!("+{digits}") } else { digits.clone() };
            let sum = parts.iter().map(|(number, unit)| number * UNITS[*unit].1).sum();
            prop_assert_eq!(parse_duration(&text), Ok(Duration::from_nanos(sum)));
            let negative = format!("-{digits}");
            let expected = if sum == 0 { Ok(Duration::ZERO) } else { Err(DurationError::Negative) };
            prop_assert_eq!(parse_duration(&negative), expected);
        }

        #[test]
        fn fractions_are_exact_to_the_nanosecond(seconds in 0..1_000_000_u64, nanoseconds in 0..1_000_000_000_u64) {
            let text = format!("{seconds}.{nanoseconds:09}s");
            prop_assert_eq!(parse_duration(&text), Ok(Duration::new(seconds, nanoseconds as u32)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = parse_duration(&text);
        }

        #[test]
        fn what_rust_prints_in_one_unit_is_read_back(milliseconds in 0..10_000_000_u64) {
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(parse_duration(&format!("{duration:?}")), Ok(duration));
        }
    }
}
