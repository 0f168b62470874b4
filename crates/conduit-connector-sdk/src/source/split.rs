//! Batches as messages that are not too big.

use conduit_connector_protocol::proto::opencdc::v1 as wire;
use conduit_connector_protocol::record::{EncodeError, Encoder};
use opencdc::{Position, Record};
use prost::Message as _;

/// The most that a record takes in a message beside its own bytes: the field's tag and the length.
const OVERHEAD: usize = 6;

/// Records on their way into messages.
pub(super) struct Messages<I> {
    records: I,
    encoder: Encoder,
    limit: usize,
    /// What the last message had no room for: a record, or the error that follows it.
    held: Option<Result<wire::Record, EncodeError>>,
}

/// The records of one message.
pub(super) struct Message {
    pub(super) records: Vec<wire::Record>,
    /// The position of the last one.
    pub(super) last: Position,
}

/// Makes messages of at most `limit` bytes. A record that is bigger than that alone gets a message of its own, so that it is
/// for the host to refuse it: Conduit's own client takes up to 2 GiB. A record that cannot be sent is an error after those before it.
pub(super) fn messages(records: Vec<Record>, limit: usize) -> Messages<impl Iterator<Item = Record>> {
    Messages { records: records.into_iter(), encoder: Encoder::new(), limit, held: None }
}

impl<I: Iterator<Item = Record>> Iterator for Messages<I> {
    type Item = Result<Message, EncodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut size = 0;
        let mut records = Vec::new();
        while let Some(next) = self.held.take().or_else(|| Some(self.encoder.encode(&self.records.next()?))) {
            match next {
                Ok(record) if records.is_empty() || size + record.encoded_len() + OVERHEAD <= self.limit => {
                    size += record.encoded_len() + OVERHEAD;
                    records.push(record);
                }
                Err(error) if records.is_empty() => return Some(Err(error)),
                next => {
                    self.held = Some(next);
                    break;
                }
            }
        }
        let last = Position::new(records.last()?.position());
        Some(Ok(Message { records, last }))
    }
}

#[cfg(test)]
mod tests {
    use conduit_connector_protocol::proto::connector::v2::source::run::Response;
    use conduit_connector_protocol::record::MAX_DEPTH;
    use opencdc::{Data, Map, Metadata};
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
                let message = message.unwrap();
                prop_assert_eq!(message.records.last().map(wire::Record::position), Some(message.last.as_bytes()));
                let response = Response { records: message.records };
                prop_assert!(response.encoded_len() <= limit || response.records.len() == 1);
                seen.extend(response.records);
            }
            let seen: Vec<Record> = seen.into_iter().map(|record| record.try_into().unwrap()).collect();
            prop_assert_eq!(seen, records);
        }
    }

    #[test]
    fn messages_are_filled() {
        let count = messages((0..100).map(|n| record(n, 1000)).collect(), 10_500).count();
        assert_eq!(count, 10);
    }

    #[test]
    fn a_record_that_cannot_be_sent_is_an_error_after_those_before_it() {
        let mut deep = record(2, 0);
        let nested = (0..MAX_DEPTH).fold(Map::new(), |inner, _| Map::from([("a", inner)]));
        deep.payload.after = Some(Data::Structured(nested));
        let mut messages = messages(vec![record(0, 1), record(1, 1), deep], 1000);
        assert_eq!(messages.next().unwrap().unwrap().records.len(), 2);
        let error = messages.next().unwrap().err().unwrap();
        assert!(error.to_string().starts_with("the record at position 2 has maps and lists"), "{error}");
        assert!(messages.next().is_none());
    }
}
