//! The checks: what any connector has to hold to, each an async function over the drivers.

mod configuration;
mod destination;
mod handshake;
mod process;
mod source;
mod specification;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use conduit_connector_protocol::host::HostError;
use opencdc::Record;

use crate::{Connector, DestinationDriver, DestinationSuite, DriverError, Outcome, SourceDriver, SourceSuite, Suite};

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Ending>> + Send + 'a>>;

/// One thing that any connector has to hold to.
#[derive(Clone, Copy)]
pub struct Check {
    name: &'static str,
    requirement: &'static str,
    run: for<'a> fn(&'a Context) -> Running<'a>,
}

/// What a check works with.
pub(crate) struct Context {
    pub(crate) connector: Connector,
    pub(crate) suite: Suite,
}

/// Why a check did not pass.
pub(crate) enum Ending {
    Failed(String),
    Skipped(String),
}

impl From<DriverError> for Ending {
    fn from(error: DriverError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<HostError> for Ending {
    fn from(error: HostError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The check failed, for this reason.
fn fail<T>(reason: impl Into<String>) -> Result<T, Ending> {
    Err(Ending::Failed(reason.into()))
}

/// The check cannot be made, for this reason.
fn skip<T>(reason: impl Into<String>) -> Result<T, Ending> {
    Err(Ending::Skipped(reason.into()))
}

/// Fails with the reason unless it holds.
fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), Ending> {
    if holds { Ok(()) } else { fail(reason()) }
}

macro_rules! checks {
    ($($name:literal, $function:path, $requirement:literal;)+) => {
        [$(Check { name: $name, requirement: $requirement, run: |context| Box::pin($function(context)) }),+]
    };
}

/// All of them, in the order in which they run.
const ALL: [Check; 34] = checks! {
    "handshake.v1", handshake::v1, "a host that offers protocol v1 gets v1";
    "handshake.v2", handshake::v2, "a host that offers protocol v2 gets v2";
    "handshake.highest", handshake::highest, "a host that offers both gets v2";
    "handshake.unix", handshake::unix, "it can be reached where the handshake says, offered a folder for a Unix socket";
    "handshake.tcp", handshake::tcp, "it can be reached where the handshake says, offered TCP ports";
    "handshake.cookie", handshake::cookie, "without the magic cookie it explains itself on stderr, prints nothing to stdout, and exits with 1";
    "handshake.health", handshake::health, "the health of the service `plugin` is SERVING";
    "handshake.stdout", handshake::stdout, "stdout carries the handshake line and nothing else";
    "specification.identity", specification::identity, "name, summary, description and author are there, and trimmed";
    "specification.version", specification::version, "the version is vX.Y.Z or (devel)";
    "specification.source", specification::source, "parameters of the source have valid names and descriptions";
    "specification.destination", specification::destination, "parameters of the destination have valid names, without *, and descriptions";
    "specification.versions", specification::versions, "protocol v1 and v2 say the same of the connector";
    "source.configure", configuration::source, "the source takes valid settings";
    "source.configure.required", configuration::source_required, "the source names each required parameter that is missing";
    "source.configure.unknown", configuration::source_unknown, "the source refuses a parameter that it does not know, by name";
    "source.lifecycle", configuration::source_lifecycle, "the source answers when it is told that it was created, updated, deleted";
    "source.teardown", source::teardown, "the source can be torn down at any moment";
    "source.read", source::read, "the source gives its records";
    "source.read.v1", source::read_v1, "the source gives its records in protocol v1";
    "source.positions", source::positions, "positions are there, and no two records have the same";
    "source.acks", source::acks, "acks are taken one by one and several at once, and the stream ends well after the last one";
    "source.quiet", source::quiet, "a source that has nothing more waits; the stream does not end";
    "source.stop", source::stop, "Stop gives the position of the last record that is sent; nothing comes after it";
    "source.stop.unread", source::stop_unread, "Stop is answered though nothing was acknowledged";
    "source.resume", source::resume, "killed with half of the records acknowledged and opened at the last ack, it gives all of the others";
    "destination.configure", configuration::destination, "the destination takes valid settings";
    "destination.configure.required", configuration::destination_required, "the destination names each required parameter that is missing";
    "destination.configure.unknown", configuration::destination_unknown, "the destination refuses a parameter that it does not know, by name";
    "destination.lifecycle", configuration::destination_lifecycle, "the destination answers when it is told that it was created, updated, deleted";
    "destination.teardown", destination::teardown, "the destination can be torn down at any moment";
    "destination.write", destination::write, "each record gets one answer, in order; those that have to be refused are, and no others";
    "destination.write.v1", destination::write_v1, "each record gets one answer, in order, in protocol v1";
    "destination.stop", destination::stop, "Stop writes what is on its way: every record sent before it is answered";
};

/// What follows runs last, since it ends processes the hard way.
const ENDINGS: [Check; 4] = checks! {
    "process.shutdown", process::shutdown, "Shutdown is answered, and the process exits within two seconds";
    "process.shutdown.busy", process::shutdown_busy, "so it is in the middle of reading";
    "process.sigterm", process::sigterm, "SIGTERM ends the process in bounded time";
    "process.orphan", process::orphan, "the process ends when its host is gone";
};

impl Check {
    /// All checks, in the order in which they run.
    pub fn all() -> Vec<Self> {
        ALL.into_iter().chain(ENDINGS).collect()
    }

    /// Its name, `source.resume`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What has to hold.
    pub fn requirement(&self) -> &'static str {
        self.requirement
    }

    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        match (self.run)(context).await {
            Ok(()) => Outcome::Passed,
            Err(Ending::Failed(reason)) => Outcome::Failed(reason),
            Err(Ending::Skipped(reason)) => Outcome::Skipped(reason),
        }
    }
}

impl Context {
    pub(crate) fn new(connector: Connector, suite: Suite) -> Self {
        Self { connector, suite }
    }

    fn limit(&self) -> Duration {
        self.suite.limit()
    }

    fn source_suite(&self) -> Result<&SourceSuite, Ending> {
        self.suite.source.as_ref().map_or_else(|| skip("the suite has no [source]"), Ok)
    }

    fn destination_suite(&self) -> Result<&DestinationSuite, Ending> {
        self.suite.destination.as_ref().map_or_else(|| skip("the suite has no [destination]"), Ok)
    }

    /// A source, configured.
    async fn source(&self) -> Result<SourceDriver, Ending> {
        Ok(self.connector.source(self.source_suite()?.settings.clone()).await?)
    }

    /// A destination, configured.
    async fn destination(&self) -> Result<DestinationDriver, Ending> {
        Ok(self.connector.destination(self.destination_suite()?.settings.clone()).await?)
    }

    /// The suite's records to write, each at a position of its own.
    fn records(&self) -> Result<Vec<Record>, Ending> {
        let records = &self.destination_suite()?.records;
        if records.is_empty() {
            return skip("the suite has no [[destination.records]]");
        }
        Ok(records.iter().enumerate().map(|(number, record)| record.at(format!("acceptance-{number}"))).collect())
    }

    /// What comes within the limit.
    async fn within<T, E: Into<Ending>>(
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
