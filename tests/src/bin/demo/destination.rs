//! Writing: one destination process a resource, into an account where nothing has the id that it has in the first.
//!
//! HubSpot gives out ids itself, so an update or a deletion has to be translated: the object is found in the second account by the
//! value that no two objects share, and the record's key gets its id there. Creations are written first. That keeps the order of
//! what happens to one object, because nothing can happen to it before it is created.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::DestinationDriver;
use end_to_end::plugin;
use end_to_end::replica::id;
use hubspot_catalog::Kind;
use hubspot_client::{Auth, Client, CmsListParams, CmsPath, ListParams, Object};
use hubspot_emulator::Account;
use opencdc::{Data, Operation, Record};
use serde_json::{Map, Value};

use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::{Line, Report};
use crate::source::{Held, requests};

/// Records a message, as Conduit batches them.
const BATCH: usize = 1_000;

/// Ids by unique value.
type Ids = BTreeMap<String, String>;

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
    let all = held.records.len() as u64;
    let is_creation = |record: &Record| matches!(record.operation, Operation::Snapshot | Operation::Create);
    let (creations, changes): (Vec<_>, Vec<_>) = held.records.into_iter().partition(is_creation);

    progress.stage(&format!("creating {} in the second account", plan.resource.name), creations.len() as u64);
    let mut unique = BTreeMap::new();
    for record in &creations {
        let after = record.payload.after.as_ref().context("a creation without a payload")?.to_structured()?;
        let value = plan.unique(&after).with_context(|| format!("an object without {}", plan.unique))?;
        unique.insert(id(record)?, value);
    }

    let mut destination = plugin::connector()?.destination(crate::settings(url, token, plan)).await?;
    destination.open().await?;
    let before = requests(account, plan);
    let began = Instant::now();
    write(&mut destination, creations, progress).await?;
    let (mut took, mut requests_made) = (began.elapsed(), requests(account, plan) - before);

    progress.stage(&format!("looking up the new ids of {}", plan.resource.name), unique.len() as u64);
    let ids = look_up(url, token, plan, progress).await?;
    let translate = |mut record: Record| -> Result<Record> {
        let source = id(&record)?;
        let value = unique.get(&source).with_context(|| format!("{source} changed, but was never there"))?;
        let target = ids.get(value).with_context(|| format!("{value} was written, but is not there"))?;
        record.key = Some(Data::Structured(Map::from_iter([("id".to_owned(), Value::String(target.clone()))])));
        Ok(record)
    };
    progress.stage(&format!("writing the changes of {}", plan.resource.name), changes.len() as u64);
    let changes = changes.into_iter().map(translate).collect::<Result<_>>()?;
    let before = requests(account, plan);
    let began = Instant::now();
    write(&mut destination, changes, progress).await?;
    took += began.elapsed();
    requests_made += requests(account, plan) - before;
    destination.finish().await?;

    let what = format!("{} written", plan.resource.name);
    report.add(Line { what, records: all, requests: requests_made, took });
    Ok(())
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

/// The ids of the second account's objects, by their unique value.
async fn look_up(url: &str, token: &str, plan: &Plan, progress: &Progress) -> Result<Ids> {
    let client = Client::builder(Auth::token(token)).base_url(url).build()?;
    let mut ids = Ids::new();
    let mut after = None;
    loop {
        let page = match &plan.resource.kind {
            Kind::Crm(crm) => {
                let properties = vec![plan.unique.to_owned()];
                client.objects(crm.object_type).list(&ListParams { after, properties, ..ListParams::default() }).await?
            }
            Kind::Cms(cms) => {
                let path = CmsPath { area: cms.area, collection: cms.collection };
                client.cms(path).list(&CmsListParams { after, ..CmsListParams::default() }).await?
            }
        };
        progress.advance(page.results.len() as u64);
        for object in page.results {
            ids.extend(entry(plan, &object));
        }
        after = page.next;
        if after.is_none() {
            return Ok(ids);
        }
    }
}

fn entry(plan: &Plan, object: &Object) -> Option<(String, String)> {
    Some((plan.unique(object)?, object.get("id")?.as_str()?.to_owned()))
}
