//! The thin part with I/O: makes the engine's requests, and hands out records.
//!
//! A page depends on the one before it, so at HubSpot's latency a resource can't have more than one request under way.
//! What can be done is to lose no time between two: as soon as an answer has been read for its cursors, the next
//! request is sent; records are made of the answer, and delivered, while it is on its way.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use hubspot_catalog::Resource;
use hubspot_client::Client;
use opencdc::{Position, Record};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::ask::{Ask, Request, Response};
use crate::config::Config;
use crate::engine::{Change, Engine};
use crate::error::Error;
use crate::hubspot::HubSpot;
use crate::item::Millis;
use crate::position;
use crate::record::record;

/// So many batches wait to be taken; with the one being made that bounds what is in memory, and what a slow reader
/// makes HubSpot send.
const BATCHES_AHEAD: usize = 2;

/// What the driver needs of HubSpot: the seam between deciding and sending. The client below repeats what may be repeated.
#[cfg_attr(test, mockall::automock)]
pub(crate) trait Api: Send + Sync + 'static {
    /// Makes one request of the engine's.
    fn answer(&self, request: Request) -> impl Future<Output = Result<Response, hubspot_client::Error>> + Send;
}

/// Reads one resource of HubSpot's. Dropping it stops all requests.
#[derive(Debug)]
pub struct HubSpotSource {
    resource: &'static Resource,
    batches: mpsc::Receiver<Result<Vec<Record>, Error>>,
    reading: JoinHandle<()>,
}

impl HubSpotSource {
    /// Starts reading, in a task of its own: at `position`, or from the beginning when there is none or it is empty.
    ///
    /// A stream that begins without a snapshot has asked HubSpot where it begins when this returns: what changes later
    /// is in it. Any other has made no request yet, and [`next_batch`](Self::next_batch) says what HubSpot refuses.
    ///
    /// # Errors
    /// When the position can't be resumed: [`Error::Position`]. Without a snapshot also what HubSpot refuses:
    /// [`Error::Request`].
    pub async fn open(client: Client, config: Config, position: Option<Position>) -> Result<Self, Error> {
        Self::start(HubSpot::new(client), config, position).await
    }

    async fn start(api: impl Api, config: Config, position: Option<Position>) -> Result<Self, Error> {
        let resource = config.resource;
        let resume = position::parse(&position.unwrap_or_default(), resource.name)?;
        tracing::debug!(resource = resource.name, resume = ?resume, "opening");
        let engine = Engine::new(resource, config.options(), resume);
        let mut reading = Reading { api: Arc::new(api), resource, engine, clock: Clock::start() };
        let first = if config.snapshot { Vec::new() } else { reading.begin().await? };
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let reading = tokio::spawn(reading.run(first, sender));
        Ok(Self { resource, batches, reading })
    }

    /// The next records, in order; at most a page of them, and never none: it waits until something comes.
    ///
    /// Cancel safe: nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When HubSpot refused a request or couldn't be reached. The source has stopped then.
    pub async fn next_batch(&mut self) -> Result<Vec<Record>, Error> {
        let stopped = Error::Stopped { resource: self.resource.name };
        self.batches.recv().await.unwrap_or(Err(stopped))
    }
}

impl Drop for HubSpotSource {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// A clock for the engine: it starts at the machine's, and doesn't jump when that is set.
#[derive(Clone, Copy, Debug)]
struct Clock {
    started: Instant,
    at: Millis,
}

impl Clock {
    fn start() -> Self {
        Self { started: Instant::now(), at: Utc::now().timestamp_millis() }
    }

    fn now(&self) -> Millis {
        self.at + self.started.elapsed().as_millis() as Millis
    }

    fn instant(&self, at: Millis) -> Instant {
        self.started + Duration::from_millis(u64::try_from(at - self.at).unwrap_or(0))
    }
}

/// A request on its way, cancelled when dropped.
struct UnderWay(JoinHandle<Result<Response, hubspot_client::Error>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Reading<A> {
    api: Arc<A>,
    resource: &'static Resource,
    engine: Engine,
    clock: Clock,
}

impl<A: Api> Reading<A> {
    /// Finds out where the stream begins. What was deleted around that moment may come with it.
    async fn begin(&mut self) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        while self.engine.is_beginning() {
            let request = self.send().await;
            changes.append(&mut self.answer(request).await?);
        }
        Ok(changes)
    }

    async fn run(mut self, first: Vec<Change>, batches: mpsc::Sender<Result<Vec<Record>, Error>>) {
        let mut changes = first;
        let mut under_way = None;
        let resource = self.resource.name;
        // Until it is over, and how much has come of it.
        let mut snapshot = self.engine.in_snapshot().then_some(0_usize);
        tracing::info!(resource, "{}", if snapshot.is_some() { "reading the snapshot" } else { "following changes" });
        loop {
            snapshot = match snapshot.map(|read| read + changes.len()) {
                Some(read) if !self.engine.in_snapshot() => {
                    tracing::info!(resource, records = read, "the snapshot is read; following changes");
                    None
                }
                snapshot => snapshot,
            };
            if !changes.is_empty() {
                if let Ask::Request(request) = self.engine.next(self.clock.now()) {
                    under_way = Some(self.spawn(request));
                }
                let read_at = Utc::now();
                let records = changes.into_iter().map(|change| record(self.resource, change, read_at)).collect();
                if batches.send(Ok(records)).await.is_err() {
                    return;
                }
            }
            let request = match under_way.take() {
                Some(request) => request,
                None => self.send().await,
            };
            changes = match self.answer(request).await {
                Ok(changes) => changes,
                Err(error) => {
                    // Nobody listens any more when this fails: the source was dropped.
                    let _ = batches.send(Err(error)).await;
                    return;
                }
            };
        }
    }

    /// Waits for the engine to want something, and sends it.
    async fn send(&mut self) -> UnderWay {
        loop {
            match self.engine.next(self.clock.now()) {
                Ask::Request(request) => return self.spawn(request),
                Ask::Wait(until) => tokio::time::sleep_until(self.clock.instant(until)).await,
            }
        }
    }

    fn spawn(&self, request: Request) -> UnderWay {
        let api = Arc::clone(&self.api);
        UnderWay(tokio::spawn(async move { api.answer(request).await }))
    }

    async fn answer(&mut self, mut request: UnderWay) -> Result<Vec<Change>, Error> {
        let resource = self.resource.name;
        let response = match (&mut request.0).await {
            Ok(response) => response.map_err(|source| Error::request(resource, source))?,
            Err(_) => return Err(Error::Stopped { resource }),
        };
        self.engine.absorb(response, self.clock.now()).map_err(|source| Error::Answer { resource, source })
    }
}

#[cfg(test)]
mod tests;
