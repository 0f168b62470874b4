//! The object types whose associations are read, as a person may name them.

use conduit_connector_sdk::Error;
use hubspot_catalog::{CUSTOM_PREFIX, Crm, CustomObject, Kind, RESOURCES, Resource, Selection, find};

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Association {
    /// An object type as it stands in HubSpot's paths.
    Type(String),
    /// A custom object by its name, which the account's schemas have to be asked about.
    Named(Selection),
}

impl Association {
    /// Understands `crm.lineItems`, `lineItems`, `line_items`, `0-8`, `2-123`, `crm.objects.2-123` and `crm.objects.cars`.
    ///
    /// # Errors
    /// When the catalogue has no such object type.
    pub(crate) fn parse(entry: &str) -> Result<Self, Error> {
        let known = RESOURCES.iter().filter_map(object_type).find(|(resource, crm)| {
            let short = resource.name.trim_start_matches("crm.");
            [resource.name, short, crm.object_type, crm.object_type_id].contains(&entry)
        });
        if let Some((_, crm)) = known {
            return Ok(Self::Type(crm.object_type.to_owned()));
        }
        let name = if is_custom_id(entry) { format!("crm.objects.{entry}") } else { entry.to_owned() };
        if name.starts_with(CUSTOM_PREFIX) && !name.contains(['*', '!']) {
            let selection = Selection::parse(&[name]).map_err(|error| refused(&error.to_string()))?;
            let by_id = selection.single().and_then(object_type);
            return Ok(by_id.map_or(Self::Named(selection), |(_, crm)| Self::Type(crm.object_type.to_owned())));
        }
        Err(refused(&unknown(entry)))
    }

    /// Whether the account's schemas have to be asked for it.
    pub(crate) fn needs_schemas(&self) -> bool {
        matches!(self, Self::Named(_))
    }

    /// As it stands in HubSpot's paths.
    ///
    /// # Errors
    /// When the account has no such custom object.
    pub(crate) fn resolve(&self, objects: &[CustomObject]) -> Result<String, Error> {
        match self {
            Self::Type(name) => Ok(name.clone()),
            Self::Named(selection) => {
                let resources = selection.resolve(objects).map_err(|error| refused(&error.to_string()))?;
                let found = resources.into_iter().find_map(object_type);
                found.map(|(_, crm)| crm.object_type_id.to_owned()).ok_or_else(|| refused("no custom object is named"))
            }
        }
    }
}

fn object_type(resource: &'static Resource) -> Option<(&'static Resource, &'static Crm)> {
    match &resource.kind {
        Kind::Crm(crm) => Some((resource, crm)),
        Kind::Cms(_) | Kind::Directory(_) => None,
    }
}

/// HubSpot's ids of custom object types.
fn is_custom_id(entry: &str) -> bool {
    entry
        .strip_prefix("2-")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn refused(why: &str) -> Error {
    Error::new(format!("error validating \"associations\": {why}"))
}

fn unknown(entry: &str) -> String {
    let near = match find(entry) {
        // It is in the catalogue, but no object type.
        Ok(_) => Vec::new(),
        Err(unknown) => unknown.near,
    };
    let nearest = near.into_iter().filter_map(|name| find(name).ok()).find_map(object_type);
    match nearest {
        Some((_, crm)) => format!("{entry:?} is no CRM object type: did you mean {:?}?", crm.object_type),
        None => format!(
            "{entry:?} is no CRM object type; name some such as companies, line_items, or crm.objects.<name> of a custom \
             object, without globs; docs/resources.md lists all"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn car() -> CustomObject {
        let owned = str::to_owned;
        CustomObject { name: owned("cars"), fully_qualified_name: owned("p123_cars"), object_type_id: owned("2-7") }
    }

    #[test]
    fn one_object_type_has_several_names() -> Result<(), Error> {
        for (entry, object_type) in [
            ("companies", "companies"),
            ("crm.companies", "companies"),
            ("0-2", "companies"),
            ("crm.lineItems", "line_items"),
            ("line_items", "line_items"),
            ("lineItems", "line_items"),
            ("0-8", "line_items"),
            ("2-123", "2-123"),
            ("crm.objects.2-123", "2-123"),
        ] {
            let association = Association::parse(entry)?;
            assert!(!association.needs_schemas(), "{entry}");
            assert_eq!(association.resolve(&[])?, object_type, "{entry}");
        }
        Ok(())
    }

    #[test]
    fn custom_objects_are_looked_up_by_their_names() -> Result<(), Error> {
        for entry in ["crm.objects.cars", "crm.objects.p123_cars"] {
            let association = Association::parse(entry)?;
            assert!(association.needs_schemas(), "{entry}");
            assert_eq!(association.resolve(&[car()])?, "2-7", "{entry}");
        }
        let error = Association::parse("crm.objects.boats")?.resolve(&[car()]).map_err(|error| error.to_string());
        let said = "error validating \"associations\": \"crm.objects.boats\" is no custom object of the account; its custom \
                    objects are crm.objects.cars";
        assert_eq!(error, Err(said.to_owned()));
        Ok(())
    }

    #[test]
    fn what_is_none_is_said_with_the_nearest_or_with_what_there_is() {
        for (entry, words) in [
            ("contcats", &["\"contcats\"", "did you mean \"contacts\"?"][..]),
            ("crm.line_items", &["did you mean \"line_items\"?"]),
            ("crm.owners", &["\"crm.owners\" is no CRM object type; name some such as companies"]),
            ("cms.blogs.posts", &["\"cms.blogs.posts\" is no CRM object type"]),
            ("crm.*", &["\"crm.*\" is no CRM object type", "crm.objects.<name>"]),
            ("crm.objects.*", &["is no CRM object type"]),
        ] {
            let said = Association::parse(entry).map_err(|error| error.to_string()).unwrap_err();
            assert!(said.starts_with("error validating \"associations\": "), "{said}");
            assert!(words.iter().all(|word| said.contains(word)), "{entry}: {said}");
        }
    }
}
