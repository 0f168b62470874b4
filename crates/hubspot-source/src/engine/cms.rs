//! How CMS objects are asked for, and read.

use hubspot_catalog::Cms;

use super::walk::Walk;
use crate::ask::{CmsListRequest, Request};
use crate::item::{Item, Millis};

/// What a walk goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    /// Creation, for the snapshot.
    Created,
    /// Change, for following.
    Updated,
}

/// The next page of a walk: through the live objects, or through the `archived` ones.
pub(super) fn walk(cms: &Cms, axis: Axis, walk: &Walk, limit: u32, archived: bool) -> Request {
    // "After" and "before" may or may not include the instant: a millisecond more on either side covers both, and what
    // lies outside is left out on reading.
    let since = (walk.at > 0).then_some(walk.at - 1);
    // Pages of a drained millisecond are addressed by offset. With nothing else in the query, an object that leaves it
    // (it was changed, or deleted) shows in the total.
    let before = walk.drain.as_ref().map(|_| walk.at + 1);
    let after = walk.drain.as_ref().and_then(|drain| drain.page.clone());
    let request = CmsListRequest { after, limit, archived, ..CmsListRequest::default() };
    let request = match axis {
        Axis::Created => {
            CmsListRequest { sort: Some("createdAt"), created_after: since, created_before: before, ..request }
        }
        Axis::Updated => {
            CmsListRequest { sort: Some("updatedAt"), updated_after: since, updated_before: before, ..request }
        }
    };
    Request::CmsList(*cms, request)
}

/// A request for HubSpot's clock alone.
pub(super) fn clock(cms: &Cms) -> Request {
    Request::CmsList(*cms, CmsListRequest { limit: 1, ..CmsListRequest::default() })
}

pub(super) fn created(cms: &Cms, item: &Item) -> Option<Millis> {
    item.first_time(cms.created_fields)
}

pub(super) fn updated(cms: &Cms, item: &Item) -> Option<Millis> {
    item.first_time(cms.updated_fields)
}

/// When it was deleted, where the resource says so.
pub(super) fn deleted(cms: &Cms, item: &Item) -> Option<Millis> {
    item.first_time(cms.deleted_fields)
}
