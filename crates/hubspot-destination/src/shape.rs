//! A record's payload as the body that HubSpot takes. Pure.
//!
//! A CRM payload with a field `properties` is HubSpot's own form, and goes out as it came; any other map is taken for the properties
//! themselves. What HubSpot's input documents don't know is not sent: the fields that HubSpot itself puts around an object stay
//! behind, anything else is an error that names it, so nothing of the user's is dropped in silence. A CMS payload is the body.
//!
//! An object as HubSpot gave it (it has `createdAt` or `updatedAt` beside `properties`) also carries its id and its timestamps
//! *among* the properties. No one can write those, so they stay behind too: objects read from one account can be written into
//! another. A property that the user put into a body of their own is always sent, and HubSpot answers for it.

use hubspot_catalog::{Cms, Crm, Kind as Family, Resource};
use opencdc::Data;
use serde_json::{Value, json};
use thiserror::Error;

use crate::plan::Kind;

/// A body, as JSON.
pub(crate) type Object = serde_json::Map<String, Value>;

/// The payload can't be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// There is none, or nothing in it that can be written.
    #[error("the payload is empty: there is nothing to write")]
    Empty,
    /// It is raw, and no JSON object.
    #[error("the payload can't be read: {0}; give a JSON object")]
    Unreadable(String),
    /// `properties` is there, but no map of properties.
    #[error("the payload's `properties` is no map of property names and values")]
    PropertiesAreNoMap,
    /// There are fields beside `properties` that HubSpot's documents don't have.
    #[error("the payload has {} beside `properties`, which HubSpot doesn't take there; if they are properties, move them into `properties`", .0.join(", "))]
    UnknownFields(Vec<String>),
    /// `associations` is not what HubSpot's create takes.
    #[error(
        "the payload's `associations` is no list of {{\"to\": {{\"id\"}}, \"types\": [...]}}, which is what HubSpot's create takes"
    )]
    AssociationsAreNoList,
    /// `associations` is there, in an update.
    #[error("HubSpot takes no `associations` in an update; leave them out")]
    AssociationsInUpdate,
    /// The resource is a list that HubSpot only shows, such as owners or pipelines.
    #[error("HubSpot only shows this list, and takes nothing for it here")]
    Directory,
}

/// What HubSpot puts around a CRM object that it answers with, and takes in no input
/// (`SimplePublicObject`, `SimplePublicObjectWithAssociations`, `SimplePublicUpsertObject` in its documents).
const ENVELOPE: [&str; 9] =
    ["id", "createdAt", "updatedAt", "archived", "archivedAt", "url", "propertiesWithHistory", "warnings", "new"];

/// What HubSpot itself sets in the CMS objects that it answers with, beside ids and the catalogue's timestamps: generated, by its
/// documents, in blogs and pages; absent from the inputs of HubDB tables and URL redirects.
const GENERATED: [&str; 15] = [
    "archived",
    "columnCount",
    "createdBy",
    "createdById",
    "currentState",
    "currentlyPublished",
    "deleted",
    "isOrderedManually",
    "pageRedirected",
    "published",
    "publishedAt",
    "rowCount",
    "updatedBy",
    "updatedById",
    "url",
];

/// The body for creating or updating an object of this resource.
pub(crate) fn body(resource: &Resource, kind: Kind, payload: Option<Data>) -> Result<Object, PayloadError> {
    let payload = payload.filter(|payload| !payload.is_empty()).ok_or(PayloadError::Empty)?;
    let fields = payload.into_structured().map_err(|error| PayloadError::Unreadable(error.to_string()))?;
    if fields.is_empty() {
        return Err(PayloadError::Empty);
    }
    match &resource.kind {
        Family::Crm(crm) => crm_body(crm, kind, fields),
        Family::Cms(cms) => cms_body(cms, fields),
        Family::Directory(_) => Err(PayloadError::Directory),
    }
}

fn crm_body(crm: &Crm, kind: Kind, mut fields: Object) -> Result<Object, PayloadError> {
    let creates = kind == Kind::Create;
    let Some(properties) = fields.remove("properties") else {
        return Ok(crm_input(creates, fields, json!([])));
    };
    let Value::Object(mut properties) = properties else { return Err(PayloadError::PropertiesAreNoMap) };

    if fields.contains_key("createdAt") || fields.contains_key("updatedAt") {
        for own in ["hs_object_id", crm.created_property, crm.updated_property] {
            properties.remove(own);
        }
    }
    let associations = match fields.remove("associations") {
        None | Some(Value::Null) => json!([]),
        Some(Value::Object(map)) if map.is_empty() => json!([]),
        Some(Value::Array(list)) if list.is_empty() => json!([]),
        Some(_) if !creates => return Err(PayloadError::AssociationsInUpdate),
        Some(list @ Value::Array(_)) => list,
        Some(_) => return Err(PayloadError::AssociationsAreNoList),
    };
    // The engine ties answers to records by a trace of its own.
    fields.remove("objectWriteTraceId");
    let id_property = if creates { None } else { fields.remove("idProperty") };
    let unknown: Vec<String> =
        fields.keys().filter(|name| !ENVELOPE.contains(&name.as_str())).map(|name| format!("`{name}`")).collect();
    if !unknown.is_empty() {
        return Err(PayloadError::UnknownFields(unknown));
    }

    let mut input = crm_input(creates, properties, associations);
    if let Some(id_property) = id_property {
        input.insert("idProperty".to_owned(), id_property);
    }
    Ok(input)
}

/// A create has to have `associations`, an update can't (`SimplePublicObjectInputForCreate`, `SimplePublicObjectBatchInput`).
fn crm_input(creates: bool, properties: Object, associations: Value) -> Object {
    let mut input = Object::new();
    input.insert("properties".to_owned(), Value::Object(properties));
    if creates {
        input.insert("associations".to_owned(), associations);
    }
    input
}

fn cms_body(cms: &Cms, mut fields: Object) -> Result<Object, PayloadError> {
    fields.retain(|name, _| {
        let name = name.as_str();
        let timestamps = [cms.created_fields, cms.updated_fields, cms.deleted_fields];
        name != "id" && !GENERATED.contains(&name) && !timestamps.iter().any(|fields| fields.contains(&name))
    });
    if fields.is_empty() { Err(PayloadError::Empty) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(resource: &str, kind: Kind, payload: Value) -> Result<Value, PayloadError> {
        let resource = hubspot_catalog::find(resource).unwrap();
        body(resource, kind, Some(Data::try_from(payload).unwrap())).map(Value::Object)
    }

    #[test]
    fn a_bare_map_is_wrapped_into_properties() {
        let bare = json!({"email": "ada@example.com", "age": 36});
        assert_eq!(
            of("crm.contacts", Kind::Create, bare.clone()),
            Ok(json!({"properties": {"email": "ada@example.com", "age": 36}, "associations": []}))
        );
        assert_eq!(of("crm.contacts", Kind::Update, bare.clone()), Ok(json!({ "properties": bare })));
    }

    #[test]
    fn raw_json_is_as_good_as_a_structure() {
        let contacts = hubspot_catalog::find("crm.contacts").unwrap();
        let raw = |text: &str| body(contacts, Kind::Update, Some(Data::Raw(text.into())));
        assert_eq!(raw(r#"{"firstname":"Ada"}"#).map(Value::Object), Ok(json!({"properties": {"firstname": "Ada"}})));
        assert!(matches!(raw("firstname=Ada"), Err(PayloadError::Unreadable(_))));
        assert!(matches!(raw("[1]"), Err(PayloadError::Unreadable(_))));
        assert_eq!(raw("{}"), Err(PayloadError::Empty));
    }

    #[test]
    fn a_body_of_the_users_own_goes_out_as_it_came() {
        let associations =
            json!([{"to": {"id": "9"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]}]);
        let own = json!({
            "properties": {"email": "ada@example.com", "hs_object_id": "51", "createdate": "", "left": null},
            "associations": associations,
        });
        assert_eq!(of("crm.contacts", Kind::Create, own.clone()), Ok(own));
        let by_email = json!({"properties": {"firstname": "Ada"}, "idProperty": "email"});
        assert_eq!(of("crm.contacts", Kind::Update, by_email.clone()), Ok(by_email));
    }

    #[test]
    fn an_object_of_hubspots_leaves_behind_what_nobody_can_write() {
        let whole = json!({
            "id": "51", "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z", "archived": false,
            "url": "https://app.hubspot.com/contacts/1/record/0-1/51", "objectWriteTraceId": "7", "associations": {},
            "properties": {
                "email": "ada@example.com", "hs_object_id": "51", "createdate": "2026-01-01T00:00:00Z",
                "lastmodifieddate": "2026-01-02T00:00:00Z", "hs_lastmodifieddate": null,
            },
        });
        let properties = json!({"email": "ada@example.com", "hs_lastmodifieddate": null});
        assert_eq!(
            of("crm.contacts", Kind::Create, whole.clone()),
            Ok(json!({"properties": properties, "associations": []}))
        );
        assert_eq!(of("crm.contacts", Kind::Update, whole), Ok(json!({ "properties": properties })));
    }

    #[test]
    fn what_hubspot_does_not_take_is_named_not_dropped() {
        let error = of("crm.contacts", Kind::Create, json!({"properties": {}, "phone": "1", "age": 3})).unwrap_err();
        assert!(error.to_string().contains("`age`, `phone`"), "{error}");
        let create = |associations: Value| {
            of("crm.deals", Kind::Create, json!({"properties": {}, "associations": associations}))
        };
        assert_eq!(create(json!({"contacts": {"results": []}})), Err(PayloadError::AssociationsAreNoList));
        assert_eq!(
            of("crm.deals", Kind::Update, json!({"properties": {}, "associations": [1]})),
            Err(PayloadError::AssociationsInUpdate)
        );
        assert_eq!(of("crm.deals", Kind::Create, json!({"properties": "x"})), Err(PayloadError::PropertiesAreNoMap));
        // A bare map that happens to say `idProperty` in a create isn't taken apart.
        assert!(of("crm.deals", Kind::Create, json!({"properties": {}, "idProperty": "x"})).is_err());
    }

    #[test]
    fn nothing_to_write_is_an_error() {
        let contacts = hubspot_catalog::find("crm.contacts").unwrap();
        for payload in [None, Some(Data::Raw(Vec::new())), Some(Data::Structured(Object::new()))] {
            assert_eq!(body(contacts, Kind::Create, payload), Err(PayloadError::Empty));
        }
        assert_eq!(of("cms.blogs.tags", Kind::Update, json!({"id": "5", "created": "x"})), Err(PayloadError::Empty));
    }

    #[test]
    fn a_cms_object_is_the_body_without_what_hubspot_sets() {
        let post = json!({
            "id": "5", "name": "Hello", "slug": "hello", "state": "DRAFT", "created": "x", "updated": "y", "archivedAt": 0,
            "currentState": "DRAFT", "publishDate": "z", "tagIds": [1],
        });
        assert_eq!(
            of("cms.blogs.posts", Kind::Create, post),
            Ok(json!({"name": "Hello", "slug": "hello", "state": "DRAFT", "publishDate": "z", "tagIds": [1]}))
        );
        let table = json!({
            "id": "5", "name": "prices", "label": "Prices", "createdAt": "x", "updatedAt": "y", "published": true, "rowCount": 3,
            "columnCount": 1, "deleted": false, "columns": [{"name": "price", "type": "NUMBER"}],
        });
        assert_eq!(
            of("cms.hubdb.tables", Kind::Update, table),
            Ok(json!({"name": "prices", "label": "Prices", "columns": [{"name": "price", "type": "NUMBER"}]}))
        );
    }
}
