//! Reading and writing one object.

use super::collection::{Collection, Fields, Object, set};
use crate::clock::Millis;
use crate::errors::{ApiError, Detail, Result};
use crate::http::reply::Reply;
use crate::routes::Call;

/// `POST` of a collection.
pub(crate) fn create(call: &Call<'_>, collection: &Collection) -> Result<Reply> {
    let object = new(call, collection, call.request.object()?)?;
    Ok(Reply { objects: 1, ..Reply::json(201, &collection.value(&object, true)) })
}

/// Makes an object of a request's fields.
pub(crate) fn new(call: &Call<'_>, collection: &Collection, fields: Fields) -> Result<Object> {
    let missing: Vec<&String> = collection
        .definition()
        .required
        .iter()
        .filter(|name| fields.get(*name).is_none_or(|value| value.is_null() || value == ""))
        .collect();
    if !missing.is_empty() {
        let names = missing.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        let mut error = ApiError::invalid(format!("Invalid input JSON: Some required fields were not set: [{names}]"));
        for name in missing {
            let mut detail = Detail::new(format!("{name} is required"), Some("REQUIRED_FIELD")).at("body");
            detail.context.insert("field", vec![name.clone()]);
            error.details.push(detail);
        }
        return Err(error);
    }
    let fields = collection.writable(fields);
    collection.check_unique(&fields, None)?;
    Ok(collection.insert(call.state, &call.settings, fields, call.state.clock.now()))
}

/// `GET …/{objectId}`.
pub(crate) fn read(call: &Call<'_>, collection: &Collection, id: &str) -> Result<Reply> {
    let mut objects = collection.lock();
    let object = collection.find(&mut objects, id, call.request.flag("archived"))?;
    if object.fields(false).is_none() {
        return Err(ApiError::not_found(&collection.definition().singular, id));
    }
    Ok(Reply { objects: 1, ..Reply::json(200, &collection.value(object, false)) })
}

/// `PATCH …/{objectId}`.
pub(crate) fn update(call: &Call<'_>, collection: &Collection, id: &str) -> Result<Reply> {
    let object = change(call, collection, id, call.request.object()?, set)?;
    Ok(Reply { objects: 1, ..Reply::json(200, &collection.value(&object, false)) })
}

/// Changes an object as a request says: what is live, or the draft, as `set` has it. With `archived=true` and `"archived": false` it is
/// restored first.
pub(crate) fn change(
    call: &Call<'_>,
    collection: &Collection,
    id: &str,
    fields: Fields,
    set: fn(&mut Object, Fields, Millis),
) -> Result<Object> {
    let archived = call.request.flag("archived");
    let now = call.state.clock.now();
    let comes_back = archived && fields.get("archived").and_then(serde_json::Value::as_bool) == Some(false);
    let fields = collection.writable(fields);
    let own = collection.find(&mut collection.lock(), id, archived)?.id;
    collection.check_unique(&fields, Some(own))?;
    let mut objects = collection.lock();
    let object = collection.find(&mut objects, id, archived)?;
    if comes_back {
        object.deleted = None;
    }
    set(object, fields, now);
    Ok(object.clone())
}

/// `DELETE …/{objectId}`.
pub(crate) fn delete(call: &Call<'_>, collection: &Collection, id: &str) -> Result<Reply> {
    collection.delete(id, call.state.clock.now())?;
    Ok(Reply::no_content())
}
