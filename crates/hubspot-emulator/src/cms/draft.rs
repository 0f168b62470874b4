//! Drafts: of posts and pages, beside what is live; of tables, until they are published.

use super::collection::{Collection, Draft, publish, reset_draft, set_draft, unpublish as withdraw};
use super::write::change;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::routes::Call;

/// `…/{objectId}/draft…`.
pub(crate) fn answer(call: &Call<'_>, collection: &Collection, method: &str, id: &str, rest: &[&str]) -> Result<Reply> {
    let is_table = collection.definition().draft == Draft::Published;
    let now = call.state.clock.now();
    let archived = call.request.flag("archived");
    match (method, rest) {
        ("GET", []) => {
            let mut objects = collection.lock();
            let object = collection.find(&mut objects, id, archived)?;
            Ok(Reply { objects: 1, ..Reply::json(200, &collection.value(object, true)) })
        }
        ("PATCH", []) => {
            let object = change(call, collection, id, call.request.object()?, set_draft)?;
            Ok(Reply { objects: 1, ..Reply::json(200, &collection.value(&object, true)) })
        }
        ("POST", ["push-live"]) if !is_table => {
            let mut objects = collection.lock();
            let object = collection.find(&mut objects, id, false)?;
            // Believed: pushing a draft of what is public, and that nobody has changed, changes nothing.
            if object.has_draft() || !object.is_public() {
                publish(object, now);
            }
            Ok(Reply::no_content())
        }
        ("POST", ["publish"]) if is_table => {
            let mut objects = collection.lock();
            let object = collection.find(&mut objects, id, false)?;
            publish(object, now);
            Ok(Reply { objects: 1, ..Reply::json(200, &collection.value(object, false)) })
        }
        ("POST", ["reset"]) => {
            let mut objects = collection.lock();
            let object = collection.find(&mut objects, id, false)?;
            reset_draft(object);
            Ok(if is_table { Reply::json(200, &collection.value(object, true)) } else { Reply::no_content() })
        }
        (_, [] | ["push-live" | "publish" | "reset"]) => call.wrong_method(),
        _ => Err(ApiError::no_such_path()),
    }
}

/// `POST …/{tableIdOrName}/unpublish`.
pub(crate) fn unpublish(call: &Call<'_>, collection: &Collection, id: &str) -> Result<Reply> {
    let mut objects = collection.lock();
    let object = collection.find(&mut objects, id, false)?;
    withdraw(object, call.state.clock.now());
    Ok(Reply::json(200, &collection.value(object, true)))
}
