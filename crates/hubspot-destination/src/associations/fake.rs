//! A HubSpot of a few lines for the linker's tests: it keeps objects, labels and associations, and refuses what isn't there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hubspot_client::AssociationSpec;

use super::api::{Answer, Found, Input, Label, LinkApi};
use crate::error::{Failure, Refusal};

/// How it refuses a pair that it doesn't like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// The whole call, with 400, naming nobody.
    Whole,
    /// The pair alone, in an answer of success that names it.
    Single,
}

/// From type, to type, from id, to id, type.
pub(super) type Association = (String, String, String, String, AssociationSpec);

#[derive(Default)]
pub(super) struct State {
    /// The properties of each object, by object type and id.
    pub objects: BTreeMap<(String, String), BTreeMap<String, String>>,
    /// Values by which an object is found beside its own, such as a contact's second email.
    pub aliases: BTreeMap<String, String>,
    /// What pairs of types may be.
    pub labels: BTreeMap<(String, String), Vec<Label>>,
    /// The truth.
    pub associations: BTreeSet<Association>,
    /// How many calls of each kind there were, and how many items were in each.
    pub calls: Vec<(&'static str, usize)>,
    /// Failures for the next calls that associate.
    pub faults: Vec<Failure>,
    /// Answers that replace the true ones.
    pub answers: Vec<Answer>,
    /// The most calls that were under way at once.
    pub peak: usize,
    in_flight: usize,
}

pub(super) struct Fake {
    pub manner: Manner,
    state: Mutex<State>,
}

impl Fake {
    /// Contacts and companies 1 to 100 each (`domain`: `<id>.example`), and deals; contacts and companies have labels.
    pub(super) fn new(manner: Manner) -> Self {
        let mut state = State::default();
        for id in 1..=100 {
            let domain = [("domain".to_owned(), format!("{id}.example"))];
            state.objects.insert(("contacts".to_owned(), id.to_string()), BTreeMap::new());
            state.objects.insert(("companies".to_owned(), id.to_string()), domain.into());
        }
        let label = |category: &str, id: u64, text: Option<&str>| Label {
            spec: AssociationSpec::new(category, id),
            label: text.map(str::to_owned),
        };
        let labels = vec![
            label("HUBSPOT_DEFINED", 1, Some("Primary")),
            label("HUBSPOT_DEFINED", 279, None),
            label("USER_DEFINED", 36, Some("Billing")),
        ];
        state.labels.insert(("contacts".to_owned(), "companies".to_owned()), labels);
        Self { manner, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls of a kind there were.
    pub(super) fn calls(&self, kind: &str) -> usize {
        self.state().calls.iter().filter(|(of, _)| *of == kind).count()
    }

    async fn call(&self, kind: &'static str, items: usize) {
        {
            let mut state = self.state();
            state.calls.push((kind, items));
            state.in_flight += 1;
            state.peak = state.peak.max(state.in_flight);
        }
        for _ in 0..=items % 3 {
            tokio::task::yield_now().await;
        }
        self.state().in_flight -= 1;
    }
}

pub(super) fn refusal(status: u16, category: &str, message: &str) -> Refusal {
    Refusal { status, category: category.to_owned(), message: message.to_owned(), ..Refusal::default() }
}

fn refused(refusal: Refusal) -> Failure {
    Failure::Refused(Box::new(refusal))
}

/// Why HubSpot would not associate these.
fn judge(state: &State, from: &str, to: &str, input: &Input) -> Option<Refusal> {
    let there = |of: &str, id: &String| state.objects.contains_key(&(of.to_owned(), id.clone()));
    let known = state.labels.get(&(from.to_owned(), to.to_owned())).map(Vec::as_slice).unwrap_or_default();
    let missing = !there(from, &input.from) || !there(to, &input.to);
    let strange = input.types.iter().any(|of| known.iter().all(|label| label.spec != *of));
    let error = match (missing, strange) {
        (true, _) => refusal(0, "OBJECT_NOT_FOUND", "one of them isn't there"),
        (false, true) => refusal(0, "VALIDATION_ERROR", "no such type"),
        (false, false) => return None,
    };
    let context = [("fromObjectId", &input.from), ("toObjectId", &input.to)];
    let context = context.map(|(name, id)| (name.to_owned(), vec![id.clone()]));
    Some(Refusal { context: context.into(), ..error })
}

/// By reference, so that a test looks at what the linker has.
impl LinkApi for &Fake {
    async fn labels(&self, from: &str, to: &str) -> Result<Vec<Label>, Failure> {
        self.call("labels", 1).await;
        let labels = self.state().labels.get(&(from.to_owned(), to.to_owned())).cloned();
        labels.ok_or_else(|| refused(refusal(400, "VALIDATION_ERROR", "Unable to infer object type")))
    }

    async fn associate(&self, from: &str, to: &str, inputs: &[Input]) -> Result<Answer, Failure> {
        assert!(!inputs.is_empty() && inputs.len() <= 2_000, "a call of {} pairs", inputs.len());
        let distinct: BTreeSet<_> = inputs.iter().map(|input| (&input.from, &input.to)).collect();
        assert_eq!(distinct.len(), inputs.len(), "a pair twice in one call");
        self.call("associate", inputs.len()).await;
        let mut state = self.state();
        if !state.faults.is_empty() {
            return Err(state.faults.remove(0));
        }
        let judged: Vec<_> = inputs.iter().map(|input| judge(&state, from, to, input)).collect();
        if self.manner == Manner::Whole && judged.iter().any(Option::is_some) {
            return Err(refused(refusal(400, "VALIDATION_ERROR", "something is wrong")));
        }
        let mut answer = Answer::default();
        for (input, error) in inputs.iter().zip(judged) {
            if let Some(error) = error {
                answer.errors.push(error);
                continue;
            }
            for of in &input.types {
                let ends = (from.to_owned(), to.to_owned(), input.from.clone(), input.to.clone());
                state.associations.insert((ends.0, ends.1, ends.2, ends.3, of.clone()));
            }
            answer.pairs.push((input.from.clone(), input.to.clone()));
        }
        // HubSpot promises no order.
        answer.pairs.reverse();
        Ok(if state.answers.is_empty() { answer } else { state.answers.remove(0) })
    }

    async fn find(&self, object_type: &str, property: &str, values: &[String]) -> Result<Found, Failure> {
        assert!(!values.is_empty() && values.len() <= 100, "a lookup of {} values", values.len());
        self.call("find", values.len()).await;
        let state = self.state();
        if property == "color" {
            return Err(refused(refusal(400, "VALIDATION_ERROR", "Property color is not unique")));
        }
        if values.iter().any(|value| value == "bad") {
            return Err(refused(refusal(400, "VALIDATION_ERROR", "a value is invalid")));
        }
        let mut objects = BTreeSet::new();
        for value in values {
            let value = state.aliases.get(value).unwrap_or(value).to_lowercase();
            let found = state
                .objects
                .iter()
                .find(|((of, _), properties)| of == object_type && properties.get(property) == Some(&value));
            objects.extend(found.map(|((_, id), _)| (value.clone(), id.clone())));
        }
        let errors = vec![refusal(0, "OBJECT_NOT_FOUND", "Could not get some of the objects")];
        Ok(Found { objects: objects.into_iter().rev().collect(), errors })
    }
}
