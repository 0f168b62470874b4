use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::*;

/// What is logged, as `LEVEL name=value … message`.
#[derive(Clone, Default)]
pub(in super::super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(in super::super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Listens on this thread until the guard is dropped.
    pub(in super::super) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        #[derive(Default)]
        struct Text {
            fields: String,
            message: String,
        }
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                match field.name() {
                    "message" => self.message = format!("{value:?}"),
                    name => self.fields.extend([name, "=", &format!("{value:?}"), " "]),
                }
            }
        }
        let mut text = Text::default();
        event.record(&mut text);
        let Text { fields, message } = text;
        self.0.lock().unwrap().push(format!("{} {fields}{message}", event.metadata().level()));
    }
}

fn logged(what: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    let guard = log.listen();
    what();
    drop(guard);
    log.lines()
}

fn idle(resource: &'static str) -> Line {
    Line { resource, records: 7, behind_ms: Some(4_000), ..Line::default() }
}

#[test]
fn the_sentence_says_how_far_it_is() {
    let snapshot = Line {
        in_snapshot: true,
        records: 150,
        per_second: 12.0,
        total: Some(600),
        percent: Some(25),
        ..Line::default()
    };
    assert_eq!(snapshot.sentence(), "snapshot: 25% of 600 read, 150 records so far, 12 a second");
    let uncounted = Line { total: None, percent: None, ..snapshot };
    assert_eq!(uncounted.sentence(), "snapshot: 150 records so far, 12 a second");
    let follow = Line { in_snapshot: false, behind_ms: Some(65_000), ..uncounted };
    assert_eq!(follow.sentence(), "following changes: 150 records so far, 12 a second, 1m5s behind now");
}

#[test]
fn all_that_are_idle_share_a_line_and_keep_their_fields_below_it() {
    let busy = Line { since: 60, per_second: 1.0, ..idle("crm.contacts") };
    let snapshot = Line { in_snapshot: true, ..idle("crm.deals") };
    let stuck = Line { behind_ms: Some(600_000), is_late: true, ..idle("crm.tasks") };
    let lines = [busy, idle("crm.calls"), snapshot, idle("crm.notes"), stuck];
    let mut quota = Quota::default();
    quota.remaining = Some(180);
    let said = logged(|| report(&lines, &quota, 3));
    let of_level = |level: &str| said.iter().filter(|line| line.starts_with(level)).cloned().collect::<Vec<_>>();
    let info = of_level("INFO");
    assert_eq!(info.len(), 4, "{said:#?}");
    for (line, resource) in info.iter().zip(["crm.contacts", "crm.deals", "crm.tasks"]) {
        assert!(line.contains(&format!("resource=\"{resource}\"")), "{line}");
    }
    assert!(
        info[3].ends_with(
            "2 resources follow, nothing new: crm.calls, crm.notes; 180 requests left of the quota, 3 sent again"
        ),
        "{}",
        info[3]
    );
    assert!(info[2].contains("10m behind now"), "{}", info[2]);
    let debug = of_level("DEBUG");
    assert!(debug.len() == 2 && debug[0].contains("resource=\"crm.calls\" phase=\"follow\" records=7"), "{said:#?}");
}

#[test]
fn one_alone_that_is_idle_has_its_own_line() {
    let said = logged(|| report(&[idle("crm.calls")], &Quota::default(), 0));
    assert!(said.len() == 1 && said[0].starts_with("INFO resource=\"crm.calls\""), "{said:?}");
}

#[test]
fn a_pass_without_drift_is_no_news() {
    let clean = CensusReport { listed: 9, ..CensusReport::default() };
    for (report, level) in [
        (clean, "DEBUG"),
        (CensusReport { missing: 1, ..clean }, "INFO"),
        (CensusReport { changed: 1, ..clean }, "INFO"),
        (CensusReport { gone: 1, ..clean }, "INFO"),
    ] {
        let said = logged(|| census("crm.calls", &report));
        assert!(said.len() == 1 && said[0].starts_with(level), "{said:?}");
    }
}

#[test]
fn the_share_of_the_snapshot_is_never_more_than_all() {
    assert_eq!([percent(0, 600), percent(150, 600), percent(150, 100), percent(0, 0)], [0, 25, 100, 0]);
}
