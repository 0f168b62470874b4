//! What the stream delivered lately: the memory that the audit compares HubSpot with.

use std::collections::HashMap;

use crate::item::{LATEST, Millis};

/// So many objects are remembered at most; all are dropped then. At 17 bytes a slot, and seven of eight slots taken, these
/// are 8.9 MB.
const MOST: usize = (1 << 19) / 8 * 7;

/// The last delivered version of an object, and two flags, in eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u64);

impl Mark {
    /// The pass under way has met the object in the list.
    const LISTED: u64 = 1;
    /// The object was delivered since that pass began.
    const FRESH: u64 = 2;

    fn new(version: Millis, flags: u64) -> Self {
        Self((version.clamp(0, LATEST) as u64) << 2 | flags)
    }

    fn version(self) -> Millis {
        (self.0 >> 2) as Millis
    }

    fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }
}

/// The last delivered version of each object that was delivered since a pass ago.
#[derive(Debug)]
pub(super) struct Emitted {
    marks: HashMap<u64, Mark>,
    /// Versions before this have been compared.
    since: Millis,
    /// All deliveries of versions from here on are remembered.
    complete: Millis,
    /// The greatest version that was delivered.
    latest: Millis,
    /// Deliveries were dropped since the pass under way began, and between that and the one before.
    dropped: [bool; 2],
    most: usize,
}

impl Emitted {
    /// Nothing, of a stream that delivers what has changed since an instant.
    pub(super) fn since(since: Millis) -> Self {
        Self { marks: HashMap::new(), since, complete: since, latest: since, dropped: [false; 2], most: MOST }
    }

    #[cfg(test)]
    pub(super) fn hold(&mut self, most: usize) {
        self.most = most;
    }

    /// The stream delivers all versions from here on.
    pub(super) fn follow(&mut self, since: Millis) {
        (self.since, self.complete) = (since, self.complete.max(since));
    }

    /// An object was delivered.
    pub(super) fn deliver(&mut self, id: u64, version: Millis) {
        self.latest = self.latest.max(version);
        let known = self.marks.get(&id).copied();
        if known.is_none() && self.marks.len() >= self.most {
            self.marks = HashMap::new();
            self.complete = self.latest + 1;
            self.dropped[0] = true;
            return;
        }
        let version = known.map_or(version, |mark| mark.version().max(version));
        let listed = known.map_or(0, |mark| mark.0 & Mark::LISTED);
        self.marks.insert(id, Mark::new(version, Mark::FRESH | listed));
    }

    /// A deletion was delivered: the reader has no version any more.
    pub(super) fn delete(&mut self, id: u64) {
        self.marks.remove(&id);
    }

    /// The last version that was delivered, if that was lately.
    pub(super) fn version(&self, id: u64) -> Option<Millis> {
        self.marks.get(&id).map(|mark| mark.version())
    }

    /// Whether the object was delivered since the pass under way began.
    pub(super) fn is_fresh(&self, id: u64) -> bool {
        self.marks.get(&id).is_some_and(|mark| mark.has(Mark::FRESH))
    }

    /// Whether all that was delivered since the beginning of the last pass is remembered.
    pub(super) fn is_whole(&self) -> bool {
        self.dropped == [false; 2]
    }

    /// Whether all versions that are due to be compared can be.
    pub(super) fn covers(&self) -> bool {
        self.complete <= self.since
    }

    /// Whether this version should have been delivered and wasn't; only asked of versions before the pass's limit.
    pub(super) fn lacks(&self, id: u64, version: Millis) -> bool {
        self.is_comparable(version) && self.version(id).is_none_or(|delivered| delivered < version)
    }

    /// Whether this version is within what the pass compares.
    pub(super) fn is_comparable(&self, version: Millis) -> bool {
        version >= self.since.max(self.complete)
    }

    /// A pass begins.
    pub(super) fn begin(&mut self) {
        self.dropped = [false, self.dropped[0]];
        for mark in self.marks.values_mut() {
            mark.0 &= !(Mark::LISTED | Mark::FRESH);
        }
    }

    /// The pass met an object.
    pub(super) fn list(&mut self, id: u64) {
        if let Some(mark) = self.marks.get_mut(&id) {
            mark.0 |= Mark::LISTED;
        }
    }

    /// The pass has ended, which compared versions before `until`. What was delivered before it began and wasn't met is
    /// offered to `vanished`, in order, and kept if that doesn't take it.
    pub(super) fn end(&mut self, until: Millis, mut vanished: impl FnMut(u64) -> bool) {
        let unmet = |mark: &Mark| !mark.has(Mark::LISTED) && !mark.has(Mark::FRESH);
        let mut ids: Vec<u64> = self.marks.iter().filter(|(_, mark)| unmet(mark)).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        for id in ids {
            if vanished(id) {
                self.marks.remove(&id);
            }
        }
        self.since = self.since.max(until);
        let since = self.since;
        self.marks.retain(|_, mark| unmet(mark) || mark.has(Mark::FRESH) || mark.version() >= since);
        if self.marks.capacity() / 4 > self.marks.len() {
            self.marks.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_lacking_unless_it_or_a_later_one_was_delivered() {
        let mut emitted = Emitted::since(100);
        emitted.deliver(1, 150);
        emitted.deliver(1, 140);
        assert_eq!([149, 150, 151].map(|version| emitted.lacks(1, version)), [false, false, true]);
        assert_eq!([99, 100].map(|version| emitted.lacks(2, version)), [false, true]);
        emitted.delete(1);
        assert!(emitted.lacks(1, 150), "restored");
    }

    #[test]
    fn what_a_pass_has_compared_is_forgotten() {
        let mut emitted = Emitted::since(100);
        for (id, version) in [(1, 150), (2, 150), (3, 250), (4, 150)] {
            emitted.deliver(id, version);
        }
        emitted.begin();
        for id in [1, 2, 3] {
            emitted.list(id);
        }
        emitted.deliver(2, 190);
        let mut vanished = Vec::new();
        emitted.end(200, |id| {
            vanished.push(id);
            true
        });
        assert_eq!(vanished, [4]);
        assert_eq!(
            [1, 2, 3, 4].map(|id| emitted.version(id)),
            [None, Some(190), Some(250), None],
            "2 was delivered behind the pass"
        );
        assert!(!emitted.lacks(1, 199) && emitted.lacks(1, 200));
    }

    #[test]
    fn a_pass_compares_nothing_of_what_was_too_much() {
        let mut emitted = Emitted::since(100);
        emitted.hold(2);
        for (id, version) in [(1, 110), (2, 130), (3, 120)] {
            emitted.deliver(id, version);
        }
        assert!(!emitted.covers() && !emitted.is_whole());
        assert_eq!([130, 131].map(|version| emitted.lacks(9, version)), [false, true]);
        emitted.begin();
        emitted.end(140, |_| true);
        assert!(emitted.covers() && !emitted.is_whole(), "what came before it may be unknown still");
        emitted.begin();
        assert!(emitted.is_whole());
    }

    /// What the docs say of memory.
    #[test]
    fn an_object_takes_seventeen_bytes_a_slot() {
        assert_eq!(size_of::<(u64, Mark)>(), 16);
        assert_eq!(HashMap::<u64, Mark>::with_capacity(MOST).capacity(), MOST);
    }
}
