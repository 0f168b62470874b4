//! Who the client is: a token, or an OAuth app that fetches its tokens.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;

/// How the client proves who it is. Secrets are kept from `Debug`.
#[derive(Clone, Debug)]
pub struct Auth(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Token(SecretString),
    Refresh { client_id: String, client_secret: SecretString, refresh_token: SecretString },
}

impl Auth {
    /// A service key, a private app's token, or an OAuth access token that somebody else refreshes.
    pub fn token(token: impl Into<String>) -> Self {
        Self(Kind::Token(SecretString::from(token.into())))
    }

    /// An OAuth app: access tokens are fetched with the refresh token, and anew shortly before they expire.
    pub fn refresh(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        refresh_token: impl Into<String>,
    ) -> Self {
        Self(Kind::Refresh {
            client_id: client_id.into(),
            client_secret: SecretString::from(client_secret.into()),
            refresh_token: SecretString::from(refresh_token.into()),
        })
    }
}

/// Access tokens are fetched anew so long before they expire; for very short ones a tenth of their life.
const REFRESH_AHEAD: Duration = Duration::from_mins(1);

/// What is shorter is no secret of HubSpot's (they have some forty characters), and taking it out would take words apart.
const SHORTEST_REDACTED: usize = 8;

/// What the `Authorization` header is made of.
pub(crate) enum Credentials {
    Token { header: HeaderValue, secret: SecretString },
    OAuth(Box<OAuth>),
}

/// Where access tokens come from.
pub(crate) trait TokenEndpoint: Sync {
    /// Posts the form; the answer, or why there is none.
    fn fetch(&self, form: String) -> BoxFuture<'_, Result<Grant, Error>>;
}

/// The token endpoint's answer as it comes.
#[derive(Deserialize)]
pub(crate) struct GrantWire {
    access_token: SecretString,
    #[serde(default)]
    refresh_token: Option<SecretString>,
    /// Seconds.
    expires_in: u64,
}

/// An access token that can be sent.
pub(crate) struct Grant {
    header: HeaderValue,
    access_token: SecretString,
    /// To be used instead of the last one, if there is one.
    refresh_token: Option<SecretString>,
    life: Duration,
}

impl TryFrom<GrantWire> for Grant {
    type Error = &'static str;

    fn try_from(wire: GrantWire) -> Result<Self, Self::Error> {
        let GrantWire { access_token, refresh_token, expires_in } = wire;
        let header = bearer(&access_token)
            .ok_or("the access token in its answer is empty, or holds characters that no token has")?;
        Ok(Self {
            header,
            access_token,
            refresh_token: refresh_token.filter(|token| !token.expose_secret().is_empty()),
            life: Duration::from_secs(expires_in.min(86_400 * 365)),
        })
    }
}

/// An `Authorization` header, and which token it is of.
pub(crate) struct Authorization {
    pub(crate) header: HeaderValue,
    pub(crate) generation: u64,
}

impl Credentials {
    /// # Errors
    /// Which parameter is empty, or can't stand in a header.
    pub(crate) fn new(auth: Auth) -> Result<Self, &'static str> {
        match auth.0 {
            Kind::Token(secret) => {
                let secret = SecretString::from(secret.expose_secret().trim());
                let header = bearer(&secret).ok_or("accessToken")?;
                Ok(Self::Token { header, secret })
            }
            Kind::Refresh { client_id, client_secret, refresh_token } => {
                for (name, value) in [
                    ("clientId", client_id.as_str()),
                    ("clientSecret", client_secret.expose_secret()),
                    ("refreshToken", refresh_token.expose_secret()),
                ] {
                    if value.trim().is_empty() {
                        return Err(name);
                    }
                }
                Ok(Self::OAuth(Box::new(OAuth {
                    client_id,
                    attempts: AtomicU64::new(0),
                    shown_never: RwLock::new(vec![client_secret.clone(), refresh_token.clone()]),
                    client_secret,
                    state: Mutex::new(State { refresh_token, token: None, generation: 0, failure: None }),
                })))
            }
        }
    }

    /// The header for a request now; `refused` is the token that HubSpot called expired, if it did.
    pub(crate) async fn authorization(
        &self,
        refused: Option<u64>,
        endpoint: &dyn TokenEndpoint,
    ) -> Result<Authorization, Error> {
        match self {
            Self::Token { header, .. } => Ok(Authorization { header: header.clone(), generation: 0 }),
            Self::OAuth(oauth) => oauth.authorization(refused, endpoint).await,
        }
    }

    /// Whether another token can be had when HubSpot calls this one expired.
    pub(crate) fn can_refresh(&self) -> bool {
        matches!(self, Self::OAuth(_))
    }

    /// Takes secrets out of a text that came from outside. HubSpot doesn't repeat them; a proxy's page, or a test server, may.
    pub(crate) fn redact(&self, text: &mut String) {
        let mut take_out = |secret: &SecretString| {
            let secret = secret.expose_secret();
            if secret.len() >= SHORTEST_REDACTED && text.contains(secret) {
                *text = text.replace(secret, "REDACTED");
            }
        };
        match self {
            Self::Token { secret, .. } => take_out(secret),
            Self::OAuth(oauth) => {
                oauth.shown_never.read().unwrap_or_else(PoisonError::into_inner).iter().for_each(take_out);
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token { .. } => "Token(REDACTED)",
            Self::OAuth(_) => "OAuth(REDACTED)",
        })
    }
}

/// An OAuth app, and its token of the moment.
pub(crate) struct OAuth {
    client_id: String,
    client_secret: SecretString,
    /// All secrets of the moment, for [`Credentials::redact`].
    shown_never: RwLock<Vec<SecretString>>,
    /// Refreshes that have ended, one way or the other.
    attempts: AtomicU64,
    /// Held during a refresh, so that there is one at a time and the others get what it got.
    state: Mutex<State>,
}

struct State {
    refresh_token: SecretString,
    token: Option<Token>,
    generation: u64,
    failure: Option<Error>,
}

struct Token {
    header: HeaderValue,
    refresh_at: Instant,
}

impl OAuth {
    async fn authorization(&self, refused: Option<u64>, endpoint: &dyn TokenEndpoint) -> Result<Authorization, Error> {
        let attempts_before = self.attempts.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && Instant::now() < token.refresh_at
            && refused != Some(state.generation)
        {
            return Ok(Authorization { header: token.header.clone(), generation: state.generation });
        }
        // Whoever waited for another's refresh shares its failure too, instead of repeating it one after the other.
        if self.attempts.load(Ordering::Acquire) != attempts_before
            && let Some(failure) = &state.failure
        {
            return Err(failure.clone());
        }
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", &self.client_id)
            .append_pair("client_secret", self.client_secret.expose_secret())
            .append_pair("refresh_token", state.refresh_token.expose_secret())
            .finish();
        let asked = Instant::now();
        let granted = endpoint.fetch(form).await;
        self.attempts.fetch_add(1, Ordering::AcqRel);
        let Grant { header, access_token, refresh_token, life } = match granted {
            Ok(grant) => grant,
            Err(error) => {
                state.failure = Some(error.clone());
                return Err(error);
            }
        };
        let ahead = REFRESH_AHEAD.min(life / 10);
        if let Some(refresh_token) = refresh_token {
            state.refresh_token = refresh_token;
        }
        state.failure = None;
        state.generation += 1;
        state.token = Some(Token { header: header.clone(), refresh_at: asked + life - ahead });
        *self.shown_never.write().unwrap_or_else(PoisonError::into_inner) =
            vec![self.client_secret.clone(), state.refresh_token.clone(), access_token];
        Ok(Authorization { header, generation: state.generation })
    }
}

fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let token = token.expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}
