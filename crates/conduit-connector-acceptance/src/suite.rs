//! What a suite is told about the connector that it checks.

mod other_side;
mod record;
pub(crate) mod text;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use conduit_connector_protocol::ProtocolVersion;
use serde::Deserialize;
use thiserror::Error;

use crate::checks::{Check, Context};
use crate::{Finding, Outcome, Report, Settings};
pub(crate) use other_side::run as run_command;
pub use other_side::{Http, ReadBack, Seed};
pub use record::{SuiteData, SuiteRecord};
use text::{OF_A_CHECK, OF_A_RECORD, Texts};

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
    /// The file is a suite that makes no sense.
    #[error("{}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What does not make sense, and where.
        problem: String,
    },
    /// The command that is to be the host isn't where the connector is.
    #[error("{} is not there: `cargo build --package conduit-connector-acceptance` builds it", path.display())]
    NoHost {
        /// Where it would be.
        path: PathBuf,
    },
}

/// What a suite is told about the connector that it checks. All of it is optional: checks that need what is not told are
/// skipped, and say so.
///
/// In a file it is TOML. `docs/acceptance.md` of the repository explains each key.
///
/// ```
/// let suite: conduit_connector_acceptance::Suite = toml::from_str(r#"
///     limit_seconds = 30              # how long an answer may take; 30 by default
///     before = ["touch", "{{folder}}/in"]   # a command, run before each check; `after` likewise
///
///     [environment]                   # variables for the connector, beside the contract's
///     SSL_CERT_FILE = "/etc/ssl/cert.pem"
///
///     [source]
///     settings = { path = "{{folder}}/in" }   # `{{folder}}` is an empty folder of each check's own
///     records = 20                    # how many records checks read; 10 by default
///
///     [source.seed]                   # how records get to where the source reads
///     command = ["tee", "-a", "{{folder}}/in"]
///     line = "name={{mark}}"          # `{{mark}}` is another text in each record
///
///     [destination]
///     settings = { path = "{{folder}}/out" }
///
///     [[destination.records]]         # written several times, by several checks
///     operation = "create"            # create by default; or update, delete, snapshot
///     key = { id = "{{n}}" }          # a table, or a text, which is raw data
///     after = { email = "{{mark}}@example.com" }
///     metadata = { "opencdc.collection" = "crm.contacts" }
///     times = 10                      # so many records are made of it; 1 by default
///
///     [[destination.records]]
///     operation = "delete"
///     key = { id = "no such thing" }
///     refused = true                  # the connector has to refuse this one, and only those
///
///     [destination.read_back]         # how what was written is read
///     command = ["cat", "{{folder}}/out"]
/// "#)?;
/// assert_eq!(suite.destination.unwrap().records.len(), 2);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Suite {
    /// Seconds that an answer may take; 30 by default.
    pub limit_seconds: u64,
    /// Seconds after which a source that sent nothing is taken to have nothing; 1.5 by default. It must be more than the
    /// source's polling takes to find a new record.
    pub quiet_seconds: f64,
    /// Environment variables for the connector, beside those of the contract.
    pub environment: BTreeMap<String, String>,
    /// A program and its arguments, run before each check.
    pub before: Option<Vec<String>>,
    /// A program and its arguments, run after each check.
    pub after: Option<Vec<String>>,
    /// How its source is checked.
    pub source: Option<SourceSuite>,
    /// How its destination is checked.
    pub destination: Option<DestinationSuite>,
    /// The protocol version of the checks that don't ask for one themselves; the highest that the connector speaks otherwise.
    #[serde(skip)]
    pub version: Option<ProtocolVersion>,
    /// A program that is a host, for the check that a connector ends with its host: called as `<host> hold <connector>
    /// <NAME=VALUE>…`, it starts the connector with that environment, writes its process id to stdout, and waits. The command
    /// `conduit-connector-acceptance` is one.
    #[serde(skip)]
    pub host: Option<PathBuf>,
    /// Where commands are run, and what their paths are meant from: the folder of the suite's file; where there is no file,
    /// the current one.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// How a source is checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SourceSuite {
    /// Valid settings.
    #[serde(default)]
    pub settings: Settings,
    /// How many records to read. Without a seed, the source has at least so many; with one, each check that reads seeds them.
    #[serde(default = "ten")]
    pub records: usize,
    /// How records get to where it reads.
    pub seed: Option<Seed>,
    /// Whether a source that is opened at a position may give records again that were acknowledged before.
    #[serde(default)]
    pub at_least_once: bool,
    /// Whether its records have schemas. Where nothing is said, checks of schemas are skipped when they have none.
    pub schema: Option<bool>,
    /// Settings with which it hangs as soon as it reads, beside or instead of `settings`. The address `{{blackhole}}` takes
    /// connections and never answers.
    pub hang: Option<Settings>,
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
    /// How what was written is read.
    pub read_back: Option<ReadBack>,
    /// Whether it decodes records that have schemas. Where nothing is said, the check of it is skipped when it asks for none.
    pub schema: Option<bool>,
    /// Settings with which it hangs as soon as it writes, beside or instead of `settings`.
    pub hang: Option<Settings>,
}

fn ten() -> usize {
    10
}

impl Default for Suite {
    fn default() -> Self {
        Self {
            limit_seconds: 30,
            quiet_seconds: 1.5,
            environment: BTreeMap::new(),
            before: None,
            after: None,
            source: None,
            destination: None,
            version: None,
            host: None,
            folder: PathBuf::from("."),
        }
    }
}

/// All texts but those of records.
impl Texts for Suite {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        self.environment.each_text(look);
        self.before.each_text(look);
        self.after.each_text(look);
        if let Some(source) = &mut self.source {
            source.settings.each_text(look);
            source.hang.each_text(look);
        }
        if let Some(destination) = &mut self.destination {
            destination.settings.each_text(look);
            destination.hang.each_text(look);
        }
    }
}

/// The texts that are filled anew for each record.
struct OfRecords<'a>(&'a mut Suite);

impl OfRecords<'_> {
    fn each_text(&mut self, look: &mut dyn FnMut(&mut String)) {
        if let Some(source) = &mut self.0.source {
            source.seed.each_text(look);
        }
        if let Some(destination) = &mut self.0.destination {
            destination.records.each_text(look);
            destination.read_back.each_text(look);
        }
    }
}

impl Suite {
    /// Reads a suite file.
    ///
    /// # Errors
    /// When it cannot be read, is no suite, or makes no sense.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SuiteError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|source| SuiteError::Read { path: path.to_owned(), source })?;
        let mut suite: Self = toml::from_str(&text)
            .map_err(|source| SuiteError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        if let Some(problem) = suite.problem() {
            return Err(SuiteError::Invalid { path: path.to_owned(), problem });
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            folder.clone_into(&mut suite.folder);
        }
        Ok(suite)
    }

    /// Takes this package's command for the [`host`](Self::host): cargo builds it beside the programs of its workspace, a connector's
    /// among them.
    ///
    /// # Errors
    /// When it isn't there.
    pub fn host_beside(self, connector: &Path) -> Result<Self, SuiteError> {
        let host = connector.with_file_name(format!("conduit-connector-acceptance{}", env::consts::EXE_SUFFIX));
        if !host.is_file() {
            return Err(SuiteError::NoHost { path: host });
        }
        Ok(Self { host: Some(host), ..self })
    }

    /// What makes no sense in it, if anything: a placeholder that doesn't exist, a seed without `{{mark}}`, two ways to reach
    /// the other side, no time.
    pub fn problem(&self) -> Option<String> {
        if self.limit_seconds == 0 {
            return Some("limit_seconds is 0: every check would fail".to_owned());
        }
        if !self.quiet_seconds.is_finite() || self.quiet_seconds <= 0.0 {
            return Some(format!("quiet_seconds is {}; it takes a number above 0", self.quiet_seconds));
        }
        for (name, command) in [("before", &self.before), ("after", &self.after)] {
            if command.as_ref().is_some_and(Vec::is_empty) {
                return Some(format!("{name} is empty; it takes a program and its arguments"));
            }
        }
        if let Some(source) = &self.source {
            if source.records < 2 {
                return Some("source.records is less than 2; resuming between two records takes two".to_owned());
            }
            if let Some(problem) = source.seed.as_ref().and_then(Seed::problem) {
                return Some(problem);
            }
        }
        if let Some(problem) =
            self.destination.as_ref().and_then(|it| it.read_back.as_ref()).and_then(ReadBack::problem)
        {
            return Some(problem);
        }
        let known_everywhere = OF_A_CHECK.map(|name| format!("{{{{{name}}}}}")).join(", ");
        if let Some(name) = self.unknown_placeholder(&OF_A_CHECK) {
            return Some(format!("{{{{{name}}}}} stands for nothing here; there are {known_everywhere}"));
        }
        let known: Vec<&str> = OF_A_CHECK.into_iter().chain(OF_A_RECORD).collect();
        let mut unknown = None;
        OfRecords(&mut self.clone())
            .each_text(&mut |text| unknown = unknown.take().or(text.unknown_placeholder(&known)));
        unknown.map(|name| {
            format!("{{{{{name}}}}} stands for nothing; there are {known_everywhere}, {{{{mark}}}}, {{{{n}}}}")
        })
    }

    /// This suite for one check: with the placeholders filled that each check has of its own.
    pub(crate) fn for_a_check(&self, values: &[(&str, &str)]) -> Self {
        let mut suite = self.filled(values);
        OfRecords(&mut suite).each_text(&mut |text| *text = text.filled(values));
        suite
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
        let mut findings = Vec::new();
        for check in checks {
            let started = Instant::now();
            // Checks have several calls; each call has its limit. This is for what has none.
            let limit = self.limit() * 10;
            let checking = Context::within_a_scene(&program, self, &check);
            let outcome = tokio::time::timeout(limit, checking)
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

    /// How long a source that has nothing more is listened to.
    pub(crate) fn quiet(&self) -> Duration {
        Duration::try_from_secs_f64(self.quiet_seconds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_said() {
        for (text, part) in [
            ("limit_seconds = 0", "limit_seconds is 0"),
            ("quiet_seconds = -1.0", "quiet_seconds is -1"),
            ("before = []", "before is empty"),
            ("[source]\nrecords = 1", "source.records is less than 2"),
            ("[source.seed]\nline = '{{mark}}'", "source.seed has neither `command` nor `http`"),
            ("[source.seed]\ncommand = ['a']\nhttp = { url = 'b' }", "both `command` and `http`"),
            ("[source.seed]\ncommand = ['a']\nline = 'b'", "source.seed has no {{mark}}"),
            ("[source.seed]\nhttp = { url = 'b' }", "source.seed has no {{mark}}"),
            ("[source]\nsettings = { a = '{{mark}}' }", "{{mark}} stands for nothing here; there are {{folder}}"),
            ("[[destination.records]]\nkey = { id = ['{{k}}'] }", "{{k}} stands for nothing; there are {{folder}}"),
            ("[destination.read_back]\ncommand = ['cat']\nexpect = 'a'", "expect has no {{mark}}"),
        ] {
            let suite: Suite = toml::from_str(text).unwrap();
            let problem = suite.problem().unwrap_or_default();
            assert!(problem.contains(part), "{text}: {problem}");
        }
        assert_eq!(Suite::default().problem(), None);
    }

    #[test]
    fn placeholders_of_a_check_are_filled_and_those_of_records_kept() {
        let text =
            "[source]\nsettings = { path = '{{folder}}/in' }\n[source.seed]\ncommand = ['{{folder}}/seed', '{{mark}}']";
        let suite = toml::from_str::<Suite>(text).unwrap().for_a_check(&[("folder", "/f")]);
        let source = suite.source.unwrap();
        assert_eq!(source.settings["path"], "/f/in");
        assert_eq!(source.seed.unwrap().command.unwrap(), ["/f/seed", "{{mark}}"]);
    }
}
