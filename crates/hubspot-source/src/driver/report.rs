//! What a stream says of itself: a line a minute.

use hubspot_catalog::Resource;
use hubspot_client::Quota;

use crate::engine::{CensusReport, Change, Engine, Progress};
use crate::item::Millis;

/// From one report to the next, in milliseconds.
pub(super) const MINUTE: Millis = 60_000;

/// What a stream has delivered.
#[derive(Debug)]
pub(super) struct Tally {
    records: u64,
    snapshot: u64,
    /// Those of the last report, and when that was.
    reported: u64,
    reported_at: Millis,
    /// Misfits that have been told of.
    misfits: u64,
}

impl Tally {
    pub(super) fn new(now: Millis) -> Self {
        Self { records: 0, snapshot: 0, reported: 0, reported_at: now, misfits: 0 }
    }

    pub(super) fn count(&mut self, changes: &[Change]) {
        self.records += changes.len() as u64;
        let of_snapshot = |change: &&Change| change.operation == opencdc::Operation::Snapshot;
        self.snapshot += changes.iter().filter(of_snapshot).count() as u64;
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// The percentage of the snapshot that has been delivered, if HubSpot said how much there is.
    fn percent(&self, progress: &Progress) -> Option<u64> {
        let total = progress.total.filter(|total| *total > 0 && progress.in_snapshot)?;
        Some((self.snapshot * 100 / total).min(100))
    }

    pub(super) fn report(&mut self, resource: &Resource, engine: &Engine, quota: &Quota, retries: u64, now: Millis) {
        let progress = &engine.progress();
        let seconds = ((now - self.reported_at).max(1) as f64) / 1_000.0;
        let per_second = ((self.records - self.reported) as f64 / seconds).round();
        self.reported = self.records;
        self.reported_at = now;
        let Progress { in_snapshot, lateness, misfits, hub, settled, .. } = *progress;
        tracing::info!(
            resource = resource.name,
            phase = if in_snapshot { "snapshot" } else { "follow" },
            records = self.records,
            per_second,
            percent = self.percent(progress),
            unsettled_ms = hub.zip(settled).map(|(hub, settled)| (hub - settled).max(0)),
            late_rows = lateness.rows,
            latest_ms = lateness.most,
            misfits,
            quota_left = quota.remaining,
            daily_left = quota.daily_remaining,
            retries,
            "{}",
            self.sentence(progress, per_second)
        );
        if misfits > self.misfits {
            self.misfits = misfits;
            let most = engine.misfits().into_iter().take(3).map(|(name, count)| format!("{name} ({count})"));
            tracing::warn!(
                resource = resource.name,
                properties = most.collect::<Vec<_>>().join(", "),
                "values that aren't what their property's definition says are delivered as text"
            );
        }
    }

    fn sentence(&self, progress: &Progress, per_second: f64) -> String {
        let records = self.records;
        match (progress.in_snapshot, self.percent(progress)) {
            (true, Some(percent)) => {
                format!("snapshot: {percent}% of {} read, {per_second} a second", progress.total.unwrap_or_default())
            }
            (true, None) => format!("snapshot: {records} read, {per_second} a second"),
            (false, _) => format!("following changes: {records} records so far, {per_second} a second"),
        }
    }
}

/// What a pass over all objects found: the drift between HubSpot and what was delivered, in numbers.
pub(super) fn census(resource: &str, report: &CensusReport) {
    let CensusReport { listed, missing, changed, gone, vanished, audited, remembered, bytes } = *report;
    let repaired = missing + changed + gone;
    tracing::info!(
        resource,
        listed,
        missing,
        changed,
        gone,
        vanished,
        audited,
        remembered,
        bytes,
        "compared {listed} objects with what was delivered: {repaired} differed and are delivered now"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_how_far_it_is() {
        let tally = Tally { records: 150, snapshot: 150, reported: 0, reported_at: 0, misfits: 0 };
        let snapshot = Progress { in_snapshot: true, total: Some(600), ..Progress::default() };
        assert_eq!(tally.sentence(&snapshot, 12.0), "snapshot: 25% of 600 read, 12 a second");
        assert_eq!(tally.sentence(&Progress { total: None, ..snapshot }, 12.0), "snapshot: 150 read, 12 a second");
        assert_eq!(tally.sentence(&Progress::default(), 0.0), "following changes: 150 records so far, 0 a second");
        let more = Progress { total: Some(100), ..snapshot };
        assert_eq!(tally.percent(&more), Some(100), "objects that were created meanwhile");
    }
}
