//! A record, ready to be sent.

use std::sync::Arc;

use hubspot_catalog::Resource;
use opencdc::{Data, Metadata, Operation, Record};
use serde_json::Value;

use crate::associations::{self, Link};
use crate::config::{Associations, Config};
use crate::error::Failure;
use crate::identity::{Named, Target};
use crate::key;
use crate::plan::{Item, Key, Kind};
use crate::prepare::Prepared;
use crate::shape::{Dropped, Missing, Object, PayloadError};

/// What HubSpot is to be told for one record, or for several that were merged.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The record's place in the batch. It travels as `objectWriteTraceId` and ties HubSpot's answer to the record.
    pub record: usize,
    /// The places of later records that were merged into it.
    pub also: Vec<usize>,
    /// Where it goes.
    pub resource: &'static Resource,
    /// What is to be done.
    pub kind: Kind,
    /// What it is done to.
    pub target: Target,
    /// The text of the record's key, where it has one.
    pub key: Option<String>,
    /// CRM: the properties. CMS: the object. Empty for deletes.
    pub body: Object,
    /// Its links, if all of them can go along with the create, in the form that HubSpot takes there.
    pub inline: Option<Value>,
    /// The associations that it is to have; those that went along with the create are gone when it is done.
    pub links: Vec<Link>,
    /// The values in the body that no other object may have: first those that the configuration names.
    pub uniques: Vec<(Arc<str>, String)>,
    /// A delete of something that isn't there is no fault: the same batch made it.
    pub may_be_missing: bool,
}

/// What became of a record.
#[derive(Debug, Default)]
pub(crate) struct Understood {
    /// What is to be done; nothing where the record is to be ignored.
    pub change: Option<Change>,
    /// Properties whose values stay behind.
    pub dropped: Vec<Dropped>,
    /// Properties that have to be made before it is sent.
    pub missing: Vec<Missing>,
}

impl Change {
    /// Reads a record. It is the caller's to remember what the error is about.
    pub(crate) fn read(
        prepared: &Prepared,
        config: &Config,
        place: usize,
        record: Record,
    ) -> Result<Understood, Failure> {
        let Some(kind) = prepared.rules.kind(record.operation) else { return Ok(Understood::default()) };
        let offered = prepared.resource.operations;
        let offered = match kind {
            Kind::Create => offered.create,
            Kind::Update => offered.update,
            Kind::Upsert => offered.create && offered.update,
            Kind::Delete | Kind::Erase => offered.delete,
        };
        if !offered {
            return Err(Failure::Unsupported);
        }
        if kind != Kind::Create && is_encoded(&record, record.key.as_ref(), Metadata::KEY_SCHEMA_SUBJECT) {
            return Err(Failure::Encoded { part: "key" });
        }
        if !kind.is_delete() && is_encoded(&record, record.payload.after.as_ref(), Metadata::PAYLOAD_SCHEMA_SUBJECT) {
            return Err(Failure::Encoded { part: "payload" });
        }
        if kind.is_delete() {
            return Self::read_delete(prepared, kind, place, &record);
        }
        let mut payload = prepared.shaper(config).shape(kind, record.payload.after)?;
        let named = Named { key: record.key.as_ref(), collection: record.metadata.collection() };
        let target = prepared.rules.identify(kind, named, &mut payload)?;
        let links = match (&payload.associations, config.associations) {
            (Some(said), Associations::Write) => associations::read(said)?,
            _ => Vec::new(),
        };
        if payload.body.is_empty() && links.is_empty() {
            // Of an object that is there, all that changed may be what HubSpot sets itself.
            if kind == Kind::Update && payload.left_out {
                return Ok(Understood { dropped: payload.dropped, ..Understood::default() });
            }
            let mut left_out: Vec<String> = payload.dropped.into_iter().map(|dropped| dropped.name).collect();
            left_out.sort_unstable();
            return Err(
                if left_out.is_empty() { PayloadError::Empty } else { PayloadError::AllLeftOut(left_out) }.into()
            );
        }
        if let (Kind::Update, true, Target::Unique { property, .. }) = (kind, payload.body.is_empty(), &target) {
            return Err(Failure::OnlyAssociations { property: property.to_string() });
        }
        let uniques = prepared
            .unique
            .iter()
            .filter_map(|property| Some((Arc::clone(property), key::text(payload.body.get(&**property)?).ok()?)));
        let change = Self {
            uniques: uniques.collect(),
            body: payload.body,
            links,
            ..Self::bare(prepared, kind, place, target, record.key.as_ref())
        };
        Ok(Understood { change: Some(change), dropped: payload.dropped, missing: payload.missing })
    }

    fn read_delete(prepared: &Prepared, kind: Kind, place: usize, record: &Record) -> Result<Understood, Failure> {
        let image = record.payload.before.as_ref().or(record.payload.after.as_ref());
        let rules = &prepared.rules;
        let is_told_by_key =
            rules.id_property.as_ref().is_some_and(|property| key::named(record.key.as_ref(), property).is_some());
        let takes_image =
            rules.source_id.is_none() && (rules.id_field.is_some() || (rules.id_property.is_some() && !is_told_by_key));
        // What can't be read may be what tells the object, and the key may be another one's id.
        if takes_image && is_encoded(record, image, Metadata::PAYLOAD_SCHEMA_SUBJECT) {
            return Err(Failure::Encoded { part: "payload" });
        }
        let image = image.and_then(|image| image.to_structured().ok()).map(|image| Object::from(image.into_owned()));
        let named = Named { key: record.key.as_ref(), collection: record.metadata.collection() };
        let target = prepared.rules.identify_deleted(named, image.as_ref())?;
        let change = Self::bare(prepared, kind, place, target, record.key.as_ref());
        Ok(Understood { change: Some(change), ..Understood::default() })
    }

    /// A change that says nothing yet but what is done to what.
    fn bare(prepared: &Prepared, kind: Kind, place: usize, target: Target, key: Option<&Data>) -> Self {
        Self {
            record: place,
            also: Vec::new(),
            resource: prepared.resource,
            kind,
            target,
            key: key::id(key).ok(),
            uniques: Vec::new(),
            body: Object::new(),
            inline: None,
            links: Vec::new(),
            may_be_missing: false,
        }
    }

    /// What the planner has to know. `created` is the object that this process created for the key.
    pub(crate) fn item(&self, place: usize, created: Option<u64>) -> Item {
        let mut keys = Vec::with_capacity(2 + self.uniques.len());
        let mut add = |key: Key| {
            if !keys.contains(&key) {
                keys.push(key);
            }
        };
        match &self.target {
            Target::New => {}
            Target::Id(id) => add(Key::Id(id.clone())),
            Target::Unique { property, value } => add(unique(property, value)),
        }
        if let Some(key) = &self.key {
            add(Key::Id(key.clone()));
        }
        if let Some(id) = created {
            add(Key::Id(id.to_string()));
        }
        for (property, value) in &self.uniques {
            add(unique(property, value));
        }
        Item { record: place, resource: self.resource.name, kind: self.kind, keys }
    }

    /// Whether the object that is meant may be one that this process created for the record's key.
    pub(crate) fn is_meant_by_key(&self) -> bool {
        matches!((&self.target, &self.key), (Target::Id(id), Some(key)) if id == key)
    }

    /// The trace that HubSpot gives back with its answer.
    pub(crate) fn trace(&self) -> String {
        self.record.to_string()
    }

    /// What an error calls the object by.
    pub(crate) fn subject(&self) -> Option<String> {
        match &self.target {
            Target::New => self.key.clone(),
            target => Some(target.to_string()),
        }
    }
}

/// Believed: HubSpot takes unique values for the same whatever their case, as it does with email addresses. If it doesn't, two records
/// wait for each other that needn't.
pub(crate) fn unique(property: &Arc<str>, value: &str) -> Key {
    Key::Unique { property: Arc::clone(property), value: folded(value) }
}

/// The form in which equal values of a unique property are equal.
pub(crate) fn folded(value: &str) -> String {
    value.trim().to_lowercase()
}

/// Whether data is raw because it is encoded by a schema of Conduit's schema service, as the metadata `schema` says then (Conduit's Go
/// SDK encodes structured data by default).
fn is_encoded(record: &Record, data: Option<&Data>, schema: &str) -> bool {
    matches!(data, Some(Data::Raw(bytes)) if !bytes.is_empty()) && record.metadata.get(schema).is_some()
}

/// What an operation is called, where no more is known of the record.
pub(crate) fn kind(operation: Operation) -> Kind {
    match operation {
        Operation::Create | Operation::Snapshot => Kind::Create,
        Operation::Update => Kind::Update,
        Operation::Delete => Kind::Delete,
    }
}

#[cfg(test)]
mod tests {
    use opencdc::Position;
    use serde_json::json;

    use super::*;
    use crate::config::IdProperties;
    use crate::fake::prepared;

    fn read(record: Record) -> Result<Change, Failure> {
        let contacts = hubspot_catalog::find("crm.contacts").unwrap();
        let config = Config::for_resource(contacts);
        Ok(Change::read(&prepared(contacts, &config), &config, 0, record)?.change.unwrap())
    }

    #[test]
    fn what_is_encoded_by_a_schema_says_so_and_what_to_set() {
        let metadata: Metadata =
            [(Metadata::KEY_SCHEMA_SUBJECT, "a:key"), (Metadata::PAYLOAD_SCHEMA_SUBJECT, "a:payload")]
                .into_iter()
                .collect();
        let avro = || Data::Raw(vec![0x0a, 0x41]);
        let said = |record: Record| read(record).unwrap_err().to_string();

        let create = said(Record::create(Position::default(), metadata.clone(), avro(), avro()));
        assert!(create.contains("sdk.schema.extract.payload.enabled: true"), "{create}");
        let delete = said(Record::delete(Position::default(), metadata.clone(), avro(), None));
        assert!(delete.contains("sdk.schema.extract.key.enabled: true"), "{delete}");

        let contacts = hubspot_catalog::find("crm.contacts").unwrap();
        let gone = |config: &Config, key: serde_json::Value| {
            let (key, before) = (Data::try_from(key).unwrap(), Some(avro()));
            let record = Record::delete(Position::default(), metadata.clone(), key, before);
            Change::read(&prepared(contacts, config), config, 0, record)
        };
        let mut config = Config::for_resource(contacts);
        assert!(gone(&config, json!({"id": "51"})).is_ok(), "the key tells all");
        config.id_field = Some("hubspot_id".to_owned());
        assert_eq!(gone(&config, json!({"id": "51"})).unwrap_err(), Failure::Encoded { part: "payload" });
        config.id_field = None;
        config.id_properties = IdProperties::all("email");
        assert_eq!(gone(&config, json!({"id": "51"})).unwrap_err(), Failure::Encoded { part: "payload" });
        assert!(gone(&config, json!({"email": "ada@example.com"})).is_ok(), "the key tells all");

        // Raw data without a schema is JSON, and structured data is what it is.
        let json = Data::Raw(br#"{"firstname": "Ada"}"#.to_vec());
        let plain = Record::create(Position::default(), Metadata::new(), avro(), json.clone());
        assert!(read(plain).is_ok());
        let structured = Data::Structured(json.into_structured().unwrap());
        assert!(read(Record::create(Position::default(), metadata, avro(), structured)).is_ok());
    }

    #[test]
    fn order_is_kept_by_all_that_identifies() {
        let key = Data::try_from(json!({"id": "k"})).unwrap();
        let after = Data::try_from(json!({"email": " Ada@Example.com", "firstname": "Ada"})).unwrap();
        let create = read(Record::create(Position::default(), Metadata::new(), key.clone(), after)).unwrap();
        let email = Key::Unique { property: "email".into(), value: "ada@example.com".into() };
        assert_eq!(create.item(3, None).keys, [Key::Id("k".into()), email]);
        let delete = read(Record::delete(Position::default(), Metadata::new(), key, None)).unwrap();
        assert_eq!(delete.item(4, Some(51)).keys, [Key::Id("k".into()), Key::Id("51".into())]);
        assert!(delete.is_meant_by_key() && !create.is_meant_by_key());
    }
}
