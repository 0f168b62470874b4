//! A call that HubSpot may refuse whole, cut in two until only the guilty are refused, each by an answer of its own.
//!
//! A 400, 404 or 409 for a whole call means that nothing of it was done, because of one item or a few. When the first half goes
//! through, the second must hold a guilty one and isn't sent whole again: one guilty item among 100 costs at most 14 calls.

use std::future::Future;
use std::ops::Range;

use tracing::debug;

use crate::error::Failure;

/// Statuses that condemn a call for what is in it, not for who sends it or how often.
const FOR_ITS_CONTENT: [u16; 6] = [400, 404, 409, 413, 414, 422];

/// A call with several items in it.
pub(crate) trait Call: Sync {
    /// What is in it.
    type Item: Sync;
    /// What is told of an item.
    type Verdict: Clone + Send;

    /// Sends some of the items; one verdict for each, in order, or why HubSpot refuses them all.
    fn send(&self, items: &[Self::Item]) -> impl Future<Output = Result<Verdicts<Self::Verdict>, Failure>> + Send;

    /// What it does and to what, for the log.
    fn subject(&self) -> String;

    /// Whether all parts of the call will be refused in the same way.
    fn is_hopeless(&self, _items: &[Self::Item], _failure: &Failure) -> bool {
        false
    }
}

/// One verdict for each item of a call.
pub(crate) type Verdicts<V> = Vec<Result<V, Failure>>;

/// Sends all items; one verdict for each, in order. `refused` says that HubSpot has refused them all together already.
pub(crate) async fn send<C: Call>(call: &C, items: &[C::Item], refused: bool) -> Verdicts<C::Verdict> {
    let mut verdicts: Verdicts<C::Verdict> = vec![Err(Failure::Unnamed); items.len()];
    let mut parts = vec![Part { range: 0..items.len(), first: false, suspect: refused }];
    while let Some(part) = parts.pop() {
        let range = part.range.clone();
        if range.is_empty() {
            continue;
        }
        if part.suspect && range.len() > 1 {
            parts.extend(part.halves());
            continue;
        }
        match call.send(&items[range.clone()]).await {
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
            Err(failure @ Failure::Denied(_)) => {
                // The token won't get better: what wasn't sent yet isn't sent.
                for unsent in parts.drain(..).map(|part| part.range).chain([range]) {
                    verdicts[unsent].fill(Err(failure.clone()));
                }
            }
            Err(failure)
                if range.len() > 1
                    && is_for_its_content(&failure)
                    && !call.is_hopeless(&items[range.clone()], &failure) =>
            {
                debug!(call = call.subject(), items = range.len(), %failure, "HubSpot refuses a whole call; cutting it in two");
                parts.extend(part.halves());
            }
            Err(failure) => verdicts[range].fill(Err(failure)),
        }
    }
    verdicts
}

/// Whether a call was refused for what is in it.
pub(crate) fn is_for_its_content(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(refusal) if FOR_ITS_CONTENT.contains(&refusal.status))
}

/// A part of the call that is still to be sent.
struct Part {
    range: Range<usize>,
    /// Whether it is the first half of a refused part; the second then lies right below it.
    first: bool,
    /// Whether a guilty item must be in it, so that sending it whole would be in vain.
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
