//! The plugin under the acceptance suite, which knows nothing of HubSpot: it has to hold to everything that any connector has to.

use std::env;

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::{Outcome, Suite};
use end_to_end::plugin;
use hubspot_emulator::{Emulator, Settings};
use serde_json::json;

const TOKEN: &str = "pat-na1-acceptance";

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_passes_the_acceptance_suite() -> Result<()> {
    let emulator = Emulator::builder().account(TOKEN).settings(Settings::default()).start().await?;
    emulator.account(TOKEN).create_many("contacts", 250, |n| json!({"email": format!("person{n}@example.com")}));

    let suite = json!({
        "source": {"settings": plugin::eager(&emulator.url(), TOKEN, "crm.contacts"), "records": 200},
        "destination": {
            "settings": plugin::settings(&emulator.url(), TOKEN, "crm.deals"),
            "records": [
                {"after": {"dealname": "one"}},
                {"operation": "update", "key": {"id": "999999999"}, "after": {"dealname": "nobody"}, "refused": true},
                {"after": {"properties": {"dealname": "two"}}},
                {"after": "{\"dealname\": \"three\"}"},
                {"operation": "delete", "key": {"id": "7", "portal": "8"}, "refused": true},
            ],
        },
    });
    let mut suite: Suite = serde_json::from_value(suite).context("the suite")?;
    let program = plugin::program()?;
    // The command is built beside the plugin; it is the host for the check that kills a host.
    let host = program.with_file_name(format!("conduit-connector-acceptance{}", env::consts::EXE_SUFFIX));
    ensure!(
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
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    let (passed, _, skipped) = report.counts();
    ensure!(passed >= 35, "only {passed} checks ran, {skipped} were skipped: {:#?}", report.findings);
    Ok(())
}
