//! The source's calls, in either version.

use std::future::Future;
use std::pin::Pin;

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::proto::connector::v1::source as v1;
use conduit_connector_protocol::proto::connector::v1::source_plugin_client::SourcePluginClient as ClientV1;
use conduit_connector_protocol::proto::connector::v2::source as v2;
use conduit_connector_protocol::proto::connector::v2::source_plugin_client::SourcePluginClient as ClientV2;
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;

use super::{Host, LONG, config};

/// A source's client.
pub(crate) enum Source {
    V1(ClientV1<Channel>),
    V2(ClientV2<Channel>),
}

macro_rules! call {
    ($source:expr, $method:ident, $($request:ident)::+ { $($field:ident: $value:expr),* }) => {
        match $source {
            Source::V1(client) => {
                client.clone().$method(v1::$($request)::+ { $($field: $value),* }).await.map(drop)
            }
            Source::V2(client) => {
                client.clone().$method(v2::$($request)::+ { $($field: $value),* }).await.map(drop)
            }
        }
    };
}

impl Source {
    pub(crate) fn of(host: &Host) -> Self {
        match host.plugin.version() {
            ProtocolVersion::V1 => Self::V1(ClientV1::new(host.plugin.channel())),
            ProtocolVersion::V2 => Self::V2(ClientV2::new(host.plugin.channel())),
        }
    }

    /// The same client, which refuses messages that are bigger than this.
    pub(crate) fn limited(self, bytes: usize) -> Self {
        match self {
            Self::V1(client) => Self::V1(client.max_decoding_message_size(bytes)),
            Self::V2(client) => Self::V2(client.max_decoding_message_size(bytes)),
        }
    }

    pub(crate) async fn configure(&self, settings: &[(&str, &str)]) -> Result<(), Status> {
        call!(self, configure, configure::Request { config: config(settings) })
    }

    pub(crate) async fn open(&self, position: &str) -> Result<(), Status> {
        let position = position.as_bytes().to_vec();
        match self {
            Self::V1(client) => client.clone().start(v1::start::Request { position }).await.map(drop),
            Self::V2(client) => client.clone().open(v2::open::Request { position }).await.map(drop),
        }
    }

    pub(crate) async fn run(&self) -> Run {
        let (acks, sent) = mpsc::channel::<Vec<String>>(64);
        let sent = ReceiverStream::new(sent);
        let bytes = |positions: Vec<String>| positions.into_iter().map(String::into_bytes);
        let messages: Messages = match self {
            Self::V1(client) => {
                let acks = sent
                    .flat_map(move |positions| futures::stream::iter(bytes(positions).collect::<Vec<_>>()))
                    .map(|ack_position| v1::run::Request { ack_position });
                let responses = client.clone().run(acks).await.unwrap().into_inner();
                Box::pin(responses.map(|response| response.map(|response| response.record.into_iter().collect())))
            }
            Self::V2(client) => {
                let acks = sent.map(move |positions| v2::run::Request { ack_positions: bytes(positions).collect() });
                let responses = client.clone().run(acks).await.unwrap().into_inner();
                Box::pin(responses.map(|response| response.map(|response| response.records)))
            }
        };
        Run { acks: Some(acks), received: messages, messages: 0 }
    }

    pub(crate) async fn stop(&self) -> Result<String, Status> {
        let last_position = match self {
            Self::V1(client) => client.clone().stop(v1::stop::Request {}).await?.into_inner().last_position,
            Self::V2(client) => client.clone().stop(v2::stop::Request {}).await?.into_inner().last_position,
        };
        Ok(String::from_utf8(last_position).unwrap())
    }

    pub(crate) async fn teardown(&self) -> Result<(), Status> {
        call!(self, teardown, teardown::Request {})
    }

    pub(crate) async fn on_created(&self, settings: &[(&str, &str)]) -> Result<(), Status> {
        call!(self, lifecycle_on_created, lifecycle::on_created::Request { config: config(settings) })
    }

    pub(crate) async fn on_updated(&self, before: &[(&str, &str)], after: &[(&str, &str)]) -> Result<(), Status> {
        call!(
            self,
            lifecycle_on_updated,
            lifecycle::on_updated::Request { config_before: config(before), config_after: config(after) }
        )
    }

    pub(crate) async fn on_deleted(&self, settings: &[(&str, &str)]) -> Result<(), Status> {
        call!(self, lifecycle_on_deleted, lifecycle::on_deleted::Request { config: config(settings) })
    }
}

type Messages =
    Pin<Box<dyn Stream<Item = Result<Vec<conduit_connector_protocol::proto::opencdc::v1::Record>, Status>> + Send>>;

/// A source's stream.
pub(crate) struct Run {
    acks: Option<mpsc::Sender<Vec<String>>>,
    received: Messages,
    /// How many messages have come.
    pub(crate) messages: usize,
}

impl Run {
    /// The positions of the next records.
    pub(crate) async fn records(&mut self, count: usize) -> Vec<String> {
        let mut positions = Vec::new();
        while positions.len() < count {
            let records = in_time(self.received.next()).await.expect("the stream has ended").unwrap();
            self.messages += 1;
            positions.extend(records.into_iter().map(|record| String::from_utf8(record.position().to_vec()).unwrap()));
        }
        positions
    }

    pub(crate) async fn ack(&mut self, positions: &[String]) {
        self.acks.as_ref().unwrap().send(positions.to_vec()).await.unwrap();
    }

    /// Closes the host's side.
    pub(crate) fn close(&mut self) {
        self.acks = None;
    }

    /// Waits for the end of the stream.
    pub(crate) async fn end(&mut self) -> Result<(), Status> {
        match in_time(self.received.next()).await {
            None => Ok(()),
            Some(Err(status)) => Err(status),
            Some(Ok(records)) => panic!("{} more records", records.len()),
        }
    }

    /// Waits for the error that ends the stream.
    pub(crate) async fn failure(&mut self) -> Result<(), Status> {
        loop {
            match in_time(self.received.next()).await {
                None => return Ok(()),
                Some(message) => drop(message?),
            }
        }
    }
}

pub(super) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("waited in vain")
}
