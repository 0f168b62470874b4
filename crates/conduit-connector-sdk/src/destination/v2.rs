//! The destination in protocol v2: batches both ways.

use std::pin::Pin;
use std::sync::Arc;

use conduit_connector_protocol::proto::connector::v2::destination::run::response::Ack;
use conduit_connector_protocol::proto::connector::v2::destination::{self, lifecycle};
use conduit_connector_protocol::proto::connector::v2::destination_plugin_server::DestinationPlugin as Service;
use futures::{Stream, StreamExt as _};
use opencdc::Position;
use tonic::{Request, Response, Status, Streaming};

use super::DestinationPlugin;
use crate::Destination;

/// The destination in protocol v2.
pub(crate) struct DestinationV2<D>(pub(crate) Arc<DestinationPlugin<D>>);

#[tonic::async_trait]
impl<D: Destination> Service for DestinationV2<D> {
    type RunStream = Pin<Box<dyn Stream<Item = Result<destination::run::Response, Status>> + Send>>;

    async fn configure(
        &self,
        request: Request<destination::configure::Request>,
    ) -> Result<Response<destination::configure::Response>, Status> {
        let request = request.into_inner();
        self.0.configure(request.config.into()).await.map_err(|error| error.to_status())?;
        Ok(Response::new(destination::configure::Response {}))
    }

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

    async fn teardown(
        &self,
        _request: Request<destination::teardown::Request>,
    ) -> Result<Response<destination::teardown::Response>, Status> {
        self.0.teardown().await.map_err(|error| error.to_status())?;
        Ok(Response::new(destination::teardown::Response {}))
    }

    async fn lifecycle_on_created(
        &self,
        request: Request<lifecycle::on_created::Request>,
    ) -> Result<Response<lifecycle::on_created::Response>, Status> {
        let request = request.into_inner();
        self.0.on_created(request.config.into()).await.map_err(|error| error.to_status())?;
        Ok(Response::new(lifecycle::on_created::Response {}))
    }

    async fn lifecycle_on_updated(
        &self,
        request: Request<lifecycle::on_updated::Request>,
    ) -> Result<Response<lifecycle::on_updated::Response>, Status> {
        let request = request.into_inner();
        let (before, after) = (request.config_before.into(), request.config_after.into());
        self.0.on_updated(before, after).await.map_err(|error| error.to_status())?;
        Ok(Response::new(lifecycle::on_updated::Response {}))
    }

    async fn lifecycle_on_deleted(
        &self,
        request: Request<lifecycle::on_deleted::Request>,
    ) -> Result<Response<lifecycle::on_deleted::Response>, Status> {
        let request = request.into_inner();
        self.0.on_deleted(request.config.into()).await.map_err(|error| error.to_status())?;
        Ok(Response::new(lifecycle::on_deleted::Response {}))
    }
}
