//! A record, ready to be sent.

use hubspot_catalog::Resource;
use opencdc::{Operation, Record};

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

/// What an operation means: snapshots are creates.
pub(crate) fn kind(operation: Operation) -> Kind {
    match operation {
        Operation::Create | Operation::Snapshot => Kind::Create,
        Operation::Update => Kind::Update,
        Operation::Delete => Kind::Delete,
    }
}
