//! Which properties the objects of a type can have, and what their values are.

use hubspot_client::Property;

/// What the values of a property are.
///
/// HubSpot sends every value as text; this is what the text stands for, by the definition's `type` and `fieldType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValueKind {
    /// Any text. Phone numbers, coordinates, and types that HubSpot may add later are text, too.
    Text,
    /// A number: whole where it has no fraction.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A day, such as `2026-01-31`.
    Date,
    /// An instant, to the millisecond.
    DateTime,
    /// Of a list of options.
    Enumeration {
        /// Several options can be chosen: HubSpot sends them with semicolons between.
        several: bool,
    },
    /// JSON.
    Json,
}

impl ValueKind {
    /// Of a definition. The field types that go with each type are in HubSpot's guide to properties.
    fn of(type_: &str, field_type: &str) -> Self {
        match type_ {
            "number" => Self::Number,
            "bool" => Self::Boolean,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            // Multiple checkboxes. `text` is that of enumerations that HubSpot fills itself, such as the ids that were
            // merged into a contact; believed to be lists all.
            "enumeration" => Self::Enumeration { several: matches!(field_type, "checkbox" | "text") },
            "json" => Self::Json,
            _ => Self::Text,
        }
    }
}

/// A property that the objects of a type can have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PropertyDefinition {
    /// The internal name, such as `hs_lastmodifieddate`.
    pub name: Box<str>,
    /// What its values are.
    pub kind: ValueKind,
    /// HubSpot calculates the value; its changes don't move an object's changed-time.
    pub calculated: bool,
}

impl PropertyDefinition {
    fn of(property: Property) -> Self {
        Self {
            kind: ValueKind::of(&property.type_, &property.field_type),
            // Scores and rollups have such a field type, and not always the flag.
            calculated: property.calculated || property.field_type.starts_with("calculation_"),
            name: property.name.into_boxed_str(),
        }
    }
}

/// All properties of an object type that aren't archived, in HubSpot's order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definitions {
    list: Vec<PropertyDefinition>,
    /// Places in the list, in the order of the names.
    by_name: Vec<u32>,
}

impl From<Vec<Property>> for Definitions {
    fn from(properties: Vec<Property>) -> Self {
        properties.into_iter().filter(|property| !property.archived).map(PropertyDefinition::of).collect()
    }
}

impl FromIterator<PropertyDefinition> for Definitions {
    fn from_iter<I: IntoIterator<Item = PropertyDefinition>>(definitions: I) -> Self {
        let mut list: Vec<_> = definitions.into_iter().collect();
        list.shrink_to_fit();
        let mut by_name: Vec<u32> = (0..).take(list.len()).collect();
        by_name.sort_by(|a, b| list[*a as usize].name.cmp(&list[*b as usize].name));
        Self { list, by_name }
    }
}

impl Definitions {
    /// All, in HubSpot's order.
    pub(crate) fn definitions(&self) -> impl ExactSizeIterator<Item = &PropertyDefinition> {
        self.list.iter()
    }

    /// The definition of a property.
    pub(crate) fn get(&self, name: &str) -> Option<&PropertyDefinition> {
        let place = self.by_name.binary_search_by(|place| (*self.list[*place as usize].name).cmp(name)).ok()?;
        Some(&self.list[self.by_name[place] as usize])
    }

    /// Whether there is such a property.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether properties came, went, or changed their kind since. Their order doesn't matter.
    pub(crate) fn changed_from(&self, old: &Self) -> bool {
        !self.sorted().eq(old.sorted())
    }

    fn sorted(&self) -> impl Iterator<Item = &PropertyDefinition> {
        self.by_name.iter().map(|place| &self.list[*place as usize])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// Definitions of `(name, type/fieldType)`.
    pub(in super::super) fn definitions(rows: &[(&str, &str)]) -> Definitions {
        rows.iter().map(|(name, kind)| property(name, kind)).collect::<Vec<_>>().into()
    }

    fn property(name: &str, kind: &str) -> Property {
        let (type_, field_type) = kind.split_once('/').unwrap_or((kind, "text"));
        serde_json::from_value(json!({"name": name, "type": type_, "fieldType": field_type})).unwrap()
    }

    fn calculated(mut property: Property) -> Property {
        property.calculated = true;
        property
    }

    #[test]
    fn kinds_follow_type_and_field_type() {
        for (kind, expected) in [
            ("string/textarea", ValueKind::Text),
            ("phone_number/phonenumber", ValueKind::Text),
            ("object_coordinates/text", ValueKind::Text),
            ("hologram/cube", ValueKind::Text),
            ("number/number", ValueKind::Number),
            ("number/calculation_equation", ValueKind::Number),
            ("bool/booleancheckbox", ValueKind::Boolean),
            ("date/date", ValueKind::Date),
            ("datetime/date", ValueKind::DateTime),
            ("enumeration/select", ValueKind::Enumeration { several: false }),
            ("enumeration/radio", ValueKind::Enumeration { several: false }),
            ("enumeration/booleancheckbox", ValueKind::Enumeration { several: false }),
            ("enumeration/checkbox", ValueKind::Enumeration { several: true }),
            ("enumeration/text", ValueKind::Enumeration { several: true }),
            ("json/text", ValueKind::Json),
        ] {
            assert_eq!(definitions(&[("x", kind)]).get("x").unwrap().kind, expected, "{kind}");
        }
    }

    #[test]
    fn names_are_found_and_keep_hubspots_order() {
        let known = definitions(&[("c", "string"), ("a", "number"), ("b", "bool"), ("aa", "date")]);
        assert_eq!(known.definitions().map(|property| &*property.name).collect::<Vec<_>>(), ["c", "a", "b", "aa"]);
        for name in ["a", "aa", "b", "c"] {
            assert_eq!(&*known.get(name).unwrap().name, name);
        }
        for name in ["", "A", "ab", "d"] {
            assert!(!known.is_known(name), "{name}");
        }
        assert!(!Definitions::default().is_known("a"));
    }

    #[test]
    fn archived_properties_are_none() {
        let mut archived = property("old", "string");
        archived.archived = true;
        let known = Definitions::from(vec![archived, property("new", "string")]);
        assert!(!known.is_known("old") && known.is_known("new"));
    }

    #[test]
    fn calculated_ones_have_the_flag_or_a_field_type_that_says_so() {
        let flagged = calculated(property("num_deals", "number/number"));
        let list = vec![property("email", "string"), flagged, property("score", "number/calculation_score")];
        let definitions = Definitions::from(list);
        let calculated = definitions.definitions().filter(|property| property.calculated);
        assert_eq!(calculated.map(|property| &*property.name).collect::<Vec<_>>(), ["num_deals", "score"]);
    }

    #[test]
    fn a_change_is_a_property_more_less_or_of_another_kind() {
        let old = definitions(&[("a", "string"), ("b", "number")]);
        for (new, changed) in [
            (definitions(&[("b", "number"), ("a", "string")]), false),
            (definitions(&[("a", "string")]), true),
            (definitions(&[("a", "string"), ("b", "number"), ("c", "bool")]), true),
            (definitions(&[("a", "string"), ("b", "bool")]), true),
            (definitions(&[("a", "string"), ("c", "number")]), true),
            (Definitions::from(vec![calculated(property("a", "string")), property("b", "number")]), true),
        ] {
            assert_eq!(new.changed_from(&old), changed, "{new:?}");
        }
    }
}
