//! What objects said that were delivered since the last pass met them: it lies over the roll of that pass.

use std::collections::HashMap;

use super::super::roll::Prints;
use crate::item::Millis;

/// So many objects are remembered at most. At 25 bytes a slot, and seven of eight slots taken, these are 6.6 MB.
const MOST: usize = (1 << 18) / 8 * 7;

/// The fingerprints of objects as they were delivered, each with the number of the batch that was under way then.
#[derive(Debug)]
pub(super) struct Overlay {
    said: HashMap<u64, (Prints, u32)>,
    /// Objects of versions from here on may have been delivered without being remembered: before the pass under way began,
    /// and since.
    forgotten: [Option<Millis>; 2],
    /// The batch at which one last couldn't be remembered.
    lost: Option<u32>,
    most: usize,
}

impl Default for Overlay {
    fn default() -> Self {
        Self { said: HashMap::new(), forgotten: [None; 2], lost: None, most: MOST }
    }
}

impl Overlay {
    #[cfg(test)]
    pub(super) fn hold(&mut self, most: usize) {
        self.most = most;
    }

    /// An object was delivered.
    pub(super) fn deliver(&mut self, id: u64, version: Option<Millis>, prints: Prints, batch: u32) {
        if self.said.len() >= self.most && !self.said.contains_key(&id) {
            let version = version.unwrap_or(Millis::MIN);
            self.lost = Some(batch);
            self.forgotten[1] = Some(self.forgotten[1].map_or(version, |from| from.min(version)));
            return;
        }
        self.said.insert(id, (prints, batch));
    }

    /// A deletion was delivered.
    pub(super) fn delete(&mut self, id: u64) {
        self.said.remove(&id);
    }

    /// Whether it has the object's word.
    pub(super) fn contains(&self, id: u64) -> bool {
        self.said.contains_key(&id)
    }

    /// Whether the object was delivered since this batch began, or may have been.
    pub(super) fn is_since(&self, id: u64, batch: u32) -> bool {
        self.lost == Some(batch) || self.said.get(&id).is_some_and(|(_, noted)| *noted == batch)
    }

    /// What the object said as it was delivered since the last pass met it, or `roll`'s word if it wasn't. It's the next
    /// roll's from now on.
    pub(super) fn take(&mut self, id: u64, version: Option<Millis>, roll: Option<Prints>) -> Prints {
        if let Some((prints, _)) = self.said.remove(&id) {
            return prints;
        }
        let version = version.unwrap_or(Millis::MAX);
        let forgotten = self.forgotten.iter().flatten().any(|from| version >= *from);
        roll.filter(|_| !forgotten).unwrap_or_default()
    }

    /// The pass under way has ended, whose first batch was this: what it has met is the roll's, what it hasn't is gone, and
    /// what was forgotten before it began has been learned.
    pub(super) fn end(&mut self, first: u32) {
        self.said.retain(|_, (_, noted)| *noted >= first);
        self.forgotten[0] = None;
        if self.said.capacity() / 4 > self.said.len() {
            self.said.shrink_to_fit();
        }
    }

    /// A pass begins.
    pub(super) fn begin(&mut self) {
        let [before, since] = self.forgotten;
        // What was forgotten during the last pass may have been met by it already.
        let earliest = before.into_iter().chain(since).min();
        self.forgotten = [earliest, None];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(properties: u32) -> Prints {
        Prints { properties, associations: 0 }
    }

    /// What the docs say of memory.
    #[test]
    fn an_object_takes_twenty_five_bytes_a_slot() {
        assert_eq!(size_of::<(u64, (Prints, u32))>(), 24);
        assert_eq!(HashMap::<u64, (Prints, u32)>::with_capacity(MOST).capacity(), MOST);
    }

    #[test]
    fn it_covers_the_roll_until_a_pass_meets_the_object() {
        let mut overlay = Overlay::default();
        overlay.deliver(1, Some(10), prints(5), 1);
        overlay.begin();
        assert_eq!(overlay.take(1, Some(10), Some(prints(4))), prints(5));
        assert_eq!(overlay.take(1, Some(10), Some(prints(5))), prints(5));
        overlay.deliver(2, Some(20), prints(6), 1);
        overlay.deliver(3, Some(30), prints(7), 2);
        overlay.end(2);
        assert_eq!([2, 3].map(|id| overlay.take(id, None, None)), [prints(0), prints(7)]);
    }

    #[test]
    fn what_it_had_no_room_for_is_learned_anew() {
        let mut overlay = Overlay::default();
        overlay.hold(1);
        overlay.deliver(1, Some(10), prints(1), 0);
        overlay.deliver(2, Some(20), prints(2), 0);
        overlay.begin();
        let mut say = |version| overlay.take(2, Some(version), Some(prints(9)));
        assert_eq!([19, 20, 21].map(&mut say), [prints(9), prints(0), prints(0)]);
        overlay.end(1);
        overlay.begin();
        assert_eq!(overlay.take(2, Some(20), Some(prints(2))), prints(2));
    }
}
