//! A source's service.

use std::collections::HashMap;

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::proto::connector::{v1, v2};
use conduit_connector_protocol::proto::opencdc::v1 as opencdc_wire;
use futures::StreamExt as _;
use futures::stream::iter;
use opencdc::Position;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;

use super::{Incoming, call};

/// How many messages with acks may wait to be sent.
const WAITING_ACKS: usize = 1024;

/// A source's client, in the version that was agreed on.
#[derive(Clone)]
pub(crate) enum Client {
    V1(v1::source_plugin_client::SourcePluginClient<Channel>),
    V2(v2::source_plugin_client::SourcePluginClient<Channel>),
}

impl Client {
    pub(crate) fn new(version: ProtocolVersion, channel: Channel) -> Self {
        // go-plugin's hosts take messages of any size.
        match version {
            ProtocolVersion::V1 => Self::V1(
                v1::source_plugin_client::SourcePluginClient::new(channel).max_decoding_message_size(usize::MAX),
            ),
            ProtocolVersion::V2 => Self::V2(
                v2::source_plugin_client::SourcePluginClient::new(channel).max_decoding_message_size(usize::MAX),
            ),
        }
    }

    pub(crate) async fn configure(&mut self, config: HashMap<String, String>) -> Result<(), Status> {
        call!(self, configure, source::configure { config: config })
    }

    pub(crate) async fn on_created(&mut self, config: HashMap<String, String>) -> Result<(), Status> {
        call!(self, lifecycle_on_created, source::lifecycle::on_created { config: config })
    }

    pub(crate) async fn on_updated(
        &mut self,
        before: HashMap<String, String>,
        after: HashMap<String, String>,
    ) -> Result<(), Status> {
        call!(self, lifecycle_on_updated, source::lifecycle::on_updated { config_before: before, config_after: after })
    }

    pub(crate) async fn on_deleted(&mut self, config: HashMap<String, String>) -> Result<(), Status> {
        call!(self, lifecycle_on_deleted, source::lifecycle::on_deleted { config: config })
    }

    pub(crate) async fn open(&mut self, position: Vec<u8>) -> Result<(), Status> {
        match self {
            Self::V1(client) => client.start(v1::source::start::Request { position }).await.map(|_| ()),
            Self::V2(client) => client.open(v2::source::open::Request { position }).await.map(|_| ()),
        }
    }

    /// Asks for the stream: where acks go, and where records come from.
    pub(crate) fn run(&self) -> (mpsc::Sender<Vec<Position>>, Records) {
        let (sender, acks) = mpsc::channel::<Vec<Position>>(WAITING_ACKS);
        let acks = ReceiverStream::new(acks);
        let records = match self {
            Self::V1(client) => {
                let mut client = client.clone();
                let requests = acks
                    .flat_map(iter)
                    .map(|position| v1::source::run::Request { ack_position: position.into_bytes() });
                Records::V1(Incoming::new(async move { client.run(requests).await }))
            }
            Self::V2(client) => {
                let mut client = client.clone();
                let requests = acks.map(|positions| v2::source::run::Request {
                    ack_positions: positions.into_iter().map(Position::into_bytes).collect(),
                });
                Records::V2(Incoming::new(async move { client.run(requests).await }))
            }
        };
        (sender, records)
    }

    pub(crate) async fn stop(&mut self) -> Result<Position, Status> {
        let position = match self {
            Self::V1(client) => client.stop(v1::source::stop::Request {}).await?.into_inner().last_position,
            Self::V2(client) => client.stop(v2::source::stop::Request {}).await?.into_inner().last_position,
        };
        Ok(Position::new(position))
    }

    pub(crate) async fn teardown(&mut self) -> Result<(), Status> {
        call!(self, teardown, source::teardown {})
    }
}

/// Where records come from.
pub(crate) enum Records {
    V1(Incoming<v1::source::run::Response>),
    V2(Incoming<v2::source::run::Response>),
}

impl Records {
    /// The records of the next message; nothing at the end. Cancelling this loses nothing.
    pub(crate) async fn message(&mut self) -> Result<Option<Vec<opencdc_wire::Record>>, Status> {
        Ok(match self {
            Self::V1(incoming) => incoming.message().await?.map(|response| response.record.into_iter().collect()),
            Self::V2(incoming) => incoming.message().await?.map(|response| response.records),
        })
    }
}
