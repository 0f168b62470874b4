//! Whether a source goes on where it was acknowledged.

use opencdc::Record;

use super::scene::mark_of;
use super::seeded::Seeded;
use super::{Context, Ending, ensure, fail, skip};
use crate::SourceDriver;

pub(super) async fn killed(context: &Context) -> Result<(), Ending> {
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

pub(super) async fn snapshot(context: &Context) -> Result<(), Ending> {
    let seeded = Seeded::new(context.seed().await?);
    let mut source = context.source().await?;
    source.open(None).await?;
    in_the_middle(context, seeded, source).await
}

pub(super) async fn cdc(context: &Context) -> Result<(), Ending> {
    let mut source = context.source().await?;
    source.open(None).await?;
    context.read_until_quiet(&mut source).await?;
    let seeded = Seeded::new(context.seed().await?);
    in_the_middle(context, seeded, source).await
}

/// Reads all, acknowledges half, stops, and opens again there.
async fn in_the_middle(context: &Context, mut seeded: Seeded, mut first: SourceDriver) -> Result<(), Ending> {
    seeded.read(context, &mut first).await?;
    let (at, acked, others) = seeded.ack_half(&first).await?;
    first.stop().await?;
    first.teardown().await?;
    first.shutdown().await?;

    let marks = |numbers: &[usize]| numbers.iter().map(|number| seeded.mark(*number).to_owned()).collect::<Vec<_>>();
    let acked = marks(&acked);
    let mut second = context.source().await?;
    second.open(Some(at)).await?;
    let mut rest = Seeded::new(marks(&others));
    rest.read(context, &mut second).await?;
    rest.ack_all(&second).await?;
    let later = context.read_until_quiet(&mut second).await?;
    if !context.source_suite()?.at_least_once {
        let again = rest.records().iter().chain(&later).find_map(|record| mark_of(record, &acked));
        ensure(again.is_none(), || {
            let mark = again.map(|number| acked[number].as_str()).unwrap_or_default();
            format!(
                "the record with {mark} was acknowledged and came again; if that is how it has to be, say at_least_once"
            )
        })?;
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
