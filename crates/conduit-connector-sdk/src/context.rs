//! What Conduit says about a connector beside its configuration.

use conduit_connector_protocol::plugin::Environment;

/// What Conduit says about a connector beside its configuration. Cheap to clone.
///
/// [`Context::default`] is that of no Conduit, for tests.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Context {
    connector_id: Option<String>,
    log_level: Option<String>,
}

impl Context {
    pub(crate) fn new(environment: &Environment) -> Self {
        Self { connector_id: environment.connector_id.clone(), log_level: environment.log_level.clone() }
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
}
