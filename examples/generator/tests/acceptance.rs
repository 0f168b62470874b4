//! The generator passes the acceptance suite.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use conduit_connector_acceptance::Suite;

/// What doesn't apply to it: no parameter is required, it makes its records itself, nothing is refused or kept, and none of its settings
/// makes it hang.
const SKIPPED: [&str; 10] = [
    "source.configure.required",
    "source.snapshot",
    "source.cdc",
    "source.resume.snapshot",
    "source.resume.cdc",
    "destination.configure.required",
    "destination.failures",
    "destination.read_back",
    "process.shutdown.hanging.source",
    "process.shutdown.hanging.destination",
];

#[tokio::test]
async fn it_passes_the_acceptance_suite() {
    let program = Path::new(env!("CARGO_BIN_EXE_conduit-connector-generator"));
    let suite = Suite::from_file(Path::new(env!("CARGO_MANIFEST_DIR")).join("suite.toml")).unwrap();
    let report = suite.host_beside(program).unwrap().run(program).await;
    let failed: Vec<String> = report.failed().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let skipped: Vec<&str> = report.skipped().map(|finding| finding.check).collect();
    assert_eq!(skipped, SKIPPED);
}
