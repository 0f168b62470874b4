//! The destination: Conduit's trait over the destination engine.

use std::fmt;

use conduit_connector_sdk::{Context, Error, Record};
use hubspot_destination::{HubSpotDestination, Stats};

use crate::DestinationConfig;
use crate::writing::writing;

/// Writes records into HubSpot.
pub struct Destination {
    engine: HubSpotDestination,
}

impl conduit_connector_sdk::Destination for Destination {
    type Config = DestinationConfig;

    async fn configure(config: DestinationConfig, _context: Context) -> Result<Self, Error> {
        let writing = writing(&config)?;
        Ok(Self { engine: HubSpotDestination::new(config.connection.client()?, writing)? })
    }

    async fn open(&mut self) -> Result<(), Error> {
        Ok(self.engine.open().await?)
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        let outcomes = self.engine.write(records).await?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map_err(Error::from)).collect())
    }

    async fn teardown(&mut self) -> Result<(), Error> {
        let Stats { written, failed, ignored, merged, dropped, looked_up, resolved, .. } = self.engine.stats();
        if written + failed > 0 {
            tracing::info!(
                written,
                failed,
                ignored,
                merged,
                dropped,
                looked_up,
                resolved,
                "what was written, in numbers"
            );
        }
        Ok(())
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").finish_non_exhaustive()
    }
}
