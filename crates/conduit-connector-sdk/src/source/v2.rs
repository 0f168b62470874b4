//! The source in protocol v2: batches both ways.

use std::pin::Pin;
use std::sync::Arc;

use conduit_connector_protocol::proto::connector::v2::source::{self, lifecycle};
use conduit_connector_protocol::proto::connector::v2::source_plugin_server::SourcePlugin as Service;
use futures::{Stream, StreamExt as _};
use opencdc::Position;
use tonic::{Request, Response, Status, Streaming};

use super::SourcePlugin;
use crate::Source;

/// The source in protocol v2.
pub(crate) struct SourceV2<S>(pub(crate) Arc<SourcePlugin<S>>);

#[tonic::async_trait]
impl<S: Source> Service for SourceV2<S> {
    type RunStream = Pin<Box<dyn Stream<Item = Result<source::run::Response, Status>> + Send>>;

    async fn configure(
        &self,
        request: Request<source::configure::Request>,
    ) -> Result<Response<source::configure::Response>, Status> {
        let request = request.into_inner();
        self.0.configure(request.config.into()).await.map_err(|error| error.to_status())?;
        Ok(Response::new(source::configure::Response {}))
    }

    async fn open(&self, request: Request<source::open::Request>) -> Result<Response<source::open::Response>, Status> {
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

    async fn stop(&self, _request: Request<source::stop::Request>) -> Result<Response<source::stop::Response>, Status> {
        let last = self.0.stop().await.map_err(|error| error.to_status())?;
        Ok(Response::new(source::stop::Response { last_position: last.unwrap_or_default().into_bytes() }))
    }

    async fn teardown(
        &self,
        _request: Request<source::teardown::Request>,
    ) -> Result<Response<source::teardown::Response>, Status> {
        self.0.teardown().await.map_err(|error| error.to_status())?;
        Ok(Response::new(source::teardown::Response {}))
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
