//! Whether the program starts as the contract says.

use std::process::{Output, Stdio};

use conduit_connector_protocol::host::{HostError, Network};
use conduit_connector_protocol::{MAGIC_COOKIE_KEY, MAGIC_COOKIE_VALUE, ProtocolVersion};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Context, Ending, ensure, fail};
use crate::DriverError;

pub(super) async fn v1(context: &Context) -> Result<(), Ending> {
    speaks(context, &[ProtocolVersion::V1], ProtocolVersion::V1).await
}

pub(super) async fn v2(context: &Context) -> Result<(), Ending> {
    speaks(context, &[ProtocolVersion::V2], ProtocolVersion::V2).await
}

pub(super) async fn highest(context: &Context) -> Result<(), Ending> {
    speaks(context, &ProtocolVersion::ALL, ProtocolVersion::V2).await
}

async fn speaks(context: &Context, offered: &[ProtocolVersion], expected: ProtocolVersion) -> Result<(), Ending> {
    let mut plugin = context.connector.command().versions(offered.iter().copied()).start().await?;
    let version = plugin.version();
    plugin.shutdown().await?;
    ensure(version == expected, || format!("it chose {version}"))
}

pub(super) async fn unix(context: &Context) -> Result<(), Ending> {
    context.connector.clone().network(Network::Unix).specify().await?;
    Ok(())
}

pub(super) async fn tcp(context: &Context) -> Result<(), Ending> {
    context.connector.clone().network(Network::Tcp).specify().await?;
    Ok(())
}

pub(super) async fn lowest(context: &Context) -> Result<(), Ending> {
    let mut command = bare(context, Some(MAGIC_COOKIE_VALUE), None);
    command
        .env("CONDUIT_CONNECTOR_ID", "acceptance")
        .env("CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET", context.registry.target())
        .env("CONDUIT_CONNECTOR_TOKEN", context.registry.token());
    let line = match Bare::start(context, command).await? {
        Bare::Serves { line } => line,
        Bare::Ended { output } => {
            return fail(format!("it ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
    };
    let version = line.split('|').nth(1).unwrap_or_default();
    ensure(line.starts_with("1|") && version == "1", || format!("its handshake is {line:?}"))
}

pub(super) async fn bare_environment(context: &Context) -> Result<(), Ending> {
    let command = bare(context, Some(MAGIC_COOKIE_VALUE), Some("1,2"));
    match Bare::start(context, command).await? {
        Bare::Serves { line } => {
            ensure(line.starts_with("1|") && line.contains("|grpc"), || format!("its handshake is {line:?}"))
        }
        Bare::Ended { output } => explains(&output, "in a bare environment"),
    }
}

pub(super) async fn cookie(context: &Context) -> Result<(), Ending> {
    for (cookie, how) in [(None, "with no cookie"), (Some("another"), "with a wrong cookie")] {
        match Bare::start(context, bare(context, cookie, Some("1,2"))).await? {
            Bare::Serves { line } => return fail(format!("{how} it printed {line:?} to stdout")),
            Bare::Ended { output } => explains(&output, how)?,
        }
    }
    Ok(())
}

/// The program with these variables alone, and those of the suite.
fn bare(context: &Context, cookie: Option<&str>, versions: Option<&str>) -> Command {
    let mut command = Command::new(context.connector.program());
    command.env_clear().envs(&context.suite.environment);
    command.envs(cookie.map(|cookie| (MAGIC_COOKIE_KEY, cookie)));
    command.envs(versions.map(|versions| ("PLUGIN_PROTOCOL_VERSIONS", versions)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What became of a program that was started by hand.
enum Bare {
    /// It printed a line; it was killed then.
    Serves { line: String },
    /// It ended.
    Ended { output: Output },
}

impl Bare {
    async fn start(context: &Context, mut command: Command) -> Result<Self, Ending> {
        let mut child = command.spawn()?;
        let Some(stdout) = child.stdout.take() else { return fail("it has no stdout") };
        let mut lines = BufReader::new(stdout).lines();
        let starting = async {
            match lines.next_line().await? {
                Some(line) => {
                    child.kill().await?;
                    Ok::<_, Ending>(Self::Serves { line })
                }
                None => Ok(Self::Ended { output: child.wait_with_output().await? }),
            }
        };
        context.within("a line on stdout or an exit", starting).await
    }
}

/// It ended as it should: with 1, and with a reason on stderr.
fn explains(output: &Output, how: &str) -> Result<(), Ending> {
    ensure(output.status.code() == Some(1), || format!("{how} it ended with {}", output.status))?;
    ensure(!output.stderr.trim_ascii().is_empty(), || format!("{how} it said nothing on stderr"))
}

/// A connector that did not start said why, and exited with 1.
pub(super) fn refuses_clearly(error: &DriverError, how: &str) -> Result<(), Ending> {
    match error {
        DriverError::Host(HostError::Exited { status, stderr, .. }) => {
            ensure(status.code() == Some(1), || format!("{how} it ended with {status}"))?;
            ensure(stderr != "nothing", || format!("{how} it said nothing on stderr"))
        }
        other => fail(format!("{how}: {other}")),
    }
}

pub(super) async fn health(context: &Context) -> Result<(), Ending> {
    let mut plugin = context.connector.command().start().await?;
    let mut client = HealthClient::new(plugin.channel());
    let asking = client.check(HealthCheckRequest { service: "plugin".to_owned() });
    let answer = context
        .within("the health check", async {
            asking.await.map_err(|status| Ending::Failed(format!("the health check failed: {status}")))
        })
        .await?;
    plugin.shutdown().await?;
    let status = answer.into_inner().status();
    ensure(status == ServingStatus::Serving, || format!("it is {}", status.as_str_name()))
}

pub(super) async fn stdout(context: &Context) -> Result<(), Ending> {
    let mut stray = Vec::new();
    if context.suite.source.is_some() {
        context.populate().await?;
    }
    // As much as can be done with it: what prints once a connector works must be found as well.
    if let Some(suite) = &context.suite.source {
        let mut source = context.connector.source(suite.settings.clone()).await?;
        source.open(None).await?;
        context.within("reading", source.take(suite.records.min(1))).await?;
        source.teardown().await?;
        source.shutdown().await?;
        stray.extend(source.stray_output());
    }
    if let Some(suite) = &context.suite.destination {
        let mut destination = context.connector.destination(suite.settings.clone()).await?;
        destination.open().await?;
        destination.teardown().await?;
        destination.shutdown().await?;
        stray.extend(destination.stray_output());
    }
    let mut plugin = context.connector.command().start().await?;
    plugin.shutdown().await?;
    stray.extend(plugin.stray_output());
    ensure(stray.is_empty(), || format!("it printed {:?}", stray.join("\n")))
}
