//! The destination in protocol v2: batches both ways.

use std::sync::Arc;

use conduit_connector_protocol::proto::connector::v2::destination;
use conduit_connector_protocol::proto::connector::v2::destination::run::response::Ack;
use conduit_connector_protocol::proto::connector::v2::destination_plugin_server::DestinationPlugin as Service;
use futures::StreamExt as _;
use opencdc::Position;
use tonic::{Request, Response, Status, Streaming};

use super::DestinationPlugin;
use crate::Destination;
use crate::service::service;

/// The destination in protocol v2.
pub(crate) struct DestinationV2<D>(pub(crate) Arc<DestinationPlugin<D>>);

service! {
    impl<D: Destination> Service for DestinationV2<D>, messages: destination {
        async fn open(
            &self,
            _request: Request<destination::open::Request>,
        ) -> Result<Response<destination::open::Response>, Status> {
            self.0.open().await.map_err(|error| error.to_status())?;
            Ok(Response::new(destination::open::Response {}))
        }

        async fn run(
            &self,
            request: Request<Streaming<destination::run::Request>>,
        ) -> Result<Response<Self::RunStream>, Status> {
            let records = request.into_inner().map(|message| message.map(|message| message.records));
            let answers = self.0.run(records).map_err(|error| error.to_status())?;
            let responses = answers.map(|answers| {
                let acks =
                    answers?.into_iter().map(|answer| Ack { position: answer.position.into_bytes(), error: answer.error });
                Ok(destination::run::Response { acks: acks.collect() })
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
