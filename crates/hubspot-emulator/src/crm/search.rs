//! Search: what the index knows, filtered, sorted and paged by an offset.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::index::Index;
use super::object::{Object, Projection};
use crate::clock::{Millis, parse_time};
use crate::definitions::ObjectType;
use crate::errors::{ApiError, Result};
use crate::http::reply::Reply;
use crate::http::request::strings;
use crate::json::write_number;
use crate::routes::Call;

/// Objects on a page.
const PAGE: usize = 200;
/// Objects that a query can page through.
const RESULTS: usize = 10_000;
const GROUPS: usize = 6;
const FILTERS_IN_GROUP: usize = 6;
const FILTERS: usize = 18;
const QUERY: usize = 3_000;

/// A filter, ready to be applied.
#[derive(Debug)]
struct Filter {
    property: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Has(bool),
    /// Compared as numbers or times where the property is one.
    Equal {
        any_of: Vec<Operand>,
        negated: bool,
    },
    Between {
        least: Option<(Operand, bool)>,
        most: Option<(Operand, bool)>,
    },
    Contains {
        token: String,
        negated: bool,
    },
}

/// A value, in the order that its property's type has.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Operand {
    Number(f64),
    Text(String),
}

#[derive(Debug)]
struct Sort {
    property: String,
    descending: bool,
}

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
    let (total, page) = find(&store.index, object_type, &Search { groups, sort, query }, offset, limit);
    let projection = Projection::of(object_type, strings(&body, "properties"));
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
    let next = offset + page.len();
    if next < total {
        out.extend_from_slice(format!(",\"paging\":{{\"next\":{{\"after\":\"{next}\"}}}}").as_bytes());
    }
    out.push(b'}');
    Ok(Reply::written(200, out, page.len()))
}

#[derive(Debug)]
struct Search {
    /// One of these has to hold, all filters of it.
    groups: Vec<Vec<Filter>>,
    sort: Sort,
    query: String,
}

/// How many objects match, and a page of them.
fn find<'a>(
    index: &'a Index,
    object_type: &ObjectType,
    search: &Search,
    offset: usize,
    limit: usize,
) -> (usize, Vec<&'a Arc<Object>>) {
    // Where all groups bound the changed-time, only that part of the index is looked at, which is in its order.
    let (from, to) = bounds(object_type, &search.groups);
    let by_change = search.sort.property == object_type.changed;
    let bounds_say_all = search.query.is_empty()
        && search.groups.len() <= 1
        && search.groups.iter().flatten().all(|filter| filter.is_bound(object_type));
    if by_change && bounds_say_all {
        let total = index.changed(from, to).count();
        let ids: Vec<u64> = if search.sort.descending {
            index.changed(from, to).rev().skip(offset).take(limit).map(|(_, id)| id).collect()
        } else {
            index.changed(from, to).skip(offset).take(limit).map(|(_, id)| id).collect()
        };
        return (total, ids.into_iter().filter_map(|id| index.get(id)).collect());
    }
    let mut found: Vec<&Arc<Object>> = index
        .changed(from, to)
        .filter_map(|(_, id)| index.get(id))
        .filter(|object| matches(object_type, search, object))
        .collect();
    if by_change && search.sort.descending {
        found.reverse();
    } else if !by_change {
        sort_by(object_type, &search.sort, &mut found);
    }
    (found.len(), found.into_iter().skip(offset).take(limit).collect())
}

/// Objects without a value come last. Ties are in the order of ids. (Believed: HubSpot promises no order among them.)
fn sort_by(object_type: &ObjectType, sort: &Sort, objects: &mut Vec<&Arc<Object>>) {
    let mut keyed: Vec<(Option<Operand>, &Arc<Object>)> =
        objects.drain(..).map(|object| (operand_of(object_type, object, &sort.property), object)).collect();
    keyed.sort_by(|(a, x), (b, y)| {
        let order = match (a, b) {
            (Some(a), Some(b)) => {
                let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
                if sort.descending { order.reverse() } else { order }
            }
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        };
        order.then(x.id.cmp(&y.id))
    });
    objects.extend(keyed.into_iter().map(|(_, object)| object));
}

/// The changed-times that can match, from and before.
fn bounds(object_type: &ObjectType, groups: &[Vec<Filter>]) -> (Millis, Millis) {
    let of_group = |group: &Vec<Filter>| {
        let (mut from, mut to) = (0, Millis::MAX);
        for filter in group.iter().filter(|filter| filter.property == object_type.changed) {
            match &filter.test {
                Test::Between { least, most } => {
                    if let Some((Operand::Number(least), inclusive)) = least {
                        from = from.max(*least as Millis + Millis::from(!inclusive));
                    }
                    if let Some((Operand::Number(most), inclusive)) = most {
                        to = to.min((*most as Millis).saturating_add(Millis::from(*inclusive)));
                    }
                }
                Test::Equal { any_of, negated: false } => {
                    if let [Operand::Number(only)] = any_of.as_slice() {
                        (from, to) = (from.max(*only as Millis), to.min(*only as Millis + 1));
                    }
                }
                _ => {}
            }
        }
        (from, to)
    };
    match groups {
        [] => (0, Millis::MAX),
        groups => groups
            .iter()
            .map(of_group)
            .fold((Millis::MAX, 0), |(from, to), (least, most)| (from.min(least), to.max(most))),
    }
}

fn matches(object_type: &ObjectType, search: &Search, object: &Object) -> bool {
    let in_groups = search.groups.is_empty()
        || search.groups.iter().any(|group| group.iter().all(|filter| filter.matches(object_type, object)));
    in_groups
        && (search.query.is_empty()
            || object.stored_all().iter().any(|(_, value)| value.to_lowercase().contains(&search.query)))
}

impl Filter {
    /// Whether [`bounds`] says all that the filter does.
    fn is_bound(&self, object_type: &ObjectType) -> bool {
        let numeric = |side: &Option<(Operand, bool)>| {
            side.as_ref().is_none_or(|(operand, _)| matches!(operand, Operand::Number(_)))
        };
        self.property == object_type.changed
            && match &self.test {
                Test::Between { least, most } => numeric(least) && numeric(most),
                Test::Equal { any_of, negated: false } => matches!(any_of.as_slice(), [Operand::Number(_)]),
                _ => false,
            }
    }

    fn matches(&self, object_type: &ObjectType, object: &Object) -> bool {
        if let Test::Contains { token, negated } = &self.test {
            let Some(value) = object.value(object_type, &self.property) else { return false };
            let value = value.to_lowercase();
            let found = match (token.strip_prefix('*'), token.strip_suffix('*')) {
                (Some(rest), _) => value.contains(rest.trim_end_matches('*')),
                (_, Some(start)) => tokens(&value).any(|word| word.starts_with(start)),
                _ => value == *token || tokens(&value).any(|word| word == token),
            };
            return found != *negated;
        }
        let value = operand_of(object_type, object, &self.property);
        match &self.test {
            Test::Has(wanted) => value.is_some() == *wanted,
            // Believed: what has no value is not unequal to anything.
            Test::Equal { any_of, negated } => value.is_some_and(|value| any_of.contains(&value) != *negated),
            Test::Between { least, most } => value.is_some_and(|value| {
                let above =
                    least.as_ref().is_none_or(|(least, inclusive)| value > *least || (*inclusive && value == *least));
                let below =
                    most.as_ref().is_none_or(|(most, inclusive)| value < *most || (*inclusive && value == *most));
                above && below
            }),
            Test::Contains { .. } => false,
        }
    }
}

fn tokens(value: &str) -> impl Iterator<Item = &str> {
    value.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// A value of an object in the order of its type.
fn operand_of(object_type: &ObjectType, object: &Object, property: &str) -> Option<Operand> {
    if property == "hs_object_id" {
        return Some(Operand::Number(object.id as f64));
    }
    if property == object_type.changed {
        return Some(Operand::Number(object.updated as f64));
    }
    if property == object_type.created {
        return Some(Operand::Number(object.created as f64));
    }
    let value: Cow<'_, str> = object.value(object_type, property)?;
    Some(operand(object_type, property, &value))
}

fn operand(object_type: &ObjectType, property: &str, value: &str) -> Operand {
    let kind = object_type.properties.get(property).map_or("string", |property| property.kind.as_str());
    let number = match kind {
        "date" | "datetime" => parse_time(value).map(|at| at as f64),
        "number" => value.trim().parse().ok(),
        _ => None,
    };
    number.map_or_else(|| Operand::Text(value.to_lowercase()), Operand::Number)
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
