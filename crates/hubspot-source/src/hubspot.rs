//! The real HubSpot: the engine's requests as calls of the client.

use hubspot_catalog::{Cms, Crm};
use hubspot_client::{Client, CmsListParams, CmsPath, Filter, ListParams, Object, Operator, Page, SearchParams};

use crate::ask::{CmsListRequest, Comparison, ListRequest, Request, Response, SearchRequest};
use crate::driver::Api;
use crate::item::Item;

/// HubSpot, reached through a client.
#[derive(Debug)]
pub(crate) struct HubSpot {
    client: Client,
}

impl HubSpot {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Api for HubSpot {
    async fn answer(&self, request: Request) -> Result<Response, hubspot_client::Error> {
        let client = &self.client;
        match request {
            Request::List(crm, list) => crm_list(client, &crm, list).await,
            Request::Search(crm, search) => crm_search(client, &crm, search).await,
            Request::CmsList(cms, list) => cms_list(client, &cms, list).await,
        }
    }
}

async fn crm_list(client: &Client, crm: &Crm, list: ListRequest) -> Result<Response, hubspot_client::Error> {
    let ListRequest { after, limit, archived, properties } = list;
    let params = ListParams { after, limit, archived, properties, ..ListParams::default() };
    client.objects(crm.object_type).list(&params).await.map(response)
}

async fn crm_search(client: &Client, crm: &Crm, search: SearchRequest) -> Result<Response, hubspot_client::Error> {
    let SearchRequest { filters, sort, limit, properties } = search;
    let filters = filters
        .into_iter()
        .map(|filter| Filter {
            property: filter.property,
            operator: operator(filter.operator),
            value: filter.value.to_string(),
        })
        .collect();
    let params = SearchParams { filters, sort: Some(sort), limit, properties, ..SearchParams::default() };
    client.objects(crm.object_type).search(&params).await.map(response)
}

fn operator(comparison: Comparison) -> Operator {
    match comparison {
        Comparison::Equal => Operator::Eq,
        Comparison::Greater => Operator::Gt,
        Comparison::GreaterOrEqual => Operator::Gte,
        Comparison::Less => Operator::Lt,
    }
}

async fn cms_list(client: &Client, cms: &Cms, list: CmsListRequest) -> Result<Response, hubspot_client::Error> {
    let CmsListRequest { after, limit, sort, created_after, created_before, updated_after, updated_before, archived } =
        list;
    let sort = sort.map(str::to_owned);
    let params =
        CmsListParams { limit, after, sort, created_after, created_before, updated_after, updated_before, archived };
    client.cms(CmsPath { area: cms.area, collection: cms.collection }).list(&params).await.map(response)
}

fn response(page: Page<Object>) -> Response {
    let Page { results, next, total, date, .. } = page;
    let date = date.map(|date| date.timestamp_millis());
    Response { items: results.into_iter().map(Item::new).collect(), next, total, date }
}
