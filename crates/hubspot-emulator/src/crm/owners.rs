//! Owners: the account's users, as owners of objects. The API only reads them.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use super::cursor;
use crate::clock::{Millis, iso};
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::routes::Call;

/// Owners on a page.
const PAGE: usize = 500;
const DEFAULT_PAGE: usize = 100;
const SCOPE: &str = "crm.objects.owners.read";
/// Where ids begin. The documents have them as 32 bit numbers, unlike those of objects.
const FIRST: u64 = 40_000_001;
const FIRST_USER: u64 = 10_000_001;

/// The owners of an account.
#[derive(Debug, Default)]
pub(crate) struct Owners(BTreeMap<u64, Owner>);

#[derive(Debug)]
struct Owner {
    fields: Map<String, Value>,
    created: Millis,
    updated: Millis,
    archived: bool,
}

impl Owners {
    /// Adds an owner: `email`, `firstName`, `lastName`, `type` (`PERSON` without it), `userId` (a free one without it), `teams`.
    pub(crate) fn create(&mut self, fields: Value, now: Millis) -> Result<String> {
        let mut fields = checked(fields)?;
        let number = self.0.len() as u64;
        fields.entry("type").or_insert_with(|| "PERSON".into());
        fields.entry("userId").or_insert_with(|| (FIRST_USER + number).into());
        let id = FIRST + number;
        self.0.insert(id, Owner { fields, created: now, updated: now, archived: false });
        Ok(id.to_string())
    }

    pub(crate) fn update(&mut self, id: &str, fields: Value, now: Millis) -> Result<()> {
        let fields = checked(fields)?;
        let owner = self.get_mut(id)?;
        owner.fields.extend(fields);
        owner.fields.retain(|_, value| !value.is_null());
        owner.updated = now;
        Ok(())
    }

    /// Archives an owner, or restores it.
    pub(crate) fn set_archived(&mut self, id: &str, archived: bool, now: Millis) -> Result<()> {
        let owner = self.get_mut(id)?;
        if owner.archived == archived {
            return Err(ApiError::not_found("owner", id));
        }
        owner.archived = archived;
        owner.updated = now;
        Ok(())
    }

    pub(crate) fn truth(&self, archived: bool) -> BTreeMap<String, Value> {
        let of_kind = self.0.iter().filter(|(_, owner)| owner.archived == archived);
        of_kind.map(|(id, owner)| (id.to_string(), owner.value(*id))).collect()
    }

    fn get_mut(&mut self, id: &str) -> Result<&mut Owner> {
        let owner = id.parse().ok().and_then(|id: u64| self.0.get_mut(&id));
        owner.ok_or_else(|| ApiError::not_found("owner", id))
    }
}

impl Owner {
    /// As HubSpot shows it. An archived owner has no date of it, and its user is one who isn't active. (Seen.)
    fn value(&self, id: u64) -> Value {
        let mut value = self.fields.clone();
        let user = if self.archived { value.remove("userId") } else { value.get("userId").cloned() };
        value.insert("userIdIncludingInactive".into(), user.unwrap_or_default());
        value.insert("id".into(), id.to_string().into());
        value.insert("createdAt".into(), iso(self.created).into());
        value.insert("updatedAt".into(), iso(self.updated).into());
        value.insert("archived".into(), self.archived.into());
        value.retain(|_, value| !value.is_null());
        value.into()
    }

    fn has(&self, name: &str, wanted: &str) -> bool {
        match self.fields.get(name) {
            Some(Value::String(text)) => text.eq_ignore_ascii_case(wanted),
            Some(Value::Number(number)) => number.to_string() == wanted,
            _ => false,
        }
    }
}

fn checked(fields: Value) -> Result<Map<String, Value>> {
    let Value::Object(fields) = fields else { return Err(ApiError::invalid("an owner has to be an object")) };
    let known = |name: &str| ["email", "firstName", "lastName", "type", "userId", "teams"].contains(&name);
    match fields.keys().find(|name| !known(name)) {
        Some(name) => Err(ApiError::invalid(format!("an owner has no field {name}"))),
        None => Ok(fields),
    }
}

/// `GET /crm/owners/{version}…`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Result<Reply> {
    if call.method() != "GET" {
        return call.wrong_method();
    }
    call.state.require_scope(&[SCOPE.to_owned()])?;
    match rest {
        [] => list(call),
        [id] => one(call, id),
        _ => Err(ApiError::no_such_path()),
    }
}

fn list(call: &Call<'_>) -> Result<Reply> {
    let request = call.request;
    let limit = request.limit(DEFAULT_PAGE, PAGE)?;
    let after = match request.query("after").filter(|after| !after.is_empty()) {
        Some(after) => Bound::Excluded(cursor::id(&call.settings, after)?),
        None => Bound::Unbounded,
    };
    let (archived, email) = (request.flag("archived"), request.query("email"));
    let owners = call.state.crm.owners();
    let mut found = owners
        .0
        .range((after, Bound::Unbounded))
        .filter(|(_, owner)| owner.archived == archived && email.is_none_or(|email| owner.has("email", email)));
    let mut last = 0;
    let results: Vec<Value> = found
        .by_ref()
        .take(limit)
        .map(|(id, owner)| {
            last = *id;
            owner.value(*id)
        })
        .collect();
    let count = results.len();
    let mut body = json!({ "results": results });
    if found.next().is_some() {
        let next = cursor::after(&call.settings, last);
        body["paging"] = json!({"next": {"link": super::read::link(request, &next), "after": next}});
    }
    Ok(Reply { objects: count, ..Reply::json(200, &body) })
}

/// By its id, or by its user's.
fn one(call: &Call<'_>, id: &str) -> Result<Reply> {
    let archived = call.request.flag("archived");
    let by_user = match call.request.query("idProperty") {
        None | Some("id") => false,
        Some("userId") => true,
        Some(other) => return Err(ApiError::invalid(format!("idProperty is id or userId, not {other}"))),
    };
    let owners = call.state.crm.owners();
    let mut of_kind = owners.0.iter().filter(|(_, owner)| owner.archived == archived);
    let found = of_kind.find(|(known, owner)| if by_user { owner.has("userId", id) } else { known.to_string() == id });
    let (id, owner) = found.ok_or_else(|| ApiError::not_found("owner", id))?;
    Ok(Reply { objects: 1, ..Reply::json(200, &owner.value(*id)) })
}
