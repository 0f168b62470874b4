//! What polls carry: stretches of the window that are looked at again in the room that news leave on a page.

use super::seen::Seen;
use super::walk::Rider;
use crate::item::Millis;

/// Which stretch is next.
#[derive(Debug, Default)]
pub(super) struct Riding {
    /// How far the riders that look through the window have come.
    reviewed: Millis,
    /// Whether the last rider settled: then looking through the window has its turn.
    settled_last: bool,
}

impl Riding {
    /// What a poll from `before` on carries, at most `room` objects: of what is older than `horizon` and hasn't been settled
    /// first, unless there is little of that, then in turns with the rest of the window.
    pub(super) fn next(
        &mut self,
        seen: &Seen,
        settled: Millis,
        horizon: Millis,
        before: Millis,
        room: usize,
    ) -> Option<Rider> {
        if settled >= before {
            return None;
        }
        let horizon = horizon.min(before);
        let backlog = seen.nth_from(settled, room).is_some_and(|full| full < horizon);
        if settled < horizon && (backlog || !self.settled_last) {
            self.settled_last = true;
            return stretch(seen, settled, horizon, room);
        }
        self.settled_last = false;
        if !(settled..before).contains(&self.reviewed) {
            self.reviewed = settled;
        }
        let stretch = stretch(seen, self.reviewed, before, room);
        self.reviewed = stretch.map_or(self.reviewed + 1, |stretch| stretch.to);
        stretch
    }
}

/// As much of `from..to` as there is room for. `None` when the first millisecond alone doesn't fit.
fn stretch(seen: &Seen, from: Millis, to: Millis, room: usize) -> Option<Rider> {
    let to = seen.nth_from(from, room).map_or(to, |full| full.min(to));
    (from < to).then_some(Rider { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::ItemId;

    #[test]
    fn what_is_old_rides_first_then_the_window_in_turns() {
        let mut seen = Seen::default();
        for at in 0..40_u64 {
            seen.insert(ItemId::Number(at), at as Millis);
        }
        let mut riding = Riding::default();
        let mut next =
            |settled, horizon| riding.next(&seen, settled, horizon, 40, 10).map(|rider| (rider.from, rider.to));
        assert_eq!(next(0, 25), Some((0, 10)), "a backlog");
        assert_eq!(next(10, 25), Some((10, 20)), "still");
        assert_eq!(next(20, 25), Some((20, 30)), "little is old, so the window has its turn");
        assert_eq!(next(20, 25), Some((20, 25)));
        assert_eq!(next(25, 25), Some((30, 40)));
        assert_eq!(next(25, 25), Some((25, 35)), "from its beginning again");
        assert_eq!(next(40, 40), None);
    }

    #[test]
    fn more_than_fits_of_one_millisecond_rides_with_nobody() {
        let mut seen = Seen::default();
        for id in 0..40 {
            seen.insert(ItemId::Number(id), 5);
        }
        let mut riding = Riding::default();
        assert_eq!(riding.next(&seen, 5, 9, 20, 10), None);
        assert_eq!(riding.next(&seen, 2, 9, 20, 10), Some(Rider { from: 2, to: 5 }), "up to it");
    }
}
