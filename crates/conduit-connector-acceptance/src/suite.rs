//! What a suite is told about the connector that it checks.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use conduit_connector_protocol::ProtocolVersion;
use opencdc::{Change, Data, Map, Metadata, Operation, Position, Record};
use serde::Deserialize;
use thiserror::Error;

use crate::checks::{Check, Context};
use crate::{Connector, Finding, Outcome, Report, Settings};

/// Why a suite file could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// The file could not be read.
    #[error("cannot read the suite {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no suite.
    #[error("{} is no suite: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
}

/// What a suite is told about the connector that it checks. All of it is optional: checks that need what is not told are
/// skipped, and say so.
///
/// In a file it is TOML:
///
/// ```
/// let suite: conduit_connector_acceptance::Suite = toml::from_str(r#"
///     limit_seconds = 30              # how long an answer may take; 30 by default
///
///     [environment]                   # variables for the connector, beside the contract's
///     SSL_CERT_FILE = "/etc/ssl/cert.pem"
///
///     [source]
///     settings = { resource = "crm.contacts", accessToken = "…" }
///     records = 20                    # the source has at least that many; 10 by default
///
///     [destination]
///     settings = { resource = "crm.contacts", accessToken = "…" }
///
///     [[destination.records]]         # written several times, by several checks
///     operation = "create"            # create by default; or update, delete, snapshot
///     key = { id = "51" }             # a table, or a text, which is raw data
///     after = { email = "ada@example.com" }
///     metadata = { "opencdc.collection" = "crm.contacts" }
///
///     [[destination.records]]
///     operation = "delete"
///     key = { id = "no such thing" }
///     refused = true                  # the connector has to refuse this one, and only those
/// "#)?;
/// assert_eq!(suite.destination.unwrap().records.len(), 2);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Suite {
    /// Seconds that an answer may take.
    pub limit_seconds: u64,
    /// Environment variables for the connector, beside those of the contract.
    pub environment: BTreeMap<String, String>,
    /// How its source is checked.
    pub source: Option<SourceSuite>,
    /// How its destination is checked.
    pub destination: Option<DestinationSuite>,
    /// The protocol version of the checks that don't ask for one themselves; the highest that the connector speaks otherwise.
    #[serde(skip)]
    pub version: Option<ProtocolVersion>,
    /// A program that is a host, for the check that a connector ends with its host: called as `<host> hold <connector>
    /// <NAME=VALUE>…`, it starts the connector with that environment, writes its process id to stdout, and waits. The command `conduit-connector-acceptance` is one.
    #[serde(skip)]
    pub host: Option<PathBuf>,
}

/// How a source is checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SourceSuite {
    /// Valid settings.
    #[serde(default)]
    pub settings: Settings,
    /// How many records to read; the source has at least so many.
    #[serde(default = "ten")]
    pub records: usize,
}

/// How a destination is checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DestinationSuite {
    /// Valid settings.
    #[serde(default)]
    pub settings: Settings,
    /// Records to write.
    #[serde(default)]
    pub records: Vec<SuiteRecord>,
}

/// A record to write.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SuiteRecord {
    /// What happened.
    #[serde(default = "create")]
    pub operation: Operation,
    /// What is known beside the data.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// What it happened to.
    pub key: Option<SuiteData>,
    /// How it looked before.
    pub before: Option<SuiteData>,
    /// How it looks now.
    pub after: Option<SuiteData>,
    /// Whether the connector has to refuse it.
    #[serde(default)]
    pub refused: bool,
}

/// Data of a record to write: a table of fields, or a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum SuiteData {
    /// Structured data.
    Structured(Map),
    /// Raw data.
    Raw(String),
}

fn ten() -> usize {
    10
}

fn create() -> Operation {
    Operation::Create
}

impl Default for Suite {
    fn default() -> Self {
        Self {
            limit_seconds: 30,
            environment: BTreeMap::new(),
            source: None,
            destination: None,
            version: None,
            host: None,
        }
    }
}

impl From<SuiteData> for Data {
    fn from(data: SuiteData) -> Self {
        match data {
            SuiteData::Structured(map) => Self::Structured(map),
            SuiteData::Raw(text) => Self::Raw(text.into_bytes()),
        }
    }
}

impl SuiteRecord {
    /// The record, at a position that the suite makes up.
    pub(crate) fn at(&self, position: String) -> Record {
        Record {
            position: Position::new(position),
            operation: self.operation,
            metadata: Metadata::from(self.metadata.clone()),
            key: self.key.clone().map(Into::into),
            payload: Change { before: self.before.clone().map(Into::into), after: self.after.clone().map(Into::into) },
        }
    }
}

impl Suite {
    /// Reads a suite file.
    ///
    /// # Errors
    /// When it cannot be read, or is no suite.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SuiteError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| SuiteError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|source| SuiteError::Parse { path: path.to_owned(), source: Box::new(source) })
    }

    /// Runs all checks on a connector's program.
    pub async fn run(&self, program: impl Into<PathBuf>) -> Report {
        self.run_checks(program, Check::all(), |_| {}).await
    }

    /// Runs these checks, one after the other, and tells of each when it is done.
    pub async fn run_checks(
        &self,
        program: impl Into<PathBuf>,
        checks: impl IntoIterator<Item = Check>,
        mut done: impl FnMut(&Finding),
    ) -> Report {
        let program = program.into();
        let context = Context::new(self.connector(&program), self.clone());
        let mut findings = Vec::new();
        for check in checks {
            let started = Instant::now();
            // Checks have several calls; each call has its limit. This is for what has none.
            let limit = self.limit() * 10;
            let outcome = tokio::time::timeout(limit, check.run(&context))
                .await
                .unwrap_or_else(|_| Outcome::Failed(format!("the check was not over after {limit:?}")));
            let finding =
                Finding { check: check.name(), requirement: check.requirement(), outcome, took: started.elapsed() };
            done(&finding);
            findings.push(finding);
        }
        Report { connector: program.display().to_string(), findings }
    }

    /// How long an answer may take.
    pub(crate) fn limit(&self) -> Duration {
        Duration::from_secs(self.limit_seconds)
    }

    fn connector(&self, program: &Path) -> Connector {
        let connector = Connector::new(program).connector_id("acceptance").call_limit(self.limit());
        let connector = self.environment.iter().fold(connector, |connector, (name, value)| connector.env(name, value));
        match self.version {
            Some(version) => connector.version(version),
            None => connector,
        }
    }
}
