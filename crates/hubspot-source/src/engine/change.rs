//! What an engine delivers.

use hubspot_catalog::Resource;
use hubspot_client::Object;
use opencdc::Operation;

use super::directory::{DirectoryChange, Vanished};
use crate::item::{Item, ItemId, Millis};
use crate::payload::completion::Piece;
use crate::position::Cursor;

/// Something to deliver.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub operation: Operation,
    /// The object's id.
    pub id: ItemId,
    /// The object; of a deleted one, as the archived list has it.
    pub item: Item,
    /// The object as it was before, where that was asked for.
    pub before: Option<Object>,
    /// When the object was created.
    pub created_at: Option<Millis>,
    /// Why it is deleted, if it is.
    pub reason: Option<DeleteReason>,
    /// The object that it was merged into.
    pub merged_into: Option<ItemId>,
    /// Where to resume its resource once this has been acknowledged: everything behind it is delivered (again).
    pub cursor: Cursor,
}

/// Why an object is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeleteReason {
    /// It was archived, and can be restored for 90 days.
    Archived,
    /// It was merged into another object.
    Merged,
    /// It was deleted for good, as a person may demand.
    Gdpr,
    /// It is no longer there, and HubSpot doesn't say why.
    Missing,
}

impl DeleteReason {
    /// As records say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Merged => "merged",
            Self::Gdpr => "gdpr",
            Self::Missing => "missing",
        }
    }
}

/// A change that may lack something, and hasn't been delivered.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) piece: Piece,
    pub(super) note: Note,
}

/// What is known of a change beside its object.
#[derive(Clone, Debug, Default)]
pub(super) struct Note {
    pub(super) created_at: Option<Millis>,
    pub(super) reason: Option<DeleteReason>,
    /// Of a snapshot: the version that was listed.
    pub(super) listed: Option<Millis>,
    /// Of a snapshot: known only when it is delivered.
    pub(super) cursor: Option<Cursor>,
    /// CMS snapshot: its place on the walk.
    pub(super) at: Millis,
    /// It is deleted because it is in no list any more: why has to be found out.
    pub(super) vanished: bool,
}

impl Draft {
    pub(super) fn new(operation: Operation, id: ItemId, item: Item) -> Self {
        let piece = Piece {
            id,
            operation,
            item,
            version: None,
            known_version: None,
            before: None,
            merged_into: None,
            gone: false,
        };
        let reason = (operation == Operation::Delete).then_some(DeleteReason::Archived);
        Self { piece, note: Note { reason, ..Note::default() } }
    }

    pub(super) fn into_change(self, cursor: Cursor) -> Change {
        let Self { piece, note: Note { created_at, reason, .. } } = self;
        let Piece { id, operation, item, before, merged_into, .. } = piece;
        let reason = if merged_into.is_some() { reason.and(Some(DeleteReason::Merged)) } else { reason };
        Change { operation, id, item, before, created_at, reason, merged_into, cursor }
    }
}

impl From<DirectoryChange> for Change {
    fn from(change: DirectoryChange) -> Self {
        let DirectoryChange { operation, id, item, reason, cursor } = change;
        let reason = reason.map(|reason| match reason {
            Vanished::Archived => DeleteReason::Archived,
            Vanished::Missing => DeleteReason::Missing,
        });
        let created_at = item.time("createdAt");
        let cursor = Cursor::Directory(cursor);
        Self { operation, id, item, before: None, created_at, reason, merged_into: None, cursor }
    }
}

impl Change {
    /// What stands for it in a position of one resource's stream alone: the `number`th.
    pub fn position(&self, resource: &Resource, number: u64) -> opencdc::Position {
        crate::position::write(number, [(resource.name, self.cursor.to_text().as_str())])
    }
}
