//! The admin API: what [`crate::Account`] does in process, over HTTP, for processes in other languages. The crate's documentation lists it.

mod settings;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::crm::associations;
use crate::emulator::Accounts;
use crate::errors::{ApiError, Result};
use crate::faults::{Fault, FaultRule, Policy};
use crate::http::reply::Reply;
use crate::http::request::{Request, id_text, required};
use crate::oauth::OAuthApp;

pub(crate) fn answer(accounts: &Accounts, request: &Request) -> Reply {
    route(accounts, request).unwrap_or_else(|error| Reply::error(&error))
}

fn route(accounts: &Accounts, request: &Request) -> Result<Reply> {
    let token = request
        .query("token")
        .or(request.token.as_deref())
        .ok_or_else(|| ApiError::invalid("?token= has to name the account"))?;
    let account = accounts.get(token).ok_or_else(|| ApiError::invalid(format!("no account has the token {token}")))?;
    match (request.method.as_str(), request.path.trim_start_matches("/_emulator/")) {
        ("POST", "seed") => seed(&account, &request.object()?),
        ("POST", "objects") => objects(&account, &request.object()?),
        ("GET", "settings") => Ok(Reply::json(200, &settings::value(&account))),
        ("POST", "settings") => settings::change(&account, &request.object()?),
        ("POST", "faults") => add_faults(&account, &request.object()?),
        ("DELETE", "faults") => {
            account.clear_faults();
            Ok(Reply::no_content())
        }
        ("GET", "truth") => {
            let resource =
                request.query("resource").ok_or_else(|| ApiError::invalid("?resource= has to name the resource"))?;
            Ok(Reply::json(200, &json!(account.truth(resource, request.flag("archived"))?)))
        }
        ("GET", "associations") => {
            let name =
                |name| request.query(name).ok_or_else(|| ApiError::invalid(format!("?{name}= has to name a type")));
            Ok(Reply::json(200, &json!(account.try_associations(name("from")?, name("to")?)?)))
        }
        ("POST", "types") => {
            let type_id = account.try_define_object(&request.object()?.into())?;
            Ok(Reply::json(201, &json!({ "objectTypeId": type_id })))
        }
        ("POST", "labels") => {
            let body = request.object()?;
            let text = |name: &'static str| id_text(body.get(name)).ok_or_else(|| required(name));
            let inverse = id_text(body.get("inverse"));
            let state = account.state();
            let made =
                associations::make_label(state, &text("from")?, &text("to")?, &text("label")?, inverse.as_deref());
            made.map(|[id, inverse]| Reply::json(201, &json!({"typeId": id, "inverseTypeId": inverse})))
        }
        ("POST", "properties") => properties(&account, &request.object()?),
        ("GET", "counters") => Ok(Reply::json(200, &json!(account.counters()))),
        ("DELETE", "counters") => {
            account.reset_counters();
            Ok(Reply::no_content())
        }
        ("POST", "oauth") => {
            let body = request.object()?;
            let text = |name: &'static str| id_text(body.get(name)).ok_or_else(|| required(name));
            let app = OAuthApp {
                client_id: text("clientId")?,
                client_secret: text("clientSecret")?,
                refresh_token: text("refreshToken")?,
            };
            accounts.grants.install(app, account);
            Ok(Reply::no_content())
        }
        _ => Err(ApiError::no_such_path()),
    }
}

/// `{"resource", "count", "fields": {…}, "tied"?}`: `{n}` in a text of `fields` is the object's number.
fn seed(account: &Account, body: &Map<String, Value>) -> Result<Reply> {
    let resource = id_text(body.get("resource")).ok_or_else(|| required("resource"))?;
    let count = body.get("count").and_then(Value::as_u64).unwrap_or(1);
    let first = body.get("first").and_then(Value::as_u64).unwrap_or(0);
    let template = body.get("fields").cloned().unwrap_or_else(|| json!({}));
    let tied = body.get("tied").and_then(Value::as_bool).unwrap_or(false);
    let ids = account.seed(&resource, (first..first + count).map(|number| numbered(&template, number)), tied)?;
    Ok(Reply::json(201, &json!({ "ids": ids })))
}

fn numbered(template: &Value, number: u64) -> Value {
    match template {
        Value::String(text) => text.replace("{n}", &number.to_string()).into(),
        Value::Array(values) => values.iter().map(|value| numbered(value, number)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), numbered(value, number))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// `{"action", "resource", "id"?, "fields"?, "loser"?, "toResource"?, "toId"?, "label"?}`.
fn objects(account: &Account, body: &Map<String, Value>) -> Result<Reply> {
    let text = |name: &'static str| id_text(body.get(name)).ok_or_else(|| required(name));
    let fields = || body.get("fields").cloned().unwrap_or_else(|| json!({}));
    let resource = text("resource")?;
    let id = match text("action")?.as_str() {
        "create" => account.seed(&resource, std::iter::once(fields()), false)?.pop().unwrap_or_default(),
        "update" => text("id").and_then(|id| account.try_update(&resource, &id, fields()).map(|()| id))?,
        "archive" => text("id").and_then(|id| account.try_archive(&resource, &id).map(|()| id))?,
        "restore" => text("id").and_then(|id| account.try_restore(&resource, &id).map(|()| id))?,
        "merge" => account.try_merge(&resource, &text("id")?, &text("loser")?)?,
        "gdprDelete" => text("id").and_then(|id| account.try_gdpr_delete(&resource, &id).map(|()| id))?,
        "purge" => text("id").and_then(|id| account.try_purge(&resource, &id).map(|()| id))?,
        "recalculate" => text("id").and_then(|id| account.try_recalculate(&resource, &id, &fields()).map(|()| id))?,
        action @ ("associate" | "dissociate") => {
            let (id, to_type, to) = (text("id")?, text("toResource")?, text("toId")?);
            let (from, to) = ((resource.as_str(), id.as_str()), (to_type.as_str(), to.as_str()));
            if action == "associate" {
                account.try_associate(from, to, body.get("label").and_then(Value::as_str))?;
            } else {
                account.try_dissociate(from, to)?;
            }
            id
        }
        other => return Err(ApiError::invalid(format!("there is no action {other}; the documentation lists them"))),
    };
    Ok(Reply::json(200, &json!({ "id": id })))
}

/// `{"action": "define", "resource", "definition"}`, `{"action": "remove", "resource", "name"}`.
fn properties(account: &Account, body: &Map<String, Value>) -> Result<Reply> {
    let text = |name: &'static str| id_text(body.get(name)).ok_or_else(|| required(name));
    let resource = text("resource")?;
    match text("action")?.as_str() {
        "define" => {
            let definition = body.get("definition").ok_or_else(|| required("definition"))?;
            let made = crate::crm::properties::define(account.state(), &resource, definition, true)?;
            Ok(Reply::json(201, &made))
        }
        "remove" => {
            crate::crm::properties::remove(account.state(), &resource, &text("name")?, true)?;
            Ok(Reply::no_content())
        }
        other => Err(ApiError::invalid(format!("action is define or remove, not {other}"))),
    }
}

/// `{"fault", "times"?, "method"?, "pathContains"?, …}`, with the fault's own fields beside.
fn add_faults(account: &Account, body: &Map<String, Value>) -> Result<Reply> {
    let text = |name: &'static str| id_text(body.get(name));
    let millis = |name: &str| body.get(name).and_then(Value::as_u64).map(Duration::from_millis);
    let status = body
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (500..600).contains(status))
        .unwrap_or(502);
    let fault = match text("fault").ok_or_else(|| required("fault"))?.as_str() {
        "lateServerError" => Fault::LateServerError { status },
        "serverError" => Fault::ServerError { status, html: body.get("html").and_then(Value::as_bool).unwrap_or(true) },
        "rateLimited" => Fault::RateLimited {
            policy: match text("policy").as_deref() {
                None | Some("TEN_SECONDLY_ROLLING") => Policy::TenSecondly,
                Some("SECONDLY") => Policy::Secondly,
                Some("DAILY") => Policy::Daily,
                Some(other) => return Err(ApiError::invalid(format!("there is no policy {other}"))),
            },
            retry_after: millis("retryAfterMs"),
        },
        "reset" => Fault::Reset,
        "lostReply" => Fault::LostReply,
        "slow" => Fault::Slow(millis("ms").ok_or_else(|| required("ms"))?),
        "cutBody" => Fault::CutBody,
        "locked" => Fault::Locked423,
        "migrating" => Fault::Migrating477,
        "html200" => Fault::Html200,
        other => return Err(ApiError::invalid(format!("there is no fault {other}"))),
    };
    let times = body.get("times").and_then(Value::as_u64).map_or(1, |times| u32::try_from(times).unwrap_or(u32::MAX));
    account.fail_matching(FaultRule {
        method: text("method"),
        path_contains: text("pathContains").unwrap_or_default(),
        fault,
        times,
    });
    Ok(Reply::no_content())
}
