//! The suite, on a connector that holds to everything, and on the same connector broken in one way at a time.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use conduit_connector_acceptance::checks::Check;
use conduit_connector_acceptance::{Outcome, ProtocolVersion, Report, Suite};
use futures::StreamExt as _;

/// Cargo builds examples along with tests, into a folder beside the tests' own.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(|deps| deps.parent()).unwrap().join("examples/sample_connector")
}

fn suite() -> Suite {
    let mut suite: Suite = toml::from_str(
        r#"
        quiet_seconds = 1.0
        before = ["mkdir", "{{folder}}/there"]
        after = ["rmdir", "{{folder}}/there"]

        [source]
        settings = { count = "20", path = "{{folder}}/in" }
        records = 20
        schema = true
        hang = { count = "hang" }

        [source.seed]
        command = ["sh", "-c", 'cat >> "{{folder}}/in"']
        line = "record {{n}} {{mark}}"

        [destination]
        settings = { target = "somewhere", path = "{{folder}}/out" }
        schema = true
        hang = { target = "hang" }
        read_back = { command = ["sh", "-c", 'cat "{{folder}}/out" || true'] }

        [[destination.records]]
        key = { id = "{{n}}" }
        after = { name = "{{mark}}" }

        [[destination.records]]
        operation = "delete"
        key = "raw {{mark}}"
        refused = true

        [[destination.records]]
        operation = "update"
        key = { id = 3 }
        after = { name = "c {{mark}}" }
        "#,
    )
    .unwrap();
    suite.host = Some(PathBuf::from(env!("CARGO_BIN_EXE_conduit-connector-acceptance")));
    suite
}

fn failures(report: &Report) -> Vec<String> {
    report.failed().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_connector_that_holds_to_everything_passes_everything() {
    let report = suite().run(program()).await;
    assert_eq!(failures(&report), Vec::<String>::new());
    let expected = if cfg!(unix) { (Check::all().len(), 0, 0) } else { (Check::all().len() - 3, 0, 3) };
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

/// Each check, a fault that it finds, and a word of the reason. Every check is here: one that cannot fail checks nothing.
const FOUND: &[(&str, &str, &str)] = &[
    ("handshake.v1", "always-v2", "which was not offered"),
    ("handshake.v2", "always-v1", "which was not offered"),
    ("handshake.highest", "always-v1", "it chose v1"),
    ("handshake.lowest", "always-v2", "its handshake is \"1|2|"),
    ("handshake.unix", "listens-nowhere", "cannot connect"),
    ("handshake.tcp", "listens-nowhere", "cannot connect"),
    ("handshake.bare", "needs-registry", "in a bare environment it ended with exit status: 0"),
    ("handshake.cookie", "cookie-as-usual", "with no cookie it printed"),
    ("handshake.health", "unhealthy", "the health check failed"),
    ("handshake.stdout", "stdout", "\"configuring\\nconfiguring\""),
    ("log.form", "plain-log", "no JSON object with @level: \"configuring\""),
    ("specification.identity", "specification-of-versions", "it has no author"),
    ("specification.version", "specification", "\"1.0\""),
    ("specification.source", "specification", "\"the count\" is no valid name; \"the count\" has no description"),
    ("specification.destination", "specification", "\"target.*\" is no valid name"),
    ("specification.versions", "specification-of-versions", "v1 says (\"older sample\""),
    ("source.configure", "accepts-nothing", "not in the mood"),
    ("source.configure.required", "accepts-anything", "configured without count"),
    ("source.configure.invalid", "accepts-anything", "configured with \"0\" for batch"),
    ("source.configure.unknown", "accepts-anything", "noSuchParameter"),
    ("source.lifecycle", "lifecycle-fails", "LifecycleOnCreated failed"),
    ("source.teardown", "teardown-hangs", "Teardown was not answered within 5s"),
    ("source.teardown.twice", "second-teardown-hangs", "the second time: Teardown was not answered within 5s"),
    ("source.read", "gives-nothing", "reading 20 records took longer than 5s"),
    ("source.read.v1", "gives-nothing", "reading 20 records took longer than 5s"),
    ("source.positions", "repeats-positions", "two records have the position 6"),
    ("source.acks", "refuses-acks", "acks are not wanted here"),
    ("source.quiet", "ends-early", "ended the stream of its own accord"),
    ("source.stop", "wrong-last-position", "Stop gave the position 21"),
    ("source.stop.unread", "stop-hangs", "Stop was not answered within 5s"),
    ("source.snapshot", "updates", "came as update"),
    ("source.snapshot", "repeats-positions", "two records have the position 6"),
    ("source.cdc", "no-changes", "20 of the 20 records that were seeded did not come within 5s"),
    ("source.resume", "loses-on-resume", "1 of 10 did not come"),
    ("source.resume.snapshot", "loses-on-resume", "1 of the 10 records that were seeded did not come"),
    ("source.resume.snapshot", "begins-anew", "was acknowledged and came again"),
    ("source.resume.cdc", "loses-on-resume", "1 of the 10 records that were seeded did not come"),
    ("source.resume.cdc", "begins-anew", "was acknowledged and came again"),
    ("source.schema", "names-no-schema", "in version 8, which was not created"),
    (
        "source.schema",
        "encodes-wrong",
        "does not decode by sample.payload in version 1: field name: the bytes end too early",
    ),
    ("source.schema", "no-token", "calls of the schema service came without the connector token"),
    ("source.schema.absent", "needs-registry", "without a schema service it ended with exit status: 0"),
    ("destination.configure", "accepts-nothing", "not in the mood"),
    ("destination.configure.required", "accepts-anything", "configured without target"),
    ("destination.configure.invalid", "accepts-anything", "configured with \"!\" for label"),
    ("destination.configure.unknown", "accepts-anything", "noSuchParameter"),
    ("destination.lifecycle", "lifecycle-fails", "LifecycleOnCreated failed"),
    ("destination.teardown", "teardown-hangs", "Teardown was not answered within 5s"),
    ("destination.teardown.twice", "second-teardown-hangs", "the second time: Teardown was not answered within 5s"),
    ("destination.write", "few-answers", "a write was not answered"),
    ("destination.write", "answers-backwards", "where the answer for acceptance-1 was due"),
    ("destination.write.v1", "few-answers", "a write was not answered"),
    ("destination.failures", "refuses-the-rest", "was refused: one before it was refused"),
    ("destination.stop", "few-answers", "2 answers to 3 records"),
    ("destination.stop", "answers-backwards", "where the one for acceptance-1 was due"),
    ("destination.read_back", "writes-nothing", "record 1 of the suite (create) was written, and is not there"),
    ("destination.schema", "asks-for-another", "it asked for acceptance.key in version 2"),
    ("destination.schema", "no-token", "came without the connector token"),
    ("destination.size.near", "small-size", "was not answered: Run failed"),
    ("destination.size.above", "any-size", "a record of 4210688 bytes was written"),
    ("destination.size.raised", "small-size", "was not answered: Run failed"),
    ("process.shutdown", "never-ends", "did not exit within 2s"),
    ("process.shutdown.busy", "never-ends", "did not exit within 2s"),
    ("process.shutdown.hanging.source", "never-ends", "did not exit within 2s"),
    ("process.shutdown.hanging.destination", "never-ends", "did not exit within 2s"),
    ("process.sigterm", "never-ends", "ending on SIGTERM took longer than 15s"),
    ("process.sigterm.stop", "dies-of-sigterm", "after SIGTERM, the source was to stop"),
    ("process.orphan", "never-ends", "it still ran 5s after its host was killed"),
];

/// What is wrong with a fault's finding; nothing when it is as it should be.
async fn missed(check: &str, fault: &str, part: &str) -> Option<String> {
    let mut suite = suite();
    // How long the suite waits for what never comes. A signal may be answered a little later.
    suite.limit_seconds = if check == "process.sigterm" { 15 } else { 5 };
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
}

#[tokio::test]
async fn each_fault_is_found() {
    // A few at a time: many processes at once would make each of them slow.
    let checking = FOUND.iter().map(|(check, fault, part)| missed(check, fault, part));
    let missed: Vec<Option<String>> = futures::stream::iter(checking).buffer_unordered(8).collect().await;
    assert_eq!(missed.into_iter().flatten().collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn each_check_has_a_fault_that_it_finds() {
    let checks: BTreeSet<&str> = Check::all().iter().map(Check::name).collect();
    let found: BTreeSet<&str> = FOUND.iter().map(|(check, ..)| *check).collect();
    assert_eq!(checks, found);
}

#[tokio::test]
async fn repeats_are_no_fault_where_the_suite_says_so() {
    let mut suite = suite();
    suite.environment.insert("FAULT".to_owned(), "begins-anew".to_owned());
    suite.source.as_mut().unwrap().at_least_once = true;
    let checks = Check::all().into_iter().filter(|it| it.name().starts_with("source.resume."));
    let report = suite.run_checks(program(), checks, |_| {}).await;
    assert_eq!((failures(&report), report.counts()), (Vec::new(), (2, 0, 0)));
}

#[tokio::test]
async fn what_the_suite_does_itself_and_fails_is_said() {
    let check = |name: &'static str| Check::all().into_iter().filter(move |it| it.name() == name);
    let reason = |report: Report| match &report.findings[0].outcome {
        Outcome::Failed(reason) => reason.clone(),
        other => panic!("{other:?}"),
    };
    let mut broken = suite();
    broken.before = Some(vec!["sh".to_owned(), "-c".to_owned(), "echo no room >&2; exit 3".to_owned()]);
    let said = reason(broken.run_checks(program(), check("source.read"), |_| {}).await);
    assert_eq!(said, "the suite's own `before` failed: sh ended with exit status: 3: no room");

    let mut broken = suite();
    broken.source.as_mut().unwrap().seed.as_mut().unwrap().command = Some(vec!["./no-such-program".to_owned()]);
    let said = reason(broken.run_checks(program(), check("source.snapshot"), |_| {}).await);
    assert!(said.starts_with("cannot run ./no-such-program: "), "{said}");
}

#[test]
fn a_suite_file_that_says_something_else_is_refused() {
    let error = toml::from_str::<Suite>("[source]\nsetings = {}").unwrap_err().to_string();
    assert!(error.contains("setings"), "{error}");
}
