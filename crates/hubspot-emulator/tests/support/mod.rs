//! An emulator with one account, and a client that asks it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::Arc;

use hubspot_emulator::{Account, Emulator, Settings};
use reqwest::header::HeaderMap;
use serde_json::Value;

pub(crate) const TOKEN: &str = "token-a";

pub(crate) struct Hub {
    pub(crate) emulator: Emulator,
    pub(crate) account: Account,
    http: reqwest::Client,
    pub(crate) token: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

/// A client for plain http. Where another crate of the build turns TLS on for reqwest, it wants a provider all the same.
pub(crate) fn client() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap()
}

pub(crate) async fn hub(settings: Settings) -> Hub {
    let emulator = Emulator::builder().account(TOKEN).account("token-b").settings(settings).start().await.unwrap();
    let account = emulator.account(TOKEN);
    Hub { emulator, account, http: client(), token: TOKEN.to_owned() }
}

impl Hub {
    /// The same emulator, asked with another token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self }
    }

    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let method = method.parse().unwrap();
        let url = format!("{}{path}", self.emulator.url());
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, headers, text, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.try_call("GET", path, None).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.try_call("DELETE", path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.try_call("POST", path, Some(&body)).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.try_call("PATCH", path, Some(&body)).await.unwrap()
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub(crate) fn ids(page: &Value) -> Vec<String> {
    page["results"].as_array().unwrap().iter().map(|result| result["id"].as_str().unwrap().to_owned()).collect()
}
