//! Merges, and removals for good.

use std::sync::Arc;

use serde_json::Value;

use super::object::{Object, Projection};
use super::parse_id;
use super::write::may_write;
use crate::account::State;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::{id_text, required};
use crate::routes::Call;

/// `POST …/{objectType}/merge`.
pub(crate) fn answer(call: &Call<'_>, object_type: &str) -> Result<Reply> {
    let body = call.request.object()?;
    let primary = id_text(body.get("primaryObjectId")).ok_or_else(|| required("primaryObjectId"))?;
    let loser = id_text(body.get("objectIdToMerge")).ok_or_else(|| required("objectIdToMerge"))?;
    may_write(call.state, &call.state.crm.store(object_type)?.read())?;
    let winner = merge(call.state, object_type, &primary, &loser)?;
    let store = call.state.crm.store(object_type)?;
    let store = store.read();
    let mut out = Vec::with_capacity(256);
    Projection::set_in(store.object_type(), &winner).write(&mut out, &winner);
    Ok(Reply::written(200, out, 1))
}

/// Merges two objects: the primary one's values stay, the other's fill what it has none for. (Believed: HubSpot has rules of its own for some properties.)
pub(crate) fn merge(state: &State, object_type: &str, primary: &str, loser: &str) -> Result<Arc<Object>> {
    let shared = state.crm.store(object_type)?;
    let settings = state.settings();
    let mut store = shared.write();
    let get = |id: &str| {
        let found = store.get(parse_id(id)?, false).cloned();
        found.ok_or_else(|| ApiError::not_found(&store.object_type().singular, id))
    };
    let (primary, loser) = (get(primary)?, get(loser)?);
    if primary.id == loser.id {
        return Err(ApiError::invalid("An object can't be merged with itself"));
    }
    let now = state.clock.now();
    let id = if settings.merge_mints_id {
        let store = &store;
        state.next_id(settings.ids_in_order, |id| store.get(id, false).is_some() || store.get(id, true).is_some())
    } else {
        primary.id
    };
    let mut winner = Object { id, updated: now, ..Object::clone(&primary) };
    // Believed: another unique value of the loser's doesn't go over; a contact's second address becomes an additional one.
    for (name, value) in loser.stored_all() {
        let is_unique = store.object_type().properties.get(name).is_some_and(|property| property.unique);
        if winner.stored(name).is_none() && !is_unique {
            winner.set(name, value);
        }
    }
    let mut swallowed = vec![loser.id];
    if id != primary.id {
        swallowed.push(primary.id);
        store.rename_history(primary.id, id);
    }
    // What the loser had swallowed is among them. (Believed.)
    for name in ["hs_merged_object_ids", "hs_calculated_merged_vids"] {
        if let (Some(_), Some(of_loser)) = (primary.stored(name), loser.stored(name)) {
            extend(&mut winner, name, of_loser.split(';').map(ToOwned::to_owned));
        }
    }
    extend(&mut winner, "hs_merged_object_ids", swallowed.iter().map(ToString::to_string));
    if store.object_type().properties.contains_key("hs_calculated_merged_vids") {
        extend(&mut winner, "hs_calculated_merged_vids", swallowed.iter().map(|id| format!("{id}:{now}")));
    }
    for old in swallowed {
        store.swallow(state, old, id);
    }
    Ok(store.put(winner, &settings, now))
}

/// Adds to a value that is a list with semicolons.
fn extend(object: &mut Object, name: &str, more: impl Iterator<Item = String>) {
    let mut values: Vec<String> =
        object.stored(name).map(|known| known.split(';').map(ToOwned::to_owned).collect()).unwrap_or_default();
    values.extend(more);
    object.set(&name.into(), &values.join(";").into());
}

/// `POST …/contacts/gdpr-delete`: gone for good, from the archived list too.
pub(crate) fn gdpr_answer(call: &Call<'_>, object_type: &str) -> Result<Reply> {
    let body = call.request.object()?;
    let id = id_text(body.get("objectId")).ok_or_else(|| required("objectId"))?;
    let property = body.get("idProperty").and_then(Value::as_str);
    may_write(call.state, &call.state.crm.store(object_type)?.read())?;
    gdpr_delete(call.state, object_type, property, &id)?;
    Ok(Reply::no_content())
}

/// Removes a contact for good, by id or by a unique property; `false` if there was none.
pub(crate) fn gdpr_delete(state: &State, object_type: &str, property: Option<&str>, id: &str) -> Result<bool> {
    let shared = state.crm.store(object_type)?;
    let mut store = shared.write();
    if store.object_type().name != "contacts" {
        return Err(ApiError::no_such_path());
    }
    let id = match property {
        Some(property) => store.find(property, id)?,
        None => Some(parse_id(id)?),
    };
    Ok(id.is_some_and(|id| store.purge(state, id)))
}
