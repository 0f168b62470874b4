//! What associating needs of HubSpot: the seam between deciding and sending.

use std::future::Future;

use hubspot_client::AssociationSpec;

use crate::error::{Failure, Refusal};

/// HubSpot, as far as associating goes. Object types are named as in HubSpot's paths.
pub(crate) trait LinkApi: Send + Sync {
    /// The ways in which objects of two types can be associated.
    fn labels(&self, from: &str, to: &str) -> impl Future<Output = Result<Vec<Label>, Failure>> + Send;

    /// Associates up to [`ASSOCIATE_LIMIT`](hubspot_client::ASSOCIATE_LIMIT) pairs.
    fn associate(&self, from: &str, to: &str, inputs: &[Input])
    -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// The objects that have one of up to 100 values of a unique property, read from the store: what was written a moment ago is there.
    fn find(
        &self,
        object_type: &str,
        property: &str,
        values: &[String],
    ) -> impl Future<Output = Result<Found, Failure>> + Send;
}

/// A way in which objects of two types can be associated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// What HubSpot calls it by.
    pub spec: AssociationSpec,
    /// What people see; `None` is the unlabelled type.
    pub label: Option<String>,
}

/// Two objects to associate, in these ways.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Input {
    /// An id of the first type.
    pub from: String,
    /// An id of the second type.
    pub to: String,
    /// At least one, in order.
    pub types: Vec<AssociationSpec>,
}

/// What HubSpot says to a call that associates, on every 2xx.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// The ids, from and to, of those that are now associated.
    pub pairs: Vec<(String, String)>,
    /// Why others are not.
    pub errors: Vec<Refusal>,
}

/// What a lookup found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The property's value and the id of each object, as HubSpot has them.
    pub objects: Vec<(String, String)>,
    /// What HubSpot said beside that, other than that an object isn't there.
    pub errors: Vec<Refusal>,
}
