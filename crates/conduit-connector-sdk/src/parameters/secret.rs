//! Text that must not be seen.

use std::fmt;

/// Text that must not be seen: a token, a password. Its `Debug` says so instead of showing it, and so do the messages about
/// parameters of this type.
///
/// ```
/// use conduit_connector_sdk::Secret;
///
/// let token = Secret::new("pat-123");
/// assert_eq!(format!("{token:?}"), "Secret(REDACTED)");
/// assert_eq!(token.expose(), "pat-123");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret that is this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for where it is sent.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(REDACTED)")
    }
}
