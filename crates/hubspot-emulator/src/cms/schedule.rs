//! What is published when: posts and pages, at once or at a time of their own.

use serde_json::{Value, json};

use super::collection::{Collection, Fields, Object, publish};
use crate::clock::{Millis, iso, parse_time};
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::{id_text, required};
use crate::routes::Call;

/// `POST …/schedule`: `{"id", "publishDate"}`. A time that has passed publishes at once. (Believed.)
pub(super) fn answer(call: &Call<'_>, collection: &Collection) -> Result<Reply> {
    let body = call.request.object()?;
    let id = id_text(body.get("id")).ok_or_else(|| required("id"))?;
    let at = id_text(body.get("publishDate")).ok_or_else(|| required("publishDate"))?;
    let at = parse_time(&at).ok_or_else(|| ApiError::invalid(format!("publishDate is no timestamp: {at}")))?;
    let fields =
        Fields::from_iter([("publishDate".to_owned(), json!(iso(at))), ("state".to_owned(), json!("SCHEDULED"))]);
    let mut objects = collection.lock();
    let object = collection.find(&mut objects, &id, false)?;
    collection.note_schedule(&fields);
    object.set_both(fields, call.state.clock.now());
    drop(objects);
    collection.publish_due(call.state.clock.now());
    Ok(Reply::no_content())
}

/// Gives a post or a page what follows from its `state`: whether it is public, and since when.
pub(super) fn follow_state(live: &mut Fields, now: Millis) {
    if !live.contains_key("currentlyPublished") {
        return;
    }
    let state = live.get("state").cloned().unwrap_or_default();
    let published = state == "PUBLISHED";
    if published && publish_date(live).is_none_or(|at| at == 0) {
        live.insert("publishDate".into(), iso(now).into());
    }
    live.insert("currentState".into(), state);
    live.insert("currentlyPublished".into(), published.into());
}

/// Publishes an object if it is scheduled for a time that has come; with its draft.
pub(super) fn publish_if_due(object: &mut Object, now: Millis) {
    let Some(live) = object.fields(false).filter(|live| is_scheduled(live)) else { return };
    if let Some(at) = publish_date(live).filter(|at| *at <= now) {
        let since = at.max(object.updated);
        publish(object, since);
    }
}

pub(super) fn is_scheduled(fields: &Fields) -> bool {
    fields.get("state").is_some_and(|state| state == "SCHEDULED")
}

fn publish_date(fields: &Fields) -> Option<Millis> {
    fields.get("publishDate").and_then(Value::as_str).and_then(parse_time)
}
