//! The daily limit as the user's log tells of it: one line when everything stops, one when it goes on. Alone in its process, for the log is the process's.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use hubspot_client::{Auth, Client, ReadParams};
use serde_json::json;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_line_when_it_stops_and_one_when_it_goes_on() {
    let log = Log::default();
    let written = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || written.clone()).init();

    let server = MockServer::start().await;
    let limit = json!({"status": "error", "message": "limit", "errorType": "RATE_LIMIT", "policyName": "DAILY"});
    let limited = ResponseTemplate::new(429).set_body_json(limit).insert_header("Retry-After", "1");
    Mock::given(method("GET")).respond_with(limited).up_to_n_times(6).mount(&server).await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": "51"})))
        .mount(&server)
        .await;

    // Four at once are turned away, then the one that goes to see, twice.
    let client = Client::builder(Auth::token("pat-na1-SECRET")).base_url(&server.uri()).build().unwrap();
    let contacts = client.objects("contacts");
    let params = ReadParams::default();
    let (a, b, c, d) = tokio::join!(
        contacts.read("51", &params),
        contacts.read("51", &params),
        contacts.read("51", &params),
        contacts.read("51", &params)
    );
    for object in [a, b, c, d] {
        assert_eq!(object.unwrap()["id"], "51");
    }

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains("WARN") && lines[0].contains("daily quota of this account is used up"), "{log}");
    assert!(lines[1].contains("INFO") && lines[1].contains("going on"), "{log}");
}
