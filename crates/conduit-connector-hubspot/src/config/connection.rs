//! How HubSpot is reached.

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
