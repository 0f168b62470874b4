//! How batches form: `sdk.batch.*`.

use std::time::Duration;

use crate::Error;
use crate::parameters::{Checked, Parameter, Validation};

const SIZE: &str = "sdk.batch.size";
const DELAY: &str = "sdk.batch.delay";

/// How batches form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// How many records a batch has; 0 where none are collected.
    pub(crate) size: usize,
    /// How long a batch waits for that after its first record; zero for as long as it takes.
    pub(crate) delay: Duration,
}

/// Whose batches they are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Source,
    Destination,
}

impl Batch {
    pub(super) fn parameters(&self, of: Side) -> [Parameter; 2] {
        let (size, delay) = match of {
            Side::Source => (
                "How many records are collected before they are sent; at 0 none are, what the source reads at once is sent at once.",
                "How long after its first record a batch is sent though it is not full. Needs `sdk.batch.size`; at 0 it waits until it is full.",
            ),
            Side::Destination => (
                "How many records are collected before they are written; at 0 none are, what has arrived is written.",
                "How long after its first record a batch is written though it is not full. Needs `sdk.batch.size`; at 0 it waits until it is full.",
            ),
        };
        [
            Parameter::of::<i64>(SIZE, size).default(self.size.to_string()).validation(Validation::GreaterThan(-1.0)),
            Parameter::of::<Duration>(DELAY, delay).default(written(self.delay)),
        ]
    }

    pub(super) fn configured(&self, settings: &Checked) -> Result<Self, Error> {
        let size = settings.value_or_absent::<Option<i64>>(SIZE)?;
        let delay = settings.value_or_absent::<Option<Duration>>(DELAY)?;
        Ok(Self {
            size: size.map_or(self.size, |size| usize::try_from(size).unwrap_or_default()),
            delay: delay.unwrap_or(self.delay),
        })
    }

    /// Says in the log what may not be meant.
    pub(super) fn warn(&self) {
        if self.size > 1 && self.delay.is_zero() {
            tracing::warn!("{SIZE} is set and {DELAY} is not: a batch waits until it is full, however long that takes");
        }
        if self.size == 0 && !self.delay.is_zero() {
            tracing::warn!("{DELAY} is set and {SIZE} is not: nothing is collected");
        }
    }
}

/// A duration as a pipeline file has it, and Go's SDK a zero.
fn written(duration: Duration) -> String {
    match duration.as_nanos() {
        0 => "0".to_owned(),
        nanos if nanos % 1_000_000_000 == 0 => format!("{}s", duration.as_secs()),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", duration.as_millis()),
        nanos => format!("{nanos}ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_duration;

    #[test]
    fn durations_are_written_as_they_are_read() {
        for (millis, text) in [(0, "0"), (1_500, "1500ms"), (90_000, "90s")] {
            let duration = Duration::from_millis(millis);
            assert_eq!(written(duration), text);
            assert_eq!(parse_duration(text), Ok(duration));
        }
        assert_eq!(written(Duration::from_micros(7)), "7000ns");
    }
}
