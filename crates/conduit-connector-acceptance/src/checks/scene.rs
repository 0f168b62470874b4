//! What a check works with: the connector, the suite's part of it, and things of its own.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opencdc::{Data, Record};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use super::{Check, Ending, fail, skip};
use crate::suite::run_command;
use crate::suite::text::Texts as _;
use crate::{
    Connector, DestinationDriver, DestinationSuite, LogEntry, Outcome, Registry, SourceDriver, SourceSuite, Suite,
};

/// What a check works with. Nothing of it is shared with another check.
pub(crate) struct Context {
    /// The connector; it is told of the registry.
    pub(crate) connector: Connector,
    /// The suite, filled in for this check.
    pub(crate) suite: Suite,
    plain: PlainLines,
    /// The host's registry of schemas.
    pub(super) registry: Registry,
    /// A text that no other check has.
    unique: String,
    /// How many records were numbered.
    numbered: AtomicUsize,
    populated: OnceCell<()>,
}

/// A record to write, and what has to come of it.
pub(super) struct ToWrite {
    pub(super) record: Record,
    /// A text that stands in this record alone.
    pub(super) mark: String,
    /// Whether the mark is in the record.
    pub(super) is_marked: bool,
    /// Whether the connector has to refuse it.
    pub(super) refused: bool,
    /// Its number in the suite, from 1.
    pub(super) number: usize,
}

impl ToWrite {
    pub(super) fn which(&self) -> String {
        format!("record {} of the suite ({})", self.number, self.record.operation)
    }
}

/// What the connector printed to stderr that is no log entry: what a panic says, mostly.
#[derive(Clone, Default)]
struct PlainLines(Arc<Mutex<Option<String>>>);

impl PlainLines {
    fn saw(&self, entry: &LogEntry) {
        if entry.level.is_none() && !entry.message.is_empty() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| entry.message.clone());
        }
    }

    fn first(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An address that takes connections and never answers.
struct BlackHole {
    address: String,
    holding: JoinHandle<()>,
}

impl BlackHole {
    async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let holding = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                held.push(connection);
            }
        });
        Ok(Self { address, holding })
    }
}

impl Drop for BlackHole {
    fn drop(&mut self) {
        self.holding.abort();
    }
}

impl Context {
    /// Runs a check with a folder, a registry and a black hole of its own, and with the suite's commands around it.
    pub(crate) async fn within_a_scene(program: &Path, suite: &Suite, check: &Check) -> Outcome {
        let failed = |what: &str, error: String| Outcome::Failed(format!("the suite's own {what} failed: {error}"));
        let folder = match tempfile::Builder::new().prefix("acceptance-").tempdir() {
            Ok(folder) => folder,
            Err(error) => return failed("temporary folder", error.to_string()),
        };
        let hole = match BlackHole::open().await {
            Ok(hole) => hole,
            Err(error) => return failed("black hole", error.to_string()),
        };
        let registry = match Registry::start().await {
            Ok(registry) => registry,
            Err(error) => return failed("schema service", error.to_string()),
        };
        // Small letters and digits, for those who look at names and addresses closely.
        let unique = format!("acc{:08x}", fastrand::u32(..));
        let path = folder.path().to_string_lossy();
        let suite = suite.for_a_check(&[("folder", &*path), ("unique", &unique), ("blackhole", hole.address.as_str())]);
        if let Some(command) = &suite.before
            && let Err(error) = run_command(command, &suite.folder, String::new()).await
        {
            return failed("`before`", error);
        }
        let plain = PlainLines::default();
        let connector = connector(program, &suite, Some(&registry), &plain);
        let context = Self {
            connector,
            suite,
            plain,
            registry,
            unique,
            numbered: AtomicUsize::new(0),
            populated: OnceCell::new(),
        };
        let outcome = check.run(&context).await;
        if let Some(command) = &context.suite.after
            && let Err(error) = run_command(command, &context.suite.folder, String::new()).await
            && !matches!(outcome, Outcome::Failed(_))
        {
            return failed("`after`", error);
        }
        match (outcome, context.plain.first()) {
            // What a program prints as it dies says more than that the connection broke.
            (Outcome::Failed(reason), Some(line)) => Outcome::Failed(format!("{reason}; on stderr: {line}")),
            (outcome, _) => outcome,
        }
    }

    /// The connector in an environment that offers no schema service: what hosts before Conduit v0.11 did.
    pub(super) fn connector_without_registry(&self) -> Connector {
        connector(self.connector.program(), &self.suite, None, &self.plain)
    }

    pub(super) fn limit(&self) -> Duration {
        self.suite.limit()
    }

    pub(super) fn source_suite(&self) -> Result<&SourceSuite, Ending> {
        self.suite.source.as_ref().map_or_else(|| skip("the suite has no [source]"), Ok)
    }

    pub(super) fn destination_suite(&self) -> Result<&DestinationSuite, Ending> {
        self.suite.destination.as_ref().map_or_else(|| skip("the suite has no [destination]"), Ok)
    }

    /// A source, configured.
    pub(super) async fn source(&self) -> Result<SourceDriver, Ending> {
        Ok(self.connector.source(self.source_suite()?.settings.clone()).await?)
    }

    /// A destination, configured.
    pub(super) async fn destination(&self) -> Result<DestinationDriver, Ending> {
        Ok(self.connector.destination(self.destination_suite()?.settings.clone()).await?)
    }

    /// A destination, opened.
    pub(super) async fn opened_destination(&self, connector: &Connector) -> Result<DestinationDriver, Ending> {
        let mut destination = connector.destination(self.destination_suite()?.settings.clone()).await?;
        destination.open().await?;
        Ok(destination)
    }

    /// A source, opened at its beginning, that has records to read.
    pub(super) async fn opened_source(&self) -> Result<SourceDriver, Ending> {
        self.populate().await?;
        let mut source = self.source().await?;
        source.open(None).await?;
        Ok(source)
    }

    /// As many records as the suite says there are, none of them acknowledged.
    pub(super) async fn read(&self, source: &mut SourceDriver) -> Result<Vec<Record>, Ending> {
        let count = self.source_suite()?.records;
        self.within(&format!("reading {count} records"), source.read(count)).await
    }

    /// Seeds records, once a check, where the suite can.
    pub(super) async fn populate(&self) -> Result<(), Ending> {
        if self.source_suite()?.seed.is_some() {
            self.populated.get_or_try_init(|| async { self.seed().await.map(drop) }).await?;
        }
        Ok(())
    }

    /// Seeds as many records as the suite says. Gives a text for each that stands in this record alone.
    pub(super) async fn seed(&self) -> Result<Vec<String>, Ending> {
        let suite = self.source_suite()?;
        let Some(seed) = &suite.seed else { return skip("the suite has no [source.seed]") };
        let (first, marks) = self.marks(suite.records);
        let sending = async { seed.send(&marks, first, &self.suite.folder).await.map_err(Ending::Failed) };
        self.within("seeding", sending).await?;
        Ok(marks)
    }

    /// Marks that were not given before, and the number of the first.
    fn marks(&self, count: usize) -> (usize, Vec<String>) {
        let first = self.numbered.fetch_add(count, Ordering::Relaxed) + 1;
        // Of one length, so that none is found in another.
        (first, (first..first + count).map(|number| format!("{}x{number:05}", self.unique)).collect())
    }

    /// The suite's records to write, each at a position of its own.
    pub(super) fn to_write(&self) -> Result<Vec<ToWrite>, Ending> {
        let templates = &self.destination_suite()?.records;
        let mut records = Vec::new();
        for (number, template) in templates.iter().enumerate() {
            let (first, marks) = self.marks(template.times);
            for (n, mark) in (first..).zip(marks) {
                let n = n.to_string();
                records.push(ToWrite {
                    record: template.filled(&[("mark", mark.as_str()), ("n", &n)]).at(format!("acceptance-{n}")),
                    is_marked: template.has_placeholder("mark"),
                    mark,
                    refused: template.refused,
                    number: number + 1,
                });
            }
        }
        if records.is_empty() { skip("the suite has no [[destination.records]]") } else { Ok(records) }
    }

    /// The first record to write that is not to be refused.
    pub(super) fn one_to_write(&self) -> Result<Record, Ending> {
        match self.to_write()?.into_iter().find(|it| !it.refused) {
            Some(it) => Ok(it.record),
            None => skip("all of [[destination.records]] have to be refused"),
        }
    }

    /// What comes within the limit.
    pub(super) async fn within<T, E: Into<Ending>>(
        &self,
        what: &str,
        coming: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Ending> {
        match tokio::time::timeout(self.limit(), coming).await {
            Ok(result) => result.map_err(Into::into),
            Err(_) => fail(format!("{what} took longer than {:?}", self.limit())),
        }
    }
}

fn connector(program: &Path, suite: &Suite, registry: Option<&Registry>, plain: &PlainLines) -> Connector {
    let plain = plain.clone();
    let connector = Connector::new(program)
        .connector_id("acceptance")
        .call_limit(suite.limit())
        .logs(move |entry| plain.saw(entry));
    let connector = match registry {
        Some(registry) => connector.registry(registry),
        None => connector,
    };
    let connector = suite.environment.iter().fold(connector, |connector, (name, value)| connector.env(name, value));
    match suite.version {
        Some(version) => connector.version(version),
        None => connector,
    }
}

/// Which of the marks stands in the record's key or payload: as a text, or among raw bytes.
pub(super) fn mark_of(record: &Record, marks: &[String]) -> Option<usize> {
    let text = [&record.key, &record.payload.after, &record.payload.before]
        .into_iter()
        .flatten()
        .map(text_of)
        .collect::<Vec<_>>()
        .join("\n");
    marks.iter().position(|mark| text.contains(mark.as_str()))
}

fn text_of(data: &Data) -> String {
    match data {
        Data::Raw(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Data::Structured(map) => serde_json::to_string(map).unwrap_or_default(),
    }
}
