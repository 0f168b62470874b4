//! The destination in protocol v1: one record or answer a message.

use std::sync::Arc;

use conduit_connector_protocol::proto::connector::v1::destination;
use conduit_connector_protocol::proto::connector::v1::destination_plugin_server::DestinationPlugin as Service;
use futures::{StreamExt as _, stream};
use opencdc::Position;
use tonic::{Request, Response, Status, Streaming};

use super::DestinationPlugin;
use super::writer::Answer;
use crate::Destination;
use crate::service::service;

/// The destination in protocol v1.
pub(crate) struct DestinationV1<D>(pub(crate) Arc<DestinationPlugin<D>>);

service! {
    impl<D: Destination> Service for DestinationV1<D>, messages: destination {
        async fn start(
            &self,
            _request: Request<destination::start::Request>,
        ) -> Result<Response<destination::start::Response>, Status> {
            self.0.open().await.map_err(|error| error.to_status())?;
            Ok(Response::new(destination::start::Response {}))
        }

        async fn run(
            &self,
            request: Request<Streaming<destination::run::Request>>,
        ) -> Result<Response<Self::RunStream>, Status> {
            let records = request.into_inner().map(|message| message.map(|message| message.record.into_iter().collect()));
            let answers = self.0.run(records).map_err(|error| error.to_status())?;
            let responses = answers.flat_map(|answers| match answers {
                Ok(answers) => stream::iter(answers)
                    .map(|Answer { position, error }| {
                        Ok(destination::run::Response { ack_position: position.into_bytes(), error })
                    })
                    .boxed(),
                Err(status) => stream::iter([Err(status)]).boxed(),
            });
            Ok(Response::new(Box::pin(responses)))
        }

        async fn stop(
            &self,
            request: Request<destination::stop::Request>,
        ) -> Result<Response<destination::stop::Response>, Status> {
            let last = Position::new(request.into_inner().last_position);
            self.0.stop(last).await.map_err(|error| error.to_status())?;
            Ok(Response::new(destination::stop::Response {}))
        }
    }
}
