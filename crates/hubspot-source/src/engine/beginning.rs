//! How a stream begins: anew, or where another came to.

use hubspot_catalog::Kind;
use hubspot_client::LIST_LIMIT;

use super::census::{Census, Purposes};
use super::directory::{DirectoryEngine, DirectoryOptions};
use super::follow::{Beginning, Follow};
use super::manner::Manner;
use super::options::Options;
use super::snapshot::{Handover, Snapshot};
use super::sweep::Deletions;
use super::{Engine, Phase, look_back};
use crate::item::Millis;
use crate::position::{Cursor, Resume, Snapshotted};

impl Engine {
    pub(super) fn take_census(&self) -> Option<Census> {
        let Kind::Crm(crm) = self.kind else { return None };
        let Options { audit_interval, calculated_interval, associations_interval, associations, .. } = &self.options;
        let associations_interval = associations_interval.filter(|_| !associations.is_empty());
        let purposes =
            Purposes { audit: *audit_interval, calculated: *calculated_interval, associations: associations_interval };
        let counts = purposes != Purposes::default();
        counts.then(|| Census::new(crm, purposes, self.options.lag, LIST_LIMIT))
    }

    pub(super) fn first_phase(&self, resume: Option<Resume>) -> Phase {
        if let Kind::Directory(directory) = self.kind {
            let Options { snapshot, directory_interval, directory_ids, .. } = self.options;
            let options = DirectoryOptions { snapshot, interval: directory_interval, ids: directory_ids };
            let cursor = if let Some(Resume::At(Cursor::Directory(cursor))) = resume { Some(cursor) } else { None };
            return Phase::Directory(Box::new(DirectoryEngine::new(directory, options, cursor)));
        }
        let lag = self.options.lag;
        let new_snapshot = |noted| self.snapshot(self.new_snapshot(Deletions::since(0), noted));
        let wanted = self.options.snapshot;
        match resume {
            None if self.undated() => Phase::Baseline(Deletions::since(0)),
            None if wanted => new_snapshot(None),
            Some(Resume::GoSnapshot { initial }) if wanted => new_snapshot(initial),
            Some(Resume::At(Cursor::Snapshot(at))) if wanted => self.snapshot(Snapshot::resumed(&self.kind, at)),
            // The snapshot was switched off half way: the rest of it is left out, its changes aren't.
            Some(Resume::At(Cursor::Snapshot(Snapshotted { start, since, .. }))) => {
                self.follow_from(start, since.unwrap_or(start))
            }
            // A stale index entry may bring back what was deleted up to a lag ago. `sweep` lies before that, so
            // those deletions are delivered again behind it.
            Some(Resume::At(Cursor::Follow(followed))) => {
                self.follow(Beginning::from(followed), Deletions::since(followed.sweep)).into()
            }
            Some(Resume::GoSnapshot { initial: Some(time) } | Resume::GoCdc { timestamp: Some(time) }) => {
                self.follow_from(time, look_back(time, lag))
            }
            None
            | Some(
                Resume::GoCdc { timestamp: None }
                | Resume::GoSnapshot { initial: None }
                | Resume::At(Cursor::Directory(_)),
            ) => Phase::Clock(Deletions::since(0)),
        }
    }

    pub(super) fn new_snapshot(&self, deletions: Deletions, noted: Option<Millis>) -> Option<Snapshot> {
        let snapshot = Snapshot::new(&self.kind, deletions, noted)?;
        Some(if self.census.is_some() { snapshot.keeping_rolls() } else { snapshot })
    }

    pub(super) fn snapshot(&self, snapshot: Option<Snapshot>) -> Phase {
        let Some(mut snapshot) = snapshot else { return Phase::Clock(Deletions::since(0)) };
        match snapshot.handover(snapshot.is_done()) {
            Some(handover) => self.handed_over(handover).into(),
            None => Phase::Snapshot(Box::new(snapshot)),
        }
    }

    /// Follows changes and deletions since an instant.
    pub(super) fn follow_from(&self, start: Millis, since: Millis) -> Phase {
        let beginning = Beginning { start, known: start, settled: since, drain: None };
        self.follow(beginning, Deletions::since(since)).into()
    }

    pub(super) fn follow(&self, beginning: Beginning, deletions: Deletions) -> Follow {
        let Options { lag, polling_period, background_pause, .. } = self.options;
        let page = self.walk_page() as usize;
        let mut follow = Follow::new(Manner { lag, polling_period, page, kind: self.kind }, beginning, deletions);
        follow.pace(background_pause);
        follow
    }

    pub(super) fn handed_over(&self, handover: Handover) -> Follow {
        let Handover { start, since, deletions, delivered, merged: _, roll: _ } = handover;
        let beginning = Beginning { start, known: start, settled: since, drain: None };
        let mut follow = self.follow(beginning, deletions);
        for (id, version, created) in delivered {
            follow.remember(id, version, created);
        }
        follow
    }
}
