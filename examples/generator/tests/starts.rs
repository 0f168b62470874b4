//! A source that is fast from its first moment never stalls at its start.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use conduit_connector_acceptance::{Connector, Settings};
use tokio::task::JoinSet;
use tokio::time::timeout;

const STARTS: usize = 1000;

/// How many are under way at once.
const AT_ONCE: usize = 4;

const RECORDS: usize = 50;

/// Turns never into a failure; it is no measure.
const NEVER: Duration = Duration::from_mins(2);

/// How batches are made. Any start is with one of these.
const BATCHING: [&[(&str, &str)]; 5] = [
    &[("batch.size", "1")],
    &[("batch.size", "7")],
    &[("batch.size", "1000")],
    &[("batch.size", "7"), ("sdk.batch.size", "10"), ("sdk.batch.delay", "1s")],
    &[("batch.size", "1"), ("sdk.batch.size", "1000"), ("sdk.batch.delay", "50ms")],
];

async fn start(number: usize) {
    let mut settings = Settings::from([("count".to_owned(), RECORDS.to_string())]);
    let batching = BATCHING[number % BATCHING.len()];
    settings.extend(batching.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let connector = Connector::new(env!("CARGO_BIN_EXE_conduit-connector-generator"));
    let reading = async {
        let mut source = connector.source(settings).await.unwrap();
        source.open(None).await.unwrap();
        let records = source.take(RECORDS).await.unwrap();
        assert_eq!(records.last().unwrap().position.to_string(), RECORDS.to_string());
        source.finish().await.unwrap();
    };
    timeout(NEVER, reading).await.unwrap_or_else(|_| panic!("start {number} with {batching:?} stalled"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_starts_never_stall() {
    let mut under_way = JoinSet::new();
    for number in 0..STARTS {
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
        under_way.spawn(start(number));
    }
    while let Some(done) = under_way.join_next().await {
        done.unwrap();
    }
}
