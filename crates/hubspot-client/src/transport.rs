//! One try of a request over HTTP: no retries, no quota, no tokens of its own.

use std::error::Error as _;
use std::fmt;
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
    /// Bytes of a body that are read, when it is unpacked.
    pub(crate) body_limit: usize,
}

/// The largest body that is read. HubSpot's pages hold at most 200 objects, some hundred kilobytes; what is larger than this is
/// none of them, or a packed body that was made to fill the memory.
pub(crate) const BODY_LIMIT: usize = 64 << 20;

/// Idle connections that are kept. Over HTTP/2 one connection does; this is for proxies and loopback.
const IDLE_CONNECTIONS: usize = 16;

/// Shorter than servers and the boxes in between keep them: a request on a connection that the other end has just given up is a lost reply.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// HTTP over reqwest.
pub(crate) struct Http {
    connections: reqwest::Client,
    base_url: String,
    timeout: Duration,
    body_limit: usize,
}

impl Http {
    /// Sends nothing. Over https it reads the system's root certificates, which takes some milliseconds.
    pub(crate) fn new(settings: Settings) -> Result<Self, String> {
        let Settings { base_url, timeout, connect_timeout, user_agent, body_limit } = settings;
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
        Ok(Self { connections, base_url, timeout, body_limit })
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

    /// Reads the body to its end, or as far as it comes, or to the limit.
    async fn receive(&self, mut response: reqwest::Response) -> Result<Answer, Lost> {
        let mut answer = Answer { status: response.status().as_u16(), ..read_headers(response.headers()) };
        let mut body = Vec::with_capacity(response.content_length().unwrap_or(0).min(1 << 20) as usize);
        loop {
            match response.chunk().await {
                // Chunks come unpacked: what is counted is what takes memory.
                Ok(Some(chunk)) if body.len() + chunk.len() > self.body_limit => {
                    answer.cut = Some(format!("it is larger than {}, the most that is read", Size(self.body_limit)));
                    break;
                }
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

/// A number of bytes, for people.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 1 << 20 { write!(f, "{} MiB", self.0 >> 20) } else { write!(f, "{} bytes", self.0) }
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

#[cfg(test)]
mod tests {
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

    use super::*;
    use crate::{Auth, Client, Error, ListParams};

    /// `{"results":[],"x":"aaa…"}`, 1001 bytes.
    const GZIPPED: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 42, 74, 45, 46, 205, 41, 41, 86, 178, 138, 142, 213, 81, 170, 80,
        178, 82, 74, 28, 5, 163, 96, 20, 12, 43, 160, 84, 11, 0, 131, 39, 119, 142, 233, 3, 0, 0,
    ];

    async fn list(body: ResponseTemplate, body_limit: usize) -> Result<usize, Error> {
        let server = MockServer::start().await;
        Mock::given(matchers::any()).respond_with(body).mount(&server).await;
        let settings = Settings {
            base_url: server.uri(),
            timeout: Duration::from_mins(1),
            connect_timeout: Duration::from_mins(1),
            user_agent: "test".to_owned(),
            body_limit,
        };
        let http: Arc<dyn Exchange> = Arc::new(Http::new(settings).unwrap());
        let client = Client::builder(Auth::token("token"))
            .base_url(&server.uri())
            .max_retries(0)
            .build_over(|| Ok(http))
            .unwrap();
        client.objects("contacts").list(&ListParams::default()).await.map(|page| page.results.len())
    }

    #[tokio::test]
    async fn a_body_larger_than_the_limit_is_not_read() {
        const PLAIN: &str = r#"{"results":[]}"#;
        let plain = || ResponseTemplate::new(200).set_body_string(PLAIN);
        assert_eq!(list(plain(), PLAIN.len()).await.unwrap(), 0);
        let packed = || ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(GZIPPED);
        assert_eq!(list(packed(), 1001).await.unwrap(), 0);
        assert!(GZIPPED.len() < 1000);
        for (body, limit) in [(plain(), PLAIN.len() - 1), (packed(), 1000)] {
            let error = list(body, limit).await.unwrap_err();
            assert!(matches!(&error, Error::Body(body) if body.status == 200), "{error:?}");
            assert!(error.to_string().contains(&format!("larger than {limit} bytes")), "{error}");
        }
        assert_eq!(Size(BODY_LIMIT).to_string(), "64 MiB");
    }
}
