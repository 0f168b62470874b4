//! What the objects of a type can hold: the properties API's answer, as far as writing needs it.
//!
//! ```
//! use hubspot_client::Property;
//! use hubspot_destination::definitions::{Definitions, ValueKind};
//!
//! let mut age = Property::default();
//! age.name = "age".to_owned();
//! age.type_ = "number".to_owned();
//! let definitions = Definitions::new(vec![age]);
//! assert_eq!(definitions.get("age").map(|age| &age.kind), Some(&ValueKind::Number));
//! assert_eq!(definitions.near("Age"), Some("age"));
//! ```

use std::collections::HashMap;
use std::fmt;

use hubspot_client::{OneLine, Property, PropertyOption};

use crate::shape::facts::LONGEST_NAME;

/// What the values of a property are, by its definition's `type` and `fieldType`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueKind {
    /// Any text; phone numbers and coordinates, too.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// A day; HubSpot keeps it as its midnight in UTC.
    Date,
    /// An instant, to the millisecond.
    DateTime,
    /// One, or several, of a list of options.
    Enumeration {
        /// What may be chosen. `None` where the definition doesn't list it: owners, say, or other objects of the account's.
        options: Option<Options>,
        /// Several can be chosen. HubSpot keeps them with semicolons between.
        several: bool,
    },
    /// JSON.
    Json,
    /// A type that HubSpot's documents didn't have when this was written: its values go as they are.
    Other,
}

impl ValueKind {
    fn of(property: &Property) -> Self {
        match property.type_.as_str() {
            "string" | "phone_number" | "object_coordinates" => Self::Text,
            "number" => Self::Number,
            "bool" => Self::Bool,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "json" => Self::Json,
            "enumeration" => Self::Enumeration {
                options: Options::of(property),
                // Multiple checkboxes. `text` is that of enumerations that HubSpot fills itself; believed to be lists all.
                several: matches!(property.field_type.as_str(), "checkbox" | "text"),
            },
            _ => Self::Other,
        }
    }
}

/// The values that an enumeration may have, each with its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// In HubSpot's order.
    list: Box<[PropertyOption]>,
    /// Places in the list, in the order of the values.
    by_value: Box<[u32]>,
}

/// So many options are shown in a line; the rest are counted.
const OPTIONS_SHOWN: usize = 10;

impl Options {
    /// `None` where the definition doesn't list what is allowed.
    fn of(property: &Property) -> Option<Self> {
        if property.external_options || property.options.is_empty() {
            return None;
        }
        let list: Box<[PropertyOption]> = property.options.as_slice().into();
        let mut by_value: Box<[u32]> = (0..).take(list.len()).collect();
        by_value.sort_by(|a, b| list[*a as usize].value.cmp(&list[*b as usize].value));
        Some(Self { list, by_value })
    }

    /// Whether this value may be chosen.
    pub fn contains(&self, value: &str) -> bool {
        self.by_value.binary_search_by(|place| self.list[*place as usize].value.as_str().cmp(value)).is_ok()
    }

    /// The values, in HubSpot's order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &str> {
        self.list.iter().map(|option| option.value.as_str())
    }

    /// The value that is probably meant by a text that is none: the one with this label, or the one that differs in case alone.
    pub fn meant_by(&self, text: &str) -> Option<&str> {
        let text = text.trim().to_lowercase();
        let option = self
            .list
            .iter()
            .find(|option| option.label.to_lowercase() == text)
            .or_else(|| self.list.iter().find(|option| option.value.to_lowercase() == text))?;
        Some(&option.value)
    }
}

/// The values, as an error shows them: the first ten, and how many more there are.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, value) in self.values().take(OPTIONS_SHOWN).enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}`{}`", OneLine(value))?;
        }
        match self.list.len().saturating_sub(OPTIONS_SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// A property that the objects of a type can have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Definition {
    /// The internal name, such as `firstname`.
    pub name: Box<str>,
    /// The name that people see, such as `First Name`.
    pub label: Box<str>,
    /// What its values are.
    pub kind: ValueKind,
    /// HubSpot sets it, and nobody can write it.
    pub read_only: bool,
    /// No two objects have the same value, so that an object can be found by it (`idProperty`).
    pub unique: bool,
}

impl Definition {
    fn of(property: Property) -> Self {
        let fixed = property.modification_metadata.is_some_and(|metadata| metadata.read_only_value);
        // Scores and rollups have such a field type, and not always the flag.
        let calculated = property.calculated || property.field_type.starts_with("calculation_");
        Self {
            kind: ValueKind::of(&property),
            read_only: fixed || calculated || property.name == ID,
            unique: is_unique(&property),
            name: property.name.into(),
            label: property.label.into(),
        }
    }
}

/// The property with the object's id. Every object type has it.
const ID: &str = "hs_object_id";

/// Believed: a contact's `email` is an `idProperty` whatever its `hasUniqueValue` says. The group tells it from other types' `email`.
fn is_unique(property: &Property) -> bool {
    property.has_unique_value
        || (property.name == "email" && property.hubspot_defined && property.group_name == "contactinformation")
}

/// The properties of one object type that aren't archived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    /// In the order of their names.
    list: Box<[Definition]>,
    default_group: Option<Box<str>>,
}

impl Definitions {
    /// Of all properties of an object type, as the properties API lists them.
    pub fn new(properties: Vec<Property>) -> Self {
        let default_group = default_group(&properties).map(Into::into);
        let live = properties.into_iter().filter(|property| !property.archived);
        let mut list: Vec<Definition> = live.map(Definition::of).collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        Self { list: list.into(), default_group }
    }

    /// The definition of a property.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        let place = self.list.binary_search_by(|definition| (*definition.name).cmp(name)).ok()?;
        Some(&self.list[place])
    }

    /// All, in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Definition> {
        self.list.iter()
    }

    /// The names of the properties by whose value an object can be found (`idProperty`), in their order.
    pub fn unique(&self) -> impl Iterator<Item = &str> {
        self.iter().filter(|definition| definition.unique).map(|definition| &*definition.name)
    }

    /// The property that is probably meant by a name that there isn't: the one with this name in another case or with other
    /// separators, the one with this label, or the one that is spelt almost so.
    pub fn near(&self, name: &str) -> Option<&str> {
        let length = name.chars().count();
        // No longer labels are looked through, either.
        if length > LONGEST_NAME {
            return None;
        }
        let folded = folded(name);
        let same = |text: &str| !folded.is_empty() && self::folded(text) == folded;
        if let Some(definition) = self.iter().find(|definition| same(&definition.name)) {
            return Some(&definition.name);
        }
        if let Some(definition) = self.iter().find(|definition| same(&definition.label)) {
            return Some(&definition.name);
        }
        let name = name.to_lowercase();
        // A third of the letters: `frstname` is `firstname`, but `city` isn't `zip`.
        let bound = length / 3;
        // Each letter more or less is one apart.
        let close = self.iter().filter(|definition| definition.name.chars().count().abs_diff(length) <= bound);
        let distances = close.map(|definition| (strsim::damerau_levenshtein(&definition.name, &name), definition));
        let (_, nearest) =
            distances.filter(|(distance, _)| *distance <= bound).min_by_key(|(distance, _)| *distance)?;
        Some(&nearest.name)
    }

    /// The group that new properties go into: the one that most of the account's own properties are in, else the type's
    /// `…information`, else the one that most properties are in. `None` where there are no properties.
    pub fn default_group(&self) -> Option<&str> {
        self.default_group.as_deref()
    }
}

/// Letters and digits alone, in lower case.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn default_group(properties: &[Property]) -> Option<&str> {
    let most = |wanted: &dyn Fn(&Property) -> bool| {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for property in properties.iter().filter(|property| !property.group_name.is_empty() && wanted(property)) {
            *counts.entry(&property.group_name).or_default() += 1;
        }
        // Of equal ones the first by name, so that it is always the same.
        counts.into_iter().min_by_key(|(name, count)| (std::cmp::Reverse(*count), *name)).map(|(name, _)| name)
    };
    most(&|property| !property.hubspot_defined)
        .or_else(|| most(&|property| property.group_name.ends_with("information")))
        .or_else(|| most(&|_| true))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Definitions of `(name, type/fieldType)`.
    pub(crate) fn definitions(rows: &[(&str, &str)]) -> Definitions {
        Definitions::new(rows.iter().map(|(name, kind)| property(name, kind, json!({}))).collect())
    }

    /// A definition with what `more` says beside.
    pub(crate) fn property(name: &str, kind: &str, more: Value) -> Property {
        let (type_, field_type) = kind.split_once('/').unwrap_or((kind, "text"));
        let mut property = json!({"name": name, "type": type_, "fieldType": field_type, "groupName": "information"});
        if let (Some(property), Value::Object(more)) = (property.as_object_mut(), more) {
            property.extend(more);
        }
        serde_json::from_value(property).unwrap()
    }

    /// Options whose labels are the values in capitals.
    pub(crate) fn options(values: &[&str]) -> Value {
        values.iter().map(|value| json!({"value": value, "label": value.to_uppercase()})).collect()
    }

    #[test]
    fn kinds_follow_type_and_field_type() {
        let several = |several| ValueKind::Enumeration { options: None, several };
        for (kind, expected) in [
            ("string/textarea", ValueKind::Text),
            ("phone_number/phonenumber", ValueKind::Text),
            ("object_coordinates/text", ValueKind::Text),
            ("number/number", ValueKind::Number),
            ("bool/booleancheckbox", ValueKind::Bool),
            ("date/date", ValueKind::Date),
            ("datetime/date", ValueKind::DateTime),
            ("enumeration/select", several(false)),
            ("enumeration/booleancheckbox", several(false)),
            ("enumeration/checkbox", several(true)),
            ("enumeration/text", several(true)),
            ("json/text", ValueKind::Json),
            ("hologram/cube", ValueKind::Other),
        ] {
            assert_eq!(definitions(&[("x", kind)]).get("x").unwrap().kind, expected, "{kind}");
        }
    }

    #[test]
    fn read_only_is_what_hubspot_sets_by_flag_field_type_or_name() {
        let known = Definitions::new(vec![
            property("a", "string", json!({"modificationMetadata": {"readOnlyValue": true}})),
            property("b", "number", json!({"calculated": true})),
            property("c", "number/calculation_score", json!({})),
            property("hs_object_id", "number", json!({})),
            property("d", "string", json!({"modificationMetadata": {"readOnlyDefinition": true}})),
        ]);
        let read_only: Vec<_> = known.iter().filter(|property| property.read_only).map(|p| &*p.name).collect();
        assert_eq!(read_only, ["a", "b", "c", "hs_object_id"]);
    }

    #[test]
    fn unique_ones_are_listed_and_a_contacts_email_is_one() {
        let known = Definitions::new(vec![
            property("sku", "string", json!({"hasUniqueValue": true})),
            property("email", "string", json!({"hubspotDefined": true, "groupName": "contactinformation"})),
            property("name", "string", json!({})),
        ]);
        assert_eq!(known.unique().collect::<Vec<_>>(), ["email", "sku"]);
        assert_eq!(definitions(&[("email", "string")]).unique().count(), 0, "other types' email is any text");
    }

    #[test]
    fn archived_properties_are_none() {
        let known = Definitions::new(vec![
            property("old", "string", json!({"archived": true})),
            property("new", "string", json!({})),
        ]);
        assert!(known.get("old").is_none() && known.get("new").is_some());
    }

    #[test]
    fn options_that_come_from_elsewhere_are_not_known() {
        let known = Definitions::new(vec![
            property("owner", "enumeration/select", json!({"externalOptions": true, "options": options(&["a"])})),
            property("none", "enumeration/select", json!({})),
            property("stage", "enumeration/select", json!({"options": options(&["b", "a"])})),
        ]);
        let options = |name: &str| match &known.get(name).unwrap().kind {
            ValueKind::Enumeration { options, .. } => options.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!((options("owner"), options("none")), (None, None));
        let stage = options("stage").unwrap();
        assert_eq!(stage.values().collect::<Vec<_>>(), ["b", "a"]);
        assert!(stage.contains("a") && stage.contains("b") && !stage.contains("A") && !stage.contains(""));
        assert_eq!((stage.meant_by("A"), stage.meant_by(" b"), stage.meant_by("c")), (Some("a"), Some("b"), None));
    }

    #[test]
    fn many_options_are_shown_in_part() {
        let values: Vec<String> = (0..12).map(|number| format!("v{number}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let shown = |values: &[&str]| {
            Options::of(&property("x", "enumeration", json!({"options": options(values)}))).unwrap().to_string()
        };
        assert_eq!(shown(&["a", "b"]), "`a`, `b`");
        assert!(shown(&values).ends_with("`v9` and 2 more"), "{}", shown(&values));
        assert!(shown(&values[..10]).ends_with("`v9`"));
    }

    #[test]
    fn a_near_name_differs_in_case_separators_or_a_few_letters_or_is_the_label() {
        let known = Definitions::new(vec![
            property("firstname", "string", json!({"label": "Given name"})),
            property("hs_lead_status", "string", json!({"label": "Lead Status"})),
            property("zip", "string", json!({})),
        ]);
        for (name, near) in [
            ("FirstName", Some("firstname")),
            ("first_name", Some("firstname")),
            ("frstname", Some("firstname")),
            ("given_name", Some("firstname")),
            ("Lead status", Some("hs_lead_status")),
            ("city", None),
            ("", None),
            (
                "firstname-------------------------------------------------------------------------------------------------",
                None,
            ),
        ] {
            assert_eq!(known.near(name), near, "{name}");
        }
    }

    #[test]
    fn new_properties_go_where_the_accounts_own_are() {
        let in_group = |group: &str, hubspots: bool| {
            property("x", "string", json!({"groupName": group, "hubspotDefined": hubspots}))
        };
        let group = |list: Vec<Property>| Definitions::new(list).default_group().map(str::to_owned);
        let [social, information] = [in_group("social", true), in_group("dealinformation", true)];
        assert_eq!(group(vec![]), None);
        assert_eq!(group(vec![social.clone()]).as_deref(), Some("social"));
        assert_eq!(
            group(vec![social.clone(), social.clone(), information.clone()]).as_deref(),
            Some("dealinformation")
        );
        assert_eq!(group(vec![information.clone(), information, in_group("ours", false)]).as_deref(), Some("ours"));
    }
}
