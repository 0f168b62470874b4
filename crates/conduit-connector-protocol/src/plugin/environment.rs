//! What the host says through environment variables.

use std::env;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::ServeError;
use crate::{MAGIC_COOKIE_KEY, MAGIC_COOKIE_VALUE, ProtocolVersion};

/// Bytes that a gRPC message may have where the host says nothing; Conduit's default.
const DEFAULT_MAX_RECEIVE_RECORD_SIZE: usize = 4_194_304;

/// What the host says through environment variables. Conduit starts a plugin with these and nothing else.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Environment {
    /// `CONDUIT_PLUGIN_MAGIC_COOKIE`.
    pub magic_cookie: Option<String>,
    /// `PLUGIN_PROTOCOL_VERSIONS`: the versions that the host knows, separated by commas.
    pub protocol_versions: Option<String>,
    /// `PLUGIN_MIN_PORT` to `PLUGIN_MAX_PORT`: where to listen, if it is on TCP.
    pub ports: Option<RangeInclusive<u16>>,
    /// `PLUGIN_UNIX_SOCKET_DIR`: where to put the Unix socket; the system's temporary folder otherwise.
    pub unix_socket_dir: Option<PathBuf>,
    /// `CONDUIT_CONNECTOR_ID`: this connector's id.
    pub connector_id: Option<String>,
    /// `CONDUIT_CONNECTOR_LOG_LEVEL`: the level to log at.
    pub log_level: Option<String>,
    /// `CONDUIT_CONNECTOR_TOKEN`: goes with calls back to Conduit. A secret.
    pub token: Option<String>,
    /// `CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET`: the address of Conduit's schema service.
    pub utilities_target: Option<String>,
    /// `CONDUIT_CONNECTOR_MAX_RECEIVE_RECORD_SIZE`: the most bytes that a received gRPC message may have; 4 MiB otherwise.
    pub max_receive_record_size: Option<usize>,
}

impl Environment {
    /// What this process was started with.
    pub fn from_env() -> Self {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// What a look-up of variables says. Empty values count as absent, and so do numbers that are none.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).filter(|value| !value.is_empty());
        let port = |name: &str| text(name).and_then(|value| value.parse::<u16>().ok());
        Self {
            magic_cookie: text(MAGIC_COOKIE_KEY),
            protocol_versions: text("PLUGIN_PROTOCOL_VERSIONS"),
            ports: port("PLUGIN_MIN_PORT").zip(port("PLUGIN_MAX_PORT")).map(|(from, to)| from..=to),
            unix_socket_dir: text("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            connector_id: text("CONDUIT_CONNECTOR_ID"),
            log_level: text("CONDUIT_CONNECTOR_LOG_LEVEL"),
            token: text("CONDUIT_CONNECTOR_TOKEN"),
            utilities_target: text("CONDUIT_CONNECTOR_UTILITIES_GRPC_TARGET"),
            max_receive_record_size: text("CONDUIT_CONNECTOR_MAX_RECEIVE_RECORD_SIZE")
                .and_then(|value| value.parse().ok()),
        }
    }

    /// The most bytes that a received gRPC message may have.
    pub fn max_message_size(&self) -> usize {
        self.max_receive_record_size.unwrap_or(DEFAULT_MAX_RECEIVE_RECORD_SIZE)
    }

    /// Whether the magic cookie is right. Without it a person started the program, and [`serve`](super::serve) refuses.
    pub fn started_by_conduit(&self) -> bool {
        self.magic_cookie.as_deref() == Some(MAGIC_COOKIE_VALUE)
    }

    /// Checks the cookie and agrees on a version.
    pub(super) fn negotiate(&self) -> Result<ProtocolVersion, ServeError> {
        if !self.started_by_conduit() {
            return Err(ServeError::NotStartedByConduit);
        }
        ProtocolVersion::negotiate(self.protocol_versions.as_deref())
            .ok_or_else(|| ServeError::NoCommonVersion { offered: self.protocol_versions.clone().unwrap_or_default() })
    }
}

/// Without the token.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("protocol_versions", &self.protocol_versions)
            .field("ports", &self.ports)
            .field("unix_socket_dir", &self.unix_socket_dir)
            .field("connector_id", &self.connector_id)
            .field("log_level", &self.log_level)
            .field("utilities_target", &self.utilities_target)
            .field("max_receive_record_size", &self.max_receive_record_size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables(|name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_cookie_is_checked_before_anything_else() {
        for variables in [&[][..], &[(MAGIC_COOKIE_KEY, "biscuit")], &[("PLUGIN_PROTOCOL_VERSIONS", "2")]] {
            assert!(
                matches!(environment(variables).negotiate(), Err(ServeError::NotStartedByConduit)),
                "{variables:?}"
            );
        }
        let version = environment(&[(MAGIC_COOKIE_KEY, MAGIC_COOKIE_VALUE), ("PLUGIN_PROTOCOL_VERSIONS", "1,2")]);
        assert_eq!(version.negotiate().unwrap(), ProtocolVersion::V2);
        let none = environment(&[(MAGIC_COOKIE_KEY, MAGIC_COOKIE_VALUE), ("PLUGIN_PROTOCOL_VERSIONS", "9")]);
        assert!(none.negotiate().unwrap_err().to_string().contains("\"9\""));
    }

    #[test]
    fn what_is_empty_or_no_number_counts_as_absent() {
        let it = environment(&[
            ("CONDUIT_CONNECTOR_ID", ""),
            ("CONDUIT_CONNECTOR_MAX_RECEIVE_RECORD_SIZE", "lots"),
            ("PLUGIN_MIN_PORT", "10000"),
        ]);
        assert_eq!((it.connector_id.as_deref(), it.max_message_size(), it.ports), (None, 4_194_304, None));
    }

    #[test]
    fn the_token_is_not_in_debug() {
        let it = environment(&[("CONDUIT_CONNECTOR_TOKEN", "tell-no-one")]);
        assert_eq!(it.token.as_deref(), Some("tell-no-one"));
        assert!(!format!("{it:?}").contains("tell-no-one"));
    }
}
