//! A connector whose source counts.
use std::{ops::RangeInclusive, process::ExitCode, time::Duration};

use conduit_connector_sdk::{
    Connector, Context, Data, Error, Metadata, Parameters, Position, Record, ResultExt, Source, Specification, serve,
};

#[derive(Debug, Parameters)]
struct Config {
    /// How long to wait before each number.
    #[parameter(default = "1s")]
    interval: Duration,
    /// The last number. Without it there is no end.
    last: Option<u64>,
}

struct Counter {
    interval: Duration,
    numbers: RangeInclusive<u64>,
}

impl Source for Counter {
    type Config = Config;
    async fn configure(config: Config, _context: Context) -> Result<Self, Error> {
        Ok(Self { interval: config.interval, numbers: 1..=config.last.unwrap_or(u64::MAX) })
    }

    async fn open(&mut self, position: Option<Position>) -> Result<(), Error> {
        if let Some(position) = position {
            let done: u64 = position.to_string().parse().context("the position is no number")?;
            self.numbers = done + 1..=*self.numbers.end();
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        tokio::time::sleep(self.interval).await; // Conduit may drop us here, and nothing is lost.
        let Some(number) = self.numbers.next() else { return Ok(Vec::new()) };
        let data = Data::from([("number", number)]);
        Ok(vec![Record::create(Position::new(number.to_string()), Metadata::new(), data.clone(), data)])
    }
}

impl Connector for Counter {
    type Source = Self;
    type Destination = conduit_connector_sdk::NoDestination;
    fn specification() -> Specification {
        Specification {
            name: "first".to_owned(),
            summary: "Counts.".to_owned(),
            description: "The source counts from one, a record a number.".to_owned(),
            version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
            author: "You".to_owned(),
        }
    }
}

fn main() -> ExitCode {
    serve::<Counter>()
}
