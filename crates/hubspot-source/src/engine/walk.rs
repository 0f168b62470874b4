//! Walking an axis of time by keyset: always the first page of "from here on", never an offset.
//!
//! An offset into a live result shifts whenever a row leaves it, and skips a row for each. A keyset can't: a full page
//! withholds its last millisecond (there may be more of it on the next page) and the next page starts there. When a
//! page is one single millisecond, that millisecond is drained on its own, by id (search) or by HubSpot's page cursor
//! (CMS).
//!
//! A page has room for more than the news. A search may carry a [`Rider`]: an older stretch, read along in the same
//! request.

use crate::ask::Response;
use crate::error::AnswerError;
use crate::item::{Item, ItemId, Millis};

/// Where a walk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Everything before this has been read.
    pub(crate) at: Millis,
    /// Set while the millisecond `at` is drained.
    pub(crate) drain: Option<Drain>,
    /// Where the walk ends; `None` is the head.
    pub(crate) until: Option<Millis>,
    /// An older stretch that the next page reads along.
    pub(crate) rider: Option<Rider>,
}

/// A stretch that lies before a walk and is read along with its next page: from, and to before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rider {
    pub(crate) from: Millis,
    pub(crate) to: Millis,
}

impl Rider {
    fn holds(self, at: Millis) -> bool {
        (self.from..self.to).contains(&at)
    }
}

/// How far one millisecond has been drained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drain {
    /// Search: ids up to this one have been read.
    pub(crate) id: Option<u64>,
    /// CMS: HubSpot's cursor of the next page.
    pub(crate) page: Option<String>,
    /// HubSpot's clock when the drain began: its first page is the oldest of its readings.
    pub(crate) hub: Option<Millis>,
    /// How many objects the query had; a change means that pages have shifted.
    total: Option<u64>,
}

impl Drain {
    /// The rest of a millisecond whose objects up to this id are done.
    pub(crate) fn behind(id: u64) -> Self {
        Self { id: Some(id), ..Self::default() }
    }
}

/// How a millisecond of many objects is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draining {
    /// By a query for that millisecond alone, sorted by id, from the last id on.
    ById,
    /// By following the page cursors of the query that found it.
    ByPage,
}

/// A row of a page with its place on the walk's axis.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) item: Item,
    pub(crate) id: ItemId,
    pub(crate) at: Millis,
}

/// What a page meant.
#[derive(Debug)]
pub(crate) struct Step {
    /// The rows that it is safe to take, in order: those of the rider first.
    pub(crate) rows: Vec<Row>,
    /// As much of the rider as has been read without a hole.
    pub(crate) ridden: Option<Rider>,
    /// The stretch that has now been read without a hole: from, to (`None`: the head), and HubSpot's clock at the
    /// (oldest) reading.
    pub(crate) covered: Option<(Millis, Option<Millis>, Millis)>,
    /// How the walk goes on; `None` when it is done.
    pub(crate) next: Option<Walk>,
}

impl Walk {
    pub(crate) fn from(at: Millis, until: Option<Millis>) -> Self {
        Self { at, drain: None, until, rider: None }
    }

    /// The same walk, whose next page reads a stretch before it along.
    pub(crate) fn carrying(self, rider: Option<Rider>) -> Self {
        debug_assert!(rider.is_none_or(|rider| rider.to <= self.at && self.drain.is_none()));
        Self { rider, ..self }
    }

    /// Through one millisecond of more objects than a page has.
    pub(crate) fn through(at: Millis) -> Self {
        Self { drain: Some(Drain::default()), ..Self::from(at, Some(at + 1)) }
    }

    fn on(&self, at: Millis) -> Option<Self> {
        self.until.is_none_or(|until| at < until).then(|| Self::from(at, self.until))
    }

    /// Reads a page. `limit` is what was asked for, `hub` an instant of HubSpot's clock not after the reading, `rows`
    /// the page's rows.
    pub(crate) fn absorb(
        self,
        draining: Draining,
        mut rows: Vec<Row>,
        response: &Response,
        limit: u32,
        hub: Millis,
    ) -> Result<Step, AnswerError> {
        let full = rows.len() >= limit as usize || response.next.is_some();
        if let Some(drain) = self.drain.clone() {
            return Ok(self.drained(draining, drain, rows, response, full, hub));
        }
        // A search also returns rows outside the asked range: times are rounded, and objects change during the query.
        rows.retain(|row| {
            row.at >= self.at && self.until.is_none_or(|until| row.at < until)
                || self.rider.is_some_and(|rider| rider.holds(row.at))
        });
        rows.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        if !full {
            return Ok(Step { rows, ridden: self.rider, covered: Some((self.at, self.until, hub)), next: None });
        }
        if let Some(rider) = self.rider {
            return Ok(self.full_with(rider, rows, hub));
        }
        let Some(last) = rows.last().map(|row| row.at) else {
            // CMS filters are exclusive or inclusive as HubSpot pleases: a page may be full of the millisecond before.
            return match draining {
                Draining::ById => Err(AnswerError::OutOfRange { since: self.at }),
                Draining::ByPage => Ok(self.into_drain()),
            };
        };
        if last == self.at {
            return Ok(self.into_drain());
        }
        let before = rows.len();
        rows.retain(|row| row.at < last);
        let mut next = Self::from(last, self.until);
        // What fills most of this page likely fills the next one, which could only be thrown away then.
        if rows.len() < before.div_ceil(4) {
            next.drain = Some(Drain::default());
        }
        Ok(Step { rows, ridden: None, covered: Some((self.at, Some(last), hub)), next: Some(next) })
    }

    /// A full page with a rider: sorted by time, so that it is the walk's own part that is cut off first.
    fn full_with(self, rider: Rider, mut rows: Vec<Row>, hub: Millis) -> Step {
        let alone = Self { rider: None, ..self };
        let Some(last) = rows.last().map(|row| row.at) else {
            return Step { rows, ridden: None, covered: None, next: Some(alone) };
        };
        rows.retain(|row| row.at < last);
        if last < alone.at {
            let ridden = (last > rider.from).then_some(Rider { to: last, ..rider });
            return Step { rows, ridden, covered: None, next: Some(alone) };
        }
        let covered = (last > alone.at).then_some((alone.at, Some(last), hub));
        Step { rows, ridden: Some(rider), covered, next: Some(Self { at: last, ..alone }) }
    }

    fn into_drain(self) -> Step {
        let next = Some(Self { drain: Some(Drain::default()), ..self });
        Step { rows: Vec::new(), ridden: None, covered: None, next }
    }

    fn drained(
        self,
        draining: Draining,
        mut drain: Drain,
        mut rows: Vec<Row>,
        response: &Response,
        full: bool,
        hub: Millis,
    ) -> Step {
        let hub = *drain.hub.get_or_insert(hub);
        let more = match draining {
            Draining::ById => {
                let last =
                    rows.iter().filter_map(|row| if let ItemId::Number(id) = row.id { Some(id) } else { None }).max();
                // An id that doesn't grow would ask the same again, forever.
                let grows = last > drain.id;
                drain.id = drain.id.max(last);
                full && grows
            }
            Draining::ByPage => {
                if drain.total.is_some() && drain.total != response.total {
                    // Objects came or went, and pages shifted: what was read so far stays read, the rest is read again.
                    let again = Drain { hub: Some(hub), ..Drain::default() };
                    let next = Some(Self { drain: Some(again), ..self });
                    return Step { rows: Vec::new(), ridden: None, covered: None, next };
                }
                drain.total = response.total;
                drain.page.clone_from(&response.next);
                drain.page.is_some() && rows.iter().all(|row| row.at <= self.at)
            }
        };
        rows.retain(|row| row.at == self.at);
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        if more {
            Step { rows, ridden: None, covered: None, next: Some(Self { drain: Some(drain), ..self }) }
        } else {
            let covered = Some((self.at, Some(self.at + 1), hub));
            Step { rows, ridden: None, covered, next: self.on(self.at + 1) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(of: &[(u64, Millis)]) -> Vec<Row> {
        of.iter().map(|&(id, at)| Row { item: Item::default(), id: ItemId::Number(id), at }).collect()
    }

    fn ids(step: &Step) -> Vec<String> {
        step.rows.iter().map(|row| row.id.to_string()).collect()
    }

    fn page(walk: Walk, of: &[(u64, Millis)], limit: u32, hub: Millis) -> Step {
        walk.absorb(Draining::ById, rows(of), &Response::default(), limit, hub).expect("in range")
    }

    #[test]
    fn a_full_page_withholds_its_last_millisecond() {
        let step = page(Walk::from(10, None), &[(5, 10), (3, 11), (9, 12), (1, 12)], 4, 99);
        assert_eq!(ids(&step), ["5", "3"]);
        assert_eq!(step.covered, Some((10, Some(12), 99)));
        assert_eq!(step.next, Some(Walk::from(12, None)));
    }

    #[test]
    fn a_short_page_is_the_end() {
        let step = page(Walk::from(10, None), &[(5, 10), (1, 12)], 4, 99);
        assert_eq!(ids(&step), ["5", "1"]);
        assert_eq!((step.covered, step.next), (Some((10, None, 99)), None));
    }

    #[test]
    fn a_page_of_one_millisecond_is_drained_by_id_and_the_walk_goes_on_behind_it() {
        let step = page(Walk::from(12, None), &[(9, 12), (1, 12)], 2, 50);
        assert!(step.rows.is_empty() && step.covered.is_none());
        let step = page(step.next.expect("drains"), &[(1, 12), (4, 12)], 2, 60);
        assert_eq!(ids(&step), ["1", "4"]);
        assert_eq!(step.covered, None);
        let walk = step.next.expect("drains on");
        assert_eq!(walk.drain.as_ref().and_then(|drain| drain.id), Some(4));
        let step = page(walk, &[(9, 12)], 2, 70);
        assert_eq!(ids(&step), ["9"]);
        assert_eq!(step.covered, Some((12, Some(13), 60)), "as old as its first reading");
        assert_eq!(step.next, Some(Walk::from(13, None)));
    }

    #[test]
    fn rows_outside_the_asked_range_are_left_out_and_a_page_of_them_is_an_error() {
        let step = page(Walk::from(10, Some(12)), &[(5, 9), (1, 10), (2, 12)], 4, 99);
        assert_eq!(ids(&step), ["1"]);
        let error = Walk::from(10, None).absorb(Draining::ById, rows(&[(5, 9), (6, 9)]), &Response::default(), 2, 99);
        assert_eq!(error.map(|_| ()), Err(AnswerError::OutOfRange { since: 10 }));
    }

    #[test]
    fn a_rider_is_read_along_and_what_lies_between_is_left_out() {
        let rider = Some(Rider { from: 2, to: 5 });
        let step =
            page(Walk::from(10, None).carrying(rider), &[(1, 1), (2, 2), (3, 4), (4, 5), (5, 10), (6, 12)], 9, 99);
        assert_eq!(ids(&step), ["2", "3", "5", "6"]);
        assert_eq!((step.ridden, step.covered, step.next), (rider, Some((10, None, 99)), None));
    }

    #[test]
    fn a_full_page_with_a_rider_goes_on_without_it() {
        let rider = Some(Rider { from: 2, to: 5 });
        let walk = || Walk::from(10, None).carrying(rider);
        // The news are cut off.
        let step = page(walk(), &[(2, 2), (3, 4), (5, 10), (6, 12)], 4, 99);
        assert_eq!(ids(&step), ["2", "3", "5"]);
        assert_eq!(
            (step.ridden, step.covered, step.next),
            (rider, Some((10, Some(12), 99)), Some(Walk::from(12, None)))
        );
        // Only the first millisecond of the news is there: it may go on.
        let step = page(walk(), &[(2, 2), (3, 4), (5, 10), (6, 10)], 4, 99);
        assert_eq!(ids(&step), ["2", "3"]);
        assert_eq!((step.ridden, step.covered, step.next), (rider, None, Some(Walk::from(10, None))));
        // The rider itself is cut off.
        let step = page(walk(), &[(2, 2), (3, 3), (4, 4), (6, 4)], 4, 99);
        assert_eq!(ids(&step), ["2", "3"]);
        assert_eq!(step.ridden, Some(Rider { from: 2, to: 4 }));
        assert_eq!((step.covered, step.next), (None, Some(Walk::from(10, None))));
        let step = page(walk(), &[(2, 2), (3, 2), (4, 2), (6, 2)], 4, 99);
        assert!(step.rows.is_empty() && step.ridden.is_none());
    }

    #[test]
    fn a_bounded_walk_ends_at_its_bound() {
        let walk = Walk { drain: Some(Drain::default()), ..Walk::from(11, Some(12)) };
        let step = page(walk, &[(5, 11)], 4, 99);
        assert_eq!((step.covered, step.next), (Some((11, Some(12), 99)), None));
    }

    #[test]
    fn pages_that_shift_while_a_millisecond_is_drained_are_read_again() {
        let answer = |total, next: Option<&str>| Response {
            total: Some(total),
            next: next.map(Into::into),
            ..Response::default()
        };
        let walk = Walk { drain: Some(Drain::default()), ..Walk::from(12, None) };
        let step =
            walk.absorb(Draining::ByPage, rows(&[(1, 12), (2, 12)]), &answer(5, Some("p2")), 2, 50).expect("fine");
        assert_eq!(ids(&step), ["1", "2"]);
        let step = step
            .next
            .expect("on")
            .absorb(Draining::ByPage, rows(&[(4, 12), (5, 13)]), &answer(4, None), 2, 60)
            .expect("fine");
        let again = step.next.expect("again");
        assert!(step.rows.is_empty());
        assert_eq!(again.drain.as_ref().map(|drain| (drain.page.clone(), drain.hub)), Some((None, Some(50))));
        let step =
            again.absorb(Draining::ByPage, rows(&[(2, 12), (3, 12)]), &answer(4, Some("p2")), 2, 70).expect("fine");
        let step = step
            .next
            .expect("on")
            .absorb(Draining::ByPage, rows(&[(4, 12), (5, 13)]), &answer(4, None), 2, 80)
            .expect("fine");
        assert_eq!(ids(&step), ["4"]);
        assert_eq!(step.covered, Some((12, Some(13), 50)));
        assert_eq!(step.next, Some(Walk::from(13, None)));
    }
}
