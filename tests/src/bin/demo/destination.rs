//! Writing: one destination process a resource, into an account where nothing has the id that it has in the first.
//!
//! HubSpot gives out ids itself, so an update or a deletion has to be translated: the object is found in the second account by the
//! value that no two objects share, and the record's key gets its id there. In a pipeline a processor would do so. Creations are
//! written first. That keeps the order of what happens to one object, because nothing can happen to it before it is created.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::DestinationDriver;
use end_to_end::plugin;
use end_to_end::replica::id;
use hubspot_emulator::Account;
use opencdc::{Data, Operation, Record};

use crate::look_up;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{Line, Report};
use crate::source::{Held, requests};

/// Records a message, as Conduit batches them.
const BATCH: usize = 1_000;

/// Writes everything that came from a source into the second account.
pub(crate) async fn copy(
    url: &str,
    token: &str,
    account: &Account,
    plan: &Plan,
    held: Held,
    progress: &Progress,
    report: &mut Report,
) -> Result<()> {
    let Work { creations, changes, unique } = divide(plan, held.records)?;
    let all = (creations.len() + changes.len()) as u64;

    let name = plan.resource.name;
    progress.stage(&format!("creating {name} in the second account"), creations.len() as u64, "records");
    let mut destination = plugin::connector()?.destination(crate::settings(url, token, plan)).await?;
    destination.open().await?;
    let before = requests(account, plan);
    let began = Instant::now();
    write(&mut destination, creations, progress).await?;
    let (mut took, mut requests_made) = (began.elapsed(), requests(account, plan) - before);

    let mut touched = BTreeSet::new();
    for record in &changes {
        touched.extend(unique.get(&id(record)?).cloned());
    }
    let touched: Vec<String> = touched.into_iter().collect();
    progress.stage(&format!("looking up new ids of {name}, by {}", plan.unique), touched.len() as u64, "objects");
    let ids = look_up::ids(url, token, plan, &touched, progress).await?;
    let translate = |mut record: Record| -> Result<Record> {
        let source = id(&record)?;
        let value = unique.get(&source).with_context(|| format!("{source} is to be changed, but was never written"))?;
        let target = ids.get(value).with_context(|| format!("{value} was written, but is not there"))?;
        record.key = Some(Data::from([("id", target.as_str())]));
        Ok(record)
    };
    progress.stage(&format!("writing the updates and deletes of {name}"), changes.len() as u64, "records");
    let changes = changes.into_iter().map(translate).collect::<Result<_>>()?;
    let before = requests(account, plan);
    let began = Instant::now();
    write(&mut destination, changes, progress).await?;
    took += began.elapsed();
    requests_made += requests(account, plan) - before;
    destination.finish().await?;

    report.written.push(Line { name, records: all, requests: requests_made, took });
    Ok(())
}

/// What has to be written of one resource.
#[derive(Debug, Default)]
struct Work {
    /// The first record of each object.
    creations: Vec<Record>,
    /// All others, in their order. Their keys are the first account's.
    changes: Vec<Record>,
    /// The unique value of each object, by its id in the first account.
    unique: BTreeMap<String, String>,
}

/// Sorts out what repeats would do twice, as a pipeline's processor has to that writes into a system without upserts by key.
///
/// Whatever an object's first record is, it creates the object. A create that comes again updates it. Behind an object's deletion
/// there is nothing to write: nobody restores anything here, so what comes then was deleted before.
fn divide(plan: &Plan, records: Vec<Record>) -> Result<Work> {
    let mut work = Work::default();
    let mut deleted = BTreeSet::new();
    for mut record in records {
        let source = id(&record)?;
        if deleted.contains(&source) {
            continue;
        }
        let known = work.unique.contains_key(&source);
        if record.operation == Operation::Delete {
            // What was created and deleted between two looks has never come, so there is nothing to delete.
            work.changes.extend(known.then_some(record));
            deleted.insert(source);
            continue;
        }
        if known {
            record.operation = Operation::Update;
            work.changes.push(record);
            continue;
        }
        let after = record.payload.after.as_ref().context("a record without a payload")?.to_structured()?;
        let value =
            plan.unique(&after.into_owned().into()).with_context(|| format!("an object without {}", plan.unique))?;
        work.unique.insert(source, value);
        record.operation = Operation::Create;
        work.creations.push(record);
    }
    Ok(work)
}

/// Writes records in their order. Every one of them has to be taken.
async fn write(destination: &mut DestinationDriver, mut records: Vec<Record>, progress: &Progress) -> Result<()> {
    while !records.is_empty() {
        let rest = records.split_off(records.len().min(BATCH));
        let batch = std::mem::replace(&mut records, rest);
        let count = batch.len() as u64;
        let refused: Vec<String> = destination.write(batch).await?.into_iter().filter_map(Result::err).collect();
        ensure!(
            refused.is_empty(),
            "{} of {count} records were refused, the first because: {}",
            refused.len(),
            refused[0]
        );
        progress.advance(count);
    }
    Ok(())
}
