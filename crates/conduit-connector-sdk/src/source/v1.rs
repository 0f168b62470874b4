//! The source in protocol v1: one record or acknowledgement a message.

use std::sync::Arc;

use conduit_connector_protocol::proto::connector::v1::source;
use conduit_connector_protocol::proto::connector::v1::source_plugin_server::SourcePlugin as Service;
use futures::{StreamExt as _, stream};
use opencdc::Position;
use tonic::{Request, Response, Status, Streaming};

use super::SourcePlugin;
use crate::Source;
use crate::service::service;

/// The source in protocol v1.
pub(crate) struct SourceV1<S>(pub(crate) Arc<SourcePlugin<S>>);

service! {
    impl<S: Source> Service for SourceV1<S>, messages: source {
        async fn start(
            &self,
            request: Request<source::start::Request>,
        ) -> Result<Response<source::start::Response>, Status> {
            self.0.open(request.into_inner().position).await.map_err(|error| error.to_status())?;
            Ok(Response::new(source::start::Response {}))
        }

        async fn run(
            &self,
            request: Request<Streaming<source::run::Request>>,
        ) -> Result<Response<Self::RunStream>, Status> {
            let acks = request.into_inner().map(|ack| ack.map(|ack| vec![Position::new(ack.ack_position)]));
            let messages = self.0.run(acks).map_err(|error| error.to_status())?;
            let responses = messages.flat_map(|records| match records {
                Ok(records) => {
                    stream::iter(records).map(|record| Ok(source::run::Response { record: Some(record) })).boxed()
                }
                Err(status) => stream::iter([Err(status)]).boxed(),
            });
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
