//! Properties of CRM objects: HubSpot's own form taken apart, and each property sorted by its definition.

use hubspot_catalog::Crm;
use hubspot_client::OneLine;
use serde_json::Value;
use serde_json::map::Entry;

use super::dropped::{Dropped, Why};
use super::error::{Allowed, PayloadError, PropertyError};
use super::facts::ENVELOPE;
use super::missing::{Guess, Missing, hubspots_name};
use super::options::scalar;
use super::values::{self, Unfit};
use super::{Object, Shaped, Shaper};
use crate::config::{ReadOnly, Unknown};
use crate::definitions::{Definition, Definitions};
use crate::plan::Kind;

/// The field that tells HubSpot's own form from a bare map.
pub(super) const PROPERTIES: &str = "properties";
pub(super) const ASSOCIATIONS: &str = "associations";
const ID_PROPERTY: &str = "idProperty";

/// The properties, and what was around them.
pub(super) fn shape(shaper: &Shaper<'_>, crm: &Crm, verb: Kind, mut fields: Object) -> Result<Shaped, PayloadError> {
    let mut out = Shaped::default();
    let mut is_hubspots = false;
    let properties = match fields.remove(PROPERTIES) {
        Some(Value::Object(properties)) => {
            is_hubspots = fields.contains_key("createdAt") || fields.contains_key("updatedAt");
            take_envelope(shaper, verb, fields, &mut out)?;
            properties
        }
        Some(_) => return Err(PayloadError::PropertiesAreNoMap),
        None => {
            if are_associations(shaper.definitions, &fields) {
                out.associations = fields.remove(ASSOCIATIONS).filter(|associations| !is_nothing(associations));
            }
            fields
        }
    };
    let own = if is_hubspots { ["hs_object_id", crm.created_property, crm.updated_property] } else { [""; 3] };
    let mut sorter = Sorter { shaper, own, creates: verb == Kind::Create, out, faults: Vec::new() };
    for (name, value) in properties {
        sorter.take(name, value);
    }
    if sorter.faults.is_empty() { Ok(sorter.out) } else { Err(PayloadError::Properties(sorter.faults)) }
}

/// What is around the properties. What HubSpot puts there stays behind; anything else is an error that names it.
fn take_envelope(shaper: &Shaper<'_>, verb: Kind, mut fields: Object, out: &mut Shaped) -> Result<(), PayloadError> {
    out.id = shaper.id_field.and_then(|field| fields.remove(field)).filter(|id| !id.is_null());
    out.associations = fields.remove(ASSOCIATIONS).filter(|associations| !is_nothing(associations));
    if verb != Kind::Create
        && let Some(Value::String(name)) = fields.get_mut(ID_PROPERTY)
    {
        out.id_property = Some(std::mem::take(name));
        fields.remove(ID_PROPERTY);
    }
    let unknown: Vec<String> = fields
        .keys()
        .filter(|name| !ENVELOPE.contains(&name.as_str()))
        .map(|name| format!("`{}`", OneLine(name)))
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(PayloadError::UnknownFields(unknown)) }
}

/// Whether `associations` in a bare map are associations: no property has a list or a map, and one may have the name.
fn are_associations(definitions: Option<&Definitions>, fields: &Object) -> bool {
    matches!(fields.get(ASSOCIATIONS), Some(Value::Array(_) | Value::Object(_))) && may_be_associations(definitions)
}

/// Whether a list or a map of that name in a bare map is associations: not where it is a property's.
pub(super) fn may_be_associations(definitions: Option<&Definitions>) -> bool {
    definitions.is_none_or(|definitions| definitions.get(ASSOCIATIONS).is_none())
}

/// Null, or a list or map without entries.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// What a name in the payload is.
pub(super) enum Named<'a> {
    /// A property that the object type has.
    Defined(&'a Definition),
    /// One that can be made, under this name.
    Creatable(String),
    /// None.
    Unknown,
}

/// With `create_properties`, names are found in the form that HubSpot gives them, too: the property that was made out of one is that
/// of the next record.
pub(super) fn named<'a>(definitions: &'a Definitions, create_properties: bool, name: &str) -> Named<'a> {
    if let Some(definition) = definitions.get(name) {
        return Named::Defined(definition);
    }
    match hubspots_name(name).filter(|_| create_properties) {
        None => Named::Unknown,
        Some(made) => match definitions.get(&made) {
            Some(definition) => Named::Defined(definition),
            None => Named::Creatable(made.into_owned()),
        },
    }
}

/// Sorts the properties of one payload.
struct Sorter<'a> {
    shaper: &'a Shaper<'a>,
    /// The properties that an object of HubSpot's says of itself. Where nobody can write them they stay behind without a word.
    own: [&'a str; 3],
    creates: bool,
    out: Shaped,
    faults: Vec<PropertyError>,
}

impl Sorter<'_> {
    fn take(&mut self, name: String, value: Value) {
        let definition = self.shaper.definitions.and_then(|definitions| definitions.get(&name));
        let is_writable = definition.is_some_and(|definition| !definition.read_only);
        if self.shaper.id_field == Some(name.as_str()) {
            if !value.is_null() && self.out.id.is_none() {
                self.out.id = Some(value.clone());
            }
            if !is_writable {
                return;
            }
        }
        if self.own.contains(&name.as_str()) && !is_writable {
            self.out.left_out = true;
            return;
        }
        let Some(definitions) = self.shaper.definitions else { return self.send(name, value) };
        match named(definitions, self.shaper.create_properties, &name) {
            Named::Defined(definition) => self.take_defined(definition, name, value),
            Named::Creatable(made) => self.take_creatable(name, made, &value),
            Named::Unknown => self.take_unknown(definitions, name, &value),
        }
    }

    fn take_defined(&mut self, definition: &Definition, name: String, value: Value) {
        let name = if *definition.name == *name { name } else { definition.name.to_string() };
        if definition.read_only {
            match self.shaper.read_only {
                ReadOnly::Drop => self.drop(name, Why::ReadOnly, &value),
                ReadOnly::Error => self.faults.push(PropertyError::ReadOnly { name }),
            }
            return;
        }
        match values::convert(&definition.kind, value) {
            Ok(value) => self.send(name, value),
            Err(Unfit { value, allowed }) => self.faults.push(PropertyError::value(&name, &value, allowed)),
        }
    }

    /// It isn't there yet; whatever type it gets, its value is this one's text.
    fn take_creatable(&mut self, label: String, made: String, value: &Value) {
        if value.is_null() {
            return;
        }
        let (Some(guess), Some(text)) = (Guess::of(value), scalar(value)) else {
            return self.faults.push(PropertyError::value(&label, value, Allowed::Text));
        };
        self.out.missing.push(Missing { name: made.clone(), label, guess });
        self.send(made, text.into());
    }

    fn take_unknown(&mut self, definitions: &Definitions, name: String, value: &Value) {
        match self.shaper.unknown {
            Unknown::Drop => self.drop(name, Why::Unknown, value),
            Unknown::Error => {
                let near = definitions.near(&name).map(str::to_owned);
                self.faults.push(PropertyError::Unknown { name, near });
            }
        }
    }

    /// Null is no loss, and isn't noted.
    fn drop(&mut self, name: String, why: Why, value: &Value) {
        self.out.left_out = true;
        if !value.is_null() {
            self.out.dropped.push(Dropped { name, why });
        }
    }

    /// Null clears, which is `""` to HubSpot; a new object has nothing to clear.
    fn send(&mut self, name: String, value: Value) {
        let value = match value {
            Value::Null if self.creates => return,
            Value::Null => String::new().into(),
            value => value,
        };
        match self.out.body.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(value);
            }
            Entry::Occupied(entry) => self.faults.push(PropertyError::Twice { name: entry.key().clone() }),
        }
    }
}
