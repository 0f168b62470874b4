//! What a search finds: the index is walked in the order of changed-times, or of ids, and only where the filters can match.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::filter::{Filter, Operand, operand_of};
use crate::crm::index::Index;
use crate::crm::object::Object;
use crate::definitions::ObjectType;

#[derive(Debug)]
pub(super) struct Search {
    /// One of these has to hold, all filters of it.
    pub(super) groups: Vec<Vec<Filter>>,
    pub(super) sort: Sort,
    pub(super) query: String,
}

#[derive(Debug)]
pub(super) struct Sort {
    pub(super) property: String,
    pub(super) descending: bool,
}

/// A part of the index, by changed-time or by id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    range: Range<i64>,
    /// Whether everything in it matches.
    exact: bool,
}

/// The parts of the index where something can match, in order, no two of them overlapping.
fn parts(groups: &[Vec<Filter>], property: &str, exact: bool) -> Vec<Part> {
    if groups.is_empty() {
        return vec![Part { range: 0..i64::MAX, exact }];
    }
    let of_group = |group: &Vec<Filter>| {
        let mut part = Part { range: 0..i64::MAX, exact };
        for filter in group {
            match filter.bounds(property) {
                Some((range, says_all)) => {
                    part.range = part.range.start.max(range.start)..part.range.end.min(range.end);
                    part.exact &= says_all;
                }
                None => part.exact = false,
            }
        }
        part
    };
    let of_groups: Vec<Part> = groups.iter().map(of_group).filter(|part| !part.range.is_empty()).collect();
    let mut edges: Vec<i64> = of_groups.iter().flat_map(|part| [part.range.start, part.range.end]).collect();
    edges.sort_unstable();
    edges.dedup();
    let between = edges.windows(2).filter_map(|edge| {
        let covers = |part: &&Part| part.range.start <= edge[0] && edge[1] <= part.range.end;
        let mut covering = of_groups.iter().filter(covers).peekable();
        covering.peek()?;
        Some(Part { range: edge[0]..edge[1], exact: covering.any(|part| part.exact) })
    });
    between.collect()
}

/// How many objects match, and a page of them.
pub(super) fn find<'a>(
    index: &'a Index,
    object_type: &ObjectType,
    search: &Search,
    offset: usize,
    limit: usize,
) -> (usize, Vec<&'a Arc<Object>>) {
    let by_change = search.sort.property == object_type.changed;
    let by_id = search.sort.property == "hs_object_id";
    let no_query = search.query.is_empty();
    let of_changes = parts(&search.groups, &object_type.changed, no_query);
    if by_change && of_changes.iter().all(|part| part.exact) {
        let total = of_changes.iter().map(|part| index.changed(part.range.clone()).count()).sum();
        let ids = of_changes.iter().flat_map(|part| index.changed(part.range.clone())).map(|(_, id)| id);
        let page: Vec<u64> = if search.sort.descending {
            ids.rev().skip(offset).take(limit).collect()
        } else {
            ids.skip(offset).take(limit).collect()
        };
        return (total, page.into_iter().filter_map(|id| index.get(id)).collect());
    }
    let walks_by_id = by_id && of_changes.iter().map(|part| &part.range).eq([&(0..i64::MAX)]);
    let of_ids = if walks_by_id { parts(&search.groups, "hs_object_id", no_query) } else { Vec::new() };
    let in_part = |part: &Part| index.by_id(part.range.start as u64..part.range.end as u64);
    if walks_by_id && of_ids.iter().all(|part| part.exact) {
        let whole = |part: &Part| part.range == (0..i64::MAX);
        let count = |part: &Part| if whole(part) { index.len() } else { in_part(part).count() };
        let objects = of_ids.iter().flat_map(in_part);
        let page = if search.sort.descending {
            objects.rev().skip(offset).take(limit).collect()
        } else {
            objects.skip(offset).take(limit).collect()
        };
        return (of_ids.iter().map(count).sum(), page);
    }
    let mut found: Vec<&Arc<Object>> = if walks_by_id {
        let matching = of_ids
            .iter()
            .flat_map(|part| in_part(part).filter(|object| part.exact || matches(object_type, search, object)));
        matching.collect()
    } else {
        let matching = of_changes.iter().flat_map(|part| {
            let objects = index.changed(part.range.clone()).filter_map(|(_, id)| index.get(id));
            objects.filter(|object| part.exact || matches(object_type, search, object))
        });
        matching.collect()
    };
    if !by_change && !walks_by_id {
        sort_by(object_type, &search.sort, &mut found);
    } else if search.sort.descending {
        found.reverse();
    }
    (found.len(), found.into_iter().skip(offset).take(limit).collect())
}

/// An object from just outside the range of changed-times, or of ids, that is asked for.
pub(super) fn outsider<'a>(index: &'a Index, object_type: &ObjectType, search: &Search) -> Option<&'a Arc<Object>> {
    let of_changes = parts(&search.groups, &object_type.changed, true);
    let (first, last) = (of_changes.first()?.range.start, of_changes.last()?.range.end);
    if (first, last) != (0, i64::MAX) {
        let before = index.changed(0..first).next_back();
        let (_, id) = before.or_else(|| index.changed(last..i64::MAX).next())?;
        return index.get(id);
    }
    let of_ids = parts(&search.groups, "hs_object_id", true);
    let (first, last) = (of_ids.first()?.range.start as u64, of_ids.last()?.range.end as u64);
    index.by_id(0..first).next_back().or_else(|| index.by_id(last..i64::MAX as u64).next())
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

fn matches(object_type: &ObjectType, search: &Search, object: &Object) -> bool {
    let in_groups = search.groups.is_empty()
        || search.groups.iter().any(|group| group.iter().all(|filter| filter.matches(object_type, object)));
    in_groups
        && (search.query.is_empty()
            || object.stored_all().iter().any(|(_, value)| value.to_lowercase().contains(&search.query)))
}

#[cfg(test)]
mod tests {
    use super::super::filter::Test;
    use super::*;

    fn between(property: &str, least: i64, most: i64) -> Filter {
        let side = |value: i64| Some((Operand::Number(value as f64), true));
        Filter { property: property.to_owned(), test: Test::Between { least: side(least), most: side(most) } }
    }

    #[test]
    fn parts_are_exact_only_where_no_object_has_to_be_looked_at() {
        let groups = [
            vec![between("changed", 10, 20)],
            vec![between("changed", 15, 30), between("name", 1, 2)],
            vec![between("changed", 50, 60)],
        ];
        let part = |range, exact| Part { range, exact };
        assert_eq!(
            parts(&groups, "changed", true),
            [part(10..15, true), part(15..21, true), part(21..31, false), part(50..61, true)]
        );
        assert_eq!(parts(&groups[1..2], "name", true), [part(1..3, false)]);
        assert_eq!(parts(&[], "changed", true), [part(0..i64::MAX, true)]);
        assert_eq!(parts(&[vec![between("changed", 9, 3)]], "changed", true), []);
    }
}
