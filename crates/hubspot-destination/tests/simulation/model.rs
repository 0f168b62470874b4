//! What the account must hold, computed from the answers alone.
//!
//! Of each thing that records are about, the model has the states that it may be in: one, as long as every answer is certain. A record
//! that was written takes each state to the next, one that was refused leaves those in which HubSpot refuses it, and one whose
//! outcome is unknown leaves both. An answer that no state allows is a lie. It knows what HubSpot does with a write, and what the
//! configuration promises; it shares no code with the engine.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hubspot_destination::OnMissing;

use super::account::Landmarks;
use super::answers::Answer;
use super::history::{About, Deed, Fault, Verb, value};
use super::setting::{Place, REDIRECTS, Setting, Trouble};

/// Values that an object has; nothing when there is no object.
pub(super) type State = Option<BTreeMap<String, String>>;

/// One object, while it lives, or several one after the other that share a unique value.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) place: Place,
    /// HubSpot's id, of those that were there at first and are identified by it.
    pub(super) id: Option<String>,
    pub(super) mark: String,
    pub(super) states: Vec<State>,
    /// The companies that it is associated with for sure, and those that it may be with.
    pub(super) linked: BTreeSet<String>,
    pub(super) maybe_linked: BTreeSet<String>,
}

/// What else is in a batch for the same object.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that may be so or not")]
pub(super) struct Company {
    /// One of them is refused by HubSpot.
    pub(super) conflict: bool,
    /// One of them is associated with something.
    pub(super) linked: bool,
    /// A later one takes its place, since it deletes the object.
    pub(super) replaced: bool,
    /// A later one deletes the object, whether they share a write or not: it isn't associated any more.
    pub(super) deleted: bool,
}

pub(super) struct Model<'a> {
    setting: &'a Setting,
    pub(super) things: Vec<Thing>,
    by_id: HashMap<(&'static str, String), usize>,
    by_value: HashMap<(&'static str, String), usize>,
    /// What this destination has created, by the key of the record.
    memory: HashMap<(&'static str, String), Vec<usize>>,
    /// What the batch may have created, without an answer that says so.
    doubtful: HashMap<(&'static str, String), Vec<usize>>,
}

/// Where a state may go with a record.
#[derive(Debug, Default)]
struct Step {
    /// What it becomes when the record is written.
    written: Option<State>,
    /// Whether HubSpot, or the configuration, refuses the record.
    refused: bool,
    /// Whether another object is made instead.
    makes: bool,
}

/// What a record is about.
enum Found {
    One(usize),
    /// It can't be told which.
    Several(Vec<usize>),
    Nothing,
}

impl<'a> Model<'a> {
    pub(super) fn new(setting: &'a Setting, landmarks: &Landmarks) -> Self {
        let mut model = Self {
            setting,
            things: Vec::new(),
            by_id: HashMap::new(),
            by_value: HashMap::new(),
            memory: HashMap::new(),
            doubtful: HashMap::new(),
        };
        for place in &setting.places {
            for (number, id) in landmarks.seeded[place.resource].iter().enumerate() {
                let by_value = setting.by_value(place);
                let mut mark = if by_value { value(setting, number) } else { format!("seed-{number}") };
                if *place == REDIRECTS {
                    mark.insert(0, '/');
                }
                let mut state = BTreeMap::from([(super::history::mark_field(place).to_owned(), mark.clone())]);
                if let Some(unique) = setting.unique(place) {
                    state.insert(unique.to_owned(), mark.clone());
                }
                if *place == REDIRECTS {
                    state.insert("destination".to_owned(), "https://example.com/".to_owned());
                }
                let thing = model.add(*place, &mark, vec![Some(state)]);
                if by_value {
                    model.by_value.insert((place.resource, mark.to_lowercase()), thing);
                } else {
                    model.things[thing].id = Some(id.clone());
                    model.by_id.insert((place.resource, id.clone()), thing);
                }
            }
        }
        model
    }

    fn add(&mut self, place: Place, mark: &str, states: Vec<State>) -> usize {
        self.things.push(Thing {
            place,
            id: None,
            mark: mark.to_owned(),
            states,
            linked: BTreeSet::new(),
            maybe_linked: BTreeSet::new(),
        });
        self.things.len() - 1
    }

    /// The destination is another one: what the last one had made it knows no more.
    pub(super) fn restart(&mut self) {
        self.memory.clear();
    }

    /// Another batch begins: what comes shares no write with what came.
    pub(super) fn begin(&mut self) {
        self.doubtful.clear();
    }

    fn with_value(&mut self, place: Place, value: &str, mark: &str) -> usize {
        let key = (place.resource, value.to_lowercase());
        if let Some(thing) = self.by_value.get(&key) {
            return *thing;
        }
        let thing = self.add(place, mark, vec![None]);
        self.by_value.insert(key, thing);
        thing
    }

    fn find(&mut self, place: Place, deed: &Deed) -> Found {
        let key = match &deed.about {
            About::New(Some(value)) | About::Value(value) => {
                return Found::One(self.with_value(place, value, &deed.mark));
            }
            About::New(None) => return Found::One(self.add(place, &deed.mark, vec![None])),
            About::Key(key) => (place.resource, key.clone()),
        };
        let made = self.memory.get(&key).map_or(&[][..], Vec::as_slice);
        let lives = |thing: &usize| self.things[*thing].states.iter().any(Option::is_some);
        let certain = |thing: &usize| self.things[*thing].states.iter().all(Option::is_some);
        let doubtful = self.doubtful.get(&key).map_or(&[][..], Vec::as_slice);
        match (self.by_id.get(&key), made) {
            (Some(thing), _) if !doubtful.is_empty() && !certain(thing) => {
                Found::Several(made.iter().chain([thing]).chain(doubtful).copied().collect())
            }
            (_, made) if !doubtful.is_empty() && !made.is_empty() => {
                Found::Several(made.iter().chain(doubtful).copied().collect())
            }
            (Some(thing), []) => Found::One(*thing),
            (Some(thing), _) if certain(thing) => Found::One(*thing),
            (Some(thing), made) if lives(thing) => Found::Several(made.iter().chain([thing]).copied().collect()),
            (_, [made]) => Found::One(*made),
            (_, []) => match doubtful {
                [] => Found::Nothing,
                [doubtful] => Found::One(*doubtful),
                doubtful => Found::Several(doubtful.to_vec()),
            },
            (_, made) => Found::Several(made.to_vec()),
        }
    }

    /// Takes an answer in.
    pub(super) fn take(&mut self, deed: &Deed, answer: Answer, company: Company) -> Result<(), String> {
        let calm = self.setting.trouble == Trouble::Nothing;
        if calm && matches!(answer, Answer::Unanswered | Answer::Unknown) {
            return Err(format!("{answer:?}, though all requests are answered"));
        }
        if let Some(Fault::Own(what)) = &deed.fault {
            return match answer {
                Answer::Refused | Answer::Unanswered | Answer::None => Ok(()),
                _ => Err(format!("{answer:?}, though it can't even be sent: {what}")),
            };
        }
        let Some(place) = deed.place else { return Err("a deed without a place has its own fault".to_owned()) };
        if deed.verb == Verb::Nothing {
            let fits = matches!(answer, Answer::Written | Answer::None | Answer::Unanswered);
            return if fits { Ok(()) } else { Err(format!("{answer:?}, though deletes are ignored")) };
        }
        match self.find(place, deed) {
            Found::One(thing) => self.step(thing, deed, answer, company),
            Found::Nothing => {
                // There is nothing, and there never was.
                let nothing = self.add(place, &deed.mark, vec![None]);
                self.step(nothing, deed, answer, company)
            }
            Found::Several(things) => {
                for thing in things {
                    let steps = self.steps(thing, deed);
                    let written = steps.iter().filter_map(|step| step.written.clone());
                    let all = self.things[thing].states.iter().cloned().chain(written).collect();
                    self.things[thing].states = distinct(all);
                    self.unsettle_links(thing, deed);
                }
                if self.makes_when_missing(deed) {
                    let made = self.make(place, deed, false);
                    self.unsettle_links(made, deed);
                    self.remember_also(place, deed, made);
                }
                Ok(())
            }
        }
    }

    fn makes_when_missing(&self, deed: &Deed) -> bool {
        deed.verb == Verb::Update && self.setting.on_missing == OnMissing::Create && matches!(deed.about, About::Key(_))
    }

    fn make(&mut self, place: Place, deed: &Deed, certainly: bool) -> usize {
        let new = Some(changed(&BTreeMap::new(), deed));
        self.add(place, &deed.mark, if certainly { vec![new] } else { vec![None, new] })
    }

    fn remember_also(&mut self, place: Place, deed: &Deed, thing: usize) {
        if let About::Key(key) = &deed.about {
            self.memory.entry((place.resource, key.clone())).or_default().push(thing);
        }
    }

    fn steps(&self, thing: usize, deed: &Deed) -> Vec<Step> {
        self.things[thing].states.iter().map(|state| self.next(state, deed)).collect()
    }

    /// What a record does to an object in a state.
    fn next(&self, state: &State, deed: &Deed) -> Step {
        let on_missing = self.setting.on_missing;
        let step = match (deed.verb, state) {
            (Verb::Create, None) | (Verb::Upsert, _) | (Verb::Update, Some(_)) => {
                let nothing = BTreeMap::new();
                let new = changed(state.as_ref().unwrap_or(&nothing), deed);
                Step { written: Some(Some(new)), ..Step::default() }
            }
            // Once a reply is lost, an object that has all that was to be created counts as created.
            (Verb::Create, Some(values)) => {
                let set =
                    |(name, value): (&String, &Option<String>)| value.is_none() || values.get(name) == value.as_ref();
                let same = self.setting.trouble != Trouble::Nothing && deed.sets.iter().all(set);
                Step { written: same.then(|| state.clone()), refused: true, makes: false }
            }
            (Verb::Update, None) => match on_missing {
                OnMissing::Error => Step { refused: true, ..Step::default() },
                // Whatever is wrong with it, HubSpot may look for the object first.
                OnMissing::Ignore => {
                    return Step { written: Some(None), refused: deed.fault.is_some(), makes: false };
                }
                OnMissing::Create if matches!(deed.about, About::Key(_)) => {
                    Step { written: Some(None), refused: false, makes: true }
                }
                OnMissing::Create => Step { written: Some(Some(changed(&BTreeMap::new(), deed))), ..Step::default() },
            },
            (Verb::Delete, Some(_)) => Step { written: Some(None), ..Step::default() },
            // HubSpot says nothing of what wasn't there, so that it is only known where it was looked up.
            (Verb::Delete, None) => Step { written: Some(None), refused: on_missing == OnMissing::Error, makes: false },
            (Verb::Nothing, state) => Step { written: Some(state.clone()), ..Step::default() },
        };
        match deed.fault {
            Some(Fault::Conflict) => Step { refused: true, ..Step::default() },
            Some(Fault::Link) => Step { refused: true, ..step },
            _ => step,
        }
    }

    fn step(&mut self, thing: usize, deed: &Deed, answer: Answer, company: Company) -> Result<(), String> {
        let place = self.things[thing].place;
        let before = self.things[thing].states.clone();
        let steps = self.steps(thing, deed);
        let written: Vec<State> = steps.iter().filter_map(|step| step.written.clone()).collect();
        let was_missing = before.iter().all(Option::is_none);
        let makes = steps.iter().any(|step| step.makes);
        let keep = |more: Vec<State>| distinct(before.iter().cloned().chain(more).collect());
        match answer {
            Answer::Written | Answer::Unlinked => {
                let has_link = deed.fault == Some(Fault::Link) || !deed.links.is_empty() || company.linked;
                if answer == Answer::Unlinked && !has_link {
                    return Err("not associated, though it says nothing of associations".to_owned());
                }
                let bad_link = deed.fault == Some(Fault::Link) || company.conflict;
                if answer == Answer::Unlinked && self.setting.trouble == Trouble::Nothing && !bad_link {
                    return Err("not associated, though what it names is there".to_owned());
                }
                let may_be = deed.verb == Verb::Update && self.setting.on_missing == OnMissing::Ignore;
                if answer == Answer::Written
                    && deed.fault == Some(Fault::Link)
                    && !company.deleted
                    && (!may_be || before.iter().all(Option::is_some))
                {
                    return Err("written, though it is associated with nothing".to_owned());
                }
                if written.is_empty() {
                    if company.replaced {
                        return Ok(());
                    }
                    return Err(format!("written, though HubSpot refuses it; it was {}", told(&before)));
                }
                let made = if makes { Some(self.make(place, deed, was_missing)) } else { None };
                self.things[thing].states = distinct(written);
                let target = made.unwrap_or(thing);
                match (made, &deed.about, &deed.key) {
                    (Some(made), About::Key(key), _) => {
                        let known = self.memory.entry((place.resource, key.clone())).or_default();
                        if was_missing {
                            known.clear();
                        }
                        known.push(made);
                    }
                    (None, About::New(_), Some(key)) if !self.setting.by_value(&place) => {
                        self.memory.insert((place.resource, key.clone()), vec![thing]);
                    }
                    _ => {}
                }
                self.link(target, deed, answer == Answer::Written);
            }
            Answer::Refused => {
                let left: Vec<State> = before
                    .iter()
                    .zip(&steps)
                    .filter(|(_, step)| step.refused)
                    .map(|(state, _)| state.clone())
                    .collect();
                if left.is_empty() && !company.conflict {
                    return Err(format!("refused, though nothing is wrong with it; it was {}", told(&before)));
                }
                if !left.is_empty() && !company.conflict {
                    self.things[thing].states = distinct(left);
                }
            }
            Answer::Unanswered => {}
            Answer::Unknown | Answer::None => {
                self.things[thing].states = keep(written);
                // Later records of the batch may have found it: where nothing more was heard, or where they share its write.
                if let (About::New(_), Some(key)) = (&deed.about, &deed.key)
                    && (self.setting.coalesce || answer == Answer::None)
                {
                    self.doubtful.entry((place.resource, key.clone())).or_default().push(thing);
                }
                if makes {
                    let made = self.make(place, deed, false);
                    self.unsettle_links(made, deed);
                    if let (About::Key(key), true) = (&deed.about, self.setting.coalesce || answer == Answer::None) {
                        self.doubtful.entry((place.resource, key.clone())).or_default().push(made);
                    }
                }
                self.unsettle_links(thing, deed);
            }
        }
        Ok(())
    }

    fn link(&mut self, thing: usize, deed: &Deed, associated: bool) {
        let thing = &mut self.things[thing];
        if deed.verb == Verb::Delete {
            thing.linked.clear();
            thing.maybe_linked.clear();
        } else if associated && thing.states.iter().all(Option::is_some) {
            thing.linked.extend(deed.links.iter().cloned());
        } else {
            thing.maybe_linked.extend(deed.links.iter().cloned());
        }
    }

    fn unsettle_links(&mut self, thing: usize, deed: &Deed) {
        let thing = &mut self.things[thing];
        thing.maybe_linked.extend(deed.links.iter().cloned());
        if deed.verb == Verb::Delete {
            let linked = std::mem::take(&mut thing.linked);
            thing.maybe_linked.extend(linked);
        }
    }
}

/// The values after a write.
fn changed(values: &BTreeMap<String, String>, deed: &Deed) -> BTreeMap<String, String> {
    let mut values = values.clone();
    for (name, value) in &deed.sets {
        match value {
            Some(value) => values.insert(name.clone(), value.clone()),
            None => values.remove(name),
        };
    }
    values
}

fn distinct(states: Vec<State>) -> Vec<State> {
    let distinct: BTreeSet<State> = states.into_iter().collect();
    distinct.into_iter().collect()
}

/// States for an error message.
pub(super) fn told(states: &[State]) -> String {
    let told: Vec<String> = states
        .iter()
        .map(|state| state.as_ref().map_or_else(|| "absent".to_owned(), |values| format!("{values:?}")))
        .collect();
    told.join(" or ")
}
