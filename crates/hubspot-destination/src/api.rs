//! What the engine needs of HubSpot: the seam between deciding and sending.

use std::future::Future;

use crate::change::Change;
use crate::error::{Failure, Refusal};
use crate::shape::Object;

/// HubSpot, as far as writing one resource goes. None of these repeats a request; the client below does that.
pub(crate) trait Api: Send + Sync {
    /// How many records a call holds: 100 with batch endpoints, 1 without.
    fn limit(&self) -> usize;

    /// One cheap call that shows whether HubSpot is there and takes the token.
    fn probe(&self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Makes objects.
    fn create(&self, changes: &[&Change]) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Changes objects by their ids.
    fn update(&self, changes: &[&Change]) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Archives or deletes objects by their ids. HubSpot's success says nothing of single ones.
    fn delete(&self, changes: &[&Change]) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What a successful answer holds, whatever its status: HubSpot puts failures of single records into 207 (2026-03) as well as into
/// 200 and 201 (2026-09).
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The objects that were written.
    pub results: Vec<Object>,
    /// Why others were not.
    pub errors: Vec<Refusal>,
    /// An earlier try of the same call was sent, and its reply lost.
    pub after_lost_reply: bool,
}
