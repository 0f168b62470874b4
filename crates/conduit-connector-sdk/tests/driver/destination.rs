//! The destination's calls, in either version.

use std::ops::Range;
use std::pin::Pin;

use conduit_connector_protocol::ProtocolVersion;
use conduit_connector_protocol::proto::connector::v1::destination as v1;
use conduit_connector_protocol::proto::connector::v1::destination_plugin_client::DestinationPluginClient as ClientV1;
use conduit_connector_protocol::proto::connector::v2::destination as v2;
use conduit_connector_protocol::proto::connector::v2::destination_plugin_client::DestinationPluginClient as ClientV2;
use conduit_connector_protocol::proto::opencdc::v1 as wire;
use conduit_connector_sdk::{Data, Metadata, Position, Record};
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;

use super::source::in_time;
use super::{Host, config};

/// A destination's client.
pub(crate) enum Destination {
    V1(ClientV1<Channel>),
    V2(ClientV2<Channel>),
}

impl Destination {
    pub(crate) fn of(host: &Host) -> Self {
        match host.plugin.version() {
            ProtocolVersion::V1 => Self::V1(ClientV1::new(host.plugin.channel())),
            ProtocolVersion::V2 => Self::V2(ClientV2::new(host.plugin.channel())),
        }
    }

    pub(crate) async fn configure(&self, settings: &[(&str, &str)]) -> Result<(), Status> {
        let config = config(settings);
        match self {
            Self::V1(client) => client.clone().configure(v1::configure::Request { config }).await.map(drop),
            Self::V2(client) => client.clone().configure(v2::configure::Request { config }).await.map(drop),
        }
    }

    pub(crate) async fn open(&self) -> Result<(), Status> {
        match self {
            Self::V1(client) => client.clone().start(v1::start::Request {}).await.map(drop),
            Self::V2(client) => client.clone().open(v2::open::Request {}).await.map(drop),
        }
    }

    pub(crate) async fn run(&self) -> Run {
        let (records, sent) = mpsc::channel::<Vec<wire::Record>>(64);
        let sent = ReceiverStream::new(sent);
        let answers: Answers = match self {
            Self::V1(client) => {
                let records =
                    sent.flat_map(futures::stream::iter).map(|record| v1::run::Request { record: Some(record) });
                let responses = client.clone().run(records).await.unwrap().into_inner();
                Box::pin(
                    responses
                        .map(|response| response.map(|response| vec![(text(response.ack_position), response.error)])),
                )
            }
            Self::V2(client) => {
                let responses = client.clone().run(sent.map(|records| v2::run::Request { records })).await;
                let responses = responses.unwrap().into_inner();
                Box::pin(responses.map(|response| {
                    response
                        .map(|response| response.acks.into_iter().map(|ack| (text(ack.position), ack.error)).collect())
                }))
            }
        };
        Run { records: Some(records), answers }
    }

    pub(crate) async fn stop(&self, last: &str) -> Result<(), Status> {
        let last_position = last.as_bytes().to_vec();
        match self {
            Self::V1(client) => client.clone().stop(v1::stop::Request { last_position }).await.map(drop),
            Self::V2(client) => client.clone().stop(v2::stop::Request { last_position }).await.map(drop),
        }
    }

    pub(crate) async fn teardown(&self) -> Result<(), Status> {
        match self {
            Self::V1(client) => client.clone().teardown(v1::teardown::Request {}).await.map(drop),
            Self::V2(client) => client.clone().teardown(v2::teardown::Request {}).await.map(drop),
        }
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<Vec<(String, String)>, Status>> + Send>>;

/// A destination's stream.
pub(crate) struct Run {
    records: Option<mpsc::Sender<Vec<wire::Record>>>,
    answers: Answers,
}

impl Run {
    /// Sends records with these numbers as positions.
    pub(crate) async fn write(&mut self, numbers: Range<u32>) {
        let record = |number: u32| {
            let data = Data::Raw(b"x".to_vec());
            Record::create(Position::new(number.to_string()), Metadata::new(), data.clone(), data).try_into().unwrap()
        };
        self.records.as_ref().unwrap().send(numbers.map(record).collect()).await.unwrap();
    }

    /// The next answers: position and error of each.
    pub(crate) async fn answers(&mut self, count: usize) -> Result<Vec<(String, String)>, Status> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(in_time(self.answers.next()).await.expect("the stream has ended")?);
        }
        Ok(all)
    }

    /// Closes the host's side.
    pub(crate) fn close(&mut self) {
        self.records = None;
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
