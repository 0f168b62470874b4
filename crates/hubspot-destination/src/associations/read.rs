//! What a payload's `associations` say. Pure.
//!
//! Four forms are understood, and they may be mixed:
//! * by object type, as this project's source writes it: `{"companies": [{"id": "5", "types": [{"category", "typeId", "label"}]}]}`;
//! * by object type, as HubSpot's lists answer: `{"companies": {"results": [{"id": "5", "type": "contact_to_company"}]}}`. The name of
//!   the type in them is an older API's, and stands for the default type here;
//! * as HubSpot's create takes it: `[{"to": {"id": "5"}, "types": [{"associationCategory", "associationTypeId"}]}]`;
//! * by object type, written by hand: `{"contacts": ["5", {"id": "6", "label": "Billing"}, {"email": "ada@example.com"}]}`. A property
//!   that a target is named by has to be unique (`hasUniqueValue`); HubSpot refuses others.

use std::collections::HashMap;

use hubspot_catalog::{CUSTOM_PREFIX, Kind, RESOURCES};
use hubspot_client::OneLine;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Link, LinkType, Target};

/// A payload's `associations` can't be understood. Its text is one line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the payload's `{}` {problem}", OneLine(.at))]
pub struct LinkError {
    /// Where: `associations.companies[2]`.
    pub at: String,
    /// What is wrong there, and what to give.
    pub problem: String,
}

/// The categories that HubSpot's documents have.
const CATEGORIES: [&str; 4] = [super::HUBSPOT_DEFINED, "USER_DEFINED", "INTEGRATOR_DEFINED", "WORK"];

/// The fields of an entry that say something else than which object is meant.
const WORDS: [&str; 12] = [
    "id",
    "toObjectId",
    "idProperty",
    "type",
    "types",
    "associationTypes",
    "label",
    "labels",
    "category",
    "associationCategory",
    "typeId",
    "associationTypeId",
];

/// The links that a payload's `associations` name, each pair once.
pub(crate) fn read(value: &Value) -> Result<Vec<Link>, LinkError> {
    let mut links = Links::default();
    match value {
        Value::Null => {}
        Value::Array(list) => {
            for (n, entry) in list.iter().enumerate() {
                let at = || format!("associations[{n}]");
                let entry = entry.as_object().filter(|entry| entry.contains_key("to"));
                let entry = entry.ok_or_else(|| {
                    let problem = "is no {\"to\": {\"id\"}, \"types\": [...]}, which is what a list of HubSpot's holds; \
                                   or give a map by object type, such as {\"companies\": [{\"id\": \"5\"}]}";
                    wrong(at(), problem)
                })?;
                links.push(create_entry(None, entry).map_err(|problem| wrong(at(), problem))?);
            }
        }
        Value::Object(by_type) => {
            for (name, entries) in by_type {
                let to = object_type(name);
                let at = |n: usize| format!("associations.{name}[{n}]");
                if to.is_empty() {
                    return Err(wrong(format!("associations.{name}"), "has no object type for a name"));
                }
                for (n, entry) in entries_of(entries).iter().enumerate() {
                    links.push(entry_of(&to, entry).map_err(|problem| wrong(at(n), problem))?);
                }
            }
        }
        _ => {
            let problem = "is neither a map by object type, such as {\"companies\": [{\"id\": \"5\"}]}, nor a list as HubSpot's create \
                           takes it";
            return Err(wrong("associations".to_owned(), problem));
        }
    }
    Ok(links.list)
}

/// An object type as it stands in HubSpot's paths, by its name in the catalogue (`crm.lineItems`), its name in paths, or its id (`0-8`).
/// Others are the account's own, and stay as they are.
pub(super) fn object_type(name: &str) -> String {
    let name = name.trim();
    let catalogued = RESOURCES.iter().find_map(|resource| match &resource.kind {
        Kind::Crm(crm) if [resource.name, crm.object_type, crm.object_type_id].contains(&name) => Some(crm.object_type),
        _ => None,
    });
    catalogued.unwrap_or_else(|| name.strip_prefix(CUSTOM_PREFIX).unwrap_or(name)).to_owned()
}

/// The entries of one object type: a list, a page of HubSpot's, or a single one.
fn entries_of(entries: &Value) -> &[Value] {
    match entries {
        Value::Null => &[],
        Value::Array(list) => list,
        Value::Object(page) => match page.get("results") {
            Some(Value::Array(list)) => list,
            Some(Value::Null) => &[],
            _ => std::slice::from_ref(entries),
        },
        one => std::slice::from_ref(one),
    }
}

fn entry_of(to: &str, entry: &Value) -> Result<Link, String> {
    if let Some(id) = text(entry) {
        return Ok(Link { to: Some(to.to_owned()), target: Target::Id(id), types: Vec::new() });
    }
    let Value::Object(entry) = entry else {
        return Err("is neither an id nor an object that names one".to_owned());
    };
    if entry.contains_key("to") {
        return create_entry(Some(to), entry);
    }
    Ok(Link { to: Some(to.to_owned()), target: target(entry)?, types: types(entry)? })
}

/// `{"to": {"id"}, "types": […]}`.
fn create_entry(to: Option<&str>, entry: &Map<String, Value>) -> Result<Link, String> {
    let id = entry.get("to").and_then(|to| text(to.get("id")?));
    let id = id.ok_or_else(|| "has no id in `to`".to_owned())?;
    let surplus = surplus(entry, &["to", "types"]);
    if !surplus.is_empty() {
        return Err(format!("has {} beside `to` and `types`, which HubSpot doesn't take there", surplus.join(", ")));
    }
    Ok(Link { to: to.map(str::to_owned), target: Target::Id(id), types: types(entry)? })
}

/// Which object an entry means: by its id, or by one unique property.
fn target(entry: &Map<String, Value>) -> Result<Target, String> {
    let properties = surplus(entry, &WORDS);
    let id = ["id", "toObjectId"].iter().find_map(|field| entry.get(*field));
    let Some(id) = id else {
        let [property] = properties.as_slice() else {
            return Err(if properties.is_empty() {
                "says neither an id nor a unique property and its value".to_owned()
            } else {
                format!("says several properties ({}); give the id, or one unique property", properties.join(", "))
            });
        };
        let name = property.trim_matches('`').to_owned();
        let value = entry.get(&name).and_then(text);
        let value = value.ok_or_else(|| format!("has no text or whole number in {property}"))?;
        return Ok(Target::Property { name, value });
    };
    if !properties.is_empty() {
        return Err(format!("has {} beside the id; give the id, or one unique property", properties.join(", ")));
    }
    let id = text(id).ok_or_else(|| "has an id that is neither a text nor a whole number".to_owned())?;
    match entry.get("idProperty") {
        None | Some(Value::Null) => Ok(Target::Id(id)),
        Some(Value::String(name)) if !name.is_empty() => Ok(Target::Property { name: name.clone(), value: id }),
        Some(_) => Err("has an `idProperty` that is no property's name".to_owned()),
    }
}

/// The fields that aren't among `known`, quoted.
fn surplus(entry: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    entry.keys().filter(|field| !known.contains(&field.as_str())).map(|field| format!("`{field}`")).collect()
}

/// In what ways an entry associates: `types` or `labels` as lists, and what stands in the entry itself.
fn types(entry: &Map<String, Value>) -> Result<Vec<LinkType>, String> {
    let mut types = Vec::new();
    for field in ["types", "associationTypes", "labels"] {
        match entry.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                for of in list {
                    types.push(match of {
                        Value::Object(of) => link_type(of)?.ok_or_else(|| NO_TYPE.to_owned())?,
                        of => labelled(of).ok_or_else(|| NO_TYPE.to_owned())?,
                    });
                }
            }
            Some(_) => return Err(format!("has `{field}` that is no list")),
        }
    }
    types.extend(link_type(entry)?);
    Ok(types)
}

const NO_TYPE: &str = "has a type with neither a label nor an id";

fn labelled(label: &Value) -> Option<LinkType> {
    let label = label.as_str().filter(|label| !label.trim().is_empty())?;
    Some(LinkType { label: Some(label.to_owned()), ..LinkType::default() })
}

/// The type that an object names in its own fields, if it names one.
fn link_type(of: &Map<String, Value>) -> Result<Option<LinkType>, String> {
    let field = |names: [&str; 2]| names.iter().filter_map(|name| of.get(*name)).find(|value| !value.is_null());
    let type_id = match field(["typeId", "associationTypeId"]) {
        None => None,
        Some(id) => {
            let number = id.as_u64().or_else(|| id.as_str()?.trim().parse().ok());
            Some(number.ok_or_else(|| format!("has the type id {id}, which is no number"))?)
        }
    };
    let category = match field(["category", "associationCategory"]) {
        None => None,
        Some(Value::String(category)) if category.is_empty() => None,
        Some(category) => {
            let known = CATEGORIES.into_iter().find(|known| category.as_str() == Some(known));
            let known = known.ok_or_else(|| {
                format!(
                    "has the category {category}, which HubSpot doesn't have; give one of {}",
                    CATEGORIES.join(", ")
                )
            })?;
            Some(known.to_owned())
        }
    };
    let label = match field(["label", "label"]) {
        None => None,
        Some(Value::String(label)) => Some(label.clone()).filter(|label| !label.trim().is_empty()),
        Some(label) => return Err(format!("has the label {label}, which is no text")),
    };
    if type_id.is_none() && label.is_none() {
        return if category.is_some() { Err(NO_TYPE.to_owned()) } else { Ok(None) };
    }
    Ok(Some(LinkType { category, type_id, label }))
}

/// An id or a value as text: whole numbers are as good as texts.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}

fn wrong(at: String, problem: impl Into<String>) -> LinkError {
    LinkError { at, problem: problem.into() }
}

/// Links in their order, each target once with all its types.
#[derive(Default)]
struct Links {
    list: Vec<Link>,
    /// The default type is one of its own, so it doesn't melt into others.
    places: HashMap<(Option<String>, Target, bool), usize>,
}

impl Links {
    fn push(&mut self, link: Link) {
        let key = (link.to.clone(), link.target.clone(), link.types.is_empty());
        let Some(place) = self.places.get(&key) else {
            self.places.insert(key, self.list.len());
            return self.list.push(link);
        };
        let types = &mut self.list[*place].types;
        for of in link.types {
            if !types.contains(&of) {
                types.push(of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn link(to: &str, id: &str, types: Vec<LinkType>) -> Link {
        Link { to: Some(to.to_owned()), target: Target::Id(id.to_owned()), types }
    }

    fn of(category: &str, type_id: u64, label: Option<&str>) -> LinkType {
        LinkType { category: Some(category.into()), type_id: Some(type_id), label: label.map(str::to_owned) }
    }

    fn label(text: &str) -> LinkType {
        LinkType { label: Some(text.to_owned()), ..LinkType::default() }
    }

    #[test]
    fn what_our_source_writes_is_read_whole() {
        let value = json!({
            "companies": [
                {"id": "9", "types": [
                    {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null},
                    {"category": "USER_DEFINED", "typeId": 36, "label": "Billing"},
                ]},
                {"id": "10", "types": []},
            ],
            "deals": [],
        });
        assert_eq!(
            read(&value).unwrap(),
            [
                link("companies", "9", vec![of("HUBSPOT_DEFINED", 279, None), of("USER_DEFINED", 36, Some("Billing"))]),
                link("companies", "10", vec![]),
            ]
        );
    }

    #[test]
    fn a_list_answer_of_hubspots_is_the_default_type_once_each() {
        let value = json!({"contacts": {"results": [
            {"id": "1", "type": "company_to_contact"}, {"id": "1", "type": "company_to_contact_unlabeled"}, {"id": 2, "type": "x"},
        ], "paging": {}}, "deals": {"results": null}});
        assert_eq!(read(&value).unwrap(), [link("contacts", "1", vec![]), link("contacts", "2", vec![])]);
        let labelled =
            json!({"contacts": [{"toObjectId": 7, "associationTypes": [{"category": "WORK", "typeId": "3"}]}]});
        assert_eq!(read(&labelled).unwrap(), [link("contacts", "7", vec![of("WORK", 3, None)])]);
    }

    #[test]
    fn hubspots_create_form_names_no_object_type_and_goes_back_as_it_came() {
        let value = json!([
            {"to": {"id": "5"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]},
            {"to": {"id": "6"}, "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": 36}]},
        ]);
        let links = read(&value).unwrap();
        assert!(links.iter().all(|link| link.to.is_none()));
        assert_eq!(super::super::inline(&links), Some(value));
        let by_type = json!({"companies": [
            {"to": {"id": "5"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]},
        ]});
        assert_eq!(read(&by_type).unwrap(), [link("companies", "5", vec![of("HUBSPOT_DEFINED", 279, None)])]);
    }

    #[test]
    fn by_hand_a_target_is_an_id_or_one_property_with_or_without_labels() {
        let value = json!({
            "crm.companies": ["123", 4, {"id": "5", "label": "Billing contact"}, {"domain": "example.com", "labels": ["A", "B"]},
                {"id": "x.example", "idProperty": "domain"}],
            "0-3": {"id": "8"},
            "crm.objects.cars": "1",
            "2-456": null,
        });
        let by_domain = |value: &str, types: Vec<LinkType>| Link {
            to: Some("companies".into()),
            target: Target::Property { name: "domain".into(), value: value.into() },
            types,
        };
        let mut links = read(&value).unwrap();
        links.sort_by_key(|link| link.to.clone());
        assert_eq!(
            links,
            [
                link("cars", "1", vec![]),
                link("companies", "123", vec![]),
                link("companies", "4", vec![]),
                link("companies", "5", vec![label("Billing contact")]),
                by_domain("example.com", vec![label("A"), label("B")]),
                by_domain("x.example", vec![]),
                link("deals", "8", vec![]),
            ]
        );
    }

    #[test]
    fn names_of_object_types_are_as_in_paths() {
        for name in ["crm.lineItems", "line_items", "0-8"] {
            assert_eq!(object_type(name), "line_items");
        }
        assert_eq!(object_type("2-456"), "2-456");
        assert_eq!(object_type("p1_cars"), "p1_cars");
    }

    #[test]
    fn what_cannot_be_understood_is_named_in_one_line() {
        let problem = |value: Value| {
            let line = read(&value).unwrap_err().to_string();
            assert!(!line.contains('\n'), "{line}");
            line
        };
        assert!(problem(json!("5")).contains("`associations` is neither"));
        assert!(problem(json!([1])).contains("`associations[0]`"));
        assert!(problem(json!([{"to": {}}])).contains("no id in `to`"));
        assert!(problem(json!({"companies": ["1", true]})).contains("`associations.companies[1]`"));
        assert!(problem(json!({"companies": [""]})).contains("neither an id"));
        assert!(problem(json!({"companies": [{"domain": "a", "name": "b"}]})).contains("(`domain`, `name`)"));
        assert!(problem(json!({"companies": [{"id": "1", "name": "b"}]})).contains("`name` beside the id"));
        assert!(problem(json!({"companies": [{"domain": null}]})).contains("`domain`"));
        assert!(problem(json!({"companies": [{"id": 1.5}]})).contains("whole number"));
        assert!(problem(json!({"companies": [{"id": "1", "category": "WORK"}]})).contains("neither a label nor an id"));
        assert!(problem(json!({"companies": [{"id": "1", "category": "MINE", "typeId": 1}]})).contains("\"MINE\""));
        assert!(problem(json!({"companies": [{"id": "1", "types": [{}]}]})).contains("neither a label nor an id"));
        assert!(problem(json!({"companies": [{"id": "1", "types": 3}]})).contains("no list"));
        assert!(problem(json!({" ": ["1"]})).contains("object type"));
        assert_eq!(read(&json!(null)).unwrap(), []);
        assert_eq!(read(&json!({"companies": null})).unwrap(), []);
    }
}
