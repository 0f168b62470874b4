//! Building a client: settings, and what is refused of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};

use crate::auth::{Auth, Credentials};
use crate::client::{Client, Inner};
use crate::paths::ApiVersion;
use crate::quota::Governor;
use crate::stats::Counters;
use crate::transport::{BODY_LIMIT, Exchange, Http, Settings};

/// HubSpot's API.
pub const DEFAULT_BASE_URL: &str = "https://api.hubapi.com";

/// Builds a [`Client`]. Made by [`Client::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    auth: Auth,
    base_url: String,
    version: ApiVersion,
    max_retries: u32,
    backoff: Duration,
    timeout: Duration,
    connect_timeout: Duration,
    user_agent: String,
}

impl ClientBuilder {
    pub(crate) fn new(auth: Auth) -> Self {
        Self {
            auth,
            base_url: DEFAULT_BASE_URL.to_owned(),
            version: ApiVersion::default(),
            max_retries: 4,
            backoff: Duration::from_millis(500),
            timeout: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(10),
            user_agent: concat!("hubspot-client/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Where HubSpot's API is; a path in it is kept in front of HubSpot's. Default: `https://api.hubapi.com`.
    ///
    /// Plain http is accepted for loopback alone: a token that travels in the open is everybody's.
    pub fn base_url(mut self, url: &str) -> Self {
        url.clone_into(&mut self.base_url);
        self
    }

    /// The version of HubSpot's API. Default: `2026-03`.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.version = version;
        self
    }

    /// How often a request is sent again before it is given up. Waiting for the quota doesn't count. Default: 4.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The pause before the first retry; each further one is twice as long, up to 30 seconds, and half of each is left to chance.
    /// Default: 500 ms.
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff = first;
        self
    }

    /// How long one try may take, from connecting to the last byte of the answer. Default: 60 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long connecting may take. Default: 10 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The `User-Agent` header. Default: this crate's name and version.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        user_agent.clone_into(&mut self.user_agent);
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// When a setting is one that no request could be made with, or none that a token may be sent to.
    pub fn build(self) -> Result<Client, BuildError> {
        let (base_url, _) = check_base_url(&self.base_url)?;
        let settings = Settings {
            base_url,
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            user_agent: self.user_agent.clone(),
            body_limit: BODY_LIMIT,
        };
        self.build_over(|| match Http::new(settings) {
            Ok(http) => Ok(Arc::new(http)),
            Err(reason) => Err(BuildError::Connector { reason }),
        })
    }

    /// The client over another way to send a request.
    pub(crate) fn build_over(
        self,
        exchange: impl FnOnce() -> Result<Arc<dyn Exchange>, BuildError>,
    ) -> Result<Client, BuildError> {
        let (base_url, host) = check_base_url(&self.base_url)?;
        let credentials = Credentials::new(self.auth).map_err(|parameter| BuildError::Secret { parameter })?;
        Ok(Client::from_inner(Inner {
            base_url,
            host,
            version: self.version,
            max_retries: self.max_retries,
            backoff: self.backoff,
            credentials,
            exchange: exchange()?,
            governor: Governor::new(),
            counters: Counters::default(),
        }))
    }
}

/// The URL without a slash at its end, and its `host:port`.
fn check_base_url(given: &str) -> Result<(String, String), BuildError> {
    let refuse = |reason| BuildError::BaseUrl { reason };
    // The URL itself is not repeated in errors: it may hold a password.
    let url =
        Url::parse(given.trim()).map_err(|_| refuse("it is not a URL; give one such as https://api.hubapi.com"))?;
    let host = url.host().filter(|_| matches!(url.scheme(), "https" | "http"));
    let host = host.ok_or_else(|| refuse("it must start with https:// and name a host"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it must not hold a user or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it must not hold a query or a fragment"));
    }
    if url.scheme() == "http" && !is_loopback(&host) {
        return Err(refuse("plain http is accepted for this machine alone (localhost, 127.0.0.1, [::1]): use https"));
    }
    let port = url.port_or_known_default().unwrap_or(443);
    let place = format!("{host}:{port}");
    Ok((url.as_str().trim_end_matches('/').to_owned(), place))
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The base URL is none that a token may be sent to.
    #[error("baseUrl can't be used: {reason}")]
    BaseUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A secret is empty, or holds what can't stand in a header: blanks, line breaks, letters that aren't ASCII.
    #[error("{parameter} is empty, or holds characters that no token has")]
    Secret {
        /// `accessToken`, `clientId`, `clientSecret` or `refreshToken`.
        parameter: &'static str,
    },
    /// Connections can't be made on this machine.
    #[error("HTTPS can't be set up: {reason}")]
    Connector {
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(url: &str) -> Result<Client, BuildError> {
        Client::builder(Auth::token("t")).base_url(url).build()
    }

    #[test]
    fn base_urls_that_a_token_must_not_go_to_are_refused() {
        for url in [
            "",
            "api.hubapi.com",
            "ftp://api.hubapi.com",
            "http://api.hubapi.com",
            "http://localhost.example.com",
            "http://128.0.0.1",
            "http://[2001:db8::1]",
            "https://user:pass@api.hubapi.com",
            "https://api.hubapi.com?x=1",
            "https://api.hubapi.com#x",
            "file:///etc/hosts",
            "data:text/plain,x",
        ] {
            let error = build(url).unwrap_err().to_string();
            assert!(error.contains("baseUrl"), "{url}: {error}");
            assert!(!error.contains("pass@"), "{error}");
        }
    }

    #[test]
    fn loopback_is_reached_in_the_open() {
        for (url, kept, host) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://127.9.9.9", "http://127.9.9.9", "127.9.9.9:80"),
            ("http://LOCALHOST:1", "http://localhost:1", "localhost:1"),
            ("http://[::1]:9/prefix/", "http://[::1]:9/prefix", "[::1]:9"),
        ] {
            assert_eq!(build(url).unwrap().base_url(), kept);
            assert_eq!(check_base_url(url).unwrap().1, host);
        }
    }

    #[test]
    fn secrets_that_are_none_are_refused_by_name() {
        let message = |auth| Client::builder(auth).base_url("http://localhost").build().unwrap_err().to_string();
        assert!(message(Auth::token("")).contains("accessToken"));
        assert!(message(Auth::token(" \n")).contains("accessToken"));
        let error = message(Auth::token("pat-na1-\u{e9}"));
        assert!(error.contains("accessToken") && !error.contains("pat-na1"), "{error}");
        assert!(message(Auth::refresh("", "b", "c")).contains("clientId"));
        assert!(message(Auth::refresh("a", "", "c")).contains("clientSecret"));
        assert!(message(Auth::refresh("a", "b", " ")).contains("refreshToken"));
    }

    #[test]
    fn https_can_be_set_up() {
        match Client::builder(Auth::token("t")).build() {
            Ok(client) => assert_eq!(client.base_url(), DEFAULT_BASE_URL),
            // A machine without any root certificates says so.
            Err(error) => assert!(error.to_string().contains("ca-certificates"), "{error}"),
        }
    }

    /// Conduit starts plugins without an environment.
    #[test]
    fn https_can_be_set_up_without_an_environment() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "builder::tests::https_can_be_set_up"])
            .env_clear()
            .status()
            .unwrap();
        assert!(status.success());
    }
}
