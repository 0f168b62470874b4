//! HubSpot's clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta};
use tokio::time::Instant;

/// Milliseconds since the epoch, by HubSpot's clock.
pub(crate) type Millis = i64;

/// A clock in milliseconds that never runs backwards. It follows tokio's time, so that it stands still where that is paused.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_at: Millis,
    offset: AtomicI64,
    last: AtomicI64,
}

impl Clock {
    pub(crate) fn new(offset: TimeDelta) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            started: Instant::now(),
            started_at: Millis::try_from(since_epoch.as_millis()).unwrap_or(0),
            offset: AtomicI64::new(offset.num_milliseconds()),
            last: AtomicI64::new(0),
        }
    }

    pub(crate) fn set_offset(&self, offset: TimeDelta) {
        self.offset.store(offset.num_milliseconds(), Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Millis {
        let elapsed = Millis::try_from(self.started.elapsed().as_millis()).unwrap_or(Millis::MAX / 2);
        let now = self.started_at + elapsed + self.offset.load(Ordering::Relaxed);
        self.last.fetch_max(now, Ordering::Relaxed).max(now)
    }
}

/// ISO 8601 with milliseconds, as HubSpot writes timestamps: `2026-11-24T12:00:00.123Z`. Written by hand: pages of a hundred objects carry hundreds of them.
pub(crate) fn iso(at: Millis) -> String {
    let mut out = Vec::with_capacity(24);
    write_iso(&mut out, at);
    String::from_utf8(out).unwrap_or_default()
}

pub(crate) fn write_iso(out: &mut Vec<u8>, at: Millis) {
    // Days to a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let (days, millis) = (at.div_euclid(86_400_000) + 719_468, at.rem_euclid(86_400_000));
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    digits(out, year, 4);
    out.push(b'-');
    digits(out, month, 2);
    out.push(b'-');
    digits(out, day, 2);
    out.push(b'T');
    digits(out, millis / 3_600_000, 2);
    out.push(b':');
    digits(out, millis / 60_000 % 60, 2);
    out.push(b':');
    digits(out, millis / 1_000 % 60, 2);
    out.push(b'.');
    digits(out, millis % 1_000, 3);
    out.push(b'Z');
}

fn digits(out: &mut Vec<u8>, number: i64, width: u32) {
    for place in (0..width).rev() {
        out.push(b'0' + (number / 10_i64.pow(place) % 10) as u8);
    }
}

/// What HubSpot takes for a time, in queries, filters and values: epoch milliseconds, ISO 8601, or a date.
pub(crate) fn parse_time(text: &str) -> Option<Millis> {
    let text = text.trim();
    if let Ok(millis) = text.parse() {
        return Some(millis);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
}

/// The `Date` header: whole seconds.
pub(crate) fn http_date(at: Millis) -> String {
    DateTime::from_timestamp_millis(at)
        .map(|time| time.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_chrono_writes() {
        let mut rng = fastrand::Rng::with_seed(3);
        for at in (0..2_000).map(|_| rng.i64(0..4_102_444_800_000)).chain([
            0,
            951_782_400_000,
            1_709_164_800_000,
            1_709_251_199_999,
        ]) {
            let expected =
                DateTime::from_timestamp_millis(at).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            assert_eq!(iso(at), expected);
            assert_eq!(parse_time(&expected), Some(at));
            assert_eq!(parse_time(&at.to_string()), Some(at));
        }
        assert_eq!(http_date(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse_time("2026-11-24"), parse_time("2026-11-24T00:00:00Z"));
        assert_eq!(parse_time("soon"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn follows_tokio_and_its_offset_and_never_runs_backwards() {
        let clock = Clock::new(TimeDelta::hours(5));
        let start = clock.now();
        tokio::time::advance(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(clock.now(), start + 1_500);
        clock.set_offset(TimeDelta::hours(6));
        assert_eq!(clock.now(), start + 3_601_500);
        clock.set_offset(TimeDelta::zero());
        assert_eq!(clock.now(), start + 3_601_500);
    }
}
