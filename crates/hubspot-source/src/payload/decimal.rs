//! From decimal text to a JSON number that is the same number.

use serde_json::Number;

/// The longest text that is taken for a number: the digits of the least float there is, and some.
const LONGEST: usize = 800;

/// The number that the text is: an integer where it is whole and fits `i64`, else the float that has all the text's digits.
/// `None` where the text is no number, or one that no JSON number of 64 bits has exactly: nothing is ever rounded.
pub(super) fn number(text: &str) -> Option<Number> {
    let decimal = Decimal::parse(text)?;
    if let Some(integer) = decimal.to_integer() {
        return Some(integer.into());
    }
    let float: f64 = text.parse().ok()?;
    // The float's own decimal, to as many digits as the text has.
    let shown = format!("{:.*e}", decimal.digits.len().saturating_sub(1), float);
    let same = float.is_finite() && Decimal::parse(&shown)? == decimal;
    if same { Number::from_f64(float) } else { None }
}

/// `digits` times ten to the power of `exponent`; without zeros at either end of `digits`, so that equal numbers are equal.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Decimal {
    /// As in JSON, but zeros in front and a missing digit on one side of the point are allowed.
    fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, whole(power)?),
            None => (unsigned, 0),
        };
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = [before, after].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let with_zeros = digits.len();
        digits.truncate(digits.trim_end_matches('0').len());
        // No text is longer than `LONGEST`, and no power than four digits.
        let exponent = power - after.len() as i32 + (with_zeros - digits.len()) as i32;
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        Some(Self { negative, digits, exponent })
    }

    fn to_integer(&self) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let power = u32::try_from(self.exponent).ok()?;
        let magnitude = self.digits.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(power)?)?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }
}

/// A power of ten: up to four digits, with a sign or without.
fn whole(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let fits = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Option<String> {
        number(text).map(|number| number.to_string())
    }

    #[test]
    fn whole_numbers_are_integers_as_long_as_they_fit() {
        for (text, json) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("42", "42"),
            ("007", "7"),
            ("5.0", "5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.5E+3", "1500"),
            ("1200e-2", "12"),
            ("9007199254740993", "9007199254740993"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(json), "{text}");
        }
    }

    #[test]
    fn fractions_are_floats_that_have_all_the_digits() {
        for (text, json) in [
            ("0.1", "0.1"),
            ("-42.50", "-42.5"),
            (".5", "0.5"),
            ("33.333333333333336", "33.333333333333336"),
            // More digits than it takes, but the float's own.
            ("2.2204460492503131E-16", "2.220446049250313e-16"),
            ("1e300", "1e+300"),
            ("9223372036854775808", "9.223372036854775808e18"),
        ] {
            let (found, expected) = (number(text).unwrap(), json.parse::<f64>().unwrap());
            assert!(found.is_f64(), "{text} is {found}");
            assert_eq!(found.as_f64(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_would_be_rounded_or_is_no_number_is_none() {
        for text in [
            "12345678901234567890",
            "0.12345678901234567890",
            "1e400",
            "1e-400",
            "1e99999",
            "",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "1e-+5",
            "+49",
            "1,5",
            "1 000",
            " 1",
            "0x10",
            "NaN",
            "inf",
            "--1",
            "1.2.3",
            "١",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
        let long = |zeros| number(&format!("{}7", "0".repeat(zeros)));
        assert_eq!((long(LONGEST - 1), long(LONGEST)), (Some(7.into()), None), "no text makes it work for long");
    }

    proptest! {
        #[test]
        fn every_integer_comes_back(value: i64) {
            prop_assert_eq!(number(&value.to_string()).and_then(|number| number.as_i64()), Some(value));
        }

        #[test]
        fn every_float_comes_back(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            for text in [value.to_string(), format!("{value:e}"), format!("{value:.16e}")] {
                let found = number(&text).and_then(|number| number.as_f64());
                prop_assert_eq!(found, Some(value), "{}", text);
            }
        }

        /// A number is either the text's own or none: what is found, shown with all its digits, is the text's number.
        #[test]
        fn nothing_is_rounded(whole in "-?[0-9]{1,22}", fraction in "[0-9]{0,22}") {
            // Zeros at the end are no digits: 0.10 is 0.1.
            let fraction = fraction.trim_end_matches('0');
            let text = format!("{whole}.{fraction}");
            if let Some(integer) = number(&text).and_then(|number| number.as_i64()) {
                prop_assert_eq!(integer, whole.parse::<i64>().unwrap());
                prop_assert!(fraction.is_empty());
            } else if let Some(float) = number(&text).and_then(|number| number.as_f64()) {
                let exact = format!("{float:.*}", fraction.len());
                let trimmed = |text: &str| text.trim_start_matches(['-', '0']).trim_end_matches('.').to_owned();
                prop_assert_eq!(trimmed(&exact), trimmed(&text));
            }
        }

        #[test]
        fn no_text_breaks_it(text in "[-+.eE0-9 ]{0,12}|\\PC{0,8}") {
            let _ = number(&text);
        }
    }
}
