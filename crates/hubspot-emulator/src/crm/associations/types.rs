//! The types of associations: HubSpot's own, and the labels that an account has made.

use serde_json::{Value, json};

type Row = (&'static str, &'static str, u32, u32, Option<&'static str>);

/// HubSpot's own types of associations: from, to, the id of the type, that of its inverse, and its label
/// (<https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4#association-type-id-values>). The first of a pair of types is the
/// default.
const BUILT_IN: &[Row] = &[
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
    ("0-48", "0-5", 220, 219, None),
    ("0-49", "0-5", 224, 223, None),
    ("0-47", "0-5", 226, 225, None),
    ("0-46", "0-5", 228, 227, None),
    ("0-27", "0-5", 230, 229, None),
    ("0-1", "0-1", 449, 449, None),
    ("0-2", "0-2", 450, 450, None),
    ("0-3", "0-3", 451, 451, None),
    ("0-5", "0-5", 452, 452, None),
];

/// Where the ids of unlabelled types begin, of pairs of types that are not in the table: an account's custom types, and HubSpot's newer ones.
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
    fn new(category: Category, id: u32) -> Self {
        Self { category, id }
    }
}

/// A row of HubSpot's own types that has this id, and whether it is the id of the other direction.
fn built_in(id: u32) -> Option<(&'static Row, bool)> {
    BUILT_IN.iter().find(|row| row.2 == id || row.3 == id).map(|row| (row, row.2 != id))
}

/// HubSpot's own types between two types of objects, in this direction: the ids, and what they are called.
fn built_in_between(from: &str, to: &str) -> impl Iterator<Item = (u32, Option<&'static str>)> {
    BUILT_IN.iter().filter_map(move |(one, other, there, back, label)| match (from, to) {
        (x, y) if x == *one && y == *other => Some((*there, *label)),
        (x, y) if x == *other && y == *one => Some((*back, *label)),
        _ => None,
    })
}

/// The types of associations that an account has besides HubSpot's own.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    /// Those that people have made.
    made: Vec<Label>,
    /// The pairs of types whose unlabelled type has been asked for.
    pairs: Vec<[String; 2]>,
}

/// A label between two types of objects. It has an id for each direction; where both ends are of one type and read the same, there is one for both.
/// (Believed: the documents show two ids for a label with two texts.)
#[derive(Debug)]
struct Label {
    ends: [String; 2],
    texts: [String; 2],
}

impl Label {
    fn is_symmetric(&self) -> bool {
        self.ends[0] == self.ends[1] && self.texts[0] == self.texts[1]
    }
}

impl Labels {
    /// The type between two types of objects that has no label.
    pub(crate) fn unlabelled(&mut self, from: &str, to: &str) -> AssociationType {
        if let Some((id, _)) = built_in_between(from, to).next() {
            return AssociationType::new(Category::HubSpotDefined, id);
        }
        let same = |ends: &[String; 2]| *ends == [from, to] || *ends == [to, from];
        let position = self.pairs.iter().position(same).unwrap_or_else(|| {
            self.pairs.push([from.to_owned(), to.to_owned()]);
            self.pairs.len() - 1
        });
        let turned = self.pairs[position][0] != from;
        // Believed: with a custom type at one end it is the account's own.
        let custom = from.starts_with("2-") || to.starts_with("2-");
        let category = if custom { Category::UserDefined } else { Category::HubSpotDefined };
        AssociationType::new(category, OTHER + 2 * position as u32 + u32::from(turned))
    }

    /// The type that has this label between two types of objects: HubSpot's own, or one that is made now if there is none.
    pub(crate) fn named(&mut self, from: &str, to: &str, text: &str) -> AssociationType {
        if let Some((id, _)) = built_in_between(from, to).find(|(_, label)| *label == Some(text)) {
            return AssociationType::new(Category::HubSpotDefined, id);
        }
        let known = self.made.iter().enumerate().find_map(|(position, label)| {
            let turned = [false, true].into_iter().find(|turned| {
                let (near, far) = (usize::from(*turned), usize::from(!*turned));
                label.ends[near] == from && label.ends[far] == to && label.texts[near] == text
            })?;
            Some(Self::made_type(position, turned))
        });
        known.unwrap_or_else(|| self.make(from, to, text, text))
    }

    /// Makes a label: what the first object is to the second, and what the second is to the first.
    pub(crate) fn make(&mut self, from: &str, to: &str, text: &str, inverse: &str) -> AssociationType {
        self.made.push(Label { ends: [from.to_owned(), to.to_owned()], texts: [text.to_owned(), inverse.to_owned()] });
        Self::made_type(self.made.len() - 1, false)
    }

    fn made_type(position: usize, turned: bool) -> AssociationType {
        AssociationType::new(Category::UserDefined, 2 * position as u32 + 1 + u32::from(turned))
    }

    /// The label of a type, and whether the type is its other direction.
    fn made(&self, of: AssociationType) -> Option<(&Label, bool)> {
        let number = of.id.checked_sub(1).filter(|_| of.category == Category::UserDefined && of.id < OTHER)?;
        let (label, turned) = (self.made.get(number as usize / 2)?, number % 2 == 1);
        (!turned || !label.is_symmetric()).then_some((label, turned))
    }

    /// The pair of types of an unlabelled type that isn't in the table, likewise.
    fn pair(&self, of: AssociationType) -> Option<(&[String; 2], bool)> {
        let number = of.id.checked_sub(OTHER)?;
        Some((self.pairs.get(number as usize / 2)?, number % 2 == 1))
    }

    /// The same association, seen from the other object.
    pub(crate) fn inverse(&self, of: AssociationType) -> AssociationType {
        let id = if let Some((ends, turned)) = self.pair(of) {
            if ends[0] == ends[1] { of.id } else { flip(of.id, turned) }
        } else if let Some((label, turned)) = self.made(of) {
            if label.is_symmetric() { of.id } else { flip(of.id, turned) }
        } else if let Some((row, turned)) = built_in(of.id).filter(|_| of.category == Category::HubSpotDefined) {
            if turned { row.2 } else { row.3 }
        } else {
            of.id
        };
        AssociationType { id, ..of }
    }

    /// The types of objects that it leads from and to.
    fn ends(&self, of: AssociationType) -> Option<(&str, &str)> {
        let (one, other, turned) = if let Some(([one, other], turned)) = self.pair(of) {
            (one.as_str(), other.as_str(), turned)
        } else if let Some((label, turned)) = self.made(of) {
            (label.ends[0].as_str(), label.ends[1].as_str(), turned)
        } else {
            let (row, turned) = built_in(of.id).filter(|_| of.category == Category::HubSpotDefined)?;
            (row.0, row.1, turned)
        };
        Some(if turned { (other, one) } else { (one, other) })
    }

    /// The type of object that a type of associations leads to from another.
    pub(crate) fn end(&self, of: AssociationType, from: &str) -> Option<&str> {
        self.ends(of).filter(|(start, _)| *start == from).map(|(_, end)| end)
    }

    /// Whether objects of these types can be associated so, in this direction.
    pub(crate) fn fits(&self, of: AssociationType, from: &str, to: &str) -> bool {
        self.ends(of) == Some((from, to))
    }

    /// What people see; nothing for an unlabelled type.
    pub(crate) fn text(&self, of: AssociationType) -> Option<&str> {
        match self.made(of) {
            Some((label, turned)) => Some(label.texts[usize::from(turned)].as_str()),
            None if of.category == Category::HubSpotDefined => built_in(of.id)?.0.4,
            None => None,
        }
    }

    /// All types between two types of objects, in this direction: the unlabelled one, HubSpot's own, those that people have made.
    pub(crate) fn between(&mut self, from: &str, to: &str) -> Vec<AssociationType> {
        let mut all = vec![self.unlabelled(from, to)];
        let own = built_in_between(from, to).map(|(id, _)| AssociationType::new(Category::HubSpotDefined, id));
        let made = (0..self.made.len())
            .flat_map(|position| [false, true].map(|turned| Self::made_type(position, turned)))
            .filter(|kind| self.fits(*kind, from, to));
        for kind in own.chain(made) {
            if !all.contains(&kind) {
                all.push(kind);
            }
        }
        all
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

/// The id of the other direction.
fn flip(id: u32, turned: bool) -> u32 {
    if turned { id - 1 } else { id + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_inverses_and_labels() {
        let mut labels = Labels::default();
        let unlabelled = labels.unlabelled("0-2", "0-1");
        assert_eq!((unlabelled.id, labels.inverse(unlabelled).id), (280, 279));
        let primary = labels.named("0-1", "0-2", "Primary");
        assert_eq!((primary.category, primary.id, labels.inverse(primary).id), (Category::HubSpotDefined, 1, 2));
        let own = labels.named("0-1", "0-2", "Adviser");
        assert_eq!(labels.inverse(own), labels.named("0-2", "0-1", "Adviser"));
        assert_ne!(own, labels.named("0-1", "0-3", "Adviser"));
        assert_eq!(labels.value(own), json!({"category": "USER_DEFINED", "typeId": 1, "label": "Adviser"}));
        assert_eq!(labels.value(labels.inverse(primary))["label"], "Primary");
        assert_eq!((labels.end(labels.inverse(own), "0-2"), labels.end(primary, "0-1")), (Some("0-1"), Some("0-2")));
        assert_eq!((labels.end(own, "0-2"), labels.end(primary, "0-2")), (None, None), "the other direction");
    }

    #[test]
    fn pairs_of_types_that_hubspot_has_no_number_for_get_one_a_direction() {
        let mut labels = Labels::default();
        let there = labels.unlabelled("2-50000001", "0-1");
        assert_eq!((there.category, there), (Category::UserDefined, labels.unlabelled("2-50000001", "0-1")));
        let back = labels.unlabelled("0-1", "2-50000001");
        assert_eq!((labels.inverse(there), labels.inverse(back)), (back, there));
        assert!(labels.fits(back, "0-1", "2-50000001") && !labels.fits(there, "0-1", "2-50000001"));
        let orders = labels.unlabelled("0-123", "0-1");
        assert_eq!(orders.category, Category::HubSpotDefined);
        assert!(orders != there && orders != back);
        let same = labels.unlabelled("2-50000001", "2-50000001");
        assert_eq!(labels.inverse(same), same);
    }

    #[test]
    fn a_label_may_read_differently_from_the_other_end() {
        let mut labels = Labels::default();
        let manager = labels.make("0-1", "0-1", "Manager", "Employee");
        let employee = labels.inverse(manager);
        assert_eq!((labels.text(manager), labels.text(employee)), (Some("Manager"), Some("Employee")));
        assert_eq!(labels.named("0-1", "0-1", "Employee"), employee);
        let friend = labels.named("0-1", "0-1", "Friend");
        assert_eq!(labels.inverse(friend), friend);
        let all = labels.between("0-1", "0-1");
        let texts: Vec<_> = all.iter().map(|kind| labels.text(*kind)).collect();
        assert_eq!(texts, [None, Some("Manager"), Some("Employee"), Some("Friend")]);
    }
}
