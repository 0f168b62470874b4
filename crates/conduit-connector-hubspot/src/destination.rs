//! The destination: Conduit's trait over the destination engine.

use std::fmt;

use conduit_connector_sdk::{Context, Error, Record};
use hubspot_destination::HubSpotDestination;

use crate::DestinationConfig;

/// Writes records into one HubSpot resource.
pub struct Destination {
    engine: HubSpotDestination,
}

impl conduit_connector_sdk::Destination for Destination {
    type Config = DestinationConfig;

    async fn configure(config: DestinationConfig, _context: Context) -> Result<Self, Error> {
        let resource = hubspot_catalog::find(&config.resource)?;
        let client = config.connection.client()?;
        let mut engine = hubspot_destination::Config::new(resource);
        engine.max_in_flight = config.max_in_flight as usize;
        Ok(Self { engine: HubSpotDestination::new(client, engine)? })
    }

    async fn open(&mut self) -> Result<(), Error> {
        Ok(self.engine.open().await?)
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        let outcomes = self.engine.write(records).await?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map_err(Error::from)).collect())
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").finish_non_exhaustive()
    }
}
