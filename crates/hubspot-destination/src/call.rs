//! One call, and what becomes of it when HubSpot refuses it whole.
//!
//! A 400, 404 or 409 for a whole batch means that nothing of it was written, because of one record or a few. The batch is cut in
//! two until only the guilty are refused, each by an answer of its own. When the first half goes through, the second must hold a
//! guilty one and isn't sent whole again: one guilty record among 100 costs at most 14 calls.

use std::ops::Range;

use hubspot_catalog::Resource;
use tracing::debug;

use crate::answer::{self, Verdict};
use crate::api::Api;
use crate::change::Change;
use crate::error::Failure;
use crate::identity::Target;
use crate::plan::Kind;

/// Statuses that condemn a batch for what is in it, not for who sends it or how often.
const FOR_ITS_CONTENT: [u16; 6] = [400, 404, 409, 413, 414, 422];

/// Sends changes of one kind; one verdict each, in order. Deletes must be by id.
pub(crate) async fn send<A: Api>(
    api: &A,
    resource: &'static Resource,
    kind: Kind,
    changes: &[&Change],
) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = vec![Err(Failure::Unnamed); changes.len()];
    let mut parts = vec![Part { range: 0..changes.len(), first: false, suspect: false }];
    while let Some(part) = parts.pop() {
        let range = part.range.clone();
        if part.suspect && range.len() > 1 {
            parts.extend(part.halves());
            continue;
        }
        match send_once(api, resource, kind, &changes[range.clone()]).await {
            Ok(judged) => {
                if part.first
                    && let Some(second) = parts.last_mut()
                {
                    second.suspect = true;
                }
                for (verdict, judged) in verdicts[range].iter_mut().zip(judged) {
                    *verdict = judged;
                }
            }
            Err(failure) if range.len() > 1 && is_for_its_content(&failure) => {
                debug!(resource = resource.name, kind = kind.as_str(), records = range.len(), %failure, "HubSpot refuses a whole call; cutting it in two");
                parts.extend(part.halves());
            }
            Err(failure @ Failure::Denied(_)) => {
                // The token won't get better: what wasn't sent yet isn't sent.
                for unsent in parts.drain(..).map(|part| part.range).chain([range]) {
                    verdicts[unsent].fill(Err(failure.clone()));
                }
            }
            Err(failure) => verdicts[range].fill(Err(failure)),
        }
    }
    verdicts
}

async fn send_once<A: Api>(
    api: &A,
    resource: &'static Resource,
    kind: Kind,
    changes: &[&Change],
) -> Result<Vec<Verdict>, Failure> {
    if kind.is_delete() {
        let ids: Vec<String> = changes.iter().filter_map(|change| id(change)).collect();
        api.remove(resource, kind, &ids).await?;
        return Ok(changes.iter().map(|change| Ok(id(change))).collect());
    }
    api.write(resource, kind, changes).await.map(|answer| answer::verdicts(changes, answer))
}

fn id(change: &Change) -> Option<String> {
    match &change.target {
        Target::Id(id) => Some(id.clone()),
        Target::New | Target::Unique { .. } => None,
    }
}

fn is_for_its_content(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(refusal) if FOR_ITS_CONTENT.contains(&refusal.status))
}

/// A part of the call that is still to be sent.
struct Part {
    range: Range<usize>,
    /// Whether it is the first half of a refused part; the second then lies right below it.
    first: bool,
    /// Whether a guilty record must be in it, so that sending it whole would be in vain.
    suspect: bool,
}

impl Part {
    /// The second half, then the first, which is sent first: order within the call is kept.
    fn halves(self) -> [Self; 2] {
        let Range { start, end } = self.range;
        let middle = start + (end - start) / 2;
        [
            Self { range: middle..end, first: false, suspect: false },
            Self { range: start..middle, first: true, suspect: false },
        ]
    }
}
