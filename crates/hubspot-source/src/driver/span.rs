//! Lengths of time for people.

use crate::item::Millis;

/// In its two greatest units, as Go writes durations: `850ms`, `12s`, `4m23s`, `26h5m`.
pub(super) fn span(millis: Millis) -> String {
    let seconds = millis / 1_000;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{}ms", millis.max(0)),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_their_two_greatest_units() {
        for (millis, text) in [
            (-5, "0ms"),
            (850, "850ms"),
            (12_999, "12s"),
            (60_000, "1m"),
            (263_000, "4m23s"),
            (7_200_000, "2h"),
            (93_900_000, "26h5m"),
        ] {
            assert_eq!(span(millis), text);
        }
    }
}
