//! How one resource is followed, and what its page size makes of that.

use hubspot_catalog::Kind;

use super::facts::draining;
use super::walk::Draining;
use crate::item::Millis;

/// How one resource is followed; durations in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) lag: Millis,
    pub(super) polling_period: Millis,
    /// Objects a page.
    pub(super) page: usize,
    pub(super) kind: Kind,
}

impl Manner {
    /// Below this many objects in the window a poll reads all of it: news still fit on the page.
    pub(super) fn sparse(self) -> usize {
        self.page * 3 / 4
    }

    /// So many objects older than the lag make a walk that settles them worth a request.
    pub(super) fn worth_settling(self) -> usize {
        self.page - 1
    }

    /// So many objects of a rider leave room for news on the page.
    pub(super) fn riders_room(self) -> usize {
        self.page / 2
    }

    /// So many of the newest objects a poll reads again: what is late usually is so by little.
    pub(super) fn look_back(self) -> usize {
        self.page / 4
    }

    pub(super) fn can_carry(self) -> bool {
        draining(&self.kind) == Draining::ById
    }
}
