//! Whether the program starts as the contract says.

use std::process::Stdio;

use conduit_connector_protocol::host::Network;
use conduit_connector_protocol::{MAGIC_COOKIE_KEY, ProtocolVersion};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Context, Ending, ensure, fail};

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

pub(super) async fn cookie(context: &Context) -> Result<(), Ending> {
    for cookie in [None, Some("another")] {
        let mut command = tokio::process::Command::new(context.connector.program());
        command.env_clear().envs(&context.suite.environment).env("PLUGIN_PROTOCOL_VERSIONS", "1,2");
        if let Some(cookie) = cookie {
            command.env(MAGIC_COOKIE_KEY, cookie);
        }
        let cookie = if cookie.is_some() { "a wrong cookie" } else { "no cookie" };
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = match tokio::time::timeout(context.limit(), command.output()).await {
            Err(_) => return fail(format!("with {cookie} it did not exit within {:?}", context.limit())),
            Ok(Err(error)) => return fail(format!("it cannot be run: {error}")),
            Ok(Ok(output)) => output,
        };
        let stdout = String::from_utf8_lossy(&output.stdout);
        ensure(stdout.is_empty(), || format!("with {cookie} it printed {stdout:?} to stdout"))?;
        ensure(output.status.code() == Some(1), || format!("with {cookie} it ended with {}", output.status))?;
        ensure(!output.stderr.trim_ascii().is_empty(), || format!("with {cookie} it said nothing on stderr"))?;
    }
    Ok(())
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
