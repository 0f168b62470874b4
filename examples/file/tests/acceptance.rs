//! The file connector passes the acceptance suite.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use conduit_connector_acceptance::{Outcome, Suite};

#[tokio::test]
async fn it_passes_the_acceptance_suite() {
    let suite = Suite::from_file(Path::new(env!("CARGO_MANIFEST_DIR")).join("suite.toml")).unwrap();
    let report = suite.run(env!("CARGO_BIN_EXE_conduit-connector-file")).await;
    let failed: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| matches!(finding.outcome, Outcome::Failed(_)))
        .map(ToString::to_string)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(report.counts().0 > 20, "{:?}", report.counts());
}
