//! Faults on demand, and at random.

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;

use crate::settings::FaultRates;

/// Something that goes wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// An answer of this status (500, 502, 503, 504, 52x); nothing was done. HubSpot's edge answers in HTML at times.
    ServerError {
        /// The status of the answer.
        status: u16,
        /// Whether its body is an HTML page instead of JSON.
        html: bool,
    },
    /// A 429, whatever the limits; nothing was done.
    RateLimited {
        /// Whose limit it is said to be.
        policy: Policy,
        /// The `Retry-After` header, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The connection is dropped before anything is done.
    Reset,
    /// The request is done, then the connection is dropped.
    LostReply,
    /// The request is done, and answered with this status and a page in HTML all the same, as a gateway that has waited too long does it.
    LateServerError {
        /// The status of the answer.
        status: u16,
    },
    /// The request is done, and answered this much later.
    Slow(Duration),
    /// The request is done; the connection is dropped in the middle of the answer's body.
    CutBody,
    /// 423: the resource is locked; nothing was done.
    Locked423,
    /// 477: the account is moving between data centres; `Retry-After` is a second. Nothing was done.
    Migrating477,
    /// 200 with an HTML page instead of JSON, as a proxy in between answers; nothing was done.
    Html200,
}

/// The policy that a 429 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// `TEN_SECONDLY_ROLLING`: wait and go on.
    TenSecondly,
    /// `SECONDLY`, that of search: wait a second.
    Secondly,
    /// `DAILY`: until the day is over.
    Daily,
}

impl Policy {
    /// As HubSpot writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TenSecondly => "TEN_SECONDLY_ROLLING",
            Self::Secondly => "SECONDLY",
            Self::Daily => "DAILY",
        }
    }
}

/// Which requests a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// The method, `None` for any.
    pub method: Option<String>,
    /// What the path contains; empty for any.
    pub path_contains: String,
    /// What happens to it.
    pub fault: Fault,
    /// So many times; `u32::MAX` for ever.
    pub times: u32,
}

/// The rules of an account, oldest first.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: VecDeque<FaultRule>,
    rng: Rng,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rules: VecDeque::new(), rng: Rng::with_seed(seed ^ 0x00fa_0175) }
    }

    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push_back(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What strikes this request.
    pub(crate) fn strike(&mut self, method: &str, path: &str, rates: &FaultRates) -> Option<Fault> {
        let matching = self.rules.iter().position(|rule| {
            rule.times > 0
                && rule.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && path.contains(&rule.path_contains)
        });
        if let Some(position) = matching {
            let rule = &mut self.rules[position];
            let fault = rule.fault.clone();
            if rule.times != u32::MAX {
                rule.times -= 1;
            }
            if rule.times == 0 {
                self.rules.remove(position);
            }
            return Some(fault);
        }
        self.at_random(rates)
    }

    fn at_random(&mut self, rates: &FaultRates) -> Option<Fault> {
        if *rates == FaultRates::default() {
            return None;
        }
        let mut left = self.rng.f64();
        let chances = [
            (rates.server_error, Fault::ServerError { status: 502, html: true }),
            (rates.reset, Fault::Reset),
            (rates.lost_reply, Fault::LostReply),
            (rates.rate_limited, Fault::RateLimited { policy: Policy::TenSecondly, retry_after: None }),
        ];
        for (rate, fault) in chances {
            if left < rate {
                return Some(fault);
            }
            left -= rate;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_what_it_matches_so_many_times() {
        let mut faults = Faults::new(1);
        let rule =
            FaultRule { method: Some("POST".into()), path_contains: "/search".into(), fault: Fault::Reset, times: 2 };
        faults.add(rule);
        let rates = FaultRates::default();
        assert_eq!(faults.strike("GET", "/crm/v3/objects/contacts/search", &rates), None);
        assert_eq!(faults.strike("POST", "/crm/v3/objects/contacts", &rates), None);
        for _ in 0..2 {
            assert_eq!(faults.strike("post", "/crm/v3/objects/contacts/search", &rates), Some(Fault::Reset));
        }
        assert_eq!(faults.strike("POST", "/crm/v3/objects/contacts/search", &rates), None);
    }

    #[test]
    fn rates_strike_their_share_and_the_same_seed_strikes_the_same() {
        let rates = FaultRates { lost_reply: 0.25, ..FaultRates::default() };
        let run = |seed| {
            let mut faults = Faults::new(seed);
            (0..10_000).map(|_| faults.strike("GET", "/", &rates).is_some()).collect::<Vec<_>>()
        };
        let struck = run(7).into_iter().filter(|struck| *struck).count();
        assert!((2_200..2_800).contains(&struck), "{struck}");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }
}
