//! How fast a destination is written to: `sdk.rate.*`.

use std::time::Duration;

use tokio::time::Instant;

use crate::Error;
use crate::parameters::{Checked, Parameter, Validation};

const PER_SECOND: &str = "sdk.rate.perSecond";
const BURST: &str = "sdk.rate.burst";

/// The longest that is waited for at once. A rate for which that isn't enough is as good as none.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// How fast a destination is written to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rate {
    /// The most records a second; no limit at 0 or less.
    pub(super) per_second: f64,
    /// The most records at once; those of a second at 0.
    pub(super) burst: usize,
}

impl Rate {
    pub(super) fn parameters(&self) -> [Parameter; 2] {
        [
            Parameter::of::<f64>(PER_SECOND, "How many records are written a second at most; at 0 there is no limit.")
                .default(self.per_second.to_string())
                .validation(Validation::GreaterThan(-1.0)),
            Parameter::of::<i64>(
                BURST,
                "How many records are written at once at most, where there is a limit a second; at 0 as many as in a second. A batch \
                 of `sdk.batch.size` records is written in parts of so many.",
            )
            .default(self.burst.to_string())
            .validation(Validation::GreaterThan(-1.0)),
        ]
    }

    pub(super) fn configured(&self, settings: &Checked) -> Result<Self, Error> {
        let per_second = settings.value_or_absent::<Option<f64>>(PER_SECOND)?;
        let burst = settings.value_or_absent::<Option<i64>>(BURST)?;
        Ok(Self {
            per_second: per_second.unwrap_or(self.per_second),
            burst: burst.map_or(self.burst, |burst| usize::try_from(burst).unwrap_or_default()),
        })
    }

    /// What keeps the rate; nothing where there is no limit.
    pub(super) fn open(&self) -> Option<Limiter> {
        if self.per_second <= 0.0 || !self.per_second.is_finite() {
            return None;
        }
        let burst = if self.burst == 0 { self.per_second.ceil() as usize } else { self.burst };
        tracing::info!("at most {} records a second are written, and {burst} at once", self.per_second);
        Some(Limiter::new(self.per_second, burst, Instant::now()))
    }
}

/// Keeps a rate: a bucket of tokens, one a record, which is full in the beginning.
#[derive(Debug)]
pub(crate) struct Limiter {
    per_second: f64,
    burst: usize,
    /// Below zero where tokens were given before they were there.
    tokens: f64,
    /// When the tokens were counted.
    at: Instant,
}

impl Limiter {
    pub(super) fn new(per_second: f64, burst: usize, now: Instant) -> Self {
        Self { per_second, burst, tokens: burst as f64, at: now }
    }

    /// The most records at once.
    pub(crate) fn burst(&self) -> usize {
        self.burst
    }

    /// Takes tokens for records, at most [`burst`](Self::burst). They may be written after this time.
    pub(crate) fn take(&mut self, records: usize, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst as f64) - records as f64;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-self.tokens / self.per_second).map_or(LONGEST, |wait| wait.min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_what_follows_waits_for_its_tokens() {
        let start = Instant::now();
        let mut limiter = Limiter::new(10.0, 5, start);
        assert_eq!(limiter.take(5, start), Duration::ZERO);
        assert_eq!(limiter.take(1, start), Duration::from_millis(100));
        // Whoever waited has taken its token already.
        assert_eq!(limiter.take(1, start + Duration::from_millis(100)), Duration::from_millis(100));
        // A pause fills the bucket, and no more than that.
        assert_eq!(limiter.take(5, start + Duration::from_mins(1)), Duration::ZERO);
        assert_eq!(limiter.take(2, start + Duration::from_mins(1)), Duration::from_millis(200));
    }

    #[test]
    fn over_a_minute_no_more_than_the_rate_passes() {
        let start = Instant::now();
        for (per_second, burst, chunk) in [(0.5, 1, 1), (3.0, 3, 2), (1000.0, 250, 250)] {
            let mut limiter = Limiter::new(per_second, burst, start);
            let (mut now, mut passed) = (start, 0);
            while now < start + Duration::from_mins(1) {
                now += limiter.take(chunk, now);
                passed += chunk;
            }
            let most = per_second * 60.0 + burst as f64 + chunk as f64;
            assert!(passed as f64 <= most && passed as f64 >= per_second * 60.0, "{passed} at {per_second}");
        }
    }

    #[test]
    fn no_rate_overflows() {
        let start = Instant::now();
        let mut limiter = Limiter::new(f64::MIN_POSITIVE, 1, start);
        limiter.take(1, start);
        assert_eq!(limiter.take(1, start), LONGEST);
        assert!(Rate { per_second: f64::INFINITY, burst: 0 }.open().is_none());
        assert!(Rate { per_second: -0.5, burst: 3 }.open().is_none());
        assert_eq!(Rate { per_second: 0.2, burst: 0 }.open().unwrap().burst(), 1);
    }
}
