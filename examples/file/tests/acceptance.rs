//! The file connector passes the acceptance suite.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use conduit_connector_acceptance::Suite;

#[tokio::test]
async fn it_passes_the_acceptance_suite() {
    let program = Path::new(env!("CARGO_BIN_EXE_conduit-connector-file"));
    let suite = Suite::from_file(Path::new(env!("CARGO_MANIFEST_DIR")).join("suite.toml")).unwrap();
    let report = suite.host_beside(program).unwrap().run(program).await;
    let failed: Vec<String> = report.failed().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let skipped: Vec<&str> = report.skipped().map(|finding| finding.check).collect();
    assert!(skipped.is_empty(), "{skipped:?} were skipped");
}
