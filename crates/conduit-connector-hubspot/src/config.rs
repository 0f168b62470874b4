//! What a pipeline file may say: the connector's parameters. The doc comments are their help.

use std::time::Duration;

use conduit_connector_sdk::{Error, Parameters, Secret};
use hubspot_client::{ApiVersion, Auth, Client};

/// How HubSpot is reached; the same for the source and the destination.
#[derive(Debug, Parameters)]
pub struct ConnectionConfig {
    /// The token that gives access to the HubSpot account: a service key, a private app's token, or an OAuth access token.
    /// Required, unless `clientId`, `clientSecret` and `refreshToken` are given.
    #[parameter(name = "accessToken")]
    pub access_token: Option<Secret>,
    /// The client id of an OAuth app, for access tokens that are refreshed; needs `clientSecret` and `refreshToken`.
    #[parameter(name = "clientId")]
    pub client_id: Option<String>,
    /// The client secret of the OAuth app.
    #[parameter(name = "clientSecret")]
    pub client_secret: Option<Secret>,
    /// The refresh token that the account's user granted to the OAuth app.
    #[parameter(name = "refreshToken")]
    pub refresh_token: Option<Secret>,
    /// How many times a HubSpot request is tried again before the connector gives up on it. Waiting for the quota does not
    /// count as a try.
    #[parameter(name = "maxRetries", default = "4", greater_than = "-1")]
    pub max_retries: u32,
    /// Where HubSpot's API is. Plain `http` is accepted only for this machine itself.
    #[parameter(name = "baseUrl", default = "https://api.hubapi.com")]
    pub base_url: String,
    /// The version of HubSpot's API: `2026-03`, `2026-09`, or `v3`.
    #[parameter(name = "apiVersion", default = "2026-03", inclusion = "2026-03,2026-09,v3")]
    pub api_version: String,
}

impl ConnectionConfig {
    /// The client that these parameters describe. Nothing is sent yet.
    ///
    /// # Errors
    /// When the ways to authenticate are mixed or incomplete, or the base URL is none that a token may be sent to.
    pub fn client(&self) -> Result<Client, Error> {
        let version: ApiVersion = self.api_version.parse()?;
        Ok(Client::builder(self.auth()?)
            .base_url(&self.base_url)
            .api_version(version)
            .max_retries(self.max_retries)
            .build()?)
    }

    fn auth(&self) -> Result<Auth, Error> {
        match (&self.access_token, &self.client_id, &self.client_secret, &self.refresh_token) {
            (Some(token), None, None, None) => Ok(Auth::token(token.expose())),
            (None, Some(id), Some(secret), Some(refresh)) => {
                Ok(Auth::refresh(id.clone(), secret.expose(), refresh.expose()))
            }
            (None, None, None, None) => Err(Error::new(
                "error validating \"accessToken\": required parameter is not provided (or give \"clientId\", \
                 \"clientSecret\" and \"refreshToken\" together)",
            )),
            (Some(_), ..) => Err(Error::new(
                "\"accessToken\" and OAuth's \"clientId\", \"clientSecret\", \"refreshToken\" exclude each other: give \
                 one or the other",
            )),
            _ => Err(Error::new("\"clientId\", \"clientSecret\" and \"refreshToken\" belong together: give all three")),
        }
    }
}

/// The parameters of the source.
#[derive(Debug, Parameters)]
pub struct SourceConfig {
    /// How HubSpot is reached.
    #[parameter(flatten)]
    pub connection: ConnectionConfig,
    /// The HubSpot resource to read: a name of the catalogue, [`hubspot_catalog::RESOURCES`].
    #[parameter(name = "resource", required, description = hubspot_catalog::RESOURCE_HELP)]
    pub resource: String,
    /// How long to wait before asking HubSpot again when there is nothing new. It never slows down reading.
    #[parameter(name = "pollingPeriod", default = "5s")]
    pub polling_period: Duration,
    /// How many objects are asked for in one page of a list, from 1 to 100.
    #[parameter(name = "bufferSize", default = "100", greater_than = "0", less_than = "101")]
    pub buffer_size: u32,
    /// Properties to read in addition to a CRM object's default ones, separated by commas. Those that an object does not
    /// have are left out.
    #[parameter(name = "extraProperties")]
    pub extra_properties: Vec<String>,
    /// Whether to read all that is there before following changes. Without it, the source starts with what changes from now on.
    #[parameter(name = "snapshot", default = "true")]
    pub snapshot: bool,
    /// How late HubSpot's search index may show a change without it being lost: the window that is looked at again. Also
    /// about the most that a restart of a stream that has caught up repeats. `0s` turns it off.
    #[parameter(name = "cdc.settleLag", default = "10m")]
    pub settle_lag: Duration,
    /// How often HubSpot's list of archived objects is read for deletions.
    #[parameter(name = "deletes.interval", default = "1m")]
    pub deletes_interval: Duration,
}

/// The parameters of the destination.
#[derive(Debug, Parameters)]
pub struct DestinationConfig {
    /// How HubSpot is reached.
    #[parameter(flatten)]
    pub connection: ConnectionConfig,
    /// The HubSpot resource to write, such as `crm.contacts`; docs/resources.md lists all, and what can be written.
    #[parameter(name = "resource", required)]
    pub resource: String,
    /// How many requests may be under way at once.
    #[parameter(name = "maxInFlight", default = "8", greater_than = "0", less_than = "65")]
    pub max_in_flight: u32,
}
