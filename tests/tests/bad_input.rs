//! What a person can get wrong, and what HubSpot can refuse: each is one clear line over gRPC, and no secret is in it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Duration;

use conduit_connector_acceptance::{Connector, DriverError, LogEntry, SourceDriver};
use end_to_end::plugin;
use end_to_end::reading::PATIENCE;
use hubspot_emulator::{Account, Emulator, Fault, FaultRule, Policy};
use opencdc::{Data, Metadata, Operation, Position, Record};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

/// Every secret of these tests has this in it.
const SECRET: &str = "s3cr3t";

/// The account's token.
const TOKEN: &str = "pat-eu1-s3cr3t-of-the-account";

/// One thing that is wrong.
struct Case {
    name: &'static str,
    side: Side,
    /// Settings beside, or instead of, those that are right; nothing takes one away.
    settings: Vec<(&'static str, Option<&'static str>)>,
    prepare: fn(&Account),
    /// What the error has to say.
    words: Vec<&'static str>,
    /// The most requests that HubSpot may have got.
    requests: u64,
}

enum Side {
    Source { position: Option<&'static str> },
    Destination { record: fn() -> Record },
}

/// A source with these settings.
fn source(name: &'static str, settings: &[(&'static str, &'static str)], words: &[&'static str]) -> Case {
    Case {
        name,
        side: Side::Source { position: None },
        settings: settings.iter().map(|(name, value)| (*name, Some(*value))).collect(),
        prepare: |_| {},
        words: words.to_vec(),
        requests: 0,
    }
}

/// A source without a setting.
fn without(name: &'static str, setting: &'static str, words: &[&'static str]) -> Case {
    Case { settings: vec![(setting, None)], ..source(name, &[], words) }
}

/// A source that resumes here.
fn position(name: &'static str, position: &'static str, words: &[&'static str]) -> Case {
    Case { side: Side::Source { position: Some(position) }, ..source(name, &[], words) }
}

/// A source, and an account that is like this.
fn refused(name: &'static str, prepare: fn(&Account), words: &[&'static str]) -> Case {
    Case { prepare, requests: 10, ..source(name, &[("maxRetries", "1")], words) }
}

/// A source with these settings, and an account that is like this.
fn refused_for(
    name: &'static str,
    settings: &[(&'static str, &'static str)],
    prepare: fn(&Account),
    words: &[&'static str],
) -> Case {
    Case { prepare, requests: 10, ..source(name, settings, words) }
}

fn define_cars(account: &Account) {
    account.define_type("cars");
}

/// A destination that is given this record.
fn written(name: &'static str, record: fn() -> Record, words: &[&'static str]) -> Case {
    Case { side: Side::Destination { record }, requests: 10, ..source(name, &[("maxRetries", "1")], words) }
}

fn always(account: &Account, fault: Fault) {
    account.fail_matching(FaultRule { method: None, path_contains: String::new(), fault, times: u32::MAX });
}

fn contact() -> Record {
    keyed(Operation::Create, json!({"id": "1"}), Some(json!({"properties": {"email": "ada@example.com"}})))
}

fn keyed(operation: Operation, key: Value, after: Option<Value>) -> Record {
    let data = |value| Data::try_from(value).unwrap();
    let payload = opencdc::Change { before: None, after: after.map(data) };
    Record { position: Position::new("1"), operation, metadata: Metadata::new(), key: Some(data(key)), payload }
}

/// All of them.
fn cases() -> Vec<Case> {
    vec![
        // What is missing.
        without("no token", "accessToken", &["accessToken", "required parameter is not provided"]),
        without("no resource", "resource", &["resource", "required parameter is not provided"]),
        // What isn't known.
        source(
            "resource misspelt",
            &[("resource", "crm.contcats")],
            &["crm.contcats", "did you mean \"crm.contacts\""],
        ),
        source("resource without its family", &[("resource", "deals")], &["deals", "did you mean \"crm.deals\""]),
        source(
            "resource like no other",
            &[("resource", "zebra")],
            &["unknown resource", "zebra", "crm.contacts", "cms.blogs.posts"],
        ),
        source("parameter that isn't there", &[("colour", "blue")], &["colour", "unrecognized parameter"]),
        source("API version of another time", &[("apiVersion", "2020-01")], &["apiVersion", "2026-03", "v3"]),
        // Numbers, durations, booleans.
        source("number that is none", &[("bufferSize", "lots")], &["bufferSize", "lots", "not an integer"]),
        source("number that is too small", &[("bufferSize", "0")], &["bufferSize", "0", "greater than"]),
        source("number that is too large", &[("bufferSize", "101")], &["bufferSize", "101", "less than"]),
        source("negative number", &[("bufferSize", "-5")], &["bufferSize", "-5", "greater than"]),
        source("negative retries", &[("maxRetries", "-1")], &["maxRetries", "-1", "greater than"]),
        source("fraction of a try", &[("maxRetries", "1.5")], &["maxRetries", "1.5", "not an integer"]),
        source("duration without a unit", &[("pollingPeriod", "5")], &["pollingPeriod", "5", "not a duration"]),
        source(
            "duration in words",
            &[("pollingPeriod", "five seconds")],
            &["pollingPeriod", "five seconds", "not a duration"],
        ),
        source("negative duration", &[("pollingPeriod", "-5s")], &["pollingPeriod", "-5s"]),
        source("negative lag", &[("cdc.settleLag", "-10m")], &["cdc.settleLag", "-10m"]),
        source(
            "interval that is none",
            &[("deletes.interval", "often")],
            &["deletes.interval", "often", "not a duration"],
        ),
        source("boolean that is none", &[("snapshot", "maybe")], &["snapshot", "maybe", "not a boolean"]),
        source(
            "several at once",
            &[("bufferSize", "0"), ("pollingPeriod", "soon"), ("snapshot", "maybe"), ("colour", "blue")],
            &["bufferSize", "pollingPeriod", "snapshot", "colour"],
        ),
        // Lists of resources.
        source("no resource in the list", &[("resource", " , ")], &["no resource is named", "crm.contacts"]),
        source(
            "one of several misspelt",
            &[("resource", "crm.deals,crm.contcats")],
            &["did you mean \"crm.contacts\""],
        ),
        source("glob of nothing", &[("resource", "crm.deals,crm.zebra*")], &["\"crm.zebra*\"", "names no resource"]),
        source("exclusions alone", &[("resource", "!crm.deals")], &["all entries exclude", "`*`"]),
        source("nothing left", &[("resource", "crm.deals,!crm.d*")], &["no resource is left"]),
        source("exclusion of nothing", &[("resource", "crm.deals,!crm.tickets")], &["\"!crm.tickets\"", "nothing"]),
        refused_for(
            "custom object that isn't there",
            &[("resource", "crm.objects.boats")],
            define_cars,
            &["\"crm.objects.boats\" is no custom object", "crm.objects.cars"],
        ),
        refused_for(
            "custom objects that may not be looked up",
            &[("resource", "crm.contacts,crm.objects.*")],
            |account| account.set_scopes(Some(vec!["crm.objects.contacts.read"])),
            &["looking up the account's custom objects", "403", "crm.schemas.custom.read"],
        ),
        refused_for(
            "all that is left is forbidden",
            &[("resource", "crm.contacts,crm.deals"), ("onForbidden", "skip")],
            |account| account.set_scopes(Some(vec!["tickets"])),
            &["forbids reading any of crm.contacts, crm.deals", "scopes"],
        ),
        source("forbidden, and then?", &[("onForbidden", "ask")], &["onForbidden", "ask", "fail,skip"]),
        // What is read of an object.
        source("property in words", &[("properties", "First Name")], &["properties", "First Name", "no property"]),
        source("property in capitals", &[("properties", "Email")], &["properties", "did you mean \"email\""]),
        source("property exclusions alone", &[("properties", "!hs_*")], &["properties", "only leave out", "all,!hs_*"]),
        source("values of another kind", &[("values", "json")], &["values", "json", "strings,typed"]),
        source("what was before, of another kind", &[("before", "true")], &["before", "true", "none,history"]),
        source("archived objects, perhaps", &[("deletes.payload", "maybe")], &["deletes.payload", "not a boolean"]),
        source(
            "association misspelt",
            &[("associations", "companies,deal")],
            &["associations", "\"deal\" is no CRM object type", "did you mean \"deals\""],
        ),
        source(
            "associations of what is no object",
            &[("associations", "crm.owners")],
            &["associations", "crm.owners", "there are companies, contacts", "crm.objects.<name>"],
        ),
        refused_for(
            "associated custom object that isn't there",
            &[("associations", "crm.objects.boats")],
            define_cars,
            &["associations", "\"crm.objects.boats\" is no custom object", "crm.objects.cars"],
        ),
        // What is read again.
        source(
            "associations that aren't read, again",
            &[("associations.refresh", "1h")],
            &["\"associations.refresh\" needs \"associations\""],
        ),
        source(
            "associations too often",
            &[("associations", "companies"), ("associations.refresh", "1ms")],
            &["associations.refresh", "1ms is too often", "1s"],
        ),
        source("audit too often", &[("audit.interval", "999ms")], &["audit.interval", "999ms is too often", "0s"]),
        source("audit backwards", &[("audit.interval", "-1h")], &["audit.interval", "-1h"]),
        source("calculated in words", &[("refresh.calculated", "daily")], &["refresh.calculated", "not a duration"]),
        source("deletions too late", &[("deletes.interval", "2161h")], &["deletes.interval", "90 days", "2160h"]),
        source("parameter nearly right", &[("audit.intervall", "1h")], &["did you mean \"audit.interval\""]),
        // What the CMS and the directories don't have.
        source(
            "typed values of a blog",
            &[("resource", "cms.blogs.posts"), ("values", "typed")],
            &["\"values\"", "for CRM objects only", "cms.blogs.posts"],
        ),
        source(
            "much of the owners",
            &[
                ("resource", "crm.owners,crm.pipelines.deals"),
                ("properties", "all"),
                ("before", "history"),
                ("associations", "contacts"),
                ("refresh.calculated", "1h"),
                ("audit.interval", "1h"),
                ("deletes.payload", "true"),
            ],
            &[
                "\"properties\", \"before\", \"associations\", \"refresh.calculated\", \"audit.interval\", \"deletes.payload\"",
            ],
        ),
        // Ways to authenticate.
        source(
            "two ways to authenticate",
            &[("clientId", "an-app"), ("clientSecret", "s3cr3t-of-the-app"), ("refreshToken", "s3cr3t-to-refresh")],
            &["accessToken", "clientId", "exclude each other"],
        ),
        Case {
            settings: vec![("accessToken", None), ("clientId", Some("an-app"))],
            ..source("half of OAuth", &[], &["clientId", "clientSecret", "refreshToken", "belong together"])
        },
        Case {
            settings: vec![
                ("accessToken", None),
                ("clientId", Some("an-app")),
                ("clientSecret", Some("s3cr3t-of-the-app")),
                ("refreshToken", Some("s3cr3t-to-refresh")),
            ],
            ..source("OAuth that HubSpot refuses", &[], &["refresh"])
        },
        // Where HubSpot is.
        source("base URL in clear", &[("baseUrl", "http://api.example.com")], &["baseUrl", "plain http", "use https"]),
        source("base URL of another kind", &[("baseUrl", "ftp://127.0.0.1")], &["baseUrl", "must start with https://"]),
        source("base URL that is none", &[("baseUrl", "hubspot")], &["baseUrl", "not a URL"]),
        source("nobody there", &[("baseUrl", "http://127.0.0.1:1"), ("maxRetries", "1")], &["127.0.0.1:1"]),
        // Positions.
        position("position that is no JSON", "page 7", &["position", "page 7", "isn't one of this connector"]),
        position("position of another kind", "[1, 2]", &["position", "isn't one of this connector"]),
        position("position of another connector", r#"{"lsn": 7}"#, &["position", "isn't one of this connector"]),
        position(
            "position of another resource",
            r#"{"v":1,"resource":"crm.companies","phase":"snapshot","start":1767323045000,"after":"51"}"#,
            &["position", "crm.companies", "crm.contacts"],
        ),
        position(
            "position of a newer version",
            r#"{"v":99,"resource":"crm.contacts","phase":"snapshot","start":1767323045000}"#,
            &["position", "99", "newer"],
        ),
        // What HubSpot refuses.
        Case {
            settings: vec![("accessToken", Some("pat-eu1-s3cr3t-of-nobody"))],
            requests: 0,
            ..source("wrong token", &[], &["401", "INVALID_AUTHENTICATION", "accessToken"])
        },
        refused("token that was revoked", Account::revoke_token, &["401", "AUTHENTICATION"]),
        refused(
            "missing scope",
            |account| account.set_scopes(Some(vec!["crm.objects.companies.read"])),
            &["403", "MISSING_SCOPES", "crm.objects.contacts.read"],
        ),
        refused("HTML for an answer", |account| always(account, Fault::Html200), &["200", "HTML"]),
        refused("half an answer", |account| always(account, Fault::CutBody), &["/crm/objects/2026-03/contacts"]),
        refused(
            "HTML for an error",
            |account| always(account, Fault::ServerError { status: 502, html: true }),
            &["502"],
        ),
        refused(
            "connections that break",
            |account| always(account, Fault::Reset),
            &["/crm/objects/2026-03/contacts", "127.0.0.1"],
        ),
        // The destination.
        Case {
            settings: vec![("accessToken", Some("pat-eu1-s3cr3t-of-nobody")), ("maxRetries", Some("1"))],
            requests: 0,
            ..written("wrong token, writing", contact, &["401", "INVALID_AUTHENTICATION"])
        },
        Case {
            prepare: |account| account.set_scopes(Some(vec!["crm.objects.contacts.read"])),
            ..written("missing scope, writing", contact, &["403", "MISSING_SCOPES", "crm.objects.contacts.write"])
        },
        Case {
            settings: vec![("resource", Some("crm.contcats"))],
            ..written("resource misspelt, writing", contact, &["crm.contcats", "did you mean \"crm.contacts\""])
        },
        Case {
            settings: vec![("resource", Some("crm.contacts,crm.deals"))],
            requests: 0,
            ..written("two resources, writing", contact, &["unknown resource", "crm.contacts,crm.deals"])
        },
        Case {
            settings: vec![("resource", Some("crm.objects.boats"))],
            prepare: define_cars,
            ..written("custom object that isn't there, writing", contact, &["crm.objects.boats", "crm.objects.cars"])
        },
        Case {
            settings: vec![("resource", Some("crm.feedbackSubmissions"))],
            requests: 0,
            ..written("resource that can't be written", contact, &["crm.feedbackSubmissions"])
        },
        Case {
            settings: vec![("maxInFlight", Some("0"))],
            ..written("nothing in flight", contact, &["maxInFlight", "greater than"])
        },
        written(
            "key of two fields",
            || {
                keyed(
                    Operation::Update,
                    json!({"id": "1", "email": "a@example.com"}),
                    Some(json!({"properties": {"email": "b@example.com"}})),
                )
            },
            &["key"],
        ),
        written("delete without a key", || Record { key: None, ..keyed(Operation::Delete, json!({}), None) }, &["key"]),
        written("create without a payload", || keyed(Operation::Create, json!({"id": "1"}), None), &["payload"]),
        written(
            "payload that is no JSON",
            || {
                let mut record = contact();
                record.payload.after = Some(Data::Raw(b"a line of text".to_vec()));
                record
            },
            &["JSON"],
        ),
        written(
            "property that isn't there",
            || keyed(Operation::Create, json!({"id": "1"}), Some(json!({"properties": {"favourite_colour": "blue"}}))),
            &["favourite_colour", "PROPERTY_DOESNT_EXIST"],
        ),
        written(
            "update of an object that isn't there",
            || keyed(Operation::Update, json!({"id": "404404"}), Some(json!({"properties": {"firstname": "Ada"}}))),
            &["404404"],
        ),
    ]
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
    let mut destination = connector.destination(settings).await.unwrap();
    destination.teardown().await.unwrap();
    destination.shutdown().await.unwrap();
    assert_eq!(emulator.account(TOKEN).counters().requests, 0);
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
