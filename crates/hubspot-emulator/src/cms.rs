//! The CMS: blogs, pages, HubDB tables and redirects.

mod batch;
mod collection;
mod draft;
mod list;
mod schedule;
mod write;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account::State;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::routes::Call;
pub(crate) use collection::Collection;
use collection::{Draft, definitions};

/// The CMS of an account.
#[derive(Debug)]
pub(crate) struct Cms {
    collections: BTreeMap<&'static str, Collection>,
}

impl Cms {
    pub(crate) fn new() -> Self {
        Self {
            collections: definitions()
                .iter()
                .map(|definition| (definition.path.as_str(), Collection::new(definition)))
                .collect(),
        }
    }

    /// The objects of a path: `blogs/posts`, `url-redirects`.
    pub(crate) fn collection(&self, path: &str) -> Result<&Collection> {
        self.collections
            .get(path)
            .ok_or_else(|| ApiError::new(404, "OBJECT_NOT_FOUND", format!("The CMS has no collection {path}")))
    }

    /// Creates objects behind the API's back; tables are published at once.
    pub(crate) fn seed(
        &self,
        state: &State,
        path: &str,
        fields: impl Iterator<Item = Value>,
        tied: bool,
    ) -> Result<Vec<String>> {
        let collection = self.collection(path)?;
        let settings = state.settings();
        let now = state.clock.now();
        let mut ids = Vec::new();
        for fields in fields {
            let Value::Object(fields) = fields else { return Err(ApiError::invalid("fields have to be an object")) };
            let now = if tied { now } else { state.clock.now() };
            ids.push(collection.seed(state, &settings, fields, now));
        }
        Ok(ids)
    }

    /// Changes an object behind the API's back; a table is published at once.
    pub(crate) fn change(&self, state: &State, path: &str, id: &str, fields: Value) -> Result<()> {
        let Value::Object(fields) = fields else { return Err(ApiError::invalid("fields have to be an object")) };
        self.collection(path)?.change(id, fields, state.clock.now())
    }
}

/// `/cms/…` of one collection.
pub(crate) fn answer(call: &Call<'_>, path: &str, rest: &[&str]) -> Result<Reply> {
    let collection = call.state.cms.collection(path)?;
    let definition = collection.definition();
    call.state.require_scope(&definition.scopes)?;
    let drafts = definition.draft;
    collection.publish_due(call.state.clock.now());
    match (call.method(), rest) {
        ("GET", []) => list::list(call, collection, false),
        ("POST", []) => write::create(call, collection),
        ("GET", ["draft"]) if drafts == Draft::Published => list::list(call, collection, true),
        ("POST", ["schedule"]) if drafts == Draft::Live => schedule::answer(call, collection),
        ("POST", ["batch", operation]) if definition.batch => batch::answer(call, collection, operation),
        ("GET", [id]) => write::read(call, collection, id),
        // A table changes by its draft alone.
        ("PATCH", [id]) if drafts != Draft::Published => write::update(call, collection, id),
        ("DELETE", [id]) => write::delete(call, collection, id),
        (method, [id, "draft", rest @ ..]) if drafts != Draft::None => {
            draft::answer(call, collection, method, id, rest)
        }
        ("POST", [id, "unpublish"]) if drafts == Draft::Published => draft::unpublish(call, collection, id),
        (_, [] | [_]) => call.wrong_method(),
        _ => Err(ApiError::no_such_path()),
    }
}
