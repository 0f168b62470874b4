//! Batches as messages that are not too big.

use conduit_connector_protocol::proto::opencdc::v1 as wire;
use opencdc::{Position, Record};
use prost::Message as _;

/// The most that a record takes in a message beside its own bytes: the field's tag and the length.
const OVERHEAD: usize = 6;

/// Records on their way into messages.
pub(super) struct Messages<I> {
    records: I,
    limit: usize,
    /// A record that the last message had no room for.
    held: Option<(Position, wire::Record, usize)>,
}

/// The records of one message.
pub(super) struct Message {
    pub(super) records: Vec<wire::Record>,
    /// The position of the last one.
    pub(super) last: Position,
}

/// Makes messages of at most `limit` bytes. A record that is bigger than that alone gets a message of its own, so that it is
/// for the host to refuse it: Conduit's own client takes up to 2 GiB.
pub(super) fn messages(records: Vec<Record>, limit: usize) -> Messages<impl Iterator<Item = Record>> {
    Messages { records: records.into_iter(), limit, held: None }
}

impl<I: Iterator<Item = Record>> Iterator for Messages<I> {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let (mut last, first, mut size) = self.held.take().or_else(|| self.records.next().map(measured))?;
        let mut records = vec![first];
        for record in self.records.by_ref() {
            let (position, record, bytes) = measured(record);
            if size + bytes > self.limit {
                self.held = Some((position, record, bytes));
                break;
            }
            size += bytes;
            records.push(record);
            last = position;
        }
        Some(Message { records, last })
    }
}

fn measured(record: Record) -> (Position, wire::Record, usize) {
    let position = record.position.clone();
    let record = wire::Record::from(record);
    let size = record.encoded_len() + OVERHEAD;
    (position, record, size)
}

#[cfg(test)]
mod tests {
    use conduit_connector_protocol::proto::connector::v2::source::run::Response;
    use opencdc::{Data, Metadata};
    use proptest::prelude::*;

    use super::*;

    fn record(position: usize, bytes: usize) -> Record {
        let data = Data::Raw(vec![7; bytes]);
        Record::create(Position::new(position.to_string()), Metadata::new(), Data::Raw(Vec::new()), data)
    }

    proptest! {
        #[test]
        fn every_record_is_in_one_message_in_order(
            sizes in prop::collection::vec(0..300_usize, 0..60),
            limit in 1..1000_usize,
        ) {
            let records: Vec<Record> = sizes.iter().enumerate().map(|(n, size)| record(n, *size)).collect();
            let mut seen = Vec::new();
            for message in messages(records.clone(), limit) {
                prop_assert_eq!(message.records.last().map(|record| &record.position[..]), Some(message.last.as_bytes()));
                let response = Response { records: message.records };
                prop_assert!(response.encoded_len() <= limit || response.records.len() == 1);
                seen.extend(response.records);
            }
            let expected: Vec<wire::Record> = records.into_iter().map(Into::into).collect();
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn messages_are_filled() {
        let count = messages((0..100).map(|n| record(n, 1000)).collect(), 10_500).count();
        assert_eq!(count, 10);
    }
}
