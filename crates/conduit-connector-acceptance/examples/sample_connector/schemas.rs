//! The host's schema service.

use conduit_connector_protocol::proto::connutils::v1::schema_service_client::SchemaServiceClient;
use conduit_connector_protocol::proto::connutils::v1::{CreateSchemaRequest, GetSchemaRequest};
use conduit_connector_protocol::proto::schema::v1::schema::Type;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::fault::Fault;

/// The schema of the source's keys.
pub(crate) const KEY: &str = r#"{"type": "record", "name": "key", "fields": [{"name": "id", "type": "long"}]}"#;

/// The schema of the source's payloads.
pub(crate) const PAYLOAD: &str = r#"{"type": "record", "name": "payload",
    "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]}"#;

fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let token = std::env::var("CONDUIT_CONNECTOR_TOKEN").unwrap_or_default();
    if let (false, Ok(token)) = (Fault::NoToken.is_set(), token.parse()) {
        request.metadata_mut().insert("conduit-connector-token", token);
    }
    request
}

/// The service, where the host has one.
async fn client() -> Option<SchemaServiceClient<Channel>> {
    let target = std::env::var("CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET").ok()?;
    let channel = Endpoint::from_shared(format!("http://{target}")).ok()?.connect().await.ok()?;
    Some(SchemaServiceClient::new(channel))
}

/// Creates a schema and gives its version. Nothing where there is no service, or it refuses.
pub(crate) async fn create(subject: &str, schema: &str) -> Option<i32> {
    let message = CreateSchemaRequest {
        subject: subject.to_owned(),
        r#type: Type::Avro.into(),
        bytes: schema.as_bytes().to_vec(),
    };
    Some(client().await?.create_schema(request(message)).await.ok()?.into_inner().schema?.version)
}

/// Asks for a schema.
pub(crate) async fn get(subject: &str, version: i32) -> Result<(), Status> {
    let version = if Fault::AsksForAnother.is_set() { version + 1 } else { version };
    let mut client = client().await.ok_or_else(|| Status::unavailable("there is no schema service"))?;
    client.get_schema(request(GetSchemaRequest { subject: subject.to_owned(), version })).await.map(drop)
}

/// A record's number as Avro's long.
pub(crate) fn long(number: u64) -> Vec<u8> {
    let mut rest = number << 1;
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}
