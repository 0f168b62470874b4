//! Which resources a list of names, globs and exclusions means.

use thiserror::Error;

use crate::custom::CUSTOM_PREFIX;
use crate::pattern::Pattern;
use crate::{CustomObject, RESOURCES, Resource, UnknownResource, custom};

/// A choice of resources, as the `resource` parameter's list makes it.
///
/// An entry is a name (`crm.contacts`), a glob (`crm.*`; `*` stands for any characters, so `crm.*` has `crm.pipelines.deals`, too) or, with
/// `!` in front, the exclusion of what it names (`!crm.pipelines.*`), wherever in the list it stands. Custom objects are
/// `crm.objects.<name>`, by name, fully qualified name, object type id or glob.
///
/// ```
/// use hubspot_catalog::{CustomObject, Selection};
///
/// let list = ["crm.con*", "crm.objects.*", "!crm.objects.boats"].map(str::to_owned);
/// let selection = Selection::parse(&list)?;
/// assert!(selection.needs_schemas());
///
/// let object = |name: &str, id: &str| CustomObject {
///     name: name.to_owned(),
///     fully_qualified_name: format!("p123_{name}"),
///     object_type_id: id.to_owned(),
/// };
/// let resources = selection.resolve(&[object("cars", "2-7"), object("boats", "2-8")])?;
/// let names: Vec<_> = resources.iter().map(|resource| resource.name).collect();
/// assert_eq!(names, ["crm.contacts", "crm.objects.cars"]);
/// # Ok::<(), hubspot_catalog::SelectionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    included: Vec<Entry>,
    excluded: Vec<Entry>,
}

/// An entry, as it was written and as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    text: String,
    pattern: Pattern,
}

/// A list that makes no choice of resources.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// An entry is the name of no resource.
    #[error(transparent)]
    Unknown(#[from] UnknownResource),
    /// There is no entry.
    #[error("no resource is named: name one, such as crm.contacts, or several by a glob, such as crm.*")]
    Empty,
    /// All entries are exclusions.
    #[error("all entries exclude resources and none names any: put `*` in front of them to mean all others")]
    OnlyExclusions,
    /// A glob names no resource.
    #[error("{glob:?} names no resource{}", custom_objects(known.as_deref()))]
    NothingMatches {
        /// The glob.
        glob: String,
        /// The account's custom objects, where they were looked up.
        known: Option<Vec<String>>,
    },
    /// An exclusion names nothing that the other entries name.
    #[error("{exclusion:?} excludes nothing that is named beside it: leave it out, or see whether it is misspelt")]
    NothingExcluded {
        /// The exclusion, with its `!`.
        exclusion: String,
    },
    /// The exclusions leave nothing.
    #[error("no resource is left: the exclusions name all that the other entries name")]
    EverythingExcluded,
    /// The account has no such custom object.
    #[error("{name:?} is no custom object of the account{}", custom_objects(Some(known)))]
    UnknownCustomObject {
        /// The entry.
        name: String,
        /// The account's custom objects.
        known: Vec<String>,
    },
}

fn custom_objects(known: Option<&[String]>) -> String {
    match known {
        None => String::new(),
        Some([]) => "; the account has no custom objects, or the token may not see them".to_owned(),
        Some(known) => format!("; its custom objects are {}", known.join(", ")),
    }
}

impl Selection {
    /// Reads the list. Space around an entry and empty entries don't count.
    ///
    /// # Errors
    /// [`SelectionError`], as far as it can be told without the account's custom objects.
    pub fn parse(list: &[String]) -> Result<Self, SelectionError> {
        let mut selection = Self { included: Vec::new(), excluded: Vec::new() };
        for text in list.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            let (entries, name) = match text.strip_prefix('!') {
                Some(name) => (&mut selection.excluded, name.trim()),
                None => (&mut selection.included, text),
            };
            entries.push(Entry { text: text.to_owned(), pattern: Pattern::parse(name)? });
        }
        match (selection.included.is_empty(), selection.excluded.is_empty()) {
            (true, true) => return Err(SelectionError::Empty),
            (true, false) => return Err(SelectionError::OnlyExclusions),
            (false, _) => {}
        }
        selection.choose(None)?;
        Ok(selection)
    }

    /// Whether the account's custom objects have to be looked up before [`resolve`](Self::resolve). Who names them by their object type id
    /// alone needs no look-up, and no scope for it.
    pub fn needs_schemas(&self) -> bool {
        let by_id = |entry: &Entry| matches!(entry.pattern, Pattern::Id(_));
        let may = |entry: &&Entry| entry.pattern.may_name_custom();
        let mut included = self.included.iter().filter(may);
        let mut excluded = self.excluded.iter().filter(may);
        included.clone().any(|entry| !by_id(entry))
            || (included.next().is_some() && excluded.any(|entry| !by_id(entry)))
    }

    /// The one resource that the list is the plain name of, where it takes no look-up: the way things are with a single `crm.contacts`.
    pub fn single(&self) -> Option<&'static Resource> {
        match (&self.included[..], &self.excluded[..]) {
            ([Entry { pattern: Pattern::Listed(resource), .. }], []) => Some(resource),
            ([Entry { pattern: Pattern::Id(id), .. }], []) => Some(custom(id, id)),
            _ => None,
        }
    }

    /// The resources, each once: those of the catalogue in its order, then custom objects by name.
    ///
    /// `objects` are the account's custom objects; none are needed where [`needs_schemas`](Self::needs_schemas) says so. A custom object
    /// is called by its schema's name however it was asked for, except by its id: then it keeps the id.
    ///
    /// # Errors
    /// When an entry names nothing, an exclusion excludes nothing, or nothing is left.
    pub fn resolve(&self, objects: &[CustomObject]) -> Result<Vec<&'static Resource>, SelectionError> {
        self.choose(Some(objects))
    }

    /// Without the account's custom objects (`None`) entries that may name some are given the benefit of the doubt.
    fn choose(&self, objects: Option<&[CustomObject]>) -> Result<Vec<&'static Resource>, SelectionError> {
        let known = objects.map(|objects| self.with_named_by_id(objects));
        let names = |entry: &Entry, objects: &[CustomObject]| {
            RESOURCES.iter().any(|resource| entry.pattern.names(resource))
                || objects.iter().any(|object| entry.pattern.names_custom(object))
        };
        for entry in &self.included {
            match &known {
                None if entry.pattern.may_name_custom() => {}
                known if names(entry, known.as_deref().unwrap_or_default()) => {}
                _ => return Err(nothing(entry, objects)),
            }
        }

        let included = |pattern: &dyn Fn(&Pattern) -> bool| self.included.iter().any(|entry| pattern(&entry.pattern));
        let mut excludes = vec![false; self.excluded.len()];
        let mut remains = |pattern: &dyn Fn(&Pattern) -> bool| {
            let mut remains = true;
            for (entry, excludes) in self.excluded.iter().zip(&mut excludes) {
                if pattern(&entry.pattern) {
                    (*excludes, remains) = (true, false);
                }
            }
            remains
        };
        let mut chosen: Vec<&'static Resource> = RESOURCES
            .iter()
            .filter(|resource| included(&|pattern| pattern.names(resource)))
            .filter(|resource| remains(&|pattern| pattern.names(resource)))
            .collect();
        let mut custom_ones: Vec<_> = known
            .iter()
            .flatten()
            .filter(|object| included(&|pattern| pattern.names_custom(object)))
            .filter(|object| remains(&|pattern| pattern.names_custom(object)))
            .map(|object| self.called(object, known.as_deref().unwrap_or_default()))
            .collect();
        custom_ones.sort_unstable_by_key(|resource| resource.name);
        custom_ones.dedup();
        chosen.extend(custom_ones);

        let custom_wanted = included(&Pattern::may_name_custom);
        let custom_in_doubt = objects.is_none() && custom_wanted;
        for (entry, excludes) in self.excluded.iter().zip(excludes) {
            // An account may have no custom objects; a glob that leaves them out is right all the same.
            let in_doubt = custom_in_doubt || (custom_wanted && matches!(entry.pattern, Pattern::Glob(_)));
            let may = in_doubt && entry.pattern.may_name_custom();
            if !(excludes || may) {
                return Err(SelectionError::NothingExcluded { exclusion: entry.text.clone() });
            }
        }
        if chosen.is_empty() && !custom_in_doubt {
            return Err(SelectionError::EverythingExcluded);
        }
        Ok(chosen)
    }

    /// The account's objects, and those that are named by id when nobody had to look the account's up.
    fn with_named_by_id(&self, objects: &[CustomObject]) -> Vec<CustomObject> {
        let mut objects = objects.to_vec();
        if !self.needs_schemas() {
            for entry in &self.included {
                if let Pattern::Id(id) = &entry.pattern
                    && !objects.iter().any(|object| object.object_type_id == *id)
                {
                    objects.push(CustomObject { object_type_id: id.clone(), ..CustomObject::default() });
                }
            }
        }
        objects
    }

    /// The resource of a custom object. Should two of the account's have one name, the fully qualified one tells them apart.
    fn called(&self, object: &CustomObject, all: &[CustomObject]) -> &'static Resource {
        let CustomObject { name, fully_qualified_name, object_type_id: id } = object;
        let by_id = self.included.iter().any(|entry| matches!(&entry.pattern, Pattern::Id(named) if named == id));
        let shared = || all.iter().any(|other| other.name == *name && other.object_type_id != *id);
        let name = if by_id {
            id
        } else if shared() {
            fully_qualified_name
        } else {
            name
        };
        custom(name, id)
    }
}

/// An entry that names nothing.
fn nothing(entry: &Entry, objects: Option<&[CustomObject]>) -> SelectionError {
    let known = objects.map(|objects| {
        let mut known: Vec<_> = objects.iter().map(|object| format!("{CUSTOM_PREFIX}{}", object.name)).collect();
        known.sort_unstable();
        known
    });
    match entry.pattern {
        Pattern::Glob(_) => SelectionError::NothingMatches { glob: entry.text.clone(), known },
        _ => SelectionError::UnknownCustomObject { name: entry.text.clone(), known: known.unwrap_or_default() },
    }
}

#[cfg(test)]
mod tests;
