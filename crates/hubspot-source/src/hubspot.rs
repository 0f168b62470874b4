//! The real HubSpot: the engine's requests as calls of the client.

use hubspot_catalog::{Cms, Crm, Directory};
use hubspot_client::{
    AssociationsInput, BatchError, BatchReadInput, Client, CmsListParams, CmsPath, Error, Filter, ListParams, Object,
    OneLine, Operator, OwnersParams, Page, Quota, SearchParams,
};

use crate::ask::{
    Associated, AssociationsRequest, BatchReadRequest, CmsListRequest, Comparison, DirectoryRequest, ListRequest,
    Request, Response, SearchRequest,
};
use crate::driver::Api;
use crate::item::{Item, ItemId};

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
    async fn answer(&self, request: Request) -> Result<Response, Error> {
        let client = &self.client;
        match request {
            Request::List(crm, list) => crm_list(client, &crm, list).await,
            Request::Search(crm, search) => crm_search(client, &crm, search).await,
            Request::CmsList(cms, list) => cms_list(client, &cms, list).await,
            Request::Properties(crm) => {
                let page = client.properties(crm.object_type).list().await?;
                let date = page.date.map(|date| date.timestamp_millis());
                Ok(Response { definitions: page.results, date, ..Response::default() })
            }
            Request::BatchRead(crm, read) => batch_read(client, &crm, read).await,
            Request::Associations(crm, associations) => read_associations(client, &crm, associations).await,
            Request::Directory(directory, list) => directory_list(client, directory, list).await,
        }
    }

    fn quota(&self) -> Quota {
        self.client.quota()
    }

    fn retries(&self) -> u64 {
        self.client.stats().retries
    }
}

async fn crm_list(client: &Client, crm: &Crm, list: ListRequest) -> Result<Response, Error> {
    let ListRequest { after, limit, archived, properties } = list;
    let params = ListParams { after, limit, archived, properties, ..ListParams::default() };
    client.objects(crm.object_type).list(&params).await.map(response)
}

async fn crm_search(client: &Client, crm: &Crm, search: SearchRequest) -> Result<Response, Error> {
    let SearchRequest { groups, sort, descending, limit, properties } = search;
    let filter = |filter: crate::ask::Filter| Filter {
        property: filter.property,
        operator: operator(filter.operator),
        value: filter.value.to_string(),
    };
    let groups = groups.into_iter().map(|group| group.into_iter().map(filter).collect()).collect();
    let params = SearchParams { groups, sort: Some(sort), descending, limit, properties, ..SearchParams::default() };
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

async fn cms_list(client: &Client, cms: &Cms, list: CmsListRequest) -> Result<Response, Error> {
    let CmsListRequest { after, limit, sort, created_after, created_before, updated_after, updated_before, archived } =
        list;
    let sort = sort.map(str::to_owned);
    let params =
        CmsListParams { limit, after, sort, created_after, created_before, updated_after, updated_before, archived };
    client.cms(CmsPath { area: cms.area, collection: cms.collection }).list(&params).await.map(response)
}

async fn batch_read(client: &Client, crm: &Crm, read: BatchReadRequest) -> Result<Response, Error> {
    let BatchReadRequest { ids, properties, history, archived } = read;
    let ids = ids.iter().map(ItemId::to_string).collect();
    let input = BatchReadInput { ids, properties, properties_with_history: history, archived, id_property: None };
    let outcome = client.objects(crm.object_type).batch_read(&input).await?;
    let date = outcome.date.map(|date| date.timestamp_millis());
    let refusal = refusal(&outcome.errors);
    Ok(Response { items: outcome.results.into_iter().map(Item::new).collect(), date, refusal, ..Response::default() })
}

async fn read_associations(client: &Client, crm: &Crm, request: AssociationsRequest) -> Result<Response, Error> {
    let AssociationsRequest { to, of } = request;
    let inputs: Vec<_> = of.into_iter().map(|(id, after)| AssociationsInput { id: id.to_string(), after }).collect();
    let page = client.associations(crm.object_type, &to).batch_read(&inputs).await?;
    let date = page.date.map(|date| date.timestamp_millis());
    let refusal = refusal(&page.errors);
    let associations = page.results.into_iter().map(|result| Associated {
        of: ItemId::from(result.from.as_str()),
        to: result.to,
        next: result.next,
    });
    Ok(Response { associations: associations.collect(), date, refusal, ..Response::default() })
}

/// Why HubSpot says nothing of an object, if it is for another reason than that there is nothing. By its documents it says
/// `OBJECT_NOT_FOUND`; that objects without associations are told so, or with a word of their own, is believed.
fn refusal(errors: &[BatchError]) -> Option<String> {
    let is_absence = |text: &str| text.contains("NOT_FOUND") || text.contains("NO_ASSOCIATIONS");
    let refused = errors
        .iter()
        .find(|error| !is_absence(&error.category) && !error.sub_category.as_deref().is_some_and(is_absence))?;
    Some(OneLine(&format!("{}: {}", refused.category, refused.message)).to_string())
}

async fn directory_list(client: &Client, directory: Directory, list: DirectoryRequest) -> Result<Response, Error> {
    let DirectoryRequest { after, archived } = list;
    let page = match directory {
        Directory::Owners => client.owners().list(&OwnersParams { after, archived, ..OwnersParams::default() }).await?,
        Directory::Pipelines { object_type } => client.pipelines(object_type).list().await?,
        Directory::Stages { object_type } => stages(client.pipelines(object_type).list().await?),
        _ => Page::default(),
    };
    Ok(response(page))
}

/// The stages of all pipelines of a page, each with the `pipelineId` of its own.
fn stages(mut pipelines: Page<Object>) -> Page<Object> {
    let mut stages = Vec::new();
    for mut pipeline in std::mem::take(&mut pipelines.results) {
        let id = pipeline.remove("id").unwrap_or_default();
        let Some(serde_json::Value::Array(of_pipeline)) = pipeline.remove("stages") else { continue };
        for stage in of_pipeline {
            if let serde_json::Value::Object(mut stage) = stage {
                stage.insert("pipelineId".to_owned(), id.clone());
                stages.push(stage);
            }
        }
    }
    pipelines.results = stages;
    pipelines
}

fn response(page: Page<Object>) -> Response {
    let Page { results, next, total, date, .. } = page;
    let date = date.map(|date| date.timestamp_millis());
    let items = results.into_iter().map(Item::new).collect();
    Response { items, next, total, date, ..Response::default() }
}
