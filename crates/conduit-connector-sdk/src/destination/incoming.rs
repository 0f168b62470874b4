//! What arrives, until it is a batch of records.

use conduit_connector_protocol::proto::opencdc::v1 as wire;
use futures::{Stream, StreamExt as _};
use opencdc::{Position, Record};

use super::writer::{Answer, Arrived, Writer};
use crate::middleware::{AroundDestination, Batch};

impl<R: Stream<Item = Arrived> + Send + Unpin> Writer<R> {
    /// The next batch as `sdk.batch.*` says: full, or late, or the last before the end. Nothing when there will be no more.
    pub(super) async fn collected(&mut self, batch: &Batch) -> Option<Vec<wire::Record>> {
        loop {
            if (self.closed && !self.held.is_empty()) || self.held.is_full(batch) {
                return Some(self.held.take(batch));
            }
            if self.closed {
                return None;
            }
            let waiting = !self.held.is_empty();
            let arrived = tokio::select! {
                biased;
                () = self.end.cancelled() => return None,
                () = self.out.closed() => return None,
                () = self.held.wait_until_due(), if waiting => return Some(self.held.take(batch)),
                arrived = self.records.next() => arrived,
                // The host sends no more than what is on its way.
                () = self.stop.cancelled(), if waiting => return Some(self.held.take(batch)),
            };
            let mut records = Vec::new();
            self.take(arrived, &mut records);
            if !records.is_empty() {
                self.held.add(records, batch);
            }
        }
    }
}

/// The records that can be written, and the answers to all: without an error to those that can.
pub(super) async fn understood(
    records: Vec<wire::Record>,
    around: &mut AroundDestination,
) -> (Vec<Answer>, Vec<Record>) {
    let mut answers: Vec<Answer> = Vec::with_capacity(records.len());
    let mut good = Vec::with_capacity(records.len());
    #[cfg(feature = "schema")]
    if let Some(decoder) = &mut around.decoder {
        decoder.begin();
    }
    for record in records {
        let (position, error) = match Record::try_from(&record) {
            Ok(mut record) => {
                let position = record.position.clone();
                let error = decoded(&mut record, around).await;
                if error.is_empty() {
                    good.push(record);
                }
                (position, error)
            }
            Err(error) => (Position::new(record.position()), error.to_string()),
        };
        answers.push(Answer { position, error });
    }
    (answers, good)
}

/// Decodes a record by the schemas that it names. Gives why it can't be; nothing where it can.
#[cfg_attr(not(feature = "schema"), allow(clippy::unused_async))]
async fn decoded(record: &mut Record, around: &mut AroundDestination) -> String {
    #[cfg(feature = "schema")]
    if let Some(decoder) = &mut around.decoder
        && let Err(error) = decoder.decode(record).await
    {
        return crate::Error::from(error).to_string();
    }
    #[cfg(not(feature = "schema"))]
    let _ = (record, around);
    String::new()
}
