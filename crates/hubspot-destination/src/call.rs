//! One call of the plan: what its answer means for each change in it.

use hubspot_catalog::Resource;

use crate::answer::{self, Verdict};
use crate::api::Api;
use crate::bisect::{self, Call, Verdicts};
use crate::change::Change;
use crate::error::Failure;
use crate::identity::Target;
use crate::plan::Kind;

/// Sends changes of one kind; one verdict each, in order. Deletes must be by id.
pub(crate) async fn send<A: Api>(
    api: &A,
    resource: &'static Resource,
    kind: Kind,
    changes: &[&Change],
) -> Vec<Verdict> {
    bisect::send(&Write { api, resource, kind }, changes, false).await
}

/// A call that writes changes of one kind.
struct Write<'a, A> {
    api: &'a A,
    resource: &'static Resource,
    kind: Kind,
}

impl<'c, A: Api> Call for Write<'c, A> {
    type Item = &'c Change;
    type Verdict = Option<String>;

    async fn send(&self, changes: &[&'c Change]) -> Result<Verdicts<Option<String>>, Failure> {
        let Self { api, resource, kind } = *self;
        if kind.is_delete() {
            let ids: Vec<String> = changes.iter().filter_map(|change| id(change)).collect();
            api.remove(resource, kind, &ids).await?;
            return Ok(changes.iter().map(|change| Ok(id(change))).collect());
        }
        api.write(resource, kind, changes).await.map(|answer| answer::verdicts(changes, answer))
    }

    fn subject(&self) -> String {
        format!("{} {}", self.kind.as_str(), self.resource.name)
    }
}

fn id(change: &Change) -> Option<String> {
    match &change.target {
        Target::Id(id) => Some(id.clone()),
        Target::New | Target::Unique { .. } => None,
    }
}
