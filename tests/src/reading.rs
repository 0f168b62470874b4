//! Reading a source until something holds, as Conduit reads it: what comes is applied and acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use conduit_connector_acceptance::{Connector, Settings, SourceDriver};
use opencdc::{Operation, Position, Record};
use tokio::time::{Instant, timeout};

use crate::replica::{Replica, id};

/// How long something may take to arrive before it counts as lost: far longer than it takes on a slow machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How often a condition that doesn't depend on records is looked at again.
const GLANCE: Duration = Duration::from_millis(50);

/// A source that is being read.
pub struct Reader {
    /// The process.
    pub source: SourceDriver,
    /// What its acknowledged records add up to.
    pub replica: Replica,
    /// What happened to what, in the order of the records.
    pub seen: Vec<(Operation, String)>,
    /// The last record of each id.
    pub last: BTreeMap<String, Record>,
    /// The position of the last acknowledged record.
    pub position: Option<Position>,
    /// How long something may take to arrive; [`PATIENCE`] unless it is changed.
    pub patience: Duration,
}

impl Reader {
    /// Starts the plugin as a source and opens it.
    ///
    /// # Errors
    /// What the plugin says.
    pub async fn open(connector: &Connector, settings: Settings, position: Option<Position>) -> Result<Self> {
        let mut source = connector.source(settings).await?;
        source.open(position.clone()).await?;
        Ok(Self {
            source,
            replica: Replica::default(),
            seen: Vec::new(),
            last: BTreeMap::new(),
            position,
            patience: PATIENCE,
        })
    }

    /// Reads until `done` holds. What is waited for is named, for the error.
    ///
    /// # Errors
    /// When the source fails, or `done` doesn't hold in time.
    pub async fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        while !done(self) {
            if Instant::now() > deadline {
                let last = self.seen.iter().rev().take(3).collect::<Vec<_>>();
                bail!(
                    "{what}: not within {:?}; {} records came, the last of them {last:?}",
                    self.patience,
                    self.seen.len()
                );
            }
            let Ok(records) = timeout(GLANCE, self.source.next()).await else { continue };
            let records = records.with_context(|| what.to_owned())?;
            self.take(&records)?;
            self.source.ack_all(&records).await?;
        }
        Ok(())
    }

    /// Takes records as read; acknowledging them is the caller's.
    ///
    /// # Errors
    /// When a record can't be applied.
    pub fn take(&mut self, records: &[Record]) -> Result<()> {
        for record in records {
            self.replica.apply(record)?;
            let id = id(record)?;
            self.seen.push((record.operation, id.clone()));
            self.last.insert(id, record.clone());
            self.position = Some(record.position.clone());
        }
        Ok(())
    }

    /// Whether a record of this operation on this object has come.
    pub fn saw(&self, operation: Operation, id: &str) -> bool {
        self.seen.iter().any(|(seen, of)| *seen == operation && of == id)
    }
}
