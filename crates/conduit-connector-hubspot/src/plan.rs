//! From the source's parameters to what the engine reads: checked together, and as far as it goes before HubSpot is asked.

use std::time::Duration;

use conduit_connector_sdk::{Error, ResultExt};
use hubspot_catalog::{CUSTOM_PREFIX, CustomObject, Resource, Selection};
use hubspot_client::Client;
use hubspot_source::{Config, OnForbidden, Properties, Values, forbidden};

use crate::SourceConfig;
use crate::associations::Association;
use crate::custom_objects::{custom_objects, looking_up};

/// What goes over all objects again and again does so at this interval at the most often.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// What asks for news does so at this interval at the most often.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);

/// HubSpot lists what was archived for this long.
const ARCHIVED_FOR: Duration = Duration::from_hours(90 * 24);

/// What a source is to read, before custom objects are looked up.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    selection: Selection,
    /// The entries that need no look-up of custom objects: what is left to read where these may not be looked up.
    others: Vec<String>,
    associations: Vec<Association>,
    /// Without resources and associations, which are the above.
    reading: Config,
    /// The parameters that were given and mean something for CRM objects only.
    for_crm: Vec<&'static str>,
}

impl Plan {
    /// What these parameters ask for.
    ///
    /// # Errors
    /// When one of them can't be understood, or they don't go together.
    pub(crate) fn new(config: &SourceConfig) -> Result<Self, Error> {
        let selection = Selection::parse(&config.resource)?;
        let properties = Properties::parse(config.properties.split(',')).context("error validating \"properties\"")?;
        let extra_properties = names(&config.extra_properties).context("error validating \"extraProperties\"")?;
        let associations = config.associations.iter().map(|entry| Association::parse(entry));
        let associations = associations.collect::<Result<Vec<_>, _>>()?;
        if config.associations_refresh > Duration::ZERO && associations.is_empty() {
            return Err(Error::new(
                "\"associations.refresh\" needs \"associations\": name the object types whose associations are read, or \
                 leave it out",
            ));
        }
        period("pollingPeriod", config.polling_period)?;
        period("deletes.interval", config.deletes_interval)?;
        if config.deletes_interval > ARCHIVED_FOR {
            return Err(Error::new(
                "error validating \"deletes.interval\": HubSpot lists what was archived for 90 days, so deletions would be \
                 lost; give at most 2160h",
            ));
        }

        let mut reading = Config::new([]);
        reading.on_forbidden = if config.on_forbidden == "skip" { OnForbidden::Skip } else { OnForbidden::Fail };
        reading.page_size = config.buffer_size;
        reading.properties = properties;
        reading.extra_properties = extra_properties;
        reading.values = if config.values == "typed" { Values::Typed } else { Values::Strings };
        reading.before = config.before == "history";
        reading.associations_refresh = interval("associations.refresh", config.associations_refresh)?;
        reading.calculated_refresh = interval("refresh.calculated", config.calculated_refresh)?;
        reading.audit_interval = interval("audit.interval", config.audit_interval)?;
        reading.snapshot = config.snapshot;
        reading.polling_period = config.polling_period;
        reading.lag = config.settle_lag;
        reading.deletes_interval = config.deletes_interval;
        reading.deletes_payload = config.deletes_payload;

        let for_crm = [
            ("properties", !reading.properties.is_default()),
            ("values", reading.values == Values::Typed),
            ("before", reading.before),
            ("associations", !associations.is_empty()),
            ("refresh.calculated", reading.calculated_refresh.is_some()),
            ("audit.interval", reading.audit_interval.is_some()),
            ("deletes.payload", reading.deletes_payload),
        ];
        let for_crm = for_crm.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect();
        // Those that are named by their id need no look-up.
        let of_others = |entry: &&String| {
            let object = entry.trim_start_matches(['!', ' ']).strip_prefix(CUSTOM_PREFIX);
            object.is_none_or(|object| object.starts_with("2-"))
        };
        let others = config.resource.iter().filter(of_others).cloned().collect();
        let plan = Self { selection, others, associations, reading, for_crm };
        if !plan.selection.needs_schemas() {
            plan.fits(&plan.selection.resolve(&[])?)?;
        }
        Ok(plan)
    }

    /// How the engine reads; looks custom objects up where some may be meant.
    ///
    /// # Errors
    /// When HubSpot refuses to list the custom objects, or has none of a name.
    pub(crate) async fn resolve(&self, client: &Client) -> Result<Config, Error> {
        let by_name = self.associations.iter().any(Association::needs_schemas);
        if !by_name && !self.selection.needs_schemas() {
            return self.with(&self.selection, &[]);
        }
        match custom_objects(client).await {
            Ok(objects) => self.with(&self.selection, &objects),
            Err(error) if self.reading.on_forbidden == OnForbidden::Skip && is_forbidden(&error) => {
                let Ok(others) = Selection::parse(&self.others) else { return Err(looking_up(error)) };
                tracing::warn!(%error, "HubSpot forbids looking up the account's custom objects: they are left out");
                let associations = self.associations.iter().filter(|association| !association.needs_schemas());
                Self { associations: associations.cloned().collect(), ..self.clone() }.with(&others, &[])
            }
            Err(error) if is_forbidden(&error) => Err(self.with_others_forbidden(client, looking_up(error)).await),
            Err(error) => Err(looking_up(error)),
        }
    }

    /// Custom objects may not be looked up: what else HubSpot forbids is said with it, so that a token is mended once.
    async fn with_others_forbidden(&self, client: &Client, error: Error) -> Error {
        let others = Selection::parse(&self.others).and_then(|others| others.resolve(&[])).unwrap_or_default();
        let refusals = forbidden(client.clone(), &others).await;
        if refusals.is_empty() {
            return error;
        }
        let others = refusals.iter().map(|refusal| format!("{} ({})", refusal.resource, refusal.scopes.join(", ")));
        let others: Vec<_> = others.collect();
        Error::new(format!("{error}; HubSpot also forbids reading {}", others.join(", ")))
    }

    fn with(&self, selection: &Selection, objects: &[CustomObject]) -> Result<Config, Error> {
        let resources = selection.resolve(objects)?;
        if self.selection.needs_schemas() {
            self.fits(&resources)?;
        }
        let mut reading = self.reading.clone();
        for association in &self.associations {
            let object_type = association.resolve(objects)?;
            if !reading.associations.contains(&object_type) {
                reading.associations.push(object_type);
            }
        }
        reading.resources = resources;
        Ok(reading)
    }

    /// Whether all that was given means something for one of the resources at least.
    fn fits(&self, resources: &[&'static Resource]) -> Result<(), Error> {
        if resources.iter().any(|resource| resource.is_crm()) {
            return Ok(());
        }
        let names = || resources.iter().map(|resource| resource.name).collect::<Vec<_>>().join(", ");
        if !self.for_crm.is_empty() {
            let given: Vec<_> = self.for_crm.iter().map(|name| format!("{name:?}")).collect();
            return Err(Error::new(format!(
                "{}: for CRM objects only, such as crm.contacts, and there are none in {}; leave out what is for them, or \
                 name some in \"resource\"",
                given.join(", "),
                names()
            )));
        }
        // The Go connector took it, too, and ignored it.
        if !self.reading.extra_properties.is_empty() {
            tracing::warn!("extraProperties mean nothing here: {} is no CRM object type", names());
        }
        Ok(())
    }
}

fn is_forbidden(error: &hubspot_client::Error) -> bool {
    matches!(error, hubspot_client::Error::Api(error) if error.status == 403)
}

/// The names of `extraProperties`.
fn names(list: &str) -> Result<Vec<String>, Error> {
    if list.trim().is_empty() {
        return Ok(Vec::new());
    }
    let names = list.split(',').map(|name| property_name(name.trim()));
    names.map(|name| name.map(str::to_owned)).collect()
}

/// A name as HubSpot's search takes it; capitals, which no property's name has, HubSpot ignores.
fn property_name(name: &str) -> Result<&str, Error> {
    if name.is_empty() {
        return Err(Error::new("the list has an empty entry: remove it, or name a property"));
    }
    if name.contains(['*', '?', '!']) {
        return Err(Error::new(format!("{name:?} is no name: globs and exclusions belong in \"properties\"")));
    }
    if let Some(character) = name.chars().find(|character| character.is_whitespace() || character.is_control()) {
        return Err(Error::new(format!(
            "{name:?} is no property: names have no {character:?}; separate names with commas"
        )));
    }
    Ok(name)
}

/// A period that can't be turned off.
fn period(name: &str, period: Duration) -> Result<(), Error> {
    if period >= SHORTEST_PERIOD {
        return Ok(());
    }
    let given = if period.is_zero() { "0s".to_owned() } else { format!("{period:?}") };
    Err(Error::new(format!("error validating {name:?}: {given} is too often; give at least {SHORTEST_PERIOD:?}")))
}

/// An interval that can be turned off.
fn interval(name: &str, interval: Duration) -> Result<Option<Duration>, Error> {
    if !interval.is_zero() && interval < SHORTEST_INTERVAL {
        return Err(Error::new(format!(
            "error validating {name:?}: {interval:?} is too often; give at least {SHORTEST_INTERVAL:?}, or 0s to turn it off"
        )));
    }
    Ok(Some(interval).filter(|interval| !interval.is_zero()))
}

#[cfg(test)]
mod tests;
