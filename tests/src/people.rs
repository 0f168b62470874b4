//! HubSpot as people use it: objects are made, changed and deleted through its API, whichever resource they belong to.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use hubspot_catalog::{Cms, Crm, Directory, Kind, Resource};
use hubspot_client::{
    Auth, Client, CmsListParams, CmsPath, CreateInput, Filter, ListParams, Object, Operator, ReadParams, SearchParams,
};
use hubspot_emulator::Account;
use serde_json::{Value, json};

use crate::plugin::hubspot_name;
use crate::samples::Sample;

/// Someone with an account: an emulator's, or a real one.
#[derive(Debug)]
pub struct Person {
    client: Client,
    /// The emulator's account, for what HubSpot's API has no way to do.
    emulated: Option<Account>,
    /// What was made, for the cleaning up.
    made: Mutex<Vec<(&'static Resource, String)>>,
    /// By object type, the pipeline that stages are made in.
    pipelines: Mutex<BTreeMap<&'static str, String>>,
}

impl Person {
    /// Someone who uses the account of this token at `url`.
    ///
    /// # Errors
    /// When the URL is none that a token may be sent to.
    pub fn new(url: &str, token: &str, emulated: Option<Account>) -> Result<Self> {
        let client = Client::builder(Auth::token(token)).base_url(url).build()?;
        Ok(Self { client, emulated, made: Mutex::default(), pipelines: Mutex::default() })
    }

    /// Whether objects of this resource can be made here at all: feedback submissions come from HubSpot's own surveys.
    pub fn can_make(&self, resource: &Resource) -> bool {
        resource.operations.create || self.emulated.is_some()
    }

    /// How objects of a resource are made here.
    ///
    /// # Errors
    /// When HubSpot refuses to tell a type's properties, or none of them will do.
    pub async fn sample(&self, resource: &Resource) -> Result<Sample> {
        match (Sample::of(resource), &resource.kind) {
            (Some(sample), _) => Ok(sample),
            (None, Kind::Crm(crm)) => {
                let properties = self.client.properties(crm.object_type).list().await?.results;
                Sample::from_properties(resource, &properties)
            }
            (None, _) => bail!("there is no sample of {}: write one in tests/src/samples.rs", resource.name),
        }
    }

    /// Makes an object of these fields.
    ///
    /// # Errors
    /// When HubSpot refuses, or there is no way.
    pub async fn make(&self, resource: &'static Resource, mut fields: Object) -> Result<String> {
        let id = match (&resource.kind, &self.emulated) {
            (Kind::Directory(Directory::Stages { object_type }), Some(account)) => {
                fields.insert("pipelineId".to_owned(), self.pipeline(account, object_type).into());
                account.create(&hubspot_name(resource), Value::Object(fields))
            }
            (_, Some(account)) if !resource.operations.create => {
                account.create(&hubspot_name(resource), Value::Object(fields))
            }
            (Kind::Crm(crm), _) => text(&self.objects(crm).create(&CreateInput::new(fields)).await?, "id")?,
            (Kind::Cms(cms), _) => {
                let id = text(&self.collection(cms).create(&fields).await?, "id")?;
                if cms.draft {
                    self.collection(cms).publish_draft(&id).await?;
                }
                id
            }
            (Kind::Directory(_), _) => bail!("nobody makes {} here", resource.name),
        };
        self.note(resource, &id);
        Ok(id)
    }

    /// Changes these fields of an object.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub async fn change(&self, resource: &'static Resource, id: &str, fields: Object) -> Result<()> {
        match (&resource.kind, &self.emulated) {
            (_, Some(account)) if !resource.operations.update => {
                account.update(&hubspot_name(resource), id, Value::Object(fields));
            }
            (Kind::Crm(crm), _) => {
                self.objects(crm).update(id, &fields, None).await?;
            }
            (Kind::Cms(cms), _) if cms.draft => {
                self.collection(cms).update_draft(id, &fields).await?;
                self.collection(cms).publish_draft(id).await?;
            }
            (Kind::Cms(cms), _) => {
                self.collection(cms).update(id, &fields).await?;
            }
            (Kind::Directory(_), _) => bail!("nobody changes {} here", resource.name),
        }
        Ok(())
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub async fn delete(&self, resource: &'static Resource, id: &str) -> Result<()> {
        match (&resource.kind, &self.emulated) {
            (_, Some(account)) if !resource.operations.delete => account.archive(&hubspot_name(resource), id),
            (Kind::Crm(crm), _) => self.objects(crm).archive(id).await?,
            (Kind::Cms(cms), _) => self.collection(cms).archive(id).await?,
            (Kind::Directory(_), _) => bail!("nobody deletes {} here", resource.name),
        }
        Ok(())
    }

    /// The text of the object of this id; nothing when there is no such object.
    ///
    /// # Errors
    /// When HubSpot refuses.
    pub async fn text_of(&self, resource: &'static Resource, sample: &Sample, id: &str) -> Result<Option<String>> {
        let found = match &resource.kind {
            Kind::Crm(crm) => {
                let properties = vec![sample.marker.clone()];
                self.objects(crm).read(id, &ReadParams { properties, ..ReadParams::default() }).await
            }
            Kind::Cms(cms) => self.collection(cms).read(id).await,
            Kind::Directory(_) => bail!("nobody writes {}", resource.name),
        };
        match found {
            Ok(object) if gone(&object) => Ok(None),
            Ok(object) => Ok(Some(sample.read(&object)?.to_owned())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The ids of the objects with this text; someone else has made them.
    ///
    /// # Errors
    /// When HubSpot refuses.
    pub async fn find(&self, resource: &'static Resource, sample: &Sample, text: &str) -> Result<Vec<String>> {
        let objects = match &resource.kind {
            Kind::Crm(crm) if self.emulated.is_none() => {
                let filters = vec![Filter::new(&sample.marker, Operator::Eq, text)];
                let properties = vec![sample.marker.clone()];
                self.objects(crm).search(&SearchParams { properties, ..SearchParams::matching(filters) }).await?.results
            }
            _ => self.all(resource, sample).await?,
        };
        let mut ids = Vec::new();
        for object in objects {
            if sample.read(&object).is_ok_and(|found| found == text) {
                let id = self::text(&object, "id")?;
                self.note(resource, &id);
                ids.push(id);
            }
        }
        Ok(ids)
    }

    async fn all(&self, resource: &Resource, sample: &Sample) -> Result<Vec<Object>> {
        let mut objects = Vec::new();
        let mut after = None;
        loop {
            let page = match &resource.kind {
                Kind::Crm(crm) => {
                    let properties = vec![sample.marker.clone()];
                    self.objects(crm).list(&ListParams { after, properties, ..ListParams::default() }).await?
                }
                Kind::Cms(cms) => {
                    self.collection(cms).list(&CmsListParams { after, ..CmsListParams::default() }).await?
                }
                Kind::Directory(_) => bail!("nobody writes {}", resource.name),
            };
            objects.extend(page.results);
            after = page.next;
            if after.is_none() {
                return Ok(objects);
            }
        }
    }

    /// Deletes everything that was made or found here. Gives what could not be deleted, and why.
    pub async fn clean_up(&self) -> Vec<String> {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        let mut left = Vec::new();
        for (resource, id) in made {
            match self.delete(resource, &id).await {
                Ok(()) => {}
                Err(error)
                    if error
                        .downcast_ref::<hubspot_client::Error>()
                        .is_some_and(hubspot_client::Error::is_not_found) => {}
                Err(error) => left.push(format!("{} {id}: {error:#}", resource.name)),
            }
        }
        left
    }

    /// The pipeline that stages of an object type are made in: one of its own, so that nobody else's changes take them along.
    fn pipeline(&self, account: &Account, object_type: &'static str) -> String {
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || account.create(&format!("pipelines/{object_type}"), json!({"label": "For stages"}));
        pipelines.entry(object_type).or_insert_with(made).clone()
    }

    fn note(&self, resource: &'static Resource, id: &str) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push((resource, id.to_owned()));
    }

    fn objects<'a>(&'a self, crm: &'a Crm) -> hubspot_client::Objects<'a> {
        self.client.objects(crm.object_type)
    }

    fn collection<'a>(&'a self, cms: &'a Cms) -> hubspot_client::CmsCollection<'a> {
        self.client.cms(CmsPath { area: cms.area, collection: cms.collection })
    }
}

/// The CMS still answers for an object that was deleted, and says so.
fn gone(object: &Object) -> bool {
    ["archived", "deleted"].iter().any(|field| object.get(*field) == Some(&Value::Bool(true)))
}

fn text(object: &Object, field: &str) -> Result<String> {
    match object.get(field) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => bail!("HubSpot's answer has no {field}: {}", Value::Object(object.clone())),
    }
}
