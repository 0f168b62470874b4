//! A HubSpot of a few lines for the engine's tests: it keeps objects, refuses what a test tells it to, and loses replies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hubspot_catalog::{CustomObject, Resource};
use hubspot_client::{Property, PropertyCreate};
use serde_json::{Value, json};

use crate::answer;
use crate::api::{Answer, Api};
use crate::associations::{self, Found, Input, Label, LinkApi};
use crate::change::{Change, folded};
use crate::config::Config;
use crate::error::{Failure, Refusal};
use crate::identity::Target;
use crate::plan::Kind;
use crate::prepare::Prepared;
use crate::shape::Object;

/// A resource of whose properties nothing is known.
pub(crate) fn prepared(resource: &'static Resource, config: &Config) -> Prepared {
    Prepared::new(config, resource, None).unwrap()
}

/// A property's definition.
pub(crate) fn property(name: &str, unique: bool) -> Property {
    let property =
        json!({"name": name, "type": "string", "fieldType": "text", "groupName": "g", "hasUniqueValue": unique});
    serde_json::from_value(property).unwrap()
}

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
    /// The truth: the properties of objects by id. One account for all types.
    pub objects: BTreeMap<String, Object>,
    /// The definitions; without any, the token may not read them.
    pub definitions: Vec<Property>,
    /// The resource that has only these definitions.
    pub other: Option<(&'static str, Vec<Property>)>,
    pub custom_objects: Vec<CustomObject>,
    /// Pairs of objects that are associated.
    pub associations: Vec<(String, String)>,
    /// The types that objects were associated with, as they stood in paths.
    pub linked_types: BTreeSet<String>,
    /// Look-ups: by what, and how many values.
    pub finds: Vec<(Option<String>, usize)>,
    /// Look-ups are refused with this.
    pub refuses_finds: Option<Refusal>,
    /// The custom objects can't be seen.
    pub refuses_schemas: bool,
    /// How often the custom objects were asked for.
    pub asks: usize,
    /// How often the definitions were read.
    pub reads: usize,
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
        ids: Vec<String>,
        records: usize,
        done: impl FnOnce(&mut State) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let fault = {
            let mut state = self.state();
            assert!(records <= self.limit, "a call of {records} records");
            for id in &ids {
                assert!(state.busy.insert(id.clone()), "{id} is in two calls at once, or twice in one");
            }
            state.calls.push((kind, records));
            state.in_flight += 1;
            state.peak = state.peak.max(state.in_flight);
            if state.faults.is_empty() { None } else { Some(state.faults.remove(0)) }
        };
        // Others get their turn, some more often, so that answers come out of order.
        for _ in 0..=records % 5 {
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

    /// The id of the object that has this value of a property.
    fn by_value(state: &State, property: &str, value: &str) -> Option<String> {
        let has = |object: &Object| {
            object.get(property).and_then(answer::text).is_some_and(|has| folded(&has) == folded(value))
        };
        state.objects.iter().find(|(_, object)| has(object)).map(|(id, _)| id.clone())
    }

    /// The object that a change means, if it is there.
    fn meant(state: &State, change: &Change) -> Option<String> {
        match &change.target {
            Target::New => None,
            Target::Id(id) => state.objects.contains_key(id).then(|| id.clone()),
            Target::Unique { property, value } => Self::by_value(state, property, value),
        }
    }

    fn judge(state: &State, kind: Kind, change: &Change) -> Option<Refusal> {
        let meant = Self::meant(state, change);
        let taken = change.uniques.iter().find_map(|(property, value)| {
            Self::by_value(state, property, value).filter(|id| meant.as_ref() != Some(id))
        });
        let context = [("objectWriteTraceId".to_owned(), vec![change.trace()])].into();
        let (category, message) = if kind == Kind::Update && meant.is_none() {
            ("OBJECT_NOT_FOUND", "no such object".to_owned())
        } else if change.body.contains_key("bad") {
            ("VALIDATION_ERROR", "bad is bad".to_owned())
        } else if let Some(id) = taken {
            ("CONFLICT", format!("it is there already. Existing ID: {id}"))
        } else {
            return None;
        };
        Some(Refusal { category: category.into(), message, context, ..Refusal::default() })
    }

    fn write_all(&self, state: &mut State, kind: Kind, changes: &[&Change]) -> Result<Answer, Failure> {
        let judged: Vec<Option<Refusal>> = changes.iter().map(|change| Self::judge(state, kind, change)).collect();
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
            let id = Self::meant(state, change).unwrap_or_else(|| {
                state.next += 1;
                state.next.to_string()
            });
            state.history.push((id.clone(), Value::Object(change.body.clone())));
            state.objects.entry(id.clone()).or_default().extend(change.body.clone());
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
    type Links = Self;

    fn links(&self) -> &Self {
        self
    }

    fn limit(&self, _resource: &'static Resource, _kind: Kind) -> usize {
        self.limit
    }

    async fn probe(&self, _resource: &'static Resource) -> Result<(), Failure> {
        match self.state().faults.pop() {
            Some((_, failure)) => Err(failure),
            None => Ok(()),
        }
    }

    async fn custom_objects(&self) -> Result<Vec<CustomObject>, Failure> {
        let mut state = self.state();
        state.asks += 1;
        if state.refuses_schemas {
            return Err(Failure::Denied(Box::new(Refusal { status: 403, ..Refusal::default() })));
        }
        Ok(state.custom_objects.clone())
    }

    async fn properties(&self, resource: &'static Resource) -> Result<Vec<Property>, Failure> {
        let mut state = self.state();
        state.reads += 1;
        if let Some((_, definitions)) = state.other.as_ref().filter(|(name, _)| *name == resource.name) {
            return Ok(definitions.clone());
        }
        if state.definitions.is_empty() {
            return Err(Failure::Denied(Box::new(Refusal { status: 403, ..Refusal::default() })));
        }
        Ok(state.definitions.clone())
    }

    async fn make_property(&self, resource: &'static Resource, made: &PropertyCreate) -> Result<(), Failure> {
        if made.name == "refused" {
            let refusal = Refusal { status: 400, message: "no such luck".into(), ..Refusal::default() };
            return Err(Failure::Refused(Box::new(refusal)));
        }
        let (mut state, made) = (self.state(), property(&made.name, made.has_unique_value));
        match state.other.as_mut().filter(|(name, _)| *name == resource.name) {
            Some((_, definitions)) => definitions.push(made),
            None => state.definitions.push(made),
        }
        Ok(())
    }

    async fn find(
        &self,
        _resource: &'static Resource,
        property: Option<&str>,
        values: &[String],
        _properties: Vec<String>,
    ) -> Result<Answer, Failure> {
        let mut state = self.state();
        state.finds.push((property.map(str::to_owned), values.len()));
        if let Some(refusal) = state.refuses_finds.clone() {
            return Err(Failure::Denied(Box::new(refusal)));
        }
        if values.iter().any(|value| value == "bad") {
            let refusal = Refusal { status: 400, message: "one of them is bad".into(), ..Refusal::default() };
            return Err(Failure::Refused(Box::new(refusal)));
        }
        let id = |value: &String| match property {
            Some(property) => Fake::by_value(&state, property, value),
            None => state.objects.contains_key(value).then(|| value.clone()),
        };
        let object = |id: String| {
            let object = json!({"id": id, "properties": state.objects[&id]});
            object.as_object().unwrap().clone()
        };
        Ok(Answer { results: values.iter().filter_map(id).map(object).collect(), ..Answer::default() })
    }

    async fn write(&self, _resource: &'static Resource, kind: Kind, changes: &[&Change]) -> Result<Answer, Failure> {
        let meant = |change: &&Change| match &change.target {
            Target::New => None,
            Target::Id(id) => Some(id.clone()),
            Target::Unique { property, value } => Some(format!("{property}={}", folded(value))),
        };
        let ids = changes.iter().filter_map(meant).collect();
        self.call(kind, ids, changes.len(), |state| self.write_all(state, kind, changes)).await
    }

    async fn remove(&self, _resource: &'static Resource, kind: Kind, ids: &[String]) -> Result<(), Failure> {
        let done = |state: &mut State| {
            for id in ids {
                state.objects.remove(id);
                state.history.push((id.clone(), Value::Null));
            }
            Ok(())
        };
        self.call(kind, ids.to_vec(), ids.len(), done).await
    }
}

impl LinkApi for &Fake {
    async fn labels(&self, _from: &str, to: &str) -> Result<Vec<Label>, Failure> {
        self.state().linked_types.insert(to.to_owned());
        Ok(vec![Label { spec: hubspot_client::AssociationSpec::new("HUBSPOT_DEFINED", 1), label: None }])
    }

    async fn associate(&self, _from: &str, to: &str, inputs: &[Input]) -> Result<associations::Answer, Failure> {
        let mut state = self.state();
        state.linked_types.insert(to.to_owned());
        let mut answer = associations::Answer::default();
        for Input { from, to, .. } in inputs {
            if state.objects.contains_key(from) && state.objects.contains_key(to) {
                state.associations.push((from.clone(), to.clone()));
                answer.pairs.push((from.clone(), to.clone()));
            } else {
                let context = [("toObjectId".to_owned(), vec![to.clone()])].into();
                let category = "OBJECT_NOT_FOUND".to_owned();
                answer.errors.push(Refusal {
                    category,
                    message: "no such object".into(),
                    context,
                    ..Refusal::default()
                });
            }
        }
        Ok(answer)
    }

    async fn find(&self, _object_type: &str, property: &str, values: &[String]) -> Result<Found, Failure> {
        let state = self.state();
        let found = |value: &String| Some((value.clone(), Fake::by_value(&state, property, value)?));
        Ok(Found { objects: values.iter().filter_map(found).collect(), ..Found::default() })
    }
}
