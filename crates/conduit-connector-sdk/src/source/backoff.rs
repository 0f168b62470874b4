//! How long to wait when there is nothing to read.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses of 100 ms that double up to 5 s while there is nothing.
///
/// A pause counts from the beginning of the read that gave nothing: a source that waited for something itself is not made to
/// wait twice, and asks as often as it likes.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// There was something.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// How long to wait after a read that took this long and gave nothing.
    pub(crate) fn pause(&mut self, took: Duration) -> Duration {
        let left = self.next.saturating_sub(took);
        if !left.is_zero() {
            self.next = (self.next * 2).min(LONGEST);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let mut backoff = Backoff::new();
        let pauses: Vec<u128> = (0..8).map(|_| backoff.pause(Duration::ZERO).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        backoff.reset();
        assert_eq!(backoff.pause(Duration::from_millis(30)), Duration::from_millis(70));
    }

    #[test]
    fn a_source_that_waits_itself_is_not_held_up() {
        let mut backoff = Backoff::new();
        for _ in 0..10 {
            assert_eq!(backoff.pause(Duration::from_secs(1)), Duration::ZERO);
        }
    }
}
