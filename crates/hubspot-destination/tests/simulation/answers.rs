//! What must hold of each answer by itself.

use hubspot_destination::{Failure, OnMissing, RecordError};

use super::history::{Deed, Fault, Verb};
use super::setting::Setting;

/// What became of a record, as far as it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Written,
    /// It was not written, and that is certain.
    Refused,
    /// No try was answered, and none was carried out.
    Unanswered,
    /// It was written, but not associated.
    Unlinked,
    /// It may have been written.
    Unknown,
    /// The destination ended before it said anything.
    None,
}

impl Answer {
    pub(super) fn of(outcome: &Result<(), RecordError>) -> Self {
        match outcome {
            Ok(()) => Self::Written,
            Err(error) if error.written_as().is_some() => Self::Unlinked,
            Err(error) if error.is_outcome_unknown() => Self::Unknown,
            Err(error) if is_unanswered(&error.failure) => Self::Unanswered,
            Err(_) => Self::Refused,
        }
    }
}

fn is_unanswered(failure: &Failure) -> bool {
    match failure {
        Failure::Unanswered(_) => true,
        Failure::NotMade { failure, .. } => matches!(**failure, Failure::Unknown(_)) || is_unanswered(failure),
        _ => false,
    }
}

/// Every nack says in one line what was tried on what, and why it failed.
pub(super) fn check(deed: &Deed, setting: &Setting, error: &RecordError) -> Result<(), String> {
    let text = error.to_string();
    let wrong = |what: &str| Err(format!("the nack {what}: {text:?}"));
    if text.lines().count() != 1 {
        return wrong("isn't one line");
    }
    let verbs = match deed.verb {
        Verb::Create => &["creating"][..],
        Verb::Update if setting.on_missing == OnMissing::Create => &["updating", "creating"],
        Verb::Update => &["updating"],
        Verb::Upsert => &["upserting"],
        Verb::Delete => &["deleting"],
        Verb::Nothing => &[],
    };
    let all = ["creating", "updating", "upserting", "deleting"];
    // Those that share a write share its verb. What becomes of a record that goes nowhere depends on where it would go.
    let unrouted = matches!(&deed.fault, Some(Fault::Own(name)) if name == "nonsense" || name == "crm.notes");
    // So does it while nothing is known of its resource.
    let unprepared = is_unanswered(&error.failure);
    let verbs = if setting.coalesce || unrouted || unprepared { &all[..] } else { verbs };
    if !verbs.iter().any(|verb| text.starts_with(verb)) {
        return wrong(&format!("doesn't begin with {verbs:?}"));
    }
    if let Some(place) = deed.place.filter(|place| !text.contains(place.resource)) {
        return wrong(&format!("doesn't name {}", place.resource));
    }
    if let Some(refusal) = error.refusal()
        && (refusal.message.is_empty() || !text.contains("correlation id"))
    {
        return wrong("lacks HubSpot's message or the correlation id");
    }
    match &deed.fault {
        Some(Fault::Own(hint))
            if Answer::of(&Err(error.clone())) == Answer::Refused && !text.contains(hint.as_str()) =>
        {
            wrong(&format!("doesn't say {hint:?}"))
        }
        _ => Ok(()),
    }
}
