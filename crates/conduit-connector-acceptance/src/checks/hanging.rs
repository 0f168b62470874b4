//! Whether the process ends though the connector's own code hangs.

use std::time::Duration;

use super::{Context, Ending, fail, skip};
use crate::Settings;

/// How long a connector gets to begin what it hangs in.
const BEGIN: Duration = Duration::from_secs(1);

fn with(settings: &Settings, hang: Option<&Settings>, section: &str) -> Result<Settings, Ending> {
    let Some(hang) = hang else { return skip(format!("the suite has no [{section}.hang]")) };
    let mut settings = settings.clone();
    settings.extend(hang.clone());
    Ok(settings)
}

pub(super) async fn source(context: &Context) -> Result<(), Ending> {
    let suite = context.source_suite()?;
    let settings = with(&suite.settings, suite.hang.as_ref(), "source")?;
    context.populate().await?;
    let mut source = context.connector.source(settings).await?;
    let opening = source.open_aside();
    tokio::time::sleep(BEGIN).await;
    if opening.is_finished() {
        if let Ok(Err(status)) = opening.await {
            return fail(format!("with [source.hang], Open does not hang, but fails: {}", status.message()));
        }
        source.run();
        if let Ok(came) = tokio::time::timeout(BEGIN, source.next()).await {
            came?;
            return fail("with [source.hang] it gives records");
        }
    }
    context.within("Shutdown", source.shutdown()).await?;
    Ok(())
}

pub(super) async fn destination(context: &Context) -> Result<(), Ending> {
    let suite = context.destination_suite()?;
    let settings = with(&suite.settings, suite.hang.as_ref(), "destination")?;
    let record = context.one_to_write()?;
    let mut destination = context.connector.destination(settings).await?;
    let opening = destination.open_aside();
    tokio::time::sleep(BEGIN).await;
    if opening.is_finished() {
        if let Ok(Err(status)) = opening.await {
            return fail(format!("with [destination.hang], Open does not hang, but fails: {}", status.message()));
        }
        destination.run();
        destination.send(vec![record]).await?;
        if let Ok(answered) = tokio::time::timeout(BEGIN, destination.receive()).await {
            answered?;
            return fail("with [destination.hang] it answers records");
        }
    }
    context.within("Shutdown", destination.shutdown()).await?;
    Ok(())
}
