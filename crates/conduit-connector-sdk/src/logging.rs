//! Logs: one JSON object a line on stderr, in the form that go-plugin reads into Conduit's log.

use std::fmt;
use std::io::{self, Write as _};
use std::panic;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Crates whose own traces say nothing about a connector, and at times a lot about what it sends: they are heard from
/// warnings on.
const PLUMBING: [&str; 9] = ["h2", "hyper", "hyper_util", "mio", "reqwest", "rustls", "tokio_util", "tonic", "tower"];

/// Logs to stderr from this level on, panics included. A second call changes nothing.
pub(crate) fn install(level: Option<&str>) {
    let level = self::level(level);
    let targets = PLUMBING.iter().fold(Targets::new().with_default(level), |targets, name| {
        targets.with_target(*name, level.min(LevelFilter::WARN))
    });
    let installed = tracing_subscriber::registry().with(JsonLines.with_filter(targets)).try_init();
    if installed.is_ok() {
        panic::set_hook(Box::new(|info| {
            let text = info.payload_as_str().unwrap_or("without a message");
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            tracing::error!(location = place, thread, "panicked: {text}");
        }));
    }
}

/// The level that Conduit names; its loggers know more names than there are levels here. Info where it names none.
fn level(name: Option<&str>) -> LevelFilter {
    match name.unwrap_or_default().to_ascii_lowercase().as_str() {
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "warn" | "warning" => LevelFilter::WARN,
        "error" | "fatal" | "panic" => LevelFilter::ERROR,
        "disabled" | "off" => LevelFilter::OFF,
        _ => LevelFilter::INFO,
    }
}

/// Writes each event as one line of JSON.
struct JsonLines;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut line = line(event);
        line.push('\n');
        // One write a line, under the lock: lines don't mix. When stderr is gone there is nowhere to say so.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

fn line(event: &Event<'_>) -> String {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let metadata = event.metadata();
    let mut line = Map::new();
    let mut put = |name: &str, value: String| line.insert(name.to_owned(), Value::String(value));
    put("@level", name(*metadata.level()).to_owned());
    put("@message", fields.message);
    put("@timestamp", Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true));
    put("@module", metadata.target().to_owned());
    line.extend(fields.others);
    Value::Object(line).to_string()
}

fn name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

/// An event's message and fields.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use conduit_connector_protocol::host::LogEntry;

    use super::*;

    struct Kept(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
            self.0.lock().unwrap().push(line(event));
        }
    }

    #[test]
    fn an_event_is_a_line_that_the_host_reads() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Kept(Arc::clone(&kept)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(records = 3, slow = true, share = 0.5, resource = "crm.contacts", "two\nlines of {}", 7);
        });
        let lines = kept.lock().unwrap();
        assert!(!lines[0].contains('\n'));
        let entry = LogEntry::parse(&lines[0]);
        assert_eq!(entry.level.as_deref(), Some("warn"));
        assert_eq!(entry.message, "two\nlines of 7");
        assert!(entry.timestamp.unwrap().ends_with('Z'));
        assert_eq!(entry.fields["records"], 3);
        assert_eq!(entry.fields["slow"], true);
        assert_eq!(entry.fields["share"], 0.5);
        assert_eq!(entry.fields["resource"], "crm.contacts");
        assert_eq!(entry.fields["@module"], "conduit_connector_sdk::logging::tests");
    }

    #[test]
    fn conduits_names_of_levels() {
        for (name, filter) in [
            (None, LevelFilter::INFO),
            (Some("TRACE"), LevelFilter::TRACE),
            (Some("debug"), LevelFilter::DEBUG),
            (Some("info"), LevelFilter::INFO),
            (Some("warn"), LevelFilter::WARN),
            (Some("fatal"), LevelFilter::ERROR),
            (Some("disabled"), LevelFilter::OFF),
            (Some("loud"), LevelFilter::INFO),
        ] {
            assert_eq!(level(name), filter, "{name:?}");
        }
    }
}
