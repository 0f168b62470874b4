//! Writing associations, and the types that they may have.
//!
//! All of it may be repeated when a reply was lost: associating two objects twice associates them once, and so it is with taking it back.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::Associations;
use crate::batch::{BatchOutcome, Inputs, OutcomeWire};
use crate::error::Error;
use crate::paths::{self, Path};
use crate::properties::Results;
use crate::request::{Repeat, Reply, Request};
use crate::wire;

/// The most inputs that HubSpot takes in one call that writes associations. (HubSpot's guide to its associations API says so, its OpenAPI documents don't.)
pub const ASSOCIATE_LIMIT: usize = 2_000;

/// What HubSpot calls a type of association by: whose it is, and a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssociationSpec {
    /// `HUBSPOT_DEFINED`, `USER_DEFINED`, `INTEGRATOR_DEFINED` or `WORK`.
    #[serde(rename = "associationCategory")]
    pub category: String,
    /// The number: another one for each direction.
    #[serde(rename = "associationTypeId")]
    pub type_id: u64,
}

impl AssociationSpec {
    /// A type by its category and number.
    pub fn new(category: impl Into<String>, type_id: u64) -> Self {
        Self { category: category.into(), type_id }
    }

    /// One of HubSpot's own types, such as 279, contact to company.
    pub fn hubspot_defined(type_id: u64) -> Self {
        Self::new("HUBSPOT_DEFINED", type_id)
    }

    /// A label that the account's people have made.
    pub fn user_defined(type_id: u64) -> Self {
        Self::new("USER_DEFINED", type_id)
    }
}

/// Two objects to associate, or to take labels from: `{"from": {"id"}, "to": {"id"}, "types": [{"associationCategory", "associationTypeId"}]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationCreateInput {
    /// The id of the object of the first type.
    pub from: String,
    /// The id of the object of the second type.
    pub to: String,
    /// What they are to each other; at least one.
    pub types: Vec<AssociationSpec>,
}

impl AssociationCreateInput {
    /// These two, in these ways.
    pub fn new(from: impl Into<String>, to: impl Into<String>, types: Vec<AssociationSpec>) -> Self {
        Self { from: from.into(), to: to.into(), types }
    }
}

impl Serialize for AssociationCreateInput {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({"from": {"id": self.from}, "to": {"id": self.to}, "types": self.types}).serialize(serializer)
    }
}

/// An object, and others that it isn't associated with any more: `{"from": {"id"}, "to": [{"id"}]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationArchiveInput {
    /// The id of the object of the first type.
    pub from: String,
    /// The ids of objects of the second type.
    pub to: Vec<String>,
}

impl AssociationArchiveInput {
    /// All that this object is to those.
    pub fn new(from: impl Into<String>, to: Vec<String>) -> Self {
        Self { from: from.into(), to }
    }
}

impl Serialize for AssociationArchiveInput {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let to: Vec<_> = self.to.iter().map(|id| json!({"id": id})).collect();
        json!({"from": {"id": self.from}, "to": to}).serialize(serializer)
    }
}

/// Two objects that are associated now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Associated {
    /// The id of the object of the first type.
    pub from: String,
    /// The id of the object of the second type.
    pub to: String,
    /// The labels that the call has given them.
    pub labels: Vec<String>,
    /// The type of the association, where HubSpot names it: for unlabelled ones.
    pub spec: Option<AssociationSpec>,
}

/// A way in which objects of two types can be associated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AssociationLabel {
    /// `HUBSPOT_DEFINED`, `USER_DEFINED`, `INTEGRATOR_DEFINED` or `WORK`.
    pub category: String,
    /// The number: another one for each direction.
    pub type_id: u64,
    /// What people see; `None` is the unlabelled type.
    #[serde(default, deserialize_with = "wire::optional_text")]
    pub label: Option<String>,
}

impl AssociationLabel {
    /// As inputs name it.
    pub fn to_spec(&self) -> AssociationSpec {
        AssociationSpec::new(self.category.clone(), self.type_id)
    }
}

impl Associations<'_> {
    fn path(&self) -> Path {
        paths::associations(self.client.api_version(), self.from, self.to)
    }

    /// Associates up to [`ASSOCIATE_LIMIT`] pairs of objects, with labels or without. Types that a pair has already stay.
    pub async fn batch_create(&self, inputs: &[AssociationCreateInput]) -> Result<BatchOutcome<Associated>, Error> {
        self.write("batch/create", inputs).await
    }

    /// Associates up to [`ASSOCIATE_LIMIT`] pairs of objects, `(from, to)`, by the unlabelled type, whatever its number is.
    pub async fn batch_create_default(&self, pairs: &[(String, String)]) -> Result<BatchOutcome<Associated>, Error> {
        let inputs: Vec<_> = pairs.iter().map(|(from, to)| json!({"from": {"id": from}, "to": {"id": to}})).collect();
        self.write("batch/associate/default", &inputs).await
    }

    /// Ends associations of up to [`ASSOCIATE_LIMIT`] objects with others, all of their types. HubSpot names no pair in its answer: what is in no
    /// error is done.
    pub async fn batch_archive(&self, inputs: &[AssociationArchiveInput]) -> Result<BatchOutcome<Associated>, Error> {
        self.end("batch/archive", inputs).await
    }

    /// Takes types away from up to [`ASSOCIATE_LIMIT`] pairs of objects; without the unlabelled one, a pair stays associated. HubSpot names no pair
    /// in its answer: what is in no error is done.
    pub async fn batch_archive_labels(
        &self,
        inputs: &[AssociationCreateInput],
    ) -> Result<BatchOutcome<Associated>, Error> {
        self.end("batch/labels/archive", inputs).await
    }

    /// The ways in which objects of these types can be associated, in this direction: HubSpot's own, and the account's labels. They come whole.
    ///
    /// HubSpot's page on association labels has it for `2026-03` and v4.
    pub async fn labels(&self) -> Result<Vec<AssociationLabel>, Error> {
        let request = Request::get(self.path().fixed("labels"));
        Ok(self.client.call::<Results<AssociationLabel>>(request).await?.body.results)
    }

    async fn write(&self, segments: &str, inputs: &[impl Serialize]) -> Result<BatchOutcome<Associated>, Error> {
        self.client.call_for_outcome(self.request(segments, inputs)?).await
    }

    /// The dated versions have a body, v4 answers 204.
    async fn end(&self, segments: &str, inputs: &[impl Serialize]) -> Result<BatchOutcome<Associated>, Error> {
        let request = self.request(segments, inputs)?;
        let Reply { status, date, lost_before, correlation_id, body } =
            self.client.call_for_some::<OutcomeWire<Associated>>(request).await?;
        let Some(body) = body else {
            let after_lost_reply = lost_before;
            return Ok(BatchOutcome { correlation_id, status, date, after_lost_reply, ..BatchOutcome::default() });
        };
        let mut outcome = BatchOutcome::from(Reply { status, date, lost_before, correlation_id, body });
        self.client.redact(&mut outcome.errors);
        Ok(outcome)
    }

    fn request(&self, segments: &str, inputs: &[impl Serialize]) -> Result<Request, Error> {
        Request::post(self.path().fixed(segments), Repeat::Safe).json(&Inputs { inputs })
    }
}

/// A pair as HubSpot names it: by `fromObjectId` and `toObjectId` where there may be labels, by `from.id` and `to.id` where there are none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssociatedWire {
    #[serde(default, deserialize_with = "wire::optional_text")]
    from_object_id: Option<String>,
    #[serde(default, deserialize_with = "wire::optional_text")]
    to_object_id: Option<String>,
    #[serde(default)]
    from: Option<End>,
    #[serde(default)]
    to: Option<End>,
    #[serde(default, deserialize_with = "wire::list")]
    labels: Vec<Option<String>>,
    #[serde(default)]
    association_spec: Option<AssociationSpec>,
}

#[derive(Deserialize)]
struct End {
    #[serde(deserialize_with = "wire::text")]
    id: String,
}

impl<'de> Deserialize<'de> for Associated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = AssociatedWire::deserialize(deserializer)?;
        let id = |flat: Option<String>, end: Option<End>| flat.or(end.map(|end| end.id));
        Ok(Self {
            from: id(wire.from_object_id, wire.from).unwrap_or_default(),
            to: id(wire.to_object_id, wire.to).unwrap_or_default(),
            labels: wire.labels.into_iter().flatten().collect(),
            spec: wire.association_spec,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_as_in_the_documents() {
        let types = vec![AssociationSpec::hubspot_defined(279), AssociationSpec::user_defined(36)];
        assert_eq!(
            serde_json::to_value(AssociationCreateInput::new("1", "2", types)).unwrap(),
            json!({"from": {"id": "1"}, "to": {"id": "2"}, "types": [
                {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279},
                {"associationCategory": "USER_DEFINED", "associationTypeId": 36}
            ]})
        );
        assert_eq!(
            serde_json::to_value(AssociationArchiveInput::new("1", vec!["2".into(), "3".into()])).unwrap(),
            json!({"from": {"id": "1"}, "to": [{"id": "2"}, {"id": "3"}]})
        );
    }

    #[test]
    fn pairs_are_read_in_both_of_their_forms() {
        let labelled: Associated = serde_json::from_value(json!({
            "fromObjectTypeId": "0-1", "fromObjectId": 7, "toObjectTypeId": "0-2", "toObjectId": "8", "labels": ["Chief", null]
        }))
        .unwrap();
        assert_eq!(labelled, Associated { from: "7".into(), to: "8".into(), labels: vec!["Chief".into()], spec: None });
        let default: Associated = serde_json::from_value(json!({
            "from": {"id": "7"}, "to": {"id": "8"},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
        }))
        .unwrap();
        assert_eq!((default.from.as_str(), default.to.as_str()), ("7", "8"));
        assert_eq!(default.spec, Some(AssociationSpec::hubspot_defined(279)));
    }
}
