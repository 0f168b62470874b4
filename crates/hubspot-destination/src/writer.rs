//! The engine: a batch of records becomes changes, the plan's calls, and one outcome for each record.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hubspot_catalog::Resource;
use opencdc::Record;

use crate::api::Api;
use crate::call;
use crate::change::{self, Change};
use crate::error::{Error, Failure, RecordError, Refusal};
use crate::key;
use crate::plan::{self, Call, Kind};

/// Writes into one resource through some way to reach HubSpot.
pub(crate) struct Writer<A> {
    api: A,
    resource: &'static Resource,
    max_in_flight: usize,
}

/// What an error has to say of a record, which has been taken apart by then.
struct Subject {
    kind: Kind,
    id: Option<String>,
}

impl<A: Api> Writer<A> {
    pub(crate) fn new(api: A, resource: &'static Resource, max_in_flight: usize) -> Self {
        Self { api, resource, max_in_flight: max_in_flight.max(1) }
    }

    /// Whether HubSpot is there and takes the token. That the token may not *read* is no reason not to write.
    pub(crate) async fn open(&self) -> Result<(), Error> {
        match self.api.probe().await {
            Err(Failure::Denied(refusal)) if refusal.status == 403 => {
                tracing::info!(
                    resource = self.resource.name,
                    "the token may not read this resource; writing it is tried all the same"
                );
                Ok(())
            }
            outcome => outcome.map_err(|source| Error::Open { resource: self.resource.name, source }),
        }
    }

    /// One outcome for each record, in order.
    pub(crate) async fn write(&self, records: Vec<Record>) -> Result<Vec<Result<(), RecordError>>, Error> {
        let mut subjects = Vec::with_capacity(records.len());
        let mut verdicts: Vec<Result<(), Failure>> = Vec::with_capacity(records.len());
        let mut changes: Vec<Option<Change>> = Vec::with_capacity(records.len());
        for (place, record) in records.into_iter().enumerate() {
            let kind = change::kind(record.operation);
            let id = if kind == Kind::Create { None } else { key::id(record.key.as_ref()).ok() };
            subjects.push(Subject { kind, id });
            let change = Change::read(self.resource, place, record);
            // Nothing counts as written before an answer says so.
            verdicts.push(Err(change.as_ref().err().cloned().unwrap_or(Failure::Unnamed)));
            changes.push(change.ok());
        }

        let items: Vec<_> = changes.iter().flatten().map(Change::item).collect();
        let calls = plan::plan(&items, self.api.limit());
        let denied = self.run(&calls, &changes, &mut verdicts).await;

        if let Some(refusal) = denied {
            let certain = |verdict: &Result<(), Failure>| {
                !matches!(verdict, Ok(()) | Err(Failure::Unknown(_) | Failure::Unnamed | Failure::Unanswered(_)))
            };
            if verdicts.iter().all(certain) {
                return Err(Error::Denied { resource: self.resource.name, refusal });
            }
        }
        let outcome = |(verdict, subject): (Result<(), Failure>, Subject)| {
            let Subject { kind, id } = subject;
            verdict.map_err(|failure| RecordError { kind, resource: self.resource.name, id, failure })
        };
        Ok(verdicts.into_iter().zip(subjects).map(outcome).collect())
    }

    /// Sends the calls, several at once, each when those that it waits for are answered. Once HubSpot refuses the token no further
    /// call is sent, and that refusal is the verdict on the rest.
    async fn run(
        &self,
        calls: &[Call],
        changes: &[Option<Change>],
        verdicts: &mut [Result<(), Failure>],
    ) -> Option<Box<Refusal>> {
        let mut waits: Vec<usize> = calls.iter().map(|call| call.after.len()).collect();
        let mut followers: Vec<Vec<usize>> = vec![Vec::new(); calls.len()];
        for (number, call) in calls.iter().enumerate() {
            for earlier in &call.after {
                followers[*earlier].push(number);
            }
        }
        let mut ready: VecDeque<usize> = (0..calls.len()).filter(|number| waits[*number] == 0).collect();
        let mut sent = vec![false; calls.len()];
        let mut in_flight = FuturesUnordered::new();
        let mut denied = None;
        loop {
            while denied.is_none() && in_flight.len() < self.max_in_flight {
                let Some(number) = ready.pop_front() else { break };
                sent[number] = true;
                let call = &calls[number];
                let changes: Vec<&Change> = call.records.iter().filter_map(|place| changes[*place].as_ref()).collect();
                in_flight.push(async move { (number, call::send(&self.api, call.kind, &changes).await) });
            }
            let Some((number, judged)) = in_flight.next().await else { break };
            for (place, verdict) in calls[number].records.iter().zip(judged) {
                if let Err(Failure::Denied(refusal)) = &verdict {
                    denied.get_or_insert_with(|| refusal.clone());
                }
                verdicts[*place] = verdict;
            }
            for follower in &followers[number] {
                waits[*follower] -= 1;
                if waits[*follower] == 0 {
                    ready.push_back(*follower);
                }
            }
        }
        if let Some(refusal) = &denied {
            tracing::warn!(resource = self.resource.name, %refusal, "HubSpot refuses the token; the rest of the batch isn't sent");
            let unsent = calls.iter().zip(&sent).filter(|(_, sent)| !**sent).flat_map(|(call, _)| &call.records);
            for place in unsent {
                verdicts[*place] = Err(Failure::Denied(refusal.clone()));
            }
        }
        denied
    }
}
