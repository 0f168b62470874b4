//! What the demo is played with: four resources, how many of each, and what people change.

use anyhow::Result;
use end_to_end::plugin::hubspot_name;
use hubspot_catalog::{Kind, Resource, find};
use serde_json::{Map, Value};

use crate::Arguments;

/// One resource of the demo.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The resource.
    pub(crate) resource: &'static Resource,
    /// What HubSpot calls it.
    pub(crate) hubspot_name: String,
    /// How many objects there are at first.
    pub(crate) count: usize,
    /// The field whose value no two objects share: by it an object is found again in the other account, where its id is another.
    pub(crate) unique: &'static str,
    /// Whether HubSpot itself finds objects by that field. Of a contact's email it makes sure that it is unique.
    pub(crate) found_by_unique: bool,
    /// The fields that people fill in, the unique one first. Those are compared in the end.
    pub(crate) fields: &'static [&'static str],
    /// What people change while the connector runs.
    pub(crate) changes: Changes,
}

/// How many objects people create, update and delete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changes {
    /// Created.
    pub(crate) creates: usize,
    /// Updated.
    pub(crate) updates: usize,
    /// Deleted.
    pub(crate) deletes: usize,
}

impl Changes {
    /// For so many objects: a thirtieth are created, twice as many updated, half as many deleted; some at least.
    fn of(count: usize) -> Self {
        Self { creates: (count / 30).max(3), updates: count / 15, deletes: (count / 60).max(1) }
    }

    /// All of them.
    pub(crate) fn all(self) -> u64 {
        (self.creates + self.updates + self.deletes) as u64
    }
}

/// The resources of the demo, in the order in which they are read.
pub(crate) fn all(arguments: &Arguments) -> Result<Vec<Plan>> {
    [
        ("crm.contacts", arguments.contacts, &["email", "firstname", "lastname"][..]),
        ("crm.companies", arguments.companies, &["domain", "name"][..]),
        ("crm.deals", arguments.deals, &["dealname", "amount"][..]),
        ("cms.blogs.posts", arguments.posts, &["slug", "name"][..]),
    ]
    .into_iter()
    .map(|(name, count, fields)| {
        let resource = find(name)?;
        let hubspot_name = hubspot_name(resource);
        Ok(Plan {
            resource,
            hubspot_name,
            count,
            unique: fields[0],
            found_by_unique: fields[0] == "email",
            fields,
            changes: Changes::of(count),
        })
    })
    .collect()
}

impl Plan {
    /// What people fill in for the `number`th object.
    pub(crate) fn object(&self, number: usize) -> Map<String, Value> {
        self.fields.iter().map(|field| ((*field).to_owned(), value(field, number, 0).into())).collect()
    }

    /// What a change writes: every field but the unique one.
    pub(crate) fn change(&self, number: usize, version: usize) -> Map<String, Value> {
        let fields = self.fields.iter().skip(1);
        fields.map(|field| ((*field).to_owned(), value(field, number, version).into())).collect()
    }

    /// What people filled in, of an object as HubSpot has it.
    pub(crate) fn filled_in(&self, object: &Map<String, Value>) -> Map<String, Value> {
        let fields = match self.resource.kind {
            Kind::Crm(_) => object.get("properties").and_then(Value::as_object),
            Kind::Cms(_) | Kind::Directory(_) => Some(object),
        };
        let Some(fields) = fields else { return Map::new() };
        let own = self.fields.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone())));
        own.collect()
    }

    /// The unique value of an object as HubSpot has it.
    pub(crate) fn unique(&self, object: &Map<String, Value>) -> Option<String> {
        self.filled_in(object).get(self.unique).and_then(Value::as_str).map(str::to_owned)
    }
}

fn value(field: &str, number: usize, version: usize) -> String {
    let suffix = if version == 0 { String::new() } else { format!(", version {version}") };
    match field {
        "email" => format!("person{number}@example.com"),
        "domain" => format!("company{number}.example.com"),
        "slug" => format!("posts/{number}"),
        "amount" => (100 * number + version).to_string(),
        "firstname" => format!("Person{suffix}"),
        "lastname" => format!("Number {number}{suffix}"),
        "dealname" => format!("Deal {number}"),
        other => format!("{other} of number {number}{suffix}"),
    }
}
