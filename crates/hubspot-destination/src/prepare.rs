//! What has to be known of a resource before records are written into it, and whether the configuration fits.

use std::sync::Arc;

use hubspot_catalog::{Kind as Family, Resource};

use crate::api::Api;
use crate::config::{Config, Mode};
use crate::definitions::Definitions;
use crate::error::{Failure, Misfit};
use crate::identity::{EMAIL, Rules};
use crate::properties;
use crate::shape::Shaper;

/// A resource that can be written.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub resource: &'static Resource,
    pub rules: Rules,
    /// Of the object type; nothing for the CMS, and where the token may not read them.
    pub definitions: Option<Arc<Definitions>>,
    /// The properties of which no two objects have the same value: first those that the configuration names.
    pub unique: Vec<Arc<str>>,
}

impl Prepared {
    /// Checks the configuration against the definitions, as far as they are known. Pure.
    pub(crate) fn new(
        config: &Config,
        resource: &'static Resource,
        definitions: Option<Arc<Definitions>>,
    ) -> Result<Self, Misfit> {
        let rules = Rules::new(config, resource);
        let known = definitions.as_deref();
        let unique_ones = || known.map_or_else(Vec::new, |known| known.unique().map(str::to_owned).collect());
        if rules.mode == Mode::Upsert {
            if !resource.is_crm() {
                return Err(Misfit::NoUpsert);
            }
            if rules.id_property.is_none() && rules.source_id.is_none() {
                let unique = known.is_some().then(unique_ones);
                return Err(Misfit::NoIdProperty { unique });
            }
        }
        let is_contacts = matches!(&resource.kind, Family::Crm(crm) if crm.object_type == "contacts");
        if let Some(known) = known {
            for property in rules.source_id.iter().chain(&rules.id_property) {
                let definition = known.get(property);
                let is_unique = definition.is_some_and(|definition| definition.unique);
                if is_unique || (is_contacts && **property == *EMAIL) {
                    continue;
                }
                if definition.is_none() && rules.source_id.as_ref() == Some(property) {
                    return Err(Misfit::NoSourceId { property: property.to_string() });
                }
                let (property, exists) = (property.to_string(), definition.is_some());
                return Err(Misfit::NotUnique { property, exists, unique: unique_ones() });
            }
        }
        let mut unique: Vec<Arc<str>> = rules.source_id.iter().chain(&rules.id_property).cloned().collect();
        let defined = known.into_iter().flat_map(Definitions::iter);
        let defined = defined.filter(|definition| definition.unique && !definition.read_only);
        let contacts = is_contacts.then_some(EMAIL);
        for name in defined.map(|definition| &*definition.name).chain(contacts) {
            if !unique.iter().any(|one| **one == *name) {
                unique.push(name.into());
            }
        }
        Ok(Self { resource, rules, definitions, unique })
    }

    /// What shapes payloads for the resource.
    pub(crate) fn shaper<'a>(&'a self, config: &'a Config) -> Shaper<'a> {
        Shaper {
            resource: self.resource,
            definitions: self.definitions.as_deref(),
            read_only: config.read_only,
            unknown: config.unknown,
            create_properties: config.create_properties,
            id_field: config.id_field.as_deref(),
        }
    }
}

/// Why a resource can't be written.
#[derive(Clone, Debug)]
pub(crate) enum Unfit {
    /// The configuration doesn't fit it.
    Misfit(Misfit),
    /// HubSpot couldn't be asked.
    Failure(Failure),
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Misfit(misfit) => Self::Misfit(misfit),
            Unfit::Failure(failure) => failure,
        }
    }
}

/// Reads what there is to know of a resource, and makes the property for the source's ids where that is asked for.
pub(crate) async fn prepare<A: Api>(api: &A, config: &Config, resource: &'static Resource) -> Result<Prepared, Unfit> {
    let definitions = read(api, resource).await.map_err(Unfit::Failure)?;
    let create = config.source_id.as_ref().filter(|source_id| source_id.create);
    if let (Some(source_id), None, true) = (create, &definitions, resource.is_crm()) {
        // Whether it is there can't be seen, and each record would be refused if it isn't.
        return Err(Unfit::Misfit(Misfit::UnreadProperties { property: source_id.property.clone() }));
    }
    let unfit = match Prepared::new(config, resource, definitions.clone()) {
        Ok(prepared) => return Ok(prepared),
        Err(unfit) => unfit,
    };
    let (Some(source_id), Some(definitions), Misfit::NoSourceId { .. }) = (create, definitions, &unfit) else {
        return Err(Unfit::Misfit(unfit));
    };
    let property = properties::for_source_ids(&source_id.property, &definitions);
    properties::make(api, resource, &property).await.map_err(Unfit::Failure)?;
    let definitions = read(api, resource).await.map_err(Unfit::Failure)?;
    Prepared::new(config, resource, definitions).map_err(Unfit::Misfit)
}

/// The definitions; nothing where there are none, or where the token may not read them.
pub(crate) async fn read<A: Api>(api: &A, resource: &'static Resource) -> Result<Option<Arc<Definitions>>, Failure> {
    if !resource.is_crm() {
        return Ok(None);
    }
    match api.properties(resource).await {
        Ok(list) => Ok(Some(Arc::new(Definitions::new(list)))),
        Err(Failure::Denied(refusal)) if refusal.status == 403 => {
            tracing::warn!(
                resource = resource.name,
                "the token may not read what properties there are, so values are sent as they are, and HubSpot checks them"
            );
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use hubspot_client::Property;
    use serde_json::json;

    use super::*;
    use crate::config::{IdProperties, SourceId};

    fn definitions() -> Arc<Definitions> {
        let list = json!([
            {"name": "name", "type": "string", "fieldType": "text"},
            {"name": "sku", "type": "string", "fieldType": "text", "hasUniqueValue": true},
            {"name": "hs_own", "type": "string", "fieldType": "text", "hasUniqueValue": true, "calculated": true},
        ]);
        Arc::new(Definitions::new(serde_json::from_value::<Vec<Property>>(list).unwrap()))
    }

    fn prepared(resource: &str, change: impl FnOnce(&mut Config)) -> Result<Prepared, Misfit> {
        let resource = hubspot_catalog::find(resource).unwrap();
        let mut config = Config::for_resource(resource);
        change(&mut config);
        Prepared::new(&config, resource, resource.is_crm().then(definitions))
    }

    #[test]
    fn an_id_property_has_to_be_unique() {
        let by = |property: &str| prepared("crm.products", |config| config.id_properties = IdProperties::all(property));
        assert!(by("sku").is_ok());
        let error = by("name").unwrap_err().to_string();
        assert!(error.contains("several objects") && error.ends_with("the unique ones are hs_own, sku"), "{error}");
        assert!(by("nmae").unwrap_err().to_string().contains("isn't a property of theirs"));
    }

    #[test]
    fn upserting_takes_a_unique_property() {
        let upsert = |resource: &str| prepared(resource, |config| config.mode = Mode::Upsert);
        assert!(upsert("crm.contacts").is_ok());
        assert!(upsert("crm.products").unwrap_err().to_string().contains("hs_own, sku"));
        assert_eq!(upsert("cms.blogs.tags").unwrap_err(), Misfit::NoUpsert);
    }

    #[test]
    fn a_property_for_source_ids_has_to_be_there_and_unique() {
        let by = |property: &str| {
            let source_id = SourceId { property: property.to_owned(), create: false };
            prepared("crm.products", |config| config.source_id = Some(source_id))
        };
        assert!(by("sku").is_ok());
        assert!(matches!(by("source_id"), Err(Misfit::NoSourceId { .. })));
        assert!(matches!(by("name"), Err(Misfit::NotUnique { .. })));
    }

    #[test]
    fn what_the_configuration_names_comes_first_and_what_hubspot_sets_is_left_out() {
        let unique = |prepared: Prepared| prepared.unique.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(unique(prepared("crm.contacts", |_| {}).unwrap()), ["sku", "email"]);
        let by_email = prepared("crm.contacts", |config| config.id_properties = IdProperties::all("email"));
        assert_eq!(unique(by_email.unwrap()), ["email", "sku"]);
        assert!(unique(prepared("cms.blogs.tags", |_| {}).unwrap()).is_empty());
    }
}
