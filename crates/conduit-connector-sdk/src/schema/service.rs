//! Conduit's schema service, over gRPC.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use conduit_connector_protocol::plugin::Environment;
use conduit_connector_protocol::proto::connutils::v1::schema_service_client::SchemaServiceClient;
use conduit_connector_protocol::proto::connutils::v1::{CreateSchemaRequest, GetSchemaRequest};
use conduit_connector_protocol::proto::schema::v1::{Schema as Message, schema::Type};
use futures::future::BoxFuture;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::{NoRegistry, Registered, Registry, RegistryError};

/// The name in gRPC's metadata of what tells Conduit which connector calls.
const TOKEN: &str = "conduit-connector-token";
/// The variable that names the service.
const TARGET: &str = "CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long is waited before each new attempt, when the service can't be reached.
const RETRIES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1_600)];

/// Conduit's schema service (`connutils.v1.SchemaService`), as a connector reaches it.
///
/// It connects with the first call. A call that can't reach the service is made three times more, within about two
/// seconds; creating a schema twice creates one.
#[derive(Clone)]
pub struct ServiceClient {
    client: SchemaServiceClient<Channel>,
    token: Option<MetadataValue<Ascii>>,
    target: String,
}

impl ServiceClient {
    /// The service that the host names in `CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET`, with its token; [`NoRegistry`] where it names
    /// none, or nothing that can be one.
    ///
    /// Call it within a Tokio runtime.
    pub fn from_environment(environment: &Environment) -> Arc<dyn Registry> {
        let Some(target) = environment.utilities_target.as_deref() else {
            return Arc::new(NoRegistry::new(format!("the host sets no {TARGET}")));
        };
        match Self::new(target, environment.token.as_deref()) {
            Ok(service) => Arc::new(service),
            Err(error) => Arc::new(NoRegistry::new(error.to_string())),
        }
    }

    /// The service at an address (`host:port`; gRPC's `dns:///` and `passthrough:///` before it are understood), which
    /// is told a token with each call. Nothing is sent yet.
    ///
    /// Call it within a Tokio runtime.
    ///
    /// # Errors
    /// When the target is no address, or the token can't be in a header.
    pub fn new(target: &str, token: Option<&str>) -> Result<Self, RegistryError> {
        let absent = |what: &str| RegistryError::Absent(format!("{what} (the target is {target:?})"));
        let endpoint = Endpoint::from_shared(format!("http://{}", address(target)))
            .map_err(|_| absent("the target is no address"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .user_agent(concat!("conduit-connector-sdk/", env!("CARGO_PKG_VERSION")))
            .map_err(|_| absent("the target is no address"))?;
        let token = token.map(|token| {
            let mut value: MetadataValue<Ascii> =
                token.parse().map_err(|_| absent("the token has characters that a header can't have"))?;
            value.set_sensitive(true);
            Ok(value)
        });
        Ok(Self {
            client: SchemaServiceClient::new(endpoint.connect_lazy()),
            token: token.transpose()?,
            target: target.to_owned(),
        })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert(TOKEN, token.clone());
        }
        request
    }

    /// Makes a call, and again while the service can't be reached.
    async fn call<A, F>(&self, attempt: A) -> Result<Registered, RegistryError>
    where
        A: Fn(SchemaServiceClient<Channel>) -> F,
        F: Future<Output = Result<Option<Message>, Status>>,
    {
        let mut retries = RETRIES.iter();
        loop {
            let error = match attempt(self.client.clone()).await {
                Ok(message) => return registered(message),
                Err(status) => self.error(&status),
            };
            match (&error, retries.next()) {
                (RegistryError::Unreachable(_), Some(delay)) => tokio::time::sleep(*delay).await,
                _ => return Err(error),
            }
        }
    }

    /// Conduit tells what is wrong by the text alone: its gRPC code is always the same.
    fn error(&self, status: &Status) -> RegistryError {
        let text = || {
            let (code, message) = (status.code(), status.message());
            if message.is_empty() { code.description().to_owned() } else { message.to_owned() }
        };
        match (status.code(), status.message()) {
            (_, "schema subject not found") => RegistryError::SubjectNotFound,
            (_, "schema version not found") => RegistryError::VersionNotFound,
            (_, "invalid schema") => RegistryError::InvalidSchema("Conduit's registry says no more".to_owned()),
            (Code::Unimplemented, _) => RegistryError::Absent(format!("what answers at {} has none", self.target)),
            (Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled, _) => {
                RegistryError::Unreachable(format!("{}: {}", self.target, text()))
            }
            _ => RegistryError::Refused(text()),
        }
    }
}

/// Without the token.
impl fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClient").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Registry for ServiceClient {
    fn create<'a>(&'a self, subject: &'a str, schema: &'a str) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        Box::pin(self.call(move |mut client| async move {
            let bytes = schema.as_bytes().to_vec();
            let message = CreateSchemaRequest { subject: subject.to_owned(), r#type: Type::Avro.into(), bytes };
            Ok(client.create_schema(self.request(message)).await?.into_inner().schema)
        }))
    }

    fn get<'a>(&'a self, subject: &'a str, version: i32) -> BoxFuture<'a, Result<Registered, RegistryError>> {
        Box::pin(self.call(move |mut client| async move {
            let message = GetSchemaRequest { subject: subject.to_owned(), version };
            Ok(client.get_schema(self.request(message)).await?.into_inner().schema)
        }))
    }
}

fn registered(message: Option<Message>) -> Result<Registered, RegistryError> {
    let refused = |what: &str| RegistryError::Refused(what.to_owned());
    let message = message.ok_or_else(|| refused("the answer has no schema"))?;
    if message.r#type() != Type::Avro {
        return Err(refused("the schema is of a type other than Avro"));
    }
    let text = String::from_utf8(message.bytes).map_err(|_| refused("the schema is no text"))?;
    Ok(Registered { subject: message.subject, version: message.version, id: message.id, text })
}

/// What to connect to. A service that listens everywhere is reached on this machine.
fn address(target: &str) -> String {
    let address = ["passthrough:///", "dns:///"].into_iter().find_map(|scheme| target.strip_prefix(scheme));
    let address = address.unwrap_or(target);
    for (everywhere, here) in [("[::]:", "[::1]:"), ("0.0.0.0:", "127.0.0.1:")] {
        if let Some(port) = address.strip_prefix(everywhere) {
            return format!("{here}{port}");
        }
    }
    if address.starts_with(':') { format!("localhost{address}") } else { address.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_addresses_of_this_machine_where_they_are_of_all() {
        for (target, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("0.0.0.0:80", "127.0.0.1:80"),
            (":80", "localhost:80"),
            ("dns:///conduit:80", "conduit:80"),
            ("passthrough:///[::]:80", "[::1]:80"),
        ] {
            assert_eq!(address(target), expected);
        }
    }

    #[tokio::test]
    async fn without_a_target_there_is_no_registry() {
        for variables in [&[][..], &[(TARGET, "no address")], &[(TARGET, "a:1"), ("CONDUIT_CONNECTOR_TOKEN", "\n")]] {
            let environment = Environment::from_variables(|name| {
                variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
            });
            let answer = ServiceClient::from_environment(&environment).get("a", 1).await;
            assert!(matches!(answer, Err(RegistryError::Absent(_))), "{variables:?}: {answer:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_is_not_there_is_unreachable_and_the_token_stays_secret() {
        // Port 0 is nobody's.
        let service = ServiceClient::new("127.0.0.1:0", Some("tell-no-one")).unwrap();
        assert!(!format!("{service:?}").contains("tell-no-one"));
        let error = service.get("a", 1).await.unwrap_err();
        assert!(matches!(&error, RegistryError::Unreachable(why) if why.contains("127.0.0.1:0")), "{error}");
        assert!(!error.to_string().contains("tell-no-one"));
    }
}
