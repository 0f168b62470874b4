//! Sends pairs to associate, several calls at once, and finds the guilty ones of a call that HubSpot refuses whole.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, stream};
use tracing::debug;

use super::LinkReason;
use super::api::{Input, LinkApi};
use super::calls::{self, Batch};
use super::labels::{self, Labels, Pair};
use crate::bisect::{self, Call, Verdicts};
use crate::error::Failure;

/// What became of each pair.
pub(super) type Outcomes = HashMap<(Pair, Input), Result<(), LinkReason>>;

/// Associates all of them.
pub(super) async fn associate<A: LinkApi>(
    api: &A,
    labels: &mut Labels,
    inputs: BTreeSet<(Pair, Input)>,
    max_in_flight: usize,
) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for wave in calls::waves(inputs) {
        let tries = wave.into_iter().map(|batch| async move {
            let answer = Associate { api, pair: &batch.pair }.send(&batch.inputs).await;
            (batch, answer)
        });
        let tries: Vec<_> = stream::iter(tries).buffer_unordered(max_in_flight.max(1)).collect().await;
        for (batch, answer) in tries {
            let verdicts = match answer {
                Ok(verdicts) => verdicts.into_iter().map(|verdict| verdict.map_err(LinkReason::from)).collect(),
                Err(failure) if batch.inputs.len() > 1 && bisect::is_for_its_content(&failure) => {
                    debug!(from = batch.pair.0, to = batch.pair.1, pairs = batch.inputs.len(), %failure,
                        "HubSpot refuses a whole call of associations; looking for the guilty ones");
                    part(api, labels, &batch, failure).await
                }
                Err(failure) => vec![Err(failure.into()); batch.inputs.len()],
            };
            let pairs = batch.inputs.into_iter().map(|input| (batch.pair.clone(), input));
            outcomes.extend(pairs.zip(verdicts));
        }
    }
    outcomes
}

/// Tells the guilty ones of a refused call from the others. Types that the two object types don't have are seen in their labels, which
/// is one call instead of many; the rest is cut in two.
async fn part<A: LinkApi>(
    api: &A,
    labels: &mut Labels,
    batch: &Batch,
    refusal: Failure,
) -> Vec<Result<(), LinkReason>> {
    if let Err(Failure::Refused(_) | Failure::Denied(_)) = labels.load(api, &batch.pair).await {
        // HubSpot doesn't even show the labels: the object types are at fault.
        return vec![Err(refusal.into()); batch.inputs.len()];
    }
    let mut verdicts: Vec<Result<(), LinkReason>> = vec![Ok(()); batch.inputs.len()];
    let mut rest = Vec::new();
    for (n, input) in batch.inputs.iter().enumerate() {
        match labels.stranger(&batch.pair, &input.types) {
            Some(stranger) => {
                let given = format!("of the type {}", labels::in_words(stranger));
                verdicts[n] = Err(labels.unknown(&batch.pair, given));
            }
            None => rest.push(n),
        }
    }
    let inputs: Vec<Input> = rest.iter().map(|n| batch.inputs[*n].clone()).collect();
    let refused = rest.len() == batch.inputs.len();
    let sent = bisect::send(&Associate { api, pair: &batch.pair }, &inputs, refused).await;
    for (n, verdict) in rest.into_iter().zip(sent) {
        verdicts[n] = verdict.map_err(LinkReason::from);
    }
    verdicts
}

/// A call that associates objects of two types.
struct Associate<'a, A> {
    api: &'a A,
    pair: &'a Pair,
}

impl<A: LinkApi> Call for Associate<'_, A> {
    type Item = Input;
    type Verdict = ();

    async fn send(&self, inputs: &[Input]) -> Result<Verdicts<()>, Failure> {
        let answer = self.api.associate(&self.pair.0, &self.pair.1, inputs).await?;
        Ok(calls::verdicts(inputs, &answer))
    }

    fn subject(&self) -> String {
        format!("associating {} with {}", self.pair.0, self.pair.1)
    }
}
