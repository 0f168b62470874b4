//! The way in.

use std::fmt;

use hubspot_client::Client;
use opencdc::Record;

use crate::config::Config;
use crate::error::{Error, RecordError};
use crate::hubspot::HubSpot;
use crate::writer::Writer;

/// Writes records into one HubSpot resource.
///
/// See the [crate](crate) for what a record becomes and what is promised.
pub struct HubSpotDestination {
    config: Config,
    writer: Writer<HubSpot>,
}

impl HubSpotDestination {
    /// A destination that writes through this client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::NotWritable`] when HubSpot lets nobody write the resource.
    pub fn new(client: Client, config: Config) -> Result<Self, Error> {
        let resource = config.resource;
        if !resource.operations.any() {
            return Err(Error::NotWritable { resource: resource.name });
        }
        let writer = Writer::new(HubSpot::new(client, resource), resource, config.max_in_flight);
        Ok(Self { config, writer })
    }

    /// Makes one cheap call, so that a wrong token or an unreachable HubSpot shows before any record is taken.
    ///
    /// The call lists a single object. A token that may write but not read (403) passes: HubSpot says what it may write only when
    /// something is written.
    ///
    /// # Errors
    /// [`Error::Open`] when HubSpot can't be reached, or refuses the token.
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
}

impl fmt::Debug for HubSpotDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSpotDestination").field("config", &self.config).finish_non_exhaustive()
    }
}
