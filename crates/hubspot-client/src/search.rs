//! Searching CRM objects.

use serde_json::{Map, Value, json};

/// The most results that HubSpot puts on a page of a search.
pub const SEARCH_LIMIT: u32 = 200;

/// What to search for: groups of filters, and one sort.
///
/// HubSpot's search is eventually consistent, and gives 10,000 results a query at most.
///
/// ```
/// use hubspot_client::{Filter, Operator, SearchParams};
///
/// let filters = vec![Filter::new("lastmodifieddate", Operator::Gte, "1774000000000")];
/// let newest_first = SearchParams {
///     sort: Some("lastmodifieddate".into()),
///     descending: true,
///     ..SearchParams::matching(filters)
/// };
/// # assert_eq!(newest_first.groups.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchParams {
    /// Groups of filters: a result matches all filters of at least one group. At most six groups, six filters a group, 18 in all. No group
    /// at all, or one without filters, matches every object.
    pub groups: Vec<Vec<Filter>>,
    /// The property to sort by.
    pub sort: Option<String>,
    /// Whether the sort is descending.
    pub descending: bool,
    /// Results a page, at most 200.
    pub limit: u32,
    /// The cursor of a page that follows: an offset into the live index.
    pub after: Option<String>,
    /// Properties to ask for; empty means the type's default ones.
    pub properties: Vec<String>,
    /// Free text, at most 3,000 characters.
    pub query: Option<String>,
}

impl Default for SearchParams {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            sort: None,
            descending: false,
            limit: SEARCH_LIMIT,
            after: None,
            properties: Vec::new(),
            query: None,
        }
    }
}

impl SearchParams {
    /// A search for what matches all of these filters.
    pub fn matching(filters: Vec<Filter>) -> Self {
        Self { groups: vec![filters], ..Self::default() }
    }

    pub(crate) fn to_body(&self) -> Value {
        // HubSpot refuses a group without filters. It would match everything, and so does the search as a whole then.
        let all = self.groups.iter().any(Vec::is_empty);
        let groups: Vec<_> = if all { &[] } else { &self.groups[..] }
            .iter()
            .map(|group| json!({"filters": group.iter().map(Filter::to_body).collect::<Vec<_>>()}))
            .collect();
        let direction = if self.descending { "DESCENDING" } else { "ASCENDING" };
        let sorts: Vec<_> =
            self.sort.iter().map(|property| json!({"propertyName": property, "direction": direction})).collect();
        let mut body = json!({
            "filterGroups": groups,
            "sorts": sorts,
            "properties": self.properties,
            "limit": self.limit,
            "after": self.after.as_deref().unwrap_or("0"),
        });
        if let Some(query) = &self.query {
            body["query"] = Value::String(query.clone());
        }
        body
    }
}

/// One condition of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The property's internal name.
    pub property: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what: dates are milliseconds since the epoch. Not looked at where the operator carries its values, or needs none.
    pub value: String,
}

impl Filter {
    /// A condition on a property.
    pub fn new(property: impl Into<String>, operator: Operator, value: impl Into<String>) -> Self {
        Self { property: property.into(), operator, value: value.into() }
    }

    fn to_body(&self) -> Value {
        let mut body = Map::new();
        body.insert("propertyName".to_owned(), json!(self.property));
        body.insert("operator".to_owned(), json!(self.operator.as_str()));
        match &self.operator {
            Operator::In(values) | Operator::NotIn(values) => {
                body.insert("values".to_owned(), json!(values));
            }
            Operator::Between { high } => {
                body.insert("value".to_owned(), json!(self.value));
                body.insert("highValue".to_owned(), json!(high));
            }
            Operator::HasProperty | Operator::NotHasProperty => {}
            _ => {
                body.insert("value".to_owned(), json!(self.value));
            }
        }
        Value::Object(body)
    }
}

/// HubSpot's comparisons.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operator {
    /// `EQ`
    Eq,
    /// `NEQ`
    Neq,
    /// `LT`
    Lt,
    /// `LTE`
    Lte,
    /// `GT`
    Gt,
    /// `GTE`
    Gte,
    /// `BETWEEN` the filter's value and this one, both included.
    Between {
        /// The upper bound.
        high: String,
    },
    /// `IN` these values.
    In(Vec<String>),
    /// `NOT_IN` these values.
    NotIn(Vec<String>),
    /// `HAS_PROPERTY`: any value.
    HasProperty,
    /// `NOT_HAS_PROPERTY`: no value.
    NotHasProperty,
    /// `CONTAINS_TOKEN`
    ContainsToken,
    /// `NOT_CONTAINS_TOKEN`
    NotContainsToken,
}

impl Operator {
    /// HubSpot's word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Eq => "EQ",
            Self::Neq => "NEQ",
            Self::Lt => "LT",
            Self::Lte => "LTE",
            Self::Gt => "GT",
            Self::Gte => "GTE",
            Self::Between { .. } => "BETWEEN",
            Self::In(_) => "IN",
            Self::NotIn(_) => "NOT_IN",
            Self::HasProperty => "HAS_PROPERTY",
            Self::NotHasProperty => "NOT_HAS_PROPERTY",
            Self::ContainsToken => "CONTAINS_TOKEN",
            Self::NotContainsToken => "NOT_CONTAINS_TOKEN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_hubspots() {
        let filters = vec![
            Filter::new("lastmodifieddate", Operator::Gte, "1700000000000"),
            Filter::new("stage", Operator::In(vec!["a".to_owned(), "b".to_owned()]), ""),
            Filter::new("amount", Operator::Between { high: "9".to_owned() }, "1"),
            Filter::new("email", Operator::HasProperty, ""),
        ];
        let params = SearchParams {
            sort: Some("lastmodifieddate".to_owned()),
            properties: vec!["email".to_owned()],
            ..SearchParams::matching(filters)
        };
        assert_eq!(
            params.to_body(),
            json!({
                "filterGroups": [{"filters": [
                    {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1700000000000"},
                    {"propertyName": "stage", "operator": "IN", "values": ["a", "b"]},
                    {"propertyName": "amount", "operator": "BETWEEN", "value": "1", "highValue": "9"},
                    {"propertyName": "email", "operator": "HAS_PROPERTY"},
                ]}],
                "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
                "properties": ["email"],
                "limit": 200,
                "after": "0",
            })
        );
        assert_eq!(SearchParams::default().to_body()["filterGroups"], json!([]));
    }

    #[test]
    fn a_result_matches_one_of_the_groups_and_a_group_without_filters_matches_all() {
        let filter = |property: &str| Filter::new(property, Operator::Eq, "1");
        let params = SearchParams {
            groups: vec![vec![filter("a"), filter("b")], vec![filter("c")]],
            sort: Some("c".to_owned()),
            descending: true,
            ..SearchParams::default()
        };
        let body = params.to_body();
        assert_eq!(body["filterGroups"].as_array().unwrap().len(), 2);
        assert_eq!(body["filterGroups"][0]["filters"].as_array().unwrap().len(), 2);
        assert_eq!(
            body["filterGroups"][1],
            json!({"filters": [{"propertyName": "c", "operator": "EQ", "value": "1"}]})
        );
        assert_eq!(body["sorts"], json!([{"propertyName": "c", "direction": "DESCENDING"}]));
        for groups in [vec![vec![]], vec![vec![filter("a")], vec![]]] {
            assert_eq!(SearchParams { groups, ..SearchParams::default() }.to_body()["filterGroups"], json!([]));
        }
    }
}
