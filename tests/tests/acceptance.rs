//! The plugin under the acceptance suite, which knows nothing of HubSpot: it has to hold to everything that any connector has to.

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::Suite;
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
    let suite: Suite = serde_json::from_value(suite).context("the suite")?;
    ensure!(suite.problem().is_none(), "{:?}", suite.problem());
    let program = plugin::program()?;
    let report = suite.host_beside(&program)?.run(program).await;
    let failed: Vec<String> = report.failed().map(ToString::to_string).collect();
    ensure!(failed.is_empty(), "{failed:#?}");
    let skipped: Vec<String> = report.skipped().map(ToString::to_string).collect();
    ensure!(skipped.is_empty(), "skipped: {skipped:#?}");
    Ok(())
}
