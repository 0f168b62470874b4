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

    let authorization = format!("Bearer {TOKEN}");
    let with_schemas = [("sdk.schema.extract.key.enabled", "true"), ("sdk.schema.extract.payload.enabled", "true")];
    let suite = json!({
        "source": {
            "settings": plugin::with(plugin::eager(&emulator.url(), TOKEN, "crm.contacts"), &with_schemas),
            "records": 20,
            "schema": true,
            // `docs/source.md` says what a restart repeats: what was changed within the last seconds.
            "at_least_once": true,
            "seed": {"http": {
                "url": format!("{}/crm/v3/objects/contacts", emulator.url()),
                "headers": {"authorization": authorization},
                "body": {"properties": {"email": "{{mark}}@example.com", "lastname": "{{n}}"}},
            }},
            "hang": {"baseUrl": "{{blackhole}}"},
        },
        "destination": {
            "settings": plugin::settings(&emulator.url(), TOKEN, "crm.deals"),
            "schema": true,
            "records": [
                {"after": {"dealname": "one {{mark}}"}},
                {"operation": "update", "key": {"id": "999999999"}, "after": {"dealname": "{{mark}}"}, "refused": true},
                {"after": {"properties": {"dealname": "two {{mark}}"}}},
                {"after": "{\"dealname\": \"three {{mark}}\"}"},
                {"operation": "delete", "key": {"id": "7", "portal": "8"}, "refused": true},
            ],
            "read_back": {"http": {
                "url": format!("{}/crm/v3/objects/deals?limit=100", emulator.url()),
                "headers": {"authorization": authorization},
            }},
            "hang": {"baseUrl": "{{blackhole}}"},
        },
    });
    let mut suite: Suite = serde_json::from_value(suite).context("the suite")?;
    ensure!(suite.problem().is_none(), "{:?}", suite.problem());
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
    let failures: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| matches!(finding.outcome, Outcome::Failed(_)))
        .map(ToString::to_string)
        .collect();
    ensure!(failures.is_empty(), "{failures:#?}");
    let skipped: Vec<&str> = report
        .findings
        .iter()
        .filter(|finding| matches!(finding.outcome, Outcome::Skipped(_)))
        .map(|finding| finding.check)
        .collect();
    ensure!(skipped.is_empty(), "{skipped:?} were skipped: {:#?}", report.findings);
    Ok(())
}
