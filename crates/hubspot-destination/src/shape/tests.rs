//! Whole payloads.

use serde_json::json;

use super::dropped::Why;
use super::*;
use crate::definitions::tests::{options, property};

fn shaper<'a>(resource: &str, definitions: Option<&'a Definitions>) -> Shaper<'a> {
    Shaper {
        resource: hubspot_catalog::find(resource).unwrap(),
        definitions,
        read_only: ReadOnly::Drop,
        unknown: Unknown::Error,
        create_properties: false,
        id_field: None,
    }
}

fn data(payload: Value) -> Data {
    Data::try_from(payload).unwrap()
}

fn shape(shaper: &Shaper<'_>, verb: Kind, payload: Value) -> Result<Shaped, PayloadError> {
    shaper.shape(verb, Some(data(payload)))
}

fn body(shaper: &Shaper<'_>, verb: Kind, payload: Value) -> Value {
    Value::Object(shape(shaper, verb, payload).unwrap().body)
}

/// A contact's definitions: a few of each kind.
fn contacts() -> Definitions {
    let fixed = json!({"modificationMetadata": {"readOnlyValue": true}});
    Definitions::new(vec![
        property("email", "string", json!({"hasUniqueValue": true})),
        property("firstname", "string", json!({"label": "First name"})),
        property("age", "number/number", json!({})),
        property("subscribed", "bool/booleancheckbox", json!({})),
        property("stage", "enumeration/radio", json!({"options": options(&["lead", "customer"])})),
        property("colours", "enumeration/checkbox", json!({"options": options(&["red", "green"])})),
        property("hs_object_id", "number", fixed.clone()),
        property("createdate", "datetime/date", fixed.clone()),
        property("lastmodifieddate", "datetime/date", fixed.clone()),
        property("hs_full_name", "string", fixed),
        property("score", "number/calculation_score", json!({})),
    ])
}

/// A contact as HubSpot gives it.
fn whole() -> Value {
    json!({
        "id": "51", "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z", "archived": false,
        "url": "https://app.hubspot.com/contacts/1/record/0-1/51", "objectWriteTraceId": "7", "associations": {},
        "properties": {
            "email": "ada@example.com", "age": "36", "firstname": null, "hs_object_id": "51",
            "createdate": "2026-01-01T00:00:00Z", "lastmodifieddate": "2026-01-02T00:00:00Z",
            "hs_full_name": "Ada L.", "score": "7",
        },
    })
}

#[test]
fn hubspots_own_form_a_bare_map_and_raw_json_are_the_same() {
    let known = contacts();
    let contacts = shaper("crm.contacts", Some(&known));
    let properties = json!({"email": "ada@example.com", "age": 36, "subscribed": true, "colours": ["red", "green"]});
    let expected = json!({"email": "ada@example.com", "age": "36", "subscribed": "true", "colours": "red;green"});
    assert_eq!(body(&contacts, Kind::Create, properties.clone()), expected);
    assert_eq!(body(&contacts, Kind::Update, json!({ "properties": properties })), expected);
    let raw = Data::Raw(properties.to_string().into_bytes());
    assert_eq!(contacts.shape(Kind::Update, Some(raw)).map(|shaped| Value::Object(shaped.body)), Ok(expected));
}

#[test]
fn what_cannot_be_read_or_is_nothing_says_so() {
    let contacts = shaper("crm.contacts", None);
    let raw = |text: &str| contacts.shape(Kind::Update, Some(Data::Raw(text.into())));
    assert!(matches!(raw("firstname=Ada"), Err(PayloadError::Unreadable(_))));
    assert!(matches!(raw("[1]"), Err(PayloadError::Unreadable(_))));
    assert_eq!(raw("{}"), Err(PayloadError::Empty));
    assert_eq!(raw(""), Err(PayloadError::Empty));
    assert_eq!(contacts.shape(Kind::Create, None), Err(PayloadError::Empty));
    assert_eq!(shape(&contacts, Kind::Create, json!({"properties": "x"})), Err(PayloadError::PropertiesAreNoMap));
    let owners = shaper("crm.owners", None);
    assert_eq!(shape(&owners, Kind::Create, json!({"email": "x"})), Err(PayloadError::Directory));
}

#[test]
fn an_object_of_hubspots_leaves_behind_what_nobody_can_write() {
    let known = contacts();
    let shaped = shape(&shaper("crm.contacts", Some(&known)), Kind::Create, whole()).unwrap();
    assert_eq!(Value::Object(shaped.body), json!({"email": "ada@example.com", "age": "36"}));
    let names: Vec<&str> = shaped.dropped.iter().map(|dropped| dropped.name.as_str()).collect();
    assert_eq!(names, ["hs_full_name", "score"], "the id and the timestamps are in every object, and no loss");
    assert!(shaped.dropped.iter().all(|dropped| dropped.why == Why::ReadOnly));
    assert_eq!((shaped.associations, shaped.missing), (None, vec![]));

    // A deal's creation date can be set in some accounts: the definition decides.
    let deals = Definitions::new(vec![property("createdate", "datetime", json!({}))]);
    let deal = json!({"createdAt": "2026-01-01T00:00:00Z", "properties": {"createdate": "2026-01-01T00:00:00Z"}});
    let deals = shaper("crm.deals", Some(&deals));
    assert_eq!(body(&deals, Kind::Create, deal), json!({"createdate": "2026-01-01T00:00:00Z"}));
}

#[test]
fn without_definitions_properties_go_as_they_are() {
    let contacts = shaper("crm.contacts", None);
    let own = json!({"email": "ada@example.com", "age": 36, "hs_object_id": "51", "createdate": "", "tags": ["a"]});
    assert_eq!(body(&contacts, Kind::Update, json!({ "properties": own })), own);
    // But an object of HubSpot's never can be sent with its id and timestamps.
    let sent = body(&contacts, Kind::Update, whole());
    assert_eq!(
        sent,
        json!({"email": "ada@example.com", "age": "36", "firstname": "", "hs_full_name": "Ada L.", "score": "7"})
    );
    assert!(!contacts.has_unknown(&data(json!({"nonsense": 1}))));
}

#[test]
fn null_clears_and_a_new_object_has_nothing_to_clear() {
    let known = contacts();
    for definitions in [None, Some(&known)] {
        let contacts = shaper("crm.contacts", definitions);
        let payload = json!({"email": "ada@example.com", "firstname": null, "age": ""});
        let cleared = json!({"email": "ada@example.com", "firstname": "", "age": ""});
        assert_eq!(body(&contacts, Kind::Update, payload.clone()), cleared);
        assert_eq!(body(&contacts, Kind::Create, payload), json!({"email": "ada@example.com", "age": ""}));
    }
}

#[test]
fn read_only_and_unknown_properties_fail_or_stay_behind_as_asked() {
    let known = contacts();
    let mut contacts = shaper("crm.contacts", Some(&known));
    let payload = json!({"email": "ada@example.com", "score": 7, "First Name": "Ada", "gone": null});
    let said = shape(&contacts, Kind::Update, payload.clone()).unwrap_err().to_string();
    assert!(said.contains("`First Name` doesn't exist") && said.contains("did you mean `firstname`?"), "{said}");
    assert!(said.contains("`gone`") && !said.contains("score"), "{said}");

    contacts.unknown = Unknown::Drop;
    let shaped = shape(&contacts, Kind::Update, payload.clone()).unwrap();
    assert_eq!(Value::Object(shaped.body), json!({"email": "ada@example.com"}));
    let dropped = |name: &str, why| Dropped { name: name.to_owned(), why };
    assert_eq!(
        shaped.dropped,
        [dropped("First Name", Why::Unknown), dropped("score", Why::ReadOnly)],
        "null is no loss"
    );

    contacts.read_only = ReadOnly::Error;
    let error = shape(&contacts, Kind::Update, payload).unwrap_err();
    assert_eq!(error.properties(), [PropertyError::ReadOnly { name: "score".to_owned() }]);
}

#[test]
fn every_value_that_does_not_fit_is_named_with_what_does() {
    let known = contacts();
    let contacts = shaper("crm.contacts", Some(&known));
    let payload = json!({"age": "n/a\n", "stage": "Customer", "colours": ["red", "blue"], "email": "a@b.c"});
    let error = shape(&contacts, Kind::Update, payload).unwrap_err();
    let said = error.to_string();
    assert_eq!(error.properties().iter().map(PropertyError::name).collect::<Vec<_>>(), ["age", "colours", "stage"]);
    for part in [
        "property `age` can't be \"n/a\": it is a number",
        "property `colours` can't be [\"red\",\"blue\"]: allowed are `red`, `green`",
        "property `stage` can't be \"Customer\": give the option's value, `customer`",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains('\n'));
}

#[test]
fn what_is_beside_the_properties_is_named_not_dropped() {
    let contacts = shaper("crm.contacts", None);
    let error = shape(&contacts, Kind::Create, json!({"properties": {}, "phone": "1", "age": 3})).unwrap_err();
    assert!(error.to_string().contains("`age`, `phone`"), "{error}");
    let by_email = json!({"properties": {"firstname": "Ada"}, "idProperty": "email"});
    assert_eq!(shape(&contacts, Kind::Update, by_email.clone()).unwrap().id_property.as_deref(), Some("email"));
    assert!(shape(&contacts, Kind::Create, by_email).is_err(), "a create has none");
    assert!(shape(&contacts, Kind::Update, json!({"properties": {}, "idProperty": 1})).is_err());
}

#[test]
fn associations_are_handed_on_as_they_are() {
    let known = contacts();
    for definitions in [None, Some(&known)] {
        let contacts = shaper("crm.contacts", definitions);
        let of = |payload: Value| shape(&contacts, Kind::Update, payload).unwrap().associations;
        let some = json!([{"to": {"id": "9"}}]);
        assert_eq!(of(json!({"properties": {}, "associations": some})), Some(some.clone()));
        assert_eq!(of(json!({"email": "a@b.c", "associations": some})), Some(some));
        for nothing in [json!(null), json!([]), json!({})] {
            assert_eq!(of(json!({"properties": {}, "associations": nothing})), None);
        }
        assert_eq!(of(json!({"email": "a@b.c", "associations": []})), None);
    }
    // A property of that name is a property.
    let known = Definitions::new(vec![property("associations", "json", json!({}))]);
    let tasks = shaper("crm.tasks", Some(&known));
    assert_eq!(body(&tasks, Kind::Update, json!({"associations": [1]})), json!({"associations": "[1]"}));
}

#[test]
fn the_id_is_taken_out_of_its_field() {
    let known = contacts();
    let mut contacts = shaper("crm.contacts", Some(&known));
    let of = |shaper: &Shaper<'_>, payload: Value| {
        let shaped = shape(shaper, Kind::Update, payload).unwrap();
        (shaped.id, Value::Object(shaped.body))
    };
    contacts.id_field = Some("crm_id");
    assert_eq!(of(&contacts, json!({"crm_id": 51, "age": 3})), (Some(json!(51)), json!({"age": "3"})));
    assert_eq!(
        of(&contacts, json!({"crm_id": "51", "properties": {"age": 3}})),
        (Some(json!("51")), json!({"age": "3"}))
    );
    assert_eq!(of(&contacts, json!({"crm_id": null, "age": 3})), (None, json!({"age": "3"})));
    assert!(!contacts.has_unknown(&data(json!({"crm_id": "51"}))));
    contacts.id_field = Some("hs_object_id");
    assert_eq!(of(&contacts, whole()).0, Some(json!("51")));
    contacts.id_field = Some("id");
    assert_eq!(of(&contacts, whole()).0, Some(json!("51")));
    contacts.id_field = Some("email");
    assert_eq!(
        of(&contacts, json!({"email": "a@b.c"})),
        (Some(json!("a@b.c")), json!({"email": "a@b.c"})),
        "sent as well"
    );
    contacts.definitions = None;
    assert_eq!(of(&contacts, json!({"email": "a@b.c", "age": 3})), (Some(json!("a@b.c")), json!({"age": 3})));

    let mut authors = shaper("cms.blogs.authors", None);
    authors.id_field = Some("id");
    assert_eq!(of(&authors, json!({"id": "7", "fullName": "Ada"})), (Some(json!("7")), json!({"fullName": "Ada"})));
}

#[test]
fn missing_properties_are_made_under_a_name_that_hubspot_takes() {
    let known = contacts();
    let mut contacts = shaper("crm.contacts", Some(&known));
    contacts.create_properties = true;
    let payload = json!({"Lead Score": 4, "vip": true, "note": null, "email": "a@b.c"});
    assert!(contacts.has_unknown(&data(payload.clone())));
    let shaped = shape(&contacts, Kind::Update, payload.clone()).unwrap();
    assert_eq!(Value::Object(shaped.body), json!({"lead_score": "4", "vip": "true", "email": "a@b.c"}));
    let made: Vec<_> = shaped.missing.iter().map(|missing| (missing.name.as_str(), missing.label.as_str())).collect();
    assert_eq!(made, [("lead_score", "Lead Score"), ("vip", "vip")]);

    // The next record finds what was made.
    let now = Definitions::new(vec![property("lead_score", "number", json!({}))]);
    contacts.definitions = Some(&now);
    let next = json!({"Lead Score": 5});
    assert!(!contacts.has_unknown(&data(next.clone())));
    assert_eq!(shape(&contacts, Kind::Update, next).unwrap().missing, []);
    let twice = shape(&contacts, Kind::Update, json!({"Lead Score": 5, "lead_score": 6})).unwrap_err();
    assert_eq!(twice.properties(), [PropertyError::Twice { name: "lead_score".to_owned() }]);

    // Names of HubSpot's own can't be made, nor can a list be guessed at.
    let error = shape(&contacts, Kind::Update, json!({"hs_new": 1, "tags": ["a"]})).unwrap_err();
    assert!(matches!(error.properties(), [PropertyError::Unknown { .. }, PropertyError::Value { .. }]), "{error}");
}

#[test]
fn unknown_properties_are_a_reason_to_read_the_definitions_again() {
    let known = contacts();
    let contacts = shaper("crm.contacts", Some(&known));
    for (payload, unknown) in [
        (json!({"email": "a@b.c"}), false),
        (json!({"email": "a@b.c", "new": 1}), true),
        (json!({"properties": {"email": "a@b.c"}, "id": "1", "createdAt": "x"}), false),
        (json!({"properties": {"new": 1}}), true),
        (json!({"email": "a@b.c", "associations": [1]}), false),
        (json!({"associations": "x"}), true),
        (whole(), false),
    ] {
        assert_eq!(contacts.has_unknown(&data(payload.clone())), unknown, "{payload}");
        assert_eq!(contacts.has_unknown(&Data::Raw(payload.to_string().into_bytes())), unknown, "{payload}");
    }
    assert!(!contacts.has_unknown(&Data::Raw(b"nonsense".to_vec())));
}

#[test]
fn a_cms_object_is_the_body_without_what_hubspot_generates() {
    let authors = shaper("cms.blogs.authors", None);
    let author = json!({
        "id": "7", "fullName": "Ada", "slug": "ada", "created": "2026-01-01T00:00:00Z",
        "updated": "2026-01-02T00:00:00Z", "deletedAt": "1970-01-01T00:00:00Z", "bio": null,
    });
    assert_eq!(body(&authors, Kind::Update, author), json!({"fullName": "Ada", "slug": "ada", "bio": null}));
    let nothing = shape(&authors, Kind::Update, json!({"id": "7"})).unwrap();
    assert!(nothing.body.is_empty() && nothing.left_out);
    assert_eq!(shape(&authors, Kind::Update, json!({})), Err(PayloadError::Empty));
    let tables = shaper("cms.hubdb.tables", None);
    let table = json!({
        "id": "9", "name": "prices", "label": "Prices", "createdAt": "2026-01-01T00:00:00Z", "published": true, "rowCount": 3,
        "columnCount": 1, "deleted": false, "columns": [{"name": "price", "type": "NUMBER"}],
    });
    assert_eq!(
        body(&tables, Kind::Update, table),
        json!({"name": "prices", "label": "Prices", "columns": [{"name": "price", "type": "NUMBER"}]})
    );
}
