//! A source of twenty records, or of the lines of a file. Its positions are the records' numbers.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use conduit_connector_protocol::proto::connector::{v1, v2};
use conduit_connector_protocol::proto::opencdc::v1 as wire;
use futures::{Stream, StreamExt as _};
use opencdc::{Data, Metadata, Position, Record};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::fault::Fault;
use crate::parameters::SOURCE;
use crate::schemas;

const RECORDS: usize = 20;
const RECORDS_A_MESSAGE: usize = 6;

/// How often the file is looked at for more lines.
const POLL: Duration = Duration::from_millis(20);

#[derive(Clone, Default)]
pub(crate) struct Source(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The file whose lines are the records, if any.
    path: Option<String>,
    /// Whether Open is never answered.
    hangs: bool,
    /// How many records there were when the source was opened.
    there: u64,
    /// The number of the record that was sent last, or that the source was opened at.
    at: u64,
    sent: Vec<u8>,
    stopped: bool,
    /// The versions of the schemas of key and payload.
    schemas: Option<(i32, i32)>,
    torn_down: Arc<AtomicBool>,
}

impl State {
    /// What the records say, first to last.
    fn names(&self) -> Vec<String> {
        match &self.path {
            Some(path) => std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect(),
            None => vec!["record".to_owned(); RECORDS],
        }
    }
}

impl Source {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn configure(&self, config: &HashMap<String, String>) -> Result<(), Status> {
        crate::parameters::configure(&SOURCE, config)?;
        self.with(|state| {
            state.path = config.get("path").cloned();
            state.hangs = config.get("count").is_some_and(|count| count == "hang");
        });
        Ok(())
    }

    async fn open(&self, position: &[u8]) -> Result<(), Status> {
        if self.with(|state| state.hangs) {
            std::future::pending::<()>().await;
        }
        let at = match std::str::from_utf8(position) {
            Ok("") => 0,
            Ok(text) => text
                .parse::<u64>()
                .map_err(|_| Status::invalid_argument(format!("position {text:?} is not one of this connector")))?,
            Err(_) => return Err(Status::invalid_argument("the position is not one of this connector")),
        };
        let skipped = u64::from(at > 0 && Fault::LosesOnResume.is_set());
        let created = (
            schemas::create("sample.key", schemas::KEY).await,
            schemas::create("sample.payload", schemas::PAYLOAD).await,
        );
        self.with(|state| {
            state.there = state.names().len() as u64;
            state.at = if Fault::BeginsAnew.is_set() { 0 } else { at + skipped };
            state.sent = Vec::new();
            state.stopped = false;
            state.schemas = created.0.zip(created.1);
        });
        Ok(())
    }

    /// The next records, as many as a message has; none when there are none, or the source was stopped.
    fn advance(&self) -> Vec<wire::Record> {
        self.with(|state| {
            let names = state.names();
            let end = if Fault::NoChanges.is_set() { state.there as usize } else { names.len() };
            let mut records = Vec::new();
            while !state.stopped && (state.at as usize) < end && records.len() < RECORDS_A_MESSAGE {
                let name = &names[state.at as usize];
                state.at += 1;
                state.sent = match state.at {
                    7 if Fault::RepeatsPositions.is_set() => b"6".to_vec(),
                    number => number.to_string().into_bytes(),
                };
                // Nothing of it is too deep.
                records.extend(wire::Record::try_from(&record(state, name)));
            }
            records
        })
    }

    /// Sends the records, and then what comes, until the host closes its side.
    fn run<A: Send + 'static>(&self, mut acks: Streaming<A>) -> ReceiverStream<Result<Vec<wire::Record>, Status>> {
        let (sender, records) = mpsc::channel(1);
        let source = self.clone();
        tokio::spawn(async move {
            let sending = async {
                loop {
                    let message = source.advance();
                    if message.is_empty() {
                        if Fault::EndsEarly.is_set() {
                            return;
                        }
                        tokio::time::sleep(POLL).await;
                    } else if sender.send(Ok(message)).await.is_err() {
                        return;
                    }
                }
            };
            let receiving = async {
                while let Ok(Some(_)) = acks.message().await {
                    if Fault::RefusesAcks.is_set() {
                        let _ = sender.send(Err(Status::internal("acks are not wanted here"))).await;
                        return;
                    }
                }
            };
            tokio::select! {
                () = sending => {}
                () = receiving => {}
            }
        });
        ReceiverStream::new(records)
    }

    async fn stop(&self) -> Vec<u8> {
        if Fault::StopHangs.is_set() {
            std::future::pending::<()>().await;
        }
        self.with(|state| {
            state.stopped = true;
            if Fault::WrongLastPosition.is_set() { b"21".to_vec() } else { state.sent.clone() }
        })
    }
}

/// The record whose turn it is.
fn record(state: &State, name: &str) -> Record {
    let number = state.at;
    let mut metadata = Metadata::new();
    let (key, after) = if let Some((key, payload)) = state.schemas {
        let wrong = if Fault::NamesNoSchema.is_set() { 7 } else { 0 };
        for (part, version) in [("key", key), ("payload", payload)] {
            metadata.insert(format!("opencdc.{part}.schema.subject"), format!("sample.{part}"));
            metadata.insert(format!("opencdc.{part}.schema.version"), (version + wrong).to_string());
        }
        let mut after = [schemas::long(number), schemas::long(name.len() as u64), name.as_bytes().to_vec()].concat();
        if Fault::EncodesWrong.is_set() {
            after.pop();
        }
        (Data::Raw(schemas::long(number)), Data::Raw(after))
    } else {
        let fields = |value: serde_json::Value| Data::from(value.as_object().cloned().unwrap_or_default());
        (fields(json!({"id": number})), fields(json!({"id": number, "name": name})))
    };
    let position = Position::new(state.sent.clone());
    match number {
        _ if number > state.there => Record::create(position, metadata, key, after),
        _ if Fault::Updates.is_set() => Record::update(position, metadata, key, None, after),
        _ => Record::snapshot(position, metadata, key, after),
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
                Source::configure(self, &request.into_inner().config)?;
                Ok(Response::new($version::source::configure::Response {}))
            }

            async fn $open(
                &self,
                request: Request<$version::source::$open::Request>,
            ) -> Result<Response<$version::source::$open::Response>, Status> {
                Source::open(self, &request.into_inner().position).await?;
                Ok(Response::new($version::source::$open::Response {}))
            }

            async fn run(
                &self,
                request: Request<Streaming<$version::source::run::Request>>,
            ) -> Result<Response<Self::RunStream>, Status> {
                if Fault::GivesNothing.is_set() {
                    return Ok(Response::new(Box::pin(futures::stream::pending())));
                }
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
                Ok(Response::new($version::source::stop::Response { last_position: Source::stop(self).await }))
            }

            async fn teardown(
                &self,
                _request: Request<$version::source::teardown::Request>,
            ) -> Result<Response<$version::source::teardown::Response>, Status> {
                crate::teardown(&self.with(|state| Arc::clone(&state.torn_down))).await?;
                Ok(Response::new($version::source::teardown::Response {}))
            }

            async fn lifecycle_on_created(
                &self,
                _request: Request<$version::source::lifecycle::on_created::Request>,
            ) -> Result<Response<$version::source::lifecycle::on_created::Response>, Status> {
                crate::lifecycle()?;
                Ok(Response::new($version::source::lifecycle::on_created::Response {}))
            }

            async fn lifecycle_on_updated(
                &self,
                _request: Request<$version::source::lifecycle::on_updated::Request>,
            ) -> Result<Response<$version::source::lifecycle::on_updated::Response>, Status> {
                crate::lifecycle()?;
                Ok(Response::new($version::source::lifecycle::on_updated::Response {}))
            }

            async fn lifecycle_on_deleted(
                &self,
                _request: Request<$version::source::lifecycle::on_deleted::Request>,
            ) -> Result<Response<$version::source::lifecycle::on_deleted::Response>, Status> {
                crate::lifecycle()?;
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
