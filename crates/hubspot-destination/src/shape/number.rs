//! Numbers as HubSpot takes them: decimal text, without an exponent, rounded nowhere.

use serde_json::Number;

/// The longest text that is taken for a number. The longest that a float needs is some 350 characters.
const LONGEST: usize = 400;

/// A JSON number as decimal text: the shortest that reads as the same number.
pub(super) fn of_number(number: &Number) -> String {
    let float = match number.as_f64() {
        Some(float) if number.is_f64() => float,
        _ => return number.to_string(),
    };
    // Rust writes floats without an exponent. There is no negative zero in HubSpot.
    if float == 0.0 { "0".to_owned() } else { float.to_string() }
}

/// Text that is a number, as decimal text. Plain decimals stay as they are, digit for digit; `None` where it is no number.
pub(super) fn of_text(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, exponent(power)?),
        None => (unsigned, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if (before.is_empty() && after.is_empty()) || !are_digits(before) || !are_digits(after) {
        return None;
    }
    if power == 0 && !before.is_empty() && (!after.is_empty() || !mantissa.ends_with('.')) {
        return Some(format!("{sign}{mantissa}"));
    }
    moved(sign, before, after, power)
}

/// The number with its point moved: zeros filled in where digits are missing, none left at the ends.
fn moved(sign: &str, before: &str, after: &str, power: i32) -> Option<String> {
    let digits = [before, after].concat();
    // Where the point is, counted from the first digit.
    let point = before.len() as i32 + power;
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let digits = digits.trim_start_matches('0').trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let point = point - leading as i32;
    let length = digits.len() as i32;
    if point.abs().max(length) > LONGEST as i32 {
        return None;
    }
    let zeros = |count: i32| "0".repeat(count.max(0) as usize);
    Some(if point <= 0 {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else if point >= length {
        format!("{sign}{digits}{}", zeros(point - length))
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        format!("{sign}{whole}.{fraction}")
    })
}

/// A power of ten: up to four digits, with a sign or without.
fn exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let fits = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_decimals_stay_digit_for_digit() {
        for text in ["0", "42", "-4.25", "42.50", "007", "-0.10", "12345678901234567890.12345678901234567890"] {
            assert_eq!(of_text(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn other_ways_to_write_a_number_become_plain() {
        for (text, plain) in [
            (" 42\n", "42"),
            ("+42", "42"),
            (".5", "0.5"),
            ("-.50", "-0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.5E+3", "1500"),
            ("-1.25e1", "-12.5"),
            ("1200e-2", "12"),
            ("1e-7", "0.0000001"),
            ("0e9", "0"),
            ("-0.0e5", "0"),
            ("0.012e3", "12"),
        ] {
            assert_eq!(of_text(text).as_deref(), Some(plain), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        let long = "1".repeat(LONGEST + 1);
        for text in [
            "", " ", "-", ".", "e5", "1e", "1e+", "1e-+5", "1,5", "1 000", "0x10", "NaN", "inf", "--1", "1.2.3", "١",
            "12 €", "1e9999", "1e-9999", "1e99999", &long,
        ] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }

    #[test]
    fn json_numbers_have_no_exponent_and_no_noise() {
        for (json, text) in [
            ("42", "42"),
            ("5.0", "5"),
            ("-0.0", "0"),
            ("0.1", "0.1"),
            ("1e21", "1000000000000000000000"),
            ("1e-7", "0.0000001"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("33.333333333333336", "33.333333333333336"),
        ] {
            assert_eq!(of_number(&serde_json::from_str(json).unwrap()), text, "{json}");
        }
    }

    proptest! {
        #[test]
        fn every_float_comes_back(float in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            let number = Number::from_f64(float).unwrap();
            for text in [of_number(&number), of_text(&format!("{float:e}")).unwrap()] {
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')), "{}", text);
                prop_assert_eq!(text.parse::<f64>(), Ok(float));
            }
        }

        #[test]
        fn no_text_breaks_it_and_what_it_gives_is_stable(text in "[-+.eE0-9 ]{0,12}|\\PC{0,8}") {
            if let Some(plain) = of_text(&text) {
                prop_assert_eq!(of_text(&plain), Some(plain.clone()));
                prop_assert_eq!(plain.parse::<f64>(), text.trim().parse::<f64>());
            }
        }
    }
}
