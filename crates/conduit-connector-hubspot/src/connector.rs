//! The connector as Conduit sees it.

use conduit_connector_sdk::{Connector, Specification};

use crate::{Destination, Source};

/// The HubSpot connector: a source and a destination.
#[derive(Debug)]
pub struct HubSpot;

impl Connector for HubSpot {
    type Source = Source;
    type Destination = Destination;

    fn specification() -> Specification {
        Specification {
            name: "hubspot".to_owned(),
            summary: "Reads HubSpot (a snapshot, then its changes) and writes into it.".to_owned(),
            description:
                "The source streams HubSpot resources, CRM and CMS, custom objects, owners and pipelines: first all that is \
                 there, then creates, updates, deletes and merges as they happen. The destination creates, updates and \
                 deletes HubSpot objects in batches, with an answer for each record."
                    .to_owned(),
            version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
            author: env!("CARGO_PKG_AUTHORS").to_owned(),
        }
    }
}
