//! The emulator as a process, and the side that changes things in it and knows the truth. Everything goes through HubSpot's own endpoints: reading a list
//! is reading the store, not the search index.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::http::{Client, free_address};

/// The token of the emulator's one account.
pub(crate) const TOKEN: &str = "pat-na1-conduit-end-to-end";
/// Inputs a batch call takes.
const BATCH: usize = 100;

/// A running emulator; it ends with this value.
#[derive(Debug)]
pub(crate) struct HubSpot {
    process: Child,
    client: Client,
}

impl HubSpot {
    /// Starts the emulator on a free port and waits until it answers.
    pub(crate) fn start(binary: &Path, log: &Path) -> Result<Self> {
        let address = free_address()?;
        let log = File::create(log).with_context(|| format!("create {}", log.display()))?;
        let process = Command::new(binary)
            .args(["--port", &address.port().to_string(), "--token", TOKEN])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let hubspot = Self { process, client: Client::new(address, Some(TOKEN)) };
        let deadline = Instant::now() + Duration::from_secs(20);
        while let Err(error) = hubspot.client.call("GET", "/crm/v3/objects/contacts?limit=1", None) {
            ensure!(Instant::now() < deadline, "the emulator doesn't answer: {error:#}");
            sleep(Duration::from_millis(50));
        }
        Ok(hubspot)
    }

    /// What a connector's `baseUrl` has to be.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.client.address)
    }

    /// Creates contacts numbered so.
    pub(crate) fn create_contacts(&self, numbers: Range<usize>) -> Result<()> {
        let inputs: Vec<_> = numbers
            .map(|n| json!({"properties": {"email": format!("person{n}@example.com"), "firstname": format!("Person {n}")}}))
            .collect();
        self.batch("contacts", "create", &inputs)
    }

    /// Updates the first `updated` contacts there are and archives the last `archived`.
    pub(crate) fn change_contacts(&self, updated: usize, archived: usize) -> Result<()> {
        let contacts = self.contacts()?;
        let inputs: Vec<_> = contacts
            .iter()
            .take(updated)
            .map(|(id, contact)| {
                let name = contact["properties"]["firstname"].as_str().unwrap_or_default();
                json!({"id": id, "properties": {"firstname": format!("{name}+")}})
            })
            .collect();
        self.batch("contacts", "update", &inputs)?;
        let inputs: Vec<_> = contacts.keys().rev().take(archived).map(|id| json!({"id": id})).collect();
        self.batch("contacts", "archive", &inputs)
    }

    /// All contacts there are, by id: their properties and when they were last changed.
    pub(crate) fn contacts(&self) -> Result<BTreeMap<String, Value>> {
        let contacts = self.list("contacts")?;
        Ok(contacts
            .into_iter()
            .map(|object| (object["id"].as_str().unwrap_or_default().to_owned(), state(&object)))
            .collect())
    }

    /// How many companies there are of each name.
    pub(crate) fn companies(&self) -> Result<BTreeMap<String, usize>> {
        let mut names = BTreeMap::new();
        for company in self.list("companies")? {
            let name = company["properties"]["name"].as_str().unwrap_or_default();
            *names.entry(name.to_owned()).or_default() += 1;
        }
        Ok(names)
    }

    fn batch(&self, object_type: &str, action: &str, inputs: &[Value]) -> Result<()> {
        for inputs in inputs.chunks(BATCH) {
            let path = format!("/crm/v3/objects/{object_type}/batch/{action}");
            let answer = self.client.call("POST", &path, Some(&json!({"inputs": inputs})))?;
            ensure!(answer.get("errors").is_none_or(|errors| errors == &json!([])), "{path}: {}", answer["errors"]);
        }
        Ok(())
    }

    fn list(&self, object_type: &str) -> Result<Vec<Value>> {
        let mut objects = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.client.call("GET", &format!("/crm/v3/objects/{object_type}?limit=100{after}"), None)?;
            objects.extend(page["results"].as_array().context("a list without results")?.iter().cloned());
            match page["paging"]["next"]["after"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(objects),
            }
        }
    }
}

impl Drop for HubSpot {
    fn drop(&mut self) {
        // Only fails when it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What of an object has to arrive.
pub(crate) fn state(object: &Value) -> Value {
    json!({"properties": object["properties"], "createdAt": object["createdAt"], "updatedAt": object["updatedAt"], "archived": object["archived"]})
}
