//! A destination's service.

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

use super::{Answer, Incoming, call};

/// How many messages with records may wait to be sent; beyond it the sender waits, as the connector may be slow.
const WAITING_MESSAGES: usize = 16;

/// A destination's client, in the version that was agreed on.
#[derive(Clone)]
pub(crate) enum Client {
    V1(v1::destination_plugin_client::DestinationPluginClient<Channel>),
    V2(v2::destination_plugin_client::DestinationPluginClient<Channel>),
}

impl Client {
    pub(crate) fn new(version: ProtocolVersion, channel: Channel) -> Self {
        // go-plugin's hosts take messages of any size.
        match version {
            ProtocolVersion::V1 => Self::V1(
                v1::destination_plugin_client::DestinationPluginClient::new(channel)
                    .max_decoding_message_size(usize::MAX),
            ),
            ProtocolVersion::V2 => Self::V2(
                v2::destination_plugin_client::DestinationPluginClient::new(channel)
                    .max_decoding_message_size(usize::MAX),
            ),
        }
    }

    pub(crate) async fn configure(&mut self, config: HashMap<String, String>) -> Result<(), Status> {
        call!(self, configure, destination::configure { config: config })
    }

    pub(crate) async fn on_created(&mut self, config: HashMap<String, String>) -> Result<(), Status> {
        call!(self, lifecycle_on_created, destination::lifecycle::on_created { config: config })
    }

    pub(crate) async fn on_updated(
        &mut self,
        before: HashMap<String, String>,
        after: HashMap<String, String>,
    ) -> Result<(), Status> {
        call!(
            self,
            lifecycle_on_updated,
            destination::lifecycle::on_updated { config_before: before, config_after: after }
        )
    }

    pub(crate) async fn on_deleted(&mut self, config: HashMap<String, String>) -> Result<(), Status> {
        call!(self, lifecycle_on_deleted, destination::lifecycle::on_deleted { config: config })
    }

    pub(crate) async fn open(&mut self) -> Result<(), Status> {
        match self {
            Self::V1(client) => client.start(v1::destination::start::Request {}).await.map(|_| ()),
            Self::V2(client) => client.open(v2::destination::open::Request {}).await.map(|_| ()),
        }
    }

    /// Asks for the stream: where records go, and where answers come from.
    pub(crate) fn run(&self) -> (mpsc::Sender<Vec<opencdc_wire::Record>>, Answers) {
        let (sender, records) = mpsc::channel::<Vec<opencdc_wire::Record>>(WAITING_MESSAGES);
        let records = ReceiverStream::new(records);
        let answers = match self {
            Self::V1(client) => {
                let mut client = client.clone();
                let requests =
                    records.flat_map(iter).map(|record| v1::destination::run::Request { record: Some(record) });
                Answers::V1(Incoming::new(async move { client.run(requests).await }))
            }
            Self::V2(client) => {
                let mut client = client.clone();
                let requests = records.map(|records| v2::destination::run::Request { records });
                Answers::V2(Incoming::new(async move { client.run(requests).await }))
            }
        };
        (sender, answers)
    }

    pub(crate) async fn stop(&mut self, last_position: Vec<u8>) -> Result<(), Status> {
        call!(self, stop, destination::stop { last_position: last_position })
    }

    pub(crate) async fn teardown(&mut self) -> Result<(), Status> {
        call!(self, teardown, destination::teardown {})
    }
}

/// Where answers come from.
pub(crate) enum Answers {
    V1(Incoming<v1::destination::run::Response>),
    V2(Incoming<v2::destination::run::Response>),
}

impl Answers {
    /// The answers of the next message; nothing at the end. Cancelling this loses nothing.
    pub(crate) async fn message(&mut self) -> Result<Option<Vec<Answer>>, Status> {
        Ok(match self {
            Self::V1(incoming) => {
                incoming.message().await?.map(|response| vec![answer(response.ack_position, response.error)])
            }
            Self::V2(incoming) => incoming
                .message()
                .await?
                .map(|response| response.acks.into_iter().map(|ack| answer(ack.position, ack.error)).collect()),
        })
    }
}

fn answer(position: Vec<u8>, error: String) -> Answer {
    let result = if error.is_empty() { Ok(()) } else { Err(error) };
    Answer { position: Position::new(position), result }
}
