//! The account itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::paths;
use crate::properties::Results;
use crate::request::Request;

/// The account that the token belongs to. Made by [`Client::account`].
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    client: &'a Client,
}

impl<'a> Account<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Which account it is. The cheapest call that proves a token good.
    pub async fn details(&self) -> Result<AccountDetails, Error> {
        Ok(self.client.call(Request::get(paths::account_details(self.client.api_version()))).await?.body)
    }

    /// How much of the daily quota is used: the one that all private apps and service keys of the account share.
    pub async fn usage(&self) -> Result<Vec<ApiUsage>, Error> {
        let request = Request::get(paths::account_usage(self.client.api_version()));
        Ok(self.client.call::<Results<ApiUsage>>(request).await?.body.results)
    }
}

/// Facts about an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountDetails {
    /// The account's id.
    pub portal_id: i64,
    /// `STANDARD`, `SANDBOX`, `DEVELOPER_TEST`, `APP_DEVELOPER`.
    pub account_type: String,
    /// Such as `Europe/Berlin`.
    pub time_zone: String,
    /// Such as `EUR`.
    pub company_currency: String,
    /// Further currencies.
    pub additional_currencies: Vec<String>,
    /// Such as `+01:00`.
    pub utc_offset: String,
    /// The same in milliseconds.
    pub utc_offset_milliseconds: i64,
    /// Such as `app-eu1.hubspot.com`.
    pub ui_domain: String,
    /// Such as `eu1`.
    pub data_hosting_location: String,
}

/// How much of a limit is used today.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ApiUsage {
    /// The limit's name.
    pub name: String,
    /// Calls a day.
    pub usage_limit: i64,
    /// Calls so far.
    pub current_usage: i64,
    /// When HubSpot counted.
    pub collected_at: Option<DateTime<Utc>>,
    /// `SUCCESS`, `CACHED`, `FAILURE`, `NOTFOUND`, `TIMEOUT`.
    pub fetch_status: String,
    /// When it starts over.
    pub resets_at: Option<DateTime<Utc>>,
}
