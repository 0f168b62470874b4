//! The registry of schemas that Conduit offers to connectors, in memory.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use conduit_connector_protocol::proto::connutils::v1::schema_service_server::{SchemaService, SchemaServiceServer};
use conduit_connector_protocol::proto::connutils::v1::{
    CreateSchemaRequest, CreateSchemaResponse, GetSchemaRequest, GetSchemaResponse,
};
use conduit_connector_protocol::proto::schema::v1::{Schema, schema::Type};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// The metadata by which a connector shows that Conduit started it.
const TOKEN: &str = "conduit-connector-token";

/// A schema service, as Conduit offers it to connectors: it listens on a loopback port until it is dropped.
///
/// [`Connector::registry`](crate::Connector::registry) tells a connector of it.
#[derive(Debug)]
pub struct Registry {
    target: String,
    token: String,
    store: Store,
    serving: JoinHandle<()>,
}

#[derive(Clone, Debug, Default)]
struct Store(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    /// The versions of each subject, first to last.
    subjects: HashMap<String, Vec<Schema>>,
    ids: i32,
    created: Vec<Schema>,
    asked: Vec<(String, i32)>,
    /// How many calls came without the right token.
    strangers: usize,
}

impl Registry {
    /// Starts one, without schemas.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let target = listener.local_addr()?.to_string();
        let token = format!("token-{:016x}", fastrand::u64(..));
        let store = Store::default();
        let service = Service { store: store.clone(), token: token.clone() };
        let serving = tokio::spawn(async move {
            // It ends when it is dropped.
            let _ = Server::builder()
                .add_service(SchemaServiceServer::new(service))
                .serve_with_incoming(TcpIncoming::from(listener))
                .await;
        });
        Ok(Self { target, token, store, serving })
    }

    /// Where it listens: `CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// What callers have to show: `CONDUIT_CONNECTOR_TOKEN`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The Avro schema of that subject and version, as JSON.
    pub fn schema(&self, subject: &str, version: i32) -> Option<String> {
        let find = |contents: &mut Contents| contents.find(subject, version);
        self.store.with(find).map(|schema| String::from_utf8_lossy(&schema.bytes).into_owned())
    }

    /// The subjects and versions that connectors created, in order; again when they created the same again.
    pub fn created(&self) -> Vec<(String, i32)> {
        self.store.with(|it| it.created.iter().map(|schema| (schema.subject.clone(), schema.version)).collect())
    }

    /// The subjects and versions that connectors asked for, in order.
    pub fn asked(&self) -> Vec<(String, i32)> {
        self.store.with(|contents| contents.asked.clone())
    }

    /// How many calls came without the right token. They were refused.
    pub fn strangers(&self) -> usize {
        self.store.with(|contents| contents.strangers)
    }

    /// Adds an Avro schema, and gives its version: that of the subject's same schema where there is one.
    pub fn add(&self, subject: &str, schema: &str) -> i32 {
        self.store.with(|contents| contents.add(subject, schema.as_bytes().to_vec())).version
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Store {
    fn with<T>(&self, look: impl FnOnce(&mut Contents) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Contents {
    fn find(&self, subject: &str, version: i32) -> Option<Schema> {
        let versions = self.subjects.get(subject)?;
        versions.iter().find(|schema| schema.version == version).cloned()
    }

    fn add(&mut self, subject: &str, bytes: Vec<u8>) -> Schema {
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        if let Some(known) = versions.iter().find(|schema| schema.bytes == bytes) {
            return known.clone();
        }
        self.ids += 1;
        let version = versions.len() as i32 + 1;
        let schema = Schema { subject: subject.to_owned(), version, id: self.ids, r#type: Type::Avro.into(), bytes };
        versions.push(schema.clone());
        schema
    }
}

struct Service {
    store: Store,
    token: String,
}

impl Service {
    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let shown = request.metadata().get(TOKEN).and_then(|value| value.to_str().ok());
        if shown == Some(self.token.as_str()) {
            return Ok(());
        }
        self.store.with(|contents| contents.strangers += 1);
        Err(Status::unauthenticated("the connector token is missing or wrong"))
    }
}

#[tonic::async_trait]
impl SchemaService for Service {
    async fn create_schema(
        &self,
        request: Request<CreateSchemaRequest>,
    ) -> Result<Response<CreateSchemaResponse>, Status> {
        self.admit(&request)?;
        let CreateSchemaRequest { subject, r#type, bytes } = request.into_inner();
        if r#type != i32::from(Type::Avro) {
            return Err(Status::invalid_argument("the schema's type is not Avro"));
        }
        if let Err(reason) = crate::avro::Schema::parse(&bytes) {
            return Err(Status::invalid_argument(format!("the schema is no Avro schema: {reason}")));
        }
        let schema = self.store.with(|contents| {
            let schema = contents.add(&subject, bytes);
            contents.created.push(schema.clone());
            schema
        });
        Ok(Response::new(CreateSchemaResponse { schema: Some(schema) }))
    }

    async fn get_schema(&self, request: Request<GetSchemaRequest>) -> Result<Response<GetSchemaResponse>, Status> {
        self.admit(&request)?;
        let GetSchemaRequest { subject, version } = request.into_inner();
        let found = self.store.with(|contents| {
            contents.asked.push((subject.clone(), version));
            contents.find(&subject, version)
        });
        match found {
            Some(schema) => Ok(Response::new(GetSchemaResponse { schema: Some(schema) })),
            None => Err(Status::not_found(format!("there is no schema {subject} in version {version}"))),
        }
    }
}
