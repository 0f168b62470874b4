//! Who left: deletions that were delivered, and objects that a pass didn't meet though no deletion was delivered.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::item::Millis;

/// So many delivered deletions are remembered at most. At 17 bytes a slot, and seven of eight slots taken, these are
/// 4.5 MB.
const MOST_DEPARTED: usize = (1 << 18) / 8 * 7;

/// So many objects wait for the second look at most, at some 12 bytes each. What is more waits for another pass.
const MOST_VANISHED: usize = 100_000;

/// The deletions that were delivered since a pass ago, each with the number of the batch that was under way.
#[derive(Debug)]
pub(super) struct Departed {
    ids: HashMap<u64, u32>,
    /// The batch at which one last couldn't be remembered.
    lost: Option<u32>,
    most: usize,
}

impl Default for Departed {
    fn default() -> Self {
        Self { ids: HashMap::new(), lost: None, most: MOST_DEPARTED }
    }
}

impl Departed {
    #[cfg(test)]
    pub(super) fn hold(&mut self, most: usize) {
        self.most = most;
    }

    /// A deletion was delivered.
    pub(super) fn delete(&mut self, id: u64, batch: u32) {
        if self.ids.len() < self.most || self.ids.contains_key(&id) {
            self.ids.insert(id, batch);
        } else {
            self.lost = Some(batch);
        }
    }

    /// The object was delivered as it lives.
    pub(super) fn lives(&mut self, id: u64) {
        self.ids.remove(&id);
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.ids.contains_key(&id)
    }

    /// Whether the deletion was delivered since this batch began, or may have been.
    pub(super) fn is_since(&self, id: u64, batch: u32) -> bool {
        self.lost == Some(batch) || self.ids.get(&id) == Some(&batch)
    }

    /// Whether all deletions are remembered, so that what is missing and isn't among them is news.
    pub(super) fn is_whole(&self) -> bool {
        self.lost.is_none()
    }

    /// A pass has ended, whose first batch was this: the roll that it made lacks what was deleted before.
    pub(super) fn end(&mut self, first: u32) {
        self.ids.retain(|_, batch| *batch >= first);
        self.lost = self.lost.filter(|batch| *batch >= first);
        if self.ids.capacity() / 4 > self.ids.len() {
            self.ids.shrink_to_fit();
        }
    }
}

/// The objects that passes didn't meet, by when each pass's are looked for once more.
#[derive(Debug, Default)]
pub(super) struct Vanished {
    /// Those of the pass under way.
    new: BTreeSet<u64>,
    waiting: VecDeque<(Millis, BTreeSet<u64>)>,
}

impl Vanished {
    /// Notes one; `false` when there are too many already.
    pub(super) fn note(&mut self, id: u64) -> bool {
        if self.waiting.iter().any(|(_, ids)| ids.contains(&id)) {
            return true;
        }
        let noted = self.new.len() + self.waiting.iter().map(|(_, ids)| ids.len()).sum::<usize>();
        let room = noted < MOST_VANISHED;
        if room {
            self.new.insert(id);
        }
        room
    }

    /// The pass met the objects in no order, so it doesn't know which it didn't meet.
    pub(super) fn forget_new(&mut self) {
        self.new.clear();
    }

    /// The pass is over: its own are looked for at `due`, not before those of earlier passes.
    pub(super) fn wait_until(&mut self, due: Millis) -> usize {
        let new = std::mem::take(&mut self.new);
        let noted = new.len();
        if noted > 0 {
            let due = self.waiting.back().map_or(due, |(last, _)| due.max(*last));
            self.waiting.push_back((due, new));
        }
        noted
    }

    /// When the next ones are to be looked for, by the caller's clock.
    pub(super) fn due(&self) -> Option<Millis> {
        self.waiting.front().map(|(due, _)| *due)
    }

    /// The next ones to look for, at most so many.
    pub(super) fn next(&self, most: usize) -> Vec<u64> {
        self.waiting.front().into_iter().flat_map(|(_, ids)| ids).take(most).copied().collect()
    }

    /// The object lives, or its deletion is delivered; `false` when it wasn't missed.
    pub(super) fn settle(&mut self, id: u64) -> bool {
        let mut missed = self.new.remove(&id);
        for (_, ids) in &mut self.waiting {
            missed |= ids.remove(&id);
        }
        self.waiting.retain(|(_, ids)| !ids.is_empty());
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletions_are_remembered_until_a_pass_that_began_later_has_ended() {
        let mut departed = Departed::default();
        departed.hold(2);
        departed.delete(1, 1);
        departed.delete(2, 2);
        departed.end(2);
        assert!(!departed.contains(1) && departed.contains(2) && departed.is_whole());
        departed.delete(3, 3);
        departed.delete(4, 3);
        assert!(!departed.is_whole() && departed.is_since(4, 3) && !departed.is_since(4, 2));
        departed.end(3);
        assert!(!departed.is_whole());
        departed.end(4);
        assert!(departed.is_whole() && !departed.contains(3));
    }

    #[test]
    fn the_vanished_wait_for_their_time_and_are_settled_once() {
        let mut vanished = Vanished::default();
        assert!((1..=3).all(|id| vanished.note(id)));
        assert_eq!((vanished.due(), vanished.wait_until(50)), (None, 3));
        assert!(vanished.note(3) && vanished.note(4));
        assert_eq!(vanished.wait_until(40), 1, "3 was noted before");
        assert!(vanished.settle(1) && !vanished.settle(1));
        assert_eq!((vanished.due(), vanished.next(9)), (Some(50), vec![2, 3]));
        assert!(vanished.settle(2) && vanished.settle(3));
        assert_eq!((vanished.due(), vanished.next(9)), (Some(50), vec![4]), "not before the earlier ones");
        assert!(vanished.settle(4));
        assert_eq!(vanished.due(), None);
    }

    #[test]
    fn too_many_are_not_noted() {
        let mut vanished = Vanished::default();
        assert!((0..MOST_VANISHED as u64).all(|id| vanished.note(id)));
        assert!(!vanished.note(MOST_VANISHED as u64));
    }
}
