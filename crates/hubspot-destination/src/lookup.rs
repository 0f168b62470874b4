//! Which objects are there, by what identifies them.

use std::collections::{HashMap, HashSet};

use hubspot_catalog::Resource;
use serde_json::Value;

use crate::answer;
use crate::api::Api;
use crate::associations::{Ask, Told, each};
use crate::error::Failure;
use crate::shape::Object;
use crate::stats::Counters;

/// So many values go into one call.
const VALUES: usize = 100;

/// The objects with these values of a unique property, by the value as it was given; `None` where there is none. A value that HubSpot
/// refuses fails alone.
pub(crate) async fn by_property<A: Api>(
    api: &A,
    counters: &Counters,
    resource: &'static Resource,
    property: &str,
    values: &[String],
    read: &[String],
) -> HashMap<String, Result<Option<Object>, Failure>> {
    let mut properties = read.to_vec();
    if !properties.iter().any(|name| name == property) {
        properties.push(property.to_owned());
    }
    let ask = ByProperty { api, resource, property, properties };
    let mut found = HashMap::new();
    for values in values.chunks(VALUES) {
        counters.looked_up.add(values.len());
        found.extend(values.iter().cloned().zip(each(&ask, values).await));
    }
    found
}

struct ByProperty<'a, A> {
    api: &'a A,
    resource: &'static Resource,
    property: &'a str,
    properties: Vec<String>,
}

impl<A: Api> Ask for ByProperty<'_, A> {
    type Object = Object;

    fn property(&self) -> &str {
        self.property
    }

    async fn ask(&self, values: &[String]) -> Result<Told<Object>, Failure> {
        let answer = self.api.find(self.resource, Some(self.property), values, self.properties.clone()).await?;
        let named = answer.results.into_iter().map(|object| {
            let value = value(&object, self.property).and_then(answer::text).unwrap_or_default();
            (value, object)
        });
        Ok((named.collect(), answer.errors))
    }
}

/// Which of these ids are those of objects.
pub(crate) async fn by_id<A: Api>(
    api: &A,
    counters: &Counters,
    resource: &'static Resource,
    ids: &[String],
) -> Result<HashSet<String>, Failure> {
    let mut found = HashSet::new();
    for ids in ids.chunks(VALUES) {
        counters.looked_up.add(ids.len());
        let answer = api.find(resource, None, ids, Vec::new()).await?;
        if let Some(refusal) = answer.errors.into_iter().next() {
            return Err(Failure::Refused(Box::new(refusal)));
        }
        found.extend(answer.results.iter().filter_map(|object| object.get("id").and_then(answer::text)));
    }
    Ok(found)
}

/// An object's id.
pub(crate) fn id(object: &Object) -> Option<String> {
    object.get("id").and_then(answer::text)
}

/// A value of an object that was found, as text.
pub(crate) fn value<'a>(object: &'a Object, property: &str) -> Option<&'a Value> {
    object.get("properties")?.get(property)
}
