//! A HubSpot of a few lines for the engine's tests: it keeps objects, refuses what a test tells it to, and loses replies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::change::Change;
use crate::error::{Failure, Refusal};
use crate::plan::Kind;
use crate::shape::Object;

/// How it refuses a record that it doesn't like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// The whole call, with 400, saying nothing of who is guilty.
    Whole,
    /// The record alone, in a 207 that names it.
    Single,
}

pub(crate) struct Fake {
    pub manner: Manner,
    pub limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// The truth: objects by id.
    pub objects: BTreeMap<String, Object>,
    /// Every call: its kind and how many records were in it.
    pub calls: Vec<(Kind, usize)>,
    /// The ids of updates and deletes that took effect, in order, with what was written.
    pub history: Vec<(String, Value)>,
    /// Failures for the next calls, before anything is done (`false`) or after (`true`).
    pub faults: Vec<(bool, Failure)>,
    /// Answers that replace the true one of the next calls.
    pub answers: Vec<Answer>,
    /// Ids in a call that is under way.
    busy: BTreeSet<String>,
    /// The most calls that were under way at once.
    pub peak: usize,
    in_flight: usize,
    next: u64,
}

impl Fake {
    pub(crate) fn new(manner: Manner) -> Self {
        Self { manner, limit: 100, state: Mutex::new(State { next: 1000, ..State::default() }) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many objects there are.
    pub(crate) fn objects(&self) -> usize {
        self.state().objects.len()
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.state().calls.len()
    }

    /// The most calls that were under way at once.
    pub(crate) fn peak(&self) -> usize {
        self.state().peak
    }

    pub(crate) fn seed(&self, ids: impl IntoIterator<Item = u64>) {
        self.state().objects.extend(ids.into_iter().map(|id| (id.to_string(), Object::new())));
    }

    async fn call<T>(
        &self,
        kind: Kind,
        changes: &[&Change],
        done: impl FnOnce(&mut State) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let ids: Vec<String> = changes.iter().filter_map(|change| change.id.clone()).collect();
        let fault = {
            let mut state = self.state();
            assert!(changes.len() <= self.limit, "a call of {} records", changes.len());
            for id in &ids {
                assert!(state.busy.insert(id.clone()), "{id} is in two calls at once, or twice in one");
            }
            state.calls.push((kind, changes.len()));
            state.in_flight += 1;
            state.peak = state.peak.max(state.in_flight);
            if state.faults.is_empty() { None } else { Some(state.faults.remove(0)) }
        };
        // Others get their turn, some more often, so that answers come out of order.
        for _ in 0..=changes.len() % 5 {
            tokio::task::yield_now().await;
        }
        let outcome = match fault {
            Some((false, failure)) => Err(failure),
            Some((true, failure)) => {
                let _ = done(&mut self.state());
                Err(failure)
            }
            None => done(&mut self.state()),
        };
        tokio::task::yield_now().await;
        let mut state = self.state();
        for id in &ids {
            state.busy.remove(id);
        }
        state.in_flight -= 1;
        outcome
    }

    fn judge(state: &State, change: &Change) -> Option<Refusal> {
        let missing = change.id.as_ref().is_some_and(|id| !state.objects.contains_key(id));
        let bad = change.body.get("properties").and_then(|properties| properties.get("bad")).is_some();
        let context = [("objectWriteTraceId".to_owned(), vec![change.trace()])].into();
        let (category, message) = match (missing, bad) {
            (true, _) => ("OBJECT_NOT_FOUND", "no such object"),
            (false, true) => ("VALIDATION_ERROR", "bad is bad"),
            (false, false) => return None,
        };
        Some(Refusal { category: category.into(), message: message.into(), context, ..Refusal::default() })
    }

    fn write(&self, state: &mut State, changes: &[&Change]) -> Result<Answer, Failure> {
        let judged: Vec<Option<Refusal>> = changes.iter().map(|change| Self::judge(state, change)).collect();
        if self.manner == Manner::Whole
            && let Some(refusal) = judged.iter().flatten().next()
        {
            let refusal = Refusal { status: 400, context: BTreeMap::new(), ..refusal.clone() };
            return Err(Failure::Refused(Box::new(refusal)));
        }
        let mut answer = Answer::default();
        for (change, refusal) in changes.iter().zip(judged) {
            if let Some(refusal) = refusal {
                answer.errors.push(refusal);
                continue;
            }
            let id = change.id.clone().unwrap_or_else(|| {
                state.next += 1;
                state.next.to_string()
            });
            let properties = change.body["properties"].as_object().unwrap().clone();
            state.history.push((id.clone(), Value::Object(properties.clone())));
            state.objects.entry(id.clone()).or_default().extend(properties);
            let result = json!({"id": id, "objectWriteTraceId": change.trace()});
            answer.results.push(result.as_object().unwrap().clone());
        }
        // HubSpot promises no order.
        answer.results.reverse();
        Ok(if state.answers.is_empty() { answer } else { state.answers.remove(0) })
    }
}

/// By reference, so that a test looks at what the engine has.
impl Api for &Fake {
    fn limit(&self) -> usize {
        self.limit
    }

    async fn probe(&self) -> Result<(), Failure> {
        match self.state().faults.pop() {
            Some((_, failure)) => Err(failure),
            None => Ok(()),
        }
    }

    async fn create(&self, changes: &[&Change]) -> Result<Answer, Failure> {
        self.call(Kind::Create, changes, |state| self.write(state, changes)).await
    }

    async fn update(&self, changes: &[&Change]) -> Result<Answer, Failure> {
        self.call(Kind::Update, changes, |state| self.write(state, changes)).await
    }

    async fn delete(&self, changes: &[&Change]) -> Result<(), Failure> {
        let done = |state: &mut State| {
            for id in changes.iter().filter_map(|change| change.id.clone()) {
                state.objects.remove(&id);
                state.history.push((id, Value::Null));
            }
            Ok(())
        };
        self.call(Kind::Delete, changes, done).await
    }
}
