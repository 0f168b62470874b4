//! Driving the engines of a source.

use std::sync::Arc;

use chrono::Utc;
use hubspot_catalog::Resource;
use opencdc::Record;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Api;
use super::clock::Clock;
use super::report::{self, MINUTE, Tally};
use crate::ask::{Ask, Request, Response, Ticket};
use crate::config::{Config, OnForbidden};
use crate::engine::{Change, Engine};
use crate::error::Error;
use crate::item::Millis;
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
    /// HubSpot forbids reading it.
    is_forbidden: bool,
}

/// An answer, and whose it is.
type Answer = (usize, Ticket, Result<Response, hubspot_client::Error>);

pub(super) struct Reading<A> {
    api: Arc<A>,
    on_forbidden: OnForbidden,
    streams: Vec<Stream>,
    under_way: JoinSet<Answer>,
    clock: Clock,
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
        let streams = config.resources.iter().map(|resource| {
            let resume = resources.remove(resource.name);
            let engine = Engine::new(resource, config.options(), resume);
            let place = engine.cursor().map(|cursor| cursor.to_text());
            Stream { resource, engine, place, under_way: 0, tally: Tally::new(now), is_forbidden: false }
        });
        let streams = streams.collect();
        let api = Arc::new(api);
        let (on_forbidden, under_way) = (config.on_forbidden, JoinSet::new());
        let report_due = now + MINUTE;
        Self { api, on_forbidden, streams, under_way, clock, number, first: 0, report_due, paced_for: None }
    }

    /// Finds out where the streams begin. What was deleted around that moment may come with it.
    pub(super) async fn begin(&mut self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        while self.streams.iter().any(|stream| stream.engine.is_beginning() && !stream.is_forbidden) {
            let wake = self.ask_all(|stream| stream.engine.is_beginning());
            if let Some(answer) = self.answered(wake).await {
                records.append(&mut self.take(answer?)?);
            }
        }
        self.somebody_reads()?;
        Ok(records)
    }

    /// Reads until the reader is gone, or an error.
    pub(super) async fn run(mut self, first: Vec<Record>, batches: mpsc::Sender<Result<Vec<Record>, Error>>) {
        for stream in &self.streams {
            let resource = stream.resource.name;
            tracing::info!(resource, "{}", phase(&stream.engine));
        }
        if !first.is_empty() && batches.send(Ok(first)).await.is_err() {
            return;
        }
        loop {
            let batch = self.step().await;
            let over = batch.is_err();
            // Nobody listens any more when this fails: the source was dropped.
            if !matches!(&batch, Ok(records) if records.is_empty()) && batches.send(batch).await.is_err() || over {
                return;
            }
        }
    }

    /// Asks what there is to ask, and waits for one answer.
    async fn step(&mut self) -> Result<Vec<Record>, Error> {
        let now = self.clock.now();
        if now >= self.report_due {
            self.report_due = now + MINUTE;
            let (quota, retries) = (self.api.quota(), self.api.retries());
            for stream in self.streams.iter_mut().filter(|stream| !stream.is_forbidden) {
                stream.tally.report(stream.resource, &stream.engine, &quota, retries, now);
            }
        }
        let wake = self.ask_all(|_| true).min(self.report_due);
        let Some(answer) = self.answered(wake).await else { return Ok(Vec::new()) };
        let records = self.take(answer?)?;
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
                    spawn(&mut self.under_way, &self.api, number, ticket, request);
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
            Some(answer) = self.under_way.join_next() => Some(answer.map_err(|_| Error::Stopped { resources: self.names() })),
            () = tokio::time::sleep_until(wake) => None,
        }
    }

    /// Reads an answer: the records that it makes.
    fn take(&mut self, (number, ticket, answer): Answer) -> Result<Vec<Record>, Error> {
        let now = self.clock.now();
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
                return Ok(Vec::new());
            }
            Err(error) if is_refused(&error) && stream.engine.refused(ticket) => {
                tracing::warn!(resource, %error, "HubSpot refused the request: its properties are looked up, and it is made again");
                return Ok(Vec::new());
            }
            Err(source) => return Err(Error::request(resource, source)),
        };
        let in_snapshot = stream.engine.in_snapshot();
        let changes =
            stream.engine.absorb(ticket, response, now).map_err(|source| Error::Answer { resource, source })?;
        stream.tally.count(&changes);
        for name in stream.engine.take_undefined() {
            tracing::warn!(resource, property = name, "there is no such property: it is left out until there is one");
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

fn spawn<A: Api>(under_way: &mut JoinSet<Answer>, api: &Arc<A>, number: usize, ticket: Ticket, request: Request) {
    let api = Arc::clone(api);
    under_way.spawn(async move { (number, ticket, api.answer(request).await) });
}

fn phase(engine: &Engine) -> &'static str {
    if engine.in_snapshot() { "reading the snapshot" } else { "following changes" }
}

fn is_forbidden(error: &hubspot_client::Error) -> bool {
    matches!(error, hubspot_client::Error::Api(error) if error.status == 403)
}

/// Whether HubSpot understood the request and wants another one.
fn is_refused(error: &hubspot_client::Error) -> bool {
    matches!(error, hubspot_client::Error::Api(error) if error.status == 400)
}
