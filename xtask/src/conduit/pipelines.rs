//! The two pipelines, the files at their ends, and what the files say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::hubspot::{self, HubSpot};

/// The pipelines' ids.
pub(crate) const IDS: [&str; 2] = ["hubspot-to-file", "file-to-hubspot"];

/// The files of a run.
#[derive(Debug)]
pub(crate) struct Files {
    /// The plugin, where Conduit looks for it.
    pub(crate) plugin: PathBuf,
    /// What goes into HubSpot: one company a line.
    pub(crate) input: PathBuf,
    output: PathBuf,
}

impl Files {
    /// Lays out `connectors/` and `pipelines/` below `directory`, and an empty input.
    pub(crate) fn create(directory: &Path, plugin: &Path, hubspot: &HubSpot) -> Result<Self> {
        let connectors = directory.join("connectors");
        let pipelines = directory.join("pipelines");
        fs::create_dir_all(&connectors).context("create the connectors' directory")?;
        fs::create_dir_all(&pipelines).context("create the pipelines' directory")?;
        // The real path: a process is recognised by it.
        let connectors = connectors.canonicalize().context("find the connectors' directory")?;
        let files = Self {
            plugin: connectors.join(plugin.file_name().context("the plugin has no name")?),
            input: directory.join("companies.jsonl"),
            output: directory.join("contacts.jsonl"),
        };
        fs::copy(plugin, &files.plugin).with_context(|| format!("copy {}", plugin.display()))?;
        fs::write(&files.input, "").context("create the input")?;
        let file = |path: &Path| json!({"path": path});
        let resource =
            |name: &str| json!({"accessToken": hubspot::TOKEN, "baseUrl": hubspot.base_url(), "resource": name});
        let mut contacts = resource("crm.contacts");
        contacts["pollingPeriod"] = json!("200ms");
        contacts["deletes.interval"] = json!("500ms");
        let to_file = pipeline(IDS[0], ("standalone:hubspot", &contacts), ("builtin:file", &file(&files.output)));
        let to_hubspot =
            pipeline(IDS[1], ("builtin:file", &file(&files.input)), ("standalone:hubspot", &resource("crm.companies")));
        for (id, text) in IDS.iter().zip([to_file, to_hubspot]) {
            // JSON is YAML.
            fs::write(pipelines.join(format!("{id}.yml")), text.to_string()).context("write a pipeline")?;
        }
        Ok(files)
    }

    /// The records in the output, in the order of their arrival.
    pub(crate) fn records(&self) -> Result<Vec<Value>> {
        records(&self.output)
    }
}

/// The records in a file that Conduit writes, in the order of their arrival. None as long as there is no file.
pub(crate) fn records(path: &Path) -> Result<Vec<Value>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    // A line without its end is still being written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).with_context(|| format!("no record: {line}"))).collect()
}

fn pipeline(id: &str, source: (&str, &Value), destination: (&str, &Value)) -> Value {
    let connector = |kind: &str, (plugin, settings): (&str, &Value)| json!({"id": kind, "type": kind, "plugin": plugin, "settings": settings});
    json!({"version": "2.2", "pipelines": [{
        "id": id,
        "status": "running",
        "connectors": [connector("source", source), connector("destination", destination)],
    }]})
}

/// What the reader of the records believes in the end: the last state of each object by id, without the deleted.
pub(crate) fn replay(records: &[Value]) -> Result<BTreeMap<String, Value>> {
    let mut objects = BTreeMap::new();
    for record in records {
        let Some(id) = record["key"]["id"].as_str() else { bail!("a record without a key: {record}") };
        match record["operation"].as_str() {
            Some("delete") => objects.remove(id),
            Some("snapshot" | "create" | "update") => {
                objects.insert(id.to_owned(), hubspot::state(&record["payload"]["after"]))
            }
            _ => bail!("a record without an operation: {record}"),
        };
    }
    Ok(objects)
}

/// The input of the pipeline into HubSpot.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    names: BTreeSet<String>,
}

impl Lines {
    /// Nothing yet in the file at `path`.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), names: BTreeSet::new() }
    }

    /// Appends so many lines, each a company of its own name.
    pub(crate) fn append(&mut self, count: usize) -> Result<()> {
        let mut text = String::new();
        for n in self.names.len()..self.names.len() + count {
            let name = format!("Company {n}");
            text.push_str(&json!({"name": name}).to_string());
            text.push('\n');
            self.names.insert(name);
        }
        let mut file = OpenOptions::new().append(true).open(&self.path).context("open the input")?;
        file.write_all(text.as_bytes()).context("append to the input")
    }

    /// The names of all companies so far.
    pub(crate) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }
}
