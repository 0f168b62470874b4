//! The checks: what any connector has to hold to, each an async function over the drivers.

mod configuration;
mod destination;
mod handshake;
mod hanging;
mod log;
mod process;
mod resume;
mod scene;
mod schema;
mod seeded;
mod size;
mod source;
mod specification;

use std::future::Future;
use std::io;
use std::pin::Pin;

use conduit_connector_protocol::host::HostError;

use crate::{DriverError, Outcome};
pub(crate) use scene::Context;

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Ending>> + Send + 'a>>;

/// One thing that any connector has to hold to.
#[derive(Clone, Copy)]
pub struct Check {
    name: &'static str,
    requirement: &'static str,
    run: for<'a> fn(&'a Context) -> Running<'a>,
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

impl From<io::Error> for Ending {
    fn from(error: io::Error) -> Self {
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
const ALL: &[Check] = &checks! {
    "handshake.v1", handshake::v1, "a host that offers protocol v1 gets v1";
    "handshake.v2", handshake::v2, "a host that offers protocol v2 gets v2";
    "handshake.highest", handshake::highest, "a host that offers both gets v2";
    "handshake.lowest", handshake::lowest, "a host that names no version gets v1";
    "handshake.unix", handshake::unix, "it can be reached where the handshake says, offered a folder for a Unix socket";
    "handshake.tcp", handshake::tcp, "it can be reached where the handshake says, offered TCP ports";
    "handshake.bare", handshake::bare_environment, "with nothing but cookie and versions in its environment it serves, or says on stderr what is missing, prints nothing to stdout, and exits with 1";
    "handshake.cookie", handshake::cookie, "without the magic cookie, and with another one, it explains itself on stderr, prints nothing to stdout, and exits with 1";
    "handshake.health", handshake::health, "the health of the service `plugin` is SERVING";
    "handshake.stdout", handshake::stdout, "stdout carries the handshake line and nothing else";
    "log.form", log::form, "each line on stderr is a JSON object with @level and @message";
    "specification.identity", specification::identity, "name, summary, description and author are there, and trimmed";
    "specification.version", specification::version, "the version is vX.Y.Z or (devel)";
    "specification.source", specification::source, "parameters of the source have valid names and descriptions";
    "specification.destination", specification::destination, "parameters of the destination have valid names, without *, and descriptions";
    "specification.versions", specification::versions, "protocol v1 and v2 say the same of the connector";
    "source.configure", configuration::source, "the source takes valid settings, and may be torn down at once";
    "source.configure.required", configuration::source_required, "the source names each required parameter that is missing";
    "source.configure.invalid", configuration::source_invalid, "the source refuses values against types and validations, and names the parameter";
    "source.configure.unknown", configuration::source_unknown, "the source refuses a parameter that it does not know, by name";
    "source.lifecycle", configuration::source_lifecycle, "the source answers when it is told that it was created, updated, deleted";
    "source.teardown", source::teardown, "the source can be torn down at any moment";
    "source.teardown.twice", source::teardown_twice, "the source answers a second teardown, and can still be shut down";
    "source.read", source::read, "the source gives its records";
    "source.read.v1", source::read_v1, "the source gives its records in protocol v1";
    "source.positions", source::positions, "positions are there, and no two records have the same";
    "source.acks", source::acks, "acks are taken one by one and several at once, and the stream ends well after the last one";
    "source.quiet", source::quiet, "a source that has nothing more waits; the stream does not end";
    "source.stop", source::stop, "Stop gives the position of the last record that is sent; nothing comes after it";
    "source.stop.unread", source::stop_unread, "Stop is answered though nothing was acknowledged";
    "source.snapshot", seeded::snapshot, "what was there before the source was opened comes, each record once, as snapshot or create";
    "source.cdc", seeded::cdc, "what is created while the source runs comes, each record once, as create, at positions of its own";
    "source.resume", resume::killed, "killed with half of the records acknowledged and opened at the last ack, it gives all of the others";
    "source.resume.snapshot", resume::snapshot, "stopped with half of the snapshot acknowledged and opened at the last ack, it gives the other half and nothing again";
    "source.resume.cdc", resume::cdc, "stopped with half of the changes acknowledged and opened at the last ack, it gives the other half and nothing again";
    "source.schema", schema::source, "schemas that records name are in the host's registry, and the data decodes by them";
    "source.schema.absent", schema::source_absent, "without a schema service the source gives its records, or says on stderr what is missing and exits with 1";
    "destination.configure", configuration::destination, "the destination takes valid settings, and may be torn down at once";
    "destination.configure.required", configuration::destination_required, "the destination names each required parameter that is missing";
    "destination.configure.invalid", configuration::destination_invalid, "the destination refuses values against types and validations, and names the parameter";
    "destination.configure.unknown", configuration::destination_unknown, "the destination refuses a parameter that it does not know, by name";
    "destination.lifecycle", configuration::destination_lifecycle, "the destination answers when it is told that it was created, updated, deleted";
    "destination.teardown", destination::teardown, "the destination can be torn down at any moment";
    "destination.teardown.twice", destination::teardown_twice, "the destination answers a second teardown, and can still be shut down";
    "destination.write", destination::write, "each record gets one answer, in order; those that have to be refused are, and no others";
    "destination.write.v1", destination::write_v1, "each record gets one answer, in order, in protocol v1";
    "destination.failures", destination::failures, "a refused record says why, and the next ones are written all the same";
    "destination.stop", destination::stop, "Stop writes what is on its way: every record sent before it is answered";
    "destination.read_back", destination::read_back, "what was answered as written is on the other side, and what was refused is not";
    "destination.schema", schema::destination, "records encoded by a schema of the host's registry are written as if they were not";
    "destination.size.near", size::near, "a record of nearly 4 MiB, the limit, is answered";
    "destination.size.above", size::above, "a record beyond the limit is an error, and the connector can still be torn down";
    "destination.size.raised", size::raised, "where the host raises the limit, a record of 5 MiB is answered";
};

/// What follows runs last, since it ends processes the hard way.
const ENDINGS: &[Check] = &checks! {
    "process.shutdown", process::shutdown, "Shutdown is answered, and the process exits within two seconds";
    "process.shutdown.busy", process::shutdown_busy, "so it is in the middle of reading";
    "process.shutdown.hanging.source", hanging::source, "so it is while the source hangs";
    "process.shutdown.hanging.destination", hanging::destination, "so it is while the destination hangs";
    "process.sigterm", process::sigterm, "SIGTERM ends the process in bounded time";
    "process.sigterm.stop", process::sigterm_stop, "after SIGTERM the host can still stop, tear down and shut down what runs";
    "process.orphan", process::orphan, "the process ends when its host is gone";
};

impl Check {
    /// All checks, in the order in which they run.
    pub fn all() -> Vec<Self> {
        ALL.iter().chain(ENDINGS).copied().collect()
    }

    /// Its name, `source.resume`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What has to hold.
    pub fn requirement(&self) -> &'static str {
        self.requirement
    }

    async fn run(&self, context: &Context) -> Outcome {
        match (self.run)(context).await {
            Ok(()) => Outcome::Passed,
            Err(Ending::Failed(reason)) => Outcome::Failed(reason),
            Err(Ending::Skipped(reason)) => Outcome::Skipped(reason),
        }
    }
}
