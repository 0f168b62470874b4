//! The emulator: its accounts and its listener.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::http::server;
use crate::oauth::{Grants, OAuthApp};
use crate::settings::Settings;

/// Why the emulator didn't start.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {source}")]
pub struct StartError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A running emulator. It listens on loopback until it is dropped.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    accounts: Arc<Accounts>,
    listener: JoinHandle<()>,
}

/// The accounts of an emulator, by their tokens, and what OAuth has granted.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    by_token: RwLock<HashMap<String, Account>>,
    pub(crate) grants: Grants,
}

/// Says what an emulator is to be like. See [`Emulator::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct EmulatorBuilder {
    address: SocketAddr,
    tokens: Vec<String>,
    settings: Settings,
}

impl Emulator {
    /// An emulator on a free port of 127.0.0.1, with no account yet.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            tokens: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Its address, for a connector's `baseUrl`: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The account of this token.
    ///
    /// # Panics
    /// If no account was made for it.
    pub fn account(&self, token: &str) -> Account {
        self.accounts.get(token).unwrap_or_else(|| panic!("no account of the emulator has the token {token:?}"))
    }

    /// Installs an OAuth app in the account of this token: its refresh token buys access tokens, which live as long as the account's settings say.
    ///
    /// # Panics
    /// If no account was made for the token.
    pub fn install_app(&self, token: &str, app: OAuthApp) {
        self.accounts.grants.install(app, self.account(token));
    }

    /// Moves the clock of all accounts ahead: index entries appear, windows of limits roll on, tokens expire.
    pub fn advance(&self, by: TimeDelta) {
        for account in self.accounts.all() {
            account.set_settings(|settings| settings.clock_offset += by);
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl EmulatorBuilder {
    /// Adds an account that accepts exactly this token.
    pub fn account(mut self, token: impl Into<String>) -> Self {
        self.tokens.push(token.into());
        self
    }

    /// How all accounts behave at the start.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Where to listen instead.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Starts it, in tasks of the runtime that this is called in.
    ///
    /// # Errors
    /// When it can't listen on its address.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let failed = |source| StartError { address: self.address, source };
        let listener = TcpListener::bind(self.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let accounts = Arc::new(Accounts::default());
        for (number, token) in self.tokens.iter().enumerate() {
            accounts.add(token, Account::new(number, self.settings.clone()));
        }
        let listener = tokio::spawn(server::run(listener, Arc::clone(&accounts)));
        Ok(Emulator { address, accounts, listener })
    }
}

impl Accounts {
    fn add(&self, token: &str, account: Account) {
        self.by_token.write().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), account);
    }

    /// The account that was made for this token, revoked or not.
    pub(crate) fn get(&self, token: &str) -> Option<Account> {
        self.by_token.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Account> {
        self.by_token.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
