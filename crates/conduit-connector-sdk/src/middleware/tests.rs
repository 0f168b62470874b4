//! Each piece around the traits, without gRPC, on paused time.

mod collecting;
mod configuring;
mod formatting;
#[cfg(feature = "schema")]
mod schemas;
mod writing;

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opencdc::{Data, Metadata, Position, Record};
use tokio::time::sleep;

use crate::{Context, Destination, Error, Source};

fn record(number: u32) -> Record {
    let data = Data::Raw(number.to_string().into_bytes());
    Record::create(Position::new(number.to_string()), Metadata::new(), data.clone(), data)
}

fn number(position: &[u8]) -> u32 {
    std::str::from_utf8(position).unwrap().parse().unwrap()
}

/// What one read does.
#[derive(Clone, Debug)]
enum Step {
    Give(Vec<Record>),
    Nothing,
    /// Waits, and stays the next step when it is dropped meanwhile.
    Wait(Duration),
    Fail,
}

fn give(numbers: std::ops::Range<u32>) -> Step {
    Step::Give(numbers.map(record).collect())
}

/// Reads as a script says, then waits for ever.
#[derive(Default)]
struct Scripted {
    steps: VecDeque<Step>,
    #[cfg(feature = "schema")]
    stated: Option<super::StatedSchema>,
}

impl Scripted {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let mut scripted = Self::default();
        scripted.steps.extend(steps);
        scripted
    }
}

impl Source for Scripted {
    type Config = ();

    async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
        Ok(Self::default())
    }

    async fn open(&mut self, _position: Option<Position>) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        while let Some(Step::Wait(duration)) = self.steps.front() {
            sleep(*duration).await;
            self.steps.pop_front();
        }
        match self.steps.pop_front() {
            Some(Step::Give(records)) => Ok(records),
            Some(Step::Nothing) => Ok(Vec::new()),
            Some(Step::Fail) => Err(Error::new("the well is dry")),
            Some(Step::Wait(_)) | None => pending().await,
        }
    }

    #[cfg(feature = "schema")]
    fn schema(&self, collection: Option<&str>) -> Option<&super::StatedSchema> {
        self.stated.as_ref().filter(|_| collection == Some("people"))
    }
}

/// Remembers what is written, and when a write is over.
#[derive(Clone, Default)]
struct Remembering {
    batches: Arc<Mutex<Vec<Vec<Record>>>>,
}

impl Remembering {
    fn sizes(&self) -> Vec<usize> {
        self.batches.lock().unwrap().iter().map(Vec::len).collect()
    }
}

impl Destination for Remembering {
    type Config = ();

    async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
        Ok(Self::default())
    }

    async fn open(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        let results = records.iter().map(|_| Ok(())).collect();
        self.batches.lock().unwrap().push(records);
        Ok(results)
    }
}
