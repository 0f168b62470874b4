//! What the engine needs of HubSpot: the seam between deciding and sending.

use std::future::Future;

use hubspot_catalog::{CustomObject, Resource};
use hubspot_client::{Property, PropertyCreate};

use crate::associations::LinkApi;
use crate::change::Change;
use crate::error::{Failure, Refusal};
use crate::plan::Kind;
use crate::shape::Object;

/// HubSpot, as far as writing goes. None of these repeats a request; the client below does that.
pub(crate) trait Api: Send + Sync {
    /// HubSpot, as far as associating goes.
    type Links: LinkApi;

    /// For the associations of what was written.
    fn links(&self) -> &Self::Links;

    /// How many records a call holds: 100 with batch endpoints, 1 without.
    fn limit(&self, resource: &'static Resource, kind: Kind) -> usize;

    /// One cheap call that shows whether HubSpot is there and takes the token.
    fn probe(&self, resource: &'static Resource) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The account's custom objects.
    fn custom_objects(&self) -> impl Future<Output = Result<Vec<CustomObject>, Failure>> + Send;

    /// The properties of a CRM object type.
    fn properties(&self, resource: &'static Resource) -> impl Future<Output = Result<Vec<Property>, Failure>> + Send;

    /// Makes a property.
    fn make_property(
        &self,
        resource: &'static Resource,
        property: &PropertyCreate,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The objects with one of up to 100 values of a unique property (`None`: ids), read from the store: what was written a moment ago
    /// is there. Those that aren't there are no error, and not among the answer's. `properties` is what is read of them.
    fn find(
        &self,
        resource: &'static Resource,
        property: Option<&str>,
        values: &[String],
        properties: Vec<String>,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Creates, updates or upserts objects.
    fn write(
        &self,
        resource: &'static Resource,
        kind: Kind,
        changes: &[&Change],
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Archives or deletes objects, or deletes them for good. HubSpot's success says nothing of single ones.
    fn remove(
        &self,
        resource: &'static Resource,
        kind: Kind,
        ids: &[String],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
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
