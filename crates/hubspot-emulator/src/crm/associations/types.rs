//! The types of associations: HubSpot's own, and the labels that an account has made.

use serde_json::{Value, json};

/// HubSpot's own types of associations: from, to, the id of the type, that of its inverse, and its label
/// (<https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4#association-type-id-values>). The first of a pair of types is the
/// default.
const BUILT_IN: &[(&str, &str, u32, u32, Option<&str>)] = &[
    ("0-1", "0-2", 279, 280, None),
    ("0-1", "0-2", 1, 2, Some("Primary")),
    ("0-1", "0-3", 4, 3, None),
    ("0-1", "0-5", 15, 16, None),
    ("0-2", "0-3", 342, 341, None),
    ("0-2", "0-3", 6, 5, Some("Primary")),
    ("0-2", "0-5", 340, 339, None),
    ("0-2", "0-5", 25, 26, Some("Primary")),
    ("0-3", "0-5", 27, 28, None),
    ("0-3", "0-8", 19, 20, None),
    ("0-3", "0-14", 63, 64, None),
    ("0-14", "0-8", 67, 68, None),
    ("0-48", "0-1", 194, 193, None),
    ("0-48", "0-2", 182, 181, None),
    ("0-48", "0-3", 206, 205, None),
    ("0-49", "0-1", 198, 197, None),
    ("0-49", "0-2", 186, 185, None),
    ("0-49", "0-3", 210, 209, None),
    ("0-47", "0-1", 200, 199, None),
    ("0-47", "0-2", 188, 187, None),
    ("0-47", "0-3", 212, 211, None),
    ("0-46", "0-1", 202, 201, None),
    ("0-46", "0-2", 190, 189, None),
    ("0-46", "0-3", 214, 213, None),
    ("0-27", "0-1", 204, 203, None),
    ("0-27", "0-2", 192, 191, None),
    ("0-27", "0-3", 216, 215, None),
];

/// What stands for pairs of types that are not in the table.
const OTHER: u32 = 10_001;

/// Who made a type of associations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    HubSpotDefined,
    IntegratorDefined,
    UserDefined,
    Work,
}

impl Category {
    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::HubSpotDefined, Self::IntegratorDefined, Self::UserDefined, Self::Work]
            .into_iter()
            .find(|category| category.as_str() == name)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::HubSpotDefined => "HUBSPOT_DEFINED",
            Self::IntegratorDefined => "INTEGRATOR_DEFINED",
            Self::UserDefined => "USER_DEFINED",
            Self::Work => "WORK",
        }
    }
}

/// The type of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AssociationType {
    pub(crate) category: Category,
    pub(crate) id: u32,
}

impl AssociationType {
    /// The one between two types of objects that has no label.
    pub(crate) fn unlabelled(from: &str, to: &str) -> Self {
        let known = BUILT_IN.iter().find_map(|(a, b, one, other, _)| match (from, to) {
            (x, y) if x == *a && y == *b => Some(*one),
            (x, y) if x == *b && y == *a => Some(*other),
            _ => None,
        });
        Self { category: Category::HubSpotDefined, id: known.unwrap_or(OTHER) }
    }

    /// What it is seen from the other object. (Believed: a label that an account makes has one id in both directions.)
    pub(crate) fn inverse(self) -> Self {
        if self.category != Category::HubSpotDefined {
            return self;
        }
        let pair = BUILT_IN.iter().find_map(|(_, _, one, other, _)| match self.id {
            id if id == *one => Some(*other),
            id if id == *other => Some(*one),
            _ => None,
        });
        Self { id: pair.unwrap_or(self.id), ..self }
    }

    /// The type of object that it leads to, if it is HubSpot's own.
    fn built_in_end(self) -> Option<&'static str> {
        BUILT_IN.iter().find_map(|(from, to, one, other, _)| match self.id {
            id if id == *one => Some(*to),
            id if id == *other => Some(*from),
            _ => None,
        })
    }

    fn built_in_label(self) -> Option<&'static str> {
        BUILT_IN.iter().find(|(_, _, one, other, _)| self.id == *one || self.id == *other)?.4
    }
}

/// The labels that an account has made. Each is for one pair of object types.
#[derive(Debug, Default)]
pub(crate) struct Labels(Vec<Label>);

#[derive(Debug)]
struct Label {
    ends: [String; 2],
    text: String,
}

impl Labels {
    /// The type that has this label between two types of objects: HubSpot's own, or one that is made now if there is none.
    pub(crate) fn named(&mut self, from: &str, to: &str, text: &str) -> AssociationType {
        let built_in = BUILT_IN.iter().find_map(|(a, b, one, other, label)| match (from, to) {
            _ if *label != Some(text) => None,
            (x, y) if x == *a && y == *b => Some(*one),
            (x, y) if x == *b && y == *a => Some(*other),
            _ => None,
        });
        if let Some(id) = built_in {
            return AssociationType { category: Category::HubSpotDefined, id };
        }
        let between = |label: &Label| label.ends == [from, to] || label.ends == [to, from];
        let position = self.0.iter().position(|label| label.text == text && between(label)).unwrap_or_else(|| {
            self.0.push(Label { ends: [from.to_owned(), to.to_owned()], text: text.to_owned() });
            self.0.len() - 1
        });
        AssociationType { category: Category::UserDefined, id: position as u32 + 1 }
    }

    /// The type of object that a type of associations leads to from another.
    pub(crate) fn end(&self, of: AssociationType, from: &str) -> Option<&str> {
        if of.category == Category::HubSpotDefined {
            return of.built_in_end();
        }
        let [one, other] = &self.made(of)?.ends;
        Some(if one == from { other } else { one })
    }

    fn text(&self, of: AssociationType) -> Option<&str> {
        match of.category {
            Category::HubSpotDefined => of.built_in_label(),
            _ => self.made(of).map(|label| label.text.as_str()),
        }
    }

    fn made(&self, of: AssociationType) -> Option<&Label> {
        self.0.get((of.id as usize).checked_sub(1)?)
    }

    /// As the associations of an object show it.
    pub(crate) fn value(&self, of: AssociationType) -> Value {
        json!({"category": of.category.as_str(), "typeId": of.id, "label": self.text(of)})
    }

    /// As what was done shows it.
    pub(crate) fn spec(of: AssociationType) -> Value {
        json!({"associationCategory": of.category.as_str(), "associationTypeId": of.id})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_inverses_and_labels() {
        let unlabelled = AssociationType::unlabelled("0-2", "0-1");
        assert_eq!((unlabelled.id, unlabelled.inverse().id), (280, 279));
        let mut labels = Labels::default();
        let primary = labels.named("0-1", "0-2", "Primary");
        assert_eq!((primary.category, primary.id, primary.inverse().id), (Category::HubSpotDefined, 1, 2));
        let own = labels.named("0-1", "0-2", "Adviser");
        assert_eq!(own, labels.named("0-2", "0-1", "Adviser"));
        assert_ne!(own, labels.named("0-1", "0-3", "Adviser"));
        assert_eq!(labels.value(own), json!({"category": "USER_DEFINED", "typeId": 1, "label": "Adviser"}));
        assert_eq!(labels.value(primary.inverse())["label"], "Primary");
        assert_eq!((labels.end(own, "0-2"), labels.end(primary, "0-1")), (Some("0-1"), Some("0-2")));
    }
}
