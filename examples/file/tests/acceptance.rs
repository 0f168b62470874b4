//! The file connector passes the acceptance suite.
#![allow(clippy::unwrap_used)]

use std::env;
use std::path::Path;

use conduit_connector_acceptance::{Outcome, Suite};

#[tokio::test]
async fn it_passes_the_acceptance_suite() {
    let program = Path::new(env!("CARGO_BIN_EXE_conduit-connector-file"));
    let mut suite = Suite::from_file(Path::new(env!("CARGO_MANIFEST_DIR")).join("suite.toml")).unwrap();
    // The command is built beside the connector; it is the host for the check that kills a host.
    let host = program.with_file_name(format!("conduit-connector-acceptance{}", env::consts::EXE_SUFFIX));
    assert!(
        host.is_file(),
        "{} is not there: build it with `cargo build --package conduit-connector-acceptance`",
        host.display()
    );
    suite.host = Some(host);

    let report = suite.run(program).await;
    let failed: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| matches!(finding.outcome, Outcome::Failed(_)))
        .map(ToString::to_string)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let skipped: Vec<&str> = report
        .findings
        .iter()
        .filter(|finding| matches!(finding.outcome, Outcome::Skipped(_)))
        .map(|finding| finding.check)
        .collect();
    assert!(skipped.is_empty(), "{skipped:?} were skipped");
}
