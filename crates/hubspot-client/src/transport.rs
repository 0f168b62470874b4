//! One try of a request over HTTP: no retries, no quota, no tokens of its own.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::answer::{Answer, Lost, LostHow, RateHeaders};
use crate::request::{Content, Request};

/// Sends a request once. Tests put a script in its place.
pub(crate) trait Exchange: Send + Sync {
    fn exchange<'a>(
        &'a self,
        request: &'a Request,
        authorization: Option<HeaderValue>,
    ) -> BoxFuture<'a, Result<Answer, Lost>>;
}

/// How connections are made.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) base_url: String,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) user_agent: String,
}

/// Idle connections that are kept. Over HTTP/2 one connection does; this is for proxies and loopback.
const IDLE_CONNECTIONS: usize = 16;

/// Shorter than servers and the boxes in between keep them: a request on a connection that the other end has just given up is a lost reply.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// HTTP over reqwest.
pub(crate) struct Http {
    connections: reqwest::Client,
    base_url: String,
    timeout: Duration,
}

impl Http {
    /// Sends nothing. Over https it reads the system's root certificates, which takes some milliseconds.
    pub(crate) fn new(settings: Settings) -> Result<Self, String> {
        let Settings { base_url, timeout, connect_timeout, user_agent } = settings;
        let encrypted = base_url.starts_with("https:");
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(encrypted)?)
            .user_agent(user_agent)
            .timeout(timeout)
            .connect_timeout(connect_timeout)
            // An API doesn't move; a redirect would turn a POST into a GET, or carry it off.
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_timeout(Duration::from_secs(10));
        // Plain http goes to loopback alone; a proxy would see the token.
        let builder = if encrypted { builder } else { builder.no_proxy() };
        let connections = builder.build().map_err(|error| deepest(&error))?;
        Ok(Self { connections, base_url, timeout })
    }

    async fn send(&self, request: &Request, authorization: Option<HeaderValue>) -> Result<Answer, Lost> {
        let url = format!("{}{}", self.base_url, request.path.as_wire());
        let mut builder = self.connections.request(request.method.clone(), url).header(ACCEPT, "application/json");
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        if let Some(authorization) = authorization {
            builder = builder.header(AUTHORIZATION, authorization);
        }
        builder = match request.content {
            Content::Nothing => builder,
            Content::Json => builder.header(CONTENT_TYPE, "application/json").body(request.body.clone()),
            Content::Form => {
                builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(request.body.clone())
            }
        };
        let response = builder.send().await.map_err(|error| self.lost(&error))?;
        self.receive(response).await
    }

    /// Reads the body to its end, or as far as it comes.
    async fn receive(&self, mut response: reqwest::Response) -> Result<Answer, Lost> {
        let mut answer = Answer { status: response.status().as_u16(), ..read_headers(response.headers()) };
        let mut body = Vec::with_capacity(response.content_length().unwrap_or(0).min(1 << 20) as usize);
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.is_empty() && response.content_length() == Some(chunk.len() as u64) => {
                    // All of it in one piece: no copy.
                    answer.body = chunk;
                    return Ok(answer);
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    answer.cut = Some(self.lost(&error).reason);
                    break;
                }
            }
        }
        answer.body = Bytes::from(body);
        Ok(answer)
    }

    fn lost(&self, error: &reqwest::Error) -> Lost {
        // Only what is inside the error: its own text would show the URL with the query.
        if error.is_connect() {
            return Lost { how: LostHow::NotSent, reason: format!("no connection: {}", deepest(error)) };
        }
        if error.is_builder() {
            return Lost { how: LostHow::NotSent, reason: format!("no request: {}", deepest(error)) };
        }
        if error.is_timeout() {
            return Lost { how: LostHow::Timeout, reason: format!("no whole answer within {:?}", self.timeout) };
        }
        Lost { how: LostHow::Reset, reason: format!("the connection broke: {}", deepest(error)) }
    }
}

impl Exchange for Http {
    fn exchange<'a>(
        &'a self,
        request: &'a Request,
        authorization: Option<HeaderValue>,
    ) -> BoxFuture<'a, Result<Answer, Lost>> {
        Box::pin(self.send(request, authorization))
    }
}

/// TLS by rustls with *ring*, chosen here and not for the process; and the platform's verifier, which is what reqwest would take: on Linux
/// the system's root certificates, found in the usual places or by `SSL_CERT_FILE`. Nothing of it needs the environment.
fn tls(encrypted: bool) -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    if !encrypted {
        // Never used; this spares plain http the reading of certificates.
        return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
    }
    let mut config = builder
        .with_platform_verifier()
        .map_err(|error| {
            format!(
                "the system's root certificates can't be read: {error}: install ca-certificates, or set SSL_CERT_FILE"
            )
        })?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn read_headers(headers: &HeaderMap) -> Answer {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok());
    let small = |name: &str| number(name).and_then(|value| u32::try_from(value).ok());
    Answer {
        date: text(DATE.as_str()).and_then(http_date),
        retry_after: text(RETRY_AFTER.as_str()).map(str::to_owned),
        correlation_id: text("x-hubspot-correlation-id").map(str::to_owned),
        rate: RateHeaders {
            max: small("x-hubspot-ratelimit-max"),
            remaining: small("x-hubspot-ratelimit-remaining"),
            interval_ms: number("x-hubspot-ratelimit-interval-milliseconds"),
            daily: number("x-hubspot-ratelimit-daily"),
            daily_remaining: number("x-hubspot-ratelimit-daily-remaining"),
        },
        ..Answer::default()
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub(crate) fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc())
}

/// The innermost reason: `Connection refused`, where the outer ones say that an error occurred.
fn deepest(error: &reqwest::Error) -> String {
    let mut reason: Option<&dyn std::error::Error> = error.source();
    while let Some(inner) = reason.and_then(std::error::Error::source) {
        reason = Some(inner);
    }
    reason.map_or_else(|| "no reason is known".to_owned(), ToString::to_string)
}
