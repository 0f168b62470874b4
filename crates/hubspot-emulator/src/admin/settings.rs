//! Settings over HTTP.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use crate::account::Account;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::strings;
use crate::settings::{Limits, Settings};

pub(super) fn value(account: &Account) -> Value {
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
        "associationPage": settings.association_page,
        "history": settings.history,
        "unknownPropertiesFail": settings.unknown_properties_fail,
        "opaqueCursors": settings.opaque_cursors,
        "associationErrorsNamePairs": settings.association_errors_name_pairs,
        "emailUpsertsAreWhole": settings.email_upserts_are_whole,
        "searchNoise": settings.search_noise,
        "faultRates": {
            "serverError": settings.fault_rates.server_error,
            "reset": settings.fault_rates.reset,
            "lostReply": settings.fault_rates.lost_reply,
            "rateLimited": settings.fault_rates.rate_limited,
        },
    })
}

/// Any of the settings that `GET` shows; `scopes` (a list, or null for all), `revokeToken`, `expireAccessTokens`, `resetDailyLimit` and `useUpDailyLimit` besides.
pub(super) fn change(account: &Account, body: &Map<String, Value>) -> Result<Reply> {
    let mut settings = account.settings();
    for (name, value) in body {
        apply(account, &mut settings, name, value)?;
    }
    account.set_settings(|current| *current = settings);
    Ok(Reply::json(200, &value(account)))
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
        "associationPage" => {
            let page = value.as_u64().filter(|page| (1..=500).contains(page)).ok_or_else(wrong)?;
            settings.association_page = page as usize;
        }
        "history" => settings.history = flag()?,
        "unknownPropertiesFail" => settings.unknown_properties_fail = flag()?,
        "opaqueCursors" => settings.opaque_cursors = flag()?,
        "associationErrorsNamePairs" => settings.association_errors_name_pairs = flag()?,
        "emailUpsertsAreWhole" => settings.email_upserts_are_whole = flag()?,
        "searchNoise" => settings.search_noise = share(value).ok_or_else(wrong)?,
        "faultRates" => {
            let rates = &mut settings.fault_rates;
            for (name, rate) in value.as_object().ok_or_else(wrong)? {
                let rate = share(rate).ok_or_else(wrong)?;
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
        "resetDailyLimit" if flag()? => account.reset_daily_limit(),
        "useUpDailyLimit" if flag()? => account.use_up_daily_limit(),
        "revokeToken" | "expireAccessTokens" | "resetDailyLimit" | "useUpDailyLimit" => {}
        _ => return Err(ApiError::invalid(format!("there is no setting {name}"))),
    }
    Ok(())
}

fn share(value: &Value) -> Option<f64> {
    value.as_f64().filter(|share| (0.0..=1.0).contains(share))
}
