//! Which resource a record goes to. Pure.

mod template;

use std::collections::BTreeMap;
use std::fmt;

use hubspot_catalog::{CUSTOM_PREFIX, Resource, UnknownResource, custom, find};
use hubspot_client::OneLine;
use opencdc::Metadata;
use thiserror::Error;

use template::Template;
pub use template::TemplateError;

/// Which resource each record goes to: always the same one, or what a template makes of the record's metadata.
///
/// ```
/// use hubspot_destination::Routing;
///
/// Routing::parse("crm.contacts", "")?;
/// Routing::parse("crm.objects.cars", "")?;
/// Routing::parse(r#"{{ index .Metadata "opencdc.collection" }}"#, "people=crm.contacts,orgs=crm.companies")?;
/// assert!(Routing::parse("crm.contcats", "").is_err());
/// # Ok::<(), hubspot_destination::RoutingError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    route: Route,
    /// From what the template makes to the name of a resource.
    map: BTreeMap<String, Destined>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Route {
    Fixed(Destined),
    Template(Template),
}

/// A resource, or the name of a custom object whose type id only the account knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destined {
    Known(&'static Resource),
    Custom(String),
}

/// The parameters say of no resource where records go.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RoutingError {
    /// There is no resource of that name.
    #[error(transparent)]
    Unknown(#[from] UnknownResource),
    /// The template can't be understood.
    #[error("the resource {text:?} can't be understood: {source}")]
    Template {
        /// The parameter's text.
        text: String,
        /// What is wrong with it.
        #[source]
        source: TemplateError,
    },
    /// A map beside a resource that is always the same.
    #[error(
        "a resource map has nothing to map: the resource {0:?} is always the same; make it a template, such as {{{{ index .Metadata \"opencdc.collection\" }}}}"
    )]
    NothingToMap(String),
    /// An entry of the map isn't of the form `name=resource`.
    #[error("{0:?} isn't of the form name=resource, such as people=crm.contacts")]
    Incomplete(String),
    /// A name stands twice in the map.
    #[error("{0:?} stands twice in the resource map")]
    Twice(String),
    /// HubSpot lets nobody write the resource.
    #[error("{0} can't be written: HubSpot only lets it be read; choose another resource for a destination")]
    NotWritable(String),
}

/// One record can't be routed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError {
    /// The metadata that the template asks for aren't there.
    #[error(
        "the record has no metadata {0:?}, which says the resource that it goes to; set it in the source or by a processor, or name the resource itself in `resource`"
    )]
    NoMetadata(String),
    /// What the template makes is the name of no resource.
    #[error("the record is destined for {name:?}, which is no resource{}; map it by `resourceMap: {}=crm.contacts`, say", near(*.nearest), OneLine(.name))]
    Unknown {
        /// What the template made.
        name: String,
        /// The resource that it is nearest to.
        nearest: Option<&'static str>,
    },
    /// The record is of another resource than the one that all go to.
    #[error(
        "the record is of {}, but everything is written into {fixed}; set `resource: '{{{{ index .Metadata \"opencdc.collection\" }}}}'` to write each record into its own resource",
        OneLine(.found)
    )]
    Other {
        /// Its `opencdc.collection`.
        found: String,
        /// The resource of this destination.
        fixed: String,
    },
    /// The account has no such custom object.
    #[error("the account has no custom object {name:?}{}", list(.known))]
    UnknownCustomObject {
        /// The resource's name.
        name: String,
        /// The custom objects that there are.
        known: Vec<String>,
    },
    /// HubSpot lets nobody write the resource.
    #[error("HubSpot only lets {0} be read; filter its records out, or exclude it from the source")]
    NotWritable(&'static str),
}

fn near(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"))
}

fn list(known: &[String]) -> String {
    match known {
        [] => "; it has none, or the token may not see them".to_owned(),
        known => format!("; there is {}", known.join(", ")),
    }
}

/// The resource of a name, as far as the account needn't be asked.
pub(crate) fn destined(name: &str) -> Result<Destined, UnknownResource> {
    match name.strip_prefix(CUSTOM_PREFIX) {
        Some(id) if is_type_id(id) => Ok(Destined::Known(custom(id, id))),
        Some(object) if !object.is_empty() && !object.contains('*') => Ok(Destined::Custom(name.to_owned())),
        _ => find(name).map(Destined::Known),
    }
}

/// `2-456`: what stands in paths for a custom object.
fn is_type_id(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(portal, number)| digits(portal) && digits(number))
}

impl Routing {
    /// Everything goes to one resource.
    pub fn fixed(resource: &'static Resource) -> Self {
        Self { route: Route::Fixed(Destined::Known(resource)), map: BTreeMap::new() }
    }

    /// Reads the parameters `resource` (a name, or a template over the record's metadata) and `resourceMap` (`people=crm.contacts,…`; may be
    /// empty). Custom objects are `crm.objects.<name>`, or `crm.objects.<type id>` such as `crm.objects.2-456`.
    ///
    /// # Errors
    /// [`RoutingError`], as far as it can be told without asking HubSpot.
    pub fn parse(resource: &str, resource_map: &str) -> Result<Self, RoutingError> {
        let resource = resource.trim();
        let mut map = BTreeMap::new();
        for entry in resource_map.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let Some((name, target)) = entry.split_once('=') else {
                return Err(RoutingError::Incomplete(entry.to_owned()));
            };
            let (name, target) = (name.trim(), target.trim());
            if name.is_empty() || target.is_empty() {
                return Err(RoutingError::Incomplete(entry.to_owned()));
            }
            if map.insert(name.to_owned(), writable(target)?).is_some() {
                return Err(RoutingError::Twice(name.to_owned()));
            }
        }
        if !Template::is_one(resource) {
            let fixed = writable(resource)?;
            if !map.is_empty() {
                return Err(RoutingError::NothingToMap(resource.to_owned()));
            }
            return Ok(Self { route: Route::Fixed(fixed), map });
        }
        let template =
            Template::parse(resource).map_err(|source| RoutingError::Template { text: resource.to_owned(), source })?;
        Ok(Self { route: Route::Template(template), map })
    }

    /// The resources that are known beforehand: the fixed one, or those of the map. Custom objects that are given by name aren't among them.
    pub fn resources(&self) -> impl Iterator<Item = &'static Resource> {
        self.destinations().filter_map(|destined| match destined {
            Destined::Known(resource) => Some(*resource),
            Destined::Custom(_) => None,
        })
    }

    /// The one resource that everything goes to, where that is known already.
    pub fn as_fixed(&self) -> Option<&'static Resource> {
        match &self.route {
            Route::Fixed(Destined::Known(resource)) => Some(resource),
            _ => None,
        }
    }

    /// Whether everything goes to one resource.
    pub fn is_fixed(&self) -> bool {
        matches!(self.route, Route::Fixed(_))
    }

    pub(crate) fn destinations(&self) -> impl Iterator<Item = &Destined> {
        let fixed = match &self.route {
            Route::Fixed(destined) => Some(destined),
            Route::Template(_) => None,
        };
        fixed.into_iter().chain(self.map.values())
    }

    /// Where a record with these metadata goes.
    pub(crate) fn route(&self, metadata: &Metadata) -> Result<Destined, RouteError> {
        let template = match &self.route {
            Route::Fixed(fixed) => return not_of_another(fixed, metadata).map(|()| fixed.clone()),
            Route::Template(template) => template,
        };
        let name = template.render(metadata).map_err(|name| RouteError::NoMetadata(name.to_owned()))?;
        if let Some(destined) = self.map.get(&*name) {
            return Ok(destined.clone());
        }
        match destined(&name) {
            Ok(Destined::Known(resource)) if !resource.operations.any() => Err(RouteError::NotWritable(resource.name)),
            Ok(destined) => Ok(destined),
            Err(unknown) => Err(RouteError::Unknown { nearest: unknown.near.first().copied(), name: unknown.name }),
        }
    }
}

/// What the parameters name must be writable.
fn writable(name: &str) -> Result<Destined, RoutingError> {
    match destined(name)? {
        Destined::Known(resource) if !resource.operations.any() => {
            Err(RoutingError::NotWritable(resource.name.to_owned()))
        }
        destined => Ok(destined),
    }
}

/// Contacts that are written into companies are a mistake of the pipeline's, not a wish.
fn not_of_another(fixed: &Destined, metadata: &Metadata) -> Result<(), RouteError> {
    let Some(collection) = metadata.collection() else { return Ok(()) };
    let name = fixed.name();
    if collection == name {
        return Ok(());
    }
    // Whether one custom object is another, under another name, only the account knows.
    let is_another = match custom_object(collection) {
        Some(_) => custom_object(name).is_none(),
        None => find(collection).is_ok(),
    };
    if is_another { Err(RouteError::Other { found: collection.to_owned(), fixed: name.to_owned() }) } else { Ok(()) }
}

/// The custom object that a resource's name means, where it means one: its name or type id. HubSpot's own types have ids that begin with 0.
pub(crate) fn custom_object(name: &str) -> Option<&str> {
    let object = name.strip_prefix(CUSTOM_PREFIX)?;
    let is_hubspots = is_type_id(object) && object.starts_with("0-");
    (!object.is_empty() && !is_hubspots).then_some(object)
}

impl Destined {
    /// The resource's name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Known(resource) => resource.name,
            Self::Custom(name) => name,
        }
    }

    /// The name of the custom object, without what all such names begin with.
    pub(crate) fn object(name: &str) -> &str {
        name.strip_prefix(CUSTOM_PREFIX).unwrap_or(name)
    }
}

/// The parameter `resource`, as it was given.
impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.route {
            Route::Fixed(destined) => f.write_str(destined.name()),
            Route::Template(template) => write!(f, "{template}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLLECTION: &str = r#"{{ index .Metadata "opencdc.collection" }}"#;

    fn of(collection: &str) -> Metadata {
        [(Metadata::COLLECTION, collection)].into_iter().collect()
    }

    fn name(routing: &Routing, collection: &str) -> Result<String, String> {
        routing.route(&of(collection)).map(|to| to.name().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_fixed_resource_takes_everything_but_records_of_other_known_resources() {
        let routing = Routing::parse("crm.contacts", "").unwrap();
        assert_eq!(routing.route(&Metadata::new()).unwrap().name(), "crm.contacts");
        for collection in ["crm.contacts", "public.people", "contacts"] {
            assert_eq!(name(&routing, collection).unwrap(), "crm.contacts");
        }
        let error = name(&routing, "crm.companies").unwrap_err();
        assert!(name(&routing, "crm.objects.cars").unwrap_err().contains("is of crm.objects.cars"));
        assert_eq!(name(&routing, "crm.objects.0-1").unwrap(), "crm.contacts");
        assert!(error.contains("is of crm.companies") && error.contains("`resource: '{{ index .Metadata"), "{error}");
    }

    #[test]
    fn a_template_and_a_map_route_each_record() {
        let routing = Routing::parse(COLLECTION, "people=crm.contacts, orgs=crm.companies").unwrap();
        assert_eq!(name(&routing, "people").unwrap(), "crm.contacts");
        assert_eq!(name(&routing, "crm.deals").unwrap(), "crm.deals");
        assert_eq!(name(&routing, "crm.objects.2-7").unwrap(), "crm.objects.2-7");
        assert_eq!(name(&routing, "crm.objects.cars").unwrap(), "crm.objects.cars");
        let error = name(&routing, "deals").unwrap_err();
        assert!(error.contains("did you mean \"crm.deals\"") && error.contains("`resourceMap: deals="), "{error}");
        assert!(name(&routing, "crm.owners").unwrap_err().contains("only lets crm.owners be read"));
        let error = routing.route(&Metadata::new()).unwrap_err().to_string();
        assert!(error.contains("no metadata \"opencdc.collection\""), "{error}");
        assert_eq!(
            routing.resources().map(|resource| resource.name).collect::<Vec<_>>(),
            ["crm.companies", "crm.contacts"]
        );

        let around = Routing::parse("crm.{{ index .Metadata \"opencdc.collection\" }}", "").unwrap();
        assert_eq!(name(&around, "deals").unwrap(), "crm.deals");
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let said = |resource: &str, map: &str| Routing::parse(resource, map).unwrap_err().to_string();
        assert!(said("crm.contcats", "").contains("did you mean \"crm.contacts\""));
        assert!(said("crm.owners", "").contains("can't be written"));
        assert!(said("crm.contacts", "a=crm.deals").contains("nothing to map"));
        assert!(said(COLLECTION, "people").contains("name=resource"));
        assert!(said(COLLECTION, "a=crm.deals,a=crm.deals").contains("twice"));
        assert!(said(COLLECTION, "a=crm.dealz").contains("crm.deals"));
        assert!(said("{{ .Position }}", "").contains("can't be understood"));
    }
}
