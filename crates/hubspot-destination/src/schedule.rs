//! Runs the calls of a plan, several at once, each when those that it waits for are answered.

use std::collections::{HashMap, VecDeque};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::api::Api;
use crate::carry::{Carrier, Done};
use crate::change::Change;
use crate::error::{Failure, Refusal};
use crate::plan::Call;

/// A resource that HubSpot refuses the token for, and what it says.
pub(crate) type Denied = HashMap<&'static str, Box<Refusal>>;

/// Carries the calls out and hands on what became of each change. Once HubSpot refuses the token for a resource, no further call to it is
/// sent, and that refusal is the outcome of the rest; a token that is no good at all (401) stops everything.
pub(crate) async fn run<A: Api>(
    carrier: &Carrier<'_, A>,
    calls: &[Call],
    mut changes: Vec<Option<Change>>,
    max_in_flight: usize,
    mut on_done: impl FnMut(Done),
) -> Denied {
    let mut waits: Vec<usize> = calls.iter().map(|call| call.after.len()).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); calls.len()];
    for (number, call) in calls.iter().enumerate() {
        for earlier in &call.after {
            followers[*earlier].push(number);
        }
    }
    let mut ready: VecDeque<usize> = (0..calls.len()).filter(|number| waits[*number] == 0).collect();
    let mut in_flight = FuturesUnordered::new();
    let mut denied = Denied::new();
    loop {
        while in_flight.len() < max_in_flight.max(1) {
            let Some(number) = ready.pop_front() else { break };
            let call = &calls[number];
            let taken: Vec<Change> = call.records.iter().filter_map(|place| changes[*place].take()).collect();
            let refusal = refused(&denied, call.resource).cloned();
            in_flight.push(async move {
                let done = match (refusal, taken.first().map(|change| change.resource)) {
                    (Some(refusal), _) => unsent(taken, &refusal),
                    (None, Some(resource)) => carrier.carry(resource, call.kind, taken).await,
                    (None, None) => Vec::new(),
                };
                (number, done)
            });
        }
        let Some((number, done)) = in_flight.next().await else { break };
        for done in done {
            if let Err(Failure::Denied(refusal)) = &done.outcome {
                let resource = done.change.resource.name;
                denied.entry(resource).or_insert_with(|| {
                    tracing::warn!(resource, %refusal, "HubSpot refuses the token; the rest of the batch isn't sent");
                    refusal.clone()
                });
            }
            on_done(done);
        }
        for follower in &followers[number] {
            waits[*follower] -= 1;
            if waits[*follower] == 0 {
                ready.push_back(*follower);
            }
        }
    }
    denied
}

/// What HubSpot says to calls of a resource, where it has refused the token.
fn refused<'a>(denied: &'a Denied, resource: &str) -> Option<&'a Refusal> {
    denied.get(resource).or_else(|| denied.values().find(|refusal| refusal.status == 401)).map(|refusal| &**refusal)
}

fn unsent(changes: Vec<Change>, refusal: &Refusal) -> Vec<Done> {
    let done = |change| Done { change, outcome: Err(Failure::Denied(Box::new(refusal.clone()))) };
    changes.into_iter().map(done).collect()
}
