//! The destination: Conduit's trait over the destination engine.

use std::{fmt, slice};

use conduit_connector_sdk::{Context, Error, Record};
use hubspot_catalog::{Resource, Selection, find};
use hubspot_client::Client;
use hubspot_destination::HubSpotDestination;

use crate::DestinationConfig;
use crate::custom_objects::{custom_objects, looking_up};

/// Writes records into one HubSpot resource.
pub struct Destination {
    engine: Engine,
}

enum Engine {
    Known(HubSpotDestination),
    /// It writes a custom object of this name, which is looked up when it is opened.
    Named(Named),
}

struct Named {
    client: Client,
    selection: Selection,
    max_in_flight: usize,
}

impl conduit_connector_sdk::Destination for Destination {
    type Config = DestinationConfig;

    async fn configure(config: DestinationConfig, _context: Context) -> Result<Self, Error> {
        let max_in_flight = config.max_in_flight as usize;
        let (client, name) = (config.connection.client(), config.resource);
        let engine = if name.starts_with("crm.objects.") && !name.contains('*') {
            let selection = Selection::parse(slice::from_ref(&name))?;
            match selection.single() {
                Some(resource) => Engine::Known(engine(client?, resource, max_in_flight)?),
                None => Engine::Named(Named { client: client?, selection, max_in_flight }),
            }
        } else {
            let resource = find(&name)?;
            Engine::Known(engine(client?, resource, max_in_flight)?)
        };
        Ok(Self { engine })
    }

    async fn open(&mut self) -> Result<(), Error> {
        if let Engine::Named(Named { client, selection, max_in_flight }) = &self.engine {
            let objects = custom_objects(client).await.map_err(looking_up)?;
            let resources = selection.resolve(&objects)?;
            let [resource] = resources[..] else { return Err(Error::new("a destination writes one resource")) };
            self.engine = Engine::Known(engine(client.clone(), resource, *max_in_flight)?);
        }
        Ok(self.opened()?.open().await?)
    }

    async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        let outcomes = self.opened()?.write(records).await?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map_err(Error::from)).collect())
    }
}

impl Destination {
    fn opened(&mut self) -> Result<&mut HubSpotDestination, Error> {
        match &mut self.engine {
            Engine::Known(engine) => Ok(engine),
            Engine::Named(_) => Err(Error::new("the destination was written to before it was opened")),
        }
    }
}

fn engine(client: Client, resource: &'static Resource, max_in_flight: usize) -> Result<HubSpotDestination, Error> {
    let mut config = hubspot_destination::Config::new(resource);
    config.max_in_flight = max_in_flight;
    Ok(HubSpotDestination::new(client, config)?)
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").finish_non_exhaustive()
    }
}
