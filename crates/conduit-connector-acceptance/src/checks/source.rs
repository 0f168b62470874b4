//! Whether a source reads, stops and resumes.

use std::collections::HashSet;

use conduit_connector_protocol::ProtocolVersion;

use super::{Context, Ending, ensure, fail};
use crate::DriverError;

pub(super) async fn teardown(context: &Context) -> Result<(), Ending> {
    context.source_suite()?;
    let mut unconfigured = context.connector.unconfigured_source().await?;
    unconfigured.teardown().await?;
    unconfigured.shutdown().await?;

    let mut configured = context.source().await?;
    configured.teardown().await?;
    configured.shutdown().await?;

    let mut opened = context.opened_source().await?;
    opened.teardown().await?;
    opened.shutdown().await?;

    let mut reading = context.opened_source().await?;
    context.within("reading a record", reading.read(1)).await?;
    reading.teardown().await?;
    reading.shutdown().await?;

    let mut stopped = context.opened_source().await?;
    stopped.stop().await?;
    stopped.teardown().await?;
    stopped.shutdown().await?;
    Ok(())
}

pub(super) async fn teardown_twice(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    context.within("reading a record", source.read(1)).await?;
    source.teardown().await?;
    // Whether the second one is an error is the connector's business; that it is answered is not.
    match source.teardown().await {
        Ok(()) | Err(DriverError::Call { .. }) => {}
        Err(error) => return fail(format!("the second time: {error}")),
    }
    source.shutdown().await?;
    Ok(())
}

pub(super) async fn read(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    let records = context.read(&mut source).await?;
    source.ack_all(&records).await?;
    source.finish().await?;
    Ok(())
}

pub(super) async fn read_v1(context: &Context) -> Result<(), Ending> {
    context.populate().await?;
    let connector = context.connector.clone().version(ProtocolVersion::V1);
    let mut source = connector.source(context.source_suite()?.settings.clone()).await?;
    source.open(None).await?;
    let records = context.read(&mut source).await?;
    source.ack_all(&records).await?;
    source.finish().await?;
    Ok(())
}

pub(super) async fn positions(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    let records = context.read(&mut source).await?;
    let mut seen = HashSet::new();
    for record in &records {
        ensure(!record.position.is_empty(), || format!("a record has no position: {record:?}"))?;
        ensure(seen.insert(&record.position), || format!("two records have the position {}", record.position))?;
    }
    source.ack_all(&records).await?;
    source.finish().await?;
    Ok(())
}

pub(super) async fn acks(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    let records = context.read(&mut source).await?;
    let (one_by_one, together) = records.split_at(records.len() / 2);
    for record in one_by_one {
        source.ack(vec![record.position.clone()]).await?;
    }
    source.ack_all(together).await?;
    let last = source.stop().await?;
    source.drain(&last).await?;
    // What the source has against an ack comes here.
    source.close().await?;
    source.teardown().await?;
    source.shutdown().await?;
    Ok(())
}

pub(super) async fn quiet(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    let records = context.read(&mut source).await?;
    source.ack_all(&records).await?;
    let listening = async {
        loop {
            let records = source.next().await?;
            source.ack_all(&records).await?;
        }
    };
    // Records may come; what must not come is the end.
    if let Ok(ended) = tokio::time::timeout(context.suite.quiet(), listening).await {
        return ended;
    }
    source.finish().await?;
    Ok(())
}

pub(super) async fn stop(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    let records = context.read(&mut source).await?;
    source.ack_all(&records).await?;
    let last = source.stop().await?;
    ensure(!last.is_empty(), || format!("Stop gave no position, after {} records", records.len()))?;
    let rest = match source.drain(&last).await {
        Ok(rest) => rest,
        Err(error) => return fail(format!("Stop gave the position {last}, but no record came with it: {error}")),
    };
    let read = records.iter().chain(&rest).last().map(|record| &record.position);
    ensure(read == Some(&last), || format!("Stop gave the position {last}, but the last record has {read:?}"))?;
    let after = source.close().await?;
    ensure(after.is_empty(), || format!("{} records came after the one at the last position", after.len()))?;
    source.teardown().await?;
    source.shutdown().await?;
    Ok(())
}

pub(super) async fn stop_unread(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    let last = source.stop().await?;
    source.drain(&last).await?;
    source.close().await?;
    source.teardown().await?;
    source.shutdown().await?;
    Ok(())
}
