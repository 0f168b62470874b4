//! Finding objects in the second account, as the processor of a pipeline would: by a value that no two of them share.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use hubspot_catalog::Kind;
use hubspot_client::{
    Auth, BatchReadInput, Client, CmsListParams, CmsPath, Filter, Object, Operator, SEARCH_LIMIT, SearchParams,
};

use crate::plan::Plan;
use crate::progress::Progress;
use crate::source::PATIENCE;

/// Objects that HubSpot looks for in one call.
const OBJECTS_A_CALL: usize = 100;

/// How long the index is left alone that doesn't show everything yet.
const REST: Duration = Duration::from_millis(300);

/// Ids by unique value.
pub(crate) type Ids = BTreeMap<String, String>;

/// The ids of the objects that have these values.
pub(crate) async fn ids(url: &str, token: &str, plan: &Plan, values: &[String], progress: &Progress) -> Result<Ids> {
    let client = Client::builder(Auth::token(token)).base_url(url).build()?;
    let mut ids = Ids::new();
    for values in values.chunks(OBJECTS_A_CALL) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            ids.extend(once(&client, plan, values).await?.iter().filter_map(|object| entry(plan, object)));
            let Some(missing) = values.iter().find(|value| !ids.contains_key(*value)) else { break };
            if Instant::now() > deadline {
                bail!("{missing} was written into {}, but is not there", plan.resource.name);
            }
            tokio::time::sleep(REST).await;
        }
        progress.advance(values.len() as u64);
    }
    Ok(ids)
}

/// What HubSpot finds of these. Its search shows what was created a moment later.
async fn once(client: &Client, plan: &Plan, values: &[String]) -> Result<Vec<Object>> {
    let properties = vec![plan.unique.to_owned()];
    Ok(match &plan.resource.kind {
        Kind::Crm(crm) if plan.found_by_unique => {
            let id_property = Some(plan.unique.to_owned());
            let input = BatchReadInput { ids: values.to_vec(), id_property, properties, ..BatchReadInput::default() };
            client.objects(crm.object_type).batch_read(&input).await?.results
        }
        Kind::Crm(crm) => {
            let filters = vec![Filter::new(plan.unique, Operator::In(values.to_vec()), "")];
            let params = SearchParams { limit: SEARCH_LIMIT, properties, ..SearchParams::matching(filters) };
            client.objects(crm.object_type).search(&params).await?.results
        }
        Kind::Cms(cms) => {
            let path = client.cms(CmsPath { area: cms.area, collection: cms.collection });
            let mut found = Vec::new();
            let mut after = None;
            loop {
                let page = path.list(&CmsListParams { after, ..CmsListParams::default() }).await?;
                found.extend(page.results);
                after = page.next;
                if after.is_none() {
                    break found;
                }
            }
        }
        // The demo shows none of these.
        Kind::Directory(_) => Vec::new(),
    })
}

fn entry(plan: &Plan, object: &Object) -> Option<(String, String)> {
    Some((plan.unique(object)?, object.get("id")?.as_str()?.to_owned()))
}
