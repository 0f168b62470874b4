//! Whether what goes round and round in the background comes round as often as it was asked to.
//!
//! Long lists are read at a pace that leaves the quota to the changes, so an interval may be too short for them. It is
//! stretched then, and whoever set it should know.

use crate::ask::Request;
use crate::config::Config;
use crate::item::Millis;

/// The rounds of one resource.
#[derive(Debug)]
pub(super) struct Rounds {
    /// Through the list of archived objects.
    sweep: Round,
    /// Through the list of all.
    census: Option<Round>,
}

/// A list that is read from its beginning to its end again and again.
#[derive(Debug)]
struct Round {
    parameter: &'static str,
    interval: Millis,
    began: Option<Millis>,
    pages: i64,
    /// What was said last.
    said: Millis,
}

/// An interval that isn't kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretched {
    /// What it is called in a pipeline file.
    pub(super) parameter: &'static str,
    pub(super) interval: Millis,
    /// What it is really.
    pub(super) took: Millis,
    pub(super) pages: i64,
}

impl Rounds {
    pub(super) fn new(config: &Config) -> Self {
        let options = config.options();
        let passes = [
            ("audit.interval", options.audit_interval),
            ("refresh.calculated", options.calculated_interval),
            ("associations.refresh", options.associations_interval),
        ];
        let passes = passes.into_iter().filter_map(|(name, interval)| Some((name, interval?)));
        let census = passes.min_by_key(|(_, interval)| *interval);
        Self {
            sweep: Round::new("deletes.interval", options.deletes_interval),
            census: census.map(|(parameter, interval)| Round::new(parameter, interval)),
        }
    }

    /// Notes a request of a stream that follows changes. `pause` lies between two requests in the background.
    pub(super) fn note(&mut self, request: &Request, now: Millis, pause: Millis) -> Option<Stretched> {
        let Request::List(_, list) = request else { return None };
        let round = if list.archived { &mut self.sweep } else { self.census.as_mut()? };
        round.page(list.after.is_none(), now, pause)
    }
}

impl Round {
    fn new(parameter: &'static str, interval: Millis) -> Self {
        Self { parameter, interval, began: None, pages: 0, said: 0 }
    }

    /// Another page, the first of a round or not. What was said once is said again when it has become twice as bad.
    fn page(&mut self, is_first: bool, now: Millis, pause: Millis) -> Option<Stretched> {
        self.pages += 1;
        if !is_first {
            return None;
        }
        let pages = std::mem::replace(&mut self.pages, 1) - 1;
        let took = now - self.began.replace(now)?;
        // Two rounds may take turns. What else takes long, an outage of HubSpot's, has nothing to do with the interval.
        let is_paced = pages > 1 && pages.saturating_mul(pause).saturating_mul(2) > self.interval;
        if !is_paced || took <= self.interval + self.interval / 4 || took < self.said.saturating_mul(2) {
            return None;
        }
        self.said = took;
        Some(Stretched { parameter: self.parameter, interval: self.interval, took, pages })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hubspot_catalog::Kind;

    use super::*;
    use crate::ask::ListRequest;

    fn rounds(set: impl FnOnce(&mut Config)) -> Rounds {
        let mut config = Config::new([hubspot_catalog::find("crm.contacts").unwrap()]);
        set(&mut config);
        Rounds::new(&config)
    }

    fn list(after: Option<u64>, archived: bool) -> Request {
        let Kind::Crm(crm) = hubspot_catalog::find("crm.contacts").unwrap().kind else {
            panic!("contacts are of the CRM")
        };
        let after = after.map(|after| after.to_string());
        Request::List(crm, ListRequest { after, archived, ..ListRequest::default() })
    }

    /// A round of so many pages, so far apart, that begins at this instant.
    fn round(rounds: &mut Rounds, archived: bool, at: Millis, pages: u64, pause: Millis) -> Option<Stretched> {
        let said = rounds.note(&list(None, archived), at, pause);
        for page in 1..pages {
            assert_eq!(rounds.note(&list(Some(page), archived), at + page as Millis * pause, pause), None);
        }
        said
    }

    #[test]
    fn a_long_list_stretches_its_interval_and_that_is_said_until_it_is_twice_as_bad() {
        let mut rounds = rounds(|_| {});
        assert_eq!(round(&mut rounds, true, 0, 1_000, 263), None);
        let stretched = Stretched { parameter: "deletes.interval", interval: 60_000, took: 263_000, pages: 1_000 };
        assert_eq!(round(&mut rounds, true, 263_000, 1_000, 263), Some(stretched));
        assert_eq!(round(&mut rounds, true, 526_000, 2_000, 263), None);
        let worse = Stretched { took: 526_000, pages: 2_000, ..stretched };
        assert_eq!(round(&mut rounds, true, 1_052_000, 1, 263), Some(worse));
    }

    #[test]
    fn an_interval_that_is_kept_and_an_outage_say_nothing() {
        let mut rounds = rounds(|_| {});
        for began in [0, 60_000, 130_000, 10_000_000, 20_000_000] {
            assert_eq!(round(&mut rounds, true, began, 3, 263), None, "{began}");
        }
    }

    #[test]
    fn passes_over_all_objects_have_the_shortest_of_their_intervals() {
        let mut rounds = rounds(|config| {
            config.audit_interval = Some(Duration::from_hours(24));
            config.calculated_refresh = Some(Duration::from_mins(10));
        });
        assert_eq!(round(&mut rounds, false, 0, 5_000, 263), None);
        let said = round(&mut rounds, false, 1_315_000, 1, 263).unwrap();
        assert_eq!((said.parameter, said.interval, said.pages), ("refresh.calculated", 600_000, 5_000));
        // Without any there is no such pass.
        assert_eq!(Rounds::new(&Config::new([])).note(&list(None, false), 0, 263), None);
    }
}
