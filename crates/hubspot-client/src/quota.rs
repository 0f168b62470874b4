//! HubSpot's limits, kept before HubSpot has to say so: one [`Governor`] a client, through which every request goes.
//!
//! HubSpot counts requests in rolling windows: so many in any ten seconds (general), and so many searches in any second. The governor counts
//! the same way ([`window`](crate::window)): a request goes as soon as there is room, and never before. There is no pacing, so that a caller
//! who comes alone never waits, and many callers together get all of the quota, first come first served.
//!
//! It learns the limit from HubSpot's headers, notices by them when others share it, and obeys 429s:
//!
//! | `policyName` | what is held up | for how long |
//! |---|---|---|
//! | `SECONDLY` | requests of the same kind (searches) | a second, or `Retry-After` |
//! | `TEN_SECONDLY_ROLLING` | general requests | until the oldest request leaves the window, or `Retry-After`; from the second time on a second at least |
//! | `DAILY` | everything | `Retry-After`, else ten minutes |
//!
//! Behind each of these goes one request alone; only when it is answered without a 429 do the others follow.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::answer::RateHeaders;
use crate::pause::{Passage, Pause};
use crate::request::Bucket;
use crate::stats::Quota;
use crate::window::{Ticket, Window};

/// Until answers tell: the smallest of HubSpot's limits. Where HubSpot answers well without these headers, only 429s tell of a limit.
const GENERAL_AT_FIRST: (u32, Duration) = (100, Duration::from_secs(10));

/// HubSpot's limit for searches; no header tells it.
const SEARCH: (u32, Duration) = (5, Duration::from_secs(1));

/// The wait behind a `SECONDLY`, and when nothing better is known.
const A_SECOND: Duration = Duration::from_secs(1);

/// The wait behind a `DAILY` without `Retry-After`.
const DAILY_PROBE_INTERVAL: Duration = Duration::from_mins(10);

/// Which limit a 429 is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Secondly,
    TenSecondly,
    Daily,
}

impl Policy {
    /// By HubSpot's `policyName`; without one, by the kind of request.
    pub(crate) fn new(name: Option<&str>, bucket: Bucket) -> Self {
        match name {
            Some("DAILY") => Self::Daily,
            Some("SECONDLY") => Self::Secondly,
            Some(name) if name.starts_with("TEN_SECONDLY") => Self::TenSecondly,
            _ if bucket == Bucket::Search => Self::Secondly,
            _ => Self::TenSecondly,
        }
    }
}

/// Keeps HubSpot's limits for one account.
#[derive(Debug)]
pub(crate) struct Governor {
    state: Mutex<State>,
    general: Gate,
    search: Gate,
}

/// Callers of one bucket stand in line; the first of them waits for its turn, or for news.
#[derive(Debug, Default)]
struct Gate {
    line: tokio::sync::Mutex<()>,
    news: Notify,
}

#[derive(Debug)]
struct State {
    general: Window,
    search: Window,
    daily: Option<Pause>,
}

impl Governor {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            general: Window::new(GENERAL_AT_FIRST.0, GENERAL_AT_FIRST.1),
            search: Window::new(SEARCH.0, SEARCH.1),
            daily: None,
        };
        Arc::new(Self { state: Mutex::new(state), general: Gate::default(), search: Gate::default() })
    }

    /// Waits until a request may go. It must go at once then. Cancel safe.
    pub(crate) async fn acquire(self: &Arc<Self>, bucket: Bucket) -> Permit {
        let gate = match bucket {
            Bucket::General => &self.general,
            Bucket::Search => &self.search,
            Bucket::Unlimited => {
                return Permit { governor: Arc::clone(self), bucket, ticket: None, daily_probe: false };
            }
        };
        let _first_in_line = gate.line.lock().await;
        loop {
            let wait = match self.try_acquire(bucket, Instant::now()) {
                Ok(permit) => return permit,
                Err(wait) => wait,
            };
            match wait {
                Some(until) => tokio::select! {
                    () = tokio::time::sleep_until(until) => {}
                    () = gate.news.notified() => {}
                },
                None => gate.news.notified().await,
            }
        }
    }

    /// A permit, or when to ask again (`None`: when there is news).
    fn try_acquire(self: &Arc<Self>, bucket: Bucket, now: Instant) -> Result<Permit, Option<Instant>> {
        let mut state = self.state();
        let daily_probe = match Pause::passage(state.daily, now) {
            Passage::Free => false,
            Passage::Probe => true,
            Passage::Wait(until) => return Err(until),
        };
        let ticket = state.window(bucket).try_take(now)?;
        if daily_probe && let Some(pause) = &mut state.daily {
            pause.start_probing();
        }
        Ok(Permit { governor: Arc::clone(self), bucket, ticket: Some(ticket), daily_probe })
    }

    /// What is known of the general limit; of the daily one it counts nothing.
    pub(crate) fn quota(&self, now: Instant) -> Quota {
        self.state().general.quota(now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_news(&self) {
        self.general.news.notify_one();
        self.search.news.notify_one();
    }
}

impl State {
    fn window(&mut self, bucket: Bucket) -> &mut Window {
        match bucket {
            Bucket::Search => &mut self.search,
            Bucket::General | Bucket::Unlimited => &mut self.general,
        }
    }
}

/// The right to send one request now, and the duty to say what came of it. Dropped without a word it counts as sent.
#[derive(Debug)]
pub(crate) struct Permit {
    governor: Arc<Governor>,
    bucket: Bucket,
    ticket: Option<Ticket>,
    daily_probe: bool,
}

impl Permit {
    /// HubSpot answered, with whatever status but 429; `good` with a success.
    pub(crate) fn answered(mut self, rate: &RateHeaders, good: bool) {
        let Some(ticket) = self.ticket.take() else { return };
        let now = Instant::now();
        let mut state = self.governor.state();
        let window = state.window(self.bucket);
        window.counted(&ticket, now);
        if self.bucket == Bucket::General {
            if rate.max.is_none() && good {
                window.untold();
            } else {
                window.learn(&ticket, rate, now);
            }
        }
        window.resume(&ticket);
        if self.daily_probe {
            state.daily = None;
            tracing::info!("HubSpot's daily quota has room again: going on");
        }
        drop(state);
        self.governor.tell_news();
    }

    /// The request never left.
    pub(crate) fn not_sent(mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut state = self.governor.state();
        state.window(self.bucket).give_back(&ticket);
        self.stop_probing(&mut state, &ticket);
        drop(state);
        self.governor.tell_news();
    }

    /// HubSpot answered 429.
    pub(crate) fn limited(mut self, policy: Policy, retry_after: Option<Duration>) {
        let Some(ticket) = self.ticket.take() else { return };
        let now = Instant::now();
        let mut state = self.governor.state();
        // Believed, not documented: a request that was turned away takes no room in HubSpot's window.
        state.window(self.bucket).give_back(&ticket);
        self.stop_probing(&mut state, &ticket);
        state.window(self.bucket).is_limited();
        match policy {
            Policy::Secondly => state.window(self.bucket).pause(now + retry_after.unwrap_or(A_SECOND).max(A_SECOND)),
            Policy::TenSecondly => {
                let wait = retry_after.or_else(|| state.general.until_room(now)).unwrap_or(A_SECOND);
                // Turned away again: others take the room that ours leave.
                let wait = if ticket.probe { wait.max(A_SECOND) } else { wait };
                state.general.pause(now + wait);
                if self.bucket == Bucket::Search {
                    state.search.pause(now + wait);
                }
            }
            Policy::Daily => {
                let wait = retry_after.unwrap_or(DAILY_PROBE_INTERVAL).max(A_SECOND);
                if state.daily.is_none() {
                    tracing::warn!(
                        seconds = wait.as_secs(),
                        "HubSpot's daily quota of this account is used up: all requests wait, one is tried after the given time"
                    );
                }
                state.daily = Some(Pause::renew(state.daily, now + wait));
            }
        }
        drop(state);
        self.governor.tell_news();
    }

    fn stop_probing(&self, state: &mut State, ticket: &Ticket) {
        state.window(self.bucket).stop_probing(ticket);
        if self.daily_probe
            && let Some(pause) = &mut state.daily
        {
            pause.stop_probing();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // No answer: it may have been counted by HubSpot all the same.
        let Some(ticket) = self.ticket.take() else { return };
        let mut state = self.governor.state();
        state.window(self.bucket).counted(&ticket, Instant::now());
        self.stop_probing(&mut state, &ticket);
        drop(state);
        self.governor.tell_news();
    }
}

#[cfg(test)]
mod tests;
