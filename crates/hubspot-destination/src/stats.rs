//! What a destination has done so far, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a destination has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Records that count as written: an answer of HubSpot's names them, or they were `ignored`.
    pub written: u64,
    /// Records that failed, each with its own reason.
    pub failed: u64,
    /// Those among them for which nothing was to be done: ignored deletes, and objects that are missing where `onMissing` lets that pass.
    pub ignored: u64,
    /// Records that share a write with an earlier one of the same object (`coalesce`). They count as written or failed, too.
    pub merged: u64,
    /// Values of properties that weren't sent, because they are read-only or unknown.
    pub dropped: u64,
    /// Values that objects were looked up by, because HubSpot's call takes ids or because a reply was lost.
    pub looked_up: u64,
    /// Creates whose reply was lost, and of which a look-up showed what became.
    pub resolved: u64,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub written: Counter,
    pub failed: Counter,
    pub ignored: Counter,
    pub merged: Counter,
    pub dropped: Counter,
    pub looked_up: Counter,
    pub resolved: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn read(&self) -> Stats {
        Stats {
            written: self.written.get(),
            failed: self.failed.get(),
            ignored: self.ignored.get(),
            merged: self.merged.get(),
            dropped: self.dropped.get(),
            looked_up: self.looked_up.get(),
            resolved: self.resolved.get(),
        }
    }
}
