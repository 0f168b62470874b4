//! Several changes of one object in a batch, as one. Pure.

use std::collections::HashMap;

use serde_json::Value;

use crate::associations::Link;
use crate::change::{Change, unique};
use crate::identity::Target;
use crate::plan::{Key, Kind};

/// Merges changes into the first one of their object: of a property that stands in several, the last value counts; a delete behind
/// writes is the delete alone. A new object that is deleted in the same batch needs no call at all: those records are `settled`. If its key is `known`, because an object was made for it
/// before, that one is deleted.
///
/// What stands between two changes of one object may be about a value that both touch. Then they stay apart.
pub(crate) fn coalesce(changes: Vec<Change>, mut known: impl FnMut(&'static str, &str) -> bool) -> Merged {
    let mut merged: Vec<Option<Change>> = Vec::with_capacity(changes.len());
    // By what identifies them: the place of the change that others may be merged into.
    let mut open: HashMap<(&'static str, Key), usize> = HashMap::new();
    // The last change that touched anything that identifies an object.
    let mut touched: HashMap<(&'static str, Key), usize> = HashMap::new();
    let mut settled = Vec::new();
    for change in changes {
        let name = change.resource.name;
        let keys = change.item(0, None).keys;
        let Some(identity) = identity(&change) else {
            for key in keys {
                touched.insert((name, key), merged.len());
            }
            merged.push(Some(change));
            continue;
        };
        let into = open.get(&(name, identity.clone())).copied().filter(|place| {
            let own = |key: &Key| touched.get(&(name, key.clone())).is_none_or(|toucher| toucher == place);
            keys.iter().all(own) && merged[*place].as_ref().is_some_and(|earlier| can_take(earlier, &change))
        });
        let place = into.unwrap_or(merged.len());
        for key in keys {
            touched.insert((name, key), place);
        }
        let Some(place) = into else {
            open.insert((name, identity), merged.len());
            merged.push(Some(change));
            continue;
        };
        let Some(earlier) = &mut merged[place] else { continue };
        let is_new = earlier.kind == Kind::Create && earlier.target == Target::New;
        if is_new && change.kind.is_delete() && !earlier.key.as_deref().is_some_and(|key| known(name, key)) {
            settled.push(earlier.record);
            settled.append(&mut earlier.also);
            settled.push(change.record);
            merged[place] = None;
            open.remove(&(name, identity));
            continue;
        }
        take(earlier, change);
    }
    Merged { changes: merged.into_iter().flatten().collect(), settled }
}

/// What came of merging.
pub(crate) struct Merged {
    /// In the order of their first records.
    pub changes: Vec<Change>,
    /// The records whose objects came and went within the batch.
    pub settled: Vec<usize>,
}

/// What later changes of the same object have in common with this one.
fn identity(change: &Change) -> Option<Key> {
    match &change.target {
        // What comes behind a create in its batch, under the same key, means the new object, even where the key might be an id of HubSpot's.
        Target::New => change.key.clone().map(Key::Id),
        Target::Id(id) => Some(Key::Id(id.clone())),
        Target::Unique { property, value } => Some(unique(property, value)),
    }
}

/// Whether the later change can be made together with the earlier one.
fn can_take(earlier: &Change, later: &Change) -> bool {
    // `;a` adds an option to those that the earlier value gives, and doesn't replace them.
    let adds = |value: &Value| value.as_str().is_some_and(|text| text.starts_with(';'));
    if later.body.iter().any(|(name, value)| adds(value) && earlier.body.contains_key(name)) {
        return false;
    }
    match (earlier.kind, later.kind) {
        // What is deleted has to be deleted before anything comes after it.
        (Kind::Delete | Kind::Erase, later) => later.is_delete(),
        // Each create is an object of its own, and what is made or changed isn't made by a later upsert.
        (_, Kind::Create) | (Kind::Create | Kind::Update, Kind::Upsert) => false,
        (Kind::Create | Kind::Update | Kind::Upsert, _) => true,
    }
}

fn take(earlier: &mut Change, later: Change) {
    let Change { record, also, kind, target, body, links, uniques, .. } = later;
    earlier.also.push(record);
    earlier.also.extend(also);
    if kind.is_delete() {
        earlier.may_be_missing |= matches!(earlier.kind, Kind::Create | Kind::Upsert);
        if earlier.kind != Kind::Erase {
            earlier.kind = kind;
        }
        earlier.target = target;
        earlier.body.clear();
        earlier.links.clear();
        earlier.uniques.clear();
        return;
    }
    earlier.body.extend(body);
    for (property, value) in uniques {
        match earlier.uniques.iter_mut().find(|(name, _)| *name == property) {
            Some((_, earlier)) => *earlier = value,
            None => earlier.uniques.push((property, value)),
        }
    }
    let new: Vec<Link> = links.into_iter().filter(|link| !earlier.links.contains(link)).collect();
    earlier.links.extend(new);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn change(record: usize, kind: Kind, key: &str, body: Value) -> Change {
        let Value::Object(body) = body else { panic!("a map is needed") };
        let target = if kind == Kind::Create { Target::New } else { Target::Id(key.to_owned()) };
        let email: Arc<str> = "email".into();
        let uniques = body.get("email").map(|value| (email, value.as_str().unwrap().to_owned())).into_iter().collect();
        Change {
            record,
            also: Vec::new(),
            resource: hubspot_catalog::find("crm.contacts").unwrap(),
            kind,
            target,
            key: Some(key.to_owned()),
            body,
            inline: None,
            links: Vec::new(),
            uniques,
            may_be_missing: false,
        }
    }

    /// Kind, record, those merged into it, and the body of each.
    fn merged(changes: Vec<Change>) -> Vec<(Kind, usize, Vec<usize>, Value)> {
        let merged = coalesce(changes, |_, _| false);
        assert!(merged.settled.is_empty(), "{:?}", merged.settled);
        merged.changes.into_iter().map(|of| (of.kind, of.record, of.also, Value::Object(of.body))).collect()
    }

    use Kind::{Create, Delete, Update};

    #[test]
    fn later_values_count() {
        let of = merged(vec![
            change(0, Update, "1", json!({"a": "x", "b": "x"})),
            change(1, Update, "2", json!({"a": "y"})),
            change(2, Update, "1", json!({"b": "z"})),
        ]);
        assert_eq!(of[0], (Update, 0, vec![2], json!({"a": "x", "b": "z"})));
        assert_eq!(of[1], (Update, 1, vec![], json!({"a": "y"})));
        let of = merged(vec![change(0, Create, "k", json!({"a": "x"})), change(1, Update, "k", json!({"b": "y"}))]);
        assert_eq!(of, [(Create, 0, vec![1], json!({"a": "x", "b": "y"}))]);
    }

    #[test]
    fn a_value_that_adds_to_the_earlier_one_stays_apart() {
        let of = merged(vec![change(0, Update, "1", json!({"a": "x"})), change(1, Update, "1", json!({"a": ";y"}))]);
        assert_eq!(of.len(), 2);
        let of = merged(vec![change(0, Update, "1", json!({"b": "x"})), change(1, Update, "1", json!({"a": ";y"}))]);
        assert_eq!(of, [(Update, 0, vec![1], json!({"a": ";y", "b": "x"}))]);
    }

    #[test]
    fn a_delete_behind_writes_is_the_delete_alone() {
        let of = merged(vec![
            change(0, Update, "1", json!({"a": "x"})),
            change(1, Delete, "1", json!({})),
            change(2, Delete, "1", json!({})),
            change(3, Update, "1", json!({"a": "y"})),
        ]);
        assert_eq!(of, [(Delete, 0, vec![1, 2], json!({})), (Update, 3, vec![], json!({"a": "y"}))]);
    }

    #[test]
    fn what_comes_and_goes_needs_no_call() {
        let of = coalesce(
            vec![
                change(0, Create, "k", json!({"a": "x"})),
                change(1, Update, "k", json!({"a": "y"})),
                change(2, Delete, "k", json!({})),
                change(3, Create, "k", json!({"a": "z"})),
            ],
            |_, _| false,
        );
        assert_eq!(of.settled, [0, 1, 2]);
        assert_eq!(of.changes.iter().map(|of| of.record).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn creates_stay_objects_of_their_own() {
        let of = merged(vec![change(0, Create, "k", json!({"a": "x"})), change(1, Create, "k", json!({"a": "y"}))]);
        assert_eq!(of.len(), 2);
    }

    #[test]
    fn a_value_that_another_object_has_meanwhile_keeps_changes_apart() {
        let of = merged(vec![
            change(0, Update, "1", json!({"a": "x"})),
            change(1, Update, "2", json!({"email": "e@x"})),
            change(2, Update, "1", json!({"email": "e@x"})),
        ]);
        assert_eq!(of.len(), 3);
    }
}
