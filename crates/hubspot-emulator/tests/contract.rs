//! What the emulator answers has the form that HubSpot's OpenAPI documents give it. The documents are not part of this repository: they are
//! looked for where `HUBSPOT_OPENAPI_DIR` says, else in `shared/openapi` beside the project. Without either the tests say that they are
//! skipped; with documents that can't be read they fail.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod support;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hubspot_emulator::Settings;
use jsonschema::Validator;
use serde_json::{Value, json};
use support::{Hub, hub, ids};

fn documents() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("HUBSPOT_OPENAPI_DIR").filter(|folder| !folder.is_empty()) {
        return Some(folder.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/openapi");
    if beside.is_dir() {
        return Some(beside);
    }
    // Not by a macro: a test's own output is shown only when it fails.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: the emulator against HubSpot's documents: set HUBSPOT_OPENAPI_DIR, or put them into shared/openapi"
    );
    None
}

/// A version of the API: the directory of its documents, and how its paths are made of the dated ones.
#[derive(Clone, Copy, Debug)]
struct Version(&'static str);

impl Version {
    /// The path of this version for one that has `{v}` where dated versions have theirs.
    fn path(self, path: &str) -> String {
        if self.0 != "v3" {
            return path.replace("{v}", self.0);
        }
        let segments: Vec<&str> = path.split('/').collect();
        let position = segments.iter().position(|segment| segment.starts_with("{v}")).unwrap();
        let query = segments[position].strip_prefix("{v}").unwrap();
        if ["account-info", "crm-object-schemas"].contains(&segments[1]) {
            return path.replace("{v}", "v3");
        }
        if segments[2] == "url-redirects" && segments.len() == 4 {
            return path.replace("{v}", "v3");
        }
        let number = if segments[2] == "associations" || path.contains("/associations/") { "v4" } else { "v3" };
        let mut rest: Vec<&str> = segments[2..].to_vec();
        rest.remove(position - 2);
        let path = format!("/{}/{number}/{}", segments[1], rest.join("/"));
        format!("{}{query}", path.trim_end_matches('/'))
    }
}

struct Contract {
    hub: Hub,
    version: Version,
    documents: PathBuf,
    validators: HashMap<String, Rc<Option<Validator>>>,
    checked: usize,
}

impl Contract {
    /// Asks, and validates the answer against the schema that the document has for this operation and status.
    async fn check(
        &mut self,
        document: &str,
        method: &str,
        template: &str,
        values: &[(&str, &str)],
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let template = self.version.path(template);
        let mut path = template.clone();
        for (name, value) in values {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let answer = self.hub.try_call(method, &path, body.as_ref()).await.unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let validator = self.validator(document, method, &template, status);
        let Some(validator) = &*validator else {
            assert!(answer.text.is_empty(), "{method} {path} has a body: {}", answer.text);
            return Value::Null;
        };
        let mut stripped = answer.body.clone();
        without_nulls(&mut stripped);
        let errors: Vec<String> =
            validator.iter_errors(&stripped).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{method} {path}: {errors:#?}\n{}", answer.text);
        self.checked += 1;
        answer.body
    }

    /// What validates an answer of this status; `None` if it has to have no body.
    fn validator(&mut self, document: &str, method: &str, template: &str, status: u16) -> Rc<Option<Validator>> {
        let key = format!("{document} {method} {template} {status}");
        if let Some(known) = self.validators.get(&key) {
            return Rc::clone(known);
        }
        let file = self.documents.join(self.version.0).join(format!("{document}.json"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut document: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let operation = &document["paths"][template.split('?').next().unwrap()][method.to_lowercase()];
        assert!(operation.is_object(), "the document has no {method} {template}");
        let responses = &operation["responses"];
        let response = responses.get(status.to_string()).unwrap_or(&responses["default"]);
        let reference = response["$ref"].as_str().map(|reference| reference.trim_start_matches('#').to_owned());
        let response = reference.map_or(response, |pointer| document.pointer(&pointer).unwrap());
        let content = response.get("content").and_then(Value::as_object).and_then(|content| content.values().next());
        let schema = content.map(|content| content["schema"].as_object().unwrap().clone());
        // OpenAPI says that what may be null is nullable; and HubSpot's `subCategory` is text, whatever the documents say.
        relax(&mut document["components"]);
        let build = |mut root: serde_json::Map<String, Value>| {
            root.insert("components".into(), document["components"].take());
            jsonschema::options().should_validate_formats(true).build(&Value::Object(root)).unwrap()
        };
        let validator = Rc::new(schema.map(build));
        self.validators.insert(key, Rc::clone(&validator));
        validator
    }
}

fn relax(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
                properties.remove("subCategory");
            }
            fields.values_mut().for_each(relax);
        }
        Value::Array(items) => items.iter_mut().for_each(relax),
        _ => {}
    }
}

/// HubSpot answers null for a property without a value; the documents only know text there.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

async fn contract(version: &'static str) -> Option<Contract> {
    let documents = documents()?;
    Some(Contract {
        hub: hub(Settings::default()).await,
        version: Version(version),
        documents,
        validators: HashMap::new(),
        checked: 0,
    })
}

#[tokio::test]
async fn the_crm_keeps_to_the_documents() {
    for version in ["2026-03", "v3"] {
        let Some(mut c) = contract(version).await else { return };
        let objects = "/crm/objects/{v}/{objectType}";
        let types = [
            "companies",
            "contacts",
            "deals",
            "line_items",
            "products",
            "tickets",
            "quotes",
            "calls",
            "emails",
            "meetings",
            "notes",
            "tasks",
            "0-123",
            "leads",
            "carts",
            "invoices",
            "subscriptions",
            "commerce_payments",
            "communications",
            "postal_mail",
            "appointments",
            "courses",
            "listings",
            "services",
            "goal_targets",
            "users",
            "projects",
            "discounts",
            "fees",
            "taxes",
        ];
        for object_type in types {
            let named: &[(&str, &str)] = &[("objectType", object_type)];
            let empty = json!({"properties": {}, "associations": []});
            let id =
                c.check("objects", "POST", objects, named, Some(empty), 201).await["id"].as_str().unwrap().to_owned();
            let named = &[("objectType", object_type), ("objectId", id.as_str())];
            c.check("objects", "GET", &format!("{objects}/{{objectId}}"), named, None, 200).await;
            c.check(
                "objects",
                "PATCH",
                &format!("{objects}/{{objectId}}"),
                named,
                Some(json!({"properties": {"hubspot_owner_id": ""}})),
                200,
            )
            .await;
            let batch = |operation: &str| format!("{objects}/batch/{operation}");
            let one = json!({"inputs": [{"id": id, "properties": {}}]});
            c.check(
                "objects",
                "POST",
                &batch("create"),
                named,
                Some(json!({"inputs": [{"properties": {}, "associations": [], "objectWriteTraceId": "1"}]})),
                201,
            )
            .await;
            let update = json!({"inputs": [{"id": id, "properties": {"hubspot_owner_id": ""}}]});
            c.check("objects", "POST", &batch("update"), named, Some(update), 200).await;
            c.check("objects", "POST", &batch("update"), named, Some(one.clone()), 400).await;
            c.check("objects", "POST", &batch("upsert"), named, Some(one.clone()), 200).await;
            c.check("objects", "POST", &batch("read"), named, Some(one), 200).await;
            let missing =
                json!({"inputs": [{"id": "5", "properties": {}}], "properties": [], "propertiesWithHistory": []});
            c.check("objects", "POST", &batch("update"), named, Some(missing.clone()), 207).await;
            c.check("objects", "POST", &batch("read"), named, Some(missing), 207).await;
            c.check("objects", "POST", &format!("{objects}/search"), named, Some(json!({"limit": 1})), 200).await;
            c.check("objects", "GET", &format!("{objects}?limit=1"), named, None, 200).await;
            let bad = json!({"properties": {"nonsense": "1"}});
            c.check("objects", "POST", objects, named, Some(bad), 400).await;
            c.check("objects", "POST", &batch("archive"), named, Some(json!({"inputs": [{"id": id}]})), 204).await;
            c.check("objects", "GET", &format!("{objects}?archived=true"), named, None, 200).await;
            c.check("objects", "DELETE", &format!("{objects}/{{objectId}}"), named, None, 204).await;
            c.check("objects", "GET", &format!("{objects}/{{objectId}}"), named, None, 404).await;

            c.check("properties", "GET", "/crm/properties/{v}/{objectType}", named, None, 200).await;
            let property = json!({"name": "own", "label": "Own", "type": "enumeration", "fieldType": "select", "groupName": "g", "options": [{"label": "A", "value": "a", "displayOrder": 0, "hidden": false}]});
            c.check("properties", "POST", "/crm/properties/{v}/{objectType}", named, Some(property.clone()), 201).await;
            let properties = "/crm/properties/{v}/{objectType}/batch/create";
            let more = json!({"name": "more", "label": "More", "type": "string", "fieldType": "text", "groupName": "g", "hasUniqueValue": true});
            c.check("properties", "POST", properties, named, Some(json!({"inputs": [more]})), 201).await;
            c.check("properties", "POST", properties, named, Some(json!({"inputs": [property]})), 207).await;
            let by_own = json!({"inputs": [{"id": "x", "idProperty": "more", "properties": {"more": "x"}}]});
            c.check("objects", "POST", &batch("upsert"), named, Some(by_own.clone()), 200).await;
            c.check("objects", "POST", &batch("update"), named, Some(by_own), 200).await;
            let by_own = json!({"inputs": [{"id": "x"}, {"id": "y"}], "idProperty": "more", "properties": ["more"], "propertiesWithHistory": []});
            c.check("objects", "POST", &batch("read"), named, Some(by_own), 207).await;
        }
        let a = c.hub.account.create("contacts", json!({"email": "a@example.com"}));
        let b = c.hub.account.create("contacts", json!({"email": "b@example.com"}));
        c.hub.account.update("contacts", &a, json!({"firstname": "A"}));
        c.check(
            "contacts",
            "GET",
            "/crm/objects/{v}/contacts/{contactId}?propertiesWithHistory=firstname,email",
            &[("contactId", &a)],
            None,
            200,
        )
        .await;
        c.check(
            "contacts",
            "POST",
            "/crm/objects/{v}/contacts",
            &[],
            Some(json!({"properties": {"email": "a@example.com"}})),
            409,
        )
        .await;
        c.check(
            "contacts",
            "POST",
            "/crm/objects/{v}/contacts/merge",
            &[],
            Some(json!({"primaryObjectId": a, "objectIdToMerge": b})),
            200,
        )
        .await;
        c.check("contacts", "POST", "/crm/objects/{v}/contacts/gdpr-delete", &[], Some(json!({"objectId": a})), 204)
            .await;
        println!("{version}: {} answers", c.checked);
    }
}

#[tokio::test]
async fn associations_schemas_and_account_keep_to_the_documents() {
    for version in ["2026-03", "v3"] {
        let Some(mut c) = contract(version).await else { return };
        let contact = c.hub.account.create("contacts", json!({"email": "a@example.com"}));
        let company = c.hub.account.create("companies", json!({"name": "A"}));
        let document = if version == "v3" { "associations-v4" } else { "associations" };
        let named: &[(&str, &str)] = &[("fromObjectType", "contacts"), ("toObjectType", "companies")];
        let batch =
            |operation: &str| format!("/crm/associations/{{v}}/{{fromObjectType}}/{{toObjectType}}/batch/{operation}");
        let pair = json!({"from": {"id": contact}, "to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]});
        c.check(document, "POST", &batch("create"), named, Some(json!({"inputs": [pair.clone()]})), 201).await;
        let stray = json!({"from": {"id": contact}, "to": {"id": "5"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]});
        c.check(document, "POST", &batch("create"), named, Some(json!({"inputs": [pair.clone(), stray]})), 207).await;
        c.check(document, "POST", &batch("read"), named, Some(json!({"inputs": [{"id": contact}]})), 200).await;
        c.hub.account.associate("contacts", &contact, "companies", &company, Some("Adviser"));
        let other = c.hub.account.create("companies", json!({"name": "B"}));
        c.hub.account.associate("contacts", &contact, "companies", &other, Some("Primary"));
        c.hub.account.set_settings(|settings| settings.association_page = 1);
        let read = json!({"inputs": [{"id": contact}]});
        let read = c.check(document, "POST", &batch("read"), named, Some(read), 200).await;
        assert!(read["results"][0]["paging"]["next"]["after"].is_string());
        let of_object = "/crm/objects/{v}/{objectType}/{objectId}/associations/{toObjectType}";
        let object: &[(&str, &str)] = &[
            ("objectType", "contacts"),
            ("objectId", &contact),
            ("toObjectType", "companies"),
            ("toObjectId", &other),
        ];
        c.check(document, "GET", of_object, object, None, 200).await;
        let spec = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]);
        c.check(document, "PUT", &format!("{of_object}/{{toObjectId}}"), object, Some(spec), 201).await;
        c.check(document, "DELETE", &format!("{of_object}/{{toObjectId}}"), object, None, 204).await;
        let default = json!({"inputs": [{"from": {"id": contact}, "to": {"id": other}}]});
        c.check(document, "POST", &batch("associate/default"), named, Some(default), 200).await;
        let archived = if version == "v3" { 204 } else { 200 };
        c.check(document, "POST", &batch("labels/archive"), named, Some(json!({"inputs": [pair]})), archived).await;
        c.check(document, "POST", &batch("read"), named, Some(json!({"inputs": [{"id": "5"}]})), 207).await;
        let archive = json!({"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]});
        c.check(document, "POST", &batch("archive"), named, Some(archive), if version == "v3" { 204 } else { 200 })
            .await;

        let schema = json!({"name": "machine", "labels": {"singular": "Machine", "plural": "Machines"}, "requiredProperties": [], "properties": [{"name": "serial", "label": "Serial"}]});
        let made = c.check("schemas", "POST", "/crm-object-schemas/{v}/schemas", &[], Some(schema), 201).await;
        c.check("schemas", "GET", "/crm-object-schemas/{v}/schemas", &[], None, 200).await;
        let named = &[("objectType", made["objectTypeId"].as_str().unwrap())];
        c.check("schemas", "GET", "/crm-object-schemas/{v}/schemas/{objectType}", named, None, 200).await;
        c.check("accountInfo", "GET", "/account-info/{v}/details", &[], None, 200).await;
        c.check("accountInfo", "GET", "/account-info/{v}/api-usage/daily/private-apps", &[], None, 200).await;
        c.hub.account.set_scopes(Some(vec![]));
        c.check("contacts", "GET", "/crm/objects/{v}/contacts", &[], None, 403).await;
        c.hub.account.revoke_token();
        c.check("contacts", "GET", "/crm/objects/{v}/contacts", &[], None, 401).await;
        println!("{version}: {} answers", c.checked);
    }
}

#[tokio::test]
async fn owners_and_pipelines_keep_to_the_documents() {
    for version in ["2026-03", "v3"] {
        let Some(mut c) = contract(version).await else { return };
        let teams = json!([{"id": "1", "name": "Sales", "primary": true}]);
        let owner = c.hub.account.create("owners", json!({"email": "a@example.com", "firstName": "A", "teams": teams}));
        let queue = c.hub.account.create("owners", json!({"type": "QUEUE"}));
        let owners = "/crm/owners/{v}";
        let page = c.check("crmOwners", "GET", &format!("{owners}?limit=1"), &[], None, 200).await;
        assert!(page["paging"]["next"]["link"].is_string());
        c.check("crmOwners", "GET", &format!("{owners}/{{ownerId}}"), &[("ownerId", &owner)], None, 200).await;
        c.check("crmOwners", "GET", &format!("{owners}/{{ownerId}}"), &[("ownerId", "5")], None, 404).await;
        c.hub.account.archive("owners", &queue);
        let archived = c.check("crmOwners", "GET", &format!("{owners}?archived=true"), &[], None, 200).await;
        assert_eq!(ids(&archived), [queue.as_str()]);

        let (all, one) = ("/crm/pipelines/{v}/{objectType}", "/crm/pipelines/{v}/{objectType}/{pipelineId}");
        let (stages, stage) = (format!("{one}/stages"), format!("{one}/stages/{{stageId}}"));
        let body = |label: &str| json!({"label": label, "displayOrder": 0, "metadata": {"probability": "0.3", "ticketState": "OPEN"}});
        for object_type in ["deals", "tickets", "leads"] {
            let named = &[("objectType", object_type)];
            c.check("pipelines", "GET", all, named, None, 200).await;
            let pipeline = json!({"label": "P", "displayOrder": 1, "stages": [body("A"), body("B")]});
            let made = c.check("pipelines", "POST", all, named, Some(pipeline), 201).await;
            let named = &[("objectType", object_type), ("pipelineId", made["id"].as_str().unwrap())];
            c.check("pipelines", "GET", one, named, None, 200).await;
            c.check("pipelines", "PATCH", one, named, Some(json!({"label": "Q"})), 200).await;
            let added = c.check("pipelines", "POST", &stages, named, Some(body("C")), 201).await;
            c.check("pipelines", "GET", &stages, named, None, 200).await;
            let named = &[named[0], named[1], ("stageId", added["id"].as_str().unwrap())];
            c.check("pipelines", "GET", &stage, named, None, 200).await;
            c.check("pipelines", "PATCH", &stage, named, Some(json!({"label": "D", "metadata": {}})), 200).await;
            c.check("pipelines", "DELETE", &stage, named, None, 204).await;
            c.check("pipelines", "GET", &stage, named, None, 404).await;
            c.check("pipelines", "DELETE", one, named, None, 204).await;
            c.check("pipelines", "GET", all, named, None, 200).await;
        }
        c.hub.account.set_scopes(Some(vec![]));
        c.check("crmOwners", "GET", owners, &[], None, 403).await;
        c.check("pipelines", "GET", all, &[("objectType", "deals")], None, 403).await;
        println!("{version}: {} answers", c.checked);
    }
}

#[tokio::test]
async fn the_cms_keeps_to_the_documents() {
    for version in ["2026-03", "v3"] {
        let Some(mut c) = contract(version).await else { return };
        for (document, collection, fields) in [
            ("authors", "/cms/blogs/{v}/authors", json!({"fullName": "Ada"})),
            ("posts", "/cms/blogs/{v}/posts", json!({"name": "P"})),
            ("tags", "/cms/blogs/{v}/tags", json!({"name": "t"})),
            ("pages", "/cms/pages/{v}/landing-pages", json!({"name": "L"})),
            ("pages", "/cms/pages/{v}/site-pages", json!({"name": "S"})),
        ] {
            let made = c.check(document, "POST", collection, &[], Some(fields.clone()), 201).await;
            let named = &[("objectId", made["id"].as_str().unwrap())];
            let one = format!("{collection}/{{objectId}}");
            c.check(document, "GET", &one, named, None, 200).await;
            c.check(document, "PATCH", &one, named, Some(json!({"slug": "s"})), 200).await;
            let created = c
                .check(
                    document,
                    "POST",
                    &format!("{collection}/batch/create"),
                    &[],
                    Some(json!({"inputs": [fields]})),
                    201,
                )
                .await;
            let id = ids(&created)[0].clone();
            c.check(
                document,
                "POST",
                &format!("{collection}/batch/read"),
                &[],
                Some(json!({"inputs": [id, "5"]})),
                207,
            )
            .await;
            c.check(
                document,
                "POST",
                &format!("{collection}/batch/update"),
                &[],
                Some(json!({"inputs": [{"id": id, "slug": "s"}]})),
                200,
            )
            .await;
            c.check(document, "GET", &format!("{collection}?limit=1&sort=-updatedAt"), &[], None, 200).await;
            c.check(document, "POST", &format!("{collection}/batch/archive"), &[], Some(json!({"inputs": [id]})), 204)
                .await;
            c.check(document, "DELETE", &one, named, None, 204).await;
            c.check(document, "GET", &format!("{collection}?archived=true"), &[], None, 200).await;
            c.check(document, "GET", &one, named, None, 404).await;
        }
        for (document, collection) in [
            ("posts", "/cms/blogs/{v}/posts"),
            ("pages", "/cms/pages/{v}/landing-pages"),
            ("pages", "/cms/pages/{v}/site-pages"),
        ] {
            let made = c.check(document, "POST", collection, &[], Some(json!({"name": "P"})), 201).await;
            let named = &[("objectId", made["id"].as_str().unwrap())];
            let one = format!("{collection}/{{objectId}}");
            let draft = format!("{one}/draft");
            c.check(document, "PATCH", &draft, named, Some(json!({"name": "Q"})), 200).await;
            c.check(document, "GET", &draft, named, None, 200).await;
            c.check(document, "POST", &format!("{draft}/reset"), named, None, 204).await;
            let schedule = json!({"id": made["id"], "publishDate": "2100-01-01T00:00:00Z"});
            c.check(document, "POST", &format!("{collection}/schedule"), &[], Some(schedule), 204).await;
            c.check(document, "GET", &one, named, None, 200).await;
            c.check(document, "POST", &format!("{draft}/push-live"), named, None, 204).await;
            c.check(document, "GET", &one, named, None, 200).await;
        }

        let tables = "/cms/hubdb/{v}/tables";
        let table = json!({"name": "prices", "label": "Prices", "columns": [{"name": "price", "label": "Price", "type": "NUMBER"}]});
        let made = c.check("hubdb", "POST", tables, &[], Some(table), 201).await;
        let named = &[("tableIdOrName", made["id"].as_str().unwrap())];
        let one = format!("{tables}/{{tableIdOrName}}");
        c.check("hubdb", "PATCH", &format!("{one}/draft"), named, Some(json!({"label": "P"})), 200).await;
        c.check("hubdb", "GET", &format!("{one}/draft"), named, None, 200).await;
        c.check("hubdb", "POST", &format!("{one}/draft/publish"), named, None, 200).await;
        c.check("hubdb", "POST", &format!("{one}/draft/reset"), named, None, 200).await;
        c.check("hubdb", "POST", &format!("{one}/unpublish"), named, None, 200).await;
        c.check("hubdb", "POST", &format!("{one}/draft/publish"), named, None, 200).await;
        c.check("hubdb", "GET", &one, named, None, 200).await;
        c.check("hubdb", "GET", tables, &[], None, 200).await;
        c.check("hubdb", "GET", &format!("{tables}/draft"), &[], None, 200).await;
        c.check("hubdb", "DELETE", &one, named, None, 204).await;
        c.check("hubdb", "GET", &format!("{tables}?archived=true"), &[], None, 200).await;

        let redirects = "/cms/url-redirects/{v}";
        let made = c
            .check(
                "urlRedirects",
                "POST",
                redirects,
                &[],
                Some(json!({"routePrefix": "/a", "destination": "/b", "redirectStyle": 302})),
                201,
            )
            .await;
        let named = &[("urlRedirectId", made["id"].as_str().unwrap())];
        let one = format!("{redirects}/{{urlRedirectId}}");
        c.check("urlRedirects", "GET", &one, named, None, 200).await;
        c.check("urlRedirects", "PATCH", &one, named, Some(json!({"destination": "/c"})), 200).await;
        c.check("urlRedirects", "GET", redirects, &[], None, 200).await;
        c.check("urlRedirects", "DELETE", &one, named, None, 204).await;
        println!("{version}: {} answers", c.checked);
    }
}
