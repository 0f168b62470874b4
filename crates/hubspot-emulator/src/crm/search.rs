//! Search: what the index knows, filtered, sorted and paged by an offset.

mod filter;
mod find;

use serde_json::{Map, Value};

use super::object::Projection;
use crate::definitions::ObjectType;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::strings;
use crate::json::write_number;
use crate::routes::Call;
use filter::{Filter, Test, operand};
use find::{Search, Sort};

/// Objects on a page.
const PAGE: usize = 200;
/// Objects that a query can page through.
const RESULTS: usize = 10_000;
const GROUPS: usize = 6;
const FILTERS_IN_GROUP: usize = 6;
const FILTERS: usize = 18;
const QUERY: usize = 3_000;

/// `POST …/{objectType}/search`.
pub(crate) fn answer(call: &Call<'_>, object_type: &str) -> Result<Reply> {
    let shared = call.state.crm.store(object_type)?;
    let body = call.request.object()?;
    let now = call.state.clock.now();
    if shared.read().index.is_behind(now) {
        shared.write().index.appear(now);
    }
    let store = shared.read();
    let object_type = store.object_type();
    call.state.require_scope(&object_type.read_scopes)?;
    let groups = groups(object_type, &body)?;
    let sort = sort(object_type, &body)?;
    let limit = number(&body, "limit")?.unwrap_or(10);
    let offset = number(&body, "after")?.unwrap_or(0);
    if !(1..=PAGE).contains(&limit) {
        return Err(ApiError::invalid(format!("limit has to be from 1 to {PAGE}, it is {limit}")));
    }
    if offset + limit > RESULTS {
        return Err(ApiError::invalid(format!(
            "The maximum number of results of a query is {RESULTS}: after ({offset}) and limit ({limit}) are beyond it"
        )));
    }
    let query = body.get("query").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    if query.chars().count() > QUERY {
        return Err(ApiError::invalid(format!("query has more than {QUERY} characters")));
    }
    let search = Search { groups, sort, query };
    let projection = Projection::asked(object_type, &call.settings, strings(&body, "properties"))?;
    let (total, mut page) = find::find(&store.index, object_type, &search, offset, limit);
    let mut next = offset + page.len();
    if call.state.chance(call.settings.search_noise)
        && let Some(outsider) = find::outsider(&store.index, object_type, &search)
    {
        if page.len() == limit {
            page.pop();
            next -= 1;
        }
        page.insert(0, outsider);
    }
    let mut out = Vec::with_capacity(limit * 400);
    out.extend_from_slice(b"{\"total\":");
    write_number(&mut out, total as u64);
    out.extend_from_slice(b",\"results\":[");
    for (position, object) in page.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        projection.write(&mut out, object);
    }
    out.push(b']');
    if next < total {
        out.extend_from_slice(format!(",\"paging\":{{\"next\":{{\"after\":\"{next}\"}}}}").as_bytes());
    }
    out.push(b'}');
    Ok(Reply::written(200, out, page.len()))
}

fn groups(object_type: &ObjectType, body: &Map<String, Value>) -> Result<Vec<Vec<Filter>>> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    // `filters` without groups is one group: the documents don't say so, HubSpot takes it. (Seen.)
    let groups = match body.get("filterGroups") {
        Some(groups) => list(Some(groups)).iter().map(|group| list(group.get("filters"))).collect(),
        None => vec![list(body.get("filters"))],
    };
    let groups: Vec<Vec<Value>> = groups.into_iter().filter(|group| !group.is_empty()).collect();
    let filters: usize = groups.iter().map(Vec::len).sum();
    if groups.len() > GROUPS || filters > FILTERS || groups.iter().any(|group| group.len() > FILTERS_IN_GROUP) {
        return Err(ApiError::invalid(format!(
            "A search has at most {GROUPS} filterGroups with {FILTERS_IN_GROUP} filters each, {FILTERS} in all"
        )));
    }
    groups.iter().map(|group| group.iter().map(|filter| read_filter(object_type, filter)).collect()).collect()
}

fn read_filter(object_type: &ObjectType, filter: &Value) -> Result<Filter> {
    let field = |name: &str| match filter.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let property = field("propertyName").unwrap_or_default();
    if !object_type.properties.contains_key(property.as_str()) {
        return Err(ApiError::invalid(format!(
            "There was a problem with the request: property {property} does not exist on {}",
            object_type.name
        )));
    }
    let operator = field("operator").unwrap_or_default();
    let need = |name: &str| {
        field(name)
            .ok_or_else(|| ApiError::invalid(format!("Filter on {property}: operator {operator} requires {name}")))
    };
    let value = |name: &str| need(name).map(|value| operand(object_type, &property, &value));
    let values = || {
        let values = filter.get("values").and_then(Value::as_array).filter(|values| !values.is_empty());
        let values = values
            .ok_or_else(|| ApiError::invalid(format!("Filter on {property}: operator {operator} requires values")))?;
        Ok::<_, ApiError>(
            values
                .iter()
                .filter_map(Value::as_str)
                .map(|value| operand(object_type, &property, value))
                .collect::<Vec<_>>(),
        )
    };
    let test = match operator.as_str() {
        "HAS_PROPERTY" => Test::Has(true),
        "NOT_HAS_PROPERTY" => Test::Has(false),
        "EQ" => Test::Equal { any_of: vec![value("value")?], negated: false },
        "NEQ" => Test::Equal { any_of: vec![value("value")?], negated: true },
        "IN" => Test::Equal { any_of: values()?, negated: false },
        "NOT_IN" => Test::Equal { any_of: values()?, negated: true },
        "GT" => Test::Between { least: Some((value("value")?, false)), most: None },
        "GTE" => Test::Between { least: Some((value("value")?, true)), most: None },
        "LT" => Test::Between { least: None, most: Some((value("value")?, false)) },
        "LTE" => Test::Between { least: None, most: Some((value("value")?, true)) },
        "BETWEEN" => Test::Between { least: Some((value("value")?, true)), most: Some((value("highValue")?, true)) },
        "CONTAINS_TOKEN" => Test::Contains { token: need("value")?.to_lowercase(), negated: false },
        "NOT_CONTAINS_TOKEN" => Test::Contains { token: need("value")?.to_lowercase(), negated: true },
        other => return Err(ApiError::invalid(format!("Filter on {property}: unknown operator {other}"))),
    };
    Ok(Filter { property, test })
}

/// The one sort there may be; without it, by creation. (Seen: the oldest come first.)
fn sort(object_type: &ObjectType, body: &Map<String, Value>) -> Result<Sort> {
    let sorts = body.get("sorts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let sort = match sorts {
        [] => Sort { property: object_type.created.clone(), descending: false },
        // The documents have strings here, HubSpot's pages objects; both work.
        [Value::String(name)] => {
            Sort { property: name.trim_start_matches('-').to_owned(), descending: name.starts_with('-') }
        }
        [sort] => Sort {
            property: sort.get("propertyName").and_then(Value::as_str).unwrap_or_default().to_owned(),
            descending: sort.get("direction").and_then(Value::as_str) == Some("DESCENDING"),
        },
        _ => return Err(ApiError::invalid("A search has at most one sort")),
    };
    if object_type.properties.contains_key(sort.property.as_str()) {
        Ok(sort)
    } else {
        Err(ApiError::invalid(format!(
            "There was a problem with the request: can't sort by {}, which does not exist on {}",
            sort.property, object_type.name
        )))
    }
}

/// A number in a body: HubSpot takes it as text too.
fn number(body: &Map<String, Value>, name: &str) -> Result<Option<usize>> {
    let invalid = || ApiError::invalid(format!("{name} has to be a whole number"));
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number.as_u64().map(|number| Some(number as usize)).ok_or_else(invalid),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| invalid()),
        Some(_) => Err(invalid()),
    }
}
