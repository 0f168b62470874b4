//! As much of an HTTP client as talking to two servers on loopback takes: one request a connection, in HTTP/1.0, whose answers are neither chunked nor kept
//! alive. The client under test is not used here, so that a fault of its own can't hide itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// A server on loopback.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    authorization: Option<String>,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The body as it came.
    pub(crate) body: String,
}

impl Client {
    /// A client for `address`; `token` is sent as a bearer token.
    pub(crate) fn new(address: SocketAddr, token: Option<&str>) -> Self {
        Self { address, authorization: token.map(|token| format!("Authorization: Bearer {token}\r\n")) }
    }

    /// Sends a request and returns the answer, whatever its status.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let call = || format!("{method} {path} at {}", self.address);
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(5)).with_context(call)?;
        stream.set_read_timeout(Some(Duration::from_mins(1))).with_context(call)?;
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.authorization.as_deref().unwrap_or_default(),
            body.len(),
        );
        // At once: a body that comes after a server has answered makes it reset the connection.
        stream.write_all(request.as_bytes()).with_context(call)?;

        let mut answer = String::new();
        stream.read_to_string(&mut answer).with_context(call)?;
        let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("{}: no HTTP answer", call()))?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("{}: no status in {head:?}", call()))?;
        Ok(Answer { status, body: body.to_owned() })
    }

    /// Sends a request that has to succeed, and returns the answer's JSON; null when it has none.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.send(method, path, body)?;
        ensure!(
            (200..300).contains(&answer.status),
            "{method} {path} was answered with {}: {}",
            answer.status,
            answer.body
        );
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&answer.body).with_context(|| format!("{method} {path}: the answer is no JSON"))
    }
}

/// An address on loopback that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    listener.local_addr().context("find a free port")
}
