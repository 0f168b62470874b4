//! `ARCHITECTURE.md` is the map: the tests that it names for each promise have to be where it says.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether there is a test of that name in a Rust or Go file's text.
fn holds_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(number, line)| {
        let declared = ["fn ", "async fn ", "func "].iter().any(|keyword| {
            line.strip_prefix(keyword)
                .and_then(|rest| rest.strip_prefix(name))
                .is_some_and(|rest| rest.starts_with('('))
        });
        let marked = lines[..number]
            .iter()
            .rev()
            .take_while(|above| above.starts_with('#'))
            .any(|above| above.starts_with("#[test") || above.starts_with("#[tokio::test"));
        declared && (marked || name.starts_with("Test"))
    })
}

#[test]
fn every_promise_names_tests_that_exist() -> Result<()> {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).context("cannot read ARCHITECTURE.md")?;
    let (_, promises) = map.split_once("## Promises").context("ARCHITECTURE.md has no promises")?;
    let (mut rows, mut tests) = (0, 0);
    for row in promises.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise")) {
        let (_, named) = row[2..].split_once(" | ").with_context(|| format!("a row without a test: {row}"))?;
        let mut file = None;
        for quoted in named.split('`').skip(1).step_by(2) {
            let is_path = Path::new(quoted).extension().is_some_and(|extension| extension == "rs" || extension == "go");
            if is_path {
                let text = fs::read_to_string(root().join(quoted))
                    .with_context(|| format!("ARCHITECTURE.md names {quoted}, which cannot be read"))?;
                file = Some((quoted, text));
            } else if quoted.starts_with("Test") || (quoted.contains('_') && quoted.chars().all(|c| c != ' ')) {
                // A variable, such as a token's.
                if quoted.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                    continue;
                }
                let (path, text) = file.as_ref().with_context(|| format!("no file is named before {quoted}"))?;
                ensure!(holds_test(text, quoted), "there is no test {quoted} in {path}, where ARCHITECTURE.md has it");
                tests += 1;
            }
        }
        rows += 1;
    }
    ensure!(rows >= 15 && tests >= 30, "only {rows} promises and {tests} tests were found");
    Ok(())
}

#[test]
fn a_function_that_is_no_test_does_not_count() {
    let text = "#[test]\nfn one() {}\n\nfn two() {}\n\n/// Doc.\n#[tokio::test]\n#[ignore]\nasync fn three() {}\n";
    assert!(holds_test(text, "one") && holds_test(text, "three"));
    assert!(!holds_test(text, "two") && !holds_test(text, "on"));
    assert!(holds_test("func TestFour(t *testing.T) {", "TestFour"));
}
