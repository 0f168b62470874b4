//! The requests under way, with what can befall them.
//!
//! The driver's client repeats what fails and what is lost; the engine sees an answer that is late, either because it was
//! read late, or because it took long to arrive.

use fastrand::Rng;
use hubspot_source::ask::{Request, Response, Ticket};
use hubspot_source::item::Millis;

use super::History;

/// A request under way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) ticket: Ticket,
    pub(super) request: Request,
    /// When it is read, by HubSpot's clock; when it arrives, once it has been.
    pub(super) at: Millis,
    pub(super) response: Option<Response>,
    /// How long the answer takes.
    takes: Millis,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Line {
    calls: Vec<Call>,
    pub(super) faults: usize,
}

impl Line {
    pub(super) fn ask(
        &mut self,
        rng: &mut Rng,
        now: Millis,
        (ticket, request): (Ticket, Request),
        history: &History,
        may_fail: bool,
    ) {
        let (mut before, mut takes) = (rng.i64(5..200), rng.i64(5..200));
        if may_fail && history.faults > 0 && rng.usize(..history.faults) == 0 {
            self.faults += 1;
            if rng.bool() {
                // It fails, or its answer is lost, and it is made again after a while.
                before += rng.i64(100..12_000);
            } else {
                takes += rng.i64(100..12_000);
            }
        }
        self.calls.push(Call { ticket, request, at: now + before, response: None, takes });
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// The request that something happens to next.
    pub(super) fn next(&mut self) -> Option<Call> {
        let next = (0..self.calls.len()).min_by_key(|place| self.calls[*place].at)?;
        Some(self.calls.swap_remove(next))
    }

    /// It has been read, and its answer is on its way.
    pub(super) fn read(&mut self, call: Call, response: Response) {
        self.calls.push(Call { at: call.at + call.takes, response: Some(response), ..call });
    }

    /// The reader is no more.
    pub(super) fn cut(&mut self) {
        self.calls.clear();
    }
}
