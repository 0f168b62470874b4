//! Whether what the connector logs is what Conduit reads.

use super::{Context, Ending, ensure, fail, skip};
use crate::LogEntry;

/// hclog's levels. Others become `info` entries without their level.
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

pub(super) async fn form(context: &Context) -> Result<(), Ending> {
    let mut entries = Vec::new();
    // The lowest level, so that as much as possible is logged.
    let connector = context.connector.clone().log_level("trace");
    if let Some(suite) = &context.suite.source {
        context.populate().await?;
        let mut source = connector.source(suite.settings.clone()).await?;
        source.open(None).await?;
        context.within("reading a record", source.take(1)).await?;
        source.stop().await?;
        source.teardown().await?;
        source.shutdown().await?;
        entries.extend(source.logs());
    }
    if context.suite.destination.is_some() {
        let mut destination = context.opened_destination(&connector).await?;
        if let Ok(written) = context.to_write() {
            destination.write(written.into_iter().map(|it| it.record).collect()).await?;
        }
        destination.teardown().await?;
        destination.shutdown().await?;
        entries.extend(destination.logs());
    }
    let mut unconfigured = connector.unconfigured_source().await?;
    unconfigured.shutdown().await?;
    entries.extend(unconfigured.logs());
    if entries.is_empty() {
        return skip("it logged nothing");
    }
    for entry in &entries {
        check(entry)?;
    }
    Ok(())
}

fn check(entry: &LogEntry) -> Result<(), Ending> {
    match entry.level.as_deref() {
        None if entry.fields.is_empty() => {
            fail(format!("this line on stderr is no JSON object with @level: {:?}", entry.message))
        }
        None => fail(format!("this entry has no @level: {:?}", entry.message)),
        Some(level) => {
            ensure(LEVELS.contains(&level), || format!("{:?} is logged at the level {level:?}", entry.message))?;
            ensure(!entry.message.is_empty(), || format!("an entry at {level} has no @message: {:?}", entry.fields))
        }
    }
}
