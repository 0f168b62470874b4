//! Whether a destination writes, answers and stops.

use std::time::{Duration, Instant};

use conduit_connector_protocol::ProtocolVersion;
use opencdc::Record;

use super::scene::ToWrite;
use super::{Context, Ending, ensure, fail, skip};
use crate::suite::text::Texts as _;
use crate::{Answer, Connector, DriverError};

/// How often the other side is looked at for what was written.
const LOOK: Duration = Duration::from_millis(200);

/// Whether those were refused that have to be, and no others.
fn check_results<'a>(
    written: &[ToWrite],
    results: impl IntoIterator<Item = &'a Result<(), String>>,
) -> Result<(), Ending> {
    for (written, result) in written.iter().zip(results) {
        match result {
            Ok(()) => ensure(!written.refused, || format!("{} was not refused", written.which()))?,
            Err(error) => ensure(written.refused, || format!("{} was refused: {error}", written.which()))?,
        }
    }
    Ok(())
}

fn records(written: &[ToWrite]) -> Vec<Record> {
    written.iter().map(|it| it.record.clone()).collect()
}

async fn write_all(context: &Context, connector: &Connector) -> Result<(), Ending> {
    // Once all together, once one by one.
    let written = context.to_write()?;
    let mut destination = context.opened_destination(connector).await?;
    let results = destination.write(records(&written)).await?;
    check_results(&written, &results)?;
    nothing_more(&destination.finish().await?)?;

    let written = context.to_write()?;
    let mut destination = context.opened_destination(connector).await?;
    for it in &written {
        let results = destination.write(vec![it.record.clone()]).await?;
        check_results(std::slice::from_ref(it), &results)?;
    }
    nothing_more(&destination.finish().await?)
}

/// Every record has had its answer: there must not be another.
fn nothing_more(answers: &[Answer]) -> Result<(), Ending> {
    ensure(answers.is_empty(), || format!("{} more answers came than records were sent", answers.len()))
}

pub(super) async fn write(context: &Context) -> Result<(), Ending> {
    write_all(context, &context.connector).await
}

pub(super) async fn write_v1(context: &Context) -> Result<(), Ending> {
    write_all(context, &context.connector.clone().version(ProtocolVersion::V1)).await
}

pub(super) async fn failures(context: &Context) -> Result<(), Ending> {
    let written = context.to_write()?;
    let (refused, taken): (Vec<_>, Vec<_>) = written.into_iter().partition(|it| it.refused);
    if refused.is_empty() || taken.is_empty() {
        return skip("it takes a record that is refused and one that is not in [[destination.records]]");
    }
    // Each refused one in the middle of others.
    let mut mixed = Vec::new();
    let mut refused = refused.into_iter();
    for it in taken {
        mixed.extend(refused.next());
        mixed.push(it);
    }
    mixed.extend(refused);
    let mut destination = context.opened_destination(&context.connector).await?;
    let results = destination.write(records(&mixed)).await?;
    check_results(&mixed, &results)?;
    for (it, result) in mixed.iter().zip(&results) {
        let silent = result.as_ref().is_err_and(|reason| reason.trim().is_empty());
        ensure(!silent, || format!("{} was refused without a reason", it.which()))?;
    }
    nothing_more(&destination.finish().await?)
}

pub(super) async fn read_back(context: &Context) -> Result<(), Ending> {
    let Some(read_back) = &context.destination_suite()?.read_back else {
        return skip("the suite has no [destination.read_back]");
    };
    let written = context.to_write()?;
    if !written.iter().any(|it| it.is_marked && !it.refused) {
        return skip(
            "no record of [[destination.records]] that is to be written has {{mark}}: none could be recognised",
        );
    }
    let mut destination = context.opened_destination(&context.connector).await?;
    let results = destination.write(records(&written)).await?;
    check_results(&written, &results)?;
    nothing_more(&destination.finish().await?)?;

    let started = Instant::now();
    loop {
        let there = context
            .within("reading back", async { read_back.get(&context.suite.folder).await.map_err(Ending::Failed) })
            .await?;
        let is_there = |it: &&ToWrite| there.contains(&read_back.expect.filled(&[("mark", it.mark.as_str())]));
        if let Some(it) = written.iter().filter(|it| it.is_marked && it.refused).find(is_there) {
            return fail(format!("{} was refused, and is there all the same", it.which()));
        }
        let Some(missing) = written.iter().filter(|it| it.is_marked && !it.refused).find(|it| !is_there(it)) else {
            return Ok(());
        };
        // The other side may show what was written a little later.
        if started.elapsed() > context.limit() {
            return fail(format!("{} was written, and is not there: {:.500}", missing.which(), there));
        }
        tokio::time::sleep(LOOK).await;
    }
}

pub(super) async fn stop(context: &Context) -> Result<(), Ending> {
    let written = context.to_write()?;
    let records = records(&written);
    let mut destination = context.opened_destination(&context.connector).await?;
    destination.send(records.clone()).await?;
    // No answer is read before Stop: what the destination holds back, it has to write now.
    let answers = destination.finish().await?;
    ensure(answers.len() == records.len(), || format!("{} answers to {} records", answers.len(), records.len()))?;
    for (record, answer) in records.iter().zip(&answers) {
        let (due, position) = (&record.position, &answer.position);
        ensure(due == position, || format!("the answer for {position} came where the one for {due} was due"))?;
    }
    check_results(&written, answers.iter().map(|answer| &answer.result))?;

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

    if let Ok(written) = context.to_write() {
        let mut writing = context.opened_destination(&context.connector).await?;
        writing.send(records(&written)).await?;
        writing.teardown().await?;
        writing.shutdown().await?;
    }
    Ok(())
}

pub(super) async fn teardown_twice(context: &Context) -> Result<(), Ending> {
    let mut destination = context.opened_destination(&context.connector).await?;
    destination.teardown().await?;
    // Whether the second one is an error is the connector's business; that it is answered is not.
    match destination.teardown().await {
        Ok(()) | Err(DriverError::Call { .. }) => {}
        Err(error) => return fail(format!("the second time: {error}")),
    }
    destination.shutdown().await?;
    Ok(())
}
