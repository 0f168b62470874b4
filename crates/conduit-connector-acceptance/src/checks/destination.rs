//! Whether a destination writes, answers and stops.

use conduit_connector_protocol::ProtocolVersion;
use opencdc::Record;

use super::{Context, Ending, ensure};
use crate::{Answer, Connector, DestinationDriver};

impl Context {
    /// A destination, opened.
    async fn opened_destination(&self, connector: &Connector) -> Result<DestinationDriver, Ending> {
        let mut destination = connector.destination(self.destination_suite()?.settings.clone()).await?;
        destination.open().await?;
        Ok(destination)
    }

    /// Whether those were refused that have to be, and no others.
    fn check_results<'a>(
        &self,
        records: &[Record],
        results: impl IntoIterator<Item = &'a Result<(), String>>,
    ) -> Result<(), Ending> {
        for ((number, suite_record), result) in self.destination_suite()?.records.iter().enumerate().zip(results) {
            let operation = records[number].operation;
            let which = || format!("record {} of the suite ({operation})", number + 1);
            match result {
                Ok(()) => ensure(!suite_record.refused, || format!("{} was not refused", which()))?,
                Err(error) => ensure(suite_record.refused, || format!("{} was refused: {error}", which()))?,
            }
        }
        Ok(())
    }

    async fn write(&self, connector: &Connector) -> Result<(), Ending> {
        let records = self.records()?;
        // Once all together, once one by one.
        let mut destination = self.opened_destination(connector).await?;
        let results = destination.write(records.clone()).await?;
        self.check_results(&records, &results)?;
        nothing_more(&destination.finish().await?)?;

        let mut destination = self.opened_destination(connector).await?;
        for record in records {
            destination.write(vec![record]).await?;
        }
        nothing_more(&destination.finish().await?)
    }
}

/// Every record has had its answer: there must not be another.
fn nothing_more(answers: &[Answer]) -> Result<(), Ending> {
    ensure(answers.is_empty(), || format!("{} more answers came than records were sent", answers.len()))
}

pub(super) async fn write(context: &Context) -> Result<(), Ending> {
    context.write(&context.connector).await
}

pub(super) async fn write_v1(context: &Context) -> Result<(), Ending> {
    context.write(&context.connector.clone().version(ProtocolVersion::V1)).await
}

pub(super) async fn stop(context: &Context) -> Result<(), Ending> {
    let records = context.records()?;
    let mut destination = context.opened_destination(&context.connector).await?;
    destination.send(records.clone()).await?;
    // No answer is read before Stop: what the destination holds back, it has to write now.
    let answers = destination.finish().await?;
    ensure(answers.len() == records.len(), || format!("{} answers to {} records", answers.len(), records.len()))?;
    for (record, answer) in records.iter().zip(&answers) {
        let (due, position) = (&record.position, &answer.position);
        ensure(due == position, || format!("the answer for {position} came where the one for {due} was due"))?;
    }
    context.check_results(&records, answers.iter().map(|answer| &answer.result))?;

    // And Conduit stops pipelines that had nothing to write.
    let idle = context.opened_destination(&context.connector).await?;
    nothing_more(&idle.finish().await?)
}

pub(super) async fn teardown(context: &Context) -> Result<(), Ending> {
    context.destination_suite()?;
    let mut unconfigured = context.connector.unconfigured_destination().await?;
    unconfigured.teardown().await?;
    unconfigured.shutdown().await?;

    let mut configured = context.destination().await?;
    configured.teardown().await?;
    configured.shutdown().await?;

    let mut opened = context.opened_destination(&context.connector).await?;
    opened.teardown().await?;
    opened.shutdown().await?;

    if let Ok(records) = context.records() {
        let mut writing = context.opened_destination(&context.connector).await?;
        writing.send(records).await?;
        writing.teardown().await?;
        writing.shutdown().await?;
    }
    Ok(())
}
