//! A destination that refuses deletes and takes everything else.

use std::pin::Pin;

use conduit_connector_protocol::proto::connector::{v1, v2};
use conduit_connector_protocol::proto::opencdc::v1 as wire;
use futures::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use crate::fault::Fault;

pub(crate) struct Destination;

/// The answers to the records of a message: positions, and errors that are empty where a record was taken.
fn answers(records: Vec<wire::Record>) -> Vec<(Vec<u8>, String)> {
    let mut answers: Vec<_> = records
        .into_iter()
        .map(|record| {
            let refused = record.operation == i32::from(wire::Operation::Delete);
            (record.position, if refused { "nothing is ever deleted here".to_owned() } else { String::new() })
        })
        .collect();
    if Fault::FewAnswers.is_set() {
        answers.pop();
    }
    if Fault::AnswersBackwards.is_set() {
        answers.reverse();
    }
    answers
}

/// The service in one version. `$open` is the name of what opens; `$answer` turns a request into responses.
macro_rules! service {
    ($version:ident, $open:ident, $answer:expr) => {
        #[tonic::async_trait]
        impl $version::destination_plugin_server::DestinationPlugin for Destination {
            type RunStream = Pin<Box<dyn Stream<Item = Result<$version::destination::run::Response, Status>> + Send>>;

            async fn configure(
                &self,
                request: Request<$version::destination::configure::Request>,
            ) -> Result<Response<$version::destination::configure::Response>, Status> {
                crate::configure("target", &request.into_inner().config)?;
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
                let responses = request.into_inner().flat_map(|request| {
                    futures::stream::iter(match request {
                        Ok(request) => $answer(request).into_iter().map(Ok).collect(),
                        Err(status) => vec![Err(status)],
                    })
                });
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
                crate::teardown().await?;
                Ok(Response::new($version::destination::teardown::Response {}))
            }

            async fn lifecycle_on_created(
                &self,
                _request: Request<$version::destination::lifecycle::on_created::Request>,
            ) -> Result<Response<$version::destination::lifecycle::on_created::Response>, Status> {
                Ok(Response::new($version::destination::lifecycle::on_created::Response {}))
            }

            async fn lifecycle_on_updated(
                &self,
                _request: Request<$version::destination::lifecycle::on_updated::Request>,
            ) -> Result<Response<$version::destination::lifecycle::on_updated::Response>, Status> {
                Ok(Response::new($version::destination::lifecycle::on_updated::Response {}))
            }

            async fn lifecycle_on_deleted(
                &self,
                _request: Request<$version::destination::lifecycle::on_deleted::Request>,
            ) -> Result<Response<$version::destination::lifecycle::on_deleted::Response>, Status> {
                Ok(Response::new($version::destination::lifecycle::on_deleted::Response {}))
            }
        }
    };
}

service!(v1, start, |request: v1::destination::run::Request| -> Vec<v1::destination::run::Response> {
    answers(request.record.into_iter().collect())
        .into_iter()
        .map(|(ack_position, error)| v1::destination::run::Response { ack_position, error })
        .collect()
});
service!(v2, open, |request: v2::destination::run::Request| -> Vec<v2::destination::run::Response> {
    let acks = answers(request.records)
        .into_iter()
        .map(|(position, error)| v2::destination::run::response::Ack { position, error })
        .collect();
    vec![v2::destination::run::Response { acks }]
});
