//! HubSpot's limits: rolling windows and a day.

use std::collections::VecDeque;

use crate::clock::Millis;
use crate::faults::Policy;
use crate::settings::Limits;

pub(crate) const TEN_SECONDS: Millis = 10_000;
const SECOND: Millis = 1_000;
const DAY: Millis = 86_400_000;

/// What an account has used up.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    general: Window,
    search: Window,
    day: Millis,
    in_day: u32,
}

/// The requests that were accepted in a rolling window, and the most there were.
#[derive(Debug, Default)]
struct Window {
    accepted: VecDeque<Millis>,
    peak: usize,
}

impl Window {
    fn roll(&mut self, now: Millis, length: Millis) {
        while self.accepted.front().is_some_and(|at| *at <= now - length) {
            self.accepted.pop_front();
        }
    }

    fn accept(&mut self, now: Millis) {
        self.accepted.push_back(now);
        self.peak = self.peak.max(self.accepted.len());
    }
}

/// What the headers of an answer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) max: u32,
    pub(crate) remaining: u32,
    pub(crate) daily: u32,
    pub(crate) daily_remaining: u32,
}

impl Usage {
    /// Counts a request, or says whose limit it is over. What is refused doesn't count.
    pub(crate) fn admit(&mut self, limits: Limits, is_search: bool, now: Millis) -> Result<(), Policy> {
        self.general.roll(now, TEN_SECONDS);
        self.search.roll(now, SECOND);
        if now / DAY != self.day {
            (self.day, self.in_day) = (now / DAY, 0);
        }
        if let Limits::TenSecondly { per_10s, search_per_s, daily } = limits {
            if self.in_day >= daily {
                return Err(Policy::Daily);
            }
            if is_search && self.search.accepted.len() >= search_per_s as usize {
                return Err(Policy::Secondly);
            }
            if !is_search && self.general.accepted.len() >= per_10s as usize {
                return Err(Policy::TenSecondly);
            }
        }
        self.in_day += 1;
        if is_search {
            self.search.accept(now);
        } else {
            self.general.accept(now);
        }
        Ok(())
    }

    /// `None` when limits are off.
    pub(crate) fn standing(&self, limits: Limits) -> Option<Standing> {
        let Limits::TenSecondly { per_10s, daily, .. } = limits else { return None };
        Some(Standing {
            max: per_10s,
            remaining: per_10s.saturating_sub(self.general.accepted.len() as u32),
            daily,
            daily_remaining: daily.saturating_sub(self.in_day),
        })
    }

    pub(crate) fn start_day_over(&mut self) {
        self.in_day = 0;
    }

    pub(crate) fn use_up_day(&mut self, limits: Limits, now: Millis) {
        if let Limits::TenSecondly { daily, .. } = limits {
            (self.day, self.in_day) = (now / DAY, daily);
        }
    }

    pub(crate) fn used_today(&self) -> u32 {
        self.in_day
    }

    /// When the day of this instant is over.
    pub(crate) fn resets_at(now: Millis) -> Millis {
        (now / DAY + 1) * DAY
    }

    /// The peaks of the window of ten seconds and of the second of search.
    pub(crate) fn peaks(&self) -> (u64, u64) {
        (self.general.peak as u64, self.search.peak as u64)
    }

    pub(crate) fn reset_peaks(&mut self) {
        self.general.peak = self.general.accepted.len();
        self.search.peak = self.search.accepted.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits::TenSecondly { per_10s: 100, search_per_s: 5, daily: 1_000 };
    const NOON: Millis = 1_790_000_000_000 / DAY * DAY + DAY / 2;

    #[test]
    fn the_window_rolls() {
        let mut usage = Usage::default();
        // Sixty at once, forty half a window later.
        for at in std::iter::repeat_n(NOON, 60).chain(std::iter::repeat_n(NOON + 5_000, 40)) {
            usage.admit(LIMITS, false, at).unwrap();
        }
        assert_eq!(usage.admit(LIMITS, false, NOON + 9_999), Err(Policy::TenSecondly));
        // The first sixty have left it, the forty have not: a fixed window would let a hundred in.
        for _ in 0..60 {
            usage.admit(LIMITS, false, NOON + 10_000).unwrap();
        }
        assert_eq!(usage.admit(LIMITS, false, NOON + 10_000), Err(Policy::TenSecondly));
        assert_eq!(usage.standing(LIMITS).unwrap().remaining, 0);
        assert_eq!(usage.peaks().0, 100);
    }

    #[test]
    fn search_has_its_own_second() {
        let mut usage = Usage::default();
        for _ in 0..5 {
            usage.admit(LIMITS, true, NOON).unwrap();
        }
        assert_eq!(usage.admit(LIMITS, true, NOON + 999), Err(Policy::Secondly));
        usage.admit(LIMITS, false, NOON + 999).unwrap();
        usage.admit(LIMITS, true, NOON + 1_000).unwrap();
        assert_eq!(usage.standing(LIMITS).unwrap().remaining, 99);
    }

    #[test]
    fn the_day_ends_at_midnight() {
        let mut usage = Usage::default();
        let mut now = NOON;
        for _ in 0..1_000 {
            now += 101;
            usage.admit(LIMITS, false, now).unwrap();
        }
        assert_eq!(usage.admit(LIMITS, false, now + TEN_SECONDS), Err(Policy::Daily));
        let midnight = Usage::resets_at(now);
        assert_eq!(usage.admit(LIMITS, true, midnight - 1), Err(Policy::Daily));
        usage.admit(LIMITS, true, midnight).unwrap();
        assert_eq!(usage.standing(LIMITS).unwrap().daily_remaining, 999);
    }

    #[test]
    fn without_limits_it_still_counts() {
        let mut usage = Usage::default();
        for _ in 0..500 {
            usage.admit(Limits::Off, false, NOON).unwrap();
        }
        assert_eq!(usage.peaks().0, 500);
        assert_eq!(usage.standing(Limits::Off), None);
    }
}
