//! What a stream says of itself: a line a minute.

use hubspot_catalog::Resource;
use hubspot_client::Quota;
use tracing::Level;

use super::names::Unknown;
use super::rounds::Stretched;
use super::span::span;
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
    /// When HubSpot last answered.
    heard_at: Millis,
    /// Misfits that have been told of.
    misfits: u64,
    /// Further behind than this it isn't by waiting for its next poll.
    patience: Millis,
}

impl Tally {
    pub(super) fn new(now: Millis, polling_period: Millis) -> Self {
        let patience = MINUTE + 2 * polling_period;
        Self { records: 0, snapshot: 0, reported: 0, reported_at: now, heard_at: now, misfits: 0, patience }
    }

    pub(super) fn count(&mut self, changes: &[Change]) {
        self.records += changes.len() as u64;
        let of_snapshot = |change: &&Change| change.operation == opencdc::Operation::Snapshot;
        self.snapshot += changes.iter().filter(of_snapshot).count() as u64;
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// HubSpot has answered.
    pub(super) fn heard(&mut self, now: Millis) {
        self.heard_at = now;
    }

    /// What there is to say of the time since this was last asked.
    pub(super) fn line(&mut self, resource: &Resource, engine: &Engine, now: Millis) -> Line {
        let progress = engine.progress();
        let Progress { in_snapshot, total, lateness, misfits, hub, settled, reached } = progress;
        let seconds = ((now - self.reported_at).max(1) as f64) / 1_000.0;
        let since = self.records - self.reported;
        self.reported = self.records;
        self.reported_at = now;
        // HubSpot's clock stands still for us where it doesn't answer.
        let silence = (now - self.heard_at).max(0);
        let behind_ms = hub.zip(reached).map(|(hub, reached)| (hub - reached).max(0) + silence);
        let total = total.filter(|total| *total > 0 && in_snapshot);
        if misfits > self.misfits {
            self.misfits = misfits;
            let most = engine.misfits().into_iter().take(3).map(|(name, count)| format!("{name} ({count})"));
            tracing::warn!(
                resource = resource.name,
                properties = most.collect::<Vec<_>>().join(", "),
                "values that aren't what their property's definition says are delivered as text"
            );
        }
        Line {
            resource: resource.name,
            in_snapshot,
            records: self.records,
            since,
            per_second: (since as f64 / seconds).round(),
            total,
            percent: total.map(|total| percent(self.snapshot, total)),
            behind_ms,
            is_late: behind_ms.is_some_and(|behind| behind > self.patience),
            unsettled_ms: hub.zip(settled).map(|(hub, settled)| (hub - settled).max(0)),
            late_rows: lateness.rows,
            latest_ms: lateness.most,
            misfits,
        }
    }
}

/// What a resource has done in a minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    resource: &'static str,
    in_snapshot: bool,
    /// In all, and since the last report.
    records: u64,
    since: u64,
    per_second: f64,
    /// Of the snapshot, if HubSpot said how much there is.
    total: Option<u64>,
    percent: Option<u64>,
    /// How long ago the last look for news began that has come through.
    behind_ms: Option<Millis>,
    is_late: bool,
    unsettled_ms: Option<Millis>,
    late_rows: u64,
    latest_ms: Millis,
    misfits: u64,
}

/// The same fields at either level.
macro_rules! say {
    ($level:expr, $line:expr, $quota:expr, $retries:expr) => {
        tracing::event!(
            $level,
            resource = $line.resource,
            phase = if $line.in_snapshot { "snapshot" } else { "follow" },
            records = $line.records,
            per_second = $line.per_second,
            percent = $line.percent,
            behind_ms = $line.behind_ms,
            unsettled_ms = $line.unsettled_ms,
            late_rows = $line.late_rows,
            latest_ms = $line.latest_ms,
            misfits = $line.misfits,
            quota_left = $quota.remaining,
            daily_left = $quota.daily_remaining,
            retries = $retries,
            "{}; {}",
            $line.sentence(),
            account($quota, $retries)
        )
    };
}

/// A line for each resource that something goes on with, and one for all others together.
pub(super) fn report(lines: &[Line], quota: &Quota, retries: u64) {
    let idle: Vec<&Line> = lines.iter().filter(|line| line.is_idle()).collect();
    for line in lines {
        // One alone is as short.
        if line.is_idle() && idle.len() > 1 {
            say!(Level::DEBUG, line, quota, retries);
        } else {
            say!(Level::INFO, line, quota, retries);
        }
    }
    if idle.len() > 1 {
        let names: Vec<_> = idle.iter().map(|line| line.resource).collect();
        tracing::info!(
            resources = idle.len(),
            phase = "follow",
            behind_ms = idle.iter().filter_map(|line| line.behind_ms).max(),
            quota_left = quota.remaining,
            daily_left = quota.daily_remaining,
            retries,
            "{} resources follow, nothing new: {}; {}",
            idle.len(),
            names.join(", "),
            account(quota, retries)
        );
    }
}

impl Line {
    /// Whether it follows changes, there were none, and that isn't because none could be read.
    fn is_idle(&self) -> bool {
        !self.in_snapshot && self.since == 0 && !self.is_late
    }

    fn sentence(&self) -> String {
        let Self { records, per_second, .. } = *self;
        if self.in_snapshot {
            return match self.percent.zip(self.total) {
                Some((percent, total)) => {
                    format!("snapshot: {percent}% of {total} read, {records} records so far, {per_second} a second")
                }
                None => format!("snapshot: {records} records so far, {per_second} a second"),
            };
        }
        let behind = self.behind_ms.map(|behind| format!(", {} behind now", span(behind))).unwrap_or_default();
        format!("following changes: {records} records so far, {per_second} a second{behind}")
    }
}

/// How much of it has been delivered; what was created meanwhile is delivered, too.
fn percent(delivered: u64, total: u64) -> u64 {
    (delivered * 100 / total.max(1)).min(100)
}

/// What all resources share.
fn account(quota: &Quota, retries: u64) -> String {
    let left = quota.remaining.map(|left| format!("{left} requests left of the quota, ")).unwrap_or_default();
    format!("{left}{retries} sent again")
}

/// An interval that isn't kept.
pub(super) fn stretched(resource: &str, stretched: &Stretched) {
    let Stretched { parameter, interval, took, pages } = *stretched;
    tracing::warn!(
        resource,
        parameter,
        interval_ms = interval,
        took_ms = took,
        pages,
        "{parameter} is stretched from {} to {}: the list that is read has {pages} pages, and such reading takes a fifth of \
         HubSpot's quota at most; set {parameter} to more than that",
        span(interval),
        span(took)
    );
}

/// A name that no resource has.
pub(super) fn unknown_name(name: &Unknown, resources: &str) {
    let Unknown { name: property, near } = name;
    let hint = near.as_ref().map(|near| format!(": did you mean {near:?}?")).unwrap_or_default();
    tracing::warn!(property, resources, near, "no property is called {property:?} in {resources}{hint}");
}

/// What a pass over all objects found: the drift between HubSpot and what was delivered, in numbers.
pub(super) fn census(resource: &str, report: &CensusReport) {
    let CensusReport { listed, missing, changed, gone, vanished, audited, remembered, bytes } = *report;
    let repaired = missing + changed + gone;
    macro_rules! say {
        ($level:expr) => {
            tracing::event!(
                $level,
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
            )
        };
    }
    if repaired > 0 { say!(Level::INFO) } else { say!(Level::DEBUG) }
}

#[cfg(test)]
pub(super) mod tests;
