//! The records of a history, each with what it means.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use hubspot_destination::{Associations, Deletes, Mode, ReadOnly, Unknown};
use opencdc::{Change, Data, Metadata, Operation, Position, Record};
use serde_json::{Map, Value, json};

use super::account::Landmarks;
use super::setting::{AUTHORS, CODE, CONTACTS, ID_FIELD, Identity, Place, REDIRECTS, Setting};
use super::values::{self, Fit, KEY, LOCKED};

/// What HubSpot is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    Create,
    Update,
    Upsert,
    Delete,
    /// Nothing: deletes may be ignored.
    Nothing,
}

/// Which object is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// A new one, which may have a value that no other has.
    New(Option<String>),
    /// The one with this id of HubSpot's, or that was made for a record with this key.
    Key(String),
    /// The one with this value of the unique property.
    Value(String),
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It can't be sent at all; the error has to have this in it.
    Own(String),
    /// HubSpot refuses it, because another object has the value.
    Conflict,
    /// It is to be associated with an object that isn't there.
    Link,
}

/// A record, and what it means.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) record: Record,
    /// Nothing where it can't be told.
    pub(super) place: Option<Place>,
    pub(super) verb: Verb,
    pub(super) about: About,
    /// The record's key, where an object that is made for it is known by it later.
    pub(super) key: Option<String>,
    /// The object's own text.
    pub(super) mark: String,
    /// Values as HubSpot keeps them; nothing clears.
    pub(super) sets: BTreeMap<String, Option<String>>,
    /// The ids of companies that it is associated with.
    pub(super) links: BTreeSet<String>,
    pub(super) fault: Option<Fault>,
}

impl Deed {
    /// What may share a write with it.
    pub(super) fn group(&self) -> (Option<&'static str>, String) {
        let of = match &self.about {
            About::New(unique) => self.key.clone().or_else(|| unique.as_ref().map(|unique| unique.to_lowercase())),
            About::Key(key) => Some(key.clone()),
            About::Value(value) => Some(value.to_lowercase()),
        };
        (self.place.map(|place| place.resource), of.unwrap_or_default())
    }
}

/// The field that holds an object's own text.
pub(super) fn mark_field(place: &Place) -> &'static str {
    match *place {
        AUTHORS => "name",
        REDIRECTS => "routePrefix",
        _ => KEY,
    }
}

/// The values that identify objects by value.
pub(super) fn value(setting: &Setting, number: usize) -> String {
    if setting.identity == Identity::Property("email") {
        format!("user{number}@example.com")
    } else {
        format!("v{number}")
    }
}

/// Writes a history.
pub(super) struct Writer<'a> {
    setting: &'a Setting,
    landmarks: &'a Landmarks,
    rng: Rng,
    /// Keys that records have created objects with, by resource.
    made: BTreeMap<&'static str, Vec<String>>,
}

/// A deed that grows.
struct Draft {
    number: usize,
    place: Place,
    operation: Operation,
    verb: Verb,
    about: About,
    key: Option<Value>,
    mark: String,
    /// Properties of a CRM object, fields of any other.
    fields: Map<String, Value>,
    sets: BTreeMap<String, Option<String>>,
    associations: Map<String, Value>,
    links: BTreeSet<String>,
    before: Option<Value>,
    fault: Option<Fault>,
    collection: Option<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(seed: u64, setting: &'a Setting, landmarks: &'a Landmarks) -> Self {
        Self { setting, landmarks, rng: Rng::with_seed(seed ^ 0x0dee_d000), made: BTreeMap::new() }
    }

    pub(super) fn history(mut self) -> Vec<Deed> {
        (0..self.setting.records).map(|number| self.deed(number)).collect()
    }

    fn deed(&mut self, number: usize) -> Deed {
        let place = self.setting.places[self.rng.usize(..self.setting.places.len())];
        let operation = match self.rng.u8(..10) {
            0..3 => Operation::Create,
            3 => Operation::Snapshot,
            4..8 => Operation::Update,
            _ => Operation::Delete,
        };
        let verb = self.verb(operation, &place);
        let mut draft = Draft {
            number,
            place,
            operation,
            verb,
            about: About::New(None),
            key: None,
            mark: String::new(),
            fields: Map::new(),
            sets: BTreeMap::new(),
            associations: Map::new(),
            links: BTreeSet::new(),
            before: None,
            fault: None,
            collection: None,
        };
        if self.setting.routed {
            let name = if place == CONTACTS && self.rng.bool() { "people" } else { place.resource };
            draft.collection = Some(name.to_owned());
        } else if self.rng.bool() {
            draft.collection = Some(place.resource.to_owned());
        }
        if self.setting.by_value(&place) {
            self.identify_by_value(&mut draft);
        } else {
            self.identify_by_key(&mut draft);
        }
        if !matches!(verb, Verb::Delete | Verb::Nothing) {
            self.fill(&mut draft);
        }
        if self.setting.bad > 0 && self.rng.usize(..self.setting.bad) == 0 {
            self.spoil(&mut draft);
        }
        // Keys are the source's ids, and objects of the CMS have no property for them.
        let found = matches!(verb, Verb::Update | Verb::Delete);
        if found && draft.fault.is_none() && !place.is_crm && self.setting.translates() {
            draft.fault = Some(Fault::Own("without `sourceId.property`".to_owned()));
        }
        self.finish(draft)
    }

    #[expect(clippy::match_same_arms, reason = "each is a rule of its own")]
    fn verb(&self, operation: Operation, place: &Place) -> Verb {
        let Setting { mode, deletes, identity, .. } = *self.setting;
        match (mode, operation) {
            (_, Operation::Delete) if deletes == Deletes::Ignore => Verb::Nothing,
            (_, Operation::Delete) => Verb::Delete,
            (Mode::Insert, _) => Verb::Create,
            (Mode::Update, _) => Verb::Update,
            (Mode::Upsert, _) => Verb::Upsert,
            (Mode::Auto, _) if place.is_crm && matches!(identity, Identity::Source { .. }) => Verb::Upsert,
            (Mode::Auto, Operation::Update) => Verb::Update,
            (Mode::Auto, Operation::Snapshot) if self.setting.by_value(place) => Verb::Upsert,
            (Mode::Auto, _) => Verb::Create,
        }
    }

    fn identify_by_value(&mut self, draft: &mut Draft) {
        let value = value(self.setting, self.rng.usize(..self.setting.objects));
        draft.mark.clone_from(&value);
        draft.about = match draft.verb {
            Verb::Create => About::New(Some(value.clone())),
            _ => About::Value(value.clone()),
        };
        let property = match self.setting.identity {
            Identity::Source { property, .. } => {
                draft.key = Some(json!({ "id": value }));
                draft.sets.insert(property.to_owned(), Some(value));
                return;
            }
            Identity::Property(property) => property,
            Identity::Key | Identity::Field => return,
        };
        draft.sets.insert(property.to_owned(), Some(value.clone()));
        // HubSpot stores addresses in lower case.
        let written = if property == "email" && self.rng.u8(..4) == 0 { value.to_uppercase() } else { value };
        let in_payload = draft.verb == Verb::Create || self.rng.u8(..3) > 0;
        if in_payload {
            if draft.verb == Verb::Delete {
                draft.before = Some(json!({"properties": {property: written}}));
            } else {
                draft.fields.insert(property.to_owned(), json!(written));
            }
            draft.key = Some(json!({"id": format!("row-{}", draft.number)}));
        } else {
            draft.key = Some(json!({ property: written }));
        }
    }

    fn identify_by_key(&mut self, draft: &mut Draft) {
        let resource = draft.place.resource;
        if draft.verb == Verb::Create {
            let number = draft.number;
            // Keys that look like an id of HubSpot's are none.
            let key = if self.rng.u8(..3) == 0 { format!("{}", 7_000_000_000 + number) } else { format!("k-{number}") };
            draft.mark.clone_from(&key);
            draft.about = About::New(None);
            draft.key = Some(json!({ "id": key }));
            self.made.entry(resource).or_default().push(key);
        } else {
            let seeded = &self.landmarks.seeded[resource];
            let made = self.made.get(resource).map_or(&[][..], Vec::as_slice);
            let by_field = self.setting.identity == Identity::Field && draft.place.is_crm;
            let key = match self.rng.u8(..8) {
                0 => {
                    let id = format!("99900000{}", self.rng.u8(..8));
                    draft.mark = format!("missing-{id}");
                    id
                }
                1..5 if !(made.is_empty() || by_field && draft.verb == Verb::Update) => {
                    // Of few, so that they meet.
                    let last = made.len().min(self.setting.objects);
                    let key = made[made.len() - 1 - self.rng.usize(..last)].clone();
                    draft.mark.clone_from(&key);
                    key
                }
                _ => {
                    let number = self.rng.usize(..seeded.len());
                    draft.mark = format!("seed-{number}");
                    seeded[number].clone()
                }
            };
            draft.about = About::Key(key.clone());
            draft.key = Some(json!({ "id": key }));
            if by_field && draft.verb == Verb::Update {
                draft.key = Some(json!({"id": format!("row-{}", draft.number)}));
                draft.fields.insert(ID_FIELD.to_owned(), json!(key));
            }
        }
        if draft.place == REDIRECTS {
            draft.mark.insert(0, '/');
            if let About::New(unique) = &mut draft.about {
                *unique = Some(draft.mark.clone());
            }
        }
    }

    /// Good values.
    fn fill(&mut self, draft: &mut Draft) {
        let mark = mark_field(&draft.place);
        draft.fields.insert(mark.to_owned(), json!(draft.mark));
        draft.sets.insert(mark.to_owned(), Some(draft.mark.clone()));
        if !draft.place.is_crm {
            let text = format!("https://example.com/{}", draft.number);
            let field = if draft.place == REDIRECTS {
                "destination"
            } else {
                ["bio", "website", "fullName"][self.rng.usize(..3)]
            };
            draft.fields.insert(field.to_owned(), json!(text));
            draft.sets.insert(field.to_owned(), Some(text));
            if draft.place == REDIRECTS {
                draft.fields.insert("redirectStyle".to_owned(), json!(301));
            }
            return;
        }
        for _ in 0..self.rng.usize(1..4) {
            let Fit { property, sent, kept } = values::fitting(&mut self.rng, draft.number);
            draft.fields.insert(property.to_owned(), sent);
            draft.sets.insert(property.to_owned(), kept);
        }
        if self.setting.read_only == ReadOnly::Drop && self.rng.u8(..8) == 0 {
            draft.fields.insert(LOCKED.to_owned(), json!("closed"));
        }
        let drops = self.setting.unknown == Unknown::Drop;
        if (drops || self.setting.create_properties) && self.rng.u8(..8) == 0 {
            let (name, text) = (format!("shoe_{}", draft.number % 4), format!("shoe {}", draft.number));
            draft.fields.insert(name.clone(), json!(text));
            if self.setting.create_properties {
                draft.sets.insert(name, Some(text));
            }
        }
        if self.setting.links(&draft.place) && self.rng.u8(..6) == 0 {
            let to = self.rng.usize(..self.landmarks.companies.len());
            let id = self.landmarks.companies[to].clone();
            let reference = Landmarks::reference(to);
            let entry = match self.rng.u8(..3) {
                0 => json!({super::setting::REFERENCE: reference}),
                _ if self.setting.translates() => json!({"id": reference, "types": []}),
                1 => json!({ "id": id }),
                _ => json!(id),
            };
            draft.associations.insert("companies".to_owned(), json!([entry]));
            if self.setting.associations == Associations::Write {
                draft.links.insert(id);
            }
        }
    }

    /// Makes a record bad in one of the ways that fit it.
    fn spoil(&mut self, draft: &mut Draft) {
        let Setting { unknown, create_properties, read_only, associations, identity, .. } = *self.setting;
        let writes = !matches!(draft.verb, Verb::Delete | Verb::Nothing);
        let of_crm = writes && draft.place.is_crm;
        let own = |text: &str| Some(Fault::Own(text.to_owned()));
        match self.rng.u8(..9) {
            0..2 if of_crm => {
                let (property, value) = values::unfit(&mut self.rng);
                draft.fields.insert(property.to_owned(), value);
                draft.fault = own(property);
            }
            2 if of_crm && unknown == Unknown::Error && !create_properties => {
                draft.fields.insert("no_such_property".to_owned(), json!("x"));
                draft.fault = own("no_such_property");
            }
            3 if of_crm && read_only == ReadOnly::Error => {
                draft.fields.insert(LOCKED.to_owned(), json!("x"));
                draft.fault = own(LOCKED);
            }
            4 if matches!(draft.verb, Verb::Update | Verb::Delete) && identity == Identity::Key => {
                draft.key = if self.rng.bool() { None } else { Some(json!({"a": "1", "b": "2"})) };
                if matches!(draft.about, About::Key(_)) {
                    draft.fault = own("key");
                }
            }
            5 if draft.verb != Verb::Nothing => {
                // Of no resource, or of another than all go to.
                let name = if self.setting.routed { "nonsense" } else { "crm.notes" };
                draft.collection = Some(name.to_owned());
                draft.fault = own(name);
            }
            6 if of_crm => {
                draft.fields.insert(CODE.to_owned(), json!(Landmarks::CODE));
                draft.fault = Some(Fault::Conflict);
            }
            7 if of_crm && associations == Associations::Write && self.setting.links(&draft.place) => {
                draft.associations.insert("companies".to_owned(), json!([{"id": "9999999"}]));
                draft.links.clear();
                draft.fault = Some(Fault::Link);
            }
            8 if writes => {
                draft.fields.clear();
                draft.associations.clear();
                draft.fault = own("payload");
            }
            _ => {}
        }
    }

    fn finish(&mut self, draft: Draft) -> Deed {
        let Draft {
            number,
            place,
            operation,
            verb,
            about,
            key,
            mark,
            fields,
            sets,
            associations,
            links,
            before,
            fault,
            ..
        } = draft;
        let writes = !matches!(verb, Verb::Delete | Verb::Nothing);
        let after = writes.then(|| {
            if fault == Some(Fault::Own("payload".to_owned())) {
                Data::Raw(b"no object".to_vec())
            } else {
                self.payload(&place, fields, associations)
            }
        });
        let mut metadata = Metadata::new();
        if let Some(collection) = draft.collection {
            metadata.insert(Metadata::COLLECTION, collection);
        }
        let unrouted = matches!(&fault, Some(Fault::Own(text)) if text == "nonsense");
        let known = match &key {
            Some(Value::Object(key)) if !self.setting.by_value(&place) => {
                key.get("id").and_then(Value::as_str).map(str::to_owned)
            }
            _ => None,
        };
        Deed {
            record: Record {
                position: Position::new(number.to_string()),
                operation,
                metadata,
                key: key.map(structured),
                payload: Change { before: before.map(structured), after },
            },
            place: (!unrouted).then_some(place),
            verb,
            about,
            key: known,
            mark,
            sets,
            links,
            fault,
        }
    }

    /// The forms that a payload may have.
    fn payload(&mut self, place: &Place, fields: Map<String, Value>, associations: Map<String, Value>) -> Data {
        let form = self.rng.u8(..4);
        let mut whole = if !place.is_crm || form == 0 {
            fields
        } else {
            Map::from_iter([("properties".to_owned(), fields.into())])
        };
        if !associations.is_empty() {
            whole.insert("associations".to_owned(), associations.into());
        }
        if place.is_crm && form == 1 {
            // As HubSpot itself answers.
            let around = json!({"id": "17", "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "archived": false});
            whole.extend(around.as_object().cloned().unwrap_or_default());
        }
        if self.rng.u8(..4) == 0 { Data::Raw(Value::Object(whole).to_string().into_bytes()) } else { Data::from(whole) }
    }
}

fn structured(value: Value) -> Data {
    Data::try_from(value).expect("a map")
}
