//! What a pipeline file may say: the connector's parameters. The doc comments are their help.

mod connection;
mod destination;
mod source;

pub use connection::ConnectionConfig;
pub use destination::DestinationConfig;
pub use source::SourceConfig;
