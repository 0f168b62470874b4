//! HubSpot and its reader, until all is quiet.

use std::collections::BTreeMap;
use std::fmt;

use hubspot_catalog::Kind;
use hubspot_source::ask::{Ask, ListRequest, Request, Response};
use hubspot_source::engine::Engine;
use hubspot_source::item::{Item, ItemId, Millis};
use hubspot_source::position::{self, Cursor, Resume};

use super::line::{Call, Line};
use super::reader::Reader;
use super::seeds::tells;
use super::truth::{Shown, Sight};
use super::{EPOCH, History, Object, World};

/// A reader that needs more than this many for one history goes in circles.
const MOST_REQUESTS: usize = 100_000;

/// Of so many instants older than a lag at most changes are repeated after a restart: about a page of them.
const OLD_REPEATS: usize = 200;

/// What happened in a history, or in several.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// By HubSpot's clock.
    pub(crate) millis: Millis,
    /// What changed in HubSpot while it was read.
    pub(crate) happened: usize,
    pub(crate) delivered: usize,
    /// Of that, delivered again after a restart.
    pub(crate) repeats: usize,
    pub(crate) kills: usize,
    pub(crate) faults: usize,
    pub(crate) requests: Requests,
    /// The most that an engine remembered at once.
    pub(crate) remembered: usize,
}

/// How many requests were made, by what for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Requests {
    pub(crate) snapshot: usize,
    pub(crate) walks: usize,
    pub(crate) sweeps: usize,
    pub(crate) census: usize,
    pub(crate) others: usize,
}

impl Requests {
    pub(crate) fn all(self) -> usize {
        let Self { snapshot, walks, sweeps, census, others } = self;
        snapshot + walks + sweeps + census + others
    }

    fn count(&mut self, request: &Request, in_snapshot: bool) {
        let place = match request {
            Request::CmsList(_, list) if list.archived => &mut self.sweeps,
            Request::List(_, list) if list.archived => &mut self.sweeps,
            Request::List(..) | Request::CmsList(..) if in_snapshot => &mut self.snapshot,
            Request::List(..) => &mut self.census,
            Request::Search(_, search) if !search.descending => &mut self.walks,
            Request::CmsList(..) => &mut self.walks,
            _ => &mut self.others,
        };
        *place += 1;
    }
}

impl Summary {
    pub(crate) fn add(&mut self, other: &Self) {
        self.millis += other.millis;
        self.happened += other.happened;
        self.delivered += other.delivered;
        self.repeats += other.repeats;
        self.kills += other.kills;
        self.faults += other.faults;
        self.requests.snapshot += other.requests.snapshot;
        self.requests.walks += other.requests.walks;
        self.requests.sweeps += other.requests.sweeps;
        self.requests.census += other.requests.census;
        self.requests.others += other.requests.others;
        self.remembered = self.remembered.max(other.remembered);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { millis, happened, delivered, repeats, kills, faults, requests, remembered } = self;
        let hours = millis / 3_600_000;
        write!(
            f,
            "{happened} changes in {hours} h, {delivered} records ({repeats} repeats), {kills} kills, {faults} faults, \
             {} requests ({requests:?}), at most {remembered} remembered",
            requests.all()
        )
    }
}

impl History {
    /// What the docs say of the window that is repeated leaves so much open: how late HubSpot's clock is known, and what
    /// passes between two polls.
    pub(super) fn slack(&self) -> Millis {
        let slow = if self.faults > 0 { 30_000 } else { 0 };
        5_000 + 2 * self.polling_period + slow
    }
}

impl World {
    /// Lets a reader read, be killed and resumed until all is quiet: then it must hold the truth.
    pub(crate) fn run(&mut self, history: &History) -> Result<Summary, String> {
        let mut summary = Summary::default();
        self.read(history, &mut Reader::default(), &mut summary, |_| {})?;
        Ok(summary)
    }

    /// Lets a reader read without a kill, then resumes at the positions of its records, each as if it alone had been
    /// acknowledged last: `most` to twice as many, evenly.
    pub(crate) fn run_and_resume_everywhere(&mut self, history: &History, most: usize) -> Result<Summary, String> {
        let mut summary = Summary::default();
        // Every `step`-th moment is kept, and the step grows with their number: all of them would not fit into memory.
        let (mut moments, mut seen, mut step) = (Vec::new(), 0_usize, 1);
        self.read(history, &mut Reader::default(), &mut summary, |reader| {
            if seen.is_multiple_of(step) {
                moments.push(reader.survivor());
                if moments.len() >= 2 * most {
                    let mut place = 0;
                    moments.retain(|_| {
                        place += 1;
                        place % 2 == 1
                    });
                    step *= 2;
                }
            }
            seen += 1;
        })?;
        for mut reader in moments {
            let at = reader.position.to_string();
            let mut world = self.clone();
            world
                .read(history, &mut reader, &mut summary, |_| {})
                .map_err(|lost| format!("resumed at {at}: {lost}"))?;
        }
        Ok(summary)
    }

    fn read(
        &mut self,
        history: &History,
        reader: &mut Reader,
        summary: &mut Summary,
        mut acknowledged: impl FnMut(&Reader),
    ) -> Result<(), String> {
        let (mut engine, mut sight) = self.open(reader, history);
        let mut line = Line::default();
        let mut clock_offset = history.clock_offset;
        let (mut quiet_since, mut requests, mut opened) = (None, Requests::default(), 1);
        let (mut passes, mut met, mut opened_at) = (0, BTreeMap::new(), self.now);
        let mut shown = Shown { since: self.now, ..Shown::default() };
        // What a stream without a snapshot finds there when it begins.
        let mut noted = 0;
        let (began, delivered) = (self.now, summary.delivered);
        let happened = self.happened.len();
        let tell = tells();
        loop {
            if quiet_since.is_none() && self.quiet() {
                quiet_since = Some(self.now);
            }
            // A census of many objects never pauses where its interval is short.
            let patience = 2 * self.patience(history);
            if quiet_since.is_some_and(|since| self.now > since + patience) && !engine.in_snapshot() {
                break;
            }
            let local = self.now + clock_offset;
            match engine.next(local, history.room) {
                Ask::Request(ticket, request) => {
                    requests.count(&request, engine.in_snapshot());
                    let is_first =
                        matches!(&request, Request::List(_, ListRequest { archived: false, after: None, .. }));
                    reader.restarted |= is_first && engine.in_snapshot() && reader.was_told();
                    if requests.all() > MOST_REQUESTS {
                        return Err(format!("no end after {MOST_REQUESTS} requests, now {request:?}"));
                    }
                    if line.len() >= history.room.max(2) {
                        return Err(format!("{request:?} beside {line:?}"));
                    }
                    line.ask(&mut self.rng, self.now, (ticket, request), history, quiet_since.is_none());
                    continue;
                }
                Ask::Wait(until) => match line.next() {
                    None => {
                        if quiet_since.is_some_and(|since| self.now > since + self.patience(history))
                            && !engine.in_snapshot()
                        {
                            break;
                        }
                        let nap = self.rng.i64(1..=history.polling_period).min((until - local).max(1));
                        self.pass(self.now + nap, history);
                    }
                    Some(call) => {
                        self.pass(call.at, history);
                        if let Some(call) = self.step(call, &mut line, tell, history) {
                            let begins = engine.is_beginning();
                            let new_pass = !engine.in_snapshot()
                                && matches!(
                                    &call.request,
                                    Request::List(_, ListRequest { archived: false, after: None, .. })
                                );
                            // What a directory lists is all that it knows.
                            if self.is_directory() && begins {
                                met.extend(self.living(call.response.as_ref()));
                            }
                            let local = self.now + clock_offset;
                            let response = call.response.unwrap_or_default();
                            let living = response.items.iter().filter(|item| !item.flag("archived"));
                            shown.living.extend(living.filter_map(number));
                            noted += if begins { response.items.len() } else { 0 };
                            let changes =
                                engine.absorb(call.ticket, response, local).map_err(|error| error.to_string())?;
                            if begins && !engine.is_beginning() && !history.snapshot {
                                reader.begin(if self.is_directory() { &met } else { &self.store });
                            }
                            passes += usize::from(new_pass);
                            // The second pass begins when the first has met all objects, and what belongs to them.
                            if passes == 2 && sight.learned.is_none() {
                                sight.learned = Some(self.now);
                            }
                            if passes == 3 && sight.settled.is_none() {
                                sight.settled = Some(self.now);
                            }
                            summary.delivered += changes.len();
                            reader.receive(changes, self, history)?;
                            if let Some(cursor) = engine.cursor().filter(|_| self.rng.u8(..6) == 0) {
                                reader.pass(&cursor, self);
                            }
                            let remembered = engine.remembered();
                            summary.remembered = summary.remembered.max(remembered);
                            self.check_memory(&engine, opened_at, sight, history)?;
                        }
                    }
                },
            }
            for _ in 0..self.rng.usize(..=reader.waiting()) {
                reader.take(true);
                acknowledged(reader);
            }
            if quiet_since.is_none() && self.rng.usize(..history.kill) == 0 {
                summary.kills += 1;
                summary.repeats += reader.repeats;
                reader.die(&mut self.rng, self.resource);
                line.cut();
                (engine, sight) = self.open(reader, history);
                opened += 1;
                opened_at = self.now;
                met.clear();
                shown = Shown { since: self.now, ..Shown::default() };
                passes = 0;
                if tell {
                    eprintln!("{} killed; resumed at {}", self.now - EPOCH, reader.position);
                }
                // Another machine, another clock.
                clock_offset += self.rng.i64(-86_400_000..86_400_000);
            }
        }
        while reader.waiting() > 0 {
            reader.take(true);
            acknowledged(reader);
        }
        summary.repeats += reader.repeats;
        let spent = Summary {
            millis: self.now - began,
            delivered: summary.delivered - delivered,
            happened: self.happened.len() - happened,
            faults: line.faults,
            requests,
            ..Summary::default()
        };
        summary.add(&Summary { delivered: 0, ..spent });
        self.compare(reader, sight, &shown, history)?;
        self.check_end(&engine, reader)?;
        self.check_budget(&spent, opened, noted, history)
    }

    /// Memory is bounded by what happened lately, and by what the list of archived objects has.
    fn check_memory(&self, engine: &Engine, opened_at: Millis, sight: Sight, history: &History) -> Result<(), String> {
        // Where a CMS list of many objects is read page by page, what is read is remembered until it is through.
        let Some(settled) = engine.progress().settled.filter(|_| self.is_crm()) else { return Ok(()) };
        let remembered = engine.remembered();
        let span = history.lag + history.lag.max(60_000) + history.slack();
        // What was created since then is remembered until a poll has got to the head.
        let known = if let Some(Cursor::Follow(followed)) = engine.cursor() { followed.known } else { settled };
        // What is resumed late has much before it.
        let since = if self.now < opened_at + span { sight.compared } else { settled.min(known) };
        let lately = self.happened_since(since.min(self.now - span));
        let most = 2 * lately + 3 * self.archived.len() + self.erased.len() + self.winners.len() + 10;
        if remembered > most {
            return Err(format!("{remembered} objects are remembered, though only {lately} changed in {span} ms"));
        }
        Ok(())
    }

    /// All is forgotten but what has to be known for good.
    fn check_end(&self, engine: &Engine, reader: &Reader) -> Result<(), String> {
        let entries = if self.is_directory() { self.store.len() } else { 0 };
        let (remembered, most) =
            (engine.remembered(), 3 * self.archived.len() + self.erased.len() + self.winners.len() + entries + 10);
        if remembered > most && !matches!(self.resource.kind, Kind::Cms(_)) {
            return Err(format!("{remembered} objects are remembered long after all has become quiet"));
        }
        if self.is_crm() && reader.most_old > OLD_REPEATS {
            let instants = reader.most_old;
            return Err(format!("changes of {instants} instants were repeated, which were older than a lag"));
        }
        Ok(())
    }

    /// Requests are few: one a poll, and some for what is much; in the background no more than their pace allows.
    fn check_budget(&self, spent: &Summary, opened: usize, noted: usize, history: &History) -> Result<(), String> {
        let Summary { millis, delivered, requests, .. } = *spent;
        let polls = (millis / history.polling_period) as usize;
        let paced = (millis / history.background_pause.max(1)) as usize;
        // What a snapshot has delivered shows in the window again, and is settled without a record.
        let walks = polls + 3 * opened + 20 + (delivered + noted) / 25 + self.store.len() / 50;
        if self.is_crm() && requests.walks > walks {
            return Err(format!("{} searches for {delivered} records and {polls} polls", requests.walks));
        }
        if requests.sweeps + requests.census > paced + 2 * opened {
            return Err(format!("{requests:?}, though only {paced} are allowed in the background"));
        }
        Ok(())
    }

    /// Something happens to a request; it is given back when its answer has arrived.
    fn step(&mut self, mut call: Call, line: &mut Line, tell: bool, history: &History) -> Option<Call> {
        if call.response.is_some() {
            return Some(call);
        }
        let response = self.answer(&call.request, history);
        if tell {
            let (at, objects, total) = (self.now - EPOCH, response.items.len(), response.total);
            eprintln!("{at} {:?} -> {objects} objects, total {total:?}", call.request);
        }
        call.at = self.now;
        line.read(call, response);
        None
    }

    /// Once HubSpot is quiet: a lag, what the reader needs to look around in, and nothing more.
    fn patience(&self, history: &History) -> Millis {
        let step = 500 + history.background_pause;
        let sweep = step * (self.archived.len() as Millis / 100 + 1);
        // A pass, and a second look at what it missed; each step may need another one, and takes turns with the sweep.
        let pass = 4 * step * (self.store.len() as Millis / 100 + 2);
        let census = history.census().map_or(0, |interval| 3 * (interval + pass) + history.lag);
        history.lag + 8 * history.polling_period + 3 * (history.deletes_interval + sweep) + census + 60_000
    }

    /// The objects of an answer that are there still.
    fn living(&self, response: Option<&Response>) -> Vec<(u64, Object)> {
        let ids = response.into_iter().flat_map(|response| &response.items).filter_map(number);
        ids.filter_map(|id| Some((id, self.store.get(&id)?.clone()))).collect()
    }

    fn open(&self, reader: &mut Reader, history: &History) -> (Engine, Sight) {
        let resumption = position::parse(&reader.position, &[self.resource.name]).expect("our own position");
        let mut resumption = resumption.unwrap_or_default();
        let resume = resumption.resources.remove(self.resource.name);
        reader.resume(resumption.number, resume.as_ref());
        let (compared, behind) = match &resume {
            Some(Resume::At(Cursor::Follow(followed))) => (followed.settled, followed.drain),
            _ => (Millis::MIN, None),
        };
        let whole = resume.is_none() && history.snapshot;
        let sight =
            Sight { learned: whole.then_some(Millis::MIN), settled: whole.then_some(Millis::MIN), compared, behind };
        (Engine::new(self.resource, history.options(), resume), sight)
    }
}

/// The id of an object.
fn number(item: &Item) -> Option<u64> {
    if let Some(ItemId::Number(id)) = item.id() { Some(id) } else { None }
}
