//! The gRPC calls that are alike for sources and destinations, in each version of the protocol, but for the types of their messages.

/// Implements the service of a plugin, which the server holds as its only field. The calls in braces are the service's own; configuring,
/// tearing down and the lifecycle are added, and so is the type of the stream.
macro_rules! service {
    (impl<$connector:ident: $bound:ident> $service:ident for $server:ty, messages: $messages:ident { $($own:tt)* }) => {
        #[tonic::async_trait]
        impl<$connector: $bound> $service for $server {
            type RunStream = std::pin::Pin<
                Box<dyn futures::Stream<Item = Result<$messages::run::Response, tonic::Status>> + Send>,
            >;

            $($own)*

            async fn configure(
                &self,
                request: tonic::Request<$messages::configure::Request>,
            ) -> Result<tonic::Response<$messages::configure::Response>, tonic::Status> {
                let request = request.into_inner();
                self.0.configure(request.config.into()).await.map_err(|error| error.to_status())?;
                Ok(tonic::Response::new($messages::configure::Response {}))
            }

            async fn teardown(
                &self,
                _request: tonic::Request<$messages::teardown::Request>,
            ) -> Result<tonic::Response<$messages::teardown::Response>, tonic::Status> {
                self.0.teardown().await.map_err(|error| error.to_status())?;
                Ok(tonic::Response::new($messages::teardown::Response {}))
            }

            async fn lifecycle_on_created(
                &self,
                request: tonic::Request<$messages::lifecycle::on_created::Request>,
            ) -> Result<tonic::Response<$messages::lifecycle::on_created::Response>, tonic::Status> {
                let request = request.into_inner();
                self.0.on_created(request.config.into()).await.map_err(|error| error.to_status())?;
                Ok(tonic::Response::new($messages::lifecycle::on_created::Response {}))
            }

            async fn lifecycle_on_updated(
                &self,
                request: tonic::Request<$messages::lifecycle::on_updated::Request>,
            ) -> Result<tonic::Response<$messages::lifecycle::on_updated::Response>, tonic::Status> {
                let request = request.into_inner();
                let (before, after) = (request.config_before.into(), request.config_after.into());
                self.0.on_updated(before, after).await.map_err(|error| error.to_status())?;
                Ok(tonic::Response::new($messages::lifecycle::on_updated::Response {}))
            }

            async fn lifecycle_on_deleted(
                &self,
                request: tonic::Request<$messages::lifecycle::on_deleted::Request>,
            ) -> Result<tonic::Response<$messages::lifecycle::on_deleted::Response>, tonic::Status> {
                let request = request.into_inner();
                self.0.on_deleted(request.config.into()).await.map_err(|error| error.to_status())?;
                Ok(tonic::Response::new($messages::lifecycle::on_deleted::Response {}))
            }
        }
    };
}

pub(crate) use service;
