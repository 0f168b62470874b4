//! Which unique property identifies the objects of a resource.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use hubspot_catalog::{CUSTOM_PREFIX, Kind, Resource};
use thiserror::Error;

/// The unique properties that objects are identified by: one for all resources, or one for each.
///
/// ```
/// use hubspot_destination::IdProperties;
///
/// let one: IdProperties = "email".parse()?;
/// assert_eq!(one.get("crm.contacts"), Some("email"));
///
/// let each: IdProperties = "crm.contacts=email, crm.companies=domain".parse()?;
/// assert_eq!((each.get("crm.companies"), each.get("crm.deals")), (Some("domain"), None));
/// # Ok::<(), hubspot_destination::IdPropertiesError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdProperties {
    all: Option<String>,
    /// By the resource's name.
    each: BTreeMap<String, String>,
}

/// The text names no properties.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdPropertiesError {
    /// Something is missing on one side of a `=`.
    #[error("{0:?} isn't of the form resource=property, such as crm.contacts=email")]
    Incomplete(String),
    /// A list has an entry without a resource.
    #[error("{0:?} names no resource: give one property for all, or resource=property for each")]
    NoResource(String),
    /// A resource has two properties.
    #[error("{0} has two properties: an object is identified by one")]
    Twice(String),
}

impl IdProperties {
    /// No property: objects are identified by HubSpot's ids.
    pub fn none() -> Self {
        Self::default()
    }

    /// One property for all resources.
    pub fn all(property: impl Into<String>) -> Self {
        Self { all: Some(property.into()), each: BTreeMap::new() }
    }

    /// Sets the property of one resource.
    #[must_use]
    pub fn with(mut self, resource: impl Into<String>, property: impl Into<String>) -> Self {
        self.each.insert(resource.into(), property.into());
        self
    }

    /// The property of a resource, by its name.
    pub fn get(&self, resource: &str) -> Option<&str> {
        self.each.get(resource).or(self.all.as_ref()).map(String::as_str)
    }

    /// The property of a resource, by any of its names: a custom object is also `crm.objects.2-456`, or by its fully qualified name
    /// `crm.objects.p123_cars` (`p`, the account's id, `_`, the schema's name).
    pub(crate) fn of(&self, resource: &Resource) -> Option<&str> {
        let Kind::Crm(crm) = &resource.kind else { return self.get(resource.name) };
        let Some(schema) = resource.name.strip_prefix(CUSTOM_PREFIX) else { return self.get(resource.name) };
        let is_it = |object: &str| object == crm.object_type || unqualified(object) == Some(schema);
        let also = || self.each.iter().find(|(name, _)| name.strip_prefix(CUSTOM_PREFIX).is_some_and(is_it));
        let one = self.each.get(resource.name).or_else(|| also().map(|(_, property)| property));
        one.or(self.all.as_ref()).map(String::as_str)
    }

    /// The resources that have a property of their own.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.each.keys().map(String::as_str)
    }
}

/// The schema's name in a fully qualified one.
fn unqualified(name: &str) -> Option<&str> {
    let (account, schema) = name.strip_prefix('p')?.split_once('_')?;
    (!account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(schema)
}

/// `email`, or `crm.contacts=email,crm.companies=domain`; an empty text is none.
impl FromStr for IdProperties {
    type Err = IdPropertiesError;

    fn from_str(text: &str) -> Result<Self, IdPropertiesError> {
        let mut entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).peekable();
        let Some(first) = entries.next() else { return Ok(Self::none()) };
        if !first.contains('=') && entries.peek().is_none() {
            return Ok(Self::all(first));
        }
        let mut properties = Self::none();
        for entry in std::iter::once(first).chain(entries) {
            let Some((resource, property)) = entry.split_once('=') else {
                return Err(IdPropertiesError::NoResource(entry.to_owned()));
            };
            let (resource, property) = (resource.trim(), property.trim());
            if resource.is_empty() || property.is_empty() || property.contains('=') {
                return Err(IdPropertiesError::Incomplete(entry.to_owned()));
            }
            if properties.each.insert(resource.to_owned(), property.to_owned()).is_some() {
                return Err(IdPropertiesError::Twice(resource.to_owned()));
            }
        }
        Ok(properties)
    }
}

/// As it is parsed.
impl fmt::Display for IdProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.each.iter().map(|(resource, property)| format!("{resource}={property}"));
        let entries: Vec<String> = self.all.clone().into_iter().chain(each).collect();
        f.write_str(&entries.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_for_all_or_one_for_each() {
        let of = |text: &str| text.parse::<IdProperties>();
        assert_eq!(of(" "), Ok(IdProperties::none()));
        assert_eq!(of("email"), Ok(IdProperties::all("email")));
        let each = of("crm.contacts = email,crm.companies=domain,").unwrap();
        assert_eq!(each.to_string(), "crm.companies=domain,crm.contacts=email");
        assert_eq!(of("email,domain"), Err(IdPropertiesError::NoResource("email".into())));
        assert_eq!(of("crm.contacts="), Err(IdPropertiesError::Incomplete("crm.contacts=".into())));
        assert_eq!(of("a=b,a=c"), Err(IdPropertiesError::Twice("a".into())));
    }

    #[test]
    fn a_custom_object_has_several_names() {
        let cars = hubspot_catalog::custom("cars", "2-456");
        let vin = |text: &str| text.parse::<IdProperties>().unwrap().of(cars).map(str::to_owned);
        for name in ["cars", "p123_cars", "2-456"] {
            assert_eq!(vin(&format!("crm.objects.{name}=vin")).as_deref(), Some("vin"), "{name}");
        }
        for name in ["p123_carts", "px_cars", "p_cars", "2-45"] {
            assert_eq!(vin(&format!("crm.objects.{name}=vin")), None, "{name}");
        }
        assert_eq!(vin("crm.objects.p123_cars=other,crm.objects.cars=vin").as_deref(), Some("vin"));
        let contacts = hubspot_catalog::find("crm.contacts").unwrap();
        assert_eq!(IdProperties::all("email").of(contacts), Some("email"));
    }
}
