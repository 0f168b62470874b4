//! Looking a resource up by its name.

use thiserror::Error;

use crate::{RESOURCES, Resource};

/// There is no resource of that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("unknown resource {name:?}: {}", suggestion(near))]
pub struct UnknownResource {
    /// The name that was asked for.
    pub name: String,
    /// The names in the catalogue that come near, the nearest first; three at most.
    pub near: Vec<&'static str>,
}

fn suggestion(near: &[&str]) -> String {
    let quoted: Vec<_> = near.iter().map(|name| format!("{name:?}")).collect();
    match &quoted[..] {
        [] => "names are such as crm.contacts and cms.blogs.posts, and crm.objects.<name> of a custom object; \
               docs/resources.md lists all"
            .to_owned(),
        [nearest] => format!("did you mean {nearest}?"),
        [others @ .., last] => format!("did you mean {} or {last}?", others.join(", ")),
    }
}

/// The resource of that name. Names are case-sensitive, as in the Go connector.
///
/// # Errors
/// When the catalogue has none of that name; the error offers those that come near.
pub fn find(name: &str) -> Result<&'static Resource, UnknownResource> {
    RESOURCES
        .iter()
        .find(|resource| resource.name == name)
        .ok_or_else(|| UnknownResource { name: name.to_owned(), near: near(name) })
}

/// All names, in the catalogue's order.
pub fn names() -> impl Iterator<Item = &'static str> {
    RESOURCES.iter().map(|resource| resource.name)
}

/// Below this likeness a suggestion would be a guess.
const ALIKE: f64 = 0.75;

/// More suggestions than this are a list to read.
const SUGGESTIONS: usize = 3;

fn near(name: &str) -> Vec<&'static str> {
    let asked = name.to_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        // People leave the family out ("contacts"), so the last part counts as much as the whole.
        let last = candidate.rsplit('.').next().unwrap_or(&candidate);
        strsim::normalized_damerau_levenshtein(&asked, &candidate)
            .max(strsim::normalized_damerau_levenshtein(asked.rsplit('.').next().unwrap_or(&asked), last))
    };
    let mut near: Vec<_> =
        names().map(|candidate| (likeness(candidate), candidate)).filter(|(likeness, _)| *likeness >= ALIKE).collect();
    // Stable: of those that are as near, the first of the catalogue stays first.
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.truncate(SUGGESTIONS);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Directory, Kind};

    #[test]
    fn every_name_finds_its_own_resource_once() {
        for name in names() {
            assert_eq!(find(name).unwrap().name, name);
            assert_eq!(names().filter(|other| *other == name).count(), 1, "{name} stands twice");
        }
    }

    #[test]
    fn the_nearest_name_is_offered_first_and_nothing_where_none_is_near() {
        for (asked, nearest) in [
            ("crm.contcats", Some("crm.contacts")),
            ("contacts", Some("crm.contacts")),
            ("deals", Some("crm.deals")),
            ("crm.Contacts", Some("crm.contacts")),
            ("crm.line_items", Some("crm.lineItems")),
            ("cms.blog.posts", Some("cms.blogs.posts")),
            ("zebra", None),
        ] {
            let near = find(asked).unwrap_err().near;
            assert_eq!(near.first().copied(), nearest, "asked for {asked}");
            assert!(near.len() <= SUGGESTIONS, "{near:?}");
        }
    }

    #[test]
    fn the_error_is_short_and_offers_what_comes_near() {
        for (asked, said) in [
            ("crm.contcats", "unknown resource \"crm.contcats\": did you mean \"crm.contacts\"?"),
            (
                "deals",
                "unknown resource \"deals\": did you mean \"crm.deals\", \"crm.pipelines.deals\" or \"crm.stages.deals\"?",
            ),
            (
                "zebra",
                "unknown resource \"zebra\": names are such as crm.contacts and cms.blogs.posts, and crm.objects.<name> of a \
                 custom object; docs/resources.md lists all",
            ),
        ] {
            assert_eq!(find(asked).unwrap_err().to_string(), said);
        }
    }

    #[test]
    fn object_types_are_there_once_and_have_the_pipelines_and_stages_that_stand_beside_them() {
        let crm: Vec<_> = RESOURCES
            .iter()
            .filter_map(|resource| match &resource.kind {
                Kind::Crm(crm) => Some((resource, crm)),
                Kind::Cms(_) | Kind::Directory(_) => None,
            })
            .collect();
        let types: BTreeSet<_> = crm.iter().flat_map(|(_, crm)| [crm.object_type, crm.object_type_id]).collect();
        assert_eq!(types.len(), 2 * crm.len(), "a type or an id stands twice");

        for resource in RESOURCES {
            assert!(!resource.read_scopes.is_empty(), "{}", resource.name);
            let (object_type, other) = match &resource.kind {
                Kind::Directory(Directory::Pipelines { object_type }) => (object_type, "stages"),
                Kind::Directory(Directory::Stages { object_type }) => (object_type, "pipelines"),
                Kind::Directory(Directory::Owners) | Kind::Crm(_) | Kind::Cms(_) => continue,
            };
            assert!(!resource.operations.any(), "{}", resource.name);
            let last = resource.name.rsplit('.').next().unwrap();
            assert!(find(&format!("crm.{other}.{last}")).is_ok(), "{}", resource.name);
            let (of, crm) = crm.iter().find(|(_, crm)| crm.object_type == *object_type).unwrap();
            assert_eq!((of.name.rsplit('.').next().unwrap(), crm.object_type), (last, *object_type));
        }
    }

    /// The twenty of the Go connector v0.1.0, which pipelines name.
    #[test]
    fn the_resources_of_the_go_connector_are_all_here() {
        let go = [
            "cms.blogs.authors",
            "cms.blogs.posts",
            "cms.blogs.tags",
            "cms.pages.landing",
            "cms.pages.site",
            "cms.hubdb.tables",
            "cms.urlRedirects",
            "crm.companies",
            "crm.contacts",
            "crm.deals",
            "crm.feedbackSubmissions",
            "crm.lineItems",
            "crm.products",
            "crm.tickets",
            "crm.quotes",
            "crm.calls",
            "crm.emails",
            "crm.meetings",
            "crm.notes",
            "crm.tasks",
        ];
        for name in go {
            assert!(find(name).is_ok(), "{name} is missing");
        }
    }
}
