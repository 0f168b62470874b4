//! What HubSpot answers for CRM resources.

use std::ops::Bound;

use hubspot_catalog::Crm;
use hubspot_client::Object as Map;
use hubspot_source::ask::{
    Associated, AssociationsRequest, BatchReadRequest, Comparison, ListRequest, Response, SearchRequest,
};
use hubspot_source::item::{Item, ItemId, Millis};
use serde_json::{Value, json};

use super::history::ASSOCIATED;
use super::{Archived, History, Object, World};

/// The property that each object's state is told by.
pub(super) const VALUE: &str = "value";

/// A calculated property.
pub(super) const SCORE: &str = "score";

const MERGED: &str = "hs_merged_object_ids";

/// Which properties of an object are asked for.
#[derive(Clone, Copy)]
struct Asked {
    value: bool,
    score: bool,
    merged: bool,
}

impl Asked {
    fn by(properties: &[String]) -> Self {
        let names = |name| properties.iter().any(|asked| asked == name);
        // Asked for none, HubSpot sends its default ones.
        let default = properties.is_empty();
        Self { value: default || names(VALUE), score: default || names(SCORE), merged: names(MERGED) }
    }
}

impl World {
    pub(super) fn list(&self, crm: &Crm, list: &ListRequest, history: &History) -> Response {
        assert!(
            list.limit <= 100 && list.properties.iter().map(String::len).sum::<usize>() < 12_000,
            "too long for a URL"
        );
        let after = list.after.as_deref().and_then(|after| history.cursors.id(after));
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (limit, asked) = (list.limit as usize, Asked::by(&list.properties));
        let page: Vec<(u64, Item)> = if list.archived {
            self.archived
                .range((after, Bound::Unbounded))
                .filter(|(_, archived)| archived.listed <= self.now)
                .take(limit + 1)
                .map(|(id, archived)| (*id, crm_item(crm, *id, &archived.object, asked, Some(archived.at))))
                .collect()
        } else {
            let page = self.store.range((after, Bound::Unbounded)).take(limit + 1);
            page.map(|(id, object)| (*id, crm_item(crm, *id, object, asked, None))).collect()
        };
        let next = (page.len() > limit).then(|| history.cursors.behind(page[limit - 1].0));
        let items = page.into_iter().take(limit).map(|(_, item)| item).collect();
        Response { items, next, ..Response::default() }
    }

    /// Objects by id; what was merged away answers as what it was merged into.
    pub(super) fn batch_read(&self, crm: &Crm, read: &BatchReadRequest) -> Response {
        assert!(read.ids.len() <= if read.history.is_empty() { 100 } else { 50 });
        let asked = Asked::by(&read.properties);
        let living = |id: &ItemId| {
            let id = self.resolve(number(id));
            let object = self.store.get(&id)?;
            let item = crm_item(crm, id, object, asked, None);
            Some(if read.history.is_empty() { item } else { with_history(item, object, &read.history) })
        };
        let archived = |id: &ItemId| {
            let id = number(id);
            let Archived { object, at, .. } = self.archived.get(&id)?;
            Some(crm_item(crm, id, object, asked, Some(*at)))
        };
        let items = if read.archived {
            read.ids.iter().filter_map(archived).collect()
        } else {
            read.ids.iter().filter_map(living).collect()
        };
        Response { items, ..Response::default() }
    }

    /// What objects are associated with, three a page.
    pub(super) fn associations(&self, request: &AssociationsRequest) -> Response {
        assert!(request.of.len() <= 1_000 && request.to == ASSOCIATED);
        let page = |(of, after): &(ItemId, Option<String>)| {
            let links = &self.store.get(&number(of))?.links;
            let after = after.as_deref().map_or(0, |after| after.parse().expect("our cursor"));
            let page: Vec<u64> = links.range(after + 1..).take(4).copied().collect();
            let next = (page.len() > 3).then(|| page[2].to_string());
            let to = page.iter().take(3).map(|id| {
                let types = json!([{"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null}]);
                Map::from_iter([("toObjectId".to_owned(), json!(id)), ("associationTypes".to_owned(), types)])
            });
            (!links.is_empty()).then(|| Associated { of: of.clone(), to: to.collect(), next })
        };
        Response { associations: request.of.iter().filter_map(page).collect(), ..Response::default() }
    }

    /// The definitions of the object type's properties.
    pub(super) fn definitions(crm: &Crm, history: &History) -> Response {
        let define = |name: &str, type_: &str| {
            serde_json::from_value(json!({"name": name, "type": type_})).expect("a definition")
        };
        let own = [(VALUE, "string"), (SCORE, "number"), (crm.updated_property, "datetime"), (MERGED, "enumeration")];
        let own = own.map(|(name, type_)| define(name, type_));
        let extra = history.options().extra_properties;
        let definitions = own.into_iter().chain(extra.iter().map(|name| define(name, "string"))).collect();
        Response { definitions, ..Response::default() }
    }

    pub(super) fn search(&mut self, crm: &Crm, search: &SearchRequest, history: &History) -> Response {
        assert!(search.limit <= 200 && search.groups.len() <= 6);
        let (limit, asked) = (search.limit as usize, Asked::by(&search.properties));
        if search.descending {
            assert_eq!((search.sort.as_str(), search.groups.len()), ("hs_object_id", 0));
            let indexed = self.index.iter().filter_map(|(id, entry)| Some((id, entry.object.as_ref()?)));
            let last = indexed.max_by_key(|(id, _)| **id);
            let items = last.map(|(id, object)| crm_item(crm, *id, object, asked, None)).into_iter().collect();
            return Response { items, total: Some(self.by_version.len() as u64), ..Response::default() };
        }
        let mut ids: Vec<(Millis, u64, u64)> = Vec::new();
        for group in &search.groups {
            let (mut from, mut to, mut behind) = (Millis::MIN, Millis::MAX, 0);
            for filter in group {
                let value = Millis::try_from(filter.value).expect("in range");
                match (filter.property.as_str(), filter.operator) {
                    ("hs_object_id", Comparison::Greater) => behind = value as u64,
                    (property, operator) if property == crm.updated_property => match operator {
                        Comparison::GreaterOrEqual => from = value,
                        Comparison::Less => to = value,
                        Comparison::Equal => (from, to) = (value, value + 1),
                        Comparison::Greater => from = value + 1,
                    },
                    other => panic!("the simulation has no {other:?}"),
                }
            }
            // Times are rounded at times: a row from just outside.
            if history.noise && behind == 0 && self.rng.u8(..4) == 0 {
                let near = self.by_version.range(..(from, 0)).next_back();
                ids.extend(near.map(|((version, order), id)| (*version, *order, *id)));
            }
            let found = self.by_version.range((from, 0)..(to.max(from), 0)).filter(|(_, id)| **id > behind);
            // By time, rows of a millisecond come in no order; a page needs no more than these of each group.
            let by_id = search.sort == "hs_object_id";
            let most = if by_id { usize::MAX } else { limit };
            ids.extend(found.take(most).map(
                |((version, order), id)| {
                    if by_id { (0, *id, *id) } else { (*version, *order, *id) }
                },
            ));
        }
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(limit);
        let objects = ids.iter().filter_map(|(_, _, id)| Some((*id, self.index[id].object.as_ref()?)));
        let items = objects.map(|(id, object)| crm_item(crm, id, object, asked, None)).collect();
        Response { items, ..Response::default() }
    }
}

fn number(id: &ItemId) -> u64 {
    let ItemId::Number(id) = *id else { panic!("ids are numbers") };
    id
}

// Times come as numbers here where HubSpot may send either: building text for millions of rows is what would make this slow.
fn crm_item(crm: &Crm, id: u64, object: &Object, asked: Asked, archived_at: Option<Millis>) -> Item {
    let mut properties = Map::new();
    properties.insert(crm.updated_property.into(), object.version.into());
    if asked.value {
        properties.insert(VALUE.into(), object.value.to_string().into());
    }
    if asked.score {
        properties.insert(SCORE.into(), object.score.to_string().into());
    }
    if asked.merged && !object.merged.is_empty() {
        let merged: Vec<_> = object.merged.iter().map(u64::to_string).collect();
        properties.insert(MERGED.into(), merged.join(";").into());
    }
    let mut map = Map::new();
    map.insert("id".into(), id.to_string().into());
    map.insert("properties".into(), Value::Object(properties));
    map.insert("createdAt".into(), object.created.into());
    map.insert("updatedAt".into(), object.version.into());
    map.insert("archived".into(), archived_at.is_some().into());
    if let Some(at) = archived_at {
        map.insert("archivedAt".into(), at.into());
    }
    Item::new(map)
}

fn with_history(item: Item, object: &Object, names: &[String]) -> Item {
    let newest_first = object.past.iter().rev();
    let values = newest_first.map(|(at, value)| json!({"value": value.to_string(), "timestamp": at})).collect();
    let mut map = item.into_map();
    let history = names.iter().any(|name| name == VALUE).then(|| (VALUE.to_owned(), Value::Array(values)));
    map.insert("propertiesWithHistory".into(), Value::Object(history.into_iter().collect()));
    Item::new(map)
}
