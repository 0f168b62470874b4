//! The admin API: what [`crate::Account`] does in process, over HTTP, for processes in other languages. The crate's documentation lists it.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::emulator::Accounts;
use crate::errors::{ApiError, Result};
use crate::faults::{Fault, FaultRule, Policy};
use crate::http::reply::Reply;
use crate::http::request::{Request, id_text, required, strings};
use crate::oauth::OAuthApp;
use crate::settings::{Limits, Settings};

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
        ("GET", "settings") => Ok(Reply::json(200, &settings_value(&account))),
        ("POST", "settings") => change_settings(&account, &request.object()?),
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

/// `{"action", "resource", "id"?, "fields"?, "loser"?}`.
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
        other => {
            return Err(ApiError::invalid(format!("action is create, update, archive, restore or merge, not {other}")));
        }
    };
    Ok(Reply::json(200, &json!({ "id": id })))
}

fn settings_value(account: &Account) -> Value {
    let settings = account.settings();
    let limits = match settings.limits {
        Limits::Off => json!("off"),
        Limits::TenSecondly { per_10s, search_per_s, daily } => {
            json!({"per10s": per_10s, "searchPerS": search_per_s, "daily": daily})
        }
    };
    let lag = settings.index_lag.map(|(least, most)| json!([least.as_millis() as u64, most.as_millis() as u64]));
    json!({
        "limits": limits,
        "indexLagMs": lag,
        "latencyMs": settings.latency.as_millis() as u64,
        "idsInOrder": settings.ids_in_order,
        "clockOffsetMs": settings.clock_offset.num_milliseconds(),
        "tokenLifetimeMs": settings.token_lifetime.as_millis() as u64,
        "wholeBatchFailures": settings.whole_batch_failures,
        "mergeMintsId": settings.merge_mints_id,
        "mergedAreArchived": settings.merged_are_archived,
        "faultRates": {
            "serverError": settings.fault_rates.server_error,
            "reset": settings.fault_rates.reset,
            "lostReply": settings.fault_rates.lost_reply,
            "rateLimited": settings.fault_rates.rate_limited,
        },
    })
}

/// Any of the settings that `GET` shows; `scopes` (a list, or null for all), `revokeToken` and `expireAccessTokens` besides.
fn change_settings(account: &Account, body: &Map<String, Value>) -> Result<Reply> {
    let mut settings = account.settings();
    for (name, value) in body {
        apply(account, &mut settings, name, value)?;
    }
    account.set_settings(|current| *current = settings);
    Ok(Reply::json(200, &settings_value(account)))
}

fn apply(account: &Account, settings: &mut Settings, name: &str, value: &Value) -> Result<()> {
    let wrong = || ApiError::invalid(format!("{name} can't be {value}"));
    let flag = || value.as_bool().ok_or_else(wrong);
    let millis = |value: &Value| value.as_u64().map(Duration::from_millis).ok_or_else(wrong);
    match name {
        "limits" => {
            let number = |field: &str, default: u64| {
                value
                    .get(field)
                    .map_or(Some(default), Value::as_u64)
                    .and_then(|number| u32::try_from(number).ok())
                    .ok_or_else(wrong)
            };
            settings.limits = match value.as_str() {
                Some("off") => Limits::Off,
                Some("free") => Limits::FREE,
                Some("pro") => Limits::PRO,
                Some(_) => return Err(wrong()),
                None => Limits::TenSecondly {
                    per_10s: number("per10s", 190)?,
                    search_per_s: number("searchPerS", 5)?,
                    daily: number("daily", 650_000)?,
                },
            };
        }
        "indexLagMs" => {
            settings.index_lag = match value.as_array().map(Vec::as_slice) {
                None if value.is_null() => None,
                Some([least, most]) => Some((millis(least)?, millis(most)?)),
                _ => return Err(wrong()),
            };
        }
        "latencyMs" => settings.latency = millis(value)?,
        "idsInOrder" => settings.ids_in_order = flag()?,
        "clockOffsetMs" => {
            settings.clock_offset = value.as_i64().and_then(TimeDelta::try_milliseconds).ok_or_else(wrong)?;
        }
        "tokenLifetimeMs" => settings.token_lifetime = millis(value)?,
        "wholeBatchFailures" => settings.whole_batch_failures = flag()?,
        "mergeMintsId" => settings.merge_mints_id = flag()?,
        "mergedAreArchived" => settings.merged_are_archived = flag()?,
        "faultRates" => {
            let rates = &mut settings.fault_rates;
            for (name, rate) in value.as_object().ok_or_else(wrong)? {
                let rate = rate.as_f64().filter(|rate| (0.0..=1.0).contains(rate)).ok_or_else(wrong)?;
                match name.as_str() {
                    "serverError" => rates.server_error = rate,
                    "reset" => rates.reset = rate,
                    "lostReply" => rates.lost_reply = rate,
                    "rateLimited" => rates.rate_limited = rate,
                    _ => return Err(wrong()),
                }
            }
        }
        "scopes" => {
            let body = Map::from_iter([("scopes".to_owned(), value.clone())]);
            account.set_scopes(if value.is_null() { None } else { Some(strings(&body, "scopes")) });
        }
        "revokeToken" if flag()? => account.revoke_token(),
        "expireAccessTokens" if flag()? => account.expire_access_tokens(),
        "revokeToken" | "expireAccessTokens" => {}
        _ => return Err(ApiError::invalid(format!("there is no setting {name}"))),
    }
    Ok(())
}

/// `{"fault", "times"?, "method"?, "pathContains"?, …}`, with the fault's own fields beside.
fn add_faults(account: &Account, body: &Map<String, Value>) -> Result<Reply> {
    let text = |name: &'static str| id_text(body.get(name));
    let millis = |name: &str| body.get(name).and_then(Value::as_u64).map(Duration::from_millis);
    let fault = match text("fault").ok_or_else(|| required("fault"))?.as_str() {
        "serverError" => Fault::ServerError {
            status: body
                .get("status")
                .and_then(Value::as_u64)
                .and_then(|status| u16::try_from(status).ok())
                .filter(|status| (500..600).contains(status))
                .unwrap_or(502),
            html: body.get("html").and_then(Value::as_bool).unwrap_or(true),
        },
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
