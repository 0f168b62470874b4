//! What an object says of itself, for either family of resources.

use hubspot_catalog::Kind;

use super::walk::{Draining, Row};
use super::{cms, crm};
use crate::ask::Response;
use crate::error::AnswerError;
use crate::item::{Item, Millis};

/// The objects of a page, each with its id and its place on an axis of time.
pub(super) fn rows(response: &mut Response, at: impl Fn(&Item) -> Millis) -> Result<Vec<Row>, AnswerError> {
    let items = std::mem::take(&mut response.items);
    items.into_iter().map(|item| Ok(Row { id: item.id().ok_or(AnswerError::NoId)?, at: at(&item), item })).collect()
}

/// How a millisecond of many changes is drained.
pub(super) fn draining(kind: &Kind) -> Draining {
    match kind {
        Kind::Crm(_) => Draining::ById,
        Kind::Cms(_) | Kind::Directory(_) => Draining::ByPage,
    }
}

pub(super) fn created(kind: &Kind, item: &Item) -> Option<Millis> {
    match kind {
        Kind::Crm(crm) => crm::created(crm, item),
        Kind::Cms(cms) => cms::created(cms, item),
        Kind::Directory(_) => item.time("createdAt"),
    }
}

pub(super) fn updated(kind: &Kind, item: &Item) -> Option<Millis> {
    match kind {
        Kind::Crm(crm) => crm::updated(crm, item),
        Kind::Cms(cms) => cms::updated(cms, item),
        Kind::Directory(_) => item.time("updatedAt"),
    }
}

/// When it was deleted, where the resource says so.
pub(super) fn deleted(kind: &Kind, item: &Item) -> Option<Millis> {
    match kind {
        Kind::Crm(_) | Kind::Directory(_) => item.time("archivedAt"),
        Kind::Cms(cms) => cms::deleted(cms, item),
    }
}

/// Whether an object that a list of live ones has says of itself that it is deleted, as HubDB tables may.
pub(super) fn is_deleted(kind: &Kind, item: &Item) -> bool {
    match kind {
        Kind::Crm(_) | Kind::Directory(_) => false,
        Kind::Cms(_) => item.flag("deleted") || item.flag("archived") || deleted(kind, item).is_some(),
    }
}
