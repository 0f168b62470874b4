//! The server: reads requests, applies faults, limits and latency, sends answers or drops connections.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::reply::Reply;
use super::request::Request;
use crate::account::{Account, State};
use crate::clock::http_date;
use crate::emulator::Accounts;
use crate::errors::{ApiError, Result, rate_limit_body};
use crate::faults::{Fault, Policy};
use crate::ids::uuid;
use crate::limits::TEN_SECONDS;
use crate::{admin, oauth, routes};

/// The longest body of a request.
const BODY: usize = 64 << 20;
/// The longest path and query. (Seen: HubSpot answers 414 somewhere past 16,000 characters.)
const TARGET: usize = 16_000;

/// Serves connections until the task ends, and them with it.
pub(crate) async fn run(listener: TcpListener, accounts: Arc<Accounts>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&accounts)));
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, accounts: Arc<Accounts>) {
    // Only fails when the connection is gone already.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let accounts = Arc::clone(&accounts);
        async move { answer(&accounts, request).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .auto_date_header(false)
        .max_buf_size(1 << 20)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// The connection is to be dropped without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
struct Dropped;

async fn answer(
    accounts: &Accounts,
    request: hyper::Request<Incoming>,
) -> std::result::Result<hyper::Response<Sent>, Dropped> {
    let arrived = Instant::now();
    let request = match read(request).await {
        Ok(request) => request,
        Err(error) => return Ok(send(Reply::error(&error), None, false)),
    };
    if request.path.starts_with("/_emulator/") {
        return Ok(send(admin::answer(accounts, &request), None, false));
    }
    if request.target.len() > TARGET {
        return Ok(send(Reply::html(414, "Request-URI Too Large"), None, false));
    }
    if request.path.starts_with("/oauth/") {
        let reply = match request.path.trim_start_matches("/oauth/").split_once('/') {
            Some(("v1" | "v3" | "2026-03" | "2026-09", "token")) => oauth::token(accounts, &request),
            _ => Err(ApiError::no_such_path()),
        };
        return Ok(send(reply.unwrap_or_else(|error| Reply::error(&error)), None, false));
    }
    let account = match authenticate(accounts, &request) {
        Ok(account) => account,
        Err(error) => return Ok(send(Reply::error(&error), None, false)),
    };
    let (reply, slower, cut) = of_account(account.state(), &request)?;
    let latency = account.state().settings().latency + slower;
    if !latency.is_zero() {
        sleep_until(arrived + latency).await;
    }
    Ok(send(reply, Some(account.state()), cut))
}

/// The answer, how much later than usual it comes, and whether its body is cut.
fn of_account(state: &State, request: &Request) -> std::result::Result<(Reply, Duration, bool), Dropped> {
    let settings = state.settings();
    {
        let mut counters = state.counters();
        counters.requests += 1;
        *counters.by_endpoint.entry(routes::endpoint(&request.method, &request.path)).or_default() += 1;
    }
    let fault = state.strike(&request.method, &request.path, &settings);
    if fault.is_some() {
        state.counters().faults += 1;
    }
    let (mut slower, mut cut, mut lost, mut late) = (Duration::ZERO, false, false, None);
    match fault {
        None => {}
        Some(Fault::Reset) => return Err(Dropped),
        Some(Fault::LostReply) => lost = true,
        Some(Fault::LateServerError { status }) => late = Some(status),
        Some(Fault::Slow(by)) => slower = by,
        Some(Fault::CutBody) => cut = true,
        Some(fault) => return Ok((failed(state, &fault), slower, false)),
    }
    let is_search = routes::is_search(&request.path);
    let (admitted, standing) = {
        let mut usage = state.usage();
        (usage.admit(settings.limits, is_search, state.clock.now()), usage.standing(settings.limits))
    };
    let mut reply = match admitted {
        Err(policy) => limited(state, policy, None),
        Ok(()) => routes::answer(state, request).unwrap_or_else(|error| Reply::error(&error)),
    };
    state.counters().objects += reply.objects as u64;
    if let Some(standing) = standing.filter(|_| !is_search) {
        reply.headers.extend([
            ("X-HubSpot-RateLimit-Max", standing.max.to_string()),
            ("X-HubSpot-RateLimit-Remaining", standing.remaining.to_string()),
            ("X-HubSpot-RateLimit-Interval-Milliseconds", TEN_SECONDS.to_string()),
            ("X-HubSpot-RateLimit-Daily", standing.daily.to_string()),
            ("X-HubSpot-RateLimit-Daily-Remaining", standing.daily_remaining.to_string()),
        ]);
    }
    if let Some(status) = late {
        reply = Reply::html(status, title(status));
    }
    if lost { Err(Dropped) } else { Ok((reply, slower, cut)) }
}

fn limited(state: &State, policy: Policy, retry_after: Option<Duration>) -> Reply {
    state.counters().rate_limited += 1;
    let correlation_id = uuid();
    let mut reply = Reply::json(429, &rate_limit_body(policy, &correlation_id));
    reply.correlation_id = correlation_id;
    if let Some(wait) = retry_after {
        reply.headers.push(("Retry-After", wait.as_secs().to_string()));
    }
    reply
}

/// The answer to a request that a fault strikes before anything is done.
fn failed(state: &State, fault: &Fault) -> Reply {
    match fault {
        Fault::RateLimited { policy, retry_after } => limited(state, *policy, *retry_after),
        Fault::ServerError { status, html: true } => Reply::html(*status, title(*status)),
        Fault::ServerError { status, html: false } => {
            Reply::error(&ApiError::new(*status, "SERVER_ERROR", title(*status)))
        }
        Fault::Locked423 => {
            Reply::error(&ApiError::new(423, "LOCKED", "The resource is locked by another operation. Try again later."))
        }
        Fault::Migrating477 => {
            let mut reply = Reply::error(&ApiError::new(
                477,
                "MIGRATION_IN_PROGRESS",
                "The account is being migrated between data hosting locations.",
            ));
            reply.headers.push(("Retry-After", "1".to_owned()));
            reply
        }
        _ => Reply::html(200, "OK"),
    }
}

fn title(status: u16) -> &'static str {
    match status {
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        520 => "Web server is returning an unknown error",
        521 => "Web server is down",
        522 => "Connection timed out",
        523 => "Origin is unreachable",
        524 => "A timeout occurred",
        _ => "Error",
    }
}

fn authenticate(accounts: &Accounts, request: &Request) -> Result<Account> {
    let refuse = |message: &str| ApiError::new(401, "INVALID_AUTHENTICATION", message);
    let token = request
        .token
        .as_deref()
        .ok_or_else(|| refuse("Authentication credentials not found. This API supports OAuth 2.0 authentication."))?;
    if let Some(granted) = accounts.grants.account(token) {
        return granted;
    }
    let account = accounts.get(token).filter(|account| !account.state().is_revoked());
    account
        .ok_or_else(|| refuse("Authentication credentials not found. The access token is invalid, or it was revoked."))
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request> {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    let token = header("authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let body = Limited::new(body, BODY)
        .collect()
        .await
        .map_err(|_| ApiError::new(413, "VALIDATION_ERROR", "The body is too long, or was cut"))?;
    let query = head.uri.query().unwrap_or_default();
    Ok(Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        token,
        host: header("host").unwrap_or_default(),
        body: body.to_bytes(),
    })
}

fn send(reply: Reply, state: Option<&State>, cut: bool) -> hyper::Response<Sent> {
    let mut response =
        hyper::Response::builder().status(reply.status).header("X-HubSpot-Correlation-Id", &reply.correlation_id);
    if reply.status != 204 {
        response = response.header("Content-Type", reply.content_type);
    }
    if let Some(state) = state {
        response = response.header("Date", http_date(state.clock.now()));
    }
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    let body = Sent { length: reply.body.len() as u64, left: Some(reply.body), cut };
    response.body(body).unwrap_or_else(|_| hyper::Response::new(Sent { length: 0, left: None, cut: false }))
}

/// The body of an answer; a cut one promises more than it sends.
struct Sent {
    length: u64,
    left: Option<Bytes>,
    cut: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Dropped>>> {
        let cut = self.cut;
        Poll::Ready(match self.left.take() {
            Some(bytes) if cut => Some(Ok(Frame::data(bytes.slice(..bytes.len() / 2)))),
            Some(bytes) if !bytes.is_empty() => Some(Ok(Frame::data(bytes))),
            None if cut => Some(Err(Dropped)),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        !self.cut && self.left.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
