//! A Conduit connector that makes records as fast as it can, and one that forgets them: the two ends of a pipeline to measure.
//!
//! Each record is a person with eight fields of all kinds. The position is the person's number, so that a pipeline which is
//! stopped goes on with the next.

use std::process::ExitCode;

use conduit_connector_sdk::{
    Connector, Context, Data, Destination, Error, Map, Metadata, Parameters, Position, Record, ResultExt, Source,
    Specification, Value, serve,
};

/// What a pipeline file may say about the source.
#[derive(Debug, Parameters)]
struct Config {
    /// How many records to make. Without it there is no end.
    count: Option<u64>,
    /// How many records to give Conduit at once.
    #[parameter(name = "batch.size", default = "1000", greater_than = "0")]
    batch_size: u64,
    /// The collection that the records belong to.
    #[parameter(default = "people")]
    collection: String,
}

/// Makes people.
struct Generator {
    config: Config,
    /// How many there are so far.
    made: u64,
}

impl Source for Generator {
    type Config = Config;

    async fn configure(config: Config, _context: Context) -> Result<Self, Error> {
        Ok(Self { config, made: 0 })
    }

    async fn open(&mut self, position: Option<Position>) -> Result<(), Error> {
        self.made = match position {
            Some(position) => position.to_string().parse().context(format!("{position:?} is no position of mine"))?,
            None => 0,
        };
        if self.made == u64::MAX {
            return Err(Error::new(format!("{} is no position of mine: nobody comes after it", self.made)));
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        let before = self.made;
        let last = self.config.count.unwrap_or(u64::MAX).min(before.saturating_add(self.config.batch_size));
        self.made = last.max(before);
        // Empty when all are made: it is asked again after a pause.
        Ok((before..last).map(|before| person(before + 1, &self.config.collection)).collect())
    }
}

/// The person with this number: always the same, so that records which come again after a restart can be told.
fn person(number: u64, collection: &str) -> Record {
    let mut metadata = Metadata::new();
    metadata.set_collection(collection);
    let key = Data::from([("id", number)]);
    let after: [(&str, Value); 8] = [
        ("active", number.is_multiple_of(2).into()),
        ("address", Map::from([("city", Value::from("London")), ("floor", (number % 40).into())]).into()),
        ("email", format!("person{number}@example.com").into()),
        ("id", number.into()),
        ("name", format!("Person {number}").into()),
        ("note", "Made to be read, and forgotten again.".into()),
        ("score", (number as f64 / 8.0).into()),
        ("tags", vec!["generated", "example"].into()),
    ];
    Record::create(Position::new(number.to_string()), metadata, key, after.into())
}

/// What a pipeline file may say about the destination.
#[derive(Debug, Parameters)]
struct SinkConfig {
    /// How many records to write to the log before they are forgotten, to see that there are any.
    #[parameter(name = "log.first", default = "0")]
    log_first: usize,
}

/// Forgets what it is given.
struct Sink {
    config: SinkConfig,
}

impl Destination for Sink {
    type Config = SinkConfig;

    async fn configure(config: SinkConfig, _context: Context) -> Result<Self, Error> {
        Ok(Self { config })
    }

    async fn open(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        for record in records.iter().take(self.config.log_first) {
            tracing::info!(position = %record.position, operation = %record.operation, "a record");
        }
        self.config.log_first = self.config.log_first.saturating_sub(records.len());
        Ok(records.iter().map(|_| Ok(())).collect())
    }
}

struct People;

impl Connector for People {
    type Source = Generator;
    type Destination = Sink;

    fn specification() -> Specification {
        Specification {
            name: "generator".to_owned(),
            summary: "Makes records as fast as it can, and forgets them as fast.".to_owned(),
            description: "Makes people of eight fields each: to try a pipeline, or to measure one.".to_owned(),
            version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
            author: "HubSpot for Conduit contributors".to_owned(),
        }
    }
}

fn main() -> ExitCode {
    serve::<People>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    async fn generator(position: Option<Position>) -> Generator {
        let config = Config { count: Some(25), batch_size: 10, collection: "people".to_owned() };
        let mut generator = Generator::configure(config, Context::default()).await.unwrap();
        generator.open(position).await.unwrap();
        generator
    }

    #[tokio::test]
    async fn it_goes_on_after_any_record_and_ends_with_the_last() {
        let mut generator = generator(None).await;
        let mut all = Vec::new();
        loop {
            let batch = generator.read().await.unwrap();
            assert!(batch.len() <= 10);
            if batch.is_empty() {
                break;
            }
            all.extend(batch);
        }
        assert_eq!(all.len(), 25);
        for (index, record) in all.iter().enumerate() {
            let mut resumed = self::generator(Some(record.position.clone())).await;
            assert_eq!(resumed.read().await.unwrap().first(), all.get(index + 1));
        }
    }

    #[tokio::test]
    async fn a_position_of_another_source_is_refused() {
        let config = Config { count: None, batch_size: 1, collection: String::new() };
        let mut generator = Generator::configure(config, Context::default()).await.unwrap();
        let error = generator.open(Some(Position::new(*b"elsewhere"))).await.unwrap_err();
        assert!(error.to_string().contains("elsewhere"), "{error}");
        let error = generator.open(Some(Position::new(u64::MAX.to_string()))).await.unwrap_err();
        assert!(error.to_string().contains("nobody comes after it"), "{error}");
    }

    #[tokio::test]
    async fn the_last_number_there_is_ends_it() {
        let config = Config { count: None, batch_size: 10, collection: String::new() };
        let mut generator = Generator::configure(config, Context::default()).await.unwrap();
        generator.open(Some(Position::new((u64::MAX - 3).to_string()))).await.unwrap();
        let last = generator.read().await.unwrap();
        assert_eq!(last.len(), 3);
        assert_eq!(last[2].position.to_string(), u64::MAX.to_string());
        assert!(generator.read().await.unwrap().is_empty());
    }
}
