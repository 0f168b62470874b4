//! All that an account holds.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use fastrand::Rng;

use crate::clock::{Clock, Millis};
use crate::cms::Cms;
use crate::counters::Counters;
use crate::crm::Crm;
use crate::errors::{ApiError, Result};
use crate::faults::{Fault, Faults};
use crate::ids::Ids;
use crate::limits::Usage;
use crate::settings::Settings;

/// All that an account holds.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) portal_id: u64,
    pub(super) settings: RwLock<Arc<Settings>>,
    pub(crate) clock: Clock,
    ids: Mutex<Ids>,
    /// Decides where searches are noisy.
    noise: Mutex<Rng>,
    pub(crate) crm: Crm,
    pub(crate) cms: Cms,
    usage: Mutex<Usage>,
    pub(super) faults: Mutex<Faults>,
    counters: Mutex<Counters>,
    pub(super) scopes: RwLock<Option<Vec<String>>>,
    pub(super) revoked: AtomicBool,
    /// OAuth access tokens that were granted before this instant have expired.
    pub(super) tokens_expired_at: AtomicI64,
}

impl State {
    pub(crate) fn new(number: usize, settings: Settings) -> Self {
        let clock = Clock::new(settings.clock_offset);
        let seed = settings.seed.wrapping_add(number as u64);
        Self {
            portal_id: 47_000_001 + number as u64,
            clock,
            ids: Mutex::new(Ids::new(seed)),
            noise: Mutex::new(Rng::with_seed(seed ^ 0x5ea_2c4)),
            crm: Crm::new(seed),
            cms: Cms::new(),
            usage: Mutex::new(Usage::default()),
            faults: Mutex::new(Faults::new(seed)),
            counters: Mutex::new(Counters::default()),
            scopes: RwLock::new(None),
            revoked: AtomicBool::new(false),
            tokens_expired_at: AtomicI64::new(0),
            settings: RwLock::new(Arc::new(settings)),
        }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn next_id(&self, in_order: bool, taken: impl Fn(u64) -> bool) -> u64 {
        lock(&self.ids).next(in_order, taken)
    }

    /// Whether to do something that is done with this probability.
    pub(crate) fn chance(&self, probability: f64) -> bool {
        probability > 0.0 && lock(&self.noise).f64() < probability
    }

    pub(crate) fn usage(&self) -> MutexGuard<'_, Usage> {
        lock(&self.usage)
    }

    pub(crate) fn counters(&self) -> MutexGuard<'_, Counters> {
        lock(&self.counters)
    }

    pub(crate) fn strike(&self, method: &str, path: &str, settings: &Settings) -> Option<Fault> {
        lock(&self.faults).strike(method, path, &settings.fault_rates)
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    pub(crate) fn expired_before(&self) -> Millis {
        self.tokens_expired_at.load(Ordering::Relaxed)
    }

    /// 403 unless one of these scopes has been granted.
    pub(crate) fn require_scope(&self, any_of: &[String]) -> Result<()> {
        match &*self.scopes.read().unwrap_or_else(PoisonError::into_inner) {
            Some(granted) if !any_of.iter().any(|scope| granted.contains(scope)) => {
                Err(ApiError::missing_scopes(any_of))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
