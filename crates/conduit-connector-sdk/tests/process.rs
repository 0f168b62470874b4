//! Connectors as Conduit runs them: real processes, driven over gRPC in both versions of the protocol.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod driver;

use std::time::Duration;

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::host::{Command, HostError};
use driver::{Destination, Host, Source, program};
use tokio::task::JoinSet;

const V1: ProtocolVersion = ProtocolVersion::V1;
const V2: ProtocolVersion = ProtocolVersion::V2;

fn positions(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn a_source_lives_its_life() {
    for version in [V1, V2] {
        let host = Host::start("misbehaving_connector", version).await;
        let source = Source::of(&host);
        source.configure(&[("records", "10"), ("token", "tell-no-one")]).await.unwrap();
        source.open("").await.unwrap();
        let mut run = source.run().await;
        let records = run.records(10).await;
        assert_eq!(records, positions(0..10));
        run.ack(&records[..6]).await;
        assert_eq!(source.stop().await.unwrap(), "9");
        run.ack(&records[6..]).await;
        run.close();
        run.end().await.unwrap();
        source.teardown().await.unwrap();
        assert_eq!(host.logged("acknowledged", "position"), records);
        let logs = host.end().await;
        assert!(logs.iter().any(|entry| entry.message == "torn down" && entry.level.as_deref() == Some("info")));
        assert!(logs.iter().any(|entry| entry.fields.get("id").is_some_and(|id| id == "pipeline:it")));
        assert!(logs.iter().all(|entry| entry.level.is_some()), "not JSON: {logs:?}");
        assert!(!format!("{logs:?}").contains("tell-no-one"));

        let host = Host::start("misbehaving_connector", version).await;
        let source = Source::of(&host);
        source.configure(&[]).await.unwrap();
        source.open("6").await.unwrap();
        assert_eq!(source.run().await.records(3).await, positions(7..10));
        source.teardown().await.unwrap();
        host.end().await;
    }
}

#[tokio::test]
async fn a_destination_lives_its_life() {
    for version in [V1, V2] {
        let host = Host::start("misbehaving_connector", version).await;
        let destination = Destination::of(&host);
        destination.configure(&[]).await.unwrap();
        destination.open().await.unwrap();
        let mut run = destination.run().await;
        let mut all = Vec::new();
        for numbers in [0..1, 1..8, 8..300] {
            run.write(numbers.clone()).await;
            all.extend(run.answers(numbers.len()).await.unwrap());
        }
        let answered: Vec<String> = all.iter().map(|(position, _)| position.clone()).collect();
        assert_eq!(answered, positions(0..300));
        assert!(all.iter().any(|(_, error)| error.is_empty()));
        assert!(all.iter().any(|(_, error)| error.starts_with("no to ")));
        destination.stop("299").await.unwrap();
        run.close();
        destination.teardown().await.unwrap();
        host.end().await;
    }
}

#[tokio::test]
async fn faults_are_the_errors_of_their_calls() {
    for version in [V1, V2] {
        for (fault, text) in [("fail", "fails as asked"), ("panic", "panics as asked")] {
            for call in ["configure", "open", "work", "ack", "teardown"] {
                let case = format!("{version} {fault} in {call}");
                let host = Host::start("misbehaving_connector", version).await;
                let source = Source::of(&host);
                let result = async {
                    source.configure(&[("fault", fault), ("call", call)]).await?;
                    source.open("").await?;
                    let mut run = source.run().await;
                    let records = run.records(4).await;
                    assert_eq!(records, positions(0..4));
                    if call == "ack" {
                        run.ack(&records).await;
                    }
                    if call != "teardown" {
                        run.failure().await?;
                    }
                    source.teardown().await
                };
                let status = result.await.unwrap_err();
                assert!(status.message().contains(text), "{case}: {status:?}");
                assert!(!status.message().contains('\n'), "{case}: {status:?}");
                // Teardown goes on, whatever happened before.
                if call != "teardown" {
                    source.teardown().await.unwrap();
                }
                let logs = host.end().await;
                if fault == "panic" {
                    let panics = logs.iter().filter(|entry| entry.message.starts_with("panicked: ")).count();
                    assert_eq!(panics, 1, "{case}: {logs:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_destination_that_breaks_its_promise_fails_with_both_numbers() {
    for version in [V1, V2] {
        for (fault, text) in [
            ("count", "answered 2 results for 1 records"),
            ("fail", "work fails as asked"),
            ("panic", "work panics as asked"),
        ] {
            let host = Host::start("misbehaving_connector", version).await;
            let destination = Destination::of(&host);
            destination.configure(&[("fault", fault)]).await.unwrap();
            destination.open().await.unwrap();
            let mut run = destination.run().await;
            run.write(0..1).await;
            let status = run.answers(1).await.unwrap_err();
            assert!(status.message().contains(text), "{status:?}");
            destination.teardown().await.unwrap();
            host.end().await;
        }
    }
}

/// The end comes in time, whatever the connector does, and wherever it does it: `Host::end` fails where it has to kill.
#[tokio::test]
async fn what_hangs_or_blocks_does_not_hold_up_the_end() {
    let mut cases = JoinSet::new();
    for (fault, version) in [("hang", V1), ("hang", V2), ("block", V1), ("block", V2)] {
        for call in ["configure", "open", "work", "ack", "teardown"] {
            cases.spawn(async move {
                let host = Host::start("misbehaving_connector", version).await;
                let source = Source::of(&host);
                // Calls that hang are left behind, as a host does that has waited for long enough.
                let _ = tokio::time::timeout(Duration::from_millis(500), async {
                    source.configure(&[("fault", fault), ("call", call)]).await.unwrap();
                    source.open("").await.unwrap();
                    let mut run = source.run().await;
                    let records = run.records(4).await;
                    run.ack(&records).await;
                    if call == "teardown" {
                        source.teardown().await.unwrap();
                    }
                    run.records(1000).await;
                })
                .await;
                host.end().await;
            });
        }
        cases.spawn(async move {
            let host = Host::start("misbehaving_connector", version).await;
            let destination = Destination::of(&host);
            destination.configure(&[("fault", fault)]).await.unwrap();
            destination.open().await.unwrap();
            let mut run = destination.run().await;
            run.write(0..5).await;
            host.end().await;
        });
    }
    while let Some(case) = cases.join_next().await {
        case.unwrap();
    }
}

#[tokio::test]
async fn teardown_may_come_without_a_stop_or_anything_else() {
    for version in [V1, V2] {
        let host = Host::start("misbehaving_connector", version).await;
        let source = Source::of(&host);
        source.teardown().await.unwrap();
        Destination::of(&host).teardown().await.unwrap();
        host.end().await;

        let host = Host::start("misbehaving_connector", version).await;
        let source = Source::of(&host);
        source.configure(&[("records", "1000000")]).await.unwrap();
        source.open("").await.unwrap();
        let mut run = source.run().await;
        run.records(10).await;
        source.teardown().await.unwrap();
        source.teardown().await.unwrap();
        host.end().await;
    }
}

#[tokio::test]
async fn batches_are_split_where_they_are_bigger_than_a_message() {
    for (version, largest) in [(V1, 100_000), (V2, 200_000)] {
        let settings = [("records", "64"), ("batch", "64"), ("bytes", "90000")];
        let host = Host::start_with("misbehaving_connector", version, |command| {
            command.env("CONDUIT_CONNECTOR_MAX_RECEIVE_RECORD_SIZE", "200000")
        })
        .await;
        let source = Source::of(&host).limited(largest);
        source.configure(&settings).await.unwrap();
        source.open("").await.unwrap();
        let mut run = source.run().await;
        assert_eq!(run.records(64).await, positions(0..64));
        if version == V2 {
            assert_eq!(run.messages, 32, "two records fit into a message");
        }
        source.teardown().await.unwrap();
        host.end().await;
    }
}

/// 300 MB go through a host that falls behind: what waits for it is bounded.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_does_not_grow_with_what_is_read() {
    for version in [V1, V2] {
        let host = Host::start("misbehaving_connector", version).await;
        let source = Source::of(&host);
        source.configure(&[("records", "3000"), ("batch", "20"), ("bytes", "100000")]).await.unwrap();
        source.open("").await.unwrap();
        let mut run = source.run().await;
        let mut read = 0;
        while read < 3000 {
            let records = run.records(1).await;
            run.ack(&records).await;
            read += records.len();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let peak = host.peak_memory();
        assert!(peak < 48 << 20, "{version}: {peak} bytes");
        source.teardown().await.unwrap();
        host.end().await;
    }
}

#[tokio::test]
async fn lifecycle_calls_arrive() {
    for version in [V1, V2] {
        let host = Host::start("misbehaving_connector", version).await;
        let source = Source::of(&host);
        source.on_created(&[("token", "tell-no-one")]).await.unwrap();
        source.on_updated(&[], &[("fault", "whatever")]).await.unwrap();
        let status = source.on_deleted(&[]).await.unwrap_err();
        assert_eq!(status.message(), "there is nothing to delete");
        source.teardown().await.unwrap();
        let logs = host.end().await;
        assert!(logs.iter().any(|entry| entry.message == "created with {\"token\"}"), "{logs:?}");
    }
}

#[tokio::test]
async fn a_configuration_is_refused_with_all_that_is_wrong() {
    for version in [V1, V2] {
        let host = Host::start("misbehaving_connector", version).await;
        let source = Source::of(&host);
        let status = source.configure(&[("record", "1"), ("batch", "0"), ("call", "home")]).await.unwrap_err();
        assert_eq!(
            status.message(),
            "config invalid: \"record\": unrecognized parameter (did you mean \"records\"?); \
             error validating \"call\": \"home\" value must be included in the list [configure,open,work,ack,teardown]: \
             inclusion validation failed; \
             error validating \"batch\": \"0\" should be greater than 0: greater-than validation failed"
        );
        source.teardown().await.unwrap();
        host.end().await;
    }
}

#[tokio::test]
async fn after_a_signal_the_host_can_stop_and_tear_down_in_its_order() {
    for version in [V1, V2] {
        let host = Host::start("misbehaving_connector", version).await;
        let source = Source::of(&host);
        source.configure(&[]).await.unwrap();
        source.open("").await.unwrap();
        let mut run = source.run().await;
        run.records(10).await;
        host.signal();
        assert!(!source.stop().await.unwrap().is_empty());
        source.teardown().await.unwrap();
        let logs = host.end().await;
        assert!(logs.iter().any(|entry| entry.message == "torn down"), "{logs:?}");
    }
}

#[tokio::test]
async fn a_signal_tears_down() {
    let host = Host::start("misbehaving_connector", V2).await;
    let source = Source::of(&host);
    source.configure(&[]).await.unwrap();
    source.open("").await.unwrap();
    let mut run = source.run().await;
    run.records(10).await;
    let logs = host.terminate().await;
    assert!(logs.iter().any(|entry| entry.message == "torn down"), "{logs:?}");
}

#[tokio::test]
async fn the_first_connector_of_the_tutorial_counts() {
    let program = include_str!("../examples/first_connector.rs");
    let shown = format!("The whole of `src/main.rs`:\n\n```rust,no_run\n{program}```\n");
    assert!(include_str!("../docs/first-connector.md").contains(&shown), "the tutorial shows another program");
    assert!(program.lines().count() <= 60, "the tutorial's first line says how long it is");

    let host = Host::start("first_connector", V2).await;
    let source = Source::of(&host);
    source.configure(&[("interval", "1ms"), ("last", "5")]).await.unwrap();
    source.open("2").await.unwrap();
    assert_eq!(source.run().await.records(3).await, positions(3..6));
    source.teardown().await.unwrap();
    host.end().await;
}

#[tokio::test]
async fn a_person_who_starts_it_is_told_what_it_is() {
    let error =
        Command::new(program("first_connector")).env("CONDUIT_PLUGIN_MAGIC_COOKIE", "no").start().await.unwrap_err();
    let HostError::Exited { status, stderr, .. } = error else { panic!("{error}") };
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("connector for Conduit"), "{stderr}");
}
