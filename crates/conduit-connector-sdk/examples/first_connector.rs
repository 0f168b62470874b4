//! A connector whose source counts and whose destination logs.

use std::process::ExitCode;
use std::time::Duration;

use conduit_connector_sdk::{
    Connector, Context, Data, Destination, Error, Metadata, Parameters, Position, Record, ResultExt, Source,
    Specification, serve,
};
use serde_json::json;

/// What a pipeline file may say about the source. The doc comments are shown to its author.
#[derive(Debug, Parameters)]
struct CounterConfig {
    /// How long to wait between two numbers.
    #[parameter(default = "1s")]
    interval: Duration,
    /// Where to stop counting. Without it there is no end.
    #[parameter(name = "last", greater_than = "0")]
    last: Option<u64>,
}

/// Counts.
struct Counter {
    config: CounterConfig,
    next: u64,
}

impl Source for Counter {
    type Config = CounterConfig;

    async fn configure(config: CounterConfig, _context: Context) -> Result<Self, Error> {
        Ok(Self { config, next: 1 })
    }

    async fn open(&mut self, position: Option<Position>) -> Result<(), Error> {
        if let Some(position) = position {
            let last: u64 = position.to_string().parse().context(format!("{position} is no position of a counter"))?;
            self.next = last + 1;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        if self.config.last.is_some_and(|last| self.next > last) {
            return Ok(Vec::new()); // Nothing now: asked again after a pause.
        }
        tokio::time::sleep(self.config.interval).await;
        let number = self.next;
        self.next += 1; // After the last `.await`: had the future been dropped before, nothing would be lost.
        let key = Data::try_from(json!({ "number": number }))?;
        Ok(vec![Record::create(Position::new(number.to_string()), Metadata::new(), key.clone(), key)])
    }
}

/// What a pipeline file may say about the destination.
#[derive(Debug, Parameters)]
struct LogConfig {
    /// What each line begins with.
    #[parameter(default = "record")]
    prefix: String,
}

/// Logs.
struct Log {
    config: LogConfig,
}

impl Destination for Log {
    type Config = LogConfig;

    async fn configure(config: LogConfig, _context: Context) -> Result<Self, Error> {
        Ok(Self { config })
    }

    async fn open(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        let log = |record: Record| {
            let after = record.payload.after.ok_or_else(|| Error::new("the record has nothing to log"))?;
            tracing::info!(position = %record.position, "{}: {after:?}", self.config.prefix);
            Ok(())
        };
        Ok(records.into_iter().map(log).collect()) // One result for each record, in their order.
    }
}

struct First;

impl Connector for First {
    type Source = Counter;
    type Destination = Log;

    fn specification() -> Specification {
        Specification {
            name: "first".to_owned(),
            summary: "Counts, and logs.".to_owned(),
            description: "The source counts from one. The destination logs what it gets.".to_owned(),
            version: "v0.1.0".to_owned(),
            author: "You".to_owned(),
        }
    }
}

fn main() -> ExitCode {
    serve::<First>()
}
