//! Whether a source reads, stops and resumes.

use std::collections::HashSet;
use std::time::Duration;

use conduit_connector_protocol::ProtocolVersion;
use opencdc::Record;

use super::{Context, Ending, ensure, fail, skip};
use crate::SourceDriver;

/// How long a source that has nothing more is listened to.
const QUIET: Duration = Duration::from_millis(1500);

impl Context {
    /// A source, opened at its beginning.
    async fn opened_source(&self) -> Result<SourceDriver, Ending> {
        let mut source = self.source().await?;
        source.open(None).await?;
        Ok(source)
    }

    /// As many records as the suite says there are, none of them acknowledged.
    async fn read(&self, source: &mut SourceDriver) -> Result<Vec<Record>, Ending> {
        let count = self.source_suite()?.records;
        self.within(&format!("reading {count} records"), source.read(count)).await
    }
}

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

pub(super) async fn read(context: &Context) -> Result<(), Ending> {
    let mut source = context.opened_source().await?;
    let records = context.read(&mut source).await?;
    source.ack_all(&records).await?;
    source.finish().await?;
    Ok(())
}

pub(super) async fn read_v1(context: &Context) -> Result<(), Ending> {
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
    if let Ok(ended) = tokio::time::timeout(QUIET, listening).await {
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

pub(super) async fn resume(context: &Context) -> Result<(), Ending> {
    let mut first = context.opened_source().await?;
    let records = context.read(&mut first).await?;
    let (acked, missing) = records.split_at(records.len() / 2);
    let Some(at) = acked.last().map(|record| record.position.clone()) else {
        return skip("it takes two records; `records` in the suite is less");
    };
    first.ack_all(acked).await?;
    first.kill().await?;

    let mut second = context.source().await?;
    second.open(Some(at)).await?;
    let all = missing.len();
    let mut missing: Vec<&Record> = missing.iter().collect();
    let reading = async {
        while !missing.is_empty() {
            let records = second.next().await?;
            second.ack_all(&records).await?;
            for record in &records {
                missing.retain(|other| !is_same(record, other));
            }
        }
        Ok::<_, crate::DriverError>(())
    };
    if let Ok(read) = tokio::time::timeout(context.limit(), reading).await {
        read?;
    } else {
        let some = missing.first().map(|record| record.position.to_string()).unwrap_or_default();
        let limit = context.limit();
        return fail(format!("{} of {all} did not come within {limit:?}, so the one at {some}", missing.len()));
    }
    second.finish().await?;
    Ok(())
}

/// Whether this is the record again, read a second time: it has the same position or the same key, or where there are no keys,
/// looks the same. Positions alone won't do, as a source may give others when it resumes; nor do keys, as they may be counted
/// from where the source was opened.
fn is_same(one: &Record, other: &Record) -> bool {
    one.position == other.position
        || match (&one.key, &other.key) {
            (None, None) => one.payload == other.payload,
            (key, other) => key == other,
        }
}
