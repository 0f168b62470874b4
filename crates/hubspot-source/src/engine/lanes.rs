//! Reading a list of objects in several places at once.
//!
//! HubSpot lists CRM objects by id, and its cursor is the last id of a page. That is seen, not documented; if it holds, any
//! number is a cursor, and a list can be cut into ranges of ids that are read side by side: [`Lanes`]. Ranges are found by
//! reading, whatever the ids look like: the range that promises most is halved where its ids would be, and the first page
//! behind the cut is a page of the snapshot like any other. That it holds is checked on every page. As soon as it doesn't, the
//! list is read from its beginning, one page after the other, by the cursors that HubSpot hands out.

use crate::item::{Item, ItemId};

/// A range that promises fewer pages than this isn't worth cutting.
const WORTH_CUTTING: u64 = 4;

/// Of so many pages, one may be that of a cut behind which there was nothing.
const PAGES_A_MISS: u64 = 50;

/// So many cuts may miss at first.
const MISSES_AT_FIRST: u64 = 12;

/// A range of ids that is read by one request after another: above `floor`, up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// All objects up to this id have been read.
    pub floor: u64,
    /// The last id of the range; `None` is the end of the list.
    pub end: Option<u64>,
}

/// Where a snapshot of CRM objects is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// By HubSpot's own cursor: the page behind it is to be read; `None` is the first.
    Page(Option<String>),
    /// By ranges of ids that haven't been read; none: all has been.
    Ranges(Vec<Range>),
}

/// One place where the list is read.
#[derive(Clone, Debug)]
struct Lane {
    number: u32,
    range: Range,
    /// How far reading is ahead of what has been delivered.
    read: u64,
    /// Whether a request is under way, or its page being delivered.
    busy: bool,
    /// From one id to the next, on average, where it was read last.
    stride: u64,
    /// Whether a page has been read.
    proven: bool,
}

impl Lane {
    fn new(number: u32, range: Range, stride: u64) -> Self {
        Self { number, range, read: range.floor, busy: false, stride, proven: false }
    }

    fn is_read(&self) -> bool {
        self.range.end.is_some_and(|end| self.read >= end)
    }

    /// How many pages are left, as far as one can tell.
    fn promises(&self, top: u64, page: u64) -> u64 {
        let end = self.range.end.unwrap_or(top);
        end.saturating_sub(self.read) / self.stride.max(1).saturating_mul(page.max(1))
    }
}

/// The lanes of one snapshot.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Those that aren't through.
    open: Vec<Lane>,
    /// How many there have been.
    numbered: u32,
    /// Once ids turned out to be no cursors.
    sequence: Option<Sequence>,
    /// About the greatest id that there is, once that has been asked for.
    top: Option<u64>,
    pages: u64,
    misses: u64,
}

/// The list, read one page after the other.
#[derive(Debug, Default)]
struct Sequence {
    /// As that of a lane: answers to others don't count any more.
    number: u32,
    /// HubSpot's cursor of the next page; `None` is the first.
    next: Option<String>,
    /// That of the page that is being delivered.
    delivering: Option<String>,
    busy: bool,
    /// Whether pages behind that one have been read as well, and none of them delivered.
    gathering: bool,
    done: bool,
}

/// What a page meant.
#[derive(Debug, PartialEq)]
pub(super) enum Page {
    /// These objects are the snapshot's, in order, each with its id.
    Objects(Vec<(u64, Item)>),
    /// Objects whose ids are no cursors, in HubSpot's order.
    Listed(Vec<Item>),
    /// Ids are no cursors, and what has been read can't be told from what hasn't: the list is read from its beginning.
    Again,
}

impl Lanes {
    pub(super) fn new(place: Place) -> Self {
        let (ranges, sequence) = match place {
            Place::Page(None) => (vec![Range { floor: 0, end: None }], None),
            Place::Page(after) => {
                (Vec::new(), Some(Sequence { next: after.clone(), delivering: after, ..Sequence::default() }))
            }
            Place::Ranges(ranges) => (ranges, None),
        };
        // The position of the last object of a range has that range, of which nothing is left.
        let left = ranges.into_iter().filter(|range| range.end.is_none_or(|end| range.floor < end));
        let lanes: Vec<_> = (1..).zip(left).map(|(number, range)| Lane::new(number, range, 1)).collect();
        Self { numbered: lanes.len() as u32 + 1, open: lanes, sequence, top: None, pages: 0, misses: 0 }
    }

    /// Where a restart would go on.
    pub(super) fn place(&self) -> Place {
        match &self.sequence {
            Some(sequence) => Place::Page(sequence.delivering.clone()),
            None => Place::Ranges(self.open.iter().map(|lane| lane.range).collect()),
        }
    }

    /// Notes the greatest id that there is.
    pub(super) fn reach(&mut self, top: u64) {
        self.top = self.top.max(Some(top));
    }

    /// Whether the greatest id would help: there is more than one page, and more than one lane is wanted.
    pub(super) fn wants_top(&self, room: usize) -> bool {
        self.top.is_none() && self.sequence.is_none() && self.pages > 0 && room > 1 && self.count() > 0
    }

    fn count(&self) -> usize {
        self.open.iter().filter(|lane| !lane.is_read()).count()
    }

    /// The lane to read next, and HubSpot's cursor for it; no more than `room` are open at once.
    pub(super) fn next(&mut self, room: usize, page: u32) -> Option<(u32, Option<String>)> {
        if let Some(sequence) = &mut self.sequence {
            let free = !sequence.busy && !sequence.done;
            sequence.busy |= free;
            return free.then(|| (sequence.number, sequence.next.clone()));
        }
        let is_free = |lane: &Lane| !lane.busy && !lane.is_read();
        if !self.open.iter().any(is_free) && self.count() < room {
            self.cut(u64::from(page));
        }
        let lane = self.open.iter_mut().find(|lane| is_free(lane))?;
        lane.busy = true;
        Some((lane.number, (lane.read > 0).then(|| lane.read.to_string())))
    }

    /// Cuts the range that promises most in two.
    fn cut(&mut self, page: u64) {
        let Some(top) = self.top.filter(|_| self.misses < MISSES_AT_FIRST + self.pages / PAGES_A_MISS) else { return };
        let open = self.open.iter_mut().filter(|lane| !lane.is_read());
        let Some(lane) = open.max_by_key(|lane| lane.promises(top, page)) else { return };
        if lane.promises(top, page) < WORTH_CUTTING {
            return;
        }
        let end = lane.range.end.unwrap_or(top);
        let middle = lane.read + (end - lane.read) / 2;
        let upper = Lane::new(self.numbered, Range { floor: middle, end: lane.range.end }, lane.stride);
        lane.range.end = Some(middle);
        self.numbered += 1;
        self.open.push(upper);
    }

    /// Reads the page of a lane, which HubSpot says is followed by `next`.
    pub(super) fn absorb(&mut self, number: u32, items: Vec<Item>, next: Option<String>) -> Page {
        self.pages += 1;
        if let Some(sequence) = self.sequence.as_mut() {
            if sequence.number != number {
                return Page::Listed(Vec::new());
            }
            if !sequence.gathering {
                sequence.delivering.clone_from(&sequence.next);
            }
            sequence.done = next.is_none();
            sequence.next = next;
            return Page::Listed(items);
        }
        let Some(lane) = self.open.iter_mut().find(|lane| lane.number == number) else {
            return Page::Objects(Vec::new());
        };
        let mut objects = Vec::with_capacity(items.len());
        let mut last = lane.read;
        let mut ordered = true;
        for item in items {
            match item.id() {
                Some(ItemId::Number(id)) if id > last => {
                    last = id;
                    objects.push((id, item));
                }
                _ => {
                    ordered = false;
                    break;
                }
            }
        }
        let is_id = next.as_ref().is_none_or(|next| last.to_string() == *next);
        // Behind a cut below the greatest id there is at least that one, unless that is gone by now: a guess proves nothing.
        if objects.is_empty() && next.is_none() && !lane.proven && lane.read > 0 {
            return self.join(number);
        }
        if !ordered || !is_id || objects.is_empty() && next.is_some() {
            return self.fall_back();
        }
        let first = objects.first().map(|(id, _)| *id);
        if let (Some(first), count @ 2..) = (first, objects.len() as u64) {
            lane.stride = (last - first) / (count - 1);
        }
        let end = lane.range.end;
        if !lane.proven && first.is_none_or(|first| end.is_some_and(|end| first > end)) {
            self.misses += u64::from(lane.range.floor > 0);
        }
        lane.proven = true;
        objects.retain(|(id, _)| end.is_none_or(|end| *id <= end));
        lane.read = match (end, next) {
            (Some(end), _) if last >= end => end,
            (Some(end), None) => end,
            (None, None) => {
                // The list ends here; so does the range.
                lane.range.end = Some(last);
                last
            }
            (_, Some(_)) => last,
        };
        self.top = self.top.map(|top| top.max(last));
        Page::Objects(objects)
    }

    /// HubSpot refused a page: whether its cursor was a guess, so that the list is read in HubSpot's own way from now on.
    pub(super) fn refuse(&mut self, number: u32) -> bool {
        let is_guess = |lane: &Lane| lane.number == number && !lane.proven && lane.read > 0;
        let guessed = self.open.iter().any(is_guess);
        if guessed {
            self.fall_back();
        }
        guessed
    }

    /// A page has to be asked for once more.
    pub(super) fn take_back(&mut self, number: u32) {
        if let Some(sequence) = self.sequence.as_mut().filter(|sequence| sequence.number == number) {
            sequence.busy = false;
        }
        if let Some(lane) = self.open.iter_mut().find(|lane| lane.number == number) {
            lane.busy = false;
        }
    }

    /// Nothing came behind a cut: whoever reads what lies before it goes on there, by cursors that are HubSpot's.
    fn join(&mut self, number: u32) -> Page {
        self.misses += 1;
        let Some(place) = self.open.iter().position(|lane| lane.number == number) else {
            return Page::Objects(Vec::new());
        };
        let empty = self.open[place].range;
        let before = self.open.iter_mut().find(|lane| lane.range.end == Some(empty.floor) && !lane.is_read());
        let Some(before) = before else { return self.fall_back() };
        before.range.end = empty.end;
        self.open.remove(place);
        Page::Objects(Vec::new())
    }

    /// Ids aren't cursors here: everything from the beginning, in HubSpot's own way.
    fn fall_back(&mut self) -> Page {
        self.open.clear();
        self.sequence = Some(Sequence { number: self.numbered, ..Sequence::default() });
        self.numbered += 1;
        Page::Again
    }

    /// An object of a lane is being delivered.
    pub(super) fn deliver(&mut self, number: u32, id: u64) {
        if let Some(lane) = self.open.iter_mut().find(|lane| lane.number == number) {
            lane.range.floor = lane.range.floor.max(id);
        }
    }

    /// All that was read of a lane has been delivered.
    pub(super) fn delivered(&mut self, number: u32) {
        if let Some(sequence) = self.sequence.as_mut().filter(|sequence| sequence.number == number) {
            sequence.busy = false;
            sequence.gathering = false;
            sequence.delivering.clone_from(&sequence.next);
        }
        if let Some(lane) = self.open.iter_mut().find(|lane| lane.number == number) {
            lane.busy = false;
            lane.range.floor = lane.read;
        }
        self.open.retain(|lane| lane.busy || !lane.is_read());
    }

    /// What was read of a lane is delivered together with its next page: whether there is one.
    pub(super) fn go_on(&mut self, number: u32) -> bool {
        if let Some(sequence) = self.sequence.as_mut().filter(|sequence| sequence.number == number) {
            let goes_on = !sequence.done;
            sequence.gathering = goes_on;
            sequence.busy = !goes_on;
            return goes_on;
        }
        let Some(lane) = self.open.iter_mut().find(|lane| lane.number == number) else { return false };
        lane.busy = lane.is_read();
        !lane.busy
    }

    /// Whether all has been read and delivered.
    pub(super) fn is_done(&self) -> bool {
        match &self.sequence {
            Some(sequence) => sequence.done && !sequence.busy,
            None => self.open.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fastrand::Rng;
    use serde_json::json;

    use super::*;

    fn item(id: u64) -> Item {
        Item::new(json!({"id": id.to_string()}).as_object().unwrap().clone())
    }

    /// Ids as accounts have them: dense, sparse, in clusters far apart, or all at one end.
    fn ids(rng: &mut Rng) -> BTreeSet<u64> {
        let count = rng.usize(0..3_000);
        let shape = rng.u8(..4);
        let clusters: Vec<u64> = (0..4).map(|_| rng.u64(1..900_000_000_000)).collect();
        (0..count)
            .map(|_| match shape {
                0 => rng.u64(1..5_000),
                1 => rng.u64(1..1_000_000_000_000),
                2 => clusters[rng.usize(..4)] + rng.u64(..2_000),
                _ => 999_999_000_000 + rng.u64(..10_000),
            })
            .collect()
    }

    /// Reads all with many lanes, answers in any order, and a restart at every so-manieth delivery. The ids that came, in
    /// order, and the requests that it took.
    fn read(rng: &mut Rng, ids: &BTreeSet<u64>, cursor: impl Fn(u64) -> String, restarts: bool) -> (Vec<u64>, u64) {
        let mut lanes = Lanes::new(Place::Page(None));
        let (mut came, mut asked, mut requests) = (Vec::new(), Vec::new(), 0);
        loop {
            assert!(requests < 10_000, "in circles");
            if lanes.wants_top(6) {
                lanes.reach(ids.last().copied().unwrap_or(0));
            }
            while asked.len() < 6
                && let Some(request) = lanes.next(6, 100)
            {
                requests += 1;
                asked.push(request);
            }
            if asked.is_empty() {
                assert!(lanes.is_done(), "{lanes:?}");
                return (came, requests);
            }
            let (number, after) = asked.swap_remove(rng.usize(..asked.len()));
            let behind = after
                .map_or(0, |after| *ids.iter().find(|id| cursor(**id) == after).unwrap_or(&after.parse().unwrap_or(0)));
            let page: Vec<u64> = ids.range(behind + 1..).take(101).copied().collect();
            let next = (page.len() > 100).then(|| cursor(page[99]));
            match lanes.absorb(number, page.iter().take(100).map(|id| item(*id)).collect(), next) {
                Page::Objects(objects) => {
                    for (id, _) in objects {
                        lanes.deliver(number, id);
                        came.push(id);
                        if restarts && rng.usize(..200) == 0 {
                            lanes = Lanes::new(lanes.place());
                            asked.clear();
                            break;
                        }
                    }
                }
                Page::Listed(items) => {
                    came.extend(items.iter().map(|item| match item.id() {
                        Some(ItemId::Number(id)) => id,
                        _ => 0,
                    }));
                }
                Page::Again => {}
            }
            lanes.delivered(number);
        }
    }

    #[test]
    fn every_object_comes_once_whatever_the_ids_look_like() {
        for seed in 0..300 {
            let mut rng = Rng::with_seed(seed);
            let ids = ids(&mut rng);
            let (came, requests) = read(&mut rng, &ids, |id| id.to_string(), false);
            let distinct: BTreeSet<u64> = came.iter().copied().collect();
            assert_eq!((distinct, came.len()), (ids.clone(), ids.len()), "seed {seed}");
            let pages = ids.len() as u64 / 100 + 1;
            // Each cut costs a part of a page, and some find nothing.
            assert!(requests <= pages + pages / 2 + 3 * MISSES_AT_FIRST, "seed {seed}: {requests} for {pages} pages");
        }
    }

    #[test]
    fn a_restart_goes_on_in_all_ranges() {
        for seed in 0..300 {
            let mut rng = Rng::with_seed(seed);
            let ids = ids(&mut rng);
            let (came, _) = read(&mut rng, &ids, |id| id.to_string(), true);
            assert_eq!(came.into_iter().collect::<BTreeSet<u64>>(), ids, "seed {seed}");
        }
    }

    #[test]
    fn where_cursors_are_no_ids_the_list_is_read_in_its_own_way() {
        for seed in 0..20 {
            let mut rng = Rng::with_seed(seed);
            let ids = ids(&mut rng);
            let (came, _) = read(&mut rng, &ids, |id| format!("page-behind-{id}"), false);
            assert_eq!(came, ids.iter().copied().collect::<Vec<_>>(), "seed {seed}");
        }
    }

    /// Two lanes with requests under way: the one that reads, and the one behind the cut.
    fn cut_in_two() -> (Lanes, u32, u32) {
        let mut lanes = Lanes::new(Place::Page(None));
        let (first, _) = lanes.next(2, 2).unwrap();
        lanes.absorb(first, vec![item(3), item(7)], Some("7".into()));
        lanes.delivered(first);
        lanes.reach(1_007);
        assert_eq!(lanes.next(2, 2), Some((first, Some("7".into()))));
        let (guess, after) = lanes.next(2, 2).unwrap();
        assert_eq!(after.as_deref(), Some("507"));
        (lanes, first, guess)
    }

    /// HubSpot may know nothing of a cursor that it hasn't handed out, and the greatest id may be gone by now.
    #[test]
    fn a_guessed_cursor_that_hubspot_has_nothing_behind_proves_nothing() {
        let (mut lanes, first, guess) = cut_in_two();
        assert_eq!(lanes.absorb(guess, Vec::new(), None), Page::Objects(Vec::new()));
        lanes.delivered(guess);
        assert!(!lanes.is_done());
        let Page::Objects(objects) = lanes.absorb(first, vec![item(400), item(900)], None) else { panic!("ids") };
        assert_eq!(objects.len(), 2, "the first reads to the end");
        lanes.delivered(first);
        assert!(lanes.is_done());
    }

    #[test]
    fn a_guessed_cursor_that_hubspot_refuses_is_no_cursor() {
        let (mut lanes, first, guess) = cut_in_two();
        assert!(!lanes.refuse(first) && lanes.refuse(guess));
        let (number, after) = lanes.next(2, 2).unwrap();
        assert_eq!(after, None, "from the beginning");
        // What was under way answers late.
        assert_eq!(lanes.absorb(first, vec![item(400)], None), Page::Listed(Vec::new()));
        lanes.delivered(first);
        assert!(!lanes.go_on(first) && !lanes.is_done());
        assert_eq!(lanes.next(2, 2), None, "its own request is still under way");
        assert_eq!(lanes.absorb(number, vec![item(3)], None), Page::Listed(vec![item(3)]));
        lanes.delivered(number);
        assert!(lanes.is_done());
    }

    #[test]
    fn a_position_says_what_is_left() {
        let mut lanes = Lanes::new(Place::Page(None));
        let (number, after) = lanes.next(1, 100).unwrap();
        assert_eq!((after, lanes.next(1, 100)), (None, None), "one request at a time");
        let Page::Objects(objects) = lanes.absorb(number, vec![item(3), item(7)], None) else { panic!("ids") };
        assert_eq!(objects.len(), 2);
        lanes.deliver(number, 3);
        assert_eq!(lanes.place(), Place::Ranges(vec![Range { floor: 3, end: Some(7) }]));
        lanes.deliver(number, 7);
        let resumed = Lanes::new(lanes.place());
        assert!(resumed.is_done(), "behind the last object of a range nothing is left of it");
        lanes.delivered(number);
        assert_eq!((lanes.place(), lanes.is_done()), (Place::Ranges(Vec::new()), true));
    }
}
