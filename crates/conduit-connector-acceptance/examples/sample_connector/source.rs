//! A source of twenty records. Its positions are the records' numbers.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use conduit_connector_protocol::proto::connector::{v1, v2};
use conduit_connector_protocol::proto::opencdc::v1 as wire;
use futures::{Stream, StreamExt as _};
use opencdc::{Data, Metadata, Position, Record};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::fault::Fault;

const RECORDS: u64 = 20;
const RECORDS_A_MESSAGE: usize = 6;

#[derive(Clone, Default)]
pub(crate) struct Source(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The number of the record that was sent last, or that the source was opened at.
    at: u64,
    sent: Vec<u8>,
    stopped: bool,
}

impl Source {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn open(&self, position: &[u8]) -> Result<(), Status> {
        let at = match std::str::from_utf8(position) {
            Ok("") => 0,
            Ok(text) => text
                .parse::<u64>()
                .map_err(|_| Status::invalid_argument(format!("position {text:?} is not one of this connector")))?,
            Err(_) => return Err(Status::invalid_argument("the position is not one of this connector")),
        };
        let skipped = u64::from(at > 0 && Fault::LosesOnResume.is_set());
        self.with(|state| *state = State { at: at + skipped, sent: Vec::new(), stopped: false });
        Ok(())
    }

    /// The next record, unless there is none, or the source was stopped.
    fn advance(&self) -> Option<wire::Record> {
        self.with(|state| {
            if state.stopped || state.at >= RECORDS {
                return None;
            }
            state.at += 1;
            let number = state.at;
            state.sent = match number {
                7 if Fault::RepeatsPositions.is_set() => b"6".to_vec(),
                _ => number.to_string().into_bytes(),
            };
            let key = Data::from(json!({"id": number}).as_object().cloned().unwrap_or_default());
            let after = Data::from(json!({"id": number, "name": "record"}).as_object().cloned().unwrap_or_default());
            Some(Record::snapshot(Position::new(state.sent.clone()), Metadata::new(), key, after).into())
        })
    }

    /// Sends the records, and then nothing, until the host closes its side.
    fn run<A: Send + 'static>(&self, mut acks: Streaming<A>) -> ReceiverStream<Result<Vec<wire::Record>, Status>> {
        let (sender, records) = mpsc::channel(1);
        let source = self.clone();
        tokio::spawn(async move {
            loop {
                let message: Vec<_> = std::iter::from_fn(|| source.advance()).take(RECORDS_A_MESSAGE).collect();
                if message.is_empty() || sender.send(Ok(message)).await.is_err() {
                    break;
                }
            }
            if Fault::EndsEarly.is_set() {
                return;
            }
            while let Ok(Some(_)) = acks.message().await {}
        });
        ReceiverStream::new(records)
    }

    fn stop(&self) -> Vec<u8> {
        self.with(|state| {
            state.stopped = true;
            if Fault::WrongLastPosition.is_set() { b"21".to_vec() } else { state.sent.clone() }
        })
    }
}

/// The service in one version. `$open` is the name of what opens; `$flat` turns the records of a message into responses.
macro_rules! service {
    ($version:ident, $open:ident, $responses:expr) => {
        #[tonic::async_trait]
        impl $version::source_plugin_server::SourcePlugin for Source {
            type RunStream = Pin<Box<dyn Stream<Item = Result<$version::source::run::Response, Status>> + Send>>;

            async fn configure(
                &self,
                request: Request<$version::source::configure::Request>,
            ) -> Result<Response<$version::source::configure::Response>, Status> {
                crate::configure("count", &request.into_inner().config)?;
                Ok(Response::new($version::source::configure::Response {}))
            }

            async fn $open(
                &self,
                request: Request<$version::source::$open::Request>,
            ) -> Result<Response<$version::source::$open::Response>, Status> {
                Source::open(self, &request.into_inner().position)?;
                Ok(Response::new($version::source::$open::Response {}))
            }

            async fn run(
                &self,
                request: Request<Streaming<$version::source::run::Request>>,
            ) -> Result<Response<Self::RunStream>, Status> {
                let records = Source::run(self, request.into_inner());
                let responses = records.flat_map(|message| {
                    futures::stream::iter(match message {
                        Ok(records) => $responses(records).into_iter().map(Ok).collect(),
                        Err(status) => vec![Err(status)],
                    })
                });
                Ok(Response::new(Box::pin(responses)))
            }

            async fn stop(
                &self,
                _request: Request<$version::source::stop::Request>,
            ) -> Result<Response<$version::source::stop::Response>, Status> {
                Ok(Response::new($version::source::stop::Response { last_position: Source::stop(self) }))
            }

            async fn teardown(
                &self,
                _request: Request<$version::source::teardown::Request>,
            ) -> Result<Response<$version::source::teardown::Response>, Status> {
                crate::teardown().await?;
                Ok(Response::new($version::source::teardown::Response {}))
            }

            async fn lifecycle_on_created(
                &self,
                _request: Request<$version::source::lifecycle::on_created::Request>,
            ) -> Result<Response<$version::source::lifecycle::on_created::Response>, Status> {
                Ok(Response::new($version::source::lifecycle::on_created::Response {}))
            }

            async fn lifecycle_on_updated(
                &self,
                _request: Request<$version::source::lifecycle::on_updated::Request>,
            ) -> Result<Response<$version::source::lifecycle::on_updated::Response>, Status> {
                Ok(Response::new($version::source::lifecycle::on_updated::Response {}))
            }

            async fn lifecycle_on_deleted(
                &self,
                _request: Request<$version::source::lifecycle::on_deleted::Request>,
            ) -> Result<Response<$version::source::lifecycle::on_deleted::Response>, Status> {
                Ok(Response::new($version::source::lifecycle::on_deleted::Response {}))
            }
        }
    };
}

service!(v1, start, |records: Vec<wire::Record>| -> Vec<v1::source::run::Response> {
    records.into_iter().map(|record| v1::source::run::Response { record: Some(record) }).collect()
});
service!(v2, open, |records: Vec<wire::Record>| -> Vec<v2::source::run::Response> {
    vec![v2::source::run::Response { records }]
});
