//! What became of creates whose reply was lost.
//!
//! A create is never blindly sent again. But an object with a unique value can be looked up, in the store, not the index: if it is there
//! with all that was sent, it was written. If it isn't, the create is sent once more; should the first one come through late all the
//! same, HubSpot refuses the second because of that very value, and a second look tells.

use std::collections::BTreeMap;
use std::sync::Arc;

use hubspot_catalog::Resource;
use tracing::info;

use crate::answer::{self, Verdict};
use crate::api::Api;
use crate::call;
use crate::change::{Change, folded};
use crate::error::{Failure, Refusal};
use crate::lookup;
use crate::plan::Kind;
use crate::shape::Object;
use crate::stats::Counters;

/// Finds out, as far as can be, about those of `changes` whose verdict is in doubt, and puts the verdict right. The places of those whose
/// object was found there: whether it came to be by this create, and with the associations that stood in it, remains unknown.
pub(crate) async fn resolve<A: Api>(
    api: &A,
    counters: &Counters,
    resource: &'static Resource,
    changes: &[&Change],
    verdicts: &mut [Verdict],
) -> Vec<usize> {
    let lost = in_doubt(changes, verdicts);
    if lost.is_empty() {
        return Vec::new();
    }
    info!(
        resource = resource.name,
        records = lost.len(),
        "looking for what was created, because HubSpot's reply was lost"
    );
    let mut found = Vec::new();
    let absent = look(api, counters, resource, changes, verdicts, &lost, &mut found).await;
    if absent.is_empty() {
        return found;
    }
    let again: Vec<&Change> = absent.iter().map(|n| changes[*n]).collect();
    for (n, verdict) in absent.iter().zip(call::send(api, resource, Kind::Create, &again).await) {
        verdicts[*n] = match verdict {
            // The first one came through late, it seems.
            Err(Failure::Refused(refusal)) if is_taken(&refusal) => Err(Failure::Unknown(refusal.message.clone())),
            verdict => verdict,
        };
        if verdicts[*n].is_ok() {
            counters.resolved.add(1);
        }
    }
    let lost: Vec<usize> = absent.into_iter().filter(|n| is_in_doubt(&verdicts[*n])).collect();
    look(api, counters, resource, changes, verdicts, &lost, &mut found).await;
    found
}

/// Whether HubSpot refuses a create because an object has its value already.
fn is_taken(refusal: &Refusal) -> bool {
    refusal.status == 409 || refusal.category == "CONFLICT" || refusal.existing_id().is_some()
}

fn is_in_doubt(verdict: &Verdict) -> bool {
    verdict.as_ref().is_err_and(Failure::is_in_doubt)
}

/// The places of the changes that are in doubt and can be looked up.
fn in_doubt(changes: &[&Change], verdicts: &[Verdict]) -> Vec<usize> {
    let can = |n: &usize| is_in_doubt(&verdicts[*n]) && !changes[*n].uniques.is_empty();
    (0..changes.len()).filter(can).collect()
}

/// Looks for these; the places of those that aren't there. Those that are as they were sent are `found`.
async fn look<A: Api>(
    api: &A,
    counters: &Counters,
    resource: &'static Resource,
    changes: &[&Change],
    verdicts: &mut [Verdict],
    lost: &[usize],
    found: &mut Vec<usize>,
) -> Vec<usize> {
    let mut by_property: BTreeMap<Arc<str>, Vec<usize>> = BTreeMap::new();
    for n in lost {
        if let Some((property, _)) = changes[*n].uniques.first() {
            by_property.entry(Arc::clone(property)).or_default().push(*n);
        }
    }
    let mut absent = Vec::new();
    for (property, places) in by_property {
        let values: Vec<String> = places.iter().filter_map(|n| Some(changes[*n].uniques.first()?.1.clone())).collect();
        let mut read: Vec<String> = places.iter().flat_map(|n| changes[*n].body.keys()).cloned().collect();
        read.sort_unstable();
        read.dedup();
        let there = lookup::by_property(api, counters, resource, &property, &values, &read).await;
        for (n, value) in places.into_iter().zip(values) {
            match there.get(&value) {
                // Where looking fails, too, the verdict stays as it is.
                None | Some(Err(_)) => {}
                Some(Ok(None)) => absent.push(n),
                Some(Ok(Some(object))) if holds(object, changes[n], &property) => {
                    counters.resolved.add(1);
                    found.push(n);
                    verdicts[n] = Ok(lookup::id(object));
                }
                Some(Ok(Some(object))) => {
                    let id = lookup::id(object).unwrap_or_default();
                    verdicts[n] = Err(Failure::Unknown(format!(
                        "a reply was lost, and object {id} has this {property} but not all that was sent"
                    )));
                }
            }
        }
    }
    absent.sort_unstable();
    absent
}

/// Whether the object has all that was sent. HubSpot may have changed the case of the unique value.
fn holds(object: &Object, change: &Change, property: &str) -> bool {
    if answer::holds(object, change) {
        return true;
    }
    let there = lookup::value(object, property).and_then(answer::text);
    let sent = change.body.get(property).and_then(answer::text);
    let (Some(there), Some(sent)) = (there, sent) else { return false };
    if there == sent || folded(&there) != folded(&sent) {
        return false;
    }
    let mut same = change.clone();
    same.body.insert(property.to_owned(), there.into());
    answer::holds(object, &same)
}
