//! Calls over a script instead of a network, in paused time: what is sent again, when, and what is reported.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::*;
use crate::transport::Exchange;
use crate::{Auth, Client, CreateInput, ListParams, Object, ReadParams};

mod errors;
mod lost_replies;
mod oauth;
mod requests;
mod retries;
mod writes;

type Outcome = Result<Answer, Lost>;

/// Answers from a list; behind its end, the last answer again and again.
struct Script {
    outcomes: Mutex<VecDeque<Outcome>>,
    sent: Mutex<Vec<Sent>>,
    latency: Duration,
}

#[derive(Clone, Debug)]
struct Sent {
    line: String,
    body: String,
    authorization: Option<String>,
    at: Instant,
}

impl Script {
    fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Arc<Self> {
        let outcomes = Mutex::new(outcomes.into_iter().collect());
        Arc::new(Self { outcomes, sent: Mutex::default(), latency: Duration::from_millis(50) })
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    fn lines(&self) -> Vec<String> {
        self.sent().into_iter().map(|sent| sent.line).collect()
    }
}

impl Exchange for Script {
    fn exchange<'a>(&'a self, request: &'a Request, header: Option<HeaderValue>) -> BoxFuture<'a, Outcome> {
        self.sent.lock().unwrap().push(Sent {
            line: format!("{} {}", request.method, request.path.as_wire()),
            body: String::from_utf8(request.body.to_vec()).unwrap(),
            authorization: header.map(|header| header.to_str().unwrap().to_owned()),
            at: Instant::now(),
        });
        let mut outcomes = self.outcomes.lock().unwrap();
        let outcome = if outcomes.len() > 1 { outcomes.pop_front() } else { outcomes.front().cloned() };
        Box::pin(async move {
            tokio::time::sleep(self.latency).await;
            outcome.unwrap()
        })
    }
}

const TOKEN: &str = "pat-na1-SECRET";

fn client(script: &Arc<Script>) -> Client {
    client_with(script, Auth::token(TOKEN))
}

fn client_with(script: &Arc<Script>, auth: Auth) -> Client {
    let script: Arc<dyn Exchange> = script.clone();
    Client::builder(auth).base_url("http://localhost:1234").build_over(|| Ok(script)).unwrap()
}

#[allow(clippy::unnecessary_wraps)]
fn answer(status: u16, body: &Value) -> Outcome {
    Ok(Answer { status, body: body.to_string().into(), ..Answer::default() })
}

#[allow(clippy::unnecessary_wraps)]
fn text(status: u16, body: &'static str) -> Outcome {
    Ok(Answer { status, body: body.into(), ..Answer::default() })
}

fn lost(how: LostHow) -> Outcome {
    Err(Lost { how, reason: "it broke".to_owned() })
}

fn object() -> Outcome {
    answer(200, &json!({"id": "51", "properties": {}}))
}

fn limited(policy: &str) -> Outcome {
    answer(429, &json!({"status": "error", "message": "limit", "errorType": "RATE_LIMIT", "policyName": policy}))
}

async fn read(client: &Client) -> Result<Object, Error> {
    client.objects("contacts").read("51", &ReadParams::default()).await
}

async fn create(client: &Client) -> Result<Object, Error> {
    client.objects("contacts").create(&CreateInput::new(Object::new())).await
}

fn object_created() -> Outcome {
    answer(201, &json!({"id": "52"}))
}

fn oauth() -> Auth {
    Auth::refresh("the-id", "SECRET-client", "SECRET-refresh")
}
