//! go-plugin's own services: controller, broker, stdio.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use tokio::sync::{mpsc, oneshot, watch};
use tonic::{Request, Response, Status, Streaming};

use crate::proto::plugin::grpc_broker_server::GrpcBroker;
use crate::proto::plugin::grpc_controller_server::GrpcController;
use crate::proto::plugin::grpc_stdio_server::GrpcStdio;
use crate::proto::plugin::{ConnInfo, Empty, StdioData};

type Silence<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A stream without messages that ends when the plugin does.
fn silence<T: Send + 'static>(mut ended: watch::Receiver<bool>) -> Silence<T> {
    Box::pin(
        futures::stream::once(async move {
            let _ = ended.wait_for(|ended| *ended).await;
            futures::stream::empty()
        })
        .flatten(),
    )
}

/// The host asks for the end through this.
pub(super) struct Controller {
    shutdown: mpsc::Sender<oneshot::Sender<()>>,
}

impl Controller {
    /// Asks go to this channel, each with what its answer waits for.
    pub(super) fn new(shutdown: mpsc::Sender<oneshot::Sender<()>>) -> Self {
        Self { shutdown }
    }
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        let (answer, answered) = oneshot::channel();
        // A second ask finds the first one under way.
        if self.shutdown.try_send(answer).is_ok() {
            let _ = answered.await;
        }
        Ok(Response::new(Empty {}))
    }
}

/// Further connections; Conduit makes none, so nothing is ever offered.
pub(super) struct Broker {
    ended: watch::Receiver<bool>,
}

impl Broker {
    /// A broker whose streams end with the plugin.
    pub(super) fn new(ended: watch::Receiver<bool>) -> Self {
        Self { ended }
    }
}

#[tonic::async_trait]
impl GrpcBroker for Broker {
    type StartStreamStream = Silence<ConnInfo>;

    async fn start_stream(
        &self,
        _request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(Response::new(silence(self.ended.clone())))
    }
}

/// What the plugin prints; nothing, since logs go to stderr itself and stdout is the handshake's.
pub(super) struct Stdio {
    ended: watch::Receiver<bool>,
}

impl Stdio {
    /// A stdio whose streams end with the plugin.
    pub(super) fn new(ended: watch::Receiver<bool>) -> Self {
        Self { ended }
    }
}

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = Silence<StdioData>;

    async fn stream_stdio(&self, _request: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(silence(self.ended.clone())))
    }
}
