//! Which object a record means, and what is to be done with it. Pure.

use std::fmt;
use std::sync::Arc;

use hubspot_catalog::{Kind as Family, Resource};
use opencdc::{Data, Operation};
use serde_json::Value;

use crate::config::{Config, Deletes, Mode};
use crate::error::Failure;
use crate::key;
use crate::plan::Kind;
use crate::shape::{Object, Shaped};

/// The object that a change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// One that isn't there yet.
    New,
    /// The one with this id of HubSpot's. Of a record's key it may also be what the object was created by: see [`crate::memory`].
    Id(String),
    /// The one with this value of a unique property.
    Unique {
        /// The property.
        property: Arc<str>,
        /// Its value.
        value: String,
    },
}

/// What a record says of its object outside the payload.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named<'a> {
    pub key: Option<&'a Data>,
    /// The record's `opencdc.collection`.
    pub collection: Option<&'a str>,
}

/// How the records of one resource are understood.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub mode: Mode,
    pub deletes: Deletes,
    /// The unique property that identifies objects. CMS resources have none.
    pub id_property: Option<Arc<str>>,
    /// The unique property that carries the source's id.
    pub source_id: Option<Arc<str>>,
    /// The payload's field with HubSpot's id.
    pub id_field: Option<String>,
    /// Whether objects can be deleted for good.
    pub gdpr: bool,
    /// Keys are the source's ids, and nothing tells which object one means: CMS objects have no property to carry it.
    pub foreign_keys: bool,
}

/// The property that contacts are upserted by when nothing is said: no two of them have the same, whatever is known of their
/// properties.
pub(crate) const EMAIL: &str = "email";

impl Rules {
    /// What the configuration says for a resource.
    pub(crate) fn new(config: &Config, resource: &Resource) -> Self {
        let Family::Crm(crm) = &resource.kind else {
            let Config { mode, deletes, .. } = *config;
            let (id_field, foreign_keys) = (config.id_field.clone(), config.source_id.is_some());
            return Self { mode, deletes, id_property: None, source_id: None, id_field, gdpr: false, foreign_keys };
        };
        let source_id = config.source_id.as_ref().map(|source_id| Arc::from(source_id.property.as_str()));
        let asked = config.id_properties.of(resource);
        let implied =
            (config.mode == Mode::Upsert && source_id.is_none() && crm.object_type == "contacts").then_some(EMAIL);
        Self {
            mode: config.mode,
            deletes: config.deletes,
            id_property: asked.or(implied).map(Arc::from),
            source_id,
            id_field: config.id_field.clone(),
            gdpr: crm.gdpr,
            foreign_keys: false,
        }
    }

    /// What an operation becomes; nothing where it is to be ignored.
    pub(crate) fn kind(&self, operation: Operation) -> Option<Kind> {
        if operation == Operation::Delete {
            return match self.deletes {
                Deletes::Ignore => None,
                Deletes::Gdpr if self.gdpr => Some(Kind::Erase),
                Deletes::Gdpr | Deletes::Archive => Some(Kind::Delete),
            };
        }
        Some(match self.mode {
            Mode::Insert => Kind::Create,
            Mode::Update => Kind::Update,
            Mode::Upsert => Kind::Upsert,
            Mode::Auto if self.source_id.is_some() => Kind::Upsert,
            Mode::Auto => match operation {
                Operation::Update => Kind::Update,
                Operation::Snapshot if self.id_property.is_some() => Kind::Upsert,
                _ => Kind::Create,
            },
        })
    }

    /// The object that a create, an update or an upsert is about. What carries its identity is put into the body, where it isn't yet.
    pub(crate) fn identify(&self, kind: Kind, named: Named<'_>, shaped: &mut Shaped) -> Result<Target, Failure> {
        let key = named.key;
        if let Some(property) = &self.source_id {
            let value = source_id(property, key, &shaped.body)?;
            shaped.body.insert(property.to_string(), Value::String(value.clone()));
            let unique = Target::Unique { property: Arc::clone(property), value };
            return Ok(if kind == Kind::Create { Target::New } else { unique });
        }
        if kind == Kind::Create {
            return Ok(Target::New);
        }
        if self.foreign_keys {
            return Err(Failure::ForeignKey);
        }
        if kind == Kind::Update
            && let Some(field) = &self.id_field
        {
            return id_in_field(field, shaped.id.as_ref()).map(Target::Id);
        }
        // HubSpot's own form of an update may say by which property its key is meant.
        if kind == Kind::Update
            && let Some(property) = shaped.id_property.take()
        {
            return Ok(Target::Unique { property: property.into(), value: key::id(key)? });
        }
        let Some(property) = &self.id_property else { return Ok(Target::Id(key::id(key)?)) };
        let value = value_in(property, &shaped.body).or_else(|| {
            let value = key::named(key, property)?;
            shaped.body.insert(property.to_string(), Value::String(value.clone()));
            Some(value)
        });
        match value {
            Some(value) => Ok(Target::Unique { property: Arc::clone(property), value }),
            None if kind == Kind::Upsert => Err(Failure::NoValue { property: property.to_string() }),
            None => own_id(property, named).map(Target::Id),
        }
    }

    /// The object that a delete is about; `image` is what the record still says of it.
    pub(crate) fn identify_deleted(&self, named: Named<'_>, image: Option<&Object>) -> Result<Target, Failure> {
        let key = named.key;
        if self.foreign_keys {
            return Err(Failure::ForeignKey);
        }
        let nothing = Object::new();
        let fields = image.unwrap_or(&nothing);
        let properties = fields.get("properties").and_then(Value::as_object).unwrap_or(fields);
        if let Some(property) = &self.source_id {
            let value = source_id(property, key, properties)?;
            return Ok(Target::Unique { property: Arc::clone(property), value });
        }
        if let Some(field) = &self.id_field
            && let Some(value) = fields.get(field).or_else(|| properties.get(field))
        {
            return id_in_field(field, Some(value)).map(Target::Id);
        }
        let Some(property) = &self.id_property else { return Ok(Target::Id(key::id(key)?)) };
        match value_in(property, properties).or_else(|| key::named(key, property)) {
            Some(value) => Ok(Target::Unique { property: Arc::clone(property), value }),
            None => own_id(property, named).map(Target::Id),
        }
    }
}

/// The source's id is the key; a record without one may carry it in the property itself.
fn source_id(property: &str, key: Option<&Data>, properties: &Object) -> Result<String, Failure> {
    key::id(key).or_else(|error| value_in(property, properties).ok_or(Failure::Key(error)))
}

/// HubSpot's id as the key, where objects are identified by a property that the record has no value of. A key of another name is the
/// source's, and may look like the id of an object that isn't meant.
fn own_id(property: &str, Named { key, collection }: Named<'_>) -> Result<String, Failure> {
    key::own_id(key, collection).ok_or_else(|| Failure::NoValueNorId { property: property.to_owned() })
}

fn id_in_field(field: &str, value: Option<&Value>) -> Result<String, Failure> {
    let no_id = |found| Failure::NoId { field: field.to_owned(), found };
    key::text(value.ok_or_else(|| no_id("nothing"))?).map_err(no_id)
}

fn value_in(property: &str, properties: &Object) -> Option<String> {
    properties.get(property).and_then(|value| key::text(value).ok())
}

/// HubSpot's id, or `property=value`; nothing for a new object.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => Ok(()),
            Self::Id(id) => f.write_str(id),
            Self::Unique { property, value } => write!(f, "{property}={value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{IdProperties, SourceId};
    use crate::routing::Routing;

    fn config() -> Config {
        Config::new(Routing::parse("crm.contacts", "").unwrap())
    }

    fn rules(config: &Config, resource: &str) -> Rules {
        Rules::new(config, hubspot_catalog::find(resource).unwrap())
    }

    fn contacts(change: impl FnOnce(&mut Config)) -> Rules {
        let mut config = config();
        change(&mut config);
        rules(&config, "crm.contacts")
    }

    fn data(value: Value) -> Data {
        Data::try_from(value).unwrap()
    }

    /// Of a record that came out of HubSpot.
    fn named(key: &Data) -> Named<'_> {
        Named { key: Some(key), collection: Some("crm.contacts") }
    }

    fn shaped(body: Value) -> Shaped {
        let Value::Object(body) = body else { panic!("a map is needed") };
        Shaped { body, ..Shaped::default() }
    }

    fn kinds(rules: &Rules) -> [Option<Kind>; 4] {
        [Operation::Create, Operation::Snapshot, Operation::Update, Operation::Delete].map(|of| rules.kind(of))
    }

    #[test]
    fn each_mode_makes_its_own_of_an_operation() {
        use Kind::{Create, Delete, Erase, Update, Upsert};
        let all = |kind| [Some(kind), Some(kind), Some(kind), Some(Delete)];
        assert_eq!(kinds(&contacts(|_| {})), [Some(Create), Some(Create), Some(Update), Some(Delete)]);
        assert_eq!(
            kinds(&contacts(|config| config.id_properties = IdProperties::all("email"))),
            [Some(Create), Some(Upsert), Some(Update), Some(Delete)]
        );
        assert_eq!(kinds(&contacts(|config| config.mode = Mode::Upsert)), all(Upsert));
        assert_eq!(kinds(&contacts(|config| config.mode = Mode::Update)), all(Update));
        assert_eq!(kinds(&contacts(|config| config.mode = Mode::Insert)), all(Create));
        let source_id = Some(SourceId { property: "source_id".into(), create: false });
        assert_eq!(kinds(&contacts(|config| config.source_id = source_id)), all(Upsert));

        assert_eq!(kinds(&contacts(|config| config.deletes = Deletes::Ignore))[3], None);
        let gdpr = Config { deletes: Deletes::Gdpr, ..config() };
        assert_eq!(rules(&gdpr, "crm.contacts").kind(Operation::Delete), Some(Erase));
        assert_eq!(rules(&gdpr, "crm.deals").kind(Operation::Delete), Some(Delete));
    }

    #[test]
    fn contacts_are_upserted_by_email_and_others_by_nothing() {
        let upsert = Config { mode: Mode::Upsert, ..config() };
        assert_eq!(rules(&upsert, "crm.contacts").id_property.as_deref(), Some("email"));
        assert_eq!(rules(&upsert, "crm.deals").id_property, None);
        assert_eq!(rules(&config(), "crm.contacts").id_property, None);
    }

    #[test]
    fn without_more_the_key_is_hubspots_id() {
        let rules = contacts(|_| {});
        let key = data(json!({"id": 51}));
        let target = rules.identify(Kind::Update, named(&key), &mut shaped(json!({"a": "x"})));
        assert_eq!(target, Ok(Target::Id("51".into())));
        assert_eq!(rules.identify(Kind::Create, named(&key), &mut shaped(json!({}))), Ok(Target::New));
        assert_eq!(rules.identify_deleted(named(&key), None), Ok(Target::Id("51".into())));
        assert!(matches!(rules.identify(Kind::Update, Named::default(), &mut shaped(json!({}))), Err(Failure::Key(_))));
    }

    #[test]
    fn an_id_property_is_looked_for_in_the_payload_then_in_the_key() {
        let rules = contacts(|config| config.id_properties = IdProperties::all("email"));
        let email = |value: &str| Ok(Target::Unique { property: "email".into(), value: value.into() });
        let (by_id, by_email) = (data(json!({"id": "51"})), data(json!({"email": "key@x"})));
        let target = |kind, key, body: Value| rules.identify(kind, named(key), &mut shaped(body));
        assert_eq!(target(Kind::Update, &by_email, json!({"email": "a@x"})), email("a@x"));
        assert_eq!(target(Kind::Update, &by_email, json!({"a": "x"})), email("key@x"));
        assert_eq!(target(Kind::Update, &by_id, json!({"a": "x"})), Ok(Target::Id("51".into())));
        let error = target(Kind::Upsert, &by_id, json!({"a": "x"})).unwrap_err();
        assert!(error.to_string().starts_with("the record has no value of email"), "{error}");

        let mut body = shaped(json!({"a": "x"}));
        rules.identify(Kind::Upsert, named(&by_email), &mut body).unwrap();
        assert_eq!(body.body["email"], "key@x", "a new object has to have it");

        let before = json!({"properties": {"email": "b@x"}});
        assert_eq!(rules.identify_deleted(named(&by_id), before.as_object()), email("b@x"));
        assert_eq!(rules.identify_deleted(named(&by_email), None), email("key@x"));
        assert_eq!(rules.identify_deleted(named(&by_id), None), Ok(Target::Id("51".into())));
    }

    #[test]
    fn with_an_id_property_only_a_key_named_as_hubspots_ids_is_one() {
        let rules = contacts(|config| config.id_properties = IdProperties::all("email"));
        let target = |key: Option<&Data>, collection| {
            let named = Named { key, collection };
            let updated = rules.identify(Kind::Update, named, &mut shaped(json!({"a": "x"})));
            assert_eq!(rules.identify_deleted(named, None), updated);
            updated
        };
        let (hubspots, customs, table) = (Some("crm.contacts"), Some("crm.objects.cars"), Some("contacts"));
        let there = Ok(Target::Id("51".into()));
        for collection in [hubspots, customs, table, None] {
            for name in ["hs_object_id", "vid"] {
                assert_eq!(target(Some(&data(json!({name: 51}))), collection), there, "{name}");
            }
        }
        let id = data(json!({"id": 51}));
        assert_eq!((target(Some(&id), hubspots), target(Some(&id), customs)), (there.clone(), there));
        let keys = [Some(data(json!({"customer": 51}))), Some(data(json!({"id": 51, "portal": 7}))), None];
        let refused = keys.iter().map(|key| (key.as_ref(), hubspots)).chain([(Some(&id), table), (Some(&id), None)]);
        for (key, collection) in refused {
            let error = target(key, collection).unwrap_err();
            assert_eq!(error, Failure::NoValueNorId { property: "email".into() });
            assert!(error.to_string().contains("give it in the payload"), "{error}");
        }
        // Without one, the key is HubSpot's id whatever its name is.
        assert_eq!(
            contacts(|_| {}).identify_deleted(named(&data(json!({"customer": 51}))), None),
            Ok(Target::Id("51".into()))
        );
    }

    #[test]
    fn a_source_id_finds_no_object_of_the_cms() {
        let mut config = config();
        let key = data(json!({"id": "51"}));
        let tags = |config: &Config| rules(config, "cms.blogs.tags");
        assert_eq!(tags(&config).identify_deleted(named(&key), None), Ok(Target::Id("51".into())));
        config.source_id = Some(SourceId { property: "source_id".into(), create: true });
        let tags = tags(&config);
        assert_eq!(tags.identify(Kind::Create, named(&key), &mut shaped(json!({"name": "a"}))), Ok(Target::New));
        let refused = tags.identify(Kind::Update, named(&key), &mut shaped(json!({"name": "a"})));
        assert_eq!(refused, Err(Failure::ForeignKey));
        assert_eq!(tags.identify_deleted(named(&key), None), Err(Failure::ForeignKey));
        assert_eq!(tags.kind(Operation::Snapshot), Some(Kind::Create));
        assert!(Failure::ForeignKey.to_string().contains("a pipeline of their own"));
    }

    #[test]
    fn a_source_id_is_the_key_and_goes_along() {
        let source_id = SourceId { property: "source_id".into(), create: false };
        let rules = contacts(|config| {
            config.source_id = Some(source_id);
            config.id_properties = IdProperties::all("email");
        });
        let key = data(json!({"id": "51"}));
        let found = Ok(Target::Unique { property: "source_id".into(), value: "51".into() });
        for kind in [Kind::Upsert, Kind::Update] {
            let mut body = shaped(json!({"email": "a@x"}));
            assert_eq!(rules.identify(kind, named(&key), &mut body), found);
            assert_eq!(body.body["source_id"], "51");
        }
        let mut body = shaped(json!({"email": "a@x"}));
        assert_eq!(rules.identify(Kind::Create, named(&key), &mut body), Ok(Target::New));
        assert_eq!(body.body["source_id"], "51");
        assert_eq!(rules.identify_deleted(named(&key), None), found);
        assert!(rules.identify(Kind::Upsert, Named::default(), &mut shaped(json!({}))).is_err());
    }

    #[test]
    fn a_field_of_the_payload_may_hold_the_id() {
        let rules = contacts(|config| config.id_field = Some("hubspot_id".into()));
        let key = data(json!({"id": "9"}));
        let mut with = Shaped { id: Some(json!(51)), ..shaped(json!({"a": "x"})) };
        assert_eq!(rules.identify(Kind::Update, named(&key), &mut with), Ok(Target::Id("51".into())));
        let error = rules.identify(Kind::Update, named(&key), &mut shaped(json!({"a": "x"}))).unwrap_err();
        assert!(error.to_string().contains("\"hubspot_id\", which `id.field` names, holds nothing"), "{error}");
        let before = json!({"hubspot_id": "51"});
        assert_eq!(rules.identify_deleted(named(&key), before.as_object()), Ok(Target::Id("51".into())));
        assert_eq!(rules.identify_deleted(named(&key), None), Ok(Target::Id("9".into())));
    }

    #[test]
    fn hubspots_own_form_may_name_a_property() {
        let mut own = Shaped { id_property: Some("email".into()), ..shaped(json!({"a": "x"})) };
        let target = contacts(|_| {}).identify(Kind::Update, named(&data(json!({"id": "ada@x"}))), &mut own);
        assert_eq!(target, Ok(Target::Unique { property: "email".into(), value: "ada@x".into() }));
    }
}
