//! What objects are associated with, of one type: gathered page by page, in whatever order the pages come.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hubspot_client::Object;
use serde_json::{Value, json};

use crate::ask::Associated;
use crate::item::{Item, ItemId};

/// An object to ask the associations of, with the cursor of its next page.
pub(super) type Of = (ItemId, Option<String>);

/// The associations of objects with those of one type.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered(HashMap<ItemId, BTreeMap<ItemId, BTreeSet<Kind>>>);

/// In what way two objects are associated; they can be in several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    category: String,
    type_id: Option<u64>,
    label: Option<String>,
}

impl Gathered {
    /// Takes a page of each of the objects that were asked for, and says which of them have more.
    pub(super) fn absorb(&mut self, asked: &[Of], page: Vec<Associated>) -> Vec<Of> {
        let asked: HashMap<&ItemId, &Option<String>> = asked.iter().map(|(of, cursor)| (of, cursor)).collect();
        let mut more = Vec::new();
        for Associated { of, to, next } in page {
            let Some(cursor) = asked.get(&of) else { continue };
            let entries = self.0.entry(of.clone()).or_default();
            for entry in to {
                let entry = Item::new(entry);
                let Some(id) = entry.id_in("toObjectId") else { continue };
                entries.entry(id).or_default().extend(kinds(entry.as_map()));
            }
            // The cursor that was asked with would bring the same page for ever.
            if next.is_some() && next != **cursor {
                more.push((of, next));
            }
        }
        more
    }

    /// An object's associations as its record has them: in the order of the ids, so that equal ones are equal.
    pub(super) fn value(&self, of: &ItemId) -> Value {
        let entries = self.0.get(of).into_iter().flatten();
        entries
            .map(|(id, kinds)| {
                let types: Vec<_> = kinds.iter().map(Kind::value).collect();
                json!({"id": id.to_string(), "types": types})
            })
            .collect()
    }
}

impl Kind {
    fn value(&self) -> Value {
        json!({"category": self.category, "typeId": self.type_id, "label": self.label})
    }
}

fn kinds(entry: &Object) -> impl Iterator<Item = Kind> {
    entry.get("associationTypes").and_then(Value::as_array).into_iter().flatten().map(|entry| {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).map(str::to_owned);
        Kind {
            category: text("category").unwrap_or_default(),
            type_id: entry.get("typeId").and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok())),
            label: text("label"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn associated(of: &str, to: &[(&str, Value)], next: Option<&str>) -> Associated {
        let to = to
            .iter()
            .map(|(id, types)| {
                Object::from_iter([
                    ("toObjectId".to_owned(), json!(id)),
                    ("associationTypes".to_owned(), types.clone()),
                ])
            })
            .collect();
        Associated { of: of.into(), to, next: next.map(str::to_owned) }
    }

    fn label(type_id: u64, label: Option<&str>) -> Value {
        json!({"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": label})
    }

    #[test]
    fn pages_are_one_set_in_the_order_of_ids_whatever_their_order() {
        let first = associated("1", &[("10", json!([label(2, None)])), ("9", json!([label(1, Some("Boss"))]))], None);
        let second = associated("1", &[("100", json!([])), ("10", json!([label(1, None), label(2, None)]))], None);
        let asked = [("1".into(), None)];
        let expected = json!([
            {"id": "9", "types": [label(1, Some("Boss"))]},
            {"id": "10", "types": [label(1, None), label(2, None)]},
            {"id": "100", "types": []},
        ]);
        for pages in [[first.clone(), second.clone()], [second, first]] {
            let mut gathered = Gathered::default();
            for page in pages {
                assert!(gathered.absorb(&asked, vec![page]).is_empty());
            }
            assert_eq!(gathered.value(&"1".into()), expected);
        }
        assert_eq!(Gathered::default().value(&"1".into()), json!([]));
    }

    #[test]
    fn only_those_with_more_are_asked_again_and_none_for_ever() {
        let asked: Vec<Of> = vec![("1".into(), None), ("2".into(), None), ("3".into(), Some("x".into()))];
        let page = vec![
            associated("3", &[], Some("x")),
            associated("2", &[], Some("b")),
            associated("1", &[], None),
            associated("4", &[("5", json!([]))], Some("c")),
        ];
        let mut gathered = Gathered::default();
        assert_eq!(gathered.absorb(&asked, page), [("2".into(), Some("b".to_owned()))]);
        assert_eq!(gathered.value(&"4".into()), json!([]), "it wasn't asked for");
    }

    #[test]
    fn ids_and_types_may_be_texts_or_numbers() {
        let entry =
            json!({"toObjectId": 7, "associationTypes": [{"category": "USER_DEFINED", "typeId": "36", "label": "x"}]});
        let Value::Object(entry) = entry else { unreachable!() };
        let mut gathered = Gathered::default();
        gathered.absorb(&[("1".into(), None)], vec![Associated { of: "1".into(), to: vec![entry], next: None }]);
        assert_eq!(
            gathered.value(&"1".into()),
            json!([{"id": "7", "types": [{"category": "USER_DEFINED", "typeId": 36, "label": "x"}]}])
        );
    }
}
