//! Rates that HubSpot's quota governs. A new account has a whole window of requests in hand, so the first ten seconds say little:
//! what comes after them does.

use std::time::{Duration, Instant};

/// HubSpot's rolling window.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);

/// Requests that the quota allows in a window.
pub(crate) const REQUESTS: u32 = 190;

/// What the quota allows: records a second, at a hundred a request.
pub(crate) const ALLOWED: f64 = 1_900.0;

/// When how much had come.
#[derive(Debug)]
pub(crate) struct Arrivals {
    began: Instant,
    points: Vec<(Duration, u64)>,
}

/// Rates of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// From the first request on.
    pub(crate) overall: f64,
    /// Over whole windows, after the first one.
    pub(crate) steady: Option<f64>,
}

impl Arrivals {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now(), points: Vec::new() }
    }

    /// So many more have come now.
    pub(crate) fn add(&mut self, count: usize) {
        let at = self.began.elapsed();
        self.points.push((at, self.all() + count as u64));
    }

    /// How many have come.
    pub(crate) fn all(&self) -> u64 {
        self.points.last().map_or(0, |(_, all)| *all)
    }

    /// When the last ones came, since the start.
    pub(crate) fn took(&self) -> Duration {
        self.points.last().map_or(Duration::ZERO, |(at, _)| *at)
    }

    /// The rates.
    pub(crate) fn rates(&self) -> Rates {
        let overall = self.all() as f64 / self.took().as_secs_f64().max(0.001);
        let windows = (self.took().as_secs_f64() / WINDOW.as_secs_f64()).floor() as u32;
        let steady = (windows >= 2).then(|| {
            let come = self.by(WINDOW * windows) - self.by(WINDOW);
            come as f64 / (WINDOW * (windows - 1)).as_secs_f64()
        });
        Rates { overall, steady }
    }

    fn by(&self, at: Duration) -> u64 {
        self.points.iter().take_while(|(point, _)| *point <= at).last().map_or(0, |(_, all)| *all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_window_does_not_count_for_the_steady_rate() {
        let seconds = Duration::from_secs_f64;
        // A burst at once, then one a second.
        let mut points = vec![(seconds(0.5), 1_000)];
        points.extend((1..=35_u64).map(|second| (seconds(second as f64), 1_000 + second)));
        let rates = Arrivals { began: Instant::now(), points }.rates();
        assert_eq!(rates.steady, Some(1.0));
        assert!((rates.overall - 1_035.0 / 35.0).abs() < 0.01);
        let short = Arrivals { began: Instant::now(), points: vec![(seconds(3.0), 9)] };
        assert_eq!(short.rates(), Rates { overall: 3.0, steady: None });
    }
}
