//! OAuth: refresh tokens that are exchanged for access tokens which expire.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::account::Account;
use crate::clock::{Millis, iso};
use crate::emulator::Accounts;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::ids::uuid;

/// An OAuth app that an account has installed: what a client exchanges for access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthApp {
    /// The app's client id.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: String,
    /// The refresh token that installing the app gave.
    pub refresh_token: String,
}

/// The apps that are installed, and the access tokens that they hold.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    apps: Vec<(OAuthApp, Account)>,
    tokens: HashMap<String, Granted>,
}

#[derive(Debug)]
struct Granted {
    account: Account,
    since: Millis,
    expires_at: Millis,
}

impl Grants {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn install(&self, app: OAuthApp, account: Account) {
        self.lock().apps.push((app, account));
    }

    /// The account of an access token, if there is one: 401 if it has expired.
    pub(crate) fn account(&self, token: &str) -> Option<Result<Account>> {
        let inner = self.lock();
        let granted = inner.tokens.get(token)?;
        let state = granted.account.state();
        let now = state.clock.now();
        if now < granted.expires_at && granted.since >= state.expired_before() {
            return Some(Ok(granted.account.clone()));
        }
        let expired_at = iso(granted.expires_at.min(now));
        Some(Err(ApiError::new(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
            .with("expire time", [expired_at])))
    }
}

/// `POST /oauth/{version}/token`, a form with `grant_type=refresh_token`.
pub(crate) fn token(accounts: &Accounts, request: &Request) -> Result<Reply> {
    let refuse = |status: &str, message: &str| {
        let mut error = ApiError::new(400, "VALIDATION_ERROR", message);
        error.context.insert("status", vec![status.to_owned()]);
        error
    };
    if request.method != "POST" {
        return Err(ApiError::method_not_allowed(&request.method));
    }
    let form: HashMap<String, String> = form_urlencoded::parse(&request.body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "refresh_token" {
        return Err(refuse("BAD_GRANT_TYPE", "grant_type has to be refresh_token"));
    }
    let mut inner = accounts.grants.lock();
    let app = inner.apps.iter().find(|(app, _)| app.client_id == field("client_id"));
    let Some((app, account)) = app.cloned() else {
        return Err(refuse("BAD_CLIENT_ID", "missing or unknown client id"));
    };
    if app.client_secret != field("client_secret") {
        return Err(refuse("BAD_CLIENT_SECRET", "missing or invalid client secret"));
    }
    if app.refresh_token != field("refresh_token") {
        return Err(refuse("BAD_REFRESH_TOKEN", "missing or invalid refresh token"));
    }
    let state = account.state();
    let lifetime = state.settings().token_lifetime;
    let access_token = format!("access-{}", uuid());
    let since = state.clock.now();
    let expires_at = since + lifetime.as_millis() as Millis;
    let body = json!({
        "token_type": "bearer",
        "token_use": "access_token",
        "refresh_token": app.refresh_token,
        "access_token": access_token,
        "expires_in": lifetime.as_secs(),
        "hub_id": state.portal_id,
    });
    inner.tokens.retain(|_, granted| granted.expires_at > since - 3_600_000);
    inner.tokens.insert(access_token, Granted { account, since, expires_at });
    Ok(Reply::json(200, &body))
}
