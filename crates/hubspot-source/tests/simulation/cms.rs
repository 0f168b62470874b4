//! What HubSpot answers for CMS resources.

use hubspot_catalog::Cms;
use hubspot_client::Object as Map;
use hubspot_source::ask::{CmsListRequest, Response};
use hubspot_source::item::{Item, Millis};

use super::{Object, World, scatter};

impl World {
    /// The page cursor is an offset into a list that changes.
    pub(super) fn cms_list(&self, cms: &Cms, list: &CmsListRequest) -> Response {
        assert!(list.limit <= 100);
        let since = |bound: Option<Millis>, at: Millis| {
            bound.is_none_or(|bound| if self.inclusive { at >= bound } else { at > bound })
        };
        let until = |bound: Option<Millis>, at: Millis| {
            bound.is_none_or(|bound| if self.inclusive { at <= bound } else { at < bound })
        };
        let matches = |object: &Object| {
            since(list.created_after, object.created)
                && since(list.updated_after, object.version)
                && until(list.created_before, object.created)
                && until(list.updated_before, object.version)
        };
        let mut found: Vec<(u64, Option<Millis>, &Object)> = if list.archived {
            self.archived
                .iter()
                .filter(|(_, archived)| archived.listed <= self.now)
                .map(|(id, archived)| (*id, Some(archived.at), &archived.object))
                .filter(|(_, _, object)| matches(object))
                .collect()
        } else {
            self.store.iter().map(|(id, object)| (*id, None, object)).filter(|(_, _, object)| matches(object)).collect()
        };
        match list.sort {
            Some("createdAt") => found.sort_by_cached_key(|(id, _, object)| (object.created, scatter(*id))),
            Some("updatedAt") => found.sort_by_cached_key(|(id, _, object)| (object.version, scatter(*id))),
            None => {}
            Some(other) => panic!("the simulation can't sort by {other}"),
        }
        let offset = list.after.as_deref().map_or(0, |after| after.parse::<usize>().expect("our cursor"));
        let end = offset + list.limit as usize;
        let next = (end < found.len()).then(|| end.to_string());
        let page = found.iter().skip(offset).take(list.limit as usize);
        let items = page.map(|(id, at, object)| cms_item(cms, *id, object, *at)).collect();
        Response { items, next, total: Some(found.len() as u64), ..Response::default() }
    }
}

// Times come as numbers here where HubSpot may send either: building text for millions of rows is what would make this slow.
fn cms_item(cms: &Cms, id: u64, object: &Object, archived_at: Option<Millis>) -> Item {
    let mut map = Map::new();
    map.insert("id".into(), id.to_string().into());
    map.insert("value".into(), object.value.into());
    map.insert(cms.created_fields[0].into(), object.created.into());
    map.insert(cms.updated_fields[0].into(), object.version.into());
    if let (Some(deleted), Some(at)) = (cms.deleted_fields.first(), archived_at) {
        map.insert((*deleted).into(), at.into());
    }
    Item::new(map)
}
