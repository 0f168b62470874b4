//! A destination that refuses deletes and takes everything else.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use conduit_connector_protocol::proto::connector::{v1, v2};
use conduit_connector_protocol::proto::opencdc::v1 as wire;
use futures::{Stream, StreamExt as _};
use opencdc::{Data, Operation, Record};
use tonic::{Request, Response, Status, Streaming};

use crate::fault::Fault;
use crate::parameters::DESTINATION;

#[derive(Clone, Default)]
pub(crate) struct Destination(Arc<State>);

#[derive(Default)]
struct State {
    /// The file to write to, if any.
    path: Mutex<Option<String>>,
    /// Whether records are never answered.
    hangs: AtomicBool,
    torn_down: AtomicBool,
}

impl Destination {
    fn configure(&self, config: &HashMap<String, String>) -> Result<(), Status> {
        crate::parameters::configure(&DESTINATION, config)?;
        *self.0.path.lock().unwrap_or_else(PoisonError::into_inner) = config.get("path").cloned();
        self.0.hangs.store(config.get("target").is_some_and(|target| target == "hang"), Ordering::Relaxed);
        Ok(())
    }

    /// The answers to the records of a message: positions, and errors that are empty where a record was taken.
    async fn answers(&self, records: Vec<wire::Record>) -> Vec<(Vec<u8>, String)> {
        if self.0.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let mut answers = Vec::new();
        let mut refused_any = false;
        for record in records {
            let position = record.position().to_vec();
            let result = if refused_any && Fault::RefusesTheRest.is_set() {
                Err("one before it was refused".to_owned())
            } else {
                self.write(record).await
            };
            refused_any |= result.is_err();
            answers.push((position, result.err().unwrap_or_default()));
        }
        if Fault::FewAnswers.is_set() {
            answers.pop();
        }
        if Fault::AnswersBackwards.is_set() {
            answers.reverse();
        }
        answers
    }

    async fn write(&self, record: wire::Record) -> Result<(), String> {
        let record = Record::try_from(record).map_err(|error| error.to_string())?;
        if record.operation == Operation::Delete {
            return Err("nothing is ever deleted here".to_owned());
        }
        for part in ["key", "payload"] {
            let of = |name: &str| record.metadata.get(&format!("opencdc.{part}.schema.{name}"));
            if let (Some(subject), Some(version)) = (of("subject"), of("version")) {
                let version = version.parse().map_err(|_| format!("{version:?} is no version"))?;
                crate::schemas::get(subject, version).await.map_err(|status| status.to_string())?;
            }
        }
        let path = self.0.path.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(path), false) = (path, Fault::WritesNothing.is_set()) else { return Ok(()) };
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| error.to_string())?;
        let texts = [record.key, record.payload.after].map(|data| match data {
            Some(Data::Raw(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        });
        writeln!(file, "{texts:?}").map_err(|error| error.to_string())
    }
}

/// The service in one version. `$open` is the name of what opens; `$records` takes the records out of a request; `$answer` turns
/// answers into responses.
macro_rules! service {
    ($version:ident, $open:ident, $records:expr, $answer:expr) => {
        #[tonic::async_trait]
        impl $version::destination_plugin_server::DestinationPlugin for Destination {
            type RunStream = Pin<Box<dyn Stream<Item = Result<$version::destination::run::Response, Status>> + Send>>;

            async fn configure(
                &self,
                request: Request<$version::destination::configure::Request>,
            ) -> Result<Response<$version::destination::configure::Response>, Status> {
                Destination::configure(self, &request.into_inner().config)?;
                Ok(Response::new($version::destination::configure::Response {}))
            }

            async fn $open(
                &self,
                _request: Request<$version::destination::$open::Request>,
            ) -> Result<Response<$version::destination::$open::Response>, Status> {
                Ok(Response::new($version::destination::$open::Response {}))
            }

            async fn run(
                &self,
                request: Request<Streaming<$version::destination::run::Request>>,
            ) -> Result<Response<Self::RunStream>, Status> {
                let destination = self.clone();
                let responses = request.into_inner().then(move |request| {
                    let destination = destination.clone();
                    async move {
                        futures::stream::iter(match request {
                            Ok(request) => {
                                let records = $records(request);
                                $answer(destination.answers(records).await).into_iter().map(Ok).collect()
                            }
                            Err(status) => vec![Err(status)],
                        })
                    }
                });
                let responses = responses.flatten();
                Ok(Response::new(Box::pin(responses)))
            }

            async fn stop(
                &self,
                _request: Request<$version::destination::stop::Request>,
            ) -> Result<Response<$version::destination::stop::Response>, Status> {
                Ok(Response::new($version::destination::stop::Response {}))
            }

            async fn teardown(
                &self,
                _request: Request<$version::destination::teardown::Request>,
            ) -> Result<Response<$version::destination::teardown::Response>, Status> {
                crate::teardown(&self.0.torn_down).await?;
                Ok(Response::new($version::destination::teardown::Response {}))
            }

            async fn lifecycle_on_created(
                &self,
                _request: Request<$version::destination::lifecycle::on_created::Request>,
            ) -> Result<Response<$version::destination::lifecycle::on_created::Response>, Status> {
                crate::lifecycle()?;
                Ok(Response::new($version::destination::lifecycle::on_created::Response {}))
            }

            async fn lifecycle_on_updated(
                &self,
                _request: Request<$version::destination::lifecycle::on_updated::Request>,
            ) -> Result<Response<$version::destination::lifecycle::on_updated::Response>, Status> {
                crate::lifecycle()?;
                Ok(Response::new($version::destination::lifecycle::on_updated::Response {}))
            }

            async fn lifecycle_on_deleted(
                &self,
                _request: Request<$version::destination::lifecycle::on_deleted::Request>,
            ) -> Result<Response<$version::destination::lifecycle::on_deleted::Response>, Status> {
                crate::lifecycle()?;
                Ok(Response::new($version::destination::lifecycle::on_deleted::Response {}))
            }
        }
    };
}

service!(
    v1,
    start,
    |request: v1::destination::run::Request| -> Vec<wire::Record> { request.record.into_iter().collect() },
    |answers: Vec<(Vec<u8>, String)>| -> Vec<v1::destination::run::Response> {
        let response = |(ack_position, error)| v1::destination::run::Response { ack_position, error };
        answers.into_iter().map(response).collect()
    }
);
service!(
    v2,
    open,
    |request: v2::destination::run::Request| -> Vec<wire::Record> { request.records },
    |answers: Vec<(Vec<u8>, String)>| -> Vec<v2::destination::run::Response> {
        let ack = |(position, error)| v2::destination::run::response::Ack { position, error };
        vec![v2::destination::run::Response { acks: answers.into_iter().map(ack).collect() }]
    }
);
