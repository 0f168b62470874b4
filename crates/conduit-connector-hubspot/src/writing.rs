//! From the destination's parameters to what the engine writes: checked together, and as far as it goes before HubSpot is asked.
//!
//! What only HubSpot knows (which properties are unique, which custom objects there are) is checked when the destination opens.

use conduit_connector_sdk::{Error, ResultExt};
use hubspot_catalog::{CUSTOM_PREFIX, Resource, find};
use hubspot_destination::{
    Associations, Config, Deletes, IdProperties, Mode, OnMissing, RESERVED_PREFIXES, ReadOnly, Routing, RoutingError,
    SourceId, Unknown,
};

use crate::DestinationConfig;

/// What these parameters ask for.
///
/// # Errors
/// When one of them can't be understood, or they don't go together.
pub(crate) fn writing(given: &DestinationConfig) -> Result<Config, Error> {
    let routing = routing(&given.resource, &given.resource_map)?;
    let mut config = Config::new(routing);
    config.mode = given.mode.parse().context("error validating \"mode\"")?;
    config.id_properties = given.id_property.parse().context("error validating \"idProperty\"")?;
    config.id_field = filled(&given.id_field);
    config.deletes = given.deletes.parse().context("error validating \"deletes\"")?;
    config.on_missing = given.on_missing.parse().context("error validating \"onMissing\"")?;
    config.coalesce = given.coalesce;
    config.read_only = given.read_only.parse().context("error validating \"readOnly\"")?;
    config.unknown = given.unknown.parse().context("error validating \"unknown\"")?;
    config.create_properties = given.create_properties;
    config.source_id = source_id(&given.source_id_property, given.source_id_create)?;
    config.associations = given.associations.parse().context("error validating \"associations\"")?;
    config.hubdb_publish = given.hubdb_publish;
    config.max_in_flight = given.max_in_flight as usize;

    id_properties(&config.id_properties, &config.routing)?;
    go_together(&config, given)?;
    if config.routing.is_fixed()
        && config.deletes == Deletes::Gdpr
        && !config.routing.as_fixed().is_some_and(Resource::has_gdpr_delete)
    {
        return Err(Error::new(format!(
            "\"deletes: gdpr\": HubSpot deletes contacts alone for good, and everything is written into {}; give archive or ignore",
            config.routing
        )));
    }
    if let Some(resource) = config.routing.as_fixed().filter(|resource| !resource.is_crm()) {
        fits_cms(&config, given, resource.name)?;
    }
    Ok(config)
}

fn routing(resource: &str, map: &str) -> Result<Routing, Error> {
    // What is wrong with the resource is wrong without a map, too.
    Routing::parse(resource, "").context("error validating \"resource\"")?;
    Routing::parse(resource, map).map_err(|error| match error {
        RoutingError::NothingToMap(resource) => Error::new(format!(
            "\"resourceMap\" has nothing to map: \"resource\" is {resource} for every record; leave the map out, or give a template \
             such as {{{{ index .Metadata \"opencdc.collection\" }}}} as \"resource\""
        )),
        error => Error::new(format!("error validating \"resourceMap\": {error}")),
    })
}

fn source_id(property: &str, create: bool) -> Result<Option<SourceId>, Error> {
    let Some(property) = filled(property) else {
        return if create {
            Err(Error::new("\"sourceId.create\" needs the name of the property to make: give \"sourceId.property\""))
        } else {
            Ok(None)
        };
    };
    let invalid = |why: String| Err(Error::new(format!("error validating \"sourceId.property\": {why}")));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !property.starts_with(|c: char| c.is_ascii_lowercase()) || !property.chars().all(plain) {
        return invalid(format!(
            "{property:?} can't be the name of a property: lower-case letters, digits and underscores, a letter first"
        ));
    }
    if let Some(prefix) = RESERVED_PREFIXES.iter().find(|prefix| create && property.starts_with(*prefix)) {
        return invalid(format!("{property:?} can't be made: names that begin with {prefix} are HubSpot's own"));
    }
    Ok(Some(SourceId { property, create }))
}

/// Whether each resource that has a property of its own is one that records can go to.
fn id_properties(properties: &IdProperties, routing: &Routing) -> Result<(), Error> {
    let fixed = routing.is_fixed().then(|| routing.to_string());
    for name in properties.resources() {
        if let Some(fixed) = fixed.as_ref().filter(|fixed| *fixed != name) {
            return Err(Error::new(format!(
                "error validating \"idProperty\": it has a property for {name}, but everything is written into {fixed}; name \
                 the property alone, or {fixed}=<property>"
            )));
        }
        if name.starts_with(CUSTOM_PREFIX) {
            continue;
        }
        let resource = find(name).context("error validating \"idProperty\"")?;
        if !resource.is_crm() || !resource.operations.any() {
            return Err(Error::new(format!(
                "error validating \"idProperty\": {name} has no unique properties that objects could be found by; CRM objects that \
                 can be written have, such as crm.contacts"
            )));
        }
    }
    Ok(())
}

/// Whether the parameters go together, whatever the resource.
fn go_together(config: &Config, given: &DestinationConfig) -> Result<(), Error> {
    if config.mode == Mode::Insert && config.on_missing == OnMissing::Create {
        return Err(Error::new(
            "\"onMissing: create\" makes the objects that updates don't find, and with \"mode: insert\" there are no updates; leave one \
             of them out",
        ));
    }
    if let Some(other) = [("idProperty", &given.id_property), ("id.field", &given.id_field)]
        .into_iter()
        .find_map(|(name, value)| (config.source_id.is_some() && filled(value).is_some()).then_some(name))
    {
        return Err(Error::new(format!(
            "\"sourceId.property\" and {other:?} exclude each other: both say by what objects are found; give one or the other"
        )));
    }
    Ok(())
}

/// Whether they mean something for the one resource that everything goes to, which is one of the CMS.
fn fits_cms(config: &Config, given: &DestinationConfig, name: &str) -> Result<(), Error> {
    let for_crm = [
        ("idProperty", filled(&given.id_property).is_some()),
        ("readOnly: error", config.read_only == ReadOnly::Error),
        ("unknown: drop", config.unknown == Unknown::Drop),
        ("createProperties", config.create_properties),
        ("sourceId.property", config.source_id.is_some()),
        ("associations: ignore", config.associations == Associations::Ignore),
    ];
    let for_crm = for_crm.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| format!("\"{name}\""));
    let for_crm: Vec<_> = for_crm.collect();
    if !for_crm.is_empty() {
        return Err(Error::new(format!(
            "{}: for CRM objects only, such as crm.contacts, and everything is written into {name}; leave out what is for them",
            for_crm.join(", ")
        )));
    }
    if config.mode == Mode::Upsert {
        return Err(Error::new(format!(
            "\"mode: upsert\": HubSpot has no upsert for {name}; give auto, update or insert"
        )));
    }
    Ok(())
}

/// What was given, if it isn't blank.
fn filled(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
