//! The source: Conduit's trait over the source engine.

use std::fmt;

use conduit_connector_sdk::middleware::{SourceMiddleware, StatedSchema};
use conduit_connector_sdk::{Context, Error, Position, Record};
use hubspot_client::Client;
use hubspot_source::HubSpotSource;

use crate::SourceConfig;
use crate::plan::Plan;
use crate::schema::StatedSchemas;

/// Reads HubSpot resources: of each a snapshot, then its changes.
pub struct Source {
    client: Client,
    plan: Plan,
    engine: Option<HubSpotSource>,
    schemas: StatedSchemas,
}

impl conduit_connector_sdk::Source for Source {
    type Config = SourceConfig;

    async fn configure(config: SourceConfig, _context: Context) -> Result<Self, Error> {
        let plan = Plan::new(&config)?;
        let client = config.connection.client()?;
        Ok(Self { client, plan, engine: None, schemas: StatedSchemas::default() })
    }

    async fn open(&mut self, position: Option<Position>) -> Result<(), Error> {
        let reading = self.plan.resolve(&self.client).await?;
        self.engine = Some(HubSpotSource::open(self.client.clone(), reading, position).await?);
        self.schemas = StatedSchemas::default();
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        let engine = self.engine.as_mut().ok_or_else(|| Error::new("the source was read before it was opened"))?;
        let records = engine.next_batch().await?;
        self.schemas.follow(engine, &records);
        Ok(records)
    }

    async fn teardown(&mut self) -> Result<(), Error> {
        self.engine = None;
        Ok(())
    }

    /// Schemas are for those who ask for them: the Go connector's records (v0.1.0, with an SDK before there were any) are structured
    /// data, and whatever reads them behind it, conditions of processors included, must find them so.
    fn middleware() -> SourceMiddleware {
        SourceMiddleware::default().schema_off()
    }

    /// What the definitions of properties say, where values are typed by them.
    fn schema(&self, collection: Option<&str>) -> Option<&StatedSchema> {
        self.schemas.of(collection?)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("open", &self.engine.is_some()).finish_non_exhaustive()
    }
}
