//! What HubSpot answers for directories: owners in pages, with an archived list; pipelines and stages whole.

use hubspot_catalog::{Directory, Kind};
use hubspot_client::Object as Map;
use hubspot_source::ask::{DirectoryRequest, Response};
use hubspot_source::item::Item;

use super::history::Cursors;
use super::{History, Object, World};

impl World {
    pub(super) fn directory(&self, page: &DirectoryRequest, history: &History) -> Response {
        let in_pages = matches!(self.resource.kind, Kind::Directory(Directory::Owners));
        assert!(in_pages || !page.archived && page.after.is_none());
        let all: Vec<(u64, &Object)> = if page.archived {
            self.archived.iter().map(|(id, archived)| (*id, &archived.object)).collect()
        } else {
            self.store.iter().map(|(id, object)| (*id, object)).collect()
        };
        let limit = if in_pages { 100 } else { usize::MAX };
        let shifts = history.cursors != Cursors::Ids;
        // The cursor is the place of the next entry, which shifts, or the last id.
        let from = match page.after.as_deref().map(|after| after.parse::<u64>().expect("our cursor")) {
            None => 0,
            Some(place) if shifts => place as usize,
            Some(last) => all.partition_point(|(id, _)| *id <= last),
        };
        let end = from.saturating_add(limit);
        let next = (end < all.len()).then(|| if shifts { end as u64 } else { all[end - 1].0 });
        let items =
            all.into_iter().skip(from).take(limit).map(|(id, object)| entry(id, object, page.archived)).collect();
        Response { items, next: next.map(|next| next.to_string()), ..Response::default() }
    }
}

fn entry(id: u64, object: &Object, archived: bool) -> Item {
    let mut map = Map::new();
    map.insert("id".into(), id.to_string().into());
    map.insert("value".into(), object.value.into());
    map.insert("createdAt".into(), object.created.into());
    map.insert("updatedAt".into(), object.version.into());
    map.insert("archived".into(), archived.into());
    Item::new(map)
}
