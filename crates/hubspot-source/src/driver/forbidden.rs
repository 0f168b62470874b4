//! Which resources HubSpot forbids: all of them are found out at once, so that a token is mended once.

use std::sync::Arc;
use std::time::Duration;

use hubspot_catalog::{Kind, Resource};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Api;
use crate::ask::{CmsListRequest, DirectoryRequest, ListRequest, Request};
use crate::error::Refusal;

/// Nobody who waits for an error waits longer than this for the rest of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks each of the resources for one object; those that HubSpot forbids, in their order. What is otherwise wrong doesn't
/// count, nor who doesn't answer.
pub(super) async fn forbidden<A: Api>(api: &Arc<A>, resources: &[&'static Resource]) -> Vec<Refusal> {
    let mut asked = JoinSet::new();
    for (place, resource) in resources.iter().copied().enumerate() {
        let api = Arc::clone(api);
        asked.spawn(async move {
            let refused = api.answer(least(resource)).await.err().filter(is_forbidden)?;
            Some((place, Refusal::of(resource, refused)))
        });
    }
    let mut refusals = Vec::new();
    let all = async {
        while let Some(answer) = asked.join_next().await {
            refusals.extend(answer.ok().flatten());
        }
    };
    // What came in time is worth saying.
    let _ = timeout(PATIENCE, all).await;
    refusals.sort_by_key(|(place, _)| *place);
    refusals.into_iter().map(|(_, refusal)| refusal).collect()
}

/// The cheapest request that takes the scope for reading.
fn least(resource: &Resource) -> Request {
    match resource.kind {
        Kind::Crm(crm) => Request::List(crm, ListRequest { limit: 1, ..ListRequest::default() }),
        Kind::Cms(cms) => Request::CmsList(cms, CmsListRequest { limit: 1, ..CmsListRequest::default() }),
        Kind::Directory(directory) => Request::Directory(directory, DirectoryRequest::default()),
    }
}

pub(super) fn is_forbidden(error: &hubspot_client::Error) -> bool {
    error.status() == Some(403) && error.as_api().is_some()
}
