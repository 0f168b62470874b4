//! The thin part with I/O: makes the engines' requests, and hands out records.
//!
//! One task drives all resources. Each has its own engine and its own requests under way, so that none waits for another;
//! all go through one client, and so share HubSpot's quota. Of snapshots so many requests are under way at once that
//! HubSpot's quota is used at its usual latency, and no more: requests stand in one line, and what follows changes shall not
//! stand behind many.

mod clock;
mod forbidden;
mod names;
mod opening;
mod reading;
mod report;
mod rounds;
mod span;

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use chrono::Utc;
use hubspot_catalog::Resource;
use hubspot_client::{Client, OneLine, Quota};
use opencdc::{Position, Record};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use self::opening::Opening;
use self::reading::{Batch, Reading};
use crate::ask::{Request, Response};
use crate::config::Config;
use crate::error::{Error, Refusal};
use crate::hubspot::HubSpot;
use crate::payload::shape::RecordShape;
use crate::position;

/// So many batches wait to be taken; with the one being made that bounds what is in memory, and what a slow reader
/// makes HubSpot send.
const BATCHES_AHEAD: usize = 2;

/// What the driver needs of HubSpot: the seam between deciding and sending. The client below repeats what may be repeated.
#[cfg_attr(test, mockall::automock)]
pub(crate) trait Api: Send + Sync + 'static {
    /// Makes one request of an engine's.
    fn answer(&self, request: Request) -> impl Future<Output = Result<Response, hubspot_client::Error>> + Send;

    /// What is known of HubSpot's limits.
    fn quota(&self) -> Quota;

    /// How many requests have been sent again.
    fn retries(&self) -> u64;
}

/// Which of the resources HubSpot forbids reading, in their order: each is asked for one object, for half a minute at most.
pub async fn forbidden(client: Client, resources: &[&'static Resource]) -> Vec<Refusal> {
    forbidden::forbidden(&Arc::new(HubSpot::new(client)), resources).await
}

/// Reads resources of HubSpot's. Dropping it stops all requests.
#[derive(Debug)]
pub struct HubSpotSource {
    resources: Vec<&'static Resource>,
    batches: mpsc::Receiver<Result<Batch, Error>>,
    /// What the records are made of that have been handed out.
    shapes: HashMap<&'static str, RecordShape>,
    /// Until its end has been told.
    reading: Option<JoinHandle<()>>,
}

impl HubSpotSource {
    /// Starts reading, in a task of its own: at `position`, or from the beginning when there is none or it is empty.
    ///
    /// Streams that begin without a snapshot have asked HubSpot where they begin when this returns: what changes later
    /// is in them. Others have made no request yet, and [`next_batch`](Self::next_batch) says what HubSpot refuses.
    ///
    /// # Errors
    /// When no resource is given, or the position can't be resumed: [`Error::Position`]. Without a snapshot also what
    /// HubSpot refuses: [`Error::Request`].
    pub async fn open(client: Client, config: Config, position: Option<Position>) -> Result<Self, Error> {
        Self::start(HubSpot::new(client), config, position).await
    }

    async fn start(api: impl Api, config: Config, position: Option<Position>) -> Result<Self, Error> {
        let resources = config.resources.clone();
        if resources.is_empty() {
            return Err(Error::NoResource);
        }
        let names: Vec<_> = resources.iter().map(|resource| resource.name).collect();
        let resumption = position::parse(&position.unwrap_or_default(), &names)?;
        let resumption = resumption.unwrap_or_default();
        tracing::debug!(resources = names.join(","), ?resumption, "opening");
        let opening = Opening::new(&resources, &resumption, Utc::now().timestamp_millis());
        let Opening { resumed, new, oldest_ms, .. } = opening;
        tracing::info!(resumed, new, oldest_ms, record = resumption.number, "{}", opening.sentence());
        let mut reading = Reading::new(api, &config, resumption);
        let first = if config.snapshot { Vec::new() } else { reading.begin().await? };
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let reading = tokio::spawn(reading.run(first, sender));
        Ok(Self { resources, batches, shapes: HashMap::new(), reading: Some(reading) })
    }

    /// The next records, in order; at most a page of one resource's, and never none: it waits until something comes.
    ///
    /// Cancel safe: nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When HubSpot refused a request or couldn't be reached. The source has stopped then.
    pub async fn next_batch(&mut self) -> Result<Vec<Record>, Error> {
        if let Some(batch) = self.batches.recv().await {
            let Batch { records, shapes } = batch?;
            self.shapes.extend(shapes);
            return Ok(records);
        }
        let resources = self.resources.iter().map(|resource| resource.name).collect::<Vec<_>>().join(", ");
        match self.reading.take() {
            Some(reading) => Err(ended(reading.await.err(), resources)),
            None => Err(Error::Stopped { resources }),
        }
    }

    /// What the records of a resource are made of, as of the batch that was handed out last: typed by the definitions that this
    /// shape has, or by earlier ones.
    ///
    /// Nothing where no definitions say so (values that aren't [typed](crate::Values::Typed), CMS resources, directories), and
    /// before the first batch.
    pub fn shape(&self, resource: &str) -> Option<&RecordShape> {
        self.shapes.get(resource)
    }
}

/// Why a task has ended that reads these resources.
fn ended(why: Option<JoinError>, resources: String) -> Error {
    match why.map(JoinError::try_into_panic) {
        Some(Ok(panic)) => Error::Panicked { resources, message: message(&*panic) },
        Some(Err(_)) | None => Error::Stopped { resources },
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    OneLine(text.unwrap_or("it doesn't say why")).to_string()
}

impl Drop for HubSpotSource {
    fn drop(&mut self) {
        if let Some(reading) = &self.reading {
            reading.abort();
        }
    }
}

#[cfg(test)]
mod tests;
