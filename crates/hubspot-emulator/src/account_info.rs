//! What an account is, and what it has used up.

use serde_json::json;

use crate::clock::iso;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::limits::Usage;
use crate::routes::Call;
use crate::settings::Limits;

/// What the daily limit is said to be where there is none: that of an Enterprise account.
const UNLIMITED: u32 = 1_000_000;

/// `/account-info/{version}/…`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Result<Reply> {
    match (call.method(), rest) {
        ("GET", ["details"]) => Ok(Reply::json(
            200,
            &json!({
                "portalId": call.state.portal_id,
                "accountType": "DEVELOPER_TEST",
                "timeZone": "UTC",
                "companyCurrency": "EUR",
                "additionalCurrencies": [],
                "utcOffset": "+00:00",
                "utcOffsetMilliseconds": 0,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "eu1",
            }),
        )),
        ("GET", ["api-usage", "daily", "private-apps"]) => {
            let now = call.state.clock.now();
            let limit = match call.settings.limits {
                Limits::Off => UNLIMITED,
                Limits::TenSecondly { daily, .. } => daily,
            };
            let usage = json!({
                "name": "private-apps-api-calls-daily",
                "usageLimit": limit,
                "currentUsage": call.state.usage().used_today(),
                "collectedAt": iso(now),
                "fetchStatus": "SUCCESS",
                "resetsAt": iso(Usage::resets_at(now)),
            });
            Ok(Reply::json(200, &json!({ "results": [usage] })))
        }
        (_, ["details" | "api-usage", ..]) if call.method() != "GET" => call.wrong_method(),
        _ => Err(ApiError::no_such_path()),
    }
}
