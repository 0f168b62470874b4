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
        self.filled_in()?;
        match (&self.access_token, &self.client_id, &self.client_secret, &self.refresh_token) {
            (Some(token), None, None, None) => Ok(Auth::token(token.expose())),
            (None, Some(id), Some(secret), Some(refresh)) => {
                Ok(Auth::refresh(id.clone(), secret.expose(), refresh.expose()))
            }
            (None, None, None, None) => Err(Error::new(
                "error validating \"accessToken\": required parameter is not provided; a ${…} in the pipeline file is empty \
                 where Conduit's environment has no such variable (or give \"clientId\", \"clientSecret\" and \
                 \"refreshToken\" together)",
            )),
            (Some(_), ..) => Err(Error::new(
                "\"accessToken\" and OAuth's \"clientId\", \"clientSecret\", \"refreshToken\" exclude each other: give \
                 one or the other",
            )),
            _ => Err(Error::new("\"clientId\", \"clientSecret\" and \"refreshToken\" belong together: give all three")),
        }
    }

    /// Refuses a placeholder that nobody put a value into: HubSpot would call it a wrong token.
    fn filled_in(&self) -> Result<(), Error> {
        let texts = [
            ("accessToken", self.access_token.as_ref().map(Secret::expose)),
            ("clientId", self.client_id.as_deref()),
            ("clientSecret", self.client_secret.as_ref().map(Secret::expose)),
            ("refreshToken", self.refresh_token.as_ref().map(Secret::expose)),
        ];
        for (name, text) in texts {
            let Some(variable) = text.and_then(placeholder) else { continue };
            return Err(Error::new(format!(
                "error validating {name:?}: it is the placeholder {variable} and no value: Conduit fills it in from its own \
                 environment in pipeline files alone; set the variable where Conduit runs, or give the value itself"
            )));
        }
        Ok(())
    }
}

/// The text, if it is the name of an environment variable as a pipeline file has it: `${NAME}` or `$NAME`. Nothing else is
/// ever shown of what may be a secret.
fn placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let name = name.strip_prefix('{').map_or(Some(name), |rest| rest.strip_suffix('}'))?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    is_name.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_variables_name_is_a_placeholder() {
        for text in ["${HUBSPOT_ACCESS_TOKEN}", "$HUBSPOT_ACCESS_TOKEN", "${a1}"] {
            assert_eq!(placeholder(text), Some(text));
        }
        for text in ["pat-na1-s3cr3t", "", "$", "${}", "${TOKEN", "$TOKEN}", "${TOKEN}-s3cr3t", "x${TOKEN}", "$ecr-et"]
        {
            assert_eq!(placeholder(text), None, "{text}");
        }
    }
}
