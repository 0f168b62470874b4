//! The way in.

use std::fmt;

use hubspot_client::Client;
use opencdc::Record;

use crate::config::Config;
use crate::error::{Error, RecordError};
use crate::hubspot::HubSpot;
use crate::stats::Stats;
use crate::writer::Writer;

/// Writes records into HubSpot.
///
/// See the [crate](crate) for what a record becomes and what is promised.
pub struct HubSpotDestination {
    writer: Writer<HubSpot>,
}

impl HubSpotDestination {
    /// A destination that writes through this client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::NotWritable`] when HubSpot lets nobody write a resource that the configuration names.
    pub fn new(client: Client, config: Config) -> Result<Self, Error> {
        if let Some(resource) = config.routing.resources().find(|resource| !resource.operations.any()) {
            return Err(Error::NotWritable { resource: resource.name });
        }
        let publish = config.hubdb_publish;
        Ok(Self { writer: Writer::new(HubSpot::new(client, publish), config) })
    }

    /// Makes one cheap call for each resource that is known beforehand, so that a wrong token, an unreachable HubSpot or a configuration
    /// that doesn't fit shows before any record is taken.
    ///
    /// The call reads the properties of a CRM object type, by which values are then checked and converted; of others it lists a single
    /// object. A token that may not read (403) passes: HubSpot says what it may write only when something is written. Resources that a
    /// template makes of records' metadata are read when their first record comes. Without `open`, nothing is checked here, and HubSpot
    /// answers for all values.
    ///
    /// # Errors
    /// [`Error::Open`] when HubSpot can't be reached, or refuses the token; [`Error::Misfit`] when the configuration asks for what a
    /// resource can't give; [`Error::CustomObjects`] when the account's custom objects can't be looked up.
    pub async fn open(&self) -> Result<(), Error> {
        self.writer.open().await
    }

    /// Writes a batch; the outcomes are as many as the records, and in their order.
    ///
    /// It returns when all of the batch is answered. One batch at a time (hence `&mut`): order per key holds across batches, too.
    /// Dropping the future leaves what was sent without an answer.
    ///
    /// # Errors
    /// [`Error::Denied`] when HubSpot refuses the token (401, 403) and nothing of the batch was written. When part of it was, each
    /// of the other records has that refusal as its outcome instead.
    pub async fn write(&mut self, records: Vec<Record>) -> Result<Vec<Result<(), RecordError>>, Error> {
        self.writer.write(records).await
    }

    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        self.writer.stats()
    }
}

impl fmt::Debug for HubSpotDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSpotDestination").field("config", self.writer.config()).finish_non_exhaustive()
    }
}
