//! A connector that does, on demand, what a connector must not do; the crate's tests run it.

use std::process::ExitCode;
use std::time::Duration;

use conduit_connector_sdk::{
    Connector, Context, Data, Destination, Error, Metadata, Parameters, Position, Record, Secret, Settings, Source,
    Specification, serve,
};

/// What goes wrong, and when.
#[derive(Debug, Parameters)]
struct Config {
    /// What goes wrong.
    #[parameter(default = "nothing", inclusion = "nothing,fail,panic,hang,block,count")]
    fault: String,
    /// In which call.
    #[parameter(default = "work", inclusion = "configure,open,work,ack,teardown")]
    call: String,
    /// How many records the source has.
    #[parameter(default = "10", greater_than = "-1")]
    records: u32,
    /// How many records are in a batch.
    #[parameter(default = "4", greater_than = "0")]
    batch: u32,
    /// How many bytes a record has.
    #[parameter(default = "10", greater_than = "-1")]
    bytes: usize,
    /// A token, which is never seen.
    token: Option<Secret>,
}

impl Config {
    async fn misbehave(&self, call: &str) -> Result<(), Error> {
        if self.call != call {
            return Ok(());
        }
        match self.fault.as_str() {
            "fail" => Err(Error::new(format!("{call} fails\nas asked"))),
            "panic" => panic!("{call} panics as asked"),
            "hang" => std::future::pending().await,
            "block" => {
                tracing::info!("blocking the thread");
                std::thread::sleep(Duration::from_hours(1));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

struct Both {
    config: Config,
    next: u32,
}

impl Both {
    async fn new(config: Config, context: &Context) -> Result<Self, Error> {
        let authenticated = config.token.as_ref().is_some_and(|token| !token.expose().is_empty());
        tracing::info!(id = context.connector_id(), authenticated, "configured: {config:?}");
        config.misbehave("configure").await?;
        Ok(Self { config, next: 0 })
    }
}

impl Source for Both {
    type Config = Config;

    async fn configure(config: Config, context: Context) -> Result<Self, Error> {
        Self::new(config, &context).await
    }

    async fn open(&mut self, position: Option<Position>) -> Result<(), Error> {
        if let Some(position) = position {
            self.next = position.to_string().parse::<u32>()? + 1;
        }
        self.config.misbehave("open").await
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        if self.next >= self.config.batch {
            self.config.misbehave("work").await?;
        }
        let end = (self.next + self.config.batch).min(self.config.records);
        let record = |number: u32| {
            let payload = Data::Raw(vec![b'x'; self.config.bytes]);
            Record::create(Position::new(number.to_string()), Metadata::new(), Data::Raw(Vec::new()), payload)
        };
        let records = (self.next..end).map(record).collect();
        self.next = end;
        Ok(records)
    }

    async fn ack(&mut self, position: Position) -> Result<(), Error> {
        tracing::debug!(%position, "acknowledged");
        self.config.misbehave("ack").await
    }

    async fn teardown(&mut self) -> Result<(), Error> {
        tracing::info!("torn down");
        self.config.misbehave("teardown").await
    }

    async fn on_created(settings: Settings, _context: Context) -> Result<(), Error> {
        tracing::info!("created with {settings:?}");
        Ok(())
    }

    async fn on_deleted(_settings: Settings, _context: Context) -> Result<(), Error> {
        Err(Error::new("there is nothing to delete"))
    }
}

impl Destination for Both {
    type Config = Config;

    async fn configure(config: Config, context: Context) -> Result<Self, Error> {
        Self::new(config, &context).await
    }

    async fn open(&mut self) -> Result<(), Error> {
        self.config.misbehave("open").await
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        self.config.misbehave("work").await?;
        let surplus = usize::from(self.config.fault == "count");
        let refuse = |n: usize| if n % 3 == 2 { Err(Error::new(format!("no to {n}"))) } else { Ok(()) };
        Ok((0..records.len() + surplus).map(refuse).collect())
    }

    async fn teardown(&mut self) -> Result<(), Error> {
        tracing::info!("torn down");
        self.config.misbehave("teardown").await
    }
}

struct Misbehaving;

impl Connector for Misbehaving {
    type Source = Both;
    type Destination = Both;

    fn specification() -> Specification {
        Specification {
            name: "misbehaving".to_owned(),
            summary: "Misbehaves.".to_owned(),
            description: "Does what a connector must not do.".to_owned(),
            version: "v1.0.0".to_owned(),
            author: "Nobody".to_owned(),
        }
    }
}

fn main() -> ExitCode {
    serve::<Misbehaving>()
}
