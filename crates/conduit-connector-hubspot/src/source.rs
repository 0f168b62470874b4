//! The source: Conduit's trait over the source engine.

use std::fmt;

use conduit_connector_sdk::{Context, Error, Position, Record};
use hubspot_source::HubSpotSource;

use crate::SourceConfig;

/// Reads one HubSpot resource: a snapshot, then its changes.
pub struct Source {
    client: hubspot_client::Client,
    config: hubspot_source::Config,
    engine: Option<HubSpotSource>,
}

impl conduit_connector_sdk::Source for Source {
    type Config = SourceConfig;

    async fn configure(config: SourceConfig, _context: Context) -> Result<Self, Error> {
        let resource = hubspot_catalog::find(&config.resource)?;
        let client = config.connection.client()?;
        let mut reading = hubspot_source::Config::new(resource);
        reading.polling_period = config.polling_period;
        reading.page_size = config.buffer_size;
        reading.extra_properties = config.extra_properties;
        reading.snapshot = config.snapshot;
        reading.lag = config.settle_lag;
        reading.deletes_interval = config.deletes_interval;
        Ok(Self { client, config: reading, engine: None })
    }

    async fn open(&mut self, position: Option<Position>) -> Result<(), Error> {
        self.engine = Some(HubSpotSource::open(self.client.clone(), self.config.clone(), position).await?);
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        let engine = self.engine.as_mut().ok_or_else(|| Error::new("the source was read before it was opened"))?;
        Ok(engine.next_batch().await?)
    }

    async fn teardown(&mut self) -> Result<(), Error> {
        self.engine = None;
        Ok(())
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("open", &self.engine.is_some()).finish_non_exhaustive()
    }
}
