//! A record, ready to be sent.

use hubspot_catalog::Resource;
use opencdc::{Data, Operation, Record};

use crate::error::Failure;
use crate::key;
use crate::plan::{Item, Kind};
use crate::shape::{self, Object};

/// What HubSpot is to be told for one record.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The record's place in the batch. It travels as `objectWriteTraceId` and ties HubSpot's answer to the record.
    pub record: usize,
    /// What is to be done.
    pub kind: Kind,
    /// The object's id; creates have none.
    pub id: Option<String>,
    /// The body; empty for deletes.
    pub body: Object,
    /// What order is kept by.
    key: Option<String>,
}

impl Change {
    /// Reads a record. It is the caller's to remember kind and id for the error.
    pub(crate) fn read(resource: &Resource, place: usize, record: Record) -> Result<Self, Failure> {
        let kind = kind(record.operation);
        let offered = match kind {
            Kind::Create => resource.operations.create,
            Kind::Update => resource.operations.update,
            Kind::Delete => resource.operations.delete,
        };
        if !offered {
            return Err(Failure::Unsupported);
        }
        if kind != Kind::Create && is_encoded(&record, record.key.as_ref(), KEY_SCHEMA) {
            return Err(Failure::Encoded { part: "key" });
        }
        if kind != Kind::Delete && is_encoded(&record, record.payload.after.as_ref(), PAYLOAD_SCHEMA) {
            return Err(Failure::Encoded { part: "payload" });
        }
        let id = key::id(record.key.as_ref());
        let (id, key) = match kind {
            // A create needs no key; one that is there says what later records of the same thing have to wait for.
            Kind::Create => (None, id.ok()),
            Kind::Update | Kind::Delete => {
                let id = id?;
                (Some(id.clone()), Some(id))
            }
        };
        let body = match kind {
            Kind::Create | Kind::Update => shape::body(resource, kind, record.payload.after)?,
            Kind::Delete => Object::new(),
        };
        Ok(Self { record: place, kind, id, body, key })
    }

    /// What the planner has to know.
    pub(crate) fn item(&self) -> Item {
        Item { record: self.record, kind: self.kind, key: self.key.clone() }
    }

    /// The trace that HubSpot gives back with its answer.
    pub(crate) fn trace(&self) -> String {
        self.record.to_string()
    }
}

/// The metadata that a source sets when it encodes keys, and payloads, by a schema of Conduit's schema service (Conduit's Go SDK does
/// so by default for structured data).
const KEY_SCHEMA: &str = "opencdc.key.schema.subject";
const PAYLOAD_SCHEMA: &str = "opencdc.payload.schema.subject";

/// Whether data is raw because it is encoded by a schema.
fn is_encoded(record: &Record, data: Option<&Data>, schema: &str) -> bool {
    matches!(data, Some(Data::Raw(bytes)) if !bytes.is_empty()) && record.metadata.get(schema).is_some()
}

/// What an operation means: snapshots are creates.
pub(crate) fn kind(operation: Operation) -> Kind {
    match operation {
        Operation::Create | Operation::Snapshot => Kind::Create,
        Operation::Update => Kind::Update,
        Operation::Delete => Kind::Delete,
    }
}

#[cfg(test)]
mod tests {
    use opencdc::{Metadata, Position};

    use super::*;

    #[test]
    fn what_is_encoded_by_a_schema_says_so_and_what_to_set() {
        let contacts = hubspot_catalog::find("crm.contacts").unwrap();
        let metadata: Metadata = [(KEY_SCHEMA, "a:key"), (PAYLOAD_SCHEMA, "a:payload")].into_iter().collect();
        let avro = || Data::Raw(vec![0x0a, 0x41]);
        let said = |record: Record| Change::read(contacts, 0, record).unwrap_err().to_string();

        let create = said(Record::create(Position::default(), metadata.clone(), avro(), avro()));
        assert!(create.contains("sdk.schema.extract.payload.enabled: false"), "{create}");
        let delete = said(Record::delete(Position::default(), metadata.clone(), avro(), None));
        assert!(delete.contains("sdk.schema.extract.key.enabled: false"), "{delete}");

        // Raw data without a schema is JSON, and structured data is what it is.
        let json = Data::Raw(br#"{"firstname": "Ada"}"#.to_vec());
        let plain = Record::create(Position::default(), Metadata::new(), avro(), json.clone());
        assert!(Change::read(contacts, 0, plain).is_ok());
        let structured = Data::Structured(json.into_structured().unwrap());
        assert!(Change::read(contacts, 0, Record::create(Position::default(), metadata, avro(), structured)).is_ok());
    }
}
