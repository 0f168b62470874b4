//! A connector: what it is, its source and its destination.

use opencdc::{Position, Record};

use crate::middleware::{DestinationMiddleware, SourceMiddleware};
use crate::{Code, Context, Destination, Error, Source, Specification};

/// A connector: what it is, its source and its destination. [`NoSource`] or [`NoDestination`] stand for the half that there
/// is not.
pub trait Connector: Send + Sync + 'static {
    /// The half that reads.
    type Source: Source;
    /// The half that writes.
    type Destination: Destination;

    /// What the connector is.
    fn specification() -> Specification;
}

/// The source of a connector that has none.
#[derive(Debug)]
pub enum NoSource {}

impl Source for NoSource {
    type Config = ();

    async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
        Err(Error::new("this connector has no source").with_code(Code::Unimplemented))
    }

    async fn open(&mut self, _position: Option<Position>) -> Result<(), Error> {
        match *self {}
    }

    async fn read(&mut self) -> Result<Vec<Record>, Error> {
        match *self {}
    }

    fn middleware() -> SourceMiddleware {
        SourceMiddleware::none()
    }
}

/// The destination of a connector that has none.
#[derive(Debug)]
pub enum NoDestination {}

impl Destination for NoDestination {
    type Config = ();

    async fn configure(_config: (), _context: Context) -> Result<Self, Error> {
        Err(Error::new("this connector has no destination").with_code(Code::Unimplemented))
    }

    async fn open(&mut self) -> Result<(), Error> {
        match *self {}
    }

    async fn write(&mut self, _records: Vec<Record>) -> Result<Vec<Result<(), Error>>, Error> {
        match *self {}
    }

    fn middleware() -> DestinationMiddleware {
        DestinationMiddleware::none()
    }
}
