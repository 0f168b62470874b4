//! A clock for the engines.

use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use crate::item::Millis;

/// Nothing is waited for longer than this, in milliseconds.
const LONGEST_WAIT: Millis = 3_600_000;

/// A clock that starts at the machine's, and doesn't jump when that is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
    at: Millis,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), at: Utc::now().timestamp_millis() }
    }

    pub(super) fn now(&self) -> Millis {
        self.at + self.started.elapsed().as_millis() as Millis
    }

    /// When it is that instant; an hour from now at the latest.
    pub(super) fn instant(&self, at: Millis) -> Instant {
        let wait = at.min(self.now() + LONGEST_WAIT) - self.at;
        self.started + Duration::from_millis(u64::try_from(wait).unwrap_or(0))
    }
}
