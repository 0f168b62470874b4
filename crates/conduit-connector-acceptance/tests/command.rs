//! The command: its output and its exit codes.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

fn sample() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(|deps| deps.parent()).unwrap().join("examples/sample_connector")
}

async fn command(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_conduit-connector-acceptance");
    tokio::process::Command::new(program).args(arguments).output().await.unwrap()
}

async fn run(suite: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("suite.toml");
    std::fs::write(&path, suite).unwrap();
    let sample = sample();
    let arguments = ["run", sample.to_str().unwrap(), "--suite", path.to_str().unwrap()];
    command(&[&arguments[..], more].concat()).await
}

#[tokio::test]
async fn text_is_a_line_a_check_and_a_sum() {
    let suite = "[source]\nsettings = { count = '20' }\nrecords = 20\n";
    let output = run(suite, &["--only", "source.r", "--only", "destination.write"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("pass  source.resume"), "{text}");
    assert!(text.contains("skip  destination.write") && text.contains("the suite has no [destination]"), "{text}");
    assert!(text.trim_end().ends_with("3 passed, 0 failed, 4 skipped"), "{text}");
}

#[tokio::test]
async fn json_is_one_object_and_a_failed_check_is_exit_code_1() {
    let suite = "[environment]\nFAULT = 'repeats-positions'\n[source]\nsettings = { count = '20' }\nrecords = 20\n";
    let output = run(suite, &["--format", "json", "--only", "source.positions", "--protocol", "1"]).await;
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &report["findings"][0];
    assert_eq!((&finding["check"], &finding["outcome"]), (&"source.positions".into(), &"failed".into()));
    assert_eq!(finding["reason"], "two records have the position 6");
    assert!(finding["seconds"].is_f64(), "{report}");
}

#[tokio::test]
async fn what_cannot_run_is_exit_code_2_and_one_line() {
    for (arguments, part) in [
        (&["run", "/no/such/connector"][..], "cannot find /no/such/connector"),
        (&["run", sample().to_str().unwrap(), "--suite", "/no/such/suite"], "cannot read the suite /no/such/suite"),
        (
            &["run", sample().to_str().unwrap(), "--only", "nonesuch"],
            "no check has a name that starts with \"nonesuch\"; `list` shows them",
        ),
        (&["run", sample().to_str().unwrap(), "--only", "log", "--skip", "l"], "no check is left to run"),
    ] {
        let output = command(arguments).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(part) && error.lines().count() == 1, "{error}");
    }
}

#[tokio::test]
async fn a_suite_that_makes_no_sense_is_exit_code_2_and_says_where() {
    for (suite, part) in [
        ("[source]\nsetings = {}", "unknown field `setings`"),
        ("[source.seed]\ncommand = ['a']\nline = 'b'", "suite.toml: source.seed has no {{mark}}"),
    ] {
        let output = run(suite, &[]).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_file_gets_the_report_and_stdout_the_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.xml");
    let arguments =
        ["--format", "junit", "--output", path.to_str().unwrap(), "--only", "handshake", "--skip", "handshake.v"];
    let output = run("", &arguments).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("pass  handshake.health") && !text.contains("handshake.v1"), "{text}");
    let xml = std::fs::read_to_string(path).unwrap();
    assert!(
        xml.contains(r#"<testsuites tests="8" failures="0""#) && xml.contains(r#"name="handshake.lowest""#),
        "{xml}"
    );

    let output = run("", &["--format", "junit", "--only", "handshake.v1"]).await;
    assert!(output.stdout.starts_with(b"<?xml"));
}

#[tokio::test]
async fn checks_can_be_listed() {
    let output = command(&["list"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().count() > 30 && text.contains("process.orphan"), "{text}");
}
