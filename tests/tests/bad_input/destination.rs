//! What can be wrong with a destination: its settings, what HubSpot says of them, and the records.

use hubspot_emulator::{Account, Fault};
use opencdc::{Data, Operation, Record};
use serde_json::json;

use crate::case::{Case, always, contact, define_cars, keyed, writing, writing_to, written, written_with};

const COLLECTION: &str = r#"{{ index .Metadata "opencdc.collection" }}"#;

/// All of it.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = settings();
    cases.extend(combinations());
    cases.extend(refusals());
    cases.extend(records());
    cases
}

/// Single parameters.
fn settings() -> Vec<Case> {
    vec![
        Case {
            settings: vec![("resource", None)],
            ..writing("no resource, writing", &[], &["resource", "required parameter is not provided"])
        },
        writing(
            "resource misspelt, writing",
            &[("resource", "crm.contcats")],
            &["\"resource\"", "crm.contcats", "did you mean \"crm.contacts\""],
        ),
        writing(
            "two resources, writing",
            &[("resource", "crm.contacts,crm.deals")],
            &["unknown resource", "crm.contacts,crm.deals"],
        ),
        writing(
            "resource that can't be written",
            &[("resource", "crm.feedbackSubmissions")],
            &["crm.feedbackSubmissions", "only lets it be read"],
        ),
        writing(
            "template without an end",
            &[("resource", "{{ .Metadata.kind")],
            &["\"resource\"", "{{ .Metadata.kind", "has no }}"],
        ),
        writing(
            "template of another kind",
            &[("resource", "{{ .Payload.After.kind }}")],
            &["\"resource\"", ".Payload.After.kind", "{{ index .Metadata"],
        ),
        writing(
            "map without resources",
            &[("resource", COLLECTION), ("resourceMap", "people")],
            &["\"resourceMap\"", "\"people\"", "name=resource"],
        ),
        writing(
            "map to a resource misspelt",
            &[("resource", COLLECTION), ("resourceMap", "people=crm.contcats")],
            &["\"resourceMap\"", "did you mean \"crm.contacts\""],
        ),
        writing(
            "map with a name twice",
            &[("resource", COLLECTION), ("resourceMap", "people=crm.contacts,people=crm.leads")],
            &["\"resourceMap\"", "\"people\"", "twice"],
        ),
        writing("mode of another kind", &[("mode", "merge")], &["mode", "merge", "auto,upsert,update,insert"]),
        writing("deletes of another kind", &[("deletes", "purge")], &["deletes", "purge", "archive,gdpr,ignore"]),
        writing("missing, and then?", &[("onMissing", "skip")], &["onMissing", "skip", "error,ignore,create"]),
        writing("coalesced, perhaps", &[("coalesce", "maybe")], &["coalesce", "maybe", "not a boolean"]),
        writing("read-only, and then?", &[("readOnly", "ignore")], &["readOnly", "ignore", "drop,error"]),
        writing("unknown, and then?", &[("unknown", "ignore")], &["unknown", "ignore", "error,drop"]),
        writing(
            "properties made, perhaps",
            &[("createProperties", "some")],
            &["createProperties", "some", "not a boolean"],
        ),
        writing(
            "associations by name, writing",
            &[("associations", "companies")],
            &["associations", "companies", "write,ignore"],
        ),
        writing("published, perhaps", &[("hubdb.publish", "later")], &["hubdb.publish", "later", "not a boolean"]),
        writing("nothing in flight", &[("maxInFlight", "0")], &["maxInFlight", "greater than"]),
        writing("too much in flight", &[("maxInFlight", "65")], &["maxInFlight", "65", "less than"]),
        writing(
            "property of half a resource",
            &[("idProperty", "crm.contacts=")],
            &["\"idProperty\"", "crm.contacts=", "resource=property"],
        ),
        writing(
            "two properties for all",
            &[("idProperty", "email,phone")],
            &["\"idProperty\"", "\"email\"", "names no resource"],
        ),
        writing(
            "two properties for one resource",
            &[("idProperty", "crm.contacts=email,crm.contacts=phone")],
            &["\"idProperty\"", "crm.contacts has two properties"],
        ),
        writing(
            "source id in words",
            &[("sourceId.property", "Source Id")],
            &["\"sourceId.property\"", "\"Source Id\"", "lower-case letters"],
        ),
        writing("parameter nearly right, writing", &[("idProprety", "email")], &["did you mean \"idProperty\""]),
        writing("parameter of the source, writing", &[("pollingPeriod", "5s")], &["pollingPeriod", "unrecognized"]),
    ]
}

/// Parameters that don't go together.
fn combinations() -> Vec<Case> {
    vec![
        writing(
            "map without a template",
            &[("resourceMap", "people=crm.contacts")],
            &["\"resourceMap\" has nothing to map", "template"],
        ),
        writing(
            "property of a resource that isn't written",
            &[("idProperty", "crm.companies=domain")],
            &["\"idProperty\"", "crm.companies", "into crm.contacts"],
        ),
        writing(
            "property of a resource that isn't there",
            &[("resource", COLLECTION), ("idProperty", "crm.contcats=email")],
            &["\"idProperty\"", "did you mean \"crm.contacts\""],
        ),
        writing(
            "source id made without a name",
            &[("sourceId.create", "true")],
            &["\"sourceId.create\"", "\"sourceId.property\""],
        ),
        writing(
            "source id of HubSpot's",
            &[("sourceId.property", "hs_source_id"), ("sourceId.create", "true")],
            &["\"sourceId.property\"", "hs_source_id", "HubSpot's own"],
        ),
        writing(
            "found by two properties",
            &[("sourceId.property", "source_id"), ("idProperty", "email")],
            &["\"sourceId.property\" and \"idProperty\" exclude each other"],
        ),
        writing(
            "found by a property and a field",
            &[("sourceId.property", "source_id"), ("id.field", "id")],
            &["\"sourceId.property\" and \"id.field\" exclude each other"],
        ),
        writing(
            "updates made, without updates",
            &[("mode", "insert"), ("onMissing", "create")],
            &["\"onMissing: create\"", "\"mode: insert\""],
        ),
        writing(
            "deals for good",
            &[("resource", "crm.deals"), ("deletes", "gdpr")],
            &["\"deletes: gdpr\"", "contacts alone", "crm.deals"],
        ),
        writing(
            "upserts of posts",
            &[("resource", "cms.blogs.posts"), ("mode", "upsert")],
            &["\"mode: upsert\"", "no upsert for cms.blogs.posts"],
        ),
        writing(
            "much of a post",
            &[
                ("resource", "cms.blogs.posts"),
                ("idProperty", "slug"),
                ("unknown", "drop"),
                ("createProperties", "true"),
                ("associations", "ignore"),
            ],
            &[
                "\"idProperty\", \"unknown: drop\", \"createProperties\", \"associations: ignore\": for CRM objects only",
            ],
        ),
    ]
}

fn define_code(account: &Account) {
    account.define_property("deals", &json!({"name": "deal_code", "hasUniqueValue": true}));
}

/// What HubSpot says when the destination opens.
fn refusals() -> Vec<Case> {
    vec![
        Case {
            requests: 0,
            ..writing_to(
                "wrong token, writing",
                &[("accessToken", "pat-eu1-s3cr3t-of-nobody"), ("maxRetries", "1")],
                |_| {},
                &["401", "INVALID_AUTHENTICATION", "access token"],
            )
        },
        writing_to(
            "missing scope, writing",
            &[],
            |account| account.set_scopes(Some(vec!["crm.objects.contacts.read"])),
            &["403", "MISSING_SCOPES", "crm.objects.contacts.write"],
        ),
        writing_to(
            "custom object that isn't there, writing",
            &[("resource", "crm.objects.boats")],
            define_cars,
            &["crm.objects.boats", "crm.objects.cars"],
        ),
        writing_to(
            "custom objects that may not be looked up, writing",
            &[("resource", "crm.objects.cars")],
            |account| {
                define_cars(account);
                account.set_scopes(Some(vec!["crm.objects.contacts.write"]));
            },
            &["looking up the account's custom objects", "403"],
        ),
        writing_to(
            "upserts without a property",
            &[("resource", "crm.deals"), ("mode", "upsert")],
            define_code,
            &["crm.deals", "idProperty", "the unique ones are deal_code"],
        ),
        writing_to(
            "property that several can have",
            &[("resource", "crm.deals"), ("idProperty", "dealname")],
            define_code,
            &["crm.deals", "dealname", "several objects", "the unique ones are deal_code"],
        ),
        writing_to(
            "property that there isn't, to find contacts by",
            &[("idProperty", "e_mail")],
            |_| {},
            &["crm.contacts", "e_mail", "isn't a property", "email"],
        ),
        writing_to(
            "source id that isn't there",
            &[("sourceId.property", "source_id")],
            |_| {},
            &["crm.contacts", "source_id", "sourceId.create: true"],
        ),
        writing_to(
            "source id that several can have",
            &[("sourceId.property", "source_id"), ("sourceId.create", "true")],
            |account| account.define_property("contacts", &json!({"name": "source_id"})),
            &["crm.contacts", "source_id", "several objects"],
        ),
        writing_to(
            "HTML for an answer, writing",
            &[("maxRetries", "1")],
            |account| always(account, Fault::Html200),
            &["crm.contacts", "200", "HTML"],
        ),
    ]
}

fn create(properties: &serde_json::Value) -> Record {
    keyed(Operation::Create, json!({"id": "1"}), Some(json!({"properties": properties})))
}

fn of(collection: &str) -> Record {
    let mut record = contact();
    record.metadata.set_collection(collection);
    record
}

/// Records.
fn records() -> Vec<Case> {
    vec![
        written(
            "key of two fields",
            || {
                keyed(
                    Operation::Update,
                    json!({"id": "1", "email": "a@example.com"}),
                    Some(json!({"properties": {"email": "b@example.com"}})),
                )
            },
            &["updating crm.contacts", "composite key"],
        ),
        written("delete without a key", || Record { key: None, ..keyed(Operation::Delete, json!({}), None) }, &["key"]),
        written("create without a payload", || keyed(Operation::Create, json!({"id": "1"}), None), &["payload"]),
        written(
            "payload that is no JSON",
            || {
                let mut record = contact();
                record.payload.after = Some(Data::Raw(b"a line of text".to_vec()));
                record
            },
            &["JSON"],
        ),
        written(
            "property that isn't there",
            || create(&json!({"favourite_colour": "blue"})),
            &["creating crm.contacts", "favourite_colour", "doesn't exist", "unknown: drop", "createProperties"],
        ),
        written(
            "property nearly right",
            || create(&json!({"firstnme": "Ada"})),
            &["firstnme", "did you mean `firstname`"],
        ),
        written_with(
            "property of HubSpot's",
            &[("readOnly", "error")],
            || create(&json!({"email": "ada@example.com", "hs_email_domain": "example.com"})),
            &["hs_email_domain", "read-only", "readOnly: drop"],
        ),
        written(
            "option that there isn't",
            || create(&json!({"lifecyclestage": "stranger"})),
            &["lifecyclestage", "stranger", "`lead`"],
        ),
        written(
            "address that another contact has",
            || create(&json!({"email": "somebody@example.com"})),
            &["409", "CONFLICT", "it exists already: update object"],
        ),
        written(
            "field beside the properties",
            || {
                let after = json!({"properties": {"email": "a@example.com"}, "nickname": "Ada"});
                keyed(Operation::Create, json!({"id": "1"}), Some(after))
            },
            &["`nickname` beside `properties`"],
        ),
        written(
            "associations of nobody",
            || {
                let after = json!({"properties": {"email": "a@example.com"}, "associations": {"companies": [{}]}});
                keyed(Operation::Create, json!({"id": "1"}), Some(after))
            },
            &["associations.companies[0]", "neither an id nor a unique property"],
        ),
        written(
            "update of an object that isn't there",
            || keyed(Operation::Update, json!({"id": "404404"}), Some(json!({"properties": {"firstname": "Ada"}}))),
            &["updating crm.contacts 404404", "OBJECT_NOT_FOUND", "onMissing"],
        ),
        written_with(
            "delete of a contact that isn't there",
            &[("idProperty", "email")],
            || keyed(Operation::Delete, json!({"email": "nobody@example.com"}), None),
            &["deleting crm.contacts", "email=nobody@example.com", "onMissing: ignore"],
        ),
        written_with(
            "upsert without a value",
            &[("mode", "upsert")],
            || create(&json!({"firstname": "Ada"})),
            &["upserting crm.contacts", "no value of email"],
        ),
        written_with(
            "update without an id",
            &[("id.field", "hubspot_id")],
            || keyed(Operation::Update, json!({"id": "1"}), Some(json!({"firstname": "Ada"}))),
            &["\"hubspot_id\"", "id.field", "nothing"],
        ),
        written(
            "record of another resource",
            || of("crm.companies"),
            &["crm.companies", "everything is written into crm.contacts", "opencdc.collection"],
        ),
        written_with(
            "record of no resource",
            &[("resource", COLLECTION)],
            contact,
            &["no metadata \"opencdc.collection\""],
        ),
        written_with(
            "record of an unknown resource",
            &[("resource", COLLECTION)],
            || of("people"),
            &["\"people\"", "no resource", "resourceMap: people="],
        ),
        written_with(
            "record of a resource that can't be written",
            &[("resource", COLLECTION)],
            || of("crm.owners"),
            &["crm.owners", "only lets"],
        ),
    ]
}
