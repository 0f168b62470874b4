//! The source in protocol v2: batches both ways.

use std::sync::Arc;

use conduit_connector_protocol::proto::connector::v2::source;
use conduit_connector_protocol::proto::connector::v2::source_plugin_server::SourcePlugin as Service;
use futures::StreamExt as _;
use opencdc::Position;
use tonic::{Request, Response, Status, Streaming};

use super::SourcePlugin;
use crate::Source;
use crate::service::service;

/// The source in protocol v2.
pub(crate) struct SourceV2<S>(pub(crate) Arc<SourcePlugin<S>>);

service! {
    impl<S: Source> Service for SourceV2<S>, messages: source {
        async fn open(
            &self,
            request: Request<source::open::Request>,
        ) -> Result<Response<source::open::Response>, Status> {
            self.0.open(request.into_inner().position).await.map_err(|error| error.to_status())?;
            Ok(Response::new(source::open::Response {}))
        }

        async fn run(
            &self,
            request: Request<Streaming<source::run::Request>>,
        ) -> Result<Response<Self::RunStream>, Status> {
            let acks = request
                .into_inner()
                .map(|acks| acks.map(|acks| acks.ack_positions.into_iter().map(Position::new).collect()));
            let messages = self.0.run(acks).map_err(|error| error.to_status())?;
            let responses = messages.map(|records| records.map(|records| source::run::Response { records }));
            Ok(Response::new(Box::pin(responses)))
        }

        async fn stop(
            &self,
            _request: Request<source::stop::Request>,
        ) -> Result<Response<source::stop::Response>, Status> {
            let last = self.0.stop().await.map_err(|error| error.to_status())?;
            Ok(Response::new(source::stop::Response { last_position: last.unwrap_or_default().into_bytes() }))
        }
    }
}
