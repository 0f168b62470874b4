//! What polls carry: stretches of the window that are looked at again in the room that news leave on a page.

use super::seen::Seen;
use super::walk::Rider;
use crate::item::Millis;

/// The whole of the room that riders have, in parts of it.
const ALL: usize = 16;

/// The least of it that a rider through the window takes.
const LEAST: usize = 2;

/// Which stretch is next.
#[derive(Debug)]
pub(super) struct Riding {
    /// How far the riders that look through the window have come.
    reviewed: Millis,
    /// Whether the last rider settled: then looking through the window has its turn.
    settled_last: bool,
    /// How much of the room the riders through the window fill with what is known there. Where the index is late, more
    /// comes than that, and a full page costs another.
    share: usize,
}

impl Default for Riding {
    fn default() -> Self {
        Self { reviewed: Millis::default(), settled_last: false, share: ALL }
    }
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
        let shared = stretch(seen, self.reviewed, before, room * self.share / ALL);
        let stretch = shared.or_else(|| stretch(seen, self.reviewed, before, room));
        self.reviewed = stretch.map_or(self.reviewed + 1, |stretch| stretch.to);
        stretch
    }

    /// What came of the last rider: as much as was `ridden` of it, on a page that was `full` or wasn't. The next one goes
    /// on from there.
    ///
    /// A millisecond that alone fills a page stops every rider; it is returned, to be walked through.
    pub(super) fn rode(&mut self, rider: Rider, ridden: Option<Rider>, full: bool) -> Option<Millis> {
        let stopped = ridden.is_none().then_some(rider.from);
        if !self.settled_last {
            self.reviewed = ridden.map_or(rider.from + 1, |ridden| ridden.to);
            self.share = if full { (self.share / 2).max(LEAST) } else { (self.share + 1).min(ALL) };
        }
        stopped
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
    fn after_a_full_page_riders_are_shorter_and_go_on_where_the_last_one_got() {
        let mut seen = Seen::default();
        for at in 0..400_u64 {
            seen.insert(ItemId::Number(at), at as Millis);
        }
        let mut riding = Riding::default();
        let mut next = |went: Option<(Millis, bool)>| {
            let rider = riding.next(&seen, 0, 0, 400, 32).expect("rides");
            if let Some((to, full)) = went {
                let ridden = (to > rider.from).then_some(Rider { to, ..rider });
                assert_eq!(riding.rode(rider, ridden, full), ridden.is_none().then_some(rider.from));
            }
            (rider.from, rider.to)
        };
        assert_eq!(next(Some((32, false))), (0, 32));
        assert_eq!(next(Some((40, true))), (32, 64));
        assert_eq!(next(Some((40, true))), (40, 56), "half as long, from where the last one got to");
        assert_eq!(next(Some((49, true))), (41, 49), "behind the millisecond that stopped it");
        for expected in [(49, 53), (53, 59), (59, 67)] {
            assert_eq!(next(Some((expected.1, false))), expected, "then longer again, by and by");
        }
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
