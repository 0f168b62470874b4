//! What is sent again, and why: a table, and how long is waited in between.
//!
//! Two things decide. *What happened*: a refusal that says "not now" did nothing, while a lost reply, or a 5xx, says nothing about whether the
//! request was carried out. And *what was asked*: some requests may be carried out twice. Those are
//!
//! - everything that only reads: GET, search, `batch/read`;
//! - update by id, single and in batches: it sets named properties to given values, and setting them again changes nothing. (Somebody else's
//!   change in between would be undone; that is no different from our request being the slower one.)
//! - archive, GDPR delete: the second one finds nothing left to do. A 404 behind a lost reply is success;
//! - upsert by a unique property: the second one finds the object there, and sets the same values;
//! - associations: associating two objects twice associates them once, and ending it twice ends it;
//! - drafts: an update sets values, publishing the same draft twice is publishing it once, and a schedule sets a time.
//!
//! Creates, of objects as of properties, and merges are not: a create repeated is two objects, a merge repeated fails or merges something else. When their reply is lost
//! the caller gets [`Error::Unknown`](crate::Error::Unknown), and must look before it writes again.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::request::Repeat;
use crate::transport::http_date;

/// Why a try brought no good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No connection: the request never left.
    NotSent,
    /// The connection broke when the request may have been sent.
    Reset,
    /// No whole answer in time.
    Timeout,
    /// A 2xx whose body is cut, or isn't what HubSpot answers.
    Body,
    /// A status.
    Status(u16),
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Send it again after a pause, at most `maxRetries` times.
    Again,
    /// Let the quota say when, and send it again: doesn't count as a retry.
    AskQuota,
    /// Report that nobody knows whether it happened.
    Unknown,
    /// Report it.
    Fail,
}

/// A row of the table.
pub(crate) struct Rule {
    pub(crate) cause: fn(Cause) -> bool,
    /// For requests that may be carried out twice.
    pub(crate) safe: Then,
    /// For those that may not.
    pub(crate) creating: Then,
    pub(crate) why: &'static str,
}

/// The table. The first row that fits decides; what fits none is reported.
pub(crate) const TABLE: &[Rule] = &[
    Rule {
        cause: |cause| cause == Cause::NotSent,
        safe: Then::Again,
        creating: Then::Again,
        why: "HubSpot never saw the request",
    },
    Rule {
        cause: |cause| cause == Cause::Status(429),
        safe: Then::AskQuota,
        creating: Then::AskQuota,
        why: "a request over the limit is turned away at the door and does nothing",
    },
    Rule {
        cause: |cause| cause == Cause::Status(423),
        safe: Then::Again,
        creating: Then::Again,
        why: "the record is locked by another operation, which takes seconds: nothing was done",
    },
    Rule {
        cause: |cause| cause == Cause::Status(477),
        safe: Then::Again,
        creating: Then::Again,
        why: "the account is being moved to another data centre, Retry-After says how long: nothing was done",
    },
    Rule {
        cause: |cause| cause == Cause::Reset,
        safe: Then::Again,
        creating: Then::Unknown,
        why: "the reply is lost, the request may have been carried out",
    },
    Rule {
        cause: |cause| cause == Cause::Timeout,
        safe: Then::Again,
        creating: Then::Unknown,
        why: "the reply didn't come in time, the request may still be carried out",
    },
    Rule {
        cause: |cause| cause == Cause::Body,
        safe: Then::Again,
        creating: Then::Unknown,
        why: "the status is good, but what was done is in the part that is lost",
    },
    Rule {
        cause: |cause| cause == Cause::Status(408),
        safe: Then::Again,
        creating: Then::Unknown,
        why: "a timeout on HubSpot's side of the wire",
    },
    Rule {
        cause: |cause| matches!(cause, Cause::Status(500..=599)),
        safe: Then::Again,
        creating: Then::Unknown,
        why: "a failure of HubSpot's (500), its gateway's (502 to 504) or the network's in front of it (520 to 530) says nothing about the write",
    },
];

/// Looks it up.
pub(crate) fn decide(cause: Cause, repeat: Repeat) -> Then {
    let Some(rule) = TABLE.iter().find(|rule| (rule.cause)(cause)) else { return Then::Fail };
    let then = match repeat {
        Repeat::Safe => rule.safe,
        Repeat::Unsafe => rule.creating,
    };
    tracing::trace!(?cause, ?repeat, ?then, why = rule.why, "decided");
    then
}

/// 429s in a row, of a limit that frees within seconds, before a call gives up. The quota sends one request at a time after a 429 and waits a
/// second at least, so that this is half a minute or more in which others took all of the account's quota.
pub(crate) const LIMITED_IN_A_ROW: u32 = 30;

/// How long a call waits for the daily quota: it starts over within a day, and this is an hour more.
pub(crate) const DAILY_PATIENCE: Duration = Duration::from_hours(25);

/// The longest pause between two tries that isn't HubSpot's own wish.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The longest wish of HubSpot's that is granted at once; a longer one is asked again after that.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(10);

/// The pause before a retry: `base`, doubled each time, of which half is left to chance so that callers that failed together don't come back
/// together; longer if `Retry-After` says so.
pub(crate) fn pause(base: Duration, retry: u32, retry_after: Option<Duration>, chance: f64) -> Duration {
    let full = base.saturating_mul(1 << retry.min(16)).min(LONGEST_PAUSE);
    let jittered = full.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
    jittered.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

/// `Retry-After`: seconds, or a date, which is counted from the answer's own `Date` since this machine's clock may be wrong.
pub(crate) fn retry_after(header: &str, answered: Option<DateTime<Utc>>) -> Option<Duration> {
    const A_DAY: f64 = 86_400.0;
    if let Ok(seconds) = header.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(A_DAY)));
    }
    let until = http_date(header)?;
    let wait = until - answered.unwrap_or_else(Utc::now);
    Some(wait.to_std().unwrap_or_default().min(Duration::from_secs_f64(A_DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_decides_what_it_says() {
        use Then::{Again, AskQuota, Fail, Unknown};
        let expected: &[(Cause, Then, Then)] = &[
            (Cause::NotSent, Again, Again),
            (Cause::Status(429), AskQuota, AskQuota),
            (Cause::Status(423), Again, Again),
            (Cause::Status(477), Again, Again),
            (Cause::Reset, Again, Unknown),
            (Cause::Timeout, Again, Unknown),
            (Cause::Body, Again, Unknown),
            (Cause::Status(408), Again, Unknown),
            (Cause::Status(500), Again, Unknown),
            (Cause::Status(502), Again, Unknown),
            (Cause::Status(503), Again, Unknown),
            (Cause::Status(504), Again, Unknown),
            (Cause::Status(520), Again, Unknown),
            (Cause::Status(530), Again, Unknown),
            (Cause::Status(301), Fail, Fail),
            (Cause::Status(400), Fail, Fail),
            (Cause::Status(401), Fail, Fail),
            (Cause::Status(403), Fail, Fail),
            (Cause::Status(404), Fail, Fail),
            (Cause::Status(409), Fail, Fail),
            (Cause::Status(414), Fail, Fail),
        ];
        for &(cause, safe, creating) in expected {
            assert_eq!(decide(cause, Repeat::Safe), safe, "{cause:?}");
            assert_eq!(decide(cause, Repeat::Unsafe), creating, "{cause:?}");
        }
        for rule in TABLE {
            assert!(expected.iter().any(|(cause, ..)| (rule.cause)(*cause)), "no case for the row: {}", rule.why);
        }
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_leave_half_to_chance() {
        let base = Duration::from_millis(500);
        assert_eq!(pause(base, 0, None, 1.0), base);
        assert_eq!(pause(base, 0, None, 0.0), base / 2);
        assert_eq!(pause(base, 3, None, 1.0), base * 8);
        assert_eq!(pause(base, 40, None, 1.0), LONGEST_PAUSE);
    }

    #[test]
    fn retry_after_lengthens_a_pause_within_reason() {
        let base = Duration::from_millis(500);
        assert_eq!(pause(base, 0, Some(Duration::from_secs(7)), 1.0), Duration::from_secs(7));
        assert_eq!(pause(base, 0, Some(Duration::ZERO), 1.0), base);
        assert_eq!(pause(base, 0, Some(Duration::from_secs(86_000)), 1.0), LONGEST_RETRY_AFTER);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = http_date("Tue, 24 Nov 2026 10:00:00 GMT");
        assert_eq!(retry_after("3", date), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("0.5", date), Some(Duration::from_millis(500)));
        assert_eq!(retry_after("Tue, 24 Nov 2026 10:00:30 GMT", date), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Tue, 24 Nov 2026 09:00:00 GMT", date), Some(Duration::ZERO), "past already");
        assert_eq!(retry_after("-1", date), None);
        assert_eq!(retry_after("NaN", date), None);
        assert_eq!(retry_after("soon", date), None);
        assert_eq!(retry_after("1e300", date), Some(Duration::from_hours(24)));
    }
}
