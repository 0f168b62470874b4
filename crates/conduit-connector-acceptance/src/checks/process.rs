//! Whether the process ends when it has to.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{Context, Ending, fail, skip};

/// How often a process is looked at that should end.
const LOOK: Duration = Duration::from_millis(20);

/// How long a signal may take to be noticed.
#[cfg(unix)]
const AFTER_SIGNAL: Duration = Duration::from_millis(300);

pub(super) async fn shutdown(context: &Context) -> Result<(), Ending> {
    let mut plugin = context.connector.command().start().await?;
    context.within("Shutdown", plugin.shutdown()).await?;
    Ok(())
}

pub(super) async fn shutdown_busy(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    context.within("reading a record", source.read(1)).await?;
    context.within("Shutdown", source.shutdown()).await?;
    Ok(())
}

#[cfg(unix)]
pub(super) async fn sigterm(context: &Context) -> Result<(), Ending> {
    let mut plugin = context.connector.command().start().await?;
    plugin.terminate()?;
    context.within("ending on SIGTERM", plugin.wait()).await?;

    if context.suite.source.is_some() {
        let mut source = context.opened_source().await?;
        context.within("reading a record", source.read(1)).await?;
        source.terminate()?;
        context.within("ending on SIGTERM in the middle of reading", source.wait()).await?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) async fn sigterm(_context: &Context) -> Result<(), Ending> {
    skip("there is no SIGTERM on this system")
}

#[cfg(unix)]
pub(super) async fn sigterm_stop(context: &Context) -> Result<(), Ending> {
    if context.suite.source.is_none() && context.suite.destination.is_none() {
        return skip("the suite has neither [source] nor [destination]");
    }
    let after = |call: &str, error: crate::DriverError| Ending::Failed(format!("after SIGTERM, {call}: {error}"));
    if context.suite.source.is_some() {
        let mut source = context.opened_source().await?;
        context.within("reading a record", source.take(1)).await?;
        source.terminate()?;
        tokio::time::sleep(AFTER_SIGNAL).await;
        let last = source.stop().await.map_err(|error| after("the source was to stop", error))?;
        source.drain(&last).await.map_err(|error| after("the source was to give its last records", error))?;
        source.close().await.map_err(|error| after("the source's stream was to end", error))?;
        source.teardown().await.map_err(|error| after("the source was to be torn down", error))?;
        source.shutdown().await.map_err(|error| after("the source was to be shut down", error))?;
    }
    if context.suite.destination.is_some() {
        let mut destination = context.opened_destination(&context.connector).await?;
        destination.terminate()?;
        tokio::time::sleep(AFTER_SIGNAL).await;
        let last = destination.last_sent().clone();
        destination.stop(last).await.map_err(|error| after("the destination was to stop", error))?;
        destination.close().await.map_err(|error| after("the destination's stream was to end", error))?;
        destination.teardown().await.map_err(|error| after("the destination was to be torn down", error))?;
        destination.shutdown().await.map_err(|error| after("the destination was to be shut down", error))?;
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) async fn sigterm_stop(_context: &Context) -> Result<(), Ending> {
    skip("there is no SIGTERM on this system")
}

#[cfg(unix)]
pub(super) async fn orphan(context: &Context) -> Result<(), Ending> {
    let Some(program) = &context.suite.host else {
        return skip("no host to kill: the suite runs inside another program");
    };
    let mut command = tokio::process::Command::new(program);
    command.arg("hold").arg(context.connector.program());
    let variables = [
        ("CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET", context.registry.target()),
        ("CONDUIT_CONNECTOR_TOKEN", context.registry.token()),
    ];
    let own = context.suite.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    command.args(variables.into_iter().chain(own).map(|(name, value)| format!("{name}={value}")));
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let mut host = spawned.map_err(|error| Ending::Failed(format!("cannot run the host to kill: {error}")))?;
    let line = match host.stdout.take() {
        Some(stdout) => {
            let mut lines = BufReader::new(stdout).lines();
            let reading = async { lines.next_line().await.map_err(|error| Ending::Failed(error.to_string())) };
            context.within("starting under another host", reading).await?.unwrap_or_default()
        }
        None => String::new(),
    };
    let Some(connector) = line.trim().parse().ok().and_then(rustix::process::Pid::from_raw) else {
        return fail(format!("the other host said {line:?} where the connector's process id was expected"));
    };
    host.kill().await.map_err(|error| Ending::Failed(format!("cannot kill the host: {error}")))?;

    let ending = async {
        while is_running(connector) {
            tokio::time::sleep(LOOK).await;
        }
    };
    if tokio::time::timeout(context.limit(), ending).await.is_err() {
        // It would go on for ever.
        let _ = rustix::process::kill_process(connector, rustix::process::Signal::KILL);
        return fail(format!("it still ran {:?} after its host was killed", context.limit()));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) async fn orphan(_context: &Context) -> Result<(), Ending> {
    skip("no host is killed on this system")
}

/// Whether the process runs. One that ended may stay as a zombie where nothing reaps it.
#[cfg(unix)]
fn is_running(pid: rustix::process::Pid) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let zombie = state.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
    rustix::process::test_kill_process(pid).is_ok() && !zombie
}
