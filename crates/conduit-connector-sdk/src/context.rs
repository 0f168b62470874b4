//! What Conduit says about a connector beside its configuration.

use std::fmt;
#[cfg(feature = "schema")]
use std::sync::Arc;

use conduit_connector_protocol::plugin::Environment;

use crate::middleware::Formatter;
#[cfg(feature = "schema")]
use crate::schema::{Registry, ServiceClient};

/// What Conduit says about a connector beside its configuration. Cheap to clone.
///
/// [`Context::default`] is that of no Conduit, for tests.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Context {
    connector_id: Option<String>,
    log_level: Option<String>,
    formatter: Formatter,
    #[cfg(feature = "schema")]
    registry: Option<Arc<dyn Registry>>,
}

impl Context {
    /// Called within the runtime, which the connection to the schema service needs.
    pub(crate) fn new(environment: &Environment) -> Self {
        Self {
            connector_id: environment.connector_id.clone(),
            log_level: environment.log_level.clone(),
            formatter: Formatter::default(),
            #[cfg(feature = "schema")]
            registry: environment.utilities_target.is_some().then(|| ServiceClient::from_environment(environment)),
        }
    }

    /// The connector's id in Conduit, such as `pipeline:source` (`CONDUIT_CONNECTOR_ID`). Nothing where
    /// the host does not say.
    pub fn connector_id(&self) -> Option<&str> {
        self.connector_id.as_deref()
    }

    /// The level that Conduit wants to be logged at, as it writes it (`CONDUIT_CONNECTOR_LOG_LEVEL`). Logging is set to it
    /// already.
    pub fn log_level(&self) -> Option<&str> {
        self.log_level.as_deref()
    }

    /// What makes text of records as the pipeline wants it (`sdk.record.format`), for destinations that write text.
    pub fn formatter(&self) -> &Formatter {
        &self.formatter
    }

    /// Conduit's schema service. Nothing where the host names none. Records get their schemas without it being called: this is for
    /// connectors that keep schemas of their own.
    #[cfg(feature = "schema")]
    pub fn registry(&self) -> Option<Arc<dyn Registry>> {
        self.registry.clone()
    }

    /// The same with this id, for tests.
    #[must_use]
    pub fn with_connector_id(mut self, id: impl Into<String>) -> Self {
        self.connector_id = Some(id.into());
        self
    }

    /// The same with this schema service, for tests.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<dyn Registry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// The same with this formatter, for tests.
    #[must_use]
    pub fn with_formatter(mut self, formatter: Formatter) -> Self {
        self.formatter = formatter;
        self
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("connector_id", &self.connector_id)
            .field("log_level", &self.log_level)
            .finish_non_exhaustive()
    }
}
