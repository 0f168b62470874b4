//! Driving the engines of a source.

use std::sync::Arc;

use chrono::Utc;
use hubspot_catalog::{Kind, Resource};
use hubspot_client::Property;
use opencdc::{Operation, Record};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::clock::Clock;
use super::forbidden::{forbidden, is_forbidden};
use super::names::Names;
use super::report::{self, MINUTE, Tally};
use super::rounds::Rounds;
use super::{Api, ended};
use crate::ask::{Ask, Request, Response, Ticket};
use crate::config::{Config, OnForbidden};
use crate::engine::{Change, Engine, Values};
use crate::error::{Error, Refusal};
use crate::item::Millis;
use crate::payload::shape::{RecordShape, Shaping};
use crate::position::{self, Resumption};
use crate::record::record;

/// So many requests of snapshots are under way at once, of all resources together: at HubSpot's greatest quota (25 a second) and
/// half a second an answer it is used in full.
pub(super) const SNAPSHOT_REQUESTS: usize = 12;

/// What goes on in the background takes at most one in so many requests of HubSpot's quota.
const BACKGROUND_SHARE: u64 = 5;

/// HubSpot's smallest quota, until an answer has told: so many requests in so many milliseconds.
const SMALLEST_QUOTA: (u64, u64) = (100, 10_000);

/// One resource on its way.
#[derive(Debug)]
struct Stream {
    resource: &'static Resource,
    engine: Engine,
    /// What stands for it in positions: where a restart goes on behind all records that have been handed out.
    place: Option<String>,
    under_way: usize,
    tally: Tally,
    rounds: Rounds,
    /// Where definitions say what its records are made of.
    shaping: Option<Shaping>,
    /// HubSpot forbids reading it.
    is_forbidden: bool,
    /// HubSpot has let it be read.
    is_read: bool,
}

/// Records to be handed out.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    /// By resource, the shapes that are others than those of the batches before.
    pub(super) shapes: Vec<(&'static str, RecordShape)>,
}

/// An answer, and whose it is: a stream's, with the ticket of what its engine asked for.
type Answer = (usize, Option<Ticket>, Result<Response, hubspot_client::Error>);

pub(super) struct Reading<A> {
    api: Arc<A>,
    on_forbidden: OnForbidden,
    streams: Vec<Stream>,
    under_way: JoinSet<Answer>,
    clock: Clock,
    names: Names,
    /// Whether the engines read the definitions of properties themselves.
    engines_define: bool,
    /// The number of the last record.
    number: u64,
    /// Which stream is asked first: each in turn.
    first: usize,
    report_due: Millis,
    paced_for: Option<u64>,
}

impl<A: Api> Reading<A> {
    pub(super) fn new(api: A, config: &Config, resumption: Resumption) -> Self {
        let Resumption { number, mut resources } = resumption;
        let clock = Clock::start();
        let now = clock.now();
        let polling_period = config.options().polling_period;
        let streams = config.resources.iter().map(|resource| {
            let resume = resources.remove(resource.name);
            let engine = Engine::new(resource, config.options(), resume);
            let place = engine.cursor().map(|cursor| cursor.to_text());
            let (tally, rounds) = (Tally::new(now, polling_period), Rounds::new(config));
            let shaping = Shaping::new(resource, config);
            Stream {
                resource,
                engine,
                place,
                under_way: 0,
                tally,
                rounds,
                shaping,
                is_forbidden: false,
                is_read: false,
            }
        });
        let streams = streams.collect();
        let api = Arc::new(api);
        Self {
            api,
            on_forbidden: config.on_forbidden,
            streams,
            under_way: JoinSet::new(),
            clock,
            names: Names::new(config),
            engines_define: config.properties.needs_definitions() || config.values == Values::Typed,
            number,
            first: 0,
            report_due: now + MINUTE,
            paced_for: None,
        }
    }

    /// Finds out where the streams begin. What was deleted around that moment may come with it.
    pub(super) async fn begin(&mut self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        while self.streams.iter().any(|stream| stream.engine.is_beginning() && !stream.is_forbidden) {
            let wake = self.ask_all(|stream| stream.engine.is_beginning());
            if let Some(answer) = self.answered(wake).await {
                records.append(&mut self.took(answer?).await?);
            }
        }
        self.somebody_reads()?;
        Ok(records)
    }

    /// Reads until the reader is gone, or an error.
    pub(super) async fn run(mut self, first: Vec<Record>, batches: mpsc::Sender<Result<Batch, Error>>) {
        for stream in &self.streams {
            let resource = stream.resource.name;
            tracing::info!(resource, "{}", phase(&stream.engine));
        }
        self.look_at_names();
        if !first.is_empty() && batches.send(Ok(self.batch(first))).await.is_err() {
            return;
        }
        loop {
            let records = self.step().await;
            if matches!(&records, Ok(records) if records.is_empty()) {
                continue;
            }
            let over = records.is_err();
            let batch = records.map(|records| self.batch(records));
            // Nobody listens any more when this fails: the source was dropped.
            if batches.send(batch).await.is_err() || over {
                return;
            }
        }
    }

    fn batch(&mut self, records: Vec<Record>) -> Batch {
        let changed = |stream: &mut Stream| Some((stream.resource.name, stream.shaping.as_mut()?.take_changed()?));
        Batch { records, shapes: self.streams.iter_mut().filter_map(changed).collect() }
    }

    /// Asks what there is to ask, and waits for one answer.
    async fn step(&mut self) -> Result<Vec<Record>, Error> {
        let now = self.clock.now();
        if now >= self.report_due {
            self.report_due = now + MINUTE;
            let (quota, retries) = (self.api.quota(), self.api.retries());
            let streams = self.streams.iter_mut().filter(|stream| !stream.is_forbidden);
            let lines = streams.map(|stream| stream.tally.line(stream.resource, &stream.engine, now));
            report::report(&lines.collect::<Vec<_>>(), &quota, retries);
        }
        let wake = self.ask_all(|_| true).min(self.report_due);
        let Some(answer) = self.answered(wake).await else { return Ok(Vec::new()) };
        let records = self.took(answer?).await?;
        self.somebody_reads()?;
        if !records.is_empty() {
            // The next page is on its way while these records are handed over: of whoever has its turn.
            self.ask_all(|_| true);
        }
        Ok(records)
    }

    /// Makes all requests that may be made now; when to ask again, if no answer comes before.
    fn ask_all(&mut self, which: impl Fn(&Stream) -> bool) -> Millis {
        self.pace();
        let count = self.streams.len();
        self.first = (self.first + 1) % count.max(1);
        let mut wake = Millis::MAX;
        for turn in 0..count {
            let number = (self.first + turn) % count;
            if which(&self.streams[number]) {
                wake = wake.min(self.ask(number));
            }
        }
        wake
    }

    /// Makes the requests of one stream that may be made now.
    fn ask(&mut self, number: usize) -> Millis {
        let snapshots = |stream: &Stream| stream.engine.in_snapshot() && !stream.is_forbidden;
        let (mut under_way, mut open) = (0, 0);
        for stream in self.streams.iter().filter(|stream| snapshots(stream)) {
            under_way += stream.under_way;
            open += 1;
        }
        let room = SNAPSHOT_REQUESTS.div_ceil(open.max(1));
        let now = self.clock.now();
        let stream = &mut self.streams[number];
        if stream.is_forbidden {
            return Millis::MAX;
        }
        loop {
            if stream.engine.in_snapshot() && under_way >= SNAPSHOT_REQUESTS {
                return Millis::MAX;
            }
            match stream.engine.next(now, room) {
                Ask::Wait(until) => return until,
                Ask::Request(ticket, request) => {
                    under_way += 1;
                    stream.under_way += 1;
                    let pause = self.paced_for.unwrap_or_default() as Millis;
                    if !stream.engine.in_snapshot()
                        && let Some(stretched) = stream.rounds.note(&request, now, pause)
                    {
                        report::stretched(stream.resource.name, &stretched);
                    }
                    spawn(&mut self.under_way, &self.api, number, Some(ticket), request);
                }
            }
        }
    }

    /// Keeps what goes on in the background within its share of the quota.
    fn pace(&mut self) {
        let quota = self.api.quota();
        let (requests, millis) = match quota.per_interval {
            Some(requests) if requests > 0 => (u64::from(requests), quota.interval.as_millis() as u64),
            _ => SMALLEST_QUOTA,
        };
        let following = self.streams.iter().filter(|stream| !stream.engine.in_snapshot()).count() as u64;
        let pause = (following.max(1) * millis * BACKGROUND_SHARE).div_ceil(requests);
        if self.paced_for != Some(pause) {
            self.paced_for = Some(pause);
            for stream in &mut self.streams {
                stream.engine.pace(pause as Millis);
            }
        }
    }

    /// The next answer; `None` when there was none until `wake`.
    async fn answered(&mut self, wake: Millis) -> Option<Result<Answer, Error>> {
        let wake = self.clock.instant(wake);
        tokio::select! {
            Some(answer) = self.under_way.join_next() => Some(answer.map_err(|error| ended(Some(error), self.names()))),
            () = tokio::time::sleep_until(wake) => None,
        }
    }

    /// Asks for the definitions that tell whether there are properties of the names that were given.
    fn look_at_names(&mut self) {
        if self.engines_define {
            return;
        }
        for number in self.names.streams() {
            if let Kind::Crm(crm) = self.streams[number].resource.kind {
                spawn(&mut self.under_way, &self.api, number, None, Request::Properties(crm));
            }
        }
    }

    /// Says which names no resource has, and which a resource has no more.
    fn define(&mut self, number: usize, definitions: &[Property]) {
        let resource = self.streams[number].resource.name;
        for property in self.names.learn(number, resource, definitions) {
            tracing::warn!(resource, property, "the property was removed in HubSpot: it is left out until it is back");
        }
        self.say_unknown_names();
    }

    fn say_unknown_names(&mut self) {
        if let Some((unknown, resources)) = self.names.take_unknown() {
            for name in unknown {
                report::unknown_name(&name, &resources);
            }
        }
    }

    /// Reads an answer: the records that it makes. Where HubSpot forbids a resource, the error names all that it forbids.
    async fn took(&mut self, answer: Answer) -> Result<Vec<Record>, Error> {
        let number = answer.0;
        let (resource, source) = match self.take(answer) {
            Err(Error::Request { resource, source }) if is_forbidden(&source) => (resource, source),
            taken => return taken,
        };
        // Nobody will read these answers, and what is asked now shall not stand behind them.
        self.under_way.abort_all();
        let others = self.streams.iter().enumerate().filter(|(other, stream)| !stream.is_read && *other != number);
        let others: Vec<_> = others.map(|(_, stream)| stream.resource).collect();
        let mut refusals = forbidden(&self.api, &others).await;
        if refusals.is_empty() {
            return Err(Error::Request { resource, source });
        }
        refusals.push(Refusal::of(self.streams[number].resource, *source));
        let place = |refusal: &Refusal| self.streams.iter().position(|stream| stream.resource.name == refusal.resource);
        refusals.sort_by_key(place);
        Err(Error::Forbidden { refusals })
    }

    fn take(&mut self, (number, ticket, answer): Answer) -> Result<Vec<Record>, Error> {
        let now = self.clock.now();
        let Some(ticket) = ticket else {
            match answer {
                Ok(response) => self.define(number, &response.definitions),
                Err(error) => {
                    let resource = self.streams[number].resource.name;
                    tracing::debug!(resource, %error, "whether properties have the given names can't be told");
                    self.names.give_up(number);
                    self.say_unknown_names();
                }
            }
            return Ok(Vec::new());
        };
        if let Ok(response) = &answer
            && !response.definitions.is_empty()
        {
            self.define(number, &response.definitions);
        }
        let stream = &mut self.streams[number];
        stream.under_way -= 1;
        if stream.is_forbidden {
            return Ok(Vec::new());
        }
        let resource = stream.resource.name;
        let response = match answer {
            Ok(response) => response,
            Err(error) if is_forbidden(&error) && self.on_forbidden == OnForbidden::Skip => {
                tracing::warn!(resource, %error, "HubSpot forbids reading this resource: it is left out");
                stream.is_forbidden = true;
                self.names.give_up(number);
                self.say_unknown_names();
                return Ok(Vec::new());
            }
            Err(error) if is_refused(&error) && stream.engine.refused(ticket) => {
                tracing::warn!(resource, %error, "HubSpot refused the request: its properties are looked up, and it is made again");
                return Ok(Vec::new());
            }
            Err(source) => return Err(Error::request(resource, source)),
        };
        stream.is_read |= response.definitions.is_empty();
        stream.tally.heard(now);
        let in_snapshot = stream.engine.in_snapshot();
        let is_defined = !response.definitions.is_empty();
        let changes =
            stream.engine.absorb(ticket, response, now).map_err(|source| Error::Answer { resource, source })?;
        stream.tally.count(&changes);
        if let Some(shaping) = &mut stream.shaping {
            if is_defined {
                shaping.define(stream.engine.definitions());
            }
            for change in &changes {
                see(shaping, change);
            }
        }
        for property in stream.engine.take_undefined() {
            tracing::debug!(resource, property, "there is no such property: it is left out until there is one");
        }
        if stream.engine.take_redefined() {
            tracing::info!(resource, "the properties of this resource have changed in HubSpot");
        }
        if let Some(report) = stream.engine.take_report() {
            report::census(resource, &report);
        }
        if in_snapshot && !stream.engine.in_snapshot() {
            tracing::info!(
                resource,
                records = stream.tally.records(),
                "the snapshot is read; {}",
                phase(&stream.engine)
            );
        }
        let records = self.records(number, changes);
        let stream = &mut self.streams[number];
        stream.place = stream.engine.cursor().map(|cursor| cursor.to_text()).or(stream.place.take());
        Ok(records)
    }

    fn records(&mut self, number: usize, changes: Vec<Change>) -> Vec<Record> {
        let read_at = Utc::now();
        let mut records = Vec::with_capacity(changes.len());
        for change in changes {
            self.number = self.number.wrapping_add(1);
            let stream = &mut self.streams[number];
            stream.place = Some(change.cursor.to_text());
            let resource = stream.resource;
            let places =
                self.streams.iter().filter_map(|stream| Some((stream.resource.name, stream.place.as_deref()?)));
            let position = position::write(self.number, places);
            records.push(record(resource, change, position, read_at));
        }
        records
    }

    /// Whether there is a resource left to read.
    fn somebody_reads(&self) -> Result<(), Error> {
        if self.streams.iter().all(|stream| stream.is_forbidden) {
            return Err(Error::AllForbidden { resources: self.names() });
        }
        Ok(())
    }

    fn names(&self) -> String {
        self.streams.iter().map(|stream| stream.resource.name).collect::<Vec<_>>().join(", ")
    }
}

fn spawn<A: Api>(
    under_way: &mut JoinSet<Answer>,
    api: &Arc<A>,
    number: usize,
    ticket: Option<Ticket>,
    request: Request,
) {
    let api = Arc::clone(api);
    under_way.spawn(async move { (number, ticket, api.answer(request).await) });
}

/// Takes in what a change's record has. A deletion has no object but the one before it.
fn see(shaping: &mut Shaping, change: &Change) {
    if change.operation != Operation::Delete {
        shaping.see(change.item.as_map());
    }
    if let Some(before) = &change.before {
        shaping.see(before);
    }
}

fn phase(engine: &Engine) -> &'static str {
    if engine.in_snapshot() { "reading the snapshot" } else { "following changes" }
}

/// Whether HubSpot understood the request and wants another one.
fn is_refused(error: &hubspot_client::Error) -> bool {
    matches!(error, hubspot_client::Error::Api(error) if error.status == 400)
}
