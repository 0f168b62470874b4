//! From the engine's changes to OpenCDC records.
//!
//! As the Go connector has it: the key is `{"id": "<id>"}`, the payload is HubSpot's object as it came. A deletion has a key
//! only, and says why in its metadata; what was before a change is there where it was asked for.

use chrono::{DateTime, Utc};
use hubspot_catalog::{Kind, Resource};
use opencdc::{Data, Metadata, Operation, Position, Record};

use crate::engine::Change;

/// The metadata field with HubSpot's object type id, such as `0-1`; CRM objects only.
pub const OBJECT_TYPE_ID: &str = "hubspot.objectTypeId";

/// The metadata field that says why an object is deleted: `archived`, `merged`, `gdpr` or `missing`
/// ([`DeleteReason`](crate::engine::DeleteReason)).
pub const DELETE_REASON: &str = "hubspot.delete.reason";

/// The metadata field with the id of the object that a deleted one was merged into.
pub const MERGED_INTO: &str = "hubspot.merged.into";

/// The record of a change, read at `read_at`.
pub fn record(resource: &Resource, change: Change, position: Position, read_at: DateTime<Utc>) -> Record {
    let mut metadata = Metadata::new();
    metadata.set_collection(resource.name);
    metadata.set_read_at(read_at);
    if let Some(created_at) = change.created_at.and_then(DateTime::from_timestamp_millis) {
        metadata.set_created_at(created_at);
    }
    if let Kind::Crm(crm) = &resource.kind {
        metadata.insert(OBJECT_TYPE_ID, crm.object_type_id);
    }
    if let Some(reason) = change.reason {
        metadata.insert(DELETE_REASON, reason.as_str());
    }
    if let Some(winner) = &change.merged_into {
        metadata.insert(MERGED_INTO, winner.to_string());
    }
    let before = change.before.map(Data::from);
    let key = Data::from([("id", change.id.to_string())]);
    let payload = || Data::from(change.item.into_map());
    match change.operation {
        Operation::Create => Record::create(position, metadata, key, payload()),
        Operation::Update => Record::update(position, metadata, key, before, payload()),
        Operation::Snapshot => Record::snapshot(position, metadata, key, payload()),
        Operation::Delete => Record::delete(position, metadata, key, before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DeleteReason;
    use crate::item::{Item, ItemId};
    use crate::position::{Cursor, Left, Place, Snapshotted};
    use serde_json::json;

    fn object() -> hubspot_client::Object {
        let object = json!({"id": "51", "properties": {"email": "a@b.c"}, "createdAt": "2026-01-01T00:00:00Z"});
        object.as_object().cloned().unwrap_or_default()
    }

    fn change(operation: Operation) -> Change {
        let left = Left::Objects(Place::Page(None));
        Change {
            operation,
            id: ItemId::from("51"),
            item: Item::new(object()),
            before: None,
            created_at: Some(1_767_225_600_000),
            reason: None,
            merged_into: None,
            cursor: Cursor::Snapshot(Snapshotted { start: 1, since: None, left }),
        }
    }

    #[test]
    fn a_record_has_the_go_connectors_key_and_payload() {
        let contacts = hubspot_catalog::find("crm.contacts").expect("a resource");
        let read_at = DateTime::from_timestamp_millis(1_767_225_601_000).expect("in range");
        let position = || Position::new(b"1".to_vec());
        let created = record(contacts, change(Operation::Create), position(), read_at);
        assert_eq!(created.operation, Operation::Create);
        assert_eq!(created.key, Some(Data::from([("id", "51")])));
        assert_eq!(created.payload.after, Some(object().into()));
        assert_eq!(created.metadata.collection(), Some("crm.contacts"));
        assert_eq!(created.metadata.get(OBJECT_TYPE_ID), Some("0-1"));
        assert_eq!(created.metadata.created_at().map(|at| at.timestamp_millis()), Some(1_767_225_600_000));
        assert_eq!(created.metadata.read_at(), Some(read_at));
        let deleted = record(contacts, change(Operation::Delete), position(), read_at);
        assert!(deleted.key.is_some() && deleted.payload.before.is_none() && deleted.payload.after.is_none());
        assert_eq!((deleted.metadata.get(DELETE_REASON), deleted.metadata.get(MERGED_INTO)), (None, None));
    }

    #[test]
    fn a_deletion_says_why_and_what_was() {
        let contacts = hubspot_catalog::find("crm.contacts").expect("a resource");
        let before = json!({"id": "51"}).as_object().cloned();
        let (reason, merged_into) = (Some(DeleteReason::Merged), Some(ItemId::from("52")));
        let change = Change { before, reason, merged_into, ..change(Operation::Delete) };
        let deleted = record(contacts, change, Position::new(b"1".to_vec()), DateTime::default());
        assert_eq!(deleted.metadata.get(DELETE_REASON), Some("merged"));
        assert_eq!(deleted.metadata.get(MERGED_INTO), Some("52"));
        assert!(deleted.payload.before.is_some() && deleted.payload.after.is_none());
    }
}
