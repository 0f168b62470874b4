//! From one HubSpot account into another, over the wire: the plugin as a source, the plugin as a destination, and nothing in between.
//! All resources that can be written (with the source's ids those of the CRM: CMS objects have no property for them), without shaping:
//! the second account's objects equal the first's in every value that can be written; then what is changed, deleted and associated
//! follows.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use conduit_connector_acceptance::{DestinationDriver, Settings as Parameters, SourceDriver};
use end_to_end::plugin::{self, hubspot_name};
use end_to_end::reading::PATIENCE;
use end_to_end::samples::Sample;
use hubspot_catalog::{Kind, RESOURCES, Resource};
use hubspot_client::{Auth, Client, Property};
use hubspot_emulator::{Account, Emulator};
use opencdc::Record;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};

const FROM: &str = "pat-from";
const TO: &str = "pat-to";

/// The property that carries the first account's ids.
const SOURCE_ID: &str = "copied_from";

/// Objects of each resource at first.
const OBJECTS: usize = 5;

/// What the emulator knows of the CMS.
const COLLECTIONS: &str = include_str!("../../crates/hubspot-emulator/src/cms/collections.json");

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_copied_with_the_sources_ids() {
    copy(true).await.unwrap();
}

/// Of the CMS, too: then the destination itself knows what it has created, as long as it runs.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_copied_without_a_property_for_ids() {
    copy(false).await.unwrap();
}

/// A resource that is copied.
struct Copied {
    resource: &'static Resource,
    /// HubSpot's name of it.
    name: String,
    sample: Sample,
    /// Properties, or fields, that can be written.
    writable: Vec<String>,
    /// Values for all of them, of CRM objects.
    values: Map<String, Value>,
}

impl Copied {
    async fn all(client: &Client) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for resource in RESOURCES.iter().filter(|resource| resource.operations.any()) {
            let Some(sample) = Sample::of(resource) else { continue };
            let name = hubspot_name(resource);
            let (writable, values) = match &resource.kind {
                Kind::Crm(crm) => {
                    let properties = client.properties(crm.object_type).list().await?.results;
                    let can_be = |property: &&Property| {
                        !property.calculated
                            && !property.modification_metadata.is_some_and(|metadata| metadata.read_only_value)
                    };
                    let writable: Vec<Property> = properties.iter().filter(can_be).cloned().collect();
                    let values = writable.iter().filter_map(|property| Some((property.name.clone(), value(property)?)));
                    (writable.iter().map(|property| property.name.clone()).collect(), values.collect())
                }
                _ => (cms_fields(&name)?, Map::new()),
            };
            all.push(Self { resource, name, sample, writable, values });
        }
        Ok(all)
    }

    fn fields(&self, number: usize) -> Value {
        let mut fields = self.values.clone();
        fields.extend(self.sample.fields(&self.sample.text("copied", number)));
        Value::Object(fields)
    }

    fn is_crm(&self) -> bool {
        self.resource.is_crm()
    }

    /// What an object has that can be written, by its own text.
    fn held(&self, account: &Account) -> Result<BTreeMap<String, BTreeMap<String, Value>>> {
        let mut held = BTreeMap::new();
        for object in account.objects(&self.name).into_values() {
            let object = object.as_object().cloned().unwrap_or_default();
            let text = self.sample.read(&object)?.to_owned();
            let fields =
                if self.is_crm() { object["properties"].as_object().cloned().unwrap_or_default() } else { object };
            let written = self.writable.iter().filter_map(|name| {
                let value = fields.get(name).filter(|value| !value.is_null() && **value != "")?;
                Some((name.clone(), value.clone()))
            });
            let twice = held.insert(text.clone(), written.filter(|(name, _)| name != SOURCE_ID).collect());
            ensure!(twice.is_none(), "{} {text:?} is there twice", self.resource.name);
        }
        Ok(held)
    }

    /// In what the second account differs from the first.
    fn difference(&self, from: &Account, to: &Account) -> Result<Option<String>> {
        let (from, to) = (self.held(from)?, self.held(to)?);
        for (text, fields) in &from {
            let Some(copied) = to.get(text) else {
                return Ok(Some(format!("{} {text:?} is missing", self.resource.name)));
            };
            for name in fields.keys().chain(copied.keys()) {
                if fields.get(name) != copied.get(name) {
                    let (is, was) = (copied.get(name), fields.get(name));
                    return Ok(Some(format!("{} {text:?}: {name} is {is:?}, must be {was:?}", self.resource.name)));
                }
            }
        }
        let surplus = to.keys().find(|text| !from.contains_key(*text));
        Ok(surplus.map(|text| format!("{} {text:?} is still there", self.resource.name)))
    }
}

/// A value of a property, in the form in which HubSpot keeps it. What other objects have to be there for has none.
fn value(property: &Property) -> Option<Value> {
    Some(match property.type_.as_str() {
        _ if property.has_unique_value => return None,
        "number" => json!("12.50"),
        "bool" => json!("true"),
        "date" => json!("2026-01-31"),
        "datetime" => json!("2026-01-31T12:30:00.000Z"),
        "enumeration" => json!(property.options.first()?.value),
        "string" | "phone_number" => json!(format!("a value of {}", property.name)),
        _ => return None,
    })
}

/// The fields of a collection of the CMS that can be written.
fn cms_fields(path: &str) -> Result<Vec<String>> {
    let collections: Vec<Value> = serde_json::from_str(COLLECTIONS)?;
    let of_path = |collection: &&Value| collection["path"] == path;
    let collection = collections.iter().find(of_path).with_context(|| format!("the emulator has no {path}"))?;
    let read_only: BTreeSet<&str> =
        collection["readOnly"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let names = collection["template"].as_object().into_iter().flatten().map(|(name, _)| name);
    Ok(names.filter(|name| !read_only.contains(name.as_str())).cloned().collect())
}

/// Both accounts, and the way between them.
struct Copy {
    from: Account,
    to: Account,
    resources: Vec<Copied>,
    source: SourceDriver,
    destination: DestinationDriver,
    /// Records whose associations name something that wasn't there yet.
    again: Vec<Record>,
}

async fn copy(with_ids: bool) -> Result<()> {
    let emulator = Emulator::builder().account(FROM).account(TO).start().await?;
    let (from, to) = (emulator.account(FROM), emulator.account(TO));
    let mut resources = Copied::all(&Client::builder(Auth::token(FROM)).base_url(&emulator.url()).build()?).await?;
    ensure!(resources.len() == 19, "{} resources can be written", resources.len());
    if with_ids {
        resources.retain(Copied::is_crm);
    }
    for copied in &resources {
        from.create_many(&copied.name, OBJECTS, |number| copied.fields(number));
    }
    let contacts: Vec<String> = from.objects("contacts").into_keys().collect();
    let companies: Vec<String> = from.objects("companies").into_keys().collect();
    if with_ids {
        from.associate("contacts", &contacts[0], "companies", &companies[1], None);
        from.associate("contacts", &contacts[1], "companies", &companies[1], Some("Adviser"));
        // Labels are made by people, in the second account too.
        let (contact, company) = (to.create("contacts", json!({})), to.create("companies", json!({})));
        to.associate("contacts", &contact, "companies", &company, Some("Adviser"));
        to.archive("contacts", &contact);
        to.archive("companies", &company);
    }

    let (source, destination) = parameters(&emulator, &resources, with_ids);
    let mut source = plugin::connector()?.source(source).await?;
    source.open(None).await?;
    let mut destination = plugin::connector()?.destination(destination).await?;
    destination.open().await?;
    let mut copy = Copy { from, to, resources, source, destination, again: Vec::new() };
    copy.until_equal("the snapshot").await?;
    if with_ids {
        copy.until_associated(1).await?;
    }

    for copied in &copy.resources {
        let ids: Vec<String> = copy.from.objects(&copied.name).into_keys().collect();
        let text = copied.sample.text("changed", 1);
        copy.from.update(&copied.name, &ids[0], Value::Object(copied.sample.change(&text)));
        copy.from.archive(&copied.name, &ids[OBJECTS - 1]);
        copy.from.create(&copied.name, copied.fields(OBJECTS));
    }
    copy.until_equal("changes").await?;
    if with_ids {
        // An association alone doesn't change an object.
        copy.from.associate("contacts", &contacts[2], "companies", &companies[2], None);
        copy.from.update("contacts", &contacts[2], json!({"firstname": "Grace"}));
        copy.until_equal("an association").await?;
        copy.until_associated(2).await?;
    }
    copy.source.finish().await?;
    copy.destination.finish().await?;
    Ok(())
}

fn parameters(emulator: &Emulator, resources: &[Copied], with_ids: bool) -> (Parameters, Parameters) {
    let names: Vec<&str> = resources.iter().map(|copied| copied.resource.name).collect();
    let source = plugin::with(
        plugin::eager(&emulator.url(), FROM, &names.join(",")),
        &[("cdc.settleLag", "1s"), ("properties", "all")],
    );
    let destination = plugin::settings(&emulator.url(), TO, "{{ index .Metadata \"opencdc.collection\" }}");
    if !with_ids {
        return (source, destination);
    }
    (
        plugin::with(source, &[("associations", "companies")]),
        plugin::with(destination, &[("sourceId.property", SOURCE_ID), ("sourceId.create", "true")]),
    )
}

impl Copy {
    /// Carries records over until both accounts are equal.
    async fn until_equal(&mut self, what: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut differs = None;
            for copied in &self.resources {
                differs = differs.or(copied.difference(&self.from, &self.to)?);
            }
            let Some(differs) = differs else { return Ok(()) };
            ensure!(Instant::now() < deadline, "{what} not within {PATIENCE:?}: {differs}");
            self.carry().await?;
        }
    }

    /// Carries over what there is. A record that names an object that isn't there yet is written again later, as one does with what is in
    /// a dead-letter queue.
    async fn carry(&mut self) -> Result<()> {
        let next = timeout(Duration::from_millis(100), self.source.next()).await;
        let records = next.unwrap_or_else(|_| Ok(Vec::new()))?;
        let again = std::mem::take(&mut self.again);
        let all: Vec<Record> = again.into_iter().chain(records.iter().cloned()).collect();
        if all.is_empty() {
            return Ok(());
        }
        let answers = self.destination.write(all.clone()).await?;
        for (record, answer) in all.into_iter().zip(answers) {
            let Err(said) = answer else { continue };
            ensure!(
                said.contains("it was written as") && said.contains("not associated with companies"),
                "{} {:?} was refused: {said}",
                record.operation,
                record.key
            );
            self.again.push(record);
        }
        self.source.ack_all(&records).await?;
        Ok(())
    }

    /// Until so many companies of the second account have contacts, the same as in the first.
    async fn until_associated(&mut self, companies: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (from, to) = (self.associated(&self.from), self.associated(&self.to));
            if from == to && from.values().map(|(company, _)| company).collect::<BTreeSet<_>>().len() == companies {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "associations are {to:?}, must be {from:?}");
            self.carry().await?;
        }
    }

    /// The company of each contact, both by their own texts, and the association's labels.
    fn associated(&self, account: &Account) -> BTreeMap<String, (String, Vec<String>)> {
        let texts = |name: &str| -> BTreeMap<String, String> {
            let copied = self.resources.iter().find(|copied| copied.name == name).unwrap();
            let text = |object: &Value| copied.sample.read(object.as_object().unwrap()).unwrap().to_owned();
            account.objects(name).iter().map(|(id, object)| (id.clone(), text(object))).collect()
        };
        let (contacts, companies) = (texts("contacts"), texts("companies"));
        let mut associated = BTreeMap::new();
        for (contact, to) in account.associations("contacts", "companies") {
            for entry in to {
                let id = entry["toObjectId"].as_str().map_or_else(|| entry["toObjectId"].to_string(), str::to_owned);
                let types = entry["associationTypes"].as_array().cloned().unwrap_or_default();
                let labels = types.iter().filter_map(|of| of["label"].as_str().map(str::to_owned)).collect();
                if let (Some(contact), Some(company)) = (contacts.get(&contact), companies.get(&id)) {
                    associated.insert(contact.clone(), (company.clone(), labels));
                }
            }
        }
        associated
    }
}
