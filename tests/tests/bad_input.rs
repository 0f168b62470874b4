//! What a person can get wrong, and what HubSpot can refuse: each is one clear line over gRPC, and no secret is in it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Duration;

use conduit_connector_acceptance::{Connector, DriverError, LogEntry, SourceDriver};
use end_to_end::plugin;
use end_to_end::reading::PATIENCE;
use hubspot_emulator::{Emulator, Fault, Policy};
use opencdc::{Position, Record};
use serde_json::json;
use tokio::time::{Instant, timeout};

#[path = "bad_input/case.rs"]
mod case;
#[path = "bad_input/destination.rs"]
mod destination;
#[path = "bad_input/source.rs"]
mod source;

use case::{Case, Side, always};

/// Every secret of these tests has this in it.
const SECRET: &str = "s3cr3t";

/// The account's token.
const TOKEN: &str = "pat-eu1-s3cr3t-of-the-account";

/// All of them.
fn cases() -> Vec<Case> {
    source::cases().into_iter().chain(destination::cases()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_be_wrong_is_one_clear_line() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        if let Err(complaint) = check(case).await {
            wrong.push(format!("{}: {complaint}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Runs one case; what is wrong with how the plugin took it.
async fn check(case: &Case) -> Result<(), String> {
    let emulator = Emulator::builder().account(TOKEN).start().await.map_err(|error| error.to_string())?;
    let account = emulator.account(TOKEN);
    account.create("contacts", json!({"email": "somebody@example.com"}));
    (case.prepare)(&account);
    let url = emulator.url();
    let mut settings = plugin::settings(&url, TOKEN, "crm.contacts");
    for (name, value) in &case.settings {
        match value {
            Some(value) => settings.insert((*name).to_owned(), (*value).to_owned()),
            None => settings.remove(*name),
        };
    }
    let connector = plugin::connector().map_err(|error| error.to_string())?.log_level("trace");
    let running = async {
        match &case.side {
            Side::Source { position } => read(&connector, settings, *position).await,
            Side::Destination { record } => write(&connector, settings, record()).await,
        }
    };
    let (said, logs) = timeout(PATIENCE, running)
        .await
        .map_err(|_| format!("no error within {PATIENCE:?}"))?
        .map_err(|error| format!("it failed otherwise: {error}"))?;
    println!("{:<40} {said}", case.name);

    let missing: Vec<_> =
        case.words.iter().filter(|word| !said.to_lowercase().contains(&word.to_lowercase())).collect();
    if !missing.is_empty() {
        return Err(format!("the error doesn't say {missing:?}: {said}"));
    }
    if said.contains('\n') || said.contains('\r') {
        return Err(format!("the error is more than one line: {said:?}"));
    }
    if said.contains(SECRET) {
        return Err(format!("the error has a secret in it: {said}"));
    }
    if let Some(entry) = logs.iter().find(|entry| format!("{entry:?}").contains(SECRET)) {
        return Err(format!("a log line has a secret in it: {entry:?}"));
    }
    let requests = account.counters().requests;
    if requests > case.requests {
        return Err(format!("HubSpot got {requests} requests, at most {} were to be expected: {said}", case.requests));
    }
    Ok(())
}

type Said = Result<(String, Vec<LogEntry>), DriverError>;

/// The first error of a source.
async fn read(connector: &Connector, settings: conduit_connector_acceptance::Settings, position: Option<&str>) -> Said {
    let mut source = connector.unconfigured_source().await?;
    let running = async {
        source.configure(settings).await?;
        source.open(position.map(Position::new)).await?;
        loop {
            source.next().await?;
        }
    };
    let Err(error): Result<std::convert::Infallible, DriverError> = running.await;
    said(error, source.logs())
}

/// The first error of a destination that is given a record.
async fn write(connector: &Connector, settings: conduit_connector_acceptance::Settings, record: Record) -> Said {
    let mut destination = connector.unconfigured_destination().await?;
    let running = async {
        destination.configure(settings).await?;
        destination.open().await?;
        destination.write(vec![record]).await
    };
    match running.await {
        Ok(answers) => match answers.into_iter().next() {
            Some(Err(said)) => Ok((said, destination.logs())),
            answer => Ok((format!("NO ERROR: the record was answered with {answer:?}"), destination.logs())),
        },
        Err(error) => said(error, destination.logs()),
    }
}

fn said(error: DriverError, logs: Vec<LogEntry>) -> Said {
    match error.message() {
        Some(message) => Ok((message.to_owned(), logs)),
        None => Err(error),
    }
}

/// Validating is what Conduit does with settings alone: configure, then tear down at once. It must not reach for HubSpot.
#[tokio::test(flavor = "multi_thread")]
async fn good_settings_are_taken_without_a_request() {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let connector = plugin::connector().unwrap();
    let settings = plugin::settings(&emulator.url(), TOKEN, "crm.contacts");
    let mut source = connector.source(settings.clone()).await.unwrap();
    source.teardown().await.unwrap();
    source.shutdown().await.unwrap();
    let everything = [
        ("resource", r#"{{ index .Metadata "opencdc.collection" }}"#),
        ("resourceMap", "people=crm.contacts, cars=crm.objects.cars"),
        ("mode", "upsert"),
        ("idProperty", "crm.contacts=email, crm.objects.cars=vin"),
        ("id.field", "hubspot_id"),
        ("deletes", "gdpr"),
        ("onMissing", "create"),
        ("coalesce", "true"),
        ("readOnly", "error"),
        ("unknown", "drop"),
        ("createProperties", "true"),
        ("associations", "ignore"),
        ("hubdb.publish", "false"),
        ("maxInFlight", "64"),
        // The Go SDK's.
        ("sdk.batch.size", "100"),
        ("sdk.batch.delay", "1s"),
    ];
    for settings in [settings.clone(), plugin::with(settings, &everything)] {
        let mut destination = connector.destination(settings).await.unwrap();
        destination.teardown().await.unwrap();
        destination.shutdown().await.unwrap();
    }
    assert_eq!(emulator.account(TOKEN).counters().requests, 0);
}

/// A pipeline of the Go connector may say how its SDK is to work. It runs, and works so.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_go_sdk_takes_is_taken() {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let connector = plugin::connector().unwrap();
    let of_go = [
        ("sdk.batch.size", "1000"),
        ("sdk.batch.delay", "1s"),
        ("sdk.rate.perSecond", "10"),
        ("sdk.rate.burst", "5"),
        ("sdk.record.format", "debezium/json"),
        ("sdk.record.format.options", "debezium.schema.name=crm"),
    ];
    let settings = plugin::with(plugin::settings(&emulator.url(), TOKEN, "crm.contacts"), &of_go);
    let mut destination = connector.destination(settings).await.unwrap();
    destination.teardown().await.unwrap();
    destination.shutdown().await.unwrap();
    let of_go = [
        ("sdk.batch.size", "1000"),
        ("sdk.schema.extract.type", "avro"),
        ("sdk.schema.extract.payload.enabled", "true"),
        ("sdk.schema.extract.key.enabled", "false"),
    ];
    let settings = plugin::with(plugin::settings(&emulator.url(), TOKEN, "crm.contacts"), &of_go);
    let mut source = connector.source(settings).await.unwrap();
    source.open(None).await.unwrap();
    let mut logs = source.logs().into_iter();
    assert!(logs.any(|entry| entry.message.contains("no schema service")), "{:?}", source.logs());
    source.finish().await.unwrap();
}

/// The day's limit is no error: the connector waits for the next day. It says so, doesn't hammer, and ends when it is told to.
#[tokio::test(flavor = "multi_thread")]
async fn the_days_limit_is_said_once_and_waited_for() {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    let account = emulator.account(TOKEN);
    always(&account, Fault::RateLimited { policy: Policy::Daily, retry_after: None });
    let connector = plugin::connector().unwrap();
    let mut source = connector.source(plugin::settings(&emulator.url(), TOKEN, "crm.contacts")).await.unwrap();
    source.open(None).await.unwrap();
    let says = |source: &SourceDriver| {
        let logs = source.logs();
        logs.into_iter().filter(|entry| entry.message.contains("daily quota")).collect::<Vec<_>>()
    };
    let deadline = Instant::now() + PATIENCE;
    while says(&source).is_empty() {
        assert!(Instant::now() < deadline, "it says nothing: {:?}", source.logs());
        let came = timeout(Duration::from_millis(50), source.next()).await;
        assert!(came.is_err(), "{came:?}");
    }
    let came = timeout(Duration::from_secs(3), source.next()).await;
    assert!(came.is_err(), "{came:?}");
    let lines = says(&source);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].level.as_deref(), Some("warn"), "{lines:?}");
    assert_eq!(account.counters().requests, 1, "asking again uses up what is left of the day");
    let ended = timeout(PATIENCE, source.finish()).await.expect("the source doesn't end");
    assert_eq!(ended.unwrap(), []);
}

/// A wait of HubSpot's must not hold up the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_waits_for_hubspot_ends_when_it_is_told_to() {
    let emulator = Emulator::builder().account(TOKEN).start().await.unwrap();
    always(&emulator.account(TOKEN), Fault::Slow(Duration::from_mins(10)));
    let connector = plugin::connector().unwrap();
    let mut source = connector.source(plugin::settings(&emulator.url(), TOKEN, "crm.contacts")).await.unwrap();
    source.open(None).await.unwrap();
    let ended = timeout(PATIENCE, source.finish()).await.expect("the source doesn't end");
    assert_eq!(ended.unwrap(), []);
}
