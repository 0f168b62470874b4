//! The suite, on a connector that holds to everything, and on the same connector broken in one way at a time.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use conduit_connector_acceptance::checks::Check;
use conduit_connector_acceptance::{Outcome, ProtocolVersion, Report, Suite};

/// Cargo builds examples along with tests, into a folder beside the tests' own.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(|deps| deps.parent()).unwrap().join("examples/sample_connector")
}

fn suite() -> Suite {
    let mut suite: Suite = toml::from_str(
        r#"
        [source]
        settings = { count = "20" }
        records = 20

        [destination]
        settings = { target = "somewhere" }

        [[destination.records]]
        key = { id = 1 }
        after = { name = "a" }

        [[destination.records]]
        operation = "delete"
        key = "raw"
        refused = true

        [[destination.records]]
        operation = "update"
        key = { id = 3 }
        after = { name = "c" }
        "#,
    )
    .unwrap();
    suite.host = Some(PathBuf::from(env!("CARGO_BIN_EXE_conduit-connector-acceptance")));
    suite
}

fn failures(report: &Report) -> Vec<String> {
    let failed = report.findings.iter().filter(|finding| matches!(finding.outcome, Outcome::Failed(_)));
    failed.map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_connector_that_holds_to_everything_passes_everything() {
    let report = suite().run(program()).await;
    assert_eq!(failures(&report), Vec::<String>::new());
    let expected = if cfg!(unix) { (Check::all().len(), 0, 0) } else { (Check::all().len() - 2, 0, 2) };
    assert_eq!(report.counts(), expected, "{:#?}", report.findings);
}

#[tokio::test]
async fn so_it_does_in_the_older_version_alone() {
    let mut suite = suite();
    suite.version = Some(ProtocolVersion::V1);
    let report = suite.run(program()).await;
    assert_eq!(failures(&report), Vec::<String>::new());
}

#[tokio::test]
async fn what_the_suite_is_not_told_is_skipped_with_the_reason() {
    let report = Suite::default().run(program()).await;
    assert!(report.passed(), "{:?}", failures(&report));
    let reason = |check: &str| match &report.finding(check).unwrap().outcome {
        Outcome::Skipped(reason) => reason.clone(),
        other => panic!("{check}: {other:?}"),
    };
    assert_eq!(reason("source.teardown"), "the suite has no [source]");
    assert_eq!(reason("destination.write"), "the suite has no [destination]");
    assert!(reason("process.orphan").contains("no host"));
    assert_eq!(report.finding("handshake.v1").unwrap().outcome, Outcome::Passed);
}

/// Each fault, the check that finds it, and a word of the reason.
#[tokio::test]
async fn each_fault_is_found() {
    let found = [
        ("stdout", "handshake.stdout", "\"configuring\\nconfiguring\""),
        ("cookie-as-usual", "handshake.cookie", "to stdout"),
        ("specification", "specification.version", "\"1.0\""),
        ("specification", "specification.source", "\"the count\" is no valid name; \"the count\" has no description"),
        ("specification", "specification.destination", "\"target.*\" is no valid name"),
        ("accepts-anything", "source.configure.required", "configured without count"),
        ("accepts-anything", "source.configure.unknown", "noSuchParameter"),
        ("accepts-anything", "destination.configure.required", "configured without target"),
        ("accepts-anything", "destination.configure.unknown", "noSuchParameter"),
        ("repeats-positions", "source.positions", "two records have the position 6"),
        ("loses-on-resume", "source.resume", "1 of 10 did not come"),
        ("wrong-last-position", "source.stop", "Stop gave the position 21"),
        ("ends-early", "source.quiet", "ended the stream of its own accord"),
        ("few-answers", "destination.write", "a write was not answered"),
        ("few-answers", "destination.stop", "2 answers to 3 records"),
        ("answers-backwards", "destination.write", "where the answer for acceptance-0 was due"),
        ("answers-backwards", "destination.stop", "where the one for acceptance-0 was due"),
        ("teardown-hangs", "source.teardown", "Teardown was not answered within 5s"),
        ("teardown-hangs", "destination.teardown", "Teardown was not answered within 5s"),
    ];
    let checking = found.map(|(fault, check, part)| async move {
        let mut suite = suite();
        // How long the suite waits for what never comes.
        suite.limit_seconds = 5;
        suite.environment.insert("FAULT".to_owned(), fault.to_owned());
        let checks = Check::all().into_iter().filter(|it| it.name() == check);
        let report = suite.run_checks(program(), checks, |_| {}).await;
        match &report.findings[..] {
            [finding] => match &finding.outcome {
                Outcome::Failed(reason) if reason.contains(part) => None,
                other => Some(format!("{fault}, {check}: {other:?}")),
            },
            other => Some(format!("{fault}, {check}: {other:?}")),
        }
    });
    let missed: Vec<String> = futures::future::join_all(checking).await.into_iter().flatten().collect();
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn a_suite_file_that_says_something_else_is_refused() {
    let error = toml::from_str::<Suite>("[source]\nsetings = {}").unwrap_err().to_string();
    assert!(error.contains("setings"), "{error}");
}
