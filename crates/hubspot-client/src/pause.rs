//! Waiting behind a 429, and finding out with one request whether the wait is over.

use tokio::time::Instant;

/// Nothing goes before `until`, then one request alone, to see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    until: Instant,
    probing: bool,
}

/// Whether a pause lets a request go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// There is no pause.
    Free,
    /// As the one that goes to see.
    Probe,
    /// Not before then, or (`None`) not before there is news.
    Wait(Option<Instant>),
}

impl Pause {
    pub(crate) fn passage(pause: Option<Self>, now: Instant) -> Passage {
        match pause {
            None => Passage::Free,
            Some(Self { probing: true, .. }) => Passage::Wait(None),
            Some(Self { until, .. }) if now < until => Passage::Wait(Some(until)),
            Some(_) => Passage::Probe,
        }
    }

    /// The pause that holds when both want to.
    pub(crate) fn renew(pause: Option<Self>, until: Instant) -> Self {
        let until = pause.map_or(until, |pause| pause.until.max(until));
        Self { until, probing: pause.is_some_and(|pause| pause.probing) }
    }

    pub(crate) fn start_probing(&mut self) {
        self.probing = true;
    }

    pub(crate) fn stop_probing(&mut self) {
        self.probing = false;
    }
}
