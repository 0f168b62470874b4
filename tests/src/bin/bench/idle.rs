//! The source: what it costs to follow where nothing happens, with default settings.

use std::time::Duration;

use anyhow::{Result, bail};
use conduit_connector_acceptance::Connector;
use end_to_end::plugin;
use serde_json::json;
use tokio::time::timeout;

use crate::figure::Figure;
use crate::measured::{Measured, searches, until_it_follows};

/// How long is looked: a `deletes.interval`.
const LOOK: Duration = Duration::from_mins(1);

/// Archived objects of each resource: a page of them and a bit.
const ARCHIVED: usize = 120;

/// Requests an hour of a CRM resource and of one of the CMS.
pub(crate) async fn cost(connector: &Connector) -> Result<Vec<Figure>> {
    let measured = Measured::start("idle").await?;
    let account = measured.account();
    for resource in ["contacts", "blogs/posts"] {
        let ids = account.create_many(resource, 500 + ARCHIVED, |number| json!({"name": format!("Number {number}")}));
        for id in &ids[..ARCHIVED] {
            account.archive(resource, id);
        }
    }
    measured.rest();
    let settings = plugin::with(measured.settings_of("crm.contacts,cms.blogs.posts"), &[("snapshot", "false")]);
    let mut source = connector.source(settings).await?;
    source.open(None).await?;
    until_it_follows(&mut source, &account).await?;
    // Past what is asked once, at the beginning.
    let _ = timeout(Duration::from_secs(5), source.next()).await;
    account.reset_counters();
    if let Ok(records) = timeout(LOOK, source.next()).await {
        bail!("records came, though nothing changed: {:?}", records?);
    }
    let counters = account.counters();
    source.finish().await?;
    let an_hour = |count: u64| count as f64 * 3_600.0 / LOOK.as_secs_f64();
    let of =
        |part: &str| counters.by_endpoint.iter().filter(|(name, _)| name.contains(part)).map(|(_, count)| count).sum();
    let contacts: u64 = of("/contacts");
    let found = searches(&counters);
    let posts: u64 = of("/blogs/");
    Ok(vec![
        Figure::new("CRM: searches an hour", an_hour(found), "").note("one a pollingPeriod of 5 s, and what settles"),
        Figure::new("CRM: lists and others an hour", an_hour(contacts - found), "").note(format!(
            "deletions, one page in 100 archived objects a deletes.interval of 1 min; here of {ARCHIVED}"
        )),
        Figure::new("CMS: lists an hour", an_hour(posts), "").note(format!("both; {ARCHIVED} archived objects")),
    ])
}
