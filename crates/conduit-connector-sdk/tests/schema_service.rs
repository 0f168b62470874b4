//! The client of Conduit's schema service, against a service that answers as Conduit's does.
#![cfg(feature = "schema")]
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use conduit_connector_protocol::proto::connutils::v1::schema_service_server::{SchemaService, SchemaServiceServer};
use conduit_connector_protocol::proto::connutils::v1::{
    CreateSchemaRequest, CreateSchemaResponse, GetSchemaRequest, GetSchemaResponse,
};
use conduit_connector_protocol::proto::schema::v1::{Schema as Message, schema::Type};
use conduit_connector_sdk::schema::{
    ExtractSettings, Extractor, InMemoryRegistry, Part, Registered, Registry, RegistryError, RestoreSettings, Restorer,
    ServiceClient,
};
use conduit_connector_sdk::{Data, Metadata, Position, Record};
use serde_json::json;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

const TOKEN: &str = "tell-no-one";

/// Conduit's service: kinds of errors are in their texts, and without the token there is nothing.
#[derive(Default)]
struct Service {
    registry: InMemoryRegistry,
    calls: Arc<AtomicUsize>,
    /// So many calls find it gone.
    away: usize,
}

impl Service {
    fn enter<T>(&self, request: Request<T>) -> Result<T, Status> {
        if self.calls.fetch_add(1, Ordering::Relaxed) < self.away {
            return Err(Status::unavailable("restarting"));
        }
        match request.metadata().get("conduit-connector-token") {
            Some(token) if token == TOKEN => Ok(request.into_inner()),
            _ => Err(Status::unknown("invalid token")),
        }
    }
}

fn answer(result: Result<Registered, RegistryError>) -> Result<Option<Message>, Status> {
    let it = result.map_err(|error| {
        Status::unknown(match error {
            RegistryError::SubjectNotFound => "schema subject not found",
            RegistryError::VersionNotFound => "schema version not found",
            _ => "invalid schema",
        })
    })?;
    let (r#type, bytes) = (Type::Avro.into(), it.text.into_bytes());
    Ok(Some(Message { subject: it.subject, version: it.version, id: it.id, r#type, bytes }))
}

#[tonic::async_trait]
impl SchemaService for Service {
    async fn create_schema(&self, it: Request<CreateSchemaRequest>) -> Result<Response<CreateSchemaResponse>, Status> {
        let it = self.enter(it)?;
        let text = String::from_utf8(it.bytes).map_err(|_| Status::unknown("invalid schema"))?;
        let schema = answer(self.registry.create(&it.subject, &text).await)?;
        Ok(Response::new(CreateSchemaResponse { schema }))
    }

    async fn get_schema(&self, it: Request<GetSchemaRequest>) -> Result<Response<GetSchemaResponse>, Status> {
        let it = self.enter(it)?;
        let schema = answer(self.registry.get(&it.subject, it.version).await)?;
        Ok(Response::new(GetSchemaResponse { schema }))
    }
}

fn serve(service: Service) -> SocketAddr {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    tokio::spawn(Server::builder().add_service(SchemaServiceServer::new(service)).serve_with_incoming(incoming));
    address
}

fn record() -> Record {
    let mut metadata = Metadata::new();
    metadata.set_collection("c");
    let data = |json| Data::try_from(json).unwrap();
    Record::create(Position::from(b"1".to_vec()), metadata, data(json!({"id": 1})), data(json!({"a": null})))
}

#[tokio::test]
async fn records_go_through_the_service_and_back_with_a_call_for_each_schema() {
    let calls = Arc::new(AtomicUsize::new(0));
    let address = serve(Service { calls: calls.clone(), ..Service::default() }).to_string();
    let client: Arc<dyn Registry> = Arc::new(ServiceClient::new(&address, Some(TOKEN)).unwrap());
    let mut settings = ExtractSettings::default();
    settings.context = Some("pipeline:source".to_owned());
    let mut extractor = Extractor::new(client.clone(), settings);
    let mut restorer = Restorer::new(client, RestoreSettings::default());
    for _ in 0..3 {
        let mut it = record();
        extractor.extract(&mut it).await.unwrap();
        assert_eq!(it.metadata.get(Part::Payload.subject_name()), Some("pipeline:source:c.payload"));
        assert_eq!(it.metadata.get(Part::Payload.version_name()), Some("1"));
        restorer.restore(&mut it).await.unwrap();
        assert_eq!((it.key, it.payload), (record().key, record().payload));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn each_error_has_its_kind() {
    let address = serve(Service::default()).to_string();
    let client = ServiceClient::new(&address, Some(TOKEN)).unwrap();
    assert_eq!(client.get("a", 1).await, Err(RegistryError::SubjectNotFound));
    client.create("a", r#""long""#).await.unwrap();
    assert_eq!(client.get("a", 2).await, Err(RegistryError::VersionNotFound));
    assert!(matches!(client.create("a", "{").await, Err(RegistryError::InvalidSchema(_))));
    let stranger = ServiceClient::new(&address, None).unwrap();
    assert_eq!(stranger.get("a", 1).await, Err(RegistryError::Refused("invalid token".to_owned())));
}

#[tokio::test]
async fn a_service_that_is_away_for_a_moment_is_asked_again() {
    let address = serve(Service { away: 2, ..Service::default() }).to_string();
    let client = ServiceClient::new(&address, Some(TOKEN)).unwrap();
    assert_eq!(client.create("a", r#""long""#).await.unwrap().version, 1);
}

#[tokio::test]
async fn a_host_that_has_no_such_service_leaves_records_as_they_are() {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap().to_string();
    let other = tonic::service::Routes::default();
    tokio::spawn(Server::builder().add_routes(other).serve_with_incoming(incoming));
    let client = ServiceClient::new(&address, Some(TOKEN)).unwrap();
    let mut extractor = Extractor::new(Arc::new(client), ExtractSettings::default());
    let mut it = record();
    extractor.extract(&mut it).await.unwrap();
    assert_eq!(it, record());
    assert!(extractor.is_off());
}
