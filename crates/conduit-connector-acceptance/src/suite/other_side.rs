//! How the other side is reached: what a source reads from, and what a destination writes to.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Once;

use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::record::{SuiteData, SuiteRecord};
use super::text::Texts;

/// How records get to where a source reads: a command or an HTTP request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Seed {
    /// A program and its arguments. It gets all records on stdin, one a line.
    pub command: Option<Vec<String>>,
    /// The line of a record for the command; where none is given, it is the record as JSON.
    pub line: Option<String>,
    /// The record of the line; `{"id": "{{mark}}", "name": "record {{n}}"}` with the key `{"id": "{{mark}}"}` where none is
    /// given.
    pub record: Option<SuiteRecord>,
    /// A request, sent once a record; `POST` where no method is given.
    pub http: Option<Http>,
}

/// How what a destination wrote is read: a command or an HTTP request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReadBack {
    /// A program and its arguments, whose stdout is what is there.
    pub command: Option<Vec<String>>,
    /// A request whose answer is what is there; `GET` where no method is given.
    pub http: Option<Http>,
    /// What must be there of a record; `{{mark}}` where nothing is given.
    #[serde(default = "mark")]
    pub expect: String,
}

/// An HTTP request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Http {
    /// `GET`, `POST`, ….
    pub method: Option<String>,
    /// Where it goes.
    pub url: String,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body: a table is sent as JSON, a text as it is.
    pub body: Option<SuiteData>,
}

fn mark() -> String {
    "{{mark}}".to_owned()
}

impl Texts for Http {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        look(&mut self.url);
        self.headers.each_text(look);
        self.body.each_text(look);
    }
}

impl Texts for Seed {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        self.command.each_text(look);
        self.line.each_text(look);
        self.record.each_text(look);
        self.http.each_text(look);
    }
}

impl Texts for ReadBack {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        self.command.each_text(look);
        self.http.each_text(look);
        look(&mut self.expect);
    }
}

impl Seed {
    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        one_of(self.command.as_ref(), self.http.as_ref(), "source.seed").or_else(|| {
            let marked = match (&self.http, &self.line, &self.record) {
                (Some(http), ..) => http.has_placeholder("mark"),
                (None, Some(line), _) => line.has_placeholder("mark"),
                (None, None, Some(record)) => record.has_placeholder("mark"),
                (None, None, None) => true,
            };
            (!marked).then(|| {
                "source.seed has no {{mark}} in what it sends: without it, records that are read cannot be recognised"
                    .to_owned()
            })
        })
    }

    /// Sends one record for each mark, numbered from `first`.
    pub(crate) async fn send(&self, marks: &[String], first: usize, folder: &Path) -> Result<(), String> {
        let numbers = (first..).map(|number| number.to_string());
        let marked = marks.iter().zip(numbers);
        if let Some(http) = &self.http {
            for (mark, number) in marked {
                http.filled(&[("mark", mark), ("n", &number)]).send("POST").await?;
            }
            return Ok(());
        }
        let template = self.record.clone().unwrap_or_else(SuiteRecord::of_the_suite);
        let mut lines = String::new();
        for (mark, number) in marked {
            let values = [("mark", mark.as_str()), ("n", number.as_str())];
            let line = match &self.line {
                Some(line) => line.filled(&values),
                None => serde_json::to_string(&template.filled(&values).at(mark.clone()))
                    .map_err(|error| format!("a record to seed cannot be written as JSON: {error}"))?,
            };
            lines.push_str(&line);
            lines.push('\n');
        }
        run(self.command.as_deref().unwrap_or_default(), folder, lines).await.map(|_| ())
    }
}

impl ReadBack {
    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        one_of(self.command.as_ref(), self.http.as_ref(), "destination.read_back").or_else(|| {
            let marked = self.expect.has_placeholder("mark");
            (!marked).then(|| "destination.read_back.expect has no {{mark}}".to_owned())
        })
    }

    /// What is there.
    pub(crate) async fn get(&self, folder: &Path) -> Result<String, String> {
        match &self.http {
            Some(http) => http.send("GET").await,
            None => run(self.command.as_deref().unwrap_or_default(), folder, String::new()).await,
        }
    }
}

fn one_of(command: Option<&Vec<String>>, http: Option<&Http>, section: &str) -> Option<String> {
    match (command, http) {
        (None, None) => Some(format!("{section} has neither `command` nor `http`")),
        (Some(_), Some(_)) => Some(format!("{section} has both `command` and `http`; give one")),
        (Some(command), None) if command.is_empty() => Some(format!("{section}.command is empty")),
        _ => None,
    }
}

impl Http {
    /// Sends it. Gives the answer's text; an answer other than 2xx is an error.
    async fn send(&self, default: &str) -> Result<String, String> {
        static TLS: Once = Once::new();
        // Another one that is installed already will do as well.
        TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let name = self.method.as_deref().unwrap_or(default);
        let what = format!("{name} {}", self.url);
        let failed = |error: reqwest::Error| format!("{what}: {error}");
        let method = name.parse::<reqwest::Method>().map_err(|error| format!("{what}: {error}"))?;
        let client = reqwest::Client::builder().build().map_err(failed)?;
        let mut request = client.request(method, &self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request = match &self.body {
            Some(SuiteData::Structured(map)) => {
                let json = serde_json::to_string(map).map_err(|error| format!("{what}: {error}"))?;
                request.header("content-type", "application/json").body(json)
            }
            Some(SuiteData::Raw(text)) => request.body(text.clone()),
            None => request,
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let text = response.text().await.map_err(failed)?;
        if status.is_success() { Ok(text) } else { Err(format!("{what}: {status}: {text}")) }
    }
}

/// Runs a program in a folder, with this on stdin. Gives its stdout; an exit code other than 0 is an error.
pub(crate) async fn run(command: &[String], folder: &Path, stdin: String) -> Result<String, String> {
    let [program, arguments @ ..] = command else { return Err("the suite has an empty command".to_owned()) };
    let failed = |error: io::Error| format!("cannot run {program}: {error}");
    // A path is meant from the suite's folder; a mere name is looked up.
    let path = if program.contains('/') { folder.join(program) } else { program.into() };
    let mut child = Command::new(path)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let input = child.stdin.take();
    let writing = async {
        if let Some(mut input) = input {
            // One that needs nothing from stdin may close it.
            let _ = input.write_all(stdin.as_bytes()).await;
        }
    };
    let ((), output) = tokio::join!(writing, child.wait_with_output());
    let output = output.map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{program} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}
