//! The emulated account: what it holds at first, what befalls its requests, and what it holds in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use hubspot_emulator::{Account, Fault, FaultRates, FaultRule, Policy};
use serde_json::{Value, json};

use super::history::{self, mark_field};
use super::setting::{AUTHORS, CODE, COMPANIES, CONTACTS, Place, REDIRECTS, REFERENCE, Setting, Trouble};
use super::values::{self, KEY, LOCKED};

/// So many objects of each resource are there at first.
const SEEDED: usize = 6;

/// What is there at first.
#[derive(Debug, Default)]
pub(super) struct Landmarks {
    /// Companies that stay as they are: others are associated with them.
    pub(super) companies: Vec<String>,
    /// Ids of the objects that records are about, by resource.
    pub(super) seeded: BTreeMap<&'static str, Vec<String>>,
    /// Ids of objects that no record is about, by HubSpot's name of the resource.
    fixed: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Landmarks {
    /// A value that an object of every type has.
    pub(super) const CODE: &str = "C-0";

    /// The reference of a company.
    pub(super) fn reference(number: usize) -> String {
        format!("L-{number}")
    }

    /// Fills the account.
    pub(super) fn set(account: &Account, setting: &Setting) -> Self {
        let mut landmarks = Self::default();
        // The two others are associated with, and named in the destination's configuration, whether records go there or not.
        let places = setting.places.iter().filter(|place| place.is_crm).chain([&COMPANIES, &CONTACTS]);
        for object_type in places.map(|place| place.hubspot).collect::<BTreeSet<_>>() {
            values::define(account, object_type);
        }
        landmarks.companies =
            account.create_many(COMPANIES.hubspot, 3, |n| json!({KEY: "landmark", REFERENCE: Self::reference(n)}));
        landmarks.fixed.insert(COMPANIES.hubspot, landmarks.companies.iter().cloned().collect());
        for place in &setting.places {
            if place.is_crm {
                let taken = account.create(place.hubspot, json!({KEY: "landmark", CODE: Self::CODE}));
                landmarks.fixed.entry(place.hubspot).or_default().insert(taken);
            }
            let unique = setting.unique(place);
            // Where the property is yet to be made, no object has a value of it.
            let count = if unique.is_some_and(|unique| unique == "sim_made") { 0 } else { SEEDED };
            let ids = account.create_many(place.hubspot, count, |n| {
                let mark = if setting.by_value(place) { history::value(setting, n) } else { format!("seed-{n}") };
                match (*place, unique) {
                    (AUTHORS, _) => json!({"name": mark}),
                    (REDIRECTS, _) => json!({"routePrefix": format!("/{mark}"), "destination": "https://example.com/", "redirectStyle": 301}),
                    (_, Some(unique)) => json!({KEY: mark, unique: mark}),
                    (_, None) => json!({KEY: mark}),
                }
            });
            landmarks.seeded.insert(place.resource, ids);
        }
        landmarks
    }

    pub(super) fn are_fixed(&self, place: &Place, id: &str) -> bool {
        self.fixed.get(place.hubspot).is_some_and(|ids| ids.contains(id))
    }
}

/// What an object holds that the test knows of, in one form; nothing is left out that a record may have set.
pub(super) fn held(place: &Place, object: &Value) -> BTreeMap<String, String> {
    let fields = if place.is_crm { &object["properties"] } else { object };
    let counts = |name: &str| match *place {
        AUTHORS => ["name", "bio", "website", "fullName"].contains(&name),
        REDIRECTS => ["routePrefix", "destination"].contains(&name),
        _ => {
            name.starts_with("sim_")
                || name.starts_with("shoe_")
                || name == "email"
                || name == LOCKED
                || name == "no_such_property"
        }
    };
    let fields = fields.as_object().into_iter().flatten().filter(|(name, _)| counts(name));
    let texts = fields.filter_map(|(name, value)| Some((name, value.as_str().filter(|text| !text.is_empty())?)));
    texts.map(|(name, text)| (name.clone(), values::same_form(name, text))).collect()
}

/// The object's own text.
pub(super) fn mark(place: &Place, object: &Value) -> String {
    let fields = if place.is_crm { &object["properties"] } else { object };
    fields[mark_field(place)].as_str().unwrap_or_default().to_owned()
}

/// Which companies each object of a place is associated with.
pub(super) fn links(account: &Account, place: &Place) -> BTreeMap<String, BTreeSet<String>> {
    let id = |entry: &Value| match &entry["toObjectId"] {
        Value::String(id) => id.clone(),
        other => other.to_string(),
    };
    let all = account.associations(place.hubspot, COMPANIES.hubspot);
    all.into_iter().map(|(from, to)| (from, to.iter().map(id).collect())).collect()
}

/// How often requests go wrong of themselves.
pub(super) fn rates(trouble: Trouble, rng: &mut Rng) -> FaultRates {
    match trouble {
        Trouble::Nothing => FaultRates::default(),
        Trouble::Some | Trouble::Outlasting => FaultRates {
            server_error: rng.f64() * 0.08,
            reset: rng.f64() * 0.04,
            lost_reply: rng.f64() * 0.1,
            rate_limited: 0.0,
        },
    }
}

/// Before a batch: one more thing that goes wrong with it, at times.
pub(super) fn trouble(account: &Account, trouble: Trouble, rng: &mut Rng) {
    if trouble == Trouble::Nothing || rng.bool() {
        return;
    }
    let (fault, times) = match rng.u8(..10) {
        0..3 => (Fault::LostReply, 1),
        3 => (Fault::CutBody, 1),
        4 => (Fault::Html200, 1),
        5 => (Fault::Locked423, rng.u32(1..3)),
        // This one has a second's pause.
        6 if rng.u8(..30) == 0 => (Fault::Migrating477, 1),
        6 => (Fault::Locked423, 1),
        7 => (Fault::RateLimited { policy: Policy::TenSecondly, retry_after: Some(Duration::ZERO) }, 1),
        8 => (Fault::Reset, 1),
        _ => (Fault::ServerError { status: [500, 503, 504][rng.usize(..3)], html: rng.bool() }, 2),
    };
    // More than all retries.
    let times = if trouble == Trouble::Outlasting
        && rng.u8(..3) == 0
        && !matches!(fault, Fault::RateLimited { .. } | Fault::Migrating477)
    {
        9
    } else {
        times
    };
    let path_contains =
        ["", "/batch/", "/batch/create", "/batch/upsert", "/batch/update", "/batch/read", "/associations/"]
            [rng.usize(..7)]
        .to_owned();
    account.fail_matching(FaultRule { method: Some("POST".to_owned()), path_contains, fault, times });
}
