//! A rolling window of requests, counted as HubSpot counts them but from this end of the wire. No I/O, no clock of its own.
//!
//! HubSpot counts a request when it arrives, and this end doesn't know when that is: somewhere between sending and the answer. A request
//! therefore leaves the window an interval after its *answer*, which is never too early whatever the network does. That costs one latency an
//! interval: half a percent of 190 requests in ten seconds at 50 ms. Where HubSpot takes its time over the answer, the arrival is taken to be
//! no later than a twentieth of the interval behind the sending, so that never more than five percent are lost.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::answer::RateHeaders;
use crate::pause::{Passage, Pause};
use crate::stats::Quota;

/// The part of the interval within which a request has arrived.
const ARRIVAL: u32 = 20;

/// Intervals that are believed of a header.
const INTERVALS: std::ops::RangeInclusive<u64> = 100..=600_000;

#[derive(Debug)]
pub(crate) struct Window {
    /// `None`: HubSpot answers without saying that there is one.
    limit: Option<u32>,
    /// What holds until headers tell, and when a 429 shows that there is a limit after all.
    assumed: u32,
    /// Headers have told a limit.
    told: bool,
    interval: Duration,
    requests: VecDeque<Sent>,
    /// Requests that others sent, as far as the last header tells, and when they have left the window at the latest.
    others: u32,
    others_until: Option<Instant>,
    /// How many were ever taken; numbers the tickets.
    taken: u64,
    /// The newest ticket whose answer told something.
    learnt_from: u64,
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Sent {
    number: u64,
    at: Instant,
    answered: Option<Instant>,
}

/// A place in the window.
#[derive(Debug)]
pub(crate) struct Ticket {
    number: u64,
    /// Requests in the window when it was taken, itself included.
    used: u32,
    pub(crate) probe: bool,
}

impl Window {
    pub(crate) fn new(limit: u32, interval: Duration) -> Self {
        Self {
            limit: Some(limit),
            assumed: limit,
            told: false,
            interval,
            requests: VecDeque::new(),
            others: 0,
            others_until: None,
            taken: 0,
            learnt_from: 0,
            pause: None,
        }
    }

    /// A place, or when to ask again (`None`: when there is news).
    pub(crate) fn try_take(&mut self, now: Instant) -> Result<Ticket, Option<Instant>> {
        let probe = match Pause::passage(self.pause, now) {
            Passage::Free => false,
            Passage::Probe => true,
            Passage::Wait(until) => return Err(until),
        };
        self.forget(now);
        let used = self.requests.len() as u32;
        // A probe is there to find out about the others.
        let others = if probe { 0 } else { self.others };
        if self.limit.is_some_and(|limit| used + others >= limit) {
            let room = self.requests.iter().map(|sent| sent.leaves(self.interval)).min();
            return Err(room.into_iter().chain(self.others_until).min());
        }
        if let Some(pause) = &mut self.pause {
            pause.start_probing();
        }
        self.taken += 1;
        if self.limit.is_some() {
            self.requests.push_back(Sent { number: self.taken, at: now, answered: None });
        }
        Ok(Ticket { number: self.taken, used: used + 1, probe })
    }

    /// HubSpot has counted it by now.
    pub(crate) fn counted(&mut self, ticket: &Ticket, now: Instant) {
        if let Some(sent) = self.requests.iter_mut().find(|sent| sent.number == ticket.number) {
            sent.answered = Some(now);
        }
    }

    /// HubSpot hasn't counted it.
    pub(crate) fn give_back(&mut self, ticket: &Ticket) {
        self.requests.retain(|sent| sent.number != ticket.number);
    }

    /// Learns the limit, and how much of it others use.
    ///
    /// HubSpot counted `max - remaining` requests when this one arrived. Ours among them are at most those in the window when it was sent and those
    /// sent since, for ours leave HubSpot's window no later than this one. What is beyond that is not ours. With many requests under way that is
    /// a low estimate, never a high one, so that a client which is alone never holds itself back.
    pub(crate) fn learn(&mut self, ticket: &Ticket, rate: &RateHeaders, now: Instant) {
        let Some(max) = rate.max.filter(|max| *max > 0) else { return };
        self.limit = Some(max);
        self.told = true;
        if let Some(interval) = rate.interval_ms.filter(|interval| INTERVALS.contains(interval)) {
            self.interval = Duration::from_millis(interval);
        }
        let Some(remaining) = rate.remaining else { return };
        if ticket.number < self.learnt_from {
            return;
        }
        self.learnt_from = ticket.number;
        let since = self.taken - ticket.number;
        let ours = u64::from(ticket.used) + since;
        self.others = u64::from(max.saturating_sub(remaining)).saturating_sub(ours) as u32;
        self.others_until = (self.others > 0).then(|| now + self.interval);
    }

    /// A good answer came without a word of limits: then only 429s tell of them, and holding back for a limit that is only assumed would be in
    /// vain. What headers told once keeps holding.
    pub(crate) fn untold(&mut self) {
        if !self.told {
            self.limit = None;
            self.requests.clear();
        }
    }

    /// A 429 came: there is a limit, told or not.
    pub(crate) fn is_limited(&mut self) {
        self.limit.get_or_insert(self.assumed);
    }

    /// Nothing goes before `until`, then one request alone.
    pub(crate) fn pause(&mut self, until: Instant) {
        self.pause = Some(Pause::renew(self.pause, until));
    }

    /// Ends a pause if it was this request that was sent to see.
    pub(crate) fn resume(&mut self, ticket: &Ticket) {
        if ticket.probe {
            self.pause = None;
        }
    }

    /// Lets another request be sent to see, if it was this one.
    pub(crate) fn stop_probing(&mut self, ticket: &Ticket) {
        if ticket.probe
            && let Some(pause) = &mut self.pause
        {
            pause.stop_probing();
        }
    }

    /// How long until the oldest request leaves; `None` when there is none.
    pub(crate) fn until_room(&mut self, now: Instant) -> Option<Duration> {
        self.forget(now);
        self.requests.iter().map(|sent| sent.leaves(self.interval)).min().map(|at| at - now)
    }

    /// The limit that headers told, and the room that is left in it.
    pub(crate) fn quota(&mut self, now: Instant) -> Quota {
        self.forget(now);
        let told = self.limit.filter(|_| self.told);
        let used = (self.requests.len() as u32).saturating_add(self.others);
        Quota {
            per_interval: told,
            interval: self.interval,
            remaining: told.map(|limit| limit.saturating_sub(used)),
            ..Quota::default()
        }
    }

    fn forget(&mut self, now: Instant) {
        let interval = self.interval;
        self.requests.retain(|sent| sent.leaves(interval) > now);
        if self.others_until.is_some_and(|until| until <= now) {
            self.others = 0;
            self.others_until = None;
        }
    }
}

impl Sent {
    /// When it has left the window for certain.
    fn leaves(&self, interval: Duration) -> Instant {
        let latest = self.at + interval / ARRIVAL;
        self.answered.map_or(latest, |answered| answered.min(latest)) + interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn told(max: u32, remaining: u32) -> RateHeaders {
        RateHeaders { max: Some(max), remaining: Some(remaining), interval_ms: Some(10_000), ..RateHeaders::default() }
    }

    #[test]
    fn a_request_leaves_an_interval_after_its_answer() {
        let start = Instant::now();
        let mut window = Window::new(2, INTERVAL);
        let first = window.try_take(start).unwrap();
        let second = window.try_take(start).unwrap();
        window.counted(&first, start + ms(50));
        window.counted(&second, start + ms(80));
        assert_eq!(window.try_take(start + ms(9_000)).unwrap_err(), Some(start + ms(10_050)));
        window.try_take(start + ms(10_050)).unwrap();
        assert_eq!(window.try_take(start + ms(10_050)).unwrap_err(), Some(start + ms(10_080)));
    }

    #[test]
    fn a_slow_answer_holds_a_place_a_twentieth_longer_at_most() {
        let start = Instant::now();
        let mut window = Window::new(1, INTERVAL);
        let slow = window.try_take(start).unwrap();
        assert_eq!(window.try_take(start).unwrap_err(), Some(start + ms(10_500)));
        window.counted(&slow, start + ms(5_000));
        assert_eq!(window.try_take(start + ms(5_000)).unwrap_err(), Some(start + ms(10_500)));
    }

    #[test]
    fn headers_set_the_limit_and_tell_of_others() {
        let start = Instant::now();
        let mut window = Window::new(100, INTERVAL);
        let ticket = window.try_take(start).unwrap();
        window.counted(&ticket, start + ms(50));
        // 187 of 190 are gone and one of them is ours.
        window.learn(&ticket, &told(190, 3), start + ms(50));
        for _ in 0..3 {
            window.try_take(start + ms(60)).unwrap();
        }
        assert!(window.try_take(start + ms(60)).is_err());
        // Those others have left too by then.
        assert!(window.try_take(start + ms(10_060)).is_ok());
    }

    #[test]
    fn ones_own_requests_are_not_taken_for_others() {
        let start = Instant::now();
        let mut window = Window::new(190, INTERVAL);
        let tickets: Vec<_> = (0..10).map(|_| window.try_take(start).unwrap()).collect();
        // HubSpot had counted all ten when the first arrived.
        window.learn(&tickets[0], &told(190, 180), start + ms(50));
        assert_eq!(window.others, 0);
        // An answer that comes late tells of a time that is past.
        window.learn(&tickets[9], &told(190, 100), start + ms(50));
        assert_eq!(window.others, 80);
        window.learn(&tickets[3], &told(190, 180), start + ms(60));
        assert_eq!(window.others, 80);
    }

    #[test]
    fn headers_that_make_no_sense_are_not_believed() {
        let start = Instant::now();
        let mut window = Window::new(100, INTERVAL);
        let ticket = window.try_take(start).unwrap();
        for rate in [
            RateHeaders::default(),
            RateHeaders { max: Some(0), remaining: Some(0), ..RateHeaders::default() },
            RateHeaders { max: Some(100), interval_ms: Some(0), ..RateHeaders::default() },
            RateHeaders { max: Some(100), remaining: Some(500), ..RateHeaders::default() },
        ] {
            window.learn(&ticket, &rate, start);
            assert_eq!((window.limit, window.interval, window.others), (Some(100), INTERVAL, 0));
        }
    }

    #[test]
    fn without_a_word_of_limits_nothing_is_held_back_until_a_429_tells() {
        let start = Instant::now();
        let mut window = Window::new(2, INTERVAL);
        window.try_take(start).unwrap();
        window.untold();
        for _ in 0..50 {
            window.try_take(start).unwrap();
        }
        window.is_limited();
        window.try_take(start).unwrap();
        window.try_take(start).unwrap();
        assert!(window.try_take(start).is_err());
    }

    #[test]
    fn what_headers_told_once_keeps_holding() {
        let start = Instant::now();
        let mut window = Window::new(100, INTERVAL);
        let ticket = window.try_take(start).unwrap();
        window.learn(&ticket, &told(1, 0), start);
        window.untold();
        assert!(window.try_take(start).is_err());
    }

    #[test]
    fn behind_a_pause_goes_one_alone() {
        let start = Instant::now();
        let mut window = Window::new(100, INTERVAL);
        window.pause(start + ms(1_000));
        assert_eq!(window.try_take(start).unwrap_err(), Some(start + ms(1_000)));
        let probe = window.try_take(start + ms(1_000)).unwrap();
        assert_eq!(window.try_take(start + ms(1_001)).unwrap_err(), None, "waits for news");
        window.stop_probing(&probe);
        let probe = window.try_take(start + ms(1_002)).unwrap();
        window.resume(&probe);
        assert!(!window.try_take(start + ms(1_003)).unwrap().probe);
    }
}
